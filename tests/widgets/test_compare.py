"""The live comparison without a kernel: traits, requests and their answers."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import interp_widgets.widgets as widgets
from interp_widgets.attribution.compare_payload import MIME_TYPE, compare_payload
from interp_widgets.errors import ArgumentError, Cancelled, TargetError
from interp_widgets.widgets.compare import Compare
from tests.builders import make_comparison
from tests.widgets.fakes import FakeModel, living
from tests.widgets.test_highlight import Sent

LIMIT = 10  # seconds; nothing here takes one


class FakeCompare:
    """Stands for `iw.compare`: notes how it was called; with `hold` it works until it is released or cancelled."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.started = threading.Semaphore(0)
        self.hold = False
        self.release = threading.Event()
        self.error: BaseException | None = None

    def __call__(self, lm: Any, prompt: Any, *, progress: Any, cancel: threading.Event, **asked: Any) -> Any:
        self.calls.append({"prompt": prompt, **asked})
        progress(0, 3, "leave-one-out")
        self.started.release()
        while self.hold and not self.release.is_set():
            if cancel.wait(0.005):
                raise Cancelled("by the flag")
        if self.error is not None:
            raise self.error
        whole = make_comparison()
        rows = [i for i, method in enumerate(whole.methods) if method in asked["methods"]]
        return make_comparison(
            entries=tuple(whole.entries[i] for i in rows),
            scores=whole.scores[rows],
            agreement=whole.agreement[rows][:, rows],
        )


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCompare]:
    fake = FakeCompare()
    module = ModuleType("interp_widgets.attribution.compare")
    module.compare = fake  # type: ignore[attr-defined]  # a module of this test's own
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with living(FakeModel()):
        yield fake
    fake.release.set()


def test_by_name_and_with_its_traits() -> None:
    widget = widgets.Compare(result=make_comparison())
    state = widget.get_state()
    assert state["payload"] == compare_payload(make_comparison())
    assert state["status"] == {"state": "idle"}
    assert state["selection"] == []
    assert state["_anywidget_id"] == "interp_widgets.widgets.compare.Compare"
    assert "compare.js" in state["_esm"]
    assert state["options"]["live"] is False
    assert {"leave_one_out", "shapley", "integrated_gradients"} <= {m["name"] for m in state["options"]["methods"]}
    with pytest.raises(ArgumentError, match=r"iw\.compare"):
        Compare("result")  # type: ignore[arg-type]  # the mistake is the point


def test_other_methods_and_another_target(compare: FakeCompare, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Compare(make_comparison(provenance={"seed": 3}))
    assert widget.options["live"] is True
    assert {"name": "shapley", "label": "Shapley values"} in widget.options["methods"]
    sent = Sent(widget, monkeypatch)
    assert sent.ask("explain", methods=["shapley", "leave_one_out"])["result"] == {"accepted": True}
    assert widget.wait(LIMIT)
    assert compare.calls == [
        {
            "prompt": "The capital of Australia is", "target": 45421, "foil": 11809, "seed": 3,
            "methods": ["shapley", "leave_one_out"], "function": None, "group": None,
        }
    ]  # fmt: skip
    assert widget.result.methods == ("leave_one_out", "shapley")
    assert [method["name"] for method in widget.payload["methods"]] == ["leave_one_out", "shapley"]
    assert widget.status == {"state": "idle"}
    sent.ask("explain", target=" Sydney")
    assert widget.wait(LIMIT)
    assert (compare.calls[1]["target"], compare.calls[1]["foil"]) == (11809, 45421)
    assert compare.calls[1]["methods"] == ["leave_one_out", "shapley"]


def test_wrong_requests(compare: FakeCompare, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(Compare(make_comparison()), monkeypatch)
    assert "explain has no steps" in sent.ask("explain", steps=5)["error"]["message"]
    assert "at least one" in sent.ask("explain", methods=[])["error"]["message"]
    assert compare.calls == []


def test_cancel_and_error(compare: FakeCompare, monkeypatch: pytest.MonkeyPatch) -> None:
    compare.hold = True
    widget = Compare(make_comparison())
    before = widget.payload
    sent = Sent(widget, monkeypatch)
    sent.ask("explain", foil=None)
    assert compare.started.acquire(timeout=LIMIT)
    assert sent.ask("cancel")["result"] == {"cancelled": True}
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "cancelled"
    assert widget.payload is before
    compare.hold, compare.error = False, TargetError("no", argument="target", suggestion=" x")
    widget.explain(target="x")
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "error"
    assert widget.status["fix"]["args"]["target"] == " x"
    assert widget.status["fix"]["args"]["methods"] == list(widget.result.methods)


def test_a_model_that_is_gone_is_told() -> None:
    widget = Compare(make_comparison())
    widget.explain(methods=["shapley"])
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "error"
    assert "no longer in memory" in widget.status["message"]


def test_selection_and_close() -> None:
    widget = Compare(make_comparison())
    widget.set_state({"selection": [3, 1]})
    assert widget.selection == [1, 3]
    data, _ = widget._repr_mimebundle_()
    assert data[MIME_TYPE]["model_id"] == widget.model_id
    widget.close()
    assert widget.payload == {}
    assert widget.result.methods == make_comparison().methods
    data, _ = widget._repr_mimebundle_()
    assert "model_id" not in data[MIME_TYPE]
