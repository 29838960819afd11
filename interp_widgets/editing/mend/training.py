"""`train_mend`: train MEND's network for one model (Mitchell et al. 2022, section 3.1 and algorithm 1).

Each step takes some facts and, of each, the gradient of its answer's loss at the model's own weights; the network makes
a change of weights of it, which acts on the fact's texts alone.  The loss is

    edit_weight * NLL(answer | prompt, or another wording) + locality_weight * KL(before || after; what should stay)

and its gradient goes back through the change into the network.  The model's weights take no gradient and never change.
Other than in the paper, the gradient of a fact is that of its plain prompt, and the edited layers alone are computed
(`mend_corpus`), so that minutes on two cores are enough.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from interp_widgets.editing.fact import Fact
from interp_widgets.editing.mend.artefact import MendArtefact, default_path
from interp_widgets.editing.mend.corpus import Corpus, Example, gather
from interp_widgets.editing.mend.facts import training_facts
from interp_widgets.editing.mend.gradients import (
    Outer,
    RowChanges,
    answer_losses,
    edited_matrices,
    go_on,
    gradients,
    last_layers,
    log_probabilities,
)
from interp_widgets.editing.mend.network import Factors, MendNetwork
from interp_widgets.errors import ArgumentError, NonFiniteError
from interp_widgets.models import reference_text
from interp_widgets.models.hooks import Snapshot
from interp_widgets.models.memory import give_back
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost, allow

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_FACTS, _SENTENCES = 1000, 200  # where the caller gives none
_TOKENS = 60  # of a fact's recorded texts, for estimates
_PASSES = 30  # of the edited layers and the head that a fact of a step takes, forward and backward, likewise
_TOGETHER = 8  # texts of a pass
_LOOKS = 10  # at the facts that are held out


@dataclass(frozen=True)
class MendTraining:
    """steps, batch: how often how many facts; rank: of the network's layers
    learning_rate: of Adam; alpha_rate: of the logarithms of alpha; both fall to a twentieth along a half cosine
    growth: size of the first changes, in units of the matrices' norms; plain gradients of 0.001 to 0.004 are best on
        the default model
    edit_weight, locality_weight: of the loss; the paper's. With 0.3 neighbours go with the fact
    clip: largest norm of a step's gradient; held_out: facts that are only looked at, at most a tenth"""

    steps: int = 1200
    batch: int = 8
    rank: int = 256
    learning_rate: float = 5e-4
    alpha_rate: float = 2e-2
    growth: float = 0.003
    edit_weight: float = 0.1
    locality_weight: float = 1.0
    clip: float = 1.0
    held_out: int = 24

    def __post_init__(self) -> None:
        for name in asdict(self):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"{name}={getattr(self, name)!r}: a number above 0")


