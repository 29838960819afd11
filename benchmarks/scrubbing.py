"""Is gender gone from the default model after scrubbing, at every layer, and what does that cost?

    python -m benchmarks scrubbing [--set grammatical_gender] [--each 24] [--layers 0,1,2] [--method leace]
                                   [--strata] [--probes linear,mlp] [--keep FOLDER]

1. The labelled sentences that come with the package are split into three parts that share no sentence and no template.
2. Erasers are fitted on the first part, layer by layer, each on what the erased layers below it give.
3. At every layer fresh probes are trained on the second part and tested on the third: before, after, and under random
   directions of the same rank.
4. Perplexity of neutral text, and questions about other things, in all three.

`--keep` writes the eraser and the result there.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import interp_widgets as iw
from interp_widgets.erasure import evaluate, labelled_set, labelled_sets, scrub


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--set", choices=labelled_sets(), default="grammatical_gender")
    parser.add_argument("--each", type=int, default=24, help="variants of each template, in each class")
    parser.add_argument("--layers", default="", help="numbers with commas; by default all")
    parser.add_argument("--method", default="leace")
    parser.add_argument("--probes", default="linear,mlp")
    parser.add_argument("--shares", default="0.5,0.25,0.25", help="of the eraser, to train and to test probes")
    parser.add_argument(
        "--strata", action="store_true", help="erase each form of the word, and each distance, for itself"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the eraser and the result")
    asked = parser.parse_args(arguments)
    lm = iw.load_model()
    texts = labelled_set(asked.set, each=asked.each)
    fit, train, test = texts.split([float(share) for share in asked.shares.split(",")], seed=asked.seed)
    print(f"{texts}: {len(fit)}, {len(train)} and {len(test)} texts", flush=True)
    layers = [int(one) for one in asked.layers.split(",")] if asked.layers else None
    began = time.perf_counter()
    x = scrub(lm, fit, layers=layers, method=asked.method, strata=asked.strata, seed=asked.seed, confirm=True)
    samples = x.about["samples"]
    print(f"fitted on {samples} states at {len(x.places)} layers in {time.perf_counter() - began:.0f} s", flush=True)
    if asked.keep is not None:
        asked.keep.mkdir(parents=True, exist_ok=True)
        x.save(asked.keep / f"{asked.set}-{asked.method}.safetensors")
    x.undo()
    found = evaluate(lm, x, train, test, probes=asked.probes.split(","), seed=asked.seed, confirm=True)
    if asked.keep is not None:
        found.save(asked.keep / f"{asked.set}-{asked.method}-result.safetensors")
    print(found)
    linear = found.of("linear")
    outside = int((~found.at_chance("linear")).sum())
    worst = int(np.argmax(linear[:, 0]))
    before = found.of("linear", "before")[:, 0].mean()
    print(f"\n{outside} of {len(linear)} layers outside their interval of the majority")
    print(
        f"highest {linear[worst, 0]:.1%} at {found.places[worst]}; mean {linear[:, 0].mean():.1%}, before {before:.1%}"
    )


if __name__ == "__main__":
    main()
