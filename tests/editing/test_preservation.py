"""Questions about countries, the suite that a model gets right, and what an edit keeps of it."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import interp_widgets as iw
from interp_widgets.editing.evaluating import preservation
from interp_widgets.editing.evaluating.country_facts import WRONG, Question, country_questions
from interp_widgets.editing.evaluating.preservation import (
    CHANCE,
    PreservationSuite,
    estimate_preservation_suite,
    preservation_suite,
    preserved,
)
from interp_widgets.editing.evaluating.preservation_result import Preservation, judge, wilson
from interp_widgets.errors import ArgumentError, FingerprintMismatchError, MissingPackageError, TooCostlyError
from interp_widgets.models.answers import score_answers
from tests.editing.test_edit import make_edit
from tests.tiny import make_lm

WORDS = (" Paris", " Sydney", " Canberra", " the city", " the room", " warm", " numpy", " not")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preservation, "cache_dir", lambda: tmp_path / "cache")


def some_questions(n: int = 24) -> list[Question]:
    draw = np.random.default_rng(0)
    starts = ("The capital of Australia is", "She opened the window because", "The city of", "He is in", "The Tower is")
    found = []
    for i in range(n):
        words = [WORDS[j] for j in draw.permutation(len(WORDS))[: WRONG + 1]]
        found.append(Question("ab"[i % 2], f"{i} {starts[i % len(starts)]}", words[0], tuple(words[1:])))
    return found


def by_hand(lm: Any, question: Question) -> bool:
    true, *wrong = score_answers(lm, [(question.prompt, one) for one in (question.answer, *question.wrong)]).mean
    return bool(true > max(wrong))


def test_questions_about_countries_are_many_and_in_themselves_sound() -> None:
    questions = country_questions()
    assert len(questions) >= 2000
    assert country_questions() == questions
    others = country_questions(seed=1)
    assert {one.prompt for one in others} == {one.prompt for one in questions}
    assert [one.prompt for one in others] != [one.prompt for one in questions]
    assert len({one.prompt for one in questions}) == len(questions)
    answers: dict[str, set[str]] = {}
    for one in questions:
        answers.setdefault(one.kind, set()).add(one.answer)
    for one in questions:
        assert len(set(one.wrong)) == WRONG
        assert one.answer not in one.wrong
        assert set(one.wrong) <= answers[one.kind]
        assert all(answer.startswith(" ") and answer.strip() for answer in (one.answer, *one.wrong))
        assert one.answer.strip().lower() not in one.prompt.lower()
    known = {one.prompt: one for one in questions}
    assert known["The capital of France is"].answer == " Paris"
    assert known["Canberra is the capital city of"].answer == " Australia"
    assert known["Brazil is a country on the continent of"].answer == " South America"
    assert known["The currency of Japan is called the"].answer == " yen"
    assert known["Web addresses of sites in the United Kingdom end in"].answer == " .uk"


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "countryinfo", None)
    with pytest.raises(MissingPackageError, match=r"countryinfo.*interp-widgets\[evaluate\]"):
        country_questions()


def test_the_suite_is_what_the_model_gets_right_and_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    lm, questions = make_lm("llama"), some_questions()
    right = [one for one in questions if by_hand(lm, one)]
    assert 0 < len(right) < len(questions)
    lm.ledger.add(make_edit(lm))  # a suite is of the model without interventions
    found = preservation_suite(lm, questions=questions)
    assert list(found.questions) == right
    assert found.tried == {"a": 12, "b": 12}
    assert sum(found.right.values()) == len(right)
    assert f"{len(right)} that the model gets right of 24" in repr(found)
    few = preservation_suite(lm, questions=questions, size=2)
    assert (list(few.questions), few.right) == (right[:2], found.right)
    monkeypatch.setattr(preservation, "score_answers", None)  # from here on it is read from the cache
    assert preservation_suite(lm, questions=questions) == found


def test_what_guessing_would_give() -> None:
    all_known = PreservationSuite("", (), {"a": 10}, {"a": 10}, 0)
    assert all_known.lucky == 0
    guessed = PreservationSuite("", (), {"a": 100}, {"a": 20}, 0)
    assert guessed.lucky == pytest.approx(1)
    half = PreservationSuite("", (), {"a": 100}, {"a": 60}, 0)  # knows 50, guesses 10 of the other 50
    assert half.lucky == pytest.approx(10 / 60)
    assert pytest.approx(0.2) == CHANCE


def test_what_is_kept_is_counted() -> None:
    lm, questions = make_lm("llama"), some_questions()
    suite = preservation_suite(lm, questions=questions)
    edit = make_edit(lm)
    with lm.using(edit):
        kept = [by_hand(lm, one) for one in suite.questions]
    assert not all(kept)
    found = preserved(lm, edit, suite)
    assert found.kept.tolist() == kept
    assert found.share == wilson(sum(kept), len(kept))
    assert len(found.lost) == len(kept) - sum(kept)
    assert {prompt for prompt, *_ in found.lost} == {
        one.prompt for one, is_kept in zip(suite.questions, kept, strict=True) if not is_kept
    }
    assert sum(good for good, _ in found.by_kind().values()) == sum(kept)
    lm.ledger.add(edit)
    assert preserved(lm, edit, suite).kept.tolist() == kept
    assert preserved(lm, None, suite).kept.tolist() == kept
    edit.undo()
    assert preserved(lm, None, suite).share[0] == 1
    told = preserved(lm, iw.editing.InContext(edit.facts), suite)
    assert told.edit == "in context, Australia: ·Canberra"
    assert not np.allclose(told.answer, preserved(lm, None, suite).answer)


def test_shares_have_the_intervals_of_the_formula() -> None:
    share, low, high = wilson(998, 1000)
    assert (share, round(low, 4), round(high, 4)) == (0.998, 0.9927, 0.9995)
    assert wilson(0, 10)[:2] == (0.0, 0.0)
    assert wilson(10, 10)[::2] == (1.0, 1.0)
    assert math.isclose(wilson(5, 10)[1] + wilson(5, 10)[2], 1)


def result(lm: Any) -> Preservation:
    return preserved(lm, make_edit(lm), preservation_suite(lm, questions=some_questions()))


def test_the_word_follows_from_what_was_lost() -> None:
    found = result(make_lm("llama"))
    for lost, word in ((0, "trust"), (1, "caution"), (5, "do not trust")):
        row = np.concatenate([np.full(lost, -9.0), np.zeros(20 - lost)])
        many = Preservation(**{**vars(found), "kinds": ("a",) * 20, "prompts": ("p",) * 20, "answers": (" x",) * 20,
                               "instead": (" y",) * 20, "answer": row, "best_wrong": np.full(20, -1.0)})  # fmt: skip
        assert judge(many).word == word


def test_shown_saved_and_loaded(tmp_path: Path) -> None:
    found = result(make_lm("llama"))
    again = iw.load_result(found.save(tmp_path / "kept.safetensors"))
    assert isinstance(again, Preservation)
    assert (again.share, again.lost, again.verdict) == (found.share, found.lost, found.verdict)
    assert found.to_frame()["kept"].sum() == found.kept.sum()
    bundle = found._repr_mimebundle_()
    for text in (bundle["text/html"], bundle["text/plain"], found.to_html(tmp_path / "page.html")):
        assert f"{100 * found.share[0]:.1f} %" in text
        assert found.lost[0][0] in text
    assert len(found.plot().axes) == 1


def test_bad_input_is_told() -> None:
    lm, questions = make_lm("llama"), some_questions()
    suite = preservation_suite(lm, questions=questions)
    with pytest.raises(ArgumentError, match="size=0"):
        preservation_suite(lm, size=0)
    with pytest.raises(ArgumentError, match="questions is empty"):
        preservation_suite(lm, questions=[])
    with pytest.raises(ArgumentError, match="has 1 wrong answers; give 4"):
        preservation_suite(lm, questions=[Question("a", "The", " city", (" room",))])
    with pytest.raises(ArgumentError, match="gets none of the questions right"):
        preserved(lm, None, PreservationSuite(lm.fingerprint, (), {"a": 1}, {"a": 0}, 0))
    with pytest.raises(FingerprintMismatchError, match="Make one for it"):
        preserved(make_lm("llama", seed=1), None, suite)
    lm.seconds_per_token = 1000.0
    with pytest.raises(TooCostlyError, match="fewer questions"):
        preservation_suite(lm, questions=some_questions(30))
    with pytest.raises(TooCostlyError, match="smaller suite"):
        preserved(lm, None, suite)
    assert iw.estimate(preservation_suite, lm, questions=questions).seconds > 300
    assert estimate_preservation_suite(lm, questions=questions).forward_passes == 48
