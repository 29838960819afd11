"""What `check` found, and how it is shown: case by case, with the one hint that helps."""

from __future__ import annotations

import html
from dataclasses import dataclass

from interp_widgets.course.compare import Miss
from interp_widgets.course.exercise import Case, Exercise, Mistake
from interp_widgets.results.numbers import count, duration

RIGHT, WRONG, NOT_RUN = "✓", "✗", "–"
_DIM = "opacity:.75"
_BESIDE = "border-left:3px solid rgb(230,159,0);padding-left:8px"


def points_text(points: float) -> str:
    """Such as "2 points", "0.5 points", "1 point"; what is worth nothing must pass all the same."""
    if not points:
        return "no points, but must pass"
    return f"{points:g} point{'' if points == 1 else 's'}"


@dataclass(frozen=True)
class CaseResult:
    """One case: passed if there is no `miss` and it was run. printed, lines: what the answer wrote meanwhile."""

    case: Case
    miss: Miss | None
    not_run: bool
    printed: str = ""
    lines: int = 0

    @property
    def passed(self) -> bool:
        return self.miss is None and not self.not_run


@dataclass(frozen=True)
class Report:
    """exercise, its cases with what came of each, the known mistake that was recognised, and whether the seed was a
    hidden one."""

    exercise: Exercise
    cases: tuple[CaseResult, ...]
    mistake: Mistake | None
    hidden: bool = False

    @property
    def passed(self) -> bool:
        return all(result.passed for result in self.cases)

    @property
    def points(self) -> float:
        """Earned; cases count each for itself, unless the exercise is all or nothing."""
        if not (self.passed or self.exercise.partial):
            return 0.0
        return float(sum(result.case.points for result in self.cases if result.passed))

    @property
    def of(self) -> float:
        return float(self.exercise.points)

    @property
    def first_miss(self) -> CaseResult | None:
        return next((result for result in self.cases if result.miss is not None), None)

    @property
    def hint(self) -> str | None:
        """Of the mistake that was recognised, else of the first case that failed; None if all is right, or no value
        came back that a hint could speak of."""
        if self.mistake is not None:
            return self.mistake.hint
        failed = self.first_miss
        if failed is None or failed.miss is None or failed.miss.form or not failed.miss.telling:
            return None
        return failed.case.hint

    def headline(self) -> str:
        """Such as "lab01-q2: 3 of 4 points"."""
        unseen = ", with other numbers than before" if self.hidden and not self.passed else ""
        return f"{self.exercise.id}: {self.points:g} of {points_text(self.of)}{unseen}"

    def __repr__(self) -> str:
        return f"<Report {self.headline()}>"

    def _ipython_display_(self) -> None:
        """Nothing: `check` has shown it, also where it is not the last line of its cell."""

    def text(self) -> str:
        lines = [f"{self.headline()}  ({self.exercise.title})"]
        for result in self.cases:
            lines.append(f"  {_mark(result)} {result.case.name} ({points_text(result.case.points)})")
            if result.miss is not None:
                lines.append(f"      {_sentence(result.miss.what)}")
                if result.miss.expected:
                    lines += [f"      expected  {result.miss.expected}", f"      given     {result.miss.given}"]
        lines += [f"  it printed: {line}" for line in self._printed()]
        if self.hint is not None:
            lines.append(f"  Hint: {self.hint}")
        return "\n".join(lines)

    def as_html(self, note: str = "") -> str:
        """Without scripts, in the host's colours."""
        rows = []
        for result in self.cases:
            told = ""
            if result.miss is not None:
                told = f"<div>{_with_code(_sentence(result.miss.what))}</div>"
                if result.miss.expected:
                    told += _value("expected", result.miss.expected) + _value("given", result.miss.given)
            rows.append(
                f'<li style="list-style-type:none"><b>{_mark(result)}</b> {_safe(result.case.name)} '
                f'<span style="{_DIM}">{points_text(result.case.points)}</span>{told}</li>'
            )
        mark = RIGHT if self.passed else WRONG
        printed = "".join(f"{_safe(line)}\n" for line in self._printed())
        return "".join(
            [
                '<div style="max-width:640px;line-height:1.5">',
                f"<div><b>{mark} {_safe(self.headline())}</b> {_safe(self.exercise.title)}</div>",
                f'<ul style="margin:0px;padding-left:12px">{"".join(rows)}</ul>',
                f"<details><summary>What it printed</summary><pre>{printed}</pre></details>" if printed else "",
                f'<div style="{_BESIDE}"><b>Hint.</b> {_with_code(self.hint)}</div>' if self.hint else "",
                f'<div style="{_DIM}">{_safe(note)}</div>' if note else "",
                "</div>",
            ]
        )

    def _printed(self) -> list[str]:
        """What the first case that printed wrote, shortened."""
        result = next((result for result in self.cases if result.printed), None)
        if result is None:
            return []
        shown = result.printed.splitlines()[:10]
        rest = result.lines - len(shown)
        return [*shown, f"and {count(rest, 'line')} more"] if rest > 0 else shown


def _mark(result: CaseResult) -> str:
    return NOT_RUN if result.not_run else RIGHT if result.passed else WRONG


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?', '!')) else '.'}"


def _value(name: str, value: str) -> str:
    return f'<div><span style="display:inline-block;width:80px">{name}</span> <code>{_safe(value)}</code></div>'


def _with_code(text: str) -> str:
    """`words` between backticks as code."""
    parts = _safe(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def _safe(text: str) -> str:
    return html.escape(text, quote=True)


def show(report: Report, *, seconds: float, note: str | None) -> None:
    """In a notebook as HTML, elsewhere as text; on stdout, for nbgrader takes marks away for anything on stderr."""
    from interp_widgets.widgets.kernel import running_kernel

    line = " · ".join(part for part in (duration(seconds), note) if part)
    if running_kernel() is None:
        print(f"{report.text()}\n  {line}")
        return
    from IPython.display import display

    bundle = {"text/html": report.as_html(line), "text/plain": f"{report.text()}\n  {line}"}
    display(bundle, raw=True)  # type: ignore[no-untyped-call]  # IPython has no annotations here
