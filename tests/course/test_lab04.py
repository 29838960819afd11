"""What lab 04 measures, on models small enough to know the answer: whole passes with hooks, one cell at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import interp_widgets as iw
from interp_widgets.course.checking import examine
from interp_widgets.course.compare import Miss
from interp_widgets.course.lab04 import first_order, lens, patching, studies, switching, tracing
from interp_widgets.course.tiny_copies import fresh_model, hooks_of, no_hook_stays
from interp_widgets.course.tiny_model import tiny_lm
from interp_widgets.locate.patch_result import PatchResult
from interp_widgets.locate.subject import embedding_spread

PROMPT, OTHER = "the capital of the city is", "the river of a house was"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def close(found: Any, expected: Any, atol: float = 1e-8) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=0, atol=atol)


def ids_of(text: str) -> Tensor:
    return torch.as_tensor(tiny_lm().encode(text).ids)[None]


@contextmanager
def output_of(layer: nn.Module, position: int, state: Tensor) -> Iterator[None]:
    """A hook of torch's own puts this state into a layer's output."""

    def put(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        output = output.clone()
        output[:, position] = state
        return output

    handle = layer.register_forward_hook(put)
    try:
        yield
    finally:
        handle.remove()


def state_of(model: Any, text: str, layer: int, position: int) -> Tensor:
    kept: list[Tensor] = []
    handle = model.model.layers[layer].register_forward_hook(lambda module, inputs, output: kept.append(output))
    with torch.no_grad():
        model(input_ids=ids_of(text))
    handle.remove()
    return kept[0][0, position]


# The references of the cases, by hooks on a model that knows nothing of the package


@pytest.mark.parametrize(("layer", "position"), [(0, 0), (0, 3), (1, 2), (1, 5)])
def test_a_patched_run_is_the_models_own(layer: int, position: int) -> None:
    model = fresh_model()
    with (
        output_of(model.model.layers[layer], position, state_of(model, PROMPT, layer, position)),
        torch.no_grad(),
    ):
        expected = model(input_ids=ids_of(OTHER)).logits[0, -1]
    close(patching._patched(model, ids_of(PROMPT), ids_of(OTHER), layer, position), expected)


def test_the_lens_ends_with_the_models_answer() -> None:
    model = fresh_model()
    with torch.no_grad():
        expected = model(input_ids=ids_of(PROMPT)).logits[0, -1].softmax(-1)
    rows = lens._lens(model, ids_of(PROMPT))
    assert rows.shape == (2, len(expected))
    close(rows[-1], expected)
    close(rows.sum(1), [1, 1])


def test_a_head_is_its_slice_of_the_projections_input() -> None:
    model = fresh_model()
    projection = model.model.layers[1].self_attn.o_proj
    with torch.no_grad():
        projection.weight[:, 8:12] = 0  # what reads head 2, of width 4
        expected = model(input_ids=ids_of(PROMPT)).logits[0, -1]
    close(switching._zeroed(model, ids_of(PROMPT), 1, 2), expected)


def test_slopes_are_those_of_autograd(rng: np.random.Generator) -> None:
    f, clean, corrupted = first_order._saturating(rng)
    states = corrupted.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(f(states), states)
    close(first_order._first_order(f, clean, corrupted), (gradient * (clean - corrupted)).sum(1), 1e-7)
    assert abs(first_order._exact(f, clean, corrupted) - first_order._first_order(f, clean, corrupted)).max() > 0.01


def test_the_interval_is_over_facts(rng: np.random.Generator) -> None:
    """By arithmetic: effects of 0.1, 0.2 and 0.6 have the mean 0.3 and the standard deviation 0.2646."""
    corrupted = torch.as_tensor(rng.uniform(0, 0.1, (3, 10)))
    mean, half = tracing._average(corrupted + torch.tensor([[0.1], [0.2], [0.6]]), corrupted)
    assert mean == pytest.approx(0.3)
    assert half == pytest.approx(1.96 * 0.264575 / 3**0.5, rel=1e-5)


# What an answer leaves behind


def _keeps_a_hook(model: Any, clean: Tensor, corrupted: Tensor, layer: int, position: int) -> Tensor:
    model.model.layers[layer].register_forward_hook(lambda module, inputs, output: None)
    return patching._patched(model, clean, corrupted, layer, position)


def test_a_hook_that_stays_is_told_and_reaches_no_other_case() -> None:
    before = len(tiny_lm().architecture.layers[0]._forward_hooks)
    report = examine(patching.PATCHED, _keeps_a_hook, seed=0)
    assert report.points == 0
    assert report.mistake is not None
    assert report.mistake.name == "hook-stays"
    assert len(tiny_lm().architecture.layers[0]._forward_hooks) == before
    assert all(not hooks for _, hooks in hooks_of(fresh_model()))


def test_hooks_of_transformers_are_no_mistake() -> None:
    model = fresh_model()
    with torch.no_grad():
        model(input_ids=ids_of(PROMPT), output_hidden_states=True)
    no_hook_stays(model)
    model.model.norm.register_forward_pre_hook(lambda module, inputs: None)
    with pytest.raises(Miss, match="a hook is still on the model"):
        no_hook_stays(model)


# What the notebook shows


def test_one_state_of_another_run() -> None:
    model = fresh_model()
    with (
        output_of(model.model.layers[0], 2, state_of(model, OTHER, 0, 2)),
        torch.no_grad(),
    ):
        expected = model(input_ids=ids_of(PROMPT)).logits[0, -1].softmax(-1)
    found = studies.swapped(tiny_lm(), PROMPT, OTHER, layer=0, position=2, k=4)
    close([p for _, p in found], expected.sort(descending=True).values[:4], 1e-6)
    assert found[0][0] == tiny_lm().tokenizer.decode([int(expected.argmax())])


def by_hand(source: str, layer: int, position: int, samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Mean probabilities after noise on "capital of", with a state of another run put in and without."""
    model = fresh_model()
    embeds = model.model.embed_tokens(ids_of(PROMPT)).detach()
    drawn = np.random.default_rng(seed).normal(size=(samples, 2, embeds.shape[-1]))
    rows = []
    state = state_of(model, source, layer, position)
    for noise in drawn:
        noised = embeds.clone()
        noised[0, 1:3] += 3 * embedding_spread(tiny_lm()) * torch.as_tensor(noise)
        with torch.no_grad():
            plain = model(inputs_embeds=noised).logits[0, -1].softmax(-1)
            with output_of(model.model.layers[layer], position, state):
                rows.append((model(inputs_embeds=noised).logits[0, -1].softmax(-1), plain))
    return torch.stack([one for one, _ in rows]).mean(0), torch.stack([plain for _, plain in rows]).mean(0)


