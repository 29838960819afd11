"""The picture as data: questions, verdict, provenance and the call that makes it again."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import interp_widgets as iw
from interp_widgets.attribution.payload import DEFAULTS, highlight_payload
from interp_widgets.attribution.result import AttributionResult
from interp_widgets.errors import NonFiniteError
from interp_widgets.models.candidate import Candidate
from tests.builders import make_chat_result, make_emoji_result, make_result

NONE = np.empty(0, dtype=np.int64)


def title(result: AttributionResult) -> str:
    return "".join(part["text"] for part in highlight_payload(result)["title"])


def test_the_question() -> None:
    assert title(make_result(gap=0.1)) == "Why ·Canberra rather than ·Sydney?"
    assert title(make_result(gap=-0.06)) == "What pulls towards ·Canberra, away from ·Sydney?"
    assert title(make_result(gap=0.1, foil=None, foil_ids=NONE)) == "Why ·Canberra?"
    assert title(make_result(gap=-0.1, foil=None, foil_ids=NONE)) == "What pulls towards ·Canberra?"


def test_the_verdict_says_who_leads() -> None:
    sentence = highlight_payload(make_result(gap=-0.06))["verdict"]["sentence"]
    assert sentence.startswith("·Sydney leads by 0.060 log-odds; deleting")
    sentence = highlight_payload(make_result(gap=-0.5, foil=None, foil_ids=NONE))["verdict"]["sentence"]
    assert sentence.startswith("·Sydney leads by 0.50 log-odds")
    assert highlight_payload(make_result(gap=0.06))["verdict"]["sentence"].startswith("deleting")


def test_boxes_of_the_mock() -> None:
    payload = highlight_payload(make_result())
    assert [box["label"] for box in payload["boxes"]] == ["+0.06", "+0.42", "−0.08", "+0.90", "−0.35"]
    assert payload["boxes"][1] == {
        "text": " capital", "name": "·capital", "score": 0.42, "label": "+0.42", "tokens": [1], "parts": []
    }  # fmt: skip
    assert payload["scale"] == {"max": 0.9, "label": "0.90", "unit": "log-odds"}
    assert [(c["name"], c["label"], c["role"]) for c in payload["candidates"]][:3] == [
        ("·Sydney", "0.36", "foil"), ("·Canberra", "0.34", "target"), ("·the", "0.04", None)
    ]  # fmt: skip


def test_a_shared_character_is_one_box_with_parts() -> None:
    box = highlight_payload(make_emoji_result())["boxes"][1]
    assert (box["text"], box["label"], box["tokens"]) == (" 👋", "+0.62", [1, 2, 3])
    assert box["parts"][0] == {"name": "·⟨F0 9F⟩", "label": "+0.40"}


def test_chat_turns_are_groups_of_boxes() -> None:
    payload = highlight_payload(make_chat_result())
    assert payload["groups"][1] == {"label": "user", "start": 3, "end": 4}
    assert payload["boxes"][0]["text"] == "<|im_start|>"
    assert payload["boxes"][2]["text"] == "⏎\n"


def test_a_sum_is_shown_only_where_it_holds() -> None:
    assert highlight_payload(make_result())["sum"] == "The scores sum to +0.95 log-odds; +0.96 is due"
    off = {"sum": 21.0, "due": 16.0, "completeness_error": 0.31}
    assert highlight_payload(make_result(diagnostics=off))["sum"] is None
    assert highlight_payload(make_result(diagnostics={}))["sum"] is None
    nan = {**off, "completeness_error": float("nan")}
    assert highlight_payload(make_result(diagnostics=nan))["sum"] is None


def test_provenance() -> None:
    assert highlight_payload(make_result())["provenance"] == [
        "5 tokens", "52 forward passes", "0.9 s", "SmolLM2-135M-Instruct", "cpu", "no interventions"
    ]  # fmt: skip
    changed = make_result(provenance={"bos": 1, "interventions": ("capital edit",), "notes": ("batch halved",)})
    assert highlight_payload(changed)["provenance"][-3:] == ["1 BOS token", "with capital edit", "batch halved"]


def call(result: AttributionResult) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Run the code that the card offers, with a recorder in the place of the package."""
    seen = []

    class Recorder:
        @staticmethod
        def attribute(*args: Any, **kwargs: Any) -> None:
            seen.append((args, kwargs))

    exec(highlight_payload(result)["code"], {"iw": Recorder, "lm": "lm"})
    (one,) = seen
    return one


