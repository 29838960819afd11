"""A/B tests of steering: who gets which preset, and what came of it.

1. A user's place in [0, 1) is the first 8 bytes of SHA-256(experiment name, a zero byte, user id) as a fraction: the
   same in every process, machine and language, and independent between experiments.
2. The cohorts lie side by side on [0, 1), in the order in which they are given, each as wide as its share. When a
   share grows at the expense of the next one, nobody who was in it leaves it.
3. The report compares the means of an outcome. What was assigned at random is the user, so rows of one user are
   averaged first; then Welch's interval, or a bootstrap over users where outcomes are skewed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import ArgumentError, not_one_of

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
_INTERVALS = ("welch", "bootstrap")


@dataclass(frozen=True)
class Cohort:
    """size: users; mean, deviation: of their outcomes; difference: of the mean to the baseline's, with the interval
    low to high (0 and nan for the baseline itself)."""

    name: str
    size: int
    mean: float
    deviation: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class CohortReport:
    """outcome: what was compared; cohorts: the baseline first; level: of the intervals; method: "welch" or "bootstrap".

    balance: p-value of the sizes under the experiment's shares (chi-squared); below 0.001 something other than chance
        decided who was counted, and the differences are not to be trusted. nan where no shares were known.
    """

    outcome: str
    cohorts: tuple[Cohort, ...]
    level: float
    method: str
    balance: float

    def to_frame(self) -> pd.DataFrame:
        """One row for each cohort."""
        import pandas as pd

        return pd.DataFrame([asdict(cohort) for cohort in self.cohorts])

    def __str__(self) -> str:
        base, *others = self.cohorts
        lines = [f"{self.outcome}: {base.name} {base.mean:.4g} ({base.size} users)"]
        lines += [
            f"  {one.name} {one.mean:.4g} ({one.size} users), difference {one.difference:+.4g},"
            f" {self.level:.0%} interval {one.low:+.4g} to {one.high:+.4g}"
            for one in others
        ]
        if self.balance < 0.001:
            lines.append(f"  the sizes do not fit the shares (p = {self.balance:.1g}): find out who is missing first")
        return "\n".join(lines)


@dataclass(frozen=True)
class Experiment:
    """name: of the experiment; another name shuffles everybody anew; shares: cohort -> share of the users; they sum
    to 1.

    Raises ArgumentError.
    """

    name: str
    shares: Mapping[str, float] = field(default_factory=lambda: {"A": 0.5, "B": 0.5})

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or "\0" in self.name:
            raise ArgumentError(f"name={self.name!r}: a text of at least one character, without zero bytes")
        if not isinstance(self.shares, Mapping) or not self.shares:
            raise ArgumentError(f"shares={self.shares!r}: a share for each cohort, such as {{'A': 0.5, 'B': 0.5}}")
        for cohort, share in self.shares.items():
            number = isinstance(share, int | float) and not isinstance(share, bool)
            if not isinstance(cohort, str) or not number or not 0 <= share <= 1:
                raise ArgumentError(f"shares: {cohort!r} has {share!r}; expected a number between 0 and 1")
        if not math.isclose(sum(self.shares.values()), 1, abs_tol=1e-9):
            raise ArgumentError(f"shares sum to {sum(self.shares.values()):g}; they must sum to 1")
        object.__setattr__(self, "shares", dict(self.shares))

    def place(self, user: str | int) -> Fraction:
        """A user's place in [0, 1), as an exact fraction of 2**64."""
        if not isinstance(user, str | int) or isinstance(user, bool) or user == "":
            raise ArgumentError(f"user={user!r}: an id as text or whole number")
        digest = hashlib.sha256(f"{self.name}\0{user}".encode()).digest()
        return Fraction(int.from_bytes(digest[:8], "big"), 2**64)

    def assign(self, user: str | int) -> str:
        """The user's cohort. Raises ArgumentError for what is no id."""
        place, end = self.place(user), Fraction(0)
        taking_part = [cohort for cohort, share in self.shares.items() if share > 0]
        for cohort in taking_part:
            end += Fraction(self.shares[cohort])
            if place < end:
                return cohort
        return taking_part[-1]  # the shares' floats may sum to a hair below 1

    def report(self, table: pd.DataFrame, outcome: str, *, user: str = "user", **settings: Any) -> CohortReport:
        """As `compare_cohorts`, each row's cohort being the one that its user is assigned to."""
        _column(table, "user", user)
        assigned = table.assign(cohort=[self.assign(_plain_id(one)) for one in table[user]])
        return compare_cohorts(assigned, outcome, user=user, shares=self.shares, **settings)


