"""Cells that show results made by hand, with a model and a `compare` that answer at once or wait to be cancelled."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]

# The kernel's folder is the server's; what the tests build with is imported from the repository.
BUILDERS = f"""
import sys, threading
sys.path.insert(0, {str(ROOT)!r})
import interp_widgets as iw
from interp_widgets.errors import Cancelled
from interp_widgets.models import live
from tests.builders import make_comparison, make_matrix
from tests.widgets.fakes import FakeModel
lm = FakeModel()
live.find = lambda fingerprint: lm
go_on = threading.Event()
"""

COMPARE = f"""{BUILDERS}
from types import ModuleType
hold, asked = False, []

def compare(lm, prompt, *, progress, cancel, methods, **rest):
    asked.append([methods, rest['target'], rest['foil']])
    progress(1, 3, 'Shapley values')
    while hold and not go_on.is_set():
        if cancel.wait(0.01):
            raise Cancelled('by the flag')
    whole = make_comparison()
    rows = [whole.methods.index(method) for method in methods if method in whole.methods]
    return make_comparison(
        entries=tuple(whole.entries[i] for i in rows), scores=whole.scores[rows],
        agreement=whole.agreement[rows][:, rows],
    )

module = ModuleType('interp_widgets.attribution.compare')
module.compare = compare
sys.modules[module.__name__] = module
result = make_comparison()
"""

MATRIX = f"""{BUILDERS}
step = threading.Semaphore(0)

def work(cancel, progress, partial):
    for rows in range(1, 5):
        while not step.acquire(timeout=0.01):
            if cancel.is_set():
                raise Cancelled('by the flag')
        progress(rows, 5, 'explaining tokens')
        partial(make_matrix(rows=rows))
    while not step.acquire(timeout=0.01):
        if cancel.is_set():
            raise Cancelled('by the flag')
    return make_matrix()

result = make_matrix()
"""
