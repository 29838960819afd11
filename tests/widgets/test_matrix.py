"""The live matrix without a kernel: a run that fills it, what is sent of it, Cancel, and another method."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import traitlets

import interp_widgets.widgets as widgets
from interp_widgets.attribution import api
from interp_widgets.attribution.matrix import MatrixResult
from interp_widgets.attribution.matrix_payload import MIME_TYPE, matrix_payload
from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.widgets import growing as module
from interp_widgets.widgets.matrix import PATCH, Matrix
from tests.builders import make_matrix
from tests.widgets.fakes import FakeModel, living
from tests.widgets.test_highlight import Sent

LIMIT = 10  # seconds; nothing here takes one


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every partial result is shown."""
    monkeypatch.setattr(module, "INTERVAL", 0.0)


class Steps:
    """Work that hands over one row at a time when it is told to go on, and holds after the last but one."""

    def __init__(self, hold: bool = False) -> None:
        self.hold = hold
        self.shown = threading.Semaphore(0)
        self.release = threading.Event()

    def __call__(self, cancel: threading.Event, progress: Any, partial: Callable[[MatrixResult], None]) -> MatrixResult:
        for rows in range(1, 4):
            progress(rows, 5, "explaining")
            partial(make_matrix(rows=rows))
            self.shown.release()
        while self.hold and not self.release.is_set():
            if cancel.wait(0.005):
                raise Cancelled("by the flag")
        return make_matrix()


def patches(sent: Sent) -> list[dict[str, Any]]:
    return [content for content in sent.answers if content.get("kind") == PATCH]


def filled(start: dict[str, Any], sent: list[dict[str, Any]]) -> dict[str, Any]:
    """What a view makes of the patches."""
    picture = start
    for patch in sent:
        lists = {name: [*picture[name][: patch[name]["from"]], *patch[name]["items"]] for name in ("boxes", "rows")}
        picture = {**patch["head"], **lists}
    return picture


def test_by_name_and_with_its_traits() -> None:
    widget = widgets.Matrix(result=make_matrix())
    state = widget.get_state()
    assert state["payload"] == matrix_payload(make_matrix())
    assert state["status"] == {"state": "idle"}
    assert state["_anywidget_id"] == "interp_widgets.widgets.matrix.Matrix"
    assert "matrix.js" in state["_esm"]
    assert state["options"]["live"] is False
    with pytest.raises(ArgumentError, match="MatrixResult"):
        Matrix("result")  # type: ignore[arg-type]  # the mistake is the point
    with pytest.raises(ArgumentError, match="MatrixResult"):
        widget.show_partial("result")


def test_before_the_first_row() -> None:
    widget = Matrix()
    assert widget.result is None
    assert widget.payload == matrix_payload(None)
    assert widget.options == {"methods": [], "live": False}
    data, _ = widget._repr_mimebundle_()
    assert data[MIME_TYPE]["amount"] == "nothing explained yet"
    with pytest.raises(traitlets.TraitError, match="no tokens yet"):
        widget.selection = [0]
    with pytest.raises(ArgumentError, match="no result yet"):
        widget.explain(method="lime")


@pytest.mark.usefixtures("at_once")
def test_a_run_fills_it_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Steps(hold=True)
    widget = Matrix()
    waiting = dict(widget.payload)
    sent = Sent(widget, monkeypatch)
    widget.run(work)
    for _ in range(3):
        assert work.shown.acquire(timeout=LIMIT)
    assert widget.payload == matrix_payload(make_matrix(rows=3))
    assert widget.result is None
    assert widget.status["state"] == "running"
    assert filled(waiting, patches(sent)) == widget.payload
    assert sent.ask("state")["result"] == widget.payload
    work.release.set()
    assert widget.wait(LIMIT)
    assert widget.result is not None
    assert widget.result.complete
    assert widget.payload == matrix_payload(make_matrix())
    assert widget.still["text/plain"] == str(make_matrix())
    assert widget.status == {"state": "idle"}


@pytest.mark.usefixtures("at_once")
def test_only_what_is_new_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Matrix(make_matrix(rows=1))
    states: list[Any] = []
    monkeypatch.setattr(widget, "send_state", lambda key=None: states.append(key))
    sent = Sent(widget, monkeypatch)
    widget.show_partial(make_matrix(rows=2))
    widget.show_partial(make_matrix(rows=3))
    first, second = patches(sent)
    assert (first["boxes"]["from"], len(first["boxes"]["items"])) == (6, 1)
    assert (first["rows"]["from"], len(first["rows"]["items"])) == (1, 1)
    assert (second["boxes"]["from"], second["rows"]["from"]) == (7, 2)
    assert not any("payload" in ([key] if isinstance(key, str) else key or []) for key in states)
    other = make_matrix(rows=1, prompt_pieces=["Once"])
    widget.show_partial(other)
    assert patches(sent)[-1]["boxes"]["from"] == 0
    assert filled(matrix_payload(make_matrix(rows=1)), patches(sent)) == matrix_payload(other)


