"""Steering against states and logits computed by hand: amounts, positions, conditions, norms, rows, nothing at 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, FingerprintMismatchError, OutOfRangeError
from interp_widgets.interventions.steering import Condition, Steering
from interp_widgets.models.architectures import Site
from interp_widgets.models.generation_batch import generate_batch
from tests.interventions.state import IDS, count_hooks, logits
from tests.tiny import FAMILIES, make_lm

WIDTH = 32
CHANCE = np.random.default_rng(0)
ROWS = CHANCE.normal(size=(2, WIDTH)).astype(np.float32)
POLICIES: tuple[Any, ...] = ("all", "prompt", "generated", "last", (0, 2, -1))
PROMPT = 4  # of the 6 tokens of IDS; the others count as generated


def steer(**changes: Any) -> Steering:
    return Steering(ROWS, **{"layers": [0, 2], "amounts": [0.8, -0.5], **changes})


def condition(threshold: float = 0.0, **changes: Any) -> Condition:
    """Along other directions, with scores that some tokens of a random model pass and some do not."""
    return Condition(np.roll(ROWS, 5, axis=1), [0.1, -0.2], [2.0, 3.0], threshold, **changes)


def states(lm: Any, ids: Tensor, layer: int, *changes: Any, prompt: int | None = None) -> Tensor:
    site = Site("resid_post", layer)
    with torch.no_grad(), lm.using(*changes), lm.run(prompt_length=prompt, capture=[site]) as run:
        lm.hidden(ids)
        return run.captured[site]  # type: ignore[no-any-return]


def with_cache(lm: Any, ids: Tensor, prompt: int, *changes: Any) -> Tensor:
    """Logits (tokens, vocabulary) after each token from the prompt's last on, one decoding step each."""
    from transformers import DynamicCache

    cache = DynamicCache(config=lm.model.config)
    found = []
    with torch.no_grad(), lm.using(*changes), lm.run(prompt_length=prompt):
        for start, end in [(0, prompt), *((i, i + 1) for i in range(prompt, ids.shape[1]))]:
            hidden = lm.hidden(ids[:, start:end], past_key_values=cache, use_cache=True)
            found.append(lm.head(hidden[:, -1])[0])
    return torch.stack(found)


def without_cache(lm: Any, ids: Tensor, prompt: int, *changes: Any) -> Tensor:
    found = []
    with torch.no_grad(), lm.using(*changes), lm.run(prompt_length=prompt):
        for end in range(prompt, ids.shape[1] + 1):
            found.append(lm.head(lm.hidden(ids[:, :end])[:, -1])[0])
    return torch.stack(found)


def meant(policy: Any) -> list[bool]:
    """Which of the 6 tokens a policy names, spelled out."""
    by_hand = {
        "all": [True] * 6,
        "prompt": [True] * 4 + [False] * 2,
        "generated": [False] * 4 + [True] * 2,
        "last": [False] * 3 + [True] * 3,
        (0, 2, -1): [True, False, True, True, False, False],
    }
    return by_hand[policy]


def test_it_adds_amount_times_direction(any_lm: Any) -> None:
    before, after = (states(any_lm, IDS, 0, *changes) for changes in ((), (steer(),)))
    torch.testing.assert_close(after, before + 0.8 * torch.from_numpy(ROWS[0]))
    only_second = steer(layers=[1, 2])
    one, other = (states(any_lm, IDS, 1, *changes) for changes in ((), (only_second,)))
    torch.testing.assert_close(other, one + 0.8 * torch.from_numpy(ROWS[0]))


@pytest.mark.parametrize("policy", POLICIES)
def test_each_policy_names_its_tokens(any_lm: Any, policy: Any) -> None:
    before, after = (states(any_lm, IDS, 0, *changes, prompt=PROMPT) for changes in ((), (steer(positions=policy),)))
    changed = (after != before).any(-1)[0].tolist()
    assert changed == meant(policy)


