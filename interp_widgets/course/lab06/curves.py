"""The saved curves, up to 200 edits one after the other, what follows from them, and their first points once more.

`curves.json` is written by `python -m benchmarks edit_sequence --list course --method rome --curves ...`: the facts of
this lab in their order, each edit found on the model with those before it, with the package's settings. Its seconds are
those of a machine that did other work too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial, wraps
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import interp_widgets.editing.api as editing
from interp_widgets.course.borrowing import Borrower
from interp_widgets.course.lab06.facts import facts
from interp_widgets.course.lab06.reading import held_until
from interp_widgets.course.lab06.results import Judged, judge
from interp_widgets.editing.edit import Edit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
LEAST, FACTOR = 70.0, 1.1  # S below which, and perplexity over that of the unedited model above which, nothing holds
MANY = 10  # edits from which on a curve is judged: of fewer S is of a handful of prompts, and jumps
COMPONENTS = {
    "rome": "one MLP layer, rank one a fact",
    "rome_published": "the same, in the form of 2022",
    "memit": "several MLP layers",
    "alphaedit": "several MLP layers, free directions",
    "fine_tuning": "one MLP layer, every weight a little",
    "grace": "a codebook beside one layer",
    "mend": "several MLPs, by a trained network",
}


@dataclass(frozen=True)
class Curve:
    """By number of edits: shares and S in percent, perplexity of neutral text, seconds so far."""

    method: str
    edits: tuple[int, ...]
    efficacy: Floats
    paraphrase: Floats
    neighbourhood: Floats
    score: Floats
    perplexity: Floats
    seconds: Floats

    def held(self, before: float, way: Callable[..., Any] = held_until) -> int | None:
        """How many edits it stands, of the counts from `MANY` on; None where there is none. way: an answer to exercise
        8; before: perplexity of the unedited model"""
        rows = [row for row in zip(self.edits, self.score, self.perplexity, strict=True) if row[0] >= MANY]
        if not rows:
            return None
        edits, scores, read = (list(column) for column in zip(*rows, strict=True))
        return int(way(edits, [float(one) for one in scores], [float(one) for one in read], LEAST, before, FACTOR))

    @property
    def each(self) -> float:
        """Seconds of an edit, on the machine that wrote the file."""
        return float(self.seconds[-1] / self.edits[-1])


@cache
def saved() -> dict[str, Curve]:
    """By method."""
    document = json.loads((resources.files(__package__) / "curves.json").read_text("utf-8"))
    return {name: _curve(name, columns) for name, columns in document["curves"].items()}


def _curve(name: str, columns: dict[str, Any]) -> Curve:
    own = {field: np.asarray(columns[field], float) for field in ("efficacy", "paraphrase", "neighbourhood")}
    rest = {field: np.asarray(columns[field], float) for field in ("perplexity", "seconds")}
    edits = tuple(int(one) for one in columns["edits"])
    return Curve(name, edits, **own, score=np.asarray(columns["S"], float), **rest)


def holding(holds_until: Callable[..., Any], before: float) -> str:
    """For each saved curve: how long it holds by a learner's function, and where it is at its end, in a sentence each.

    before: perplexity of the unedited model
    """
    borrower, lines = Borrower(), []
    for curve in saved().values():
        held = borrower.call(_by(holds_until, curve), partial(curve.held, before), before)
        end = curve.edits[-1]
        if held is None:
            told = f"only {end} edits were measured, too few to say"
        else:
            told = f"holds for all {end} edits that were measured" if held == end else f"holds for {held} edits"
        read = _times(curve.perplexity[-1] / before)
        lines.append(f"{curve.method:15} {told}; after {end} S {curve.score[-1]:.1f}, perplexity {read}")
    return "\n".join([*lines, *borrower.told])


def _by(holds_until: Callable[..., Any], curve: Curve) -> Callable[[float], int | None]:
    """Under the learner's name, so that a borrowed answer is told by it."""

    @wraps(holds_until)
    def read(before: float) -> int | None:
        return curve.held(before, holds_until)

    return read


def _times(ratio: float) -> str:
    return f"{ratio:.2f} times" if ratio < 100 else f"{ratio:.0e} times"


