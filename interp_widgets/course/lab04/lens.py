"""Exercises 1 and 2: the logit lens by hand, and the layer from which on an answer leads.

References: the states that the package captures, through norm, head and softmax in NumPy (exercise 1); a walk back from
the last layer (exercise 2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.tiny_copies import fresh_model, no_hook_stays, words
from interp_widgets.course.tiny_model import tiny_lm
from interp_widgets.models.architectures import Site

Floats = NDArray[np.float64]

# Exercise 1


def _text(tokens: int) -> Callable[[np.random.Generator], Arguments]:
    return lambda rng: (fresh_model(), words(rng, tokens))


def _states(ids: Tensor) -> Floats:
    """(1 + layers, tokens, width): embeddings, then the state after each layer; no norm."""
    lm = tiny_lm()
    sites = [Site("resid_pre", 0), *(Site("resid_post", layer) for layer in range(lm.architecture.n_layers))]
    with torch.no_grad(), lm.run(capture=sites) as run:
        lm.hidden(ids)
        return torch.stack([run.captured[site][0] for site in sites]).numpy()


def _norm(x: Floats, *, centred: bool = False, scaled: bool = True) -> Floats:
    norm: Any = tiny_lm().architecture.final_norm
    x = x - x.mean(-1, keepdims=True) if centred else x
    root = np.sqrt((x**2).mean(-1, keepdims=True) + norm.variance_epsilon)
    return np.asarray(x / root * (norm.weight.detach().numpy() if scaled else 1.0))


def _logits(x: Floats) -> Floats:
    return np.asarray(x @ tiny_lm().architecture.unembedding.weight.detach().numpy().T)


def _softmax(logits: Floats) -> Tensor:
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return torch.as_tensor(weights / weights.sum(-1, keepdims=True))


def _after_layers(ids: Tensor, position: int = -1) -> Floats:
    return _states(ids)[1:, position]


def _lens(model: Any, ids: Tensor) -> Tensor:
    return _softmax(_logits(_norm(_after_layers(ids))))


def _last_twice(model: Any, ids: Tensor) -> Tensor:
    states = _after_layers(ids).copy()
    states[-1] = _norm(states[-1])
    return _softmax(_logits(_norm(states)))


def _shifted(model: Any, ids: Tensor) -> Tensor:
    return _softmax(_logits(_norm(_states(ids)[:-1, -1])))


def _with_embeddings(model: Any, ids: Tensor) -> Tensor:
    return _softmax(_logits(_norm(_states(ids)[:, -1])))


def _clean_afterwards(value: Any, model: Any, ids: Tensor) -> None:
    no_hook_stays(model)


LENS = Exercise(
    id="lab04-q1",
    title="The logit lens by hand",
    difficulty=2,
    minutes=20,
    signature="lens(model, ids)",
    cases=(
        Case(
            name="five tokens through a tiny model",
            points=2,
            arguments=_text(5),
            expected=_lens,
            judge=_clean_afterwards,
            relative=1e-5,
            hint="For each layer: the state after it at the last position, then the final norm, the head, the softmax.",
        ),
        Case(
            name="a single token",
            points=1,
            arguments=_text(1),
            expected=_lens,
            judge=_clean_afterwards,
            relative=1e-5,
            hint="Row l is what comes out of layer l; the last row is what the model itself says.",
        ),
    ),
    mistakes=(
        Mistake(
            name="last-normed-twice",
            hint="The last row went through the norm twice. The last entry of `hidden_states` is *not* the output of"
            " the last layer: transformers has put it through the final norm already.",
            answer=_last_twice,
        ),
        Mistake(
            name="off-by-one",
            hint="One layer too early: entry 0 of `hidden_states` is the embeddings, entry 1 the state after layer 0.",
            answer=_shifted,
        ),
        Mistake(
            name="with-embeddings",
            hint="One row too many: the first one reads the embeddings, before any layer.",
            answer=_with_embeddings,
        ),
        Mistake(
            name="no-norm",
            hint="The final norm is missing. The head was trained on normed states; without it late layers, whose"
            " states are long, look far too sure.",
            answer=lambda model, ids: _softmax(_logits(_after_layers(ids))),
        ),
        Mistake(
            name="no-scale",
            hint="The norm's weight is missing: it scales each entry of the state. Take the model's own norm.",
            answer=lambda model, ids: _softmax(_logits(_norm(_after_layers(ids), scaled=False))),
        ),
        Mistake(
            name="layer-norm",
            hint="The mean was taken out, as LayerNorm does. This model has RMSNorm; take the model's own norm.",
            answer=lambda model, ids: _softmax(_logits(_norm(_after_layers(ids), centred=True))),
        ),
        Mistake(
            name="logits",
            hint="These are logits. The softmax over the vocabulary makes them probabilities.",
            answer=lambda model, ids: torch.as_tensor(_logits(_norm(_after_layers(ids)))),
        ),
        Mistake(
            name="first-position",
            hint="This is read at the first token. What comes after the text is said at the last one: position −1.",
            answer=lambda model, ids: _softmax(_logits(_norm(_after_layers(ids, 0)))),
        ),
        Mistake(name="hook-stays", hint="A hook is still on the model. Remove each handle, in `finally`."),
    ),
    hints=(
        "`model(input_ids=ids, output_hidden_states=True).hidden_states` has one entry more than there are layers: it"
        " begins with the embeddings.",
        "Its last entry has already been through `model.model.norm`; all the others have not.",
        "`model.lm_head(model.model.norm(state)).softmax(-1)`, and `torch.no_grad()` around it all.",
    ),
)

# Exercise 2


def _softmaxed(rng: np.random.Generator, leaders: list[int], vocabulary: int = 8) -> Tensor:
    """(layers, vocabulary): probabilities with these tokens in front, layer by layer."""
    logits = rng.normal(size=(len(leaders), vocabulary))
    for row, leader in zip(logits, leaders, strict=True):
        row[leader] = row.max() + rng.uniform(0.1, 1.5)
    return _softmax(logits)


def _lead(pattern: str) -> Callable[[np.random.Generator], Arguments]:
    """One layer a letter: x where the token leads, . where another one does."""

    def arguments(rng: np.random.Generator) -> Arguments:
        token, *others = (int(i) for i in rng.permutation(8))
        return _softmaxed(rng, [token if one == "x" else others[int(rng.integers(7))] for one in pattern]), token

    return arguments


def _first(row: Tensor, token: int) -> bool:
    return all(float(row[token]) > float(x) for i, x in enumerate(row) if i != token)


def _leads_from(probabilities: Tensor, token: int) -> int:
    layer = len(probabilities)
    while layer > 0 and _first(probabilities[layer - 1], token):
        layer -= 1
    return layer if layer < len(probabilities) else -1


def _leading(probabilities: Tensor, token: int) -> list[int]:
    return [layer for layer, row in enumerate(probabilities) if _first(row, token)]


def _first_time(probabilities: Tensor, token: int) -> int:
    return next(iter(_leading(probabilities, token)), -1)


def _last_run(probabilities: Tensor, token: int) -> int:
    """Where the last stretch begins, whether or not it goes to the end."""
    found = _leading(probabilities, token)
    return _leads_from(probabilities[: found[-1] + 1], token) if found else -1


def _before(probabilities: Tensor, token: int) -> int:
    layer = _leads_from(probabilities, token)
    return layer - 1 if layer > 0 else layer


def _above_half(probabilities: Tensor, token: int) -> int:
    sure = torch.zeros_like(probabilities)
    sure[:, token] = (probabilities[:, token] > 0.5).to(sure)
    return _leads_from(sure, token)


LEADS = Exercise(
    id="lab04-q2",
    title="From which layer on the answer leads",
    difficulty=1,
    minutes=10,
    signature="leads_from(probabilities, token)",
    cases=(
        Case(
            name="in front for a while, behind again, then in front to the end",
            points=1,
            arguments=_lead("..xx..xxx"),
            expected=_leads_from,
            hint="Walk back from the last layer while the token is first.",
        ),
        Case(
            name="in front from the first layer on",
            points=0.5,
            arguments=_lead("xxxxx"),
            expected=_leads_from,
            hint="Where it is first everywhere, the answer is layer 0.",
        ),
        Case(
            name="in front at the last layer only",
            points=0.5,
            arguments=_lead(".x.....x"),
            expected=_leads_from,
            hint="Where it is first after the last layer only, the answer is that layer.",
        ),
        Case(
            name="in front in the middle, and not at the end",
            points=0.5,
            arguments=_lead("..xxx.."),
            expected=_leads_from,
            hint="Not first after the last layer: the answer is −1.",
        ),
        Case(
            name="never in front",
            points=0.5,
            arguments=_lead("......"),
            expected=_leads_from,
            hint="Never first: the answer is −1.",
        ),
    ),
    mistakes=(
        Mistake(
            name="first-time",
            hint="This is the first layer at which it leads. It falls behind again after that; asked is from where it"
            " leads *to the end*.",
            answer=_first_time,
        ),
        Mistake(
            name="not-to-the-end",
            hint="It is not first after the last layer, so nothing leads to the end: return −1.",
            answer=_last_run,
        ),
        Mistake(
            name="off-by-one",
            hint="One layer too early: this is the last layer at which another token leads.",
            answer=_before,
        ),
        Mistake(
            name="most-probable-layer",
            hint="This is the layer with the token's highest probability. First means: more probable than any other"
            " token of the same layer.",
            answer=lambda probabilities, token: int(probabilities[:, token].argmax()),
        ),
        Mistake(
            name="above-half",
            hint="More than half was asked of it. First is enough: 0.2 leads where all others have less.",
            answer=_above_half,
        ),
    ),
    hints=(
        "`probabilities.argmax(1) == token` says for each layer whether the token is first.",
        "Begin at the last layer and go down while it is first.",
    ),
)
