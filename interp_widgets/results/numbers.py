"""How numbers are written, in one place: cards, tables, plots and sentences must not disagree.

Two or three significant digits, a true minus sign (U+2212), thousands by a thin space (U+2009).
"""

from __future__ import annotations

import math

from interp_widgets.errors import NonFiniteError

MINUS = "\u2212"
THIN_SPACE = "\u2009"
_LEAST_EXPONENT = -4  # below 0.0001 a power of ten reads better than zeros


def _exponent(x: float) -> int:
    """Of the leading digit after rounding to three significant digits: 9.996 is written 10.0, so its exponent is 1."""
    return int(f"{abs(x):.2e}".partition("e")[2]) if x else 0


def decimals(largest: float) -> int:
    """Digits after the point for numbers up to `largest`: 21.0, 2.35, 0.90, 0.034."""
    exponent = _exponent(largest)
    return max(0, 2 - exponent) if exponent >= 0 else 1 - exponent


def _digits(x: float, scale: float | None) -> str:
    """|x| as digits; `scale`, the largest number of its column, decides how many stand after the point."""
    x = abs(x)
    if not math.isfinite(x):
        raise NonFiniteError(f"{x} is not a number that can be shown; scores must be finite")
    reference = abs(scale) if scale else x
    exponent = _exponent(reference)
    if reference and exponent < _LEAST_EXPONENT:
        digits, _, power = f"{x:.1e}".partition("e")
        return f"{digits}e{int(power)}".replace("-", MINUS) if x else "0"
    return f"{x:,.{decimals(reference)}f}".replace(",", THIN_SPACE)


def plain(x: float, scale: float | None = None) -> str:
    """Without a plus sign: "0.90", "−0.35", "1 865"."""
    return (MINUS if x < 0 else "") + _digits(x, scale)


def signed(x: float, scale: float | None = None) -> str:
    """With its sign, as scores are written: "+0.90", "−0.35"; zero has none."""
    sign = "+" if x > 0 else MINUS if x < 0 else ""
    return sign + _digits(x, scale)


def probability(p: float) -> str:
    """Such as "0.34", "0.0034"; the ends are not rounded away: "> 0.99", "< 0.0001"."""
    if not math.isfinite(p):
        raise NonFiniteError(f"{p} is not a probability")
    if p >= 0.995:
        return "1.00" if p == 1 else "> 0.99"
    if p < 1e-4:
        return "0.00" if p == 0 else "< 0.0001"
    return f"{p:.2f}" if p >= 0.01 else f"{p:.{decimals(p)}f}"


def count(n: int, singular: str, plural: str | None = None) -> str:
    """Such as "1 token", "5 tokens", "1 865 forward passes"."""
    number = f"{n:,}".replace(",", THIN_SPACE)
    return f"{number} {singular if n == 1 else plural or singular + 's'}"


def duration(seconds: float) -> str:
    """Such as "0.04 s", "0.9 s", "12 s", "3 min 20 s"."""
    if seconds < 0.095:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"
