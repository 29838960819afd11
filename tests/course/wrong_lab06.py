"""Wrong answers to lab 06 that learners give, as they would write them, and the mistake that each must be told."""

from __future__ import annotations

from tests.course.wrong import Wrong, changed

MEMIT = """
def memit(missing, keys, moment, weight):
    inside = weight * moment + sum(torch.outer(k, k) for k in keys)
    return missing.T @ keys @ torch.linalg.inv(inside)
"""

SPREAD = """
def spread(wanted, layers, read, solve):
    changes = {}
    left = len(layers)
    for layer in layers:
        keys, states = read(changes, layer)
        missing = wanted - states
        changes[layer] = solve(missing / left, keys, layer)
        left -= 1
    return changes
"""

LOSS = """
def answer_loss(logits, ids, prompt):
    log_p = logits.log_softmax(-1)
    each = [-log_p[t - 1, ids[t]] for t in range(prompt, len(ids))]
    return sum(each) / len(each)
"""

STEP = """
def bounded_step(weight, start, gradient, rate, bound):
    new = weight - rate * gradient
    return torch.clamp(new, start - bound, start + bound)
"""

PLACE = """
def place(keys, radii, answers, key, answer, radius):
    keys, radii, answers = keys.clone(), radii.tolist(), list(answers)
    if len(answers):
        distances = [float((one - key).norm()) for one in keys]
        at = distances.index(min(distances))
        d = distances[at]
        if d <= radii[at] + radius:
            if answers[at] == answer:
                radii[at] = max(radii[at], d)
                return keys, torch.tensor(radii, dtype=key.dtype), answers
            radii[at] = min(radii[at], d / 2 - 1e-5)
            radius = min(radius, d / 2)
    keys = torch.cat([keys, key[None]])
    radii.append(radius)
    answers.append(answer)
    return keys, torch.tensor(radii, dtype=key.dtype), answers
"""

FREE = """
def free_directions(moment, threshold):
    values, vectors = torch.linalg.eigh(moment)
    found = torch.zeros_like(moment)
    for i in range(len(values)):
        if values[i] < threshold:
            found = found + torch.outer(vectors[:, i], vectors[:, i])
    return found
"""

PROTECTED = """
def protected(missing, keys, earlier, onto, penalty):
    k = keys @ onto
    e = earlier @ onto
    inside = k.T @ k + e.T @ e + penalty * torch.eye(len(onto), dtype=keys.dtype)
    return missing.T @ k @ torch.linalg.inv(inside)
"""

HOLDS = """
def holds_until(edits, scores, perplexities, least, before, factor):
    good = [s >= least and p <= factor * before for s, p in zip(scores, perplexities)]
    held = 0
    for i in range(len(edits)):
        if not good[i]:
            return held
        held = edits[i]
    return held
"""

FAILED = """
def failed(cases, at_least):
    bad = []
    for part in at_least:
        leads = [lead for own, lead in cases if own == part]
        if not leads:
            bad.append(part)
            continue
        share = sum(1 for lead in leads if lead > 0) / len(leads)
        if share < at_least[part]:
            bad.append(part)
    return bad
"""

Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8, Q9 = (f"lab06-q{i}" for i in range(1, 10))

RIGHT = {
    Q1: MEMIT,
    Q2: SPREAD,
    Q3: LOSS,
    Q4: STEP,
    Q5: PLACE,
    Q6: FREE,
    Q7: PROTECTED,
    Q8: HOLDS,
    Q9: FAILED,
}

_INSIDE = "weight * moment + sum(torch.outer(k, k) for k in keys)"
_ANSWER = "return missing.T @ keys @ torch.linalg.inv(inside)"
_SOLVED = "solve(missing / left, keys, layer)"
_EACH = "each = [-log_p[t - 1, ids[t]] for t in range(prompt, len(ids))]"
_MEAN = "return sum(each) / len(each)"
_CLAMP = "return torch.clamp(new, start - bound, start + bound)"
_KEPT = "            if answers[at] == answer:\n"
_SHRINK = "radii[at] = min(radii[at], d / 2 - 1e-5)"
_OWN = "radius = min(radius, d / 2)"
_GROWN = "radii[at] = max(radii[at], d)"
_PART = "found = found + torch.outer(vectors[:, i], vectors[:, i])"
_CHANGE = "return missing.T @ k @ torch.linalg.inv(inside)"
_GOOD = "s >= least and p <= factor * before"
_LOOP = """    for i in range(len(edits)):
        if not good[i]:
            return held
        held = edits[i]
    return held
"""
_EMPTY = "        if not leads:\n            bad.append(part)\n            continue\n"
_SHARE = "share = sum(1 for lead in leads if lead > 0) / len(leads)"
_BELOW = "if share < at_least[part]:"

