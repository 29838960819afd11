"""The labs of the course, in their order."""

from __future__ import annotations

from interp_widgets.course.exercise import Lab
from interp_widgets.course.lab01 import LAB as LAB01
from interp_widgets.course.lab02 import LAB as LAB02
from interp_widgets.course.lab03 import LAB as LAB03
from interp_widgets.course.lab04 import LAB as LAB04
from interp_widgets.course.lab05 import LAB as LAB05
from interp_widgets.course.lab06 import LAB as LAB06
from interp_widgets.course.lab07 import LAB as LAB07
from interp_widgets.course.lab08 import LAB as LAB08

LABS: tuple[Lab, ...] = (
    Lab(id="lab00", title="A tour", notebook="00_tour", minutes=20, exercises=()),
    LAB01,
    LAB02,
    LAB03,
    LAB04,
    LAB05,
    LAB06,
    LAB07,
    LAB08,
)
