"""Wrong answers to lab 02 that learners give, as they would write them, and the mistake that each must be told."""

from __future__ import annotations

from tests.course.wrong import Wrong, changed

COALITION = """
def coalition_values(lm, ids, kept, target, foil, filler):
    prompts = torch.where(kept, ids, filler)
    logits = lm.model(input_ids=prompts).logits[:, -1]
    return logits[:, target] - logits[:, foil]
"""

ORDERS = """
def by_orders(v, n):
    from itertools import permutations

    scores, count = torch.zeros(n, dtype=torch.float64), 0
    for order in permutations(range(n)):
        kept = torch.zeros(1, n, dtype=torch.bool)
        before = v(kept)[0]
        for token in order:
            kept[0, token] = True
            after = v(kept)[0]
            scores[token] += after - before
            before = after
        count += 1
    return scores / count
"""

SUBSETS = """
def shapley(v, n):
    from math import factorial

    values, sets = v(lab02.all_sets(n)), lab02.all_sets(n)
    scores = torch.zeros(n, dtype=torch.float64)
    for s in range(2**n):
        size = int(sets[s].sum())
        for i in range(n):
            if not sets[s, i]:
                weight = factorial(size) * factorial(n - size - 1) / factorial(n)
                scores[i] += weight * (values[s | (1 << i)] - values[s])
    return scores
"""

AFFORD = """
def affordable(seconds_each, budget, orders):
    import math

    sets = budget / seconds_each
    return {"exact": math.floor(math.log2(sets)), "orders": math.floor((sets - 2) / orders + 1)}
"""

SAMPLED = """
def sampled(v, orders):
    from scipy.stats import t

    m, n = orders.shape

    def walk(order):
        kept = torch.zeros(n + 1, n, dtype=torch.bool)
        for place, token in enumerate(order.tolist()):
            kept[place + 1:, token] = True
        added = torch.zeros(n, dtype=torch.float64)
        added[order] = v(kept).diff()
        return added

    rows = torch.stack([(walk(order) + walk(order.flip(0))) / 2 for order in orders])
    return rows.mean(0), t.ppf(0.975, len(rows) - 1) * rows.std(0) / len(rows) ** 0.5
"""

SHAP = """
def shap_scores(lm, text, target, foil):
    import shap

    def value(texts):
        found = []
        for one in texts:
            logits = lm.model(input_ids=torch.tensor([lm.tokenizer(str(one))["input_ids"]])).logits[0, -1]
            found.append((logits[target] - logits[foil]).item())
        return np.array(found)

    masker = shap.maskers.Text(lm.tokenizer, mask_token=lm.tokenizer.eos_token, collapse_mask_token=False)
    return torch.tensor(shap.Explainer(value, masker)([text], silent=True).values[0])
"""

LIME = """
def lime(kept, values, width, penalty):
    z = kept.double()
    distance = 100 * (1 - z.mean(1).sqrt())
    pi = torch.exp(-(distance**2) / width**2)
    with_one = torch.cat([z, torch.ones(len(z), 1, dtype=torch.float64)], dim=1)
    penalties = penalty * torch.eye(with_one.shape[1], dtype=torch.float64)
    penalties[-1, -1] = 0
    weighted = with_one.T * pi
    w = torch.linalg.solve(weighted @ with_one + penalties, weighted @ values)
    return w[:-1], float(w[-1])
"""

CURVES = """
def curves(v, scores):
    n = len(scores)
    order = scores.argsort(descending=True)
    left = torch.ones(n + 1, n, dtype=torch.bool)
    for k in range(1, n + 1):
        left[k, order[:k]] = False
    deletion, insertion = v(left), v(~left)
    between = torch.trapezoid(insertion - deletion, dx=1 / n)
    return {"deletion": deletion, "insertion": insertion, "between": float(between)}
"""

