"""Wrong answers to lab 04 that learners give, as they would write them, and the mistake that each must be told."""

from __future__ import annotations

from tests.course.wrong import Wrong, changed

LENS = """
def lens(model, ids):
    states = []

    def keep(module, inputs, output):
        states.append(output[0, -1])

    handles = [layer.register_forward_hook(keep) for layer in model.model.layers]
    try:
        with torch.no_grad():
            model(input_ids=ids)
    finally:
        for handle in handles:
            handle.remove()
    with torch.no_grad():
        rows = [model.lm_head(model.model.norm(state)).softmax(-1) for state in states]
    return torch.stack(rows)
"""

LEADS = """
def leads_from(probabilities, token):
    first = probabilities.argmax(1) == token
    if not first[-1]:
        return -1
    layer = len(first) - 1
    while layer > 0 and first[layer - 1]:
        layer -= 1
    return layer
"""

PATCHED = """
def patched(model, clean, corrupted, layer, position):
    block = model.model.layers[layer]
    store = {}

    def keep(module, inputs, output):
        store["state"] = output[:, position].clone()

    def put(module, inputs, output):
        new = output.clone()
        new[:, position] = store["state"]
        return new

    with torch.no_grad():
        handle = block.register_forward_hook(keep)
        model(input_ids=clean)
        handle.remove()
        handle = block.register_forward_hook(put)
        logits = model(input_ids=corrupted).logits[0, -1]
        handle.remove()
    return logits
"""

RECOVERED = """
def recovered(patched, clean, corrupted, target, foil):
    low = corrupted[target] - corrupted[foil]
    high = clean[target] - clean[foil]
    cells = patched[..., target] - patched[..., foil]
    return (cells - low) / (high - low)
"""

NOISED = """
def noised(embeddings, first, last, noise, sigma):
    rows = embeddings.repeat(len(noise), 1, 1)
    subject = slice(first, last + 1)
    rows[:, subject] += 3 * sigma * noise[:, subject]
    return rows
"""

AVERAGE = """
def average_effect(restored, corrupted):
    effects = (restored - corrupted).mean(1)
    n = len(effects)
    half = 1.96 * effects.std() / n**0.5
    return effects.mean(), half
"""

FIRST_ORDER = """
def first_order(f, clean, corrupted):
    x = corrupted.clone().requires_grad_()
    f(x).backward()
    step = clean - corrupted
    return (x.grad * step).sum(-1)
"""

ZEROED = """
def zeroed(model, ids, layer, head):
    attention = model.model.layers[layer].self_attn
    size = model.config.hidden_size // model.config.num_attention_heads

    def hook(module, inputs):
        x = inputs[0].clone()
        x[..., head * size : (head + 1) * size] = 0
        return (x,)

    handle = attention.o_proj.register_forward_pre_hook(hook)
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0, -1]
    handle.remove()
    return logits
"""

TOP = """
def top_texts(activations, lengths, k):
    best = []
    for i, length in enumerate(lengths.tolist()):
        row = activations[i, :length]
        place = int(row.argmax())
        best.append((float(row[place]), i, place))
    best.sort(reverse=True)
    return [(i, place) for _, i, place in best[:k]]
"""

NAME = """
def auc(named, others):
    won = 0.0
    for x in named.tolist():
        for y in others.tolist():
            won += 1 if x > y else 0.5 if x == y else 0
    return won / (len(named) * len(others))
"""

Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8, Q9, Q10 = (f"lab04-q{i}" for i in range(1, 11))

RIGHT = {
    Q1: LENS,
    Q2: LEADS,
    Q3: PATCHED,
    Q4: RECOVERED,
    Q5: NOISED,
    Q6: AVERAGE,
    Q7: FIRST_ORDER,
    Q8: ZEROED,
    Q9: TOP,
    Q10: NAME,
}

