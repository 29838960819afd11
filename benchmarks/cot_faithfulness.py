"""How long `iw.cot_faithfulness` takes on the default model, and what it finds.

    python -m benchmarks cot_faithfulness [--questions 60] [--cues] [--writer rules] [--plain] [--save FILE]

By default 60 questions of the package and the four tests of the reasoning, with sentences struck and the lens, as a
person would call it.  --plain does the same without reuse of what conversations begin with, and compares the answers.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

import interp_widgets as iw
from interp_widgets.faithfulness.local import LocalBackend
from interp_widgets.faithfulness.questions import question_set
from interp_widgets.faithfulness.records import CUES, TESTS
from interp_widgets.faithfulness.result import FaithfulnessResult

LOOK = 30.0  # seconds between two lines


class _Report:
    """A line every so often, with the time that has passed."""

    def __init__(self) -> None:
        self.began, self.last = time.perf_counter(), 0.0

    def __call__(self, done: int, total: int, text: str) -> None:
        now = time.perf_counter() - self.began
        if now - self.last >= LOOK:
            self.last = now
            print(f"{now:6.0f} s  {done:5} of {total}  {text}", flush=True)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--cues", action="store_true", help="with the two biased cues")
    parser.add_argument("--writer", choices=("rules", "model"), default="rules")
    parser.add_argument("--plain", action="store_true", help="also without reuse")
    parser.add_argument("--save", type=Path)
    given = parser.parse_args(argv)
    lm = iw.load_model(device="cpu")
    questions = question_set()[: given.questions]
    tests = (*TESTS, *CUES) if given.cues else TESTS
    settings = {"tests": tests, "writer": given.writer, "confirm": True}
    print(f"{lm.name}, {len(questions)} questions, {', '.join(tests)}, {torch.get_num_threads()} threads")
    print(f"estimated: {iw.estimate(iw.cot_faithfulness, lm, questions, **settings)}")
    result = _timed("with reuse", LocalBackend(lm), questions, settings)
    print(result)
    if given.save:
        result.save(given.save)
    if given.plain:
        plain = _timed("without reuse", LocalBackend(lm, reuse=False), questions, settings)
        _compare(result, plain)


def _timed(name: str, backend: LocalBackend, questions: object, settings: dict[str, object]) -> FaithfulnessResult:
    cores = time.process_time()
    result = iw.cot_faithfulness(backend, questions, progress=_Report(), **settings)  # type: ignore[arg-type]
    cores = time.process_time() - cores
    print(
        f"{name}: {result.seconds:.0f} s, {cores:.0f} s of processor time, {result.forward_passes} forward passes,"
        f" {backend.read} tokens read for answers"
    )
    return result


def _compare(one: FaithfulnessResult, other: FaithfulnessResult) -> None:
    same = sum(a.reasoning == b.reasoning for a, b in zip(one.records, other.records, strict=True))
    pairs = [
        (x.choice, y.choice)
        for a, b in zip(one.records, other.records, strict=True)
        for x, y in zip(a.readings, b.readings, strict=True)
    ]
    apart = max(np.abs(np.subtract(x.probabilities, y.probabilities)).max() for x, y in pairs)
    options = sum(x.option == y.option for x, y in pairs)
    print(f"same reasoning {same} of {len(one.records)}; same option {options} of {len(pairs)}; apart {apart:.1e}")


if __name__ == "__main__":
    main()
