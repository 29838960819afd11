"""Results of activations that were saved elsewhere: equal to our own on the same model; wrong shapes named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, NonFiniteError
from interp_widgets.locate import saved
from interp_widgets.models.architectures import Site
from tests.tiny import make_lm

PROMPT = "The capital of Australia is"


def states_of(lm: Any, site: str = "resid_post") -> torch.Tensor:
    where = [Site(site, layer) for layer in range(lm.architecture.n_layers)]
    with torch.no_grad(), lm.run(capture=where) as run:
        lm.hidden(torch.as_tensor(lm.encode(PROMPT).ids)[None])
        return torch.stack([run.captured[one][0] for one in where])


def same_lens(found: iw.LensResult, ours: iw.LensResult) -> None:
    np.testing.assert_allclose(found.entropy, ours.entropy, atol=1e-4)
    np.testing.assert_allclose(found.divergence, ours.divergence, atol=1e-4)
    np.testing.assert_allclose(found.top_probability, ours.top_probability, atol=1e-5)
    np.testing.assert_allclose(found.log_probability, ours.log_probability, atol=1e-3)
    assert (found.followed_ids.tolist(), found.tokens) == (ours.followed_ids.tolist(), ours.tokens)
    assert (found.top_ids[..., 0] == ours.top_ids[..., 0]).mean() > 0.95  # equal logits may change places


def test_a_lens_from_states_is_ours(any_lm: Any) -> None:
    ids = lm_ids(any_lm)
    norm = any_lm.architecture.final_norm
    ours = iw.logit_lens(any_lm, PROMPT, tokens=[7])
    given: dict[str, Any] = {"tokenizer": any_lm.tokenizer, "ids": ids, "model": "elsewhere", "tokens": [7]}
    same_lens(saved.lens_from_states(states_of(any_lm), head=lambda x: any_lm.head(norm(x)), **given), ours)
    same_lens(saved.lens_from_states(states_of(any_lm).numpy(), head=lambda x: any_lm.head(norm(x)), **given), ours)


def lm_ids(lm: Any) -> list[int]:
    return [int(one) for one in lm.encode(PROMPT).ids]


def test_norm_and_matrix_are_a_head() -> None:
    lm = make_lm("llama")
    a = lm.architecture
    found = saved.lens_from_states(
        states_of(lm), head=(a.final_norm, a.unembedding.weight), tokenizer=lm.tokenizer, ids=lm_ids(lm), model="m"
    )
    same_lens(found, iw.logit_lens(lm, PROMPT))


@pytest.mark.parametrize("site", ["attn_out", "mlp_out"])
def test_what_layers_add_needs_the_final_states(site: str) -> None:
    lm = make_lm("gemma2")
    given: dict[str, Any] = {"tokenizer": lm.tokenizer, "ids": lm_ids(lm), "model": "m", "site": site}
    given["head"] = lambda x: lm.head(lm.architecture.final_norm(x))
    found = saved.lens_from_states(states_of(lm, site), final=states_of(lm)[-1], **given)
    same_lens(found, iw.logit_lens(lm, PROMPT, sites=site))
    with pytest.raises(ArgumentError, match="final: site="):
        saved.lens_from_states(states_of(lm, site), **given)


def test_a_lens_from_logits_is_ours_and_leaves_them_as_they_were() -> None:
    lm = make_lm("gpt2")
    logits = lm.head(lm.architecture.final_norm(states_of(lm))).detach()
    before = logits.clone()
    found = saved.lens_from_logits(logits, tokenizer=lm.tokenizer, ids=torch.as_tensor([lm_ids(lm)]), model="m")
    same_lens(found, iw.logit_lens(lm, PROMPT))
    torch.testing.assert_close(logits, before, atol=0, rtol=0)


def test_heads_from_weights_are_ours() -> None:
    lm = make_lm("llama")
    ours = iw.heads(lm, PROMPT, target=7)
    found = saved.heads_from_weights(
        ours.patterns, tokenizer=lm.tokenizer, ids=ours.token_ids, model="m",
        ablated=ours.ablated, value=ours.value, target=ours.target,
    )  # fmt: skip
    np.testing.assert_array_equal(found.pattern(1, 2), ours.pattern(1, 2))
    np.testing.assert_array_equal(found.effects, ours.effects)
    assert found.tokens == ours.tokens
    assert found.verdict.word == "caution"
    assert "measured elsewhere" in found.verdict.sentence
    assert "not known" in str(found)
    alone = saved.heads_from_weights(ours.patterns[1:], tokens=ours.tokens, layers=[1, 2], model="m")
    assert np.isnan(alone.effects).all()
    assert "No head was switched off" in alone.verdict.sentence
    np.testing.assert_array_equal(alone.pattern(2, 0), ours.pattern(2, 0))


def test_a_trace_from_values_is_ours() -> None:
    lm = make_lm("llama")
    ours = iw.causal_trace(lm, PROMPT, subject="Australia", kind=["hidden", "mlp"], samples=3)
    found = saved.trace_from_values(
        dict(zip(ours.kinds, ours.restored, strict=True)),
        tokens=ours.tokens, subject_tokens=ours.subject_tokens, target=ours.target, clean=ours.clean,
        corrupted=ours.corrupted, model="m",
    )  # fmt: skip
    for kind in ours.kinds:
        np.testing.assert_allclose(found.effects_of(kind), ours.effects_of(kind))
        np.testing.assert_allclose(found.errors_of(kind), ours.errors_of(kind))
    assert (found.verdict.word, found.verdict.sentence) == (ours.verdict.word, ours.verdict.sentence)
    assert found.subject == "Australia"
    mean = saved.trace_from_values(
        ours.restored[0].mean(0),
        tokens=ours.tokens, subject_tokens=ours.subject_tokens, target=ours.target, clean=ours.clean,
        corrupted=float(ours.corrupted.mean()), model="m",
    )  # fmt: skip
    np.testing.assert_allclose(mean.effects, ours.effects)
    assert mean.samples == 1


def test_patching_from_values_is_ours() -> None:
    lm = make_lm("llama")
    ours = iw.patch(lm, "The city of Paris", "The city of Sydney", target=7, foil=250, sites=["mlp_out"])
    found = saved.patch_from_values(
        {"mlp_out": ours.values[0]},
        tokens=ours.tokens, source_tokens=ours.source_tokens, alignment=ours.alignment, target=ours.target,
        foil=ours.foil, clean=ours.clean, corrupted=ours.corrupted, model="m",
    )  # fmt: skip
    np.testing.assert_allclose(found.effects, ours.effects)
    assert found.row_names == ours.row_names
    assert found.verdict.word == ours.verdict.word


def results() -> list[Any]:
    weights = np.tile(np.tril(np.ones((3, 3))) / np.arange(1, 4)[:, None], (2, 2, 1, 1))
    tokens = ["The", " city", " of"]
    lm = make_lm("llama")
    logits = np.random.default_rng(0).normal(size=(2, 3, 400))
    return [
        saved.heads_from_weights(weights, tokens=tokens, model="a served model"),
        saved.trace_from_values(
            np.full((3, 2), 0.3), tokens=tokens, subject_tokens=(1, 1), target=" Paris", clean=0.7, corrupted=0.1,
            model="a served model",
        ),
        saved.patch_from_values(
            np.full((3, 2), 0.3), tokens=tokens, source_tokens=tokens, target=" Paris", foil=" Rome", clean=2.0,
            corrupted=-1.0, model="a served model",
        ),
        saved.lens_from_logits(
            logits, tokenizer=lm.tokenizer, ids=lm.tokenizer("The city of")["input_ids"][:3], model="a served model"
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(4))
def test_they_say_where_they_come_from_and_keep(number: int, tmp_path: Path) -> None:
    result = results()[number]
    assert (result.provenance.fingerprint, result.model()) == ("", None)
    told = str(result)
    assert "a served model \u00b7 activations saved elsewhere" in told
    assert "forward pass" not in told
    back = iw.load_result(result.save(tmp_path / "saved.safetensors"))
    assert type(back) is type(result)
    assert str(back) == told
    picture = next(value for key, value in result._repr_mimebundle_().items() if key.endswith("v1+json"))
    assert picture["code"].startswith("# Made of activations that were saved elsewhere")
    assert result.plot().axes
    assert len(result.to_frame()) > 0


TOKENS = ["The", " city", " of"]
EVEN = np.tile(np.tril(np.ones((3, 3))) / np.arange(1, 4)[:, None], (2, 2, 1, 1))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": EVEN[0]}, r"weights has shape \(2, 3, 3\); \(layers, heads, tokens, tokens\)"),
        ({"weights": EVEN[..., :2]}, r"here \(\?, \?, 3, 3\)"),
        ({"weights": EVEN * 2}, "add up to 1"),
        ({"weights": EVEN.transpose(0, 1, 3, 2)}, "add up to 1"),
        ({"weights": np.full((2, 2, 3, 3), 1 / 3)}, "attends to a later one"),
        ({"weights": "none"}, "weights: an array"),
        ({"tokens": "The city of"}, "the text of each token"),
        ({"tokens": None}, "tokenizer, ids: both are needed"),
        ({"layers": [1]}, r"layers=\[1\]: 2 whole numbers"),
        ({"heads": [2, 1]}, r"heads=\[2, 1\]: from 0 on and ascending"),
        ({"ablated": np.zeros((2, 2))}, "value=None"),
        ({"ablated": np.zeros((2, 3)), "value": 1.0}, r"ablated has shape \(2, 3\)"),
        ({"ablated": np.zeros((2, 2)), "value": 1.0, "metric": "loss"}, "metric='loss'"),
        ({"model": ""}, "model='': the name"),
    ],
)
def test_weights_that_cannot_be(changes: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"weights": EVEN, "tokens": TOKENS, "model": "m", **changes}
    with pytest.raises(ArgumentError, match=words):
        saved.heads_from_weights(given.pop("weights"), **given)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"restored": np.zeros((2, 3, 4))}, r"restored\['hidden'\] has shape \(2, 3, 4\).*here \(1, \?, \?\)"),
        ({"restored": {"state": np.zeros((3, 2))}}, "restored='state': one of hidden"),
        ({"restored": {}}, "restored is empty"),
        ({"restored": np.full((3, 2), 1.5)}, "restored: probabilities go from 0 to 1"),
        ({"clean": 7.0}, "clean: probabilities"),
        ({"subject_tokens": (2, 3)}, "first and last of tokens 0 to 2"),
        ({"positions": [1, 2, 3]}, "below 3"),
        ({"corrupted": np.zeros((2, 2))}, r"corrupted has shape \(2, 2\)"),
    ],
)
def test_traces_that_cannot_be(changes: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {
        "restored": np.zeros((3, 2)),
        "tokens": TOKENS,
        "subject_tokens": (1, 1),
        "target": "x",
        "clean": 0.5,
    }
    given |= {"corrupted": 0.1, "model": "m", **changes}
    with pytest.raises(ArgumentError, match=words):
        saved.trace_from_values(given.pop("restored"), **given)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"values": np.zeros((2, 2))}, r"values\['resid_post'\] has shape \(2, 2\)"),
        ({"values": {"heads": np.zeros((3, 2))}}, "values='heads': one of resid_pre"),
        ({"source_tokens": ["The"]}, "alignment: tokens has 3, source_tokens 1"),
        ({"alignment": [0, 1, 9]}, "a token of the source, 0 to 2"),
        ({"foil": None}, "a difference needs a foil"),
        ({"metric": "loss"}, "metric='loss'"),
        ({"direction": "swap"}, "direction='swap'"),
    ],
)
def test_patches_that_cannot_be(changes: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {
        "values": np.zeros((3, 2)),
        "tokens": TOKENS,
        "source_tokens": TOKENS,
        "target": "x",
        "foil": "y",
    }
    given |= {"clean": 1.0, "corrupted": 0.0, "model": "m", **changes}
    with pytest.raises(ArgumentError, match=words):
        saved.patch_from_values(given.pop("values"), **given)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"states": torch.zeros(2, 3)}, r"states has shape \(2, 3\); \(layers, tokens, width\)"),
        ({"states": torch.zeros(2, 4, 32)}, r"here \(\?, 3, \?\)"),
        ({"ids": [1.5, 2.0, 3.0]}, "ids: token ids"),
        ({"head": 3}, "head=3: a function"),
        ({"head": lambda x: x[0]}, "it must make logits"),
        ({"head": lambda x: x @ torch.zeros(5, 5)}, r"head: it does not take states of shape \(1, 32\)"),
        ({"head": (torch.nn.Identity(), torch.zeros(400, 16))}, r"head\[1\] has shape \(400, 16\)"),
        ({"site": "resid_pre"}, "site='resid_pre'"),
        ({"k": 401}, "k=401: between 1 and 400"),
        ({"final": torch.zeros(3, 16)}, r"final has shape \(3, 16\)"),
    ],
)
def test_states_that_cannot_be(changes: dict[str, Any], words: str) -> None:
    lm = make_lm("llama")
    given: dict[str, Any] = {
        "states": torch.ones(2, 3, 32),
        "head": (torch.nn.Identity(), torch.ones(400, 32)),
        "ids": [5, 6, 7],
    }
    given |= {"tokenizer": lm.tokenizer, "model": "m", **changes}
    with pytest.raises(ArgumentError, match=words):
        saved.lens_from_states(given.pop("states"), **given)


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(NonFiniteError, match="weights"):
        saved.heads_from_weights(EVEN * np.nan, tokens=TOKENS, model="m")
    lm = make_lm("llama")
    with pytest.raises(NonFiniteError, match="logits"):
        saved.lens_from_logits(np.full((1, 3, 400), np.inf), tokenizer=lm.tokenizer, ids=[5, 6, 7], model="m")
