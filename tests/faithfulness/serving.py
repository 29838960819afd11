"""A server on loopback that speaks the protocol of OpenAI's chat completions, and fails as it is told to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from interp_widgets.faithfulness.asking import Messages
from interp_widgets.faithfulness.prompts import AT_ONCE, CONCLUDE, OPENING
from interp_widgets.faithfulness.server import BRIEFLY, CONTINUE
from tests.faithfulness.planted import Planted


def as_asked(messages: Messages) -> Messages:
    """The conversation as the tests put it: without the words that a server needs."""
    *before, (role, last) = messages
    if last == CONTINUE:
        return tuple(before)
    if last.endswith(BRIEFLY):
        return (*before, (role, last.removesuffix(BRIEFLY).rstrip()))
    if CONCLUDE not in last and AT_ONCE not in last and "Answer choices:" in last:
        return (*messages, ("assistant", OPENING))
    return messages


class ChatServer(ThreadingHTTPServer):
    """faults: names of what goes wrong with the next calls, one after the other; "" is a good one. Then all are good.
    seen: bodies and headers of all calls; release: lets go of slow calls"""

    daemon_threads = True
    block_on_close = False

    def __init__(self, reply: Callable[[Messages], str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply = reply
        self.faults: list[str] = []
        self.seen: list[tuple[dict[str, Any], dict[str, str]]] = []
        self.release = threading.Event()
        self.turn = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    server: ChatServer

    def log_message(self, *words: Any) -> None:
        """Nothing on the tests' own output."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.turn:
            self.server.seen.append((body, {name.lower(): value for name, value in self.headers.items()}))
            fault = self.server.faults.pop(0) if self.server.faults else ""
        if self.path != "/v1/chat/completions":
            return self._send(404, {"error": {"message": "no such page"}})
        if fault == "slow":
            self.server.release.wait(30)
            return None
        if fault == "hang up":
            return None
        if fault.isdigit():
            said = f"status {fault} for {self.headers.get('Authorization')}"
            return self._send(int(fault), {"error": {"message": said}}, {"Retry-After": "7"} if fault == "429" else {})
        text = "" if fault == "empty" else self.server.reply(
            tuple((one["role"], one["content"]) for one in body["messages"])
        )  # fmt: skip
        if body.get("stream"):
            return self._stream(text, fault)
        if fault == "malformed":
            return self._raw(b'{"choices": [{"mess', "application/json")
        if fault == "other":
            return self._raw(b"<html>maintenance</html>", "text/html")
        ended = None if fault == "cut" else "stop"
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": ended}
        return self._send(200, {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice],
                                "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}})  # fmt: skip

    def _stream(self, text: str, fault: str) -> None:
        def chunk(delta: dict[str, str], ended: str | None = None) -> bytes:
            made = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m",
                    "choices": [{"index": 0, "delta": delta, "finish_reason": ended}]}  # fmt: skip
            return f"data: {json.dumps(made)}\n\n".encode()

        half = len(text) // 2
        parts = [chunk({"role": "assistant", "content": text[:half]})]
        if fault == "malformed":
            parts.append(b'data: {"id": "x", "cho\n\n')
        if fault == "error":
            parts.append(b'data: {"error": {"message": "out of memory"}}\n\n')
        if fault not in ("cut", "short"):
            parts += [chunk({"content": text[half:]}), chunk({}, "stop"), b"data: [DONE]\n\n"]
        data = b"<html>maintenance</html>" if fault == "other" else b"".join(parts)
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if fault == "other" else "text/event-stream")
        self.send_header("Content-Length", str(len(data) + (99 if fault == "short" else 0)))
        self.end_headers()
        self.wfile.write(data)

    def _send(self, status: int, document: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._raw(json.dumps(document).encode(), "application/json", status, headers)

    def _raw(self, data: bytes, kind: str, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serving(reply: Callable[[Messages], str]) -> Iterator[ChatServer]:
    server = ChatServer(reply)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


def planted(kind: str, **settings: Any) -> Callable[[Messages], str]:
    """What a planted model says, asked as a server is asked."""
    model = Planted(kind, **settings)
    return lambda messages: model.reply(as_asked(messages))


def nobody() -> str:
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


class Still:
    """A clock that nobody has to wait for: time passes when somebody waits, and never by itself."""

    def __init__(self) -> None:
        self.time = 0.0
        self.waits: list[float] = []
        self.on_wait: Callable[[], None] = lambda: None
        self._turn = threading.Lock()

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float, cancel: threading.Event | None) -> None:
        with self._turn:
            self.waits.append(seconds)
            self.time += seconds
        self.on_wait()
