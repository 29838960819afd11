"""Lab 01, integrated gradients: its exercises, and the functions that its notebook uses."""

from interp_widgets.course.exercise import Lab, Written
from interp_widgets.course.lab01.axioms import GAP, SENSITIVITY
from interp_widgets.course.lab01.batches import BATCHES
from interp_widgets.course.lab01.functions import (
    Cubic,
    Linear,
    Normalised,
    Quadratic,
    Saturating,
    guided,
    midpoints,
    path_scores,
    saliency,
    total,
    total_by_parts,
)
from interp_widgets.course.lab01.on_model import ON_MODEL
from interp_widgets.course.lab01.path import GRADIENT, PATH
from interp_widgets.course.lab01.studies import (
    PROMPTS,
    attention_study,
    deletion_study,
    path_profile,
    with_random_weights,
)
from interp_widgets.course.lab01.trust import TRUST

WHY = Written(
    id="lab01-w1",
    title="Why does it not add up?",
    difficulty=2,
    minutes=10,
    rubric=(
        (1, "names the singular start: the norm divides by the size of its input, which is zero at the baseline"),
        (1, "uses the measured norms: near the start the gradient is larger by the factor that the lab measured"),
        (1, "says why more steps do not simply help: neighbouring gradients point in unrelated directions"),
    ),
)

ATTENTION = Written(
    id="lab01-w2",
    title="Answer a colleague",
    difficulty=2,
    minutes=10,
    rubric=(
        (1, "separates where the model looks from what drove the answer, with this lab's numbers for the first token"),
        (1, "names a control that the picture would have to pass, and what came of it here"),
        (1, "says what would be shown instead, and what that does not show either"),
    ),
)

LAB = Lab(
    id="lab01",
    title="Integrated gradients",
    notebook="01_integrated_gradients",
    minutes=150,
    exercises=(GRADIENT, PATH, GAP, SENSITIVITY, BATCHES, *ON_MODEL, TRUST[0], WHY, *TRUST[1:], ATTENTION),
)

__all__ = [
    "LAB",
    "PROMPTS",
    "Cubic",
    "Linear",
    "Normalised",
    "Quadratic",
    "Saturating",
    "attention_study",
    "deletion_study",
    "guided",
    "midpoints",
    "path_profile",
    "path_scores",
    "saliency",
    "total",
    "total_by_parts",
    "with_random_weights",
]
