"""The gradient's factors against autograd's own gradient of the weights; passes that begin in the middle."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing.mend.gradients import (
    RowChanges,
    Text,
    answer_losses,
    asked,
    edited_matrices,
    go_on,
    gradients,
    log_probabilities,
    states_before,
)
from interp_widgets.errors import NonFiniteError
from interp_widgets.models.architectures import is_conv1d
from tests.interventions.state import count_hooks
from tests.tiny import make_lm

LAYERS = (1, 2)
QUESTIONS = [("The capital of Australia is", " Canberra"), ("She opened", " the window because"), ("import", " numpy")]


def texts_of(lm: Any) -> list[Text]:
    return [asked(lm, prompt, answer) for prompt, answer in QUESTIONS]


def plain_loss(model: Any, texts: list[Text]) -> torch.Tensor:
    """One text after the other, all layers, no padding."""
    found = []
    for text in texts:
        logits = model(input_ids=torch.as_tensor(text.ids)[None], use_cache=False).logits[0]
        log_p = logits[list(text.places)].float().log_softmax(-1)
        found.append(-log_p[range(len(text.answer)), text.answer.tolist()].mean())
    return torch.stack(found)


def test_the_factors_make_autograds_gradient(any_lm: Any) -> None:
    lm = any_lm
    texts, paths = texts_of(lm), edited_matrices(lm.architecture, LAYERS)
    assert len(paths) == len(LAYERS) * (3 if lm.architecture.model_type not in ("gpt2", "gptj", "gpt_neox") else 2)
    other = copy.deepcopy(lm.model).requires_grad_()
    weights = [other.get_submodule(path).weight for path in paths]
    expected = torch.autograd.grad(plain_loss(other, texts).sum(), weights)
    hooks = count_hooks(lm.model)
    with lm.run():
        found, losses = gradients(lm, texts, states_before(lm, texts, LAYERS[0]), LAYERS[0], list(paths))
    torch.testing.assert_close(losses, plain_loss(lm.model, texts).detach(), rtol=1e-5, atol=1e-5)
    for (path, shape), slope in zip(paths.items(), expected, strict=True):
        outer = found[path]
        assert (outer.deltas.shape[-1], outer.inputs.shape[-1]) == shape
        total = torch.einsum("rto,rti->oi", outer.deltas, outer.inputs)
        slope = slope.T if is_conv1d(other.get_submodule(path)) else slope
        assert float((total - slope).abs().max()) <= 1e-6 * max(1.0, float(slope.abs().max()))
        assert not outer.kept[2, len(texts[2].ids) :].any()
    assert count_hooks(lm.model) == hooks
    assert all(parameter.grad is None for parameter in lm.model.parameters())


def test_a_pass_from_the_middle_is_the_rest_of_a_whole_one(any_lm: Any) -> None:
    lm = any_lm
    texts = texts_of(lm)
    change = iw.LowRank(torch.randn(32, 2), torch.randn(2, lm.architecture.mlp_width), layer=2)
    for layer in range(lm.architecture.n_layers):
        with torch.no_grad(), lm.using(change), lm.run() as run:
            last = go_on(lm, states_before(lm, texts, layer), layer, run.snapshot.changes)
            for row, text in zip(last, texts, strict=True):
                whole = lm.hidden(torch.as_tensor(text.ids)[None])[0]
                torch.testing.assert_close(row[: len(text.ids)], whole, rtol=1e-4, atol=1e-4)


def test_a_change_of_its_own_for_each_row(any_lm: Any) -> None:
    lm = any_lm
    texts, draw = texts_of(lm), torch.Generator().manual_seed(0)
    paths = edited_matrices(lm.architecture, LAYERS)
    factors = {
        path: (torch.randn(3, out, 2, generator=draw) * 0.1, torch.randn(3, 2, size, generator=draw))
        for path, (out, size) in paths.items()
    }
    with torch.no_grad(), lm.run():
        states = states_before(lm, texts, LAYERS[0])
        together = (RowChanges(factors),)
        found = answer_losses(log_probabilities(lm, go_on(lm, states, 1, together), texts, together), texts)
    for row, text in enumerate(texts):
        own = [iw.LowRank(left[row], right[row], module=path) for path, (left, right) in factors.items()]
        with torch.no_grad(), lm.using(*own):
            alone = plain_loss(lm.model, [text])
        torch.testing.assert_close(found[row : row + 1], alone, rtol=1e-4, atol=1e-4)


def test_what_acts_beside_is_in_the_gradient() -> None:
    lm = make_lm("llama")
    texts, paths = texts_of(lm), list(edited_matrices(lm.architecture, LAYERS))
    with lm.run():
        plain, _ = gradients(lm, texts, states_before(lm, texts, 1), 1, paths)
    with lm.using(iw.AddedVector(torch.ones(32), layer=2)), lm.run() as run:
        beside, losses = gradients(lm, texts, states_before(lm, texts, 1), 1, paths, run.snapshot.changes)
    assert not torch.allclose(plain[paths[0]].deltas, beside[paths[0]].deltas)
    with lm.using(iw.AddedVector(torch.ones(32), layer=2)):
        torch.testing.assert_close(losses, plain_loss(lm.model, texts).detach(), rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_gradient_that_is_not_finite_is_told() -> None:
    lm = make_lm("llama")
    texts = texts_of(lm)
    states = [torch.full_like(one, np.inf) for one in states_before(lm, texts, 1)]
    with lm.run(), pytest.raises(NonFiniteError, match="gradient of an answer is not finite"):
        gradients(lm, texts, states, 1, list(edited_matrices(lm.architecture, LAYERS)))
