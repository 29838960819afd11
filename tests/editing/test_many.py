"""What MEMIT and its kin share, against the plain way: one text at a time through hooks."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing.editors import many
from interp_widgets.editing.editors.alphaedit import AlphaEditSettings
from interp_widgets.editing.editors.emmet import EmmetSettings
from interp_widgets.editing.editors.many import _before_norm
from interp_widgets.editing.editors.memit import MemitSettings
from interp_widgets.editing.editors.rome import RomeSettings
from interp_widgets.editing.keys_values import contexts, statistics
from interp_widgets.editing.keys_values.contexts import rows_of
from interp_widgets.editing.keys_values.subject_keys import subject_keys
from interp_widgets.editing.keys_values.value import ValueSettings
from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.interventions.low_rank import LowRank
from interp_widgets.interventions.weight_size import relative_norm
from interp_widgets.models.architectures import Site
from tests.tiny import CORPUS, make_lm

FACTS = (
    iw.Fact("The capital of {} is", subject="Australia", target=" Canberra", original=" Sydney"),
    iw.Fact("{} is located in", subject="The Eiffel Tower", target=" the room", original=" Paris"),
    iw.Fact("The {} was", subject="window", target=" Sydney", original=" warm"),
)
PREFIXES = ("", "The room was warm. ", "Paris. ")
VALUE = ValueSettings(steps=25, learning_rate=0.05, clamp=3.0, decay=0.0)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (statistics, contexts):
        monkeypatch.setattr(module, "cache_dir", lambda: tmp_path / "cache")


def at(lm: Any, row: Any, site: Site) -> np.ndarray[Any, Any]:
    with torch.no_grad(), lm.run(capture=[site]) as run:
        lm.hidden(torch.as_tensor(row.ids)[None])
    found: np.ndarray[Any, Any] = run.captured[site][0, row.subject].double().numpy()
    return found


def test_keys_weigh_the_plain_prompt_as_all_others_together(any_lm: Any) -> None:
    texts = [rows_of(any_lm, number, fact, PREFIXES) for number, fact in enumerate(FACTS)]
    with any_lm.run():
        found = subject_keys(any_lm, texts, 1, 2)
    for i, rows in enumerate(texts):
        each = [at(any_lm, row, Site("mlp_key", 1)) for row in rows if not row.watches]
        np.testing.assert_allclose(found.keys[i], each[0] / 2 + np.mean(each[1:], 0) / 2, atol=1e-5)
        np.testing.assert_allclose(found.values[i], at(any_lm, rows[0], Site("mlp_value", 1)), atol=1e-5)
        np.testing.assert_allclose(found.outs[i], at(any_lm, rows[0], Site("mlp_out", 1)), atol=1e-5)
        np.testing.assert_allclose(found.ends[i], at(any_lm, rows[0], Site("resid_post", 2)), atol=1e-5)


@pytest.mark.parametrize("family", ["gemma2", "gemma3_text"])
def test_what_goes_into_a_norm_comes_out_as_wanted(family: str) -> None:
    lm = make_lm(family)
    texts = [rows_of(lm, number, fact, PREFIXES) for number, fact in enumerate(FACTS)]
    with lm.run():
        now = subject_keys(lm, texts, 1, 1)
    norm, _ = lm.architecture.module(Site("mlp_out", 1))
    # An answer that the norm can give: turned a little from the present one.
    turned = now.values + 0.3 * np.random.default_rng(0).normal(size=now.values.shape) * now.values.std()
    with torch.no_grad():
        wanted = norm(torch.as_tensor(turned, dtype=torch.float32)).double().numpy()
        given = now.values + _before_norm(lm, 1, now, wanted - now.outs)
        found = norm(torch.as_tensor(given, dtype=torch.float32)).double().numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(given, axis=1), np.linalg.norm(now.values, axis=1), rtol=1e-6)


def test_several_layers_reach_what_was_wanted() -> None:
    """With C of no weight, the last layer closes the gap that the others left: the states are the targets."""
    lm = make_lm("llama")
    settings = MemitSettings(weight=1e-9, prefixes=(), value=VALUE)
    edit = iw.edit(lm, FACTS, method="memit", layer=[0, 1], settings=settings, texts=CORPUS, alarm=None)
    assert edit.measured["reached"] > 0.99
    assert [part.layer for part in edit.parts if isinstance(part, LowRank)] == [0, 1]
    damped = iw.edit(
        make_lm("llama"), FACTS, method="memit", layer=[0, 1], texts=CORPUS, alarm=None,
        settings=MemitSettings(weight=1e3, prefixes=(), value=VALUE),
    )  # fmt: skip
    assert damped.measured["reached"] < edit.measured["reached"]


@pytest.mark.parametrize("method", ["memit", "alphaedit"])
def test_facts_that_hold_already_are_reached(method: str) -> None:
    """Not by a share of rounding errors."""
    value = ValueSettings(stop=100.0)
    settings: Any = MemitSettings(prefixes=(3,), value=value)
    if method == "alphaedit":
        settings = AlphaEditSettings(threshold=1e9, prefixes=(3,), value=value)
    edit = iw.edit(make_lm("llama"), FACTS, method=method, layer=[0, 1], settings=settings, texts=CORPUS, alarm=None)
    assert edit.measured["reached"] == 1
    assert edit.measured["growth"] < 1e-5


def test_facts_may_come_in_any_order_and_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = MemitSettings(weight=1.0, prefixes=(3,), value=VALUE)
    given: dict[str, Any] = {"method": "memit", "layer": [0, 1], "settings": settings, "texts": CORPUS, "alarm": None}
    whole = iw.edit(make_lm("gpt2"), FACTS, **given)
    monkeypatch.setattr(many, "_CPU_TOKENS", 1)  # one fact a batch
    alone = iw.edit(make_lm("gpt2"), FACTS[::-1], **given)
    for one, other in zip(whole.parts, alone.parts, strict=True):
        assert isinstance(one, LowRank)
        assert isinstance(other, LowRank)
        torch.testing.assert_close(one.matrix(), other.matrix(), atol=2e-3, rtol=2e-2)


def test_emmet_of_one_fact_is_rome(any_lm: Any) -> None:
    given: dict[str, Any] = {"layer": 1, "texts": CORPUS, "alarm": None}
    (rome,) = iw.edit(any_lm, FACTS[0], method="rome", settings=RomeSettings(prefixes=(3,), value=VALUE), **given).parts
    any_lm.ledger.clear()
    (emmet,) = iw.edit(
        any_lm, FACTS[0], method="emmet", settings=EmmetSettings(prefixes=(3,), value=VALUE), **given
    ).parts
    assert isinstance(rome, LowRank)
    assert isinstance(emmet, LowRank)
    torch.testing.assert_close(emmet.matrix(), rome.matrix(), atol=1e-9, rtol=1e-6)


def test_alphaedit_keeps_the_keys_of_earlier_edits_in_mind() -> None:
    lm = make_lm("llama")
    settings = AlphaEditSettings(threshold=1e9, penalty=1e-6, prefixes=(), value=VALUE)
    first = iw.edit(lm, FACTS[0], method="alphaedit", layer=1, settings=settings, texts=CORPUS, alarm=None)
    second = iw.edit(lm, FACTS[1], method="alphaedit", layer=1, settings=settings, texts=CORPUS, alarm=None)
    (part,) = second.parts
    assert isinstance(part, LowRank)
    moved = part.matrix().numpy() @ first.keys[1]
    own = part.matrix().numpy() @ second.keys[1]
    assert np.linalg.norm(moved) < 1e-4 * np.linalg.norm(own)
    assert first.measured["free directions"] == 48


def test_growth_is_the_frobenius_norm() -> None:
    lm = make_lm("gpt2")
    chance = np.random.default_rng(0)
    part = LowRank(chance.normal(size=(32, 3)), chance.normal(size=(3, 128)), layer=1)
    weight: Any = lm.architecture.down_projection(1).weight
    expected = np.linalg.norm(part.matrix().numpy()) / np.linalg.norm(weight.detach().numpy())
    assert relative_norm(part, lm.architecture) == pytest.approx(expected, rel=1e-5)


def test_an_interrupt_leaves_nothing() -> None:
    lm = make_lm("llama")
    stop = threading.Event()

    def progress(done: int, total: int, text: str) -> None:
        if text == "layers":  # the first of two layers is done
            stop.set()

    with pytest.raises(Cancelled):
        iw.edit(
            lm, FACTS, method="memit", layer=[0, 1], settings=MemitSettings(prefixes=(), value=VALUE), texts=CORPUS,
            alarm=None, progress=progress, cancel=stop,
        )  # fmt: skip
    assert not lm.ledger


def test_bad_settings_are_named() -> None:
    with pytest.raises(ArgumentError, match="weight=0"):
        MemitSettings(weight=0)
    with pytest.raises(ArgumentError, match="ridge=0"):
        MemitSettings(ridge=0)
    with pytest.raises(ArgumentError, match="gamma=-1"):
        EmmetSettings(gamma=-1)
    with pytest.raises(ArgumentError, match="threshold=0"):
        AlphaEditSettings(threshold=0)
