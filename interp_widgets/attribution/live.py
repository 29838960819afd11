"""Generation that says of each new token where it comes from.

By leave-one-out, every source has a row of its own in the batch: the same text with that token replaced, and its own
keys and values.  A new token is fed to all rows, so its sources cost one step of a batch instead of a pass for each
source; and the token itself becomes one more source, whose row branches off from the plain one.

Other methods answer a question for each token, on the text so far.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.attribution import registry
from interp_widgets.attribution.continuation import SpanPerturber, matrix_result, span_question, tested, whole_text
from interp_widgets.attribution.job import answer, prepare, whole
from interp_widgets.attribution.matrix import MatrixResult, Said
from interp_widgets.attribution.perturbation import filler
from interp_widgets.attribution.verdicts import UNTESTED
from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.models.generation import Step, check_length, choose, stop_tokens
from interp_widgets.models.prompts import Prompt

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
MOST_SOURCES = 128  # rows of the batch: with more, keys and values take gigabytes
AUTO_SOURCES = 48  # beyond, "auto" takes one pass with gradient for each token
_SETTINGS = {"baseline": "zero", "steps": 50, "quadrature": "gauss-legendre", "delete": None, "samples": None}


class LiveAttribution:
    """An iterator over `Step`s whose `sources` are float64 scores of all tokens before; `result()` is the matrix yet.

    Shown in a notebook it generates in the background and colours the sources of each token as it comes.
    """

    def __init__(
        self,
        lm: LanguageModel,
        prompt: Prompt,
        *,
        attribute: str | bool,
        max_new_tokens: int,
        temperature: float,
        seed: int,
        cancel: threading.Event | None,
    ) -> None:
        self.lm, self.prompt = lm, prompt
        self.encoded = lm.encode(prompt)
        check_length(max_new_tokens, temperature, len(self.encoded), lm.architecture.context_length)
        self.method = _method("auto" if isinstance(attribute, bool) else attribute, len(self.encoded) + max_new_tokens)
        self.max_new_tokens, self.temperature, self.seed = max_new_tokens, temperature, whole("seed", seed, 0)
        self.cancel: threading.Event = cancel if cancel is not None else threading.Event()
        self._ids: list[int] = []
        self._said: list[Said] = []
        self._rows: list[Floats] = []
        self._passes = 0
        self._began = time.perf_counter()
        self._interventions: tuple[str, ...] = ()
        self._ended = False
        live = self.method == "leave_one_out"
        self._steps = self._by_leaving_out() if live else self._by_asking()

    def __iter__(self) -> Iterator[Step]:
        return self

    def __next__(self) -> Step:
        """The next token with its sources. Raises Cancelled when the flag is set."""
        try:
            step = next(self._steps)
        except StopIteration:
            self._ended = True
            raise
        assert step.sources is not None
        self._ids.append(step.id)
        self._rows.append(step.sources)
        self._said.append(Said.of(step))
        return step

    def result(self, *, test: bool = False) -> MatrixResult:
        """The rows so far; with `test`, whether to believe them is measured (some dozen passes).

        Raises ArgumentError before the first token.
        """
        if not self._ids:
            raise ArgumentError("nothing was generated yet: take at least one step")
        lm, n = self.lm, len(self.encoded)
        text = whole_text(lm, self.encoded, self._ids)
        positions = n + np.arange(len(self._ids))
        scores = np.full((len(self._ids), len(text)), np.nan)
        for row, sources in zip(scores, self._rows, strict=True):
            row[: len(sources)] = sources
        measured: dict[str, float] = {}
        word, passes = UNTESTED, 0
        if test:
            base = np.log(np.asarray([max(said.probability, 1e-300) for said in self._said]))
            perturber = SpanPerturber(span_question(lm, text, float(base.sum())), positions, base, seed=self.seed)
            with torch.no_grad(), lm.run(cancel=self.cancel, prompt_length=n):
                measured, word = tested(perturber, scores, n, self.seed)
            passes = perturber.forward_passes
        return matrix_result(
            lm,
            self.prompt,
            self.encoded,
            text,
            positions,
            self._said,
            scores,
            complete=self._ended,
            method=self.method,
            settings={"delete": "eos"} if self.method == "leave_one_out" else {},
            diagnostics=measured,
            verdict=word,
            interventions=self._interventions,
            seed=self.seed,
            batch_size=len(self._rows[-1]) + 1 if self.method == "leave_one_out" else 1,
            forward_passes=self._passes + passes,
            seconds=time.perf_counter() - self._began,
        )

    def __repr__(self) -> str:
        return f"<LiveAttribution by {self.method}: {len(self._ids)} of up to {self.max_new_tokens} tokens>"

    # The two ways

    def _by_leaving_out(self) -> Iterator[Step]:
        from transformers import DynamicCache

        lm, n = self.lm, len(self.encoded)
        chance = torch.Generator().manual_seed(self.seed)
        gone = filler(lm)
        given = torch.as_tensor(self.encoded.ids).repeat(n + 1, 1)
        given[torch.arange(1, n + 1), torch.arange(n)] = gone
        cache: Any = DynamicCache(config=lm.model.config)
        with torch.no_grad(), lm.run(cancel=self.cancel, prompt_length=n) as first:
            snapshot = first.snapshot
            self._interventions = snapshot.names
        for _ in range(self.max_new_tokens):
            with torch.no_grad(), lm.run(cancel=self.cancel, prompt_length=n, snapshot=snapshot) as run:
                run.check()
                logits = lm.head(lm.hidden(given, past_key_values=cache, use_cache=True)[:, -1]).float()
                self._passes += len(given)
                step = choose(lm, logits[0], self.temperature, chance)
                log_p = (logits[:, step.id] - logits.logsumexp(-1)).cpu().double().numpy()
            yield dataclasses.replace(step, sources=log_p[0] - log_p[1:])
            if step.id in stop_tokens(lm):
                return
            rows = len(given)
            cache.batch_select_indices(torch.tensor([*range(rows), 0], device=lm.device))
            given = torch.full((rows + 1, 1), step.id)
            given[-1] = gone  # the row without the token that was just said

    def _by_asking(self) -> Iterator[Step]:
        lm = self.lm
        ids = self.encoded.ids.tolist()
        plain = lm.stream(
            ids,
            max_new_tokens=self.max_new_tokens,
            temperature=self.temperature,
            seed=self.seed,
            cancel=self.cancel,
        )
        for step in plain:
            job = prepare(
                lm, list(ids), step.id, None, self.method, "log-probability", None, _SETTINGS, None, self.seed, None
            )
            found = answer(job, cancel=self.cancel, confirm=True, tested=False)
            self._interventions = found.provenance.interventions
            self._passes += 1 + found.provenance.forward_passes
            yield dataclasses.replace(step, sources=found.scores)
            ids.append(step.id)

    # In a notebook

    def run(
        self,
        cancel: threading.Event,
        progress: Callable[[int, int, str], None],
        partial: Callable[[MatrixResult], None],
    ) -> MatrixResult:
        """Take all steps that are left; `partial` hears of the matrix after each. For the widget."""
        self.cancel = cancel
        for step in self:
            if cancel.is_set():
                raise Cancelled("cancelled; the rows so far are kept")
            progress(len(self._ids), self.max_new_tokens, f"generated {step.text!r}")
            partial(self.result())
        done = self.result(test=True)
        partial(done)
        return done

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.widgets.streaming import stream_bundle

        return stream_bundle(self)


def _method(name: str, tokens: int) -> str:
    if name == "auto":
        return "leave_one_out" if tokens <= AUTO_SOURCES else "relevance"
    chosen = registry.find(name)
    if chosen.name == "leave_one_out" and tokens > MOST_SOURCES:
        raise ArgumentError(
            f"attribute='leave_one_out' keeps a row for each source; prompt and max_new_tokens are {tokens}, it takes"
            f" up to {MOST_SOURCES}. Take attribute='relevance', or fewer tokens"
        )
    return chosen.name
