"""Does asking the model through `lm` give what the model itself gives, and is everything else refused by name?"""

from __future__ import annotations

import copy
import gc
import threading
from typing import Any

import pytest
import torch

from interp_widgets.errors import ArgumentError, EmptyPromptError, OutOfRangeError, PromptTooLongError
from interp_widgets.interventions import Ablation, AddedVector, LowRank
from interp_widgets.models import events, live
from interp_widgets.models.architectures import Site
from interp_widgets.models.language_model import LanguageModel
from tests.tiny import FAMILIES, make_lm, make_model, make_tokenizer

IDS = torch.tensor([[5, 17, 230, 8, 99], [7, 7, 301, 2, 12]])


def logits_of(model: Any, **inputs: Any) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = model(**inputs, use_cache=False).logits
    return logits


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", FAMILIES)
def test_head_of_hidden_is_the_model(family: str, dtype: torch.dtype) -> None:
    lm = make_lm(family, dtype=dtype)
    reference = logits_of(lm.model, input_ids=IDS)
    columns = [399, 0, 17, 17]
    with torch.no_grad():
        hidden = lm.hidden(IDS)
        assert torch.equal(lm.head(hidden), reference)
        some = lm.head(hidden, columns)
        again = lm.head(hidden[:, -1], torch.tensor(columns))
        embedded = lm.hidden(embeds=lm.embed(IDS))
    near: dict[str, Any] = {"rtol": 2e-2, "atol": 2e-2} if dtype == torch.bfloat16 else {"rtol": 1e-5, "atol": 1e-5}
    torch.testing.assert_close(some, reference[..., columns], **near)
    torch.testing.assert_close(again, reference[:, -1, columns], **near)
    assert torch.equal(embedded, hidden)
    torch.testing.assert_close(lm.next_logits(IDS), reference[:, -1], **near)


def test_head_bias_and_soft_cap_are_there_to_be_forgotten() -> None:
    """GPT-J's head has a bias and Gemma 2 caps its logits; both matter in these tiny models."""
    lm = make_lm("gptj")
    assert float(lm.model.lm_head.bias.detach().abs().max()) > 0.1
    lm = make_lm("gemma2", final_logit_softcapping=0.5)
    assert float(logits_of(lm.model, input_ids=IDS).abs().max()) <= 0.5
    with torch.no_grad():
        assert torch.equal(lm.head(lm.hidden(IDS)), logits_of(lm.model, input_ids=IDS))


