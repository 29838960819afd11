"""Which widgets a new run of a cell closes."""

from __future__ import annotations

from interp_widgets.widgets.kernel import Execution, execution
from interp_widgets.widgets.lifetimes import Lifetimes


class Widget:
    closed = False

    def close(self) -> None:
        self.closed = True


def test_outside_a_kernel_no_cell_runs() -> None:
    assert execution() is None


def test_a_new_run_closes_the_run_before() -> None:
    lifetimes = Lifetimes()
    a, b, other, c = (Widget() for _ in range(4))
    lifetimes.adopt(a, Execution("cell", "1", by_code=False))
    lifetimes.adopt(b, Execution("cell", "1", by_code=False))
    lifetimes.adopt(other, Execution("another", "2", by_code=False))
    assert (a.closed, b.closed) == (False, False)  # a loop makes several in one run
    lifetimes.adopt(c, Execution("cell", "3", by_code=False))
    assert (a.closed, b.closed, other.closed, c.closed) == (True, True, False, False)


def test_cells_known_by_their_code_keep_a_few_runs() -> None:
    lifetimes = Lifetimes()
    made = [Widget() for _ in range(20)]
    for run, widget in enumerate(made):
        lifetimes.adopt(widget, Execution("r", str(run), by_code=True))
    assert [widget.closed for widget in made] == [True] * 16 + [False] * 4


def test_deleted_cells() -> None:
    lifetimes = Lifetimes()
    a, b = Widget(), Widget()
    lifetimes.adopt(a, Execution("gone", "1", by_code=False))
    lifetimes.adopt(b, Execution("here", "2", by_code=False, deleted=("gone", "unknown")))
    assert (a.closed, b.closed) == (True, False)


def test_closed_ones_are_forgotten() -> None:
    lifetimes = Lifetimes()
    a, b = Widget(), Widget()
    lifetimes.adopt(a, Execution("cell", "1", by_code=False), key="k")
    lifetimes.adopt(b, None, key="other")
    assert set(lifetimes) == {a, b}
    lifetimes.forget(a)
    assert set(lifetimes) == {b}
    del b
    assert list(lifetimes) == []


def test_a_widget_may_be_adopted_again_under_its_key() -> None:
    lifetimes = Lifetimes()
    a = Widget()
    lifetimes.adopt(a, None, key="k")
    lifetimes.adopt(a, None, key="k")
    assert not a.closed
