"""Results of the steering console made by hand; no model is loaded."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from interp_widgets.steering.console import Grid, SteeringResult, Used, Written
from interp_widgets.steering.console_verdict import judge
from tests.builders import make_provenance, spans_of

SETTINGS = {
    "layers": None,
    "positions": "all",
    "keep_norm": False,
    "max_new_tokens": 24,
    "temperature": 0.0,
    "seed": 0,
    "past": False,
}


def make_written(pieces: Sequence[str], first: int = 10, level: float = -1.0) -> Written:
    return Written(
        text="".join(pieces),
        tokens=tuple(pieces),
        ids=tuple(first + i for i in range(len(pieces))),
        spans=tuple((int(a), int(b)) for a, b in spans_of(pieces).tolist()) if pieces else (),
        probabilities=tuple(0.5 / (i + 1) for i in range(len(pieces))),
        read=tuple(level - 0.1 * i for i in range(len(pieces))),
        pace=0.031 if pieces else 0.0,
    )


def make_used(name: str = "sentiment", **changes: Any) -> Used:
    fields: dict[str, Any] = {
        "name": name,
        "poles": ("glad", "sad"),
        "strength": 0.075,
        "layers": (12,),
        "low": -0.1,
        "high": 0.1,
        "measured": ((-0.2, 1.9), (-0.1, 1.2), (0.0, 1.0), (0.1, 1.21), (0.2, 2.1), (0.4, 9.0)),
        "limit": 1.25,
        "score_layer": 12,
        "unit": "score",
    }
    return Used(**{**fields, **changes})


def make_grid(rows: int = 3) -> Grid:
    """Three layers and three strengths, of which so many rows are filled."""
    texts = [[("down " * n,) for n in (1, 2, 3)] for _ in range(3)]
    filled = [i < rows for i in range(3)]
    return Grid(
        vector="sentiment",
        layers=((4,), (12,), (20,)),
        strengths=(-0.1, 0.0, 0.1),
        texts=tuple(tuple(row) if on else (None,) * 3 for row, on in zip(texts, filled, strict=True)),
        concept=tuple((-0.5 - i, 0.1, 0.9 + i) if on else (None,) * 3 for i, on in enumerate(filled)),
        perplexity=tuple((1.1, 1.0, 1.3 + i) if on else (None,) * 3 for i, on in enumerate(filled)),
        unit="score",
    )


def make_steering(**changes: Any) -> SteeringResult:
    """Two vectors on "The party was", of which one steers; any field can be changed by name."""
    plain = make_written(changes.pop("plain_pieces", [" long", " and", " I", " went", " home", "."]))
    steered = make_written(changes.pop("steered_pieces", [" wonderful", " and", " we", " danced"]), level=-1.3)
    if plain.ids and steered.ids:
        steered = dataclasses.replace(steered, ids=(900, plain.ids[1], 901, 902)[: len(steered.ids)] or steered.ids)
    vectors = changes.pop("vectors", (make_used(), make_used("formality", poles=("formal", "casual"), strength=0.0)))
    scores = np.array([[0.4, -0.1, 0.2, -0.6, -0.3, 0.05], [-0.2, 0.1, 0.0, 0.3, 0.5, -0.4]])
    fields: dict[str, Any] = {
        "vectors": vectors,
        "settings": SETTINGS,
        "plain": plain,
        "steered": steered,
        "plain_scores": np.resize(scores, (len(vectors), len(plain.ids))),
        "steered_scores": np.resize(scores + 0.7, (len(vectors), len(steered.ids))),
        "grid": make_grid(),
        "complete": True,
        "verdict": judge(vectors, plain.perplexity, steered.perplexity),
    }
    provenance = {"prompt": "The party was", **changes.pop("provenance", {})}
    return SteeringResult(**{**fields, **changes}, provenance=make_provenance(**provenance))
