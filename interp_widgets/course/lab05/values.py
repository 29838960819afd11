"""Exercise 5: the vector that the MLP should write at the subject in addition, found by descent.

Reference: the package's own optimisation, which goes on from the edited layer and the subject in a recorded pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.compare import Miss
from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab05.keys import Texts, captured
from interp_widgets.course.tiny_copies import fresh_model, no_hook_stays, words
from interp_widgets.course.tiny_model import tiny_lm
from interp_widgets.editing.keys_values.contexts import Row
from interp_widgets.editing.keys_values.value import ValueSettings, optimise
from interp_widgets.models.architectures import Site

_RATE, _DECAY = 0.2, 0.05


def _wish(
    layer: int, lengths: Sequence[int], tokens: int, steps: int, clamp: float, after: int = 2
) -> Callable[..., Arguments]:
    """Prompts that end alike, the plain one first, so many tokens after the subject, and an answer."""

    def arguments(rng: np.random.Generator) -> Arguments:
        ends = words(rng, min(lengths))[0].tolist()
        texts = [words(rng, length - len(ends))[0].tolist() + ends for length in lengths]
        answer = words(rng, tokens)[0].tolist()
        places = [length - 1 - after for length in lengths]
        return fresh_model(), texts, places, answer, layer, steps, _RATE, clamp, _DECAY

    return arguments


def _find_delta(
    model: Any,
    texts: Texts,
    places: list[int],
    answer: list[int],
    layer: int,
    steps: int,
    rate: float,
    clamp: float,
    decay: float,
) -> Tensor:
    rows = [
        Row(0, np.asarray(ids + answer[:-1]), place, len(ids), np.asarray(answer))
        for ids, place in zip(texts, places, strict=True)
    ]
    rows.append(Row(0, np.asarray(texts[0][: places[0] + 1]), places[0], places[0] + 1, np.empty(0, np.int64)))
    # The package reads the loss once more after the last step.
    wish = ValueSettings(steps=steps + 1, learning_rate=rate, clamp=clamp, decay=decay, kl_factor=0.0, stop=0.0)
    lm = tiny_lm()
    with lm.run():
        return optimise(lm, [rows], layer, wish).delta[0].double()


Said = Callable[[Tensor, list[int], int], Tensor]


def _each_token(log_p: Tensor, answer: list[int], prompt: int) -> Tensor:
    return log_p[torch.arange(prompt - 1, prompt - 1 + len(answer)), answer].mean()


def _first_token(log_p: Tensor, answer: list[int], prompt: int) -> Tensor:
    return log_p[prompt - 1, answer[0]]


def _from_one_position(log_p: Tensor, answer: list[int], prompt: int) -> Tensor:
    return log_p[prompt - 1, answer].mean()


def _held(delta: Tensor, limit: Tensor) -> Tensor:
    shorter: Tensor = delta * (limit / delta.norm()).clamp(max=1)
    return shorter


def _descent(
    *,
    said: Said = _each_token,
    held: Callable[[Tensor, Tensor], Tensor] = _held,
    at: Callable[[list[int], int], int] = lambda ids, place: place,
    optimiser: type[torch.optim.Optimizer] = torch.optim.Adam,
    more: int = 0,
    only: int | None = None,
    sign: float = 1.0,
    decays: float = 1.0,
    sums: bool = False,
) -> Callable[..., Tensor]:
    """Descents with one thing wrong: said, how an answer is read; held, how delta's length is; at, of a text and its
    place, where delta is added; more: steps; only: so many texts."""

    def answered(
        model: Any,
        texts: Texts,
        places: list[int],
        answer: list[int],
        layer: int,
        steps: int,
        rate: float,
        clamp: float,
        decay: float,
    ) -> Tensor:
        other, written = fresh_model(), []
        delta = torch.zeros(other.config.hidden_size, dtype=torch.float64, requires_grad=True)
        moves: Any = optimiser([delta], lr=rate)  # type: ignore[call-arg]  # every one of torch's takes a rate
        place = 0

        def add(module: Any, inputs: Any, output: Tensor) -> Tensor:
            written.append(output[0, place].detach())
            return output.index_add(1, torch.tensor([place]), delta[None, None])

        other.model.layers[layer].mlp.down_proj.register_forward_hook(add)
        with torch.enable_grad():
            for _ in range(steps + more):
                read = []
                for ids, subject in list(zip(texts, places, strict=True))[:only]:
                    place = at(ids, subject)
                    log_p = other(input_ids=torch.as_tensor([ids + answer[:-1]])).logits[0].log_softmax(-1)
                    read.append(said(log_p, answer, len(ids)))
                size = written[0].norm()
                surprise = -torch.stack(read).mean() * (len(read) * len(answer) if sums else 1)
                loss = surprise + decays * decay * delta.norm() / size**2
                (slope,) = torch.autograd.grad(sign * loss, delta)
                delta.grad = slope
                moves.step()
                with torch.no_grad():
                    delta.copy_(held(delta, clamp * size))
        return delta.detach()

    return answered


def _with_base(model: Any, texts: Texts, places: list[int], answer: list[int], layer: int, *rest: Any) -> Tensor:
    base = captured(texts[:1], places[:1], Site("mlp_value", layer))[0]
    return _find_delta(model, texts, places, answer, layer, *rest) + base


def _left_as_it_was(value: Any, model: Any, *rest: Any) -> None:
    no_hook_stays(model)
    kept = dict(tiny_lm().model.named_parameters())
    for name, parameter in model.named_parameters():
        if not torch.equal(parameter, kept[name]):
            raise Miss(f"the weight {name} is not what it was", mistake="weights-moved")


def _wish_case(name: str, points: float, hint: str, **wish: Any) -> Case:
    return Case(
        name=name,
        points=points,
        arguments=_wish(**wish),
        expected=_find_delta,
        judge=_left_as_it_was,
        relative=2e-3,  # the package's vector is in single precision, and Adam makes much of small slopes
        hint=hint,
    )


FIND_DELTA = Exercise(
    id="lab05-q5",
    title="The value, found by descent",
    difficulty=3,
    minutes=40,
    signature="find_delta(model, texts, places, answer, layer, steps, rate, clamp, decay)",
    cases=(
        _wish_case(
            "one text, an answer of one token, one step",
            1,
            "Adam's first step is `rate` in each entry, against the slope.",
            layer=0,
            lengths=(6,),
            tokens=1,
            steps=1,
            clamp=50.0,
        ),
        _wish_case(
            "three texts, an answer of three tokens",
            2,
            "At each step the loss of all texts together; the answer's tokens are read at the positions before them.",
            layer=0,
            lengths=(5, 8, 7),
            tokens=3,
            steps=6,
            clamp=50.0,
        ),
        _wish_case(
            "a subject at the end of its prompt, the last layer, a tight clamp",
            1,
            "After each step a delta that is longer than clamp · |v0| is shortened to it.",
            layer=1,
            lengths=(5, 8),
            tokens=2,
            steps=8,
            clamp=0.2,
            after=0,
        ),
    ),
    mistakes=(
        Mistake(
            name="wrong-sign",
            hint="The answer is made *less* probable. The optimiser makes small what it is given: −log p.",
            answer=_descent(sign=-1.0),
        ),
        Mistake(
            name="at-the-end",
            hint="delta was added at the last token of the text. There it would have to be the answer; added at the"
            " subject, later layers still have to fetch it. Use `places`.",
            answer=_descent(at=lambda ids, place: len(ids) - 1),
        ),
        Mistake(
            name="one-place-for-all",
            hint="delta was added at the same place in every text. Behind a longer prefix the subject stands further"
            " on.",
            answer=lambda model, texts, places, *rest: _descent()(model, texts, [places[0]] * len(texts), *rest),
        ),
        Mistake(
            name="from-one-position",
            hint="All tokens of the answer were read at the end of the prompt. The second one follows the first: append"
            " the answer but for its last token, and read each one position further. (The papers' code for fine-tuning"
            " has this bug.)",
            answer=_descent(said=_from_one_position),
        ),
        Mistake(
            name="first-token",
            hint="Only the answer's first token is in the loss.",
            answer=_descent(said=_first_token),
        ),
        Mistake(
            name="plain-alone",
            hint="Only the first text is in the loss. What is found on one text alone need not hold behind another"
            " prefix.",
            answer=_descent(only=1),
        ),
        Mistake(
            name="summed",
            hint="Texts or tokens were summed, not averaged. Against a larger sum the decay has less to say.",
            answer=_descent(sums=True),
        ),
        Mistake(
            name="no-decay",
            hint="The decay, decay · |delta| / |v0|², is not in the loss.",
            answer=_descent(decays=0.0),
        ),
        Mistake(
            name="no-clamp",
            hint="delta is longer than clamp · |v0|. After each step it has to be shortened to that.",
            answer=_descent(held=lambda delta, limit: delta),
        ),
        Mistake(
            name="entries-clamped",
            hint="Single entries were cut off, which turns delta. Its *length* is limited: multiply it by one number.",
            answer=_descent(held=lambda delta, limit: delta.clamp(-limit, limit)),
        ),
        Mistake(
            name="always-at-the-limit",
            hint="delta was made clamp · |v0| long at every step, also where it was shorter.",
            answer=_descent(held=lambda delta, limit: delta * (limit / delta.norm())),
        ),
        Mistake(
            name="gradient-descent",
            hint="These are the steps of plain gradient descent. Adam divides each entry by the size of its past"
            " slopes: `torch.optim.Adam([delta], lr=rate)`.",
            answer=_descent(optimiser=torch.optim.SGD),
        ),
        Mistake(
            name="one-step-fewer",
            hint="One step is missing.",
            answer=_descent(more=-1),
        ),
        Mistake(
            name="one-step-more",
            hint="This is one step too many.",
            answer=_descent(more=1),
        ),
        Mistake(
            name="whole-value",
            hint="This is v0 + delta, the whole value. Return what is *added*, delta.",
            answer=_with_base,
        ),
        Mistake(
            name="weights-moved",
            hint="A weight of the model has changed. Only delta is optimised: give the optimiser `[delta]` alone.",
        ),
        Mistake(
            name="hook-stays",
            hint="A hook is still on the model. Keep the handle, and call `remove()` on it in `finally`.",
        ),
    ),
    hints=(
        "`delta = torch.zeros(model.config.hidden_size, dtype=model.dtype, requires_grad=True)`, and a forward hook on"
        " `model.model.layers[layer].mlp.down_proj` that adds it to a clone of the output, `[:, place]`.",
        "The text is `ids + answer[:-1]`; the answer's tokens follow the positions from len(ids) − 1 on.",
        "`(delta.grad,) = torch.autograd.grad(loss, delta)`, then `optimiser.step()`. This leaves no gradients on the"
        " weights.",
        "v0 is what `down_proj` gives at the first text's place before anything is added.",
    ),
    seconds=20.0,
)
