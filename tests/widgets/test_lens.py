"""The live lens without a kernel: layers appear as they are read; other questions, Cancel, tokens to follow."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import traitlets

import interp_widgets as iw
import interp_widgets.widgets as widgets
from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.locate.lens_payload import MIME_TYPE, lens_payload
from interp_widgets.locate.lens_result import LensResult
from interp_widgets.widgets import growing
from interp_widgets.widgets.lens import PATCH, Lens
from tests.locate.made_lens import make_lens
from tests.tiny import make_lm
from tests.widgets.test_highlight import Sent

LIMIT = 10  # seconds; nothing here takes one
PROMPT = "The capital of Australia is"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every partial result is shown."""
    monkeypatch.setattr(growing, "INTERVAL", 0.0)


class Steps:
    """Work that hands over one layer at a time, and holds before the end until it is released or cancelled."""

    def __init__(self) -> None:
        self.shown = threading.Semaphore(0)
        self.release = threading.Event()

    def __call__(self, cancel: threading.Event, progress: Any, partial: Callable[[LensResult], None]) -> LensResult:
        for read in range(1, 4):
            partial(make_lens(read=read))
            self.shown.release()
        while not self.release.is_set():
            if cancel.wait(0.005):
                raise Cancelled("by the flag")
        return make_lens()


def filled(start: dict[str, Any], sent: Sent) -> dict[str, Any]:
    """What a view makes of the patches."""
    picture = start
    for patch in (content for content in sent.answers if content.get("kind") == PATCH):
        rows = list(picture["rows"])
        for item in patch["rows"]:
            rows[item["at"] : item["at"] + 1] = [item["row"]]
        picture = {**patch["head"], "rows": rows}
    return picture


def test_by_name_and_with_its_traits() -> None:
    widget = widgets.Lens(result=make_lens())
    state = widget.get_state()
    assert state["payload"] == lens_payload(make_lens())
    assert state["_anywidget_id"] == "interp_widgets.widgets.lens.Lens"
    assert "lens.js" in state["_esm"]
    assert state["options"]["live"] is False
    assert [site["name"] for site in state["options"]["sites"]] == ["resid_post", "attn_out", "mlp_out"]
    widget.selection = [4]
    with pytest.raises(traitlets.TraitError, match="tokens 0 to 4"):
        widget.selection = [5]
    with pytest.raises(ArgumentError, match="LensResult"):
        Lens("result")  # type: ignore[arg-type]  # the mistake is the point


def test_before_the_first_row() -> None:
    widget = Lens()
    assert widget.payload == lens_payload(None)
    assert widget.options == {"sites": [], "live": False}
    data, _ = widget._repr_mimebundle_()
    assert data[MIME_TYPE]["amount"] == "nothing is read yet"
    with pytest.raises(ArgumentError, match="no result yet"):
        widget.explain(calibrated=True)


def test_a_run_fills_it_layer_by_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    work, widget = Steps(), Lens()
    waiting = dict(widget.payload)
    sent = Sent(widget, monkeypatch)
    widget.run(work)
    for _ in range(3):
        assert work.shown.acquire(timeout=LIMIT)
    assert filled(waiting, sent) == widget.payload
    assert sent.ask("state")["result"] == widget.payload
    sizes = [len(content["rows"]) for content in sent.answers if content.get("kind") == PATCH]
    assert sizes == [4, 1, 1]
    work.release.set()
    assert widget.wait(LIMIT)
    assert widget.result is not None
    assert widget.payload == lens_payload(make_lens())
    assert widget.still["text/plain"] == str(make_lens())


def test_cancel_keeps_what_was_read_or_the_result_before() -> None:
    work = Steps()
    widget = Lens(start=work)
    for _ in range(3):
        assert work.shown.acquire(timeout=LIMIT)
    widget.cancel()
    assert widget.wait(LIMIT)
    assert widget.result is not None
    assert not widget.result.complete
    assert widget.payload == lens_payload(make_lens(read=3))


def test_a_cancelled_question_leaves_the_result_before(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("llama")
    shown = iw.logit_lens(lm, PROMPT)
    widget, begun = Lens(shown), threading.Event()
    partial = widget.show_partial

    def slow(result: LensResult) -> None:
        partial(result)
        begun.set()
        widget.cancel()

    monkeypatch.setattr(widget, "show_partial", slow)
    sent = Sent(widget, monkeypatch)
    widget.explain(sites="mlp_out")
    assert begun.wait(LIMIT)
    assert widget.wait(LIMIT)
    assert {"kind": growing.WHOLE} in sent.answers  # the page's own copy never changed, but what it shows did
    assert widget.status["state"] == "cancelled"
    assert widget.result is shown
    assert widget.payload == lens_payload(shown)


def test_questions_are_the_calls_that_a_person_would_make(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("llama")
    widget = Lens(iw.logit_lens(lm, PROMPT, tokens=[7], positions=[1, -1], k=3))
    sent = Sent(widget, monkeypatch)
    assert sent.ask("explain", sites="mlp_out")["result"] == {"accepted": True}
    assert widget.wait(LIMIT)
    expected = iw.logit_lens(lm, PROMPT, tokens=[7], positions=[1, -1], k=3, sites="mlp_out")
    assert widget.result is not None
    assert widget.result.site == "mlp_out"
    assert widget.payload["rows"] == lens_payload(expected)["rows"]
    assert sent.ask("explain", sites="resid_post", follow="capital")["result"] == {"accepted": True}
    assert widget.wait(LIMIT)
    assert widget.result.followed_ids.tolist()[1:] == [7, lm.tokenizer(" capital")["input_ids"][0]]
    sent.ask("explain", unfollow=0)
    assert widget.wait(LIMIT)
    assert widget.result.followed[1:] == (" capital",)
    assert "explain has no layers" in sent.ask("explain", layers=3)["error"]["message"]
    assert "1 tokens are followed by wish" in sent.ask("explain", unfollow=1)["error"]["message"]


def test_a_question_on_top_of_one_that_is_under_way_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("llama")
    widget, held, partial = Lens(iw.logit_lens(lm, PROMPT)), threading.Event(), Lens.show_partial

    def wait(self: Lens, result: LensResult) -> None:
        partial(self, result)
        assert held.wait(LIMIT)

    monkeypatch.setattr(Lens, "show_partial", wait)
    widget.explain(follow="capital")
    widget.explain(sites="attn_out")
    held.set()
    assert widget.wait(LIMIT)
    assert widget.result is not None
    assert (widget.result.site, widget.result.followed[1:]) == ("attn_out", (" capital",))


def test_a_token_that_is_none_is_told_and_the_result_stays() -> None:
    lm = make_lm("llama")
    shown = iw.logit_lens(lm, PROMPT)
    widget = Lens(shown)
    widget.explain(follow="unbelievable")
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "error"
    assert "the lens follows single ones" in widget.status["message"]
    assert widget.result is shown


def test_it_begins_at_once_from_a_model_and_a_prompt() -> None:
    lm = make_lm("gpt2")
    widget = Lens.read(lm, PROMPT, k=2)
    assert widget.wait(LIMIT)
    assert widget.result is not None
    assert widget.payload["rows"] == lens_payload(iw.logit_lens(lm, PROMPT, k=2))["rows"]


def test_a_model_that_is_gone_is_told() -> None:
    widget = Lens(make_lens())
    widget.explain(calibrated=True)
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "error"
    assert "no longer in memory" in widget.status["message"]
    assert widget.payload == lens_payload(make_lens())