READING = """
def reading():
    from scipy.stats import rankdata, spearmanr

    found = iw.compare(lm, prompt, target=target, foil=foil, methods=["leave_one_out", "lime", "shapley"])
    one, other, alone = found["lime"], found["shapley"], found["leave_one_out"]
    apart = np.abs(rankdata(-one.scores) - rankdata(-other.scores))
    return {
        "agreement": spearmanr(one.scores, other.scores)[0],
        "apart": one.tokens[int(apart.argmax())].strip(),
        "signs": int((alone.scores * other.scores < 0).sum()),
    }
"""

CHOICE = """
def choose(table, budget):
    chance = next(row["high"] for row in table if row["method"] == "shuffled")
    others = [row for row in table if row["method"] != "shuffled"]
    allowed = [row for row in others if row["seconds"] <= budget and row["low"] > chance]
    if not allowed:
        return "none"
    best = max(allowed, key=lambda row: row["quality"])
    as_good = [row for row in allowed if row["quality"] >= best["low"]]
    return min(as_good, key=lambda row: row["seconds"])["method"]
"""

Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8, Q9, Q10 = (f"lab02-q{i}" for i in range(1, 11))

RIGHT = {
    Q1: COALITION,
    Q2: ORDERS,
    Q3: SUBSETS,
    Q4: AFFORD,
    Q5: SAMPLED,
    Q6: SHAP,
    Q7: LIME,
    Q8: CURVES,
    Q9: READING,
    Q10: CHOICE,
}

_WEIGHT = "factorial(size) * factorial(n - size - 1) / factorial(n)"
_EXACT = "math.floor(math.log2(sets))"
_BOTH = "torch.stack([(walk(order) + walk(order.flip(0))) / 2 for order in orders])"
_ADD = """            scores[token] += after - before
            before = after
"""
_LEFT, _SETS = "(logits[target] - logits[foil]).item()", "torch.where(kept, ids, filler)"
_MASK = ", mask_token=lm.tokenizer.eos_token, collapse_mask_token=False"

