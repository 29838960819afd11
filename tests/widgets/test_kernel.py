"""Widgets in a real ipykernel: display, clicks, interrupts, the status channel, and memory."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from interp_widgets.attribution.payload import MIME_TYPE
from interp_widgets.widgets.kernel import WIDGET_TYPE
from tests.widgets.kernel import LIMIT, PRELUDE, Kernel, shown

LIVE = "sum(type(w).__name__ == 'Highlight' for w in ipywidgets.widgets.widget._instances.values())"


@pytest.fixture(scope="module")
def _kernel() -> Iterator[Kernel]:
    kernel = Kernel()
    try:
        kernel.run(PRELUDE + "import ipywidgets, gc, time, threading", "prelude")
        yield kernel
    finally:
        kernel.stop()


@pytest.fixture
def kernel(_kernel: Kernel) -> Kernel:
    """The kernel with a fresh model and no widgets."""
    _kernel.run(
        "for w in list(ipywidgets.widgets.widget._instances.values()): w.close()\nfake.release.set(); fake.__init__()",
        "fresh",
    )
    return _kernel


def is_idle(status: dict[str, object]) -> bool:
    return status["state"] == "idle"


def show(kernel: Kernel, cell: str, code: str = "make_result()") -> str:
    """Show a result; the id of its widget."""
    bundle = shown(kernel.run(code, cell))
    assert bundle[MIME_TYPE]["model_id"] == bundle[WIDGET_TYPE]["model_id"]
    assert {"text/html", "text/plain"} <= bundle.keys()
    return str(bundle[WIDGET_TYPE]["model_id"])


def test_a_result_in_two_cells_has_two_widgets_and_both_answer(kernel: Kernel) -> None:
    kernel.run("r = make_result()", "make")
    first, second = show(kernel, "one", "r"), show(kernel, "two", "r")
    assert first != second
    for comm, target, name in ((first, " the", "·the"), (second, " Sydney", "·Sydney")):
        assert kernel.ask(comm, "hello")["result"] == {}
        assert kernel.ask(comm, "explain", {"target": target})["result"] == {"accepted": True}
        payload = kernel.until_state(comm, "payload", lambda payload: True)
        assert payload["title"][1]["text"] == name
    assert kernel.value("r.target") == "Canberra"  # a result never changes


def test_a_widget_as_the_last_line(kernel: Kernel) -> None:
    comm = show(kernel, "one", "w = widgets.Highlight(result=make_result()); w")
    kernel.tell(comm, {"method": "update", "state": {"selection": [3, 1]}, "buffer_paths": []})
    kernel.until_state(comm, "selection", lambda selection: selection == [1, 3])
    assert kernel.value("w.selection") == "[1, 3]"


def test_wrong_requests_are_answered(kernel: Kernel) -> None:
    comm = show(kernel, "one")
    assert kernel.ask(comm, "explode")["error"]["title"] == "This choice cannot work."


def test_cancel_is_heard_while_a_cell_runs(kernel: Kernel) -> None:
    """Also after the cell itself has changed the widget, which moves ipykernel's next delivery to the busy thread."""
    kernel.run("fake.hold = True; go_on = threading.Event()", "hold")
    comm = show(kernel, "one", "w = widgets.Highlight(make_result()); w")
    subshell = kernel.new_subshell()
    kernel.ask(comm, "hello", subshell=subshell)
    busy = kernel.start(
        f"w.selection = [2]; print('busy', flush=True); assert go_on.wait({LIMIT}); assert w.wait({LIMIT})", "busy"
    )
    kernel.until(lambda m: m["msg_type"] == "stream" and "busy" in m["content"]["text"])
    assert kernel.ask(comm, "explain", {"target": " the"}, subshell)["result"] == {"accepted": True}
    kernel.until_state(comm, "status", lambda status: status["state"] == "running" and status["text"] == "integrating")
    assert kernel.ask(comm, "cancel", subshell=subshell)["result"] == {"cancelled": True}
    kernel.until_state(comm, "status", lambda status: status["state"] == "cancelled")
    kernel.tell(
        comm, {"method": "custom", "content": {"id": "x", "kind": "explain", "args": {"target": " Perth"}}}, subshell
    )
    kernel.until_state(comm, "status", lambda status: status["state"] == "running" and status["text"] == "integrating")
    # The cell waits for a word that only the free thread can bring.
    kernel.start("go_on.set(); fake.release.set()", subshell=subshell)
    kernel.finish(busy)
    assert kernel.value("w.result.target") == "Perth"


def test_the_interrupt_stops_a_job_between_cells(kernel: Kernel) -> None:
    kernel.run("fake.hold = True", "hold")
    comm = show(kernel, "one")
    kernel.ask(comm, "explain")
    kernel.until_state(comm, "status", lambda status: status.get("text") == "integrating")
    kernel.manager.interrupt_kernel()
    kernel.until_state(comm, "status", lambda status: status["state"] == "cancelled")
    assert kernel.value("1 + 1") == "2"


