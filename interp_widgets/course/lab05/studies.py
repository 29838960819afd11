"""What lab 05 measures before anything is edited: what a matrix can hold, whose key is whose, what C knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.course.lab05.facts import FACT, LAYER, PREFIXES, SUBJECT_FIRST, value_of
from interp_widgets.editing.fact import Fact
from interp_widgets.editing.keys_values.statistics import KeyStatistics
from interp_widgets.editing.keys_values.value import Values
from interp_widgets.models.architectures import Site
from interp_widgets.models.prompts import covering, decode
from interp_widgets.models.reference_text import sentences

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]

# A matrix as a memory


def recall_table(width: int = 64, facts: Sequence[int] = (4, 16, 48, 64, 128), *, seed: int = 0) -> str:
    """How far recalled values are from those that were stored, relative to their size: random keys and values."""
    rng = np.random.default_rng(seed)
    lines = [f"{'facts':>6}{'sum of v k^T':>15}{'least squares':>15}"]
    for n in facts:
        keys, values = rng.normal(size=(2, n, width))
        summed = values.T @ (keys / np.square(keys).sum(1, keepdims=True))
        fitted = np.linalg.lstsq(keys, values, rcond=None)[0].T
        errors = [np.linalg.norm(keys @ w.T - values) / np.linalg.norm(values) for w in (summed, fitted)]
        lines.append(f"{n:>6}" + "".join(f"{error:>15.2f}" for error in errors))
    return "\n".join(lines)


# Whose key is whose


def key_at(lm: LanguageModel, text: str, word: str, *, layer: int = LAYER) -> Floats:
    """(keys,): what goes into the down-projection at the last token of a word."""
    encoded = lm.encode(text)
    start = text.rindex(word)
    place = covering(encoded.spans, start, start + len(word))[1]
    site = Site("mlp_key", layer)
    with torch.no_grad(), lm.run(capture=[site], until=layer) as run:
        lm.hidden(torch.as_tensor(encoded.ids)[None])
        found: Floats = run.captured[site][0, place].double().cpu().numpy()
    return found


def key_table(lm: LanguageModel, pairs: Sequence[tuple[str, str]], *, layer: int = LAYER) -> str:
    """Length of each key, (text, word), and its cosine with the mean key of the fact."""
    mean = np.mean([key_at(lm, prefix + FACT.prompt, FACT.subject, layer=layer) for prefix in PREFIXES], axis=0)
    lines = [f"{'key at the end of':19}{'in':52}{'length':>8}{'cosine':>8}"]
    for text, word in pairs:
        key = key_at(lm, text, word, layer=layer)
        size = float(np.linalg.norm(key))
        cosine = float(key @ mean / size / np.linalg.norm(mean))
        lines.append(f"{word:19}{text:52}{size:>8.2f}{cosine:>8.2f}")
    return "\n".join(lines)


# The value


def value_table(lm: LanguageModel, value: Values, words: Sequence[str] = (" Canberra", " Sydney")) -> str:
    """How long delta is, what it makes of the answer, and which words the output head reads in it directly."""
    delta = value.delta[0]
    with torch.no_grad():
        logits = lm.head(lm.architecture.final_norm(delta[None]))[0].float()
    order = logits.argsort(descending=True)
    best = ", ".join(decode(lm.tokenizer, [int(token)]).strip() or "space" for token in order[:5])
    ids = [lm.tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in words]
    ranks = ", ".join(
        f"{word.strip()} {int((order == token).nonzero()[0, 0]) + 1:,}" for word, token in zip(words, ids, strict=True)
    )
    return "\n".join(
        [
            f"Canberra with delta: {value.probability[0]:.2f}",
            f"length of delta {float(delta.norm()):.1f}, of v0 {float(value.base[0].norm()):.1f}",
            f"what the head reads in delta: {best}",
            f"ranks in it: {ranks}",
        ]
    )


# The statistics


@dataclass(frozen=True)
class Spectra:
    """Eigenvalues of C, descending, from so many tokens each."""

    tokens: tuple[int, ...]
    values: tuple[Floats, ...]

    def table(self) -> str:
        lines = [f"{'tokens':>7}{'rank':>7}{'largest':>10}{'median':>10}{'smallest':>11}"]
        for tokens, values in zip(self.tokens, self.values, strict=True):
            rank = int((values > values[0] * len(values) * np.finfo(np.float64).eps).sum())
            smallest = values[-1] if rank == len(values) else 0.0
            lines.append(f"{tokens:>7,}{rank:>7,}{values[0]:>10.4f}{np.median(values):>10.4f}{smallest:>11.5f}")
        return "\n".join(lines)

    def plot(self) -> Figure:
        """Eigenvalues by rank, on two logarithmic axes; what is zero but for rounding ends the line."""
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(figsize=(5.6, 3.0), layout="constrained")
        for i, (tokens, values) in enumerate(zip(self.tokens, self.values, strict=True)):
            known = values[values > values[0] * 1e-10]
            style = ("-", "--", ":")[i % 3]
            axes.loglog(np.arange(1, len(known) + 1), known, style, color=f"C{i}", label=f"{tokens:,} tokens")
        axes.set(xlabel="direction", ylabel="eigenvalue of C")
        axes.legend(fontsize=7, loc="lower left")
        return figure


def spectra(lm: LanguageModel, statistics: KeyStatistics, tokens: Sequence[int] = (500, 2000)) -> Spectra:
    """C from the first so many tokens of the reference text, and from all of it."""
    site, kept, seen = Site("mlp_key", statistics.layer), [], 0
    with torch.no_grad(), lm.run(capture=[site], until=statistics.layer) as run:
        for text in sentences():
            if seen >= max(tokens):
                break
            lm.hidden(torch.as_tensor(lm.encode(text).ids)[None])
            kept.append(run.captured.pop(site)[0].double().cpu().numpy())
            seen += len(kept[-1])
    keys = np.concatenate(kept)
    found = [np.linalg.eigvalsh(keys[:n].T @ keys[:n] / n)[::-1] for n in tokens]
    return Spectra((*tokens, statistics.tokens), (*found, statistics.spectrum[::-1]))


def first_token(lm: LanguageModel, fact: Fact = SUBJECT_FIRST) -> Values:
    """The fact about the first token of a text, with a clamp that reaches as far as the others': there v0 is short."""
    return value_of(lm, fact, clamp=4.0)
