"""The live erasure without a kernel: its switch, the ledger's changes, what is chosen, what is gone."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import torch
import traitlets

import interp_widgets.widgets as widgets
from interp_widgets.erasure.payload import erasure_payload
from interp_widgets.errors import ArgumentError
from interp_widgets.interventions.digest import digest_of, find
from interp_widgets.interventions.erased import Erased
from interp_widgets.models.language_model import LanguageModel
from interp_widgets.widgets.erasure import Erasure
from tests.builders import make_provenance
from tests.erasure.made_result import make_bare, make_erasure
from tests.tiny import make_lm
from tests.widgets.test_highlight import Sent

seeds = iter(range(300, 400))  # a model of its own for each test: others with the same weights may be in memory still


@pytest.fixture
def lm() -> LanguageModel:
    return make_lm("llama", seed=next(seeds))


def eraser_of(lm: LanguageModel, layer: int = 1) -> Erased:
    q = torch.linalg.qr(torch.randn(32, 1, generator=torch.Generator().manual_seed(layer)))[0]
    return Erased([("resid_post", layer)], [torch.zeros(32)], [q], [q.T], fingerprint=lm.fingerprint)


def result_of(lm: LanguageModel, x: Erased, **changes: Any) -> Any:
    return make_erasure(
        digest=digest_of(x), provenance=make_provenance(prompt="She left.", fingerprint=lm.fingerprint), **changes
    )


def live(lm: LanguageModel) -> tuple[Erased, Erasure]:
    x = lm.ledger.add(eraser_of(lm), name="gender")
    assert isinstance(x, Erased)
    return x, Erasure(result_of(lm, x))


def test_by_name_and_with_its_traits() -> None:
    widget = widgets.Erasure(result=make_erasure())
    state = widget.get_state()
    assert state["payload"] == erasure_payload(make_erasure())
    assert state["options"] == {"live": False, "state": "gone", "note": ""}
    assert "erasure.js" in state["_esm"]
    assert set(widget._repr_mimebundle_()[0]) >= {"text/html", "text/plain"}
    assert widget.eraser is None
    with pytest.raises(ArgumentError, match=r"not what iw\.erasure\.evaluate"):
        Erasure("result")  # type: ignore[arg-type]  # the mistake is the point


def test_the_switch_acts_on_the_ledger(lm: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    x, widget = live(lm)
    sent = Sent(widget, monkeypatch)
    ids = torch.as_tensor(lm.encode("She left.").ids)[None]
    erased = lm.next_logits(ids)
    assert widget.options == {"live": True, "state": "on", "note": ""}
    assert sent.ask("explain", toggle={"on": False})["result"] == {"done": True}
    assert (x.enabled, widget.options["state"]) == (False, "off")
    assert not torch.equal(lm.next_logits(ids), erased)
    assert sent.ask("explain", toggle={"on": True})["result"] == {"done": True}
    assert torch.equal(lm.next_logits(ids), erased)
    x.undo()
    assert widget.options["state"] == "out"
    assert "in no ledger" in sent.ask("explain", toggle={"on": True})["error"]["message"]
    assert sent.ask("explain", apply=True)["result"] == {"done": True}
    assert (list(lm.ledger.values()), widget.options["state"]) == ([x], "on")
    assert "asked a, b" in sent.ask("explain", a=1, b=2)["error"]["message"]


def test_what_python_does_to_the_ledger_reaches_the_card(lm: LanguageModel) -> None:
    x, widget = live(lm)
    lm.ledger.toggle(x)
    assert widget.options["state"] == "off"
    other = lm.ledger.add(eraser_of(lm, 2), name="second")
    assert widget.options["note"] == "Other interventions are on now: second; when this was measured: none."
    lm.ledger.remove(other)
    assert widget.options["note"] == ""


def test_an_eraser_is_found_by_its_numbers(lm: LanguageModel, tmp_path: Any) -> None:
    x, widget = live(lm)
    x.save(tmp_path / "eraser.safetensors")
    lm.ledger.clear()
    again = lm.ledger.load(tmp_path / "eraser.safetensors")
    (loaded,) = again if isinstance(again, (list, tuple)) else [again]
    assert find(Erased, widget.result.digest, lm.fingerprint) is loaded
    assert digest_of(eraser_of(lm, 2)) != digest_of(x)


def test_points_are_chosen_from_both_sides(lm: LanguageModel) -> None:
    _, widget = live(lm)
    widget.selection = [3, 1]
    assert widget.selection == [1, 3]
    with pytest.raises(traitlets.TraitError, match="tokens 0 to 23"):
        widget.selection = [24]
    widget.result = result_of(lm, widget.eraser, points=12)  # type: ignore[arg-type]
    assert widget.selection == []


def test_states_from_an_array_have_no_switch() -> None:
    widget = Erasure(make_bare())
    assert widget.options == {"live": False, "state": "none", "note": ""}
    with pytest.raises(ArgumentError, match="no longer in memory"):
        widget.toggle()


def test_an_eraser_that_is_gone_is_told(lm: LanguageModel) -> None:
    widget = Erasure(result_of(lm, eraser_of(lm, 2)))
    widget._held = None
    gc.collect()
    lm.ledger.add(eraser_of(lm, 1))  # whatever happens to the ledger is heard
    assert widget.options["state"] == "gone"


def test_a_closed_widget_lets_go(lm: LanguageModel) -> None:
    x, widget = live(lm)
    widget.close()
    assert (widget.payload, widget.options, widget._held) == ({}, {}, None)
    lm.ledger.toggle(x)  # nothing hears of it
