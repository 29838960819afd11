"""The contrast sets that come with the package: their shape, and that the held-out pairs are new."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SETS = Path(__file__).parents[2] / "interp_widgets" / "steering" / "sets"
NAMES = ("formality", "honesty", "refusal", "sentiment", "verbosity")
KEYS = {"name", "question", "positive", "negative", "neutral_prompts", "fitting", "held_out"}
SIDES = ("positive", "negative")


def load(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SETS / f"{name}.json").read_text("utf-8"))
    return document


def words(prompt: Any) -> str:
    return prompt if isinstance(prompt, str) else "\n".join(f"{turn['role']}: {turn['content']}" for turn in prompt)


def prompts(pairs: list[dict[str, Any]]) -> list[str]:
    return [words(pair[side]) for pair in pairs for side in SIDES]


def check_prompt(prompt: Any) -> None:
    if isinstance(prompt, str):
        assert prompt.strip() == prompt != ""
        return
    roles = [turn["role"] for turn in prompt]
    assert roles[:1] == ["system"] or roles[:1] == ["user"]
    assert [role for role in roles if role != "system"] == ["user", "assistant"][: len(roles) - roles.count("system")]
    for turn in prompt:
        assert set(turn) == {"role", "content"}
        assert turn["content"].strip() == turn["content"] != ""


def test_these_sets_are_there() -> None:
    assert sorted(file.stem for file in SETS.glob("*.json")) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_shape(name: str) -> None:
    document = load(name)
    assert set(document) == KEYS
    assert document["name"] == name
    assert document["question"].endswith("?")
    assert document["positive"] != document["negative"]
    assert 10 <= len(document["neutral_prompts"]) <= 16
    assert 50 <= len(document["fitting"]) <= 200
    assert 24 <= len(document["held_out"]) <= 32
    for prompt in document["neutral_prompts"]:
        check_prompt(prompt)
    for pair in (*document["fitting"], *document["held_out"]):
        assert set(pair) == set(SIDES)
        for side in SIDES:
            check_prompt(pair[side])


@pytest.mark.parametrize("name", NAMES)
def test_no_prompt_stands_twice(name: str) -> None:
    """Not within a pair, not within a split, and none of the held-out or neutral ones among the fitting ones."""
    document = load(name)
    every = [*prompts(document["fitting"]), *prompts(document["held_out"]), *map(words, document["neutral_prompts"])]
    assert len({text.casefold() for text in every}) == len(every)


@pytest.mark.parametrize("name", NAMES)
def test_the_sides_end_alike_and_are_as_long(name: str) -> None:
    document = load(name)
    for split in ("fitting", "held_out"):
        one, other = ([words(pair[side]) for pair in document[split]] for side in SIDES)
        length, other_length = (sum(len(text.split()) for text in side) for side in (one, other))
        assert 0.85 < length / other_length < 1.18
    for pair in (*document["fitting"], *document["held_out"]):
        one, other = (pair[side] for side in SIDES)
        if isinstance(one, str):
            assert one.split()[-1] == other.split()[-1] or (one[-1] in ".?" and other[-1] in ".?")
        else:
            assert [turn["role"] for turn in one] == [turn["role"] for turn in other]
            if one[-1]["role"] == "assistant":
                assert one[-1] == other[-1]
