"""The logit lens over all layers and positions: time, the first row's time, and memory, beside all logits at once.

    python -m benchmarks logit_lens [--tokens 32 128] [--model llama-8b] [--calibrated] [--rounds 3]

"multiplications" are the head's matrix products alone, which no lens over all layers can do without.  Seconds are the
least of some rounds: of the clock, and of the processor (of all threads together), which says more on a machine that
does other things.  Memory is the peak above the model, each in a process of its own.  With --calibrated a second table
has what both lenses are worth on held-out text, layer by layer; the lens is fitted first if the cache does not have it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

import interp_widgets as iw
from benchmarks import models
from benchmarks.long_prompt import prompt_of
from benchmarks.measure import peak
from interp_widgets.locate.calibration import calibrate_lens
from interp_widgets.models.architectures import Site

WAYS = ("interp-widgets", "all logits at once", "multiplications")


def ours(lm: Any, prompt: list[int], first: Callable[[], None] = lambda: None) -> None:
    iw.logit_lens(lm, prompt, partial=lambda result: first())


def at_once(lm: Any, prompt: list[int]) -> None:
    """The textbook's way: (layers, positions, vocabulary) numbers, and the same readings from them."""
    a = lm.architecture
    where = [Site("resid_post", layer) for layer in range(a.n_layers)]
    with torch.no_grad(), lm.run(capture=where) as run:
        final = lm.head(lm.hidden(torch.tensor([prompt]))[0]).float().log_softmax(-1)
        states = torch.stack([run.captured.pop(site)[0] for site in where])
        found = lm.head(a.final_norm(states)).float().log_softmax(-1)
        found.topk(5)
        p = found.exp()
        (p * found).sum(-1)
        (p * (found - final)).sum(-1)
        chosen = final[-1].argmax()
        (found > found[..., chosen, None]).sum(-1)


def multiplications(lm: Any, prompt: list[int]) -> None:
    a = lm.architecture
    state = torch.zeros(len(prompt), a.width, dtype=lm.dtype, device=lm.device)
    with torch.no_grad():
        for _ in range(a.n_layers):
            a.unembedding(state)


def work_of(way: str) -> Callable[..., None]:
    return {"interp-widgets": ours, "all logits at once": at_once, "multiplications": multiplications}[way]


def timed(work: Callable[[], None], rounds: int) -> tuple[float, float]:
    """Seconds of the clock, and of the processor: the least of each."""
    clock, processor = [], []
    for _ in range(rounds):
        began, began_cpu = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - began)
        processor.append(time.process_time() - began_cpu)
    return min(clock), min(processor)


def first_row(lm: Any, prompt: list[int]) -> float:
    """Seconds until the first layer is handed over."""
    seen: list[float] = []
    began = time.perf_counter()
    ours(lm, prompt, lambda: seen.append(time.perf_counter() - began))
    return seen[0]


def memory(way: str, tokens: int, model: str) -> float:
    """Bytes above the model, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks", "logit_lens", "--memory-of", way]
    command += ["--tokens", str(tokens), "--model", model]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def worth(lm: Any) -> None:
    """The lenses on held-out text."""
    found = calibrate_lens(lm, progress=True)
    print(f"\n{found.tested} held-out tokens: nats from the final distribution, first choices that are the model's own")
    print(f"fitted on {found.tokens} tokens in {found.seconds:.0f} s; a guess: {found.nothing.divergence[0]:.2f} nats")
    print(f"{'layer':<8}{'plain':>12}{'calibrated':>12}{'plain':>10}{'calibrated':>12}")
    for layer in range(found.n_layers):
        plain, ours = found.plain, found.calibrated
        print(
            f"{layer:<8}{plain.divergence[layer]:>12.2f}{ours.divergence[layer]:>12.2f}"
            f"{plain.agreement[layer]:>10.0%}{ours.agreement[layer]:>12.0%}"
        )


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tokens", type=int, nargs="*", default=[32, 128])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--calibrated", action="store_true", help="what both lenses are worth on held-out text")
    parser.add_argument("--memory-of", help="print the peak memory of one way in bytes, and nothing else")
    models.add_option(parser)
    asked = parser.parse_args(given)
    lm = models.load(asked.model)
    if asked.memory_of:
        prompt = prompt_of(lm, asked.tokens[0])
        work_of(asked.memory_of)(lm, prompt[:2])  # what is loaded once does not count
        print(peak(lambda: work_of(asked.memory_of)(lm, prompt)))
        return
    threads = torch.get_num_threads()
    print(f"{lm.name}, {lm.architecture.n_layers} layers, {lm.device}, {threads} threads")
    print(f"{'tokens':<8}{'way':<22}{'clock':>10}{'processor':>12}{'first row':>12}{'memory':>12}")
    for tokens in asked.tokens:
        prompt = prompt_of(lm, tokens)
        for way in WAYS:
            work_of(way)(lm, prompt[:2])
            clock, processor = timed(lambda way=way, prompt=prompt: work_of(way)(lm, prompt), asked.rounds)  # type: ignore[misc]
            first = f"{first_row(lm, prompt):.2f} s" if way == WAYS[0] else ""
            needed = "" if asked.no_memory else f"{memory(way, tokens, asked.model) / 1e6:.0f} MB"
            print(f"{tokens:<8}{way:<22}{clock:>8.2f} s{processor:>10.2f} s{first:>12}{needed:>12}", flush=True)
    if asked.calibrated:
        worth(lm)


if __name__ == "__main__":
    main()
