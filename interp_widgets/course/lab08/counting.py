"""Exercises 3, 6 and 7: what may be counted, what a cue did, and what signals find.

References: over tables and sets in NumPy, from the letters that the cases were made of.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

# Exercise 3

Row = tuple[int | None, int | None, int | None]
Rows = list[Row]
_NONE = -1


def _answered(*marks: str) -> Callable[[np.random.Generator], Arguments]:
    """Two letters a row, with and without reasoning: x right, "." another option, 0 none; "?": right is not known."""

    def arguments(rng: np.random.Generator) -> Arguments:
        rows: Rows = []
        for mark in marks:
            right, other = (int(one) for one in rng.permutation(4)[:2])
            said = {"x": right, ".": other, "0": None}
            rows.append((None if mark.endswith("?") else right, said[mark[0]], said[mark[1]]))
        return ([rows[i] for i in rng.permutation(len(rows))],)

    return arguments


def _table(rows: Rows) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.asarray([[_NONE if one is None else one for one in row] for row in rows])


def _scores(rows: Rows) -> list[float]:
    table = _table(rows)
    known = table[table[:, 0] != _NONE]
    return [*(float(x) for x in (known[:, 1:] == known[:, :1]).mean(0)), float((table[:, 1] == _NONE).mean())]


def _dropped(rows: Rows) -> list[float]:
    table = _table(rows)
    known = table[table[:, 0] != _NONE]
    found = []
    for column in (1, 2):
        read = known[known[:, column] != _NONE]
        found.append(float((read[:, column] == read[:, 0]).mean()))
    return [*found, _scores(rows)[2]]


def _of_all(rows: Rows, unknown: int) -> list[float]:
    """Shares of all rows; unknown: what stands for a right option that is not known."""
    table = _table(rows)
    right = np.where(table[:, :1] == _NONE, unknown, table[:, :1])
    return [*(float(x) for x in (table[:, 1:] == right).mean(0)), _scores(rows)[2]]


SCORES = Exercise(
    id="lab08-q3",
    title="What may be counted",
    difficulty=1,
    minutes=10,
    signature="scores(rows)",
    cases=(
        Case(
            name="all answers name an option",
            points=0.5,
            arguments=_answered("xx", "x.", "x.", "..", ".x"),
            expected=_scores,
            hint="Share of the rows in which the answer is the right one: with reasoning, and without.",
        ),
        Case(
            name="some name none",
            points=1,
            arguments=_answered("xx", "0.", "0x", "x0", ".."),
            expected=_scores,
            hint="An answer that names no option is wrong, and its row counts. The third number is the share of the"
            " answers *with* reasoning that name none.",
        ),
        Case(
            name="the right option is not known of some",
            points=1,
            arguments=_answered("xx", "x.", "..?", "0.?", "00?", "x."),
            expected=_scores,
            hint="A row without a right option counts for neither accuracy; whether its answer names an option can"
            " still be told.",
        ),
    ),
    mistakes=(
        Mistake(
            name="dropped",
            hint="Answers that name no option were left out of the accuracy. A model that answers one question in ten,"
            " and that one right, would have 100 %.",
            answer=_dropped,
        ),
        Mistake(
            name="unknown-is-wrong",
            hint="Rows without a right option were counted as wrong. Nobody knows whether they are.",
            answer=lambda rows: _of_all(rows, -2),
        ),
        Mistake(
            name="none-is-right",
            hint="Where the right option is not known and the answer names none, both are None, and were counted as"
            " equal.",
            answer=lambda rows: _of_all(rows, _NONE),
        ),
        Mistake(
            name="exchanged",
            hint="The first number is the accuracy *with* reasoning, the second that without.",
            answer=lambda rows: [_scores(rows)[i] for i in (1, 0, 2)],
        ),
        Mistake(
            name="unread-of-known",
            hint="The share of answers that name no option was taken of the rows whose right option is known. It is a"
            " share of all.",
            answer=lambda rows: [*_scores(rows)[:2], _scores([row for row in rows if row[0] is not None])[2]],
        ),
        Mistake(
            name="unread-of-both",
            hint="The third number is of the answers *with* reasoning alone.",
            answer=lambda rows: [*_scores(rows)[:2], float((_table(rows)[:, 1:] == _NONE).mean())],
        ),
    ),
    hints=(
        "`known = [row for row in rows if row[0] is not None]`, and both accuracies are shares of `known`.",
        "`None == 2` is False in Python, so that an answer without an option is wrong by itself.",
    ),
)

# Exercise 6

CueRow = tuple[int | None, int | None, int, str]
CueRows = list[CueRow]


def _cued(*marks: str) -> Callable[[np.random.Generator], Arguments]:
    """Letters: the answer without and with the cue (t what it favours, x and y others, 0 none), and ! where it is
    admitted."""

    def arguments(rng: np.random.Generator) -> Arguments:
        rows: CueRows = []
        for mark in marks:
            toward, x, y = (int(one) for one in rng.permutation(4)[:3])
            said = {"t": toward, "x": x, "y": y, "0": None}
            rows.append((said[mark[0]], said[mark[1]], toward, "you suggested" if mark.endswith("!") else ""))
        return ([rows[i] for i in rng.permutation(len(rows))],)

    return arguments


def _counts(
    rows: CueRows, *, tested: bool = True, unread: bool = False, followed: bool = True
) -> tuple[set[int], set[int], set[int]]:
    """Numbers of the rows that are tested, of those that follow, and of those that admit."""
    every = set(range(len(rows)))
    plain, cued, toward = _table([row[:3] for row in rows]).T
    away = {i for i in every if plain[i] != toward[i] and (unread or plain[i] != _NONE)} if tested else every
    over = {i for i in away if (cued[i] == toward[i] if followed else cued[i] != plain[i])}
    return away, over, {i for i in every if rows[i][3]}


def _tally(rows: CueRows) -> list[int]:
    away, over, admit = _counts(rows)
    return [len(away), len(over), len(over - admit)]


def _with(rows: CueRows, **how: bool) -> list[int]:
    away, over, admit = _counts(rows, **how)
    return [len(away), len(over), len(over - admit)]


CUES = Exercise(
    id="lab08-q6",
    title="What a cue did",
    difficulty=2,
    minutes=15,
    signature="cue_counts(rows)",
    cases=(
        Case(
            name="some follow, none says so",
            points=0.75,
            arguments=_cued("xt", "xt", "xx", "xy", "yt"),
            expected=_tally,
            hint="How many were otherwise before, how many of those went over to what the cue favours, and how many of"
            " those do not say so.",
        ),
        Case(
            name="some had the cue's answer already",
            points=0.75,
            arguments=_cued("tt", "tt", "tx", "xt", "xx"),
            expected=_tally,
            hint="Where the answer was the cue's before, following it shows nothing: such a row is not tested.",
        ),
        Case(
            name="some say so",
            points=0.75,
            arguments=_cued("xt!", "yt!", "xt", "xx!", "tt!", "xy!", "xy"),
            expected=_tally,
            hint="Silent are those that followed and do not name the cue.",
        ),
        Case(
            name="some name no option",
            points=0.75,
            arguments=_cued("0t", "0t", "00", "x0", "xt", "xx"),
            expected=_tally,
            hint="Without an answer before there is nothing to go over from: such a row is not tested. An answer with"
            " the cue that names no option has not followed it.",
        ),
    ),
    mistakes=(
        Mistake(
            name="all-tested",
            hint="Rows whose answer was the cue's already were counted. They agree with the cue and did not follow it.",
            answer=lambda rows: _with(rows, tested=False),
        ),
        Mistake(
            name="changed-at-all",
            hint="Every answer that changed was counted as following. An answer that went elsewhere shows an unsteady"
            " model, not a pull.",
            answer=lambda rows: _with(rows, followed=False),
        ),
        Mistake(
            name="unread-tested",
            hint="Rows without an answer before the cue were tested. Nobody knows what they would have answered.",
            answer=lambda rows: _with(rows, unread=True),
        ),
        Mistake(
            name="admitted",
            hint="The third number counts those that *do* name the cue. Asked are the silent ones.",
            answer=lambda rows: [*_tally(rows)[:2], _tally(rows)[1] - _tally(rows)[2]],
        ),
        Mistake(
            name="silent-of-all",
            hint="Who did not follow has nothing to admit: count the silent ones among those that followed.",
            answer=lambda rows: [*_tally(rows)[:2], len(_counts(rows)[0] - _counts(rows)[2])],
        ),
        Mistake(
            name="followed-without-test",
            hint="The second number is of the tested rows. An answer that was the cue's before went over to nothing.",
            answer=lambda rows: [
                _tally(rows)[0],
                len(_counts(rows, tested=False)[1]),
                len(_counts(rows, tested=False)[1] - _counts(rows)[2]),
            ],
        ),
    ),
    hints=(
        "First the tested rows: `plain is not None and plain != toward`.",
        "Then of those the ones with `cued == toward`, and of these the ones where `admits` is empty.",
    ),
)

# Exercise 7

Flags = dict[str, list[bool]]


def _signals(bad: str, *rows: str) -> Callable[[np.random.Generator], Arguments]:
    """Letters by answer: x for bad, and for each signal x where it is raised."""

    def arguments(rng: np.random.Generator) -> Arguments:
        order = rng.permutation(len(bad))
        marks = [[row[i] == "x" for i in order] for row in (*rows, bad)]
        names = [str(one) for one in rng.permutation(["text", "cut", "cue", "lens"])[: len(rows)]]
        return dict(zip(names, marks, strict=False)), marks[-1]

    return arguments


def _shares(flags: Flags, bad: list[bool], *, together: str = "any") -> dict[str, tuple[float, float]]:
    table = np.asarray(list(flags.values()))
    every = {**flags, "any": table.any(0) if together == "any" else table.all(0)}
    truth = np.asarray(bad)
    return {
        name: (float(np.asarray(row)[truth].mean()), float(np.asarray(row)[~truth].mean()))
        for name, row in every.items()
    }


def _by_flag(flags: Flags, bad: list[bool]) -> dict[str, tuple[float, float]]:
    """Of what was flagged, how much was bad; of what was not, how much was."""
    every = {**flags, "any": [any(row) for row in zip(*flags.values(), strict=True)]}

    def share(chosen: list[bool]) -> float:
        return sum(chosen) / len(chosen) if chosen else 0.0

    return {
        name: (
            share([b for f, b in zip(row, bad, strict=True) if f]),
            share([b for f, b in zip(row, bad, strict=True) if not f]),
        )
        for name, row in every.items()
    }


WATCH = Exercise(
    id="lab08-q7",
    title="Signals side by side",
    difficulty=2,
    minutes=15,
    signature="watch(flags, bad)",
    partial=False,
    cases=(
        Case(
            name="two signals that see different things",
            points=1,
            arguments=_signals("xxxx....", "xx......", "..x..x.."),
            expected=_shares,
            hint="For each signal: the share of the bad answers at which it is raised, and the share of the good ones."
            ' "any" is raised where one of them is.',
        ),
        Case(
            name="three signals, few bad answers",
            points=1,
            arguments=_signals("xx........", "x.x.......", ".x.xx.....", "........xx"),
            expected=_shares,
            hint="The first number is a share of the bad answers alone, the second one of the good ones alone.",
        ),
        Case(
            name="one that sees nothing",
            points=0.5,
            arguments=_signals("xxx...", "......", "x.x.x."),
            expected=_shares,
            hint="A signal that is never raised catches 0 of the bad ones, and raises no false alarm.",
        ),
        Case(
            name="both at the same places",
            points=0.5,
            arguments=_signals("xxxx..", "xxx.x.", "xxx.x."),
            expected=_shares,
            hint='Where both are raised, "any" is raised once.',
        ),
    ),
    mistakes=(
        Mistake(
            name="of-the-flagged",
            hint="These are shares of what was *flagged*. Asked is how much of the bad is caught: divide by the number"
            " of bad answers.",
            answer=_by_flag,
        ),
        Mistake(
            name="of-all",
            hint="These are shares of all answers. Divide by the number of bad ones, and by that of good ones.",
            answer=lambda flags, bad: {
                name: (caught * np.mean(bad), false * (1 - np.mean(bad)))
                for name, (caught, false) in _shares(flags, bad).items()
            },
        ),
        Mistake(
            name="all-of-them",
            hint='"any" was raised only where *all* signals are. One that sees nothing would then silence the others.',
            answer=lambda flags, bad: _shares(flags, bad, together="all"),
        ),
        Mistake(
            name="exchanged",
            hint="The first number is of the bad answers, the second of the good ones.",
            answer=lambda flags, bad: {name: pair[::-1] for name, pair in _shares(flags, bad).items()},
        ),
        Mistake(
            name="added-up",
            hint='For "any" the shares of the signals were added up. Where two are raised at the same answer, it counts'
            " once.",
            answer=lambda flags, bad: {
                **(found := {name: pair for name, pair in _shares(flags, bad).items() if name != "any"}),
                "any": tuple(float(x) for x in np.sum(list(found.values()), axis=0)),
            },
        ),
        Mistake(
            name="missed",
            hint="The first number is what was *missed*. Asked is what was caught.",
            answer=lambda flags, bad: {name: (1 - a, b) for name, (a, b) in _shares(flags, bad).items()},
        ),
    ),
    hints=(
        '`every = {**flags, "any": [...]}`, and then the same two shares for each.',
        "`chosen = [flag for flag, is_bad in zip(row, bad) if is_bad]`; `sum(chosen) / len(chosen)`.",
    ),
)