def comparison(before: float) -> str:
    """The table of editors, filled from the saved curves. before: perplexity of the unedited model"""
    head = ("", "edits a run", "component", "preservation", "seconds an edit")
    rows = [head]
    for name, component in COMPONENTS.items():
        curve = saved().get(name)
        if curve is None:
            rows.append((name, "not measured", component, "", ""))
            continue
        held = curve.held(before)
        kept = f"neighbours {curve.neighbourhood[-1]:.0f}, perplexity {_times(curve.perplexity[-1] / before)}"
        more = " or more" if held == curve.edits[-1] else ""
        stands = "too few tried" if held is None else f"{held}{more}"
        rows.append((name, stands, component, f"{kept} at {curve.edits[-1]}", f"{curve.each:.1f}"))
    wide = [max(len(row[i]) for row in rows) + 2 for i in range(len(head))]
    return "\n".join("".join(f"{cell:{w}}" for cell, w in zip(row, wide, strict=True)).rstrip() for row in rows)


# The first points once more


@dataclass(frozen=True)
class First:
    """The beginning of one method's curve, computed now."""

    method: str
    edits: tuple[int, ...]
    judged: tuple[Judged, ...]

    @property
    def score(self) -> Floats:
        return np.asarray([float(one.score[-1]) for one in self.judged])

    @property
    def perplexity(self) -> Floats:
        return np.asarray([float(one.perplexity[-1]) for one in self.judged])

    @property
    def before(self) -> float:
        """Perplexity of the unedited model."""
        return float(self.judged[0].perplexity[0])

    def table(self) -> str:
        """Beside the saved ones, where the file has the same counts."""
        known = saved().get(self.method)
        lines = [f"{'edits':>6}{'S now':>9}{'S saved':>9}{'perplexity now':>16}{'saved':>9}"]
        for count, score, read in zip(self.edits, self.score, self.perplexity, strict=True):
            at = known.edits.index(count) if known is not None and count in known.edits else None
            old = ("", "") if known is None or at is None else (f"{known.score[at]:.1f}", f"{known.perplexity[at]:.1f}")
            lines.append(f"{count:>6}{score:>9.1f}{old[0]:>9}{read:>16.1f}{old[1]:>9}")
        return "\n".join(lines)


def first_edits(
    lm: LanguageModel, method: str = "rome", counts: Sequence[int] = (1, 2, 5, 10, 20), **settings: Any
) -> First:
    """Edit the lab's facts one after the other, as the benchmark does, and judge at these counts; all is undone.

    settings: of `iw.edit`, for another run than the benchmark's
    """
    made: list[Edit] = []
    judged = []
    try:
        for fact in facts()[: max(counts)]:
            made.append(editing.edit(lm, fact, method=method, alarm=None, progress=False, **settings))
            if len(made) in counts:
                judged.append(_without(lm, made))
    finally:
        for one in reversed(made):
            one.undo()
    return First(method, tuple(counts), tuple(judged))


def _without(lm: LanguageModel, made: Sequence[Edit]) -> Judged:
    """The edits so far against the model without them."""
    for one in made:
        lm.ledger.toggle(one, False)
    try:
        return judge(lm, [fact for one in made for fact in one.facts], {f"{len(made)} edits": made})
    finally:
        for one in made:
            lm.ledger.toggle(one, True)


def plot(first: First | None = None) -> Figure:
    """S and perplexity by number of edits: a line for each saved method, and points for what was computed now."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.2), layout="constrained")
    for i, curve in enumerate(saved().values()):
        style = {"color": f"C{i}", "linestyle": ("-", "--", "-.", ":")[i % 4]}
        for axes, values in zip(panels, (curve.score, curve.perplexity), strict=True):
            axes.plot(curve.edits, values, label=curve.method, marker=".", markersize=4, **style)
    if first is not None:
        for axes, values in zip(panels, (first.score, first.perplexity), strict=True):
            axes.plot(first.edits, values, "o", mfc="none", color="black", label=f"{first.method}, now")
    panels[0].set(xscale="log", xlabel="edits", ylabel="S", ylim=(0, 100))
    panels[1].set(xscale="log", yscale="log", xlabel="edits", ylabel="perplexity")
    low, high = panels[1].get_ylim()
    # A change by a hundredth must not fill the picture, nor a broken model push the others onto one line.
    panels[1].set_ylim(min(low, 10), min(max(high, 100), 1000))
    counts = sorted({count for curve in saved().values() for count in curve.edits} or {1})
    for axes in panels:
        axes.set_xticks(counts, [str(count) for count in counts], rotation=60, fontsize=8)
        axes.minorticks_off()
    panels[1].legend(fontsize=7, frameon=False)
    return figure
