"""What `editing.preserved` found."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from interp_widgets.results.base import Result
from interp_widgets.results.provenance import Provenance, Verdict, Word

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
FEW, MANY = 0.02, 0.10  # of the facts that may be lost: up to the first "trust", up to the second "caution"


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Preservation(Result):
    """n facts that the model got right before.

    Attributes
    ----------
    edit: what was judged
    kinds, prompts, answers: (n,), the questions and their true answers
    instead: (n,), the most probable of the wrong answers
    answer, best_wrong: float64, (n,), log-probability a token of the true answer and of the most probable wrong one
    """

    kind: ClassVar[str] = "preservation"

    edit: str
    kinds: tuple[str, ...]
    prompts: tuple[str, ...]
    answers: tuple[str, ...]
    instead: tuple[str, ...]
    answer: Floats
    best_wrong: Floats
    verdict: Verdict

    @classmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        return {
            **document,
            **arrays,
            **{name: tuple(document[name]) for name in ("kinds", "prompts", "answers", "instead")},
            "verdict": Verdict(**{**document["verdict"], "why": tuple(document["verdict"]["why"])}),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    @property
    def kept(self) -> NDArray[np.bool_]:
        """(n,), the true answer is still above the wrong ones."""
        return self.answer > self.best_wrong

    @property
    def share(self) -> tuple[float, float, float]:
        """Share of the facts that were kept, with its 95 % interval (Wilson 1927)."""
        return wilson(int(self.kept.sum()), len(self.prompts))

    @property
    def lost(self) -> tuple[tuple[str, str, str], ...]:
        """(prompt, true answer, answer instead) of each fact that was lost, the surest loss first."""
        order = np.argsort(self.answer - self.best_wrong)
        return tuple((self.prompts[i], self.answers[i], self.instead[i]) for i in order if not self.kept[i])

    def by_kind(self) -> dict[str, tuple[int, int]]:
        """Kind of question -> (kept, asked)."""
        of = np.asarray(self.kinds)
        return {one: (int(self.kept[of == one].sum()), int((of == one).sum())) for one in sorted(set(self.kinds))}

    def to_frame(self) -> pd.DataFrame:
        """One row for each fact."""
        import pandas as pd

        columns = ("kinds", "prompts", "answers", "instead", "answer", "best_wrong", "kept")
        names = ("kind", "prompt", "true_answer", "best_wrong_answer", "log_p_true", "log_p_wrong", "kept")
        return pd.DataFrame({name: getattr(self, column) for name, column in zip(names, columns, strict=True)})

    def plot(self) -> Figure:
        """Share kept by kind of question, with 95 % intervals; the line is what guessing gives."""
        from interp_widgets.editing.evaluating.preservation_html import plot

        return plot(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with the table; it asks no other address for anything. Written to `path` if given."""
        from interp_widgets.editing.evaluating.preservation_html import preservation_page

        return preservation_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.editing.evaluating.preservation_html import preservation_text

        return preservation_text(self)

    def __repr__(self) -> str:
        return f"<Preservation under {self.edit!r}: {int(self.kept.sum())} of {len(self.prompts)} kept>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.editing.evaluating.preservation_html import preservation_html

        return {"text/plain": str(self), "text/html": preservation_html(self)}


def wilson(good: int, n: int) -> tuple[float, float, float]:
    """A share with its 95 % interval, which holds near 0 and 1 too (Wilson 1927); n is at least 1."""
    z, share = 1.959964, good / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return share, min(middle - half, share), max(middle + half, share)


def judge(result: Preservation) -> Verdict:
    share = result.share[0]
    n = len(result.prompts)
    sentence = f"{int(result.kept.sum())} of {n} facts are kept, {100 * share:.1f} %; guessing gives 20 %"
    word: Word = "trust" if 1 - share <= FEW else "caution" if 1 - share <= MANY else "do not trust"
    why = () if word == "trust" else ("What was lost has nothing to do with the edit: see `lost` for which facts.",)
    return Verdict(word, sentence, why)
