"""Patching as data: both prompts, exact effects and estimates, scales, the call that repeats it, limits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from interp_widgets.locate import patch_payload as module
from interp_widgets.locate.patch_cell import patch_cell
from interp_widgets.locate.patch_payload import asked, patch_payload
from interp_widgets.locate.patch_result import PatchResult
from tests.locate.made import make_patch

FIXTURES = Path(__file__).parents[2] / "labextension/src/__tests__/fixtures"


def heads() -> PatchResult:
    """Three heads at two of the positions."""
    return make_patch(
        sites=("heads",), row_kind="head", rows=np.array([0, 1, 5]), patched_positions=np.array([2, 4]), points=0,
        values=np.linspace(-2, 3, 18).reshape(1, 3, 6), first_order=np.full((1, 3, 6), np.nan), diagnostics={},
    )  # fmt: skip


def title(result: PatchResult) -> str:
    return "".join(part["text"] for part in patch_payload(result)["title"])


def test_the_question_says_the_direction() -> None:
    assert title(make_patch()) == "Which clean activations bring back ·Paris rather than ·Rome?"
    assert title(make_patch(direction="insert", foil=None)) == "Which corrupted activations take away ·Paris?"
    turned = {"clean": -2.0, "corrupted": 3.0, "foil": None}
    assert title(make_patch(**turned)) == "Which clean activations lower ·Paris?"
    assert title(make_patch(direction="insert", **turned)) == "Which corrupted activations raise ·Paris?"


def test_effects_are_shares_of_the_way_and_what_was_not_measured_is_none() -> None:
    result = make_patch()
    payload = patch_payload(result)
    sheet = payload["sheets"][0]
    exact = result.effects_of("resid_post")
    for row in (0, 2, 3, 4):
        np.testing.assert_allclose(sheet["exact"]["values"][row], exact[row], rtol=6e-3)
    assert sheet["exact"]["values"][1] == [None] * 6
    assert sheet["exact"]["labels"][1] == [""] * 6
    assert sheet["exact"]["labels"][2][0] == "+1.08"
    assert sheet["exact"]["reads"][2][0] == "3.40"
    assert sheet["first"]["labels"][2][0] == "+0.86"
    assert payload["scale"] == {"max": 1.08, "label": "1.08", "unit": "share of the way to the clean run"}
    assert (payload["base"]["label"], payload["other"]["label"]) == ("−2.00", "3.00")
    assert patch_payload(make_patch(normalised=False))["sheets"][0]["exact"]["labels"][2][0] == "+5.40"


def test_each_token_names_the_one_that_stands_for_it() -> None:
    payload = patch_payload(make_patch())
    source, patched = payload["runs"]
    assert source["name"] == "clean run, where the activations come from"
    assert [token["partner"] for token in patched["tokens"]] == [0, -1, 2, 3, 4]
    assert [token["partner"] for token in source["tokens"]] == [0, -1, 2, 3, 4]
    assert [token["differs"] for token in patched["tokens"]] == [False, True, True, False, False]
    assert [row["note"] for row in payload["rows"]] == [None, "← none", "← ·Tower", None, None]
    turned = patch_payload(make_patch(direction="insert"))
    assert [run["name"].split()[0] for run in turned["runs"]] == ["clean", "corrupted"]
    assert turned["runs"][0]["name"].endswith("patched")


def test_the_correlation_is_told_with_the_cells_it_stands_on() -> None:
    assert patch_payload(make_patch())["agreement"] == {"pearson": "0.93", "spearman": "0.81", "cells": "48 cells"}
    assert patch_payload(make_patch(diagnostics={}))["agreement"]["pearson"] is None
    assert patch_payload(heads())["agreement"] is None


def test_where_only_a_sample_was_measured_the_estimates_have_the_scale() -> None:
    values = np.full((2, 5, 6), np.nan)
    values[0, 2, :3] = [3.0, 2.0, 1.0]
    payload = patch_payload(make_patch(values=values, first_order=np.full((2, 5, 6), 8.0)))
    assert payload["sparse"]
    assert payload["scale"]["label"] == "2.00"
    wild = patch_payload(make_patch(first_order=np.full((2, 5, 6), 98.0), values=np.full((2, 5, 6), 3.0)))
    assert (wild["scale"]["label"], wild["beyond"]) == ("1.00", "20.0")
    assert patch_payload(make_patch())["beyond"] is None


def test_heads_are_rows_of_their_own() -> None:
    payload = patch_payload(heads())
    assert [row["name"] for row in payload["rows"]] == ["head 0", "head 1", "head 5"]
    assert payload["where"] == "patched at osseum (2), ·in (4)"
    assert payload["missing"] == []
    assert asked(heads()) == {"heads": [0, 1, 5], "positions": [2, 4]}


def test_the_call_patches_the_same_again() -> None:
    assert patch_payload(make_patch())["code"] == (
        "iw.patch(lm, 'The Eiffel Tower is in', 'The Colosseum is in', target=' Paris', foil=' Rome',"
        " sites=['resid_post', 'mlp_out'], method='both')"
    )
    turned = make_patch(direction="insert", points=4, normalised=False, sites=("mlp_out",), source_tokens=("Rome",),
                        values=np.zeros((1, 5, 6)), first_order=np.zeros((1, 5, 6)))  # fmt: skip
    assert asked(turned) == {
        "direction": "insert", "normalised": False, "method": "both", "points": 4, "align": "spans",
    }  # fmt: skip
    assert asked(make_patch(foil=None, metric="probability"))["metric"] == "probability"


def test_of_too_many_rows_those_with_the_largest_effects_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2 * 6 * 2 * 2)
    payload = patch_payload(make_patch())
    assert [row["number"] for row in payload["rows"]] == [2, 4]
    assert "2 rows with the largest effects of 5 positions" in payload["rest"]


def test_one_cell() -> None:
    cell = patch_cell(make_patch(), "mlp_out", -3, -1)
    assert (cell.site, cell.row, cell.name, cell.layer) == ("mlp_out", 2, "osseum", 5)
    assert cell.value == pytest.approx(-1.8)
    assert cell.effect == pytest.approx(0.04)
    assert cell.first_order == pytest.approx((-1.8 * 0.8 - 0.4 + 2) / 5)
    missing = patch_cell(make_patch(points=0), "mlp_out", 1, 0)
    assert (missing.value, missing.effect, missing.first_order) == (None, None, None)
    for wrong, words in ((("heads", 0, 0), "heads"), (("mlp_out", 9, 0), "position=9"), (("mlp_out", 0, 6), "0 to 5")):
        with pytest.raises(ValueError, match=words):
            patch_cell(make_patch(), *wrong)


def test_the_fixture_is_what_python_makes() -> None:
    file = FIXTURES / "patch.json"
    assert json.loads(file.read_text("utf-8")) == json.loads(json.dumps(patch_payload(make_patch())))
