"""What lab 01 measures on real prompts: the path's profile, deletion with controls, attention against deletion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.attribution.api import attribute
from interp_widgets.course.lab01.functions import midpoints
from interp_widgets.models.attention import attention_weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]

# Written for this lab; each with a next token that the default model finds likely.
PROMPTS: tuple[tuple[str, str], ...] = (
    ("The capital of Australia is", " Canberra"),
    ("The Eiffel Tower is located in the city of", " Paris"),
    ("Water freezes at a temperature of zero degrees", " Celsius"),
    ("The opposite of hot is", " cold"),
    ("She put the letter into an envelope and wrote the", " address"),
    ("Two plus two equals", " four"),
    ("The chef tasted the soup and added a pinch of", " salt"),
    ("The sun rises in the", " east"),
    ("The author of Romeo and Juliet is William", " Shakespeare"),
    ("The chemical symbol of gold is", " Au"),
    ("After the rain stopped, the children went outside to", " play"),
    ("The first president of the United States was George", " Washington"),
)


@dataclass(frozen=True)
class PathProfile:
    """Along the path from zero to the prompt: alpha, the value there, the norm of the gradient, and the cosine between
    the gradients here and at the next point; (points,) each, the last one point shorter. total: the sum of
    scores that the gradients of this piece of the path give. due: what f really changes by between its ends."""

    alphas: Floats
    values: Floats
    norms: Floats
    cosines: Floats
    total: float
    due: float

    def plot(self) -> Figure:
        """Left: what the model says on the way. Right: how steep the way is, on a logarithmic axis."""
        import matplotlib.pyplot as plt

        figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.8), layout="constrained")
        left.plot(self.alphas, self.values, marker=".")
        left.set_ylabel("f, the target's logit")
        right.semilogy(self.alphas, self.norms, marker=".")
        right.set_ylabel("norm of the gradient")
        for axes in (left, right):
            axes.set_xlabel("alpha, from zero to the prompt")
        return figure


def path_profile(
    lm: LanguageModel, embeddings: Tensor, target: int, *, steps: int, start: float = 0.0, stop: float = 1.0
) -> PathProfile:
    """The target's logit f at alpha times the prompt's embeddings (tokens, width), for the middles of `steps` equal
    parts of [start, stop]."""
    alphas = start + (stop - start) * midpoints(steps)
    values, gradients = [], []
    for part in alphas.to(embeddings.dtype).split(10):
        points = (part[:, None, None] * embeddings).detach().requires_grad_()
        with torch.enable_grad():
            logits = _logit(lm, points, target)
            (slopes,) = torch.autograd.grad(logits.sum(), points)
        values.append(logits.detach().double())
        gradients.append(slopes.double())
    every = torch.cat(gradients)
    ends = torch.tensor([start, stop], dtype=embeddings.dtype)[:, None, None] * embeddings
    with torch.no_grad():
        first, last = _logit(lm, ends, target).double().tolist()
    flat = every.flatten(1)
    norms: Tensor = torch.linalg.vector_norm(flat, dim=1)
    return PathProfile(
        alphas.numpy(),
        torch.cat(values).cpu().numpy(),
        norms.cpu().numpy(),
        torch.nn.functional.cosine_similarity(flat[:-1], flat[1:]).cpu().numpy(),
        float((stop - start) * (every.mean(0) * embeddings.double()).sum()),
        last - first,
    )


def _logit(lm: LanguageModel, embeddings: Tensor, target: int) -> Tensor:
    return lm.head(lm.hidden(embeds=embeddings)[:, -1], [target])[:, 0]


def log_probabilities(lm: LanguageModel, rows: NDArray[np.int64], target: int) -> Floats:
    """Of one next token, for prompts of one length, (rows, tokens) -> (rows,). Equal rows are computed once."""
    distinct, place = np.unique(rows, axis=0, return_inverse=True)
    parts = []
    with torch.no_grad():
        for part in torch.as_tensor(distinct).split(64):
            logits = lm.next_logits(part).double()
            parts.append(logits.log_softmax(-1)[:, target].cpu().numpy())
    return np.concatenate(parts)[place.reshape(-1)]


def without_each(ids: NDArray[np.int64], fillers: NDArray[np.int64]) -> NDArray[np.int64]:
    """(tokens, tokens): the prompt with its first, second, ... token replaced by the filler at that place."""
    return np.where(np.eye(len(ids), dtype=bool), fillers, ids)


@dataclass(frozen=True)
class DeletionStudy:
    """falls: by (filler, order), the mean fall of each prompt in nats, (prompts,)."""

    falls: dict[tuple[str, str], Floats]

    def mean(self, filler: str, order: str) -> float:
        return float(self.falls[filler, order].mean())

    def ahead(self, filler: str, order: str) -> int:
        """In how many prompts an order makes the answer fall further than shuffled ones do on average."""
        return int((self.falls[filler, order] > self.falls[filler, SHUFFLED]).sum())

    def table(self) -> str:
        prompts = len(next(iter(self.falls.values())))
        lines = [f"{'mean fall of the log-probability':34} {'end-of-text':>12} {'random tokens':>15}"]
        for order in ORDERS:
            cells = "".join(
                f"{self.mean(filler, order):>10.1f} ({self.ahead(filler, order):2}/{prompts})" for filler in FILLERS
            )
            lines.append(f"{order:30} {cells}")
        lines.append("in brackets: in how many prompts further than shuffled")
        return "\n".join(lines)

    def plot(self) -> Figure:
        """One dot a prompt: each order against the shuffled ones; above the diagonal is better than chance."""
        import matplotlib.pyplot as plt

        figure, panels = plt.subplots(1, 2, figsize=(7.2, 3.4), sharex=True, sharey=True, layout="constrained")
        limit = max(falls.max() for falls in self.falls.values()) * 1.05
        for axes, filler in zip(panels, FILLERS, strict=True):
            axes.plot([0, limit], [0, limit], color="0.5", linewidth=1)
            for order, marker in ((ONE_AWAY, "s"), (INTEGRATED, "o")):
                axes.scatter(self.falls[filler, SHUFFLED], self.falls[filler, order], marker=marker, s=24, label=order)
            axes.set_title(f"replaced by {filler}", fontsize=10)
            axes.set_xlabel("shuffled: fall (nats)")
        panels[0].set_ylabel("in the order of the scores")
        panels[0].legend(fontsize=8)
        return figure


INTEGRATED, ONE_AWAY, SHUFFLED = "integrated gradients", "take one away", "shuffled (negative control)"
_PARTS = (0.2, 0.4, 0.6, 0.8)  # of the tokens that are taken away
ORDERS = (INTEGRATED, ONE_AWAY, SHUFFLED)
FILLERS = ("end-of-text", "random tokens")


def deletion_study(
    lm: LanguageModel, prompts: Sequence[tuple[str, str]], *, steps: int, shuffles: int, seed: int
) -> DeletionStudy:
    """How far the answer falls when a fifth, two, three and four fifths of the tokens are replaced, the highest first;
    the mean of the four, for each order and filler."""
    rng = np.random.default_rng(seed)
    falls: dict[tuple[str, str], list[float]] = {(filler, order): [] for filler in FILLERS for order in ORDERS}
    for prompt, answer in prompts:
        ids, target = lm.encode(prompt).ids, int(lm.encode(answer).ids[0])
        n = len(ids)
        ends = np.full(n, lm.tokenizer.eos_token_id)
        fillers = {"end-of-text": ends, "random tokens": rng.integers(100, len(lm.tokenizer), n)}
        path = attribute(
            lm, ids.tolist(), target, method="integrated_gradients", steps=steps, quadrature="midpoint"
        ).scores
        whole, *away = log_probabilities(lm, np.concatenate([ids[None], without_each(ids, ends)]), target)
        orders = {INTEGRATED: [np.argsort(-path)], ONE_AWAY: [np.argsort(np.asarray(away))]}
        orders[SHUFFLED] = [rng.permutation(n) for _ in range(shuffles)]
        counts = [max(1, round(n * part)) for part in _PARTS]
        for name, filler in fillers.items():
            rows = np.stack([ids] * (shuffles + 2) * len(counts)).reshape(shuffles + 2, len(counts), n)
            for i, order in enumerate(order for each in orders.values() for order in each):
                for j, k in enumerate(counts):
                    rows[i, j, order[:k]] = filler[order[:k]]
            fall = (whole - log_probabilities(lm, rows.reshape(-1, n), target)).reshape(shuffles + 2, -1).mean(1)
            falls[name, INTEGRATED].append(fall[0])
            falls[name, ONE_AWAY].append(fall[1])
            falls[name, SHUFFLED].append(float(fall[2:].mean()))
    return DeletionStudy({key: np.asarray(values) for key, values in falls.items()})


def with_random_weights(lm: LanguageModel, *, seed: int) -> LanguageModel:
    """The same architecture and tokenizer, with weights as before any training."""
    from transformers import AutoModelForCausalLM

    from interp_widgets.models.language_model import LanguageModel

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(lm.model.config)
    return LanguageModel(model.to(lm.device, lm.dtype), lm.tokenizer, name=f"{lm.name}, random weights")


@dataclass(frozen=True)
class AttentionStudy:
    """For each prompt its tokens, the attention that the last position pays to each, and the fall without each."""

    tokens: tuple[tuple[str, ...], ...]
    attention: tuple[Floats, ...]
    falls: tuple[Floats, ...]

    @property
    def share_of_first(self) -> float:
        """Mean share of attention that the first token gets."""
        return float(np.mean([weights[0] for weights in self.attention]))

    @property
    def first_matters_most(self) -> int:
        return sum(int(fall.argmax()) == 0 for fall in self.falls)

    @property
    def same_top(self) -> int:
        """In how many prompts the token with the most attention is the one whose loss costs most."""
        return sum(
            int(weights.argmax()) == int(fall.argmax())
            for weights, fall in zip(self.attention, self.falls, strict=True)
        )

    def table(self, *, prompts: int) -> str:
        lines = []
        for tokens, weights, fall in list(zip(self.tokens, self.attention, self.falls, strict=True))[:prompts]:
            lines.append(f"{'token':16} {'attention':>9} {'fall without it':>16}")
            for token, weight, drop in zip(tokens, weights, fall, strict=True):
                lines.append(f"{token!r:16} {weight:>9.2f} {drop:>16.1f}")
            lines.append("")
        return "\n".join(lines[:-1])


def attention_study(lm: LanguageModel, prompts: Sequence[tuple[str, str]]) -> AttentionStudy:
    """Attention from the last position, mean over layers and heads, beside the fall of the answer's log-probability
    when each token is replaced by the end-of-text token."""
    tokens, attention, falls = [], [], []
    for prompt, answer in prompts:
        encoded, target = lm.encode(prompt), int(lm.encode(answer).ids[0])
        ids = encoded.ids
        weights, _ = attention_weights(lm, torch.as_tensor(ids)[None])  # (layers, heads, tokens, tokens)
        attention.append(weights[:, :, -1].double().mean((0, 1)).cpu().numpy())
        rows = np.concatenate([ids[None], without_each(ids, np.full(len(ids), lm.tokenizer.eos_token_id))])
        whole, *away = log_probabilities(lm, rows, target)
        falls.append(whole - np.asarray(away))
        tokens.append(tuple(lm.tokenizer.decode([i]) for i in ids))
    return AttentionStudy(tuple(tokens), tuple(attention), tuple(falls))