@pytest.mark.parametrize("keep_norm", [False, True])
@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("policy", POLICIES)
def test_with_and_without_cache_are_equal(any_lm: Any, policy: Any, conditional: bool, keep_norm: bool) -> None:
    change = steer(positions=policy, keep_norm=keep_norm, condition=condition() if conditional else None)
    one, other = (compute(any_lm, IDS, PROMPT, change) for compute in (with_cache, without_cache))
    torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_keep_norm_keeps_the_norm_and_turns_the_state(family: str) -> None:
    lm = make_lm(family)
    before, after = (states(lm, IDS, 0, *changes) for changes in ((), (steer(keep_norm=True),)))
    torch.testing.assert_close(after.norm(dim=-1), before.norm(dim=-1), rtol=1e-5, atol=1e-6)
    sums = before + 0.8 * torch.from_numpy(ROWS[0])
    cosine = torch.nn.functional.cosine_similarity(after, sums, dim=-1)
    torch.testing.assert_close(cosine, torch.ones_like(cosine))


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize("threshold", [-0.3, 0.0, 0.4])
def test_a_condition_chooses_tokens_by_their_score(any_lm: Any, threshold: float, above: bool) -> None:
    change = steer(condition=condition(threshold, above=above))
    before, after = (states(any_lm, IDS, 0, *changes) for changes in ((), (change,)))
    score = (before[0].double().numpy() @ np.roll(ROWS, 5, axis=1)[0] - 0.1) / 2.0
    wanted = score > threshold if above else score < threshold
    assert (after != before).any(-1)[0].tolist() == wanted.tolist()


def test_a_condition_and_a_policy_must_both_hold() -> None:
    lm = make_lm("llama")
    both = steer(positions="prompt", condition=condition())
    only = steer(condition=condition())
    before = states(lm, IDS, 0, prompt=PROMPT)
    changed = [(states(lm, IDS, 0, x, prompt=PROMPT) != before).any(-1)[0] for x in (both, only)]
    assert changed[0].tolist() == (changed[1] & torch.tensor(meant("prompt"))).tolist()


def test_a_vector_makes_the_condition_of_another() -> None:
    """Steer towards one trait only where the text is on the positive side of another."""
    lm = make_lm("llama")
    glad, sad = ["I love it", "What joy", "A fine day"], ["I hate it", "What grief", "A grim day"]
    v = iw.control_vector(lm, ["Yes, for", "It was so", "Then the"], ["No", "It", "A"])
    mood = iw.control_vector(lm, glad, sad)
    scope = lm.steered(v, layers=[1], strength=0.3, condition=mood.condition(0.5))
    before = states(lm, IDS, 1)
    with scope:
        after = states(lm, IDS, 1)
    assert (after != before).any(-1)[0].tolist() == (mood.scores(before[0].numpy(), 1) > 0.5).tolist()
    some = iw.control_vector(lm, glad, sad, layers=[1])
    with pytest.raises(ArgumentError, match="condition has 1 layers, the vector 3"):
        v.steer(strength=0.3, condition=some.condition())


# Batches


@pytest.mark.parametrize("policy", ["all", "last", "generated"])
def test_rows_with_strengths_of_their_own_are_the_rows_alone(any_lm: Any, policy: Any) -> None:
    ids = torch.cat([IDS, IDS.flip(1), IDS.roll(2, 1)])
    amounts = np.array([[0.8, -0.5], [-1.2, 0.1], [0.0, 0.0]])
    with torch.no_grad(), any_lm.using(steer(amounts=amounts, positions=policy)), any_lm.run(prompt_length=PROMPT):
        batch = any_lm.head(any_lm.hidden(ids))
    for row in range(3):
        with torch.no_grad(), any_lm.using(steer(amounts=amounts[row], positions=policy)):
            with any_lm.run(prompt_length=PROMPT):
                alone = any_lm.head(any_lm.hidden(ids[row : row + 1]))
        torch.testing.assert_close(batch[row : row + 1], alone, atol=1e-4, rtol=1e-4)


def test_prompts_of_different_lengths_with_strengths_of_their_own(any_lm: Any) -> None:
    """Padded on the left, row by row as `lm.generate` writes them one at a time."""
    prompts = ["The city", "She opened the window because the room", "import numpy"]
    strengths = [[0.9, -0.4], [-0.7, 0.6], [0.0, 0.0]]
    for policy in ("all", "last", "generated", "prompt"):
        with any_lm.using(steer(amounts=strengths, positions=policy)):
            written = generate_batch(any_lm, prompts, max_new_tokens=6).texts
        for prompt, strength, text in zip(prompts, strengths, written, strict=True):
            with any_lm.using(steer(amounts=strength, positions=policy)):
                assert any_lm.generate(prompt, max_new_tokens=6) == text


def test_a_batch_of_another_size_is_refused() -> None:
    lm = make_lm("llama")
    with lm.using(steer(amounts=np.ones((3, 2)))), pytest.raises(ArgumentError, match="has 3 rows, the batch has 1"):
        lm.next_logits(IDS)


# Nothing where nothing is meant


