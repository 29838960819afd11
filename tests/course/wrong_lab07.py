"""Wrong answers to lab 07 that learners give, as they would write them, and the mistake that each must be told."""

from __future__ import annotations

from tests.course.wrong import changed

SCORE = """
def held_out_score(states, labels, groups, held, fit):
    test = torch.tensor([int(g) in held for g in groups])
    predict = fit(states[~test], labels[~test])
    right = predict(states[test]) == labels[test]
    return right.double().mean()
"""

MOMENTS = """
def covariances(states, labels):
    x = states - states.mean(0)
    z = labels - labels.mean(0)
    n = len(states)
    sxx = x.T @ x / (n - 1)
    sxz = x.T @ z / (n - 1)
    return sxx, sxz
"""

WHITEN = """
def whitening(sxx):
    values, vectors = torch.linalg.eigh(sxx)
    W = torch.zeros_like(sxx)
    for value, v in zip(values, vectors.T):
        if value > 1e-9 * values.max():
            W += torch.outer(v, v) / value.sqrt()
    return W
"""

LEACE = """
def leace(whitening, sxz):
    A = whitening @ sxz
    u, s, _ = torch.linalg.svd(A, full_matrices=False)
    u = u[:, : sxz.shape[1] - 1]
    back = torch.linalg.pinv(whitening, rtol=1e-7)
    return torch.eye(len(sxz), dtype=sxz.dtype) - back @ u @ u.T @ whitening
"""

ERASE = """
def erased(states, mean, projection):
    return torch.stack([projection @ (x - mean) + mean for x in states])
"""

NULL = """
def null_projector(rows):
    _, s, v = torch.linalg.svd(rows, full_matrices=False)
    v = v[s > 1e-9 * s.max()]
    return torch.eye(rows.shape[1], dtype=rows.dtype) - v.T @ v
"""

INLP = """
def inlp(states, fit, project, rounds):
    P = torch.eye(states.shape[1], dtype=states.dtype)
    found = []
    for i in range(rounds):
        w = fit(states @ P)
        found = found + [w]
        P = project(torch.stack(found))
    return P
"""

GAP = """
def spread_gap(states, labels):
    one, other = states[labels == 1], states[labels == 0]
    difference = torch.cov(one.T) - torch.cov(other.T)
    values = torch.linalg.eigvalsh(difference)
    low, high = values[0], values[-1]
    return high if high > -low else low
"""

Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8 = (f"lab07-q{i}" for i in range(1, 9))
RIGHT = {Q1: SCORE, Q2: MOMENTS, Q3: WHITEN, Q4: LEACE, Q5: ERASE, Q6: NULL, Q7: INLP, Q8: GAP}

