"""Gradients of MLP matrices as the outer products that they are, and passes that begin at the edited layers.

Of a matrix W that gives y_t = W u_t the gradient is a sum over tokens, dL/dW = sum_t delta_t u_t^T with delta_t =
dL/dy_t (Mitchell et al. 2022, section 3.2).  Both vectors are read where they arise: u_t goes into the module, and
delta_t is the gradient of a zero that is added to its output.  No weight takes part, none needs a gradient.

What stands before the edited layers does not change with them, so its states are recorded once, and each pass begins
there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import NonFiniteError
from interp_widgets.models.architectures import Architecture, Site, is_conv1d
from interp_widgets.models.hooks import Action, Change, Frame, LayerCall, Snapshot, set_frame
from interp_widgets.models.prompts import continuation
from interp_widgets.models.resume import call_layer
from interp_widgets.models.states import padded

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


LAYERS = 3  # the last ones, as in the paper


def last_layers(lm: LanguageModel) -> tuple[int, ...]:
    """The last three layers, or as many as there are."""
    n = lm.architecture.n_layers
    return tuple(range(max(n - LAYERS, 0), n))


def edited_matrices(architecture: Architecture, layers: Sequence[int]) -> dict[str, tuple[int, int]]:
    """The MLP's matrices of some layers: path in the model to (outputs, inputs)."""
    found: dict[str, tuple[int, int]] = {}
    paths = {id(module): path for path, module in architecture.model.named_modules()}
    for layer in layers:
        mlp = architecture.layers[architecture.check_layer(layer)].get_submodule(architecture.layout.mlp)
        for module in mlp.modules():
            weight = getattr(module, "weight", None)
            if isinstance(weight, Tensor) and weight.dim() == 2:
                rows, columns = weight.shape
                found[paths[id(module)]] = (columns, rows) if is_conv1d(module) else (rows, columns)
    return found


@dataclass(frozen=True, eq=False)
class Text:
    """ids: int64, prompt and answer without its last token; answer: int64, the answer's ids, which are read at the last
    len(answer) tokens; empty where only the next-token distribution is watched, at the tokens `watched`"""

    ids: NDArray[np.int64]
    answer: NDArray[np.int64]
    watched: tuple[int, ...] = ()

    @property
    def places(self) -> tuple[int, ...]:
        """Where logits are read."""
        return self.watched if not len(self.answer) else tuple(range(len(self.ids) - len(self.answer), len(self.ids)))


def asked(lm: LanguageModel, prompt: str, answer: str) -> Text:
    """Raises TargetError: the answer cannot follow the prompt as written; PromptTooLongError."""
    encoded = lm.encode(prompt)
    ids = continuation(lm.tokenizer, encoded, answer)
    return Text(np.concatenate([encoded.ids, ids[:-1]]), ids)


def states_before(lm: LanguageModel, texts: Sequence[Text], layer: int) -> list[Tensor]:
    """What goes into a layer, (tokens, width) for each text, under what is active in the open run; no gradient."""
    site = Site("resid_pre", layer)
    ids, lengths = padded([text.ids for text in texts])
    with torch.no_grad(), lm.run(until=layer - 1, before=[site]) as run:
        lm.hidden(ids)
        states = run.given[site]
    return [row[:length].clone() for row, length in zip(states, lengths.tolist(), strict=True)]


def go_on(lm: LanguageModel, states: Sequence[Tensor], layer: int, changes: Sequence[Change]) -> Tensor:
    """The rest of a pass: last hidden states (texts, longest, width) from what goes into a layer. Differentiable.

    changes: all that acts in these layers
    """
    a = lm.architecture
    hidden = torch.nn.utils.rnn.pad_sequence([one.to(lm.device) for one in states], batch_first=True)
    calls: list[LayerCall] = []
    with torch.no_grad(), lm.run(snapshot=Snapshot((), a), until=-1, calls=calls):
        lm.hidden(embeds=torch.zeros_like(hidden))  # no layer computes; each tells what the model passes to it
    with lm.run(snapshot=Snapshot(changes, a)):
        for number in range(layer, a.n_layers):
            set_frame(lm.board, hidden, past=0)
            hidden = call_layer(lm, number, calls[number], hidden, None)
        last: Tensor = a.final_norm(hidden)
    return last


