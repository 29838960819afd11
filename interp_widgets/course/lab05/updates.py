"""Exercises 7 and 8: the change of rank one, and an audit of any change.

References: the system of Lagrange's conditions, solved as it stands (exercise 7); sums over eigenvectors (exercise 8).
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


def _moment(rng: np.random.Generator, tokens: int) -> Floats:
    """Of keys that reach much further in some directions than in others."""
    keys = (
        rng.normal(size=(tokens, _WIDTH))
        * np.geomspace(0.2, 3, _WIDTH)
        @ np.linalg.qr(rng.normal(size=(_WIDTH, _WIDTH)))[0]
    )
    return np.asarray(keys.T @ keys / tokens)


# Exercise 7


def _edit(tokens: int, ridge: float) -> Callable[[np.random.Generator], Arguments]:
    def arguments(rng: np.random.Generator) -> Arguments:
        key, delta = rng.normal(size=_WIDTH), rng.normal(size=_OUTPUTS)
        return torch.as_tensor(_moment(rng, tokens)), torch.as_tensor(key), torch.as_tensor(delta), ridge

    return arguments


def _regular(moment: Tensor, ridge: float) -> Floats:
    found = moment.numpy().copy()
    for i in range(len(found)):
        found[i, i] += ridge * float(np.mean(np.diag(moment.numpy())))
    return found


def _constrained(regular: Floats, key: Tensor, delta: Tensor) -> Tensor:
    """Each row d minimises d C d under d . k = its entry of delta: 2 C d + lambda k = 0 and k . d, solved together."""
    size = len(key)
    system = np.zeros((size + 1, size + 1))
    system[:size, :size], system[:size, size], system[size, :size] = 2 * regular, key.numpy(), key.numpy()
    rows = [np.linalg.solve(system, [*np.zeros(size), float(entry)])[:size] for entry in delta]
    return torch.as_tensor(np.stack(rows))


def _rank_one(moment: Tensor, key: Tensor, delta: Tensor, ridge: float) -> Tensor:
    return _constrained(_regular(moment, ridge), key, delta)


def _along(
    direction: Callable[[Floats, Floats], Floats], divisor: Callable[[Floats, Floats], float] | None = None
) -> Callable[..., Tensor]:
    """delta times a direction, over its product with the key or over another number: of C (with the ridge) and k."""

    def answer(moment: Tensor, key: Tensor, delta: Tensor, ridge: float) -> Tensor:
        regular, k = _regular(moment, ridge), key.numpy()
        u = direction(regular, k)
        return torch.as_tensor(np.outer(delta.numpy(), u) / (divisor(u, k) if divisor is not None else u @ k))

    return answer


def _solved(regular: Floats, key: Floats) -> Floats:
    values, vectors = np.linalg.eigh(regular)
    return np.asarray(vectors @ ((vectors.T @ key) / values))


def _other_ridge(ridge: Callable[[float, Tensor], float]) -> Callable[..., Tensor]:
    """With another ridge, in units of the mean of the diagonal."""

    def answer(moment: Tensor, key: Tensor, delta: Tensor, given: float) -> Tensor:
        return _rank_one(moment, key, delta, ridge(given, moment.diagonal()))

    return answer


RANK_ONE = Exercise(
    id="lab05-q7",
    title="The change of rank one",
    difficulty=2,
    minutes=25,
    signature="rank_one(moment, key, delta, ridge)",
    cases=(
        Case(
            name="more keys than entries behind C",
            points=2,
            arguments=_edit(60, 0.02),
            expected=_rank_one,
            relative=1e-5,
            hint="u = (C + ridge)⁻¹ k; D = delta uᵀ / (k · u), so that D k = delta.",
        ),
        Case(
            name="fewer keys than entries behind C",
            points=1,
            arguments=_edit(4, 0.05),
            expected=_rank_one,
            relative=1e-5,
            hint="This C has no inverse. Add ridge times the mean of its diagonal, on the diagonal.",
        ),
    ),
    mistakes=(
        Mistake(
            name="identity",
            hint="C is not in it: this change goes along the key itself, also where all other keys have a part in it.",
            answer=_along(lambda regular, key: key),
        ),
        Mistake(
            name="not-inverted",
            hint="The key was multiplied by C, and not by its inverse. This change goes where all keys are, which is"
            " the opposite of what is wanted.",
            answer=_along(lambda regular, key: regular @ key),
        ),
        Mistake(
            name="not-divided",
            hint="D k is k · u times delta. Divide by k · u, so that it is delta.",
            answer=_along(_solved, lambda u, key: 1.0),
        ),
        Mistake(
            name="over-u",
            hint="It was divided by |u|². D k = delta needs k · u.",
            answer=_along(_solved, lambda u, key: float(u @ u)),
        ),
        Mistake(
            name="over-length-of-u",
            hint="It was divided by the length of u. D k = delta needs k · u.",
            answer=_along(_solved, lambda u, key: float(np.linalg.norm(u))),
        ),
        Mistake(
            name="over-key",
            hint="It was divided by |k|². That is right for u = k only; D k = delta needs k · u.",
            answer=_along(_solved, lambda u, key: float(key @ key)),
        ),
        Mistake(
            name="no-ridge",
            hint="The ridge was left out. Where C comes from little text it has directions of nearly nothing, and its"
            " inverse goes there with all its might.",
            answer=lambda moment, key, delta, ridge: _rank_one(moment, key, delta, 0.0),
        ),
        Mistake(
            name="ridge-as-it-is",
            hint="The ridge was added as it is. It is given in units of the mean of C's diagonal, so that it means the"
            " same in every layer.",
            answer=_other_ridge(lambda ridge, diagonal: ridge / float(diagonal.mean())),
        ),
        Mistake(
            name="ridge-by-trace",
            hint="The ridge was multiplied by the *sum* of the diagonal. It is given in units of its mean.",
            answer=_other_ridge(lambda ridge, diagonal: ridge * len(diagonal)),
        ),
        Mistake(
            name="transposed",
            hint="The change is turned. It is added to W, (outputs, width): D = delta uᵀ.",
            answer=lambda *given: _rank_one(*given).T.contiguous(),
        ),
        Mistake(
            name="wrong-sign",
            hint="The sign is turned: D k is −delta.",
            answer=lambda *given: -_rank_one(*given),
        ),
    ),
    hints=(
        "`torch.linalg.solve(C, k)` gives C⁻¹ k without an inverse.",
        "`torch.outer(delta, u)` has the shape (outputs, width), and times k it is delta · (u · k).",
        "The ridge goes on the diagonal: `ridge * moment.diagonal().mean() * torch.eye(len(moment))`, in the dtype of"
        " the moment.",
    ),
)

# Exercise 8


def _audited(kind: str) -> Callable[[np.random.Generator], Arguments]:
    """A change to be looked at: the least one, one for another key, or any one."""

    def arguments(rng: np.random.Generator) -> Arguments:
        moment = torch.as_tensor(_moment(rng, 40))
        key, other, delta = (torch.as_tensor(rng.normal(size=n)) for n in (_WIDTH, _WIDTH, _OUTPUTS))
        change = {
            "least": _rank_one(moment, key, delta, 0.0),
            "other": _rank_one(moment, other, delta, 0.0),
            "any": torch.as_tensor(rng.normal(size=(_OUTPUTS, _WIDTH))),
        }[kind]
        return change, key, delta, moment

    return arguments


def _numbers(change: Tensor, key: Tensor, delta: Tensor, moment: Tensor) -> tuple[float, float, float, float]:
    """|D k - delta|, |delta|, tr(D C D^T), and k^T C^-1 k, by eigenvectors of C."""
    values, vectors = np.linalg.eigh(moment.numpy())
    d, k = change.numpy(), key.numpy()
    missed = float(np.linalg.norm(d @ k - delta.numpy()))
    cost = float(sum(value * np.linalg.norm(d @ vector) ** 2 for value, vector in zip(values, vectors.T, strict=True)))
    reach = float(sum((vector @ k) ** 2 / value for value, vector in zip(values, vectors.T, strict=True)))
    return missed, float(np.linalg.norm(delta.numpy())), cost, reach


def _audit(*given: Any) -> tuple[float, float]:
    missed, size, cost, reach = _numbers(*given)
    return missed / size, cost * reach / size**2


def _otherwise(
    answer: Callable[[float, float, float, float, tuple[Tensor, ...]], tuple[float, float]],
) -> Callable[..., tuple[float, float]]:
    return lambda *given: answer(*_numbers(*given), given)


AUDIT = Exercise(
    id="lab05-q8",
    title="An audit of an edit",
    difficulty=3,
    minutes=25,
    signature="audit(change, key, delta, moment)",
    cases=(
        Case(
            name="the least change",
            points=1,
            arguments=_audited("least"),
            expected=_audit,
            relative=1e-5,
            absolute=1e-7,
            hint="A change that keeps its promise has missed = 0; where it is also the least one, excess = 1.",
        ),
        Case(
            name="the least change for another key",
            points=1,
            arguments=_audited("other"),
            expected=_audit,
            relative=1e-5,
            absolute=1e-7,
            hint="missed is |D k − delta| / |delta|, for the key that is given.",
        ),
        Case(
            name="any change",
            points=1,
            arguments=_audited("any"),
            expected=_audit,
            relative=1e-5,
            absolute=1e-7,
            hint="excess is tr(D C Dᵀ) over |delta|² / (kᵀ C⁻¹ k), the least that is possible.",
        ),
    ),
    mistakes=(
        Mistake(
            name="size-of-d",
            hint="The cost was taken as |D|², as if all directions were used alike. What other keys get on average is"
            " tr(D C Dᵀ).",
            answer=_otherwise(
                lambda missed, size, cost, reach, given: (
                    missed / size,
                    float(given[0].square().sum()) * reach / size**2,
                )
            ),
        ),
        Mistake(
            name="not-inverted",
            hint="The least cost has C⁻¹ in it: |delta|² / (kᵀ C⁻¹ k). Here is C.",
            answer=_otherwise(
                lambda missed, size, cost, reach, given: (
                    missed / size,
                    cost * float(given[1] @ given[3] @ given[1]) / size**2,
                )
            ),
        ),
        Mistake(
            name="over-reach",
            hint="The least cost is |delta|² *divided* by kᵀ C⁻¹ k: a key that stands out of the crowd is cheap to"
            " change.",
            answer=_otherwise(lambda missed, size, cost, reach, given: (missed / size, cost / (reach * size**2))),
        ),
        Mistake(
            name="not-relative",
            hint="The first number is a length. Divide by |delta|, so that 0.1 is a tenth of what was promised.",
            answer=_otherwise(lambda missed, size, cost, reach, given: (missed, cost * reach / size**2)),
        ),
        Mistake(
            name="squared",
            hint="The first number is squared. Take |D k − delta| / |delta|.",
            answer=_otherwise(lambda missed, size, cost, reach, given: ((missed / size) ** 2, cost * reach / size**2)),
        ),
        Mistake(
            name="delta-not-squared",
            hint="The least cost grows with |delta|²: twice the delta costs four times as much.",
            answer=_otherwise(lambda missed, size, cost, reach, given: (missed / size, cost * reach / size)),
        ),
        Mistake(
            name="answered-alone",
            hint="This is |D k| / |delta|, how much is answered. Asked is how far that is from delta.",
            answer=_otherwise(
                lambda missed, size, cost, reach, given: (
                    float((given[0] @ given[1]).norm()) / size,
                    cost * reach / size**2,
                )
            ),
        ),
    ),
    hints=(
        "`torch.trace(D @ C @ D.T)` is the mean of |D k|² over the keys behind C: what they get that they should not.",
        "`key @ torch.linalg.solve(moment, key)` is kᵀ C⁻¹ k.",
    ),
)
