"""The console without a kernel: requests of a view, texts that come in parts, Cancel, the grid, and what is kept."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import interp_widgets as iw
import interp_widgets.widgets as widgets
from interp_widgets.errors import ArgumentError, Cancelled, FingerprintMismatchError
from interp_widgets.steering.console_payload import MESSAGE, MIME_TYPE, console_payload
from interp_widgets.widgets import steering as module
from interp_widgets.widgets.steering import SteeringConsole
from tests.tiny import make_lm
from tests.widgets.test_highlight import Sent

LIMIT = 30  # seconds; nothing here takes more than one
PROMPT = "The capital of"


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama")


@pytest.fixture(scope="module")
def vectors(lm: Any) -> list[Any]:
    glad = ["She opened the window", "The room was warm", "Paris and Canberra"]
    sad = ["import numpy as np", "print(np.arange(3))", "not Sydney because"]
    mood = iw.control_vector(lm, glad, sad, name="mood").with_best_layer(1)
    return [mood, iw.control_vector(lm, glad[::-1], sad, name="other").with_best_layer(2)]


@pytest.fixture
def console(lm: Any, vectors: list[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[SteeringConsole]:
    monkeypatch.setattr(module, "INTERVAL", 0.0)
    made = SteeringConsole(lm, vectors, prompt=PROMPT, max_new_tokens=4)
    yield made
    made.cancel()
    assert made.wait(LIMIT)


@pytest.fixture
def held(console: SteeringConsole, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Writing stops after the first steps until it is released or cancelled; returns a wait for that."""
    release, begun = threading.Event(), threading.Event()
    real = console._writer.write

    def slow(lm: Any, settings: Any, grid: Any, *, cancel: threading.Event, **rest: Any) -> Any:
        result = real(lm, settings, grid, cancel=cancel, **rest)
        begun.set()
        while not release.wait(0.005):
            if cancel.is_set():
                raise Cancelled("by the flag")
        return result

    monkeypatch.setattr(console._writer, "write", slow)

    def wait() -> None:
        assert begun.wait(LIMIT)
        begun.clear()

    yield wait
    release.set()


def steps(sent: Sent) -> list[dict[str, Any]]:
    return [content for content in sent.answers if content.get("kind") == MESSAGE]


def test_by_name_and_before_the_first_run(lm: Any, vectors: list[Any]) -> None:
    console = widgets.SteeringConsole(lm, vectors, prompt=PROMPT)
    state = console.get_state()
    assert state["payload"] == console_payload(console.result)
    assert state["status"] == {"state": "idle"}
    assert "steering.js" in state["_esm"]
    assert state["options"]["layers"] == {"min": 0, "max": 2}
    assert state["options"]["live"] is True
    assert not console.result.complete
    data, _ = console._repr_mimebundle_()
    assert data[MIME_TYPE]["texts"][1] == {"name": "steered", "start": 0, "end": 0, "pace": ""}


def test_bad_arguments(lm: Any, vectors: list[Any]) -> None:
    with pytest.raises(ArgumentError, match="at least one ControlVector"):
        SteeringConsole(lm, [], prompt=PROMPT)
    with pytest.raises(ArgumentError, match="positions='front'"):
        SteeringConsole(lm, vectors, prompt=PROMPT, positions="front")
    with pytest.raises(ArgumentError, match="empty"):
        SteeringConsole(lm, vectors, prompt="")
    with pytest.raises(FingerprintMismatchError):
        SteeringConsole(make_lm("llama", seed=2), vectors, prompt=PROMPT)


