"""Whether a learner's value is the right one, and in words what differs: type, device, shape, dtype, NaN, values."""

from __future__ import annotations

import math
from numbers import Number
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp_widgets.results.numbers import MINUS

WRONG = "is wrong"  # of the right kind and shape, with other values
_SHOWN = 6  # numbers of a tensor that a message shows


class Miss(Exception):
    """Why a case does not pass. what: in one sentence. expected, given: in words, or empty.

    mistake: the name of a known mistake, where a judge has recognised one. telling: False where no value came back at
    all, so that it cannot be compared with those of known mistakes. form: True where the value is of the wrong kind or
    shape: the sentence then says all, and the hint of the case would speak of something else.
    """

    def __init__(
        self,
        what: str,
        *,
        expected: str = "",
        given: str = "",
        mistake: str | None = None,
        telling: bool = True,
        form: bool = False,
    ) -> None:
        super().__init__(what)
        self.what, self.expected, self.given = what, expected, given
        self.mistake, self.telling, self.form = mistake, telling, form


def number(x: float) -> str:
    """Four digits, which show a difference that three would hide."""
    if isinstance(x, complex):
        return str(x)
    return f"{float(x) + 0.0:.4g}".replace("-", MINUS)  # the sum makes 0 of a -0


def describe(value: Any) -> str:
    """Such as "tensor float64 (2, 3): 0.5 −1 2 …"."""
    if isinstance(value, Tensor):
        device = "" if value.device.type == "cpu" else f" on {value.device}"
        head = f"tensor {str(value.dtype).removeprefix('torch.')} {_shape(value)}{device}"
        return head if value.device.type == "meta" or not value.numel() else f"{head}: {_numbers(value)}"
    if isinstance(value, np.ndarray):
        return f"NumPy array {value.dtype} {tuple(value.shape)}"
    if isinstance(value, bool | str | None.__class__):
        return repr(value)
    if isinstance(value, Number):
        return f"{type(value).__name__} {number(value)}"  # type: ignore[arg-type]  # every number has a float or is complex
    if isinstance(value, tuple | list):
        inside = ", ".join(describe(item) for item in value[:4])
        return f"{type(value).__name__} of {len(value)}: {inside}{', …' if len(value) > 4 else ''}"
    if isinstance(value, dict):
        inside = ", ".join(f"{key!r}: {describe(item)}" for key, item in list(value.items())[:4])
        return f"dict of {len(value)}: {inside}"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) < 60 else text[:57] + '…'}"


def _shape(value: Tensor) -> str:
    return str(tuple(value.shape))


def _numbers(value: Tensor) -> str:
    flat = value.detach().flatten()[: _SHOWN + 1].tolist()
    shown = " ".join(str(x) if isinstance(x, bool) else number(x) for x in flat[:_SHOWN])
    return shown + (" …" if len(flat) > _SHOWN else "")


def match(given: Any, expected: Any, *, relative: float, absolute: float, where: str = "the answer") -> None:
    """Raises `Miss` unless `given` is of the kind of `expected` and, number by number, within
    absolute + relative * |expected| of it. A real number may come as int, float, NumPy scalar or tensor of shape ()."""

    def miss(what: str, telling: bool = True) -> Miss:
        form = what != WRONG
        return Miss(f"{where} {what}", expected=describe(expected), given=describe(given), telling=telling, form=form)

    if given is None and expected is not None:
        raise miss("is None: is there a return?", telling=False)
    if isinstance(expected, Tensor):
        _match_tensor(given, expected, miss, relative, absolute)
    elif isinstance(expected, bool):
        if not isinstance(given, bool | np.bool_) and not (isinstance(given, Tensor) and given.dtype == torch.bool):
            raise miss("must be True or False")
        if bool(given) != expected:
            raise miss(WRONG)
    elif isinstance(expected, str):
        if not isinstance(given, str):
            raise miss("must be a text")
        if given != expected:
            raise miss(WRONG)
    elif isinstance(expected, int | float):
        _match_number(given, float(expected), miss, relative, absolute)
    elif isinstance(expected, dict):
        if not isinstance(given, dict):
            raise miss("must be a dict")
        if set(given) != set(expected):
            raise miss(f"must have the keys {', '.join(map(repr, expected))}")
        for key, item in expected.items():
            match(given[key], item, relative=relative, absolute=absolute, where=f"the value of {key!r}")
    else:
        if not isinstance(given, tuple | list):
            raise miss(f"must be {len(expected)} values")
        if len(given) != len(expected):
            raise miss(f"has {len(given)} values, not {len(expected)}")
        for i, (one, other) in enumerate(zip(given, expected, strict=True), 1):
            match(one, other, relative=relative, absolute=absolute, where=f"value {i} of the answer")


def _match_number(given: Any, expected: float, miss: Any, relative: float, absolute: float) -> None:
    if isinstance(given, Tensor):
        if given.numel() != 1 or given.device.type == "meta":
            raise miss("must be one number")
        given = given.detach().item()
    if isinstance(given, bool) or not isinstance(given, int | float | np.number):
        raise miss("must be one number")
    if not math.isfinite(given):
        raise miss("is not finite (NaN or infinity)")
    if abs(float(given) - expected) > absolute + relative * abs(expected):
        raise miss(WRONG)


def _match_tensor(given: Any, expected: Tensor, miss: Any, relative: float, absolute: float) -> None:
    if not isinstance(given, Tensor):
        raise miss("must be a tensor")
    if given.device != expected.device:
        raise miss(f"is on the device {given.device}, not {expected.device}")
    if given.shape != expected.shape:
        raise miss(f"has the shape {_shape(given)}, not {_shape(expected)}")
    if given.dtype != expected.dtype:
        if expected.dtype == torch.bool or given.dtype.is_floating_point != expected.dtype.is_floating_point:
            raise miss(f"has the dtype {given.dtype}, not {expected.dtype}")
        if given.dtype.itemsize < expected.dtype.itemsize:
            raise miss(f"has the dtype {given.dtype}, which loses digits of {expected.dtype}")
    given = given.detach()
    if given.dtype.is_floating_point and not torch.isfinite(given).all():
        raise miss("is not finite (NaN or infinity)")
    # Not `allclose`: against an expected 0 a tolerance relative to the largest number is what rounding leaves.
    if not expected.numel():
        return
    if not expected.dtype.is_floating_point:
        if not torch.equal(given.to(expected.dtype), expected):
            raise miss(WRONG)
        return
    off = (given.double() - expected.double()).abs().max().item()
    if off > absolute + relative * expected.double().abs().max().item():
        raise miss(WRONG)