# The way with `hidden_states`, in which most of the mistakes about them are made.
_HIDDEN = """
def lens(model, ids):
    with torch.no_grad():
        states = model(input_ids=ids, output_hidden_states=True).hidden_states
        rows = [model.lm_head(model.model.norm(state[0, -1])).softmax(-1) for state in states[1:]]
    return torch.stack(rows)
"""
_STATES, _READ = "states[1:]", "model.model.norm(state)"
_REMOVED = "        for handle in handles:\n            handle.remove()"
_NORMED = "root = (state**2).mean().add(model.model.norm.variance_epsilon).sqrt()"
_ROWS = "rows = [model.lm_head(model.model.norm(state)).softmax(-1) for state in states]"
_WALK = "    layer = len(first) - 1\n    while layer > 0 and first[layer - 1]:\n        layer -= 1\n    return layer\n"
_END = "    if not first[-1]:\n        return -1\n"
_NEW = 'new[:, position] = store["state"]'
_SHARE = "return (cells - low) / (high - low)"
_ADD = "rows[:, subject] += 3 * sigma * noise[:, subject]"
_HALF = "half = 1.96 * effects.std() / n**0.5"
_EFFECTS = "effects = (restored - corrupted).mean(1)"
_ESTIMATE = "return (x.grad * step).sum(-1)"
_CUT = "x[..., head * size : (head + 1) * size] = 0"
_WON = "won += 1 if x > y else 0.5 if x == y else 0"
_AUC_END = "return won / (len(named) * len(others))"