def compare_cohorts(
    table: pd.DataFrame,
    outcome: str,
    *,
    cohort: str = "cohort",
    user: str | None = None,
    baseline: str | None = None,
    shares: Mapping[str, float] | None = None,
    level: float = 0.95,
    method: str = "welch",
    resamples: int = 2_000,
    seed: int = 0,
) -> CohortReport:
    """Compare the mean outcome of each cohort with the baseline's.

    Parameters
    ----------
    table: one row for each user, or several with `user` naming the column of ids; their outcomes are then averaged
    outcome: column of numbers or truth values; cohort: column of cohort names
    baseline: the cohort to compare with; by default the first of `shares`, else the first by name
    shares: what the sizes should be like; see `CohortReport.balance`
    level: of the intervals, each for itself: with many cohorts some interval misses by chance
    method: "welch" (Welch 1947, normal means, unequal variances) or "bootstrap" (Efron 1979, percentiles)
    resamples, seed: of the bootstrap

    Raises ArgumentError: a column that is not there, missing or infinite outcomes, a user in two cohorts, fewer than
    two cohorts or two users in one.
    """
    if not 0 < level < 1:
        raise ArgumentError(f"level={level}: between 0 and 1")
    if method not in _INTERVALS:
        raise not_one_of("method", method, _INTERVALS)
    if method == "bootstrap" and resamples < 100:
        raise ArgumentError(f"resamples={resamples}: at least 100")
    groups = _groups(table, outcome, cohort, user)
    names = [name for name in shares or {} if name in groups]
    names += sorted(set(groups) - set(names))
    baseline = names[0] if baseline is None else baseline
    if baseline not in groups:
        raise not_one_of("baseline", baseline, names)
    chance = np.random.default_rng(seed)
    base = groups[baseline]
    found = [Cohort(baseline, len(base), float(base.mean()), float(base.std(ddof=1)), 0.0, float("nan"), float("nan"))]
    for name in names:
        if name == baseline:
            continue
        values = groups[name]
        low, high = (
            _welch(values, base, level) if method == "welch" else _bootstrap(values, base, level, resamples, chance)
        )
        mean = float(values.mean())
        difference = float(mean - base.mean())
        found.append(Cohort(name, len(values), mean, float(values.std(ddof=1)), difference, low, high))
    return CohortReport(outcome, tuple(found), level, method, _balance(groups, shares))


def _column(table: pd.DataFrame, argument: str, column: str) -> None:
    if column not in table.columns:
        raise ArgumentError(
            f"{argument}={column!r}: no such column; the table has {', '.join(map(str, table.columns))}"
        )


def _plain_id(one: Any) -> str | int:
    return one.item() if isinstance(one, np.generic) else one  # type: ignore[no-any-return]  # `place` refuses others


def _groups(table: pd.DataFrame, outcome: str, cohort: str, user: str | None) -> dict[str, Floats]:
    for argument, column in (("outcome", outcome), ("cohort", cohort), ("user", user)):
        if column is not None:
            _column(table, argument, column)
    values = table[outcome]
    if values.dtype.kind not in "biuf":
        raise ArgumentError(f"outcome={outcome!r} holds {values.dtype}; expected numbers or truth values")
    values = values.astype(np.float64)
    wrong = int((~np.isfinite(values)).sum())
    if wrong:
        raise ArgumentError(f"outcome={outcome!r} is missing or infinite in {wrong} rows; decide what these mean first")
    if table[cohort].isna().any():
        raise ArgumentError(f"cohort={cohort!r} is missing in {int(table[cohort].isna().sum())} rows")
    labels = table[cohort].astype(str)
    if user is not None:
        in_both = labels.groupby(table[user]).nunique()
        if (in_both > 1).any():
            raise ArgumentError(
                f"user {_plain_id(in_both.idxmax())!r} is in {in_both.max()} cohorts; each belongs to one"
            )
        values = values.groupby([labels, table[user]]).mean()
        labels = values.index.get_level_values(0)
    groups = {str(name): np.asarray(values[labels == name], np.float64) for name in labels.unique()}
    small = [name for name, rows in groups.items() if len(rows) < 2]
    if len(groups) < 2 or small:
        names = ", ".join(map(repr, groups)) or "none"
        alone = f", {small[0]!r} with one user" if small else ""
        raise ArgumentError(f"cohorts found: {names}{alone}; give at least two, with at least two users each")
    return groups


def _welch(values: Floats, base: Floats, level: float) -> tuple[float, float]:
    from scipy.stats import t

    difference = float(values.mean() - base.mean())
    one, other = (float(side.var(ddof=1)) / len(side) for side in (values, base))
    if one + other == 0:
        return difference, difference
    freedom = (one + other) ** 2 / (one**2 / (len(values) - 1) + other**2 / (len(base) - 1))
    half = float(t.ppf((1 + level) / 2, freedom)) * math.sqrt(one + other)
    return difference - half, difference + half


def _bootstrap(
    values: Floats, base: Floats, level: float, resamples: int, chance: np.random.Generator
) -> tuple[float, float]:
    means = [
        np.array([side[chance.integers(0, len(side), len(side))].mean() for _ in range(resamples)])
        for side in (values, base)
    ]
    low, high = np.quantile(means[0] - means[1], [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _balance(groups: Mapping[str, Floats], shares: Mapping[str, float] | None) -> float:
    from scipy.stats import chisquare

    if shares is None:
        return float("nan")
    meant = [name for name in shares if shares[name] > 0]
    if set(groups) - set(meant):
        return 0.0
    sizes = np.array([len(groups.get(name, ())) for name in meant], np.float64)
    share = np.array([shares[name] for name in meant])
    return float(chisquare(sizes, sizes.sum() * share / share.sum()).pvalue)