def log_probabilities(lm: LanguageModel, last: Tensor, texts: Sequence[Text], changes: Sequence[Change]) -> Tensor:
    """(places of all texts, vocabulary), float32, in their order."""
    rows = torch.tensor([row for row, text in enumerate(texts) for _ in text.places], device=last.device)
    at = torch.tensor([place for text in texts for place in text.places], device=last.device)
    with lm.run(snapshot=Snapshot(changes, lm.architecture)):
        return lm.head(last[rows, at]).float().log_softmax(-1)


def answer_losses(log_p: Tensor, texts: Sequence[Text]) -> Tensor:
    """(texts,) the mean negative log-probability of each answer's tokens; `log_p` as from `log_probabilities`, for
    texts that all have an answer."""
    tokens = torch.tensor(np.concatenate([text.answer for text in texts]), device=log_p.device)
    said = -log_p.gather(-1, tokens[:, None])[:, 0]
    return torch.stack([part.mean() for part in said.split([len(text.answer) for text in texts])])


@dataclass(frozen=True, eq=False)
class Outer:
    """The gradient of one matrix for some texts: sum over tokens of delta u^T.

    inputs: u, float32, (texts, longest, inputs)
    deltas: float32, (texts, longest, outputs), zero where a text has ended
    kept: bool, (texts, longest): tokens with a gradient
    """

    inputs: Tensor
    deltas: Tensor
    kept: Tensor


class _Probe:
    """Adds a zero with a gradient to the output of some modules, and keeps what goes into them."""

    replaces = False

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(paths)
        self.inputs: dict[str, Tensor] = {}
        self.zeros: dict[str, Tensor] = {}

    def __str__(self) -> str:
        return "gradient probe"

    def acts(self, architecture: Architecture) -> list[tuple[Site, Action]]:
        return [(Site("module", path=path), self._at(path)) for path in self.paths]

    def _at(self, path: str) -> Action:
        def add(activation: Tensor, inputs: Tensor, frame: Frame | None) -> Tensor:
            self.inputs[path] = inputs.detach()
            self.zeros[path] = torch.zeros_like(activation).requires_grad_()
            return activation + self.zeros[path]

        return add


def gradients(
    lm: LanguageModel,
    texts: Sequence[Text],
    states: Sequence[Tensor],
    layer: int,
    paths: Sequence[str],
    changes: Sequence[Change] = (),
) -> tuple[dict[str, Outer], Tensor]:
    """Of each text's loss, the mean negative log-probability of its answer's tokens: its gradient by every matrix in
    `paths`, and the losses (texts,).

    states: what goes into `layer`, the first edited one; changes: what acts beside

    Raises NonFiniteError.
    """
    probe = _Probe(paths)
    acting = (*changes, probe)
    with torch.enable_grad():
        last = go_on(lm, [one.detach() for one in states], layer, acting)
        losses = answer_losses(log_probabilities(lm, last, texts, acting), texts)
        slopes = torch.autograd.grad(losses.sum(), [probe.zeros[path] for path in paths])
    if not (torch.isfinite(losses).all() and all(torch.isfinite(slope).all() for slope in slopes)):
        raise NonFiniteError("the gradient of an answer is not finite; an active change may be too strong")
    found = {}
    for path, slope in zip(paths, slopes, strict=True):
        deltas = slope.float()
        found[path] = Outer(probe.inputs[path].float(), deltas, (deltas != 0).any(-1))
    return found, losses.detach()


class RowChanges:
    """A change of rank `tokens` for each row of a batch: y + (x right^T) left^T. Differentiable.

    factors: path to left (rows, outputs, tokens) and right (rows, tokens, inputs)
    """

    replaces = False

    def __init__(self, factors: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        self.factors = dict(factors)

    def __str__(self) -> str:
        return "changes under training"

    def acts(self, architecture: Architecture) -> list[tuple[Site, Action]]:
        return [(Site("module", path=path), self._at(*both)) for path, both in self.factors.items()]

    def _at(self, left: Tensor, right: Tensor) -> Action:
        def add(activation: Tensor, inputs: Tensor, frame: Frame | None) -> Tensor:
            return activation + (inputs.float() @ right.mT @ left.mT).to(activation)

        return add
