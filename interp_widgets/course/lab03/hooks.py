"""Exercise 5: a forward hook by hand, on for a block and off after it, whatever happens in the block.

References: a module whose output is known in closed form; on a tiny model, the package's own intervention.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from interp_widgets.course.compare import Miss, match
from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab03.inputs import normal
from interp_widgets.course.tiny_model import tiny_lm

_WIDTH = 4


class Doubling(nn.Module):
    """Gives twice its input, as a tensor or, like the blocks of many models, as the first of a tuple."""

    def __init__(self, as_tuple: bool = False) -> None:
        super().__init__()
        self.as_tuple, self.last = as_tuple, torch.empty(0)

    def forward(self, x: Tensor) -> Any:
        self.last = 2 * x
        return (self.last, "cache") if self.as_tuple else self.last


class _OnPurpose(Exception):
    """What the cases raise inside the block."""


def _module(as_tuple: bool) -> Callable[[np.random.Generator], Arguments]:
    return lambda rng: (Doubling(as_tuple), normal(rng, _WIDTH))


def _with_other_hook(rng: np.random.Generator) -> Arguments:
    module = Doubling()
    module.register_forward_hook(lambda module, inputs, output: output + 100)
    return module, normal(rng, _WIDTH)


def _layer(rng: np.random.Generator) -> Arguments:
    return tiny_lm().architecture.layers[0], normal(rng, 16)


def _enter(value: Any) -> None:
    if not hasattr(value, "__enter__") or not hasattr(value, "__exit__"):
        raise Miss(
            "the answer must be a context manager, for `with adding(module, vector):`",
            expected="an object that `with` takes",
            given=type(value).__name__,
            form=True,
        )


def _told(judge: Callable[..., None]) -> Callable[..., None]:
    """An error of the answer on the way into or out of the block is a miss, and says what it was."""

    @functools.wraps(judge)
    def judged(*arguments: Any) -> None:
        try:
            judge(*arguments)
        except Miss:
            raise
        except Exception as error:
            raise Miss(f"`with adding(...)` raised {type(error).__name__}: {error}", telling=False) from error

    return judged


def _call(module: nn.Module, x: Tensor) -> Any:
    try:
        return module(x)
    except Exception as error:
        what = f"the module raised {type(error).__name__} inside the block: {error}"
        raise Miss(what, mistake="tuple" if getattr(module, "as_tuple", False) else None) from error


@_told
def _added(value: Any, module: Doubling, vector: Tensor) -> None:
    """In the block the vector is added; the module's own tensor is left as it is; the rest of a tuple stays."""
    _enter(value)
    x = torch.arange(3.0 * _WIDTH, dtype=torch.float64).reshape(3, _WIDTH)
    hooks = len(module._forward_hooks)
    other = 100 if hooks else 0
    with value:
        found = _call(module, x)
        made = module.last
    if module.as_tuple:
        if not isinstance(found, tuple) or len(found) != 2 or found[1] != "cache":
            raise Miss(
                "the module gave a tuple, and with the hook it does not",
                expected="a tuple with the changed tensor first and the rest as it was",
                given=type(found).__name__,
                mistake="tuple",
            )
        found = found[0]
    _alike(found, 2 * x + vector + other, 2 * x + other, vector, "the output in the block")
    if not torch.equal(made, 2 * x):
        raise Miss("the tensor that the module itself made was changed in place", mistake="in-place")
    after = module(x)
    after = after[0] if module.as_tuple else after
    if len(module._forward_hooks) < hooks or (hooks and torch.equal(after, 2 * x)):
        raise Miss("a hook that somebody else had put on the module is gone", mistake="all-hooks-removed")
    if len(module._forward_hooks) > hooks or not torch.equal(after, 2 * x + other):
        raise Miss("after the block the hook is still on the module", mistake="never-removed")


def _alike(found: Any, right: Tensor, unchanged: Tensor, vector: Tensor, where: str) -> None:
    for name, answer in (("nothing-added", unchanged), ("subtracted", unchanged - vector)):
        try:
            match(found, answer, relative=1e-9, absolute=1e-9)
        except Miss:
            continue
        raise Miss(f"{where} is wrong", mistake=name)
    match(found, right, relative=1e-9, absolute=1e-9, where=where)


