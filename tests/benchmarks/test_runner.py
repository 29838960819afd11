"""The benchmark runs, compares like with like, and says so in a table; no time is tested."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(name: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, *options],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.default_model
def test_the_table_has_a_row_for_each_contestant() -> None:
    table = run("integrated_gradients", "--tokens", "8", "--steps", "2", "--rounds", "1", "--no-memory")
    rows = re.findall(r"^(\S.*?)  +(\d+) +(\d+) +([\d.]+) +([\d.]+ to [\d.]+) +([\d.]+)x$", table, re.MULTILINE)
    assert [row[0] for row in rows] == ["interp-widgets", "interp-widgets, checkpoints", "captum", "textbook loop"]
    ours, with_checkpoints, captum, textbook = (int(row[2]) for row in rows)
    assert ours == 2 + 2  # the points, the prompt itself and the baseline
    assert with_checkpoints == ours  # layers are computed twice, inside the same passes
    assert captum >= 2
    assert textbook == 2 + 1


@pytest.mark.default_model
def test_memory_is_measured_in_a_process_of_its_own() -> None:
    assert int(run("integrated_gradients", "--memory-of", "interp-widgets", "--tokens", "128")) > 10**6


@pytest.mark.default_model
def test_a_long_prompt_is_estimated_and_run() -> None:
    table = run("long_prompt", "--model", "tiny", "--tokens", "40", "--methods", "gradient_x_input", "leave_one_out")
    rows = re.findall(r"^(\S+) +(\d+) +([\d.]+) s +([\d.]+) s +(\d+) MiB$", table, re.MULTILINE)
    assert [row[0] for row in rows] == ["gradient_x_input", "leave_one_out"]
    assert all(float(number) >= 0 for row in rows for number in row[2:])


@pytest.mark.default_model
def test_leave_one_out_gives_captums_numbers_on_a_random_model() -> None:
    table = run("leave_one_out", "--model", "tiny", "--rounds", "1", "--skip-default")
    found = re.search(r"^captum, single pass .*difference (\S+)$", table, re.MULTILINE)
    assert found, table
    assert float(found[1]) <= 1e-4


@pytest.mark.default_model
def test_control_vectors_are_repengs() -> None:
    if importlib.util.find_spec("repeng") is None:
        pytest.skip("repeng is not installed: make peers")
    table = run("control_vectors", "--model", "tiny", "--pairs", "12", "--rounds", "1")
    found = re.findall(r"^(\S+) +repeng takes [\d.]+ times as long .*least cosine (\S+)$", table, re.MULTILINE)
    assert [row[0] for row in found] == ["pca_centred", "pca_uncentred"]


@pytest.mark.default_model
def test_what_steering_costs_is_told_beside_what_nothing_costs() -> None:
    table = run("steering_overhead", "--model", "tiny", "--rounds", "1", "--tokens", "6")
    rows = re.findall(r"^(\S.*?)  +[\d.]+ ms +[\d.]+ ms +median of (\d+) ratios", table, re.MULTILINE)
    assert [row[0] for row in rows] == [
        "one layer", "one layer, generated tokens only", "strength 0", "nothing, twice",
    ]  # fmt: skip


@pytest.mark.default_model
def test_neurons_find_the_texts_that_the_plain_way_finds() -> None:
    table = run("neurons", "--model", "tiny", "--texts", "40", "--layer", "1", "--neuron", "5", "--no-memory")
    rows = re.findall(r"^(\S.*?)  +[\d.]+ s +(?:[\d.]+ s +)?(yes|NO)$", table, re.MULTILINE)
    assert rows == [("one neuron", "yes"), ("all neurons", "yes"), ("plain way, one neuron", "yes")]


@pytest.mark.default_model
def test_a_trace_gives_the_numbers_of_one_pass_a_cell() -> None:
    table = run("causal_trace", "--model", "tiny", "--every", "4")
    found = re.search(r"^ratio [\d.]+, largest difference \S+, (\S+) of the largest effect$", table, re.MULTILINE)
    assert found, table
    assert float(found[1]) <= 1e-3


@pytest.mark.default_model
def test_patching_gives_the_numbers_of_one_pass_a_cell() -> None:
    table = run("activation_patching", "--model", "tiny", "--plain")
    found = re.search(r"^ratio [\d.]+, largest difference \S+ log-odds, (\S+) of their range$", table, re.MULTILINE)
    assert found, table
    assert float(found[1]) <= 1e-3


@pytest.mark.default_model
def test_average_effects_go_on_where_they_were_stopped(tmp_path: Path) -> None:
    options = ["--model", "tiny", "--step", "2", "--keep", str(tmp_path)]
    few = run("average_effects", *options, "--facts", "2")
    assert few.startswith("2 facts")
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert len(kept) == 2
    assert run("average_effects", *options, "--facts", "2").splitlines()[:-1] == few.splitlines()[:-1]
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == kept
