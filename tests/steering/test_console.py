"""What the console writes: texts, readings, grid and settings, on a tiny model; and the result that holds them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, Cancelled, FileFormatError, FingerprintMismatchError, OutOfRangeError
from interp_widgets.results.base import Result
from interp_widgets.steering.console import SteeringResult, Written
from interp_widgets.steering.console_payload import console_payload
from interp_widgets.steering.console_preset import from_preset, preset, read_preset, write_preset
from interp_widgets.steering.console_settings import Settings, described, grid_axes, layers_of
from interp_widgets.steering.console_verdict import judge
from interp_widgets.steering.console_writing import Writer, check_vectors, grid_of
from interp_widgets.steering.vector import Bounds
from tests.steering.made_console import make_grid, make_steering, make_used
from tests.tiny import make_lm

PROMPT = "The capital of"
GLAD = ["She opened the window", "The room was warm", "Paris and Canberra"]
SAD = ["import numpy as np", "print(np.arange(3))", "not Sydney because"]


def quiet(done: int, total: int, text: str) -> None:
    """Progress that nobody hears."""


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama")


@pytest.fixture(scope="module")
def vector(lm: Any) -> Any:
    return iw.control_vector(lm, GLAD, SAD, name="mood").with_best_layer(1)


@pytest.fixture
def write(lm: Any, vector: Any) -> Any:
    """Writes with the same writer, noting the steps."""
    writer = Writer([vector])
    base = Settings(PROMPT, max_new_tokens=5)

    def run(**wishes: Any) -> tuple[SteeringResult, list[tuple[int, Written]]]:
        steps: list[tuple[int, Written]] = []
        settings = base.changed([vector], **wishes)
        result = writer.write(
            lm, settings, None, cancel=threading.Event(), progress=quiet, on_step=lambda *step: steps.append(step)
        )
        return result, steps

    return run


def test_both_texts_are_what_the_model_writes(lm: Any, vector: Any, write: Any) -> None:
    result, steps = write(strengths={"mood": 0.15}, layers=(0, 2, 2))
    with lm.steered(vector, layers=[0, 2], strength=0.15):
        steered = lm.generate(PROMPT, max_new_tokens=5)
    assert (result.plain.text, result.steered.text) == (lm.generate(PROMPT, max_new_tokens=5), steered)
    assert result.vectors[0].layers == (0, 2)
    assert [side for side, _ in steps][:2] == [1, 0]
    assert [one.ids for side, one in steps if side == 1][-1] == result.steered.ids
    assert "".join(result.plain.text[a:b] for a, b in result.plain.spans) == result.plain.text


def test_sampled_texts_repeat_and_the_code_gives_them(lm: Any, vector: Any, write: Any) -> None:
    wishes = {"strengths": {"mood": -0.1}, "temperature": 1.0, "seed": 5, "positions": "generated", "keep_norm": True}
    result, _ = write(**wishes)
    assert write(**wishes)[0].steered.ids == result.steered.ids
    code = console_payload(result)["code"].replace("    lm.generate", "    text = lm.generate")
    found: dict[str, Any] = {"lm": lm, "mood": vector}
    exec(code, found)
    assert found["text"] == result.steered.text


def test_the_unsteered_model_reads_them(lm: Any, vector: Any, write: Any) -> None:
    from interp_widgets.steering.reading import token_scores

    result, _ = write(strengths={"mood": 0.15})
    ids = [*lm.encode(PROMPT).ids.tolist(), *result.steered.ids]
    n = len(lm.encode(PROMPT))
    np.testing.assert_allclose(result.steered_scores[0], token_scores(lm, vector, [ids])[0][n:], rtol=1e-4, atol=1e-5)
    logits = np.asarray(lm.model(__import__("torch").tensor([ids])).logits[0].detach(), np.float64)
    read = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    due = [read[n - 1 + i, token] for i, token in enumerate(result.steered.ids)]
    np.testing.assert_allclose(result.steered.read, due, rtol=1e-4, atol=1e-5)
    assert result.steered.perplexity == pytest.approx(np.exp(-np.mean(due)), rel=1e-4)


def test_the_unsteered_text_is_kept_until_something_changes_it(lm: Any, write: Any) -> None:
    write()
    assert {side for side, _ in write(strengths={"mood": 0.1})[1][1:]} == {1}
    added = lm.ledger.add(iw.Ablation(site="mlp_out", layer=1))
    try:
        result, steps = write(strengths={"mood": 0.1})
        assert sum(side == 0 for side, _ in steps) == 5
        assert result.provenance.interventions == (added.name,)
    finally:
        lm.ledger.remove(added)
    assert sum(side == 0 for side, _ in write(seed=1, temperature=0.5)[1]) == 5


def test_without_strength_one_text_is_written(write: Any) -> None:
    result, _ = write()
    assert result.steered == result.plain
    assert result.verdict.word == "trust"
    assert result.provenance.forward_passes == 6


def test_cancel(lm: Any, vector: Any) -> None:
    cancel = threading.Event()
    cancel.set()
    writer = Writer([vector])
    with pytest.raises(Cancelled):
        writer.write(lm, Settings(PROMPT), None, cancel=cancel, progress=quiet, on_step=lambda *step: None)


def test_the_grid_row_by_row(lm: Any, vector: Any) -> None:
    writer, settings = Writer([vector]), Settings(PROMPT, max_new_tokens=4)
    parts: list[SteeringResult] = []
    result = writer.fill(
        lm, writer.blank(lm, settings, None), settings, vector=None, layers=[0, 2], strengths=[-0.2, 0.2],
        cancel=threading.Event(), progress=quiet, partial=parts.append,
    )  # fmt: skip
    assert [part.grid.filled for part in parts if part.grid is not None] == [3, 6]
    grid = result.grid
    assert grid is not None
    assert grid.strengths == (-0.2, 0.0, 0.2)
    assert [row[1] for row in grid.perplexity] == [1.0, 1.0]
    with lm.steered(vector, layers=2, strength=0.2):
        assert grid.texts[1][2] == (lm.generate(PROMPT, max_new_tokens=4),)
    with pytest.raises(ArgumentError, match="mood"):
        writer.find("mod")


def test_vectors_are_checked(lm: Any, vector: Any) -> None:
    with pytest.raises(ArgumentError, match="at least one ControlVector"):
        check_vectors(lm, [])
    with pytest.raises(ArgumentError, match="two are called 'mood'"):
        check_vectors(lm, [vector, vector])
    with pytest.raises(FingerprintMismatchError):
        check_vectors(make_lm("llama", seed=3), [vector])
    assert check_vectors(lm, vector) == (vector,)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"strengths": {"mod": 1}}, "Did you mean 'mood'"),
        ({"strengths": {"mood": 0.2}}, "outside -0.15 to 0.15; past=True"),
        ({"strengths": {"mood": float("nan")}}, "strength of mood"),
        ({"strengths": 0.1}, "a number for each vector"),
        ({"layers": (2, 1, 1)}, "from the lower to the higher"),
        ({"layers": (0, 9, 1)}, "layers 0 to 2"),
        ({"layers": (0, 2)}, "three whole numbers"),
        ({"positions": "first"}, "positions='first'"),
        ({"max_new_tokens": 0}, "from 1 to 256"),
        ({"temperature": -1}, "0 \\(greedy\\) to 10"),
        ({"seed": 1.5}, "whole number"),
        ({"length": 3}, "settings are prompt"),
    ],
)
def test_wishes_that_cannot_be(vector: Any, wish: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        Settings(PROMPT).changed([vector], **wish)
    with pytest.raises(OutOfRangeError):
        Settings(PROMPT).changed([vector], layers=[0, 9, 1])


def test_bounds_hold_for_their_layers_only(vector: Any) -> None:
    bounded = vector.with_bounds(Bounds((0, 2), -0.04, 0.08, 1.25, ((-0.04, 1.1), (0.08, 1.2), (0.2, 3.0))))
    settings = Settings(PROMPT)
    assert layers_of(bounded, settings) == (0, 2)
    used = described([bounded], settings)[0]
    assert (used.low, used.high, used.limit) == (-0.04, 0.08, 1.25)
    assert used.damage(0.15) == (0.2, 3.0)
    wide = settings.changed([bounded], strengths={"mood": 0.3}, past=True)
    assert judge(described([bounded], wide), 10.0, 20.0).word == "do not trust"
    with pytest.raises(ArgumentError, match=r"outside -0\.16 to 0\.32"):
        wide.changed([bounded], strengths={"mood": 0.33})
    elsewhere = described([bounded], settings.changed([bounded], layers=(1, 1, 1)))[0]
    assert (elsewhere.low, elsewhere.high, elsewhere.measured) == (-0.15, 0.15, ())
    unsafe = vector.with_bounds(Bounds((1,), 0.0, 0.0, 1.25, ((0.0, 1.0), (0.1, 2.0))))
    assert described([unsafe], settings)[0].wide == (-0.15, 0.15)
    rows, across = grid_axes(bounded, used)
    assert (rows, across) == ([0, 1, 2], [-0.04, -0.0267, -0.0133, 0.0, 0.0267, 0.0533, 0.08])


def test_verdicts() -> None:
    assert judge([make_used(strength=0.0)], 3.0, 3.0).word == "trust"
    assert judge([make_used()], 3.0, 3.3).sentence.startswith("within the bounds; perplexity of the text 1.10 times")
    assert judge([make_used(), make_used("formality")], 3.0, 3.3).word == "caution"
    assert judge([make_used(measured=(), limit=0.0)], 3.0, 3.3).word == "caution"
    assert judge([make_used()], 3.0, 9.0).word == "caution"
    past = judge([make_used(strength=0.3)], 3.0, 9.0)
    assert past.word == "do not trust"
    assert "at +0.20 made neutral text 2.10 times as perplexing" in past.sentence


def test_settings_as_a_file(tmp_path: Path) -> None:
    shown = make_steering()
    path = write_preset(tmp_path / "settings.json", preset(shown.vectors, shown.settings))
    wishes = from_preset(read_preset(path))
    assert wishes["strengths"] == {"sentiment": 0.075, "formality": 0.0}
    assert {name: wishes[name] for name in shown.settings} == shown.settings
    (tmp_path / "other.json").write_text("{}")
    for document in ("text", {}, {**read_preset(path), "version": 9}, {**read_preset(path), "vectors": [1]}):
        with pytest.raises(FileFormatError):
            from_preset(document)
    with pytest.raises(FileFormatError, match="more"):
        from_preset({**read_preset(path), "more": 1})


def test_saved_and_read_again(tmp_path: Path) -> None:
    result = make_steering()
    loaded = Result.load(result.save(tmp_path / "steering"))
    assert isinstance(loaded, SteeringResult)
    assert console_payload(loaded) == console_payload(result)
    assert loaded.vectors == result.vectors
    assert loaded.grid == make_grid()
    frame = loaded.to_frame()
    assert list(frame["text"]) == ["unsteered"] * 6 + ["steered"] * 4
    assert frame["score formality"].iloc[0] == result.plain_scores[1, 0]
    assert len(result.plot().axes) == 2


def test_a_grid_from_an_evaluation() -> None:
    class Evaluation:
        vector, unit = "sentiment", "VADER"
        strengths, layers = (-0.1, 0.0), ((4,), (8, 12))
        texts = ((("a", "b"), ("c", "d")), (("e", "f"), ("g", "h")))
        concept = np.zeros((2, 2, 3))
        perplexity = np.ones((2, 2, 3))

    grid = grid_of(Evaluation())
    assert (grid.by, grid.layers, grid.texts[1][0]) == ("evaluation", ((4,), (8, 12)), ("e", "f"))
    assert console_payload(make_steering(grid=grid))["grid"]["rows"][1]["name"] == "layers 8, 12"
