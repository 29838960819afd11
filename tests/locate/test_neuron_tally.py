"""What is kept while texts go by: exact, whatever the order and the size of the batches."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from interp_widgets.locate.neuron_tally import BINS, Best, Tally

CPU = torch.device("cpu")


def tallied(found: torch.Tensor, sizes: list[int], sign: int = 1) -> Tally:
    tally = Tally.none(found.shape[1], CPU)
    for piece in found.split(sizes):
        tally = tally.with_tokens(piece, sign)
    return tally


def numbers(tokens: int, neurons: int, seed: int = 0) -> torch.Tensor:
    """Activations of very different sizes, and a neuron that is always zero."""
    chance = np.random.default_rng(seed)
    found = chance.standard_normal((tokens, neurons)) * 10.0 ** chance.integers(-4, 4, neurons)
    found[:, -1] = 0
    found[tokens // 2, 0] *= 1e4  # one outlier, long after the bins were chosen
    return torch.as_tensor(found, dtype=torch.float32)


@pytest.mark.parametrize("sizes", [[100], [1] * 100, [3, 47, 50], [99, 1]], ids=len)
def test_figures_do_not_depend_on_the_batches(sizes: list[int]) -> None:
    found = numbers(100, 6)
    tally, exact = tallied(found, sizes), found.double()
    assert tally.tokens == 100
    np.testing.assert_allclose(tally.mean, exact.mean(0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(tally.deviation, exact.std(0, correction=0), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(tally.low, found.amin(0))
    np.testing.assert_array_equal(tally.high, found.amax(0))
    np.testing.assert_array_equal(tally.above, (found > 0).sum(0))
    np.testing.assert_allclose(tally.mass, exact.clamp(min=0).sum(0), rtol=1e-9)
    np.testing.assert_allclose(tallied(found, sizes, -1).mass, (-exact).clamp(min=0).sum(0), rtol=1e-9)


@pytest.mark.parametrize("sizes", [[100], [1] * 100, [50, 50]], ids=len)
def test_counts_are_those_of_the_final_bins(sizes: list[int]) -> None:
    found = numbers(100, 6)
    tally = tallied(found, sizes)
    for neuron in range(6):
        width = 2.0 ** int(tally.exponent[neuron])
        edges = (np.arange(BINS + 1) - BINS // 2) * width
        values = found[:, neuron].double().numpy()
        expected = [((values >= low) & (values < high)).sum() for low, high in itertools.pairwise(edges)]
        assert tally.counts[neuron].tolist() == expected
        largest = np.abs(values).max()
        assert largest < BINS // 2 * width
        assert largest == 0 or largest >= BINS // 4 * width  # a width of half the size would not reach


def by_sorting(signed: Any, counted: Any, k: int) -> list[list[tuple[int, int]]]:
    """(text, position) of the best texts of each neuron; of equals the earlier text, and in it the earlier token."""
    best = []
    for neuron in range(signed.shape[2]):
        peaks = []
        for text in range(len(signed)):
            places = [p for p in range(signed.shape[1]) if counted[text, p]]
            place = max(places, key=lambda p: (float(signed[text, p, neuron]), -p))
            peaks.append((-float(signed[text, place, neuron]), text, place))
        best.append([(text, place) for _, text, place in sorted(peaks)[:k]])
    return best


@pytest.mark.parametrize("order", ["forwards", "backwards", "mixed"])
@pytest.mark.parametrize("size", [1, 4, 12])
def test_the_best_texts_do_not_depend_on_the_batches(order: str, size: int) -> None:
    chance = np.random.default_rng(1)
    signed = torch.as_tensor(chance.integers(-3, 3, (12, 5, 7)), dtype=torch.float32)  # many ties
    counted = torch.as_tensor(chance.random((12, 5)) < 0.7)
    counted[:, 2] = True
    texts = {"forwards": list(range(12)), "backwards": list(range(12))[::-1]}.get(order)
    texts = [int(i) for i in chance.permutation(12)] if texts is None else texts
    best = Best.none(7, 4, CPU)
    for start in range(0, 12, size):
        chosen = texts[start : start + size]
        best = best.with_texts(chosen, signed[chosen], counted[chosen])
    found = [list(zip(t, p, strict=True)) for t, p in zip(best.text.tolist(), best.position.tolist(), strict=True)]
    assert found == by_sorting(signed, counted, 4)
    mass = (signed * counted[..., None]).clamp(min=0).sum(1)
    np.testing.assert_allclose(best.mass, mass[best.text, torch.arange(7)[:, None]])


def test_a_text_that_is_not_there_yet_comes_last() -> None:
    best = Best.none(1, 3, CPU).with_texts([5], torch.full((1, 1, 1), -7.0), torch.ones(1, 1, dtype=torch.bool))
    assert best.text.tolist() == [[5, -1, -1]]
    assert best.value.tolist() == [[-7.0, -torch.inf, -torch.inf]]
