"""The lens's benchmark has a row for each way, and its memory is far below that of all logits at once."""

from __future__ import annotations

import re

import pytest

from tests.benchmarks.test_runner import run


def test_the_table_has_each_way() -> None:
    table = run("logit_lens", "--model", "tiny", "--tokens", "16", "--rounds", "1", "--no-memory")
    rows = re.findall(r"^16 +(\S.*?) +([\d.]+) s +([\d.]+) s( +[\d.]+ s)?\s*$", table, re.MULTILINE)
    assert [row[0] for row in rows] == ["interp-widgets", "all logits at once", "multiplications"]
    assert [bool(row[3]) for row in rows] == [True, False, False]


@pytest.mark.default_model
def test_memory_is_that_of_a_few_pieces() -> None:
    needed = {
        way: float(run("logit_lens", "--memory-of", way, "--tokens", "24"))
        for way in ("interp-widgets", "all logits at once")
    }
    assert needed["interp-widgets"] < 100e6
    assert needed["all logits at once"] > 5 * needed["interp-widgets"]
