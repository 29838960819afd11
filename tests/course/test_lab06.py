"""What lab 06 measures, on a model small enough to know the answer; its facts; its curves, of a file made by hand."""

from __future__ import annotations

import dataclasses
import importlib.resources
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from interp_widgets.course.checking import examine
from interp_widgets.course.lab06 import behaviour, closed_forms, curves, editors, null_space, own, reading, results
from interp_widgets.course.lab06.facts import facts, relations, with_ripple
from interp_widgets.course.tiny_model import tiny_lm
from interp_widgets.editing.editors.updates import NullSpace, alphaedit_update, memit_update
from interp_widgets.editing.fact import Fact
from interp_widgets.editing.keys_values.contexts import rows_of
from interp_widgets.interventions.low_rank import LowRank


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


# The facts


def test_each_subject_is_edited_once_and_neighbours_are_never_edited() -> None:
    found = facts()
    assert len(found) == 200
    subjects = {fact.subject for fact in found}
    assert len(subjects) == len(found)
    kept = {row[0] for relation in relations().values() for row in relation.rows[relation.edited :]}
    assert not kept & {name for one in subjects for name in (one, f"the {one}")}
    for fact in found:
        assert len(fact.paraphrases) == 2
        assert len(fact.neighbour_answers()) == 3
        assert all(fact.subject in prompt for prompt in fact.paraphrases)
        for prompt, answer in fact.neighbour_answers():
            assert any(name in prompt for name in kept)
            assert answer not in (fact.target, fact.original)


def test_facts_are_mixed_and_their_answers_are_of_one_kind() -> None:
    kinds = [fact.template[:9] for fact in facts()[:20]]
    assert len(set(kinds)) == len(relations())
    for fact in facts():
        answers = {
            answer for one in relations().values() if one.template[:9] == fact.template[:9] for _, answer in one.rows
        }
        assert {fact.target, fact.original} <= answers


def test_what_follows_is_known_for_capitals() -> None:
    found = with_ripple(facts()[:20])
    assert len(found) == 20
    for fact in found:
        assert bool(fact.ripple_answers()) == fact.template.startswith("The capital"), fact.subject


# Closed forms, against the package's


def test_references_are_the_package_s_closed_forms(rng: np.random.Generator) -> None:
    missing, keys, moment, weight = closed_forms._many(3, 20.0)(rng)
    given: Any = SimpleNamespace(solve=lambda k, ridge: np.linalg.solve(moment.numpy(), k))
    update = memit_update(missing.numpy().T, keys.numpy().T, given, weight=weight)
    np.testing.assert_allclose(closed_forms._memit(missing, keys, moment, weight), update.dense(), atol=1e-8)
    missing, keys, earlier, onto, penalty = null_space._protected(2, 3, 0.5)(rng)
    values, vectors = np.linalg.eigh(onto.numpy())
    space = NullSpace(vectors[:, values > 0.5], 0.0)
    update = alphaedit_update(missing.numpy().T, keys.numpy().T, space, earlier=earlier.numpy().T, penalty=penalty)
    expected = null_space._in_basis(missing.numpy(), keys.numpy(), earlier.numpy(), onto.numpy(), penalty)
    np.testing.assert_allclose(update.dense(), expected, atol=1e-8)


@pytest.mark.parametrize(("marks", "due"), [("xxx.", 5), ("xxxx", 10), (".xxx", 0), ("x.xx", 1)])
def test_how_long_it_holds(marks: str, due: int) -> None:
    scores = [80.0 if mark == "x" else 60.0 for mark in marks]
    assert reading.held_until([1, 2, 5, 10], scores, [30.0] * 4, 70.0, 30.0, 1.1) == due
    read = [30.0 if mark == "x" else 34.0 for mark in marks]
    assert reading.held_until([1, 2, 5, 10], [80.0] * 4, read, 70.0, 30.0, 1.1) == due


def test_an_input_that_is_changed_is_told() -> None:
    def place(keys: Any, radii: Any, answers: Any, key: Any, answer: Any, radius: float) -> Any:
        answers.append(answer)
        return keys, radii, answers

    from interp_widgets.course.lab06.codebook import PLACE

    assert "changed its input" in examine(PLACE, place, seed=0).text()


# On a model


TINY = (
    Fact("the capital of {} is", subject="city", target=" red", original=" blue", neighbours=(("a dog is", " blue"),)),
    Fact("the {} was in", subject="river", target=" house", original=" city", paraphrases=("a river was in",)),
    Fact("a {} likes the", subject="cat", target=" dog", original=" river", ripple=(("two cat sees", " one", " two"),)),
    Fact("one {} sees the", subject="dog", target=" cat", original=" house"),
)


