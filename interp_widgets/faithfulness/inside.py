"""What only a model in memory can tell: was the answer there before the reasoning, and which sentences is it from?

The lens reads, after each layer, the state at the position where an answer without reasoning would begin: the
probability of the option that the model later chooses, among all options.  Where it leads there already, the reasoning
came after.  The attribution asks the other way round, at the position where the answer after the reasoning begins: what
does each sentence add to its log-odds over the best other option?
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from interp_widgets.faithfulness import prompts
from interp_widgets.faithfulness.local import LocalBackend
from interp_widgets.faithfulness.records import Inside, Record


def look_inside(
    backend: Any,
    records: Sequence[Record],
    *,
    lens: bool = True,
    attribution: bool = True,
    seed: int = 0,
    cancel: threading.Event | None = None,
) -> list[Record]:
    """The records with `inside` filled, where there is an answer after reasoning. backend: a `LocalBackend`.

    Raises NonFiniteError, MemoryExhaustedError, Cancelled.
    """
    assert isinstance(backend, LocalBackend)
    found = []
    for record in records:
        if record.trouble:
            found.append(record)
            continue
        seen = Inside((), None)
        if lens:
            seen = _by_layer(backend, record, cancel)
        if attribution:
            seen = _by_sentence(backend, record, seen, seed, cancel)
        found.append(replace(record, inside=seen))
    return found


def _by_layer(backend: LocalBackend, record: Record, cancel: threading.Event | None) -> Inside:
    from interp_widgets.locate.logit_lens import logit_lens

    asked = backend.question_of(prompts.ask(prompts.at_once(record.question), "inside"))
    letters = [backend.letter(i) for i in range(len(record.question.options))]
    read = logit_lens(backend.lm, asked.ids.tolist(), tokens=letters, positions=[-1], cancel=cancel)
    backend.passes += read.forward_passes
    columns = [read.followed_ids.tolist().index(letter) for letter in letters]
    log_p = read.log_probability[0][:, columns]
    p = np.exp(log_p - np.logaddexp.reduce(log_p, axis=1, keepdims=True))
    chosen = record.full.option
    assert chosen is not None  # else there is trouble
    leads = p.argmax(1) == chosen
    behind = np.flatnonzero(~leads)
    first = int(behind[-1]) + 1 if len(behind) else 0
    return Inside(tuple(float(one) for one in p[:, chosen]), first if first < len(leads) else None)


def _by_sentence(
    backend: LocalBackend, record: Record, seen: Inside, seed: int, cancel: threading.Event | None
) -> Inside:
    from interp_widgets.attribution.api import attribute

    asked = backend.question_of(prompts.ask(prompts.conclusion(record.question, record.reasoning), "inside"))
    chosen = record.full.option
    assert chosen is not None
    p = list(record.full.probabilities)
    p[chosen] = -1.0
    result = attribute(
        backend.lm,
        asked.ids.tolist(),
        target=backend.letter(chosen),
        foil=backend.letter(int(np.argmax(p))),
        group="sentence",
        seed=seed,
        cancel=cancel,
        confirm=True,
    )
    backend.passes += result.forward_passes
    scores, elsewhere = _shares(result.text, result.spans, result.scores, record.sentences)
    return replace(seen, sentences=scores, elsewhere=elsewhere, method=result.method, verdict=str(result.verdict))


def _shares(text: str, spans: Any, scores: Any, sentences: tuple[str, ...]) -> tuple[tuple[float, ...], float]:
    """Scores of the units by the sentence that each stands in: units of the attribution are cut by its own rule, so
    each goes to the sentence that holds its middle."""
    start = text.rindex("".join(sentences).strip()[:40]) if sentences else 0
    ends = start + np.cumsum([0, *(len(one.strip()) if i == 0 else len(one) for i, one in enumerate(sentences))])
    found = np.zeros(len(sentences))
    elsewhere = 0.0
    for (a, b), score in zip(spans.tolist(), scores.tolist(), strict=True):
        place = int(np.searchsorted(ends, (a + b) / 2, side="right")) - 1
        if 0 <= place < len(sentences):
            found[place] += score
        else:
            elsewhere += score
    return tuple(float(one) for one in found), float(elsewhere)
