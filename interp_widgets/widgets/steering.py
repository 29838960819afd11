"""The steering console: sliders for control vectors, and what the model writes with and without them.

1. Each move asks for both texts again; a newer question cancels the one before.  Tokens are sent as they come, in
   messages; the picture that the notebook keeps changes once, when both texts are whole and were read.
2. After Cancel or an error the last result stays, and the controls go back to it.  Rows of the grid that were filled
   are kept.
3. Writing begins when a view is open, not before: a notebook that is run without a page computes nothing.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from interp_widgets.errors import ModelUnavailableError
from interp_widgets.models import live
from interp_widgets.steering.console import SteeringResult, Written
from interp_widgets.steering.console_payload import MESSAGE, draft, with_text
from interp_widgets.steering.console_preset import POSITIONS, from_preset, preset, read_preset, write_preset
from interp_widgets.steering.console_settings import MOST_TOKENS, Settings, grid_axes
from interp_widgets.steering.console_writing import GRID_TOKENS, Writer, check_vectors, grid_of
from interp_widgets.widgets.card import CardWidget
from interp_widgets.widgets.display import STEERING
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.worker import Progress

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel
    from interp_widgets.steering.vector import ControlVector

INTERVAL = 0.05  # seconds between two messages about one text


class SteeringConsole(CardWidget):
    """Turn control vectors up and down, and read what the model writes then beside what it writes by itself.

    Parameters
    ----------
    lm: the model; the console does not keep it in memory
    vectors: one or several of this model, with different names
    prompt: what both texts continue
    evaluation: what `iw.evaluate_steering` returned for one of the vectors: its texts fill the grid
    settings: any of `strengths` (by name), `layers` (first, last, step; None: each vector its own), `positions`,
        `keep_norm`, `max_new_tokens`, `temperature`, `seed`, `past`
    key: a name; a widget of the same name that was made before is closed

    Attributes
    ----------
    result: the last SteeringResult; before the first run it has no texts
    selection: indices of the selected tokens (unsteered text first), sorted; changes by clicks, and can be set

    Raises ArgumentError, FingerprintMismatchError for another model's vector, and what `lm.encode` raises.
    """

    kind = STEERING
    bundle = "steering"

    result = traitlets.Instance(SteeringResult)

    def __init__(
        self,
        lm: LanguageModel,
        vectors: Sequence[ControlVector],
        *,
        prompt: Any = "I think that",
        evaluation: Any = None,
        key: str | None = None,
        **settings: Any,
    ) -> None:
        self._writer = Writer(check_vectors(lm, vectors))
        self._asked = Settings(prompt).changed(self._writer.vectors, **settings)
        self._runs = 0
        self._costs: dict[int, float] = {}  # seconds that a grid takes, by the length of its texts
        self._turns = threading.Lock()
        self._next: tuple[Any, int] = (None, 0)
        self._giving_way: _Either | None = None  # of the work under way; set: it ends, and newer work begins
        grid = None if evaluation is None else grid_of(evaluation)
        super().__init__(self._writer.blank(lm, self._asked, grid), key=key)

    @property
    def settings(self) -> Settings:
        """What was asked last: after Cancel or an error what is shown."""
        return self._asked

    # Asking

    def write(self, **wishes: Any) -> None:
        """Write both texts in the background, with some settings (and the `prompt`) changed; the outcome appears in
        `result`.

        Raises ArgumentError, OutOfRangeError for a wish that cannot be, naming what could.
        """
        settings = self._asked.changed(self._writer.vectors, **wishes)
        grid = self._drawn.grid  # also rows of a grid that was still being filled
        if grid is not None and grid.by == "console" and not _same_grid(settings, self.result):
            grid = None
        self._run(lambda lm, cancel, progress, number: self._writer.write(
            lm, settings, grid, cancel=cancel, progress=progress, on_step=_Steps(self, number)
        ), settings, wishes)  # fmt: skip

    def fill_grid(
        self,
        vector: str | None = None,
        *,
        layers: Sequence[int] | None = None,
        strengths: Sequence[float] | None = None,
    ) -> None:
        """Write a text for each layer and strength of one vector (the first by default), row by row, in the background.

        Raises ArgumentError for an unknown vector.
        """
        self._writer.find(vector)
        settings = self._asked

        def work(lm: LanguageModel, cancel: threading.Event, progress: Progress, number: int) -> SteeringResult:
            def partial(result: SteeringResult) -> None:
                if number == self._runs:
                    latest.append(result)
                    self._show_part(result)

            try:
                return self._writer.fill(
                    lm, self.result, settings, vector=vector, layers=layers, strengths=strengths,
                    cancel=cancel, progress=progress, partial=partial,
                )  # fmt: skip
            except BaseException:
                if number == self._runs and latest and not self.closed:
                    self._succeed(latest[-1])  # the rows that were filled
                raise

        latest: list[SteeringResult] = []
        self._run(work, settings, {})

    def save_settings(self, path: str | os.PathLike[str]) -> Path:
        """Write the strengths, layers and other settings of the result that is shown as JSON; returns the path."""
        return write_preset(path, preset(self.result.vectors, self.result.settings))

    def load_settings(self, source: str | os.PathLike[str] | Mapping[str, Any]) -> None:
        """Take over what `save_settings` wrote, or such a document, and write again.

        Raises FileFormatError, ArgumentError.
        """
        document = source if isinstance(source, Mapping) else read_preset(source)
        self.write(**from_preset(document))

    @request("explain")
    def _explain(self, **args: Any) -> dict[str, Any]:
        if "grid" in args:
            self.fill_grid(**args["grid"])
        elif "preset" in args:
            self.write(**from_preset(args["preset"]))
        else:
            if "prompt" in args:
                args["prompt"] = with_text(self._asked.prompt, str(args["prompt"]))
            self.write(**args)
        return {"accepted": True}

    @request("hello")
    def _hello(self) -> None:
        if not self.result.complete and not self._worker.running and self.result.model() is not None:
            self.write()

    def _run(self, work: Any, settings: Settings, asked: Mapping[str, Any]) -> None:
        """Do some work in the console's thread; work that is under way there gives way within a layer.

        A job of the worker's own for each move would wait until memory of the one before was given back to the system.
        """
        with self._turns:
            self._runs += 1
            self._asked = settings
            self._next = (work, self._runs)
            if self._giving_way is not None and not self._giving_way.cancelled:
                self._giving_way.set()
                return
        self._worker.start(self._take_turns, self._succeed, asked)

    def _take_turns(self, cancel: threading.Event, progress: Progress) -> SteeringResult:
        """The newest work that was asked for, until there is none newer."""
        while True:
            with self._turns:
                work, number = self._next
                flag = self._giving_way = _Either(cancel)
            outcome: SteeringResult | BaseException
            try:
                outcome = work(self._model(), flag, progress, number)
            except BaseException as error:
                outcome = error
            with self._turns:
                if self._runs != number and not cancel.is_set():
                    continue  # whatever became of it, nobody waits for it
                if self._giving_way is flag:
                    self._giving_way = None
            if isinstance(outcome, BaseException):
                self._asked = self._shown_settings()
                raise outcome
            return outcome

    def _model(self) -> Any:
        lm = live.find(self.result.provenance.fingerprint)
        if lm is None:
            self._refresh_options()
            raise ModelUnavailableError(
                f"{self.result.provenance.model} is no longer in memory. Load it again and run this cell once more; the"
                " last result stays."
            )
        return lm

    def _shown_settings(self) -> Settings:
        shown = self.result
        kept = {
            **shown.settings,
            "layers": None if shown.settings["layers"] is None else tuple(shown.settings["layers"]),
        }
        strengths = {used.name: used.strength for used in shown.vectors}
        return Settings(shown.provenance.prompt, strengths, **kept)

    # Showing

    def _show_part(self, result: SteeringResult) -> None:
        """The picture of a result that is not whole yet; the work goes on."""
        payload = self.kind.payload(result)
        with self.lock:
            if not self.closed:
                self._drawn = result
                self.payload = payload

    def _options(self, result: SteeringResult) -> dict[str, Any]:
        lm = result.model()
        vectors = self._writer.vectors
        known = sorted(set.intersection(*(set(v.layers) for v in vectors)))
        rows, across = grid_axes(vectors[0], result.vectors[0])
        cells = len(rows) * len(across)
        length = min(result.settings["max_new_tokens"], GRID_TOKENS)
        if lm is not None and length not in self._costs:
            # Looked up once: options that changed with each run would draw the card anew under the hand.
            self._costs[length] = round(cells * length * lm.seconds_per_token, 1)
        return {
            "live": lm is not None,
            "positions": [{"name": name, "label": label} for name, label in POSITIONS.items()],
            "layers": {"min": known[0], "max": known[-1]} if known else None,
            "most": MOST_TOKENS,
            "grid": {"cells": cells, "seconds": self._costs.get(length)},
        }

    def _free(self) -> None:
        self._writer = Writer(())
        super()._free()


class _Either(threading.Event):
    """Set by itself, or by another."""

    def __init__(self, other: threading.Event) -> None:
        super().__init__()
        self._other = other

    @property
    def cancelled(self) -> bool:
        return self._other.is_set()

    def is_set(self) -> bool:
        return super().is_set() or self.cancelled


class _Steps:
    """Tells the views of a text that grows: its first token at once, then at most every `INTERVAL`."""

    def __init__(self, console: SteeringConsole, number: int) -> None:
        self._console, self._number = console, number
        self._told = [-1.0, -1.0]
        self._texts = [Written(), Written()]

    def __call__(self, side: int, written: Written) -> None:
        console, now = self._console, time.monotonic()
        self._texts[side] = written
        if side == 0 and written.ids == console.result.plain.ids:
            return  # it stands there already
        if self._told[side] >= 0 and now - self._told[side] < INTERVAL:
            return
        self._told[side] = now
        if self._number == console._runs and not console.closed:
            other = self._texts[1 - side]
            console.send({"kind": MESSAGE, "run": self._number, "side": side, **draft(written, other)})


def _same_grid(settings: Settings, shown: SteeringResult) -> bool:
    """Whether the console's grid still answers for these settings."""
    mine = {name: getattr(settings, name) for name in ("positions", "keep_norm")}
    return settings.prompt == shown.provenance.prompt and all(shown.settings[name] == mine[name] for name in mine)
