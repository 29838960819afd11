"""Control vectors for all layers from 100 contrast pairs, here and by repeng, in turns in one process.

    python -m benchmarks control_vectors [--rounds 3] [--pairs 100] [--model llama-8b]

Same prompts, same method ("pca_diff" there, "pca_centred" here), each program as it comes (repeng: 32 prompts a
batch).  Both go from texts to directions; ours cross-validates each layer besides.  repeng leaves layer 0 out, and
reads the last layer after the final norm, so cosines are for the layers between.
"""

from __future__ import annotations

import argparse
import copy
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import models, peers
from interp_widgets.steering.fit import control_vector

OPENINGS = (
    "{} about the train this morning and",
    "Our neighbours say they are {} about the new road, so",
    "He wrote that he was {} about the film, although",
    "{} about lunch, as",
    "When they heard of the weather they were {} about it because",
    "The committee, {} about the plans for the old town hall, decided that",
    "{} about her work, she",
    "They seem {}; the",
    "I read the whole letter twice, and I am {} about what it says: the",
    "We were {} about the garden when it",
)
MOODS = (
    ("delighted", "upset"), ("happy", "unhappy"), ("glad", "sorry"), ("excited", "angry"), ("cheerful", "gloomy"),
    ("pleased", "annoyed"), ("thrilled", "furious"), ("proud", "ashamed"), ("hopeful", "hopeless"),
    ("enthusiastic", "bitter"),
)  # fmt: skip
METHODS = {"pca_centred": "pca_diff", "pca_uncentred": "pca_center"}


def prompts(pairs: int) -> tuple[list[str], list[str]]:
    """All different up to 100 pairs."""
    couples = [(opening, mood) for mood in MOODS for opening in OPENINGS]
    chosen = [couples[i % len(couples)] for i in range(pairs)]
    sides = tuple([opening.format(mood[side]) for opening, mood in chosen] for side in (0, 1))
    return sides[0], sides[1]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=100)
    models.add_option(parser)
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    repeng = peers.repeng()
    lm = models.load(asked.model)
    one, other = prompts(asked.pairs)
    tokenizer = copy.deepcopy(lm.tokenizer)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    entries = [repeng.DatasetEntry(positive=up, negative=down) for up, down in zip(one, other, strict=True)]
    works: dict[str, Callable[[str], Any]] = {
        "ours": lambda method: control_vector(lm, one, other, method).directions,
        "repeng": lambda method: (
            repeng.ControlVector.train(lm.model, tokenizer, entries, method=METHODS[method]).directions
        ),
    }
    lengths = [len(lm.encode(text)) for text in (*one, *other)]
    print(
        f"{asked.pairs} pairs, prompts of {min(lengths)} to {max(lengths)} tokens, {lm.architecture.n_layers} layers:"
    )
    for method in METHODS:
        times: dict[str, list[float]] = {name: [] for name in works}
        found: dict[str, Any] = {}
        for number in range(asked.rounds + 1):
            for name, work in works.items():
                began = time.perf_counter()
                found[name] = work(method)
                if number:  # the first round warms up
                    times[name].append(time.perf_counter() - began)
        layers = range(1, lm.architecture.n_layers - 1)
        cosines = [abs(float(found["ours"][layer] @ found["repeng"][layer])) for layer in layers]
        ratios = np.array(times["repeng"]) / np.array(times["ours"])
        for name, taken in times.items():
            print(f"{method:<14} {name:<8}{np.median(taken):8.2f} s  ({min(taken):.2f} to {max(taken):.2f})")
        print(
            f"{method:<14} repeng takes {np.median(ratios):.2f} times as long"
            f" ({ratios.min():.2f} to {ratios.max():.2f}); least cosine {min(cosines):.6f}"
        )


if __name__ == "__main__":
    main()