@pytest.fixture
def wanted(rng: np.random.Generator) -> results.Wanted:
    lm = tiny_lm()
    texts = [rows_of(lm, i, fact, ("",)) for i, fact in enumerate(TINY)]
    plain = results.Wanted(lm, TINY, texts, (0, 1), torch.zeros(4, 16), np.ones(4), {})
    size = lm.architecture.mlp_width
    for layer in (0, 1):
        plain._moments[layer] = torch.as_tensor(closed_forms.moment_of(rng, 80, size)) * 1e-4
    ends = plain.read({}, 1)[1]
    states = ends + 0.05 * torch.as_tensor(rng.normal(size=ends.shape))
    return dataclasses.replace(plain, states=states)


def test_a_spread_reaches_what_is_wanted(wanted: results.Wanted) -> None:
    """With next to no weight on the rest all that is missing is made up for, but for what attention moves."""
    changes = wanted.changes(results.memit_form(1e-6))
    before, after = (wanted.read(one, 1)[1] for one in ({}, changes))
    assert (after - wanted.states).norm() < 0.2 * (before - wanted.states).norm()
    assert set(changes) == {0, 1}


def test_the_exercise_s_way_is_the_lab_s(wanted: results.Wanted) -> None:
    def spread(states: Any, layers: list[int], read: Any, solve: Any) -> dict[int, Any]:
        found: dict[int, Any] = {}
        for turn, layer in enumerate(layers):
            keys, ends = read(found, layer)
            found[layer] = solve((states - ends) / (len(layers) - turn), keys, layer)
        return found

    def memit(missing: Any, keys: Any, moment: Any, weight: float) -> Any:
        return closed_forms._memit(missing, keys, moment, weight)

    mine = own.by_hand(wanted, memit, spread)
    assert "are yours" in mine.told
    for layer, change in wanted.changes(results.memit_form(results.WEIGHT)).items():
        np.testing.assert_allclose(mine.changes[layer], change, rtol=0, atol=1e-8)


def test_what_is_not_written_is_borrowed(wanted: results.Wanted) -> None:
    def memit(*given: Any) -> Any:
        raise NotImplementedError

    def spread(*given: Any) -> Any:
        raise NotImplementedError

    mine = own.by_hand(wanted, memit, spread)
    assert mine.told == "spread is not written yet; the package's is used"
    for layer, change in wanted.changes(results.memit_form(results.WEIGHT)).items():
        assert torch.equal(mine.changes[layer], change)


def test_subjects_exchanged_get_each_other_s_states(wanted: results.Wanted) -> None:
    changed = wanted.exchanged(results.memit_form(1e-6))
    after = wanted.read(changed, 1)[1]
    nearest = torch.cdist(after, wanted.states).argmin(1)
    assert nearest.tolist() == [3, 0, 1, 2]


def test_earlier_keys_are_kept(wanted: results.Wanted) -> None:
    """A form that protects them moves the first half less than one that does not."""
    everything = lambda moment, threshold: torch.eye(len(moment), dtype=torch.float64)  # noqa: E731  # one line of two
    monkey = pytest.MonkeyPatch()
    monkey.setattr(own, "PENALTY", 1e-6)
    try:
        found = own.two_halves(wanted, everything, own._protected)
    finally:
        monkey.undo()
    _, kept, forgotten = found.moved
    assert kept < 0.5 * forgotten
    assert found.told == ""
    size = tiny_lm().architecture.mlp_width
    assert found.free == (size, size)
    assert len(found.table().splitlines()) == 5


def test_changes_are_judged_by_leads(wanted: results.Wanted) -> None:
    lm = tiny_lm()
    push = LowRank(np.ones((16, 1)), np.ones((1, lm.architecture.mlp_width)), layer=1)
    found = results.judge(lm, TINY, {"push": [push]}, told=["told"])
    assert found.names == ("unedited", "push", "told")
    leads, chosen = [], []
    for fact in TINY:
        with torch.no_grad(), lm.using(push):
            row = lm.next_logits(torch.as_tensor(lm.encode(fact.prompt).ids)[None])[0]
        new, old = (lm.tokenizer.convert_tokens_to_ids(one.strip()) for one in (fact.target, fact.original))
        leads.append(float(row[new] - row[old]))
        chosen.append(int(row.argmax()) == new)
    assert found.row("push")["first"] == 100 * np.mean(chosen)
    assert found.row("push")["efficacy"] == 100 * np.mean(np.asarray(leads) > 0)
    weight = lm.architecture.down_projection(1).weight
    assert found.row("push")["size"] == pytest.approx(
        100 * (16 * lm.architecture.mlp_width) ** 0.5 / float(weight.detach().norm())  # type: ignore[operator]  # a tensor
    )
    assert found.row("unedited")["size"] == found.row("told")["size"] == 0
    assert found.row("unedited")["perplexity"] == found.row("told")["perplexity"]
    assert len(found.table().splitlines()) == 4
    assert len(results.depth_table([found]).splitlines()) == 4


