"""The local backend: the same with and without reuse, the model's own probabilities, one row beside many."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.faithfulness.asking import Ask, Backend
from interp_widgets.faithfulness.local import LocalBackend
from interp_widgets.faithfulness.prompts import ask as ask_of
from interp_widgets.faithfulness.prompts import at_once, conclusion, reasoning
from interp_widgets.faithfulness.questions import Question
from tests.tiny import make_lm

QUESTIONS = [
    Question("Which city is the capital of Australia?", ("Canberra", "Sydney", "Paris"), 0),
    Question("What was opened?", ("the window", "the tower"), 0),
]
STEPS = (" The capital is not Sydney.", " Paris is located in France.", " So it is Canberra.")
TEMPLATE = (
    "{% for m in messages %}<s>{{ m['role'] }}\n{{ m['content'] }}{% if not loop.last or add_generation_prompt %}</s>\n"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}<s>assistant\n{% endif %}"
)


def asks() -> tuple[list[Ask], list[Question]]:
    """Cuts of one reasoning, a changed one, and the question at once, of both questions."""
    found = []
    for number, question in enumerate(QUESTIONS):
        texts = ["".join(STEPS[:i]) for i in range(len(STEPS) + 1)] + [STEPS[0] + " But Paris is." + STEPS[2]]
        found += [(ask_of(conclusion(question, text), number, i), question) for i, text in enumerate(texts)]
        found.append((ask_of(at_once(question), number, "at once"), question))
    return [one for one, _ in found], [question for _, question in found]


def nothing(rows: int) -> None:
    """Progress that nobody looks at."""


def with_chat(lm: Any) -> Any:
    lm.tokenizer.chat_template = TEMPLATE
    return lm


@pytest.mark.parametrize("chat", [False, True])
def test_choices_are_the_same_with_and_without_reuse(any_lm: Any, chat: bool) -> None:
    lm = with_chat(any_lm) if chat else any_lm
    asked, questions = asks()
    found = []
    for reuse in (True, False):
        backend = LocalBackend(lm, reuse=reuse)
        assert isinstance(backend, Backend)
        with backend.opened(None):
            found.append((backend.choose(asked, questions, seed=0, advance=nothing), backend.read))
    (reused, less), (plain, more) = found
    for a, b in zip(reused, plain, strict=True):
        np.testing.assert_allclose(a.probabilities, b.probabilities, atol=1e-5)
        assert a.option == b.option
    assert less < 0.6 * more


def test_a_choice_is_what_the_model_gives_to_the_letters() -> None:
    lm = make_lm("llama")
    asked, questions = asks()
    backend = LocalBackend(lm)
    with backend.opened(None):
        choices = backend.choose(asked, questions, seed=0, advance=nothing)
    for ask, question, choice in zip(asked, questions, choices, strict=True):
        text = "\n\n".join(("Human: " if role == "user" else "Assistant: ") + said for role, said in ask.messages)
        prompt = f"{text}\n\nAssistant: The single, most likely answer is ("
        p = lm.next_logits(torch.as_tensor(lm.encode(prompt).ids)[None])[0].double().softmax(-1)
        own = [float(p[lm.tokenizer.convert_tokens_to_ids(letter)]) for letter in question.letters]
        assert choice.mass == pytest.approx(sum(own), rel=1e-4)
        np.testing.assert_allclose(choice.probabilities, np.array(own) / sum(own), rtol=1e-4)
        assert choice.unparsed == 0
        assert choice.samples == 0


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_texts_are_the_same_with_and_without_reuse_and_beside_others(any_lm: Any, temperature: float) -> None:
    texts = {}
    asked = [
        ask_of(reasoning(question, "".join(STEPS[:i])), number, i)
        for number, question in enumerate(QUESTIONS)
        for i in range(3)
    ]
    settings: dict[str, Any] = {"max_new_tokens": 6, "temperature": temperature, "seed": 3, "advance": nothing}
    for reuse in (True, False):
        backend = LocalBackend(any_lm, reuse=reuse)
        with backend.opened(None):
            texts[reuse] = backend.write(asked, **settings)
    assert texts[True] == texts[False]
    alone = LocalBackend(any_lm)
    with alone.opened(None):
        assert [alone.write([one], **settings)[0] for one in asked] == texts[True]


def test_a_transcript_ends_where_the_other_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("llama")
    backend = LocalBackend(lm)
    monkeypatch.setattr(
        "interp_widgets.faithfulness.local.generate_batch",
        lambda lm, rows, **settings: type("C", (), {"forward_passes": 1, "texts": (" Yes.\n\nHuman: next",)})(),
    )
    with backend.opened(None):
        said = backend.write(
            [ask_of(at_once(QUESTIONS[0]), 0)], max_new_tokens=4, temperature=0, seed=0, advance=nothing
        )
    assert said == [" Yes."]


def test_active_interventions_act_and_are_told() -> None:
    lm = make_lm("llama")
    asked, questions = asks()
    plain = LocalBackend(lm)
    with plain.opened(None):
        before = plain.choose(asked, questions, seed=0, advance=nothing)
    change = iw.Ablation(layer=1, head=0)
    with lm.using(change):
        with plain.opened(None):
            after = plain.choose(asked, questions, seed=0, advance=nothing)
        made = plain.provenance(prompt="x", seed=0, seconds=1.0, notes=())
    assert made.interventions == (change.name,)
    assert made.fingerprint == lm.fingerprint
    assert max(abs(a.probabilities[0] - b.probabilities[0]) for a, b in zip(before, after, strict=True)) > 1e-6


def test_cancel_and_bad_arguments() -> None:
    lm = make_lm("llama")
    stop = threading.Event()
    stop.set()
    asked, questions = asks()
    backend = LocalBackend(lm)
    with pytest.raises(Cancelled):
        with backend.opened(stop):
            backend.choose(asked, questions, seed=0, advance=nothing)
    with pytest.raises(ArgumentError, match="batch_size=0"):
        LocalBackend(lm, batch_size=0)


def test_small_batches_change_nothing_and_progress_counts_rows() -> None:
    lm = make_lm("llama")
    asked, questions = asks()
    counts: list[int] = []
    found = []
    for size in (None, 3):
        backend = LocalBackend(lm, batch_size=size)
        with backend.opened(None):
            found.append(backend.choose(asked, questions, seed=0, advance=counts.append))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a.probabilities, b.probabilities, atol=1e-6)
    assert sum(counts) == 2 * len(asked)
    assert max(counts[1:]) == 3
