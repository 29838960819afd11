"""Does our loop write what transformers writes, and do interventions hold at the same tokens without a cache?"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from interp_widgets.errors import ArgumentError, NonFiniteError, PromptTooLongError
from interp_widgets.interventions import AddedVector, Intervention
from interp_widgets.models.generation import stop_tokens
from interp_widgets.models.language_model import LanguageModel
from tests.tiny import FAMILIES, make_lm

PROMPT = "The capital of"
POLICIES: list[str | list[int]] = ["all", "prompt", "generated", "last", [0, -1], [2]]


@functools.cache
def endless(family: str, dtype: torch.dtype = torch.float32) -> LanguageModel:
    """A model without an end-of-text token, made once; every test leaves it as it was."""
    lm = make_lm(family, dtype=dtype)
    never_stop(lm)
    return lm


def ids_of(lm: LanguageModel, prompt: Any = PROMPT) -> torch.Tensor:
    return torch.as_tensor(lm.encode(prompt).ids)[None]


def never_stop(lm: LanguageModel) -> None:
    lm.model.generation_config.eos_token_id = None
    lm.tokenizer.eos_token = None


def greedy_by_transformers(lm: LanguageModel, ids: torch.Tensor, n: int, **changes: Any) -> list[int]:
    out = lm.model.generate(ids, do_sample=False, max_new_tokens=n, pad_token_id=1, **changes)
    tokens: list[int] = out[0, ids.shape[1] :].tolist()
    return tokens


def greedy_without_cache(lm: LanguageModel, ids: torch.Tensor, n: int) -> list[int]:
    """Every token from the whole text so far, by the model itself."""
    length, new = ids.shape[1], []
    with torch.no_grad(), lm.run(prompt_length=length):
        for _ in range(n):
            logits = lm.model(input_ids=ids, use_cache=False).logits[0, -1].float()
            new.append(int(logits.argmax()))
            ids = torch.cat([ids, torch.tensor([[new[-1]]])], dim=1)
    return new


def vector_at(positions: str | Sequence[int], layer: int = 1, strength: float = 3.0) -> Intervention:
    return AddedVector(torch.linspace(-1, 1, 32).sin(), layer=layer, strength=strength, positions=positions)


@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_is_transformers_greedy(family: str) -> None:
    lm = make_lm(family)
    ids = ids_of(lm)
    ours = [step.id for step in lm.stream(PROMPT, max_new_tokens=12)]
    assert ours == greedy_by_transformers(lm, ids, 12)
    never_stop(lm)
    text = lm.generate(PROMPT, max_new_tokens=12)
    assert text == lm.tokenizer.decode(greedy_by_transformers(lm, ids, 12))


@pytest.mark.parametrize("family", ["mistral", "gemma2", "gemma3_text"])
def test_sliding_window_shorter_than_the_text(family: str) -> None:
    lm = make_lm(family, sliding_window=4)
    never_stop(lm)
    ids = ids_of(lm, "The capital of Australia is")
    assert ids.shape[1] > 4
    for positions in ("all", "generated", "last"):
        with lm.using(vector_at(positions)):
            ours = [step.id for step in lm.stream("The capital of Australia is", max_new_tokens=10)]
            assert ours == greedy_without_cache(lm, ids, 10)


@pytest.mark.parametrize("positions", POLICIES, ids=str)
@pytest.mark.parametrize("family", FAMILIES)
def test_cache_and_no_cache_agree_at_every_position(family: str, positions: str | list[int]) -> None:
    lm = endless(family, torch.float64)  # in float32 two tokens may come out equally probable
    ids = ids_of(lm)
    plain = greedy_without_cache(lm, ids, 8)
    with lm.using(vector_at(positions), vector_at(positions, layer=0, strength=-2)):
        steps = list(lm.stream(PROMPT, max_new_tokens=8))
        new = greedy_without_cache(lm, ids, 8)
        assert [step.id for step in steps] == new
        # And to the number: log-probabilities of each token from one pass over the whole text.
        whole = torch.cat([ids, torch.tensor([new])], dim=1)
        with torch.no_grad(), lm.run(prompt_length=ids.shape[1]):
            at = lm.model(input_ids=whole, use_cache=False).logits[0, ids.shape[1] - 1 : -1].softmax(-1)
        expected = at.gather(-1, torch.tensor(new)[:, None])[:, 0]
        torch.testing.assert_close(
            torch.tensor([s.probability for s in steps]).double(), expected, rtol=2e-4, atol=1e-6
        )
    assert [step.id for step in lm.stream(PROMPT, max_new_tokens=8)] == plain


@pytest.mark.parametrize("positions", POLICIES, ids=str)
@pytest.mark.parametrize("family", ["gpt2", "gptj", "llama", "gemma3_text"])
def test_a_loop_that_is_not_ours_gets_the_same_positions(family: str, positions: str | list[int]) -> None:
    """`lm.model.generate` of transformers, whose passes carry no prompt length."""
    lm = endless(family)
    with lm.using(vector_at(positions)):
        ours = [step.id for step in lm.stream(PROMPT, max_new_tokens=8)]
        assert greedy_by_transformers(lm, ids_of(lm), 8) == ours
        assert greedy_by_transformers(lm, ids_of(lm), 8) == ours  # the last loop's length is forgotten


@pytest.mark.parametrize("positions", POLICIES, ids=str)
@pytest.mark.parametrize("family", FAMILIES)
def test_left_padding_moves_no_position(family: str, positions: str | list[int]) -> None:
    lm = endless(family)
    short, long = [5, 17, 230], [8, 99, 17, 301, 44]
    batch = torch.tensor([[1, 1, *short], long])
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]])
    places = (mask.cumsum(-1) - 1).clamp_min(0)
    with lm.using(vector_at(positions)), torch.no_grad():
        padded = lm.model(input_ids=batch, attention_mask=mask, position_ids=places, use_cache=False).logits
        for row, ids in ((0, short), (1, long)):
            alone = lm.model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
            torch.testing.assert_close(padded[row, -len(ids) :], alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("positions", ["prompt", "generated", "last", [1, -1]], ids=str)
@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma3_text"])
def test_padded_batches_generate_as_alone(family: str, positions: str | list[int]) -> None:
    lm = endless(family, torch.float64)  # in float32 two tokens may come out equally probable
    short, long = [5, 17, 230], [8, 99, 17, 301, 44]
    batch = torch.tensor([[1, 1, *short], long])
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]])
    with lm.using(vector_at(positions)):
        out = lm.model.generate(batch, attention_mask=mask, do_sample=False, max_new_tokens=6, pad_token_id=1)
        for row, ids in enumerate((short, long)):
            alone = [step.id for step in lm.stream(ids, max_new_tokens=6)]
            assert out[row, 5:].tolist() == alone


def test_steps_tell_what_the_model_thought() -> None:
    lm = make_lm("qwen3")
    never_stop(lm)
    ids = ids_of(lm)
    for step in lm.stream(PROMPT, max_new_tokens=6, temperature=1.5, seed=3):
        with torch.no_grad():
            p = lm.model(input_ids=ids, use_cache=False).logits[0, -1].double().softmax(-1)
        assert step.probability == pytest.approx(float(p[step.id]), rel=1e-4)
        assert step.entropy == pytest.approx(float(-(p * p.log()).sum()), rel=1e-4)
        others = p.clone()
        others[step.id] = -1
        best = int(others.argmax())
        assert step.runner_up == (lm.tokenizer.decode([best]), pytest.approx(float(p[best]), rel=1e-4))
        assert step.text == lm.tokenizer.decode([step.id])
        ids = torch.cat([ids, torch.tensor([[step.id]])], dim=1)


def test_sampling_is_fixed_by_the_seed() -> None:
    lm = make_lm()
    never_stop(lm)

    def sample(seed: int, temperature: float = 2.0) -> list[int]:
        return [s.id for s in lm.stream(PROMPT, max_new_tokens=15, temperature=temperature, seed=seed)]

    state = torch.random.get_rng_state()
    assert sample(1) == sample(1)
    assert sample(1) != sample(2)
    assert sample(1, temperature=1e-4) == sample(2, temperature=0)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_sampling_follows_the_distribution() -> None:
    lm = make_lm()
    with torch.no_grad():
        p = lm.next_logits(ids_of(lm))[0].div(0.5).softmax(-1)
    best = int(p.argmax())
    drawn = [next(lm.stream(PROMPT, temperature=0.5, seed=seed)).id for seed in range(300)]
    assert drawn.count(best) / 300 == pytest.approx(float(p[best]), abs=0.1)


def test_interventions_of_the_first_token_hold_for_the_whole_text() -> None:
    lm = make_lm()
    never_stop(lm)
    x = vector_at("all")
    plain = [step.id for step in lm.stream(PROMPT, max_new_tokens=6)]
    with lm.using(x):
        steered = [step.id for step in lm.stream(PROMPT, max_new_tokens=6)]
        open_stream = lm.stream(PROMPT, max_new_tokens=6)
        seen = [next(open_stream).id]
    assert steered != plain
    lm.ledger.add(vector_at("all", strength=50))
    seen += [step.id for step in open_stream]
    assert seen == steered
    lm.ledger.clear()
    started = lm.stream(PROMPT, max_new_tokens=6)
    first = next(started).id
    with lm.using(x):
        rest = [step.id for step in started]
    assert [first, *rest] == plain


def test_abandoned_stream_leaves_nothing() -> None:
    lm = make_lm()
    with lm.using(vector_at("all")):
        half = lm.stream(PROMPT, max_new_tokens=6)
        next(half)
        assert not lm.lock.held
    del half
    assert sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in lm.model.modules()) == 0


def test_ends_at_the_end_of_text_token() -> None:
    lm = make_lm()
    never_stop(lm)
    free = [step.id for step in lm.stream(PROMPT, max_new_tokens=8)]
    lm.model.generation_config.eos_token_id = [399, free[3]]
    assert stop_tokens(lm) == {399, free[3]}
    cut = free.index(free[3])
    assert [step.id for step in lm.stream(PROMPT, max_new_tokens=8)] == free[: cut + 1]
    assert lm.generate(PROMPT, max_new_tokens=8) == lm.tokenizer.decode(free[:cut])


def test_bad_arguments() -> None:
    lm = make_lm(max_position_embeddings=8)
    with pytest.raises(ArgumentError, match="max_new_tokens=0: at least 1"):
        lm.generate("The", max_new_tokens=0)
    for wrong in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ArgumentError, match="temperature="):
            lm.generate("The", max_new_tokens=2, temperature=wrong)
    with pytest.raises(PromptTooLongError, match=r"prompt's 4 tokens and max_new_tokens=5 .* at most 4 new tokens"):
        lm.generate([5, 6, 7, 8], max_new_tokens=5)
    assert len(list(lm.stream([5, 6, 7, 8], max_new_tokens=4))) <= 4


def test_logits_that_are_not_finite() -> None:
    lm = make_lm()
    with lm.using(AddedVector(torch.full((32,), 1e38), layer=0, strength=1e30)):
        with pytest.raises(NonFiniteError, match="intervention may be too strong"):
            lm.generate("The")


@pytest.mark.default_model
def test_default_model_generates_as_transformers_does(default_lm: LanguageModel) -> None:
    ids = ids_of(default_lm, "The capital of Australia is")
    ours = [step.id for step in default_lm.stream("The capital of Australia is", max_new_tokens=8)]
    expected = default_lm.model.generate(ids, do_sample=False, max_new_tokens=8, attention_mask=torch.ones_like(ids))
    assert ours == expected[0, ids.shape[1] :].tolist()
