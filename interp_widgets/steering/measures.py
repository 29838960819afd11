"""What steering does to a text (concept) and to the model (damage).

Concepts are numbers of a written text.  "projection" and "probe" read it with the unsteered model, so that a vector is
not taken at its own word: adding a direction moves every state along it, whether or not the text changes.

Damage is measured on neutral texts that the vector has nothing to do with, and on what was written:

    perplexity   exp of the mean negative log-probability of neutral text, steered, over the same unsteered
    KL           mean over the same tokens of KL(unsteered || steered) of the next token, in nats
    repetition   share of the word triples of a written text that occurred in it before
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.errors import ArgumentError, MissingPackageError, not_one_of
from interp_widgets.steering.reading import token_scores

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel
    from interp_widgets.steering.vector import ControlVector

Floats = NDArray[np.float64]
Concept = Callable[[Sequence[str]], Sequence[float] | Floats]

UNITS = {
    "projection": "score (+1: mean of the positive pairs, −1: of the negative ones)",
    "probe": "share read as the positive pole",
    "sentiment": "VADER compound score (−1 to +1)",
    "formality": "automated readability index (school grade)",
    "length": "words",
}


def concept_of(name: str | Concept, lm: LanguageModel, vector: ControlVector) -> Concept:
    """The function from texts to numbers. Raises ArgumentError, MissingPackageError."""
    if callable(name):
        return name
    if name in ("projection", "probe"):
        if not np.isfinite(vector.half_gap).all():
            raise ArgumentError(
                f"concept={name!r} needs a vector fitted to pairs; {vector.name!r} is made of others or was imported."
                " Say concept='sentiment', 'formality', 'length', or give a function of the texts"
            )
        read = _reader(lm, vector)
        return read if name == "projection" else lambda texts: (read(texts) > 0).astype(float)
    if name == "sentiment":
        analyse = _needs("vaderSentiment.vaderSentiment").SentimentIntensityAnalyzer()
        return lambda texts: [analyse.polarity_scores(text)["compound"] for text in texts]
    if name in ("formality", "length"):
        textstat = _needs("textstat")
        # Of textstat's grades the one that counts letters: the others look syllables up in a list fetched from the net.
        count = textstat.automated_readability_index if name == "formality" else textstat.lexicon_count
        return lambda texts: [float(count(text)) if text.strip() else 0.0 for text in texts]
    raise not_one_of("concept", name, UNITS, ", or a function of the texts")


def _needs(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise MissingPackageError(
            f"this concept is measured with {package}, which is not installed: pip install 'interp-widgets[evaluate]'"
        ) from error


def _reader(lm: LanguageModel, vector: ControlVector) -> Callable[[Sequence[str]], Floats]:
    """Mean score of a text's tokens at the vector's best layer, as the model reads it with nothing of ours active."""

    def read(texts: Sequence[str]) -> Floats:
        known = [text if text.strip() else "." for text in texts]
        return np.asarray(
            [float(scores[1:].mean()) if len(scores) > 1 else 0.0 for scores in token_scores(lm, vector, known)]
        )

    return read


def repetition(text: str) -> float:
    """Share of the word triples that occurred before in the text; 0 for fewer than two triples."""
    words = text.lower().split()
    triples = list(zip(words, words[1:], words[2:], strict=False))
    return 1 - len(set(triples)) / len(triples) if len(triples) > 1 else 0.0


@dataclass(frozen=True, eq=False)
class Reading:
    """How the model reads some texts now: negative log-probability of each token but the first, and, where asked for,
    all next-token log-probabilities, (tokens - 1, vocabulary) for each text."""

    loss: list[Floats]
    log_probabilities: list[torch.Tensor]

    @property
    def perplexity(self) -> float:
        return float(np.exp(np.concatenate(self.loss).mean()))


def read(lm: LanguageModel, texts: Sequence[str], keep: bool = False) -> Reading:
    """One pass for each text, under what is active now."""
    loss, kept = [], []
    for text in texts:
        ids = torch.as_tensor(lm.encode(text).ids)[None]
        log_p = _log_probabilities(lm, ids)[0]
        loss.append(_loss(log_p, ids[0]))
        if keep:
            kept.append(log_p)
    return Reading(loss, kept)


def damage(
    lm: LanguageModel, texts: Sequence[str], unsteered: Reading, rows: int
) -> tuple[list[list[Floats]], NDArray[np.float64]]:
    """For each of `rows` strengths that are active as rows of a batch: the loss of every token of every text, and the
    mean KL from the unsteered model, (rows,)."""
    losses: list[list[Floats]] = [[] for _ in range(rows)]
    divergence, tokens = np.zeros(rows), 0
    for text, before in zip(texts, unsteered.log_probabilities, strict=True):
        ids = torch.as_tensor(lm.encode(text).ids)[None]
        log_p = _log_probabilities(lm, ids.expand(rows, -1))
        before = before.to(log_p)
        for row in range(rows):
            losses[row].append(_loss(log_p[row], ids[0]))
            divergence[row] += float((before.exp() * (before - log_p[row])).sum())
        tokens += ids.shape[1] - 1
    return losses, divergence / tokens


def _loss(log_p: torch.Tensor, ids: torch.Tensor) -> Floats:
    found = -log_p.gather(-1, ids[1:, None].to(log_p.device))[:, 0]
    return np.asarray(found.double().cpu().numpy())


def _log_probabilities(lm: LanguageModel, ids: torch.Tensor) -> torch.Tensor:
    """Of the next token after each but the last, (rows, tokens - 1, vocabulary)."""
    with torch.no_grad(), lm.run():
        return lm.head(lm.hidden(ids)[:, :-1]).float().log_softmax(-1)
