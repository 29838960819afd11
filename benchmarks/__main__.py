"""`python -m benchmarks [name] [options]`: run one benchmark, or all of them, and print their tables."""

from __future__ import annotations

import importlib
import sys

NAMES = (
    "integrated_gradients", "leave_one_out", "partition_shap", "attribution_quality", "long_prompt", "control_vectors",
    "steering_effect", "steering_overhead", "console_latency", "logit_lens",
    "causal_trace", "average_effects", "activation_patching", "neurons",
    "edit_single", "edit_batch", "edit_sequence", "edit_behaviour", "grace_cost",
    "leace", "scrubbing", "cot_faithfulness",
)  # fmt: skip


def main() -> None:
    given = sys.argv[1:]
    names = [given.pop(0)] if given and given[0] in NAMES else list(NAMES)
    for name in names:
        importlib.import_module(f"benchmarks.{name}").main(given)


if __name__ == "__main__":
    main()
