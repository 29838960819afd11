"""Heads switched off one by one, against a whole pass for each with the intervention that does the same."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import (
    ArgumentError,
    Cancelled,
    EmptyPromptError,
    OutOfRangeError,
    TargetError,
    TooCostlyError,
)
from interp_widgets.locate import heads as module
from interp_widgets.locate.heads_verdict import diagnose, judge
from interp_widgets.models.architectures import Site
from interp_widgets.models.question import ask
from tests.tiny import make_lm

PROMPT = "The capital of Australia is"


def off(lm: Any, layer: int, head: int, **asked: Any) -> tuple[float, int, float]:
    """Number, first choice and its probability of whole passes with the head ablated."""
    with lm.using(iw.Ablation(layer=layer, head=head, positions=asked.pop("positions", "all"))):
        question = ask(lm, lm.encode(PROMPT), asked.get("target"), asked.get("foil"), asked.get("metric"))
        best = question.candidates[0]
        return question.value, best.id, best.probability


def same(lm: Any, found: iw.HeadsResult, **asked: Any) -> None:
    for i, layer in enumerate(found.layers.tolist()):
        for j, head in enumerate(found.heads.tolist()):
            value, best, p = off(lm, layer, head, **asked)
            assert found.ablated[i, j] == pytest.approx(value, abs=2e-4)
            assert found.answer_probability[i, j] == pytest.approx(p, abs=1e-4)
            if p > 0.05:
                assert found.answer_ids[i, j] == best


def test_it_is_a_whole_pass_with_the_head_ablated(any_lm: Any) -> None:
    found = iw.heads(any_lm, PROMPT, target=7)
    assert found.ablated.shape == (any_lm.architecture.n_layers, any_lm.architecture.n_heads)
    assert found.key_value_heads == any_lm.architecture.n_key_value_heads
    assert (found.metric, found.unit, found.ablation) == ("log-probability", "log-probability", "zero")
    same(any_lm, found, target=7, metric="log-probability")
    np.testing.assert_array_equal(found.effects, found.ablated - found.value)


@pytest.mark.parametrize("family", ["gpt2", "qwen3", "gemma3_text"])
@pytest.mark.parametrize(
    "asked",
    [
        {"target": [7, 250, 31], "metric": "log-probability"},
        {"target": [7, 250, 31], "foil": [9, 12]},
        {"target": 7, "foil": 250},
        {"target": 7, "metric": "logit"},
        {"metric": "entropy"},
    ],
)
def test_targets_and_foils_of_several_tokens(family: str, asked: dict[str, Any]) -> None:
    lm = make_lm(family)
    same(lm, iw.heads(lm, PROMPT, layers=[0, 2], heads=[1, 3], **asked), **asked)


def test_a_text_longer_than_a_sliding_window_and_batches() -> None:
    lm = make_lm("gemma2", sliding_window=4)
    whole = iw.heads(lm, PROMPT, target=7)
    same(lm, whole, target=7, metric="log-probability")
    pieces = iw.heads(lm, PROMPT, target=7, batch_size=1)
    np.testing.assert_allclose(pieces.ablated, whole.ablated, atol=2e-5)
    assert pieces.provenance.batch_size == 1


def test_positions_limit_where_a_head_is_off() -> None:
    lm = make_lm("llama")
    found = iw.heads(lm, PROMPT, target=[7, 250], positions=[-1, 1], metric="log-probability")
    n = len(lm.encode(PROMPT))
    assert found.positions.tolist() == [1, n - 1]
    same(lm, found, target=[7, 250], metric="log-probability", positions=[1, -1])


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2"])
def test_the_mean_of_a_head_over_the_prompt(family: str) -> None:
    lm = make_lm(family)
    a = lm.architecture
    found = iw.heads(lm, PROMPT, target=7, ablation="mean")
    ids = torch.as_tensor(lm.encode(PROMPT).ids)[None]
    for layer in range(a.n_layers):
        for head in range(a.n_heads):
            columns = slice(head * a.head_dim, (head + 1) * a.head_dim)

            def put(inner: Any, inputs: Any, columns: slice = columns) -> Any:
                changed = inputs[0].clone()
                changed[..., columns] = changed[..., columns].mean(1, keepdim=True)
                return (changed, *inputs[1:])

            handle = a.module(Site("head_out", layer))[0].register_forward_pre_hook(put)
            with torch.no_grad():
                log_p = lm.model(input_ids=ids).logits[0, -1].log_softmax(-1)
            handle.remove()
            assert found.ablated[layer, head] == pytest.approx(float(log_p[7]), abs=2e-4)
    assert found.ablation == "mean"


def test_patterns_are_attention(any_lm: Any) -> None:
    found = iw.heads(any_lm, PROMPT, layers=[-1, 0], heads=[2])
    assert found.layers.tolist() == [0, any_lm.architecture.n_layers - 1]
    pattern = found.pattern(0, 2)
    n = len(found.tokens)
    assert found.patterns.shape == (2, 1, n, n)
    assert pattern.dtype == np.float32
    np.testing.assert_allclose(pattern.sum(-1), 1, atol=1e-5)
    assert (np.triu(pattern, 1) == 0).all()
    ids = torch.as_tensor(any_lm.encode(PROMPT).ids)[None]
    before = any_lm.model.config._attn_implementation
    any_lm.model.set_attn_implementation("eager")
    with torch.no_grad():
        theirs = any_lm.model(input_ids=ids, output_attentions=True).attentions
    any_lm.model.set_attn_implementation(before)
    np.testing.assert_allclose(pattern, theirs[0][0, 2].numpy(), atol=1e-5)
    np.testing.assert_allclose(found.patterns[1, 0], theirs[-1][0, 2].numpy(), atol=1e-5)


def test_interventions_act_on_all_of_it() -> None:
    lm = make_lm("llama")
    plain = iw.heads(lm, PROMPT, target=7)
    with lm.using(iw.Ablation(layer=0, head=1)):
        changed = iw.heads(lm, PROMPT, target=7)
    assert changed.value == pytest.approx(plain.ablated[0, 1], abs=2e-4)
    assert changed.effect(0, 1) == pytest.approx(0, abs=1e-5)
    assert changed.provenance.interventions == ("ablate head 1 of layer 0",)
    assert not np.allclose(changed.patterns[1], plain.patterns[1], atol=1e-4)


def test_it_saves_and_loads(tmp_path: Path) -> None:
    lm = make_lm("llama")
    found = iw.heads(lm, PROMPT, target=7, foil=250, layers=[1], positions=[-1])
    back = iw.load_result(found.save(tmp_path / "heads.safetensors"))
    assert isinstance(back, iw.HeadsResult)
    for name in ("patterns", "ablated", "answer_ids", "answer_probability", "layers", "heads", "positions", "spans"):
        np.testing.assert_array_equal(getattr(back, name), getattr(found, name))
    for name in ("tokens", "words", "top", "verdict", "diagnostics", "provenance", "target", "foil", "value"):
        assert getattr(back, name) == getattr(found, name)
    assert back.model() is lm
    assert back.to_frame().equals(found.to_frame())


def test_the_frame_has_a_row_for_each_head() -> None:
    lm = make_lm("llama")
    found = iw.heads(lm, PROMPT, target=7)
    frame = found.to_frame()
    row = frame[(frame.layer == 2) & (frame["head"] == 1)].iloc[0]
    assert row.value == found.ablated[2, 1]
    assert row.effect == found.effect(2, 1)
    assert row.answer == found.words[int(found.answer_ids[2, 1])]
    assert len(frame) == found.ablated.size


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"heads": [4]}, OutOfRangeError, "heads 0 to 3; its 4 query heads share 2 key-value heads"),
        ({"layers": [3]}, OutOfRangeError, "layers 0 to 2"),
        ({"positions": [40]}, OutOfRangeError, "positions 0 to"),
        ({"heads": []}, ArgumentError, "heads=[]"),
        ({"heads": 3}, ArgumentError, "heads=3: give a list"),
        ({"ablation": "noise"}, ArgumentError, "ablation='noise': one of zero, mean"),
        ({"metric": "difference"}, ArgumentError, "needs a foil"),
        ({"batch_size": 0}, ArgumentError, "batch_size=0"),
        ({"target": ""}, TargetError, "target"),
        ({"confirm": False}, Cancelled, "not confirmed"),
        ({"confirm": lambda cost: cost.forward_passes > 1000}, Cancelled, "not confirmed"),
    ],
)
def test_bad_input(asked: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        iw.heads(make_lm("llama"), PROMPT, **asked)
    assert words in str(caught.value)


def test_a_model_without_shared_heads_says_nothing_of_them() -> None:
    with pytest.raises(OutOfRangeError) as caught:
        iw.heads(make_lm("gpt2"), PROMPT, heads=[4])
    assert "key-value" not in str(caught.value)


def test_a_prompt_is_needed() -> None:
    with pytest.raises(EmptyPromptError):
        iw.heads(make_lm("llama"), "")


def test_patterns_of_a_long_prompt_are_restricted(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("llama")
    n = len(lm.encode(PROMPT))
    monkeypatch.setattr(module, "PATTERN_BYTES", 4 * 4 * n * n * 2)  # two layers
    with pytest.raises(ArgumentError, match="at most 2 layers at a time"):
        iw.heads(lm, PROMPT)
    assert iw.heads(lm, PROMPT, layers=[0, 2]).patterns.shape[0] == 2
    monkeypatch.setattr(module, "PATTERN_BYTES", 4 * n * n)
    with pytest.raises(ArgumentError, match="at most 1 heads"):
        iw.heads(lm, PROMPT)
    monkeypatch.setattr(module, "PATTERN_BYTES", n)
    with pytest.raises(ArgumentError, match="shorten the prompt"):
        iw.heads(lm, PROMPT)


def test_minutes_are_refused_unless_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("llama")
    monkeypatch.setattr("interp_widgets.results.cost.REFUSED_SECONDS", 0.0)
    with pytest.raises(TooCostlyError, match="confirm=True"):
        iw.heads(lm, PROMPT)
    assert iw.heads(lm, PROMPT, confirm=True).ablated.shape == (3, 4)


def test_the_estimate_counts_the_passes() -> None:
    lm = make_lm("llama")
    for asked in ({}, {"target": [7, 250], "foil": 9}, {"layers": [1], "heads": [0]}):
        cost = iw.estimate(iw.heads, lm, PROMPT, **asked)
        assert cost.forward_passes == pytest.approx(iw.heads(lm, PROMPT, **asked).forward_passes, abs=3)
        assert cost.seconds > 0
        assert cost.bytes > 0
    late = iw.estimate(iw.heads, lm, PROMPT, layers=[2])
    assert late.seconds < iw.estimate(iw.heads, lm, PROMPT, layers=[0]).seconds


def test_it_tells_how_far_it_is_and_stops() -> None:
    lm = make_lm("llama")
    told: list[tuple[int, int]] = []
    iw.heads(lm, PROMPT, progress=lambda done, total, text: told.append((done, total)))
    assert told[-1][0] == told[-1][1]
    assert all(0 < done <= total for done, total in told)
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        iw.heads(lm, PROMPT, cancel=cancel)
    assert iw.heads(lm, PROMPT).ablated.shape == (3, 4)


# The verdict


def figures(**changes: Any) -> dict[str, float]:
    given: dict[str, Any] = {
        "effects": np.asarray([-4.0, -1.0, 0.1, 0.0]),
        "checked": np.asarray([-4.0, -1.0]),
        "swapped": np.asarray([-3.0, -0.5]),
        "joint": -5.5,
        "apart": np.asarray([-4.0, -1.0]),
        "changed": 1,
        "last": np.asarray([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.1, 0.9]], np.float32),
    }
    return diagnose(**{**given, **changes})


def word(found: dict[str, float]) -> str:
    return judge(found, ablation="zero", unit="log-probability", strongest=(3, 1)).word


def test_the_figures_by_hand() -> None:
    found = figures()
    assert found["kept"] == pytest.approx(3.5 / 5)
    assert (found["joint"], found["apart"], found["changed"], found["strongest"]) == (-5.5, -5.0, 1, -4.0)
    assert (found["focused"], found["idle"]) == (3, 2)
    assert found["attention_correlation"] == pytest.approx(-0.8)  # of the ranks 1 3 2 4 and 4 3 2 1


def test_the_word_follows() -> None:
    assert word(figures()) == "trust"
    assert word(figures(swapped=np.asarray([-0.5, 0.2]))) == "do not trust"
    assert word(figures(swapped=np.asarray([3.0, 0.5]))) == "do not trust"  # the other way round
    assert word(figures(swapped=np.asarray([-1.5, -0.5]))) == "caution"
    assert word(figures(joint=-11.0)) == "caution"
    assert word(figures(changed=0)) == "caution"
    nothing = np.zeros(2)
    assert word(figures(effects=np.zeros(4), checked=nothing, swapped=nothing, joint=None)) == "caution"


def test_zero_on_the_default_model_is_not_what_the_heads_say(default_lm: Any) -> None:
    zero = iw.heads(default_lm, PROMPT)
    mean = iw.heads(default_lm, PROMPT, ablation="mean")
    assert zero.verdict.word == "do not trust"
    assert "ablation='mean'" in zero.verdict.why[0]
    assert zero.diagnostics["kept"] < 0.2 < mean.diagnostics["kept"]
    value, best, p = off(default_lm, 23, 4, metric="log-probability", target=" Sydney")
    assert zero.ablated[23, 4] == pytest.approx(value, abs=1e-4)
    assert zero.answer_probability[23, 4] == pytest.approx(p, abs=1e-4)
    assert zero.answer_ids[23, 4] == best
