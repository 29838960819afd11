"""Wrong answers to lab 03 that learners give, as they would write them, and the mistake that each must be told."""

from __future__ import annotations

from tests.course.wrong import Wrong, changed

BUILD = """
def build_pairs(template, personas, beginnings):
    pairs = []
    for beginning in beginnings:
        words = beginning.split()
        for end in range(1, len(words) + 1):
            part = " ".join(words[:end])
            for one, other in personas:
                pairs.append(
                    (
                        template.format(persona=one, beginning=part),
                        template.format(persona=other, beginning=part),
                    )
                )
    return pairs
"""

LEAKS = """
def leaks(positive, negative):
    last, longer, shared = [], [], []
    for one, other in zip(positive, negative):
        last.append(one[-1] != other[-1])
        longer.append(len(one) - len(other))
        shared.append(len(set(one) & set(other)) / len(set(one) | set(other)))
    return {"last": np.mean(last), "longer": np.mean(longer), "shared": np.mean(shared)}
"""

MEAN = """
def directions(positive, negative):
    rows = []
    for layer in range(positive.shape[1]):
        row = positive[:, layer].mean(0) - negative[:, layer].mean(0)
        rows.append(row / row.norm())
    return torch.stack(rows)
"""

PCA = """
def first_component(positive, negative):
    differences = positive - negative
    values, vectors = torch.linalg.eigh(differences.T @ differences)
    direction = vectors[:, -1]
    if (differences @ direction > 0).double().mean() < 0.5:
        direction = -direction
    return direction
"""

HOOK = """
from contextlib import contextmanager


@contextmanager
def adding(module, vector):
    def hook(module, inputs, output):
        if isinstance(output, tuple):
            return (output[0] + vector,) + output[1:]
        return output + vector

    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
"""

ALPHA = """
def bare_factor(states, lengths, strength):
    rows = [row[1:length] for row, length in zip(states, lengths.tolist())]
    return strength * torch.cat(rows).norm(dim=-1).mean()
"""

HELD_OUT = """
def held_out_accuracy(positive, negative, new_positive, new_negative):
    direction = (positive - negative).mean(0)
    along, against = (new_positive * direction).sum(-1), (new_negative * direction).sum(-1)
    return (along > against).double().mean(0)
"""

BOUNDS = """
def bounds(strengths, ratios, limit):
    zero = strengths.index(0.0)
    high = low = zero
    while high + 1 < len(strengths) and ratios[high + 1] <= limit:
        high += 1
    while low > 0 and ratios[low - 1] <= limit:
        low -= 1
    return strengths[low], strengths[high]
"""

COMPOSE = """
def compose(a, b, shift_a, shift_b):
    c = a @ b
    x = (shift_a - c * shift_b) / (1 - c**2)
    y = (shift_b - c * shift_a) / (1 - c**2)
    return x * a + y * b
"""

COHORT = """
def steered_users(users, experiment, share):
    import hashlib

    found = []
    for i, user in enumerate(users):
        digest = hashlib.sha256(f"{experiment}\\0{user}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        found.append(place < share)
    return found
"""

Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8, Q9, Q10 = (f"lab03-q{i}" for i in range(1, 11))

RIGHT = {
    Q1: BUILD,
    Q2: LEAKS,
    Q3: MEAN,
    Q4: PCA,
    Q5: HOOK,
    Q6: ALPHA,
    Q7: HELD_OUT,
    Q8: BOUNDS,
    Q9: COMPOSE,
    Q10: COHORT,
}

_SHARED = "shared.append(len(set(one) & set(other)) / len(set(one) | set(other)))"
_ROW = "row = positive[:, layer].mean(0) - negative[:, layer].mean(0)"
_VOTES = "(differences @ direction > 0).double().mean() < 0.5"
_SAFE = """    try:
        yield
    finally:
        handle.remove()
"""
_FOUND = "found.append(place < share)"
_TEXT = 'f"{experiment}\\0{user}".encode()'
_ALL = "states.norm(dim=-1)"
_TOKENS = "torch.cat(rows).norm(dim=-1).mean()"
_DIRECTION = "direction = (positive - negative).mean(0)"
_AHEAD = "(along > against).double().mean(0)"
_ENDS = "return strengths[low], strengths[high]"
_SUM = "return x * a + y * b"

