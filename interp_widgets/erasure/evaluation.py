"""`iw.erasure.evaluate`: is a concept gone from a model's states, and what did that cost?

1. Texts go through the model three times side by side, layer by layer: without the eraser, with it, and with one of the
   same ranks in random directions.
2. At each of its places fresh probes are trained on the labelled tokens of one part of the texts and tested on another.
   Neither may share a text or a template with what the eraser was fitted on: on its own data a probe is at chance by
   construction.
3. Damage: perplexity of neutral texts, and questions about other things.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.erasure.damage import answered, questions, random_like
from interp_widgets.erasure.labels import Floats
from interp_widgets.erasure.points import points_of
from interp_widgets.erasure.probes import L2, PROBES
from interp_widgets.erasure.probing import check_probes, inlp_rounds, majority_of, probed, with_verdict
from interp_widgets.erasure.result import ErasureResult
from interp_widgets.erasure.sweep import ORDER, Sweep, labelled_tokens
from interp_widgets.erasure.texts import LabelledTexts
from interp_widgets.errors import ArgumentError
from interp_widgets.interventions.digest import digest_of
from interp_widgets.interventions.erased import Erased
from interp_widgets.models.hooks import Snapshot
from interp_widgets.models.prompts import decode
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost, allow
from interp_widgets.results.provenance import provenance_of

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_LETTERS = 4  # of a token, for estimates


def evaluate(
    lm: LanguageModel,
    x: Erased,
    train: LabelledTexts,
    test: LabelledTexts,
    *,
    probes: Sequence[str] = PROBES,
    control: bool = True,
    random: bool = True,
    damage: bool = True,
    inlp: int = 0,
    l2: float = L2,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> ErasureResult:
    """Probe the states at every place of an eraser, before and after, on texts that it has not seen.

    Parameters
    ----------
    x: from `iw.erase` or `iw.erasure.scrub`, or `Eraser.at`; it need not be active
    train, test: texts to train probes on and to test them on: two of the parts of `LabelledTexts.split`
    probes: of "linear" and "mlp", linear first
    control: also the control task, random labels for each word
    random: also an eraser of the same ranks in random directions
    damage: also perplexity and questions
    inlp: also at most so many rounds of INLP, to compare with: on the probes' training states at the place where the
        concept was plainest before; see `rounds` of the result
    l2, seed: as in `erasure.probe`
    batch_size: texts of a pass

    Raises
    ------
    ArgumentError: the parts share a text or template with one another or with what the eraser was fitted on, or have
    other classes; FingerprintMismatchError, TooCostlyError, NonFiniteError, Cancelled
    """
    if not isinstance(x, Erased):
        raise ArgumentError(f"x={x!r} does not run inside a model; give iw.erase(...), or Eraser.at(layer)")
    check_probes(probes)
    _check_apart(x, train, test)
    lm.using(x)  # says whether it fits this model
    allow(_cost(lm, x, train, test, random), confirm, "Take fewer texts (LabelledTexts.take)")
    began = time.perf_counter()
    both = train.and_(test)
    tokens = labelled_tokens(lm, both)
    trains = tokens.text < len(train)
    classes = train.classes
    of = np.asarray([classes.index(both.labels[i]) for i in tokens.text])
    clusters = np.asarray(both.templates)[tokens.text][~trains]
    words = (tokens.token[trains], tokens.token[~trains]) if control else None
    other = random_like(x, seed=seed)
    accuracy: list[Floats] = []
    controls: list[Floats] = []
    change: list[list[float]] = []
    plainest, points, compared = (-1.0, 0), None, np.zeros((0, 0))
    measured: list[tuple[float, Floats]] = []
    with lm.run(cancel=cancel) as run, Bar(progress) as bar:
        others = tuple(one for one in run.snapshot.changes if one is not x)
        acting: list[tuple[Any, ...]] = [others, (*others, x), *([(*others, other)] if random else [])]
        sweeps = [Sweep(lm, tokens, changes, batch_size=batch_size, cancel=cancel) for changes in acting]
        steps = max(lm.architecture.check_layer(layer) for layer in x.layers) + 1
        for layer in range(steps):
            bar.advance(layer, steps, f"layer {layer}")
            run.check()
            kinds = sorted((kind for kind, _ in _at(lm, x, layer)), key=ORDER.index)
            for kind in kinds:
                pairs, moved = [], []
                for sweep in sweeps:
                    given, states = sweep.read_both(layer, kind, move=kind == kinds[-1])
                    pairs.append((states[trains].astype(np.float64), states[~trains].astype(np.float64)))
                    moved.append(_moved(given[~trains], states[~trains]))
                found = probed(
                    [*pairs, *([] if random else [None])],
                    of[trains],
                    of[~trains],
                    clusters,
                    words,
                    probes,
                    l2=l2,
                    seed=seed,
                    check=run.check,
                )
                if found[0][0, 0, 0] > plainest[0]:  # only now are its states at hand
                    plainest = (float(found[0][0, 0, 0]), len(accuracy))
                    compared = pairs[0][0]
                    points = points_of(pairs[0][0], of[trains], pairs[0][1], pairs[1][1], of[~trains], seed=seed)
                accuracy.append(found[0])
                controls.append(found[1])
                change.append([*moved[1:], *([] if random else [np.nan])])
                run.check()
            if not kinds:
                for sweep in sweeps:
                    sweep.move(layer)
        del sweeps
        rounds = np.zeros((0, 2))
        if inlp:
            rounds = inlp_rounds(compared, of[trains], inlp, seed, run.check)
        if damage:
            measured = [_damage(lm, changes, cancel) for changes in acting]
        bar.finish("probes and damage")
        beside = Snapshot(others, lm.architecture).names
    none = (np.nan, np.full(3, np.nan))
    measured += [none] * (3 - len(measured) if measured else 0)
    assert points is not None  # an eraser has at least one place
    shown = np.flatnonzero(~trains)[points.rows]
    order = sorted(range(len(x.places)), key=lambda i: (x.places[i][1], ORDER.index(x.places[i][0])))
    fields: dict[str, Any] = {
        "concept": train.name,
        "method": str(x.about.get("method", x.kind)),
        "digest": digest_of(x),
        "classes": classes,
        "places": tuple(f"layer {x.places[i][1]} {x.places[i][0]}" for i in order),
        "layers": np.asarray([x.places[i][1] for i in order], np.int64),
        "ranks": np.asarray([x.ranks[i] for i in order], np.int64),
        "probes": tuple(probes),
        "accuracy": np.stack(accuracy),
        "control": np.stack(controls),
        "majority": majority_of(of[~trains]),
        "counts": np.asarray([int(x.about.get("samples", 0)), int(trains.sum()), int((~trains).sum())], np.int64),
        "clusters": len(np.unique(clusters)),
        "cluster": "template",
        "change": np.asarray(change, np.float64),
        "perplexity": np.asarray([one for one, _ in measured], np.float64),
        "tasks": np.stack([one for _, one in measured]) if measured else np.zeros((0, 3)),
        "questions": len(questions()) if measured else 0,
        "rounds": rounds,
        "points": points.coordinates,
        "axes": points.shares,
        "point_place": plainest[1],
        "point_class": of[shown],
        "point_text": tuple(both.texts[i] for i in tokens.text[shown]),
        "point_token": tuple(decode(lm.tokenizer, [int(i)]) for i in tokens.token[shown]),
        "notes": tuple(x.about.get("notes", ())),
        "provenance": provenance_of(
            lm,
            test.texts[0],
            bos=lm.encode(test.texts[0]).bos,
            interventions=beside,
            seed=seed,
            batch_size=batch_size or 0,
            forward_passes=len(acting) * (len(both) + (2 * len(questions()) if damage else 0)),
            seconds=time.perf_counter() - began,
        ),
    }
    return with_verdict(fields)


def _at(lm: LanguageModel, x: Erased, layer: int) -> list[tuple[str, int]]:
    return [place for place in x.places if lm.architecture.check_layer(place[1]) == layer]


def _moved(given: NDArray[np.float32], states: NDArray[np.float32]) -> float:
    """Mean length of what was taken over the mean length of what was there."""
    taken = np.linalg.norm(given.astype(np.float64) - states, axis=1).mean()
    return float(taken / max(np.linalg.norm(given.astype(np.float64), axis=1).mean(), np.finfo(np.float64).tiny))


def _damage(lm: LanguageModel, changes: tuple[Any, ...], cancel: threading.Event | None) -> tuple[float, Floats]:
    from interp_widgets.editing.evaluating.fluency import perplexity_of

    with lm.run(cancel=cancel, snapshot=Snapshot(changes, lm.architecture)):
        return perplexity_of(lm, cancel=cancel), answered(lm, cancel=cancel)


def _check_apart(x: Erased, train: LabelledTexts, test: LabelledTexts) -> None:
    if train.classes != test.classes or len(train.classes) < 2:
        raise ArgumentError(f"train has the classes {train.classes}, test {test.classes}; the same two or more in both")
    named = (("train", train.hashes, train.template_hashes), ("test", test.hashes, test.template_hashes))
    parts = [("the eraser's texts", x.fitted_on, x.templates), *named]
    for i, (one, texts, templates) in enumerate(parts):
        for other, more, others in parts[i + 1 :]:
            shared, kinds = len(np.intersect1d(texts, more)), len(np.intersect1d(templates, others))
            if shared or kinds:
                raise ArgumentError(
                    f"{other} shares {shared} texts and {kinds} templates with {one}: a probe would be at chance, or"
                    " right, by construction. Take parts that share none: fit, train, test = texts.split()"
                )


def estimate_evaluate(
    lm: LanguageModel, x: Erased, train: LabelledTexts, test: LabelledTexts, *, random: bool = True, **_: object
) -> Cost:
    """What `evaluate` would cost, without the probes' own training; runs nothing."""
    return _cost(lm, x, train, test, random)


def _cost(lm: LanguageModel, x: Erased, train: LabelledTexts, test: LabelledTexts, random: bool) -> Cost:
    a = lm.architecture
    tokens = sum(map(len, (*train.texts, *test.texts))) / _LETTERS
    passes = (max(a.check_layer(layer) for layer in x.layers) + 1 + len(x.places)) / a.n_layers
    times = 2 + random
    return Cost(
        times * (len(train) + len(test)),
        times * tokens * passes * lm.seconds_per_token,
        int(times * tokens * a.width * 12),
    )
