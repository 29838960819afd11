"""Do the vectors that come with the package do what they are for, and within which bounds?

    python -m benchmarks steering_effect [--prompts 28] [--samples 2]

1. Held-out accuracy of every set at the layer that cross-validation on its fitting pairs chose, at the best layer on
   the held-out pairs themselves, and how many held-out prompts fall on their side of the middle.
2. The sentiment vector: VADER mean of sampled continuations between the two ends of its recommended bounds, with the
   perplexity of neutral text there.  A random direction of the same length is the negative control.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np

import interp_widgets as iw
from interp_widgets.models.neutral_text import OPENERS
from interp_widgets.models.states import last_states
from interp_widgets.steering import ControlVector, pair_set, pair_sets

STRENGTHS = (-0.25, -0.2, -0.15, -0.1, -0.05, 0.05, 0.1, 0.15, 0.2, 0.25)
LAYERS = (14, 16, 18, 20, 22)


def accuracies(lm: Any) -> None:
    print(f"{'set':<12}{'pairs':>7}{'held out':>10}{'layer by CV':>13}{'pairs right':>13}{'prompts right':>15}  best")
    for name in pair_sets():
        pairs = pair_set(name)
        vector = iw.control_vector(lm, pairs.fitting)
        states = last_states(lm, [*pairs.held_out.positive, *pairs.held_out.negative]).last.astype(np.float64)
        count = len(pairs.held_out)
        scores = np.stack([vector.scores(states[:, layer], layer) for layer in vector.layers])
        ordered = (scores[:, :count] > scores[:, count:]).mean(1)
        sided = np.concatenate([scores[:, :count] > 0, scores[:, count:] < 0], axis=1).mean(1)
        chosen, best = vector.best_layer, int(np.argmax(ordered + sided))
        print(
            f"{name:<12}{len(pairs.fitting):>7}{count:>10}{chosen:>13}{ordered[chosen]:>13.1%}{sided[chosen]:>15.1%}"
            f"  {best}: {ordered[best]:.1%}, {sided[best]:.1%}"
        )


def random_direction(vector: ControlVector) -> ControlVector:
    drawn = np.random.default_rng(0).normal(size=vector.matrix.shape)
    unit = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return replace(vector, name="random direction", matrix=unit.astype(np.float32))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--prompts", type=int, default=28)
    parser.add_argument("--samples", type=int, default=2)
    asked = parser.parse_args(arguments)
    lm = iw.load_model()
    accuracies(lm)
    pairs = pair_set("sentiment")
    prompts = (*OPENERS, *pairs.neutral_prompts)[: asked.prompts]
    vector = iw.control_vector(lm, pairs.fitting)
    found = _effect(lm, vector, LAYERS, prompts, asked.samples)
    _effect(lm, random_direction(vector), [found.best_layers], prompts, asked.samples)


def _effect(lm: Any, vector: ControlVector, layers: Any, prompts: Any, samples: int) -> iw.SteeringEvaluation:
    found = iw.evaluate_steering(
        lm,
        vector,
        pair_set("sentiment").held_out,
        STRENGTHS,
        layers=layers,
        prompts=prompts,
        samples=samples,
        concept="sentiment",
    )
    print(f"\n{vector.name}\n{found}", flush=True)
    return found


if __name__ == "__main__":
    main()
