"""Faithfulness as a live widget: a reasoning cut, struck or put in other words, and the answer asked for again."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from interp_widgets.errors import ArgumentError, ModelUnavailableError, OutOfRangeError
from interp_widgets.faithfulness.asking import Choice
from interp_widgets.faithfulness.by_hand import Change, ask_after, change_of, known
from interp_widgets.faithfulness.result import FaithfulnessResult
from interp_widgets.widgets.card import CardWidget
from interp_widgets.widgets.display import FAITHFULNESS
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.worker import Progress

_ASKED = {"question", "kept", "struck", "rewritten"}


class Faithfulness(CardWidget):
    """Does the answer follow from the reasoning, live.

    Parameters
    ----------
    result: what `iw.cot_faithfulness` returned
    backend: what to ask again where the result is not of a model in memory, such as a `ServerBackend`
    key: a name; a widget of the same name that was made before is closed

    Attributes
    ----------
    result: the result that is shown, with every answer that was asked for by hand; can be set
    question: number of the chosen question; changes by choosing one (`observe` it), and can be set
    sentence: number of the chosen sentence, or None; can be set
    """

    kind = FAITHFULNESS
    bundle = "faithfulness"
    settable = frozenset({"place"})

    result = traitlets.Instance(FaithfulnessResult)
    place = traitlets.List(traitlets.Any()).tag(sync=True)  # question and sentence, as the view has them
    question = traitlets.Int(0)
    sentence = traitlets.Int(None, allow_none=True)

    def __init__(self, result: FaithfulnessResult, *, backend: Any = None, key: str | None = None) -> None:
        if not isinstance(result, FaithfulnessResult):
            raise ArgumentError(f"result={result!r} is not what iw.cot_faithfulness returns")
        self._backend = backend
        super().__init__(result, key=key)
        drawn = self.payload["questions"]
        if drawn:
            self.question = drawn[self.payload["start"]]["number"]

    def ask(
        self,
        *,
        question: int | None = None,
        kept: int | None = None,
        struck: Sequence[int] = (),
        rewritten: Mapping[int, str] | None = None,
    ) -> None:
        """Ask for the answer after a changed reasoning, in the background; it appears in `result` and on the card.

        question: its number, by default the chosen one; kept: so many sentences from the beginning, by default all;
        struck: sentences to leave out; rewritten: other words by sentence; sentences count from 0

        Raises ArgumentError, OutOfRangeError.
        """
        number = self.question if question is None else int(question)
        change = change_of(self._record(number), kept=kept, struck=struck, rewritten=rewritten)
        if known(self.result.records[number], change) is not None:
            return
        shown = self.result

        def work(cancel: threading.Event, progress: Progress) -> FaithfulnessResult:
            progress(0, 0, "asking for the answer")
            return ask_after(self._model_of(shown), shown, number, change, cancel=cancel)

        self._worker.start(work, self._succeed, {"ask": _arguments(number, change)})

    def answer(
        self,
        *,
        question: int | None = None,
        kept: int | None = None,
        struck: Sequence[int] = (),
        rewritten: Mapping[int, str] | None = None,
    ) -> Choice | None:
        """The answer after a change as in `ask`, where it is known; None where it was not asked for."""
        record = self._record(self.question if question is None else int(question))
        return known(record, change_of(record, kept=kept, struck=struck, rewritten=rewritten))

    @request("explain")
    def _explain(self, **args: Any) -> dict[str, Any]:
        asked = args.get("ask")
        if set(args) != {"ask"} or not isinstance(asked, dict) or set(asked) != _ASKED:
            raise ArgumentError(f"asked {args!r}; this card answers ask, with {', '.join(sorted(_ASKED))}")
        try:
            rewritten = {int(at): str(words) for at, words in asked["rewritten"]}
        except (TypeError, ValueError) as error:
            raise ArgumentError(f"rewritten={asked['rewritten']!r}: pairs of a sentence's number and words") from error
        before = self.result
        self.ask(question=asked["question"], kept=asked["kept"], struck=asked["struck"], rewritten=rewritten)
        return {"accepted": True} if self._worker.running or self.result is not before else {"done": True}

    def _record(self, number: int) -> Any:
        records = self.result.records
        if not 0 <= number < len(records):
            raise OutOfRangeError(f"question={number}: this result has questions 0 to {len(records) - 1}")
        return records[number]

    # The model, or what stands for it

    def _source(self, result: FaithfulnessResult) -> Any:
        return self._backend if self._backend is not None else result.model()

    def _options(self, result: Any) -> dict[str, Any]:
        return {"live": result is not None and self._source(result) is not None}

    def _model_of(self, shown: Any) -> Any:
        found = self._source(shown)
        if found is None:
            self._refresh_options()
            raise ModelUnavailableError(
                f"{shown.provenance.model} is not in memory. Load it again and run this cell once more, or give"
                " Faithfulness(result, backend=...); the last result stays."
            )
        return found

    # Chosen question and sentence

    @traitlets.validate("question")
    def _check_question(self, proposal: Any) -> int:
        value = int(proposal["value"])
        n = len(self._drawn.records) if self._drawn is not None else 0
        if not 0 <= value < max(n, 1):
            raise traitlets.TraitError(f"question={value}: this result has questions 0 to {n - 1}")
        return value

    @traitlets.validate("place")
    def _check_place(self, proposal: Any) -> list[Any]:
        place = list(proposal["value"])
        if place and (len(place) != 2 or not isinstance(place[0], int) or not isinstance(place[1], int | None)):
            raise traitlets.TraitError(f"place={place!r}: the number of a question, and of a sentence or None")
        return place

    @traitlets.observe("question", "sentence")
    def _follow_chosen(self, change: Any) -> None:
        if change["name"] == "question" and self.place[:1] != [change["new"]]:
            self.sentence = None
        with self.lock:
            self.place = [self.question, self.sentence]

    @traitlets.observe("place")
    def _follow_place(self, change: Any) -> None:
        place = change["new"]
        if place and place != [self.question, self.sentence]:
            with self.hold_trait_notifications():
                self.question, self.sentence = place

    # Instead of tokens, which this card has none of

    @traitlets.validate("selection")
    def _check_selection(self, proposal: Any) -> list[int]:
        if proposal["value"]:
            raise traitlets.TraitError("this card has no tokens; set question and sentence")
        return []

    def _same_tokens(self, result: Any) -> bool:
        return True

    def _free(self) -> None:
        self._backend = None
        super()._free()


def _arguments(number: int, change: Change) -> dict[str, Any]:
    return {
        "question": number,
        "kept": change.kept,
        "struck": list(change.struck),
        "rewritten": [list(one) for one in change.rewritten],
    }