WRONG: tuple[Wrong, ...] = (
    changed(Q1, "not-cut", BUILD, ("range(1, len(words) + 1)", "[len(words)]")),
    changed(Q1, "whole-left-out", BUILD, ("range(1, len(words) + 1)", "range(1, len(words))")),
    changed(Q1, "swapped", BUILD, ("for one, other in personas", "for other, one in personas")),
    changed(
        Q1,
        "one-persona",
        BUILD,
        ("for beginning in beginnings:", "for number, beginning in enumerate(beginnings):"),
        ("in personas:", "in [personas[number % len(personas)]]:"),
    ),
    changed(
        Q1,
        "other-ending",
        BUILD,
        (
            "    return pairs",
            "    later = pairs[len(personas):] + pairs[:len(personas)]\n"
            "    return [(one[0], other[1]) for one, other in zip(pairs, later)]",
        ),
    ),
    changed(Q2, "share-alike", LEAKS, ("one[-1] != other[-1]", "one[-1] == other[-1]")),
    changed(Q2, "first-token", LEAKS, ("one[-1] != other[-1]", "one[0] != other[0]")),
    changed(Q2, "length-without-sign", LEAKS, ("len(one) - len(other)", "abs(len(one) - len(other))")),
    changed(Q2, "wrong-sign", LEAKS, ("len(one) - len(other)", "len(other) - len(one)")),
    changed(Q2, "of-the-positive", LEAKS, ("len(set(one) | set(other))", "len(set(one))")),
    changed(
        Q2,
        "pooled",
        LEAKS,
        (_SHARED, "pass"),
        (
            "    return {",
            "    one, other = set(sum(positive, [])), set(sum(negative, []))\n"
            "    shared.append(len(one & other) / len(one | other))\n    return {",
        ),
    ),
    changed(Q3, "not-unit", MEAN, ("row / row.norm()", "row")),
    changed(Q3, "wrong-sign", MEAN, (_ROW, "row = negative[:, layer].mean(0) - positive[:, layer].mean(0)")),
    changed(
        Q3,
        "one-length",
        MEAN,
        ("rows.append(row / row.norm())", "rows.append(row)"),
        ("return torch.stack(rows)", "return torch.stack(rows) / torch.stack(rows).norm()"),
    ),
    changed(
        Q3,
        "over-layers",
        MEAN,
        ("positive.shape[1]", "len(positive)"),
        (_ROW, "row = positive[layer].mean(0) - negative[layer].mean(0)"),
    ),
    changed(
        Q3,
        "unit-first",
        MEAN,
        (
            _ROW,
            "gaps = positive[:, layer] - negative[:, layer]\n"
            "        row = (gaps / gaps.norm(dim=-1, keepdim=True)).mean(0)",
        ),
    ),
    changed(Q3, "positive-only", MEAN, (" - negative[:, layer].mean(0)", "")),
    changed(Q4, "centred", PCA, ("differences.T @ differences", "torch.cov(differences.T)")),
    changed(Q4, "sign-by-mean", PCA, (_VOTES, "(differences @ direction).sum() < 0")),
    changed(Q4, "wrong-sign", PCA, ("< 0.5", "> 0.5")),
    changed(Q4, "all-states", PCA, ("differences.T @ differences", "torch.cov(torch.cat([positive, negative]).T)")),
    changed(Q4, "second-component", PCA, ("vectors[:, -1]", "vectors[:, -2]")),
    changed(Q5, "nothing-added", HOOK, ("return output + vector", "output + vector")),
    changed(Q5, "subtracted", HOOK, ("output + vector", "output - vector")),
    changed(
        Q5,
        "tuple",
        HOOK,
        ("        if isinstance(output, tuple):\n            return (output[0] + vector,) + output[1:]\n", ""),
    ),
    changed(Q5, "tuple", HOOK, ("return (output[0] + vector,) + output[1:]", "return output[0] + vector")),
    changed(
        Q5, "in-place", HOOK, ("        return output + vector", "        output += vector\n        return output")
    ),
    changed(Q5, "never-removed", HOOK, (_SAFE, "    yield\n")),
    changed(Q5, "not-after-an-error", HOOK, (_SAFE, "    yield\n    handle.remove()\n")),
    changed(
        Q5, "error-swallowed", HOOK, ("    finally:\n        handle", "    except Exception:\n        pass\n    handle")
    ),
    changed(Q5, "all-hooks-removed", HOOK, ("handle.remove()", "module._forward_hooks.clear()")),
    changed(Q6, "sink-counted", ALPHA, ("row[1:length]", "row[:length]")),
    changed(Q6, "padding-counted", ALPHA, ("row[1:length]", "row[1:]")),
    changed(Q6, "both-counted", ALPHA, (_TOKENS, f"{_ALL}.mean()")),
    changed(Q6, "norm-of-mean", ALPHA, (_TOKENS, "torch.cat(rows).mean(0).norm()")),
    changed(Q6, "mean-of-means", ALPHA, (_TOKENS, "torch.stack([row.norm(dim=-1).mean() for row in rows]).mean()")),
    changed(Q6, "root-mean-square", ALPHA, (_TOKENS, "(torch.cat(rows) ** 2).sum(-1).mean().sqrt()")),
    changed(Q6, "no-strength", ALPHA, ("return strength * ", "return ")),
    changed(
        Q7,
        "trained-on-test",
        HELD_OUT,
        (_DIRECTION, "direction = (torch.cat([positive, new_positive]) - torch.cat([negative, new_negative])).mean(0)"),
    ),
    changed(
        Q7,
        "fitting-pairs",
        HELD_OUT,
        ("(new_positive * direction).sum(-1), (new_negative", "(positive * direction).sum(-1), (negative"),
    ),
    changed(Q7, "fitted-to-new", HELD_OUT, (_DIRECTION, "direction = (new_positive - new_negative).mean(0)")),
    changed(
        Q7,
        "threshold-zero",
        HELD_OUT,
        (_AHEAD, "((along > 0).double().mean(0) + (against < 0).double().mean(0)) / 2"),
    ),
    changed(Q7, "either-sign", HELD_OUT, (_AHEAD, f"torch.maximum({_AHEAD}, (along < against).double().mean(0))")),
    changed(Q7, "reversed", HELD_OUT, ("along > against", "along < against")),
    changed(
        Q8,
        "anywhere",
        BOUNDS,
        (_ENDS, "good = [s for s, r in zip(strengths, ratios) if r <= limit]\n    return min(good), max(good)"),
    ),
    changed(Q8, "one-too-far", BOUNDS, (_ENDS, "return strengths[low - 1], strengths[high + 1]")),
    changed(
        Q8,
        "same-on-both-sides",
        BOUNDS,
        (_ENDS, "end = min(-strengths[low], strengths[high])\n    return -end, end"),
    ),
    changed(
        Q8,
        "larger-on-both-sides",
        BOUNDS,
        (_ENDS, "end = max(-strengths[low], strengths[high])\n    return -end, end"),
    ),
    changed(Q8, "just-the-limit", BOUNDS, ("<= limit", "< limit")),
    changed(Q8, "exchanged", BOUNDS, (_ENDS, "return strengths[high], strengths[low]")),
    changed(Q9, "plain-sum", COMPOSE, (_SUM, "return shift_a * a + shift_b * b")),
    changed(
        Q9,
        "one-corrected",
        COMPOSE,
        (_SUM, "rest = b - c * a\n    return shift_a * a + shift_b * rest / rest.norm()"),
    ),
    changed(Q9, "unit-sum", COMPOSE, (_SUM, "return (x * a + y * b) / (x * a + y * b).norm()")),
    changed(Q9, "swapped", COMPOSE, ("def compose(a, b, shift_a, shift_b)", "def compose(a, b, shift_b, shift_a)")),
    changed(
        Q9,
        "wrong-sign-of-overlap",
        COMPOSE,
        ("shift_a - c * shift_b", "shift_a + c * shift_b"),
        ("shift_b - c * shift_a", "shift_b + c * shift_a"),
    ),
    changed(Q9, "not-divided", COMPOSE, (" / (1 - c**2)", "")),
    changed(Q10, "python-hash", COHORT, ('int.from_bytes(digest[:8], "big")', f"(hash({_TEXT[:-9]}) % 2**64)")),
    changed(Q10, "no-experiment", COHORT, (_TEXT, "user.encode()")),
    changed(Q10, "inverted", COHORT, (_FOUND, "found.append(place >= share)")),
    changed(Q10, "user-first", COHORT, (_TEXT, 'f"{user}\\0{experiment}".encode()')),
    changed(Q10, "by-place", COHORT, (_FOUND, "found.append(i < share * len(users))")),
    changed(Q10, "nothing-between", COHORT, (_TEXT, 'f"{experiment}{user}".encode()')),
    changed(Q10, "little-end-first", COHORT, ('"big"', '"little"')),
)

# Faults that change nothing that can be seen: (exercise, what was changed), and why.
EQUIVALENT: dict[tuple[str, str], str] = {}
