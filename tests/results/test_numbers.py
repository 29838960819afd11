"""How numbers read."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp_widgets.errors import NonFiniteError
from interp_widgets.results.numbers import count, duration, plain, probability, signed


@pytest.mark.parametrize(
    ("x", "scale", "text"),
    [
        (0.9, None, "+0.90"),
        (-0.35, 0.9, "−0.35"),
        (0.06, 0.9, "+0.06"),
        (0.0, 0.9, "0.00"),
        (21.04, None, "+21.0"),
        (9.996, None, "+10.0"),
        (-1865.2, None, "−1\u2009865"),
        (0.0345, None, "+0.035"),
        (0.0000123, None, "+1.2e−5"),
        (0.0, 1e-9, "0"),
    ],
)
def test_scores(x: float, scale: float | None, text: str) -> None:
    assert signed(x, scale) == text


def test_a_plain_number_has_a_sign_only_below_zero() -> None:
    assert (plain(0.9), plain(-0.9), plain(0)) == ("0.90", "−0.90", "0.00")


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_a_label_reads_back_to_two_digits(x: float) -> None:
    label = signed(x).replace("−", "-").replace("\u2009", "")
    assert math.isclose(float(label), x, rel_tol=0.05)
    assert "-" not in signed(x)


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf])
def test_nan_is_never_shown(x: float) -> None:
    for write in (signed, plain, probability):
        with pytest.raises(NonFiniteError):
            write(x)


def test_probabilities_are_not_rounded_to_certainty() -> None:
    shown = [probability(p) for p in (0.362, 0.008, 0.00002, 0.9987, 1.0, 0.0)]
    assert shown == ["0.36", "0.0080", "< 0.0001", "> 0.99", "1.00", "0.00"]


def test_counts_and_durations() -> None:
    assert count(1, "token") == "1 token"
    assert count(1865, "forward pass", "forward passes") == "1\u2009865 forward passes"
    assert [duration(s) for s in (0.04, 0.91, 12.2, 200)] == ["0.04 s", "0.9 s", "12 s", "3 min 20 s"]
