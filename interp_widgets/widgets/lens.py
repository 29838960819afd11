"""The logit lens as a live widget: layers appear as they are read, and any token can be followed through them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import traitlets

from interp_widgets.errors import ArgumentError
from interp_widgets.locate.lens_payload import READS, lens_payload, settings
from interp_widgets.locate.lens_result import LensResult
from interp_widgets.widgets.display import LENS
from interp_widgets.widgets.growing import GrowingCard
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.worker import Progress

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel
    from interp_widgets.models.prompts import Prompt

PATCH = "lens-patch"
Partial = Callable[[LensResult], None]
Work = Callable[[threading.Event, Progress, Partial], LensResult]


class Lens(GrowingCard):
    """What the model would say after each layer, live.

    Parameters
    ----------
    result: a LensResult, as `iw.logit_lens` returns; None waits for one
    start: work to `run` at once; `Lens.read` makes it of a model and a prompt
    key: a name; a widget of the same name that was made before is closed

    Attributes
    ----------
    result: the result that is shown (None before the first); changes when a click asks for another site, lens or token
    selection: indices of the selected positions, sorted; changes by clicks, and can be set
    """

    kind = LENS
    bundle = "lens"
    result_class = LensResult

    result = traitlets.Instance(LensResult, allow_none=True)

    def __init__(self, result: LensResult | None = None, *, start: Work | None = None, key: str | None = None) -> None:
        super().__init__(result, key=key)
        if start is not None:
            self.run(start)

    @classmethod
    def read(cls, lm: LanguageModel, prompt: Prompt, *, key: str | None = None, **asked: Any) -> Lens:
        """A lens that begins at once, in the background; `asked` are further arguments of `iw.logit_lens`."""
        return cls(start=_work(lm, prompt, asked), key=key)

    def explain(
        self,
        *,
        sites: str | None = None,
        calibrated: bool | None = None,
        follow: str | None = None,
        unfollow: int | None = None,
    ) -> None:
        """Read the same prompt again, in the background; the outcome appears in `result`.

        sites, calibrated: as `iw.logit_lens` takes them; what is not given stays
        follow: a token to follow as well, as text: " Perth", or "Perth", whose leading space is found
        unfollow: the place of a token to follow no more, among those beside the model's first choice

        Raises ArgumentError while there is no result to ask about.
        """
        shown = self.result
        if shown is None:
            raise ArgumentError("there is no result yet whose prompt could be read again")
        # A question that is under way is gone when the next one begins; what it asked for is not.
        pending = self._asked if self._worker.running else None
        asked = settings(shown) if pending is None else {**pending, "tokens": [*pending["tokens"]]}
        if sites is not None:
            asked["sites"] = sites
        if calibrated is not None:
            asked["calibrated"] = calibrated
        if unfollow is not None:
            if not 0 <= unfollow < len(asked["tokens"]):
                raise ArgumentError(f"unfollow={unfollow!r}: {len(asked['tokens'])} tokens are followed by wish")
            del asked["tokens"][unfollow]
        if follow is not None:
            asked["tokens"].append(follow)

        def job(cancel: threading.Event, progress: Progress, partial: Partial) -> LensResult:
            lm = self._model_of(shown)
            source = shown.provenance
            more = {
                **asked,
                "tokens": [_token(lm, shown.text, one) if isinstance(one, str) else one for one in asked["tokens"]],
                "positions": shown.positions.tolist(),
                "k": shown.top_ids.shape[-1],
                "seed": source.seed,
            }
            return _work(lm, source.prompt, more)(cancel, progress, partial)

        self._before, self._asked = shown, asked
        self._run(job, {"sites": sites, "calibrated": calibrated, "follow": follow})

    _before: LensResult | None = None  # what was shown when the last question was asked
    _asked: dict[str, Any] | None = None  # that question; tokens are ids, or text as it was typed

    @request("explain")
    def _explain(self, **args: Any) -> dict[str, Any]:
        unknown = args.keys() - {"sites", "calibrated", "follow", "unfollow"}
        if unknown:
            raise ArgumentError(f"explain has no {', '.join(sorted(unknown))}")
        self.explain(**args)
        return {"accepted": True}

    def _settle(self) -> None:
        """After Cancel or an error the last whole result is worth more than a part of the next."""
        before = self._before
        if before is None:
            super()._settle()
        elif not self.closed:
            self._draw(before)

    def _picture(self, result: Any) -> dict[str, Any]:
        return lens_payload(result, self._memo)

    def _news(self, before: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
        """Everything but the rows, which are most of it, and the rows that changed."""
        old = before.get("rows", [])
        rows = [
            {"at": at, "row": row}
            for at, row in enumerate(payload["rows"])
            if at >= len(old) or len(old) != len(payload["rows"]) or old[at] != row
        ]
        return {"kind": PATCH, "head": {name: value for name, value in payload.items() if name != "rows"}, "rows": rows}

    def _options(self, result: LensResult | None) -> dict[str, Any]:
        if result is None:
            return {"sites": [], "live": False}
        sites = [{"name": name, "label": label} for name, label in READS.items()]
        return {"sites": sites, "live": result.model() is not None}

    def _same_tokens(self, result: Any) -> bool:
        before = self._drawn
        return before is not None and result is not None and result.tokens == before.tokens


def _work(lm: LanguageModel, prompt: Prompt, asked: dict[str, Any]) -> Work:
    """Work for `run`: the analysis that a person would call."""

    def work(cancel: threading.Event, progress: Progress, partial: Partial) -> LensResult:
        from interp_widgets.locate import logit_lens

        return logit_lens.logit_lens(lm, prompt, cancel=cancel, progress=progress, partial=partial, **asked)

    return work


def _token(lm: LanguageModel, text: str, wish: str) -> str:
    """A typed token as the tokenizer has it: within a text a word begins with its space, which nobody types."""
    wish = wish.replace("\u00b7", " ")
    spaced = f" {wish}"
    begins = wish[:1].isalnum() and not text[-1:].isspace()
    one = len(lm.tokenizer(spaced, add_special_tokens=False)["input_ids"]) == 1
    return spaced if begins and one else wish