def train_mend(
    lm: LanguageModel,
    facts: Sequence[Fact] | None = None,
    *,
    texts: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
    settings: MendTraining | None = None,
    path: str | os.PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> MendArtefact:
    """Train the network for `iw.edit(lm, fact, method="mend")`, without interventions, and save it.

    Parameters
    ----------
    facts: to train on, with paraphrases and neighbours where there are some; by default made up by the package about
        invented people, countries and landmarks (`mend_facts`). What is to be judged must not be among them
    texts: sentences that should stay as they are; by default of the package's reference text
    layers: whose MLPs are changed; by default the last three
    path: where it is saved; by default in the user's cache, where `iw.edit` finds it

    Raises
    ------
    ArgumentError: too few facts; TargetError: an answer cannot follow a prompt as written; TooCostlyError: more than
    five minutes, unless confirm=True; NonFiniteError, DiskFullError, Cancelled. After an error nothing is saved.
    """
    own = settings or MendTraining()
    allow(estimate_train_mend(lm, facts, layers=layers, settings=own), confirm, "Take fewer steps")
    chosen = training_facts(_FACTS, seed=seed) if facts is None else tuple(dict.fromkeys(facts))
    sentences = tuple(reference_text.sentences()[:_SENTENCES] if texts is None else texts)
    which = tuple(sorted({lm.architecture.check_layer(one) for one in (last_layers(lm) if layers is None else layers)}))
    if not which:
        raise ArgumentError("layers is empty; give some, or leave it out for the last three")
    began = time.perf_counter()
    plain = Snapshot((), lm.architecture)
    with lm.run(cancel=cancel, snapshot=plain), Bar(progress) as bar:
        corpus = gather(lm, chosen, sentences, which[0], seed=seed, advance=bar.advance)
        trained = _Trained(lm, corpus, which, own, seed)
        trained.work(bar)
    artefact = MendArtefact(
        trained.network.requires_grad_(False).eval(),
        which,
        lm.fingerprint,
        lm.name,
        {
            **asdict(own),
            "facts": len(chosen),
            "texts": len(sentences),
            "corpus": reference_text.corpus_hash([fact.prompt + fact.target for fact in chosen]),
            "seed": seed,
            "seconds": time.perf_counter() - began,
            "unedited": trained.unedited,
        },
        np.asarray(trained.curve),
    )
    place = default_path(lm) if path is None else path
    artefact.save(place)
    give_back()
    return artefact


def estimate_train_mend(
    lm: LanguageModel,
    facts: Sequence[Fact] | None = None,
    *,
    layers: Sequence[int] | None = None,
    settings: MendTraining | None = None,
    **_: object,
) -> Cost:
    """What `train_mend` with the same arguments would cost; runs nothing."""
    own, a = settings or MendTraining(), lm.architecture
    count = _FACTS if facts is None else len(facts)
    share = len(last_layers(lm) if layers is None else layers) / a.n_layers
    head = a.vocabulary * a.width / sum(p.numel() for p in lm.model.parameters())
    tokens = count * _TOKENS + own.steps * own.batch * _PASSES * (10 * share + 2 * head)
    seconds = tokens * lm.seconds_per_token
    return Cost(count * 4, seconds, 4 * count * _TOKENS * a.width + 40 * own.rank * a.mlp_width * 8)


class _Trained:
    """The network under training."""

    def __init__(self, lm: LanguageModel, corpus: Corpus, layers: Sequence[int], own: MendTraining, seed: int) -> None:
        self.lm, self.corpus, self.first, self.own = lm, corpus, layers[0], own
        self.network = MendNetwork(edited_matrices(lm.architecture, layers), own.rank, seed).to(lm.device)
        self.draw = np.random.default_rng(seed)
        order = self.draw.permutation(len(corpus.examples)).tolist()
        held = max(min(own.held_out, len(order) // 10), 1)
        self.held, self.kept = order[:held], order[held:]
        self.curve: list[tuple[float, float, float]] = []
        self.unedited = float("nan")  # loss of the held-out answers in the model as it is

    # What is computed

    def slopes(self, examples: Sequence[Example]) -> tuple[dict[str, Outer], Tensor]:
        own = [example.own for example in examples]
        texts, states = [self.corpus.texts[i] for i in own], [self.corpus.states[i] for i in own]
        return gradients(self.lm, texts, states, self.first, list(self.network.shapes))

    def losses(self, examples: Sequence[Example], draw: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Mean edit loss and mean locality loss of some facts, each under its own change."""
        corpus = self.corpus
        found, _ = self.slopes(examples)
        factors = self.network(found)
        changed = [(i, one) for i, example in enumerate(examples) for one in (example.own, _one(draw, example.others))]
        stay = [(i, _one(draw, example.near)) for i, example in enumerate(examples)]
        stay += [(i, _one(draw, corpus.sentences)) for i in range(0, len(examples), 2)]
        after = self.after([*changed, *stay], factors)
        said = torch.cat(after[: len(changed)])
        edit = answer_losses(said, [corpus.texts[one] for _, one in changed]).mean()
        with torch.no_grad():
            kept = torch.cat([corpus.last[one] for _, one in stay]).to(self.lm.device)
            before = self.lm.head(kept).float().log_softmax(-1)
        locality = (before.exp() * (before - torch.cat(after[len(changed) :]))).sum(-1).mean()
        return edit, locality

    def after(self, pairs: Sequence[tuple[int, int]], factors: Factors) -> list[Tensor]:
        """Log-probabilities (places, vocabulary) of each text, a pair of (whose change acts, number of the text). Texts
        of like length share a pass."""
        lm, corpus = self.lm, self.corpus
        made: list[Tensor] = [torch.empty(0)] * len(pairs)
        order = sorted(range(len(pairs)), key=lambda place: len(corpus.states[pairs[place][1]]))
        for start in range(0, len(order), _TOGETHER):
            some = order[start : start + _TOGETHER]
            rows = torch.tensor([pairs[place][0] for place in some], device=lm.device)
            acting = (RowChanges({path: (left[rows], right[rows]) for path, (left, right) in factors.items()}),)
            texts = [corpus.texts[pairs[place][1]] for place in some]
            last = go_on(lm, [corpus.states[pairs[place][1]] for place in some], self.first, acting)
            log_p = log_probabilities(lm, last, texts, acting)
            for place, one in zip(some, log_p.split([len(text.places) for text in texts]), strict=True):
                made[place] = one
        return made

    # What is done with it

    def work(self, bar: Bar) -> None:
        own, network = self.own, self.network
        self.scale()
        matrices = list(network.shared.parameters())
        adam = torch.optim.Adam(
            [{"params": matrices, "lr": own.learning_rate}, {"params": [network.log_alpha], "lr": own.alpha_rate}]
        )
        falling = torch.optim.lr_scheduler.LambdaLR(adam, self.rate)
        weights = [*matrices, network.log_alpha]
        best, kept = self.look(0), _copied(network)
        every = max(own.steps // _LOOKS, 1)
        for step in range(1, own.steps + 1):
            some = self.draw.choice(self.kept, min(own.batch, len(self.kept)), replace=False)
            with torch.enable_grad():
                edit, locality = self.losses([self.corpus.examples[i] for i in some], self.draw)
                # Not backward(): weights of the model that a person left trainable would collect gradients.
                slopes = torch.autograd.grad(own.edit_weight * edit + own.locality_weight * locality, weights)
            if not all(torch.isfinite(slope).all() for slope in slopes):
                raise NonFiniteError(f"the gradient is not finite after {step - 1} steps; take a smaller learning_rate")
            for weight, slope in zip(weights, slopes, strict=True):
                weight.grad = slope
            torch.nn.utils.clip_grad_norm_(weights, own.clip)
            adam.step()
            falling.step()
            told = f"MEND, edit {edit.item():.2f}, locality {locality.item():.3f}"
            bar.advance(step, own.steps, told)
            if step % every == 0 or step == own.steps:
                reached = self.look(step)
                if reached <= best:
                    best, kept = reached, _copied(network)
        network.load_state_dict(kept)

    def rate(self, step: int) -> float:
        rise = min((step + 1) / 20, 1.0)
        return rise * (0.05 + 0.95 * (1 + math.cos(math.pi * min(step / self.own.steps, 1.0))) / 2)

    def look(self, step: int) -> float:
        """Note both losses on the facts that are held out, always on the same texts; returns what is minimised."""
        draw, found = np.random.default_rng(0), []
        with torch.no_grad():
            for start in range(0, len(self.held), self.own.batch):
                some = [self.corpus.examples[i] for i in self.held[start : start + self.own.batch]]
                found.append([one.item() * len(some) for one in self.losses(some, draw)])
        edit, locality = (np.sum(found, 0) / len(self.held)).tolist()
        self.curve.append((float(step), edit, locality))
        return float(self.own.edit_weight * edit + self.own.locality_weight * locality)

    def scale(self) -> None:
        """Mean and deviation of u and delta over some facts, the model's own losses, and the first alpha."""
        network, batch = self.network, self.own.batch
        sums: dict[str, tuple[int, Tensor, Tensor]] = {}
        some = [self.corpus.examples[i] for i in self.kept[: 16 * batch]]
        parts: list[dict[str, Outer]] = []
        for start in range(0, len(some), batch):
            found, _ = self.slopes(some[start : start + batch])
            parts += [found] if start == 0 else []
            for path, outer in found.items():
                z = torch.cat([outer.inputs, outer.deltas], -1)[outer.kept].double()
                count, total, squares = sums.get(path, (0, torch.zeros(1), torch.zeros(1)))
                sums[path] = (
                    count + len(z), total.to(z) + z.sum(0), squares.to(z) + z.square().sum(0),
                )  # fmt: skip
        network.fit_scale(sums)
        with torch.no_grad():
            for number, (path, (left, right)) in enumerate(network(parts[0]).items()):
                size = float((left @ right).norm(dim=(1, 2)).mean())
                weight: Any = self.lm.architecture.named_module(path).weight
                norm = float(weight.detach().float().norm())
                network.log_alpha[number] = float(np.log(self.own.growth * norm / size)) if size > 0 else 0.0
            held = [self.corpus.examples[i] for i in self.held]
        _, losses = self.slopes(held)
        self.unedited = float(losses.mean())


def _one(draw: np.random.Generator, numbers: Sequence[int]) -> int:
    return int(numbers[int(draw.integers(len(numbers)))])


def _copied(network: MendNetwork) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
