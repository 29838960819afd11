"""The live edit without a kernel: its switch, the ledger's changes, other methods and prompts; Cancel and errors."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch

import interp_widgets as iw
import interp_widgets.widgets as widgets
from interp_widgets.editing import api
from interp_widgets.editing.diff import api as diff
from interp_widgets.editing.diff.payload import diff_payload
from interp_widgets.editing.diff.result import EditDiff as Diff
from interp_widgets.editing.edit import Edit
from interp_widgets.editing.evaluating.suite import EditSuite
from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.interventions.digest import digest_of
from interp_widgets.models.language_model import LanguageModel
from interp_widgets.widgets.edit_diff import EditDiff
from tests.builders import make_provenance
from tests.editing.made_diff import FACT, make_diff, make_sample
from tests.tiny import make_lm
from tests.widgets.test_highlight import Sent

LIMIT = 60  # seconds; nothing here takes one
seeds = iter(range(100, 200))  # a model of its own for each test: others with the same weights may be in memory still


@pytest.fixture
def lm() -> LanguageModel:
    return make_lm("llama", seed=next(seeds))


def edit_of(lm: LanguageModel, layer: int = 0, method: str = "rome") -> Edit:
    draw = torch.Generator().manual_seed(layer)
    part = iw.LowRank(torch.randn(32, 1, generator=draw), torch.ones(1, lm.architecture.mlp_width), layer=layer)
    return Edit([part], facts=[FACT], method=method, fingerprint=lm.fingerprint)


def diff_of(lm: LanguageModel, edit: Edit, **changes: Any) -> Diff:
    given = {"edit": edit.name, "method": edit.method, "digest": digest_of(edit), **changes}
    return make_diff(provenance=make_provenance(prompt=FACT.prompt, fingerprint=lm.fingerprint), **given)


class FakeWork:
    """Stands for `iw.edit` and `iw.edit_diff`: the first makes an edit at another layer, the second a diff at once;
    with `hold` they work until cancelled."""

    def __init__(self) -> None:
        self.hold: str = ""
        self.error: Exception | None = None
        self.started = threading.Semaphore(0)
        self.made: list[dict[str, Any]] = []
        self.compared: list[tuple[Edit, dict[str, Any], tuple[str, ...]]] = []

    def _wait(self, what: str, cancel: threading.Event) -> None:
        while self.hold == what:
            self.started.release()
            if cancel.wait(0.005):
                raise Cancelled("by the flag")

    def edit(self, lm: Any, facts: Any, *, method: str, layer: Any, progress: Any, cancel: threading.Event) -> Edit:
        self.made.append({"facts": facts, "method": method, "layer": layer, "on": lm.ledger.active_names()})
        self._wait("edit", cancel)
        if self.error is not None:
            raise self.error
        made = lm.ledger.add(edit_of(lm, layer=2, method=method))
        assert isinstance(made, Edit)
        return made

    def edit_diff(self, lm: Any, edit: Edit, *, prompts: Any, progress: Any, cancel: threading.Event, confirm: bool):  # type: ignore[no-untyped-def]
        assert confirm  # who clicks sees how long it takes, and may cancel
        self.compared.append((edit, {"prompts": prompts}, lm.ledger.active_names()))
        self._wait("diff", cancel)
        return diff_of(lm, edit)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> FakeWork:
    fake = FakeWork()
    monkeypatch.setattr(api, "edit", fake.edit)
    monkeypatch.setattr(diff, "edit_diff", fake.edit_diff)
    return fake


def live(lm: LanguageModel) -> tuple[Edit, EditDiff]:
    edit = lm.ledger.add(edit_of(lm), name="capital")
    assert isinstance(edit, Edit)
    return edit, EditDiff(diff_of(lm, edit))


def test_by_name_and_with_its_traits() -> None:
    widget = widgets.EditDiff(result=make_diff())
    state = widget.get_state()
    assert state["payload"] == diff_payload(make_diff())
    assert state["options"]["live"] is False
    assert "edit.js" in state["_esm"]
    assert set(widget._repr_mimebundle_()[0]) >= {"text/html", "text/plain"}
    assert widget.edit is None
    with pytest.raises(ArgumentError, match=r"not what iw\.edit_diff returns"):
        EditDiff("result")  # type: ignore[arg-type]  # the mistake is the point


def test_the_switch_acts_on_the_ledger_and_the_answer_says_done(
    lm: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit, widget = live(lm)
    sent = Sent(widget, monkeypatch)
    assert widget.options["state"] == "on"
    assert sent.ask("explain", toggle={"on": False})["result"] == {"done": True}
    assert (edit.enabled, widget.options["state"]) == (False, "off")
    assert sent.ask("explain", toggle={"on": True, "name": "capital"})["result"] == {"done": True}
    assert sent.ask("explain", undo=True)["result"] == {"done": True}
    assert (dict(lm.ledger), widget.options["state"]) == ({}, "undone")
    assert "it is in no ledger" in sent.ask("explain", toggle={"on": True})["error"]["message"]
    assert sent.ask("explain", apply=True)["result"] == {"done": True}
    assert (list(lm.ledger), widget.options["state"], edit.enabled) == (["capital"], "on", True)
    assert "asked a, b" in sent.ask("explain", a=1, b=2)["error"]["message"]


def test_what_python_does_to_the_ledger_reaches_the_card(lm: LanguageModel) -> None:
    edit, widget = live(lm)
    told: list[str] = []
    widget.observe(lambda change: told.append(change["new"]["state"]), "options")
    lm.ledger.toggle(edit)
    lm.ledger.undo()
    edit.undo()
    lm.ledger.undo()
    assert told == ["off", "on", "undone", "on"]
    lm.ledger.rename(edit, "seat")
    assert [one["name"] for one in widget.options["history"]] == ["seat"]
    other = lm.ledger.add(edit_of(lm, layer=1, method="memit"))
    assert [(one["method"], one["shown"], one["on"]) for one in widget.options["history"]] == [
        ("rome", True, True), ("memit", False, True),
    ]  # fmt: skip
    assert widget.options["note"] == (f"Other interventions are on now: {other.name}; when this was compared: none.")
    lm.ledger.remove(other)
    assert widget.options["note"] == ""


def test_another_edit_of_the_ledger_is_shown(lm: LanguageModel, work: FakeWork) -> None:
    _, widget = live(lm)
    other = lm.ledger.add(edit_of(lm, layer=1), name="other")
    widget.result = diff_of(lm, widget.edit, samples=(make_sample(), make_sample("More", None)))  # type: ignore[arg-type]
    widget.show("other")
    assert widget.wait(LIMIT)
    assert work.compared == [(other, {"prompts": ["More"]}, ("capital", "other"))]
    assert widget.edit is other
    assert [one["shown"] for one in widget.options["history"]] == [False, True]
    with pytest.raises(ArgumentError, match="name='none'"):
        widget.show("none")


def test_the_same_facts_by_another_method(lm: LanguageModel, work: FakeWork) -> None:
    old, widget = live(lm)
    widget.again(method="memit", layer=2)
    assert widget.wait(LIMIT)
    assert work.made == [{"facts": (FACT,), "method": "memit", "layer": 2, "on": ()}]  # found without the other
    assert (old.enabled, widget.edit.method, widget.edit.enabled) == (False, "memit", True)  # type: ignore[union-attr]
    assert [one["on"] for one in widget.options["history"]] == [False, True]
    with pytest.raises(ArgumentError, match="method='rom'"):
        widget.again(method="rom")


@pytest.mark.parametrize("moment", ["edit", "diff", "error"])
def test_after_cancel_or_an_error_all_is_as_it_was(lm: LanguageModel, work: FakeWork, moment: str) -> None:
    old, widget = live(lm)
    if moment == "error":
        work.error = ArgumentError("cannot be")
    work.hold = moment
    widget.again(method="memit")
    if moment != "error":
        assert work.started.acquire(timeout=LIMIT)
        assert widget.cancel()
    assert widget.wait(LIMIT)
    assert widget.status["state"] == ("error" if moment == "error" else "cancelled")
    assert (list(lm.ledger), old.enabled) == (["capital"], True)
    assert widget.edit is old


def test_another_prompt_is_continued_by_the_same_function(lm: LanguageModel) -> None:
    edit = lm.ledger.add(edit_of(lm), name="capital")
    assert isinstance(edit, Edit)
    shown = iw.edit_diff(lm, edit, max_new_tokens=2)
    widget = EditDiff(shown)
    widget.ask("She opened the")
    assert widget.wait(LIMIT)
    assert widget.status == {"state": "idle"}
    assert [sample.prompt for sample in widget.result.samples] == [FACT.prompt, "She opened the"]
    assert widget.result.samples[0] is shown.samples[0]
    with pytest.raises(ArgumentError, match="prompt=''"):
        widget.ask("")


def test_files_are_written_and_the_card_says_where(
    lm: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, widget = live(lm)
    assert [one["key"] for one in widget.options["exports"]] == ["lora", "suite"]
    widget.export("lora")
    assert widget.wait(LIMIT)
    assert widget.status["state"] == "said"
    assert widget.status["text"] == f"LoRA adapter written to {tmp_path / 'capital-lora'}"
    assert (tmp_path / "capital-lora" / "adapter_config.json").exists()
    made = EditSuite((FACT,), (), {})
    monkeypatch.setattr(EditSuite, "from_edit", lambda *_, **__: made)
    widget.export("suite")
    assert widget.wait(LIMIT)
    assert EditSuite.load(tmp_path / "capital-suite.json").facts == (FACT,)
    assert widget.status["text"].endswith("verify capital-suite.json --edit capital-suite.safetensors")
    assert lm.ledger.load(tmp_path / "capital-suite.safetensors")
    with pytest.raises(ArgumentError, match="what='zip'"):
        widget.export("zip")


def test_an_edit_that_is_gone_is_told() -> None:
    lm = make_lm("llama", seed=next(seeds))
    widget = EditDiff(diff_of(lm, lm.ledger.add(edit_of(lm)), digest="0" * 64))  # type: ignore[arg-type]
    assert widget.options["state"] == "gone"
    with pytest.raises(ArgumentError, match="no longer in memory; make it again"):
        widget.undo()


def test_a_closed_widget_lets_go() -> None:
    lm = make_lm("llama", seed=next(seeds))
    edit, widget = live(lm)
    widget.close()
    assert (widget.payload, widget.options, widget._held) == ({}, {}, {})
    edit.undo()  # nothing hears of it
    assert widget.result.edit == "capital"
