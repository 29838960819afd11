"""Cells that go on from a recorded pass, against a whole forward pass for each cell with plain hooks."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import Cancelled
from interp_widgets.models.architectures import Site
from interp_widgets.models.resume import PATCHABLE, Cell, Pass, Patch, resume
from tests.tiny import make_lm

PROMPT = "The capital of Australia is Canberra and not"


def embeds_of(lm: Any, rows: int) -> torch.Tensor:
    """Rows that differ from position 1 on."""
    embeds = lm.embed(torch.as_tensor(lm.encode(PROMPT).ids)[None]).repeat(rows, 1, 1)
    noise = torch.randn(embeds.shape, generator=torch.Generator().manual_seed(0)) * 0.3
    noise[:, 0] = 0
    return torch.as_tensor(embeds + noise).detach()


def plain(lm: Any, embeds: torch.Tensor, cell: Cell, read: slice) -> torch.Tensor:
    """The same by one whole pass through the Hugging Face model with hooks of torch, (rows, positions read, width)."""
    handles = []
    for patch in cell:
        module, where = lm.architecture.module(Site(patch.kind, patch.layer))

        def put(packed: Any, patch: Patch = patch) -> Any:
            activation = packed[0] if isinstance(packed, tuple) else packed
            changed = activation.clone()
            changed[:, list(patch.positions), patch.columns] = patch.values
            return (changed, *packed[1:]) if isinstance(packed, tuple) else changed

        if where == "input":
            handles.append(module.register_forward_pre_hook(lambda module, inputs, put=put: put(inputs)))
        else:
            handles.append(module.register_forward_hook(lambda module, inputs, output, put=put: put(output)))
    try:
        with torch.no_grad():
            return torch.as_tensor(lm.hidden(embeds=embeds)[:, read])
    finally:
        for handle in handles:
            handle.remove()


def resumed(recorded: Pass, cells: Sequence[Cell], read: slice, **given: Any) -> list[torch.Tensor]:
    found: dict[int, torch.Tensor] = {}

    def work(numbers: Sequence[int], states: torch.Tensor) -> None:
        found.update(zip(numbers, states, strict=True))

    resume(recorded, cells, read, work, **given)
    return [found[number] for number in range(len(cells))]


def some_cells(lm: Any, rows: int, length: int) -> list[Cell]:
    """Each kind at each layer, early and at the end; parts of an activation; several patches at once."""
    a = lm.architecture
    maker = torch.Generator().manual_seed(1)

    def patch(
        kind: str, layer: int, positions: Sequence[int], columns: slice = slice(None), by_row: bool = True
    ) -> Patch:
        width = {"mlp_key": a.mlp_width, "head_out": a.n_heads * a.head_dim}.get(kind, a.width)
        shape = (rows if by_row else 1, len(positions), len(range(width)[columns]))
        return Patch(kind, layer, positions, torch.randn(shape, generator=maker), columns)

    cells: list[Cell] = []
    for kind in PATCHABLE:
        for layer in range(a.n_layers):
            cells += [[patch(kind, layer, [1])], [patch(kind, layer, [length - 1], by_row=False)]]
    head = slice(a.head_dim, 2 * a.head_dim)
    cells += [[patch("head_out", layer, range(length), head)] for layer in range(a.n_layers)]
    cells += [[patch("mlp_key", 1, [2, 4], slice(5, 6))]]
    window = [patch("mlp_out", layer, [3]) for layer in range(a.n_layers)]
    return [*cells, window, [*window, patch("resid_post", 0, [3])], [patch("resid_post", 0, [2]), *window]]


def test_a_cell_is_a_whole_pass_with_its_values_in_place(any_lm: Any) -> None:
    embeds = embeds_of(any_lm, 2)
    n = embeds.shape[1]
    read = slice(n - 2, n)
    with any_lm.run():
        recorded = Pass(any_lm, embeds)
        torch.testing.assert_close(recorded.last, plain(any_lm, embeds, [], slice(None)), atol=1e-5, rtol=1e-4)
        cells = some_cells(any_lm, 2, n)
        for cell, found in zip(cells, resumed(recorded, cells, read), strict=True):
            torch.testing.assert_close(found, plain(any_lm, embeds, cell, read), atol=3e-5, rtol=1e-4)


def test_several_rows_that_go_on_from_the_middle_at_once(any_lm: Any) -> None:
    """The first thing that the model is asked, so that nothing is known of its layers yet."""
    embeds = embeds_of(any_lm, 3)
    with any_lm.run():
        cell = [Patch("resid_post", 0, [2], torch.zeros(1, 1, 32))]
        (found,) = resumed(Pass(any_lm, embeds), [cell], slice(-1, None))
        torch.testing.assert_close(found, plain(any_lm, embeds, cell, slice(-1, None)), atol=3e-5, rtol=1e-4)


@pytest.mark.parametrize("batch_size", [1, 3, 1000])
def test_batches_do_not_matter(batch_size: int) -> None:
    lm = make_lm("gemma3_text")
    embeds = embeds_of(lm, 2)
    n = embeds.shape[1]
    with lm.run():
        recorded = Pass(lm, embeds)
        cells = some_cells(lm, 2, n)
        for one, other in zip(
            resumed(recorded, cells, slice(n - 1, n)),
            resumed(recorded, cells, slice(n - 1, n), batch_size=batch_size),
            strict=True,
        ):
            torch.testing.assert_close(one, other, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("family", ["mistral", "gemma2", "gemma3_text"])
def test_a_text_longer_than_a_sliding_window(family: str) -> None:
    lm = make_lm(family, sliding_window=4)
    embeds = embeds_of(lm, 1)
    n = embeds.shape[1]
    assert n > 4
    with lm.run():
        recorded = Pass(lm, embeds)
        cells = some_cells(lm, 1, n)
        assert {recorded.start_of(cell) for cell in cells} == {0}
        for cell, found in zip(cells, resumed(recorded, cells, slice(n - 1, n)), strict=True):
            torch.testing.assert_close(found, plain(lm, embeds, cell, slice(n - 1, n)), atol=3e-5, rtol=1e-4)


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2"])
def test_interventions_act_once_and_before_the_patches(family: str) -> None:
    lm = make_lm(family)
    vector = torch.randn(32, generator=torch.Generator().manual_seed(2))
    embeds = embeds_of(lm, 2)
    n = embeds.shape[1]
    added = [iw.AddedVector(vector, layer=layer, site=site) for layer in (0, 1) for site in ("resid_pre", "resid_post")]
    with lm.using(*added, iw.AddedVector(vector, layer=1, positions=[-2]), iw.Ablation(layer=2, head=1)), lm.run():
        recorded = Pass(lm, embeds)
        # Whoever hooks the same module by hand comes after our hook, as a patch does.
        cells = some_cells(lm, 2, n)
        for cell, found in zip(cells, resumed(recorded, cells, slice(n - 1, n)), strict=True):
            torch.testing.assert_close(found, plain(lm, embeds, cell, slice(n - 1, n)), atol=3e-5, rtol=1e-4)


def test_it_computes_only_what_a_cell_can_change() -> None:
    lm = make_lm("llama")
    embeds = embeds_of(lm, 1)
    n = embeds.shape[1]
    tokens: list[tuple[int, int]] = []
    with lm.run():
        recorded = Pass(lm, embeds)
        values = torch.zeros(1, 1, 32)
        cells = [[Patch("resid_post", 1, [n - 2], values)], [Patch("resid_pre", 1, [n - 2], values)]]
        recorded.calls(n - 2)
        handles = [
            layer.register_forward_hook(
                lambda module, inputs, output, number=number: tokens.append(
                    (number, inputs[0].shape[0] * inputs[0].shape[1])
                )
            )
            for number, layer in enumerate(lm.architecture.layers)
        ]
        resumed(recorded, cells, slice(n - 1, n))
        for handle in handles:
            handle.remove()
    assert tokens == [(1, 2), (2, 4)]  # one cell from layer 1 on, both from layer 2 on, two positions each


def hooks_of(lm: Any) -> list[int]:
    return [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in lm.model.modules()]


def test_nothing_stays_on_the_model() -> None:
    lm = make_lm("gptj")
    before = {
        name: len(module._forward_hooks) + len(module._forward_pre_hooks) for name, module in lm.model.named_modules()
    }
    embeds = embeds_of(lm, 1)
    stop = threading.Event()
    with lm.run():
        recorded = Pass(lm, embeds)
    cells = some_cells(lm, 1, embeds.shape[1])
    stop.set()
    with pytest.raises(Cancelled), lm.run(cancel=stop):
        resumed(recorded, cells, slice(-1, None))
    after = {
        name: len(module._forward_hooks) + len(module._forward_pre_hooks) for name, module in lm.model.named_modules()
    }
    assert after == before
    assert all("forward" not in layer.__dict__ for layer in lm.architecture.layers)


def test_a_run_until_a_layer_computes_no_later_one(any_lm: Any) -> None:
    ids = torch.as_tensor(any_lm.encode(PROMPT).ids)[None]
    site = Site("mlp_key", 1)
    reached: list[int] = []
    handles = [
        any_lm.architecture.down_projection(layer).register_forward_hook(
            lambda module, inputs, output, layer=layer: reached.append(layer)
        )
        for layer in range(3)
    ]
    with torch.no_grad():
        with any_lm.run(capture=[site]) as whole:
            any_lm.hidden(ids)
        with any_lm.run(until=0):
            any_lm.hidden(ids)  # finds out how layers of this family give their output
        reached.clear()
        with any_lm.run(capture=[site], until=1) as cut:
            any_lm.hidden(ids)
    for handle in handles:
        handle.remove()
    assert reached == [0, 1]
    torch.testing.assert_close(cut.captured[site], whole.captured[site], rtol=0, atol=0)
