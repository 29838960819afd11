"""Lab 03: representation engineering, from pairs of prompts to a direction that is shipped with its bounds.

What the notebook uses is below; exercises are in `pairs`, `directions`, `hooks`, `strengths`, `validation` and
`mixing`.
"""

from interp_widgets.course.exercise import Lab, Written
from interp_widgets.course.lab03 import bans
from interp_widgets.course.lab03.directions import MEAN, PCA
from interp_widgets.course.lab03.hooks import HOOK
from interp_widgets.course.lab03.mixing import COHORT, COMPOSE
from interp_widgets.course.lab03.pairs import BUILD, LEAKS
from interp_widgets.course.lab03.strengths import ALPHA, BOUNDS
from interp_widgets.course.lab03.studies import (
    accuracy_of,
    cosine_table,
    leaky_table,
    plot_accuracies,
    read_states,
    residual_norms,
    shuffle_labels,
    vector_of,
)
from interp_widgets.course.lab03.sweeps import (
    LAYERS,
    TEXTS,
    by_row,
    composition,
    continuations,
    declined,
    overhead,
    perplexities,
    random_like,
    recommended,
    sweep,
)
from interp_widgets.course.lab03.validation import HELD_OUT

CONTROLS = Written(
    id="lab03-w1",
    title="What the controls rule out",
    difficulty=2,
    minutes=10,
    rubric=(
        (1, "says what a random direction of the same norm rules out: that any push of this size does it"),
        (1, "says what shuffled labels rule out: that fitting a direction to these prompts is enough"),
        (1, "names one thing that neither rules out, such as a trait that goes along with sentiment in the pairs"),
    ),
)

SHIP = Written(
    id="lab03-w2",
    title="Ship it, or not",
    difficulty=3,
    minutes=15,
    rubric=(
        (1, "decides for each request by its kind: a style that may shift a little, or a ban that must hold"),
        (1, "gives strength, layers and bounds with the measured concept and damage, and what they were measured on"),
        (1, "says what is watched after shipping, and what would make them turn it off"),
    ),
)

LAB = Lab(
    id="lab03",
    title="Representation engineering",
    notebook="03_representation_engineering",
    minutes=240,
    exercises=(BUILD, LEAKS, MEAN, PCA, HOOK, ALPHA, HELD_OUT, BOUNDS, CONTROLS, COMPOSE, COHORT, SHIP),
)

__all__ = [
    "LAB",
    "LAYERS",
    "TEXTS",
    "accuracy_of",
    "bans",
    "by_row",
    "composition",
    "continuations",
    "cosine_table",
    "declined",
    "leaky_table",
    "overhead",
    "perplexities",
    "plot_accuracies",
    "random_like",
    "read_states",
    "recommended",
    "residual_norms",
    "shuffle_labels",
    "sweep",
    "vector_of",
]
