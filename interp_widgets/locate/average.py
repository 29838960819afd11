"""Average indirect effects over many facts (Meng et al. 2022, section 2.2 and figure 2).

One fact tells where one answer comes from; over many facts the tokens are taken together by their role: the first,
middle and last tokens of the subject, the first token after it, further ones, and the last.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.base import Result
from interp_widgets.results.cost import Cost, allow
from interp_widgets.results.provenance import Provenance, Verdict, provenance_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from interp_widgets.locate.trace_result import TraceResult
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
ROLES = (
    "first subject token", "middle subject tokens", "last subject token",
    "first later token", "further tokens", "last token",
)  # fmt: skip


@dataclass(frozen=True)
class TracedFact:
    """A fact of the average: what was asked, and the answer's probability in the clean and in the corrupted runs."""

    prompt: str
    subject: str
    target: str
    clean: float
    corrupted: float


@dataclass(frozen=True)
class SkippedFact:
    """A fact that was left out, and why."""

    prompt: str
    subject: str
    why: str


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class AverageTrace(Result):
    """Indirect effects by role of the token, over facts.

    Attributes
    ----------
    facts: F of them; skipped: those that the model gets wrong, or that cannot be traced
    kinds, layers, window, noise, sigma: as in TraceResult
    by_fact: (F, kinds, roles, L), mean over a fact's tokens of that role; nan where it has none
    """

    kind: ClassVar[str] = "average trace"

    facts: tuple[TracedFact, ...]
    skipped: tuple[SkippedFact, ...]
    kinds: tuple[str, ...]
    layers: NDArray[np.int64]
    window: int
    noise: float
    sigma: float
    by_fact: Floats
    verdict: Verdict

    @classmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        return {
            **document,
            **arrays,
            "facts": tuple(TracedFact(**one) for one in document["facts"]),
            "skipped": tuple(SkippedFact(**one) for one in document["skipped"]),
            "kinds": tuple(document["kinds"]),
            "verdict": Verdict(**{**document["verdict"], "why": tuple(document["verdict"]["why"])}),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    @property
    def total_effect(self) -> tuple[float, float, float]:
        """Average total effect over the facts, with its 95 % interval: (mean, low, high)."""
        effects = np.asarray([fact.clean - fact.corrupted for fact in self.facts])
        mean, low, high = _interval(effects[:, None])
        return float(mean[0]), float(low[0]), float(high[0])

    def average(self, kind: str | None = None) -> tuple[Floats, Floats, Floats]:
        """(roles, L) each: average indirect effect, and the ends of its 95 % interval over the facts (1.96 standard
        errors to each side). Raises ArgumentError for a kind that was not traced."""
        kind = kind or self.kinds[0]
        if kind not in self.kinds:
            raise not_one_of("kind", kind, self.kinds)
        return _interval(self.by_fact[:, self.kinds.index(kind)])

    def peak(self, kind: str | None = None, *, before: int | None = None) -> tuple[str, int, float, float, float]:
        """Role, layer, effect, low and high of the largest average effect of one kind, over the layers before `before`
        (all by default)."""
        mean, low, high = self.average(kind)
        columns = np.flatnonzero(self.layers < (self.layers[-1] + 1 if before is None else before))
        row, column = np.unravel_index(int(np.nanargmax(mean[:, columns])), (len(ROLES), len(columns)))
        at = row, columns[column]
        return ROLES[row], int(self.layers[at[1]]), float(mean[at]), float(low[at]), float(high[at])

    def to_frame(self) -> pd.DataFrame:
        """One row for each kind, role and layer: effect, low, high, facts."""
        import pandas as pd

        rows = []
        for number, kind in enumerate(self.kinds):
            mean, low, high = self.average(kind)
            counts = np.isfinite(self.by_fact[:, number]).sum(0)
            rows += [
                (kind, role, int(layer), mean[i, j], low[i, j], high[i, j], int(counts[i, j]))
                for i, role in enumerate(ROLES)
                for j, layer in enumerate(self.layers)
            ]
        return pd.DataFrame(rows, columns=["kind", "role", "layer", "effect", "low", "high", "facts"])

    def plot(self) -> Figure:
        """One panel for each kind, a line with its interval for each role; a Figure that pyplot does not know."""
        from interp_widgets.locate.average_plot import plot

        return plot(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with the table; it asks no other address for anything. Written to `path` if given."""
        from interp_widgets.locate.average_html import average_page

        return average_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.locate.average_html import average_text

        return average_text(self)

    def __repr__(self) -> str:
        return f"<AverageTrace: {len(self.facts)} facts, {len(self.skipped)} skipped, {', '.join(self.kinds)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.locate.average_html import average_html

        return {"text/plain": str(self), "text/html": average_html(self)}


def average_trace(
    lm: LanguageModel,
    facts: Sequence[Sequence[str]],
    *,
    kind: str | Sequence[str] = ("hidden", "mlp", "attn"),
    noise: float = 3.0,
    sigma: float | None = None,
    samples: int = 10,
    window: int = 10,
    layers: Sequence[int] | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
    keep: Callable[[TraceResult], None] | None = None,
) -> AverageTrace:
    """Trace every fact that the model gets right, and average by the role of the token.

    Parameters
    ----------
    facts: (prompt, subject) or (prompt, subject, answer) each. Without an answer the model's first choice is traced;
        with one, a fact whose answer is not the first choice is skipped, and the result says so
    keep: is given each trace as it is done, to save it
    the others: as in `causal_trace`; each fact gets noise of its own, from `seed` on

    Raises
    ------
    ArgumentError: no facts, none that the model gets right; and what `causal_trace` raises for its settings;
    TooCostlyError: more than five minutes together, unless confirm=True; Cancelled
    """
    from interp_widgets.locate.tracing import causal_trace

    wanted = [_fact(number, fact) for number, fact in enumerate(facts)]
    if not wanted:
        raise ArgumentError("facts is empty; give (prompt, subject) or (prompt, subject, answer) for each fact")
    given: dict[str, Any] = {"kind": kind, "samples": samples, "window": window, "layers": layers}
    allow(_cost(lm, wanted, given), confirm, "Take fewer facts or layers=[...]")
    began = time.perf_counter()
    done: list[TracedFact] = []
    skipped: list[SkippedFact] = []
    rows: list[Floats] = []
    passes = 0
    trace: TraceResult | None = None
    with Bar(progress) as bar, lm.run(cancel=cancel) as run:
        for number, (prompt, subject, target) in enumerate(wanted):
            try:
                trace = causal_trace(
                    lm, prompt, subject=subject, target=target, noise=noise, sigma=sigma, seed=seed + number,
                    batch_size=batch_size, confirm=True, **given,
                )  # fmt: skip
            except ArgumentError as error:
                skipped.append(SkippedFact(prompt, subject, str(error)))
                continue
            finally:
                bar.advance(number + 1, len(wanted), "facts")
            if keep is not None:
                keep(trace)
            corrupted = float(trace.corrupted.mean())
            done.append(TracedFact(prompt, subject, trace.target, trace.clean, corrupted))
            rows.append(by_role(trace))
            passes += trace.forward_passes
        interventions = run.snapshot.names
    if trace is None or not done:
        raise ArgumentError(f"facts: none of the {len(wanted)} could be traced; the first: {skipped[0].why}")
    return average_of(
        done,
        skipped,
        rows,
        trace,
        provenance_of(
            lm,
            "",
            bos=trace.provenance.bos,
            interventions=interventions,
            seed=seed,
            batch_size=trace.provenance.batch_size,
            forward_passes=passes,
            seconds=time.perf_counter() - began,
        ),
    )


def _cost(lm: LanguageModel, facts: Sequence[tuple[str, str, str | None]], given: dict[str, Any]) -> Cost:
    """Of all facts together; those that cannot be traced cost nothing."""
    from interp_widgets.locate.tracing import estimate_causal_trace

    costs = []
    for prompt, subject, _ in facts:
        with contextlib.suppress(ArgumentError):
            costs.append(estimate_causal_trace(lm, prompt, subject=subject, **given))
    return Cost(
        sum(cost.forward_passes for cost in costs),
        sum(cost.seconds for cost in costs),
        max((cost.bytes for cost in costs), default=0),
    )


def average_of(
    facts: Sequence[TracedFact],
    skipped: Sequence[SkippedFact],
    rows: Sequence[Floats],
    like: TraceResult,
    provenance: Provenance,
) -> AverageTrace:
    """The average of facts that were traced alike; `rows` as `by_role` gives them."""
    made: dict[str, Any] = {
        "facts": tuple(facts),
        "skipped": tuple(skipped),
        "kinds": like.kinds,
        "layers": like.layers,
        "window": like.window,
        "noise": like.noise,
        "sigma": like.sigma,
        "by_fact": np.stack(list(rows)),
        "provenance": provenance,
    }
    return AverageTrace(**made, verdict=_verdict(AverageTrace(**made, verdict=Verdict("caution", ""))))


def roles(trace: TraceResult) -> list[int]:
    """For each traced position the index of its role in `ROLES`, -1 before the subject."""
    first, last = trace.subject_tokens
    end = len(trace.tokens) - 1

    def role(position: int) -> int:
        if position < first:
            return -1
        if position == last:
            return 2
        if position < last:
            return 0 if position == first else 1
        if position == end:
            return 5
        return 3 if position == last + 1 else 4

    return [role(int(position)) for position in trace.positions]


def by_role(trace: TraceResult) -> Floats:
    """(kinds, roles, L): the trace's effects, mean over the tokens of a role; nan where there is none."""
    found = np.full((len(trace.kinds), len(ROLES), len(trace.layers)), np.nan)
    wanted = np.asarray(roles(trace))
    for number, kind in enumerate(trace.kinds):
        effects = trace.effects_of(kind)
        for role in range(len(ROLES)):
            if (wanted == role).any():
                found[number, role] = effects[wanted == role].mean(0)
    return found


def _fact(number: int, fact: Sequence[str]) -> tuple[str, str, str | None]:
    if isinstance(fact, str) or not 2 <= len(fact) <= 3 or not all(isinstance(part, str) for part in fact):
        raise ArgumentError(f"facts[{number}]={fact!r}: give (prompt, subject) or (prompt, subject, answer)")
    return fact[0], fact[1], fact[2] if len(fact) == 3 else None


def _interval(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean over the first axis and its 95 % interval, nan left out; no interval for fewer than two values."""
    known = np.isfinite(values)
    counts = known.sum(0)
    filled = np.where(known, values, 0.0)
    some = np.maximum(counts, 1)
    mean = np.where(counts > 0, filled.sum(0) / some, np.nan)
    squares = np.where(known, (values - mean) ** 2, 0.0).sum(0)
    error = np.where(counts > 1, np.sqrt(squares / np.maximum(counts - 1, 1) / some), np.nan)
    return mean, mean - 1.96 * error, mean + 1.96 * error


def _verdict(result: AverageTrace) -> Verdict:
    mean, low, high = result.total_effect
    n_layers = int(result.layers[-1]) + 1
    role, layer, effect, least, most = result.peak(before=2 * n_layers // 3)
    sentence = (
        f"{len(result.facts)} facts: total effect {mean:.3f} ({low:.3f} to {high:.3f}); in the first two thirds of the"
        f" layers {result.kinds[0]} peaks at the {role}, layer {layer}: {effect:.3f} ({least:.3f} to {most:.3f})"
    )
    if len(result.facts) < 20 or not least > 0:
        why = "Fewer than 20 facts, or an interval that reaches zero: other facts may peak elsewhere."
        return Verdict("caution", sentence, (why,))
    return Verdict("trust", sentence)
