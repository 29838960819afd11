"""Integrated gradients here, by captum, and by the textbook's loop, side by side on the default model.

    make bench                                                 # seconds and memory, at 23 and 512 tokens
    make bench ARGS="integrated_gradients --tokens 23 --rounds 5"

Seconds: the contestants take turns in one process, `--rounds` times; the table gives the median and the range.  Each
runs with its best batch size, found by a trial of its own.  Memory: each in a fresh process at the same batch size of
1; the peak of `RssAnon` (private memory) over that after the first pass, sampled every 5 ms; on CUDA
`max_memory_allocated`.  "rows" counts sequences through the model, forward.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from benchmarks.measure import Rows, peak

TEXT = (
    "The old lighthouse keeper climbed the narrow stairs every evening, lit the great lamp, and watched the ships"
    " pass along the dark coast until the morning came. "
)
BATCHES = {23: (5, 10, 25), 512: (1, 2)}  # in trials smaller and larger ones were slower for all
Contestant = Callable[[Any, torch.Tensor, int, int], Any]


def ours(lm: Any, ids: torch.Tensor, steps: int, batch: int, checkpoint: bool = False) -> Any:
    from interp_widgets.attribution.job import answer, prepare

    lm.model.requires_grad_(False)
    given = {"baseline": "zero", "steps": steps, "quadrature": "gauss-legendre", "delete": None, "samples": None}
    job = prepare(
        lm, ids.tolist(), None, None, "integrated_gradients", None, None, given, checkpoint, seed=0, batch_size=batch
    )
    return answer(job, tested=False).scores  # the others test nothing


def ours_checkpointed(lm: Any, ids: torch.Tensor, steps: int, batch: int) -> Any:
    return ours(lm, ids, steps, batch, checkpoint=True)


def as_loaded(lm: Any) -> None:
    """The other two get the model as transformers gives it; `iw.load_model` freezes the weights."""
    lm.model.requires_grad_(True)


def by_captum(lm: Any, ids: torch.Tensor, steps: int, batch: int) -> Any:
    from captum.attr import LayerIntegratedGradients

    as_loaded(lm)
    target = int(lm.next_logits(ids[None])[0].argmax())

    def forward(tokens: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = lm.model(input_ids=tokens, use_cache=False).logits
        return logits[:, -1]

    method = LayerIntegratedGradients(forward, lm.model.get_input_embeddings())
    # captum takes baselines as tokens; end-of-text costs what a zero embedding would.
    attributions, _ = method.attribute(
        ids[None],
        baselines=torch.full_like(ids[None], lm.tokenizer.eos_token_id),
        target=target,
        n_steps=steps,
        internal_batch_size=batch,
        return_convergence_delta=True,
    )
    return attributions.sum(-1)[0].detach()


def textbook(lm: Any, ids: torch.Tensor, steps: int, batch: int) -> Any:
    """As printed in tutorials: all logits, gradients with respect to everything, a batch of points at a time."""
    as_loaded(lm)
    embeds = lm.model.get_input_embeddings()(ids[None]).detach()
    target = int(lm.next_logits(ids[None])[0].argmax())
    total = torch.zeros_like(embeds)
    alphas = torch.arange(1, steps + 1) / steps
    for part in alphas.split(batch):
        points = (part[:, None, None] * embeds).requires_grad_()
        logits = lm.model(inputs_embeds=points, use_cache=False).logits
        lm.model.zero_grad()
        logits[:, -1, target].sum().backward()
        assert points.grad is not None
        total += points.grad.sum(0, keepdim=True)
    for parameter in lm.model.parameters():
        parameter.grad = None
    return (embeds * total / steps).sum(-1)[0]


CONTESTANTS: dict[str, Contestant] = {
    "interp-widgets": ours,
    "interp-widgets, checkpoints": ours_checkpointed,
    "captum": by_captum,
    "textbook loop": textbook,
}


def load() -> Any:
    import interp_widgets as iw

    return iw.load_model("smollm2")


def prompt(lm: Any, tokens: int) -> torch.Tensor:
    ids = lm.encode(TEXT * (tokens // 20 + 2)).ids[:tokens]
    return torch.as_tensor(ids)


def best_batch(run: Contestant, lm: Any, ids: torch.Tensor, steps: int) -> int:
    times = {}
    for batch in BATCHES.get(len(ids), (1, 2, 4)):
        run(lm, ids, batch, batch)  # warm
        points = max(batch, min(steps, 10 if len(ids) < 100 else 2))
        began = time.perf_counter()
        run(lm, ids, points, batch)
        times[batch] = (time.perf_counter() - began) / points
    return min(times, key=lambda batch: times[batch])


def measure_seconds(tokens: int, steps: int, rounds: int) -> list[dict[str, Any]]:
    lm = load()
    ids = prompt(lm, tokens)
    batches = {name: best_batch(run, lm, ids, steps) for name, run in CONTESTANTS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    rows: dict[str, int] = {}
    for _ in range(rounds):
        for name, run in CONTESTANTS.items():
            counter = Rows(lm)
            began = time.perf_counter()
            run(lm, ids, steps, batches[name])
            seconds[name].append(time.perf_counter() - began)
            rows[name] = counter.count
            counter.close()
    return [
        {"name": name, "batch": batches[name], "seconds": seconds[name], "rows": rows[name]} for name in CONTESTANTS
    ]


def measure_memory(name: str, tokens: int, batch: int) -> int:
    """In this process: one small pass first, so that what is loaded once does not count."""
    lm = load()
    run, ids = CONTESTANTS[name], prompt(lm, tokens)
    run(lm, ids[:8], 2, 1)
    return peak(lambda: run(lm, ids, 2 * batch, batch))


def memory_in_fresh_process(name: str, tokens: int, batch: int) -> int:
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "integrated_gradients",
        "--memory-of",
        name,
        "--tokens",
        str(tokens),
        "--batch",
        str(batch),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(json.loads(done.stdout.splitlines()[-1]))


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks integrated_gradients",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tokens", type=int, action="append", help="prompt lengths; by default 23 and 512")
    parser.add_argument("--steps", type=int, help="points on the path; by default 50, at 512 tokens 8")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=1, help="batch size of the memory measurement")
    parser.add_argument("--no-memory", action="store_true", help="seconds only")
    parser.add_argument("--memory-of", choices=list(CONTESTANTS), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.memory_of:
        print(json.dumps(measure_memory(given.memory_of, given.tokens[0], given.batch)))
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for tokens in given.tokens or [23, 512]:
        steps = given.steps or (50 if tokens < 100 else 8)
        table = measure_seconds(tokens, steps, given.rounds)
        reference = statistics.median(next(row for row in table if row["name"] == "captum")["seconds"])
        print(f"\n{tokens} tokens, {steps} steps, {given.rounds} rounds")
        print(f"{'':28} {'batch':>5} {'rows':>5} {'median s':>9} {'range s':>14} {'x captum':>9} {'peak MB':>8}")
        for row in table:
            middle = statistics.median(row["seconds"])
            span = f"{min(row['seconds']):.2f} to {max(row['seconds']):.2f}"
            memory = "" if given.no_memory else f"{memory_in_fresh_process(row['name'], tokens, given.batch) / 1e6:.0f}"
            print(
                f"{row['name']:28} {row['batch']:5} {row['rows']:5} {middle:9.2f} {span:>14}"
                f" {reference / middle:8.2f}x {memory:>8}".rstrip()
            )
    print(f"\npeak memory at batch size {given.batch}, above the model")
