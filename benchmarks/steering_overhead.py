"""What steering one layer costs a generated token: steered and unsteered texts written in turns, token by token.

    python -m benchmarks steering_overhead [--rounds 10] [--tokens 60] [--cpu] [--model llama-8b]

Both texts are equally long at every moment and a pair of tokens is measured within a tenth of a second, so whatever
else the machine does hits both.  The order within a pair alternates.  "Strength 0" is measured the same way, and
"nothing, twice" says how far apart two unsteered texts come out: below that nothing can be told.  On a machine that
others use, `--cpu` with OMP_NUM_THREADS=1 takes the processor's time instead of the clock's.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import models
from interp_widgets.steering.fit import control_vector

PROMPT = "The committee met in the old town hall last winter, and when the snow had melted its members"
GLAD = ["I love this day", "The food was wonderful", "She smiled with joy"]
SAD = ["I hate this day", "The food was terrible", "She cried with grief"]


def pairs(
    lm: Any, tokens: int, one: Callable[[], Any], other: Callable[[], Any], clock: Callable[[], float]
) -> list[tuple[float, float]]:
    """Seconds for each token of a text written under each of two scopes, after the first, which reads the prompt."""
    streams = [lm.stream(PROMPT, max_new_tokens=tokens) for _ in range(2)]
    found: list[tuple[float, float]] = []
    for step in range(tokens):
        taken = [0.0, 0.0]
        for i in (0, 1) if step % 2 else (1, 0):
            with (one, other)[i]():
                began = clock()
                if next(streams[i], None) is None:
                    return found
                taken[i] = clock() - began
        if step:
            found.append((taken[0], taken[1]))
    return found


def interval(ratios: Any, chance: Any, resamples: int = 2_000) -> tuple[float, float]:
    """95 % bootstrap interval of the median."""
    drawn = chance.choice(ratios, (resamples, len(ratios)))
    low, high = np.quantile(np.median(drawn, axis=1), [0.025, 0.975])
    return float(low), float(high)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--tokens", type=int, default=60)
    parser.add_argument("--cpu", action="store_true", help="the processor's time instead of the clock's")
    models.add_option(parser)
    asked = parser.parse_args(arguments)
    lm = models.load(asked.model)
    v = control_vector(lm, GLAD, SAD)
    clock = time.process_time if asked.cpu else time.perf_counter
    layer = lm.architecture.n_layers // 2
    nothing: Callable[[], Any] = contextlib.nullcontext
    works: dict[str, Callable[[], Any]] = {
        "one layer": lambda: lm.steered(v, layers=layer, strength=0.03),
        "one layer, generated tokens only": lambda: lm.steered(v, layers=layer, strength=0.03, positions="generated"),
        "strength 0": lambda: lm.steered(v, layers=layer, strength=0.0),
        "nothing, twice": nothing,
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for work in works.values():
        pairs(lm, 4, nothing, work, clock)  # once before the clock runs
    for _ in range(asked.rounds):
        for name, work in works.items():
            times[name] += pairs(lm, asked.tokens, nothing, work, clock)
    chance = np.random.default_rng(0)
    print(f"{asked.rounds} texts of {asked.tokens} tokens, layer {layer}, pairs of tokens with and without:")
    for name, found in times.items():
        without, having = np.array(found).T
        ratios = having / without - 1
        low, high = interval(ratios, chance)
        quartiles = np.quantile(ratios, [0.25, 0.75])
        print(
            f"{name:<34}{1e3 * np.median(without):7.2f} ms{1e3 * np.median(having):8.2f} ms"
            f"   median of {len(ratios)} ratios {np.median(ratios):+7.2%} ({low:+.2%} to {high:+.2%}),"
            f" quartiles {quartiles[0]:+.1%} and {quartiles[1]:+.1%}"
        )


if __name__ == "__main__":
    main()
