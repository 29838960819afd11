"""What an MLP should write at the subject so that the new answer follows: the value vectors of an edit.

For each fact a vector delta, added at the subject's last token in all its texts, minimises (Meng et al. 2022, equation
4, and their code)

    mean over texts of -log P(answer) / tokens  +  kl_factor KL(P_delta || P_0)  +  decay |delta| / |v_0|^2

where the divergence is of the next token after the subject in "<subject> is a", and v_0 is what the MLP writes there
now, at the plain prompt.  Adam; after each step |delta| is held below clamp |v_0|.

Only what delta can change is computed: layers from the edited one on, positions from the subject's last token on, whose
past is recorded once.  Many facts share a batch; a fact whose loss is low enough leaves it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from interp_widgets.editing.keys_values.contexts import Row
from interp_widgets.errors import ArgumentError, NonFiniteError
from interp_widgets.models.architectures import Architecture, Site
from interp_widgets.models.hooks import Action, Frame, LayerCall, Snapshot, set_frame
from interp_widgets.models.prefix import can_reuse
from interp_widgets.models.resume import call_layer
from interp_widgets.models.states import padded

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_WORTH = 0.7  # share of a batch's facts that still move from which on the others are taken out
SITES = ("mlp_value", "resid_post")  # where delta is added: to the down-projection's output, or to the block's


@dataclass(frozen=True)
class ValueSettings:
    """Of the optimisation; the defaults are those of ROME's code for GPT-2 XL, with 25 steps."""

    steps: int = 25
    learning_rate: float = 0.5
    clamp: float = 4.0
    decay: float = 0.5
    kl_factor: float = 0.0625
    stop: float = 0.05  # a fact whose loss is below it is done

    def __post_init__(self) -> None:
        for name in ("steps", "learning_rate", "clamp"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"{name}={getattr(self, name)!r}: a number above 0")
        for name in ("decay", "kl_factor", "stop"):
            if getattr(self, name) < 0:
                raise ArgumentError(f"{name}={getattr(self, name)!r}: 0 or more")


@dataclass(frozen=True, eq=False)
class Values:
    """delta: (facts, width); base: (facts, width), v_0; keys: (facts, keys), mean over a fact's texts of what goes into
    the down-projection; plain_keys: at the plain prompt; texts: how many the mean is of; loss, probability, steps:
    (facts,), at the end"""

    delta: Tensor
    base: Tensor
    keys: Tensor
    plain_keys: Tensor
    texts: np.ndarray[Any, np.dtype[np.int64]]
    loss: np.ndarray[Any, np.dtype[np.float64]]
    probability: np.ndarray[Any, np.dtype[np.float64]]
    steps: np.ndarray[Any, np.dtype[np.int64]]

    def mean_keys(self, plain_share: float | None) -> np.ndarray[Any, np.dtype[np.float64]]:
        """(facts, keys) with this weight on the plain prompt and the rest on the other texts; None: as on each other
        one."""
        keys, plain = self.keys.cpu().numpy(), self.plain_keys.cpu().numpy()
        if plain_share is None:
            return keys
        n = self.texts[:, None]
        others = (n * keys - plain) / np.maximum(n - 1, 1)
        return np.where(n > 1, plain_share * plain + (1 - plain_share) * others, plain)


class _Adder:
    """Adds a vector at one position of each row; acts last."""

    replaces = True

    def __init__(self, site: Site, at: Sequence[int]) -> None:
        self.site, self.at = site, at
        self.added: Tensor | None = None  # (rows, width)

    def __str__(self) -> str:
        return "value under optimisation"

    def acts(self, architecture: Architecture) -> list[tuple[Site, Action]]:
        def add(activation: Tensor, inputs: Tensor, frame: Frame | None) -> Tensor:
            return activation if self.added is None else _added(activation, self.at, self.added)

        return [(self.site, add)]


def _added(states: Tensor, at: Sequence[int], vectors: Tensor) -> Tensor:
    """states (rows, tokens, width) with a vector (rows, width) added at one position of each row."""
    rows = torch.arange(len(at), device=states.device)
    return states.index_put((rows, torch.as_tensor(at, device=states.device)), vectors.to(states), accumulate=True)


