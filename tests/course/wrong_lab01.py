"""Wrong answers to lab 01 that learners give, as they would write them, and the mistake that each must be told.

Written apart from the exercises: the package recognises a mistake by its values, these are the code that makes them.
"""

from __future__ import annotations

from tests.course.wrong import Wrong, changed

GRADIENT = """
def gradient(f, x):
    point = x[None].clone().requires_grad_()
    (slope,) = torch.autograd.grad(f(point).sum(), point)
    return slope[0]
"""

PATH = """
def integrated_gradients(f, x, baseline, steps):
    alphas = ((torch.arange(steps, dtype=x.dtype) + 0.5) / steps).reshape(steps, *[1] * x.dim())
    points = (baseline + alphas * (x - baseline)).requires_grad_()
    (slopes,) = torch.autograd.grad(f(points).sum(), points)
    return (x - baseline) * slopes.mean(0)
"""

GAP = """
def completeness_gap(f, x, baseline, scores):
    due = f(x[None])[0] - f(baseline[None])[0]
    return float(scores.sum() - due)
"""

SENSITIVITY = """
def breaks_sensitivity(method, f, x, baseline):
    moved = bool(f(x[None])[0] != f(baseline[None])[0])
    score = method(f, x, baseline)[x != baseline]
    return moved and bool((score == 0).all())
"""

BATCHES = """
def integrated_gradients_in_batches(f, x, baseline, steps, batch):
    alphas = (torch.arange(steps, dtype=x.dtype) + 0.5) / steps
    total = torch.zeros_like(x)
    for part in alphas.split(batch):
        points = (baseline + part.reshape(-1, *[1] * x.dim()) * (x - baseline)).requires_grad_()
        total += torch.autograd.grad(f(points).sum(), points)[0].sum(0)
    return (x - baseline) * total / steps
"""

LEAD = """
def lead(lm, embeddings, target, foil):
    logits = lm.model(inputs_embeds=embeddings).logits[:, -1]
    return logits[:, target] - logits[:, foil]
"""

MEASURE = """
def measure(lm, ids, target, baseline, steps):
    x = lm.embed(torch.tensor([ids]))[0].detach()

    def f(embeddings):
        return lm.model(inputs_embeds=embeddings).logits[:, -1, target]

    total = torch.zeros_like(x)
    for part in ((torch.arange(steps, dtype=x.dtype) + 0.5) / steps).split(10):
        points = (baseline + part[:, None, None] * (x - baseline)).requires_grad_()
        total += torch.autograd.grad(f(points).sum(), points)[0].sum(0)
    scores = (x - baseline) * total / steps
    due = (f(x[None])[0] - f(baseline[None])[0]).detach()
    return {"sum": float(scores.sum()), "due": float(due)}
"""

CAPTUM = """
def captum_scores(lm, ids, target, steps):
    from captum.attr import LayerIntegratedGradients

    def forward(rows):
        return lm.model(input_ids=rows).logits[:, -1]

    method = LayerIntegratedGradients(forward, lm.model.get_input_embeddings())
    inputs = torch.tensor([ids])
    baselines = torch.full_like(inputs, lm.tokenizer.eos_token_id)
    scores, delta = method.attribute(
        inputs, baselines=baselines, target=target, n_steps=steps, return_convergence_delta=True
    )
    return scores[0].sum(-1), float(delta[0])
"""

NORMS = """
def gradient_norms(f, x, baseline, alphas):
    points = (baseline + alphas.reshape(-1, *[1] * x.dim()) * (x - baseline)).requires_grad_()
    (slopes,) = torch.autograd.grad(f(points).sum(), points)
    return slopes.flatten(1).norm(dim=1)
"""

DELETION = """
def deletion_drops(value, ids, scores, filler):
    order = scores.argsort(descending=True)
    rows = ids.repeat(len(ids), 1)
    for k in range(1, len(ids) + 1):
        rows[k - 1, order[:k]] = filler
    return value(ids[None])[0] - value(rows)
"""

READING = """
def reading():
    alone = iw.attribute(lm, prompt, target, method="integrated_gradients")
    against = iw.attribute(lm, prompt, target, foil, method="integrated_gradients")
    one, high = (r.tokens[int(np.argmax(r.scores))].strip() for r in (alone, against))
    low = against.tokens[int(np.argmin(against.scores))].strip()
    return {"alone": one, "for": high, "against": low, "verdict": against.verdict.word}
"""

Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8, Q9, Q10, Q11 = (f"lab01-q{i}" for i in range(1, 12))

