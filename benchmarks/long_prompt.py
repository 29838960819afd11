"""Long prompts: what was estimated, what it took, and the memory, for each method.

    python -m benchmarks long_prompt [--tokens 512] [--model llama-8b] [--methods a b ...]

Memory is the peak above the start, each method in a process of its own.  A method that `iw.attribute` would refuse for
its cost is listed with the estimate and not run, unless --all is given.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from typing import Any

import interp_widgets as iw
from benchmarks import models
from benchmarks.measure import peak
from interp_widgets.errors import TooCostlyError

METHODS = ("auto", "gradient_x_input", "integrated_gradients", "leave_one_out", "leave_one_out by sentence")
SENTENCE = "The committee met in the old town hall last winter and agreed that the capital of the country should move."


def prompt_of(lm: Any, tokens: int) -> list[int]:
    ids = lm.encode(" ".join([SENTENCE] * (tokens // 15 + 2))).ids.tolist()
    return [int(i) for i in ids[-tokens:]]


def arguments(name: str) -> dict[str, Any]:
    method, _, unit = name.partition(" by ")
    return {"method": method, "group": unit or None}


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--all", action="store_true", help="run what is refused for its cost, too")
    parser.add_argument("--memory-of", help="print the peak memory of one method in bytes, and nothing else")
    models.add_option(parser)
    asked = parser.parse_args(given)
    lm = models.load(asked.model)
    prompt = prompt_of(lm, asked.tokens)
    confirm = True if asked.all else None
    if asked.memory_of:
        print(peak(lambda: iw.attribute(lm, prompt, confirm=True, **arguments(asked.memory_of))))
        return
    iw.attribute(lm, prompt[-8:], method="gradient_x_input")  # once before the clock runs, which calibrates estimates
    print(f"{len(prompt)} tokens on {lm.name}, {lm.device}, {str(lm.dtype).removeprefix('torch.')}")
    print(f"{'method':<28}{'passes':>8}{'estimate':>12}{'took':>10}{'memory':>12}")
    for name in asked.methods:
        cost = iw.estimate(iw.attribute, lm, prompt, **arguments(name))
        began = time.perf_counter()
        try:
            result = iw.attribute(lm, prompt, confirm=confirm, **arguments(name))
        except TooCostlyError:
            print(f"{name:<28}{cost.forward_passes:>8}{cost.seconds:>10.1f} s   refused for its cost")
            continue
        took = time.perf_counter() - began
        command = [sys.executable, "-m", "benchmarks", "long_prompt", "--tokens", str(asked.tokens)]
        command += ["--model", asked.model, "--memory-of", name]
        memory = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])
        print(f"{name:<28}{result.forward_passes:>8}{cost.seconds:>10.1f} s{took:>8.1f} s{memory / 2**20:>8.0f} MiB")


if __name__ == "__main__":
    main()
