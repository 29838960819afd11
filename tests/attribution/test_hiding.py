"""Hidden from attention: the same as the mask that one would write by hand, and as attention worked out on paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.attribution.perturbation import Perturber, hiding
from tests.attribution.formulas import LONG, asked
from tests.tiny import FAMILIES, make_lm

DOUBLE = torch.float64


def test_the_mask_lets_each_token_see_itself_and_what_stands_before_it_unless_hidden() -> None:
    hidden = torch.tensor([[False, True, False, False], [True, False, False, True]])
    lm = make_lm("llama")
    given = hiding(lm, hidden, 0)
    seen = given["attention_mask"][:, 0] == 0
    assert seen[0].int().tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 1, 1]]
    assert seen[1].int().tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0], [0, 1, 1, 1]]
    later = hiding(lm, hidden, 2)
    assert torch.equal(later["attention_mask"], given["attention_mask"][:, :, 2:])
    assert later["position_ids"].tolist() == [[2, 3], [2, 3]]


def by_hand(lm: Any, ids: Any, hidden: Any) -> Any:
    """Last logits of one prompt, the hidden positions taken out of the attention of all other tokens by a padding mask.

    It also hides a token from itself; nobody looks at that token then, so it would only matter for the last."""
    mask = torch.tensor(~hidden)[None].long()
    positions = torch.arange(len(ids))[None]
    with torch.no_grad():
        return lm.model(input_ids=torch.tensor(ids)[None], attention_mask=mask, position_ids=positions).logits[0, -1]


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        *((family, {}) for family in FAMILIES),
        *((f, {"sliding_window": 6}) for f in ("mistral", "gemma2", "gemma3_text")),
    ],
)
def test_a_hidden_token_is_what_a_padding_mask_hides(family: str, changes: dict[str, Any]) -> None:
    """Also where the window of sliding attention is shorter than the prompt."""
    lm = make_lm(family, dtype=DOUBLE, **changes)
    lm.ledger.add(iw.AddedVector(np.ones(32), layer=1, strength=0.3))
    lm.model.set_attn_implementation("eager")  # where a row that sees nothing is not NaN
    question = asked(lm, LONG)
    n, target = len(question.prompt), int(question.target_ids[0])
    gone = np.random.default_rng(0).random((6, n)) < 0.4
    gone[:, [0, -1]] = False
    values = Perturber(question).without(gone, "mask")
    for row, value in zip(gone, values, strict=True):
        assert value == pytest.approx(float(by_hand(lm, question.prompt.ids, row)[target]), abs=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_hidden_token_changes_nothing_whatever_it_is(family: str) -> None:
    """Another token in its place gives the same answer, also where it is the first of the prompt."""
    lm = make_lm(family, dtype=DOUBLE)
    n = len(lm.encode(LONG))
    gone = np.zeros((1, n), dtype=bool)
    gone[0, [0, 3, 4]] = True
    ids = lm.encode(LONG).ids
    values = []
    for stranger in (5, 77, 300):
        changed = np.where(gone[0], stranger, ids).tolist()
        values.append(float(Perturber(asked(lm, changed, 9)).without(gone, "mask")[0]))
    assert values[1:] == pytest.approx([values[0]] * 2, abs=1e-6)
    whole = [asked(lm, np.where(gone[0], stranger, ids).tolist(), 9).value for stranger in (5, 77)]
    assert abs(whole[0] - whole[1]) > 1e-3


def test_two_tokens_in_closed_form() -> None:
    """One layer, one head: with the first token hidden the second attends to itself alone, with weight one."""
    lm = make_lm("gpt2", dtype=DOUBLE, n_layer=1, n_head=1)
    question = asked(lm, [10, 20], 5)
    model = lm.model.transformer
    block = model.h[0]
    with torch.no_grad():
        x = model.wte.weight[[10, 20]] + model.wpe.weight[[0, 1]]
        qkv = block.attn.c_attn(block.ln_1(x))
        value = qkv[1, 64:]  # of the second token: the whole of its attention
        state = x[1] + block.attn.c_proj(value[None])[0]
        state = state + block.mlp(block.ln_2(state[None])[None])[0, 0]
        expected = float(lm.model.lm_head(model.ln_f(state))[5])
        q, k, v = qkv.split(32, dim=-1)
        weights = (q[1] @ k.T / 32**0.5).softmax(-1)
        state = x[1] + block.attn.c_proj((weights @ v)[None])[0]
        state = state + block.mlp(block.ln_2(state[None])[None])[0, 0]
        whole = float(lm.model.lm_head(model.ln_f(state))[5])
    assert question.value == pytest.approx(whole, abs=1e-9)
    hidden = Perturber(question).without(np.array([[True, False]]), "mask")
    assert hidden[0] == pytest.approx(expected, abs=1e-9)
    assert abs(whole - expected) > 1e-3


@pytest.mark.parametrize("family", FAMILIES)
def test_the_tail_of_a_longer_target_does_not_see_what_is_hidden(family: str) -> None:
    lm = make_lm(family, dtype=DOUBLE)
    ids = lm.encode(LONG).ids
    gone = np.zeros((1, len(ids)), dtype=bool)
    gone[0, 2] = True
    values = []
    for stranger in (5, 77):
        question = asked(lm, np.where(gone[0], stranger, ids).tolist(), [9, 11, 30])
        values.append(float(Perturber(question).without(gone, "mask")[0]))
    assert values[0] == pytest.approx(values[1], abs=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_without_its_end_a_prompt_is_shorter(family: str) -> None:
    """Hiding the last token is asking the prompt that ends before it: nothing is read from a token that is gone."""
    lm = make_lm(family, dtype=DOUBLE)
    ids = lm.encode(LONG).ids
    gone = np.zeros((2, len(ids)), dtype=bool)
    gone[0, -1] = gone[1, -2:] = True
    values = Perturber(asked(lm, ids.tolist(), 9)).without(gone, "mask")
    assert values[0] == pytest.approx(asked(lm, ids[:-1].tolist(), 9).value, abs=1e-6)
    assert values[1] == pytest.approx(asked(lm, ids[:-2].tolist(), 9).value, abs=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_without_its_end_a_longer_target_is_read_from_what_is_left(family: str) -> None:
    lm = make_lm(family, dtype=DOUBLE)
    ids, target = lm.encode(LONG).ids.tolist(), [9, 11, 30]
    n = len(ids)
    seen = torch.ones(1, n + 2, dtype=torch.long)
    seen[0, n - 1] = 0
    with torch.no_grad():
        logits = lm.model(
            input_ids=torch.tensor([ids + target[:-1]]), attention_mask=seen, position_ids=torch.arange(n + 2)[None]
        ).logits[0, [n - 2, n, n + 1]]
    expected = float(logits.log_softmax(-1)[range(3), target].sum())
    gone = np.arange(n)[None] == n - 1
    assert Perturber(asked(lm, ids, target)).without(gone, "mask")[0] == pytest.approx(expected, abs=1e-6)


def test_with_nothing_left_end_of_text_is_asked() -> None:
    lm = make_lm("llama", dtype=DOUBLE)
    end = int(lm.tokenizer.eos_token_id)
    for ids in ([10, 20, 30], [40, 50, 60]):
        question = asked(lm, ids, 9)
        nothing = Perturber(question).without(np.ones((1, 3), dtype=bool), "mask")
        assert nothing[0] == pytest.approx(asked(lm, [end], 9).value, abs=1e-9)
