"""Average indirect effects over the facts that the default model ranks first, beside those of the paper.

    python -m benchmarks average_effects [--step 3] [--facts 0] [--keep FOLDER] [--model tiny]

The facts are those of known_facts.jsonl, which `python -m benchmarks.known_facts` writes.  Every `step`-th layer is
traced.  With --keep each fact's effects are written as they are done, and a later call goes on from there.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import models
from benchmarks.known_facts import LIST
from interp_widgets.errors import ArgumentError
from interp_widgets.locate.average import ROLES, AverageTrace, TracedFact, average_of, by_role
from interp_widgets.locate.tracing import causal_trace

KINDS = ("hidden", "mlp", "attn")
# Meng et al. 2022, section 2.2: GPT-2 XL, in percent of probability.
PAPER = {"total": 18.6, "hidden": 8.7, "mlp": 6.6, "attn": 1.6}


def trace(lm: Any, fact: dict[str, str], number: int, layers: list[int], keep: Path | None) -> Any:
    """The fact's trace by role, computed or as it was kept: (TracedFact, effects by role, trace or None)."""
    file = None if keep is None else keep / f"{number:04}.npz"
    if file is not None and file.exists():
        kept = np.load(file)
        about = TracedFact(
            fact["prompt"], fact["subject"], fact["target"], *(float(one) for one in kept["probability"])
        )
        return about, kept["by_role"], None
    found = causal_trace(
        lm, fact["prompt"], subject=fact["subject"], kind=KINDS, layers=layers, seed=number, confirm=True
    )
    corrupted = float(found.corrupted.mean())
    if file is not None:
        np.savez(file, by_role=by_role(found), probability=np.asarray([found.clean, corrupted]))
    return TracedFact(fact["prompt"], fact["subject"], found.target, found.clean, corrupted), by_role(found), found


def table(average: AverageTrace) -> str:
    mean, low, high = (100 * one for one in average.total_effect)
    n_layers = int(average.layers[-1]) + 1
    late = n_layers - n_layers // 5
    lines = [
        f"{len(average.facts)} facts, every {int(average.layers[1] - average.layers[0])} layers of {n_layers}",
        f"{'':10}{'peak, all layers':>44}{'peak before layer ' + str(late):>52}{'paper':>8}",
        f"{'total':10}{f'{mean:.1f} % ({low:.1f} to {high:.1f})':>44}{'':52}{PAPER['total']:>6} %",
    ]
    for kind in average.kinds:
        cells = []
        for before in (None, late):
            role, layer, effect, least, most = average.peak(kind, before=before)
            cells.append(f"{100 * effect:.1f} % ({100 * least:.1f} to {100 * most:.1f}), {role}, {layer}")
        lines.append(f"{kind:10}{cells[0]:>44}{cells[1]:>52}{PAPER[kind]:>6} %")
    for kind in average.kinds:
        lines.append(f"\n{kind}: percent by role and layer")
        lines.append(f"{'':24}" + "".join(f"{layer:>6}" for layer in average.layers))
        for name, row in zip(ROLES, average.average(kind)[0], strict=True):
            lines.append(f"{name:24}" + "".join(f"{100 * one:6.1f}" for one in row))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--step", type=int, default=3, help="trace every step-th layer, and the last")
    parser.add_argument("--facts", type=int, default=0, help="only so many, spread over the list")
    parser.add_argument("--keep", type=Path, help="a folder for the effects of each fact")
    models.add_option(parser)
    asked = parser.parse_args(arguments)
    lm = models.load(asked.model)
    facts = [json.loads(line) for line in LIST.read_text("utf-8").splitlines()]
    chosen = list(range(len(facts)))
    if asked.facts and asked.facts < len(facts):
        chosen = sorted({int(i) for i in np.linspace(0, len(facts) - 1, asked.facts)})
    last = lm.architecture.n_layers - 1
    layers = sorted({*range(0, last, asked.step), last})
    if asked.keep:
        asked.keep.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    done, rows, like = [], [], None
    for number in chosen:
        try:
            about, effects, found = trace(lm, facts[number], number, layers, asked.keep)
        except ArgumentError as error:
            print(f"left out: {facts[number]['prompt']!r}: {error}")
            continue
        done.append(about)
        rows.append(effects)
        like = found if found is not None else like
    if like is None:  # all were kept: one more trace tells the settings
        like = trace(lm, facts[0], 0, layers, None)[2]
    average = average_of(done, (), rows, like, like.provenance)
    print(table(average))
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
