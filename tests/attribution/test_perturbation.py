"""Answers for changed prompts: the same with and without what is reused, each computed once, and counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.attribution.perturbation import WAYS, Perturber, delete, filler, random_tokens
from interp_widgets.errors import Cancelled, MemoryExhaustedError, NonFiniteError
from interp_widgets.models.language_model import LanguageModel
from interp_widgets.models.prefix import Prefix, can_reuse
from tests.attribution.formulas import LONG, PROMPT, asked
from tests.tiny import FAMILIES, make_lm

TOLERANCE = 1e-4  # of logits of the tiny models in float32, where reuse changes the order of sums
QUESTIONS: list[tuple[Any, Any, str | None]] = [
    (None, None, None),
    (" Canberra and", None, None),
    (5, 7, None),
    (" Canberra and", " Paris", None),
    (None, None, "entropy"),
    (" Canberra and", None, "probability"),
]


def gone_rows(tokens: int, rows: int = 9, seed: int = 0) -> Any:
    """Some sets of deleted tokens, among them none, all, the first and the last token."""
    gone = np.random.default_rng(seed).random((rows, tokens)) < 0.3
    gone[:4] = False
    gone[1], gone[2, 0], gone[3, -1] = True, True, True
    return gone


def apart(lm: Any, question: Any, gone: Any, way: str) -> float:
    """The largest difference between answers with and without reuse."""
    with lm.run(prompt_length=len(question.prompt)):
        some, again = (Perturber(question, batch_tokens=40, reuse=reuse) for reuse in (True, False))
        difference = np.abs(some.without(gone, way) - again.without(gone, way)).max()
    assert some.rows == again.rows
    assert some.tokens < again.tokens
    return float(difference)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_reused_changes_no_answer(family: str, way: str) -> None:
    lm = make_lm(family)
    for target, foil, function in QUESTIONS:
        question = asked(lm, LONG, target, foil, function)
        assert apart(lm, question, gone_rows(len(question.prompt)), way) <= TOLERANCE, (target, foil, function)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("family", FAMILIES)
def test_nor_with_interventions_active(family: str, way: str) -> None:
    lm = make_lm(family)
    chance = np.random.default_rng(1)
    key = {"gpt2": 128, "gptj": 128, "gpt_neox": 64}.get(family, 48)
    lm.ledger.add(iw.AddedVector(chance.normal(size=32), layer=0, strength=0.3))
    lm.ledger.add(iw.AddedVector(chance.normal(size=32), layer=1, strength=0.5, positions=[2, 7]))
    lm.ledger.add(iw.AddedVector(chance.normal(size=32), layer=1, strength=0.5, positions="last"))
    lm.ledger.add(iw.Ablation(layer=1, head=2))
    lm.ledger.add(iw.Ablation(layer=2, neuron=3, positions="generated"))
    left, right = chance.normal(size=(32, 2)) * 0.1, chance.normal(size=(2, key)) * 0.1
    lm.ledger.add(iw.LowRank(left, right, layer=1))
    for target, foil, function in QUESTIONS[:4]:
        question = asked(lm, LONG, target, foil, function)
        assert apart(lm, question, gone_rows(len(question.prompt)), way) <= TOLERANCE, (target, foil)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("way", ["eos", "random"])
def test_replaced_tokens_give_what_the_plain_model_gives(family: str, way: str) -> None:
    lm = make_lm(family)
    question = asked(lm, LONG, " Canberra and")
    n, ids = len(question.prompt), question.prompt.ids
    gone = gone_rows(n)
    perturber = Perturber(question, seed=3)
    values = perturber.without(gone, way)
    stand_in = np.full(n, 1) if way == "eos" else random_tokens(lm, n, 3 * 1009)
    target = question.target_ids.tolist()
    for row, value in zip(gone, values, strict=True):
        tokens = [*np.where(row, stand_in, ids).tolist(), *target]
        with torch.no_grad():
            log_p = lm.model(input_ids=torch.tensor(tokens)[None]).logits[0].log_softmax(-1)
        expected = sum(float(log_p[n - 1 + j, token]) for j, token in enumerate(target))
        assert value == pytest.approx(expected, abs=TOLERANCE)


def test_each_changed_prompt_is_computed_once_and_counted() -> None:
    lm = make_lm("llama")
    question = asked(lm, LONG, " Canberra and", " Paris not")
    n, seen, told = len(question.prompt), [], list[int]()
    handle = lm.architecture.base.register_forward_pre_hook(
        lambda module, args, given: seen.append(tuple(given["input_ids"].shape)), with_kwargs=True
    )
    perturber = Perturber(question, batch_tokens=30, advance=told.append)
    one = np.eye(n, dtype=bool)
    try:
        first = perturber.without(np.concatenate([one, one, one[:3]]), "eos")
        again = perturber.without(one[::-1], "eos")
    finally:
        handle.remove()
    assert np.array_equal(first[:n], first[n : 2 * n])
    assert np.array_equal(first[:n], again[::-1])
    assert perturber.rows == n
    assert told[-1] == n
    assert told == sorted(told)
    rows = sum(shape[0] for shape in seen)
    assert perturber.forward_passes == rows == 2 * n  # two tails for each row; the question knows the prompt's own keys
    tails = len(question.tails[0])
    assert perturber.tokens == sum(r * c for r, c in seen) // 2
    assert perturber.tokens < n * (n + tails)


def test_a_prompt_that_is_not_changed_is_not_computed() -> None:
    lm = make_lm("llama")
    question = asked(lm, PROMPT)
    perturber = Perturber(question)
    nothing = np.zeros((3, len(question.prompt)), dtype=bool)
    assert perturber.without(nothing, "eos").tolist() == [question.value] * 3
    assert perturber.without(nothing, "mask").tolist() == [question.value] * 3
    assert (perturber.rows, perturber.tokens, perturber.forward_passes) == (0, 0, 0)


def test_batches_take_about_as_many_tokens_as_asked_or_rows() -> None:
    lm = make_lm("gpt2")
    question = asked(lm, LONG)
    n = len(question.prompt)
    limits: list[tuple[dict[str, Any], int | None]] = [
        ({"batch_tokens": 30}, None), ({"batch_size": 4}, 4), ({"batch_size": 1}, 1),
    ]  # fmt: skip
    for given, most in limits:
        seen: list[Any] = []
        handle = lm.architecture.base.register_forward_pre_hook(
            lambda module, args, given, seen=seen: seen.append(given["input_ids"].shape), with_kwargs=True
        )
        values = Perturber(question, **given).without(np.eye(n, dtype=bool), "eos")
        handle.remove()
        rows = [shape for shape in seen if shape[1] < n or shape[0] > 1]
        if most is None:
            assert max(r * c for r, c in rows) <= 30
        else:
            assert max(r for r, _ in seen) == most
        np.testing.assert_allclose(values, Perturber(question).without(np.eye(n, dtype=bool), "eos"), atol=TOLERANCE)


@pytest.mark.parametrize("family", ["mistral", "gemma2", "gemma3_text"])
def test_a_text_longer_than_a_sliding_window_is_computed_anew(family: str) -> None:
    narrow = make_lm(family, sliding_window=6)
    assert can_reuse(narrow, 5)
    assert not can_reuse(narrow, 6)
    assert can_reuse(make_lm(family), 100)
    question = asked(narrow, LONG, " Canberra and")
    n = len(question.prompt)
    gone = gone_rows(n)
    perturber = Perturber(question)
    values = perturber.without(gone, "eos")
    assert perturber.tokens == perturber.rows * (n + 1)
    for row, value in zip(gone, values, strict=True):
        again = asked(narrow, np.where(row, 1, question.prompt.ids).tolist(), question.target_ids.tolist())
        assert value == pytest.approx(again.value, abs=TOLERANCE)


@pytest.mark.parametrize("reuse", [True, False])
def test_batches_are_halved_when_memory_is_short(monkeypatch: pytest.MonkeyPatch, reuse: bool) -> None:
    lm = make_lm("llama")
    question = asked(lm, LONG)
    n = len(question.prompt)
    calm = Perturber(question, batch_size=8, reuse=reuse)
    expected = calm.without(np.eye(n, dtype=bool), "eos")
    real = LanguageModel.hidden

    def hidden(self: LanguageModel, ids: Any = None, **given: Any) -> Any:
        if len(ids) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, ids, **given)

    monkeypatch.setattr(LanguageModel, "hidden", hidden)
    short = Perturber(question, batch_size=8, reuse=reuse)
    np.testing.assert_allclose(short.without(np.eye(n, dtype=bool), "eos"), expected, atol=TOLERANCE)
    assert short.largest == 2
    assert short.rows == calm.rows
    assert short.batch_tokens < calm.batch_tokens
    monkeypatch.setattr(LanguageModel, "hidden", lambda *_, **__: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(MemoryExhaustedError):
        Perturber(question, reuse=False).without(np.eye(n, dtype=bool), "eos")


def test_a_number_that_is_not_finite_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("llama")
    question = asked(lm)
    monkeypatch.setattr(LanguageModel, "hidden", lambda self, ids, **given: torch.full((*ids.shape, 32), torch.nan))
    with pytest.raises(NonFiniteError, match="when tokens are deleted"):
        Perturber(question).without(np.eye(len(question.prompt), dtype=bool), "eos")


@pytest.mark.parametrize("error", [RuntimeError("no such kernel"), KeyboardInterrupt(), Cancelled("cancelled")])
def test_an_error_in_the_middle_leaves_nothing_and_what_was_known_stays_right(error: BaseException) -> None:
    lm = make_lm("gemma3_text")
    lm.ledger.add(iw.AddedVector(np.ones(32), layer=1, strength=0.1))
    before = lm.state_hash()
    question = asked(lm, LONG)
    n = len(question.prompt)
    expected = Perturber(question).without(np.eye(n, dtype=bool), "mask")
    seen: list[int] = []

    def fail(*_: Any) -> None:
        seen.append(1)
        if len(seen) == 4:
            raise error

    perturber = Perturber(question, batch_size=3)
    handle = lm.architecture.layers[1].register_forward_pre_hook(fail)
    try:
        with pytest.raises(type(error)), lm.run():
            perturber.without(np.eye(n, dtype=bool), "mask")
    finally:
        handle.remove()
    np.testing.assert_allclose(perturber.without(np.eye(n, dtype=bool), "mask"), expected, atol=TOLERANCE)
    lm.ledger.clear()
    assert sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in lm.model.modules()) == 0
    assert lm.state_hash() == before


# What stands for a deleted token


def test_the_filler_is_end_of_text_or_padding_or_the_first_token() -> None:
    lm = make_lm("llama")
    assert filler(lm) == 1
    lm.tokenizer.eos_token = None
    assert filler(lm) == 0
    lm.tokenizer.pad_token = "!"
    assert filler(lm) == lm.tokenizer.convert_tokens_to_ids("!")


def test_random_tokens_are_ordinary_ones_and_follow_the_seed_and_the_draw() -> None:
    lm = make_lm("llama")
    many = random_tokens(lm, 5000, 0)
    assert set(many.tolist()).isdisjoint(lm.tokenizer.all_special_ids)
    assert many.min() >= 0
    assert many.max() < min(len(lm.tokenizer), lm.architecture.vocabulary)
    assert len(set(many.tolist())) > 300
    one, same, other = (Perturber(asked(lm), seed=seed) for seed in (0, 0, 1))
    drawn = [p.replacement("random", draw) for p, draw in ((one, 0), (same, 0), (one, 1), (other, 0), (one, 1_000))]
    assert np.array_equal(drawn[0], drawn[1])
    assert all(not np.array_equal(drawn[0], d) for d in drawn[2:])


def test_deleting_touches_only_what_is_gone() -> None:
    prompt = np.arange(10, 15)
    gone = np.array([[1, 0, 0, 1, 0], [0, 0, 0, 0, 0]], dtype=bool)
    rows = delete(prompt, gone, "eos", np.full(5, 1))
    assert rows.ids.tolist() == [[1, 11, 12, 1, 14], prompt.tolist()]
    assert not rows.hidden.any()
    gone[1, 1] = True
    masked = delete(prompt, gone, "mask", np.full(5, 1))
    assert masked.ids.tolist() == [[1, 11, 12, 13, 14], prompt.tolist()]  # before the first that is left, its text too
    assert np.array_equal(masked.hidden, gone)


def test_a_prefix_holds_the_keys_and_values_of_the_plain_model() -> None:
    lm = make_lm("qwen3")
    ids = torch.as_tensor(lm.encode(LONG).ids)[None]
    with torch.no_grad():
        plain = lm.model(input_ids=ids[:, :6], use_cache=True).past_key_values
    cache = Prefix(lm, ids).cache(6, 3)
    assert cache.get_seq_length() == 6
    for mine, theirs in zip(cache.layers, plain.layers, strict=True):
        assert mine.keys.shape[0] == 3
        torch.testing.assert_close(mine.keys[2], theirs.keys[0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(mine.values[0], theirs.values[0], atol=1e-5, rtol=1e-4)
