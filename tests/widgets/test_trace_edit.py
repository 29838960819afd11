"""From a cell of a live trace to an edit, and back: the fact, the card beneath, the trace after it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing import api
from interp_widgets.editing.diff import api as diff
from interp_widgets.editing.edit import Edit
from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.interventions.digest import digest_of
from interp_widgets.locate import tracing
from interp_widgets.locate.trace_result import TraceResult
from interp_widgets.models.language_model import LanguageModel
from interp_widgets.widgets.edit_diff import EditDiff
from interp_widgets.widgets.trace import Trace
from interp_widgets.widgets.trace_edit import fact_of, spaced, why_not
from tests.builders import make_provenance
from tests.editing.made_diff import make_diff
from tests.locate.made import make_trace
from tests.tiny import make_lm
from tests.widgets.test_highlight import Sent

LIMIT = 60  # seconds; nothing here takes one
seeds = iter(range(300, 400))  # a model of its own for each test


class FakeEditing:
    """Stands for `iw.edit`, `iw.edit_diff` and `iw.causal_trace`; with `hold` it works until it is cancelled."""

    def __init__(self) -> None:
        self.hold = ""
        self.started = threading.Semaphore(0)
        self.edits: list[dict[str, Any]] = []
        self.traces: list[tuple[Any, dict[str, Any]]] = []

    def _wait(self, what: str, cancel: threading.Event) -> None:
        while self.hold == what:
            self.started.release()
            if cancel.wait(0.005):
                raise Cancelled("by the flag")

    def edit(self, lm: Any, fact: Any, *, method: str, layer: int, progress: Any, cancel: threading.Event) -> Edit:
        self.edits.append({"fact": fact, "method": method, "layer": layer, "on": lm.ledger.active_names()})
        self._wait("edit", cancel)
        part = iw.LowRank(torch.ones(32, 1), layer * torch.ones(1, lm.architecture.mlp_width), layer=layer)
        made = lm.ledger.add(Edit([part], facts=[fact], method=method, fingerprint=lm.fingerprint))
        assert isinstance(made, Edit)
        return made

    def edit_diff(self, lm: Any, edit: Edit, **_: Any) -> Any:
        return make_diff(
            edit=edit.name, digest=digest_of(edit), provenance=make_provenance(fingerprint=lm.fingerprint)
        )  # fmt: skip

    def causal_trace(self, lm: Any, prompt: Any, *, progress: Any, cancel: Any, confirm: bool, **given: Any) -> Any:
        self.traces.append((prompt, given))
        names = lm.ledger.active_names()
        return make_trace(target=" Rome", provenance={"fingerprint": lm.fingerprint, "interventions": names})


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeEditing:
    found = FakeEditing()
    monkeypatch.setattr(api, "edit", found.edit)
    monkeypatch.setattr(diff, "edit_diff", found.edit_diff)
    monkeypatch.setattr(tracing, "causal_trace", found.causal_trace)
    return found


def live() -> tuple[LanguageModel, Trace]:
    lm = make_lm("llama", seed=next(seeds))
    return lm, Trace(make_trace(provenance={"fingerprint": lm.fingerprint}))


def test_the_fact_that_was_traced() -> None:
    fact = fact_of(make_trace(), "Rome")
    assert (fact.template, fact.subject, fact.target, fact.original) == (
        "The {} is in", "Eiffel Tower", " Rome", " Paris",
    )  # fmt: skip
    assert fact.prompt == make_trace().text
    assert [spaced(answer, " Paris") for answer in ("Rome", " Rome")] == [" Rome", " Rome"]
    assert spaced("Rome", "Paris") == "Rome"
    twice = make_trace(pieces=("a", " cat", " is", " a", " cat", " of"), subject="cat", subject_tokens=(4, 4))
    assert fact_of(twice, "fur").template == "a cat is a {} of"  # the place that was corrupted
    assert all((fact.paraphrases, fact.neighbours, fact.ripple))  # the package knows the tower, and not the cat
    assert not fact_of(twice, "fur").paraphrases
    with pytest.raises(ArgumentError, match="write the new answer"):
        fact_of(make_trace(), "  ")
    with pytest.raises(ArgumentError, match="is the original answer"):
        fact_of(make_trace(), "Paris")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompt": [{"role": "user", "content": "Hi"}]}, "chat or token ids"),
        ({"prompt": "The {} is"}, "holds {}"),
        ({"fingerprint": ""}, "saved elsewhere"),
    ],
)
def test_what_cannot_be_edited_is_not_offered(changes: dict[str, Any], words: str) -> None:
    trace = make_trace(provenance=changes)
    assert words in why_not(trace)
    assert Trace(trace).options["edit"] is False
    with pytest.raises(ArgumentError, match="cannot be edited from here"):
        fact_of(trace, "Rome")


def test_an_edit_at_the_chosen_cell(fake: FakeEditing, monkeypatch: pytest.MonkeyPatch) -> None:
    lm, widget = live()
    assert (widget.options["edit"], widget.options["edited"], widget.beneath) == (True, False, [])
    assert "rome" in [one["name"] for one in widget.options["methods"]]
    sent = Sent(widget, monkeypatch)
    with pytest.raises(ArgumentError, match="choose a cell first"):
        widget.edit("Rome")
    widget.cell = ("hidden", 2, 1)
    assert sent.ask("explain", edit={"target": "Rome"})["result"] == {"accepted": True}
    assert widget.wait(LIMIT)
    assert fake.edits == [{"fact": fact_of(widget.result, "Rome"), "method": "rome", "layer": 1, "on": ()}]
    assert isinstance(widget.diff, EditDiff)
    assert widget.beneath == [widget.diff.model_id]
    assert widget.options["edited"] is True
    assert widget.status == {
        "state": "said", "text": "edited: rome, Eiffel Tower: ·Rome; what that changes stands below",
    }  # fmt: skip
    assert widget.diff.edit is lm.ledger["rome, Eiffel Tower: ·Rome"]
    widget.diff.undo()
    assert widget.diff.options["state"] == "undone"
    fixed = {"edit": {"target": "R", "method": "rome", "layer": 1}, "answer": " Bonn"}
    assert sent.ask("explain", **fixed)["result"] == {"accepted": True}
    assert widget.wait(LIMIT)
    assert fake.edits[-1]["fact"].target == " Bonn"
    wrong = sent.ask("explain", edit={"target": "Paris", "layer": 1})
    assert "is the original answer" in wrong["error"]["message"]
    assert "explain takes a kind, an edit or again" in sent.ask("explain", edit=["hidden", 1, 1])["error"]["message"]


def test_the_same_trace_after_it(fake: FakeEditing, monkeypatch: pytest.MonkeyPatch) -> None:
    lm, widget = live()
    widget.edit("Rome", layer=1)
    assert widget.wait(LIMIT)
    assert Sent(widget, monkeypatch).ask("explain", again=True)["result"] == {"accepted": True}
    assert widget.wait(LIMIT)
    assert fake.traces == [
        ("The Eiffel Tower is in", {
            "kind": ("hidden", "mlp"), "sigma": 0.03, "seed": 0, "subject": "Eiffel Tower", "samples": 3, "window": 4,
        })
    ]  # fmt: skip
    assert isinstance(widget.after, Trace)
    assert widget.diff is not None
    assert widget.beneath == [widget.diff.model_id, widget.after.model_id]
    assert widget.after.result.target == " Rome"
    assert widget.after.options["edit"] is False  # from there it goes no further
    assert widget.status["text"].startswith("traced again with rome, Eiffel Tower: ·Rome on")
    assert isinstance(widget.result, TraceResult)
    assert widget.result.target == " Paris"
    after = widget.after
    widget.edit("Bonn", layer=2)  # in place of the first
    assert widget.wait(LIMIT)
    assert fake.edits[1]["on"] == ()
    assert [x.enabled for x in lm.ledger.values()] == [False, True]
    assert after.closed  # it was of another model
    assert widget.beneath == [widget.diff.model_id]


def test_after_cancel_nothing_is_applied(fake: FakeEditing) -> None:
    lm, widget = live()
    fake.hold = "edit"
    widget.edit("Rome", layer=1)
    assert fake.started.acquire(timeout=LIMIT)
    assert widget.cancel()
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "cancelled"
    assert (dict(lm.ledger), widget.beneath, widget.diff) == ({}, [], None)


def test_the_cards_below_go_with_it(fake: FakeEditing) -> None:
    lm, widget = live()
    widget.edit("Rome", layer=1)
    assert widget.wait(LIMIT)
    diff_card = widget.diff
    assert diff_card is not None
    widget.result = make_trace(pieces=("A", " cat", " sat"), subject="cat", subject_tokens=(1, 1))
    assert (diff_card.closed, widget.beneath) == (True, [])
    widget.close()
    assert len(lm.ledger) == 1  # the edit itself is the ledger's
