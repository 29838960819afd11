"""From facts to an edit in the ledger."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing import api
from interp_widgets.editing.editors.alphaedit import AlphaEditSettings
from interp_widgets.editing.editors.emmet import EmmetSettings
from interp_widgets.editing.editors.fine_tuning import FineTuningSettings
from interp_widgets.editing.editors.grace import GraceSettings
from interp_widgets.editing.editors.memit import MemitSettings
from interp_widgets.editing.editors.rome import RomeSettings
from interp_widgets.editing.keys_values import contexts, statistics
from interp_widgets.editing.keys_values.value import ValueSettings
from interp_widgets.editing.registry import editing_methods
from interp_widgets.errors import ArgumentError, Cancelled, OutOfRangeError
from interp_widgets.models.answers import Answers
from tests.tiny import CORPUS, make_lm

FACT = iw.Fact("The capital of {} is", subject="Australia", target=" Canberra", original=" Sydney")
OTHER = iw.Fact("{} is located in", subject="The Eiffel Tower", target=" the room", original=" Paris")
VALUE = ValueSettings(steps=25, learning_rate=0.05, clamp=3.0, decay=0.0)
QUICK = RomeSettings(prefixes=(3,), value=VALUE)
SETTINGS: dict[str, Any] = {  # that move a random model, whose keys and weights have scales of their own
    "rome": QUICK,
    "memit": MemitSettings(weight=1e-3, prefixes=(3,), value=VALUE),
    "alphaedit": AlphaEditSettings(threshold=1e9, penalty=1e-6, prefixes=(3,), value=VALUE),
    "emmet": EmmetSettings(prefixes=(3,), value=VALUE),
    "fine_tuning": FineTuningSettings(form="free", learning_rate=1e-2),
    "grace": GraceSettings(value=VALUE),
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (statistics, contexts):
        monkeypatch.setattr(module, "cache_dir", lambda: tmp_path / "cache")


def edited(lm: Any, facts: Any = FACT, **changes: Any) -> iw.Edit:
    return iw.edit(lm, facts, **{"layer": 1, "settings": QUICK, "texts": CORPUS, "alarm": None, **changes})


# MEND needs a trained network, which test_mend.py has.
@pytest.mark.parametrize("method", [one["name"] for one in editing_methods() if one["name"] != "mend"])
def test_an_edit_holds_and_is_undone_exactly(any_lm: Any, method: str, tmp_path: Path) -> None:
    ids = torch.as_tensor(any_lm.encode(FACT.prompt).ids)[None]
    plain, state = any_lm.next_logits(ids), any_lm.state_hash()
    found = edited(any_lm, method=method, settings=SETTINGS[method], name="capital")
    assert list(any_lm.ledger) == ["capital"]
    judged = iw.evaluate_edit(any_lm, found)
    if method in ("rome", "emmet") and any_lm.architecture.layout.mlp_norm is not None:
        # The change is right at the mean key; at the plain prompt's own, of random weights, the norm may turn it.
        assert judged.after[0, 0] != judged.before[0, 0]
    else:
        assert judged.after[0, 0] > judged.before[0, 0]
    assert any_lm.state_hash() == state
    path = tmp_path / "edit.safetensors"
    edited_logits = any_lm.next_logits(ids)
    assert not torch.allclose(edited_logits, plain)
    found.save(path)
    found.undo()
    assert torch.equal(any_lm.next_logits(ids), plain)
    (again,) = any_lm.ledger.load(path)
    assert torch.equal(any_lm.next_logits(ids), edited_logits)
    assert again.facts == found.facts
    assert again.settings == json.loads(json.dumps(found.settings))
    assert {layer: keys.shape for layer, keys in again.keys.items()} == {
        layer: keys.shape for layer, keys in found.keys.items()
    }


@pytest.mark.parametrize("method", ["rome", "memit", "alphaedit", "emmet"])
def test_the_last_layer_has_no_say(method: str) -> None:
    lm = make_lm("llama")
    with pytest.raises(ArgumentError, match="no longer reaches the answer"):
        edited(lm, method=method, settings=SETTINGS[method], layer=2)
    assert not lm.ledger


def test_facts_after_each_other_come_on_top() -> None:
    lm = make_lm("llama")
    both = edited(lm, [FACT, OTHER])
    (part,) = both.parts
    assert isinstance(part, iw.LowRank)
    assert part.left.shape[1] == 2
    judged = iw.evaluate_edit(lm, both)
    assert (judged.after[:, 0] > judged.before[:, 0]).all()
    assert both.settings["layers"] == [1]
    assert both.measured["alignment"] == pytest.approx(1)
    alone = iw.edit(make_lm("llama"), OTHER, layer=1, settings=QUICK, texts=CORPUS, alarm=None)
    (single,) = alone.parts
    assert isinstance(single, iw.LowRank)
    assert not torch.allclose(single.left, part.left[:, 1:])


def test_what_is_known_already_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("llama")
    edited(lm)
    known = Answers(np.zeros(1), np.ones(1, np.int64), np.ones(1, bool))
    monkeypatch.setattr(api, "score_answers", lambda lm, pairs: known)
    with pytest.warns(UserWarning, match="first choice already"):
        again = edited(lm, name="again")
    assert again.beside == ("rome, Australia: ·Canberra",)


@pytest.mark.parametrize(
    ("facts", "changes", "told"),
    [
        ([], {}, "give an iw.Fact"),
        (["The capital of Australia is"], {}, "give an iw.Fact"),
        ([FACT, FACT], {}, None),
        ([FACT, iw.Fact(FACT.template, subject="Australia", target=" Canberra")], {}, "is there twice"),
        (
            [FACT, iw.Fact(FACT.template, subject="Australia", target=" Paris")],
            {},
            "two answers, ' Canberra' and ' Paris'",
        ),
        (FACT, {"method": "rom"}, "Did you mean 'rome'"),
        (FACT, {"settings": ValueSettings()}, "takes a RomeSettings"),
        (FACT, {"layer": [0, 1]}, "changes one layer"),
        (FACT, {"layer": 9}, "layers 0 to 2"),
    ],
)
def test_bad_input_is_told_and_nothing_applied(facts: Any, changes: dict[str, Any], told: str | None) -> None:
    lm = make_lm("llama")
    if told is None:  # the very same fact twice is once
        assert len(edited(lm, facts).facts) == 1
        return
    with pytest.raises(ArgumentError, match=told):
        edited(lm, facts, **changes)
    assert not lm.ledger


def test_an_interrupt_leaves_nothing_half_applied() -> None:
    lm = make_lm("llama")
    stop = threading.Event()

    def progress(done: int, total: int, text: str) -> None:
        stop.set()

    with pytest.raises(Cancelled):
        edited(lm, [FACT, OTHER], progress=progress, cancel=stop)
    assert not lm.ledger
    with pytest.raises(OutOfRangeError):
        edited(lm, layer=-4)


@pytest.mark.parametrize("method", ["rome", "memit", "emmet", "grace"])
def test_progress_goes_step_by_step(method: str) -> None:
    """Also within one fact, and it never goes back while values are sought."""
    told: list[tuple[float, str]] = []
    edited(
        make_lm("llama"), [FACT, OTHER], method=method, settings=SETTINGS[method],
        progress=lambda done, total, text: told.append((done / total, text)),
    )  # fmt: skip
    steps = [share for share, text in told if "of fact" in text]
    assert len(steps) > 4
    assert steps == sorted(steps)
    assert steps[-1] <= 1
