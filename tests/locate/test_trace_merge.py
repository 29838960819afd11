"""Kinds that were traced one after the other make one result, or none where they are of other runs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from interp_widgets.errors import ArgumentError
from interp_widgets.locate.trace_merge import joined
from interp_widgets.locate.trace_payload import trace_payload
from tests.builders import make_provenance
from tests.locate.made import make_trace


def test_both_kinds_as_if_traced_together() -> None:
    whole = make_trace()
    first = make_trace(kinds=("hidden",), restored=whole.restored[:1])
    second = make_trace(
        kinds=("mlp",), restored=whole.restored[1:], words={**whole.words, 15: " Oslo"}, verdict=first.verdict
    )
    both = joined(first, second)
    assert both.kinds == ("hidden", "mlp")
    np.testing.assert_array_equal(both.restored, whole.restored)
    assert both.words[15] == " Oslo"
    assert (both.forward_passes, both.seconds) == (104, 1.82)
    assert trace_payload(both)["sheets"] == trace_payload(whole)["sheets"]


def test_what_no_part_changes_stays_the_corrupted_run() -> None:
    whole = make_trace()
    first = make_trace(kinds=("hidden",), restored=whole.restored[:1])
    shifted = whole.corrupted + 1e-6  # another batch, another thread
    second = make_trace(
        kinds=("mlp",), corrupted=shifted, restored=whole.restored[1:] - whole.corrupted[None, :, None, None]
        + shifted[None, :, None, None],
    )  # fmt: skip
    untouched = np.zeros((6, 6), bool)
    untouched[[0, 1, 3, 4]] = True
    second = dataclasses.replace(second, restored=np.where(untouched, shifted[None, :, None, None], second.restored))
    both = joined(first, second)
    assert (both.effects_of("mlp")[untouched] == 0).all()
    assert trace_payload(both)["sheets"][1]["after"][0] == [None] * 6
    assert both.effects_of("mlp")[2, 0] == pytest.approx(0.25, abs=1e-5)


def test_a_kind_that_is_there_stays_as_it_was() -> None:
    whole = make_trace()
    assert joined(whole, make_trace(restored=whole.restored * 0.5)).kinds == whole.kinds
    np.testing.assert_array_equal(joined(whole, make_trace(restored=whole.restored * 0.5)).restored, whole.restored)


def test_other_runs_make_no_result() -> None:
    first = make_trace(kinds=("hidden",))
    for changes in (
        {"window": 6},
        {"subject_tokens": (1, 2)},
        {"target_ids": np.array([9])},
        {"layers": np.arange(1, 7)},
    ):
        with pytest.raises(ArgumentError, match="other cells"):
            joined(first, make_trace(kinds=("mlp",), **changes))
    with pytest.raises(ArgumentError, match="interventions: x; in the trace that is shown: none"):
        joined(
            first,
            dataclasses.replace(
                make_trace(kinds=("mlp",), clean=0.4), provenance=make_provenance(interventions=("x",))
            ),
        )
    with pytest.raises(ArgumentError, match="answers otherwise"):
        joined(first, make_trace(kinds=("mlp",), samples=2))
