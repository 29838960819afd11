"""Averages by role, against traces averaged by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.locate.average import ROLES, roles
from tests.tiny import make_lm

FACTS = [
    ("The capital of Australia is", "Australia"),
    ("The Eiffel Tower is located in the city of", "Eiffel Tower"),
    ("Canberra is", "Canberra"),
]
SETTINGS: dict[str, Any] = {"samples": 2, "sigma": 0.2, "window": 2}


def test_roles_are_those_of_the_paper() -> None:
    lm = make_lm("llama")
    t = iw.causal_trace(lm, FACTS[1][0], subject="Eiffel Tower is", **SETTINGS)
    first, last = t.subject_tokens
    n = len(t.tokens)
    assert last > first + 1
    expected = [-1] * first + [0] + [1] * (last - first - 1) + [2, 3] + [4] * (n - last - 3) + [5]
    assert roles(t) == expected
    one = iw.causal_trace(lm, "The capital of a is", subject="of", **SETTINGS)
    assert roles(one)[one.subject_tokens[1]] == 2  # of a single token: the last is what the paper shows


def test_it_is_the_mean_of_the_traces() -> None:
    lm = make_lm("gpt2")
    average = iw.average_trace(lm, FACTS, kind=["hidden", "mlp"], seed=4, **SETTINGS)
    assert average.kinds == ("hidden", "mlp")
    traces = [
        iw.causal_trace(lm, prompt, subject=subject, kind=["hidden", "mlp"], seed=4 + i, **SETTINGS)
        for i, (prompt, subject) in enumerate(FACTS)
    ]
    for kind in average.kinds:
        last = [t.effects_of(kind)[-1] for t in traces]
        mean, low, high = average.average(kind)
        np.testing.assert_allclose(mean[5], np.mean(last, 0), atol=1e-9)
        half = 1.96 * np.std(last, 0, ddof=1) / np.sqrt(3)
        np.testing.assert_allclose(high[5] - low[5], 2 * half, atol=1e-9)
        middle = [t.effects_of(kind)[np.asarray(roles(t)) == 4].mean(0) for t in traces if 4 in roles(t)]
        np.testing.assert_allclose(mean[4], np.mean(middle, 0), atol=1e-9)
    total = [t.total_effect for t in traces]
    assert average.total_effect[0] == pytest.approx(np.mean(total))
    role, layer, effect, *_ = average.peak("mlp")
    assert average.average("mlp")[0][ROLES.index(role), layer] == pytest.approx(effect)
    assert effect == pytest.approx(np.nanmax(average.average("mlp")[0]))
    assert average.peak("mlp", before=1)[1] == 0


def test_only_facts_that_the_model_gets_right() -> None:
    lm = make_lm("llama")
    prompt, subject = FACTS[0]
    right = lm.next_token(prompt, k=1)[0][0]
    average = iw.average_trace(
        lm, [(prompt, subject, right), (FACTS[1][0], "Eiffel Tower", " Paris"), ("Canberra is", "Sydney")], **SETTINGS
    )
    assert [fact.target for fact in average.facts] == [right]
    assert [fact.subject for fact in average.skipped] == ["Eiffel Tower", "Sydney"]
    assert "is not what the model says" in average.skipped[0].why
    assert "is not in the prompt" in average.skipped[1].why
    assert average.verdict.word == "caution"  # one fact
    assert np.isnan(average.average()[1]).all()  # no interval from one
    with pytest.raises(ArgumentError, match="none of the 1"):
        iw.average_trace(lm, [("Canberra is", "Sydney")], **SETTINGS)


@pytest.mark.parametrize(
    ("facts", "told"),
    [([], "facts is empty"), (["The capital"], r"facts\[0\]='The capital'"), ([("a", "b", "c", "d")], r"facts\[0\]")],
)
def test_bad_input_is_told(facts: Any, told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        iw.average_trace(make_lm("llama"), facts)


def test_shown_saved_and_loaded(tmp_path: Path) -> None:
    lm = make_lm("llama")
    kept: list[Any] = []
    average = iw.average_trace(lm, FACTS, keep=kept.append, **SETTINGS)
    assert [t.text for t in kept] == [prompt for prompt, _ in FACTS]
    again = iw.load_result(average.save(tmp_path / "average.safetensors"))
    assert isinstance(again, iw.AverageTrace)
    np.testing.assert_array_equal(again.by_fact, average.by_fact)
    assert again.facts == average.facts
    frame = average.to_frame()
    assert len(frame) == 3 * len(ROLES) * 3
    bundle = average._repr_mimebundle_()
    role, _, effect, *_ = average.peak()
    for text in (bundle["text/html"], bundle["text/plain"], average.to_html(tmp_path / "page.html")):
        assert f"{effect:.3f}" in text
        assert role in text
    assert len(average.plot().axes) == 3
    with pytest.raises(ArgumentError, match="kind='heads'"):
        average.average("heads")


def test_refused_by_its_cost() -> None:
    lm = make_lm("llama")
    costs: list[Any] = []

    def refuse(cost: Any) -> bool:
        costs.append(cost)
        return False

    with pytest.raises(Cancelled):
        iw.average_trace(lm, FACTS, confirm=refuse, **SETTINGS)
    kinds = ["hidden", "mlp", "attn"]
    single = iw.estimate(iw.causal_trace, lm, FACTS[0][0], subject="Australia", kind=kinds, samples=2)
    assert costs[0].forward_passes > single.forward_passes
