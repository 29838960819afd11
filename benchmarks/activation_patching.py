"""Activation patching over all positions and layers side by side with TransformerLens's `generic_activation_patch`.

    python -m benchmarks activation_patching [--rounds 1] [--plain] [--model tiny]

Both patch the residual stream after every layer at every position of the corrupted run and read the log-odds of the two
answers.  Where TransformerLens is not installed (`make bench` installs it), the plain way stands in: one whole forward
pass of the Hugging Face model for each cell, logits of every position.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import interp_widgets as iw
from benchmarks import models
from interp_widgets.models.architectures import Site

CLEAN, CORRUPTED = "The Colosseum is located in the city of", "The Eiffel Tower is located in the city of"
Values = np.ndarray[Any, Any]


def transformer_lens(lm: Any, clean: Any, corrupted: Any, answers: tuple[int, int]) -> Callable[[], Values]:
    """Their way, on a copy of the model. Raises ImportError."""
    os.environ["TQDM_DISABLE"] = "1"  # read when it is first imported
    patching: Any = importlib.import_module("transformer_lens.patching")
    bridges: Any = importlib.import_module("transformer_lens.model_bridge")
    bridge = bridges.TransformerBridge.boot_transformers(
        lm.name, hf_model=copy.deepcopy(lm.model), tokenizer=lm.tokenizer, device="cpu"
    )
    bridge.eval()

    def metric(logits: torch.Tensor) -> torch.Tensor:
        return logits[0, -1, answers[0]] - logits[0, -1, answers[1]]

    def work() -> Values:
        with torch.no_grad():
            _, cache = bridge.run_with_cache(clean)
            found = patching.generic_activation_patch(
                bridge, corrupted, cache, metric, patching.layer_pos_patch_setter, "resid_post", ["layer", "pos"]
            )
        return np.asarray(found.T.cpu().double())

    return work


def plain(lm: Any, clean: Any, corrupted: Any, answers: tuple[int, int]) -> Callable[[], Values]:
    """One whole pass a cell with a plain hook."""

    def work() -> Values:
        n, layers = clean.shape[1], lm.architecture.n_layers
        found = np.zeros((n, layers))
        with torch.no_grad():
            states = lm.model(input_ids=clean, output_hidden_states=True).hidden_states
            kept: dict[int, Any] = dict(enumerate(states[1:-1]))
            with lm.run(capture=[Site("resid_post", layers - 1)]) as run:
                lm.hidden(clean)
                kept[layers - 1] = run.captured[Site("resid_post", layers - 1)]
            for layer in range(layers):
                for i in range(n):

                    def put(module: Any, inputs: Any, output: Any, i: int = i, layer: int = layer) -> Any:
                        states = output[0] if isinstance(output, tuple) else output
                        states[0, i] = kept[layer][0, i]
                        return output

                    handle = lm.architecture.layers[layer].register_forward_hook(put)
                    logits = lm.model(input_ids=corrupted).logits[0, -1]
                    handle.remove()
                    found[i, layer] = float(logits[answers[0]] - logits[answers[1]])
        return found

    return work


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="one pass a cell in place of TransformerLens")
    models.add_option(parser)
    asked = parser.parse_args(arguments)
    lm = models.load(asked.model)
    pair = [torch.as_tensor(lm.encode(one).ids)[None].to(lm.device) for one in (CLEAN, CORRUPTED)]
    best = [lm.next_logits(one)[0].topk(2).indices.tolist() for one in pair]
    answers = (best[0][0], next(token for token in best[1] if token != best[0][0]))
    given: dict[str, Any] = {"target": answers[0], "foil": answers[1], "normalised": False, "confirm": True}

    def ours() -> Values:
        return np.asarray(iw.patch(lm, pair[0][0].tolist(), pair[1][0].tolist(), **given).values[0])

    peer = ("one pass a cell", plain(lm, pair[0], pair[1], answers))
    if not asked.plain:
        try:
            peer = ("TransformerLens", transformer_lens(lm, pair[0], pair[1], answers))
        except ImportError as error:
            print(f"TransformerLens is not installed ({error}); the plain way stands in")
    ours()  # once before the clock runs
    times: dict[str, list[float]] = {peer[0]: [], "iw.patch": []}
    values: dict[str, Values] = {}
    for _ in range(asked.rounds):
        for name, work in (peer, ("iw.patch", ours)):
            began = time.perf_counter()
            values[name] = work()
            times[name].append(time.perf_counter() - began)
    cells = values["iw.patch"].size
    print(f"{lm.name}, {pair[0].shape[1]} tokens, {cells} cells, on {lm.device}")
    for name, seconds in times.items():
        print(f"{name:16}{min(seconds):8.2f} s")
    off = float(np.abs(values["iw.patch"] - values[peer[0]]).max())
    largest = float(np.ptp(values["iw.patch"]))
    ratio = min(times[peer[0]]) / min(times["iw.patch"])
    print(f"ratio {ratio:.1f}, largest difference {off:.1e} log-odds, {off / largest:.1e} of their range")


if __name__ == "__main__":
    main()