def test_a_view_that_opens_begins(console: SteeringConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(console, monkeypatch)
    assert "error" not in sent.ask("hello")
    assert console.wait(LIMIT)
    assert console.result.complete
    first = console.result
    sent.ask("hello")
    assert console.wait(LIMIT)
    assert console.result is first


def test_a_slider_asks_and_tokens_come_one_by_one(
    lm: Any, vectors: list[Any], console: SteeringConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = Sent(console, monkeypatch)
    args = {**console.payload["settings"], "strengths": {"mood": 0.1, "other": -0.05}}
    assert sent.ask("explain", **args)["result"] == {"accepted": True}
    assert console.wait(LIMIT)
    assert console.status == {"state": "idle"}
    told = steps(sent)
    assert [len(step["boxes"]) for step in told if step["side"] == 1] == [1, 2, 3, 4]
    with lm.using(vectors[0].steer(strength=0.1), vectors[1].steer(strength=-0.05)):
        assert console.result.steered.text == lm.generate(PROMPT, max_new_tokens=4)
    assert console.payload == console_payload(console.result)
    assert console.payload["settings"]["strengths"] == args["strengths"]
    assert console.still["text/plain"] == str(console.result)
    sent.answers.clear()
    sent.ask("explain", strengths={"mood": 0.05})
    assert console.wait(LIMIT)
    assert {step["side"] for step in steps(sent)} == {1}
    assert console.settings.strengths == {"mood": 0.05, "other": -0.05}


def test_a_run_leaves_the_options_alone(lm: Any, console: SteeringConsole) -> None:
    """A card whose options change is drawn anew, and a hand may be on its slider."""
    changes: list[Any] = []
    console.observe(changes.append, "options")
    for strength in (0.05, 0.1):
        lm.note_speed(strength)
        console.write(strengths={"mood": strength})
        assert console.wait(LIMIT)
    assert changes == []


def test_a_newer_question_replaces_the_older(console: SteeringConsole, held: Callable[[], None]) -> None:
    console.write(strengths={"mood": 0.05})
    held()
    console.write(strengths={"mood": 0.1})
    held()
    assert console.status["state"] == "running"
    assert console.settings.strengths["mood"] == 0.1


def test_many_moves_end_with_the_last(console: SteeringConsole) -> None:
    for i in range(12):
        console.write(strengths={"mood": 0.002 * i})
        if i % 5 == 3:
            console.cancel()
    console.write(strengths={"mood": 0.11})
    assert console.wait(LIMIT)
    assert console.status == {"state": "idle"}
    assert console.result.vectors[0].strength == 0.11


def test_a_move_keeps_the_rows_of_a_grid_that_was_being_filled(
    console: SteeringConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = console._show_part

    def move(result: Any) -> None:
        shown(result)
        console.write(strengths={"mood": 0.1})

    monkeypatch.setattr(console, "_show_part", move)
    console.fill_grid("mood")
    assert console.wait(LIMIT)
    assert console.result.vectors[0].strength == 0.1
    assert console.result.grid is not None
    assert console.result.grid.filled == 7


def test_cancel_keeps_the_last_result(
    console: SteeringConsole, held: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = console.result
    sent = Sent(console, monkeypatch)
    console.write(strengths={"mood": 0.1})
    held()
    assert sent.ask("cancel")["result"] == {"cancelled": True}
    assert console.wait(LIMIT)
    assert console.status["state"] == "cancelled"
    assert console.result is shown
    assert console.settings.strengths.get("mood", 0) == 0


def test_errors_stand_in_the_card(console: SteeringConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(console, monkeypatch)
    assert "outside -0.15 to 0.15" in sent.ask("explain", strengths={"mood": 2})["error"]["message"]
    assert "settings are" in sent.ask("explain", colour=1)["error"]["message"]
    assert "no steering settings" in sent.ask("explain", preset="/etc/passwd")["error"]["message"]
    sent.ask("explain", prompt="")
    assert console.wait(LIMIT)
    assert console.status["title"] == "The prompt is empty."
    assert console.settings.prompt == PROMPT


def test_the_prompt_of_a_chat_keeps_its_shape(console: SteeringConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(console, monkeypatch)
    sent.ask("explain", prompt="Paris")
    assert console.wait(LIMIT)
    assert console.result.provenance.prompt == "Paris"


def test_the_grid_fills_and_cancel_keeps_its_rows(console: SteeringConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(console, monkeypatch)
    sent.ask("explain", grid={"vector": "other"})
    assert console.wait(LIMIT)
    grid = console.payload["grid"]
    assert (grid["vector"], grid["whole"], len(grid["rows"])) == ("other", True, 3)
    console.write(strengths={"mood": 0.1})
    assert console.wait(LIMIT)
    assert console.payload["grid"] == grid
    console.write(prompt="Paris")
    assert console.wait(LIMIT)
    assert console.payload["grid"] is None

    filled = console._show_part
    monkeypatch.setattr(console, "_show_part", lambda result: (filled(result), console.cancel()))
    console.fill_grid("mood", layers=[0, 1, 2])
    assert console.wait(LIMIT)
    assert console.status["state"] == "cancelled"
    assert console.result.grid is not None
    assert console.result.grid.filled == 7
    with pytest.raises(ArgumentError, match="vector='mod'"):
        console.fill_grid("mod")


def test_settings_as_a_file(console: SteeringConsole, tmp_path: Path) -> None:
    console.write(strengths={"mood": 0.1}, layers=(0, 2, 2), temperature=0.5)
    assert console.wait(LIMIT)
    path = console.save_settings(tmp_path / "settings.json")
    console.write(strengths={"mood": 0.0}, layers=None, temperature=0.0)
    assert console.wait(LIMIT)
    console.load_settings(path)
    assert console.wait(LIMIT)
    assert console.settings.strengths["mood"] == 0.1
    assert console.settings.layers == (0, 2, 2)
    assert console.result.vectors[0].layers == (0, 2)


def test_a_model_that_is_gone_is_told() -> None:
    short = make_lm("llama", seed=9)
    console = SteeringConsole(short, [iw.control_vector(short, ["a", "c"], ["b", "d"])], prompt=PROMPT)
    del short
    gc.collect()
    console.write()
    assert console.wait(LIMIT)
    assert "no longer in memory" in console.status["message"]
    assert console.options["live"] is False


def test_a_closed_console_hears_no_more(console: SteeringConsole) -> None:
    console.write()
    assert console.wait(LIMIT)
    console.close()
    assert console.payload == {}
    assert console.result.complete
