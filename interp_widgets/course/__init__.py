"""The course: `check` marks an answer, `labs` shows where a person stands, `progress` holds the record.

    iw.course.check("lab01-q2", integrated_gradients)
    iw.course.labs()

Everything stays on this machine.  A teacher's tools are nbgrader's; see notebooks/TEACHING.md.
"""

from interp_widgets.course.checking import CheckFailed, check
from interp_widgets.course.exercise import Case, Exercise, Lab, Mistake, Written
from interp_widgets.course.overview import labs, rubric
from interp_widgets.course.progress import attempts, forget, progress_file
from interp_widgets.course.report import Report

__all__ = [
    "Case",
    "CheckFailed",
    "Exercise",
    "Lab",
    "Mistake",
    "Report",
    "Written",
    "attempts",
    "check",
    "forget",
    "labs",
    "progress_file",
    "rubric",
]
