"""States of many prompts at once against single unpadded passes."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import Cancelled, EmptyPromptError
from interp_widgets.models import states as module
from interp_widgets.models.architectures import Site
from interp_widgets.models.states import last_states
from tests.tiny import make_lm

TEXTS = ["I", "The city of Paris is warm", "not", "She opened the window because", "import numpy as np", "It is"]
SHARED = [f"The capital of Australia is Canberra and {end}" for end in ("not", "so on and on", "the city", "she", "it")]


def by_hand(lm: Any, texts: Any, skip: int = 1) -> tuple[Any, Any]:
    """(states (texts, layers, width), mean norm (layers,) of all tokens but the first `skip`), one pass each."""
    sites = [Site("resid_post", layer) for layer in range(lm.architecture.n_layers)]
    rows, norms = [], []
    for text in texts:
        with torch.no_grad(), lm.run(capture=sites) as run:
            lm.hidden(torch.as_tensor(lm.encode(text).ids)[None])
            found = torch.stack([run.captured[site][0] for site in sites]).double()
        rows.append(found[:, -1].numpy())
        norms.append(found.norm(dim=-1)[:, skip:])
    return np.stack(rows), torch.cat(norms, dim=1).mean(1).numpy()


@pytest.mark.parametrize("batch_size", [None, 1, 4])
def test_equal_to_single_passes(any_lm: Any, batch_size: int | None) -> None:
    found = last_states(any_lm, TEXTS, batch_size=batch_size)
    last, norm = by_hand(any_lm, TEXTS)
    assert found.last.dtype == np.float32
    np.testing.assert_allclose(found.last, last, atol=2e-4, rtol=1e-4)
    assert found.forward_passes == len(TEXTS)
    if batch_size is None:  # tokens of a text of one token count where there are no others beside it
        np.testing.assert_allclose(found.norm, norm, rtol=1e-4)


def test_what_all_begin_with_is_computed_once(any_lm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = module._shared([any_lm.encode(text).ids for text in SHARED])
    assert shared >= 4
    found = last_states(any_lm, SHARED)
    last, norm = by_hand(any_lm, SHARED, skip=shared)
    np.testing.assert_allclose(found.last, last, atol=2e-4, rtol=1e-4)
    np.testing.assert_allclose(found.norm, norm, rtol=1e-4)
    assert found.forward_passes == len(SHARED) + 1
    monkeypatch.setattr(module, "_WORTH_REUSING", 10_000)
    plain = last_states(any_lm, SHARED)
    assert plain.forward_passes == len(SHARED)
    np.testing.assert_allclose(found.last, plain.last, atol=2e-4, rtol=1e-4)


def test_each_keeps_a_token_of_its_own() -> None:
    lm = make_lm("llama")
    same = ["The city of Paris is"] * 3
    found = last_states(lm, same)
    np.testing.assert_allclose(found.last, by_hand(lm, same)[0], atol=1e-5)
    longer = ["The city of Paris is", "The city of Paris is warm"]
    np.testing.assert_allclose(last_states(lm, longer).last, by_hand(lm, longer)[0], atol=1e-5)


@pytest.mark.parametrize("family", ["mistral", "gemma2", "gemma3_text"])
def test_behind_a_sliding_window_nothing_is_reused(family: str) -> None:
    lm = make_lm(family, sliding_window=6)
    texts = [f"The capital of Australia is Canberra and not Sydney. She {end}" for end in ("is", "was warm", "opened")]
    assert min(len(lm.encode(text)) for text in texts) > 6
    found = last_states(lm, texts)
    assert found.forward_passes == len(texts)
    np.testing.assert_allclose(found.last, by_hand(lm, texts)[0], atol=2e-4, rtol=1e-4)


def test_layers_are_in_the_order_asked_for() -> None:
    lm = make_lm("llama")
    whole, some = last_states(lm, TEXTS), last_states(lm, TEXTS, layers=[2, 0])
    np.testing.assert_allclose(some.last, whole.last[:, [2, 0]], atol=1e-6)
    np.testing.assert_allclose(some.norm, whole.norm[[2, 0]], rtol=1e-6)


def test_interventions_act() -> None:
    lm = make_lm("llama")
    x = iw.AddedVector(np.linspace(-1, 1, 32), layer=1)
    plain = last_states(lm, TEXTS)
    with lm.using(x):
        changed = last_states(lm, TEXTS)
        np.testing.assert_allclose(changed.last, by_hand(lm, TEXTS)[0], atol=1e-5)
    np.testing.assert_array_equal(plain.last[:, 0], changed.last[:, 0])
    np.testing.assert_allclose(
        plain.last[:, 1] + np.linspace(-1, 1, 32, dtype=np.float32), changed.last[:, 1], atol=1e-5
    )


def test_it_tells_how_far_it_is_and_can_be_cancelled() -> None:
    lm = make_lm("llama")
    told: list[tuple[int, int, str]] = []
    last_states(lm, TEXTS, batch_size=4, advance=lambda *now: told.append(now))
    assert [now[:2] for now in told] == [(4, 6), (6, 6)]
    flag = threading.Event()
    flag.set()
    with pytest.raises(Cancelled):
        last_states(lm, TEXTS, cancel=flag)


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(EmptyPromptError):
        last_states(make_lm("llama"), ["a", ""])
