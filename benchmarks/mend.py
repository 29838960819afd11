"""Train MEND's network for the default model and keep it in the user's cache.

    INTERP_TEST_DATA=... python -m benchmarks.mend [--facts counterfact] [--steps 1200] [--out FILE]
    python -m benchmarks edit_single --method mend --start 200 --records 200

With --facts counterfact it is trained on the records of CounterFact from number 400 on, so that the first 400 can judge
it; with --facts own on those that the package makes.  It is no part of `python -m benchmarks`, which measures: training
takes a quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

import torch

import interp_widgets as iw
from benchmarks.edit_records import add_options, records
from interp_widgets.editing.mend.artefact import default_path
from interp_widgets.editing.mend.editor import train_mend
from interp_widgets.editing.mend.training import MendTraining

FIRST = 400  # of the records to train on
LOOK = 30.0  # seconds between two lines


class _Report:
    """A line every so often, with the time that has passed."""

    def __init__(self) -> None:
        self.began, self.last = time.perf_counter(), 0.0

    def __call__(self, done: int, total: int, text: str) -> None:
        now = time.perf_counter() - self.began
        if now - self.last >= LOOK or done == total:
            self.last = now
            print(f"{now:6.0f} s  {done:5} of {total}  {text}", flush=True)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--facts", choices=("counterfact", "own"), default="counterfact")
    parser.add_argument("--count", type=int, default=1200, help="facts of CounterFact")
    parser.add_argument("--out", type=Path)
    defaults = MendTraining()
    for name in ("steps", "batch", "rank", "learning_rate", "alpha_rate", "growth", "edit_weight", "locality_weight"):
        value = getattr(defaults, name)
        parser.add_argument(f"--{name}", type=type(value), default=value)
    given = parser.parse_args(argv)
    settings = replace(defaults, **{name: getattr(given, name) for name in vars(given) if hasattr(defaults, name)})
    facts = None
    if given.facts == "counterfact":
        listed = argparse.ArgumentParser()
        add_options(listed)
        facts = records(listed.parse_args(["--start", str(FIRST), "--records", str(given.count)]))
    lm = iw.load_model()
    cores = time.process_time()
    found = train_mend(lm, facts, settings=settings, path=given.out, progress=_Report(), confirm=True)
    cores = time.process_time() - cores
    print(f"{lm.name} on {lm.device}, {found.about['facts']} facts, {settings}")
    print(f"{found.about['seconds']:.0f} s, {cores:.0f} s of processor time, {torch.get_num_threads()} threads")
    print(f"held-out answers in the unedited model: {found.about['unedited']:.2f} nats a token")
    for step, edit, locality in found.curve:
        print(f"step {step:5.0f}: edit {edit:6.3f}, locality {locality:6.4f}")
    place = given.out or default_path(lm)
    print(f"{os.path.getsize(place) / 1e6:.0f} MB in {place}")


if __name__ == "__main__":
    main()
