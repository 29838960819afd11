"""Many facts in one call: S, seconds and what it costs the rest of the model.

    python -m benchmarks edit_batch [--method memit] [--records 100] [--judged 200] [--layer 1 2 3 4 5]
                                    [--set weight=5000] [--save FILE] [--adapter]

`--judged` records, evenly spread over those edited, are evaluated.  --save keeps the edit as a ledger file; --adapter
exports it as a LoRA adapter, which peft loads, and compares the logits at the judged prompts.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

import interp_widgets as iw
from benchmarks.edit_records import add_options, edit, records, scores, shares, table

# Meng et al. 2023, table 2: 10,000 facts in GPT-J: efficacy, paraphrase, neighbourhood, S.
PAPER = {"GPT-J, MEMIT, 10,000 facts": (98.9, 88.6, 73.7, 85.8)}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, method="memit")
    parser.add_argument("--judged", type=int, default=200)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--adapter", action="store_true")
    given = parser.parse_args(argv)
    lm = iw.load_model()
    chosen = records(given)
    began = time.perf_counter()
    made = edit(lm, chosen, given)
    seconds = time.perf_counter() - began
    if given.save is not None:
        made.save(given.save)
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
    if given.adapter:
        apart, moved, size = through_peft(lm, made, [fact.prompt for fact in some])
        print(
            f"adapter of {size / 1e6:.2f} MB: logits through peft apart by at most {apart:.1e}, which the edit moves by"
            f" up to {moved:.2g}, at {len(some)} prompts"
        )


def through_peft(lm: Any, made: iw.Edit, prompts: list[str]) -> tuple[float, float, int]:
    """Largest difference of a logit between the edited model and a copy with the adapter, and with the adapter off;
    the adapter's bytes."""
    import peft

    ids = [torch.as_tensor(lm.encode(prompt).ids)[None] for prompt in prompts]
    with tempfile.TemporaryDirectory() as folder:
        adapter = iw.export_lora(made, Path(folder) / "adapter")
        size = sum(file.stat().st_size for file in adapter.rglob("*") if file.is_file())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # peft asks for names that are on their way out
            served: Any = peft.PeftModel.from_pretrained(copy.deepcopy(lm.model), str(adapter)).eval()
    with torch.no_grad(), lm.run():
        expected = [lm.head(lm.hidden(one)) for one in ids]

    def apart() -> float:
        with torch.no_grad():
            found = [served(input_ids=one, use_cache=False).logits for one in ids]
        return max(float((one - other).abs().max()) for one, other in zip(found, expected, strict=True))

    with served.disable_adapter():
        moved = apart()
    return apart(), moved, size


if __name__ == "__main__":
    main()
