"""One edit after the other on the same model, up to 200: how long each editor holds.

    python -m benchmarks edit_sequence [--method rome] [--records 200] [--layer 5] [--set weight=5000]
                                       [--curves FILE] [--name NAME] [--every 1 2 5 10 20 50 100 150 200]

At each of the counts: the three shares over the facts edited so far (at most --judged of them, evenly spread), the
perplexity of neutral text, the entropy of what the model writes, and seconds of processor time.  --curves adds the
method's curve, at each count, to a JSON file, {"model": ..., "curves": {name: {"edits": [...], "S": [...], ...}}},
which the course reads.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import interp_widgets as iw
from benchmarks.edit_records import add_options, edit, harmonic, records
from interp_widgets.errors import InterpError

COUNTS = (1, 2, 5, 10, 20, 50, 100, 150, 200)
COLUMNS = ("edits", "efficacy", "paraphrase", "neighbourhood", "S", "perplexity", "entropy", "seconds")


def point(lm: Any, made: list[iw.Edit], facts: list[iw.Fact], judged: int, seconds: float) -> dict[str, float]:
    """The model with all edits so far, against the one without any."""
    some = [facts[i] for i in np.unique(np.linspace(0, len(facts) - 1, judged).round().astype(int))]
    for one in made:
        lm.ledger.toggle(one, False)
    try:
        found = iw.evaluate_edit(lm, together(made), some, confirm=True)
    finally:
        for one in made:
            lm.ledger.toggle(one, True)
    shares = [100 * part[0] for part in (found.efficacy, found.paraphrase, found.neighbourhood)]
    assert found.perplexity is not None
    assert found.entropy is not None
    numbers = (len(facts), *shares, harmonic(shares), found.perplexity[1], found.entropy[1], seconds)
    return {name: round(float(one), 4) for name, one in zip(COLUMNS, numbers, strict=True)}


def together(made: list[iw.Edit]) -> iw.Edit:
    """The parts of all edits in their order, as one."""
    assert made[0].fingerprint is not None  # an edit always knows its model
    parts = [part for one in made for part in one.parts]
    facts = [fact for one in made for fact in one.facts]
    return iw.Edit(parts, facts=facts, method=made[0].method, fingerprint=made[0].fingerprint)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    parser.add_argument("--every", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--judged", type=int, default=40)
    parser.add_argument("--curves", type=Path)
    parser.add_argument("--name", help="of the curve; by default the method's")
    given = parser.parse_args(argv)
    lm = iw.load_model()
    made: list[iw.Edit] = []
    done: list[iw.Fact] = []
    points: list[dict[str, float]] = []
    print(f"{given.method}, layer {given.layer or 'by default'} {' '.join(given.set)}")
    print("".join(f"{name:>14}" for name in COLUMNS))
    seconds = 0.0
    for fact in records(given):
        began = time.process_time()
        try:
            made.append(edit(lm, fact, given))
        except InterpError as error:
            print(f"{fact.subject!r} left out: {error}")
            continue
        seconds += time.process_time() - began
        done.append(fact)
        if len(done) in given.every:
            points.append(point(lm, made, done, given.judged, seconds))
            print("".join(f"{points[-1][name]:14.4g}" for name in COLUMNS), flush=True)
            if given.curves is not None:
                write(given.curves, lm.name, given.name or given.method, points)


def write(place: Path, model: str, curve: str, points: list[dict[str, float]]) -> None:
    """A curve as far as it goes, beside those that the file has."""
    known: dict[str, Any] = {"model": model, "curves": {}}
    if place.exists():
        known = json.loads(place.read_text("utf-8"))
    known["curves"][curve] = {name: [one[name] for one in points] for name in COLUMNS}
    place.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
