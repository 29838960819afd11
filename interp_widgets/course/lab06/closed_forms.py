"""Exercises 1 and 2: MEMIT's closed form for many facts, and its spread over layers.

References: least squares over the facts and a square root of C, stacked (exercise 1); a small network in NumPy, changed
layer by layer (exercise 2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

Floats = NDArray[np.float64]
_WIDTH, _OUTPUTS = 6, 4

# Exercise 1


def moment_of(rng: np.random.Generator, tokens: int = 60, width: int = _WIDTH) -> Floats:
    """Of keys that reach much further in some directions than in others."""
    turned = np.linalg.qr(rng.normal(size=(width, width)))[0]
    keys = rng.normal(size=(tokens, width)) * np.geomspace(0.2, 3, width) @ turned
    return np.asarray(keys.T @ keys / tokens)


def _many(count: int, weight: float, *, alike: float = 1.0) -> Callable[[np.random.Generator], Arguments]:
    """Facts with random keys; alike: how far the keys lie from each other."""

    def arguments(rng: np.random.Generator) -> Arguments:
        keys = rng.normal(size=_WIDTH) * (1 - alike) + alike * rng.normal(size=(count, _WIDTH))
        missing = rng.normal(size=(count, _OUTPUTS))
        return torch.as_tensor(missing), torch.as_tensor(keys), torch.as_tensor(moment_of(rng)), weight

    return arguments


def _root(moment: Floats) -> Floats:
    values, vectors = np.linalg.eigh(moment)
    return np.asarray(vectors @ np.diag(np.sqrt(values.clip(0))) @ vectors.T)


def _least_squares(missing: Floats, keys: Floats, kept: Floats) -> Tensor:
    """D with the least |D k - r|^2 over the facts plus |D q|^2 over the rows q of `kept`."""
    rows = np.concatenate([keys, kept])
    due = np.concatenate([missing, np.zeros((len(kept), missing.shape[1]))])
    return torch.as_tensor(np.linalg.lstsq(rows, due, rcond=None)[0].T.copy())


def _memit(missing: Tensor, keys: Tensor, moment: Tensor, weight: float) -> Tensor:
    return _least_squares(missing.numpy(), keys.numpy(), np.sqrt(weight) * _root(moment.numpy()))


def _by(way: Callable[[Floats, Floats, Floats, float], NDArray[Any]]) -> Callable[..., Tensor]:
    """Of R (n, outputs), K (n, width), C and the weight, in NumPy."""

    def answer(missing: Tensor, keys: Tensor, moment: Tensor, weight: float) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(way(missing.numpy(), keys.numpy(), moment.numpy(), weight)))

    return answer


def _exact(missing: Floats, keys: Floats, moment: Floats, weight: float) -> Floats:
    solved = np.linalg.solve(moment, keys.T)
    return np.asarray(missing.T @ np.linalg.pinv(keys @ solved) @ solved.T)


MEMIT = Exercise(
    id="lab06-q1",
    title="Many facts in one matrix",
    difficulty=2,
    minutes=25,
    signature="memit(missing, keys, moment, weight)",
    cases=(
        Case(
            name="three facts, and much to keep",
            points=1,
            arguments=_many(3, 20.0),
            expected=_memit,
            relative=1e-5,
            hint="D = R Kᵀ (w C + K Kᵀ)⁻¹ of the lesson has a key in each *column*; here each is a row.",
        ),
        Case(
            name="more facts than a key has entries",
            points=1,
            arguments=_many(11, 0.7),
            expected=_memit,
            relative=1e-5,
            hint="K Kᵀ is the *sum* of k kᵀ over the facts: eleven facts weigh eleven times as much as one.",
        ),
        Case(
            name="facts whose keys are nearly alike",
            points=1,
            arguments=_many(4, 2.0, alike=0.05),
            expected=_memit,
            relative=1e-5,
            hint="Nearly equal keys cannot get very different values: least squares settles between them.",
        ),
    ),
    mistakes=(
        Mistake(
            name="no-weight",
            hint="The weight is missing: C counts as one fact here. It stands for w facts that must stay as they are.",
            answer=_by(lambda r, k, c, w: np.linalg.solve(c + k.T @ k, k.T @ r).T),
        ),
        Mistake(
            name="identity",
            hint="The identity stands in the place of C. Every direction is then kept alike, whether keys go there or"
            " not.",
            answer=_by(lambda r, k, c, w: np.linalg.solve(w * np.eye(len(c)) + k.T @ k, k.T @ r).T),
        ),
        Mistake(
            name="no-gram",
            hint="K Kᵀ is missing in the brackets: the facts then get what they ask for without a look at each other.",
            answer=_by(lambda r, k, c, w: np.linalg.solve(w * c, k.T @ r).T),
        ),
        Mistake(
            name="gram-averaged",
            hint="K Kᵀ was divided by the number of facts. It is the sum: more facts weigh more against C.",
            answer=_by(lambda r, k, c, w: np.linalg.solve(w * c + k.T @ k / len(k), k.T @ r).T),
        ),
        Mistake(
            name="facts-averaged",
            hint="R Kᵀ was divided by the number of facts, so each of them gets a part only.",
            answer=_by(lambda r, k, c, w: np.linalg.solve(w * c + k.T @ k, k.T @ r).T / len(k)),
        ),
        Mistake(
            name="exact",
            hint="This makes the facts hold exactly, whatever it costs the rest. MEMIT weighs them against C.",
            answer=_by(_exact),
        ),
        Mistake(
            name="not-inverted",
            hint="R Kᵀ was multiplied by the matrix in brackets, and not by its inverse.",
            answer=_by(lambda r, k, c, w: r.T @ k @ (w * c + k.T @ k)),
        ),
        Mistake(
            name="transposed",
            hint="The change is turned. It is added to W, (outputs, width).",
            answer=lambda *given: _memit(*given).T.contiguous(),
        ),
        Mistake(
            name="wrong-sign",
            hint="The sign is turned: what is missing would be taken away.",
            answer=lambda *given: -_memit(*given),
        ),
    ),
    hints=(
        "With keys as rows, K Kᵀ is `keys.T @ keys`, (width, width), and R Kᵀ is `missing.T @ keys`.",
        "(w C + K Kᵀ) is symmetric: `torch.linalg.solve(inside, keys.T @ missing)` is D, turned.",
    ),
)

# Exercise 2


class Network:
    """Layers that add W_l tanh(A_l s) to a state s; keys are the tanh's, and its facts are states to begin with."""

    def __init__(self, rng: np.random.Generator, layers: int, facts: int) -> None:
        self.start = rng.normal(size=(facts, _OUTPUTS))
        self.ways = 0.6 * rng.normal(size=(layers, _WIDTH, _OUTPUTS))
        self.values = 0.4 * rng.normal(size=(layers, _OUTPUTS, _WIDTH))

    def read(self, changes: dict[int, Tensor], layer: int) -> tuple[Tensor, Tensor]:
        """The facts' keys in one layer, (facts, width), and their states after the last, (facts, outputs)."""
        keys, end = self.run({at: change.detach().numpy() for at, change in changes.items()}, layer)
        return torch.as_tensor(keys), torch.as_tensor(end)

    def run(self, changes: dict[int, Floats], layer: int) -> tuple[Floats, Floats]:
        state, found = self.start, self.start
        for at, (way, value) in enumerate(zip(self.ways, self.values, strict=True)):
            keys = np.tanh(state @ way.T)
            found = keys if at == layer else found
            state = state + keys @ (value + changes.get(at, 0)).T
        return found, state


