"""Does LEACE here fit as fast as concept-erasure's, and is it the same?

    python -m benchmarks leace [--states 20000] [--width 576] [--classes 2] [--times 7]

Both fit the same states in turn, in one process, on the same number of threads.  Given are the medians, the largest
difference between the two projections, and the largest covariance with the label that each leaves.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from interp_widgets.erasure import Eraser


def made(n: int, width: int, classes: int) -> tuple[Any, Any]:
    """States whose numbers depend on one another and are of unequal size, as a residual stream's are."""
    chance = np.random.default_rng(0)
    labels = chance.integers(0, classes, n)
    mixing = chance.normal(size=(width, width)) * np.geomspace(0.01, 1, width)
    centres = 0.3 * chance.normal(size=(classes, width))
    return chance.normal(size=(n, width)) @ mixing + centres[labels] + 1.0, labels


def clock(fit: Callable[[], Any], seconds: list[tuple[float, float]]) -> Any:
    """Notes seconds on the clock and seconds of work, which other programs do not lengthen."""
    began = time.perf_counter(), time.process_time()
    found = fit()
    seconds.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--states", type=int, default=20_000)
    parser.add_argument("--width", type=int, default=576)
    parser.add_argument("--classes", type=int, default=2)
    parser.add_argument("--times", type=int, default=7)
    asked = parser.parse_args(arguments)
    states, labels = made(asked.states, asked.width, asked.classes)
    tensor = torch.from_numpy(states)
    one_hot = torch.from_numpy(np.eye(asked.classes)[labels])
    LeaceEraser: Any = None
    try:
        LeaceEraser = importlib.import_module("concept_erasure").LeaceEraser
    except ImportError:
        print("concept-erasure is not installed (make peers); only ours is timed")
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    mine = other = None
    for _ in range(asked.times):
        mine = clock(lambda: Eraser.fit(states, labels), ours)
        if LeaceEraser is not None:
            other = clock(lambda: LeaceEraser.fit(tensor, one_hot, svd_tol=1e-9), theirs)
    print(f"{asked.states} x {asked.width}, {asked.classes} classes, float64, {torch.get_num_threads()} threads")
    centred = one_hot.numpy() - one_hot.numpy().mean(0)

    def left(clean: Any) -> float:
        return float(np.abs((clean - clean.mean(0)).T @ centred / (len(clean) - 1)).max())

    print(f"{'medians':<18}{'seconds':>10}{'of work':>10}{'covariance left':>18}   before: {left(states):.1e}")

    def row(name: str, seconds: list[tuple[float, float]], clean: Any) -> Any:
        wall, work = np.median(np.asarray(seconds), axis=0)
        print(f"{name:<18}{wall:>10.3f}{work:>10.3f}{left(clean):>18.1e}")
        return wall, work

    assert mine is not None
    own = row("ours", ours, mine.transform(states))
    if other is not None:
        peer = row("concept-erasure", theirs, other(tensor).numpy())
        apart = float(np.abs(mine.projection - other.P.numpy()).max())
        faster = f"{peer[0] / own[0]:.2f} times as fast, {peer[1] / own[1]:.2f} by seconds of work"
        print(f"{faster}; projections differ by at most {apart:.1e}")


if __name__ == "__main__":
    main()