WRONG: tuple[Wrong, ...] = (
    changed(Q1, "last-normed-twice", _HIDDEN),
    changed(Q1, "off-by-one", _HIDDEN, (_STATES, "states[:-1]")),
    changed(
        Q1,
        "with-embeddings",
        _HIDDEN,
        (
            "rows = [model.lm_head(model.model.norm(state[0, -1])).softmax(-1) for state in states[1:]]",
            "rows = [model.lm_head(model.model.norm(state[0, -1])).softmax(-1) for state in states[:-1]]\n"
            "        rows.append(model.lm_head(states[-1][0, -1]).softmax(-1))",
        ),
    ),
    changed(Q1, "no-norm", LENS, (_READ, "state")),
    changed(
        Q1,
        "no-scale",
        LENS,
        (
            _ROWS,
            f"rows = []\n        for state in states:\n            {_NORMED}\n"
            "            rows.append(model.lm_head(state / root).softmax(-1))",
        ),
    ),
    changed(Q1, "layer-norm", LENS, (_READ, "model.model.norm(state - state.mean())")),
    changed(Q1, "logits", LENS, (".softmax(-1)", "")),
    changed(Q1, "first-position", LENS, ("output[0, -1]", "output[0, 0]")),
    changed(Q1, "hook-stays", LENS, (_REMOVED, "        pass")),
    changed(
        Q2,
        "first-time",
        LEADS,
        (_END, ""),
        (_WALK, "    return int(first.nonzero()[0, 0]) if first.any() else -1\n"),
    ),
    changed(
        Q2,
        "not-to-the-end",
        LEADS,
        (_END, "    if not first.any():\n        return -1\n"),
        ("layer = len(first) - 1\n", "layer = int(first.nonzero()[-1, 0])\n"),
    ),
    changed(Q2, "off-by-one", LEADS, ("    return layer\n", "    return max(layer - 1, 0)\n")),
    changed(
        Q2, "most-probable-layer", LEADS, (_END, ""), (_WALK, "    return int(probabilities[:, token].argmax())\n")
    ),
    changed(Q2, "above-half", LEADS, ("probabilities.argmax(1) == token", "probabilities[:, token] > 0.5")),
    changed(
        Q3,
        "wrong-direction",
        PATCHED,
        ("model(input_ids=clean)", "model(input_ids=corrupted)"),
        ("logits = model(input_ids=corrupted)", "logits = model(input_ids=clean)"),
    ),
    changed(
        Q3,
        "all-positions",
        PATCHED,
        ("output[:, position].clone()", "output.clone()"),
        (_NEW, 'new[:] = store["state"]'),
    ),
    changed(
        Q3,
        "off-by-one-layer",
        PATCHED,
        (
            'def keep(module, inputs, output):\n        store["state"] = output',
            'def keep(module, inputs):\n        store["state"] = inputs[0]',
        ),
        (
            "def put(module, inputs, output):\n        new = output.clone()",
            "def put(module, inputs):\n        new = inputs[0].clone()",
        ),
        ("return new", "return (new, *inputs[1:])"),
        ("register_forward_hook", "register_forward_pre_hook"),
    ),
    changed(Q3, "last-position", PATCHED, ("[:, position]", "[:, -1]")),
    changed(
        Q3,
        "off-by-one-position",
        PATCHED,
        ("    store = {}", "    store = {}\n    position = min(position + 1, clean.shape[1] - 1)"),
    ),
    changed(Q3, "nothing-patched", PATCHED, ("        return new\n", "")),
    changed(Q3, "probabilities", PATCHED, ("    return logits\n", "    return logits.softmax(-1)\n")),
    changed(Q3, "hook-stays", PATCHED, ("logits[0, -1]\n        handle.remove()", "logits[0, -1]")),
    changed(Q4, "not-normalised", RECOVERED, (_SHARE, "return cells - low")),
    changed(Q4, "over-clean", RECOVERED, (_SHARE, "return (cells - low) / high")),
    changed(Q4, "from-clean", RECOVERED, (_SHARE, "return (cells - high) / (high - low)")),
    changed(
        Q4, "no-foil", RECOVERED, (" - corrupted[foil]", ""), (" - clean[foil]", ""), (" - patched[..., foil]", "")
    ),
    changed(
        Q4,
        "probability",
        RECOVERED,
        ("corrupted[target] - corrupted[foil]", "corrupted.softmax(-1)[target]"),
        ("clean[target] - clean[foil]", "clean.softmax(-1)[target]"),
        ("patched[..., target] - patched[..., foil]", "patched.softmax(-1)[..., target]"),
    ),
    changed(Q4, "clipped", RECOVERED, (_SHARE, "return ((cells - low) / (high - low)).clamp(0, 1)")),
    changed(Q5, "last-left-out", NOISED, ("slice(first, last + 1)", "slice(first, last)")),
    changed(Q5, "everywhere", NOISED, ("slice(first, last + 1)", "slice(None)")),
    changed(
        Q5,
        "all-but-the-subject",
        NOISED,
        ("slice(first, last + 1)", "[i for i in range(len(embeddings)) if not first <= i <= last]"),
    ),
    changed(Q5, "one-sigma", NOISED, ("3 * sigma", "sigma")),
    changed(Q5, "variance", NOISED, ("3 * sigma", "(3 * sigma) ** 0.5")),
    changed(Q5, "replaced", NOISED, (_ADD, _ADD.replace("+=", "="))),
    changed(Q5, "one-sample", NOISED, ("noise[:, subject]", "noise[0, subject]")),
    changed(Q5, "one-number-a-token", NOISED, ("noise[:, subject]", "noise[:, subject, :1]")),
    changed(Q6, "samples-counted", AVERAGE, (_EFFECTS, "effects = (restored - corrupted).flatten()")),
    changed(Q6, "over-samples", AVERAGE, ("mean(1)", "mean(0)")),
    changed(Q6, "standard-deviation", AVERAGE, (" / n**0.5", "")),
    changed(Q6, "divided-by-n", AVERAGE, ("effects.std()", "effects.std(correction=0)")),
    changed(Q6, "one-standard-error", AVERAGE, ("1.96 * ", "")),
    changed(Q6, "whole-width", AVERAGE, ("1.96 * ", "2 * 1.96 * ")),
    changed(Q6, "ratio", AVERAGE, (_EFFECTS, "effects = restored.mean(1) / corrupted.mean(1)")),
    changed(Q6, "restored-alone", AVERAGE, (_EFFECTS, "effects = restored.mean(1)")),
    changed(Q6, "wrong-sign", AVERAGE, ("restored - corrupted", "corrupted - restored")),
    changed(Q7, "at-clean", FIRST_ORDER, ("x = corrupted.clone()", "x = clean.clone()")),
    changed(Q7, "wrong-sign", FIRST_ORDER, ("clean - corrupted", "corrupted - clean")),
    changed(Q7, "no-difference", FIRST_ORDER, ("clean - corrupted", "clean")),
    changed(
        Q7,
        "exact",
        FIRST_ORDER,
        (
            _ESTIMATE,
            "found = []\n    for i in range(len(clean)):\n        one = corrupted.clone()\n        one[i] = clean[i]\n"
            "        found.append(f(one) - f(corrupted))\n    return torch.stack(found)",
        ),
    ),
    changed(Q7, "absolute", FIRST_ORDER, (_ESTIMATE, "return (x.grad * step).sum(-1).abs()")),
    changed(Q7, "mean-over-width", FIRST_ORDER, ("sum(-1)", "mean(-1)")),
    changed(Q7, "gradient-alone", FIRST_ORDER, (_ESTIMATE, "return x.grad.norm(dim=-1)")),
    changed(
        Q8,
        "after-the-projection",
        ZEROED,
        (
            "def hook(module, inputs):\n        x = inputs[0].clone()",
            "def hook(module, inputs, output):\n        x = output.clone()",
        ),
        ("return (x,)", "return x"),
        ("register_forward_pre_hook", "register_forward_hook"),
    ),
    changed(Q8, "key-value-heads", ZEROED, ("num_attention_heads", "num_key_value_heads")),
    changed(
        Q8,
        "group",
        ZEROED,
        (
            _CUT,
            "shared = model.config.num_attention_heads // model.config.num_key_value_heads\n"
            "        first = head // shared * shared\n"
            "        x[..., first * size : (first + shared) * size] = 0",
        ),
    ),
    changed(
        Q8,
        "off-by-one",
        ZEROED,
        ("    attention =", "    head = (head + 1) % model.config.num_attention_heads\n    attention ="),
    ),
    changed(
        Q8,
        "one-before",
        ZEROED,
        ("    attention =", "    head = (head - 1) % model.config.num_attention_heads\n    attention ="),
    ),
    changed(Q8, "last-position", ZEROED, ("x[..., head", "x[:, -1, head")),
    changed(Q8, "whole-attention", ZEROED, (_CUT, "x[:] = 0")),
    changed(Q8, "nothing-changed", ZEROED, ("        return (x,)\n", "")),
    changed(Q8, "hook-stays", ZEROED, ("    handle.remove()\n", "")),
    changed(Q9, "padding", TOP, ("activations[i, :length]", "activations[i]")),
    changed(
        Q9,
        "padding-as-zero",
        TOP,
        ("row = activations[i, :length]", "row = activations[i].clone()\n        row[length:] = 0"),
    ),
    changed(Q9, "mean", TOP, ("(float(row[place]), i, place)", "(float(row.mean()), i, place)")),
    changed(
        Q9,
        "tokens",
        TOP,
        (
            "        place = int(row.argmax())\n        best.append((float(row[place]), i, place))",
            "        for place in range(length):\n            best.append((float(row[place]), i, place))",
        ),
    ),
    changed(Q9, "lowest-first", TOP, ("best.sort(reverse=True)", "best.sort()")),
    changed(Q9, "absolute", TOP, ("activations[i, :length]", "activations[i, :length].abs()")),
    changed(Q9, "last-token-left-out", TOP, ("activations[i, :length]", "activations[i, : max(length - 1, 1)]")),
    changed(Q10, "ties-lost", NAME, ("0.5 if x == y else 0", "0")),
    changed(Q10, "ties-won", NAME, ("x > y", "x >= y")),
    changed(Q10, "reversed", NAME, ("x > y", "x < y")),
    changed(
        Q10,
        "either-way",
        NAME,
        (_AUC_END, "share = won / (len(named) * len(others))\n    return max(share, 1 - share)"),
    ),
    changed(
        Q10,
        "best-threshold",
        NAME,
        (
            _AUC_END,
            "both = torch.cat([named, others])\n"
            "    return max(float((named >= t).sum() + (others < t).sum()) for t in both) / len(both)",
        ),
    ),
    changed(Q10, "above-median", NAME, (_AUC_END, "return (named > others.median()).double().mean()")),
    changed(Q10, "difference-of-means", NAME, (_AUC_END, "return named.mean() - others.mean()")),
)

# Faults that change nothing that can be seen: (exercise, what was changed), and why.
EQUIVALENT: dict[tuple[str, str], str] = {
    (Q1, "without the minus: -1 in return torch.stack([*rows, given.logits.squeeze(0)[-1]]).softmax(-1)"): (
        "a matrix has two dimensions: 1 is the last of them"
    ),
}
