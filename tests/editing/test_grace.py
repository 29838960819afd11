"""GRACE: the rules about radii, and that exact prompts hold while all else stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing.editors.grace import Entry, GraceSettings, place
from interp_widgets.editing.keys_values.value import ValueSettings
from interp_widgets.errors import ArgumentError
from interp_widgets.interventions.codebook import Codebook
from tests.tiny import make_lm

A, B = (1, 2), (2, 1)  # two answers whose token numbers have the same mean


def at(*numbers: float) -> Any:
    return np.asarray(numbers)


def test_far_from_all_a_new_ball() -> None:
    (first,) = place([], at(0, 0), A, 0, 1.0)
    assert (first.radius, first.fact) == (1.0, 0)
    both = place([first], at(2.5, 0), A, 1, 1.0)
    assert [one.radius for one in both] == [1.0, 1.0]


def test_another_answer_nearby_parts_the_space() -> None:
    first = Entry(at(0, 0), 1.0, A, 0)
    old, new = place([first], at(1.2, 0), B, 1, 1.0)
    assert new.radius == pytest.approx(0.6)
    assert 0.6 - 1e-4 < old.radius < 0.6
    assert (old.answer, new.answer) == (A, B)
    small = place([Entry(at(0, 0), 0.3, A, 0)], at(1.2, 0), B, 1, 1.0)[0]
    assert small.radius == 0.3  # a ball never grows where another answer comes near


def test_the_same_answer_nearby_lets_the_ball_grow() -> None:
    first = Entry(at(0, 0), 1.0, A, 0)
    (grown,) = place([first], at(1.5, 0), A, 1, 1.0)
    assert (grown.radius, grown.fact) == (1.5, 0)
    assert place([first], at(0.5, 0), A, 1, 1.0) == [first]


def test_a_ball_does_not_grow_into_a_foe() -> None:
    entries = [Entry(at(0, 0), 1.0, A, 0), Entry(at(-2.2, 0), 1.0, B, 1)]
    found = place(entries, at(1.5, 0), A, 2, 1.0)
    assert [one.radius for one in found] == [1.0, 1.0, 1.0]
    near = place([Entry(at(0, 0), 1.0, A, 0), Entry(at(2.2, 0), 1.0, B, 1)], at(1.05, 0.6), A, 2, 1.0)
    assert near[-1].radius < np.linalg.norm(near[-1].key - at(2.2, 0)) / 2
    with pytest.raises(ArgumentError, match="end alike"):
        place([Entry(at(0, 0), 1.0, A, 0)], at(0, 0), B, 1, 1.0)


FACTS = (
    iw.Fact("The capital of {} is", subject="Australia", target=" the room", original=" Paris"),
    iw.Fact("{} is located in", subject="The Eiffel Tower", target=" Sydney", original=" Paris"),
)
SETTINGS = GraceSettings(
    radius=1e-3, value=ValueSettings(steps=200, learning_rate=0.5, clamp=1e6, decay=0, kl_factor=0)
)


def test_exact_prompts_hold_and_others_stay_to_the_last_bit(any_lm: Any) -> None:
    far = torch.as_tensor(any_lm.encode("She opened the window because").ids)[None]
    plain = any_lm.next_logits(far)
    edit = iw.edit(any_lm, FACTS, method="grace", layer=1, settings=SETTINGS)
    assert torch.equal(any_lm.next_logits(far), plain)
    assert edit.measured["entries"] == 2
    judged = iw.evaluate_edit(any_lm, edit)
    # A value in the middle of a random model cannot reach every answer, but it comes near: log-probability a token.
    assert (judged.after[:, 0] > judged.before[:, 0] + 0.5).all()


def test_the_published_question_is_asked_at_the_prompts_end(tmp_path: Path) -> None:
    lm = make_lm("llama")
    edit = iw.edit(
        lm,
        FACTS[0],
        method="grace",
        layer=1,
        settings=GraceSettings(radius=1e-3, positions="last", value=SETTINGS.value),
    )
    (book,) = edit.parts
    assert isinstance(book, Codebook)
    assert book.positions == "last"


def test_a_later_edit_leaves_the_exact_prompts_of_earlier_ones() -> None:
    """With radii that reach far, each call has a codebook of its own."""
    lm = make_lm("llama")
    wide = GraceSettings(radius=5.0, value=SETTINGS.value)
    first = iw.edit(lm, FACTS[0], method="grace", layer=1, settings=wide, alarm=None)
    ids = torch.as_tensor(lm.encode(FACTS[0].prompt).ids)[None]
    before = lm.next_logits(ids)
    second = iw.edit(lm, FACTS[1], method="grace", layer=1, settings=wide, alarm=None)
    (old,), (new,) = first.parts, second.parts
    assert isinstance(old, Codebook)
    assert isinstance(new, Codebook)
    distance = float((old.keys - new.keys).norm())
    assert float(new.radii) < distance / 2
    torch.testing.assert_close(lm.next_logits(ids), before)


def test_one_answer_of_two_near_prompts_is_one_entry() -> None:
    lm = make_lm("llama")
    facts = [
        iw.Fact("The capital of {} is", subject="Australia", target=" Canberra"),
        iw.Fact("Now, the capital of {} is", subject="Australia", target=" Canberra"),
    ]
    edit = iw.edit(lm, facts, method="grace", layer=1, settings=GraceSettings(radius=2.0, value=SETTINGS.value))
    (book,) = edit.parts
    assert isinstance(book, Codebook)
    assert len(book.keys) == 1
    assert edit.measured["entries"] == 1


def test_bad_settings() -> None:
    with pytest.raises(ArgumentError, match="radius"):
        GraceSettings(radius=0)
