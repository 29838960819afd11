"""One edit a record, each on the unedited model: efficacy, paraphrase, neighbourhood and S beside those of the papers.

    python -m benchmarks edit_single [--method rome] [--records 200] [--list well-known] [--layer 5]
                                     [--set value.decay=0.001] [--keep FILE] [--turn 0/2] [--preserve 250]

With --keep each record's outcome is written as it is done, and a later call goes on from there; --turn 0/2 takes every
second record, for two processes side by side.  With --preserve each edit is held against so many of the thousand facts
of the preservation suite, other ones for each record in turn.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import interp_widgets as iw
from benchmarks.edit_records import add_options, edit, joined, records, scores, shares, table
from interp_widgets.editing.evaluating.preservation import PreservationSuite
from interp_widgets.errors import InterpError

# Meng et al. 2022, tables 4 and 5: efficacy, paraphrase, neighbourhood, S.
PAPER = {"GPT-2 medium, ROME": (100.0, 96.4, 71.8, 87.4), "GPT-2 XL, ROME": (100.0, 96.4, 75.4, 89.2)}


def one(lm: Any, fact: iw.Fact, given: argparse.Namespace, suite: PreservationSuite | None) -> dict[str, Any]:
    began = time.perf_counter()
    made = edit(lm, fact, given)
    seconds = time.perf_counter() - began
    try:
        judged = iw.evaluate_edit(lm, made, perplexity=False, generation=0, confirm=True)
        kept = iw.editing.preserved(lm, made, suite, confirm=True).kept.tolist() if suite else []
    finally:
        made.undo()
    row: dict[str, Any] = shares(judged)
    row["ripple"] = judged.by_record("ripple").tolist()
    row["ripple before"] = judged.by_record("ripple", edited=False).tolist()
    row["first"] = [judged.accuracy("fact")]
    row["seconds"] = [seconds]
    row["preserved"] = kept
    for name, value in made.measured.items():
        row[name] = [value]
    return row


def part_of(whole: PreservationSuite | None, number: int, size: int) -> PreservationSuite | None:
    """Evenly spread questions; the next record's begin one further."""
    if whole is None:
        return None
    apart = max(len(whole) // size, 1)
    return dataclasses.replace(whole, questions=whole.questions[number % apart :: apart][:size])


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--turn", default="0/1")
    parser.add_argument("--preserve", type=int, default=0)
    given = parser.parse_args(argv)
    lm = iw.load_model()
    turn, of = (int(part) for part in given.turn.split("/"))
    kept: dict[int, dict[str, Any]] = {}
    if given.keep is not None and given.keep.exists():
        kept = {row.pop("number"): row for row in map(json.loads, given.keep.read_text("utf-8").splitlines())}
    chosen = records(given)
    whole = iw.editing.preservation_suite(lm, confirm=True) if given.preserve else None
    for number, fact in enumerate(chosen):
        if number in kept or number % of != turn:
            continue
        try:
            kept[number] = one(lm, fact, given, part_of(whole, number, given.preserve))
        except InterpError as error:
            print(f"record {number} left out: {error}")
            continue
        if given.keep is not None:
            given.keep.parent.mkdir(parents=True, exist_ok=True)
            with given.keep.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"number": number, **kept[number]}) + "\n")
    found = joined([kept[number] for number in sorted(kept)])
    print(f"{given.method}, layer {given.layer or 'by default'} {' '.join(given.set)}")
    print(table(found))
    for name, numbers in PAPER.items():
        print(f"{name}: " + ", ".join(f"{number:.1f}" for number in numbers))
    lost = scores(found, before=True)["neighbour"][0] - scores(found)["neighbour"][0]
    print(f"neighbourhood {lost:+.1f} points lost; first choice at {100 * np.mean(found['first']):.1f} % of the facts")
    if not np.isnan(found["ripple"]).all():
        print(
            f"ripple {100 * np.nanmean(found['ripple']):.1f} % ({100 * np.nanmean(found['ripple before']):.1f} before)"
        )
    if found.get("preserved"):
        print(f"preserved {100 * np.mean(found['preserved']):.2f} % of {len(found['preserved'])} answers")
    for name in found:
        if name not in ("first", "ripple", "ripple before", "preserved") and not name.startswith(
            ("fact", "paraph", "neighb")
        ):
            low, middle, high = np.quantile(found[name], [0.05, 0.5, 0.95])
            print(f"{name:14} median {middle:.3g}, 5 to 95 % {low:.3g} to {high:.3g}")


if __name__ == "__main__":
    main()
