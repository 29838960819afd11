"""Several methods on one question: the parts are what each says alone, and what cannot be compared is refused."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import interp_widgets as iw
from interp_widgets.attribution.compare import METHODS, side_by_side, subtract
from interp_widgets.attribution.diagnostics import rank_correlation
from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.results.cost import Cost
from interp_widgets.results.provenance import Verdict
from tests.attribution.formulas import LONG, PROMPT
from tests.attribution.test_api import rows_counted
from tests.builders import DO_NOT_TRUST, TRUST, make_comparison, make_result
from tests.tiny import make_lm

SOME = ["leave_one_out", "relevance", "shapley"]


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama")


def test_each_row_is_what_the_method_says_alone(lm: Any) -> None:
    together = iw.compare(lm, PROMPT, 5, 7, methods=SOME)
    assert together.methods == tuple(together) == tuple(SOME)
    assert len(together) == 3
    for method, scores in zip(SOME, together.scores, strict=True):
        alone = iw.attribute(lm, PROMPT, 5, 7, method)
        np.testing.assert_allclose(scores, alone.scores, rtol=1e-9, atol=1e-9)
        part = together[method]
        assert np.array_equal(part.scores, scores)
        for name in ("text", "tokens", "target", "foil", "function", "unit", "settings", "verdict", "method", "gap"):
            assert getattr(part, name) == getattr(alone, name), name
        assert part.diagnostics == pytest.approx(alone.diagnostics)
        assert part.forward_passes == alone.forward_passes
    assert together.forward_passes == sum(part.forward_passes for part in together.results)


def test_agreement_is_the_rank_correlation_of_the_rows(lm: Any) -> None:
    together = iw.compare(lm, LONG, 5, 7, methods=SOME, samples=20)
    for i in range(3):
        for j in range(3):
            expected = 1.0 if i == j else rank_correlation(together.scores[i], together.scores[j])
            assert together.agreement[i, j] == pytest.approx(expected)


def test_disagreements_are_the_tokens_whose_ranks_lie_furthest_apart() -> None:
    rows = np.array([[4.0, 3.0, 2.0, 1.0, 0.0], [4.0, 0.0, 2.0, 3.0, 1.0], [4.0, 3.0, 2.0, 1.0, 0.0]])
    found = make_comparison(scores=rows).disagreements(2)
    assert [(one["index"], list(one["ranks"].values())) for one in found] == [(1, [2, 5, 2]), (3, [4, 2, 4])]
    assert len(make_comparison(scores=rows).disagreements(99)) == 3, "where all agree there is nothing to show"
    with pytest.raises(ArgumentError, match="k=0"):
        make_comparison().disagreements(0)


def test_the_defaults_are_methods_that_there_are(lm: Any) -> None:
    names = {"auto", *(method["name"] for method in iw.attribution_methods())}
    assert set(METHODS) <= names
    assert len(iw.compare(lm, "The capital", steps=3).methods) >= 2


def test_names_that_mean_the_same_are_one(lm: Any) -> None:
    auto = iw.attribute(lm, PROMPT, 5, 7).method
    together = iw.compare(lm, PROMPT, 5, 7, methods=["auto", auto, "relevance", "relevance", "saliency"])
    assert len(together) == len(set(together.methods))


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ([], "at least two"),
        (["lime"], "at least two different"),
        (["lime", "lime"], "at least two different"),
        ("lime", "a list of at least two names"),
        (3, "a list of at least two names"),
        (["lime", "limes"], "Did you mean 'lime'"),
    ],
)
def test_too_few_or_unknown_methods(lm: Any, methods: Any, message: str) -> None:
    with rows_counted(lm) as rows, pytest.raises(ArgumentError) as caught:
        iw.compare(lm, PROMPT, methods=methods)
    assert message in str(caught.value)
    assert rows == []


def test_an_unknown_setting_is_named(lm: Any) -> None:
    with pytest.raises(ArgumentError, match="compare has no stepz"):
        iw.compare(lm, PROMPT, stepz=3)


def test_the_cost_is_the_sum_and_consent_is_asked_once(lm: Any) -> None:
    asked: dict[str, Any] = {"methods": SOME, "samples": 10}
    whole = iw.estimate(iw.compare, lm, LONG, 5, 7, **asked)
    parts = [iw.estimate(iw.attribute, lm, LONG, 5, 7, name, samples=10) for name in SOME]
    assert whole.forward_passes == sum(cost.forward_passes for cost in parts)
    assert whole.further_passes == sum(cost.further_passes for cost in parts)
    assert whole.bytes == max(cost.bytes for cost in parts)
    shown: list[Cost] = []

    def agree(cost: Cost) -> bool:
        shown.append(cost)
        return True

    together = iw.compare(lm, LONG, 5, 7, confirm=agree, **asked)
    assert len(shown) == 1
    assert together.forward_passes <= whole.forward_passes + whole.further_passes
    with pytest.raises(Cancelled, match="nothing was computed"):
        iw.compare(lm, LONG, 5, 7, confirm=lambda cost: False, **asked)


def test_progress_goes_forward_and_cancel_stops(lm: Any) -> None:
    told: list[tuple[int, int, str]] = []
    iw.compare(lm, PROMPT, 5, 7, methods=SOME, progress=lambda *news: told.append(news))
    done = [news[0] for news in told]
    assert done == sorted(done)
    assert done[-1] == told[-1][1]
    assert len({text.partition(":")[0] for _, _, text in told}) == len(SOME)
    flag = threading.Event()
    flag.set()
    with pytest.raises(Cancelled):
        iw.compare(lm, PROMPT, cancel=flag)


def test_all_rows_see_one_state_of_the_model(lm: Any) -> None:
    model = make_lm("gpt2")
    model.ledger.add(iw.Ablation(layer=1, site="mlp_out"), name="off")

    def change(done: int, total: int, text: str) -> None:
        if "off" in model.ledger:
            model.ledger.clear()

    together = iw.compare(model, PROMPT, 5, 7, methods=["saliency", "leave_one_out"], progress=change)
    model.ledger.add(iw.Ablation(layer=1, site="mlp_out"), name="off")
    alone = iw.attribute(model, PROMPT, 5, 7, "leave_one_out")
    np.testing.assert_allclose(together["leave_one_out"].scores, alone.scores, atol=1e-9)
    assert together.provenance.interventions == ("off",)


def test_saved_and_loaded_it_is_the_same(lm: Any, tmp_path: Any) -> None:
    together = iw.compare(lm, PROMPT, 5, 7, methods=SOME, group="word")
    together.save(tmp_path / "c.safetensors")
    again: Any = iw.load_result(tmp_path / "c.safetensors")
    assert again.entries == together.entries
    assert again.provenance == together.provenance
    assert np.array_equal(again.scores, together.scores)
    assert np.array_equal(again.agreement, together.agreement)
    assert str(again["shapley"]) == str(together["shapley"])


def test_a_method_that_is_not_there_is_named() -> None:
    with pytest.raises(ArgumentError, match="method="):
        make_comparison()["lime"]


# Results put together, and taken from each other


@pytest.mark.parametrize("change", [{"target": " Paris"}, {"foil": None}, {"function": "logit"}, {"unit": "nats"}])
def test_results_of_different_questions_are_not_put_together(change: dict[str, Any]) -> None:
    one, other = make_result(), replace(make_result(method="shapley"), **change)
    for act in (lambda: side_by_side([one, other]), lambda: one - other):
        with pytest.raises(ArgumentError, match=f"different questions: their {next(iter(change))}"):
            act()


def test_side_by_side_takes_two_of_different_methods() -> None:
    one, other = make_result(method="saliency"), make_result(method="shapley")
    assert side_by_side([one, other]).methods == ("saliency", "shapley")
    with pytest.raises(ArgumentError, match="at least two"):
        side_by_side([one])
    with pytest.raises(ArgumentError, match="subtract one from the other"):
        side_by_side([one, make_result(method="saliency")])


def test_a_difference_has_the_worse_verdict_and_its_own_interval() -> None:
    interval = np.stack([np.zeros(5), np.full(5, 2.0)], axis=1)
    wide = np.stack([np.full(5, -3.0), np.full(5, 1.0)], axis=1)
    one = make_result(method="shapley", verdict=TRUST, interval=interval)
    other = make_result(method="lime", verdict=DO_NOT_TRUST, scores=np.arange(5.0), interval=wide)
    both = one - other
    assert np.array_equal(both.scores, one.scores - np.arange(5.0))
    assert both.verdict.word == "do not trust"
    assert DO_NOT_TRUST.sentence in both.verdict.sentence
    assert both.method == "shapley - lime"
    assert both.diagnostics["agreement"] == pytest.approx(rank_correlation(one.scores, np.arange(5.0)))
    assert both.forward_passes == one.forward_passes + other.forward_passes
    assert both.interval is not None
    np.testing.assert_allclose(both.interval.mean(1), 1 + 1)
    np.testing.assert_allclose(np.ptp(both.interval, axis=1), 2 * np.hypot(1, 2))
    caution = replace(other, verdict=Verdict("caution", "perhaps"))
    assert subtract(caution, one).verdict.word == "caution"
    assert (one - make_result(method="lime")).interval is None
    number: Any = 3
    with pytest.raises(TypeError):
        one - number


def test_two_states_of_a_model_can_be_taken_from_each_other(lm: Any, tmp_path: Any) -> None:
    before = iw.attribute(lm, PROMPT, 5, 7, "leave_one_out")
    with lm.using(iw.Ablation(layer=1, head=0)):
        after = iw.attribute(lm, PROMPT, 5, 7, "leave_one_out")
    change = after - before
    assert np.array_equal(change.scores, after.scores - before.scores)
    assert np.abs(change.scores).max() > 0
    change.save(tmp_path / "d.safetensors")
    again: Any = iw.load_result(tmp_path / "d.safetensors")
    assert again.method == "leave_one_out - leave_one_out"
    assert np.array_equal(again.scores, change.scores)