@pytest.mark.parametrize("tied", ["head", "both"])
@pytest.mark.parametrize("family", ["gptj", "gemma2", "llama"])
def test_columns_carry_interventions_on_the_head(family: str, tied: str) -> None:
    lm = make_lm(family)
    generator = torch.Generator().manual_seed(0)
    change = LowRank(torch.randn(400, 2, generator=generator), torch.randn(2, 32, generator=generator), tied=tied)
    with lm.using(change), torch.no_grad():
        whole = lm.head(lm.hidden(IDS))
        some = lm.head(lm.hidden(IDS), [3, 250])
        assert torch.equal(whole, logits_of(lm.model, input_ids=IDS))
    torch.testing.assert_close(some, whole[..., [3, 250]], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(whole, logits_of(lm.model, input_ids=IDS), atol=1e-3)


def test_columns_outside_the_vocabulary() -> None:
    lm = make_lm()
    hidden = torch.zeros(1, 32)
    for wrong in ([400], [-1], [0, 1000]):
        with pytest.raises(OutOfRangeError, match="token ids go from 0 to 399"):
            lm.head(hidden, wrong)
    assert lm.head(hidden, []).shape == (1, 0)


def test_next_token_is_the_models_distribution() -> None:
    lm = make_lm("qwen2")
    ids = torch.as_tensor(lm.encode("The capital").ids)[None]
    reference = logits_of(lm.model, input_ids=ids)[0, -1].softmax(-1)
    best = lm.next_token("The capital", k=400)
    assert [p for _, p in best] == sorted((p for _, p in best), reverse=True)
    assert sum(p for _, p in best) == pytest.approx(1, abs=1e-5)
    assert best[0][0] == lm.tokenizer.decode([int(reference.argmax())])
    assert best[0][1] == pytest.approx(float(reference.max()), abs=1e-6)
    for k in (0, 401):
        with pytest.raises(ArgumentError, match=f"k={k}: between 1 and 400"):
            lm.next_token("The", k=k)


def test_hidden_wants_one_input() -> None:
    lm = make_lm()
    for arguments in ({}, {"ids": IDS, "embeds": torch.zeros(1, 2, 32)}):
        with pytest.raises(ArgumentError, match="either ids or embeds"):
            lm.hidden(**arguments)


def test_bad_prompts_are_named() -> None:
    lm = make_lm(max_position_embeddings=8)
    empties: list[Any] = ["", []]
    for empty in empties:
        with pytest.raises(EmptyPromptError, match="write at least one character"):
            lm.next_token(empty)
    with pytest.raises(PromptTooLongError, match=r"prompt has 9 tokens, .* holds 8; cut at least 1 token"):
        lm.next_token([5] * 9)
    lm.next_token([5] * 8)


def test_slow_tokenizer_is_refused() -> None:
    class Slow:
        is_fast = False

    with pytest.raises(ArgumentError, match="Slow gives no character offsets"):
        LanguageModel(make_model("llama"), Slow())


def test_dropout_is_off() -> None:
    model = make_model("gpt2")
    model.train()
    assert not LanguageModel(model, make_tokenizer()).model.training


def test_state_hash_sees_one_changed_bit() -> None:
    lm = make_lm()
    before = lm.state_hash()
    weight = lm.model.model.layers[1].mlp.up_proj.weight
    old = float(weight[3, 5].detach())
    with torch.no_grad():
        weight[3, 5] = float(torch.nextafter(torch.tensor(old), torch.tensor(9.0)))
    assert lm.state_hash() != before
    with torch.no_grad():
        weight[3, 5] = old
    assert lm.state_hash() == before


def test_repr_says_what_it_is() -> None:
    lm = make_lm("gemma2")
    lm.ledger.add(Ablation(layer=0, head=1))
    text = "<LanguageModel tiny gemma2: gemma2, 3 layers, width 32, float32 on cpu, 1 active interventions>"
    assert repr(lm) == text


def hooks_of(model: torch.nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def test_model_outlives_its_language_model_unchanged() -> None:
    model = make_model("llama")
    plain = logits_of(model, input_ids=IDS)
    lm = LanguageModel(model, make_tokenizer())
    lm.ledger.add(AddedVector(torch.ones(32), layer=1))
    assert hooks_of(model) > 0
    assert not torch.equal(logits_of(model, input_ids=IDS), plain)
    del lm
    gc.collect()
    assert hooks_of(model) == 0
    assert torch.equal(logits_of(model, input_ids=IDS), plain)


def test_two_language_models_on_one_model_add_up() -> None:
    model = make_model("llama")
    one, two = LanguageModel(model, make_tokenizer()), LanguageModel(model, make_tokenizer())
    vector = torch.linspace(-1, 1, 32)
    one.ledger.add(AddedVector(vector, layer=1))
    two.ledger.add(AddedVector(vector, layer=1))
    both = logits_of(model, input_ids=IDS)
    one.ledger.clear()
    two.ledger.clear()
    one.ledger.add(AddedVector(vector, layer=1, strength=2))
    torch.testing.assert_close(both, logits_of(model, input_ids=IDS), rtol=1e-4, atol=1e-4)


def test_deep_copy_of_the_model_is_the_plain_model() -> None:
    lm = make_lm()
    plain = logits_of(lm.model, input_ids=IDS)
    with lm.using(AddedVector(torch.ones(32), layer=1)):
        copied = copy.deepcopy(lm.model)
    assert torch.equal(logits_of(copied, input_ids=IDS), plain)


def test_nested_runs_of_two_models_keep_their_own_snapshots() -> None:
    one, two = make_lm("llama"), make_lm("gpt2")
    plain = one.next_logits(IDS)
    with one.run() as run:
        with two.run():
            one.ledger.add(AddedVector(torch.ones(32), layer=0))
            assert torch.equal(one.next_logits(IDS), plain)
            with one.run() as inner:
                assert inner.outer is run
                assert inner.snapshot is run.snapshot
    assert not torch.equal(one.next_logits(IDS), plain)


def test_live_models_are_found_and_forgotten() -> None:
    changes: list[None] = []
    disconnect = events.models_changed.connect(lambda: changes.append(None))
    lm = make_lm("qwen3", seed=77)
    name = lm.fingerprint
    assert live.find(name) is lm
    assert live.all()[-1] is lm
    assert len(changes) == 1
    del lm
    gc.collect()
    assert live.find(name) is None
    assert len(changes) >= 2
    disconnect()
    make_lm("qwen3", seed=77)
    assert live.find("no such") is None


def test_cancel_before_the_start() -> None:
    lm = make_lm()
    flag = threading.Event()
    flag.set()
    from interp_widgets.errors import Cancelled

    with pytest.raises(Cancelled):
        lm.generate("The", cancel=flag)
    assert not lm.lock.held


def test_estimate_of_speed_follows_what_was_measured() -> None:
    lm = make_lm()
    assert 0 < lm.seconds_per_token < 10
    lm.note_speed(3.0)
    assert lm.seconds_per_token > 1.5


def test_capture_keeps_what_the_layer_got() -> None:
    lm = make_lm()
    site = Site("mlp_out", 1)
    with torch.no_grad(), lm.run(capture=[site]) as outer, lm.run(capture=[site]) as inner:
        lm.hidden(IDS)
    assert inner.captured[site].shape == (2, 5, 32)
    assert torch.equal(inner.captured[site], outer.captured[site])


@pytest.mark.default_model
def test_the_default_model_knows_its_capitals(default_lm: LanguageModel) -> None:
    best = default_lm.next_token("The capital of Australia is", k=2)
    assert [token for token, _ in best] == [" Sydney", " Canberra"]
    assert [p for _, p in best] == pytest.approx([0.362, 0.341], abs=0.002)
    token, p = default_lm.next_token("The Eiffel Tower is located in the city of", k=1)[0]
    assert (token, round(p, 2)) == (" Paris", 0.70)
    assert default_lm.encode("The capital of Australia is").bos == 0
    a = default_lm.architecture
    assert (a.n_layers, a.width, a.mlp_width, a.vocabulary, a.n_heads, a.head_dim) == (30, 576, 1536, 49152, 9, 64)
