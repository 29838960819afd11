"""The lens against the plain computation: all logits at once, by hand."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.locate.lens_payload import MIME_TYPE
from interp_widgets.models.architectures import Site
from tests.tiny import make_lm

PROMPT = "The capital of Australia is"


def by_hand(lm: Any, site: str) -> Any:
    """log-probabilities (positions, layers, vocabulary), from one pass of the Hugging Face model and plain hooks."""
    a = lm.architecture
    caught: dict[int, torch.Tensor] = {}
    handles = []
    for layer in range(a.n_layers):
        module, _ = a.module(Site(site, layer))

        def keep(module: Any, inputs: Any, output: Any, layer: int = layer) -> None:
            caught[layer] = output[0] if isinstance(output, tuple) else output

        handles.append(module.register_forward_hook(keep))
    ids = torch.as_tensor(lm.encode(PROMPT).ids)[None]
    with torch.no_grad():
        logits = lm.model(input_ids=ids).logits
        for handle in handles:
            handle.remove()
        states = torch.stack([caught[layer][0] for layer in range(a.n_layers)], dim=1)
        lens = a.finish_logits(a.unembedding(a.final_norm(states)))
    return lens.double().log_softmax(-1).numpy(), logits[0].double().log_softmax(-1).numpy()


@pytest.mark.parametrize("site", ["resid_post", "attn_out", "mlp_out"])
def test_it_is_the_plain_computation(any_lm: Any, site: str) -> None:
    expected, final = by_hand(any_lm, site)
    found = iw.logit_lens(any_lm, PROMPT, sites=site, tokens=[7, 250], k=3, batch_size=2)
    p = np.exp(expected)
    assert found.entropy.shape == expected.shape[:2]
    np.testing.assert_allclose(found.entropy, -(p * expected).sum(-1), atol=1e-4)
    np.testing.assert_allclose(found.divergence, (p * (expected - final[:, None])).sum(-1), atol=1e-4)
    np.testing.assert_allclose(found.top_probability, np.sort(p, -1)[..., ::-1][..., :3], atol=1e-5)
    for i, token in enumerate(found.followed_ids):
        np.testing.assert_allclose(found.log_probability[..., i], expected[..., token], atol=1e-3)
        ranks = 1 + (expected > expected[..., [token]]).sum(-1)
        assert (np.abs(found.rank[..., i] - ranks) <= 1).mean() > 0.95  # equal logits may change places
    assert found.followed_ids[0] == final[-1].argmax()
    assert found.followed_ids[1:].tolist() == [7, 250]


def test_the_last_layer_says_what_the_model_says(any_lm: Any) -> None:
    found = iw.logit_lens(any_lm, PROMPT)
    best = any_lm.next_token(PROMPT, 5)
    assert [word for word, _ in found.top(-1)] == [word for word, _ in best]
    np.testing.assert_allclose([p for _, p in found.top(-1)], [p for _, p in best], rtol=1e-4)
    np.testing.assert_allclose(found.divergence[:, -1], 0, atol=1e-6)
    assert (found.rank[-1, -1, 0], found.leads_from() is not None) == (1, True)


def test_pieces_and_positions_change_nothing() -> None:
    lm = make_lm("gemma2")
    whole = iw.logit_lens(lm, PROMPT)
    pieces = iw.logit_lens(lm, PROMPT, batch_size=1)
    np.testing.assert_allclose(pieces.entropy, whole.entropy, atol=1e-5)
    some = iw.logit_lens(lm, PROMPT, positions=[1, -1])
    assert some.tokens == (whole.tokens[1], whole.tokens[-1])
    np.testing.assert_allclose(some.log_probability, whole.log_probability[[1, -1]], atol=1e-5)


@pytest.mark.parametrize("site", ["resid_post", "attn_out"])
def test_leaders_are_followed_through_all_layers(any_lm: Any, site: str) -> None:
    expected, _ = by_hand(any_lm, site)
    found = iw.logit_lens(any_lm, PROMPT, sites=site)
    for place in range(len(found.positions)):
        first = set(found.top_ids[place, :, 0].tolist())
        own = [int(i) for i in found.leader_ids[place] if i >= 0]
        assert set(own) == first
        assert own[0] == found.top_ids[place, -1, 0]
        for i, token in enumerate(own):
            np.testing.assert_allclose(found.leader_log_probability[place, :, i], expected[place, :, token], atol=1e-3)
    at = found.leader_log_probability[:, -1, 0]
    np.testing.assert_allclose(np.exp(at), found.top_probability[:, -1, 0], rtol=1e-6)


def test_layers_are_handed_over_as_they_are_read_the_last_one_first() -> None:
    lm, seen = make_lm("llama"), list[iw.LensResult]()
    whole = iw.logit_lens(lm, PROMPT, partial=seen.append)
    assert [part.read.sum(0).tolist() for part in seen] == [[0, 0, 5], [0, 5, 5], [5, 5, 5]]
    assert not any(part.complete for part in seen)
    assert whole.complete
    np.testing.assert_array_equal(seen[0].entropy[:, 2], whole.entropy[:, 2])
    assert np.isnan(seen[0].entropy[:, 0]).all()
    assert "nan" not in str(seen[0])
    assert seen[0].story() == f"{seen[0].story().split(' leads')[0]} leads at layer 2"
    groups = list[iw.LensResult]()
    iw.logit_lens(lm, PROMPT, partial=groups.append, batch_size=2)
    assert [int(part.read.sum()) for part in groups] == [2, 4, 6, 8, 10, 12, 13, 14, 15]
    assert len(seen[0].to_frame()) == 15


def test_interventions_act_and_are_named() -> None:
    lm = make_lm("llama")
    before = iw.logit_lens(lm, PROMPT)
    with lm.using(iw.Ablation(layer=1, site="attn_out")):
        after = iw.logit_lens(lm, PROMPT)
    np.testing.assert_allclose(after.entropy[:, 0], before.entropy[:, 0], atol=1e-6)
    assert np.abs(after.entropy[:, 1] - before.entropy[:, 1]).max() > 1e-4
    assert after.provenance.interventions == ("ablate attn_out of layer 1",)


def made(best: list[int], words: dict[int, str]) -> iw.LensResult:
    """A result of one position whose best tokens are given, layer by layer."""
    from dataclasses import replace

    layers = len(best)
    found = iw.logit_lens(make_lm("llama"), PROMPT, positions=[-1], k=1)
    followed = [best[-1], *sorted(set(best) - {best[-1]})]
    return replace(
        found,
        top_ids=np.asarray(best)[None, :, None],
        top_probability=np.full((1, layers, 1), 0.5),
        entropy=np.zeros((1, layers)),
        divergence=np.zeros((1, layers)),
        followed=tuple(words[i] for i in followed),
        followed_ids=np.asarray(followed),
        rank=np.asarray([[[1 if b == f else 2 for f in followed] for b in best]]),
        log_probability=np.zeros((1, layers, len(followed))),
        words=words,
        leader_ids=np.asarray([followed]),
        leader_log_probability=np.zeros((1, layers, len(followed))),
    )


def test_who_leads_when() -> None:
    words = {1: " Sydney", 2: " Canberra"}
    turned = made([2, 1, 1, 1, 1, 1, 1, 2, 2], words)
    assert turned.leads_from(" Canberra") == 7
    assert turned.leads_from(" Sydney") is None
    assert turned.story() == "·Sydney leads at layer 6, ·Canberra at layers 7 to 8"
    always = made([2, 2, 2], words)
    assert always.leads_from() == 0
    assert always.story() == "·Canberra leads at layer 2"
    with pytest.raises(ArgumentError, match="token=' Perth'"):
        turned.leads_from(" Perth")


def test_round_trip_and_forms(tmp_path: Path) -> None:
    lm = make_lm("llama")
    found = iw.logit_lens(lm, "<b>The capital</b> of")
    again = iw.load_result(found.save(tmp_path / "lens.safetensors"))
    assert isinstance(again, iw.LensResult)
    assert again.words == found.words
    np.testing.assert_array_equal(again.rank, found.rank)
    assert str(again) == str(found)
    positions, layers = found.entropy.shape
    assert len(again.to_frame()) == positions * layers
    bundle = found._repr_mimebundle_()
    assert {"text/plain", "text/html", MIME_TYPE} <= set(bundle)
    figure = found.plot()
    drawn = np.asarray(figure.axes[0].get_images()[0].get_array())
    np.testing.assert_allclose(drawn.T, found.top_probability[..., 0])
    assert len(figure.axes[0].texts) == positions * layers


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sites": "resid_mid"}, "sites='resid_mid': one of resid_post, attn_out, mlp_out"),
        ({"k": 0}, "k=0: between 1 and 400"),
        ({"positions": [99]}, r"positions=\[99\]: the prompt has positions 0 to"),
        ({"positions": []}, r"positions=\[\]"),
        ({"tokens": " Sydney"}, r"is one string; give a list"),
        ({"tokens": [" unbelievable"]}, r"is \d+ tokens; the lens follows single ones"),
        ({"tokens": [4_000]}, "tokens=4000: token ids go from 0 to 399"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        iw.logit_lens(make_lm("llama"), PROMPT, **change)


def test_the_estimate_is_mostly_the_head() -> None:
    lm = make_lm("llama")
    all_of_it, one = iw.estimate(iw.logit_lens, lm, PROMPT), iw.estimate(iw.logit_lens, lm, PROMPT, positions=[-1])
    assert all_of_it.forward_passes == one.forward_passes == 1
    assert all_of_it.seconds > one.seconds > 0
    assert all_of_it.bytes > one.bytes > 0


def test_it_can_be_cancelled_and_refused() -> None:
    lm, flag = make_lm("llama"), threading.Event()
    flag.set()
    with pytest.raises(Cancelled):
        iw.logit_lens(lm, PROMPT, cancel=flag)
    with pytest.raises(Cancelled, match="not confirmed"):
        iw.logit_lens(lm, PROMPT, confirm=lambda cost: cost.forward_passes > 1)


@pytest.mark.default_model
def test_where_the_default_model_finds_the_capital(default_lm: Any) -> None:
    found = iw.logit_lens(default_lm, PROMPT, tokens=[" Sydney", " Canberra"])
    assert found.followed == (" Sydney", " Canberra")
    (word, p), *_ = found.top(-1, k=2)
    assert word == " Sydney"
    assert p == pytest.approx(0.362, abs=2e-3)
    start = found.leads_from()
    assert start is not None
    assert 18 <= start <= 29
