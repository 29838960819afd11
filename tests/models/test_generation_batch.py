"""Many prompts at once against `lm.generate`, one by one."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, Cancelled, EmptyPromptError, NonFiniteError, PromptTooLongError
from interp_widgets.models.generation_batch import generate_batch
from tests.tiny import make_lm

PROMPTS = ["The city", "She opened the window because the room was", "import numpy", "I"]


def test_greedy_rows_are_what_generate_writes(any_lm: Any) -> None:
    written = generate_batch(any_lm, PROMPTS, max_new_tokens=8)
    assert list(written.texts) == [any_lm.generate(prompt, max_new_tokens=8) for prompt in PROMPTS]
    assert all(len(ids) <= 8 for ids in written.ids)
    assert written.forward_passes == len(PROMPTS) * max(map(len, written.ids))


@pytest.mark.parametrize("family", ["mistral", "gemma2", "gemma3_text"])
def test_also_behind_a_sliding_window(family: str) -> None:
    lm = make_lm(family, sliding_window=5)
    written = generate_batch(lm, PROMPTS, max_new_tokens=8).texts
    assert list(written) == [lm.generate(prompt, max_new_tokens=8) for prompt in PROMPTS]


def test_a_sampled_row_does_not_depend_on_its_neighbours(any_lm: Any) -> None:
    settings: dict[str, Any] = {"max_new_tokens": 8, "temperature": 1.0, "seed": 3}
    together = generate_batch(any_lm, PROMPTS, **settings).texts
    assert generate_batch(any_lm, PROMPTS, **settings).texts == together
    assert generate_batch(any_lm, PROMPTS[:1], **settings).texts == together[:1]
    assert generate_batch(any_lm, [PROMPTS[0], "x", "y and z"], **settings).texts[0] == together[0]


def test_rows_of_one_prompt_differ_and_the_seed_decides() -> None:
    lm = make_lm("llama")
    rows = generate_batch(lm, ["The city"] * 6, max_new_tokens=8, temperature=1.0).texts
    assert len(set(rows)) == 6
    assert generate_batch(lm, ["The city"] * 6, max_new_tokens=8, temperature=1.0, seed=1).texts != rows


def test_seeds_can_be_given_row_by_row() -> None:
    lm = make_lm("llama")
    settings: dict[str, Any] = {"max_new_tokens": 6, "temperature": 1.0}
    rows = generate_batch(lm, ["The city"] * 3, seed=[5, 9, 5], **settings).texts
    assert rows[0] == rows[2] != rows[1]
    assert generate_batch(lm, ["The city"], seed=[9], **settings).texts[0] == rows[1]
    with pytest.raises(ArgumentError, match="seed has 2 numbers for 3 prompts"):
        generate_batch(lm, ["a", "b", "c"], seed=[1, 2])


def test_a_row_that_has_ended_stays_ended() -> None:
    """An end-of-text token ends its row only, and is not part of its text."""
    lm = make_lm("llama")
    written = generate_batch(lm, PROMPTS, max_new_tokens=8)
    stop = written.ids[1][2]
    lm.model.generation_config.eos_token_id = stop
    again = generate_batch(lm, PROMPTS, max_new_tokens=8)
    for before, after in zip(written.ids, again.ids, strict=True):
        assert after == (before[: before.index(stop)] if stop in before else before)
    assert list(again.texts) == [lm.generate(prompt, max_new_tokens=8) for prompt in PROMPTS]


def test_when_all_have_ended_it_stops() -> None:
    lm = make_lm("llama")
    first = generate_batch(lm, PROMPTS, max_new_tokens=1)
    lm.model.generation_config.eos_token_id = [ids[0] for ids in first.ids]
    done = generate_batch(lm, PROMPTS, max_new_tokens=50)
    assert done.texts == ("",) * len(PROMPTS)
    assert done.ids == ((),) * len(PROMPTS)
    assert done.forward_passes == len(PROMPTS)


def test_prompts_of_any_kind() -> None:
    lm = make_lm("llama")
    lm.tokenizer.chat_template = "{% for m in messages %}<s>{{ m['content'] }}</s>{% endfor %}"
    prompts: list[Any] = [[{"role": "user", "content": "Hi"}], lm.encode("The city").ids.tolist(), "The city"]
    written = generate_batch(lm, prompts, max_new_tokens=5).texts
    assert written[1] == written[2]
    assert list(written) == [lm.generate(prompt, max_new_tokens=5) for prompt in prompts]


def test_bfloat16_rows_are_written() -> None:
    lm = make_lm("llama", dtype=torch.bfloat16)
    assert len(generate_batch(lm, PROMPTS, max_new_tokens=4).texts) == len(PROMPTS)


def test_it_tells_how_far_it_is_and_can_be_cancelled() -> None:
    lm = make_lm("llama")
    told: list[tuple[int, int, str]] = []
    generate_batch(lm, PROMPTS, max_new_tokens=4, advance=lambda *now: told.append(now))
    assert [now[:2] for now in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    flag = threading.Event()

    def stop(*now: Any) -> None:
        flag.set()

    with pytest.raises(Cancelled):
        generate_batch(lm, PROMPTS, max_new_tokens=4, cancel=flag, advance=stop)
    assert not lm.lock.held


@pytest.mark.parametrize(
    ("prompts", "settings", "error"),
    [
        ([], {}, ArgumentError),
        (["a", ""], {}, EmptyPromptError),
        (["a"], {"max_new_tokens": 0}, ArgumentError),
        (["a"], {"temperature": -1}, ArgumentError),
        (["a"], {"temperature": float("nan")}, ArgumentError),
        (["a"], {"max_new_tokens": 10**6}, PromptTooLongError),
    ],
)
def test_what_cannot_work_is_refused(prompts: Any, settings: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        generate_batch(make_lm("gpt2"), prompts, **settings)


def test_logits_that_are_not_numbers_are_refused() -> None:
    lm = make_lm("llama")
    for layer in (0, 1):
        lm.ledger.add(iw.AddedVector(torch.full((32,), 3e38), layer=layer))
    with pytest.raises(NonFiniteError):
        generate_batch(lm, PROMPTS, max_new_tokens=2)