def test_a_burst_is_shown_ten_times_a_second_and_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Matrix()
    sent = Sent(widget, monkeypatch)
    last = threading.Event()
    widget.observe(lambda change: last.set() if len(change["new"]["rows"]) == 5 else None, "payload")
    began = time.monotonic()
    for rows in [1, 2, 3, 4] * 50:
        widget.show_partial(make_matrix(rows=rows))
    widget.show_partial(make_matrix(complete=False))
    assert last.wait(LIMIT)
    taken = time.monotonic() - began
    assert len(patches(sent)) <= 2 + taken / module.INTERVAL


@pytest.mark.usefixtures("at_once")
def test_cancel_keeps_the_rows_that_were_done(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Steps(hold=True)
    widget = Matrix(start=work)
    sent = Sent(widget, monkeypatch)
    for _ in range(3):
        assert work.shown.acquire(timeout=LIMIT)
    assert sent.ask("cancel")["result"] == {"cancelled": True}
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "cancelled"
    assert widget.result is not None
    assert not widget.result.complete
    assert len(widget.result.positions) == 3
    assert widget.payload == matrix_payload(make_matrix(rows=3))
    assert "not all of them yet" in widget.still["text/html"]


@pytest.mark.usefixtures("at_once")
def test_the_page_gets_the_whole_at_the_end_also_when_nothing_came_after_the_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    widget = Matrix()
    states: list[Any] = []
    monkeypatch.setattr(widget, "send_state", lambda key=None: states.extend([key] if isinstance(key, str) else key))
    last = make_matrix(rows=2)

    def work(cancel: threading.Event, progress: Any, partial: Callable[[MatrixResult], None]) -> MatrixResult:
        partial(last)
        return last

    widget.run(work)
    assert widget.wait(LIMIT)
    assert states.count("payload") == 1
    widget.run(lambda cancel, progress, partial: make_matrix())
    assert widget.wait(LIMIT)
    assert states.count("payload") == 2


@pytest.mark.usefixtures("at_once")
def test_an_error_keeps_the_rows_that_were_done() -> None:
    def work(cancel: threading.Event, progress: Any, partial: Callable[[MatrixResult], None]) -> MatrixResult:
        partial(make_matrix(rows=2))
        raise RuntimeError("no more")

    widget = Matrix(start=work)
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "error"
    assert "no more" in widget.status["message"]
    assert widget.result is not None
    assert len(widget.result.positions) == 2


@pytest.mark.usefixtures("at_once")
def test_a_new_run_replaces_the_old() -> None:
    first = Steps(hold=True)
    widget = Matrix(start=first)
    for _ in range(3):
        assert first.shown.acquire(timeout=LIMIT)
    other = make_matrix(prompt_pieces=["Once"], generated=[" upon"])
    widget.run(lambda cancel, progress, partial: other)
    assert widget.wait(LIMIT)
    assert widget.result is other
    assert widget.payload == matrix_payload(other)
    assert widget.status == {"state": "idle"}


@pytest.mark.usefixtures("at_once")
def test_the_selection_stays_while_the_text_grows() -> None:
    widget = Matrix(make_matrix(rows=1))
    widget.selection = [2, 5]
    widget.show_partial(make_matrix(rows=2))
    assert widget.selection == [2, 5]
    widget.selection = [6]
    widget.show_partial(make_matrix(rows=1, prompt_pieces=["Once"]))
    assert widget.selection == []


class FakeEach:
    """Stands for `iw.attribute` with a continuation as its target."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def __call__(self, lm: Any, prompt: Any, target: Any, *, progress: Any, cancel: Any, **asked: Any) -> MatrixResult:
        self.calls.append({"prompt": prompt, "target": target, **asked})
        return make_matrix(method=asked["method"])


@pytest.fixture
def each(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEach]:
    fake = FakeEach()
    monkeypatch.setattr(api, "attribute", fake)
    with living(FakeModel()):
        yield fake


def test_another_method_explains_the_same_text(each: FakeEach, monkeypatch: pytest.MonkeyPatch) -> None:
    from interp_widgets.attribution.continuation import Continuation

    widget = Matrix(make_matrix(provenance={"seed": 4}))
    assert widget.options["live"] is True
    assert "lime" in [method["name"] for method in widget.options["methods"]]
    sent = Sent(widget, monkeypatch)
    assert sent.ask("explain", method="lime")["result"] == {"accepted": True}
    assert widget.wait(LIMIT)
    assert each.calls == [
        {
            "prompt": "The capital of Australia is", "target": Continuation(text=" Canberra, of course."),
            "method": "lime", "seed": 4,
        }
    ]  # fmt: skip
    assert widget.result is not None
    assert widget.result.method == "lime"
    assert "explain has no steps" in sent.ask("explain", steps=3)["error"]["message"]


def test_a_model_that_is_gone_is_told() -> None:
    widget = Matrix(make_matrix())
    widget.explain(method="lime")
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "error"
    assert "no longer in memory" in widget.status["message"]


def test_a_closed_widget_hears_no_more() -> None:
    widget = Matrix(make_matrix(rows=1))
    widget.close()
    widget.show_partial(make_matrix(rows=2))
    assert widget.payload == {}
    assert widget.result is not None
    assert len(widget.result.positions) == 1
