"""The scores of the editing benchmarks, and that the benchmarks run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks.edit_records import changed, harmonic, joined, scores
from interp_widgets.editing.editors.rome import RomeSettings
from tests.benchmarks.test_runner import run


def test_the_score_is_the_harmonic_mean_of_means_over_records() -> None:
    row = {"fact": [1.0], "paraphrase": [0.5], "neighbour": [0.8]}
    other = {"fact": [1.0], "paraphrase": [1.0], "neighbour": [0.6]}
    both = joined([row, other])
    found = scores(both)
    assert found["neighbour"][0] == pytest.approx(70)
    assert found["S"][0] == pytest.approx(3 / (1 / 1 + 1 / 0.75 + 1 / 0.7) * 100)
    assert found["S"][1] <= found["S"][0] <= found["S"][2]
    assert harmonic([0.5, 0.0]) < 1e-6


def test_settings_are_changed_by_name() -> None:
    own = changed(changed(RomeSettings(), "value.decay", 0.25), "form", "plain")
    assert (own.value.decay, own.form) == (0.25, "plain")
    assert own.value.clamp == RomeSettings().value.clamp


@pytest.mark.default_model
@pytest.mark.usefixtures("test_data")  # CounterFact's records lie there
def test_they_run_and_go_on_where_they_stopped(tmp_path: Path) -> None:
    few = ("--records", "1", "--layer", "5", "--set", "value.steps=2", "--set", "prefixes=[3]")
    kept = tmp_path / "kept.jsonl"
    for _ in range(2):
        assert "1 records" in run("edit_single", *few, "--keep", str(kept))
    assert len(kept.read_text().splitlines()) == 1
    curves = tmp_path / "curves.json"
    run("edit_sequence", *few, "--every", "1", "--judged", "1", "--curves", str(curves))
    assert json.loads(curves.read_text())["curves"]["rome"]["edits"] == [1]


@pytest.mark.default_model
@pytest.mark.usefixtures("test_data")  # CounterFact's records lie there
def test_grace_leaves_neighbours_alone_and_its_cost_is_drawn(tmp_path: Path) -> None:
    plot = tmp_path / "cost.svg"
    told = run("grace_cost", "--records", "2", "--at", "1", "5", "--rounds", "1", "--tokens", "4", "--plot", str(plot))
    assert "first choice at 100.0 %" in told
    assert "equal to the bit" in told
    assert "5 entries" in told
    assert plot.exists()


@pytest.mark.peers
@pytest.mark.default_model
@pytest.mark.usefixtures("test_data")  # CounterFact's records lie there
def test_a_batch_is_kept_and_shipped(tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="peft is not installed: make peers")
    few = ("--records", "2", "--layer", "4", "5", "--set", "value.steps=2", "--set", "prefixes=[3]")
    told = run("edit_batch", *few, "--adapter", "--save", str(tmp_path / "edit.safetensors"))
    apart = re.search(r"apart by at most (\S+), which the edit moves by up to (\S+),", told)
    assert apart is not None
    assert float(apart[1]) < 1e-4 < float(apart[2])
    assert (tmp_path / "edit.safetensors").exists()
