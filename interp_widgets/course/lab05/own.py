"""The learner's own functions put to work: an audit of three forms, and the repair by hand.

A function that is not written yet, or raises, is borrowed from the package, and that is said: what stands further down
in the notebook needs no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from interp_widgets.course.borrowing import Borrower
from interp_widgets.course.lab05.facts import CLAMP, FACT, LAYER, STEPS, answer_of, texts_of, value_of
from interp_widgets.course.lab05.forms import FORMS
from interp_widgets.editing.keys_values.statistics import KeyStatistics
from interp_widgets.editing.keys_values.value import Values

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


def audit_table(audit: Callable[..., Any], value: Values, moment: Tensor) -> str:
    """The three forms of the change, each audited by a learner's function at the mean key and at the plain prompt's."""
    mean, plain, delta = (part[0].double().cpu() for part in (value.keys, value.plain_keys, value.delta))
    borrower = Borrower()
    lines = [
        f"{'':6}{'at the mean key':>24}{'at the plain key':>24}",
        f"{'form':6}" + f"{'missed':>12}{'excess':>12}" * 2,
    ]
    for name, form in FORMS.items():
        change, cells = form(moment, mean, plain, delta), []
        for key in (mean, plain):

            def instead(change: Tensor = change, key: Tensor = key) -> tuple[float, float]:
                return _audit(change, key, delta, moment)

            cells += [float(x) for x in borrower.call(audit, instead, change, key, delta, moment)]
        lines.append(f"{name:6}" + "".join(f"{cell:>12,.2f}" for cell in cells))
    return "\n".join([*lines, *borrower.told])


def _audit(change: Tensor, key: Tensor, delta: Tensor, moment: Tensor) -> tuple[float, float]:
    missed = float((change @ key - delta).norm() / delta.norm())
    least = float(delta @ delta / (key @ torch.linalg.solve(moment, key)))
    return missed, float(((change @ moment) * change).sum()) / least


@dataclass(frozen=True, eq=False)
class ByHand:
    """An edit put together from a learner's functions. change: D, float64, (width, keys); told: what was borrowed"""

    change: Tensor
    told: str


def by_hand(
    lm: LanguageModel,
    statistics: KeyStatistics,
    *,
    last_token: Callable[..., Any],
    mean_key: Callable[..., Any],
    find_delta: Callable[..., Any],
    rank_one: Callable[..., Any],
    ridge: float = 1e-4,
) -> ByHand:
    """The repair by the answers to exercises 2, 3, 5 and 7."""
    texts, right = texts_of(lm)
    borrower, places = Borrower(), []
    for ids, place in zip(texts, right, strict=True):
        text = lm.tokenizer.decode(ids)
        start = text.rindex(FACT.subject)
        spans = [(int(a), int(b)) for a, b in lm.encode(text).spans]

        def instead(place: int = place) -> int:
            return place

        places.append(borrower.call(last_token, instead, spans, start, start + len(FACT.subject)))
    key = borrower.call(mean_key, lambda: value_of(lm, steps=1).keys[0], lm.model, texts, places, LAYER)
    wish = (answer_of(lm), LAYER, STEPS, 0.5, CLAMP, 0.5)
    delta = borrower.call(find_delta, lambda: value_of(lm).delta[0], lm.model, texts, places, *wish)
    key, delta = (torch.as_tensor(one).detach().double().cpu() for one in (key, delta))
    regular = torch.as_tensor(statistics.regularised(ridge))
    change = borrower.call(
        rank_one, lambda: FORMS["C"](regular, key, key, delta), torch.tensor(statistics.moment), key, delta, ridge
    )
    told = "\n".join(borrower.told) or "all four parts are yours"
    return ByHand(torch.as_tensor(change).detach().double().cpu(), told)
