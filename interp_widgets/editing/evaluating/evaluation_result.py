"""What `iw.evaluate_edit` found."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from interp_widgets.results.base import Result
from interp_widgets.results.provenance import Provenance, Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Interval = tuple[float, float, float]
SCORED = ("fact", "paraphrase", "neighbour")  # what the harmonic mean is of
PARTS = (*SCORED, "ripple")
DRAWS = 1000


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class EditEvaluation(Result):
    """An edit judged on records: n prompts, with and without it.

    Attributes
    ----------
    edit, method: what was judged
    subjects: of the records
    parts: (n,) of `PARTS`; record: int64, (n,), the record of each prompt; prompts: (n,)
    wanted, other: (n,), the answer that should lead, and the one that should not: the new and the original answer at a
        fact and its paraphrases, the answer that should stay and the new one at a neighbour, what follows from the new
        and from the original answer at a ripple prompt ("" where nobody said what followed from the original)
    before, after: float64, (n, 2), log-probability a token of `wanted` and `other`, without and with the edit; nan for
        an `other` of ""
    first_before, first_after: bool, (n,), every token of `wanted` is the model's first choice
    perplexity, entropy: (without the edit, with it), of neutral text, and of what the model writes after the prompts of
        the first records, in bits (`editing.evaluating.fluency`); None where it was not measured
    """

    kind: ClassVar[str] = "edit evaluation"

    edit: str
    method: str
    subjects: tuple[str, ...]
    parts: tuple[str, ...]
    record: NDArray[np.int64]
    prompts: tuple[str, ...]
    wanted: tuple[str, ...]
    other: tuple[str, ...]
    before: Floats
    after: Floats
    first_before: NDArray[np.bool_]
    first_after: NDArray[np.bool_]
    perplexity: tuple[float, float] | None = None
    entropy: tuple[float, float] | None = None
    verdict: Verdict

    @classmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        return {
            **document,
            **arrays,
            **{name: tuple(document[name]) for name in ("subjects", "parts", "prompts", "wanted", "other")},
            **{name: tuple(document[name]) for name in ("perplexity", "entropy") if document.get(name) is not None},
            "verdict": Verdict(**{**document["verdict"], "why": tuple(document["verdict"]["why"])}),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    @property
    def efficacy(self) -> Interval:
        """Share of facts whose new answer is above the original, with its 95 % interval (bootstrap over records)."""
        return self._share("fact")

    @property
    def paraphrase(self) -> Interval:
        """The same at paraphrases, each record weighing the same; nan where there are none."""
        return self._share("paraphrase")

    @property
    def neighbourhood(self) -> Interval:
        """Share of neighbours whose answer stays above the new one; nan where there are none."""
        return self._share("neighbour")

    @property
    def ripple(self) -> Interval:
        """Share of what follows from the new answer that is above what followed from the original, where that is known;
        nan where there is none. It is no part of `score`."""
        return self._share("ripple")

    @property
    def score(self) -> Interval:
        """Harmonic mean of the three, of those that there are."""
        return self._scores(edited=True)["score"]

    @property
    def unedited(self) -> dict[str, Interval]:
        """efficacy, paraphrase, neighbourhood, ripple and score of the model without the edit."""
        found = self._scores(edited=False)
        return {
            "efficacy": found["fact"], "paraphrase": found["paraphrase"], "neighbourhood": found["neighbour"],
            "ripple": found["ripple"], "score": found["score"],
        }  # fmt: skip

    def accuracy(self, part: str, *, edited: bool = True) -> float:
        """Share of the prompts of a part whose wanted answer is the first choice, token by token; nan for none."""
        chosen = (self.first_after if edited else self.first_before)[np.asarray(self.parts) == part]
        return float(chosen.mean()) if len(chosen) else float("nan")

    def _share(self, part: str) -> Interval:
        return self._scores(edited=True)[part]

    @cached_property
    def _known(self) -> dict[bool, dict[str, Interval]]:
        return {edited: self._bootstrap(edited) for edited in (False, True)}

    def _scores(self, *, edited: bool) -> dict[str, Interval]:
        return self._known[edited]

    def by_record(self, part: str, *, edited: bool = True) -> Floats:
        """(records,), the share of a record's prompts of this part where the wanted answer leads; nan for none.

        Prompts without another answer to compare with are left out."""
        values = self.after if edited else self.before
        success = values[:, 0] > values[:, 1]
        chosen = (np.asarray(self.parts) == part) & np.isfinite(values[:, 1])
        total = np.bincount(self.record[chosen], minlength=len(self.subjects))
        right = np.bincount(self.record[chosen], weights=success[chosen], minlength=len(self.subjects))
        return np.asarray(np.divide(right, total, out=np.full(len(total), np.nan), where=total > 0))

    def _bootstrap(self, edited: bool) -> dict[str, Interval]:
        shares = np.stack([self.by_record(part, edited=edited) for part in PARTS])
        drawn = np.random.default_rng(self.provenance.seed).integers(0, shares.shape[1], (DRAWS, shares.shape[1]))
        found: dict[str, Interval] = {}
        means = [_mean(shares, slice(None)), *(_mean(shares, draw) for draw in drawn)]
        table = np.column_stack([np.stack(means), [_harmonic(one[: len(SCORED)]) for one in means]])
        for number, name in enumerate((*PARTS, "score")):
            column = table[1:, number]
            low, high = np.nanpercentile(column, [2.5, 97.5]) if np.isfinite(column).any() else (np.nan, np.nan)
            found[name] = (float(table[0, number]), float(low), float(high))
        return found

    def to_frame(self) -> pd.DataFrame:
        """One row for each prompt."""
        import pandas as pd

        return pd.DataFrame(
            {
                "record": self.record,
                "subject": [self.subjects[i] for i in self.record],
                "part": self.parts,
                "prompt": self.prompts,
                "wanted": self.wanted,
                "other": self.other,
                "wanted_before": self.before[:, 0],
                "other_before": self.before[:, 1],
                "wanted_after": self.after[:, 0],
                "other_after": self.after[:, 1],
                "first_before": self.first_before,
                "first_after": self.first_after,
            }
        )

    def plot(self) -> Figure:
        """The shares and their harmonic mean, without and with the edit, with their intervals."""
        from interp_widgets.editing.evaluating.evaluation_plot import plot

        return plot(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with the table; it asks no other address for anything. Written to `path` if given."""
        from interp_widgets.editing.evaluating.evaluation_html import evaluation_page

        return evaluation_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.editing.evaluating.evaluation_html import evaluation_text

        return evaluation_text(self)

    def __repr__(self) -> str:
        return f"<EditEvaluation of {self.edit!r}: {len(self.subjects)} records, S {self.score[0]:.2f}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.editing.evaluating.evaluation_html import evaluation_html

        return {"text/plain": str(self), "text/html": evaluation_html(self)}


def _mean(shares: Floats, rows: Any) -> Floats:
    """Means of each part over some records, nan left out; nan where nothing is left."""
    part = shares[:, rows]
    known = np.isfinite(part)
    counts = known.sum(1)
    total = np.where(known, part, 0.0).sum(1)
    return np.asarray(np.divide(total, counts, out=np.full(len(counts), np.nan), where=counts > 0))


def _harmonic(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return 0.0 if len(known) == 0 or (known == 0).any() else float(len(known) / (1 / known).sum())