class Tails:
    """The texts of some facts, recorded up to the edited layer, so that they can go on from the subject's last token.

    Open it inside a run: what is active there acts.
    """

    def __init__(self, lm: LanguageModel, rows: Sequence[Row], layer: int, site: str) -> None:
        from transformers import DynamicCache

        a = lm.architecture
        self.lm, self.rows, self.layer, self.site = lm, list(rows), layer, site
        # Without a post-norm what is added to the MLP's output is added to the block's, so the layer itself can be
        # passed over; in the last layer the same.
        self.direct = site == "resid_post" or a.layout.mlp_norm is None
        self.entry = layer + 1 if self.direct else layer
        ids, self.lengths = padded([row.ids for row in rows])
        cache: Any = DynamicCache(config=lm.model.config)
        key, value, end = Site("mlp_key", layer), Site("mlp_value", layer), Site("resid_post", layer)
        start = Site("resid_pre", layer)
        with torch.no_grad(), lm.run(capture=[key, value, end], before=[start]) as run:
            self.snapshot = run.snapshot
            self.last = lm.hidden(ids, past_key_values=cache, use_cache=True)
            states = run.captured[end] if self.direct else run.given[start]
            at = torch.tensor([row.subject for row in rows])
            each = torch.arange(len(rows))
            self.keys, self.values = run.captured[key][each, at], run.captured[value][each, at]
            self.ends = run.captured[end][each, at]  # all three: of each row at the subject, (rows, ...)
        reuse = can_reuse(lm, int(self.lengths.max()))
        self.starts = [row.subject if reuse else 0 for row in rows]
        self.past = max(self.starts)
        self.tail = max(len(row.ids) - start for row, start in zip(rows, self.starts, strict=True))
        self.at = [row.subject - start for row, start in zip(rows, self.starts, strict=True)]
        self._states = torch.stack([_cut(states[i], s, self.tail) for i, s in enumerate(self.starts)])
        self._keys = [
            tuple(torch.stack([_align(part[i], s, self.past) for i, s in enumerate(self.starts)]) for part in pair)
            for pair in ((layer.keys, layer.values) for layer in cache.layers)
        ]
        self._calls = self._dry()

    def _dry(self) -> list[LayerCall]:
        """What the model passes to each layer for these tails, by a pass in which no layer computes."""
        from transformers import DynamicCache

        noted: list[LayerCall] = []
        starts = torch.tensor(self.starts)[:, None]
        device = self._states.device
        positions = (starts + torch.arange(self.tail)).to(device)
        mask = (torch.arange(self.past + self.tail) >= self.past - starts).long().to(device)
        cache: Any = DynamicCache(config=self.lm.model.config)
        if self.past:
            for number, (keys, values) in enumerate(self._keys):
                cache.update(keys, values, number)
        with self.lm.run(snapshot=Snapshot((), self.lm.architecture), until=-1, calls=noted):
            nothing = torch.zeros_like(self._states)
            self.lm.hidden(
                embeds=nothing, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
            )
        return noted

    def forward(self, added: Tensor) -> Tensor:
        """States after the last layer, before the final norm, (rows, tail, width), with a vector (rows, width) added to
        each row at the subject's last token. Differentiable."""
        a = self.lm.architecture
        adder = _Adder(Site("mlp_value", self.layer), self.at)
        changes = self.snapshot.changes
        hidden = self._states
        if self.direct:
            hidden = _added(hidden, self.at, added)
        else:
            adder.added = added
            changes = (*changes, adder)
        positions = torch.tensor(self.starts)[:, None] + torch.arange(self.tail)
        with self.lm.run(snapshot=Snapshot(changes, a)):
            for layer in range(self.entry, a.n_layers):
                set_frame(self.lm.board, hidden, past=0, position_ids=positions.to(hidden.device))
                hidden = call_layer(self.lm, layer, self._calls[layer], hidden, self._cache(layer))
        return hidden

    def _cache(self, layer: int) -> Any:
        from transformers import DynamicCache

        cache: Any = DynamicCache(config=self.lm.model.config)
        if self.past:
            cache.update(*self._keys[layer], layer)
        return cache

    def picked(self, states: Tensor, places: Sequence[tuple[int, int]]) -> Tensor:
        """Log-probabilities of the next token, (places, vocabulary), at some (row, position of the text)."""
        rows = torch.tensor([row for row, _ in places], device=states.device)
        at = torch.tensor([position - self.starts[row] for row, position in places], device=states.device)
        return self.lm.head(self.lm.architecture.final_norm(states[rows, at])).float().log_softmax(-1)


