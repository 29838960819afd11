"""The word that follows from an evaluation of an edit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from interp_widgets.editing.editors.in_context import InContext
from interp_widgets.editing.evaluating.thresholds import Alarm
from interp_widgets.results.provenance import Verdict, Word

if TYPE_CHECKING:
    from interp_widgets.editing.evaluating.evaluation_result import EditEvaluation

HOLDS = 0.5  # of the facts; below it an edit is none
WORDINGS = 0.9  # of the paraphrases
LOST = 0.03  # of the neighbourhood that an edit may cost
LEADS = 0.5  # of the ripple prompts


def judge(result: EditEvaluation) -> Verdict:
    before = result.unedited
    efficacy, paraphrase, neighbourhood = result.efficacy[0], result.paraphrase[0], result.neighbourhood[0]
    sentence = f"{100 * efficacy:.0f} % of the facts hold"
    why: list[str] = []
    word: Word = "trust"
    if efficacy < 1:
        word = "caution"
        why.append("Where a fact does not hold, another layer or more steps may reach it.")
    if not math.isnan(paraphrase):
        sentence += f", {100 * paraphrase:.0f} % of paraphrases"
        if paraphrase < WORDINGS:
            word = "caution"
            why.append(
                "An edit that holds at one wording only is no knowledge: ask in other words before relying on it."
            )
    if not math.isnan(neighbourhood):
        lost = before["neighbourhood"][0] - neighbourhood
        sentence += f"; neighbours {100 * neighbourhood:.0f} %, {100 * before['neighbourhood'][0]:.0f} % before"
        if lost > LOST:
            word = "caution"
            why.append("Other facts changed with it. See to_frame() for which.")
    if not math.isnan(result.ripple[0]):
        now, was = (100 * share for share in (result.ripple[0], before["ripple"][0]))
        sentence += f"; what follows from them {now:.0f} %, {was:.0f} % before"
        if result.ripple[0] < LEADS:
            word = "caution"
            why.append(
                "What follows from the new answer mostly goes with the old one: the edit changed an answer rather than"
                " what the model knows."
            )
    damage = _damage(result)
    if damage:
        # What stands in the prompt disturbs what is read after it; the model itself is whole.
        word = "caution" if result.method == InContext.method else "do not trust"
        why += damage
    if efficacy < HOLDS:
        word = "do not trust"
    return Verdict(word, sentence, tuple(why))


def _damage(result: EditEvaluation) -> list[str]:
    """What the model lost as a whole; empty where nothing."""
    lines = Alarm()
    found = [lines.of_perplexity(*result.perplexity)] if result.perplexity is not None else []
    found += [lines.of_entropy(*result.entropy)] if result.entropy is not None else []
    return [one for one in found if one]
