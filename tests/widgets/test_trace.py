"""The live trace and the live patching without a kernel: the chosen cell from both sides, tabs that are asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import traitlets

import interp_widgets.widgets as widgets
from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.locate import patching, tracing
from interp_widgets.locate.patch_cell import PatchCell, patch_cell
from interp_widgets.locate.patch_payload import patch_payload
from interp_widgets.locate.patch_result import PatchResult
from interp_widgets.locate.trace_payload import trace_payload
from interp_widgets.locate.trace_result import TraceCell, TraceResult
from interp_widgets.widgets.patch import Patch
from interp_widgets.widgets.trace import Trace
from tests.builders import make_matrix
from tests.locate.made import make_patch, make_trace
from tests.widgets.fakes import FakeModel, living
from tests.widgets.test_highlight import Sent

LIMIT = 10  # seconds; nothing here takes one


class FakeAnalysis:
    """Stands for `iw.causal_trace` or `iw.patch`: notes its arguments; with `hold` it works until it is cancelled."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[Any] = []
        self.hold = False
        self.started = threading.Semaphore(0)

    def __call__(
        self, lm: Any, *prompts: Any, progress: Any, cancel: threading.Event, confirm: bool, **given: Any
    ) -> Any:
        assert confirm  # who clicks sees how long it takes, and may cancel
        self.calls.append((prompts, given))
        progress(1, 4, "working")
        self.started.release()
        while self.hold:
            if cancel.wait(0.005):
                raise Cancelled("by the flag")
        return self.answer(given)


def traced(given: dict[str, Any]) -> TraceResult:
    return make_trace(kinds=(given["kind"],), restored=make_trace().restored[1:])


@pytest.fixture
def trace(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAnalysis]:
    fake = FakeAnalysis(traced)
    monkeypatch.setattr(tracing, "causal_trace", fake)
    with living(FakeModel()):
        yield fake


@pytest.fixture
def patch(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAnalysis]:
    fake = FakeAnalysis(lambda given: make_patch(sites=tuple(given["sites"]), values=np.zeros((3, 5, 6))))
    monkeypatch.setattr(patching, "patch", fake)
    with living(FakeModel()):
        yield fake


@pytest.mark.parametrize(
    ("name", "make", "payload"), [("trace", make_trace, trace_payload), ("patch", make_patch, patch_payload)]
)
def test_by_name_and_with_its_traits(name: str, make: Any, payload: Any) -> None:
    widget = getattr(widgets, name.title())(result=make())
    state = widget.get_state()
    assert state["payload"] == payload(make())
    assert state["place"] == []
    assert "cell" not in state
    assert f"{name}.js" in state["_esm"]
    assert set(widget._repr_mimebundle_()[0]) >= {"text/html", "text/plain"}
    with pytest.raises(ArgumentError, match="is not what iw"):
        type(widget)(make_matrix())


def test_the_page_chooses_a_cell_and_python_reads_it() -> None:
    widget = Trace(make_trace())
    seen: list[Any] = []
    widget.observe(lambda change: seen.append(change["new"]), "cell")
    widget.set_state({"place": ["mlp", 2, 1]})
    assert widget.cell == make_trace().cell(2, 1, "mlp")
    assert widget.cell.after[0].text == " Paris"
    widget.set_state({"place": []})
    assert widget.cell is None
    assert [cell and cell.layer for cell in seen] == [1, None]


def test_python_chooses_a_cell_and_the_page_sees_it() -> None:
    widget = Trace(make_trace())
    widget.cell = ("hidden", -1, -1)
    assert isinstance(widget.cell, TraceCell)
    assert widget.place == ["hidden", 5, 5]
    widget.cell = make_trace().cell(2, 3)
    assert widget.place == ["hidden", 2, 3]
    widget.cell = None
    assert widget.place == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("hidden", 9, 0), "traced were positions 0 to 5"),
        (("attn", 0, 0), "'hidden', 'mlp'|hidden, mlp"),
        (("hidden", 0), r"such as \('hidden', 2, 5\)"),
        (5, "such as"),
    ],
)
def test_a_cell_that_is_not_there_is_refused(wrong: Any, words: str) -> None:
    widget = Trace(make_trace())
    with pytest.raises(traitlets.TraitError, match=words):
        widget.cell = wrong
    assert (widget.cell, widget.place) == (None, [])


def test_a_wrong_place_from_the_page_is_told_there() -> None:
    widget = Trace(make_trace())
    widget.set_state({"place": ["hidden", 77, 0], "payload": {}})
    assert widget.status["state"] == "error"
    assert "position=77" in widget.status["message"]
    assert widget.payload == trace_payload(make_trace())