def ridge(missing: Tensor, keys: Tensor, layer: int) -> Tensor:
    """A closed form for one layer: the exercise before, with the identity for C, and a weight of the layer's own."""
    inside = keys.T @ keys + 0.1 * (layer + 1) * torch.eye(keys.shape[1]).to(keys)
    found: Tensor = torch.linalg.solve(inside, keys.T @ missing).T
    return found


def _ridge(missing: Floats, keys: Floats, layer: int) -> Floats:
    """The same by its dual, (facts, facts)."""
    inner = keys @ keys.T + 0.1 * (layer + 1) * np.eye(len(keys))
    return np.asarray(missing.T @ np.linalg.inv(inner) @ keys)


def _network(layers: int, facts: int, chosen: list[int]) -> Callable[[np.random.Generator], Arguments]:
    def arguments(rng: np.random.Generator) -> Arguments:
        network = Network(rng, layers, facts)
        wanted = network.run({}, 0)[1] + rng.normal(size=(facts, _OUTPUTS))
        return torch.as_tensor(wanted), chosen, network.read, ridge

    return arguments


def _in_turn(
    wanted: Tensor, layers: list[int], read: Any, share: Callable[[int, int], float], *, again: bool = True
) -> dict[int, Tensor]:
    """Layer after layer; share: of what is missing, by the turn and the number of layers; again: read each time."""
    network: Network = read.__self__
    done: dict[int, Floats] = {}
    for turn, layer in enumerate(layers):
        keys, end = network.run(done if again else {}, layer)
        done[layer] = _ridge((wanted.numpy() - end) * share(turn, len(layers)), keys, layer)
    return {layer: torch.as_tensor(change) for layer, change in done.items()}


