"""Exercises 1 and 4: what a set of tokens is worth to a model, and how many of them can be asked for.

References: one prompt after the other through the model's own states and head (exercise 1); counting by trial, one
token more at a time (exercise 4).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab02.inputs import random_sets
from interp_widgets.course.tiny_model import tiny_lm

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_TOKENS = 5
_LEAST_WORD = 2  # below are <unk> and <end>

# Exercise 1


def _sets(rng: np.random.Generator) -> Arguments:
    lm = tiny_lm()
    words = np.arange(_LEAST_WORD, len(lm.tokenizer))
    *ids, target, foil, filler = (int(i) for i in rng.choice(words, _TOKENS + 3, replace=False))
    return lm, torch.tensor(ids), random_sets(rng, 6, _TOKENS), target, foil, filler


Reading = Callable[[Tensor, int, int], Tensor]


def _difference(logits: Tensor, target: int, foil: int) -> Tensor:
    return logits[target] - logits[foil]


def _one_by_one(
    prompts: list[list[int]],
    lm: LanguageModel,
    target: int,
    foil: int,
    *,
    read: Reading = _difference,
    position: int = -1,
) -> Tensor:
    values = []
    for prompt in prompts:
        with torch.no_grad():
            logits = lm.head(lm.hidden(torch.tensor([prompt]))[0, position])
        values.append(read(logits, target, foil))
    return torch.stack(values)


def _filled(ids: Tensor, kept: Tensor, filler: int) -> list[list[int]]:
    return [[token if keep else filler for token, keep in zip(ids.tolist(), row, strict=True)] for row in kept.tolist()]


def _values(
    lm: LanguageModel, ids: Tensor, kept: Tensor, target: int, foil: int, filler: int, read: Reading = _difference
) -> Tensor:
    return _one_by_one(_filled(ids, kept, filler), lm, target, foil, read=read)


def _cut_out(lm: LanguageModel, ids: Tensor, kept: Tensor, target: int, foil: int, filler: int) -> Tensor:
    prompts = [ids[row].tolist() for row in kept]
    return _one_by_one(prompts, lm, target, foil)


COALITION = Exercise(
    id="lab02-q1",
    title="The value of a set of tokens",
    difficulty=1,
    minutes=12,
    signature="coalition_values(lm, ids, kept, target, foil, filler)",
    cases=(
        Case(
            name="six sets of five tokens, on a tiny random model",
            points=2,
            arguments=_sets,
            expected=_values,
            hint="Put the filler where kept is False, leave the rest, and take the target's logit less the foil's at"
            " the last position, for each row.",
        ),
    ),
    mistakes=(
        Mistake(
            name="gone-for-kept",
            hint="The filler stands where kept is True. True means that the token stays.",
            answer=lambda lm, ids, kept, target, foil, filler: _values(lm, ids, ~kept, target, foil, filler),
        ),
        Mistake(
            name="cut-out",
            hint="The tokens were cut out, so that the prompts are shorter and all later tokens have moved. Put the"
            " filler in their places.",
            answer=_cut_out,
        ),
        Mistake(
            name="end-of-text",
            hint="The filler given was not used: the end-of-text token stands in its place.",
            answer=lambda lm, ids, kept, target, foil, filler: _values(
                lm, ids, kept, target, foil, int(lm.tokenizer.eos_token_id)
            ),
        ),
        Mistake(
            name="no-foil",
            hint="The foil is not in it: the value is the target's logit less the foil's.",
            answer=lambda lm, ids, kept, target, foil, filler: _values(
                lm, ids, kept, target, foil, filler, lambda logits, t, f: logits[t]
            ),
        ),
        Mistake(
            name="wrong-sign",
            hint="Target and foil are exchanged.",
            answer=lambda lm, ids, kept, target, foil, filler: _values(lm, ids, kept, foil, target, filler),
        ),
        Mistake(
            name="probability",
            hint="These are probabilities. Take the difference of the logits, which is the log-odds of the two.",
            answer=lambda lm, ids, kept, target, foil, filler: _values(
                lm, ids, kept, target, foil, filler, lambda logits, t, f: logits.softmax(-1)[t] - logits.softmax(-1)[f]
            ),
        ),
        Mistake(
            name="first-position",
            hint="These are the logits after the first token. The answer follows the last one: position −1.",
            answer=lambda lm, ids, kept, target, foil, filler: _one_by_one(
                _filled(ids, kept, filler), lm, target, foil, position=0
            ),
        ),
    ),
    hints=(
        "`torch.where(kept, ids, filler)` makes all prompts at once, (rows, tokens).",
        "`lm.model(input_ids=prompts).logits[:, -1]` has the shape (rows, vocabulary).",
    ),
)

# Exercise 4


def _budget(rng: np.random.Generator) -> Arguments:
    """A power of two for the seconds, so that the number of sets is exact."""
    each, orders = 2.0 ** -int(rng.integers(4, 8)), int(rng.integers(10, 20))
    return each, (orders * int(rng.integers(130, 160)) + 1.5) * each, orders  # half a set short of one token more


def _just_enough(rng: np.random.Generator) -> Arguments:
    """Enough for all sets of n tokens, to the last one."""
    each = 2.0 ** -int(rng.integers(4, 8))
    return each, 2.0 ** int(rng.integers(11, 14)) * each, int(rng.integers(10, 20))


def _walk_just_enough(rng: np.random.Generator) -> Arguments:
    each, orders = 2.0 ** -int(rng.integers(4, 8)), int(rng.integers(10, 20))
    return each, (orders * (int(rng.integers(50, 90)) - 1) + 2) * each, orders


def _by_trial(fits: Callable[[int], bool]) -> int:
    n = 1
    while fits(n + 1):
        n += 1
    return n


def _affordable(seconds_each: float, budget: float, orders: int) -> dict[str, int]:
    return {
        "exact": _by_trial(lambda n: seconds_each * 2**n <= budget),
        "orders": _by_trial(lambda n: seconds_each * (orders * (n - 1) + 2) <= budget),
    }


AFFORD = Exercise(
    id="lab02-q4",
    title="How many tokens can be afforded",
    difficulty=1,
    minutes=10,
    signature="affordable(seconds_each, budget, orders)",
    cases=(
        Case(
            name="a budget that does not come out even",
            points=1,
            arguments=_budget,
            expected=_affordable,
            hint="The largest n with 2 to the n sets within the budget, and the largest n with orders (n − 1) + 2.",
        ),
        Case(
            name="a budget for all sets, to the last one",
            points=0.5,
            arguments=_just_enough,
            expected=_affordable,
            hint="A budget that is just enough is enough.",
        ),
        Case(
            name="a budget for all orders, to the last set",
            points=0.5,
            arguments=_walk_just_enough,
            expected=_affordable,
            hint="A budget that is just enough is enough.",
        ),
    ),
    mistakes=(
        Mistake(
            name="rounded-up",
            hint="Rounded up: the larger prompt no longer fits into the budget. Round down.",
            answer=lambda seconds_each, budget, orders: {
                "exact": math.ceil(math.log2(budget / seconds_each)),
                "orders": math.ceil((budget / seconds_each - 2) / orders + 1),
            },
        ),
        Mistake(
            name="natural-logarithm",
            hint="The natural logarithm was taken. The number of sets doubles with each token: base 2.",
            answer=lambda seconds_each, budget, orders: {
                "exact": math.floor(math.log(budget / seconds_each)),
                "orders": _affordable(seconds_each, budget, orders)["orders"],
            },
        ),
        Mistake(
            name="all-orders",
            hint="You counted orders, n!, for the exact values. Many orders share a set: there are only 2 to the n.",
            answer=lambda seconds_each, budget, orders: {
                "exact": _by_trial(lambda n: seconds_each * math.factorial(n) <= budget),
                "orders": _affordable(seconds_each, budget, orders)["orders"],
            },
        ),
        Mistake(
            name="ends-again",
            hint="Each order was given n + 1 sets. All orders share the first set, nothing, and the last, everything.",
            answer=lambda seconds_each, budget, orders: {
                "exact": _affordable(seconds_each, budget, orders)["exact"],
                "orders": _by_trial(lambda n: seconds_each * orders * (n + 1) <= budget),
            },
        ),
        Mistake(
            name="not-just-enough",
            hint="A budget that is just enough was taken for too small: compare with ≤.",
            answer=lambda seconds_each, budget, orders: {
                "exact": _by_trial(lambda n: seconds_each * 2**n < budget),
                "orders": _by_trial(lambda n: seconds_each * (orders * (n - 1) + 2) < budget),
            },
        ),
    ),
    hints=(
        "`budget / seconds_each` sets can be asked for.",
        "`math.log2` gives the exponent; or count n up in a loop, as long as the next one fits.",
        "One order asks for n + 1 sets, of which two are the same for every order.",
    ),
)

VALUES = (COALITION, AFFORD)
