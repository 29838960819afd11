"""Exercise 8: one attention head switched off by hand.

Reference: the package's own ablation, on a tiny model with four query heads on two key-value heads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab04.models import logits_of
from interp_widgets.course.tiny_copies import fresh_model, no_hook_stays, words
from interp_widgets.course.tiny_model import tiny_lm
from interp_widgets.interventions.ablation import Ablation


def _head(layer: int, head: int) -> Callable[[np.random.Generator], Arguments]:
    return lambda rng: (fresh_model(), words(rng, 5), layer, head)


def _without(ids: Tensor, *off: Ablation) -> Tensor:
    with tiny_lm().using(*off):
        return logits_of(ids)


def _zeroed(model: Any, ids: Tensor, layer: int, head: int) -> Tensor:
    return _without(ids, Ablation(layer=layer, head=head))


@contextmanager
def _changed(layer: int, change: Callable[[Tensor], Tensor], *, output: bool) -> Iterator[Any]:
    """A copy of the model whose attention projection has another input, or another output."""
    model = fresh_model()
    projection = model.model.layers[layer].self_attn.o_proj
    if output:
        projection.register_forward_hook(lambda module, inputs, made: change(made))
    else:
        projection.register_forward_pre_hook(lambda module, inputs: (change(inputs[0]), *inputs[1:]))
    yield model


def _with_slice(
    begin: Callable[[int, int], int], size: Callable[[int], int], *, output: bool = False, last_only: bool = False
) -> Callable[..., Tensor]:
    """Zeroes another slice. begin: of head and size; size: from the head's right size."""

    def answer(model: Any, ids: Tensor, layer: int, head: int) -> Tensor:
        right = tiny_lm().architecture.head_dim
        start, length = begin(head, size(right)), size(right)

        def change(x: Tensor) -> Tensor:
            x = x.clone()
            rows = x[:, -1:] if last_only else x
            rows[..., start : start + length] = 0
            return x

        with _changed(layer, change, output=output) as other, torch.no_grad():
            logits: Tensor = other(input_ids=ids).logits[0, -1]
            return logits

    return answer


def _neighbour(step: int) -> Callable[..., Tensor]:
    def answer(model: Any, ids: Tensor, layer: int, head: int) -> Tensor:
        return _zeroed(model, ids, layer, (head + step) % tiny_lm().architecture.n_heads)

    return answer


def _group(model: Any, ids: Tensor, layer: int, head: int) -> Tensor:
    """All query heads on the same key-value head."""
    a = tiny_lm().architecture
    size = a.n_heads // a.n_key_value_heads
    first = head // size * size
    return _without(ids, *(Ablation(layer=layer, head=one) for one in range(first, first + size)))


def _clean_afterwards(value: Any, model: Any, *rest: Any) -> None:
    no_hook_stays(model)


def _case(name: str, points: float, layer: int, head: int) -> Case:
    return Case(
        name=name,
        points=points,
        arguments=_head(layer, head),
        expected=_zeroed,
        judge=_clean_afterwards,
        relative=1e-5,
        hint="Head h's part of the *input* of `self_attn.o_proj` is the slice from h · head_dim on, head_dim long, at"
        " all positions.",
    )


ZEROED = Exercise(
    id="lab04-q8",
    title="A head switched off",
    difficulty=2,
    minutes=20,
    signature="zeroed(model, ids, layer, head)",
    cases=(
        _case("layer 0, head 1", 2, 0, 1),
        _case("layer 1, the last head", 1, 1, 3),
        _case("layer 0, head 0", 1, 0, 0),
    ),
    mistakes=(
        Mistake(
            name="after-the-projection",
            hint="The slice was cut out of what the attention gives, after `o_proj`. There the heads are already mixed:"
            " entry i belongs to no head. Cut it out of the projection's input.",
            answer=_with_slice(lambda head, size: head * size, lambda size: size, output=True),
        ),
        Mistake(
            name="key-value-heads",
            hint="The width was divided by the number of key-value heads, so that the slice holds several heads. The"
            " input of `o_proj` has one part for each *query* head.",
            answer=_with_slice(lambda head, size: head * size, lambda size: 2 * size),
        ),
        Mistake(
            name="group",
            hint="All query heads that share a key-value head were switched off. Asked is one query head.",
            answer=_group,
        ),
        Mistake(name="off-by-one", hint="This is the next head; heads count from 0.", answer=_neighbour(1)),
        Mistake(name="one-before", hint="This is the head before it; heads count from 0.", answer=_neighbour(-1)),
        Mistake(
            name="last-position",
            hint="The head was switched off at the last position only. It writes at every position, and later layers"
            " read there.",
            answer=_with_slice(lambda head, size: head * size, lambda size: size, last_only=True),
        ),
        Mistake(
            name="whole-attention",
            hint="The whole attention of the layer was switched off, all of its heads.",
            answer=lambda model, ids, layer, head: _without(ids, Ablation(layer=layer, site="attn_out")),
        ),
        Mistake(
            name="nothing-changed",
            hint="The answer is that of the whole model. A pre-hook changes an input only by what it *returns*, a"
            " tuple.",
            answer=lambda model, ids, layer, head: logits_of(ids),
        ),
        Mistake(
            name="hook-stays",
            hint="A hook is still on the model, so the head stays off in every run from now on. `handle.remove()`, in"
            " `finally`.",
        ),
    ),
    hints=(
        "`model.model.layers[layer].self_attn.o_proj.register_forward_pre_hook(hook)`; `hook(module, inputs)` returns"
        " the new inputs, a tuple.",
        "`inputs[0]` has the shape (1, tokens, heads · head_dim); `model.config.num_attention_heads` says how many"
        " heads there are.",
        "Change a clone, not the tensor itself.",
    ),
)
