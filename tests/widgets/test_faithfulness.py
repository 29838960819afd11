"""The live faithfulness card without a kernel: what is asked again, what is known, the chosen question, no model."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import traitlets

import interp_widgets.widgets as widgets
from interp_widgets.errors import ArgumentError, Cancelled, OutOfRangeError
from interp_widgets.faithfulness import again
from interp_widgets.faithfulness.asking import Choice
from interp_widgets.faithfulness.payload import MIME_TYPE, faithfulness_payload
from interp_widgets.faithfulness.questions import Question
from interp_widgets.widgets.faithfulness import Faithfulness
from tests.faithfulness.made_card import make_choice, make_faithfulness, make_record
from tests.faithfulness.planted import Planted, PlantedBackend
from tests.widgets.test_highlight import Sent

LIMIT = 60  # seconds; nothing here takes one
ANSWER = make_choice(0.2, 0.3, 0.5)


class FakeAnswer:
    """Stands for `answer_after`: one answer at once, or with `hold` none until it is cancelled."""

    def __init__(self) -> None:
        self.hold = False
        self.started = threading.Semaphore(0)
        self.asked: list[tuple[Any, str, str]] = []

    def __call__(
        self, backend: Any, question: Question, text: str, *, seed: int, cancel: threading.Event
    ) -> tuple[Choice, ...]:
        self.asked.append((backend, question.question, text))
        while self.hold:
            self.started.release()
            if cancel.wait(0.005):
                raise Cancelled("by the flag")
        return (ANSWER,)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeAnswer:
    made = FakeAnswer()
    monkeypatch.setattr(again, "answer_after", made)
    return made


def live() -> Faithfulness:
    return Faithfulness(make_faithfulness(), backend=PlantedBackend(Planted("reader")))


def test_by_name_and_with_its_traits() -> None:
    widget = widgets.Faithfulness(result=make_faithfulness())
    state = widget.get_state()
    assert state["payload"] == faithfulness_payload(make_faithfulness())
    assert state["options"] == {"live": False}
    assert state["place"] == [1, None]
    assert "faithfulness.js" in state["_esm"]
    assert set(widget._repr_mimebundle_()[0]) >= {MIME_TYPE, "text/html", "text/plain"}
    widget.close()
    with pytest.raises(ArgumentError, match=r"not what iw\.cot_faithfulness returns"):
        Faithfulness("result")  # type: ignore[arg-type]  # the mistake is the point


def test_a_click_asks_and_the_answer_is_kept(fake: FakeAnswer, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = live()
    assert widget.options == {"live": True}
    asked = {"question": 1, "kept": 3, "struck": [0], "rewritten": [[1, "Three packs hold 12 eggs."]]}
    assert Sent(widget, monkeypatch).ask("explain", ask=asked)["result"] == {"accepted": True}
    assert widget.wait(LIMIT)
    ((_, question, text),) = fake.asked
    assert question == make_record().question.question
    assert text == " Three packs hold 12 eggs. Two are broken, so 18 less 2 is 16."
    assert widget.payload["questions"][1]["tried"][0]["choice"]["labels"] == ["0.20", "0.30", "0.50"]
    assert "0.50" in str(widget.still)
    found = widget.answer(kept=3, struck=[0], rewritten={1: "Three packs hold 12 eggs."})
    assert found == ANSWER
    widget.ask(kept=3, struck=[0], rewritten={1: "Three packs hold 12 eggs."})
    assert widget.wait(LIMIT)
    assert len(fake.asked) == 1  # what is known is not asked again


def test_what_is_known_is_done_at_once(fake: FakeAnswer, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(live(), monkeypatch)
    known = {"question": 1, "kept": 2, "struck": [], "rewritten": []}
    assert sent.ask("explain", ask=known)["result"] == {"done": True}
    assert fake.asked == []
    assert "sentences 0 to 3" in sent.ask("explain", ask={**known, "struck": [9]})["error"]["message"]
    assert "this card answers ask" in sent.ask("explain", a=1)["error"]["message"]
    assert "pairs of" in sent.ask("explain", ask={**known, "rewritten": [3]})["error"]["message"]


def test_cancelled_it_is_as_it_was(fake: FakeAnswer) -> None:
    widget = live()
    before = widget.result
    fake.hold = True
    widget.ask(struck=[0, 1])
    assert fake.started.acquire(timeout=LIMIT)
    assert widget.cancel()
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "cancelled"
    assert widget.result is before


def test_question_and_sentence_are_followed_from_both_sides() -> None:
    widget = live()
    assert (widget.question, widget.sentence) == (1, None)
    widget.set_state({"place": [1, 2]})
    assert (widget.question, widget.sentence) == (1, 2)
    widget.question = 0
    assert widget.place == [0, None]
    widget.sentence = 0
    assert widget.place == [0, 0]
    with pytest.raises(traitlets.TraitError, match="questions 0 to 1"):
        widget.question = 2
    with pytest.raises(traitlets.TraitError, match="no tokens"):
        widget.selection = [1]
    with pytest.raises(OutOfRangeError, match="questions 0 to 1"):
        widget.ask(question=5)


def test_without_a_model_it_sleeps_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Faithfulness(make_faithfulness(provenance={"fingerprint": "", "model": "small"}))
    widget.ask(struck=[0, 1])
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "error"
    assert "backend=" in widget.status["message"]
    assert widget.options == {"live": False}
    widget.close()
    assert widget.payload == {}
