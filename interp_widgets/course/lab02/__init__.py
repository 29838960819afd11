"""Lab 02: SHAP and LIME, from four tokens by hand to a choice that can be defended.

What the notebook uses is below; exercises are in `values`, `orders_and_sets`, `sampling`, `library`, `local`, `judging`
and `reading`.
"""

from interp_widgets.attribution.shapley import exact
from interp_widgets.course.exercise import Lab, Written
from interp_widgets.course.lab02.comparing import PROMPTS, agreement, judge, prepare
from interp_widgets.course.lab02.games import Dividends, ModelGame, all_sets, model_game
from interp_widgets.course.lab02.judging import CHOICE, CURVES, pick
from interp_widgets.course.lab02.library import SHAP
from interp_widgets.course.lab02.local import LIME
from interp_widgets.course.lab02.orders_and_sets import EXACT
from interp_widgets.course.lab02.reading import READING
from interp_widgets.course.lab02.sampling import SAMPLED
from interp_widgets.course.lab02.studies import (
    all_orders,
    bridge,
    costs,
    leave_one_out,
    lime_scores,
    sampling_study,
)
from interp_widgets.course.lab02.text_plot import coloured, masked
from interp_widgets.course.lab02.values import VALUES

APART = Written(
    id="lab02-w1",
    title="Where LIME and SHAP part",
    difficulty=2,
    minutes=10,
    rubric=(
        (1, "names what differs: LIME weighs sets near the whole prompt, Shapley values weigh each size alike"),
        (1, "uses the measured table of kernels: narrow is leave-one-out, wide or Shapley's own is Shapley"),
        (1, "says for a token of their choice which question each of the two answers, with its two scores"),
    ),
)

DEFENCE = Written(
    id="lab02-w2",
    title="Defend your choice",
    difficulty=3,
    minutes=15,
    rubric=(
        (1, "names a method and a budget, with measured seconds or evaluations at the length that is needed"),
        (1, "gives its quality with the interval, beside shuffled scores and beside the next best method"),
        (1, "says what the numbers do not show: other models, longer prompts, another way of deleting"),
    ),
)

LAB = Lab(
    id="lab02",
    title="SHAP and LIME",
    notebook="02_shap_and_lime",
    minutes=240,
    exercises=(VALUES[0], *EXACT, VALUES[1], SAMPLED, SHAP, LIME, CURVES, READING, APART, CHOICE, DEFENCE),
)

__all__ = [
    "LAB",
    "PROMPTS",
    "Dividends",
    "ModelGame",
    "agreement",
    "all_orders",
    "all_sets",
    "bridge",
    "coloured",
    "costs",
    "exact",
    "judge",
    "leave_one_out",
    "lime_scores",
    "masked",
    "model_game",
    "pick",
    "prepare",
    "sampling_study",
]
