"""What all widgets share: the built files, the requests, the one lock, and an end."""

from __future__ import annotations

import contextvars
import threading
from typing import Any, ClassVar

import anywidget
import traitlets

from interp_widgets.results.static import static_text
from interp_widgets.widgets import interrupts
from interp_widgets.widgets.kernel import execution, forget_output
from interp_widgets.widgets.lifetimes import lifetimes
from interp_widgets.widgets.protocol import answer, describe_error, requests_of
from interp_widgets.widgets.worker import IDLE, Status, Worker


class InterpWidget(anywidget.AnyWidget):
    """Base of the widgets; a subclass sets `bundle` and `settable`, and marks its answers with `@request`.

    Traits are set by three threads (a cell, an answer to a click, a job). The widget library's own bookkeeping is not
    safe for that, so every change goes through `lock`; a job's progress is dropped rather than waits for it.
    """

    bundle: ClassVar[str]
    settable: ClassVar[frozenset[str]] = frozenset()
    requests: ClassVar[dict[str, str]] = {}

    # Declared here because anywidget would otherwise make a new class, with the texts in it, for every instance.
    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    _anywidget_id = traitlets.Unicode().tag(sync=True)

    status = traitlets.Dict(default_value=IDLE).tag(sync=True)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.requests = requests_of(cls)

    def __init__(self, *, key: str | None = None, **traits: Any) -> None:
        self.lock = threading.RLock()
        self._channel: contextvars.Context | None = None
        self._worker = Worker(self._show_status)
        super().__init__(**traits)
        interrupts.watch()
        self._execution = execution()
        lifetimes.adopt(self, self._execution, key)

    @traitlets.default("_esm")
    def _read_esm(self) -> str:
        return static_text(f"{self.bundle}.js")

    @traitlets.default("_css")
    def _read_css(self) -> str:
        return static_text(f"{self.bundle}.css")

    @traitlets.default("_anywidget_id")
    def _name_class(self) -> str:
        return f"{type(self).__module__}.{type(self).__name__}"

    def add_traits(self, **traits: Any) -> None:
        new = {name: trait for name, trait in traits.items() if not self.has_trait(name)}
        if new:
            super().add_traits(**new)

    @property
    def closed(self) -> bool:
        return self.comm is None

    def close(self) -> None:
        """Stop its job, remove its views, free what it holds; `result` can still be read."""
        if self.__dict__.get("_closing"):
            return
        self.__dict__["_closing"] = True
        worker = self.__dict__.get("_worker")  # none if the constructor was refused its arguments
        if worker is not None:
            worker.cancel()
        # Every widget of the library brings a layout, a widget of its own, which nobody else closes.
        layout = self._trait_values.get("layout")
        if not self.closed and (made := self.__dict__.get("_execution")) is not None:
            forget_output(made.count, self.model_id)
        super().close()
        self.__dict__.pop("_repr_mimebundle_", None)  # the library blanks it; ours shows the still picture
        if layout is not None:
            layout.close()
        lifetimes.forget(self)
        self.unobserve_all()
        self._channel = None
        if worker is not None:
            self._free()

    def _free(self) -> None:
        """Let go of what is large; called once, when closed."""

    # From the view

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        # ipykernel delivers the next message of a comm to the thread ("subshell") of the message to which its last
        # update belonged. Ours belong to the view's message, so Cancel is heard while a cell keeps the main one busy.
        self._channel = contextvars.copy_context()
        super()._handle_msg(msg)

    def _send(self, msg: Any, buffers: Any = None) -> None:
        channel = self._channel
        if channel is None:
            super()._send(msg, buffers=buffers)
        else:
            channel.copy().run(super()._send, msg, buffers=buffers)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """What a view sends: only what it may set, and an error is told, not only logged."""
        allowed = {name: value for name, value in sync_data.items() if name in self.settable}
        try:
            with self.lock:
                super().set_state(allowed)
        except Exception as error:
            self._show_status({"state": "error", **describe_error(error)}, False)

    def _handle_custom_msg(self, content: Any, buffers: Any) -> None:
        reply = answer(self, self.requests, content)
        if reply is None:
            super()._handle_custom_msg(content, buffers)
        else:
            self.send(reply)

    # To the view

    def _show_status(self, status: Status, droppable: bool) -> None:
        # A job reports while it holds the model's lock, and code that holds ours may wait for the model: never wait.
        if self.lock.acquire(blocking=not droppable):
            try:
                self.status = status
            finally:
                self.lock.release()
