"""What happens inside a pass: cancelling, activation checkpoints, captures, and numbers that are not finite."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from torch import Tensor

from interp_widgets.errors import Cancelled, NonFiniteError
from interp_widgets.interventions import Ablation, AddedVector, LowRank
from interp_widgets.models.architectures import Site
from interp_widgets.models.diagnose import require_finite
from interp_widgets.models.language_model import LanguageModel
from tests.interventions.state import IDS, count_hooks, logits
from tests.tiny import FAMILIES, make_lm

_random = torch.Generator().manual_seed(0)


def gradient(lm: LanguageModel, **settings: Any) -> Tensor:
    embeds = lm.embed(IDS).detach().requires_grad_()
    with lm.run(**settings):
        score = lm.head(lm.hidden(embeds=embeds)[:, -1], [3]).sum()
        (found,) = torch.autograd.grad(score, embeds)
    return found


def plain_gradient(lm: LanguageModel) -> Tensor:
    """By the Hugging Face model alone."""
    embeds = lm.embed(IDS).detach().requires_grad_()
    out = lm.model(inputs_embeds=embeds, use_cache=False).logits[:, -1, 3].sum()
    (found,) = torch.autograd.grad(out, embeds)
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_checkpoints_give_the_same_gradient(family: str) -> None:
    lm = make_lm(family)
    reference = plain_gradient(lm)
    torch.testing.assert_close(gradient(lm), reference, rtol=1e-4, atol=1e-6)
    assert torch.equal(gradient(lm, checkpoint=True), gradient(lm))
    assert torch.equal(plain_gradient(lm), reference)
    assert count_hooks(lm.model) == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_checkpoints_with_interventions(family: str) -> None:
    """What is computed again on the way back is computed with the same interventions at the same positions."""
    lm = make_lm(family)
    a = lm.architecture
    lm.ledger.add(AddedVector(torch.randn(32, generator=_random), layer=0, site="mlp_out", positions="last"))
    lm.ledger.add(Ablation(layer=1, head=2, positions=[0, 1]))
    change = LowRank(torch.randn(32, 1, generator=_random), torch.randn(1, a.mlp_width, generator=_random), layer=2)
    with lm.using(change):
        reference = plain_gradient(lm)
        saved = gradient(lm, checkpoint=True, cancel=threading.Event())
        assert torch.equal(saved, gradient(lm))
        torch.testing.assert_close(saved, reference, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(saved, gradient(lm), rtol=1e-3)


def test_checkpoints_keep_less() -> None:
    lm = make_lm(num_hidden_layers=8)
    kept = {}
    for checkpoint in (False, True):
        total = 0

        def note(tensor: Tensor) -> Tensor:
            nonlocal total
            total += tensor.numel()
            return tensor

        embeds = lm.embed(IDS).detach().requires_grad_()
        with lm.run(checkpoint=checkpoint), torch.autograd.graph.saved_tensors_hooks(note, lambda t: t):
            lm.hidden(embeds=embeds)
        kept[checkpoint] = total
    assert kept[True] < kept[False] / 4


def test_a_gradient_after_its_run_is_refused_rather_than_wrong() -> None:
    lm = make_lm()
    embeds = lm.embed(IDS).detach().requires_grad_()
    with lm.run(checkpoint=True):
        score = lm.hidden(embeds=embeds).sum()
    with pytest.raises(RuntimeError, match="inside its `with` block"):
        torch.autograd.grad(score, embeds)


def test_checkpoints_do_nothing_without_gradient() -> None:
    lm = make_lm()
    plain = logits(lm)
    with lm.run(checkpoint=True):
        assert torch.equal(logits(lm), plain)


def six_layers(family: str) -> dict[str, Any]:
    return {"n_layer" if family in ("gpt2", "gptj") else "num_hidden_layers": 6}


def count_layers(lm: LanguageModel, flag: threading.Event, at: int) -> tuple[list[str], list[Any]]:
    """Set the flag at a layer, and note which layers still computed, forward and backward."""
    passed: list[str] = []

    def forward(i: int) -> Any:
        def hook(module: Any, inputs: Any, output: Any) -> None:
            passed.append(f"forward {i}")
            if i == at:
                flag.set()

        return hook

    return passed, [layer.register_forward_hook(forward(i)) for i, layer in enumerate(lm.architecture.layers)]


@pytest.mark.parametrize("family", FAMILIES)
def test_cancel_stops_within_a_layer_going_forward(family: str) -> None:
    lm = make_lm(family, **six_layers(family))
    flag = threading.Event()
    passed, _ = count_layers(lm, flag, at=2)
    with pytest.raises(Cancelled), torch.no_grad(), lm.run(cancel=flag):
        lm.hidden(IDS)
    assert passed[-1] in ("forward 2", "forward 3")
    assert count_hooks(lm.model) == 6  # ours
    assert not lm.lock.held


@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_cancel_stops_within_a_layer_going_backward(family: str, checkpoint: bool) -> None:
    lm = make_lm(family, **six_layers(family))
    flag, passed = threading.Event(), list[int]()

    def on_the_way_back(i: int) -> Any:
        def note(gradient: Tensor) -> None:
            passed.append(i)
            if i == 3:
                flag.set()

        def hook(module: Any, inputs: Any, output: Any) -> None:
            (output[0] if isinstance(output, tuple) else output).register_hook(note)

        return hook

    handles = [layer.register_forward_hook(on_the_way_back(i)) for i, layer in enumerate(lm.architecture.layers)]
    with pytest.raises(Cancelled):
        gradient(lm, cancel=flag, checkpoint=checkpoint)
    assert passed == [5, 4, 3]
    assert not lm.lock.held
    for handle in handles:
        handle.remove()
    assert count_hooks(lm.model) == 0
    torch.testing.assert_close(gradient(lm), plain_gradient(lm), rtol=1e-4, atol=1e-6)


def test_the_flag_of_an_outer_run_counts_inside_an_inner_one() -> None:
    lm, outer = make_lm(), threading.Event()
    passed, _ = count_layers(lm, outer, at=0)
    with pytest.raises(Cancelled), lm.run(cancel=outer):
        with lm.run(cancel=threading.Event()):
            lm.hidden(IDS)
    assert passed == ["forward 0"]


def test_cancel_from_another_thread() -> None:
    lm, flag, begun = make_lm(), threading.Event(), threading.Event()
    lm.architecture.layers[0].register_forward_hook(lambda *_: begun.set())
    outcome: list[BaseException] = []

    def work() -> None:
        try:
            while True:
                gradient(lm, cancel=flag)
        except Cancelled as error:
            outcome.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert begun.wait(timeout=30)
    flag.set()
    thread.join(timeout=30)
    assert isinstance(outcome[0], Cancelled)
    assert not lm.lock.held
    assert count_hooks(lm.model) == 1


def test_hooks_of_others_are_left_alone() -> None:
    lm = make_lm()
    seen: list[str] = []
    layer = lm.architecture.layers[1]
    handle = layer.register_forward_hook(lambda *_: seen.append("theirs"))
    with lm.using(AddedVector(torch.ones(32), layer=1)):
        logits(lm)
    logits(lm)
    assert seen == ["theirs", "theirs"]
    handle.remove()
    assert count_hooks(lm.model) == 0


def test_capture_comes_after_all_changes_and_is_in_the_graph() -> None:
    lm = make_lm()
    site = Site("resid_post", 1)
    embeds = lm.embed(IDS).detach().requires_grad_()
    with lm.using(AddedVector(torch.ones(32), layer=1, strength=100)), lm.run(capture=[site]) as run:
        hidden = lm.hidden(embeds=embeds)
        (at_site,) = torch.autograd.grad(hidden.sum(), run.captured[site])
    assert at_site.shape == (1, IDS.shape[1], 32)
    assert float(run.captured[site].detach().mean()) > 50


def test_not_finite_names_the_first_layer_and_what_is_active() -> None:
    lm = make_lm()
    require_finite(lm, IDS, logits(lm))
    lm.ledger.add(AddedVector(torch.full((32,), 1e38), layer=1, strength=1e10), name="too much")
    bad = logits(lm)
    assert not torch.isfinite(bad).all()
    with pytest.raises(NonFiniteError, match=r"first at layer 1 resid_post\. Active interventions: too much; weaken"):
        require_finite(lm, IDS, bad)
    lm.ledger.clear()
    with pytest.raises(NonFiniteError, match=r"though every layer's output is\. No intervention is active; .*float32"):
        require_finite(lm, IDS, torch.tensor([float("inf")]))
    with torch.no_grad():
        lm.model.model.layers[2].mlp.down_proj.weight[0, 0] = float("nan")
    with pytest.raises(NonFiniteError, match="first at layer 2 resid_post"):
        require_finite(lm, IDS, logits(lm))


@pytest.mark.default_model
def test_cancel_inside_a_long_pass(default_lm: LanguageModel) -> None:
    flag = threading.Event()
    passed, handles = count_layers(default_lm, flag, at=4)
    try:
        with pytest.raises(Cancelled), default_lm.run(cancel=flag):
            default_lm.hidden(torch.full((1, 512), 500))
    finally:
        for handle in handles:
            handle.remove()
    assert passed == [f"forward {i}" for i in range(5)]


def test_a_run_within_a_run_looks_at_the_modules_only_where_it_needs_more(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("llama")
    looked: list[int] = []
    sync = lm.board.sync

    def counted() -> None:
        looked.append(1)
        sync()

    monkeypatch.setattr(lm.board, "sync", counted)
    with torch.no_grad(), lm.run():
        assert len(looked) == 1
        lm.head(lm.hidden(IDS))
        assert len(looked) == 1
        site = Site("resid_post", 1)
        with lm.run(capture=[site]) as run:
            assert len(looked) == 2
            lm.hidden(IDS)
            assert run.captured[site].shape == (1, IDS.shape[1], 32)
        assert len(looked) == 3
        with pytest.raises(Cancelled), lm.run(cancel=_set_flag()):
            lm.hidden(IDS)
        assert len(looked) == 5
        assert count_hooks(lm.model) == 0
    assert len(looked) == 6


def _set_flag() -> threading.Event:
    flag = threading.Event()
    flag.set()
    return flag
