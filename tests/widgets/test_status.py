"""The status channel: one comm, the whole state at each change, and no failure that reaches a ledger."""

from __future__ import annotations

from typing import Any

import comm
import pytest

from interp_widgets.models import live
from interp_widgets.models.events import Signal, models_changed
from interp_widgets.widgets import status
from tests.widgets.fakes import FakeModel


class FakeComm:
    def __init__(self, target_name: str, data: Any) -> None:
        self.target_name = target_name
        self.sent = [data]
        self.receive: Any = None
        self.closed: Any = None

    def on_msg(self, callback: Any) -> None:
        self.receive = callback

    def on_close(self, callback: Any) -> None:
        self.closed = callback

    def send(self, data: Any) -> None:
        self.sent.append(data)


class Entry:
    kind, enabled = "ablation", True


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> list[FakeModel]:
    found: list[FakeModel] = []
    monkeypatch.setattr(live, "all", lambda: found)
    return found


@pytest.fixture
def comms(monkeypatch: pytest.MonkeyPatch) -> list[FakeComm]:
    opened: list[FakeComm] = []

    def create_comm(target_name: str, data: Any) -> FakeComm:
        opened.append(FakeComm(target_name, data))
        return opened[-1]

    monkeypatch.setattr(comm, "create_comm", create_comm)
    return opened


def test_the_state_is_sent_when_it_changes(models: list[FakeModel], comms: list[FakeComm]) -> None:
    channel = status._Channel()
    channel.update()
    assert comms == []  # opened with the first model
    models.append(FakeModel())
    channel.update()
    channel.update()
    (opened,) = comms
    tiny = {"name": "tiny", "device": "cpu", "dtype": "float32", "interventions": []}
    assert opened.target_name == "interp_widgets.status"
    assert opened.sent == [{"models": [tiny]}]
    models[0].ledger["no head"] = Entry()
    channel.update()
    assert opened.sent[-1]["models"][0]["interventions"] == [{"name": "no head", "kind": "ablation", "enabled": True}]
    models.clear()
    channel.update()
    assert opened.sent[-1] == {"models": []}


def test_hello_is_answered_with_the_state(models: list[FakeModel], comms: list[FakeComm]) -> None:
    channel = status._Channel()
    models.append(FakeModel())
    channel.update()
    comms[0].receive({"content": {"data": {"kind": "hello"}}})
    comms[0].receive({"content": {"data": {}}})
    assert len(comms[0].sent) == 2
    assert comms[0].sent[0] == comms[0].sent[1]


def test_a_closed_channel_is_opened_again(models: list[FakeModel], comms: list[FakeComm]) -> None:
    channel = status._Channel()
    models.append(FakeModel())
    channel.update()
    comms[0].closed({})
    channel.update()
    assert len(comms) == 2


def test_a_failure_stays_here(models: list[FakeModel], comms: list[FakeComm], caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeModel):
        @property
        def ledger(self) -> Any:
            raise RuntimeError("half-made")

        @ledger.setter
        def ledger(self, value: Any) -> None:
            pass

    models.append(Broken())
    status._Channel().update()
    assert comms == []
    assert "could not be told" in caplog.text


def test_outside_a_kernel_nothing_starts() -> None:
    before = models_changed._listeners
    status.start()
    assert models_changed._listeners == before


def test_signals() -> None:
    signal, heard = Signal(), []
    disconnect = signal.connect(lambda: heard.append(1))
    signal.emit()
    disconnect()
    signal.emit()
    assert heard == [1]
