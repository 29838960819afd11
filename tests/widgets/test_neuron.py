"""The live neuron card without a kernel: another neuron, a text of one's own, Cancel, and a model that is gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import traitlets

import interp_widgets as iw
import interp_widgets.widgets as widgets
from interp_widgets.errors import ArgumentError, Cancelled, OutOfRangeError
from interp_widgets.locate import neuron_contexts
from interp_widgets.locate.neuron_payload import MIME_TYPE, neuron_payload
from interp_widgets.widgets.neuron import Neuron
from tests.locate.made_neurons import make_neurons
from tests.tiny import make_lm
from tests.widgets.test_highlight import Sent

LIMIT = 20  # seconds; nothing here takes one
TEXTS = ["The city of Paris is warm", "She opened the window because the room was warm.", "It is 👋 warm", "not"]


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama")


@pytest.fixture
def layer(lm: Any) -> Iterator[Neuron]:
    """A card of all neurons of a layer, whose model is in memory."""
    return Neuron(iw.max_activating(lm, TEXTS, layer=1, k=3))


def test_by_name_and_with_its_traits() -> None:
    result = make_neurons()
    widget = widgets.Neuron(result=result)
    state = widget.get_state()
    assert state["payload"] == neuron_payload(result)
    assert state["status"] == {"state": "idle"}
    assert state["options"] == {"live": False}
    assert "neuron.js" in state["_esm"]
    data, _ = widget._repr_mimebundle_()
    assert {name: data[MIME_TYPE][name] for name in state["payload"]} == state["payload"]
    assert data["text/plain"] == str(result)
    assert result._repr_mimebundle_()[MIME_TYPE] == state["payload"]  # no kernel, no widget
    with pytest.raises(ArgumentError, match="NeuronResult"):
        Neuron("result")  # type: ignore[arg-type]  # the mistake is the point


def test_another_neuron_with_the_activations_of_its_texts(layer: Neuron, monkeypatch: pytest.MonkeyPatch) -> None:
    before = layer.result
    assert layer.options == {"live": True}
    assert layer.payload["whole"] is False
    sent = Sent(layer, monkeypatch)
    assert sent.ask("explain", neuron=5)["result"] == {"accepted": True}
    assert layer.wait(LIMIT)
    assert layer.status == {"state": "idle"}
    assert layer.result is not before
    assert layer.result.neuron == 5
    assert layer.payload == neuron_payload(layer.result)
    assert layer.payload["whole"] is True
    for context, value in zip(layer.result.contexts(), layer.result.values[5], strict=True):
        assert np.nanmax(context.activations) == pytest.approx(value, abs=1e-5)
    assert layer.result.top() == before.top(5)


def test_a_text_of_ones_own(layer: Neuron, lm: Any) -> None:
    layer.try_text("The room was warm")
    assert layer.wait(LIMIT)
    result = layer.result
    assert result.tried == ("The room was warm",)
    own = result.contexts()[-1]
    alone = iw.max_activating(lm, ["The room was warm"], layer=1, neuron=result.neuron, k=1)
    np.testing.assert_allclose(own.activations, alone.contexts()[0].activations, atol=1e-5)
    assert layer.payload["boxes"][-1]["rank"] == "yours"
    layer.selection = [3]
    layer.show(2)
    assert layer.wait(LIMIT)
    assert layer.result.tried == ("The room was warm",)  # read by the other neuron
    assert layer.selection == []
    layer.try_text("not")
    assert layer.wait(LIMIT)
    assert layer.result.tried == ("not",)
    assert len(layer.result.contexts()) == 4


def test_selection_is_of_texts() -> None:
    widget = Neuron(make_neurons())
    widget.selection = [2, 0]
    assert widget.selection == [0, 2]
    with pytest.raises(traitlets.TraitError):
        widget.selection = [3]


def test_wishes_that_cannot_be(layer: Neuron, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(layer, monkeypatch)
    for args, words in (
        ({"neuron": 48}, "this result holds 0 to 47"),
        ({"neuron": "x"}, "neuron='x'"),
        ({"text": 3}, "text=3 is not a string"),
        ({}, "explain takes one of neuron, text"),
        ({"neuron": 1, "text": "I"}, "explain takes one of"),
        ({"path": "/etc/passwd"}, "got path"),
    ):
        assert words in sent.ask("explain", **args)["error"]["message"]
    with pytest.raises(OutOfRangeError):
        layer.show(48)
    for text, words in (("", "is empty"), ("not " * 3000, "the model's context holds")):
        shown = layer.result
        layer.try_text(text)
        assert layer.wait(LIMIT)
        assert layer.status["state"] == "error"
        assert words in layer.status["message"]
        assert layer.result is shown


def test_other_interventions_are_an_error_not_a_mixture(layer: Neuron, lm: Any) -> None:
    lm.ledger.add(iw.AddedVector(np.ones(lm.architecture.width, np.float32), layer=0))
    try:
        layer.show(3)
        assert layer.wait(LIMIT)
        assert layer.status["state"] == "error"
        assert "interventions active" in layer.status["message"]
    finally:
        lm.ledger.clear()


def test_cancel_keeps_the_last_result(layer: Neuron, monkeypatch: pytest.MonkeyPatch) -> None:
    started, shown = threading.Event(), layer.result

    def slow(*args: Any) -> Any:
        started.set()
        assert args[-1].wait(LIMIT)
        raise Cancelled("by the flag")

    monkeypatch.setattr(neuron_contexts, "contexts_of", slow)
    layer.show(4)
    assert started.wait(LIMIT)
    assert layer.cancel()
    assert layer.wait(LIMIT)
    assert layer.status["state"] == "cancelled"
    assert layer.result is shown


def test_without_its_model_a_layer_still_shows_peaks() -> None:
    widget = Neuron(make_neurons(neurons=3))
    widget.show(2)
    assert widget.wait(LIMIT)
    assert widget.result.neuron == 2
    assert widget.payload["whole"] is False
    assert widget.payload["histogram"]["bars"]
    widget.try_text("The cup")
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "error"
    assert "no longer in memory" in widget.status["message"]
