"""Erasers inside a model: fitted on what the erased layers below give, undone exactly, on every architecture."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.erasure import Eraser, ErasureWarning, LabelledTexts, labelled_set, labelled_states, scrub
from interp_widgets.erasure.sweep import ORDER, Sweep, labelled_tokens, strata_of
from interp_widgets.errors import (
    ArgumentError,
    Cancelled,
    FingerprintMismatchError,
    OutOfRangeError,
    TooCostlyError,
)
from interp_widgets.interventions.erased import Erased
from interp_widgets.models.architectures import Site
from interp_widgets.results.cost import Cost
from tests.erasure.made_states import cross_covariance
from tests.interventions.state import IDS, count_hooks, logits
from tests.tiny import make_lm

TEXTS = labelled_set("grammatical_gender", each=2).take(120)


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama")


def states_at(lm: Any, texts: LabelledTexts, site: Site) -> tuple[Any, Any]:
    """(states of the labelled tokens, their labels), each text alone and from the start."""
    rows, labels = [], []
    for text, label, (start, end) in zip(texts.texts, texts.labels, texts.spans, strict=True):
        encoded = lm.encode(text)
        with torch.no_grad(), lm.run(capture=[site]) as run:
            lm.hidden(torch.as_tensor(encoded.ids)[None])
        for i, (a, b) in enumerate(encoded.spans):
            if i and a < end and b > start:
                rows.append(run.captured[site][0, i].double().numpy())
                labels.append(label)
    return np.asarray(rows), np.asarray(labels)


def test_the_concept_is_gone_at_every_layer(any_lm: Any) -> None:
    before = logits(any_lm)
    hooks = count_hooks(any_lm.model)
    x = scrub(any_lm, TEXTS)
    assert x.layers == (0, 1, 2)
    assert x.ranks == (1, 1, 1)
    assert x.enabled
    assert not torch.equal(logits(any_lm), before)
    for layer in range(3):
        states, labels = states_at(any_lm, TEXTS, Site("resid_post", layer))
        assert np.abs(cross_covariance(states, labels)).max() < 1e-5  # float32 in the model
    x.undo()
    assert torch.equal(logits(any_lm), before)
    assert count_hooks(any_lm.model) == hooks
    states, labels = states_at(any_lm, TEXTS, Site("resid_post", 2))
    assert np.abs(cross_covariance(states, labels)).max() > 1e-3


def test_a_sweep_reads_what_whole_passes_read(any_lm: Any) -> None:
    texts = TEXTS.take(20)
    tokens = labelled_tokens(any_lm, texts)
    change = iw.AddedVector(np.linspace(-1, 1, 32), layer=1, positions="last")
    kinds = {kind: (kind, 2 if kind == "resid_post" else 1) for kind in ORDER}
    with any_lm.using(change), any_lm.run() as run:
        sweep = Sweep(any_lm, tokens, run.snapshot.changes)
        found = {}
        for layer in range(3):
            for kind, at in kinds.values():
                if at == layer:
                    found[kind] = sweep.read(layer, kind)
            sweep.move(layer)
        for kind, at in kinds.values():
            states, _ = states_at(any_lm, texts, Site(kind, at))
            np.testing.assert_allclose(found[kind], states, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("site", ["resid_post", "mlp_key"])
def test_states_as_arrays(lm: Any, site: str) -> None:
    texts = TEXTS.take(20)
    found = labelled_states(lm, texts, layer=1, site=site)
    states, labels = states_at(lm, texts, Site(site, 1))
    np.testing.assert_allclose(found.states, states, rtol=1e-4, atol=1e-4)
    assert found.labels.tolist() == labels.tolist()
    assert found.template.tolist() == [texts.templates[i] for i in found.text]
    for i in range(len(found)):
        assert lm.encode(texts.texts[found.text[i]]).ids[found.position[i]] == found.word[i]
    with lm.using(iw.Ablation(layer=0, site="mlp_out")):
        assert np.abs(labelled_states(lm, texts, layer=1, site=site).states - found.states).max() > 0.01
    with pytest.raises(ArgumentError, match="site='resid'"):
        labelled_states(lm, texts, layer=1, site="resid")


@pytest.mark.parametrize("site", ["resid_pre", "attn_out", "mlp_out", "mlp_key", "head_out", ["mlp_out", "attn_out"]])
def test_other_sites(lm: Any, site: Any) -> None:
    x = scrub(lm, TEXTS, layers=[1, 2], site=site)
    kinds = ["attn_out", "mlp_out"] if isinstance(site, list) else [site]
    assert x.places == tuple((kind, layer) for layer in (1, 2) for kind in kinds)
    for kind, layer in x.places:
        states, labels = states_at(lm, TEXTS, Site(kind, layer))
        assert np.abs(cross_covariance(states, labels)).max() < 1e-5
    x.undo()


def test_one_layer_is_the_eraser_of_its_states(lm: Any) -> None:
    states, labels = states_at(lm, TEXTS, Site("resid_post", 1))
    eraser = Eraser.fit(states, labels)
    x = iw.erase(lm, TEXTS, layer=1)
    np.testing.assert_allclose(x.lefts[0] @ x.rights[0], eraser.left @ eraser.right, atol=1e-4)
    x.undo()
    with lm.using(eraser.at(1)):
        one = logits(lm)
    with lm.using(x):
        torch.testing.assert_close(logits(lm), one, atol=1e-3, rtol=1e-3)


def test_what_is_active_counts_and_is_noted(lm: Any) -> None:
    plain = iw.erase(lm, TEXTS, layer=2)
    plain.undo()
    vector = lm.ledger.add(iw.AddedVector(np.linspace(-3, 3, 32) ** 2, layer=1), name="push")
    under = iw.erase(lm, TEXTS, layer=2, name="no gender")
    assert under.about["fitted_under"] == ["push"]
    assert plain.about["fitted_under"] == []
    assert np.abs((plain.means[0] - under.means[0]).numpy()).max() > 0.1
    assert "no gender" in lm.ledger
    lm.ledger.remove(under)
    lm.ledger.remove(vector)


@pytest.mark.parametrize("method", ["inlp", "mean_difference", "random"])
def test_other_methods_run_inside(lm: Any, method: str) -> None:
    settings: dict[str, Any] = {"rounds": 2} if method == "inlp" else {}
    x = scrub(lm, TEXTS, layers=[0, 2], method=method, **settings)
    assert x.about["method"] == method
    assert all(rank >= 1 for rank in x.ranks)
    states, labels = states_at(lm, TEXTS, Site("resid_post", 2))
    gone = np.abs(cross_covariance(states, labels)).max() < 1e-5
    assert gone == (method == "mean_difference")
    x.undo()


@pytest.mark.parametrize("positions", ["last", [2, -1]])
def test_it_acts_where_it_is_told_to(lm: Any, positions: Any) -> None:
    x = iw.erase(lm, TEXTS, layer=1, positions=positions)
    site = Site("resid_post", 1)
    with torch.no_grad(), lm.run(capture=[site], before=[site]) as run:
        lm.hidden(IDS)
    moved = (run.captured[site] != run.given[site]).any(-1)[0].tolist()
    assert moved == [i in ((5,) if positions == "last" else (2, 5)) for i in range(6)]
    x.undo()


def test_strata_inside(lm: Any) -> None:
    x = iw.erase(lm, TEXTS, layer=1, strata=True)
    found = labelled_states(lm, TEXTS, layer=1)
    kinds = np.asarray(strata_of(TEXTS, labelled_tokens(lm, TEXTS)))
    assert {"she+0", "her+0", "she+1", "she+8"} <= set(kinds)
    for kind in ("she+0", "her+1", "she+8"):
        own = kinds == kind
        assert np.abs(cross_covariance(found.states[own].astype(float), found.labels[own])).max() < 1e-4
    assert x.ranks[0] > 4
    x.undo()


def test_plain_texts_with_labels(lm: Any) -> None:
    texts = [f"The {word} is warm" for word in ("room", "window", "city", "capital")] * 5
    labels = [0, 0, 1, 1] * 5
    with pytest.warns(ErasureWarning, match="20 states of 32 dimensions"):
        x = iw.erase(lm, texts, labels, layer=1)
    assert x.about["classes"] == [0, 1]
    assert x.about["notes"]
    x.undo()
    assert iw.erase(lm, texts, labels, layer=[1, 0], spans="all").layers == (0, 1)
    lm.ledger.clear()


def test_saved_and_loaded(lm: Any, tmp_path: Path) -> None:
    x = scrub(lm, TEXTS, layers=[0, 2], positions=[1, 2, 3])
    with_it = logits(lm)
    x.save(tmp_path / "eraser.safetensors")
    lm.ledger.clear()
    again = lm.ledger.load(tmp_path / "eraser.safetensors")[0]
    assert isinstance(again, Erased)
    assert torch.equal(logits(lm), with_it)
    assert again.about == x.about
    assert set(again.fitted_on) == set(TEXTS.hashes)
    assert set(again.templates) == set(TEXTS.template_hashes)
    lm.ledger.clear()
    other = make_lm("llama", seed=1)
    with pytest.raises(FingerprintMismatchError, match="saved for tiny llama"):
        other.ledger.load(tmp_path / "eraser.safetensors")
    with pytest.raises(FingerprintMismatchError, match="was fitted to a model"):
        other.ledger.add(x)


def test_in_half_precision(lm: Any) -> None:
    half = make_lm("llama", dtype=torch.bfloat16)
    x = iw.erase(half, TEXTS, layer=1)
    assert np.isfinite(logits(half).float().numpy()).all()
    x.undo()


def test_cancelled_and_interrupted_leaves_nothing(lm: Any) -> None:
    hooks = count_hooks(lm.model)
    stop = threading.Event()
    told = []

    def progress(done: int, total: int, text: str) -> None:
        told.append((done, total, text))
        if done:
            stop.set()

    with pytest.raises(Cancelled):
        scrub(lm, TEXTS, progress=progress, cancel=stop)
    assert told[0] == (0, 3 * len(TEXTS), "layer 0")
    assert len(lm.ledger) == 0
    assert count_hooks(lm.model) == hooks


def test_progress_ends_at_its_end(lm: Any) -> None:
    told: list[tuple[int, int, str]] = []
    scrub(lm, TEXTS, layers=[1], progress=lambda *step: told.append(step)).undo()
    assert [text for *_, text in told] == ["layer 0", "layer 1", "erasers"]
    assert told[-1][0] == told[-1][1]


def test_its_cost_is_told_and_asked_about(lm: Any) -> None:
    asked: list[Cost] = []

    def refuse(cost: Cost) -> bool:
        asked.append(cost)
        return False

    with pytest.raises(Cancelled, match="not confirmed"):
        scrub(lm, TEXTS, confirm=refuse)
    assert asked == [iw.estimate(scrub, lm, TEXTS)]
    one = iw.estimate(iw.erase, lm, TEXTS, layer=0)
    assert one.seconds < asked[0].seconds
    assert asked[0].forward_passes == len(TEXTS)
    slow = make_lm("llama")
    slow.seconds_per_token = 10.0
    with pytest.raises(TooCostlyError, match=r"Take fewer texts"):
        scrub(slow, TEXTS)


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"method": "quadratic"}, ArgumentError, "needs the label of every token"),
        ({"method": "lace"}, ArgumentError, "Did you mean 'leace'"),
        ({"layers": [5]}, OutOfRangeError, "layer=5: llama has layers 0 to 2"),
        ({"layers": [1, 1]}, ArgumentError, "each once"),
        ({"layers": []}, ArgumentError, "at least one layer"),
        ({"site": "resid"}, ArgumentError, "site='resid': one of"),
        ({"positions": "first"}, ArgumentError, "positions='first'"),
        ({"labels": ["a"]}, ArgumentError, "labels of their own"),
        ({"texts": ["She is", "He is"]}, ArgumentError, "labels is missing"),
        ({"texts": ["T", "T"], "labels": ["a", "b"]}, ArgumentError, "no labelled token after its first one"),
    ],
)
def test_what_cannot_be_scrubbed(lm: Any, settings: dict[str, Any], error: type[Exception], said: str) -> None:
    settings = {"texts": TEXTS, **settings}
    with pytest.raises(error, match=said):
        scrub(lm, settings.pop("texts"), settings.pop("labels", None), **settings)
    assert len(lm.ledger) == 0


def test_places_that_cannot_be(lm: Any) -> None:
    parts: Any = ([np.zeros(32)], [np.zeros((32, 1))], [np.zeros((1, 32))])
    with pytest.raises(ArgumentError, match="at least one"):
        Erased([], [], [], [])
    with pytest.raises(ArgumentError, match="site='resid'"):
        Erased([("resid", 1)], *parts)
    with pytest.raises(ArgumentError, match=r"rights\[0\] has shape"):
        Erased([("resid_post", 1)], parts[0], parts[1], [np.zeros((2, 32))])
    with pytest.raises(ArgumentError, match="2 places"):
        Erased([("resid_post", 1), ("resid_post", 2)], *parts)
    with pytest.raises(ArgumentError, match="32 numbers; this model has 48"):
        lm.ledger.add(Erased([("mlp_key", 1)], *parts))
