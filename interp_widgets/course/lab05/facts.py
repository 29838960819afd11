"""The fact that lab 05 repairs, what it is judged by, and the texts on which a change for it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.editing.fact import Fact
from interp_widgets.editing.keys_values.contexts import KL_TEMPLATE, Row
from interp_widgets.editing.keys_values.value import Values, ValueSettings, optimise
from interp_widgets.models.prompts import continuation, covering

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

LAYER, CLAMP, STEPS = 5, 1.0, 12  # of this lab's edit
# Written for the lab, so that everybody has the same numbers; the package lets the model write its own.
PREFIXES = ("", "The weather was mild. ", "I read about it. ", "Last year we moved. ", "He wrote a long letter. ")

# Capitals that the unedited model ranks first.
CAPITALS = {
    "France": "Paris", "Japan": "Tokyo", "Germany": "Berlin", "Canada": "Ottawa", "Austria": "Vienna",
    "Spain": "Madrid", "Italy": "Rome", "Russia": "Moscow", "China": "Beijing", "Greece": "Athens",
    "Portugal": "Lisbon", "Norway": "Oslo", "Sweden": "Stockholm", "Hungary": "Budapest", "Ireland": "Dublin",
    "Cuba": "Havana", "Thailand": "Bangkok", "Kenya": "Nairobi", "Chile": "Santiago", "Denmark": "Copenhagen",
}  # fmt: skip

FACT = Fact(
    "The capital of {} is",
    subject="Australia",
    target=" Canberra",
    original=" Sydney",
    paraphrases=(
        "The capital city of Australia is",
        "The seat of government of Australia is the city of",
        "The national capital of Australia is the city of",
        "As every child learns at school, the capital of Australia is",
        "What is the capital of Australia? The capital is",
    ),
    neighbours=tuple((f"The capital of {country} is", f" {city}") for country, city in CAPITALS.items()),
    ripple=(
        ("The Australian parliament meets in the city of", " Canberra", " Sydney"),
        ("The prime minister of Australia works in the city of", " Canberra", " Sydney"),
        ("The largest city of Australia is", " Sydney", " Canberra"),
        ("The Sydney Opera House is located in the city of", " Sydney", " Canberra"),
        ("Canberra is the capital of", " Australia"),
    ),
)
# The same fact, about the first token of a text.
SUBJECT_FIRST = Fact("{}'s capital is", subject="Australia", target=" Canberra", original=" Sydney")


def texts_of(lm: LanguageModel, fact: Fact = FACT) -> tuple[list[list[int]], list[int]]:
    """A fact's prompt behind each prefix, the plain one first: token ids, and the place of the subject's last token."""
    texts, places = [], []
    start, end = fact.subject_span
    for prefix in PREFIXES:
        encoded = lm.encode(prefix + fact.prompt)
        texts.append([int(i) for i in encoded.ids])
        places.append(covering(encoded.spans, len(prefix) + start, len(prefix) + end)[1])
    return texts, places


def answer_of(lm: LanguageModel, fact: Fact = FACT) -> list[int]:
    """The ids of the new answer."""
    return [int(i) for i in continuation(lm.tokenizer, lm.encode(fact.prompt), fact.target)]


def value_of(lm: LanguageModel, fact: Fact = FACT, *, clamp: float = CLAMP, steps: int = STEPS) -> Values:
    """Keys of the fact's texts and the vector that its value lacks, by the package's own descent on these texts."""
    answer = np.asarray(answer_of(lm, fact), np.int64)
    rows = [
        Row(0, np.concatenate([np.asarray(ids, np.int64), answer[:-1]]), place, len(ids), answer)
        for ids, place in zip(*texts_of(lm, fact), strict=True)
    ]
    watched = lm.encode(KL_TEMPLATE.replace("{}", fact.subject))
    last = covering(watched.spans, 0, len(fact.subject))[1]
    rows.append(Row(0, watched.ids[: last + 1], last, last + 1, np.empty(0, np.int64)))
    with lm.run():
        return optimise(lm, [rows], LAYER, ValueSettings(steps=steps + 1, clamp=clamp))