@_told
def _after_an_error(value: Any, module: Doubling, vector: Tensor) -> None:
    _enter(value)
    passed_on = False
    try:
        with value:
            module(torch.zeros(1, _WIDTH, dtype=torch.float64))
            raise _OnPurpose
    except _OnPurpose:
        passed_on = True
    except Exception as error:
        raise Miss(f"an error in the block became {type(error).__name__}: {error}") from error
    if module._forward_hooks:
        raise Miss("after an error in the block the hook is still on the module", mistake="not-after-an-error")
    if not passed_on:
        raise Miss("an error in the block did not come out of it", mistake="error-swallowed")


@_told
def _on_a_model(value: Any, module: nn.Module, vector: Tensor) -> None:
    """The tiny model's logits, beside those under the package's own intervention."""
    from interp_widgets.interventions.steering import Steering

    _enter(value)
    lm, ids = tiny_lm(), torch.tensor([[2, 5, 9, 14]])
    before = set(module._forward_hooks)
    try:
        with torch.no_grad():
            unchanged = lm.model(input_ids=ids).logits
            with lm.using(Steering(vector[None].float().numpy(), layers=[0], amounts=[1.0])):
                expected = lm.model(input_ids=ids).logits
            hooks = len(module._forward_hooks)
            with value:
                try:
                    found = lm.model(input_ids=ids).logits
                except Exception as error:
                    raise Miss(f"the model raised {type(error).__name__} inside the block: {error}") from error
            match(found, expected, relative=1e-5, absolute=1e-5, where="the logits in the block")
            if len(module._forward_hooks) > hooks or not torch.equal(lm.model(input_ids=ids).logits, unchanged):
                raise Miss("after the block the model answers otherwise than before", mistake="never-removed")
    finally:
        for key in set(module._forward_hooks) - before:  # the model is shared: nothing may reach the next case
            del module._forward_hooks[key]


HOOK = Exercise(
    id="lab03-q5",
    title="A hook by hand",
    difficulty=2,
    minutes=20,
    signature="adding(module, vector)",
    cases=(
        Case(
            name="a module that gives a tensor",
            points=1,
            arguments=_module(False),
            judge=_added,
            hint="Inside the block the module's output is output + vector; after it the module is as it was.",
        ),
        Case(
            name="a module that gives a tuple",
            points=1,
            arguments=_module(True),
            judge=_added,
            hint="Add to the first of the tuple, and give back a tuple with the rest unchanged.",
        ),
        Case(
            name="an error inside the block",
            points=1,
            arguments=_module(False),
            judge=_after_an_error,
            hint="`try: yield` and `finally: handle.remove()`.",
        ),
        Case(
            name="somebody else's hook stays",
            points=0.5,
            arguments=_with_other_hook,
            judge=_added,
            hint="Remove the handle that you got, nothing else.",
        ),
        Case(
            name="layer 0 of a tiny model",
            points=0.5,
            arguments=_layer,
            judge=_on_a_model,
            hint="The vector is added at every position of the layer's output.",
        ),
    ),
    mistakes=(
        Mistake(
            name="nothing-added",
            hint="The output is what it was. A forward hook changes it only by what it *returns*.",
        ),
        Mistake(name="subtracted", hint="The vector was subtracted."),
        Mistake(
            name="tuple",
            hint="This module gives a tuple, as the blocks of many models do: change its first entry and return a tuple"
            " again: `(output[0] + vector, *output[1:])`.",
        ),
        Mistake(
            name="in-place",
            hint="The output was changed in place (`+=` or `add_`). Others hold the same tensor, gradients for one:"
            " return a new one.",
        ),
        Mistake(
            name="never-removed",
            hint="The hook stays on after the block, and from then on everything is steered. Keep the handle that"
            " `register_forward_hook` gives, and call `remove()` on it.",
        ),
        Mistake(
            name="not-after-an-error",
            hint="After an error in the block the hook stays on: the line that removes it was not reached. Put it into"
            " `finally`.",
        ),
        Mistake(
            name="error-swallowed",
            hint="The error that was raised in the block is gone, and nobody will know why there is no result. Use"
            " `finally`, not `except`.",
        ),
        Mistake(
            name="all-hooks-removed",
            hint="All hooks of the module were cleared, also those of others. Remove your own handle.",
        ),
    ),
    hints=(
        "`handle = module.register_forward_hook(hook)`, where `hook(module, inputs, output)` returns the new output.",
        "With `@contextmanager`, what stands before `yield` happens on entry, what stands after it on exit.",
        "Only `try: ... finally: ...` around the `yield` is reached also when the block raises.",
    ),
)
