"""Causal tracing against the reference's way: one whole forward pass for each cell, with plain hooks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, Cancelled, OutOfRangeError, TooCostlyError
from interp_widgets.locate.subject import embedding_spread, reference_subjects, subject_tokens
from interp_widgets.locate.trace_result import KINDS
from interp_widgets.models.architectures import Site
from tests.tiny import make_lm

PROMPT = "The capital of Australia is"
SUBJECT = "Australia"
Put = Callable[[torch.Tensor], torch.Tensor]


def hooked(lm: Any, embeds: torch.Tensor, puts: dict[tuple[str, int], Put], keep: dict[Any, torch.Tensor]) -> Any:
    """Logits after the last token, with activations changed by `puts`; `keep` gets those of all sites."""
    handles = []
    for kind in ("resid_post", "attn_out", "mlp_out"):
        for layer in range(lm.architecture.n_layers):
            module, _ = lm.architecture.module(Site(kind, layer))

            def act(module: Any, inputs: Any, output: Any, at: tuple[str, int] = (kind, layer)) -> Any:
                activation = output[0] if isinstance(output, tuple) else output
                changed = puts[at](activation.clone()) if at in puts else activation
                keep[at] = changed
                return (changed, *output[1:]) if isinstance(output, tuple) else changed

            handles.append(module.register_forward_hook(act))
    try:
        with torch.no_grad():
            return lm.model(inputs_embeds=embeds).logits[:, -1]
    finally:
        for handle in handles:
            handle.remove()


def reference(lm: Any, kind: str, target: int, *, samples: int, sigma: float, seed: int) -> np.ndarray[Any, Any]:
    """(samples, positions, layers), probability of the target in the restored runs."""
    encoded = lm.encode(PROMPT)
    inside = [i for i, (start, end) in enumerate(encoded.spans) if start < 24 and end > 15]  # "Australia"
    embeds = lm.embed(torch.as_tensor(encoded.ids)[None]).detach()
    noised = embeds.repeat(samples, 1, 1)
    shape = (samples, len(inside), embeds.shape[-1])
    noised[:, inside] += torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 3 * sigma
    clean: dict[Any, torch.Tensor] = {}
    corrupted: dict[Any, torch.Tensor] = {}
    hooked(lm, embeds, {}, clean)
    hooked(lm, noised, {}, corrupted)
    n_layers = lm.architecture.n_layers
    found = np.zeros((samples, len(encoded), n_layers))
    for place in range(len(encoded)):
        for layer in range(n_layers):

            def copy(source: dict[Any, torch.Tensor], at: tuple[str, int], place: int = place) -> Put:
                def put(activation: torch.Tensor) -> torch.Tensor:
                    activation[:, place] = source[at][:, place]
                    return activation

                return put

            if kind.startswith("hidden"):
                puts = {("resid_post", layer): copy(clean, ("resid_post", layer))}
                if kind != "hidden":
                    name = kind.split("_")[1] + "_out"
                    puts |= {(name, one): copy(corrupted, (name, one)) for one in range(layer + 1, n_layers)}
            else:
                name = kind + "_out"
                window = [one for one in range(layer - 1, layer + 1) if 0 <= one < n_layers]  # of 2 layers
                puts = {(name, one): copy(clean, (name, one)) for one in window}
            logits = hooked(lm, noised, puts, {})
            found[:, place, layer] = logits.double().softmax(-1)[:, target].numpy()
    return found


@pytest.mark.parametrize("kind", list(KINDS))
def test_it_is_the_reference_computation(any_lm: Any, kind: str) -> None:
    t = iw.causal_trace(any_lm, PROMPT, subject=SUBJECT, kind=kind, samples=3, sigma=0.2, window=2, seed=5)
    expected = reference(any_lm, kind, int(t.target_ids[0]), samples=3, sigma=0.2, seed=5)
    np.testing.assert_allclose(t.restored[0], expected, atol=2e-6)
    np.testing.assert_allclose(t.effects, (expected - t.corrupted[:, None, None]).mean(0), atol=2e-6)
    assert t.effects.shape == (len(t.tokens), any_lm.architecture.n_layers)


def test_kinds_together_and_in_batches_are_each_alone() -> None:
    lm = make_lm("gemma2")
    given: dict[str, Any] = {"subject": SUBJECT, "samples": 2, "sigma": 0.2, "window": 2}
    every = iw.causal_trace(lm, PROMPT, kind="all", batch_size=3, **given)
    assert every.kinds == tuple(KINDS)
    for kind in KINDS:
        np.testing.assert_allclose(
            every.effects_of(kind), iw.causal_trace(lm, PROMPT, kind=kind, **given).effects, atol=2e-6
        )


def test_only_some_positions_and_layers() -> None:
    lm = make_lm("llama")
    given: dict[str, Any] = {"subject": SUBJECT, "samples": 2, "sigma": 0.2}
    whole = iw.causal_trace(lm, PROMPT, **given)
    part = iw.causal_trace(lm, PROMPT, positions=[-1, 3], layers=[2, 0], **given)
    n = len(whole.tokens)
    assert part.positions.tolist() == [3, n - 1]
    assert part.layers.tolist() == [0, 2]
    np.testing.assert_allclose(part.effects, whole.effects[[3, n - 1]][:, [0, 2]], atol=2e-6)
    assert part.cell(-1, 2).effect == pytest.approx(whole.cell(n - 1, 2).effect, abs=2e-6)
    with pytest.raises(OutOfRangeError, match="layers 0, 2"):
        part.cell(3, 1)


def test_before_the_subject_nothing_is_computed_and_nothing_differs() -> None:
    t = iw.causal_trace(make_lm("llama"), PROMPT, subject=SUBJECT, samples=2, sigma=0.2)
    first = t.subject_tokens[0]
    assert first > 0
    assert (t.effects[:first] == 0).all()
    cells = (len(t.tokens) - first) * len(t.layers)
    assert t.forward_passes == 1 + 1 + 2 * (1 + cells)


def test_restoring_the_last_state_restores_the_answer(any_lm: Any) -> None:
    t = iw.causal_trace(any_lm, PROMPT, subject=SUBJECT, samples=2, sigma=0.2)
    assert t.restored[0, :, -1, -1] == pytest.approx([t.clean] * 2, abs=2e-6)
    assert t.cell(-1, -1).after[0].text == t.clean_top[0].text
    assert t.total_effect == pytest.approx(t.effects[-1, -1], abs=2e-6)


def test_a_target_of_several_tokens_is_the_probability_of_all() -> None:
    lm = make_lm("llama")
    ids = [int(lm.encode(PROMPT).ids[0]), 7, 9]
    t = iw.causal_trace(lm, PROMPT, subject=SUBJECT, target=ids, samples=2, sigma=0.2, force=True)
    log_p = 0.0
    text = lm.encode(PROMPT).ids.tolist()
    for one in ids:
        log_p += float(lm.next_logits(torch.tensor([text]))[0].double().log_softmax(-1)[one])
        text.append(one)
    assert t.clean == pytest.approx(np.exp(log_p), rel=1e-4)
    assert t.restored[0, :, -1, -1] == pytest.approx([t.clean] * 2, rel=0.5)  # the tail still sees the noised subject
    assert t.verdict.word != "trust"


def test_noise_enters_where_the_model_adds_its_embedding() -> None:
    """Gemma multiplies its embeddings by the square root of the width."""
    plain, gemma = make_lm("llama"), make_lm("gemma3_text")
    for lm in (plain, gemma):
        ids = [i for subject in reference_subjects() for i in lm.tokenizer(" " + subject)["input_ids"]]
        rows = lm.architecture.weight_of_embedding[ids].detach().double() * lm.architecture.embedding_scale
        assert embedding_spread(lm) == pytest.approx(float(rows.std()), rel=1e-5)
    assert gemma.architecture.embedding_scale > 5


def test_seeds() -> None:
    lm = make_lm("llama")
    one, same, other = (
        iw.causal_trace(lm, PROMPT, subject=SUBJECT, samples=2, sigma=0.2, seed=seed).corrupted for seed in (0, 0, 1)
    )
    assert one.tolist() == same.tolist()
    assert not np.allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"subject": "Austria"}, "not in the prompt"),
        ({"subject": "australia"}, "did you mean 'Australia'"),
        ({"subject": " "}, "subject=' '"),
        ({"subject": "a"}, r"4 times.*occurrence=0 to 3"),
        ({"occurrence": 1}, "is there 1 times"),
        ({"kind": "heads"}, "kind='heads': one of hidden"),
        ({"kind": []}, "names nothing"),
        ({"noise": 0.0}, "noise=0"),
        ({"sigma": -1.0}, "sigma=-1"),
        ({"samples": 0}, "samples=0"),
        ({"window": 0}, "window=0"),
        ({"positions": [99]}, "positions 0 to"),
        ({"layers": [3]}, "layers 0 to 2"),
        ({"layers": []}, "layers=\\[\\]"),
        ({"target": 3}, "is not what the model says"),
    ],
)
def test_bad_input_is_told(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        iw.causal_trace(make_lm("llama"), PROMPT, **{"subject": SUBJECT, "sigma": 0.2, "samples": 2, **changes})


def test_which_occurrence() -> None:
    lm = make_lm("llama")
    encoded = lm.encode("Canberra is not Sydney, and Canberra is")
    one, two = (subject_tokens(encoded, "Canberra", which) for which in (0, 1))
    assert one[0] == 0
    assert two[0] > one[1]
    assert subject_tokens(encoded, "Canberra", -1) == two


def test_a_forced_trace_says_that_the_model_does_not_know() -> None:
    t = iw.causal_trace(make_lm("llama"), PROMPT, subject=SUBJECT, target=3, samples=2, sigma=0.2, force=True)
    assert t.verdict.word != "trust"
    assert any("is not what the model says" in reason for reason in t.verdict.why)


def test_saved_and_loaded(tmp_path: Path) -> None:
    t = iw.causal_trace(make_lm("llama"), PROMPT, subject=SUBJECT, kind=["hidden", "mlp"], samples=2, sigma=0.2)
    again = iw.load_result(t.save(tmp_path / "trace.safetensors"))
    assert isinstance(again, iw.TraceResult)
    np.testing.assert_array_equal(again.restored, t.restored)
    assert again.cell(3, 1, "mlp") == t.cell(3, 1, "mlp")
    assert again.subject_tokens == t.subject_tokens
    frame = t.to_frame()
    assert len(frame) == 2 * t.effects.size
    assert frame.effect.iloc[-1] == pytest.approx(t.effects_of("mlp")[-1, -1])


def test_cancel_and_confirm() -> None:
    lm = make_lm("llama")
    stop = threading.Event()

    def progress(done: int, total: int, text: str) -> None:
        stop.set()

    with pytest.raises(Cancelled):
        iw.causal_trace(lm, PROMPT, subject=SUBJECT, samples=2, sigma=0.2, batch_size=1, progress=progress, cancel=stop)
    asked: list[Any] = []

    def refuse(cost: Any) -> bool:
        asked.append(cost)
        return False

    with pytest.raises(Cancelled, match="not confirmed"):
        iw.causal_trace(lm, PROMPT, subject=SUBJECT, sigma=0.2, confirm=refuse)
    told = iw.estimate(iw.causal_trace, lm, PROMPT, subject=SUBJECT)
    assert (told.forward_passes, told.bytes) == (asked[0].forward_passes, asked[0].bytes)


def test_minutes_are_refused_unless_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interp_widgets.results.cost.REFUSED_SECONDS", 0.0)
    lm = make_lm("llama")
    given: dict[str, Any] = {"subject": SUBJECT, "samples": 2, "sigma": 0.2}
    with pytest.raises(TooCostlyError, match=r"fewer positions=.*confirm=True"):
        iw.causal_trace(lm, PROMPT, **given)
    assert iw.causal_trace(lm, PROMPT, confirm=True, **given).samples == 2
    facts = [(PROMPT, SUBJECT), ("Canberra is", "Sydney")]
    with pytest.raises(TooCostlyError, match="fewer facts"):
        iw.average_trace(lm, facts, samples=2, sigma=0.2)
    assert len(iw.average_trace(lm, facts, samples=2, sigma=0.2, confirm=True).facts) == 1


def test_interventions_act_in_every_run() -> None:
    lm = make_lm("llama")
    vector = torch.randn(32, generator=torch.Generator().manual_seed(0))
    added = iw.AddedVector(vector, layer=1, site="resid_pre")
    with lm.using(added):
        t = iw.causal_trace(lm, PROMPT, subject=SUBJECT, samples=2, sigma=0.2, kind="mlp", window=2)
        expected = reference(lm, "mlp", int(t.target_ids[0]), samples=2, sigma=0.2, seed=0)
    np.testing.assert_allclose(t.restored[0], expected, atol=2e-6)
    assert t.provenance.interventions == (added.describe(),)


def test_the_eiffel_tower_on_the_default_model(default_lm: Any) -> None:
    """The two sites of the paper's figure 1: the subject's last tokens early, the last position late."""
    t = iw.causal_trace(
        default_lm, "The Eiffel Tower is located in the city of", subject="Eiffel Tower", layers=[3, 12, 22, 26]
    )
    assert (t.target, round(t.clean, 2)) == (" Paris", 0.70)
    assert t.corrupted.mean() < 0.05
    assert t.verdict.word == "trust"
    tokens: Sequence[str] = t.tokens
    assert tokens[t.peak().position] == "iffel"
    assert t.peak().effect > 0.35
    assert t.cell(-1, 26).effect > 0.5
    assert t.cell(-1, 12).effect < 0.05
    assert t.cell(2, 26).effect < 0.05
