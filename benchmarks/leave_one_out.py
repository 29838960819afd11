"""Leave-one-out side by side with captum: 22 input and 16 target tokens on the default model.

    python -m benchmarks leave_one_out [--rounds 3] [--skip-default] [--model llama-8b]

Times alternate in one process.  captum's default mode gives wrong values on transformers 5 (its cache grows twice), so
only its time is compared; its single-pass mode must give our numbers.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np

from benchmarks import models
from interp_widgets.attribution.perturbation import filler
from interp_widgets.models.question import ask

PROMPT = "The committee met in the old town hall last winter and finally agreed that the capital of the country is"
TARGET = " Canberra, a compromise between the two great rivals Sydney and Melbourne, since"
TOKENS = (22, 16)


def texts(lm: Any) -> tuple[list[int], list[int]]:
    """Exactly so many tokens of each, cut or filled up with the first words of the target."""
    prompt = lm.encode(PROMPT).ids.tolist()
    target = lm.encode(TARGET).ids.tolist()
    return (prompt + target)[: TOKENS[0]], (target * 2)[: TOKENS[1]]


def ours(lm: Any, prompt: list[int], target: list[int]) -> Any:
    from interp_widgets.attribution.leave_one_out import LEAVE_ONE_OUT
    from interp_widgets.attribution.perturbation import Perturber
    from interp_widgets.attribution.registry import Work

    encoded = lm.encode(prompt)
    with lm.run():
        question = ask(lm, encoded, target, None)
        perturber = Perturber(question, batch_tokens=512)
        member = np.eye(len(encoded), dtype=bool)
        work = Work({"delete": "eos"}, 0, 1, lambda *told: None, perturber, member, encoded.tokens)
        return LEAVE_ONE_OUT.run(question, work).scores


def captums(lm: Any, prompt: list[int], target: list[int], in_tokens: bool) -> Any:
    import torch
    from captum.attr import FeatureAblation, LLMAttribution, TextTokenInput

    text = lm.tokenizer.decode(prompt)
    ablation: Any = FeatureAblation
    wrapper: Any = LLMAttribution
    wrapped = wrapper(ablation(lm.model), lm.tokenizer)
    tokens: Any = TextTokenInput
    given = tokens(text, lm.tokenizer, baselines=filler(lm))
    assert given.inp_tensor.shape[1] == len(prompt)
    with torch.no_grad():
        found = wrapped.attribute(given, target=torch.as_tensor(target), forward_in_tokens=in_tokens)
    return found.seq_attr.double().numpy()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip-default", action="store_true", help="leave out captum's default mode, which is slow")
    models.add_option(parser)
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    lm = models.load(asked.model)
    prompt, target = texts(lm)
    works: dict[str, Any] = {
        "ours": lambda: ours(lm, prompt, target),
        "captum, single pass": lambda: captums(lm, prompt, target, False),
    }
    if not asked.skip_default:
        works["captum, default"] = lambda: captums(lm, prompt, target, True)
    ours(lm, prompt, target)  # once before the clock runs
    times: dict[str, list[float]] = {name: [] for name in works}
    values: dict[str, Any] = {}
    for number in range(asked.rounds):
        for name, work in works.items():
            if name == "captum, default" and number:
                continue  # a minute each
            began = time.perf_counter()
            values[name] = work()
            times[name].append(time.perf_counter() - began)
    mine = min(times["ours"])
    print(f"{len(prompt)} input and {len(target)} target tokens, best of {asked.rounds}:")
    for name, taken in times.items():
        difference = float(np.abs(values[name] - values["ours"]).max())
        print(f"{name:<22}{min(taken):8.2f} s {min(taken) / mine:6.1f} x   largest difference {difference:.1e}")


if __name__ == "__main__":
    main()
