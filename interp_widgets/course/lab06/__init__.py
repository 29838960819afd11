"""Lab 06: mass editing and its limits, from a closed form for many facts to a suite that watches over them.

What the notebook uses is below; exercises are in `closed_forms`, `training`, `codebook`, `null_space` and `reading`.
"""

from interp_widgets.course.answers import answers_table
from interp_widgets.course.exercise import Lab, Written
from interp_widgets.course.lab06.behaviour import EDITED, language_table, places_of, requests
from interp_widgets.course.lab06.closed_forms import MEMIT, SPREAD
from interp_widgets.course.lab06.codebook import PLACE
from interp_widgets.course.lab06.curves import comparison, first_edits, holding, plot, saved
from interp_widgets.course.lab06.editors import (
    NARROW,
    WIDE,
    codebook_of,
    fine_tuned,
    looked_up,
    plot_cost,
    untouched,
    words_told,
)
from interp_widgets.course.lab06.facts import LAYER, LAYERS, facts, with_ripple
from interp_widgets.course.lab06.null_space import FREE, PROTECTED
from interp_widgets.course.lab06.own import by_hand, two_halves, verdict
from interp_widgets.course.lab06.reading import HOLDS, SUITE
from interp_widgets.course.lab06.results import (
    PUBLISHED,
    WEIGHT,
    depth_table,
    identity_form,
    judge,
    memit_form,
    parts_of,
    wanted_of,
)
from interp_widgets.course.lab06.shipping import shipped, suite_of
from interp_widgets.course.lab06.training import ANSWER_LOSS, BOUNDED

REPAIR = Written(
    id="lab06-w1",
    title="Which repair",
    difficulty=2,
    minutes=20,
    rubric=(
        (1, "says for each of the cases what to do, and no case gets the same reason as another"),
        (1, "knows when nothing in the model should change: the fact moves, is long, or must be shown with its source"),
        (1, "knows when to train again: many facts, or a behaviour, with data to train and to test on"),
        (1, "uses two numbers of this lab, and says of what they are"),
        (1, "says what is watched after the repair, and what would make one take it back"),
    ),
)

STEERING = Written(
    id="lab06-w2",
    title="ROME against activation steering",
    difficulty=2,
    minutes=15,
    rubric=(
        (1, "what is changed: one answer of one matrix to one key, against a direction added wherever the model runs"),
        (1, "what each is good for, and what it cannot do: a fact about a subject, against a manner of answering"),
        (
            1,
            "strength and reach: an edit acts where its key is met, steering everywhere, by a strength that can be set",
        ),
        (1, "how each fails, and by which measurement one would see it"),
        (1, "how each is taken back, shipped and combined"),
    ),
)

LAB = Lab(
    id="lab06",
    title="Mass editing and its limits",
    notebook="06_mass_editing",
    minutes=270,
    exercises=(
        MEMIT,
        SPREAD,
        ANSWER_LOSS,
        BOUNDED,
        PLACE,
        FREE,
        PROTECTED,
        HOLDS,
        SUITE,
        REPAIR,
        STEERING,
    ),
)

__all__ = [
    "EDITED",
    "LAB",
    "LAYER",
    "LAYERS",
    "NARROW",
    "PUBLISHED",
    "WEIGHT",
    "WIDE",
    "answers_table",
    "by_hand",
    "codebook_of",
    "comparison",
    "depth_table",
    "facts",
    "fine_tuned",
    "first_edits",
    "holding",
    "identity_form",
    "judge",
    "language_table",
    "looked_up",
    "memit_form",
    "parts_of",
    "places_of",
    "plot",
    "plot_cost",
    "requests",
    "saved",
    "shipped",
    "suite_of",
    "two_halves",
    "untouched",
    "verdict",
    "wanted_of",
    "with_ripple",
    "words_told",
]