def test_strength_0_registers_no_hook_and_changes_no_bit(any_lm: Any) -> None:
    plain = logits(any_lm)
    for amounts in ([0.0, 0.0], [[0.0, 0.0]]):
        with any_lm.using(steer(amounts=amounts)):
            assert count_hooks(any_lm.model) == 0
            assert torch.equal(logits(any_lm), plain)
    with any_lm.using(steer(amounts=[0.0, 1.0])):
        assert count_hooks(any_lm.model) == 3  # one layer's, and the clock with its flag
        assert not torch.equal(logits(any_lm), plain)
    assert count_hooks(any_lm.model) == 0
    assert torch.equal(logits(any_lm), plain)


def test_several_act_at_once_and_order_does_not_matter(any_lm: Any) -> None:
    one, other = steer(), steer(layers=[2, 1], amounts=[0.3, 0.9])
    with any_lm.using(one, other):
        together = logits(any_lm)
    with any_lm.using(other, one):
        torch.testing.assert_close(logits(any_lm), together, atol=1e-5, rtol=1e-5)
    merged = Steering(
        np.stack([0.8 * ROWS[0], 0.9 * ROWS[1], -0.5 * ROWS[1] + 0.3 * ROWS[0]]), layers=[0, 1, 2], amounts=[1.0] * 3
    )
    with any_lm.using(merged):
        torch.testing.assert_close(logits(any_lm), together, atol=1e-4, rtol=1e-4)


def test_in_bfloat16_it_acts_in_the_models_dtype() -> None:
    lm = make_lm("llama", dtype=torch.bfloat16)
    with lm.using(steer(keep_norm=True, condition=condition())):
        assert logits(lm).dtype == torch.bfloat16


# Kept and refused


@pytest.mark.parametrize("conditional", [False, True])
def test_it_is_saved_and_loaded_with_the_ledger(tmp_path: Path, conditional: bool) -> None:
    lm = make_lm("llama")
    change = steer(
        positions=[1, -1], keep_norm=True, source="mood", condition=condition(0.2, above=False) if conditional else None
    )
    lm.ledger.add(change)
    on = logits(lm)
    assert list(lm.ledger) == ["steer by mood at 2 layers"]
    lm.ledger.save(tmp_path / "ledger")
    lm.ledger.clear()
    (loaded,) = lm.ledger.load(tmp_path / "ledger")
    assert isinstance(loaded, Steering)
    assert (loaded.layers, loaded.positions, loaded.keep_norm, loaded.source) == ((0, 2), (1, -1), True, "mood")
    assert torch.equal(logits(lm), on)
    other = make_lm("llama", seed=1)
    with pytest.raises(FingerprintMismatchError):
        other.ledger.load(tmp_path / "ledger")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"layers": []}, r"layers=\[\]"),
        ({"layers": [1, 1]}, "each once"),
        ({"layers": [0]}, "directions has shape"),
        ({"amounts": [1.0]}, "amounts has shape"),
        ({"amounts": [[1.0, 2.0, 3.0]]}, "amounts has shape"),
        ({"amounts": [1.0, float("nan")]}, "amounts holds NaN"),
        ({"amounts": ["x", "y"]}, "amounts is not an array of numbers"),
        ({"positions": "first"}, "positions='first'"),
        ({"positions": []}, r"positions=\[\]"),
        ({"condition": Condition(ROWS[:1], [0.0], [1.0])}, r"condition.directions has shape"),
        ({"condition": Condition(ROWS, [0.0, np.inf], [1.0, 1.0])}, r"condition.middle holds NaN"),
        ({"condition": Condition(ROWS, [0.0, 0.0], [1.0, 0.0])}, r"condition.half_gap holds 0"),
        ({"condition": Condition(ROWS, [0.0, 0.0], [1.0, 1.0], float("nan"))}, r"condition.threshold=nan"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(changes: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        steer(**changes)


def test_layers_and_width_are_those_of_the_model() -> None:
    lm = make_lm("llama")
    with pytest.raises(OutOfRangeError, match="layer=7"):
        lm.ledger.add(steer(layers=[0, 7]))
    with pytest.raises(ArgumentError, match="directions have width 16; the residual stream of this model has 32"):
        lm.ledger.add(Steering(ROWS[:, :16], layers=[0, 2], amounts=[1, 1]))
    with pytest.raises(FingerprintMismatchError, match=f"{'0' * 12}; this model, tiny llama, has"):
        lm.ledger.add(steer(fingerprint="0" * 64))
    assert len(lm.ledger) == 0