@pytest.mark.parametrize(
    "waiting", ["time.sleep(60)", "import asyncio; await asyncio.sleep(60)"], ids=["a call", "an await"]
)
def test_the_interrupt_stops_a_job_and_the_cell(kernel: Kernel, waiting: str) -> None:
    kernel.run("fake.hold = True", "hold")
    comm = show(kernel, "one")
    kernel.ask(comm, "explain")
    kernel.until_state(comm, "status", lambda status: status.get("text") == "integrating")
    busy = kernel.start(f"print('busy', flush=True)\n{waiting}", "busy")
    kernel.until(lambda m: m["msg_type"] == "stream" and "busy" in m["content"]["text"])
    kernel.manager.interrupt_kernel()
    names = []
    states = []

    def both(message: dict[str, object]) -> bool:
        content = message["content"]
        assert isinstance(content, dict)
        if message["msg_type"] == "error":
            names.append(content["ename"])
        if message["msg_type"] == "comm_msg" and content["comm_id"] == comm:
            states.append(content["data"].get("state", {}).get("status", {}).get("state"))
        return bool(names) and "cancelled" in states

    kernel.until(both)
    assert names[0] in ("KeyboardInterrupt", "CancelledError")
    with pytest.raises(AssertionError):
        kernel.finish(busy)
    assert kernel.value("1 + 1") == "2"


def test_the_interrupt_handlers_of_the_kernel_stay_as_they_were(kernel: Kernel) -> None:
    """With no job, an interrupt between cells is ignored, and in a cell it is a KeyboardInterrupt."""
    show(kernel, "one")
    kernel.manager.interrupt_kernel()
    assert kernel.value("1 + 1") == "2"
    busy = kernel.start("print('busy', flush=True)\ntime.sleep(60)", "busy")
    kernel.until(lambda m: m["msg_type"] == "stream" and "busy" in m["content"]["text"])
    kernel.manager.interrupt_kernel()
    assert kernel.until(lambda m: m["msg_type"] == "error")["content"]["ename"] == "KeyboardInterrupt"
    with pytest.raises(AssertionError):
        kernel.finish(busy)


@pytest.mark.parametrize("named", [True, False], ids=["cells with ids", "cells without"])
@pytest.mark.parametrize("code", ["widgets.Highlight(result=make_result())", "make_result()"])
def test_running_a_cell_100_times_keeps_memory_flat(kernel: Kernel, code: str, named: bool) -> None:
    """Each is the cell's last line, so that IPython's `Out` holds every one."""
    cell = "again" if named else None
    process = psutil.Process(int(kernel.value("__import__('os').getpid()")))
    for _ in range(20):  # caches and arenas fill
        kernel.run(code, cell)
    widgets_before, objects_before = counts(kernel)
    memory_before = anonymous(process)
    for _ in range(100):
        kernel.run(code, cell)
    widgets_after, objects_after = counts(kernel)
    memory_after = anonymous(process)
    print(f"objects {objects_before} -> {objects_after}, anonymous memory {memory_before} -> {memory_after} kB")
    assert widgets_after == widgets_before == (1 if named else 4)
    assert memory_after - memory_before < 2_000  # kB for 100 runs; what `Out` itself holds is part of it
    kernel.seen.clear()


def counts(kernel: Kernel) -> tuple[int, int]:
    kernel.run("gc.collect()", "collect")
    return int(kernel.value(LIVE)), int(kernel.value("len(gc.get_objects())"))


def anonymous(process: psutil.Process) -> int:
    """Private memory in kB: what no other process could share."""
    with open(f"/proc/{process.pid}/status") as file:
        return int(next(line for line in file if line.startswith("RssAnon")).split()[1])


def test_a_loop_keeps_all_its_widgets_and_a_key_replaces(kernel: Kernel) -> None:
    kernel.run("from IPython.display import display\nfor _ in range(3): display(make_result())", "loop")
    assert kernel.value(LIVE) == "3"
    kernel.run("a = widgets.Highlight(make_result(), key='answer')", "a")
    kernel.run("b = widgets.Highlight(make_result(), key='answer')", "b")
    assert kernel.value("(a.closed, b.closed)") == "(True, False)"


def test_the_status_channel(kernel: Kernel) -> None:
    published = kernel.run(
        "from interp_widgets.widgets import status\n"
        "from interp_widgets.models.events import models_changed\n"
        "live.all = lambda: [lm]\n"
        "status.start(); models_changed.emit()",
        "status",
    )
    (opened,) = [m["content"] for m in published if m["msg_type"] == "comm_open"]
    assert opened["target_name"] == "interp_widgets.status"
    assert opened["data"]["models"][0]["name"] == "tiny"
    kernel.tell(opened["comm_id"], {"kind": "hello"})
    answer = kernel.until(lambda m: m["msg_type"] == "comm_msg" and m["content"]["comm_id"] == opened["comm_id"])
    assert answer["content"]["data"] == opened["data"]
