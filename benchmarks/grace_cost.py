"""What GRACE's codebook holds, what it leaves alone, and what a token costs as it grows.

    python -m benchmarks grace_cost [--records 200] [--at 1 10 50 100 200 1000 5000] [--rounds 5] [--plot FILE]

Success is at the exact prompts: the new answer above the original one, and every token of it the first choice.  A
neighbour's prompt is outside where no token of it is within an entry's radius; there the logits have to be equal to the
bit.  Times are taken in pairs of tokens with and without the codebook (see `steering_overhead`); beyond the records'
own entries the codebook is filled up with random ones of like length, which cost the same and answer nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import interp_widgets as iw
from benchmarks.edit_records import add_options, edit, records
from benchmarks.steering_overhead import interval, pairs
from interp_widgets.interventions.codebook import Codebook
from interp_widgets.models.architectures import Site


def outside(lm: Any, book: Codebook, prompt: str) -> bool:
    """No token's key is within an entry's radius."""
    site = Site("mlp_key", book.layer)
    with torch.no_grad(), lm.run(capture=[site]) as run:
        lm.hidden(torch.as_tensor(lm.encode(prompt).ids)[None])
    distances = torch.cdist(run.captured[site][0].double(), book.keys.double())
    return bool((distances > book.radii.double()).all())


def equal_to_the_bit(lm: Any, made: iw.Edit, prompts: list[str]) -> bool:
    def logits(prompt: str) -> torch.Tensor:
        with torch.no_grad(), lm.run():
            found: torch.Tensor = lm.head(lm.hidden(torch.as_tensor(lm.encode(prompt).ids)[None]))
        return found

    edited = [logits(prompt) for prompt in prompts]
    lm.ledger.toggle(made, False)
    try:
        return all(torch.equal(one, logits(prompt)) for one, prompt in zip(edited, prompts, strict=True))
    finally:
        lm.ledger.toggle(made, True)


def of_size(book: Codebook, entries: int) -> Codebook:
    """The first entries of a codebook, or all of them and random ones of radius 0."""
    parts = [book.keys[:entries], book.values[:entries], book.radii[:entries]]
    missing = entries - len(parts[0])
    if missing > 0:
        chance = torch.Generator().manual_seed(0)
        keys = torch.randn(missing, book.keys.shape[1], generator=chance)
        keys *= book.keys.norm(dim=1).mean() / keys.norm(dim=1, keepdim=True)
        values = torch.randn(missing, book.values.shape[1], generator=chance)
        more = (keys, values, torch.zeros(missing))
        parts = [torch.cat([one, other]) for one, other in zip(parts, more, strict=True)]
    return Codebook(*parts, layer=book.layer)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, method="grace")
    parser.add_argument("--at", type=int, nargs="+", default=(1, 10, 50, 100, 200, 1000, 5000))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args(argv)
    lm = iw.load_model()
    chosen = records(given)
    began = time.perf_counter()
    made = edit(lm, chosen, given)
    seconds = time.perf_counter() - began
    (book,) = made.parts
    assert isinstance(book, Codebook)
    judged = iw.evaluate_edit(lm, made, perplexity=True, generation=0, confirm=True)
    print(f"{len(chosen)} facts in {seconds:.0f} s: {len(book.keys)} entries at layer {book.layer}")
    print(
        f"exact prompts: new above original at {100 * judged.efficacy[0]:.1f} %, first choice at"
        f" {100 * judged.accuracy('fact'):.1f} %; paraphrases {100 * judged.paraphrase[0]:.1f} %; perplexity"
        f" {judged.perplexity}"
    )
    asked = [one for fact in chosen for one in fact.neighbours]
    neighbours = [one if isinstance(one, str) else one[0] for one in asked]
    free = [prompt for prompt in neighbours if outside(lm, book, prompt)]
    print(
        f"{len(free)} of {len(neighbours)} neighbours' prompts are outside; their logits are"
        f" {'equal to the bit' if equal_to_the_bit(lm, made, free) else 'NOT equal'}"
    )
    made.undo()
    chance = np.random.default_rng(0)
    costs: list[tuple[int, float, float, float]] = []
    nothing: Any = contextlib.nullcontext
    for entries in given.at:
        sized = of_size(book, entries)

        def acting(sized: Codebook = sized) -> Any:
            return lm.using(sized)

        pairs(lm, 4, nothing, acting, time.perf_counter)  # once before the clock runs
        times = [
            one for _ in range(given.rounds) for one in pairs(lm, given.tokens, nothing, acting, time.perf_counter)
        ]
        ratios = np.asarray([with_ / without for without, with_ in times])
        plain = 1e3 * float(np.median([without for without, _ in times]))
        middle = float(np.median(ratios))
        costs.append((entries, middle, *interval(ratios, chance)))
        print(
            f"{entries:6} entries: {plain * middle:6.2f} ms a token, {100 * (middle - 1):+.1f} %"
            f" ({100 * (costs[-1][2] - 1):+.1f} to {100 * (costs[-1][3] - 1):+.1f})",
            flush=True,
        )
    if given.plot is not None:
        draw(costs, given.plot)


def draw(costs: list[tuple[int, float, float, float]], place: Path) -> None:
    from matplotlib.figure import Figure

    entries, middle, low, high = (np.asarray(column) for column in zip(*costs, strict=True))
    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.add_subplot()
    axes.errorbar(entries, middle, yerr=(middle - low, high - middle), marker="o", capsize=3)
    axes.axhline(1, color="grey", linewidth=1)
    axes.set(xscale="log", xlabel="entries of the codebook", ylabel="time a token, times the unedited model's")
    figure.savefig(place)


if __name__ == "__main__":
    main()
