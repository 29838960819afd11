"""Wrong answers to lab 05 that learners give, as they would write them, and the mistake that each must be told."""

from __future__ import annotations

from tests.course.wrong import Wrong, changed

MEMORY = """
def memory(keys, values):
    return torch.linalg.lstsq(keys, values, driver="gelsd").solution.T
"""

LAST = """
def last_token(spans, start, end):
    holding = [i for i in range(len(spans)) if spans[i][0] < end <= spans[i][1]]
    return holding[0]
"""

KEY = """
def mean_key(model, texts, places, layer):
    rows = []

    def keep(module, inputs):
        rows.append(inputs[0][0, place])

    handle = model.model.layers[layer].mlp.down_proj.register_forward_pre_hook(keep)
    try:
        with torch.no_grad():
            for ids, place in zip(texts, places):
                model(input_ids=torch.tensor([ids]))
    finally:
        handle.remove()
    return torch.stack(rows).mean(0)
"""

LOSS = """
def value_loss(log_p, answer, before, after, delta, v0, kl_factor, decay):
    said = torch.stack([log_p[:, i, token] for i, token in enumerate(answer)])
    kl = torch.nn.functional.kl_div(before, after, log_target=True, reduction="sum")
    return -said.mean() + kl_factor * kl + decay * delta.norm() / (v0 * v0).sum()
"""

DELTA = """
def find_delta(model, texts, places, answer, layer, steps, rate, clamp, decay):
    delta = torch.zeros(model.config.hidden_size, dtype=model.dtype, requires_grad=True)
    adam = torch.optim.Adam([delta], lr=rate)
    seen = []

    def add(module, inputs, output):
        seen.append(output[0, place].detach())
        output = output.clone()
        output[0, place] = output[0, place] + delta
        return output

    handle = model.model.layers[layer].mlp.down_proj.register_forward_hook(add)
    try:
        for _ in range(steps):
            loss = 0
            for ids, place in zip(texts, places):
                text = torch.tensor([ids + answer[:-1]])
                log_p = model(input_ids=text).logits[0].log_softmax(-1)
                for i, token in enumerate(answer):
                    loss = loss - log_p[len(ids) - 1 + i, token] / len(answer) / len(texts)
            size = seen[0].norm()
            loss = loss + decay * delta.norm() / size**2
            delta.grad = torch.autograd.grad(loss, delta)[0]
            adam.step()
            with torch.no_grad():
                if delta.norm() > clamp * size:
                    delta *= clamp * size / delta.norm()
    finally:
        handle.remove()
    return delta.detach()
"""

MOMENT = """
def second_moment(batches):
    rows = []
    for keys, lengths in batches:
        for text, length in zip(keys, lengths):
            rows.append(text[:length].double())
    K = torch.cat(rows)
    return K.T @ K / len(K)
"""

UPDATE = """
def rank_one(moment, key, delta, ridge):
    C = moment.clone()
    for i in range(len(C)):
        C[i, i] += ridge * moment.trace() / len(moment)
    u = torch.linalg.inv(C) @ key
    return delta[:, None] * u / (u * key).sum()
"""

AUDIT = """
def audit(change, key, delta, moment):
    missed = (change @ key - delta).norm() / delta.norm()
    cost = (change @ moment * change).sum()
    least = delta @ delta / (key @ torch.linalg.inv(moment) @ key)
    return missed, cost / least
"""

SCORES = """
def scores(records):
    found = []
    for part in ("fact", "paraphrase", "neighbour"):
        shares = []
        for record in records:
            held = 0
            for wanted, other in record[part]:
                held += sum(wanted) / len(wanted) > sum(other) / len(other)
            shares.append(held / len(record[part]))
        found.append(sum(shares) / len(shares))
    a, b, c = found
    S = 0.0 if min(found) == 0 else 3 / (1 / a + 1 / b + 1 / c)
    return a, b, c, S
"""

EDITED = """
from contextlib import contextmanager


@contextmanager
def edited(module, left, right):
    def change(module, inputs, output):
        return output + torch.outer(inputs[0][0] @ right, left)

    handle = module.register_forward_hook(change)
    try:
        yield
    finally:
        handle.remove()
"""

Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8, Q9, Q10 = (f"lab05-q{i}" for i in range(1, 11))

RIGHT = {
    Q1: MEMORY,
    Q2: LAST,
    Q3: KEY,
    Q4: LOSS,
    Q5: DELTA,
    Q6: MOMENT,
    Q7: UPDATE,
    Q8: AUDIT,
    Q9: SCORES,
    Q10: EDITED,
}