def _cut(states: Tensor, start: int, length: int) -> Tensor:
    """`length` positions from `start` on, with zeros after the text's end, where nothing looks."""
    part = states[start : start + length]
    return torch.nn.functional.pad(part, (0, 0, 0, length - len(part)))


def _align(part: Tensor, start: int, length: int) -> Tensor:
    """Keys or values (heads, tokens, size) of the positions before `start`, moved to the end of `length` places."""
    return torch.nn.functional.pad(part[:, :start], (0, 0, length - start, 0))


class _Loss:
    """The loss of some facts as a function of their vectors."""

    def __init__(
        self,
        lm: LanguageModel,
        texts: Sequence[Sequence[Row]],
        base: Tensor,
        tails: Tails,
        settings: ValueSettings,
    ) -> None:
        self.tails, self.settings = tails, settings
        self.facts = [i for i, rows in enumerate(texts) for _ in rows]
        self.weight = 1 / base.norm(dim=-1).square()
        rows = self.tails.rows
        self.answers = [
            (r, row.prompt - 1 + t, int(token), self.facts[r], 1 / len(row.answer))
            for r, row in enumerate(rows)
            for t, token in enumerate(row.answer)
        ]
        self.watched = [(r, row.subject) for r, row in enumerate(rows) if row.watches]
        counts = np.bincount([fact for r, fact in enumerate(self.facts) if not rows[r].watches])
        self.texts = torch.as_tensor(counts, dtype=torch.float32, device=base.device)
        with torch.no_grad():
            at = torch.tensor(self.watched, dtype=torch.long, device=base.device).reshape(-1, 2)
            before = self.tails.last[at[:, 0], at[:, 1]]
            self.before = lm.head(before).float().log_softmax(-1)

    def __call__(self, delta: Tensor) -> tuple[Tensor, Tensor]:
        """(facts,) each: the loss, and the mean log-probability of the answer over the texts, a token."""
        device = delta.device
        states = self.tails.forward(delta[torch.tensor(self.facts, device=device)])
        log_p = self.tails.picked(states, [(row, position) for row, position, *_ in self.answers])
        tokens = torch.tensor([token for _, _, token, *_ in self.answers], device=device)
        weights = torch.tensor([weight for *_, weight in self.answers], device=device)
        fact = torch.tensor([fact for *_, fact, _ in self.answers], device=device)
        chosen = log_p.gather(-1, tokens[:, None])[:, 0] * weights
        said = torch.zeros(len(delta), device=device).index_add(0, fact, chosen) / self.texts
        loss = -said + self.settings.decay * delta.norm(dim=-1) * self.weight
        if self.watched:
            after = self.tails.picked(states, self.watched)
            moved = (after.exp() * (after - self.before)).sum(-1)  # one row a fact, in their order
            loss = loss + self.settings.kl_factor * moved
        return loss, said


class _Adam:
    """Adam (Kingma and Ba 2015) on rows that stop at different steps; torch's own moves a row on by its momentum."""

    def __init__(self, like: Tensor, rate: float) -> None:
        self.rate, self.count = rate, 0
        self.mean, self.square = torch.zeros_like(like), torch.zeros_like(like)

    def step(self, rows: Sequence[int], gradient: Tensor) -> Tensor:
        """What to add to these rows; all rows that still move have moved equally often."""
        self.count += 1
        self.mean[rows] = 0.9 * self.mean[rows] + 0.1 * gradient
        self.square[rows] = 0.999 * self.square[rows] + 0.001 * gradient.square()
        mean, square = self.mean[rows] / (1 - 0.9**self.count), self.square[rows] / (1 - 0.999**self.count)
        return -self.rate * mean / (square.sqrt() + 1e-8)


