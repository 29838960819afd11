"""Lab 05: ROME from scratch, from a matrix that remembers to an edit that is audited, judged and taken back.

What the notebook uses is below; exercises are in `memory`, `keys`, `loss`, `values`, `moments`, `updates`,
`judging` and `taking_back`.
"""

from interp_widgets.course.answers import answers_table
from interp_widgets.course.exercise import Lab, Written
from interp_widgets.course.lab05.facts import CAPITALS, CLAMP, FACT, LAYER, PREFIXES, STEPS, SUBJECT_FIRST, value_of
from interp_widgets.course.lab05.forms import FORMS, NAMES
from interp_widgets.course.lab05.judging import SCORES
from interp_widgets.course.lab05.keys import LAST_TOKEN, MEAN_KEY
from interp_widgets.course.lab05.loss import VALUE_LOSS
from interp_widgets.course.lab05.memory import MEMORY
from interp_widgets.course.lab05.moments import SECOND_MOMENT
from interp_widgets.course.lab05.own import audit_table, by_hand
from interp_widgets.course.lab05.results import (
    bits_lost,
    change_of,
    controls,
    cosines,
    dense_of,
    judge,
    least_change,
    moment_of,
    strengths,
)
from interp_widgets.course.lab05.studies import first_token, key_table, recall_table, spectra, value_table
from interp_widgets.course.lab05.taking_back import EDITED
from interp_widgets.course.lab05.updates import AUDIT, RANK_ONE
from interp_widgets.course.lab05.values import FIND_DELTA

REPORT = Written(
    id="lab05-w1",
    title="A report of a bug",
    difficulty=2,
    minutes=12,
    rubric=(
        (1, "says what is wrong: the direction is found with one key, and divided by the product with another"),
        (1, "gives a case that shows it, with a number that anybody can compute again"),
        (1, "says what follows from it, and why it often goes unnoticed: where the two keys are alike it hardly shows"),
        (1, "proposes the mend, the same key on both sides, and a test that would have found it"),
    ),
)

ONE = Written(
    id="lab05-w2",
    title="One fact, one layer, one direction",
    difficulty=3,
    minutes=20,
    rubric=(
        (1, "one direction: the constraint is on one key, and the least change under it has rank one; C says which"),
        (1, "one layer: the value is made to act through all later layers; other layers still hold what they held"),
        (1, "one fact: names a prompt of this lab about the same fact that was not reached, and says why by its key"),
        (1, "says what changed that should not have, with a number, and what makes it more or less"),
        (1, "says what the edit does not change at all, such as the reverse question, and how it would be found out"),
    ),
)

LAB = Lab(
    id="lab05",
    title="ROME from scratch",
    notebook="05_rome",
    minutes=240,
    exercises=(
        MEMORY,
        LAST_TOKEN,
        MEAN_KEY,
        VALUE_LOSS,
        FIND_DELTA,
        SECOND_MOMENT,
        RANK_ONE,
        AUDIT,
        REPORT,
        SCORES,
        EDITED,
        ONE,
    ),
)

__all__ = [
    "CAPITALS",
    "CLAMP",
    "FACT",
    "FORMS",
    "LAB",
    "LAYER",
    "NAMES",
    "PREFIXES",
    "STEPS",
    "SUBJECT_FIRST",
    "answers_table",
    "audit_table",
    "bits_lost",
    "by_hand",
    "change_of",
    "controls",
    "cosines",
    "dense_of",
    "first_token",
    "judge",
    "key_table",
    "least_change",
    "moment_of",
    "recall_table",
    "spectra",
    "strengths",
    "value_of",
    "value_table",
]