RIGHT = {
    Q1: GRADIENT,
    Q2: PATH,
    Q3: GAP,
    Q4: SENSITIVITY,
    Q5: BATCHES,
    Q6: LEAD,
    Q7: MEASURE,
    Q8: CAPTUM,
    Q9: NORMS,
    Q10: DELETION,
    Q11: READING,
}

_ALPHAS = "((torch.arange(steps, dtype=x.dtype) + 0.5) / steps)"
_DUE = "due = f(x[None])[0] - f(baseline[None])[0]"

WRONG: tuple[Wrong, ...] = (
    changed(Q1, "magnitude", GRADIENT, ("slope[0]", "slope[0].abs()")),
    changed(Q1, "times-input", GRADIENT, ("slope[0]", "slope[0] * x")),
    changed(Q1, "wrong-sign", GRADIENT, ("f(point).sum()", "-f(point).sum()")),
    changed(Q1, "unit-length", GRADIENT, ("slope[0]", "slope[0] / slope.norm().clamp(min=1e-12)")),
    changed(Q2, "sum-not-mean", PATH, ("mean(0)", "sum(0)")),
    changed(Q2, "times-input", PATH, ("return (x - baseline)", "return x")),
    changed(Q2, "no-difference", PATH, ("return (x - baseline) * slopes", "return slopes")),
    changed(Q2, "wrong-sign", PATH, ("return (x - baseline)", "return (baseline - x)")),
    changed(Q2, "one-point", PATH, (_ALPHAS, "torch.ones(steps, dtype=x.dtype)")),
    changed(Q2, "zero-baseline-path", PATH, ("(baseline + alphas * (x - baseline))", "(alphas * x)")),
    changed(Q2, "right-ends", PATH, ("+ 0.5", "+ 1")),
    changed(Q2, "left-ends", PATH, (" + 0.5", "")),
    changed(Q2, "both-ends", PATH, (_ALPHAS, "torch.linspace(0, 1, steps, dtype=x.dtype)")),
    changed(Q3, "no-baseline", GAP, (" - f(baseline[None])[0]", "")),
    changed(Q3, "magnitude", GAP, ("float(scores.sum() - due)", "abs(float(scores.sum() - due))")),
    changed(Q3, "wrong-sign", GAP, ("scores.sum() - due", "due - scores.sum()")),
    changed(Q3, "mean-not-sum", GAP, ("scores.sum()", "scores.mean()")),
    changed(Q3, "ratio", GAP, ("scores.sum() - due", "(scores.sum() - due) / due")),
    changed(
        Q4, "reversed", SENSITIVITY, ("return moved and bool(", "return not (moved and bool("), (".all())", ".all()))")
    ),
    changed(Q4, "any-zero", SENSITIVITY, ("[x != baseline]", ""), (".all()", ".any()")),
    changed(Q4, "all-zero", SENSITIVITY, ("[x != baseline]", "")),
    changed(Q4, "unmoved", SENSITIVITY, ("moved and ", "")),
    changed(Q5, "all-at-once", BATCHES, ("split(batch)", "split(steps)")),
    changed(
        Q5,
        "evaluated-again",
        BATCHES,
        ("        total += torch", "        print(f(points))\n        total += torch"),
    ),
    changed(
        Q5,
        "mean-of-means",
        BATCHES,
        ("[0].sum(0)", "[0].mean(0)"),
        ("total / steps", "total / len(alphas.split(batch))"),
    ),
    changed(Q5, "last-batch-dropped", BATCHES, ("alphas.split(batch)", "alphas[: steps - steps % batch].split(batch)")),
    changed(Q5, "sum-not-mean", BATCHES, (" / steps\n", "\n"), ("+ 0.5)\n", "+ 0.5) / steps\n")),
    changed(
        Q6,
        "no-gradient",
        LEAD,
        ("return logits[:, target] - logits[:, foil]", "return (logits[:, target] - logits[:, foil]).detach()"),
    ),
    changed(Q6, "no-foil", LEAD, (" - logits[:, foil]", "")),
    changed(Q6, "wrong-sign", LEAD, ("logits[:, target] - logits[:, foil]", "logits[:, foil] - logits[:, target]")),
    changed(Q6, "first-position", LEAD, ("[:, -1]", "[:, 0]")),
    changed(Q6, "off-by-one", LEAD, ("[:, -1]", "[:, -2]")),
    changed(Q6, "probability", LEAD, ("[:, -1]", "[:, -1].softmax(-1)")),
    changed(
        Q6,
        "mean-over-rows",
        LEAD,
        ("return logits[:, target] - logits[:, foil]", "return (logits[:, target] - logits[:, foil]).mean()"),
    ),
    changed(Q7, "no-baseline", MEASURE, (" - f(baseline[None])[0]", "")),
    changed(Q7, "mean-not-sum", MEASURE, ("float(scores.sum())", "float(scores.mean(-1).sum())")),
    changed(Q7, "right-ends", MEASURE, ("+ 0.5", "+ 1")),
    changed(
        Q7,
        "zero-baseline",
        MEASURE,
        ("[0].detach()\n", "[0].detach()\n    baseline = torch.zeros_like(x)\n"),
    ),
    changed(Q8, "token-zero", CAPTUM, ("inputs, baselines=baselines, ", "inputs, ")),
    changed(Q8, "mean-not-sum", CAPTUM, ("[0].sum(-1)", "[0].mean(-1)")),
    changed(Q8, "wrong-sign", CAPTUM, ("float(delta[0])", "-float(delta[0])")),
    changed(
        Q9,
        "no-baseline",
        NORMS,
        ("baseline + alphas.reshape(-1, *[1] * x.dim()) * (x - baseline)", "alphas.reshape(-1, *[1] * x.dim()) * x"),
    ),
    changed(Q9, "squared", NORMS, ("norm(dim=1)", "square().sum(1)")),
    changed(Q9, "absolute-sum", NORMS, ("norm(dim=1)", "abs().sum(1)")),
    changed(Q9, "times-difference", NORMS, ("return slopes", "return ((x - baseline) * slopes)")),
    changed(Q9, "one-norm", NORMS, ("norm(dim=1)", "norm()")),
    changed(Q10, "ascending", DELETION, ("descending=True", "descending=False")),
    changed(Q10, "by-magnitude", DELETION, ("scores.argsort", "scores.abs().argsort")),
    changed(Q10, "one-by-one", DELETION, ("order[:k]", "order[k - 1]")),
    changed(Q10, "wrong-sign", DELETION, ("value(ids[None])[0] - value(rows)", "value(rows) - value(ids[None])[0]")),
    changed(Q10, "kept", DELETION, ("order[:k]", "order[k:]")),
    changed(Q10, "from-zero", DELETION, ("order[:k]", "order[: k - 1]")),
    changed(Q11, "exchanged", READING, ("target, foil,", "foil, target,")),
    changed(Q11, "no-foil", READING, ("target, foil,", "target,")),
    changed(Q11, "trusting", READING, ("against.verdict.word", '"trust"')),
)

# Faults that change nothing that can be seen: (exercise, what was changed), and why.
_BATCH = "for part in ((torch.arange(steps, dtype=x.dtype) + 0.5) / steps).split(10):"
_SLOPE = "(slope,) = torch.autograd.grad(f(point).sum(), point)"
EQUIVALENT = {
    ("lab01-q1", f"sum to mean: f(point).sum in {_SLOPE}"): "there is one row",
    ("lab01-q1", "one less: 0 in return slope[0]"): "the last of one row is the first",
    ("lab01-q7", "one less: 0 in x = lm.embed(torch.tensor([ids]))[0].detach()"): "the last of one prompt is the first",
    ("lab01-q7", f"one more: 10 in {_BATCH}"): "11 points at a time give the same scores",
    ("lab01-q7", f"one less: 10 in {_BATCH}"): "and so do 9",
    ("lab01-q8", "one less: 0 in return scores.sum(-1)[0], delta.item()"): "the last of one prompt is the first",
    ("lab01-q10", "one less: 1 in for k in range(1, len(ids) + 1):"): "for k = 0 nothing is replaced",
    ("lab01-q10", "one less: 0 in return value(ids[None])[0] - value(rows)"): "the last of one prompt is the first",
}