def optimise(
    lm: LanguageModel,
    texts: Sequence[Sequence[Row]],
    layer: int,
    settings: ValueSettings,
    *,
    site: str = "mlp_value",
    advance: Callable[[int, int, str], None] | None = None,
) -> Values:
    """The vectors for some facts, each given by its rows (see `contexts.rows_of`).

    site: "mlp_value" (ROME) or "resid_post" (MEMIT): where a vector is added
    advance: told (steps done, steps at most, text)

    Raises NonFiniteError: a loss or gradient is not finite; MemoryExhaustedError, Cancelled.
    """
    if site not in SITES:
        raise ArgumentError(f"site={site!r}: one of {', '.join(SITES)}")
    if layer == lm.architecture.n_layers - 1 and any(row.subject < row.prompt - 1 for rows in texts for row in rows):
        raise ArgumentError(
            f"layer={layer} is the last: what it adds at the subject no longer reaches the answer; take an earlier one"
        )
    recorded = Tails(lm, [row for rows in texts for row in rows], layer, site)
    facts = [i for i, rows in enumerate(texts) for _ in rows]
    plain = [facts.index(i) for i in range(len(texts))]
    own = [[r for r, i in enumerate(facts) if i == fact and not recorded.rows[r].watches] for fact in range(len(texts))]
    base = (recorded.values if site == "mlp_value" else recorded.ends)[plain].float()
    keys = torch.stack([recorded.keys[rows].double().mean(0) for rows in own])
    plain_keys = recorded.keys[plain].double()
    limit = settings.clamp * base.norm(dim=-1, keepdim=True)
    delta, adam = torch.zeros_like(base), _Adam(base, settings.learning_rate)
    loss, chance = np.zeros(len(texts)), np.zeros(len(texts))
    steps = np.zeros(len(texts), np.int64)
    held = list(range(len(texts)))  # facts of the batch; some of them may be done
    moving = list(held)
    problem = _Loss(lm, texts, base, recorded, settings)
    del recorded
    for step in range(settings.steps):
        given = delta[held].requires_grad_()
        with torch.enable_grad():
            found, said = problem(given)
            here = [held.index(fact) for fact in moving]
            (slopes,) = torch.autograd.grad(found[here].sum(), given)
        if not (torch.isfinite(found[here]).all() and torch.isfinite(slopes).all()):
            raise NonFiniteError(
                f"layer={layer}: the loss of an edit is not finite after {step} steps; take a smaller clamp"
            )
        if step == 0 and not slopes.any(-1).all():
            raise ArgumentError(
                f"layer={layer}: the answer of fact {int(slopes.any(-1).long().argmin())} does not depend on this layer"
                " at the subject's last token (its gradient is zero); edit another layer"
            )
        loss[moving] = found.detach()[here].cpu().numpy()
        chance[moving] = said.detach()[here].exp().cpu().numpy()
        steps[moving] = step
        if advance is not None:
            advance(step + 1, settings.steps, "value vectors")
        left = [(fact, at) for fact, at in zip(moving, here, strict=True) if loss[fact] >= settings.stop]
        if not left or step == settings.steps - 1:
            break
        moving = [fact for fact, _ in left]
        moved = delta[moving] + adam.step(moving, slopes[[at for _, at in left]])
        delta[moving] = moved * (limit[moving] / moved.norm(dim=-1, keepdim=True)).clamp(max=1)
        if len(moving) <= _WORTH * len(held):
            held = list(moving)
            rest = [texts[fact] for fact in held]
            tails = Tails(lm, [row for rows in rest for row in rows], layer, site)
            problem = _Loss(lm, rest, base[held], tails, settings)
    counts = np.asarray([len(rows) for rows in own], np.int64)
    return Values(delta, base, keys, plain_keys, counts, loss, chance, steps)
