"""From a slider's message to the first steered token that leaves the kernel, on the default model.

    python -m benchmarks console_latency [--moves 20] [--prompt "..."]

The page adds the rest of the slider (40 ms) and its drawing; tests/browser/test_steering.py reports the whole way.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import interp_widgets as iw
from interp_widgets.steering.console_payload import MESSAGE


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks console_latency", description=__doc__)
    parser.add_argument("--moves", type=int, default=20)
    parser.add_argument("--prompt", default="I went to the new restaurant and")
    given = parser.parse_args(arguments)
    lm = iw.load_model(device="cpu")
    vector = iw.control_vector(lm, iw.steering.pair_set("sentiment").fitting)
    console: Any = iw.widgets.SteeringConsole(lm, [vector], prompt=given.prompt)
    console.write()
    console.wait()
    heard: list[float] = []

    def note(content: Any, buffers: Any = None) -> None:
        if isinstance(content, dict) and content.get("kind") == MESSAGE and content["side"] == 1:
            heard.append(time.perf_counter())

    console.send = note
    rows = {"at rest": [move(console, heard, i, wait=True) for i in range(given.moves)]}
    rows["while it writes"] = [move(console, heard, i, wait=False) for i in range(given.moves)]
    console.wait()
    print(f"{'move':<18}{'median':>10}{'worst':>10}   message to first token, {given.moves} moves, {lm.name}")
    for name, taken in rows.items():
        print(f"{name:<18}{statistics.median(taken) * 1000:>7.0f} ms{max(taken) * 1000:>7.0f} ms")


def move(console: Any, heard: list[float], i: int, *, wait: bool) -> float:
    """Seconds until the first token of this move's text; the one before is written still unless waited for."""
    if wait:
        console.wait()
    before, strength = console._runs, 0.02 + 0.005 * (i % 20)
    heard.clear()
    began = time.perf_counter()
    args = {"strengths": {console.result.vectors[0].name: round(strength, 3)}}
    console._handle_custom_msg({"id": str(i), "kind": "explain", "args": args}, None)
    while console._runs == before or not any(at > began for at in heard):
        time.sleep(0.001)
    return next(at for at in heard if at > began) - began