_FIT, _RIGHT = "fit(states[~test], labels[~test])", "predict(states[test]) == labels[test]"
_CUT, _TERM, _KEPT = "value > 1e-9 * values.max()", "torch.outer(v, v) / value.sqrt()", "u = u[:, : sxz.shape[1] - 1]"
_BACK = "back @ u @ u.T @ whitening"
_PROJECT, _RETURN = "P = project(torch.stack(found))", "    return torch.eye(rows.shape[1], dtype=rows.dtype) - v.T @ v"
_CHOICE = "    return high if high > -low else low"
WRONG = (
    changed(Q1, "never-split", SCORE, (_FIT, "fit(states, labels)"), (_RIGHT, "predict(states) == labels")),
    changed(Q1, "trained-on-all", SCORE, (_FIT, "fit(states, labels)")),
    changed(Q1, "scored-on-all", SCORE, (_RIGHT, "predict(states) == labels")),
    changed(Q1, "training-score", SCORE, (_RIGHT, "predict(states[~test]) == labels[~test]")),
    changed(Q1, "sides-exchanged", SCORE, ("in held", "not in held")),
    changed(Q1, "rows-for-groups", SCORE, ("int(g) in held for g in groups", "i in held for i in range(len(groups))")),
    changed(Q1, "errors", SCORE, ("==", "!=")),
    changed(
        Q1,
        "mean-of-groups",
        SCORE,
        (
            "right.double().mean()",
            "torch.stack([right[groups[test] == g].double().mean() for g in groups[test].unique()]).mean()",
        ),
    ),
    changed(Q2, "not-centred", MOMENTS, ("states - states.mean(0)", "states"), ("labels - labels.mean(0)", "labels")),
    changed(Q2, "by-n", MOMENTS, ("(n - 1)", "n")),
    changed(Q2, "sums", MOMENTS, (" / (n - 1)", "")),
    changed(Q2, "states-against-states", MOMENTS, ("return sxx, sxz", "return torch.cov(states), torch.cov(labels)")),
    changed(Q2, "cross-turned", MOMENTS, ("return sxx, sxz", "return sxx, sxz.T")),
    changed(
        Q2,
        "correlation",
        MOMENTS,
        ("states - states.mean(0)", "(states - states.mean(0)) / states.std(0)"),
        ("labels - labels.mean(0)", "(labels - labels.mean(0)) / labels.std(0)"),
    ),
    changed(Q3, "root", WHITEN, (_TERM, "torch.outer(v, v) * value.sqrt()")),
    changed(Q3, "inverse", WHITEN, (".sqrt()", "")),
    changed(
        Q3,
        "not-turned-back",
        WHITEN,
        ("    W = torch.zeros_like(sxx)\n", "    W = []\n"),
        (
            "            W += torch.outer(v, v) / value.sqrt()\n",
            "            W.append(v / value.sqrt())\n        else:\n            W.append(0 * v)\n",
        ),
        ("return W", "return torch.stack(W)"),
    ),
    changed(Q3, "each-number-alone", WHITEN, ("return W", "return torch.diag(1 / sxx.diagonal().sqrt())")),
    changed(Q3, "fixed-cut", WHITEN, (_CUT, "value > 1e-9")),
    changed(
        Q4,
        "orthogonal",
        LEACE,
        ("A = whitening @ sxz", "A = sxz"),
        (_BACK, "u @ u.T"),
    ),
    changed(Q4, "stays-white", LEACE, (_BACK, "u @ u.T")),
    changed(Q4, "no-way-back", LEACE, (_BACK, "u @ u.T @ whitening")),
    changed(Q4, "whitened-twice", LEACE, (_BACK, "whitening @ u @ u.T @ whitening")),
    changed(Q4, "turned", LEACE, (_BACK, "whitening @ u @ u.T @ back")),
    changed(Q4, "not-orthonormal", LEACE, (_KEPT, "u = A")),
    changed(Q4, "what-is-taken", LEACE, ("torch.eye(len(sxz), dtype=sxz.dtype) - back", "back")),
    changed(Q4, "one-too-many", LEACE, (_KEPT, "u = u")),
    changed(Q5, "turned", ERASE, ("projection @ (x - mean)", "(x - mean) @ projection")),
    changed(Q5, "not-centred", ERASE, ("projection @ (x - mean) + mean", "projection @ x")),
    changed(Q5, "mean-lost", ERASE, (" + mean", "")),
    changed(Q5, "own-mean", ERASE, ("    return", "    mean = states.mean(0)\n    return")),
    changed(
        Q6,
        "product",
        NULL,
        (
            _RETURN,
            "    P = torch.eye(rows.shape[1], dtype=rows.dtype)\n    for w in rows:\n"
            "        P = P @ (torch.eye(len(w), dtype=w.dtype) - torch.outer(w, w) / (w @ w))\n    return P",
        ),
    ),
    changed(Q6, "sum", NULL, ("v = v[s > 1e-9 * s.max()]", "v = rows / rows.norm(dim=1, keepdim=True)")),
    changed(Q6, "not-normalised", NULL, ("v = v[s > 1e-9 * s.max()]", "v = rows")),
    changed(Q6, "last-row", NULL, ("v = v[s > 1e-9 * s.max()]", "v = rows[-1:] / rows[-1].norm()")),
    changed(Q6, "row-space", NULL, ("torch.eye(rows.shape[1], dtype=rows.dtype) - v", "v")),
    changed(Q7, "never-projected", INLP, ("fit(states @ P)", "fit(states)")),
    changed(Q7, "product", INLP, (_PROJECT, "P = P @ project(w[None])")),
    changed(Q7, "last-row", INLP, (_PROJECT, "P = project(w[None])")),
    changed(Q7, "one-too-few", INLP, ("range(rounds)", "range(rounds - 1)")),
    changed(Q7, "one-too-many", INLP, ("range(rounds)", "range(rounds + 1)")),
    changed(Q8, "largest-only", GAP, (_CHOICE, "    return high")),
    changed(Q8, "sign-lost", GAP, (_CHOICE, "    return values.abs().max()")),
    changed(Q8, "sides-exchanged", GAP, ("labels == 1", "labels != 1"), ("labels == 0", "labels != 0")),
    changed(
        Q8,
        "own-axes",
        GAP,
        (_CHOICE, "    d = difference.diagonal()\n    return d[d.abs().argmax()]"),
    ),
    changed(
        Q8,
        "common-mean",
        GAP,
        ("    one, other", "    states = states - states.mean(0)\n    one, other"),
        ("torch.cov(one.T)", "one.T @ one / (len(one) - 1)"),
        ("torch.cov(other.T)", "other.T @ other / (len(other) - 1)"),
    ),
    changed(
        Q8,
        "not-centred",
        GAP,
        ("torch.cov(one.T)", "one.T @ one / (len(one) - 1)"),
        ("torch.cov(other.T)", "other.T @ other / (len(other) - 1)"),
    ),
    changed(Q8, "total", GAP, (_CHOICE, "    return difference.trace()")),
    changed(
        Q8,
        "of-each",
        GAP,
        (
            _CHOICE,
            "    return torch.linalg.eigvalsh(torch.cov(one.T))[-1] - torch.linalg.eigvalsh(torch.cov(other.T))[-1]",
        ),
    ),
)

# Faults that change nothing that can be seen: (exercise, what was changed), and why.
EQUIVALENT: dict[tuple[str, str], str] = {
    (Q4, "twice: 1e-07 in back = torch.linalg.pinv(whitening, rtol=1e-7)"): (
        "a tolerance against rounding: W's singular values are far above it, or rounding"
    ),
}