_SOLVED = 'torch.linalg.lstsq(keys, values, driver="gelsd").solution.T'
_HOLDS = "spans[i][0] < end <= spans[i][1]"
_STACKED = "torch.stack(rows).mean(0)"
_TERMS = "-said.mean() + kl_factor * kl + decay * delta.norm() / (v0 * v0).sum()"
_KL = 'torch.nn.functional.kl_div(before, after, log_target=True, reduction="sum")'
_SAID = "len(ids) - 1 + i, token] / len(answer) / len(texts)"
_TOO_LONG = "if delta.norm() > clamp * size:"
_SHORTER = f"                {_TOO_LONG}\n                    delta *= clamp * size / delta.norm()\n"
_REMOVED = "    finally:\n        handle.remove()\n    return"
_NOT_REMOVED = "    finally:\n        pass\n    return"
_MOMENT_END = "K.T @ K / len(K)"
_U = "torch.linalg.inv(C) @ key"
_RIDGE = "ridge * moment.trace() / len(moment)"
_UPDATE_END = "delta[:, None] * u / (u * key).sum()"
_LEAST = "delta @ delta / (key @ torch.linalg.inv(moment) @ key)"
_MISSED = "(change @ key - delta).norm() / delta.norm()"
_HELD = "held += sum(wanted) / len(wanted) > sum(other) / len(other)"
_S = "3 / (1 / a + 1 / b + 1 / c)"
_BLOCK = "    try:\n        yield\n    finally:\n        handle.remove()\n"
# The way that changes the matrix and changes it back.
_IN_PLACE = """
from contextlib import contextmanager


@contextmanager
def edited(module, left, right):
    change = torch.outer(left, right)
    with torch.no_grad():
        module.weight += change
    try:
        yield
    finally:
        with torch.no_grad():
            module.weight -= change
"""