def test_states_are_restored_from_each_source() -> None:
    words = ["cat", "river"]
    ids = [tiny_lm().tokenizer.convert_tokens_to_ids(word) for word in words]
    found = studies.restore_from(
        tiny_lm(),
        PROMPT,
        "capital of",
        {"own": PROMPT, "other": OTHER},
        words,
        position=3,
        layers=[0, 1],
        samples=3,
        seed=5,
    )
    assert found.effects.shape == (2, 2, 2)
    for source, text in (("own", PROMPT), ("other", OTHER)):
        for i, layer in enumerate((0, 1)):
            restored, corrupted = by_hand(text, layer, 3, 3, 5)
            close(found.corrupted, corrupted[ids], 1e-6)
            for word, token in zip(words, ids, strict=True):
                assert found.of(source, word)[i] == pytest.approx(float(restored[token] - corrupted[token]), abs=1e-6)
    assert [line.split()[:2] for line in found.table().splitlines()[1:]] == [
        [source, word] for source in ("own", "other") for word in words
    ]
    assert [axes.get_title() for axes in found.plot().axes] == ["effect on cat", "effect on river"]


@pytest.fixture(scope="module")
def both() -> PatchResult:
    return iw.patch(tiny_lm(), PROMPT, OTHER, target=" cat", foil=" dog", method="both")


def test_wrong_signs_are_counted_among_large_effects(both: PatchResult) -> None:
    exact, estimate = both.effects, both.effects_of("resid_post", first_order=True)
    for least in (0.0, 0.1, 0.5):
        pairs = zip(exact.ravel().tolist(), estimate.ravel().tolist(), strict=True)
        large = [(one, other) for one, other in pairs if abs(one) >= least]
        wrong = sum(1 for one, other in large if one * other < 0 or (one == 0) != (other == 0))
        assert studies.wrong_signs(both, least) == (len(large), wrong)


