"""One piece of logits, read in few passes, against the plain formulas in double precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interp_widgets.errors import NonFiniteError
from interp_widgets.locate import lens_reading
from interp_widgets.locate.lens_reading import log_softmax, read


def random_logits(rows: int, size: int, seed: int) -> torch.Tensor:
    return 3 * torch.randn(rows, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [5, 64, 130, 1_000, 6_400])
@pytest.mark.parametrize("k", [1, 5])
def test_it_is_the_plain_formulas(size: int, k: int) -> None:
    logits, final = random_logits(7, size, 1), random_logits(7, size, 2)
    p, q = (x.double().log_softmax(-1) for x in (logits, final))
    followed = torch.tensor([0, size - 1])
    found = read(logits.clone(), log_softmax(final), k, followed, reverse=True)
    best = logits.topk(k)
    np.testing.assert_array_equal(found.top_ids, best.indices)
    np.testing.assert_allclose(found.top, p.gather(1, best.indices), atol=1e-5)
    np.testing.assert_allclose(found.normaliser, logits.double().logsumexp(-1), atol=1e-5)
    np.testing.assert_allclose(found.entropy, -(p.exp() * p).sum(-1), atol=1e-5)
    np.testing.assert_allclose(found.divergence, (p.exp() * (p - q)).sum(-1), rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(found.reverse, (q.exp() * (q - p)).sum(-1), rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(found.log_probability, p[:, followed], atol=1e-5)
    np.testing.assert_array_equal(found.rank, 1 + (p[:, None] > p[:, followed, None]).sum(-1))


def test_rows_are_read_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, final, followed = random_logits(10, 300, 1), log_softmax(random_logits(10, 300, 2)), torch.tensor([3])
    whole = read(logits.clone(), final, 3, followed)
    monkeypatch.setattr(lens_reading, "_NUMBERS", 900)
    parts = read(logits.clone(), final, 3, followed)
    np.testing.assert_array_equal(parts.top_ids, whole.top_ids)
    np.testing.assert_allclose(parts.divergence, whole.divergence, atol=1e-6)


def test_tokens_that_are_ruled_out_count_as_nothing() -> None:
    logits, final = random_logits(2, 200, 1), random_logits(2, 200, 2)
    logits[:, 7] = final[:, 7] = -torch.inf
    found = read(logits.clone(), log_softmax(final), 2, torch.tensor([7]))
    kept = [i for i in range(200) if i != 7]
    p = logits[:, kept].double().log_softmax(-1)
    np.testing.assert_allclose(found.entropy, -(p.exp() * p).sum(-1), atol=1e-5)
    assert torch.isfinite(found.divergence).all()
    assert found.rank.tolist() == [[200], [200]]


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_what_is_not_finite_is_said(bad: float) -> None:
    logits = random_logits(3, 100, 1)
    logits[1, 50] = bad
    with pytest.raises(NonFiniteError, match="not finite"):
        read(logits.clone(), log_softmax(random_logits(3, 100, 2)), 1, torch.tensor([0]))
    with pytest.raises(NonFiniteError, match="not finite"):
        log_softmax(logits)
