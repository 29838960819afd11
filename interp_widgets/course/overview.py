"""`labs()`: every lab and exercise, what was reached, and a way to the next one; `rubric()`: how a person marks."""

from __future__ import annotations

import html
import os
from dataclasses import dataclass
from pathlib import Path

from interp_widgets.course import progress
from interp_widgets.course.exercise import Exercise, Lab, Written
from interp_widgets.course.report import points_text
from interp_widgets.errors import ArgumentError

_DIM = "opacity:.75"
_BLUE = "rgb(0,114,178)"


@dataclass(frozen=True)
class Overview:
    """What `labs` shows. reached: the best points by exercise. folder: where the notebooks are, if that is known."""

    labs: tuple[Lab, ...]
    reached: dict[str, float]
    folder: Path | None

    @property
    def next(self) -> Exercise | None:
        """The first exercise that `check` marks and that is not done in full."""
        for lab in self.labs:
            for exercise in lab.exercises:
                if isinstance(exercise, Exercise) and self.reached.get(exercise.id, 0.0) < exercise.points:
                    return exercise
        return None

    def __repr__(self) -> str:
        lines = []
        for lab in self.labs:
            lines.append(f"{lab.id}  {lab.title}  ({lab.minutes} minutes; {self._sum(lab)})")
            lines += [f"    {self._state(one):<14} {one.id:<10} {one.title}" for one in lab.exercises]
        lines.append(self._next_line())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        parts = ['<div style="max-width:640px;line-height:1.5">']
        after = self.next
        if after is not None:
            lab = next(lab for lab in self.labs if lab.id == after.lab)
            parts.append(f"<div><b>Next:</b> {self._link(lab, f'{after.id}, {after.title}', after.heading)}</div>")
        else:
            parts.append("<div><b>All exercises are done.</b></div>")
        for lab in self.labs:
            rows = "".join(self._row(one) for one in lab.exercises)
            table = f'<table style="margin:0px">{rows}</table>' if rows else ""
            parts.append(
                f"<div><b>{self._link(lab, f'{lab.id} {lab.title}')}</b> "
                f'<span style="{_DIM}">{lab.minutes} minutes · {self._sum(lab)}</span></div>{table}'
            )
        where = html.escape(str(progress.progress_file()))
        parts.append(f'<div style="{_DIM}">Recorded on this machine only, in {where}</div></div>')
        return "".join(parts)

    def _row(self, one: Exercise | Written) -> str:
        share = min(self.reached.get(one.id, 0.0) / one.points, 1.0)
        bar = f'<div style="width:{round(share * 80)}px;height:9px;background-color:{_BLUE}"></div>' if share else ""
        return (
            f'<tr><td style="text-align:left">{one.id}</td><td style="text-align:left">{html.escape(one.title)}</td>'
            f'<td style="text-align:right">{self._state(one)}</td>'
            f'<td style="width:80px">{bar}</td></tr>'
        )

    def _state(self, one: Exercise | Written) -> str:
        if isinstance(one, Written):
            return f"by a person, {one.points:g}"
        return f"{self.reached.get(one.id, 0.0):g} of {one.points:g}"

    def _sum(self, lab: Lab) -> str:
        marked = [one for one in lab.exercises if isinstance(one, Exercise)]
        if not marked:
            return "no exercises"
        got = sum(self.reached.get(one.id, 0.0) for one in marked)
        return f"{got:g} of {points_text(sum(one.points for one in marked))}"

    def _next_line(self) -> str:
        after = self.next
        if after is None:
            return "All exercises are done."
        lab = next(lab for lab in self.labs if lab.id == after.lab)
        return f"Next: {after.id}, {after.title} ({lab.notebook}.ipynb)"

    def _link(self, lab: Lab, text: str, heading: str = "") -> str:
        """To the notebook, relative to the one that shows this, so that JupyterLab opens it in a tab; and there to a
        heading, which JupyterLab knows by its words joined with hyphens (it finds none that has a question mark)."""
        if self.folder is None:
            return f"{html.escape(text)} ({html.escape(lab.notebook)}.ipynb)"
        file = os.path.relpath(self.folder / f"{lab.notebook}.ipynb", Path.cwd())
        place = f"#{heading.replace(' ', '-')}" if heading else ""
        return f'<a href="{html.escape(Path(file).as_posix() + place)}">{html.escape(text)}</a>'


def labs() -> Overview:
    """Where you stand: each lab and exercise with the points that you reached, and a link to the next one."""
    from interp_widgets.course.catalogue import LABS

    return Overview(LABS, progress.best(), course_folder(LABS))


def course_folder(labs: tuple[Lab, ...]) -> Path | None:
    """Where the notebooks are: here, in a folder above, or beside this package in a source tree."""
    here = Path.cwd()
    places = [here, *here.parents, *(place / "notebooks" for place in (here, Path(__file__).parents[2]))]
    return next((place for place in places if all((place / f"{lab.notebook}.ipynb").is_file() for lab in labs)), None)


@dataclass(frozen=True)
class Rubric:
    """How a question in words is marked."""

    question: Written

    def __repr__(self) -> str:
        rows = [f"  {points_text(points):<10} {text}" for points, text in self.question.rubric]
        return "\n".join([f"{self.question.id}, {self.question.title}: {points_text(self.question.points)}", *rows])


def rubric(id: str) -> Rubric:
    """What is worth how many points in a question that a person marks. Raises ArgumentError for any other id."""
    from interp_widgets.course.checking import find

    found = find(id)
    if not isinstance(found, Written):
        raise ArgumentError(f"id={id!r} is marked by check(); a rubric belongs to questions in words")
    return Rubric(found)
