"""Completeness, comprehensiveness and sufficiency against random orders, and the word that follows from them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import interp_widgets as iw
from interp_widgets.attribution.diagnostics import (
    PARTS,
    TEST_DRAW,
    TEST_WAYS,
    Faithfulness,
    WayTest,
    completeness_error,
    counts,
    deletions,
    faithfulness,
    rank_correlation,
    rows_of_test,
    stability,
)
from interp_widgets.attribution.integrated_gradients import baseline_ids
from interp_widgets.attribution.job import PAIRS
from interp_widgets.attribution.perturbation import Perturber
from interp_widgets.attribution.verdicts import CAUTION_ERROR, STABLE, TRUST_ERROR, TRUST_MARGIN, verdict
from tests.attribution.formulas import LONG, PROMPT, asked, by_path
from tests.tiny import make_lm

DOUBLE = torch.float64


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("gpt_neox", dtype=DOUBLE)


class Additive:
    """Answers as a perturber does, for a number that is a sum of one worth for each token."""

    def __init__(self, worths: Any) -> None:
        self.worths = np.asarray(worths, dtype=float)
        self.question = SimpleNamespace(value=float(self.worths.sum()))
        self.asked: list[tuple[str, int]] = []

    def without(self, gone: Any, way: str, draw: int = 0) -> Any:
        self.asked.append((way, draw))
        return (~gone) @ self.worths


# Completeness


def test_the_error_is_relative_to_what_is_due() -> None:
    assert completeness_error(np.array([1.0, 2.0]), 3.0) == 0
    assert completeness_error(np.array([1.0, 2.0]), 2.0) == pytest.approx(0.5)
    assert completeness_error(np.array([-1.0, -2.0]), -2.0) == pytest.approx(0.5)
    assert completeness_error(np.array([1.0, 2.0]), -3.0) == pytest.approx(2)


def test_a_vanishing_due_is_measured_against_the_scores() -> None:
    scores = np.array([5.0, -5.0 + 1e-9])
    assert completeness_error(scores, 0.0) < 1e-7
    assert completeness_error(np.array([5.0, -4.0]), 0.0) == pytest.approx(1 / 0.09)
    assert completeness_error(np.zeros(3), 0.0) == 0


# What is deleted


@given(units=st.integers(1, 300))
def test_k_lies_between_one_and_all_but_one(units: int) -> None:
    ks = counts(units)
    assert ks == sorted(set(ks))
    assert all(1 <= k < units for k in ks)
    assert bool(ks) == (units > 1)
    if units >= 20:
        assert ks == [round(units * part) for part in PARTS]


def test_the_first_of_an_order_go_then_only_they_stay() -> None:
    gone = deletions(np.array([[2, 0, 1, 3], [3, 1, 0, 2]]), [1, 3])
    assert gone.shape == (2, 2, 2, 4)
    assert gone[0, 0].astype(int).tolist() == [[0, 0, 1, 0], [1, 1, 1, 0]]
    assert gone[1, 0].astype(int).tolist() == [[0, 0, 0, 1], [1, 1, 0, 1]]
    assert np.array_equal(gone[:, 1], ~gone[:, 0])


# Quality


@pytest.mark.parametrize("pairs", [1, 2, 5])
def test_a_planted_order_has_the_quality_of_the_closed_form(pairs: int) -> None:
    """Of an additive number both differences are sums of worths: those of the k highest, and those of the rest."""
    worths = np.array([3.0, -1.0, 0.5, 7.0, 2.0, 0.0, -4.0, 1.0])
    n, total = len(worths), worths.sum()
    told: Any = Additive(worths)
    found = faithfulness(told, worths, np.eye(n, dtype=bool), seed=3, pairs=pairs)
    assert found is not None
    best = np.sort(worths)[::-1]
    ks = counts(n)
    assert ks == [1, 2, 4]
    taken = np.array([best[:k].sum() for k in ks])
    chance = np.random.default_rng(3)
    qualities = []
    for _ in range(pairs):
        order = chance.permutation(n)
        both = [np.mean([2 * worths[o[:k]].sum() - total for k in ks]) for o in (order, order[::-1])]
        qualities.append(np.mean(both))
    assert [test.way for test in found.ways] == list(TEST_WAYS)
    for test in found.ways:
        assert test.comprehensiveness == pytest.approx(taken.mean())
        assert test.sufficiency == pytest.approx((total - taken).mean())
        assert test.quality == pytest.approx((2 * taken - total).mean())
        assert test.random == pytest.approx(np.mean(qualities))
        assert test.margin == pytest.approx(test.quality - np.mean(qualities))
        if pairs == 1:
            assert np.isnan(test.random_error)
        else:
            assert test.random_error == pytest.approx(np.std(qualities, ddof=1) / np.sqrt(pairs))
    assert {draw for _, draw in told.asked} == {TEST_DRAW}
    assert found.numbers()["quality"] == pytest.approx((2 * taken - total).mean())
    assert {f"margin_{way}" for way in TEST_WAYS} <= set(found.numbers())


@given(worths=st.lists(st.integers(-9, 9).map(float), min_size=2, max_size=12), seed=st.integers(0, 50))
def test_no_order_beats_that_of_the_worths_themselves(worths: list[float], seed: int) -> None:
    told: Any = Additive(worths)
    member = np.eye(len(worths), dtype=bool)
    best = faithfulness(told, np.asarray(worths), member, seed=0, pairs=2)
    other = faithfulness(told, np.random.default_rng(seed).normal(size=len(worths)), member, seed=0, pairs=2)
    assert best is not None
    assert other is not None
    assert best.quality >= other.quality - 1e-9
    assert best.margin >= -1e-9
    assert best.random == pytest.approx(other.random)


def test_an_order_and_its_reverse_cancel_where_half_is_deleted() -> None:
    told: Any = Additive([5.0, 1.0, -2.0, 8.0])
    found = faithfulness(told, np.arange(4.0), np.eye(4, dtype=bool), seed=0, pairs=3, parts=(0.5,))
    assert found is not None
    assert found.random == pytest.approx(0, abs=1e-12)
    assert found.ways[0].random_error == pytest.approx(0, abs=1e-12)


def test_units_are_deleted_as_one() -> None:
    member = np.array([[1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 1]], dtype=bool)
    worths = np.array([1.0, 2.0, 10.0, -1.0, 0.5])
    told: Any = Additive(worths)
    found = faithfulness(told, member @ worths, member, seed=0, pairs=1, parts=(1 / 3,))
    assert found is not None
    assert found.ways[0].comprehensiveness == pytest.approx(10)
    assert found.ways[0].sufficiency == pytest.approx(2.5)


def test_the_margin_is_that_of_the_worst_way() -> None:
    found = Faithfulness((WayTest("eos", 5.0, 1.0, 0.5, 0.1), WayTest("mask", 2.0, 1.0, 0.8, 0.1)), pairs=2)
    assert found.quality == pytest.approx(2.5)
    assert found.random == pytest.approx(0.65)
    assert found.margin == pytest.approx(0.2)


@pytest.mark.parametrize("prompt", [PROMPT, LONG, "The capital"])
def test_the_test_equals_brute_force_over_the_plain_model(lm: Any, prompt: str) -> None:
    """One prompt at a time, with end-of-text in the place of what is deleted."""
    question = asked(lm, prompt)
    ids, target = question.prompt.ids, int(question.target_ids[0])
    n = len(ids)
    scores = np.random.default_rng(3).normal(size=n)
    perturber = Perturber(question)
    found = faithfulness(perturber, scores, np.eye(n, dtype=bool), seed=5, pairs=2, ways=("eos",))
    assert found is not None

    def number(gone: Any) -> float:
        row = np.where(np.isin(np.arange(n), gone), 1, ids)  # </s>
        with torch.no_grad():
            return float(lm.model(input_ids=torch.tensor(row)[None]).logits[0, -1, target])

    chance = np.random.default_rng(5)
    drawn = [chance.permutation(n) for _ in range(2)]
    qualities = []
    for order in [np.argsort(-scores), *(o for one in drawn for o in (one, one[::-1]))]:
        qualities.append(np.mean([number(order[k:]) - number(order[:k]) for k in counts(n)]))
    assert found.quality == pytest.approx(qualities[0], abs=1e-9)
    assert found.random == pytest.approx(np.mean(qualities[1:]), abs=1e-9)
    assert 0 < perturber.rows <= rows_of_test(n, 2, ("eos",))


def test_the_seed_decides_random_orders_and_tokens(lm: Any) -> None:
    first, again, other = (by_path(lm, LONG, " Canberra", baseline="eos", seed=seed) for seed in (0, 0, 1))
    assert first.diagnostics == again.diagnostics
    assert first.diagnostics["quality_random"] != other.diagnostics["quality_random"]
    assert first.diagnostics["margin_mask"] != other.diagnostics["margin_mask"], "no token stands there: other orders"
    assert np.array_equal(first.scores, other.scores)
    assert (first.provenance.seed, other.provenance.seed) == (0, 1)


def test_a_single_unit_has_no_order(lm: Any) -> None:
    told: Any = Additive([3.0])
    assert faithfulness(told, np.ones(1), np.ones((1, 1), dtype=bool), seed=0, pairs=2) is None
    assert told.asked == []
    assert rows_of_test(1, 2) == 0
    result = iw.attribute(lm, "The", method="leave_one_out")
    assert len(result.scores) == 1
    assert result.verdict.word == "caution"
    assert "only one unit" in result.verdict.sentence
    assert not any(name.startswith(("margin", "quality")) for name in result.diagnostics)


def test_a_baseline_of_text_is_tested_with_its_own_tokens(lm: Any) -> None:
    text = "text:The Eiffel Tower is located"
    result = by_path(lm, PROMPT, " Canberra", baseline=text)
    assert {name for name in result.diagnostics if name.startswith("margin")} == {"margin_baseline"}
    question = asked(lm, PROMPT, " Canberra", function="log-probability")
    perturber = Perturber(question)
    perturber.add_way("theirs", baseline_ids(lm, len(question.prompt), text)[0])
    n = len(result.scores)
    found = faithfulness(perturber, result.scores, np.eye(n, dtype=bool), seed=1, pairs=PAIRS, ways=("theirs",))
    assert found is not None
    assert result.diagnostics["quality"] == pytest.approx(found.quality, abs=1e-9)
    assert result.diagnostics["quality_random"] == pytest.approx(found.random, abs=1e-9)


def test_rank_correlation_is_spearmans() -> None:
    from scipy.stats import spearmanr

    chance = np.random.default_rng(0)
    one, other = chance.integers(0, 5, 30).astype(float), chance.integers(0, 5, 30).astype(float)
    assert rank_correlation(one, other) == pytest.approx(float(spearmanr(one, other)[0]))
    assert rank_correlation(one, np.exp(one)) == pytest.approx(1)
    assert rank_correlation(one, -one) == pytest.approx(-1)
    assert np.isnan(rank_correlation(one, np.zeros(30)))
    assert np.isnan(rank_correlation(one[:1], other[:1]))


# The word


def a_test(margin: float, *others: float) -> Faithfulness:
    """A test whose order stands this far above random order, in one way of deleting or several."""
    return Faithfulness(tuple(WayTest(f"way {i}", m + 1.0, 0.5, 0.5, 0.1) for i, m in enumerate((margin, *others))), 2)


def judged(error: float | None, test: Faithfulness | None, stability: float | None = None) -> Any:
    due = None if error is None else 10.0
    return verdict(
        label="this method",
        unit="logit",
        tested_unit="log-probability",
        total=10.0 * (1 + (error or 0.0)),
        due=due,
        error=error,
        test=test,
        stability=stability,
        advice=["use something else"],
    )


TINY = 1e-9


@pytest.mark.parametrize(
    ("error", "margin", "stability", "expected"),
    [
        (None, TRUST_MARGIN + TINY, None, "trust"),
        (0.0, TRUST_MARGIN + TINY, STABLE, "trust"),
        (TRUST_ERROR, TRUST_MARGIN + TINY, None, "trust"),
        (TRUST_ERROR + TINY, TRUST_MARGIN + TINY, None, "caution"),
        (None, TRUST_MARGIN - 1e-6, None, "caution"),
        (None, TRUST_MARGIN + TINY, STABLE - 1e-6, "caution"),
        (None, TRUST_MARGIN + TINY, float("nan"), "caution"),
        (CAUTION_ERROR, TRUST_MARGIN + TINY, None, "caution"),
        (CAUTION_ERROR + TINY, 100.0, 1.0, "do not trust"),
        (None, 1e-6, None, "caution"),
        (None, 0.0, None, "do not trust"),
        (0.0, -5.0, 1.0, "do not trust"),
    ],
)
def test_thresholds(error: float | None, margin: float, stability: float | None, expected: str) -> None:
    said = judged(error, a_test(margin), stability)
    assert said.word == expected
    assert bool(said.why) == (expected != "trust")
    both = judged(error, a_test(margin, margin + 1.0), stability).word
    assert both == ("caution" if expected == "do not trust" and -1 < margin <= 0 else expected), "the worst way counts"


def test_an_order_that_fails_in_one_way_of_deleting_is_no_worse_than_doubtful() -> None:
    assert judged(None, a_test(100.0, -1.0)).word == "caution"
    assert judged(None, a_test(1.0, -3.0)).word == "do not trust", "on average it does not beat random order"
    assert judged(None, a_test(-0.1, -0.1)).word == "do not trust"


def test_without_an_order_there_is_no_trust_and_a_broken_promise_needs_no_test() -> None:
    assert judged(None, None).word == judged(0.0, None).word == "caution"
    assert judged(0.5, None).word == "do not trust"


def test_sentences_name_the_numbers() -> None:
    failed = judged(5 / 16, None).sentence
    assert failed.startswith("scores sum to +13.1, where +10.0 logit is due (off by 31%)")
    assert "does not keep its promise" in failed
    assert "off by a factor of 117" in judged(117.0, None).sentence
    chance = judged(0.0, a_test(-0.5)).sentence
    assert chance.startswith("quality 0.00, random order +0.50") or chance.startswith("quality +0.00, random order")
    assert "no better than chance" in chance
    assert "scores sum to +10.0" in judged(0.0, a_test(9.0)).sentence
    assert "log-probability" in chance, "quality is in the unit of the test"


def test_each_word_follows_from_what_the_result_itself_says() -> None:
    seen = set()
    for family in ("gpt2", "gpt_neox", "llama", "qwen2", "gemma2"):
        for method in ("integrated_gradients", "leave_one_out", "gradient_x_input", "shapley"):
            result = iw.attribute(make_lm(family), PROMPT, method=method, baseline="eos")
            d = result.diagnostics
            error, margin = d.get("completeness_error"), min(v for k, v in d.items() if k.startswith("margin_"))
            if (error is not None and error > CAUTION_ERROR) or d["quality"] <= d["quality_random"]:
                expected = "do not trust"
            elif margin >= TRUST_MARGIN and (error is None or error <= TRUST_ERROR):
                expected = "trust"
            else:
                expected = "caution"
            assert result.verdict.word == expected, (family, method)
            seen.add(expected)
    assert {"caution", "do not trust"} <= seen


@pytest.mark.parametrize(("method", "samples"), [("shapley", 12), ("lime", 200)])
def test_sampling_methods_say_how_stable_they_are(method: str, samples: int) -> None:
    result = iw.attribute(make_lm("llama"), LONG, method=method, samples=samples)
    assert -1 <= result.diagnostics["stability"] <= 1


def test_stability_of_halves() -> None:
    one = np.arange(6.0)
    assert stability(one, one) == pytest.approx(1.0)
    assert stability(one, -one) == pytest.approx(-1.0)
    other = np.asarray([1.0, 0.0, 3.0, 2.0, 5.0, 4.0])
    r = rank_correlation(one, other)
    assert stability(one, other) == pytest.approx(2 * r / (1 + r))
    assert np.isnan(stability(one, np.zeros(6)))
