"""Whether an edit did what it was to do and nothing else: the word, the measured sentence, and the reason."""

from __future__ import annotations

from interp_widgets.editing.diff.checks import Tally, tallies
from interp_widgets.editing.diff.result import EditDiff
from interp_widgets.editing.evaluating.evaluation_verdict import LOST
from interp_widgets.results.numbers import count, plain
from interp_widgets.results.provenance import Verdict, Word

REACHED = 0.9  # share of paraphrases
LARGE = 0.2  # a layer's weights changed by more than this share of their norm
_UNKNOWN = (
    "The facts have no {missing}, so nobody looked whether the edit {does}. Give them, iw.Fact(..., {names}), and"
    " compare again with records=[...]."
)


def diff_verdict(result: EditDiff) -> Verdict:
    told, why, words = [], [], []
    judged = result.evaluation
    if judged is None:
        words.append("caution")
        told.append("not judged: no fact has an original answer")
        why.append("Give iw.Fact(..., original=...), and compare again: then what holds, and what broke, is counted.")
    else:
        found = tallies(judged)
        told += [_sentence(one) for one in found.values()]
        for one in found.values():
            word, reason = _judge(one)
            words.append(word)
            why += [reason] if reason else []
        why += _unknown(found)
        words += ["caution"] if _unknown(found) else []
    if result.changes:
        largest = max(result.changes, key=lambda one: one.size)
        told.append(f"largest weight change {percent(largest.size)} of the norm, {largest.where}")
        if largest.size > LARGE:
            words.append("caution")
            why.append(
                f"A change of {percent(largest.size)} of a matrix's norm is large: other things that pass through"
                f" {largest.where} may have changed too."
            )
    crossed = () if result.alarm is None else result.alarm.crossed
    if crossed:
        words.append("do not trust")
        why = [f"The collapse alarm: {one}" for one in crossed] + why
        told.insert(0, "the collapse alarm went off")
    said: Word = "do not trust" if "do not trust" in words else "caution" if "caution" in words else "trust"
    return Verdict(said, "; ".join(told), tuple(why))


def percent(share: float) -> str:
    """Such as "8.2 %", "0.34 %", "41 %"; two digits."""
    value = 100 * share
    if value >= 9.95:
        return f"{value:.0f} %"
    if value >= 1 or value == 0:
        return f"{value:.1f} %" if value else "0 %"
    return f"{plain(value)} %" if value >= 0.01 else "under 0.01 %"


def _sentence(one: Tally) -> str:
    if one.part == "neighbour":
        if not one.lost:
            return f"{one.words} kept" if one.before else f"{one.words}, none right before"
        return f"{one.lost} of {count(one.before, 'neighbour')} lost"
    first = one.first_after >= one.after  # all that are ahead
    if one.n == 1:
        name = {"fact": "the fact", "paraphrase": "the paraphrase", "ripple": "the consequence"}[one.part]
        return f"{name} {'is not reached' if not one.after else 'holds' if first else 'is ahead, not first'}"
    verb = {"fact": "hold", "paraphrase": "reached", "ripple": "follow"}[one.part]
    return f"{one.after} of {one.words} {verb if first else f'ahead, {one.first_after} of them first'}"


def _judge(one: Tally) -> tuple[Word, str]:
    share = one.after / one.n
    if one.part == "neighbour":
        if one.lost <= LOST * one.n:
            return "trust", ""
        return "caution", "Other facts changed with it; the neighbours that were lost stand first in the table."
    if one.part == "fact":
        if one.first_before == one.n:
            return "caution", "The unedited model says so already: there was nothing to change."
        if share < 0.5:
            return "do not trust", "The edit does not hold at its own prompt. Another layer or more steps may reach it."
        if share < 1:
            return "caution", "Where a fact does not hold, another layer or more steps may reach it."
        if one.first_after < one.n:
            return "caution", "The new answer is above the original one, and yet something else is said first."
        return "trust", ""
    if one.part == "paraphrase":
        if share < REACHED:
            return "caution", (
                "An edit that holds at one wording only is no knowledge: ask in other words before relying on it."
            )
        return "trust", ""
    if share < 1:
        return (
            "caution",
            "What follows from the new answer was not all taken along: words changed, not the world.",
        )
    return "trust", ""


def _unknown(found: dict[str, Tally]) -> list[str]:
    parts = {
        "paraphrase": ("paraphrases", "reaches other wordings", "paraphrases=[...]"),
        "neighbour": ("neighbours", "left other facts alone", "neighbours=[...]"),
    }
    missing = [words for part, words in parts.items() if part not in found]
    if not missing:
        return []
    named, does, arguments = zip(*missing, strict=True)
    return [_UNKNOWN.format(missing=" and no ".join(named), does=" and ".join(does), names=", ".join(arguments))]
