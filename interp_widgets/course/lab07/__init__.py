"""Lab 07: concept erasure, from a probe that is scored properly to LEACE by hand, INLP, and erasing in the model.

What the notebook uses is below; exercises are in `scoring`, `covariances`, `closed_form` and `null_space`.
"""

from interp_widgets.course.exercise import Lab, Written
from interp_widgets.course.lab07.closed_form import ERASE, LEACE
from interp_widgets.course.lab07.covariances import MOMENTS, WHITEN
from interp_widgets.course.lab07.null_space import NULL, ROUNDS
from interp_widgets.course.lab07.own import against_library, by_hand, left_over, printed, rounds_of, scores
from interp_widgets.course.lab07.parts import EACH, LAYER, Data, Part, data, linear_probe
from interp_widgets.course.lab07.results import (
    PROMPTS,
    by_size,
    controls,
    crossed,
    erasers,
    leads,
    plot_rounds,
    seen_by,
)
from interp_widgets.course.lab07.scoring import GAP, SCORE

GONE = Written(
    id="lab07-w1",
    title="Is it gone?",
    difficulty=2,
    minutes=20,
    rubric=(
        (1, "says what LEACE promises and where: no linear classifier, on the states that it was fitted on"),
        (1, "says what it does not promise, with a number of this lab: fresh states, or a nonlinear reader"),
        (1, "tells states from behaviour: what is erased at one layer may be written again by later ones"),
        (1, "names the controls, and what would have to be thought if one of them had fallen as well"),
        (1, "decides: which measurement, on which data, would have to come out how, before the claim is made"),
    ),
)

LAB = Lab(
    id="lab07",
    title="Concept erasure",
    notebook="07_concept_erasure",
    minutes=210,
    exercises=(SCORE, MOMENTS, WHITEN, LEACE, ERASE, NULL, ROUNDS, GAP, GONE),
)

__all__ = [
    "EACH",
    "LAB",
    "LAYER",
    "PROMPTS",
    "Data",
    "Part",
    "against_library",
    "by_hand",
    "by_size",
    "controls",
    "crossed",
    "data",
    "erasers",
    "leads",
    "left_over",
    "linear_probe",
    "plot_rounds",
    "printed",
    "rounds_of",
    "scores",
    "seen_by",
]
