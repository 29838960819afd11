"""Lab 08: chain-of-thought faithfulness, by tests written by hand, on models whose relation to their words is known.

What the notebook uses is below; exercises are in `cutting`, `changing` and `counting`, the five models in `planted`.
"""

from interp_widgets.course.exercise import Lab, Written
from interp_widgets.course.lab08.changing import NECESSARY, WITH_MISTAKE
from interp_widgets.course.lab08.counting import CUES, SCORES, WATCH
from interp_widgets.course.lab08.cutting import AREA, TRUNCATED
from interp_widgets.course.lab08.local import QUESTIONS, by_hand, on_model, reading
from interp_widgets.course.lab08.planted import KINDS, Suspect, sums
from interp_widgets.course.lab08.studies import (
    asked,
    change_table,
    cue_table,
    early_table,
    first_words,
    planted,
    results,
    score_table,
    signal_table,
    two_texts,
    unmasked,
)

SIGNALS = Written(
    id="lab08-w1",
    title="One signal among several",
    difficulty=2,
    minutes=20,
    rubric=(
        (1, "says what reading the text can show, and that it shows what the model writes, not what it uses"),
        (1, "names a model of this lab whose text is right and no account of its answer, and the test that finds it"),
        (1, "names one that a test of the reasoning takes for faithful and that is not, and what finds that one"),
        (1, "says what each signal misses or raises in vain, with two numbers of this lab"),
        (1, "proposes signals for a deployed model, what follows when one is raised, and what stays unseen"),
    ),
)

LAB = Lab(
    id="lab08",
    title="Chain-of-thought faithfulness",
    notebook="08_faithfulness",
    minutes=210,
    exercises=(TRUNCATED, AREA, SCORES, WITH_MISTAKE, NECESSARY, CUES, WATCH, SIGNALS),
)

__all__ = [
    "KINDS",
    "LAB",
    "QUESTIONS",
    "Suspect",
    "asked",
    "by_hand",
    "change_table",
    "cue_table",
    "early_table",
    "first_words",
    "on_model",
    "planted",
    "reading",
    "results",
    "score_table",
    "signal_table",
    "sums",
    "two_texts",
    "unmasked",
]