def test_a_table_of_estimates_holds_both(both: PatchResult) -> None:
    for position in (1, -1):
        _, *rows = studies.estimate_table(both, position, [1, 0]).splitlines()
        for row, first_order_too in zip(rows, (False, True), strict=True):
            effects = both.effects_of("resid_post", first_order=first_order_too)[position]
            assert [float(cell) for cell in row.split()[1:]] == [round(float(effects[i]), 2) + 0.0 for i in (1, 0)]


def test_the_picture_has_a_point_for_each_cell(both: PatchResult) -> None:
    axes = studies.plot_estimate(both).axes[0]
    assert sum(np.shape(points.get_offsets())[0] for points in axes.collections) == both.effects.size


def test_a_table_of_effects_reads_cells() -> None:
    trace = iw.causal_trace(tiny_lm(), PROMPT, subject="capital of", samples=2)
    head, row = studies.effects_table([trace], [2], [0, 1]).splitlines()
    assert [int(layer) for layer in head.split()[-2:]] == [0, 1]
    assert [float(cell) for cell in row.split()[-2:]] == [round(trace.cell(2, i).effect, 2) + 0.0 for i in (0, 1)]


def test_the_table_of_the_lens_follows_ranks() -> None:
    found = iw.logit_lens(tiny_lm(), PROMPT, tokens=["cat"])
    _, *rows = studies.followed_table(found, [0, 1], ["cat"]).splitlines()
    place = found.followed.index("cat")
    assert [int(row.split()[-1]) for row in rows] == [int(found.rank[-1, layer, place]) for layer in (0, 1)]
    assert [row.split()[1] for row in rows] == [found.top(layer)[0][0] for layer in (0, 1)]


def test_a_name_is_held_against_its_near_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three questions: the name and the rest, the name and the near miss, the near miss and the rest."""
    asked: list[tuple[Any, ...]] = []

    def score(lm: Any, positives: Any, negatives: Any, *, layer: int, neuron: int, name: str, seen: Any) -> Any:
        asked.append((tuple(positives), tuple(negatives), layer, neuron, name, seen))
        return SimpleNamespace(
            positives=tuple(positives),
            positive_peaks=np.array([3.0, 0.5]),
            negative_peaks=np.array([0.1, 0.6, 0.7]),
            area=0.75,
            low=0.5,
            high=1.0,
        )

    sets = {"cats": ("a cat", "one cat"), "dogs": ("a dog", "one dog"), "rest": ("a river",), "more": ("a house",)}
    monkeypatch.setattr(studies, "SETS", sets)
    monkeypatch.setattr(studies, "score_name", score)
    card: Any = SimpleNamespace(layer=1, neuron=7)
    found = studies.name_test(tiny_lm(), card, "cats", "dogs")
    rest = ("a river", "a house")
    assert asked == [
        (sets["cats"], rest, 1, 7, "cats", card),
        (sets["cats"], sets["dogs"], 1, 7, "cats", card),
        (sets["dogs"], rest, 1, 7, "dogs", card),
    ]
    assert (found.lowest, found.above_lowest) == ("one cat", 2)
    assert found.line().split()[:3] == ["1.7", "cats", "dogs"]
    assert found.line().count("0.75 (0.50 to 1.00)") == 3


# Cases are what their names say


@pytest.mark.parametrize(
    ("pattern", "due"), [("..xx..xxx", 6), ("xxxxx", 0), (".x.....x", 7), ("..xxx..", -1), ("......", -1)]
)
@pytest.mark.parametrize("seed", range(3))
def test_leads(pattern: str, due: int, seed: int) -> None:
    probabilities, token = lens._lead(pattern)(np.random.default_rng(seed))
    leaders = probabilities.argmax(1).tolist()
    assert "".join("x" if leader == token else "." for leader in leaders) == pattern
    assert lens._leads_from(probabilities, token) == due


def test_patched_texts_share_no_token(rng: np.random.Generator) -> None:
    _, clean, corrupted, layer, position = patching._pair(1, 2)(rng)
    assert not set(clean[0].tolist()) & set(corrupted[0].tolist())
    assert (clean.shape, corrupted.shape, layer, position) == ((1, 6), (1, 6), 1, 2)
