"""Edits of how to answer, beside edits of what is known: does a behaviour reach held-out prompts and spare others?

    python -m benchmarks edit_behaviour [--behaviours refusal french cheerful] [--methods fine_tuning rome memit]
                                        [--layers 5 15 25]

Columns: the taught opening leads at prompts that were edited (efficacy), at held-out ones of the same kind, and the
present answer still leads at prompts of another kind.  In each, "first" asks the stricter question: is every token of
it the model's first choice?
"""

from __future__ import annotations

import argparse
import time

import interp_widgets as iw
from interp_widgets.editing import FineTuningSettings, known_behaviour
from interp_widgets.errors import InterpError


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--behaviours", nargs="+", default=["refusal", "french", "cheerful"])
    parser.add_argument("--methods", nargs="+", default=["fine_tuning", "rome", "memit"])
    parser.add_argument("--layers", type=int, nargs="+", default=[5, 15, 25])
    given = parser.parse_args(argv)
    lm = iw.load_model()
    print(f"{'':34}{'efficacy':>10}{'first':>7}{'held out':>10}{'first':>7}{'others':>10}{'first':>7}{'s':>7}")
    for name in given.behaviours:
        facts = known_behaviour(name).facts(lm)
        for method in given.methods:
            settings = FineTuningSettings(form="low_rank", learning_rate=1e-2) if method == "fine_tuning" else None
            for layer in given.layers:
                began = time.perf_counter()
                try:
                    edit = iw.edit(lm, facts, method=method, layer=layer, settings=settings, alarm=None)
                except InterpError as error:
                    print(f"{name}, {method}, layer {layer}: {error}")
                    continue
                seconds = time.perf_counter() - began
                found = iw.evaluate_edit(lm, edit, perplexity=False, generation=0, confirm=True)
                edit.undo()
                cells = []
                for part, share in (
                    ("fact", found.efficacy), ("paraphrase", found.paraphrase), ("neighbour", found.neighbourhood),
                ):  # fmt: skip
                    cells.append(f"{100 * share[0]:10.0f}{100 * found.accuracy(part):7.0f}")
                print(
                    f"{name + ', ' + method + ', layer ' + str(layer):34}" + "".join(cells) + f"{seconds:7.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
