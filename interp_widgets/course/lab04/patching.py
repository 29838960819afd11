"""Exercises 3 and 4: activation patching by hand, and how much of the way it goes.

References: the package's own cells, which go on from the middle of a recorded pass (exercise 3); plain Python, number
by number (exercise 4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab04.models import logits_of, logits_with
from interp_widgets.course.tiny_copies import fresh_model, no_hook_stays, words
from interp_widgets.models.architectures import Site

# Exercise 3

_TOKENS = 6


def _pair(layer: int, position: int) -> Callable[[np.random.Generator], Arguments]:
    """Two texts of equal length that share no token, so that every position of every layer differs."""

    def arguments(rng: np.random.Generator) -> Arguments:
        both = words(rng, 2 * _TOKENS)
        return fresh_model(), both[:, :_TOKENS], both[:, _TOKENS:], layer, position

    return arguments


def _patched(model: Any, clean: Tensor, corrupted: Tensor, layer: int, position: int) -> Tensor:
    return logits_with(corrupted, clean, [Site("resid_post", layer)], [position])


def _all_positions(model: Any, clean: Tensor, corrupted: Tensor, layer: int, position: int) -> Tensor:
    return logits_with(corrupted, clean, [Site("resid_post", layer)], range(clean.shape[1]))


def _input(model: Any, clean: Tensor, corrupted: Tensor, layer: int, position: int) -> Tensor:
    return logits_with(corrupted, clean, [Site("resid_pre", layer)], [position])


def _last_position(model: Any, clean: Tensor, corrupted: Tensor, layer: int, position: int) -> Tensor:
    return logits_with(corrupted, clean, [Site("resid_post", layer)], [clean.shape[1] - 1])


def _next_position(model: Any, clean: Tensor, corrupted: Tensor, layer: int, position: int) -> Tensor:
    return logits_with(corrupted, clean, [Site("resid_post", layer)], [min(position + 1, clean.shape[1] - 1)])


def _clean_afterwards(value: Any, model: Any, *rest: Any) -> None:
    no_hook_stays(model)


def _patch_case(name: str, points: float, layer: int, position: int, hint: str) -> Case:
    return Case(
        name=name,
        points=points,
        arguments=_pair(layer, position),
        expected=_patched,
        judge=_clean_afterwards,
        relative=1e-5,
        hint=hint,
    )


PATCHED = Exercise(
    id="lab04-q3",
    title="Activation patching by hand",
    difficulty=3,
    minutes=30,
    signature="patched(model, clean, corrupted, layer, position)",
    cases=(
        _patch_case(
            "layer 0, a token in the middle",
            2,
            0,
            2,
            "Run the clean text and keep the layer's output; run the corrupted one, with that output at this position.",
        ),
        _patch_case(
            "layer 0, the first token",
            1,
            0,
            0,
            "The state of one position is replaced, at every position but this"
            " one the corrupted run goes on as it was.",
        ),
        _patch_case(
            "the last layer, the last token", 1, 1, _TOKENS - 1, "Here the patch makes the answer the clean one."
        ),
        _patch_case(
            "the last layer, an earlier token",
            1,
            1,
            3,
            "After the last layer nothing looks back: the corrupted answer stays.",
        ),
    ),
    mistakes=(
        Mistake(
            name="wrong-direction",
            hint="The corrupted state was put into the clean run. Asked is the other way: what is clean is *restored*"
            " in the corrupted run.",
            answer=lambda model, clean, corrupted, layer, position: _patched(model, corrupted, clean, layer, position),
        ),
        Mistake(
            name="all-positions",
            hint="The states of all positions were replaced. That makes the whole run clean, and says nothing about"
            " *where*: replace `[:, position]` only.",
            answer=_all_positions,
        ),
        Mistake(
            name="off-by-one-layer",
            hint="One layer too early: what goes *into* the layer was replaced, and not what comes out of it.",
            answer=_input,
        ),
        Mistake(
            name="last-position",
            hint="The last position was patched, whatever `position` says. The answer is *read* there; the patch goes"
            " to `position`.",
            answer=_last_position,
        ),
        Mistake(
            name="off-by-one-position",
            hint="One position too far: positions count from 0.",
            answer=_next_position,
        ),
        Mistake(
            name="nothing-patched",
            hint="The answer is that of the corrupted run, as if nothing had been put in. A hook changes a layer's"
            " output only by what it *returns*.",
            answer=lambda model, clean, corrupted, layer, position: logits_of(corrupted),
        ),
        Mistake(
            name="probabilities",
            hint="These are probabilities. Return the logits, so that differences of two tokens can be taken.",
            answer=lambda *given: _patched(*given).softmax(-1),
        ),
        Mistake(
            name="hook-stays",
            hint="A hook is still on the model, and every run from now on is patched. Keep the handle, and call"
            " `remove()` on it in `finally`.",
        ),
    ),
    hints=(
        "`model.model.layers[layer].register_forward_hook(hook)`; `hook(module, inputs, output)` sees the output, and"
        " what it returns takes its place. Here the output is a tensor, (1, tokens, width).",
        "Two runs: in the first a hook keeps `output[:, position]`; in the second one puts it into a clone of the"
        " output.",
        "`handle.remove()` after each run, in `finally`; `torch.no_grad()` around both.",
    ),
)

# Exercise 4

Logits = tuple[Tensor, Tensor, Tensor, int, int]


def _grid(rng: np.random.Generator) -> Arguments:
    """Logits of patched runs (positions, layers, vocabulary), some of which overshoot, and of the two plain runs."""
    target, foil = (int(i) for i in rng.permutation(7)[:2])
    clean, corrupted = (torch.as_tensor(rng.normal(size=7)) for _ in range(2))
    clean[target] = clean[foil] + rng.uniform(2, 4)
    corrupted[target] = corrupted[foil] - rng.uniform(1, 3)
    share = torch.as_tensor(rng.uniform(-0.4, 1.4, (3, 4, 1)))
    patched = corrupted + share * (clean - corrupted) + 0.2 * torch.as_tensor(rng.normal(size=(3, 4, 7)))
    return patched, clean, corrupted, target, foil


def _ends(rng: np.random.Generator) -> Arguments:
    """Two cells: one that is the corrupted run, and one that is the clean one."""
    _, clean, corrupted, target, foil = _grid(rng)
    return torch.stack([corrupted, clean])[None], clean, corrupted, target, foil


def _share(
    patched: Tensor, number: Callable[[Tensor], float], low: float, high: float, over: float | None = None
) -> Tensor:
    rows = [[(number(cell) - low) / (high - low if over is None else over) for cell in row] for row in patched]
    return torch.as_tensor(rows, dtype=torch.float64)


def _lead(target: int, foil: int) -> Callable[[Tensor], float]:
    return lambda logits: float(logits[target]) - float(logits[foil])


def _recovered(patched: Tensor, clean: Tensor, corrupted: Tensor, target: int, foil: int) -> Tensor:
    lead = _lead(target, foil)
    return _share(patched, lead, lead(corrupted), lead(clean))


def _by(number: Callable[[Tensor, int, int], float]) -> Callable[..., Tensor]:
    """The share of the way of another number."""

    def answer(patched: Tensor, clean: Tensor, corrupted: Tensor, target: int, foil: int) -> Tensor:
        def of(logits: Tensor) -> float:
            return number(logits, target, foil)

        return _share(patched, of, of(corrupted), of(clean))

    return answer


def _over(over: Callable[[float, float], float], low: Callable[[float, float], float]) -> Callable[..., Tensor]:
    """Another denominator and another zero, of the leads in the clean and in the corrupted run."""

    def answer(patched: Tensor, clean: Tensor, corrupted: Tensor, target: int, foil: int) -> Tensor:
        lead = _lead(target, foil)
        ends = lead(clean), lead(corrupted)
        return _share(patched, lead, low(*ends), 1.0, over(*ends))

    return answer


RECOVERED = Exercise(
    id="lab04-q4",
    title="How much of the way",
    difficulty=1,
    minutes=12,
    signature="recovered(patched, clean, corrupted, target, foil)",
    cases=(
        Case(
            name="three positions, four layers, some past the clean run",
            points=2,
            arguments=_grid,
            expected=_recovered,
            hint="The lead of the target over the foil, less the lead in the corrupted run, over the whole way.",
        ),
        Case(
            name="a cell that changes nothing, and one that changes everything",
            points=1,
            arguments=_ends,
            expected=_recovered,
            hint="A patch that leaves the corrupted run as it is gives 0; one that makes it the clean run gives 1.",
        ),
    ),
    mistakes=(
        Mistake(
            name="not-normalised",
            hint="This is the change in logits. Divided by the whole way, from the corrupted lead to the clean one, it"
            " can be compared between prompts.",
            answer=_over(lambda clean, corrupted: 1.0, lambda clean, corrupted: corrupted),
        ),
        Mistake(
            name="over-clean",
            hint="It was divided by the clean lead. The way begins at the corrupted one: divide by clean − corrupted.",
            answer=_over(lambda clean, corrupted: clean, lambda clean, corrupted: corrupted),
        ),
        Mistake(
            name="from-clean",
            hint="This is how much is still missing, from the clean run. Count from the corrupted run.",
            answer=_over(lambda clean, corrupted: clean - corrupted, lambda clean, corrupted: clean),
        ),
        Mistake(
            name="no-foil",
            hint="The foil is not in it. A patch that raises all logits alike would count as an effect.",
            answer=_by(lambda logits, target, foil: float(logits[target])),
        ),
        Mistake(
            name="probability",
            hint="This is the share of the way in probability. It saturates where the model is sure; take the logits of"
            " target and foil.",
            answer=_by(lambda logits, target, foil: float(logits.softmax(-1)[target])),
        ),
        Mistake(
            name="clipped",
            hint="Values below 0 or above 1 were cut off. They are findings: patches that push the wrong way, or past"
            " the clean run.",
            answer=lambda *given: _recovered(*given).clamp(0, 1),
        ),
    ),
    hints=(
        "The lead is `logits[..., target] - logits[..., foil]`; it works for one run and for all cells.",
        "(lead − corrupted lead) / (clean lead − corrupted lead). Whether target and foil are exchanged makes no"
        " difference to a share.",
    ),
)
