"""Lab 04: locating, from the logit lens by hand to where a fact is kept, and how one would find out.

What the notebook uses is below; exercises are in `lens`, `patching`, `tracing`, `first_order`, `switching` and
`neurons`.
"""

from interp_widgets.course.exercise import Lab, Written
from interp_widgets.course.lab04.first_order import FIRST_ORDER
from interp_widgets.course.lab04.held_out import SETS
from interp_widgets.course.lab04.lens import LEADS, LENS
from interp_widgets.course.lab04.neurons import NAME_TEST, TOP
from interp_widgets.course.lab04.patching import PATCHED, RECOVERED
from interp_widgets.course.lab04.studies import (
    NAME_HEAD,
    effects_table,
    estimate_table,
    followed_table,
    name_test,
    plot_estimate,
    restore_from,
    swapped,
    wrong_signs,
)
from interp_widgets.course.lab04.switching import ZEROED
from interp_widgets.course.lab04.tracing import AVERAGE, NOISED

EXPLAIN = Written(
    id="lab04-w1",
    title="Explain activation patching",
    difficulty=2,
    minutes=12,
    rubric=(
        (1, "says what is run: a clean and a corrupted prompt that differ in one thing, and one activation put across"),
        (
            1,
            "says what the number means: how much of the way from the corrupted to the clean answer comes back, 0 to 1",
        ),
        (1, "says what restoring shows, enough to bring the answer back, and what only inserting would show, needed"),
        (1, "names a limit with a number of this lab: another pair or noise gives another map, or a first-order guess"),
    ),
)

DESIGN = Written(
    id="lab04-w2",
    title="Where is a fact stored",
    difficulty=3,
    minutes=20,
    rubric=(
        (1, "begins with facts that the model gets right, several of them, and an answer and foil fixed beforehand"),
        (1, "gives the runs: clean, corrupted by noise on the subject or by another subject, restored cell by cell"),
        (1, "says which pattern counts, position and layers, with an average over facts and its interval"),
        (
            1,
            "has a control that must fail, such as states of another subject, and says what it means if it does not",
        ),
        (
            1,
            "says what stays open: enough is not needed, states are passed on, a trace does not prove an edit",
        ),
    ),
)

LAB = Lab(
    id="lab04",
    title="Locating",
    notebook="04_locating",
    minutes=240,
    exercises=(LENS, LEADS, PATCHED, RECOVERED, EXPLAIN, NOISED, AVERAGE, FIRST_ORDER, ZEROED, TOP, NAME_TEST, DESIGN),
)

__all__ = [
    "LAB",
    "NAME_HEAD",
    "SETS",
    "effects_table",
    "estimate_table",
    "followed_table",
    "name_test",
    "plot_estimate",
    "restore_from",
    "swapped",
    "wrong_signs",
]
