"""Erasure results made by hand; no model is loaded."""

from __future__ import annotations

from typing import Any

import numpy as np

from interp_widgets.erasure.probing import with_verdict
from interp_widgets.erasure.result import ErasureResult
from interp_widgets.results.provenance import Provenance
from tests.builders import make_provenance

SENTENCES = (("The nurse said that ", " she", " was late."), ("The driver said that ", " he", " was late."))


def _points(m: int, classes: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(points (m, 2, 3), classes (m,)): apart on the last axis before, together after."""
    chance = np.random.default_rng(7)
    of = np.arange(m) % classes
    before = chance.normal(size=(m, 3)) * [3.0, 2.0, 0.4]
    before[:, 2] += 4.0 * (of - (classes - 1) / 2)
    after = before.copy()
    after[:, 2] = chance.normal(size=m) * 0.4
    return np.round(np.stack([before, after], axis=1), 3), of


def make_erasure(
    points: int = 24, classes: tuple[Any, ...] = ("feminine", "masculine"), **changes: Any
) -> ErasureResult:
    """Grammatical gender by LEACE at three layers of a model; any field can be changed by name."""
    places = changes.pop("places", ("layer 8 resid_post", "layer 12 resid_post", "layer 16 resid_post"))
    p = len(places)
    linear = [[0.96, 0.94, 0.98], [0.51, 0.47, 0.55], [0.95, 0.93, 0.97]]
    mlp = [[0.97, 0.95, 0.99], [0.61, 0.56, 0.66], [np.nan] * 3]
    accuracy = np.asarray([[linear, mlp]] * p, float)
    accuracy[:, 0, 0] += 0.01 * np.arange(p)[:, None]
    coordinates, of = _points(points, len(classes))
    told = [SENTENCES[c % 2] for c in of.tolist()]
    fields: dict[str, Any] = {
        "concept": "grammatical_gender",
        "method": "leace",
        "digest": "d" * 64,
        "classes": classes,
        "places": places,
        "layers": np.asarray([int(place.split()[1]) if " " in place else -1 for place in places], np.int64),
        "ranks": np.ones(p, np.int64),
        "probes": ("linear", "mlp"),
        "accuracy": accuracy,
        "control": np.asarray([[0.62, 0.6, np.nan]] * p),
        "majority": 0.5,
        "counts": np.asarray([12_000, 4_000, 4_000], np.int64),
        "clusters": 26,
        "cluster": "template",
        "change": np.asarray([[0.021, 0.034]] * p),
        "perplexity": np.asarray([35.4, 35.9, 36.8]),
        "tasks": np.asarray([[0.8, 0.66, 0.89], [0.775, 0.63, 0.88], [0.8, 0.66, 0.89]]),
        "questions": 40,
        "rounds": np.asarray([[0, 0.97], [1, 0.91], [2, 0.78], [3, 0.64], [4, 0.52]]),
        "points": coordinates,
        "axes": np.asarray([0.31, 0.12, 0.07]),
        "point_place": p - 1,
        "point_class": of.astype(np.int64),
        "point_text": tuple("".join(parts).replace("  ", " ") for parts in told),
        "point_token": tuple(parts[1] for parts in told),
        "notes": (),
        "provenance": make_provenance(prompt="The nurse said that she was late."),
        **changes,
    }
    if "verdict" in fields:
        return ErasureResult(**fields)
    return with_verdict(fields)


def make_bare(**changes: Any) -> ErasureResult:
    """Three classes of states from an array, by INLP, with a linear probe alone and without damage."""
    provenance = Provenance(**{**make_provenance(prompt="").to_json(), "model": "states from an array"})
    fields: dict[str, Any] = {
        "points": 12,
        "classes": (0, 1, 2),
        "places": ("states",),
        "concept": "concept",
        "method": "inlp",
        "digest": "",
        "probes": ("linear",),
        "accuracy": np.asarray([[[[0.9, 0.85, 0.95], [0.7, 0.6, 0.8], [0.9, 0.85, 0.95]]]]),
        "control": np.full((1, 3), np.nan),
        "majority": 0.34,
        "ranks": np.asarray([6]),
        "rounds": np.asarray([[0, 0.9], [2, 0.7]]),
        "perplexity": np.zeros(0),
        "tasks": np.zeros((0, 3)),
        "questions": 0,
        "cluster": "state",
        "point_text": (),
        "point_token": (),
        "notes": ("fitted on fewer states than dimensions",),
        "provenance": Provenance(**{**provenance.to_json(), "fingerprint": "", "interventions": (), "notes": ()}),
        **changes,
    }
    return make_erasure(**fields)


def make_hostile() -> ErasureResult:
    """Names, tokens and texts that would like to be markup, and a direction of their own."""
    return make_erasure(
        points=8,
        classes=("</td><script>", "\u202eright"),
        concept="<b>shape</b>",
        notes=("</style><i>",),
        point_text=("<script>alert(1)</script>", "=1+1", "שלום", "a\nb\u2028c", "<!--", "&amp;", "\u202e", "x" * 400),
        point_token=("<script>", "=1", "שלום", "\n", "<!--", "&amp;", "\u202e", "x"),
    )
