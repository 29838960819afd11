"""Is each intervention the same as the change of weights, or of the forward pass, that it stands for?"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch

from interp_widgets.errors import ArgumentError, OutOfRangeError
from interp_widgets.interventions import Ablation, AddedVector, DenseDelta, Intervention, LowRank
from interp_widgets.models.architectures import is_conv1d
from interp_widgets.models.language_model import LanguageModel
from tests.interventions.state import IDS, logits
from tests.tiny import FAMILIES, make_lm

LAYER = 1
_random = torch.Generator().manual_seed(0)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=_random, dtype=torch.float64)


@pytest.fixture(scope="module", params=FAMILIES)
def lm(request: pytest.FixtureRequest) -> LanguageModel:
    """In float64, so that equal means equal."""
    return make_lm(request.param, dtype=torch.float64)


def layer_of(lm: LanguageModel, model: Any) -> Any:
    return model.base_model.get_submodule(lm.architecture.layout.layers)[LAYER]


def assert_same(lm: LanguageModel, x: Intervention, change: Callable[[Any], None]) -> None:
    """The intervention equals `change` made to a copy of the model, and matters."""
    other = copy.deepcopy(lm.model)
    with torch.no_grad():
        change(other)
        expected = other(input_ids=IDS, use_cache=False).logits
    plain = logits(lm)
    with lm.using(x):
        found = logits(lm)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)
    assert not torch.allclose(found, plain, rtol=1e-4, atol=1e-4), "the change should be seen"
    assert torch.equal(logits(lm), plain)


def zero_inputs(module: Any, columns: slice) -> None:
    """As if these inputs of a matrix were 0."""
    (module.weight[columns] if is_conv1d(module) else module.weight[:, columns]).zero_()


def add_to(module: Any, change: torch.Tensor) -> None:
    module.weight += change.T if is_conv1d(module) else change


@pytest.mark.parametrize("head", [0, 1, 3, -1])
def test_head_ablation_is_zeroed_columns_of_the_output_projection(lm: LanguageModel, head: int) -> None:
    def change(model: Any) -> None:
        projection = layer_of(lm, model).get_submodule(lm.architecture.layout.attention_projection)
        size = lm.architecture.head_dim
        zero_inputs(projection, slice(head % 4 * size, (head % 4 + 1) * size))

    assert_same(lm, Ablation(layer=LAYER, head=head), change)


def test_neuron_ablation_is_a_zeroed_column_of_the_value_matrix(lm: LanguageModel) -> None:
    def change(model: Any) -> None:
        zero_inputs(layer_of(lm, model).get_submodule(lm.architecture.layout.down_projection), slice(7, 8))

    assert_same(lm, Ablation(layer=LAYER, neuron=7), change)


@pytest.mark.parametrize("site", ["attn_out", "mlp_out"])
def test_whole_ablation_is_a_module_that_gives_nothing(lm: LanguageModel, site: str) -> None:
    def change(model: Any) -> None:
        layout = lm.architecture.layout
        path = {
            "attn_out": layout.attention_norm or layout.attention_projection,
            "mlp_out": layout.mlp_norm or layout.down_projection,
        }[site]
        module = layer_of(lm, model).get_submodule(path)
        module.weight.zero_()
        if layout.mlp_norm:
            module.weight -= 1  # Gemma's norms multiply by 1 + weight
        if getattr(module, "bias", None) is not None:
            module.bias.zero_()

    assert_same(lm, Ablation(layer=LAYER, site=site), change)


@pytest.mark.parametrize("site", ["resid_post", "resid_pre", "attn_out", "mlp_out"])
def test_added_vector_is_a_bias_at_its_place(lm: LanguageModel, site: str) -> None:
    vector = normal(32)

    def change(model: Any) -> None:
        layer, layout = layer_of(lm, model), lm.architecture.layout
        forward = layer.forward

        def shifted(hidden: Any, *arguments: Any, **keywords: Any) -> Any:
            before = hidden + 0.7 * vector if site == "resid_pre" else hidden
            out = forward(before, *arguments, **keywords)
            if site != "resid_post":
                return out
            return (out[0] + 0.7 * vector, *out[1:]) if isinstance(out, tuple) else out + 0.7 * vector

        layer.forward = shifted
        if site in ("attn_out", "mlp_out"):
            names = (
                (layout.attention_norm, layout.attention_projection)
                if site == "attn_out"
                else (layout.mlp_norm, layout.down_projection)
            )
            module = layer.get_submodule(names[0] or names[1])
            inner = module.forward
            module.forward = lambda *arguments: inner(*arguments) + 0.7 * vector

    assert_same(lm, AddedVector(vector, layer=LAYER, strength=0.7, site=site), change)


def test_a_weight_change_is_the_matrix_plus_it(lm: LanguageModel) -> None:
    a = lm.architecture
    left, right = normal(a.width, 2), normal(2, a.mlp_width)

    def change(model: Any) -> None:
        add_to(layer_of(lm, model).get_submodule(a.layout.down_projection), left @ right)

    assert_same(lm, LowRank(left, right, layer=LAYER), change)
    assert_same(lm, DenseDelta(left @ right, layer=LAYER), change)


def test_a_weight_change_of_any_module_by_path(lm: LanguageModel) -> None:
    layer = lm.architecture.layers[LAYER]
    kinds = (torch.nn.Linear,)
    paths = [
        path
        for path, module in lm.model.named_modules()
        if (isinstance(module, kinds) or is_conv1d(module)) and any(module is m for m in layer.modules())
    ]
    assert len(paths) >= 4
    for path in [*paths, "lm_head"]:
        outputs, inputs = (lambda m: m.weight.T if is_conv1d(m) else m.weight)(lm.model.get_submodule(path)).shape
        left, right = normal(outputs, 2), normal(2, inputs)

        def change(model: Any, path: str = path, product: torch.Tensor = left @ right) -> None:
            module = model.get_submodule(path)
            module.weight = torch.nn.Parameter(module.weight.clone())  # a tied head keeps its other end
            add_to(module, product)

        assert_same(lm, LowRank(left, right, module=path), change)
        assert_same(lm, DenseDelta(left @ right, module=path), change)


@pytest.mark.parametrize("tied", ["embedding", "head", "both"])
def test_either_end_of_the_embedding(lm: LanguageModel, tied: str) -> None:
    left, right = normal(400, 2), normal(2, 32)

    def change(model: Any) -> None:
        embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
        embedding.weight = torch.nn.Parameter(embedding.weight.clone())
        head.weight = torch.nn.Parameter(head.weight.clone())
        if tied in ("embedding", "both"):
            embedding.weight += left @ right
        if tied in ("head", "both"):
            head.weight += left @ right

    assert_same(lm, LowRank(left, right, tied=tied), change)
    assert_same(lm, DenseDelta(left @ right, tied=tied), change)


def test_order_at_one_site_is_the_order_of_activation_and_replacements_come_last() -> None:
    lm = make_lm(dtype=torch.float64)
    vector = AddedVector(normal(32), layer=LAYER, site="mlp_out", strength=5)
    off = Ablation(layer=LAYER, site="mlp_out")
    with lm.using(off):
        alone = logits(lm)
    for order in ((off, vector), (vector, off)):
        with lm.using(*order):
            assert torch.equal(logits(lm), alone)
    three, four = Ablation(layer=LAYER, neuron=2, value=3), Ablation(layer=LAYER, neuron=2, value=4)
    with lm.using(four):
        last = logits(lm)
    with lm.using(three, four):
        assert torch.equal(logits(lm), last)


def test_changes_at_different_sites_compose_as_weights_do() -> None:
    lm = make_lm(dtype=torch.float64)
    left, right = normal(32, 2), normal(2, 48)

    def change(model: Any) -> None:
        down = layer_of(lm, model).mlp.down_proj
        down.weight += left @ right
        zero_inputs(down, slice(7, 8))  # the key that the low-rank change sees is the ablated one

    other = copy.deepcopy(lm.model)
    with torch.no_grad():
        change(other)
        expected = other(input_ids=IDS, use_cache=False).logits
    for order in ((0, 1), (1, 0)):
        pair = [LowRank(left, right, layer=LAYER), Ablation(layer=LAYER, neuron=7)]
        with lm.using(*(pair[i] for i in order)):
            torch.testing.assert_close(logits(lm), expected, rtol=1e-9, atol=1e-9)


def test_half_precision() -> None:
    lm = make_lm(dtype=torch.bfloat16)
    for x in (
        AddedVector(normal(32), layer=0),
        Ablation(layer=0, head=1, value=0.3),
        LowRank(normal(32, 1), normal(1, 48), layer=0),
        LowRank(normal(400, 1), normal(1, 32), tied="both"),
    ):
        plain = logits(lm)
        with lm.using(x):
            assert logits(lm).dtype == torch.bfloat16
            assert not torch.equal(logits(lm), plain)


WRONG: list[tuple[Callable[[], Intervention], str]] = [
    (lambda: AddedVector([[1.0]], layer=0), r"vector has shape \(1, 1\); expected \(any\)"),
    (lambda: AddedVector("abc", layer=0), "vector is not an array of numbers"),
    (lambda: AddedVector([float("nan")], layer=0), "vector holds NaN or infinity"),
    (
        lambda: AddedVector([1.0], layer=0, site="logits"),
        "site='logits': one of resid_pre, resid_post, attn_out, mlp_out",
    ),
    (lambda: AddedVector([1.0], layer=0, strength=float("inf")), "strength=inf: a finite number"),
    (lambda: AddedVector([1.0], layer=0, strength="much"), "strength='much': a finite number"),  # type: ignore[arg-type]
    (lambda: AddedVector([1.0], layer=0, positions="first"), "positions='first': one of all, prompt, generated, last"),
    (lambda: AddedVector([1.0], layer=0, positions=[]), r"positions=\[\]"),
    (lambda: AddedVector([1.0], layer=0, positions=[True]), r"positions=\[True\]"),
    (lambda: Ablation(layer=0), "give exactly one"),
    (lambda: Ablation(layer=0, head=0, neuron=0), "head=0, neuron=0, site=None: give exactly one"),
    (lambda: Ablation(layer=0, site="resid_post"), "site='resid_post': one of attn_out, mlp_out"),
    (lambda: Ablation(layer=0, head=0, value=float("nan")), "value=nan: a finite number"),
    (lambda: LowRank([[1.0]], [[1.0]]), "layer=None, module=None, tied=None: give exactly one"),
    (lambda: LowRank([[1.0]], [[1.0]], tied="tail"), "tied='tail': one of embedding, head, both"),
    (lambda: LowRank([[1.0, 2.0]], [[1.0]], layer=0), r"right has shape \(1, 1\); expected \(2, any\)"),
]


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_bad_arguments_are_named(case: int) -> None:
    make, message = WRONG[case]
    with pytest.raises(ArgumentError, match=message):
        make()


def test_what_does_not_fit_the_model() -> None:
    lm = make_lm()
    wrong: list[tuple[Intervention, str]] = [
        (AddedVector([1.0], layer=0), "vector has 1 numbers; the residual stream of this model has 32"),
        (LowRank([[1.0]], [[1.0]], layer=0), r"left @ right has shape \(1, 1\); the matrix of layer 0 has \(32, 48\)"),
        (DenseDelta([[1.0]], layer=0), r"delta has shape \(1, 1\); the matrix of layer 0 has \(32, 48\)"),
        (LowRank([[1.0]], [[1.0]], tied="head"), r"the matrix of head has \(400, 32\)"),
        (LowRank([[1.0]], [[1.0]], module="model.layers.0.mlp.up"), r"did you mean 'model\.layers\.0\.mlp"),
        (LowRank([[1.0]], [[1.0]], module="model.embed_tokens"), "is an embedding; say tied='embedding'"),
        (LowRank([[1.0]], [[1.0]], module="model.layers.0.mlp"), "has no weight matrix"),
    ]
    for x, message in wrong:
        with pytest.raises(ArgumentError, match=message):
            lm.ledger.add(x)
    for x in (Ablation(layer=3, head=0), Ablation(layer=0, head=4), Ablation(layer=0, neuron=48)):
        with pytest.raises(OutOfRangeError, match="llama has"):
            lm.ledger.add(x)


def test_numbers_are_copied_when_it_is_made() -> None:
    lm = make_lm()
    vector = torch.ones(32)
    x = AddedVector(vector, layer=0)
    with lm.using(x):
        before = logits(lm)
        vector.zero_()
        assert torch.equal(logits(lm), before)