def _spread(wanted: Tensor, layers: list[int], read: Any, solve: Any) -> dict[int, Tensor]:
    return _in_turn(wanted, layers, read, lambda turn, count: 1 / (count - turn))


def _last_alone(wanted: Tensor, layers: list[int], read: Any, solve: Any) -> dict[int, Tensor]:
    found = _in_turn(wanted, layers[-1:], read, lambda turn, count: 1.0)
    return {layer: found.get(layer, torch.zeros(_OUTPUTS, _WIDTH, dtype=torch.float64)) for layer in layers}


SPREAD = Exercise(
    id="lab06-q2",
    title="A change spread over layers",
    difficulty=2,
    minutes=25,
    signature="spread(wanted, layers, read, solve)",
    cases=(
        Case(
            name="three layers in a row",
            points=1,
            arguments=_network(4, 3, [0, 1, 2]),
            expected=_spread,
            relative=1e-5,
            hint="The first of three layers takes a third of what is missing, the second half of what is missing"
            " *then*, the last all of it.",
        ),
        Case(
            name="layers that do not begin at 0",
            points=1,
            arguments=_network(6, 5, [2, 3, 5]),
            expected=_spread,
            relative=1e-5,
            hint="How many layers are left depends on the place in the list, not on the layer's number.",
        ),
        Case(
            name="one layer",
            points=0.5,
            arguments=_network(2, 2, [1]),
            expected=_spread,
            relative=1e-5,
            hint="A single layer takes all that is missing.",
        ),
    ),
    mistakes=(
        Mistake(
            name="not-read-again",
            hint="All layers were computed from the unchanged model. Each must be read with those below it changed:"
            " their change moves its keys, and a part is no longer missing.",
            answer=lambda wanted, layers, read, solve: _in_turn(
                wanted, layers, read, lambda turn, count: 1 / (count - turn), again=False
            ),
        ),
        Mistake(
            name="all-at-once",
            hint="The first layer takes all that is missing. It should take its share: a large change of one layer"
            " does more harm than small ones of several.",
            answer=lambda wanted, layers, read, solve: _in_turn(wanted, layers, read, lambda turn, count: 1.0),
        ),
        Mistake(
            name="by-all-layers",
            hint="Each layer took what is missing over the number of *all* layers. Divide by how many are left, so"
            " that the last takes all of the rest.",
            answer=lambda wanted, layers, read, solve: _in_turn(wanted, layers, read, lambda turn, count: 1 / count),
        ),
        Mistake(
            name="one-too-many",
            hint="It was divided by one layer too many: this one counts among those that are left.",
            answer=lambda wanted, layers, read, solve: _in_turn(
                wanted, layers, read, lambda turn, count: 1 / (count - turn + 1)
            ),
        ),
        Mistake(
            name="from-the-top",
            hint="The layers were taken from the top. A change below then spoils what was fitted above it.",
            answer=lambda wanted, layers, read, solve: _in_turn(
                wanted, layers[::-1], read, lambda turn, count: 1 / (count - turn)
            ),
        ),
        Mistake(
            name="last-layer-alone",
            hint="The last layer does it all, and the others nothing.",
            answer=_last_alone,
        ),
        Mistake(
            name="wrong-sign",
            hint="The sign is turned: missing is what is wanted less what is there.",
            answer=lambda wanted, layers, read, solve: _in_turn(
                wanted, layers, read, lambda turn, count: -1 / (count - turn)
            ),
        ),
    ),
    hints=(
        "`keys, states = read(changes, layer)` inside the loop, with the changes that you have so far.",
        "`for turn, layer in enumerate(layers)`: there are `len(layers) - turn` left, this one included.",
    ),
)
