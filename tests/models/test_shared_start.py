"""Rows that go on from prefixes of different lengths are what they would be alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import interp_widgets as iw
from interp_widgets.models.generation_batch import generate_batch
from interp_widgets.models.prefix import Prefix
from interp_widgets.models.shared_start import Begun, common_start, last_hidden, start_batch
from tests.tiny import make_lm

PROMPTS = [
    "The capital of Australia is Canberra and not Sydney.",
    "The capital of Australia is",
    "The capital of Paris",
    "She opened the window because the room was warm.",
    "She opened",
    "import numpy as np",
]


def begun(lm: Any, prompts: list[str]) -> list[Begun]:
    """Two prefixes, of the first and the fourth prompt, and for the last row none."""
    ids = [lm.encode(prompt).ids.tolist() for prompt in prompts]
    kept = {i: Prefix(lm, torch.tensor([ids[i]])) for i in (0, 3)}
    source = [0, 0, 0, 3, 3]
    return [(kept[i], common_start(ids[i], row)) for i, row in zip(source, ids, strict=False)] + [None]


def test_how_much_two_texts_share() -> None:
    assert common_start([1, 2, 3], [1, 2, 4]) == 2
    assert common_start([1, 2], [1, 2, 4]) == 2
    assert common_start([], [1]) == 0


def test_greedy_rows_are_what_generate_writes(any_lm: Any) -> None:
    with any_lm.run():
        written = generate_batch(any_lm, PROMPTS, max_new_tokens=8, begun=begun(any_lm, PROMPTS))
    assert list(written.texts) == [any_lm.generate(prompt, max_new_tokens=8) for prompt in PROMPTS]


def test_last_states_are_those_of_whole_texts(any_lm: Any) -> None:
    ids = [any_lm.encode(prompt).ids.tolist() for prompt in PROMPTS]
    with torch.no_grad(), any_lm.run():
        found = last_hidden(any_lm, *start_batch(any_lm, ids, begun(any_lm, PROMPTS)))
        alone = torch.cat([any_lm.hidden(torch.tensor([row]))[:, -1] for row in ids])
    torch.testing.assert_close(found, alone, rtol=1e-4, atol=1e-4)


def test_only_what_is_new_is_read() -> None:
    lm = make_lm("llama")
    ids = [lm.encode(prompt).ids.tolist() for prompt in PROMPTS]
    with lm.run():
        known = begun(lm, PROMPTS)
        _, read, mask = start_batch(lm, ids[:5], known[:5])
    left = max(len(row) - min(one[1], len(row) - 1) for row, one in zip(ids, known, strict=True) if one is not None)
    assert read.shape == (5, left)
    assert left < max(map(len, ids))
    assert mask.sum(1).tolist() == [len(row) for row in ids[:5]]


@pytest.mark.parametrize("family", ["mistral", "gemma2", "gemma3_text"])
def test_behind_a_sliding_window_nothing_is_reused(family: str) -> None:
    lm = make_lm(family, sliding_window=5)
    with lm.run():
        known = begun(lm, PROMPTS)
        _, _, mask = start_batch(lm, [lm.encode(prompt).ids.tolist() for prompt in PROMPTS], known)
        assert mask.shape[1] == max(len(lm.encode(prompt)) for prompt in PROMPTS)
        written = generate_batch(lm, PROMPTS, max_new_tokens=6, begun=known).texts
    assert list(written) == [lm.generate(prompt, max_new_tokens=6) for prompt in PROMPTS]


def test_a_prefix_of_other_interventions_is_not_used() -> None:
    lm = make_lm("llama")
    known = begun(lm, PROMPTS)  # made outside of the run below
    with lm.using(iw.Ablation(layer=1, head=0)):
        written = generate_batch(lm, PROMPTS, max_new_tokens=6, begun=known).texts
        assert list(written) == [lm.generate(prompt, max_new_tokens=6) for prompt in PROMPTS]


def test_what_acts_by_position_acts_as_alone() -> None:
    """Positions count from the first token that is no padding, also behind two paddings."""
    lm = make_lm("llama")
    change = iw.AddedVector(torch.linspace(-1, 1, 32).numpy(), layer=1, strength=3.0, positions=[2, 3])
    with lm.using(change), lm.run():
        written = generate_batch(lm, PROMPTS, max_new_tokens=6, begun=begun(lm, PROMPTS)).texts
        alone = [lm.generate(prompt, max_new_tokens=6) for prompt in PROMPTS]
    assert list(written) == alone
    assert alone != [lm.generate(prompt, max_new_tokens=6) for prompt in PROMPTS]
