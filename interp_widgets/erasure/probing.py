"""`iw.erasure.probe`: an eraser and its probes on states from anywhere, on three parts that share nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from interp_widgets.erasure.closed_forms import random_directions
from interp_widgets.erasure.eraser import Eraser
from interp_widgets.erasure.fitting import EraserFitter
from interp_widgets.erasure.labels import Floats, Integers, as_labels, as_states, classes_of
from interp_widgets.erasure.points import points_of
from interp_widgets.erasure.probes import L2, PROBES, control_accuracy, interval, predictions
from interp_widgets.erasure.result import STAGES, ErasureResult
from interp_widgets.erasure.splits import PARTS, split_groups
from interp_widgets.erasure.verdict import judge
from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.results.provenance import Provenance, Verdict, versions


def probe(
    states: Any,
    labels: Any,
    *,
    method: str = "leace",
    templates: Sequence[int] | Integers | None = None,
    words: Sequence[int] | Integers | None = None,
    probes: Sequence[str] = PROBES,
    shares: Sequence[float] = PARTS,
    inlp: int = 0,
    l2: float = L2,
    seed: int = 0,
    concept: str = "concept",
    **settings: Any,
) -> ErasureResult:
    """Fit an eraser on one part of the states, train probes on a second, test them on a third.

    Parameters
    ----------
    states, labels: (n, width) and (n,), as for `Eraser.fit`
    method, settings: of the eraser
    templates: (n,), numbers; states of one number (a sentence, a template) stay in one part. By default each stands
        alone, which is right only where the states are independent
    words: (n,), numbers, the same for the same word: for the control task; without them there is none
    probes: of "linear" and "mlp", linear first
    shares: of the eraser's part, the probes' training part and their test part
    inlp: also at most so many rounds of INLP, to compare with; see `rounds` of the result
    l2: of both probes
    seed: of the split, the random directions, the probes and the intervals

    Raises
    ------
    ArgumentError (also: too few templates for three parts), NonFiniteError
    """
    began = time.perf_counter()
    found = as_states(states)
    names = as_labels(labels, len(found))
    classes, of = classes_of(names)
    check_probes(probes)
    groups = list(range(len(found))) if templates is None else [int(one) for one in templates]
    for name, one in (("templates", templates), ("words", words)):
        if one is not None and len(one) != len(found):
            raise ArgumentError(f"{name} has {len(one)} entries, there are {len(found)} states")
    if len(shares) != 3:
        raise ArgumentError(f"shares={tuple(shares)}: three parts, for the eraser, to train and to test probes")
    what = "states" if templates is None else "templates"
    fit, train, test = split_groups(groups, [int(one) for one in of], [""] * len(of), shares, seed, what)
    eraser = Eraser.fit(found[fit], names[fit], method, **settings)
    q = random_directions(found.shape[1], max(eraser.rank, 1), seed)
    parts: dict[str, Floats] = {
        "before": found,
        "after": eraser.transform(found, names),
        "random": found - ((found - eraser.mean) @ q) @ q.T,
    }
    clusters = np.asarray(groups)[test]
    ids = None if words is None else np.asarray(words, np.int64)
    accuracy, control = probed(
        [(parts[stage][train], parts[stage][test]) for stage in STAGES],
        of[train],
        of[test],
        clusters,
        None if ids is None else (ids[train], ids[test]),
        probes,
        l2=l2,
        seed=seed,
    )
    points = points_of(found[train], of[train], found[test], parts["after"][test], of[test], seed=seed)
    size = float(np.linalg.norm(found[test], axis=1).mean())
    moved = [float(np.linalg.norm(parts[stage][test] - found[test], axis=1).mean()) / size for stage in STAGES[1:]]
    fields: dict[str, Any] = {
        "concept": concept,
        "method": method,
        "digest": "",
        "classes": classes,
        "places": ("states",),
        "layers": np.asarray([-1], np.int64),
        "ranks": np.asarray([eraser.rank], np.int64),
        "probes": tuple(probes),
        "accuracy": accuracy[None],
        "control": control[None],
        "majority": majority_of(of[test]),
        "counts": np.asarray([len(fit), len(train), len(test)], np.int64),
        "clusters": len(np.unique(clusters)),
        "cluster": what[:-1],
        "change": np.asarray([moved]),
        "perplexity": np.zeros(0),
        "tasks": np.zeros((0, 3)),
        "questions": 0,
        "rounds": inlp_rounds(found[fit], of[fit], inlp, seed) if inlp else eraser.rounds,
        "points": points.coordinates,
        "axes": points.shares,
        "point_place": 0,
        "point_class": of[test][points.rows],
        "point_text": (),
        "point_token": (),
        "notes": eraser.notes,
        "provenance": Provenance(
            model="states from an array",
            fingerprint="",
            device="cpu",
            dtype="float64",
            prompt="",
            bos=0,
            interventions=(),
            versions=versions(),
            seed=seed,
            batch_size=0,
            forward_passes=0,
            seconds=time.perf_counter() - began,
        ),
    }
    return with_verdict(fields)


def with_verdict(fields: dict[str, Any]) -> ErasureResult:
    return ErasureResult(**fields, verdict=judge(ErasureResult(**fields, verdict=Verdict("caution", ""))))


def check_probes(probes: Sequence[str]) -> None:
    """Raises ArgumentError."""
    strange = next((one for one in probes if one not in PROBES), None)
    if strange is not None:
        raise not_one_of("probes", strange, PROBES)
    if isinstance(probes, str) or not probes or probes[0] != "linear" or len(set(probes)) < len(probes):
        raise ArgumentError(f"probes={probes!r}: ['linear'] or ['linear', 'mlp']; the verdict is about the linear one")


def inlp_rounds(
    states: Floats, of: Integers, rounds: int, seed: int, check: Callable[[], object] = lambda: None
) -> Floats:
    """(rounds + 1, 2): the rank that INLP has taken, and the held-out accuracy of its next classifier. check: called
    before every round. Raises ArgumentError."""

    def look(done: int, total: int, text: str) -> None:
        check()

    fitter = EraserFitter(states.shape[1], "inlp", rounds=rounds, seed=seed)
    return fitter.update(states, of).eraser(look).rounds


def majority_of(of: Integers) -> float:
    return float(np.bincount(of).max() / len(of))


def probed(
    stages: Sequence[tuple[Floats, Floats] | None],
    train: Integers,
    test: Integers,
    clusters: Integers,
    words: tuple[Integers, Integers] | None,
    probes: Sequence[str],
    *,
    l2: float,
    seed: int,
    check: Callable[[], object] = lambda: None,
) -> tuple[Floats, Floats]:
    """(accuracy (probes, stages, 3), control (stages,)) of probes trained and tested on (train, test) states of each
    stage; None for a stage that is not measured. Under random directions only the linear one is: what a whole state
    holds for an MLP, a state less one direction holds too.

    train, test: classes of the states; clusters: of the test states; words: their numbers, for the control task
    check: called before every probe
    """
    accuracy = np.full((len(probes), len(stages), 3), np.nan)
    control = np.full(len(stages), np.nan)
    for s, pair in enumerate(stages):
        if pair is None:
            continue
        for i, kind in enumerate(probes):
            check()
            if kind != "linear" and STAGES[s] == "random":
                continue
            found = predictions(kind, pair[0], train, pair[1], l2=l2, seed=seed)
            accuracy[i, s] = interval(found == test, clusters, seed)
        if words is not None and s < 2:  # under random directions a word is what it was
            k = int(max(train.max(), test.max())) + 1
            control[s] = control_accuracy(*pair, *words, k, l2=l2, seed=seed)
    return accuracy, control
