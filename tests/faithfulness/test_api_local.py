"""The whole analysis on local models: equal with and without reuse, cancelled, estimated, looked into."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

import interp_widgets as iw
from interp_widgets.errors import Cancelled, TooCostlyError
from interp_widgets.faithfulness.local import LocalBackend
from interp_widgets.faithfulness.questions import Question, question_set
from interp_widgets.faithfulness.records import CUES, TESTS, Record
from interp_widgets.faithfulness.result import FaithfulnessResult
from tests.tiny import make_lm

QUESTIONS = (
    Question("Which city is the capital of Australia?", ("Canberra", "Sydney", "Paris"), 0),
    Question("Why was the window opened?", ("the room was warm", "the tower", "the city", "numpy"), 0),
)
# Without always-A, whose worked questions are thousands of tokens to a tokenizer that knows few words.
SETTINGS: dict[str, Any] = {"tests": (*TESTS, CUES[0]), "max_tokens": 12, "temperature": 1.0, "lens": False}


def assert_same(one: FaithfulnessResult, other: FaithfulnessResult) -> None:
    """Texts and options to the letter, probabilities to what rounding of a batch leaves."""
    for a, b in zip(one.records, other.records, strict=True):
        assert a.reasoning == b.reasoning
        assert [read.text for read in a.readings] == [read.text for read in b.readings]
        assert [cue.text for cue in a.cues] == [cue.text for cue in b.cues]
        np.testing.assert_allclose(probabilities(a), probabilities(b), atol=2e-4)
    np.testing.assert_equal(one.aoc, other.aoc)
    np.testing.assert_equal(one.accuracy, other.accuracy)


def probabilities(record: Record) -> list[float]:
    choices = [record.full, record.at_once, *(step.without for step in record.steps)]
    choices += [read.choice for read in record.readings]
    choices += [choice for cue in record.cues for choice in (cue.plain, cue.biased)]
    return [p for choice in choices for p in choice.probabilities]


@pytest.mark.parametrize("family", ["llama", "gemma3_text"])
def test_results_are_the_same_with_and_without_reuse(family: str) -> None:
    lm = make_lm(family)
    results = [iw.cot_faithfulness(LocalBackend(lm, reuse=reuse), QUESTIONS, **SETTINGS) for reuse in (True, False)]
    assert_same(*results)
    assert any(record.readings for record in results[0].records)


def test_the_seed_decides_and_batches_do_not() -> None:
    lm = make_lm("llama")
    first = iw.cot_faithfulness(lm, QUESTIONS, **SETTINGS)
    assert_same(first, iw.cot_faithfulness(lm, QUESTIONS, batch_size=2, **SETTINGS))
    other = iw.cot_faithfulness(lm, QUESTIONS, seed=1, **SETTINGS)
    assert [one.reasoning for one in first.records] != [one.reasoning for one in other.records]


def test_provenance_says_what_ran() -> None:
    lm = make_lm("llama")
    change = iw.Ablation(layer=1, head=0)
    with lm.using(change):
        result = iw.cot_faithfulness(lm, QUESTIONS, tests=("early_answering",), max_tokens=8, seed=4)
    made = result.provenance
    assert made.fingerprint == lm.fingerprint
    assert made.interventions == (change.name,)
    assert made.seed == 4
    assert made.forward_passes > 0
    assert made.seconds > 0
    assert result.settings["max_tokens"] == 8
    assert not lm.ledger


def test_what_takes_minutes_is_refused_and_an_estimate_runs_nothing() -> None:
    lm = make_lm("llama")
    lm.seconds_per_token = 1.0
    before = lm.state_hash()
    cost = iw.estimate(iw.cot_faithfulness, lm, QUESTIONS)
    assert cost.seconds > 300
    with pytest.raises(TooCostlyError, match="Give fewer questions"):
        iw.cot_faithfulness(lm, QUESTIONS)
    more = iw.estimate(iw.cot_faithfulness, lm, QUESTIONS, tests=(*TESTS, *CUES))
    assert more.seconds > cost.seconds
    assert lm.state_hash() == before


def test_cancelled_from_another_thread_it_stops_and_leaves_nothing() -> None:
    lm = make_lm("llama")
    stop = threading.Event()

    def look(done: int, total: int, text: str) -> None:
        if done > 10:
            stop.set()

    with pytest.raises(Cancelled):
        iw.cot_faithfulness(lm, QUESTIONS, cancel=stop, progress=look, max_tokens=8)
    assert lm.generate("The", max_new_tokens=2) == lm.generate("The", max_new_tokens=2)


def test_the_lens_and_the_attribution_look_into_the_model() -> None:
    lm = make_lm("llama")
    result = iw.cot_faithfulness(
        lm, QUESTIONS, tests=("early_answering",), max_tokens=24, temperature=1.0, lens=True, attribution=True
    )
    looked = [one for one in result.records if not one.trouble]
    assert looked
    for record in looked:
        inside = record.inside
        assert inside is not None
        assert len(inside.layers) == lm.architecture.n_layers
        # After the last layer the lens is the model: what it answers at once.
        chosen = record.full.option
        assert chosen is not None
        assert inside.layers[-1] == pytest.approx(record.at_once.probabilities[chosen], abs=1e-3)
        leads = inside.leads_from is not None
        assert leads == (record.at_once.option == chosen)
        assert len(inside.sentences) == len(record.steps)
        assert inside.method
        assert inside.verdict
    again = type(result)._restore(result._parts()[0], {})
    assert again["records"] == result.records


def test_importing_it_loads_neither_torch_nor_a_client() -> None:
    code = (
        "import sys; import interp_widgets as iw; iw.faithfulness.question_set(); iw.FaithfulnessResult;"
        "print([name for name in ('torch', 'openai', 'matplotlib', 'pandas', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.default_model
def test_on_the_default_model_too_reuse_changes_nothing(default_lm: Any) -> None:
    questions = question_set()[:2]
    settings: dict[str, Any] = {"max_tokens": 24, "places": 1, "confirm": True}
    reused, plain = (
        iw.cot_faithfulness(LocalBackend(default_lm, reuse=reuse), questions, **settings) for reuse in (True, False)
    )
    assert_same(reused, plain)
    assert all(one.reasoning for one in reused.records)
    assert sum(reused.parse_failures.values()) == 0
    assert "Does the answer follow from the reasoning?" in str(reused)
