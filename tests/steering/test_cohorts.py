"""Cohorts by a stable hash: the same everywhere, in their shares; and what the comparison of their outcomes says."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp_widgets.errors import ArgumentError
from interp_widgets.steering.cohorts import Experiment, compare_cohorts

IDS = st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable()) | st.integers(0, 10**12)
PARTS = st.lists(st.integers(0, 20), min_size=1, max_size=5).filter(any)


def shares_of(parts: list[int]) -> dict[str, float]:
    return {f"cohort {i}": part / sum(parts) for i, part in enumerate(parts)}


def test_the_place_is_what_anybody_computes_from_the_definition() -> None:
    digest = hashlib.sha256(b"tone-2026\0user-17").digest()
    assert Experiment("tone-2026").place("user-17") * 2**64 == int.from_bytes(digest[:8], "big")
    known = {user: Experiment("tone-2026").assign(user) for user in ("anna", "ben", "chloé", 7, "7")}
    assert known == {"anna": "B", "ben": "B", "chloé": "B", 7: "A", "7": "A"}


def test_another_process_assigns_alike() -> None:
    """Whatever PYTHONHASHSEED is."""
    code = (
        "from interp_widgets.steering.cohorts import Experiment\n"
        "print(''.join(Experiment('tone').assign(i) for i in range(200)))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1")
    }
    assert texts == {"".join(Experiment("tone").assign(i) for i in range(200)) + "\n"}


@given(name=st.text(min_size=1).filter(lambda text: "\0" not in text and text.isprintable()), user=IDS, parts=PARTS)
def test_everybody_is_in_one_cohort_with_a_share_and_stays_there(name: str, user: Any, parts: list[int]) -> None:
    experiment = Experiment(name, shares_of(parts))
    cohort = experiment.assign(user)
    assert experiment.shares[cohort] > 0
    assert Experiment(name, shares_of(parts)).assign(user) == cohort
    assert 0 <= experiment.place(user) < 1


@given(parts=PARTS)
def test_cohorts_are_as_large_as_their_shares(parts: list[int]) -> None:
    count = 2_000
    experiment = Experiment("sizes", shares_of(parts))
    assigned = [experiment.assign(user) for user in range(count)]
    for cohort, share in experiment.shares.items():
        spread = np.sqrt(count * share * (1 - share))
        assert abs(assigned.count(cohort) - count * share) <= 4.5 * spread + 1e-6


@given(one=st.floats(0, 1), other=st.floats(0, 1), user=IDS)
def test_nobody_leaves_a_share_that_grows(one: float, other: float, user: Any) -> None:
    small, large = (Experiment("grow", {"new": share, "old": 1 - share}) for share in sorted([one, other]))
    if small.assign(user) == "new":
        assert large.assign(user) == "new"


def test_experiments_are_independent() -> None:
    one, other = (np.array([Experiment(name).assign(i) == "A" for i in range(4_000)]) for name in ("x", "y"))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.06


@pytest.mark.parametrize("name", ["", None, "a\0b", 3])
def test_a_name_is_needed(name: Any) -> None:
    with pytest.raises(ArgumentError, match="name="):
        Experiment(name)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({}, "shares={}"),
        ([0.5, 0.5], "shares="),
        ({"A": 0.5}, "shares sum to 0.5"),
        ({"A": 0.7, "B": 0.7}, "shares sum to 1.4"),
        ({"A": -0.5, "B": 1.5}, "'A' has -0.5"),
        ({"A": float("nan"), "B": 1}, "'A' has nan"),
        ({"A": "half", "B": 0.5}, "'A' has 'half'"),
        ({"A": True}, "'A' has True"),
        ({1: 1.0}, "1 has 1.0"),
    ],
)
def test_shares_that_are_none_are_refused(shares: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        Experiment("x", shares)


@pytest.mark.parametrize("user", ["", None, 1.5, True, b"x"])
def test_an_id_is_a_text_or_a_whole_number(user: Any) -> None:
    with pytest.raises(ArgumentError, match="user="):
        Experiment("x").assign(user)


# Comparing


def outcomes(seed: int = 0, *, gap: float = 0.0, users: int = 400) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    experiment = Experiment("tone")
    cohorts = [experiment.assign(i) for i in range(users)]
    scores = chance.normal(size=users) + gap * (np.array(cohorts) == "B")
    return pd.DataFrame({"user": range(users), "cohort": cohorts, "score": scores})


def test_welch_is_scipys() -> None:
    from scipy.stats import ttest_ind

    table = outcomes(gap=0.4)
    report = compare_cohorts(table, "score")
    a, b = (table.score[table.cohort == name] for name in "AB")
    theirs = ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    base, other = report.cohorts
    assert (base.name, base.size, other.name, other.size) == ("A", len(a), "B", len(b))
    assert other.difference == pytest.approx(b.mean() - a.mean())
    assert (other.low, other.high) == pytest.approx((theirs.low, theirs.high))
    assert base.deviation == pytest.approx(a.std())
    assert np.isnan(base.low)


def test_the_bootstrap_agrees_with_welch_on_normal_outcomes_and_repeats() -> None:
    table = outcomes(gap=0.4)
    welch, drawn = (compare_cohorts(table, "score", method=method).cohorts[1] for method in ("welch", "bootstrap"))
    assert (drawn.low, drawn.high) == pytest.approx((welch.low, welch.high), abs=0.03)
    assert compare_cohorts(table, "score", method="bootstrap").cohorts[1] == drawn
    assert compare_cohorts(table, "score", method="bootstrap", seed=1).cohorts[1] != drawn


@pytest.mark.parametrize("method", ["welch", "bootstrap"])
def test_intervals_hold_the_truth_as_often_as_they_say(method: str) -> None:
    held = 0
    for seed in range(200):
        other = compare_cohorts(outcomes(seed, gap=0.3, users=80), "score", method=method, resamples=200).cohorts[1]
        held += other.low <= 0.3 <= other.high
    assert 178 <= held <= 199


def test_rows_of_one_user_are_one_outcome() -> None:
    table = outcomes(users=60)
    often = pd.concat([table] * 25)
    once, naive, right = (
        compare_cohorts(table, "score").cohorts[1],
        compare_cohorts(often, "score").cohorts[1],
        compare_cohorts(often, "score", user="user").cohorts[1],
    )
    assert (right.size, right.low, right.high) == pytest.approx((once.size, once.low, once.high))
    assert naive.high - naive.low < (once.high - once.low) / 3  # 25 times the rows, and not one more user


def test_an_experiment_assigns_and_compares_and_checks_the_sizes() -> None:
    table = outcomes(gap=1.0).drop(columns="cohort")
    experiment = Experiment("tone")
    report = experiment.report(table, "score")
    assert report.cohorts[1].low > 0.5
    assert report.balance > 0.01
    assert report.to_frame().shape == (2, 7)
    assert "difference +" in str(report)
    lost = table[[experiment.assign(i) == "A" or i % 2 == 0 for i in table.user]]
    report = experiment.report(lost, "score")
    assert report.balance < 0.001
    assert "find out who is missing first" in str(report)
    assert np.isnan(compare_cohorts(outcomes(), "score").balance)


def test_a_cohort_without_a_share_is_out_of_balance() -> None:
    assert compare_cohorts(outcomes(), "score", shares={"A": 1.0}).balance == 0


def test_the_baseline_can_be_named_and_outcomes_can_be_truth_values() -> None:
    table = outcomes(gap=1.0).assign(solved=lambda t: t.score > 0.5)
    base, other = compare_cohorts(table, "solved", baseline="B").cohorts
    assert (base.name, other.name) == ("B", "A")
    assert other.difference < 0
    assert 0 <= base.mean <= 1


def test_outcomes_that_never_vary_have_an_interval_of_one_point() -> None:
    table = pd.DataFrame({"cohort": list("AABB"), "score": [1, 1, 2, 2]})
    other = compare_cohorts(table, "score").cohorts[1]
    assert (other.low, other.difference, other.high) == (1, 1, 1)


@pytest.mark.parametrize(
    ("table", "settings", "said"),
    [
        ({"cohort": ["A", "B"]}, {}, "outcome='score': no such column; the table has cohort"),
        ({"score": [1.0, 2.0]}, {}, "cohort='cohort': no such column"),
        ({"cohort": list("AABB"), "score": list("xyzw")}, {}, "expected numbers or truth values"),
        ({"cohort": list("AABB"), "score": [1, 2, np.nan, np.inf]}, {}, "missing or infinite in 2 rows"),
        ({"cohort": ["A", "A", None, "B"], "score": [1, 2, 3, 4]}, {}, "cohort='cohort' is missing in 1 rows"),
        ({"cohort": list("AAB"), "score": [1, 2, 3]}, {}, "'A', 'B', 'B' with one user; give at least two"),
        ({"cohort": list("AAA"), "score": [1, 2, 3]}, {}, "cohorts found: 'A'; give at least two"),
        ({"cohort": list("ABAB"), "score": [1, 2, 3, 4], "user": [1, 1, 2, 3]}, {"user": "user"}, "1 is in 2 cohorts"),
        ({"cohort": list("AABB"), "score": [1, 2, 3, 4]}, {"baseline": "C"}, "baseline='C'"),
        ({"cohort": list("AABB"), "score": [1, 2, 3, 4]}, {"level": 1.0}, "level=1.0"),
        ({"cohort": list("AABB"), "score": [1, 2, 3, 4]}, {"method": "t"}, "method='t'"),
        ({"cohort": list("AABB"), "score": [1, 2, 3, 4]}, {"method": "bootstrap", "resamples": 5}, "resamples=5"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_compared_are_refused(table: Any, settings: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        compare_cohorts(pd.DataFrame(table), "score", **settings)