WRONG: tuple[Wrong, ...] = (
    changed(Q1, "summed", MEMORY, (_SOLVED, "values.T @ keys")),
    changed(Q1, "summed-by-length", MEMORY, (_SOLVED, "values.T @ (keys / (keys**2).sum(1)[:, None])")),
    changed(Q1, "mean", MEMORY, (_SOLVED, "values.T @ keys / len(keys)")),
    changed(Q1, "unit-keys", MEMORY, ("lstsq(keys,", "lstsq(keys / keys.norm(dim=1)[:, None],")),
    changed(Q1, "centred", MEMORY, ("lstsq(keys, values,", "lstsq(keys - keys.mean(0), values - values.mean(0),")),
    changed(Q1, "transposed", MEMORY, (".solution.T", ".solution")),
    changed(Q2, "first-token", LAST, (_HOLDS, "spans[i][0] <= start < spans[i][1]")),
    changed(Q2, "one-after", LAST, ("return holding[0]", "return holding[0] + 1")),
    changed(Q2, "end-included", LAST, (_HOLDS, "spans[i][0] <= end < spans[i][1]")),
    changed(
        Q2,
        "whole-tokens",
        LAST,
        (_HOLDS, "start - 1 <= spans[i][0] < spans[i][1] <= end"),
        ("holding[0]", "holding[-1]"),
    ),
    changed(
        Q2,
        "within-the-subject",
        LAST,
        (
            "return holding[0]",
            "begin = [i for i in range(len(spans)) if spans[i][0] <= start < spans[i][1]]\n"
            "    return holding[0] - begin[0]",
        ),
    ),
    changed(
        Q2,
        "specials-left-out",
        LAST,
        ("    holding =", "    spans = [span for span in spans if span != (0, 0)]\n    holding ="),
    ),
    changed(
        Q3,
        "value",
        KEY,
        ("def keep(module, inputs):", "def keep(module, inputs, output):"),
        ("inputs[0][0, place]", "output[0, place]"),
        ("register_forward_pre_hook", "register_forward_hook"),
    ),
    changed(Q3, "input-of-the-mlp", KEY, (".mlp.down_proj.", ".mlp.")),
    changed(
        Q3,
        "gate-alone",
        KEY,
        ("def keep(module, inputs):", "def keep(module, inputs, output):"),
        ("inputs[0][0, place]", "output[0, place]"),
        ("down_proj.register_forward_pre_hook", "act_fn.register_forward_hook"),
    ),
    changed(Q3, "last-position", KEY, ("[0, place]", "[0, -1]")),
    changed(Q3, "one-after", KEY, ("[0, place]", "[0, place + 1]")),
    changed(Q3, "one-place-for-all", KEY, ("[0, place]", "[0, places[0]]")),
    changed(Q3, "plain-alone", KEY, (_STACKED, "rows[0]")),
    changed(Q3, "sum", KEY, (_STACKED, "torch.stack(rows).sum(0)")),
    changed(Q3, "all-tokens", KEY, ("[0, place]", "[0].mean(0)")),
    changed(Q3, "other-layer", KEY, ("layers[layer]", "layers[layer - 1]")),
    changed(Q3, "hook-stays", KEY, (_REMOVED, _NOT_REMOVED)),
    changed(Q4, "wrong-sign", LOSS, ("-said.mean()", "said.mean()")),
    changed(Q4, "tokens-summed", LOSS, ("-said.mean()", "-said.sum(0).mean()")),
    changed(Q4, "mean-probability", LOSS, ("-said.mean()", "-said.exp().mean().log()")),
    changed(Q4, "divergence-turned", LOSS, ("kl_div(before, after,", "kl_div(after, before,")),
    changed(Q4, "divergence-subtracted", LOSS, ("+ kl_factor", "- kl_factor")),
    changed(Q4, "no-divergence", LOSS, (" + kl_factor * kl", "")),
    changed(Q4, "no-decay", LOSS, (" + decay * delta.norm() / (v0 * v0).sum()", "")),
    changed(Q4, "decay-squared", LOSS, ("decay * delta.norm()", "decay * delta.norm() ** 2")),
    changed(Q4, "decay-by-length", LOSS, ("(v0 * v0).sum()", "v0.norm()")),
    changed(Q5, "wrong-sign", DELTA, ("loss = loss - log_p", "loss = loss + log_p"), ("loss + decay", "loss - decay")),
    changed(
        Q5,
        "at-the-end",
        DELTA,
        ("            for ids, place in zip(texts, places):", "            for ids in texts:"),
        ("                text =", "                place = len(ids) - 1\n                text ="),
    ),
    changed(Q5, "one-place-for-all", DELTA, ("zip(texts, places)", "zip(texts, [places[0]] * len(texts))")),
    changed(Q5, "from-one-position", DELTA, ("len(ids) - 1 + i, token", "len(ids) - 1, token")),
    changed(Q5, "first-token", DELTA, ("enumerate(answer)", "enumerate(answer[:1])"), (" / len(answer)", "")),
    changed(Q5, "plain-alone", DELTA, ("zip(texts, places)", "zip(texts[:1], places)"), (" / len(texts)", "")),
    changed(Q5, "summed", DELTA, (" / len(answer) / len(texts)", "")),
    changed(Q5, "no-decay", DELTA, ("            loss = loss + decay * delta.norm() / size**2\n", "")),
    changed(Q5, "no-clamp", DELTA, ("            with torch.no_grad():\n" + _SHORTER, "")),
    changed(Q5, "entries-clamped", DELTA, (_SHORTER, "                delta.clamp_(-clamp * size, clamp * size)\n")),
    changed(Q5, "always-at-the-limit", DELTA, (_TOO_LONG, "if True:")),
    changed(Q5, "gradient-descent", DELTA, ("torch.optim.Adam", "torch.optim.SGD")),
    changed(Q5, "one-step-fewer", DELTA, ("range(steps)", "range(steps - 1)")),
    changed(Q5, "one-step-more", DELTA, ("range(steps)", "range(steps + 1)")),
    changed(Q5, "whole-value", DELTA, ("return delta.detach()", "return seen[0] + delta.detach()")),
    changed(
        Q5,
        "weights-moved",
        DELTA,
        ("Adam([delta], lr=rate)", "Adam([delta, *model.parameters()], lr=rate)"),
        ("            delta.grad = torch.autograd.grad(loss, delta)[0]\n", "            loss.backward()\n"),
        ("    seen = []\n", "    seen = []\n    model.requires_grad_(True)\n"),
    ),
    changed(Q5, "hook-stays", DELTA, (_REMOVED, _NOT_REMOVED)),
    changed(Q6, "centred", MOMENT, (f"return {_MOMENT_END}", f"K = K - K.mean(0)\n    return {_MOMENT_END}")),
    changed(Q6, "padding", MOMENT, ("text[:length]", "text")),
    changed(
        Q6,
        "by-batch",
        MOMENT,
        (
            "        for text, length in zip(keys, lengths):\n            rows.append(text[:length].double())\n"
            "    K = torch.cat(rows)\n    return K.T @ K / len(K)",
            "        K = torch.cat([text[:length].double() for text, length in zip(keys, lengths)])\n"
            "        rows.append(K.T @ K / len(K))\n    return torch.stack(rows).mean(0)",
        ),
    ),
    changed(Q6, "by-text", MOMENT, ("/ len(K)", "/ len(rows)")),
    changed(Q6, "sum", MOMENT, (" / len(K)", "")),
    changed(Q6, "n-minus-one", MOMENT, ("/ len(K)", "/ (len(K) - 1)")),
    changed(Q6, "unit-keys", MOMENT, ("K = torch.cat(rows)", "K = torch.nn.functional.normalize(torch.cat(rows))")),
    changed(Q6, "of-the-mean", MOMENT, (_MOMENT_END, "torch.outer(K.mean(0), K.mean(0))")),
    changed(Q7, "identity", UPDATE, (_U, "key")),
    changed(Q7, "not-inverted", UPDATE, (_U, "C @ key")),
    changed(Q7, "not-divided", UPDATE, (" / (u * key).sum()", "")),
    changed(Q7, "over-u", UPDATE, ("(u * key).sum()", "(u * u).sum()")),
    changed(Q7, "over-length-of-u", UPDATE, ("(u * key).sum()", "u.norm()")),
    changed(Q7, "over-key", UPDATE, ("(u * key).sum()", "(key * key).sum()")),
    changed(Q7, "no-ridge", UPDATE, (f"C[i, i] += {_RIDGE}", "pass")),
    changed(Q7, "ridge-as-it-is", UPDATE, (_RIDGE, "ridge")),
    changed(Q7, "ridge-by-trace", UPDATE, (_RIDGE, "ridge * moment.trace()")),
    changed(Q7, "transposed", UPDATE, (_UPDATE_END, f"({_UPDATE_END}).T")),
    changed(Q7, "wrong-sign", UPDATE, (_UPDATE_END, f"-{_UPDATE_END}")),
    changed(Q8, "size-of-d", AUDIT, ("change @ moment * change", "change * change")),
    changed(Q8, "not-inverted", AUDIT, ("torch.linalg.inv(moment)", "moment")),
    changed(Q8, "over-reach", AUDIT, (_LEAST, "delta @ delta * (key @ torch.linalg.inv(moment) @ key)")),
    changed(Q8, "not-relative", AUDIT, (_MISSED, "(change @ key - delta).norm()")),
    changed(Q8, "squared", AUDIT, (_MISSED, f"({_MISSED}) ** 2")),
    changed(Q8, "delta-not-squared", AUDIT, ("delta @ delta", "delta.norm()")),
    changed(Q8, "answered-alone", AUDIT, ("(change @ key - delta)", "(change @ key)")),
    changed(Q9, "tokens-summed", SCORES, (_HELD, "held += sum(wanted) > sum(other)")),
    changed(
        Q9,
        "mean-probability",
        SCORES,
        (_HELD, "held += torch.tensor(wanted).exp().mean() > torch.tensor(other).exp().mean()"),
    ),
    changed(Q9, "first-token", SCORES, (_HELD, "held += wanted[0] > other[0]")),
    changed(
        Q9,
        "pooled",
        SCORES,
        ("shares.append(held / len(record[part]))", "shares += [1] * held + [0] * (len(record[part]) - held)"),
    ),
    changed(Q9, "all-or-nothing", SCORES, ("held / len(record[part])", "held == len(record[part])")),
    changed(Q9, "arithmetic-mean", SCORES, (f"0.0 if min(found) == 0 else {_S}", "(a + b + c) / 3")),
    changed(Q9, "geometric-mean", SCORES, (_S, "(a * b * c) ** (1 / 3)")),
    changed(
        Q9,
        "neighbours-turned",
        SCORES,
        ("    a, b, c = found\n", "    found[2] = 1 - found[2]\n    a, b, c = found\n"),
    ),
    changed(Q10, "not-exact", _IN_PLACE),
    changed(
        Q10,
        "weight-changed",
        _IN_PLACE,
        (
            "    with torch.no_grad():\n        module.weight += change",
            "    kept = module.weight.detach().clone()\n    with torch.no_grad():\n        module.weight += change",
        ),
        ("module.weight -= change", "module.weight.copy_(kept)"),
    ),
    changed(Q10, "nothing-changed", EDITED, ("return output + ", "output = output + ")),
    changed(Q10, "subtracted", EDITED, ("output + torch", "output - torch")),
    changed(Q10, "never-removed", EDITED, (_BLOCK, "    yield\n")),
    changed(Q10, "not-after-an-error", EDITED, (_BLOCK, "    yield\n    handle.remove()\n")),
    changed(
        Q10,
        "error-swallowed",
        EDITED,
        (_BLOCK, "    try:\n        yield\n    except Exception:\n        pass\n    handle.remove()\n"),
    ),
)

# Faults that change nothing that can be seen: (exercise, what was changed), and why.
EQUIVALENT: dict[tuple[str, str], str] = {
    (Q5, "without the minus: -1 in rows = logits[len(ids) - 1 :].log_softmax(-1)"): (
        "a matrix has two dimensions: 1 is the last of them"
    ),
    **{
        (Q9, f"{what}: 0.0 in harmonic = len(found) / sum(1 / share for share in found) if all(found) else 0.0"): (
            "twice nothing is nothing"
        )
        for what in ("twice", "nothing")
    },
}
