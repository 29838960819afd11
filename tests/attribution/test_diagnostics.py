"""Completeness, deletion, and the word that follows from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.attribution.diagnostics import (
    BEATS_RANDOM,
    CAUTION_ERROR,
    RANDOM_ORDERS,
    TRUST_ERROR,
    Deletion,
    completeness_error,
    deletion,
    deletion_rows,
    evaluate,
    filler,
    verdict_of_path,
)
from interp_widgets.attribution.target import Question
from interp_widgets.errors import NonFiniteError
from tests.attribution.formulas import LONG, PROMPT, asked
from tests.tiny import make_lm

DOUBLE = torch.float64


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("gpt_neox", dtype=DOUBLE)


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


# Deletion


def by_hand(question: Question, scores: Any, seed: int) -> tuple[float, list[float]]:
    """One prompt at a time, with the plain model."""
    lm, ids = question.lm, question.prompt.ids
    target = int(question.target_ids[0])
    with torch.no_grad():

        def number(row: Any) -> float:
            return float(lm.model(input_ids=torch.tensor(row)[None]).logits[0, -1, target])

        n = len(ids)
        ks = sorted({max(1, round(n * part)) for part in (0.1, 0.2, 0.3, 0.4, 0.5)})
        chance = np.random.default_rng(seed)
        drops = []
        for order in [np.argsort(-scores, kind="stable"), *(chance.permutation(n) for _ in range(RANDOM_ORDERS))]:
            falls = []
            for k in ks:
                row = np.array(ids)
                row[order[:k]] = 1  # </s>
                falls.append(number(ids) - number(row))
            drops.append(float(np.mean(falls)))
    return drops[0], drops[1:]


@pytest.mark.parametrize("prompt", [PROMPT, LONG, "The", "The capital"])
@pytest.mark.parametrize("batch_size", [1, 64])
def test_deletion_equals_brute_force(lm: Any, prompt: str, batch_size: int) -> None:
    question = asked(lm, prompt)
    scores = np.random.default_rng(3).normal(size=len(question.prompt))
    told: list[int] = []
    test = deletion(question, scores, seed=5, batch_size=batch_size, advance=told.append)
    drop, others = by_hand(question, scores, 5)
    assert test.drop == pytest.approx(drop, abs=1e-10)
    assert test.random_mean == pytest.approx(np.mean(others), abs=1e-10)
    assert test.random_deviation == pytest.approx(np.std(others), abs=1e-10)
    assert test.random_best == pytest.approx(max(others), abs=1e-10)
    assert 0 < test.forward_passes <= deletion_rows(len(question.prompt))
    assert told[-1] == test.forward_passes
    assert told == sorted(told)


def test_the_seed_decides_the_random_orders(lm: Any) -> None:
    first, again, other = (iw.attribute(lm, LONG, " Canberra", baseline="eos", seed=seed) for seed in (0, 0, 1))
    assert first.diagnostics == again.diagnostics
    assert first.diagnostics["deletion_drop_random"] != other.diagnostics["deletion_drop_random"]
    assert first.diagnostics["deletion_drop"] == pytest.approx(other.diagnostics["deletion_drop"], abs=1e-12)
    assert np.array_equal(first.scores, other.scores)
    assert (first.provenance.seed, other.provenance.seed) == (0, 1)


def test_equal_rows_are_evaluated_once_and_cannot_differ(lm: Any) -> None:
    question = asked(lm, "The")
    assert len(question.prompt) == 1
    test = deletion(question, np.array([1.0]), seed=0, batch_size=4)
    assert test.forward_passes == 1
    assert test.random_deviation == pytest.approx(0, abs=1e-15)
    assert not test.like_chance


def test_deletion_takes_two_passes_a_row_for_a_foil_of_several_tokens(lm: Any) -> None:
    one, two = (asked(lm, LONG, " Canberra", foil) for foil in (42, " Sydney and"))
    scores = np.arange(len(one.prompt), dtype=float)
    passes = [deletion(q, scores, seed=0, batch_size=8).forward_passes for q in (one, two)]
    assert passes[1] == 2 * passes[0]


def test_what_stands_for_a_deleted_token() -> None:
    lm = make_lm("llama")
    assert filler(lm) == 1
    lm.tokenizer.eos_token = None
    assert filler(lm) == 0
    lm.tokenizer.pad_token = "!"
    assert filler(lm) == lm.tokenizer.convert_tokens_to_ids("!")


def test_a_number_that_is_not_finite_is_no_measurement(lm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    question = asked(lm)
    monkeypatch.setattr(Question, "values", lambda self, embeds: torch.full((len(embeds),), torch.nan))
    with pytest.raises(NonFiniteError, match="when tokens are deleted"):
        evaluate(question, question.prompt.ids[None], batch_size=1)


# The word


def a_test(z: float, *, drop: float = 2.0, best: float = 9.0) -> Deletion:
    """A deletion test whose order stands `z` deviations above chance."""
    return Deletion(drop, drop - z, 1.0, best, forward_passes=0, batch_size=1)


def word(error: float, test: Deletion | None) -> str:
    return verdict_of_path(10 * (1 + error), 10.0, error, test, "logit", ["use something else"]).word


@pytest.mark.parametrize(
    ("error", "z", "expected"),
    [
        (0.0, BEATS_RANDOM, "trust"),
        (TRUST_ERROR, BEATS_RANDOM, "trust"),
        (TRUST_ERROR + 1e-9, BEATS_RANDOM, "caution"),
        (0.0, BEATS_RANDOM - 1e-6, "caution"),
        (0.0, BEATS_RANDOM / 2, "caution"),
        (0.0, BEATS_RANDOM / 2 - 1e-6, "do not trust"),
        (0.0, -5.0, "do not trust"),
        (CAUTION_ERROR, 100.0, "caution"),
        (CAUTION_ERROR + 1e-9, 100.0, "do not trust"),
    ],
)
def test_thresholds(error: float, z: float, expected: str) -> None:
    assert word(error, a_test(z)) == expected


def test_an_integral_that_has_not_converged_needs_no_test() -> None:
    assert word(0.5, None) == "do not trust"


def test_an_order_as_good_as_the_best_of_all_is_not_called_chance() -> None:
    assert word(0.0, a_test(0.5, drop=2.0, best=2.0)) == "caution"
    assert word(0.0, a_test(0.5, drop=2.0, best=2.1)) == "do not trust"


def test_sentences_name_both_numbers() -> None:
    def sentence(total: float, due: float, error: float, test: Deletion | None) -> str:
        return verdict_of_path(total, due, error, test, "logit", []).sentence

    failed = sentence(21.0, 16.0, 5 / 16, None)
    assert failed.startswith("scores sum to +21.0, where +16.0 logit is due (off by 31%)")
    assert failed.endswith("the path integral has not converged")
    assert "off by a factor of 117" in sentence(1865.0, 16.0, 117.0, None)
    assert "−0.06" in sentence(21.4, -0.0581, 62.0, None).replace("−0.058", "−0.06")
    chance = sentence(10.0, 10.0, 0.0, a_test(0.0, drop=1.5))
    assert "moves the logit by −1.50, random order by −1.50; the order is no better than chance" in chance
    assert "scores sum to +10.0" in sentence(10.0, 10.0, 0.0, a_test(3.0))


def test_each_word_from_real_runs() -> None:
    """Tiny random models for which the measurements themselves say so."""
    seen = {}
    for family in ("gpt2", "gpt_neox", "llama", "qwen2", "gemma2"):
        for baseline in ("zero", "eos"):
            result = iw.attribute(make_lm(family, dtype=DOUBLE), LONG, baseline=baseline)
            d = result.diagnostics
            if "deletion_z" not in d:
                expected = "do not trust"
                assert d["completeness_error"] > CAUTION_ERROR
                assert "has not converged" in result.verdict.sentence
            elif d["deletion_z"] < BEATS_RANDOM / 2:
                expected = "do not trust"
            elif d["deletion_z"] >= BEATS_RANDOM and d["completeness_error"] <= TRUST_ERROR:
                expected = "trust"
            else:
                expected = "caution"
            assert result.verdict.word == expected
            assert bool(result.verdict.why) == (expected != "trust")
            seen[expected] = True
    assert set(seen) == {"trust", "caution", "do not trust"}