@pytest.mark.parametrize(("shares", "due"), [((100, 50, 50), 60.0), ((80, 0, 90), 0.0)])
def test_the_harmonic_mean(shares: tuple[float, ...], due: float) -> None:
    assert results.harmonic(shares) == pytest.approx(due)


def test_a_codebook_s_cost_is_counted() -> None:
    row = editors.looked_up(tiny_lm(), [0, 100]).splitlines()[-1].split()
    assert row[:2] == ["100", f"{100 * tiny_lm().architecture.mlp_width:,}"]


def test_requests_have_answers_in_two_languages() -> None:
    found = behaviour.requests(behaviour.ASKED)
    assert len(found) == 2 * behaviour.EDITED
    assert len({fact.subject for fact in found}) == len(found)
    assert all(behaviour.ASKED in fact.prompt for fact in found)


# Curves


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A file with one method that fails at 50 edits, and one that never does."""
    edits = [1, 10, 50]
    columns = {
        "edits": edits,
        "efficacy": [100.0, 90, 40],
        "paraphrase": [90.0, 80, 30],
        "neighbourhood": [80.0, 80, 50],
    }
    falling = {
        **columns,
        "S": [39.0, 83, 38],
        "perplexity": [30.0, 31, 90],
        "entropy": [5.0, 5, 2],
        "seconds": [2.0, 20, 300],
    }
    steady = {**falling, "S": [85.0, 85, 85], "perplexity": [30.0] * 3, "seconds": [2.0, 20, 100]}
    path = tmp_path / "curves.json"
    path.write_text(json.dumps({"model": "m", "curves": {"rome": falling, "grace": steady}}), "utf-8")
    curves.saved.cache_clear()
    monkeypatch.setattr(importlib.resources, "files", lambda package: tmp_path)
    yield
    curves.saved.cache_clear()


def test_what_curves_say(made_up: None) -> None:
    told = curves.holding(reading.held_until, 30.0).splitlines()
    assert told[0].split()[:5] == ["rome", "holds", "for", "10", "edits;"]  # the first point is of too few to count
    assert "perplexity 3.00 times" in told[0]
    assert "holds for all 50 edits that were measured" in told[1]


def test_a_function_that_is_not_written_is_borrowed(made_up: None) -> None:
    def holds_until(*given: Any) -> int:
        raise NotImplementedError

    *told, last = curves.holding(holds_until, 30.0).splitlines()
    assert told == curves.holding(reading.held_until, 30.0).splitlines()
    assert last == "holds_until is not written yet; the package's is used"


def test_few_edits_say_nothing(made_up: None) -> None:
    few = dataclasses.replace(curves.saved()["rome"], edits=(1, 2, 5))
    assert few.held(30.0) is None


def test_the_table_of_editors(made_up: None) -> None:
    rows = {line.split()[0]: line for line in curves.comparison(30.0).splitlines()[1:]}
    assert set(rows) == set(curves.COMPONENTS)
    assert "not measured" in rows["mend"]
    assert "50 or more" in rows["grace"]


def test_the_picture_has_a_line_for_each_method(made_up: None) -> None:
    score, read = curves.plot().axes
    assert [line.get_label() for line in score.get_lines()] == ["rome", "grace"]
    np.testing.assert_array_equal(score.get_lines()[0].get_ydata(), [39, 83, 38])
    np.testing.assert_array_equal(read.get_lines()[1].get_ydata(), [30] * 3)


def test_the_committed_file_is_whole() -> None:
    for curve in curves.saved().values():
        assert list(curve.edits) == sorted(set(curve.edits))
        for name in ("efficacy", "paraphrase", "neighbourhood", "score", "perplexity", "seconds"):
            assert len(getattr(curve, name)) == len(curve.edits)
        means = [
            results.harmonic(row) for row in zip(curve.efficacy, curve.paraphrase, curve.neighbourhood, strict=True)
        ]
        np.testing.assert_allclose(curve.score, means, atol=0.01)
