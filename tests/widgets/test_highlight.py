"""The live highlight without a kernel: traits, requests and their answers; `set_state` plays the view."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import numpy as np
import pytest
import traitlets
from ipywidgets.widgets.widget import _instances

import interp_widgets.widgets as widgets
from interp_widgets.attribution.payload import MIME_TYPE, highlight_payload
from interp_widgets.errors import ArgumentError, MemoryExhaustedError, TargetError
from interp_widgets.widgets.highlight import Highlight
from interp_widgets.widgets.kernel import WIDGET_TYPE
from tests.builders import make_result
from tests.widgets.fakes import FakeAttribute

LIMIT = 10  # seconds; nothing here takes one


class Sent:
    """Records the answers that a widget sends to its view."""

    def __init__(self, widget: Highlight, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[dict[str, Any]] = []
        self._widget = widget
        monkeypatch.setattr(widget, "send", lambda content, buffers=None: self.answers.append(content))

    def ask(self, kind: str, /, **args: Any) -> dict[str, Any]:
        number = f"q{len(self.answers)}"
        self._widget._handle_custom_msg({"id": number, "kind": kind, "args": args}, [])
        answer = self.answers[-1]
        assert answer["id"] == number
        return answer


def test_by_name_and_with_its_traits() -> None:
    widget = widgets.Highlight(result=make_result())
    state = widget.get_state()
    assert state["payload"] == highlight_payload(make_result())
    assert state["status"] == {"state": "idle"}
    assert state["selection"] == []
    assert state["_anywidget_id"] == "interp_widgets.widgets.highlight.Highlight"
    assert "highlight.js" in state["_esm"]
    assert "highlight.css" in state["_css"]
    assert "result" not in state
    assert type(widget) is Highlight  # no class of its own, with the texts in it, for every instance


def test_arguments_are_checked() -> None:
    with pytest.raises(TypeError, match="colour"):
        Highlight(make_result(), colour="red")  # type: ignore[call-arg]  # the mistake is the point
    with pytest.raises(ArgumentError, match=r"iw\.attribute"):
        Highlight("result")  # type: ignore[arg-type]  # the mistake is the point
    with pytest.raises(AttributeError, match="it has Compare, "):
        widgets.Lowlight  # noqa: B018 - looking it up is the test


def test_without_its_model_the_controls_sleep() -> None:
    options = Highlight(make_result()).options
    assert options["live"] is False
    assert "integrated_gradients" in [method["name"] for method in options["methods"]]


@pytest.mark.usefixtures("attribute")
def test_options_name_what_can_be_chosen() -> None:
    result = make_result(settings={"baseline": "text:a b", "steps": 5000, "quadrature": "midpoint"})
    options = Highlight(result).options
    assert options["live"] is True
    method = next(method for method in options["methods"] if method["name"] == "integrated_gradients")
    assert method["settings"] == ["baseline", "steps", "quadrature"]
    assert [choice["name"] for choice in options["deletions"]] == ["eos", "random", "mask"]
    assert [choice["name"] for choice in options["baselines"]] == ["zero", "mean", "eos", "text:a b"]
    assert "gauss-legendre" in [choice["name"] for choice in options["quadratures"]]
    assert options["steps"] == {"min": 1, "max": 5000}


def test_selection_is_sorted_and_checked() -> None:
    widget = Highlight(make_result())
    seen: list[Any] = []
    widget.observe(lambda change: seen.append(change["new"]), "selection")
    widget.set_state({"selection": [3, 1, 1]})
    assert widget.selection == seen[-1] == [1, 3]
    with pytest.raises(traitlets.TraitError, match="tokens 0 to 4"):
        widget.selection = [5]
    widget.set_state({"selection": [-1]})
    assert widget.status["state"] == "error"
    assert widget.selection == [1, 3]


def test_a_view_sets_nothing_but_the_selection() -> None:
    widget = Highlight(make_result())
    widget.set_state({"payload": {}, "_esm": "alert(1)", "options": {}, "selection": [0]})
    assert widget.payload["version"] == 1
    assert "alert" not in widget._esm
    assert widget.selection == [0]


def test_an_error_of_an_observer_is_shown() -> None:
    widget = Highlight(make_result())

    def broken(change: Any) -> None:
        raise RuntimeError("my mistake")

    widget.observe(broken, "selection")
    widget.set_state({"selection": [1]})
    assert widget.status["state"] == "error"
    assert "my mistake" in widget.status["message"]
    assert "broken" in widget.status["traceback"]


def test_explain(attribute: FakeAttribute, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Highlight(make_result(provenance={"seed": 3}))
    results: list[Any] = []
    widget.observe(lambda change: results.append(change["new"]), "result")
    widget.selection = [2]
    sent = Sent(widget, monkeypatch)
    assert sent.ask("hello")["result"] == {}
    assert sent.ask("explain", target=" the", steps=100)["result"] == {"accepted": True}
    assert widget.wait(LIMIT)
    (call,) = attribute.calls
    del call["lm"]
    assert call == {
        "prompt": "The capital of Australia is", "target": 260, "foil": 11809, "method": "integrated_gradients",
        "baseline": "zero", "steps": 100, "quadrature": "gauss-legendre", "seed": 3,
        "delete": None, "samples": None, "function": None, "group": None,
    }  # fmt: skip
    assert results == [widget.result]
    assert widget.result.target == " the"
    assert widget.payload["title"][1]["text"] == "·the"
    assert widget.status == {"state": "idle"}
    assert widget.selection == [2]  # the prompt is the same


@pytest.mark.parametrize(
    ("args", "asked"),
    [
        ({}, (45421, 11809)),
        ({"foil": None}, (45421, None)),
        ({"target": " Sydney"}, (11809, 45421)),  # the foil asked for: the question is turned round
        ({"target": " Sydney", "foil": None}, (11809, None)),
        ({"target": " Melbourne"}, (" Melbourne", 11809)),
        ({"target": 7}, (7, 11809)),
    ],
)
def test_what_is_asked(attribute: FakeAttribute, args: dict[str, Any], asked: tuple[Any, Any]) -> None:
    widget = Highlight(make_result())
    widget.explain(**args)
    assert widget.wait(LIMIT)
    assert (attribute.calls[0]["target"], attribute.calls[0]["foil"]) == asked


def test_deletion_and_samples_belong_to_a_method(attribute: FakeAttribute) -> None:
    widget = Highlight(make_result(method="lime", settings={"delete": "random", "samples": 64}))
    assert (widget.payload["settings"]["delete"], widget.payload["settings"]["samples"]) == ("random", 64)
    widget.explain(target=" the")
    assert widget.wait(LIMIT)
    widget.result = make_result(method="lime", settings={"delete": "random", "samples": 64})
    widget.explain(method="leave_one_out")
    assert widget.wait(LIMIT)
    asked = [(call["method"], call["delete"], call["samples"]) for call in attribute.calls]
    assert asked == [("lime", "random", 64), ("leave_one_out", None, None)]


def test_the_entropy_has_no_target_until_one_is_chosen(attribute: FakeAttribute) -> None:
    nothing = np.empty(0, dtype=np.int64)
    asked_of = {"target": "", "target_ids": nothing, "foil": None, "foil_ids": nothing}
    widget = Highlight(make_result(function="entropy", unit="nats", **asked_of))
    assert widget.payload["title"] == [{"text": "What makes the model unsure?"}]
    widget.explain(method="lime")
    assert widget.wait(LIMIT)
    widget.result = make_result(function="entropy", unit="nats", **asked_of)
    widget.explain(target=" the")
    assert widget.wait(LIMIT)
    asked = [(call["target"], call["function"]) for call in attribute.calls]
    assert asked == [(None, "entropy"), (260, None)]


def test_a_target_of_several_tokens_stays_a_text(attribute: FakeAttribute) -> None:
    widget = Highlight(make_result(target=" New York", target_ids=np.array([1, 2])))
    widget.explain()
    assert widget.wait(LIMIT)
    assert attribute.calls[0]["target"] == " New York"


def test_progress_comes_by_the_status_and_not_too_often(attribute: FakeAttribute) -> None:
    attribute.reports = 1000
    widget = Highlight(make_result())
    seen: list[dict[str, Any]] = []
    widget.observe(lambda change: seen.append(change["new"]), "status")
    widget.explain()
    assert widget.wait(LIMIT)
    running = [status for status in seen if status["state"] == "running"]
    assert running[0]["text"] == "starting"
    assert running[1]["text"] == "integrating"
    assert {"done", "total", "elapsed", "remaining"} <= running[1].keys()
    assert len(running) < 2 + 20 * LIMIT
    assert seen[-1] == {"state": "idle"}


def test_cancel(attribute: FakeAttribute, monkeypatch: pytest.MonkeyPatch) -> None:
    attribute.hold = True
    widget = Highlight(make_result())
    before = widget.payload
    sent = Sent(widget, monkeypatch)
    assert sent.ask("cancel")["result"] == {"cancelled": False}
    sent.ask("explain", method="integrated_gradients")
    assert attribute.started.acquire(timeout=LIMIT)
    assert sent.ask("cancel")["result"] == {"cancelled": True}
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "cancelled"
    assert widget.payload is before


def test_a_new_question_cancels_the_old(attribute: FakeAttribute) -> None:
    attribute.hold = True
    widget = Highlight(make_result())
    widget.explain(target=" the")
    assert attribute.started.acquire(timeout=LIMIT)
    widget.explain(target=" Sydney")
    assert attribute.started.acquire(timeout=LIMIT)  # the first has ended by now: they do not run together
    assert widget.status["state"] == "running"
    attribute.release.set()
    assert widget.wait(LIMIT)
    assert widget.result.target == " Sydney"
    assert widget.status == {"state": "idle"}


def test_setting_a_result_stops_the_work_and_draws_it(attribute: FakeAttribute) -> None:
    attribute.hold = True
    widget = Highlight(make_result())
    widget.selection = [4]
    widget.explain()
    assert attribute.started.acquire(timeout=LIMIT)
    other = make_result(pieces=["Hello", " world"])
    widget.result = other
    assert widget.wait(LIMIT)
    assert widget.payload == highlight_payload(other)
    assert widget.result is other
    assert widget.selection == []
    with pytest.raises(traitlets.TraitError):
        widget.result = None


def test_an_error_is_told_with_its_fix(attribute: FakeAttribute) -> None:
    attribute.error = TargetError("it joins 'is'", argument="target", suggestion=" Perth")
    widget = Highlight(make_result())
    widget.explain(target="Perth", steps=20)
    assert widget.wait(LIMIT)
    status = widget.status
    assert status["state"] == "error"
    assert status["title"] == "“Perth” cannot follow this prompt as written."
    assert status["message"] == "it joins 'is'"
    assert status["fix"]["label"] == "Use ·Perth"
    assert (status["fix"]["args"]["target"], status["fix"]["args"]["steps"]) == (" Perth", 20)
    assert "TargetError" in status["traceback"]
    attribute.error = None
    widget.explain(**status["fix"]["args"])
    assert widget.wait(LIMIT)
    assert widget.status == {"state": "idle"}
    assert widget.result.target == " Perth"


@pytest.mark.parametrize("error", [MemoryExhaustedError("no memory"), KeyError("x"), SystemExit(1)])
def test_no_error_vanishes(attribute: FakeAttribute, error: BaseException) -> None:
    attribute.error = error
    widget = Highlight(make_result())
    widget.explain()
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "error"
    assert widget.status["title"]
    assert type(error).__name__ in widget.status["traceback"]


def test_an_observer_of_the_result_that_fails_is_told(attribute: FakeAttribute) -> None:
    widget = Highlight(make_result())

    def broken(change: Any) -> None:
        raise RuntimeError("my mistake")

    widget.observe(broken, "result")
    widget.explain(target=" the")
    assert widget.wait(LIMIT)
    assert "my mistake" in widget.status["message"]
    assert widget.payload["title"][1]["text"] == "·the"


def test_the_model_is_gone() -> None:
    widget = Highlight(make_result())
    widget.explain()
    assert widget.wait(LIMIT)
    assert widget.status["title"] == "The model is not in memory."
    assert widget.options["live"] is False


@pytest.mark.parametrize(
    "content", [{"id": "1", "kind": "explode"}, {"id": "1", "kind": "explain", "args": {"colour": 1}},
                {"id": "1", "kind": "explain", "args": [1]}, {"id": "1", "kind": None}],
)  # fmt: skip
def test_wrong_requests_are_answered(content: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Highlight(make_result())
    sent = Sent(widget, monkeypatch)
    widget._handle_custom_msg(content, [])
    (answer,) = sent.answers
    assert answer["id"] == "1"
    assert answer["error"]["title"] == "This choice cannot work."
    assert answer["error"]["traceback"]


@pytest.mark.parametrize("content", ["text", {"kind": "hello"}, {"id": 5, "kind": "hello"}, None])
def test_what_is_no_request_gets_no_answer(content: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Highlight(make_result())
    sent = Sent(widget, monkeypatch)
    widget._handle_custom_msg(content, [])
    assert sent.answers == []


def test_code_that_holds_the_widget_may_wait_for_the_model(attribute: FakeAttribute) -> None:
    """A job reports while it holds the model's lock; a callback holds the widget's and waits for the model."""
    model = threading.Lock()
    inside = threading.Event()

    def work(cancel: threading.Event, progress: Any) -> Any:
        with model:
            attribute.started.release()
            assert inside.wait(LIMIT)
            for done in range(50):
                progress(done, 50, "integrating")
        return make_result()

    widget = Highlight(make_result())

    def callback(change: Any) -> None:
        inside.set()
        with model:
            pass

    widget.observe(callback, "selection")
    widget._worker.start(work, widget._succeed)
    assert attribute.started.acquire(timeout=LIMIT)
    widget.set_state({"selection": [1]})
    assert widget.wait(LIMIT)
    assert widget.status == {"state": "idle"}


def test_close_frees(attribute: FakeAttribute) -> None:
    attribute.hold = True
    result = make_result()
    widget = Highlight(result)
    widget.explain()
    assert attribute.started.acquire(timeout=LIMIT)
    assert len(_instances) == 2  # the widget, and the layout that every widget brings
    widget.close()
    widget.close()
    assert not _instances
    assert widget.wait(LIMIT)
    assert widget.payload == {}
    assert widget.result is result
    gone = weakref.ref(widget)
    del widget
    gc.collect()
    assert gone() is None


def test_the_bundle_of_a_widget() -> None:
    widget = Highlight(make_result())
    data, _ = widget._repr_mimebundle_()
    assert data[MIME_TYPE]["model_id"] == widget.model_id == data[WIDGET_TYPE]["model_id"]
    assert data["text/html"].startswith("<div")
    assert data["text/plain"] == str(make_result())
    widget.close()
    data, _ = widget._repr_mimebundle_()
    assert "model_id" not in data[MIME_TYPE]
    assert WIDGET_TYPE not in data


def test_the_same_key_replaces() -> None:
    first = Highlight(make_result(), key="answer")
    other = Highlight(make_result(), key="other")
    second = Highlight(make_result(), key="answer")
    assert (first.closed, other.closed, second.closed) == (True, False, False)
