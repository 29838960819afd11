"""Answers read in batches, against one prompt after the other."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import Cancelled, NonFiniteError, TargetError
from interp_widgets.models.answers import score_answers
from interp_widgets.models.architectures import Site
from tests.tiny import make_lm

PAIRS = [
    ("The capital of Australia is", " Canberra and not"),
    ("She opened the window because", " the"),
    ("The", " Eiffel Tower is located in the city"),
    ("The capital of Australia is", " Sydney"),
]


def by_hand(lm: Any, prompt: str, answer: str) -> tuple[float, int, bool]:
    before, after = lm.encode(prompt).ids, lm.encode(prompt + answer).ids
    with torch.no_grad():
        logits = lm.model(input_ids=torch.as_tensor(after)[None]).logits[0].double()
    places = range(len(before), len(after))
    said = [float(logits[i - 1].log_softmax(-1)[after[i]]) for i in places]
    return sum(said), len(said), all(int(logits[i - 1].argmax()) == after[i] for i in places)


@pytest.mark.parametrize("batch_size", [1, 3, None])
def test_each_answer_is_read_as_alone(any_lm: Any, batch_size: int | None) -> None:
    best = any_lm.next_token(PAIRS[0][0])[0][0]
    pairs = [*PAIRS, (PAIRS[0][0], best)] if best.startswith(" ") else PAIRS
    found = score_answers(any_lm, pairs, batch_size=batch_size)
    for i, (prompt, answer) in enumerate(pairs):
        log_p, tokens, first = by_hand(any_lm, prompt, answer)
        assert found.log_probability[i] == pytest.approx(log_p, abs=1e-3)
        assert found.tokens[i] == tokens
        assert found.mean[i] == pytest.approx(log_p / tokens, abs=1e-3)
        assert found.first[i] == first


def test_answers_to_one_prompt_share_what_they_begin_with() -> None:
    lm = make_lm("llama")
    prompt = "The capital of Australia is"
    answers = [" Canberra and not", " Canberra and", " the", " Sydney.", " Canberra", " the", " the room"]
    pairs = [(prompt, answer) for answer in answers]
    ids = [lm.encode(prompt + answer).ids[len(lm.encode(prompt)) :] for answer in answers]
    begun = {tuple(one[:-1]) for one in ids}
    needed = [one for one in begun if not any(other != one and other[: len(one)] == one for other in begun)]
    told = []
    with lm.run(capture=[Site("resid_post", 0)]) as run:
        found = score_answers(lm, pairs, advance=lambda done, total, text: told.append((done, total)))
        assert run.captured[Site("resid_post", 0)].shape[0] == len(needed) < len(answers)
    assert found.forward_passes == len(needed)
    assert told[-1] == (len(answers), len(answers))
    for i, (_, answer) in enumerate(pairs):
        assert found.log_probability[i] == pytest.approx(by_hand(lm, prompt, answer)[0], abs=1e-3)
    chat = np.asarray(lm.encode(prompt).ids)
    same = score_answers(lm, [(chat, " the"), (prompt, " the"), (chat, " Sydney.")])  # type: ignore[list-item]  # ids
    np.testing.assert_allclose(same.log_probability, found.log_probability[[2, 2, 3]], atol=1e-5)


def test_interventions_take_part_and_nothing_is_nothing() -> None:
    lm = make_lm("llama")
    plain = score_answers(lm, PAIRS).log_probability
    with lm.using(iw.Ablation(layer=1, site="mlp_out")):
        assert not np.allclose(score_answers(lm, PAIRS).log_probability, plain, rtol=1e-4)
    assert len(score_answers(lm, []).first) == 0


@pytest.mark.parametrize("positions", ["last", "prompt", "generated"])
def test_what_acts_by_position_knows_where_the_prompt_ends(positions: str) -> None:
    """Answers of several tokens, in a batch of unequal prompts, against a mask by hand."""
    lm = make_lm("llama")
    vector = torch.randn(32, generator=torch.Generator().manual_seed(0))
    with lm.using(iw.AddedVector(vector, layer=1, positions=positions)):
        found = score_answers(lm, PAIRS)
    for i, (prompt, answer) in enumerate(PAIRS):
        before, after = lm.encode(prompt).ids, lm.encode(prompt + answer).ids
        start, end = {"last": (len(before) - 1, None), "prompt": (0, len(before)), "generated": (len(before), None)}[
            positions
        ]
        acting = list(range(len(after)))[start:end]
        if acting:
            with lm.using(iw.AddedVector(vector, layer=1, positions=acting)), torch.no_grad():
                log_p = lm.head(lm.hidden(torch.as_tensor(after)[None])).log_softmax(-1)[0]
        else:
            log_p = lm.head(lm.hidden(torch.as_tensor(after)[None])).log_softmax(-1)[0]
        expected = sum(float(log_p[t - 1, after[t]]) for t in range(len(before), len(after)))
        assert found.log_probability[i] == pytest.approx(expected, abs=1e-4)


def test_bad_input_is_told() -> None:
    lm = make_lm("llama")
    with pytest.raises(TargetError, match="answer=''"):
        score_answers(lm, [("The", "")])
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        score_answers(lm, PAIRS, cancel=stop)
    with lm.using(iw.AddedVector(np.full(32, 1e38), layer=0, strength=1e3)), pytest.raises(NonFiniteError):
        score_answers(lm, PAIRS)
