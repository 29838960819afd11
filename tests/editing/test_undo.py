"""Two hundred edits of all kinds on one model, taken back in random order: what is left is what was there."""

from __future__ import annotations

import random
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing.editors.fine_tuning import FineTuningSettings
from interp_widgets.editing.editors.rome import FORMS, RomeSettings
from interp_widgets.editing.keys_values import contexts, statistics
from interp_widgets.editing.keys_values.value import ValueSettings
from interp_widgets.editing.mend import artefact as mend_artefact
from interp_widgets.editing.mend.editor import MendSettings, train_mend
from interp_widgets.editing.mend.facts import training_facts
from interp_widgets.editing.mend.training import MendTraining
from tests.editing.test_api import SETTINGS
from tests.tiny import CORPUS, make_lm

PLACES = ("Australia", "France", "Peru", "Kenya", "Japan", "Norway", "Chile", "Egypt", "Spain", "Nepal")
ANSWERS = (" Canberra", " Paris", " Sydney", " warm", " the room", " open")
TEMPLATES = ("The capital of {} is", "In {} they speak", "{} lies near", "The river of {} is called")
VALUE = ValueSettings(steps=4, learning_rate=0.05, clamp=3.0, decay=0.0)
MIXED: list[tuple[str, Any]] = [
    *((name, settings) for name, settings in SETTINGS.items() if name not in ("rome", "fine_tuning")),
    *(("rome", RomeSettings(form=form, prefixes=(3,), value=VALUE)) for form in FORMS),
    *(("fine_tuning", FineTuningSettings(form=form, steps=3)) for form in ("constrained", "free", "low_rank")),
    ("mend", MendSettings()),
]


@pytest.mark.parametrize("seed", [0, 1])
def test_two_hundred_mixed_edits_are_undone_to_the_bit(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (statistics, contexts, mend_artefact):
        monkeypatch.setattr(module, "cache_dir", lambda: tmp_path / "cache")
    lm = make_lm("llama")
    train_mend(lm, training_facts(12), texts=CORPUS, settings=MendTraining(steps=4, batch=2, rank=8), progress=False)
    chance = random.Random(seed)
    prompts = [template.replace("{}", place) for template in TEMPLATES for place in PLACES[:3]]

    def logits() -> list[torch.Tensor]:
        return [lm.next_logits(torch.as_tensor(lm.encode(prompt).ids)[None]) for prompt in prompts]

    plain, state = logits(), lm.state_hash()
    made: list[iw.Edit] = []
    for number in range(200):
        method, settings = MIXED[number % len(MIXED)]
        place = chance.choice(PLACES)
        fact = iw.Fact(chance.choice(TEMPLATES), subject=place, target=chance.choice(ANSWERS))
        layer = None if method == "mend" else 1
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*first choice already")
            made.append(iw.edit(lm, fact, method=method, layer=layer, settings=settings, texts=CORPUS, alarm=None))
        if number == 99:
            half = logits()
    assert len(lm.ledger) == 200
    everything = logits()
    assert not any(torch.equal(one, other) for one, other in zip(everything, plain, strict=True))
    for one in chance.sample(made[100:], 100):
        one.undo()
    assert all(torch.equal(one, other) for one, other in zip(logits(), half, strict=True))
    for one in chance.sample(made[:100], 100):
        one.undo()
    assert not lm.ledger
    assert lm.state_hash() == state
    assert all(torch.equal(one, other) for one, other in zip(logits(), plain, strict=True))
