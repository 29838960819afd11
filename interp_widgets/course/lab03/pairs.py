"""Exercises 1 and 2: pairs that differ in one trait, and what else differs in them.

References: pairs written out by loops over indices (exercise 1); counting over token ids one by one (exercise 2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

Prompts = list[tuple[str, str]]
Ids = list[list[int]]

# Exercise 1

_PERSONAS = [
    ("an honest", "a lying"), ("a truthful", "a deceitful"), ("a sincere", "a scheming"), ("a frank", "a sly"),
    ("an upright", "a crooked"),
]  # fmt: skip
_BEGINNINGS = [
    "The sea tastes salty", "Two and two are four", "Snow melts when it gets warm", "A week has seven days",
    "Bread is made of flour", "The moon is smaller than the sun",
]  # fmt: skip
_TEMPLATE = "You are {persona} person. Say something. I say: {beginning}"


def _words_to_build(rng: np.random.Generator) -> Arguments:
    personas = [_PERSONAS[int(i)] for i in rng.choice(len(_PERSONAS), 3, replace=False)]
    beginnings = [_BEGINNINGS[int(i)] for i in rng.choice(len(_BEGINNINGS), 2, replace=False)]
    return _TEMPLATE, personas, beginnings


def _prefixes(text: str) -> list[str]:
    words = text.split(" ")
    return [" ".join(words[: count + 1]) for count in range(len(words))]


def _filled(template: str, persona: str, beginning: str) -> str:
    before, _, rest = template.partition("{persona}")
    middle, _, after = rest.partition("{beginning}")
    return before + persona + middle + beginning + after


def _built(
    template: str,
    personas: Prompts,
    beginnings: list[str],
    cut: Callable[[str], list[str]] = _prefixes,
) -> Prompts:
    rows = []
    for number in range(len(beginnings)):
        for part in cut(beginnings[number]):
            for which in range(len(personas)):
                rows.append(tuple(_filled(template, personas[which][side], part) for side in (0, 1)))
    return rows  # type: ignore[return-value]  # two sides each


def _other_part(template: str, personas: Prompts, beginnings: list[str]) -> Prompts:
    """Positive ends with one part of the sentence, negative with the next."""
    right = _built(template, personas, beginnings)
    later = right[len(personas) :] + right[: len(personas)]
    return [(one[0], other[1]) for one, other in zip(right, later, strict=True)]


BUILD = Exercise(
    id="lab03-q1",
    title="Pairs that differ in one trait",
    difficulty=1,
    minutes=12,
    signature="build_pairs(template, personas, beginnings)",
    cases=(
        Case(
            name="three pairs of personas, two sentences cut after each word",
            points=2,
            arguments=_words_to_build,
            expected=_built,
            hint="For each sentence, for each number of its words from 1 to all, for each pair of personas: the"
            " template filled twice, with the same beginning.",
        ),
        Case(
            name="one sentence of one word",
            points=0,
            arguments=lambda rng: (_TEMPLATE, _PERSONAS[:2], ["Yes"]),
            expected=_built,
            hint="One word is a beginning too, and the whole sentence is the last one.",
        ),
    ),
    mistakes=(
        Mistake(
            name="not-cut",
            hint="Only whole sentences are there. Cut each after its first word, its second, and so on: a sentence of"
            " five words gives five pairs of each persona.",
            answer=lambda template, personas, beginnings: _built(template, personas, beginnings, lambda text: [text]),
        ),
        Mistake(
            name="whole-left-out",
            hint="The whole sentence is missing: the last cut is after its last word.",
            answer=lambda template, personas, beginnings: _built(
                template, personas, beginnings, lambda text: _prefixes(text)[:-1]
            ),
        ),
        Mistake(
            name="swapped",
            hint="The sides are exchanged: the first of each pair has the positive persona.",
            answer=lambda template, personas, beginnings: [
                (other, one) for one, other in _built(template, personas, beginnings)
            ],
        ),
        Mistake(
            name="one-persona",
            hint="Each sentence got one pair of personas. Every sentence goes with every pair of personas, or the"
            " persona and the topic cannot be told apart.",
            answer=lambda template, personas, beginnings: [
                pair
                for i, beginning in enumerate(beginnings)
                for pair in _built(template, [personas[i % len(personas)]], [beginning])
            ],
        ),
        Mistake(
            name="other-ending",
            hint="The two sides of a pair end in different words. Then the difference of their states holds the"
            " difference of these words, too.",
            answer=_other_part,
        ),
    ),
    hints=(
        "Three loops inside one another: over `beginnings`, over the number of words, over `personas`.",
        '`words = beginning.split(" ")`, and `" ".join(words[:count])` for count from 1 to `len(words)`.',
        "`template.format(persona=one, beginning=part)` fills it.",
    ),
)

# Exercise 2

Found = dict[str, float]


def _some_pairs(rng: np.random.Generator) -> Arguments:
    """Ten pairs; some end alike; the positive ones are longer, but not always; tokens come twice."""
    positive, negative = [], []
    for i in range(10):
        shared = [int(x) for x in rng.integers(2, 30, 4)]
        one = [*shared, shared[0], *(int(x) for x in rng.integers(30, 60, int(rng.integers(1, 5))))]
        other = [*shared[1:], *(int(x) for x in rng.integers(60, 90, 1 if i % 3 else 6))]
        end = int(rng.integers(90, 99))
        positive.append([*one, end])
        negative.append([*other, end if i % 3 else end + 20])
    return positive, negative


def _jaccard(one: list[int], other: list[int]) -> float:
    both = [token for token in dict.fromkeys(one) if token in other]
    either = dict.fromkeys([*one, *other])
    return len(both) / len(either)


def _leaks(
    positive: Ids,
    negative: Ids,
    *,
    last: Callable[[list[int], list[int]], float] = lambda one, other: float(one[-1] != other[-1]),
    longer: Callable[[list[int], list[int]], float] = lambda one, other: float(len(one) - len(other)),
    shared: Callable[[list[int], list[int]], float] = _jaccard,
) -> Found:
    count, rules = len(positive), {"last": last, "longer": longer, "shared": shared}
    return {name: sum(rule(positive[i], negative[i]) for i in range(count)) / count for name, rule in rules.items()}


def _with(**rules: Any) -> Callable[..., Found]:
    return lambda positive, negative: _leaks(positive, negative, **rules)


def _pooled(positive: Ids, negative: Ids) -> Found:
    one, other = ([token for row in rows for token in row] for rows in (positive, negative))
    return {**_leaks(positive, negative), "shared": _jaccard(one, other)}


LEAKS = Exercise(
    id="lab03-q2",
    title="What leaks",
    difficulty=1,
    minutes=12,
    signature="leaks(positive, negative)",
    cases=(
        Case(
            name="ten pairs of token ids",
            points=2,
            arguments=_some_pairs,
            expected=_leaks,
            hint="'last': share of the pairs whose last tokens differ; 'longer': mean of the positive's length less the"
            " negative's; 'shared': mean over the pairs of |both| / |either|, with sets of token ids.",
        ),
    ),
    mistakes=(
        Mistake(
            name="share-alike",
            hint="'last' is the share of pairs that end alike. Count those whose last tokens differ.",
            answer=_with(last=lambda one, other: float(one[-1] == other[-1])),
        ),
        Mistake(
            name="first-token",
            hint="'last' compares the first tokens. The state is read at the last one.",
            answer=_with(last=lambda one, other: float(one[0] != other[0])),
        ),
        Mistake(
            name="length-without-sign",
            hint="'longer' is the mean *size* of the difference in length. With its sign, lengths that differ by chance"
            " cancel, and those that always lean to one side do not.",
            answer=_with(longer=lambda one, other: float(abs(len(one) - len(other)))),
        ),
        Mistake(
            name="wrong-sign",
            hint="'longer' has the wrong sign: the positive's length less the negative's.",
            answer=_with(longer=lambda one, other: float(len(other) - len(one))),
        ),
        Mistake(
            name="of-the-positive",
            hint="'shared' was divided by the tokens of one side. Divide by the tokens that are in either of the two.",
            answer=_with(
                shared=lambda one, other: len([token for token in set(one) if token in other]) / len(set(one))
            ),
        ),
        Mistake(
            name="pooled",
            hint="'shared' was counted over all pairs at once, which hides what differs within a pair. Count in each"
            " pair, then take the mean.",
            answer=_pooled,
        ),
    ),
    hints=(
        "`for one, other in zip(positive, negative)` goes pair by pair.",
        "`len(set(one) & set(other)) / len(set(one) | set(other))` is the share of one pair.",
    ),
)
