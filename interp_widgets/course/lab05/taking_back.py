"""Exercise 10: an edit that can be taken back to the bit.

References: W x + left (right . x) in closed form; the matrix itself, compared entry by entry.
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

_INPUTS, _OUTPUTS = 6, 5


class _OnPurpose(Exception):
    """What a case raises inside the block."""


def _matrix(rng: np.random.Generator) -> Arguments:
    """A linear module in single precision, and a change that is large beside it, so that rounding shows."""
    module = nn.Linear(_INPUTS, _OUTPUTS, bias=False)
    with torch.no_grad():
        module.weight.copy_(torch.as_tensor(rng.normal(size=(_OUTPUTS, _INPUTS))))
    left, right = (torch.as_tensor(30 * rng.normal(size=n), dtype=torch.float32) for n in (_OUTPUTS, _INPUTS))
    return module, left, right


def _inputs() -> Tensor:
    """(1, tokens, inputs), as a model calls its matrices."""
    return torch.linspace(-1, 1, 3 * _INPUTS).reshape(1, 3, _INPUTS)


def _told(judge: Callable[..., None]) -> Callable[..., None]:
    """An error of the answer on the way into or out of the block is a miss, and says what it was."""

    @functools.wraps(judge)
    def judged(value: Any, *arguments: Any) -> None:
        if not hasattr(value, "__enter__") or not hasattr(value, "__exit__"):
            raise Miss(
                "the answer must be a context manager, for `with edited(module, left, right):`",
                expected="an object that `with` takes",
                given=type(value).__name__,
                form=True,
            )
        try:
            judge(value, *arguments)
        except Miss:
            raise
        except Exception as error:
            raise Miss(f"`with edited(...)` raised {type(error).__name__}: {error}", telling=False) from error

    return judged


def _as_before(module: nn.Linear, weight: Tensor, mistake: str, when: str) -> None:
    if module._forward_hooks or module._forward_pre_hooks:
        raise Miss(f"{when} a hook is still on the module", mistake=mistake)
    off = int((module.weight != weight).sum())
    if off:
        close = bool((module.weight - weight).abs().max() < 0.1)
        raise Miss(
            f"{when} {off} of {weight.numel()} entries of the matrix are not what they were, to the bit",
            mistake="not-exact" if close else mistake,
        )


@_told
def _holds(value: Any, module: nn.Linear, left: Tensor, right: Tensor) -> None:
    """In the block the change acts and the matrix is not touched; after it all is as it was."""
    weight, x = module.weight.detach().clone(), _inputs()
    with torch.no_grad(), value:
        found = module(x)
        inside = module.weight.detach().clone()
    with torch.no_grad():
        plain = x @ weight.T
        changed = (x @ right)[..., None] * left
    for name, wrong in (("nothing-changed", plain), ("subtracted", plain - changed)):
        if isinstance(found, Tensor) and found.shape == wrong.shape and torch.allclose(found, wrong, rtol=1e-5):
            raise Miss("the output in the block is wrong", mistake=name)
    match(found.detach(), plain + changed, relative=1e-5, absolute=1e-5, where="the output in the block")
    if _is_bare(value, module, weight) and not torch.equal(inside, weight):
        raise Miss("in the block the matrix itself was changed", mistake="weight-changed")
    _as_before(module, weight, "never-removed", "after the block")


def _is_bare(value: Any, module: nn.Linear, weight: Tensor) -> bool:
    """The matrix is back to the bit; else another hint says more."""
    return torch.equal(module.weight, weight) and not module._forward_hooks


@_told
def _after_an_error(value: Any, module: nn.Linear, left: Tensor, right: Tensor) -> None:
    weight = module.weight.detach().clone()
    passed_on = False
    try:
        with value:
            raise _OnPurpose
    except _OnPurpose:
        passed_on = True
    _as_before(module, weight, "not-after-an-error", "after an error in the block")
    if not passed_on:
        raise Miss("an error in the block did not come out of it", mistake="error-swallowed")


EDITED = Exercise(
    id="lab05-q10",
    title="An edit that can be taken back",
    difficulty=2,
    minutes=15,
    signature="edited(module, left, right)",
    cases=(
        Case(
            name="in the block, and after it",
            points=2,
            arguments=_matrix,
            judge=_holds,
            hint="Inside the block the module gives W x + left · (right · x), at every position; W itself stays.",
        ),
        Case(
            name="an error inside the block",
            points=1,
            arguments=_matrix,
            judge=_after_an_error,
            hint="`try: yield` and `finally:` take it off.",
        ),
    ),
    mistakes=(
        Mistake(
            name="not-exact",
            hint="The change was added to the matrix and subtracted again. In floating point (W + D) − D is not W: the"
            " last bits are lost. Leave W alone and change what the module gives.",
        ),
        Mistake(
            name="weight-changed",
            hint="The matrix itself was changed inside the block. Whoever saves or measures the model there gets"
            " another one, and its memory may be shared. Change what the module *gives*.",
        ),
        Mistake(
            name="nothing-changed",
            hint="In the block the module gives what it gave before. A forward hook changes an output only by what it"
            " *returns*.",
        ),
        Mistake(name="subtracted", hint="The change was subtracted."),
        Mistake(
            name="never-removed",
            hint="After the block the edit is still on. Keep the handle that `register_forward_hook` gives, and call"
            " `remove()` on it.",
        ),
        Mistake(
            name="not-after-an-error",
            hint="After an error in the block the edit stays on: the line that takes it off was not reached. Put it"
            " into `finally`.",
        ),
        Mistake(
            name="error-swallowed",
            hint="The error that was raised in the block is gone, and nobody will know why there is no result. Use"
            " `finally`, not `except`.",
        ),
    ),
    hints=(
        "A forward hook gets the inputs too: `hook(module, inputs, output)`, with x in `inputs[0]`,"
        " (1, tokens, inputs).",
        "`(x @ right)[..., None] * left` is the change at every position.",
        "`@contextmanager`, and `try: yield` with `finally: handle.remove()`.",
    ),
)
