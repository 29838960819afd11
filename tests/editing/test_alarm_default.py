"""On the default model: a good edit is silent, and one that breaks it is refused."""

from __future__ import annotations

from typing import Any

import pytest

import interp_widgets as iw
from interp_widgets.editing.editors.rome import RomeSettings
from interp_widgets.editing.evaluating.thresholds import Alarm
from interp_widgets.errors import CollapseError
from interp_widgets.models.reference_text import sentences

pytestmark = pytest.mark.default_model

TEXTS = sentences()[:150]  # enough keys for a full rank, and seconds in place of minutes


def test_a_good_edit_is_silent(default_lm: Any) -> None:
    fact = iw.Fact("The capital of {} is", subject="Australia", target=" Canberra", original=" Sydney")
    edit = iw.edit(default_lm, fact, texts=TEXTS)  # with the settings of this model; a warning would be an error
    edit.undo()
    assert edit.alarm is not None
    lines = Alarm()
    assert edit.alarm.growth[4] < lines.growth / 2
    assert edit.measured["agreement"] > 0.9
    assert edit.alarm.perplexity[1] < 1.03 * edit.alarm.perplexity[0]
    assert edit.alarm.entropy[1] > 0.95 * edit.alarm.entropy[0]


def test_the_published_form_at_the_first_token_is_refused(default_lm: Any) -> None:
    """The key of a text's first token is unlike any other, so the form that mixes two keys divides by little."""
    fact = iw.Fact("{} is a country on the continent of", subject="France", target=" Asia", original=" Europe")
    with pytest.raises(CollapseError, match=r"layer 5 changed by .*point apart.*taken back") as refused:
        iw.edit(default_lm, fact, layer=5, texts=TEXTS, settings=RomeSettings(form="published"), alarm="roll back")
    assert not default_lm.ledger
    assert refused.value.reading.growth[5] > 2 * Alarm().growth
