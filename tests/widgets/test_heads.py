"""The live heads without a kernel: the chosen head for Python, patterns on demand, and the other stand-in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import traitlets

import interp_widgets.widgets as widgets
from interp_widgets.errors import ArgumentError
from interp_widgets.locate import heads as analysis
from interp_widgets.locate import heads_payload as forms
from interp_widgets.locate.heads_payload import MIME_TYPE, heads_payload, pattern_of
from interp_widgets.locate.heads_result import HeadsResult
from interp_widgets.widgets.heads import ABLATIONS, Heads
from tests.locate.made_heads import make_heads
from tests.widgets.fakes import FakeModel, living
from tests.widgets.test_highlight import Sent

LIMIT = 10  # seconds; nothing here takes one


def test_by_name_and_with_its_traits() -> None:
    widget = widgets.Heads(result=make_heads())
    state = widget.get_state()
    assert state["payload"] == heads_payload(make_heads())
    assert state["_anywidget_id"] == "interp_widgets.widgets.heads.Heads"
    assert "heads.js" in state["_esm"]
    assert state["options"] == {"live": False}
    assert (state["place"], state["pattern"]) == ([], {})
    assert MIME_TYPE in widget._repr_mimebundle_()[0]
    with pytest.raises(ArgumentError, match=r"iw\.heads"):
        Heads("result")  # type: ignore[arg-type]  # the mistake is the point
    assert ABLATIONS == analysis.ABLATIONS


def test_the_chosen_head_for_python() -> None:
    widget = Heads(make_heads())
    widget.set_state({"place": ["", 1, 3]})
    assert (widget.cell.layer, widget.cell.head, widget.cell.answer.text) == (3, 1, " Canberra")
    assert widget.cell.effect == pytest.approx(np.log(0.06 / 0.36))
    widget.cell = ("", 0, 4)
    assert widget.place == ["", 0, 4]
    widget.cell = make_heads().cell(2, 1)
    assert widget.place == ["", 1, 2]
    with pytest.raises(traitlets.TraitError, match="heads"):
        widget.cell = ("", 5, 3)
    widget.cell = None
    assert widget.place == []


def test_a_pattern_comes_when_its_head_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "MOST", 1)
    widget = Heads(make_heads())
    assert len(widget.payload["patterns"]) == 1
    widget.set_state({"place": ["", 1, 3]})  # the one that the picture brings
    assert widget.pattern == {}
    widget.set_state({"place": ["", 0, 4]})
    assert widget.pattern == pattern_of(make_heads(), 4, 0)
    widget.set_state({"pattern": {"layer": 1}})  # a view may not set it
    assert widget.pattern["layer"] == 4
    widget.close()
    assert widget.pattern == {}


def test_the_other_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def fake(lm: Any, prompt: Any, *, progress: Any, cancel: Any, **given: Any) -> HeadsResult:
        progress(1, 2, "heads")
        asked.append({"prompt": prompt, **given})
        return make_heads(ablation=given["ablation"])

    monkeypatch.setattr(analysis, "heads", fake)
    with living(FakeModel()):
        widget = Heads(make_heads(positions=np.array([4])))
        assert widget.options == {"live": True}
        widget.set_state({"place": ["", 1, 3]})
        sent = Sent(widget, monkeypatch)
        assert sent.ask("explain", ablation="mean")["result"] == {"accepted": True}
        assert widget.wait(LIMIT)
        assert widget.result.ablation == "mean"
        assert widget.payload["settings"] == {"ablation": "mean"}
        assert widget.cell == make_heads().cell(3, 1)  # the same head
        assert asked == [
            {
                "prompt": "The capital of Australia is", "seed": 0, "confirm": True, "layers": [2, 3, 4],
                "positions": [4], "ablation": "mean", "target": " Sydney",
            }
        ]  # fmt: skip
        with pytest.raises(ArgumentError, match="one of zero, mean"):
            widget.explain("noise")
        assert "error" in sent.ask("explain", method="mean")


def test_a_model_that_is_gone() -> None:
    widget = Heads(make_heads())
    widget.explain("mean")
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "error"
    assert "no longer in memory" in widget.status["message"]
    assert widget.result.ablation == "zero"