WRONG: tuple[Wrong, ...] = (
    changed(Q1, "gone-for-kept", COALITION, (_SETS, "torch.where(kept, filler, ids)")),
    changed(
        Q1,
        "cut-out",
        COALITION,
        (f"    prompts = {_SETS}\n", ""),
        (
            "lm.model(input_ids=prompts).logits[:, -1]",
            "torch.stack([lm.model(input_ids=ids[row][None]).logits[0, -1] for row in kept])",
        ),
    ),
    changed(Q1, "end-of-text", COALITION, ("ids, filler)\n", "ids, lm.tokenizer.eos_token_id)\n")),
    changed(Q1, "no-foil", COALITION, (" - logits[:, foil]", "")),
    changed(
        Q1, "wrong-sign", COALITION, ("logits[:, target] - logits[:, foil]", "logits[:, foil] - logits[:, target]")
    ),
    changed(Q1, "probability", COALITION, ("[:, -1]\n", "[:, -1].softmax(-1)\n")),
    changed(Q1, "first-position", COALITION, ("[:, -1]\n", "[:, 0]\n")),
    changed(Q2, "sum-not-mean", ORDERS, ("return scores / count", "return scores")),
    changed(Q2, "one-order", ORDERS, ("in permutations(range(n)):", "in [range(n)]:")),
    changed(
        Q2,
        "by-place",
        ORDERS,
        ("for token in order:", "for place, token in enumerate(order):"),
        ("scores[token] +=", "scores[place] +="),
    ),
    changed(Q2, "empty-is-zero", ORDERS, ("before = v(kept)[0]", "before = 0")),
    changed(
        Q2, "alone", ORDERS, (_ADD, "            scores[token] += after - before\n            kept[0, token] = False\n")
    ),
    changed(
        Q2,
        "leave-one-out",
        ORDERS,
        ("torch.zeros(1, n, dtype=torch.bool)", "torch.ones(1, n, dtype=torch.bool)"),
        ("kept[0, token] = True", "kept[0, token] = False"),
        (_ADD, "            scores[token] += before - after\n            kept[0, token] = True\n"),
    ),
    changed(Q2, "wrong-sign", ORDERS, ("+= after - before", "+= before - after")),
    changed(
        Q3,
        "asked-again",
        SUBSETS,
        ("values, sets = v(lab02.all_sets(n)), lab02.all_sets(n)", "sets = lab02.all_sets(n)"),
        ("(values[s | (1 << i)] - values[s])", "(v(sets[s | (1 << i)][None]) - v(sets[s][None]))[0]"),
    ),
    changed(Q3, "plain-mean", SUBSETS, (_WEIGHT, "1 / 2 ** (n - 1)")),
    changed(Q3, "no-factorial", SUBSETS, (" / factorial(n)", "")),
    changed(Q3, "sum-not-weighted", SUBSETS, (_WEIGHT, "1")),
    changed(Q3, "no-minus-one", SUBSETS, ("factorial(n - size - 1)", "factorial(n - size)")),
    changed(Q3, "leave-one-out", SUBSETS, (_WEIGHT, "float(size == n - 1)")),
    changed(Q3, "wrong-sign", SUBSETS, ("values[s | (1 << i)] - values[s]", "values[s] - values[s | (1 << i)]")),
    changed(Q4, "rounded-up", AFFORD, ("math.floor", "math.ceil")),
    changed(Q4, "natural-logarithm", AFFORD, ("math.log2", "math.log")),
    changed(Q4, "all-orders", AFFORD, (_EXACT, "next(n for n in range(1, 99) if math.factorial(n + 1) > sets)")),
    changed(Q4, "ends-again", AFFORD, ("(sets - 2) / orders + 1", "sets / orders - 1")),
    changed(
        Q4,
        "not-just-enough",
        AFFORD,
        (_EXACT, "math.ceil(math.log2(sets)) - 1"),
        ("math.floor((sets - 2) / orders + 1)", "math.ceil((sets - 2) / orders + 1) - 1"),
    ),
    changed(Q5, "no-reverse", SAMPLED, (_BOTH, "torch.stack([walk(order) for order in orders])")),
    changed(
        Q5,
        "no-pairs",
        SAMPLED,
        (_BOTH, "torch.stack([walk(one) for order in orders for one in (order, order.flip(0))])"),
    ),
    changed(Q5, "deviation-not-error", SAMPLED, (" / len(rows) ** 0.5", "")),
    changed(Q5, "normal-not-t", SAMPLED, ("t.ppf(0.975, len(rows) - 1)", "1.959964")),
    changed(Q5, "biased-deviation", SAMPLED, ("rows.std(0)", "rows.std(0, correction=0)")),
    changed(Q5, "one-sided", SAMPLED, ("0.975", "0.95")),
    changed(Q5, "whole-width", SAMPLED, ("t.ppf(0.975", "2 * t.ppf(0.975")),
    changed(Q5, "by-place", SAMPLED, ("added[order] = v(kept).diff()", "added = v(kept).diff()")),
    changed(Q6, "three-dots", SHAP, (_MASK, "")),
    changed(Q6, "collapsed", SHAP, ("collapse_mask_token=False", "collapse_mask_token=True")),
    changed(Q6, "no-foil", SHAP, (_LEFT, "logits[target].item()")),
    changed(Q6, "wrong-sign", SHAP, (_LEFT, "(logits[foil] - logits[target]).item()")),
    changed(Q6, "probability", SHAP, (".logits[0, -1]", ".logits[0, -1].softmax(-1)")),
    changed(
        Q7, "gone-for-kept", LIME, ("z = kept.double()", "z = 1 - kept.double()"), ("z.mean(1)", "(1 - z).mean(1)")
    ),
    changed(Q7, "penalised-constant", LIME, ("    penalties[-1, -1] = 0\n", "")),
    changed(Q7, "number-not-cosine", LIME, ("z.mean(1).sqrt()", "z.mean(1)")),
    changed(Q7, "not-times-hundred", LIME, ("100 * (1 - z", "(1 - z")),
    changed(
        Q7,
        "root-of-kernel",
        LIME,
        ("torch.exp(-(distance**2) / width**2)", "torch.exp(-(distance**2) / width**2).sqrt()"),
    ),
    changed(Q7, "no-weights", LIME, ("with_one.T * pi", "with_one.T")),
    changed(Q7, "weights-twice", LIME, ("with_one.T * pi", "with_one.T * pi**2")),
    changed(Q7, "no-penalty", LIME, (" + penalties", "")),
    changed(
        Q7,
        "no-constant",
        LIME,
        ("torch.cat([z, torch.ones(len(z), 1, dtype=torch.float64)], dim=1)", "z"),
        ("    penalties[-1, -1] = 0\n", ""),
        ("w[:-1], float(w[-1])", "w, 0.0"),
    ),
    changed(Q8, "ascending", CURVES, ("descending=True", "descending=False")),
    changed(Q8, "by-magnitude", CURVES, ("scores.argsort", "scores.abs().argsort")),
    changed(Q8, "exchanged", CURVES, ("v(left), v(~left)", "v(~left), v(left)")),
    changed(
        Q8,
        "one-by-one",
        CURVES,
        ("left[k, order[:k]] = False", "left[k, order[k - 1]] = False\n    grown = left.clone()"),
        (
            "    deletion, insertion",
            "    for k in range(1, n + 1):\n        grown[k, order[:k]] = False\n    deletion, insertion",
        ),
        ("v(~left)", "v(~grown)"),
    ),
    changed(Q8, "not-normalised", CURVES, (", dx=1 / n", "")),
    changed(
        Q8,
        "mean-of-points",
        CURVES,
        ("torch.trapezoid(insertion - deletion, dx=1 / n)", "(insertion - deletion).mean()"),
    ),
    changed(Q8, "wrong-sign", CURVES, ("insertion - deletion", "deletion - insertion")),
    changed(
        Q9,
        "leave-one-out-for-lime",
        READING,
        ('one, other, alone = found["lime"],', 'one, other, alone = found["leave_one_out"],'),
    ),
    changed(
        Q9,
        "shapley-left-out",
        READING,
        (
            'one, other, alone = found["lime"], found["shapley"]',
            'one, other, alone = found["leave_one_out"], found["lime"]',
        ),
    ),
    changed(Q9, "no-foil", READING, (" foil=foil,", "")),
    changed(Q10, "no-budget", CHOICE, ('row["seconds"] <= budget and ', "")),
    changed(Q10, "always-best", CHOICE, ('    return min(as_good, key=lambda row: row["seconds"])', "    return best")),
    changed(Q10, "always-cheapest", CHOICE, ("    return min(as_good", "    return min(allowed")),
    changed(Q10, "no-control", CHOICE, (' and row["low"] > chance', "")),
    changed(
        Q10,
        "bar-too-dear",
        CHOICE,
        ("best = max(allowed", 'best = max([row for row in others if row["low"] > chance]'),
        ('["seconds"])["method"]', '["seconds"], default={"method": "none"})["method"]'),
    ),
    changed(Q10, "not-just-enough", CHOICE, ('["seconds"] <= budget', '["seconds"] < budget')),
)

# Faults that change nothing that can be seen: (exercise, what was changed), and why.
EQUIVALENT = {
    ("lab02-q5", "one less: 0 in for order in (forwards, forwards.flip(0)):"): "an order has one axis, first and last",
    (
        "lab02-q6",
        "one less: 0 in logits = [lm.model(input_ids=row).logits[0, -1] for row in rows]",
    ): "the last of one text is the first",
    (
        "lab02-q6",
        "the other truth: True in explanation = shap.Explainer(log_odds, masker)([text], silent=True)",
    ): "a bar of progress changes no score",
    ("lab02-q6", "one less: 0 in return torch.tensor(explanation.values[0])"): "the last of one text is the first",
}
