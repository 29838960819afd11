"""Activation patching against one whole forward pass for each cell, with plain hooks; the estimate against gradients by
finite differences."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, Cancelled, OutOfRangeError, TooCostlyError
from interp_widgets.models.architectures import Site
from tests.tiny import make_lm

CLEAN = "The capital of Australia is"
CORRUPTED = "The city of Australia is"  # one token in another place of the tiny tokenizer's text is enough
KINDS = {"heads": "head_out", "neurons": "mlp_key"}


def pair_of(lm: Any) -> tuple[list[int], list[int]]:
    """Token ids of equal length that differ at position 2."""
    clean = lm.encode(CLEAN).ids.tolist()
    return clean, [*clean[:2], clean[2] + 1, *clean[3:]]


def run(lm: Any, ids: list[int], at: Site | None = None, put: Any = None) -> tuple[Any, Any]:
    """Logits after each token (tokens, vocabulary) and the activation at a site, changed by `put`."""
    kept: list[torch.Tensor] = []
    handles = []
    if at is not None:
        module, where = lm.architecture.module(at)

        def act(packed: Any) -> Any:
            activation = packed[0] if isinstance(packed, tuple) else packed
            kept.append(activation.clone())
            if put is None:
                return None
            changed = put(activation.clone())
            return (changed, *packed[1:]) if isinstance(packed, tuple) else changed

        if where == "input":
            handles.append(module.register_forward_pre_hook(lambda module, inputs: act(inputs)))
        else:
            handles.append(module.register_forward_hook(lambda module, inputs, output: act(output)))
    try:
        with torch.no_grad():
            return lm.model(input_ids=torch.tensor([ids])).logits[0], kept[0] if kept else None
    finally:
        for handle in handles:
            handle.remove()


def value_of(lm: Any, ids: list[int], target: list[int], foil: list[int], at: Any = None, put: Any = None) -> float:
    """Log-odds of target over foil."""

    def log_p(tail: list[int]) -> float:
        logits, _ = run(lm, [*ids, *tail[:-1]], at, put)
        found = logits[len(ids) - 1 :].double().log_softmax(-1)
        return sum(float(found[i, token]) for i, token in enumerate(tail))

    return log_p(target) - log_p(foil)


@pytest.mark.parametrize("direction", ["restore", "insert"])
@pytest.mark.parametrize("sites", ["resid_pre", "resid_post", "attn_out", "mlp_out", "heads", "neurons"])
def test_it_is_a_whole_pass_for_each_cell(any_lm: Any, sites: str, direction: str) -> None:
    clean, corrupted = pair_of(any_lm)
    a = any_lm.architecture
    given: dict[str, Any] = {"target": 7, "foil": 250, "sites": sites, "direction": direction, "normalised": False}
    if sites == "neurons":
        given |= {"layers": [1], "neurons": [0, 5, -1]}
    r = iw.patch(any_lm, clean, corrupted, **given)
    base, other = (clean, corrupted) if direction == "insert" else (corrupted, clean)
    assert r.clean == pytest.approx(value_of(any_lm, clean, [7], [250]), abs=1e-4)
    assert r.corrupted == pytest.approx(value_of(any_lm, corrupted, [7], [250]), abs=1e-4)
    size = {"heads": a.head_dim, "neurons": 1}.get(sites)
    for row, number in enumerate(r.rows):
        for column, layer in enumerate(r.layers):
            site = Site(KINDS.get(sites, sites), int(layer))
            _, source = run(any_lm, other, site)

            def put(activation: Any, source: Any = source, number: int = int(number)) -> Any:
                if size is None:
                    activation[:, number] = source[:, number]
                else:
                    part = slice(number * size, (number + 1) * size)
                    activation[..., part] = source[..., part]
                return activation

            expected = value_of(any_lm, base, [7], [250], site, put)
            assert r.values[0, row, column] == pytest.approx(expected, abs=2e-4)
            assert r.effects[row, column] == pytest.approx(expected - r.base, abs=3e-4)


def test_the_ends_of_the_scale() -> None:
    lm = make_lm("llama")
    clean, corrupted = pair_of(lm)
    for direction in ("restore", "insert"):
        r = iw.patch(lm, clean, corrupted, target=7, foil=250, direction=direction)
        assert r.effects[-1, -1] == pytest.approx(1, abs=1e-4)  # the last state of the other run
        assert (r.effects[:2] == 0).all()  # before the prompts differ
        assert r.effects[2, 0] != 0
    every = iw.patch(lm, clean, corrupted, target=7, foil=250, sites=["resid_pre", "resid_post"])
    np.testing.assert_allclose(every.effects_of("resid_pre")[:, 1:], every.effects_of("resid_post")[:, :-1], atol=1e-4)
    assert every.effects_of("resid_pre")[2, 0] == pytest.approx(1, abs=1e-4)  # the embeddings that differ


@pytest.mark.parametrize("metric", ["probability", "log-probability", "logit"])
def test_metrics_without_a_foil(metric: str) -> None:
    lm = make_lm("gemma2")
    clean, corrupted = pair_of(lm)
    r = iw.patch(lm, clean, corrupted, target=7, metric=metric, layers=[0], normalised=False)
    logits = run(lm, clean)[0][-1].double()
    log_p = float(logits.log_softmax(-1)[7])
    expected = {"probability": np.exp(log_p), "log-probability": log_p, "logit": float(logits[7])}[metric]
    assert (r.metric, r.foil) == (metric, None)
    assert r.clean == pytest.approx(expected, rel=1e-3)


def test_targets_of_several_tokens(any_lm: Any) -> None:
    clean, corrupted = pair_of(any_lm)
    target, foil = [7, 9], [250, 251, 12]
    r = iw.patch(any_lm, clean, corrupted, target=target, foil=foil, layers=[1], positions=[2], normalised=False)
    _, source = run(any_lm, clean, Site("resid_post", 1))

    def put(activation: Any) -> Any:
        activation[:, 2] = source[:, 2]
        return activation

    assert r.clean == pytest.approx(value_of(any_lm, clean, target, foil), abs=2e-4)
    expected = value_of(any_lm, corrupted, target, foil, Site("resid_post", 1), put)
    assert r.values[0, 0, 0] == pytest.approx(expected, abs=3e-4)


def test_prompts_of_unequal_length_are_matched_by_their_spans() -> None:
    lm = make_lm("llama")
    clean = [10, 11, 20, 21, 22, 12, 13]
    corrupted = [10, 11, 30, 12, 13]
    with pytest.raises(ArgumentError, match=r"7 and 5|5 and 7"):
        iw.patch(lm, clean, corrupted, target=7, foil=250)
    r = iw.patch(lm, clean, corrupted, target=7, foil=250, align="spans", normalised=False)
    assert r.alignment.tolist() == [0, 1, 4, 5, 6]
    assert r.verdict.word != "trust"
    _, source = run(lm, clean, Site("resid_post", 1))

    def put(activation: Any) -> Any:
        activation[:, 3] = source[:, 5]
        return activation

    assert r.values[0, 3, 1] == pytest.approx(value_of(lm, corrupted, [7], [250], Site("resid_post", 1), put), abs=2e-4)
    back = iw.patch(lm, clean, corrupted, target=7, foil=250, align="spans", direction="insert")
    assert back.alignment.tolist() == [0, 1, -1, -1, 2, 3, 4]
    assert np.isnan(back.effects[2:4]).all()
    assert np.isfinite(back.effects[4:]).all()


@pytest.mark.parametrize("sites", ["resid_pre", "mlp_out", "heads", "neurons"])
def test_the_estimate_is_the_slope_along_the_patch(any_lm: Any, sites: str) -> None:
    """Central difference: a hundredth of the way to the other run's activation, at one cell. Some families compute
    their norms in float32 whatever the weights, so a smaller step drowns."""
    lm = any_lm
    lm.model.double()
    try:
        clean, corrupted = pair_of(lm)
        given: dict[str, Any] = {"layers": [1], "target": 7, "foil": 250, "sites": sites, "normalised": False}
        if sites == "neurons":
            given["neurons"] = [5, 6]
        r = iw.patch(lm, clean, corrupted, method="both", **given)
        row = 2 if r.row_kind == "position" else 1
        site = Site(KINDS.get(sites, sites), 1)
        _, source = run(lm, clean, site)
        size = {"heads": lm.architecture.head_dim, "neurons": 1}.get(sites)
        number = int(r.rows[row])

        def moved(share: float) -> float:
            def put(activation: Any) -> Any:
                step = share * (source - activation)
                if size is None:
                    activation[:, number] += step[:, number]
                else:
                    part = slice(number * size, (number + 1) * size)
                    activation[..., part] += step[..., part]
                return activation

            return value_of(lm, corrupted, [7], [250], site, put)

        slope = (moved(1e-2) - moved(-1e-2)) / 2e-2
        assert r.effects_of(sites, first_order=True)[row, 0] == pytest.approx(slope, rel=5e-3, abs=2e-5)
    finally:
        lm.model.float()


def test_the_estimate_alone_measures_a_sample() -> None:
    lm = make_lm("llama", num_hidden_layers=14)
    clean, corrupted = pair_of(lm)
    both = iw.patch(lm, clean, corrupted, target=7, foil=250, method="both")
    alone = iw.patch(lm, clean, corrupted, target=7, foil=250, method="attribution")
    np.testing.assert_allclose(alone.first_order, both.first_order, atol=1e-5)
    known = np.isfinite(alone.values)
    assert 3 < known.sum() < both.values.size
    np.testing.assert_allclose(alone.values[known], both.values[known], atol=1e-4)
    computed = both.values[0, 2:].ravel() - both.base, both.first_order[0, 2:].ravel() - both.base
    assert both.diagnostics["correlation"] == pytest.approx(np.corrcoef(*computed)[0, 1])
    assert alone.forward_passes < both.forward_passes


def test_more_points_average_the_gradient_in_between() -> None:
    lm = make_lm("gpt2")
    clean, corrupted = pair_of(lm)
    one, many = (
        iw.patch(lm, clean, corrupted, target=7, foil=250, sites="resid_pre", layers=[0], method="both", points=points)
        for points in (1, 64)
    )
    # At the embeddings that differ the averaged slope is the whole change: the fundamental theorem of calculus.
    assert many.effects_of("resid_pre", first_order=True)[2, 0] == pytest.approx(1, abs=1e-2)
    assert one.points == 1
    assert abs(one.effects_of("resid_pre", first_order=True)[2, 0] - 1) > 1e-2


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sites": "resid"}, "sites='resid': one of"),
        ({"sites": []}, "names nothing"),
        ({"sites": ["resid_post", "heads"]}, "rows of their own"),
        ({"sites": "neurons"}, "layers=\\[8\\]"),
        ({"heads": [1]}, "goes with sites='heads'"),
        ({"sites": "heads", "heads": [4]}, "head=4"),
        ({"direction": "clean"}, "one of restore, insert"),
        ({"method": "fast"}, "one of exact"),
        ({"points": 3}, "points=3"),
        ({"points": 0, "method": "both"}, "points=0"),
        ({"align": "ends", "corrupted": [1, 2]}, "align='ends'"),
        ({"positions": [40]}, "positions 0 to"),
        ({"layers": [9]}, "layers 0 to 2"),
        ({"foil": 7}, "is the target itself"),
        ({"corrupted": CLEAN, "clean": CLEAN}, "the same tokens"),
    ],
)
def test_bad_input_is_told(changes: dict[str, Any], told: str) -> None:
    lm = make_lm("llama")
    clean, corrupted = pair_of(lm)
    given = {"clean": clean, "corrupted": corrupted, "target": 7, "foil": 250, **changes}
    with pytest.raises(ArgumentError, match=told):
        iw.patch(lm, given.pop("clean"), given.pop("corrupted"), **given)


def test_a_site_or_an_estimate_that_is_not_there() -> None:
    lm = make_lm("llama")
    r = iw.patch(lm, *pair_of(lm), target=7, foil=250, layers=[0])
    with pytest.raises(ArgumentError, match="site='mlp_out'"):
        r.effects_of("mlp_out")
    with pytest.raises(ArgumentError, match="method='attribution'"):
        r.effects_of("resid_post", first_order=True)
    with pytest.raises(OutOfRangeError):
        iw.patch(lm, *pair_of(lm), target=7, foil=250, sites="heads", heads=[-5])


def test_saved_and_loaded(tmp_path: Path) -> None:
    lm = make_lm("llama")
    r = iw.patch(lm, *pair_of(lm), target=7, foil=250, sites=["attn_out", "mlp_out"], method="both")
    again = iw.load_result(r.save(tmp_path / "patch.safetensors"))
    assert isinstance(again, iw.PatchResult)
    np.testing.assert_array_equal(again.effects_of("mlp_out"), r.effects_of("mlp_out"))
    assert again.diagnostics == r.diagnostics
    frame = r.to_frame()
    assert len(frame) == r.values.size
    assert {"first_order", "effect", "token"} <= set(frame.columns)


def test_cancel_and_estimate() -> None:
    lm = make_lm("llama")
    stop = threading.Event()

    def progress(done: int, total: int, text: str) -> None:
        stop.set()

    with pytest.raises(Cancelled):
        iw.patch(lm, *pair_of(lm), target=7, foil=250, batch_size=1, progress=progress, cancel=stop)
    with pytest.raises(Cancelled, match="not confirmed"):
        iw.patch(lm, *pair_of(lm), target=7, foil=250, confirm=lambda cost: False)
    cost = iw.estimate(iw.patch, lm, *pair_of(lm), target=7, foil=250)
    assert cost.forward_passes > 10
    assert iw.estimate(iw.patch, lm, *pair_of(lm), method="attribution").seconds > 0


def test_minutes_are_refused_unless_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interp_widgets.results.cost.REFUSED_SECONDS", 0.0)
    lm = make_lm("llama")
    with pytest.raises(TooCostlyError, match=r"method=.attribution.*confirm=True"):
        iw.patch(lm, *pair_of(lm), target=7, foil=250)
    assert iw.patch(lm, *pair_of(lm), target=7, foil=250, confirm=True).values.size


def test_two_landmarks_on_the_default_model(default_lm: Any) -> None:
    r = iw.patch(
        default_lm,
        "The Colosseum is located in the city of",
        "The Eiffel Tower is located in the city of",
        align="spans",
        layers=[2, 15, 29],
        method="both",
    )
    assert (r.target, r.foil) == (" Rome", " Paris")
    assert r.effects[-1, -1] > 0.9
    last_of_name = r.tokens.index(" Tower")
    assert r.effects[:-1, 0].max() == np.nanmax(r.effects[1 : last_of_name + 1, 0])
    # The first-order guess has the wrong sign where the name's last tokens are read early.
    assert r.effects[2, 0] > 0.3
    assert r.effects_of("resid_post", first_order=True)[2, 0] < -0.2
