"""Facts that everybody knows, each with a wrong answer to be taught: what edits are judged on.

    python -m benchmarks.well_known_facts

Candidates: the capital of each country and the city of each landmark of
`interp_widgets/editing/evaluating/places.json`, with the paraphrases, neighbours and ripple that
`editing.evaluating.ripple` writes.  The answer to be taught is another capital, or the city of another landmark in
another country, chosen by the subject's hash.  A fact is kept if the default model has each token of the true answer as
its first choice.  The list was committed before any edit was measured on it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

import interp_widgets as iw
from interp_widgets.editing.evaluating.places import places
from interp_widgets.editing.evaluating.ripple import capital_fact, landmark_fact
from interp_widgets.models.answers import score_answers

LIST = Path(__file__).with_name("well_known_facts.jsonl")


def well_known_facts() -> list[iw.Fact]:
    """The committed list."""
    return [iw.Fact.from_json(json.loads(line)) for line in LIST.read_text("utf-8").splitlines()]


def candidates() -> Iterator[iw.Fact]:
    known = places()
    for country in known.countries:
        river = known.rivers.get(country.capital)
        cities = [city for city, own in known.rivers.items() if own != river and city != country.capital]
        yield capital_fact(country.name, _chosen(cities, country.name))
    for landmark in known.landmarks:
        cities = sorted({one.city for one in known.landmarks if one.country != landmark.country})
        yield landmark_fact(landmark.name, _chosen(cities, landmark.name))


def _chosen(cities: list[str], subject: str) -> str:
    return min(cities, key=lambda city: hashlib.sha256(f"{subject} in {city}".encode()).digest())


def main() -> None:
    lm = iw.load_model()
    tried = list(candidates())
    right = score_answers(lm, [(fact.prompt, fact.original) for fact in tried]).first
    kept = [fact for fact, known in zip(tried, right, strict=True) if known]
    text = "".join(json.dumps(asdict(fact), ensure_ascii=False) + "\n" for fact in kept)
    LIST.write_text(text, "utf-8")
    relations = [fact.template.startswith("The capital") for fact in kept]
    print(f"{len(kept)} of {len(tried)}: {sum(relations)} capitals, {len(kept) - sum(relations)} landmarks")
    for part in ("paraphrases", "neighbour_answers", "ripple"):
        counts = [len(one() if callable(one := getattr(fact, part)) else one) for fact in kept]
        print(f"{part}: {min(counts)} to {max(counts)} a fact, {sum(counts)} in all")
    asked = [
        (prompt, answer) for fact in kept for prompt in fact.paraphrases for answer in (fact.original, fact.target)
    ]
    found = score_answers(lm, asked).mean.reshape(-1, 2)
    print(f"true answer above the wrong one at {np.mean(found[:, 0] > found[:, 1]):.1%} of the paraphrases, unedited")


if __name__ == "__main__":
    main()
