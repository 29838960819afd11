"""Causal trace of a 10-token prompt side by side with one whole forward pass for each cell.

    python -m benchmarks causal_trace [--rounds 1] [--every 1] [--model llama-8b]

The plain way is that of the paper's reference implementation: for each position and layer a batch of one clean and ten
corrupted rows through the whole model, logits of every position.  `--every n` runs it on every n-th cell and says what
all would take.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch

import interp_widgets as iw
from benchmarks import models
from benchmarks.measure import peak
from interp_widgets.locate.subject import embedding_spread, subject_tokens
from interp_widgets.models.architectures import Site

PROMPT, SUBJECT, SAMPLES = "The Eiffel Tower is located in the city of", "Eiffel Tower", 10


def plain(lm: Any, target: int, every: int) -> tuple[np.ndarray[Any, Any], int]:
    """(positions, layers), mean probability of the target; nan for cells left out; and the number of cells."""
    encoded = lm.encode(PROMPT)
    first, last = subject_tokens(encoded, SUBJECT)
    embeds = lm.embed(torch.as_tensor(encoded.ids)[None]).detach().repeat(SAMPLES + 1, 1, 1)
    drawn = torch.randn((SAMPLES, last - first + 1, embeds.shape[-1]), generator=torch.Generator().manual_seed(0))
    embeds[1:, first : last + 1] += (drawn * 3 * embedding_spread(lm)).to(embeds)
    found = np.full((len(encoded), lm.architecture.n_layers), np.nan)
    cells = [(i, layer) for i in range(len(encoded)) for layer in range(lm.architecture.n_layers)][::every]
    for i, layer in cells:

        def restore(module: Any, inputs: Any, output: Any, i: int = i) -> Any:
            states = output[0] if isinstance(output, tuple) else output
            states[1:, i] = states[0, i]
            return output

        handle = lm.architecture.module(Site("resid_post", layer))[0].register_forward_hook(restore)
        with torch.no_grad():
            logits = lm.model(inputs_embeds=embeds).logits
        handle.remove()
        found[i, layer] = float(logits[1:, -1].float().softmax(-1)[:, target].mean())
    return found, len(cells)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="the plain way on every n-th cell only")
    models.add_option(parser)
    asked = parser.parse_args(arguments)
    lm = models.load(asked.model)
    ours = iw.causal_trace(lm, PROMPT, subject=SUBJECT, confirm=True)  # once before the clock runs
    target = int(ours.target_ids[0])
    times: dict[str, list[float]] = {"plain": [], "ours": []}
    for _ in range(asked.rounds):
        began = time.perf_counter()
        expected, cells = plain(lm, target, asked.every)
        times["plain"].append((time.perf_counter() - began) * ours.effects.size / cells)
        began = time.perf_counter()
        ours = iw.causal_trace(lm, PROMPT, subject=SUBJECT, confirm=True)
        times["ours"].append(time.perf_counter() - began)
    known = np.isfinite(expected)
    off = float(np.abs(ours.restored[0].mean(0) - expected)[known].max())
    largest = float(np.abs(ours.effects).max())
    memory = peak(lambda: iw.causal_trace(lm, PROMPT, subject=SUBJECT, confirm=True))
    print(f"{lm.name}, {len(ours.tokens)} tokens, {ours.effects.size} cells, {SAMPLES} samples, on {lm.device}")
    print(f"one pass a cell   {min(times['plain']):8.2f} s" + (f"  (from {cells} cells)" if asked.every > 1 else ""))
    print(f"iw.causal_trace   {min(times['ours']):8.2f} s   {memory / 1e6:.0f} MB above the model")
    ratio = min(times["plain"]) / min(times["ours"])
    print(f"ratio {ratio:.1f}, largest difference {off:.1e}, {off / largest:.1e} of the largest effect")


if __name__ == "__main__":
    main()
