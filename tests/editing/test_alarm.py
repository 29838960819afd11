"""The collapse alarm: what it reads, when it goes off, and that a refused edit was never there."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing import Alarm, AlarmReading
from interp_widgets.editing.edit import Edit
from interp_widgets.editing.evaluating import alarm
from interp_widgets.editing.evaluating.alarm import ELSEWHERE, growth_by_layer, read_alarm
from interp_widgets.editing.evaluating.fluency import generation_entropy, perplexity_of
from interp_widgets.editing.keys_values import contexts, statistics
from interp_widgets.errors import ArgumentError, CollapseError
from interp_widgets.models.neutral_text import OPENERS
from tests.editing.test_api import FACT, QUICK
from tests.editing.test_edit import make_edit
from tests.tiny import CORPUS, make_lm

QUIET = Alarm(growth=1e9, alignment=0.0, perplexity=1e9, entropy=0.0)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (statistics, contexts):
        monkeypatch.setattr(module, "cache_dir", lambda: tmp_path / "cache")


def edited(lm: Any, **changes: Any) -> iw.Edit:
    return iw.edit(lm, FACT, **{"layer": 1, "settings": QUICK, "texts": CORPUS, "alarm": QUIET, **changes})


def sized(lm: Any, *deltas: torch.Tensor, alignment: float = 1.0) -> Edit:
    parts = [iw.DenseDelta(delta, layer=1) for delta in deltas]
    return Edit(parts, facts=[FACT], method="rome", fingerprint=lm.fingerprint, measured={"alignment": alignment})


def test_it_reads_the_model_with_all_edits_beside_the_model_without() -> None:
    lm = make_lm("llama")
    before = perplexity_of(lm), generation_entropy(lm, OPENERS[:6], tokens=20)
    first = edited(lm)
    second = lm.ledger.add(make_edit(lm), name="second")
    after = perplexity_of(lm), generation_entropy(lm, OPENERS[:6], tokens=20)
    lm.ledger.remove("second")
    assert isinstance(second, Edit)
    reading = read_alarm(lm, second)
    assert reading.perplexity == pytest.approx((before[0], after[0]))
    assert reading.entropy == pytest.approx((before[1], after[1]))
    assert first.alarm is not None
    assert first.alarm.perplexity[0] == pytest.approx(before[0])
    assert first.alarm.alignment == first.measured["alignment"]
    assert math.isnan(reading.alignment)  # this one has no keys
    assert list(reading.growth) == [0, 1]
    lm.ledger.add(second)
    again = read_alarm(lm, second)
    assert (again.growth, again.perplexity, again.entropy) == (reading.growth, reading.perplexity, reading.entropy)


def test_growth_adds_up_over_edits_and_cancels() -> None:
    lm = make_lm("llama")
    weight: Any = lm.architecture.down_projection(1).weight
    shape = weight.shape
    one = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 0.01
    size = float(one.norm() / weight.detach().norm())
    a = lm.architecture
    assert growth_by_layer([sized(lm, one)], a) == {1: pytest.approx(size)}
    assert growth_by_layer([sized(lm, one), sized(lm, one, one)], a) == {1: pytest.approx(3 * size)}
    assert growth_by_layer([sized(lm, one), sized(lm, -one)], a) == {1: pytest.approx(0)}
    up = "model.layers.2.mlp.up_proj"
    rows = torch.ones(a.vocabulary, a.width)
    parts = [iw.DenseDelta(torch.ones(48, 32), module=up), iw.DenseDelta(rows, tied="head")]
    other = Edit(parts, facts=[FACT], method="fine_tuning", fingerprint=lm.fingerprint)
    found = growth_by_layer([other], a)
    assert list(found) == [ELSEWHERE, 2]
    matrix: Any = a.named_module(up).weight
    moved = float(torch.ones(48, 32).norm() / matrix.detach().norm())
    assert found[2] == pytest.approx(moved)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"growth": 1e-6}, r"weights of layer 1 changed by .* % of their norm \(limit"),
        (
            {"perplexity": 1.2},
            r"text is 1\.30 times as perplexing as to the model without edits \(limit 1\.20\)",
        ),
        (
            {"entropy": 0.8},
            r"repeats itself: its entropy is 3\.00 bits, 5\.00 without edits \(at least 80",
        ),
        ({"alignment": 2.0}, r"point apart: alignment 1\.00 \(at least 2\.00\)"),
    ],
)
def test_each_line_goes_off_by_itself(line: dict[str, float], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm, "_read", lambda lm, changes, cancel: (26.0, 3.0) if changes else (20.0, 5.0))
    lines: dict[str, Any] = {"growth": 1e9, "alignment": 0.0, "perplexity": 1e9, "entropy": 0.0, **line}
    lm = make_lm("llama")
    with pytest.warns(UserWarning, match=told) as caught:
        edit = edited(lm, alarm=Alarm(**lines))
    assert caught[0].filename == __file__
    assert edit.alarm is not None
    assert len(edit.alarm.crossed) == 1
    assert edit.enabled  # warned of, and kept
    assert edited(make_lm("llama"), alarm=QUIET).alarm.crossed == ()  # type: ignore[union-attr]  # it was read


def test_rolled_back_it_was_never_there() -> None:
    lm = make_lm("llama")
    ids = torch.as_tensor(lm.encode(FACT.prompt).ids)[None]
    kept = edited(lm, name="kept")
    before, state = lm.next_logits(ids), lm.state_hash()
    with pytest.raises(CollapseError, match=r"may have broken the model\. The weights of layer 1") as refused:
        edited(lm, alarm=Alarm("roll back", growth=1e-6), name="second")
    assert isinstance(refused.value.reading, AlarmReading)
    assert refused.value.reading.crossed
    assert list(lm.ledger) == ["kept"]
    assert torch.equal(lm.next_logits(ids), before)
    assert lm.state_hash() == state
    kept.undo()


def test_a_broken_model_is_refused() -> None:
    lm = make_lm("llama")
    huge = torch.full(lm.architecture.weight_shape(1), float(np.finfo(np.float32).max))
    reading = read_alarm(lm, sized(lm, huge, alignment=0.01))
    assert reading.perplexity[1] == math.inf
    assert reading.entropy[1] == 0
    assert len(reading.crossed) == 4
    assert "infinitely as perplexing" in reading.crossed[2]


def test_what_was_read_is_saved_with_the_edit(tmp_path: Path) -> None:
    lm, other = make_lm("llama"), make_lm("llama")
    edit = edited(lm)
    edit.save(tmp_path / "edit.safetensors")
    (again,) = other.ledger.load(tmp_path / "edit.safetensors")
    assert isinstance(again, Edit)
    assert again.alarm == edit.alarm
    broken = AlarmReading({1: 3.0, ELSEWHERE: 0.5}, math.nan, (20.0, math.inf), (5.0, 0.0), ("Broken.",))
    assert str(AlarmReading.from_json(broken.to_json())) == str(broken)


def test_without_an_alarm_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm, "perplexity_of", None)
    lm = make_lm("llama")
    assert edited(lm, alarm=None).alarm is None


def test_the_model_without_edits_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lm, read = make_lm("llama"), []

    def noted(lm: Any, changes: Any, cancel: Any) -> tuple[float, float]:
        read.append(tuple(changes))
        return 20.0, 5.0

    monkeypatch.setattr(alarm, "_read", noted)
    first = edited(lm)
    second = edited(lm, name="second")
    beside = lm.ledger.add(iw.Ablation(layer=2, site="mlp_out"))
    third = edited(lm, name="third")
    assert read == [(), (first,), (first, second), (beside,), (first, second, beside, third)]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("wran", "Did you mean 'warn'"),
        (True, "alarm=True: 'warn', 'roll back', None"),
    ],
)
def test_bad_input_is_told_before_anything_runs(given: Any, told: str) -> None:
    lm = make_lm("llama")
    with pytest.raises(ArgumentError, match=told):
        edited(lm, alarm=given)
    assert not lm.ledger


def test_lines_are_numbers_that_make_sense() -> None:
    with pytest.raises(ArgumentError, match=r"perplexity=0\.5: a finite number of at least 1"):
        Alarm(perplexity=0.5)
    with pytest.raises(ArgumentError, match="growth=nan"):
        Alarm(growth=math.nan)
