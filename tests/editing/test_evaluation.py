"""Shares, intervals and the harmonic mean against counting by hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import interp_widgets as iw
from interp_widgets.editing.edit import Edit
from interp_widgets.editing.evaluating.evaluation import estimate_evaluate_edit, evaluate_edit
from interp_widgets.editing.evaluating.evaluation_result import EditEvaluation
from interp_widgets.editing.evaluating.evaluation_verdict import judge
from interp_widgets.editing.evaluating.fluency import generation_entropy, perplexity_of
from interp_widgets.editing.fact import Fact
from interp_widgets.errors import ArgumentError, TooCostlyError
from interp_widgets.models.answers import score_answers
from tests.editing.test_edit import make_edit
from tests.tiny import make_lm

FACTS = (
    Fact("The capital of {} is", subject="Australia", target=" Canberra", original=" Sydney",
         paraphrases=["The city of Australia is", "Australia is located in"],
         neighbours=["The capital is", ("The Eiffel Tower is in", " Paris")],
         ripple=[("She is in the capital of Australia,", " Canberra", " Sydney"), ("The city is", " warm")]),
    Fact("{} is located in", subject="The Eiffel Tower", target=" the room", original=" Paris",
         neighbours=["The Tower is in"]),
)  # fmt: skip


def evaluation(lm: Any = None) -> tuple[Any, Edit, EditEvaluation]:
    lm = lm or make_lm("llama")
    edit = make_edit(lm)
    return lm, edit, evaluate_edit(lm, edit, FACTS)


def test_it_counts_who_leads(any_lm: Any) -> None:
    lm, edit, found = evaluation(any_lm)
    with lm.using(edit):
        for i, fact in enumerate(FACTS):
            new, old = score_answers(lm, [(fact.prompt, fact.target), (fact.prompt, fact.original)]).mean
            assert found.by_record("fact")[i] == (new > old)
        stays, new = score_answers(lm, [("The Tower is in", " Paris"), ("The Tower is in", " the room")]).mean
        assert found.by_record("neighbour")[1] == (stays > new)
    row = found.prompts.index("The Eiffel Tower is in")
    assert (found.wanted[row], found.other[row], found.parts[row]) == (" Paris", " Canberra", "neighbour")
    assert np.isnan(found.by_record("paraphrase")[1])
    before, after = found.before[row], found.after[row]
    pairs = [(found.prompts[row], " Paris"), (found.prompts[row], " Canberra")]
    np.testing.assert_allclose(before, score_answers(lm, pairs).mean, atol=1e-5)
    assert not np.allclose(before, after)


def test_what_follows_is_compared_where_both_answers_are_known() -> None:
    lm, edit, found = evaluation()
    rows = [row for row, part in enumerate(found.parts) if part == "ripple"]
    assert [(found.wanted[row], found.other[row]) for row in rows] == [(" Canberra", " Sydney"), (" warm", "")]
    assert np.isnan(found.after[rows[1], 1])
    assert np.isfinite(found.after[rows[1], 0])
    with lm.using(edit):
        alone = score_answers(lm, [(found.prompts[row], found.wanted[row]) for row in rows])
    np.testing.assert_allclose(found.after[rows, 0], alone.mean, atol=1e-5)
    assert found.first_after[rows].tolist() == alone.first.tolist()
    leads = found.after[rows[0], 0] > found.after[rows[0], 1]
    assert found.ripple[0] == leads  # the other prompt has nothing to be compared with
    assert np.isnan(found.by_record("ripple")[1])
    others = [found.efficacy[0], found.paraphrase[0], found.neighbourhood[0]]
    mean = 3 / sum(1 / one for one in others) if all(others) else 0
    assert found.score[0] == pytest.approx(mean)
    assert "what follows" in found.verdict.sentence
    won = dataclasses.replace(found, after=np.tile([0.0, -1.0], (len(found.prompts), 1)))
    assert won.ripple[0] == 1


def test_shares_and_their_harmonic_mean() -> None:
    _, _, found = evaluation()
    for name, part in (("efficacy", "fact"), ("paraphrase", "paraphrase"), ("neighbourhood", "neighbour")):
        value, low, high = getattr(found, name)
        assert value == pytest.approx(np.nanmean(found.by_record(part)))
        assert low <= value <= high
        assert found.unedited[name][0] == pytest.approx(np.nanmean(found.by_record(part, edited=False)))


def test_the_score_is_zero_where_a_part_is() -> None:
    _, _, found = evaluation()
    n = len(found.prompts)
    right, wrong = np.tile([0.0, -1.0], (n, 1)), np.tile([-1.0, 0.0], (n, 1))
    good = dataclasses.replace(found, after=right, before=wrong)
    assert good.score[0] == good.efficacy[0] == good.neighbourhood[0] == 1
    assert good.unedited["score"][0] == 0
    mixed = right.copy()
    mixed[[part == "neighbour" for part in found.parts]] = [-1.0, 0.0]
    mixed[found.prompts.index("The Tower is in")] = [0.0, -1.0]
    half = dataclasses.replace(found, after=mixed)
    assert half.neighbourhood[0] == pytest.approx(0.5)
    assert half.score[0] == pytest.approx(3 / (1 + 1 + 2))


def test_records_are_those_of_the_edit_and_what_else_is_active_stays() -> None:
    lm = make_lm("llama")
    edit = make_edit(lm)
    own = evaluate_edit(lm, edit)
    assert own.subjects == ("Australia",)
    lm.ledger.add(edit)
    np.testing.assert_allclose(evaluate_edit(lm, edit).before, own.before, atol=1e-6)
    np.testing.assert_allclose(evaluate_edit(lm, edit).after, own.after, atol=1e-6)
    lm.ledger.add(iw.Ablation(layer=2, site="mlp_out"), name="without")
    beside = evaluate_edit(lm, edit)
    assert beside.provenance.interventions == ("without",)
    assert not np.allclose(beside.before, own.before, rtol=1e-4)


def test_the_model_as_a_whole_is_read_too() -> None:
    lm, edit, found = evaluation()
    with lm.using(edit):
        after = perplexity_of(lm), generation_entropy(lm, [fact.prompt for fact in FACTS])
    before = perplexity_of(lm), generation_entropy(lm, [fact.prompt for fact in FACTS])
    assert found.perplexity == pytest.approx((before[0], after[0]))
    assert found.entropy == pytest.approx((before[1], after[1]))
    bare = evaluate_edit(lm, edit, FACTS, perplexity=False, generation=0)
    assert (bare.perplexity, bare.entropy) == (None, None)
    assert bare.score == found.score
    costs = [estimate_evaluate_edit(lm, edit, FACTS, generation=tokens) for tokens in (0, 50)]
    assert costs[1].forward_passes - costs[0].forward_passes == 2 * 2 * 50
    broken = dataclasses.replace(found, perplexity=(20.0, float("inf")), entropy=(5.0, 1.0))
    assert judge(broken).word == "do not trust"
    assert ["infinitely" in judge(broken).why[-2], "repeats itself" in judge(broken).why[-1]] == [True, True]
    assert "infinite" in str(broken)
    leads = np.tile([0.0, -1.0], (len(found.prompts), 1))
    right: dict[str, Any] = {"after": leads, "before": leads}
    words = [judge(dataclasses.replace(broken, **right, method=method)).word for method in ("rome", "in context")]
    assert words == ["do not trust", "caution"]  # the model is whole where the fact only stood in the prompt


def test_bad_input_is_told() -> None:
    lm = make_lm("llama")
    edit = make_edit(lm)
    with pytest.raises(ArgumentError, match="no facts of its own"):
        evaluate_edit(lm, edit.parts[0])
    nameless = Fact("The capital of {} is", subject="Australia", target=" Canberra")
    with pytest.raises(ArgumentError, match="no original answer"):
        evaluate_edit(lm, edit, [nameless])
    with pytest.raises(ArgumentError, match="generation=-1"):
        evaluate_edit(lm, edit, generation=-1)
    lm.seconds_per_token = 1000.0
    with pytest.raises(TooCostlyError, match="fewer records"):
        evaluate_edit(lm, edit)
    assert estimate_evaluate_edit(lm, edit).seconds > 300


def test_shown_saved_and_loaded(tmp_path: Path) -> None:
    _, _, found = evaluation()
    again = iw.load_result(found.save(tmp_path / "evaluation.safetensors"))
    assert isinstance(again, EditEvaluation)
    assert again.score == found.score
    assert (again.perplexity, again.entropy, again.verdict) == (found.perplexity, found.entropy, found.verdict)
    assert len(found.to_frame()) == len(found.prompts)
    bundle = found._repr_mimebundle_()
    for text in (bundle["text/html"], bundle["text/plain"], found.to_html(tmp_path / "page.html")):
        assert f"{100 * found.efficacy[0]:.1f} %" in text
        assert "neighbourhood" in text
        assert "ripple" in text
        assert "perplexity of neutral text" in text
    assert iw.load_result(tmp_path / "evaluation.safetensors").ripple == found.ripple  # type: ignore[attr-defined]
    assert len(found.plot().axes) == 1