def test_the_chosen_cell_has_the_numbers_of_a_new_result_or_is_let_go() -> None:
    widget = Trace(make_trace())
    widget.place = ["hidden", 2, 0]
    widget.result = make_trace(restored=make_trace().restored + 0.1)
    assert widget.cell.effect == pytest.approx(0.6)
    widget.result = make_trace(kinds=("mlp",))
    assert widget.cell is None
    assert widget.place == []


def test_another_tab_is_traced_in_the_same_runs(trace: FakeAnalysis, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make_trace(kinds=("hidden",), restored=make_trace().restored[:1], provenance={"seed": 4})
    widget = Trace(first)
    assert widget.options["live"] is True
    widget.cell = ("hidden", 2, 0)
    sent = Sent(widget, monkeypatch)
    assert sent.ask("explain", kind="mlp")["result"] == {"accepted": True}
    assert widget.wait(LIMIT)
    assert trace.calls == [
        (("The Eiffel Tower is in",), {
            "kind": "mlp", "target": " Paris", "force": True, "sigma": 0.03, "seed": 4, "subject": "Eiffel Tower",
            "samples": 3, "window": 4,
        })
    ]  # fmt: skip
    assert widget.result.kinds == ("hidden", "mlp")
    assert [sheet["key"] for sheet in widget.payload["sheets"]] == ["hidden", "mlp"]
    assert widget.place == ["hidden", 2, 0]
    assert sent.ask("explain", kind="mlp")["result"] == {"accepted": True}  # it is there: nothing to do
    assert len(trace.calls) == 1
    assert "kind='noise'" in sent.ask("explain", kind="noise")["error"]["message"]
    assert "takes a kind" in sent.ask("explain", token=1)["error"]["message"]


def test_cancel_keeps_what_is_shown(trace: FakeAnalysis) -> None:
    trace.hold = True
    widget = Trace(make_trace(kinds=("hidden",)))
    widget.explain("attn")
    assert trace.started.acquire(timeout=LIMIT)
    assert widget.cancel()
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "cancelled"
    assert widget.result.kinds == ("hidden",)


def test_a_model_that_is_gone_is_told() -> None:
    for widget, wish in ((Trace(make_trace()), "attn"), (Patch(make_patch()), "attn_out")):
        assert widget.options["live"] is False
        widget.explain(wish)
        assert widget.wait(LIMIT)
        assert widget.status["state"] == "error"
        assert "no longer in memory" in widget.status["message"]


def test_a_closed_widget_keeps_its_result() -> None:
    widget = Trace(make_trace())
    widget.cell = ("hidden", 1, 1)
    widget.close()
    assert (widget.place, widget.payload) == ([], {})
    assert widget.result.kinds == ("hidden", "mlp")


def test_a_cell_of_patching() -> None:
    widget = Patch(make_patch())
    widget.set_state({"place": ["mlp_out", 2, 1]})
    assert isinstance(widget.cell, PatchCell)
    assert widget.cell == patch_cell(make_patch(), "mlp_out", 2, 1)
    widget.cell = ("resid_post", -1, -1)
    assert widget.place == ["resid_post", 4, 5]


def test_another_site_is_patched_with_the_others(patch: FakeAnalysis, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Patch(make_patch())
    assert widget.options == {"live": True, "ask": True}
    sent = Sent(widget, monkeypatch)
    assert sent.ask("explain", site="attn_out")["result"] == {"accepted": True}
    assert widget.wait(LIMIT)
    assert patch.calls == [
        (("The Eiffel Tower is in", "The Colosseum is in"), {
            "sites": ["resid_post", "mlp_out", "attn_out"], "target": " Paris", "foil": " Rome", "method": "both",
            "seed": 0,
        })
    ]  # fmt: skip
    assert isinstance(widget.result, PatchResult)
    assert widget.result.sites == ("resid_post", "mlp_out", "attn_out")
    assert "site='heads'" in sent.ask("explain", site="heads")["error"]["message"]
    assert "takes a site" in sent.ask("explain")["error"]["message"]


def test_what_cannot_be_asked_for_again_is_not_offered() -> None:
    with living(FakeModel()):
        chat = Patch(make_patch(provenance={"prompt": [{"role": "user", "content": "Hi"}]}))
        assert chat.options == {"live": True, "ask": False}
        with pytest.raises(ArgumentError, match="no strings"):
            chat.explain("attn_out")
        rows = {"row_kind": "head", "sites": ("heads",), "patched_positions": np.arange(5)}
        heads = Patch(make_patch(values=np.zeros((1, 5, 6)), first_order=np.zeros((1, 5, 6)), **rows))
        with pytest.raises(ArgumentError, match="has heads"):
            heads.explain("attn_out")
