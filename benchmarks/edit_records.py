"""What the benchmarks of editing share: records, an editor's settings from the command line, and the papers' scores.

Records are those of CounterFact (Meng et al. 2022), of which a part lies with the test data, the well-known facts, or
those of lab 06, which travel with the package: the course computes the first points of their curves again.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import interp_widgets as iw
from benchmarks.well_known_facts import well_known_facts
from interp_widgets.course.lab06.facts import facts as course_facts
from interp_widgets.editing.evaluating.evaluation_result import EditEvaluation
from interp_widgets.editing.published import published
from interp_widgets.editing.registry import editor_of

Floats = NDArray[np.float64]
PARTS = ("fact", "paraphrase", "neighbour")


def add_options(parser: argparse.ArgumentParser, *, method: str = "rome") -> None:
    parser.add_argument("--method", default=method)
    parser.add_argument("--records", type=int, default=200)
    parser.add_argument("--start", type=int, default=0, help="the first record")
    parser.add_argument("--list", choices=("counterfact", "well-known", "course"), default="counterfact")
    parser.add_argument("--layer", type=int, nargs="+")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=JSON", help="a setting: value.decay=0.001, form='\"plain\"'"
    )


def records(given: argparse.Namespace) -> list[iw.Fact]:
    if given.list == "well-known":
        found = well_known_facts()
    elif given.list == "course":
        found = list(course_facts())
    else:
        data = os.environ.get("INTERP_TEST_DATA")
        if data is None:
            raise SystemExit("CounterFact's records lie with the test data: set INTERP_TEST_DATA to their folder")
        lines = (Path(data) / "counterfact_dev.jsonl").read_text("utf-8").splitlines()
        found = [iw.Fact.from_record(json.loads(line)) for line in lines]
    return found[given.start : given.start + given.records]


def edit(lm: Any, facts: iw.Fact | Sequence[iw.Fact], given: argparse.Namespace) -> iw.Edit:
    """By the method and settings of the command line."""
    known = published(lm, given.method)
    own = known.settings if known else editor_of(given.method).settings()
    for one in given.set:
        name, value = one.split("=", 1)
        own = changed(own, name, json.loads(value))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # answers that the model gives already
        return iw.edit(lm, facts, method=given.method, layer=given.layer, settings=own, alarm=None)


def changed(settings: Any, name: str, value: Any) -> Any:
    """A copy of a settings object with one field, "value.decay" or "weight", set."""
    first, _, rest = name.partition(".")
    inner = changed(getattr(settings, first), rest, value) if rest else value
    return dataclasses.replace(settings, **{first: inner})


def shares(judged: EditEvaluation) -> dict[str, list[float]]:
    """Of each record: success at fact, paraphrases and neighbours, with the edit and without."""
    found = {}
    for part in PARTS:
        found[part] = judged.by_record(part).tolist()
        found[f"{part} before"] = judged.by_record(part, edited=False).tolist()
    return found


def joined(rows: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    return {name: [one for row in rows for one in row[name]] for name in rows[0]}


def harmonic(shares: Sequence[float]) -> float:
    return len(shares) / sum(1 / max(one, 1e-9) for one in shares)


def scores(found: dict[str, list[float]], *, before: bool = False) -> dict[str, tuple[float, float, float]]:
    """In percent with 95 % intervals (bootstrap over records): the three parts and S, their harmonic mean."""
    end = " before" if before else ""
    table = np.asarray([found[part + end] for part in PARTS])
    draws = np.random.default_rng(0).integers(table.shape[1], size=(1000, table.shape[1]))
    means = np.nanmean(table[:, draws], axis=2)  # (parts, draws)
    columns = {part: (float(np.nanmean(table[i])), means[i]) for i, part in enumerate(PARTS)}
    columns["S"] = (
        harmonic([mean for mean, _ in columns.values()]),
        np.asarray([harmonic(column.tolist()) for column in means.T]),
    )
    ends = {name: np.quantile(many, [0.025, 0.975]) for name, (_, many) in columns.items()}
    return {
        name: (100 * mean, float(100 * ends[name][0]), float(100 * ends[name][1]))
        for name, (mean, _) in columns.items()
    }


def table(found: dict[str, list[float]]) -> str:
    lines = [f"{len(found['fact'])} records{'':6}efficacy             paraphrase           neighbourhood        S"]
    for label, before in (("unedited", True), ("edited", False)):
        cells = [f"{mean:5.1f} ({low:.1f} to {high:.1f})" for mean, low, high in scores(found, before=before).values()]
        lines.append(f"{label:16}" + "".join(f"{cell:21}" for cell in cells))
    return "\n".join(lines)
