"""Exercises 2 and 3: the token at which a subject ends, and the key of a fact.

References: the characters of each token as sets (exercise 2); what the package captures at its own site (exercise 3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.tiny_copies import fresh_model, no_hook_stays, words
from interp_widgets.course.tiny_model import tiny_lm
from interp_widgets.models.architectures import Site

Spans = list[tuple[int, int]]

# Exercise 2


def _tokens(
    before: int, subject: int, after: int, *, specials: int = 0, reach: int = 0
) -> Callable[[np.random.Generator], Arguments]:
    """Tokens of random lengths, each with the space before its word; the subject is some of them.

    specials: tokens in front that cover no character; reach: characters of the subject's last token that are no longer
    the subject's
    """

    def arguments(rng: np.random.Generator) -> Arguments:
        ends = np.cumsum(rng.integers(3, 8, before + subject + after)).tolist()
        spans = list(zip([0, *ends], ends, strict=False))
        start = spans[before][0] + (1 if before else 0)
        return [(0, 0)] * specials + spans, start, spans[before + subject - 1][1] - reach

    return arguments


def _last_token(spans: Spans, start: int, end: int) -> int:
    return next(i for i, span in enumerate(spans) if end - 1 in set(range(*span)))


def _holding(spans: Spans, character: int) -> int:
    """The token that holds a character; the last one where the text ends before it."""
    return next((i for i, span in enumerate(spans) if character in set(range(*span))), len(spans) - 1)


def _inside(spans: Spans, start: int, end: int) -> int:
    """The last token that lies in the subject as a whole, but for a space in front; -1 for none."""
    return max((i for i, (a, b) in enumerate(spans) if start - 1 <= a < b <= end), default=-1)


LAST_TOKEN = Exercise(
    id="lab05-q2",
    title="The token at which a subject ends",
    difficulty=1,
    minutes=10,
    signature="last_token(spans, start, end)",
    cases=(
        Case(
            name="a subject of three tokens, in the middle",
            points=1,
            arguments=_tokens(3, 3, 2),
            expected=_last_token,
            hint="The subject's last character is end − 1; look for the token that holds it.",
        ),
        Case(
            name="a subject at the start, behind a special token",
            points=0.5,
            arguments=_tokens(0, 2, 3, specials=1),
            expected=_last_token,
            hint="A special token covers no character, (0, 0), and has a place of its own in the list.",
        ),
        Case(
            name="a last token that reaches past the subject",
            points=0.5,
            arguments=_tokens(2, 2, 2, reach=1),
            expected=_last_token,
            hint="A token may hold the subject's last character and the one after it.",
        ),
    ),
    mistakes=(
        Mistake(
            name="first-token",
            hint="This is the token at which the subject begins. Only at its last token has the model read the whole"
            " name.",
            answer=lambda spans, start, end: _holding(spans, start),
        ),
        Mistake(
            name="one-after",
            hint="This is the token after the subject. `end` is the first character that no longer belongs to it.",
            answer=lambda spans, start, end: _last_token(spans, start, end) + 1,
        ),
        Mistake(
            name="end-included",
            hint="The token that holds character `end` was taken; the subject's last one is end − 1.",
            answer=lambda spans, start, end: _holding(spans, end),
        ),
        Mistake(
            name="whole-tokens",
            hint="Only tokens that lie in the subject as a whole were looked at. Here the last one reaches past it.",
            answer=_inside,
        ),
        Mistake(
            name="within-the-subject",
            hint="This counts tokens from the beginning of the subject. The place in the whole text is asked for.",
            answer=lambda spans, start, end: _last_token(spans, start, end) - _holding(spans, start),
        ),
        Mistake(
            name="specials-left-out",
            hint="Special tokens were not counted. They take a place, and everything behind them moves by one.",
            answer=lambda spans, start, end: _last_token(spans, start, end) - sum(a == b for a, b in spans),
        ),
    ),
    hints=(
        "`for place, (first, stop) in enumerate(spans)`; a token holds the characters from first up to stop − 1.",
        "The condition is `first <= end - 1 < stop`.",
    ),
)

# Exercise 3

Texts = list[list[int]]


def _fact(layer: int, lengths: Sequence[int]) -> Callable[[np.random.Generator], Arguments]:
    """Texts of these lengths that end alike, the first of them the plain one; the subject is the third token from the
    end."""

    def arguments(rng: np.random.Generator) -> Arguments:
        ends = words(rng, min(lengths))[0].tolist()
        texts = [words(rng, length - len(ends))[0].tolist() + ends for length in lengths]
        return fresh_model(), texts, [length - 3 for length in lengths], layer

    return arguments


def captured(texts: Texts, places: Sequence[int], site: Site) -> Tensor:
    """(texts, size): what the tiny model has at a site, of each text at its place."""
    lm, rows = tiny_lm(), []
    for ids, place in zip(texts, places, strict=True):
        with torch.no_grad(), lm.run(capture=[site]) as run:
            lm.hidden(torch.as_tensor([ids]))
            rows.append(run.captured[site][0, place])
    return torch.stack(rows)


def _mean_key(model: Any, texts: Texts, places: list[int], layer: int) -> Tensor:
    return captured(texts, places, Site("mlp_key", layer)).mean(0)


def _at(place: Callable[[list[int], int], int]) -> Callable[..., Tensor]:
    """At other places: of a text and its place."""

    def answer(model: Any, texts: Texts, places: list[int], layer: int) -> Tensor:
        return _mean_key(model, texts, [place(ids, at) for ids, at in zip(texts, places, strict=True)], layer)

    return answer


def _all_tokens(model: Any, texts: Texts, places: list[int], layer: int) -> Tensor:
    rows = [captured([ids] * len(ids), range(len(ids)), Site("mlp_key", layer)).mean(0) for ids in texts]
    return torch.stack(rows).mean(0)


def _by_parts(part: Callable[[Any, Tensor], Tensor]) -> Callable[..., Tensor]:
    """From what goes into the MLP, (texts, width)."""

    def answer(model: Any, texts: Texts, places: list[int], layer: int) -> Tensor:
        mlp = fresh_model().model.layers[layer].mlp
        kept: list[Tensor] = []
        other = fresh_model()
        other.model.layers[layer].mlp.register_forward_pre_hook(lambda module, inputs: kept.append(inputs[0][0]))
        with torch.no_grad():
            for ids in texts:
                other(input_ids=torch.as_tensor([ids]))
            rows = torch.stack([states[place] for states, place in zip(kept, places, strict=True)])
            return part(mlp, rows).mean(0)

    return answer


def _clean_afterwards(value: Any, model: Any, *rest: Any) -> None:
    no_hook_stays(model)


def _key_case(name: str, points: float, layer: int, lengths: Sequence[int], hint: str) -> Case:
    return Case(
        name=name,
        points=points,
        arguments=_fact(layer, lengths),
        expected=_mean_key,
        judge=_clean_afterwards,
        relative=1e-5,
        hint=hint,
    )


MEAN_KEY = Exercise(
    id="lab05-q3",
    title="The key of a fact",
    difficulty=2,
    minutes=20,
    signature="mean_key(model, texts, places, layer)",
    cases=(
        _key_case(
            "one text, layer 0",
            1,
            0,
            (6,),
            "What goes *into* `down_proj`, at the place that is given.",
        ),
        _key_case(
            "three texts, layer 1",
            2,
            1,
            (5, 9, 7),
            "Each text has its own place; the mean is taken over the texts.",
        ),
    ),
    mistakes=(
        Mistake(
            name="value",
            hint="This is what comes out of `down_proj`, the value. The key is what goes into it.",
            answer=lambda model, texts, places, layer: captured(texts, places, Site("mlp_value", layer)).mean(0),
        ),
        Mistake(
            name="input-of-the-mlp",
            hint="This is what goes into the whole MLP, as wide as the residual stream. The key is the hidden layer:"
            " what goes into `mlp.down_proj`.",
            answer=_by_parts(lambda mlp, rows: rows),
        ),
        Mistake(
            name="gate-alone",
            hint="This is the gate without what it is multiplied with. In this kind of MLP the key is"
            " act(gate) · up; take the input of `down_proj` and you have it.",
            answer=_by_parts(lambda mlp, rows: mlp.act_fn(mlp.gate_proj(rows))),
        ),
        Mistake(
            name="last-position",
            hint="The key was read at the end of the text. The fact is looked up where the subject ends: at the place"
            " that is given.",
            answer=_at(lambda ids, place: len(ids) - 1),
        ),
        Mistake(
            name="one-after",
            hint="One token too far: places count from 0.",
            answer=_at(lambda ids, place: place + 1),
        ),
        Mistake(
            name="one-place-for-all",
            hint="Every text was read at the first text's place. Behind a longer prefix the subject stands further on.",
            answer=lambda model, texts, places, layer: _mean_key(model, texts, [places[0]] * len(texts), layer),
        ),
        Mistake(
            name="plain-alone",
            hint="Only the first text was used. An edit for its key alone is lost as soon as something stands in front"
            " of the prompt.",
            answer=lambda model, texts, places, layer: _mean_key(model, texts[:1], places[:1], layer),
        ),
        Mistake(
            name="sum",
            hint="This is the sum over the texts. Take the mean.",
            answer=lambda model, texts, places, layer: _mean_key(model, texts, places, layer) * len(texts),
        ),
        Mistake(
            name="all-tokens",
            hint="The mean was taken over all tokens of the text as well. Only the subject's last token has the key.",
            answer=_all_tokens,
        ),
        Mistake(
            name="other-layer",
            hint="This is the key of another layer. Layers count from 0: `model.model.layers[layer]`.",
            answer=lambda model, texts, places, layer: _mean_key(model, texts, places, 1 - layer),
        ),
        Mistake(
            name="hook-stays",
            hint="A hook is still on the model. Keep the handle, and call `remove()` on it in `finally`.",
        ),
    ),
    hints=(
        "`model.model.layers[layer].mlp.down_proj.register_forward_pre_hook(hook)`; `hook(module, inputs)` sees the"
        " inputs, a tuple with one tensor, (1, tokens, width of the MLP).",
        "Run the texts one by one, `model(input_ids=torch.tensor([ids]))`, and keep of each the row at its place.",
        "`torch.stack(rows).mean(0)`.",
    ),
)