WRONG: tuple[Wrong, ...] = (
    changed(Q1, "no-weight", MEMIT, ("weight * moment", "moment")),
    changed(Q1, "identity", MEMIT, ("weight * moment", "weight * torch.eye(len(moment), dtype=keys.dtype)")),
    changed(Q1, "no-gram", MEMIT, (_INSIDE, "weight * moment")),
    changed(Q1, "gram-averaged", MEMIT, ("for k in keys)", "for k in keys) / len(keys)")),
    changed(Q1, "facts-averaged", MEMIT, (_ANSWER, _ANSWER + " / len(keys)")),
    changed(
        Q1,
        "exact",
        MEMIT,
        (
            _ANSWER,
            "u = torch.linalg.solve(moment, keys.T)\n    return missing.T @ torch.linalg.pinv(keys @ u) @ u.T",
        ),
    ),
    changed(Q1, "not-inverted", MEMIT, ("torch.linalg.inv(inside)", "inside")),
    changed(Q1, "transposed", MEMIT, (_ANSWER, "return torch.linalg.inv(inside) @ keys.T @ missing")),
    changed(Q1, "wrong-sign", MEMIT, (_ANSWER, "return -missing.T @ keys @ torch.linalg.inv(inside)")),
    changed(Q2, "not-read-again", SPREAD, ("read(changes, layer)", "read({}, layer)")),
    changed(Q2, "all-at-once", SPREAD, (_SOLVED, "solve(missing, keys, layer)")),
    changed(Q2, "by-all-layers", SPREAD, ("        left -= 1\n", "")),
    changed(Q2, "one-too-many", SPREAD, ("left = len(layers)", "left = len(layers) + 1")),
    changed(Q2, "from-the-top", SPREAD, ("for layer in layers:", "for layer in layers[::-1]:")),
    changed(
        Q2,
        "last-layer-alone",
        SPREAD,
        (
            f"changes[layer] = {_SOLVED}",
            "whole = solve(missing, keys, layer)\n"
            "        changes[layer] = whole if layer == layers[-1] else torch.zeros_like(whole)",
        ),
    ),
    changed(Q2, "wrong-sign", SPREAD, ("wanted - states", "states - wanted")),
    changed(Q3, "last-position", LOSS, ("log_p[t - 1,", "log_p[prompt - 1,")),
    changed(Q3, "own-position", LOSS, ("log_p[t - 1,", "log_p[t,")),
    changed(Q3, "with-prompt", LOSS, ("range(prompt,", "range(1,")),
    changed(Q3, "first-token", LOSS, (_EACH, "each = [-log_p[prompt - 1, ids[prompt]]]")),
    changed(Q3, "summed", LOSS, (_MEAN, "return sum(each)")),
    changed(
        Q3,
        "mean-of-probabilities",
        LOSS,
        (_MEAN, "return -torch.stack([(-one).exp() for one in each]).mean().log()"),
    ),
    changed(Q3, "no-softmax", LOSS, ("logits.log_softmax(-1)", "logits")),
    changed(Q3, "wrong-sign", LOSS, ("-log_p[", "log_p[")),
    changed(Q4, "around-zero", STEP, (_CLAMP, "return torch.clamp(new, -bound, bound)")),
    changed(Q4, "each-step", STEP, (_CLAMP, "return weight + (new - weight).clamp(-bound, bound)")),
    changed(
        Q4,
        "before-the-step",
        STEP,
        (_CLAMP, "return torch.clamp(weight, start - bound, start + bound) - rate * gradient"),
    ),
    changed(Q4, "not-bounded", STEP, (_CLAMP, "return new")),
    changed(
        Q4,
        "by-length",
        STEP,
        (_CLAMP, "change = new - start\n    return start + change * min(1, bound / change.norm())"),
    ),
    changed(Q4, "from-the-start", STEP, ("new = weight -", "new = start -")),
    changed(Q4, "uphill", STEP, ("weight - rate", "weight + rate")),
    changed(Q5, "mean-of-ids", PLACE, (_KEPT, "            if np.mean(answers[at]) == np.mean(answer):\n")),
    changed(Q5, "always-new", PLACE, ("if len(answers):", "if False:")),
    changed(Q5, "never-shrinks", PLACE, (f"            {_SHRINK}\n", "")),
    changed(Q5, "new-one-whole", PLACE, (f"            {_OWN}\n", "")),
    changed(
        Q5,
        "larger-than-before",
        PLACE,
        (_SHRINK, "radii[at] = d / 2 - 1e-5"),
        (_OWN, "radius = d / 2"),
    ),
    changed(Q5, "own-radius-left-out", PLACE, ("if d <= radii[at] + radius:", "if d <= radii[at]:")),
    changed(Q5, "shrinks-to-the-key", PLACE, (_GROWN, "radii[at] = d")),
    changed(Q5, "first-entry", PLACE, ("at = distances.index(min(distances))", "at = 0")),
    changed(Q6, "known-directions", FREE, ("values[i] < threshold", "values[i] >= threshold")),
    changed(Q6, "relative", FREE, ("values[i] < threshold", "values[i] < threshold * values[-1]")),
    changed(Q6, "roots", FREE, ("values[i] < threshold", "values[i] ** 0.5 < threshold")),
    changed(Q6, "basis", FREE, ("    return found\n", "    return vectors[:, values < threshold]\n")),
    changed(Q6, "part-of-c", FREE, (_PART, _PART.replace("torch.outer", "values[i] * torch.outer"))),
    changed(Q7, "no-earlier", PROTECTED, (" + e.T @ e", "")),
    changed(Q7, "not-projected", PROTECTED, ("k = keys @ onto", "k = keys"), ("e = earlier @ onto", "e = earlier")),
    changed(
        Q7,
        "projected-afterwards",
        PROTECTED,
        ("k = keys @ onto", "k = keys"),
        ("e = earlier @ onto", "e = earlier"),
        (_CHANGE, _CHANGE + " @ onto"),
    ),
    changed(Q7, "earlier-not-projected", PROTECTED, ("e = earlier @ onto", "e = earlier")),
    changed(
        Q7,
        "no-penalty",
        PROTECTED,
        (" + penalty * torch.eye(len(onto), dtype=keys.dtype)", ""),
        ("torch.linalg.inv(inside)", "torch.linalg.pinv(inside, hermitian=True, rtol=1e-9)"),
    ),
    changed(Q7, "transposed", PROTECTED, (_CHANGE, "return torch.linalg.inv(inside) @ k.T @ missing")),
    changed(Q7, "wrong-sign", PROTECTED, ("missing.T @ k", "-missing.T @ k")),
    changed(
        Q8,
        "last-good",
        HOLDS,
        (_LOOP, "    return max([n for n, one in zip(edits, good) if one], default=0)\n"),
    ),
    changed(Q8, "first-bad", HOLDS, ("            return held\n", "            return edits[i]\n")),
    changed(Q8, "score-alone", HOLDS, (_GOOD, "s >= least")),
    changed(Q8, "perplexity-alone", HOLDS, (_GOOD, "p <= factor * before")),
    changed(Q8, "either", HOLDS, (" and ", " or ")),
    changed(Q8, "against-the-first", HOLDS, ("factor * before", "factor * perplexities[0]")),
    changed(Q8, "place", HOLDS, ("held = edits[i]", "held = i + 1")),
    changed(Q9, "pooled", FAILED, ("if own == part]", "]")),
    changed(Q9, "level-holds", FAILED, ("if lead > 0", "if lead >= 0")),
    changed(Q9, "limit-fails", FAILED, (_BELOW, "if share <= at_least[part]:")),
    changed(Q9, "nothing-passes", FAILED, (_EMPTY, "        if not leads:\n            continue\n")),
    changed(
        Q9,
        "mean-lead",
        FAILED,
        (_SHARE, "share = sum(leads) / len(leads)"),
        (_BELOW, "if not share > 0:"),
    ),
    changed(
        Q9,
        "those-that-pass",
        FAILED,
        (_EMPTY, "        if not leads:\n            continue\n"),
        (_BELOW, "if share >= at_least[part]:"),
    ),
)

# Faults that change nothing that can be seen: (exercise, what was changed), and why.
EQUIVALENT: dict[tuple[str, str], str] = {
    (Q3, "without the minus: -1 in rows = logits[prompt - 1 : -1].log_softmax(-1)"): (
        "a matrix has two dimensions: 1 is the last of them"
    ),
    (
        Q8,
        "the other truth: True in for count, score, perplexity in zip(edits, scores, perplexities, strict=True):",
    ): "the three lists have one length in every case",
}