def test_copy_as_python() -> None:
    args, kwargs = call(make_result())
    assert args == ("lm", "The capital of Australia is")
    assert kwargs == {"target": " Canberra", "foil": " Sydney", "method": "integrated_gradients"}
    settings = {"baseline": "text:'\n", "steps": 200, "quadrature": "gauss-legendre"}
    _, kwargs = call(make_result(settings=settings, provenance={"seed": 3, "interventions": ("a\nb",)}))
    assert (kwargs["baseline"], kwargs["steps"], kwargs["seed"], "quadrature" in kwargs) == ("text:'\n", 200, 3, False)


@pytest.mark.parametrize(
    ("prompt", "target", "given"),
    [
        ("The capital is", " Canberra", " Canberra"),  # a new word
        ("assistant\n", "Canberra", "Canberra"),  # a new line
        ("The capital i", "s", 7),  # would join the word before
        ("Hello", ".", 7),
        ("Hello ", "World", 7),  # the space would join it
        ("Hi", "\ufffd", 7),  # half a character
        ("Hi", " ", 7),
    ],
)
def test_a_token_that_text_cannot_ask_for_is_asked_by_its_id(prompt: str, target: str, given: str | int) -> None:
    result = make_result(pieces=[prompt], target=target, target_ids=np.array([7]), foil=None, foil_ids=NONE)
    assert call(result)[1]["target"] == given


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.text(min_size=1, max_size=5))
def test_any_text_makes_json_and_code(prompt: str, target: str) -> None:
    target = target.encode("utf-8", "replace").decode()
    result = make_result(pieces=[prompt] if prompt else [], target=target, candidates=(Candidate(target, 45421, 0.5),))
    payload = highlight_payload(result)
    assert json.loads(json.dumps(payload, allow_nan=False)) == payload
    args, kwargs = call(result)
    assert args[1] == prompt
    assert kwargs["target"] in (target, 45421)


def test_an_interval_stands_beside_its_score() -> None:
    interval = np.array([[0.0, 0.1], [0.3, 0.5], [-0.2, 0.1], [0.8, 1.0], [-0.4, -0.3]])
    boxes = highlight_payload(make_result(interval=interval))["boxes"]
    assert [box["interval"] for box in boxes] == [
        "0.00 to 0.10", "0.30 to 0.50", "−0.20 to 0.10", "0.80 to 1.00", "−0.40 to −0.30"
    ]  # fmt: skip
    assert "interval" not in highlight_payload(make_result())["boxes"][0]


def test_what_the_method_does_by_itself_is_not_in_the_call() -> None:
    asked = make_result(method="lime", settings={"delete": "random", "samples": 64}, grouping="word", foil=None,
                        foil_ids=NONE, function="probability", unit="probability")  # fmt: skip
    payload = highlight_payload(asked)
    assert (
        payload["settings"] | {"delete": "random", "samples": 64, "function": "probability", "group": "word"}
        == (payload["settings"])
    )
    for argument in ("delete='random'", "samples=64", "function='probability'", "group='word'"):
        assert argument in payload["code"]
        assert argument not in highlight_payload(make_result())["code"]
    assert payload["provenance"][0] == "5 words"


def test_nan_has_no_picture() -> None:
    with pytest.raises(NonFiniteError):
        highlight_payload(make_result(scores=np.array([0, 0, np.nan, 0, 0])))


def test_a_prompt_of_zeros_and_one_of_nothing() -> None:
    assert highlight_payload(make_result(scores=np.zeros(5)))["scale"]["max"] == 0
    assert highlight_payload(make_result(pieces=[]))["boxes"] == []


@pytest.mark.parametrize(
    ("method", "unit"),
    [
        ("leave_one_out", "log-odds"),
        ("saliency", "length of the gradient"),
        ("attention_rollout", "share of attention"),
        ("saliency - saliency", "length of the gradient"),
        ("attention_rollout - lime", "share of attention - log-odds"),
        ("a method of tomorrow", "log-odds"),
    ],
)
def test_scores_that_are_not_in_the_unit_of_the_answer_say_so(method: str, unit: str) -> None:
    assert highlight_payload(replace(make_result(), method=method))["scale"]["unit"] == unit
    known = {known["name"] for known in iw.attribution_methods()} | {"a method of tomorrow"}
    assert set(method.split(" - ")) <= known


def test_the_defaults_are_those_of_attribute() -> None:
    from interp_widgets.attribution.api import attribute

    parameters = inspect.signature(attribute).parameters
    assert {name: parameters[name].default for name in DEFAULTS} == DEFAULTS
    assert parameters["seed"].default == 0
