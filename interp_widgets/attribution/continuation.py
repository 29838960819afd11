"""Sources of each token of a continuation: a matrix of targets and sources.

Deleting a source changes every later token's probability at once, so one pass for each source, with the whole text fed
(teacher forcing), gives a whole column.  Other methods answer one question for each target.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.attribution.diagnostics import faithfulness
from interp_widgets.attribution.matrix import MatrixResult, Said
from interp_widgets.attribution.perturbation import Perturber, Rows
from interp_widgets.attribution.verdicts import verdict
from interp_widgets.errors import ArgumentError, PromptTooLongError
from interp_widgets.models.candidate import Candidate
from interp_widgets.models.generation import stop_tokens, thought
from interp_widgets.models.prompts import Encoded, Prompt, continuation, decode
from interp_widgets.models.question import Question
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.provenance import Verdict, provenance_of

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Continuation:
    """A target for `iw.attribute`: a span of what follows the prompt.

    text: what follows; by default what the model itself generates (greedily), up to `tokens` tokens
    start, stop: the part of it that is explained, in tokens, as in a slice
    each: True for the sources of every token (a MatrixResult); False for the span's log-probability as one number
    """

    text: str | None = None
    tokens: int = 20
    start: int = 0
    stop: int | None = None
    each: bool = True

    def ids(self, lm: LanguageModel, prompt: Encoded) -> list[int]:
        """Token ids of the whole continuation, at least one. Raises TargetError, ArgumentError, PromptTooLongError."""
        if self.text is not None:
            return [int(i) for i in continuation(lm.tokenizer, prompt, self.text)]
        steps = lm.stream(prompt.ids.tolist(), max_new_tokens=self.tokens)
        ids = [step.id for step in steps]
        stops = stop_tokens(lm)
        return ids[:-1] if len(ids) > 1 and ids[-1] in stops else ids

    def span(self, length: int) -> range:
        """Places in a continuation of so many tokens. Raises ArgumentError if there are none."""
        found = range(length)[self.start : self.stop]
        if len(found) == 0:
            raise ArgumentError(
                f"start={self.start}, stop={self.stop}: nothing of a continuation of {length} tokens; it has places"
                f" 0 to {length - 1}"
            )
        return found


class SpanPerturber(Perturber):
    """Log-probabilities of several tokens of one text, (rows, targets), when tokens before them are deleted.

    `question` holds the whole text as its prompt; a row that changes only what follows a target leaves it as it is.
    """

    def __init__(self, question: Question, positions: NDArray[np.int64], values: Floats, **given: Any) -> None:
        super().__init__(question, **given)
        self.positions, self.base = positions, values

    def unchanged(self) -> Floats | float:
        return self.base

    def _forward(self, rows: Rows, start: int) -> Floats:
        states = self.states(rows, start, np.empty(0, dtype=np.int64))
        values = np.tile(self.base, (len(rows), 1))
        later = self.positions > start  # earlier ones stand before the first change
        if later.any():
            at = torch.as_tensor(self.positions[later] - 1 - start, device=states.device)
            logits = self.question.lm.head(states[:, at])
            wanted = torch.as_tensor(self.question.prompt.ids[self.positions[later]], device=logits.device)
            chosen = logits.gather(-1, wanted[None, :, None].expand(len(rows), -1, 1))[..., 0]
            values[:, later] = (chosen - logits.logsumexp(-1)).cpu().double().numpy()
        return values

    def without_sum(self, gone: NDArray[np.bool_], way: str, draw: int = 0) -> Floats:
        """(rows,): the sum over the targets, which is the log-probability of all of them together."""
        found: Floats = self.without(gone, way, draw).sum(1)
        return found


def whole_text(lm: LanguageModel, prompt: Encoded, ids: Sequence[int]) -> Encoded:
    """Prompt and continuation as one encoded text; spans of the prompt stay as they are."""
    end = lm.encode([*prompt.ids.tolist(), *ids])
    tail = decode(lm.tokenizer, list(ids))
    n = len(prompt)
    joined = prompt.text + tail
    spans = end.spans.copy()
    shift = len(prompt.text) - int(end.spans[n - 1, 1])
    spans[:n] = prompt.spans
    spans[n:] += shift
    spans = np.clip(spans, 0, len(joined))
    return dataclasses.replace(end, text=joined, spans=spans, groups=prompt.groups)


def matrix_result(
    lm: LanguageModel,
    prompt: Prompt,
    encoded: Encoded,
    text: Encoded,
    positions: NDArray[np.int64],
    said: Sequence[Said],
    scores: Floats,
    *,
    complete: bool,
    method: str,
    settings: dict[str, Any],
    diagnostics: dict[str, float],
    verdict: Verdict,
    interventions: tuple[str, ...],
    seed: int,
    batch_size: int,
    forward_passes: int,
    seconds: float,
) -> MatrixResult:
    """The rows so far as a result; `text` holds prompt and continuation, `encoded` the prompt."""
    return MatrixResult(
        text=text.text,
        tokens=text.tokens,
        token_ids=text.ids,
        spans=text.spans,
        groups=text.groups,
        prompt_tokens=len(encoded),
        positions=positions,
        said=tuple(said),
        scores=scores,
        complete=complete,
        unit="log-probability",
        method=method,
        settings=settings,
        diagnostics=diagnostics,
        verdict=verdict,
        provenance=provenance_of(
            lm,
            prompt,
            bos=encoded.bos,
            interventions=interventions,
            seed=seed,
            batch_size=batch_size,
            forward_passes=forward_passes,
            seconds=seconds,
        ),
    )


def attribute_each(
    lm: LanguageModel,
    prompt: Prompt,
    target: Continuation,
    method: str,
    *,
    delete: str,
    one: Callable[[list[int], int], tuple[Floats, int]] | None,
    seed: int = 0,
    batch_size: int | None = None,
    batch_tokens: int = 512,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
) -> MatrixResult:
    """The matrix by leave-one-out, or row by row by `one`(token ids before the target, target id) -> scores of them
    and the forward passes that they took.  Raises what `iw.attribute` says.
    """
    began = time.perf_counter()
    encoded = lm.encode(prompt)
    with torch.no_grad(), Bar(progress) as bar, lm.run(cancel=cancel, prompt_length=len(encoded)) as run:
        interventions = run.snapshot.names
        ids = target.ids(lm, encoded)
        n = len(encoded)
        text = whole_text(lm, encoded, ids)
        if len(text) > lm.architecture.context_length:
            raise PromptTooLongError(
                f"prompt and continuation have {len(text)} tokens, the model's context holds"
                f" {lm.architecture.context_length}"
            )
        positions = n + np.asarray(target.span(len(ids)), dtype=np.int64)
        states = lm.hidden(torch.as_tensor(text.ids)[None])[0, positions - 1]
        logits = lm.head(states).float()
        chosen = text.ids[positions].tolist()
        said = [Said.of(thought(lm, row, token)) for row, token in zip(logits, chosen, strict=True)]
        base = np.log(np.asarray([max(one_said.probability, 1e-300) for one_said in said]))
        question = span_question(lm, text, float(base.sum()))
        perturber = SpanPerturber(
            question,
            positions,
            base,
            seed=seed,
            batch_size=batch_size,
            batch_tokens=batch_tokens,
            advance=lambda rows: bar.advance(min(rows, len(text)), len(text), "deleting tokens"),
        )
        passes = len(ids) + 1
        scores = np.full((len(positions), len(text)), np.nan)

        if one is None:
            sources = int(positions[-1])
            gone = np.eye(len(text), dtype=bool)[:sources]
            effect = base[None] - perturber.without(gone, delete)
            for row, position in enumerate(positions):
                scores[row, :position] = effect[:position, row]
        else:
            for row, position in enumerate(positions):
                scores[row, :position], took = one(text.ids[:position].tolist(), int(text.ids[position]))
                passes += took
                bar.advance(row + 1, len(positions), "one token after the other")
        measured, word = tested(perturber, scores, n, seed)
        bar.finish("done")
        return matrix_result(
            lm,
            prompt,
            encoded,
            text,
            positions,
            said,
            scores,
            complete=True,
            method=method,
            settings={"delete": delete} if one is None else {},
            diagnostics=measured,
            verdict=word,
            interventions=interventions,
            seed=seed,
            batch_size=max(perturber.largest, 1),
            forward_passes=passes + perturber.forward_passes,
            seconds=time.perf_counter() - began,
        )


def span_question(lm: LanguageModel, text: Encoded, value: float) -> Question:
    none = np.empty(0, dtype=np.int64)
    return Question(
        lm=lm, prompt=text, target_ids=none, foil_ids=none, function="log-probability", unit="log-probability",
        value=value, log_probability=value, gap=0.0, candidates=tuple[Candidate](), forward_passes=0,
    )  # fmt: skip


class _Sum:
    """The span as one number, for the test of the prompt's tokens summed over the targets."""

    def __init__(self, perturber: SpanPerturber) -> None:
        self.question, self.without = perturber.question, perturber.without_sum


def tested(perturber: SpanPerturber, scores: Floats, prompt_tokens: int, seed: int) -> tuple[dict[str, float], Verdict]:
    """The verdict on the prompt's tokens, whose scores are summed over the targets."""
    summed = np.nansum(scores[:, :prompt_tokens], axis=0)
    member = np.eye(prompt_tokens, scores.shape[1], dtype=bool)
    test = faithfulness(_Sum(perturber), summed, member, seed=seed + 1, pairs=2)
    said = verdict(
        label="", unit="log-probability", tested_unit="log-probability", total=float(summed.sum()), due=None,
        error=None, test=test, stability=None, advice=(),
    )  # fmt: skip
    said = Verdict(said.word, f"the prompt's tokens, over the whole span: {said.sentence}", said.why)
    return ({} if test is None else test.numbers()), said
