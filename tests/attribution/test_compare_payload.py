"""The comparison as data: agreement in words, ranks, costs, what the methods differ on, and limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import rankdata

from interp_widgets.attribution import compare_payload as module
from interp_widgets.attribution.compare_payload import compare_payload
from interp_widgets.attribution.comparison import ComparisonResult
from interp_widgets.errors import NonFiniteError
from tests.builders import make_comparison, make_emoji_result, make_entry

FIXTURES = Path(__file__).parents[2] / "labextension/src/__tests__/fixtures"


def alone(**changes: Any) -> ComparisonResult:
    """One method only."""
    whole = make_comparison()
    return make_comparison(
        entries=whole.entries[:1], scores=whole.scores[:1], agreement=whole.agreement[:1, :1], **changes
    )


def test_the_question_and_the_agreement() -> None:
    payload = compare_payload(make_comparison())
    assert "".join(part["text"] for part in payload["title"]) == "Why ·Canberra rather than ·Sydney?"
    assert payload["sentence"] == (
        "Rank correlation is lowest, −0.70 between Shapley values and integrated gradients, and highest, 0.90 between "
        "leave-one-out and Shapley values"
    )
    behind = compare_payload(make_comparison(gap=-0.06))
    assert behind["sentence"].startswith("·Sydney leads by 0.060 log-odds; rank correlation")


def test_two_methods_have_one_correlation() -> None:
    whole = make_comparison()
    two = make_comparison(entries=whole.entries[:2], scores=whole.scores[:2], agreement=whole.agreement[:2, :2])
    assert compare_payload(two)["sentence"] == "Rank correlation is 0.90 between leave-one-out and Shapley values"


def test_one_method_alone_has_nothing_to_agree_with() -> None:
    payload = compare_payload(alone())
    assert payload["sentence"] == "One method alone: there is nothing to compare it with"
    assert payload["differ"] == []


def test_equal_scores_have_no_ranks_to_compare() -> None:
    whole = make_comparison()
    agreement = whole.agreement.copy()
    agreement[2, :] = agreement[:, 2] = np.nan
    scores = whole.scores.copy()
    scores[2] = 0
    payload = compare_payload(make_comparison(scores=scores, agreement=agreement))
    assert payload["sentence"].endswith("integrated gradients gives every token the same score")
    assert payload["agreement"][2][0] == {"value": None, "label": "none"}
    assert payload["agreement"][0][1] == {"value": 0.9, "label": "0.90"}
    nothing = compare_payload(make_comparison(scores=np.zeros((3, 5)), agreement=np.full((3, 3), np.nan)))
    assert "no ranks to compare" in nothing["sentence"]
    assert json.dumps(nothing, allow_nan=False)


def test_methods_have_scores_ranks_verdict_and_cost() -> None:
    result = make_comparison()
    methods = compare_payload(result)["methods"]
    assert [method["label"] for method in methods] == ["leave-one-out", "Shapley values", "integrated gradients"]
    assert methods[0]["labels"] == ["+0.06", "+0.42", "−0.08", "+0.90", "−0.35"]
    assert methods[1]["labels"] == ["+0.50", "+2.10", "+0.20", "+4.40", "−1.00"]
    assert methods[0]["scale"] == {"max": 0.9, "label": "0.90", "unit": "log-odds"}
    assert methods[1]["cost"] == "1\u2009200 forward passes, 6.4 s"
    assert methods[2]["verdict"]["word"] == "do not trust"
    for method, row in zip(methods, result.scores, strict=True):
        assert method["ranks"] == rankdata(-row, method="min").tolist()


def test_what_they_differ_on_is_what_the_result_says() -> None:
    result = make_comparison()
    told = compare_payload(result)["differ"]
    assert [token["index"] for token in told] == [token["index"] for token in result.disagreements(3)]
    assert told[0] == {
        "index": 1, "name": "·capital",
        "sentence": "rank 2 by leave-one-out, rank 5 by integrated gradients",
    }  # fmt: skip


def test_a_shared_character_is_one_box_by_every_method() -> None:
    emoji = make_emoji_result()
    scores = np.array([[0.1, 0.4, 0.12, 0.1, -0.5], [1.0, 1.0, 1.0, 1.0, 0.5], [0.0, 0.0, 0.0, 0.0, 1.0]])
    payload = compare_payload(
        make_comparison(
            pieces=["Hi", " 👋", "!"], tokens=emoji.tokens, token_ids=emoji.token_ids, spans=emoji.spans, scores=scores
        )
    )
    assert [box["name"] for box in payload["boxes"]] == ["Hi", "·👋", "!"]
    assert payload["boxes"][1]["parts"] == ["·⟨F0 9F⟩", "⟨91⟩", "⟨8B⟩"]
    assert payload["methods"][0]["labels"][1] == "+0.62"
    assert payload["methods"][0]["parts"] == {"1": ["+0.40", "+0.12", "+0.10"]}
    assert payload["methods"][1]["ranks"] == [2, 1, 3]


def test_the_call_and_what_was_asked() -> None:
    payload = compare_payload(make_comparison(provenance={"seed": 3}))
    assert payload["code"] == (
        "iw.compare(lm, 'The capital of Australia is', target=' Canberra', foil=' Sydney', "
        "methods=['leave_one_out', 'shapley', 'integrated_gradients'], seed=3)"
    )
    assert payload["settings"] == {
        "target": " Canberra", "foil": " Sydney",
        "methods": ["leave_one_out", "shapley", "integrated_gradients"], "function": None, "group": None,
    }  # fmt: skip
    assert payload["provenance"][:3] == ["5 tokens", "1\u2009212 forward passes", "6.6 s"]


def test_of_a_long_prompt_the_end_is_drawn_and_the_rest_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 9)
    result = make_comparison()
    payload = compare_payload(result)
    assert [box["name"] for box in payload["boxes"]] == ["·of", "·Australia", "·is"]
    assert [len(method["scores"]) for method in payload["methods"]] == [3, 3, 3]
    assert payload["rest"] == "The last 3 of 5 tokens are drawn; `result.scores` holds all. Ranks are among all."
    assert payload["methods"][0]["ranks"] == rankdata(-result.scores[0], method="min").tolist()[2:]
    assert [token["index"] for token in payload["differ"]] == [None, 0, 1]


def test_it_stays_small() -> None:
    pieces = [f" word{i}" for i in range(1024)]
    scores = np.random.default_rng(0).normal(size=(9, 1024))
    entries = tuple(make_entry(f"method_{i}") for i in range(9))
    payload = compare_payload(make_comparison(pieces=pieces, scores=scores, entries=entries, agreement=np.eye(9)))
    assert sum(len(method["scores"]) for method in payload["methods"]) <= module.MOST
    assert len(json.dumps(payload)) < 300_000


def test_the_view_is_tested_with_it() -> None:
    """The fixture of the browser side is what Python makes today."""
    held = json.loads((FIXTURES / "compare.json").read_text("utf-8"))
    assert held == compare_payload(make_comparison())


def test_nan_has_no_picture() -> None:
    scores = make_comparison().scores.copy()
    scores[1, 2] = np.nan
    with pytest.raises(NonFiniteError):
        compare_payload(make_comparison(scores=scores))


def test_a_prompt_of_nothing() -> None:
    payload = compare_payload(make_comparison(pieces=[], scores=np.zeros((3, 0))))
    assert payload["boxes"] == []
    assert payload["methods"][0]["scale"]["max"] == 0
