"""A real ipykernel, and a front end made of messages."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

LIMIT = 60.0  # seconds until a test gives up; a first import takes some
ROOT = Path(__file__).parents[2]
Message = dict[str, Any]

# The model and the computing are played; all between a click and `iw.attribute` is real.
PRELUDE = """
import interp_widgets.widgets.base as base
text = "/* as long as the bundle */" * 1300
base.static_text = lambda name: text
from interp_widgets.attribution import api
from interp_widgets.models import live
from tests.builders import make_result
from tests.widgets.fakes import FakeAttribute, FakeModel
fake, lm = FakeAttribute(), FakeModel()
api.attribute = fake
live.find = lambda fingerprint: lm
import interp_widgets.widgets as widgets
"""


class Kernel:
    def __init__(self) -> None:
        self.manager = KernelManager()
        self.manager.start_kernel(cwd=str(ROOT))
        client = self.manager.client()
        assert isinstance(client, BlockingKernelClient)
        self.client = client
        self.client.start_channels()
        self.client.wait_for_ready(timeout=LIMIT)
        self.seen: list[Message] = []  # all that was published
        self._mark = 0  # how much of it was published before the last question

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    # Running cells

    def start(self, code: str, cell: str | None = None, subshell: str | None = None) -> str:
        """Ask to run a cell, as a front end that names its cells, or one that does not; returns the message's id."""
        content = {
            "code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False,
            "stop_on_error": True,
        }  # fmt: skip
        metadata = {"cellId": cell, "deletedCells": []} if cell is not None else {}
        return self._send("execute_request", content, metadata, subshell)

    def run(self, code: str, cell: str | None = None) -> list[Message]:
        """Run a cell to its end; what it published. An error in it fails the test."""
        return self.finish(self.start(code, cell))

    def finish(self, asked: str) -> list[Message]:
        self.until(lambda m: m["msg_type"] == "status" and m["content"]["execution_state"] == "idle" and of(m, asked))
        mine = [message for message in self.seen if of(message, asked)]
        for message in mine:
            assert message["msg_type"] != "error", "\n".join(message["content"]["traceback"])
        return mine

    def value(self, expression: str) -> str:
        """What an expression prints as."""
        published = self.run(f"print({expression})")
        return "".join(m["content"]["text"] for m in published if m["msg_type"] == "stream").strip()

    def until(self, wanted: Callable[[Message], Any], limit: float = LIMIT) -> Message:
        """The next published message that is wanted."""
        end = time.monotonic() + limit
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=max(end - time.monotonic(), 0.001))
            except queue.Empty:
                raise AssertionError(f"nothing of the kind in {limit} s") from None
            self.seen.append(message)
            if wanted(message):
                return message

    # Comms

    def new_subshell(self) -> str:
        """The thread that a front end has for its comms."""
        asked = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(asked)
        reply = self.client.get_control_msg(timeout=LIMIT)
        return str(reply["content"]["subshell_id"])

    def tell(self, comm: str, data: Message, subshell: str | None = None) -> str:
        return self._send("comm_msg", {"comm_id": comm, "data": data}, {}, subshell)

    def ask(self, comm: str, kind: str, args: Message | None = None, subshell: str | None = None) -> Message:
        """A view's request and its answer."""
        asked = {"id": f"{kind}-{len(self.seen)}-{time.monotonic()}", "kind": kind, "args": args or {}}
        self.tell(comm, {"method": "custom", "content": asked}, subshell)

        def is_answer(message: Message) -> bool:
            data = message["content"].get("data", {})
            return bool(message["msg_type"] == "comm_msg" and data.get("content", {}).get("id") == asked["id"])

        answer: Message = self.until(is_answer)["content"]["data"]["content"]
        return answer

    def until_state(self, comm: str, name: str, wanted: Callable[[Any], Any]) -> Any:
        """The first value of a trait since the last question that is wanted."""

        def fits(message: Message) -> bool:
            content = message["content"]
            if message["msg_type"] != "comm_msg" or content["comm_id"] != comm:
                return False
            state = content["data"].get("state", {})
            return name in state and bool(wanted(state[name]))

        already = next((message for message in self.seen[self._mark :] if fits(message)), None)
        return (already or self.until(fits))["content"]["data"]["state"][name]

    def _send(self, kind: str, content: Message, metadata: Message, subshell: str | None = None) -> str:
        self._mark = len(self.seen)
        message = self.client.session.msg(kind, content, metadata=metadata)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])


def of(message: Message, asked: str) -> bool:
    return bool(message["parent_header"].get("msg_id") == asked)


def shown(published: list[Message]) -> Message:
    """The MIME bundle that a cell showed."""
    (bundle,) = [m["content"]["data"] for m in published if m["msg_type"] in ("execute_result", "display_data")]
    assert isinstance(bundle, dict)
    return bundle
