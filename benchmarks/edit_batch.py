"""Many facts in one call: S, seconds and what it costs the rest of the model.

    python -m benchmarks edit_batch [--method memit] [--records 100] [--judged 200] [--layer 1 2 3 4 5]
                                    [--set weight=5000]

`--judged` records, evenly spread over those edited, are evaluated.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import interp_widgets as iw
from benchmarks.edit_records import add_options, edit, records, scores, shares, table

# Meng et al. 2023, table 2: 10,000 facts in GPT-J: efficacy, paraphrase, neighbourhood, S.
PAPER = {"GPT-J, MEMIT, 10,000 facts": (98.9, 88.6, 73.7, 85.8)}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, method="memit")
    parser.add_argument("--judged", type=int, default=200)
    given = parser.parse_args(argv)
    lm = iw.load_model()
    chosen = records(given)
    began = time.perf_counter()
    made = edit(lm, chosen, given)
    seconds = time.perf_counter() - began
    some = [chosen[i] for i in np.unique(np.linspace(0, len(chosen) - 1, given.judged).round().astype(int))]
    judged = iw.evaluate_edit(lm, made, some, confirm=True)
    found = shares(judged)
    print(
        f"{given.method}, {len(chosen)} facts, layers {made.settings['layers']} {' '.join(given.set)}: {seconds:.0f} s"
    )
    print(table(found))
    for name, numbers in PAPER.items():
        print(f"{name}: " + ", ".join(f"{number:.1f}" for number in numbers))
    lost = scores(found, before=True)["neighbour"][0] - scores(found)["neighbour"][0]
    print(f"neighbourhood {lost:+.1f} points lost; first choice at {100 * judged.accuracy('fact'):.1f} % of the facts")
    print(f"perplexity {judged.perplexity}, entropy {judged.entropy}")
    print({name: float(f"{value:.4g}") for name, value in made.measured.items()})


if __name__ == "__main__":
    main()
