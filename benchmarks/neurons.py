"""The best texts of one neuron, and of all neurons of a layer: time, and peak memory in a process of its own.

    python -m benchmarks neurons [--texts 1000] [--layer 8] [--neuron 301] [--model llama-8b]

Beside it stands the plain way: one full pass a text, all activations of the layer kept and sorted.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from typing import Any

import numpy as np
import torch

import interp_widgets as iw
from benchmarks import models
from benchmarks.measure import peak
from interp_widgets.models.architectures import Site
from interp_widgets.models.reference_text import sentences

KINDS = ("one neuron", "all neurons", "plain way, one neuron")
_K = 20


def plain_way(lm: Any, texts: list[str], layer: int, neuron: int) -> list[int]:
    """The best texts of a neuron, by a pass through the whole model for each text."""
    site, peaks = Site("mlp_key", layer), np.zeros(len(texts))
    with torch.no_grad(), lm.run(capture=[site]) as run:
        for i, text in enumerate(texts):
            lm.hidden(torch.as_tensor(lm.encode(text).ids)[None])
            peaks[i] = float(run.captured[site][0, :, neuron].float().max())
    return [int(i) for i in np.argsort(-peaks, kind="stable")[:_K]]


def ask(lm: Any, kind: str, texts: list[str], layer: int, neuron: int) -> list[int]:
    """The best texts of the neuron, found in one of the ways."""
    if kind not in KINDS[:2]:
        return plain_way(lm, texts, layer, neuron)
    found = iw.max_activating(lm, texts, layer=layer, neuron=neuron if kind == KINDS[0] else None, k=_K)
    return [top.index for top in found.top(neuron)]


def memory_of(kind: str, asked: argparse.Namespace) -> int:
    command = [sys.executable, "-m", "benchmarks", "neurons", "--model", asked.model, "--memory-of", kind]
    for name in ("texts", "layer", "neuron"):
        command += [f"--{name}", str(getattr(asked, name))]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--texts", type=int, default=1_000)
    parser.add_argument("--layer", type=int, default=8)
    parser.add_argument("--neuron", type=int, default=301)
    parser.add_argument(
        "--memory-of", choices=KINDS, help="print the peak memory of one way in bytes, and nothing else"
    )
    parser.add_argument("--no-memory", action="store_true", help="time alone")
    models.add_option(parser)
    asked = parser.parse_args(given)
    lm = models.load(asked.model)
    texts = list(sentences()[: asked.texts])
    layer, neuron = asked.layer % lm.architecture.n_layers, asked.neuron % lm.architecture.mlp_width
    ask(lm, KINDS[0], texts[:4], layer, neuron)  # once before the clock runs
    if asked.memory_of:
        print(peak(lambda: ask(lm, asked.memory_of, texts, layer, neuron)))
        return
    tokens = sum(len(lm.encode(text)) for text in texts)
    print(f"{len(texts)} texts, {tokens} tokens, layer {layer} of {lm.name}, {lm.device}, {lm.dtype}")
    print(f"{'way':<24}{'took':>10}{'estimate':>12}{'memory':>12}  same texts")
    first: list[int] | None = None
    for kind in KINDS:
        cost = iw.estimate(iw.max_activating, lm, texts, layer=layer, neuron=None if kind == KINDS[1] else neuron, k=_K)
        began = time.perf_counter()
        best = ask(lm, kind, texts, layer, neuron)
        took = time.perf_counter() - began
        first = first or best
        memory = "" if asked.no_memory else f"{memory_of(kind, asked) / 2**20:.0f} MiB"
        estimate = "" if kind == KINDS[2] else f"{cost.seconds:.1f} s"
        print(f"{kind:<24}{took:>8.1f} s{estimate:>12}{memory:>12}  {'yes' if best == first else 'NO'}")


if __name__ == "__main__":
    main()
