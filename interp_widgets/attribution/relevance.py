"""Layer-wise relevance propagation through a transformer, in one forward and one backward pass.

    score_i = sum_d x_id * dF' / dx_id

F' computes what F computes, but its gradient follows rules under which gradient x input is relevance:

1. A norm divides by a constant: the size of the hidden state is not differentiated (identity rule).
2. An activation f multiplies by the constant f(x) / x (identity rule).
3. A product of two activations gives each factor half of the gradient (uniform rule): the two sides of a gated MLP,
   attention weights and values, queries and keys.

These are the rules of AttnLRP (Achtibat et al. 2024, section 3).  The softmax is a product with nothing, so what goes
through it is not conserved.  "relevance_conserving" takes attention weights for constants instead (Ali et al. 2022,
section 4): queries and keys get none, and relevance sums to the logit up to what biases hold; its order is worse
(benchmarks/attribution_quality.py).  The rules act as changes of one run, beside the person's own interventions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from interp_widgets.attribution.gradients import gradient_at_prompt
from interp_widgets.attribution.registry import Method, Scores, register
from interp_widgets.models.architectures import Architecture, Site
from interp_widgets.models.hooks import Action, Frame, Snapshot
from interp_widgets.models.question import Question

_TINY = 1e-6


def _through(new: Tensor, old: Tensor) -> Tensor:
    """The value of `old`, to the last bit, with the gradient of `new`."""
    return old.detach() + (new - new.detach())


def _halved(activation: Tensor, _: Tensor, frame: Frame | None) -> Tensor:
    return _through(activation / 2, activation)


def _activated(out: Tensor, given: Tensor, frame: Frame | None) -> Tensor:
    # At zero every smooth activation in use (SiLU, GELU) has the slope one half.
    ratio = torch.where(given.abs() > _TINY, out / given, torch.full_like(out, 0.5)).detach()
    return _through(given * ratio, out)


def _normalised(norm: nn.Module) -> Action:
    """A norm whose divisor is a constant; LayerNorm keeps subtracting the mean, which is linear."""
    weight, bias = getattr(norm, "weight", None), getattr(norm, "bias", None)
    centred = isinstance(norm, nn.LayerNorm)
    epsilon = float(getattr(norm, "variance_epsilon", getattr(norm, "eps", 1e-6)))
    shifted = "Gemma" in type(norm).__name__  # Gemma's RMSNorm multiplies by 1 + weight

    def action(out: Tensor, given: Tensor, frame: Frame | None) -> Tensor:
        x = given - given.mean(-1, keepdim=True) if centred else given
        scaled = x * (x.float().pow(2).mean(-1, keepdim=True) + epsilon).rsqrt().to(x.dtype).detach()
        if weight is not None:
            scaled = scaled * ((1 + weight) if shifted else weight)
        return _through(scaled if bias is None else scaled + bias, out)

    return action


def _queries_and_keys(architecture: Architecture, fused: str | None, part: float) -> Action:
    """Queries and keys get `part` of their gradient; a module that makes values too keeps all of theirs."""
    heads, size = architecture.n_heads, architecture.head_dim

    def less(activation: Tensor) -> Tensor:
        return activation.detach() if part == 0 else _through(activation * part, activation)

    def action(out: Tensor, given: Tensor, frame: Frame | None) -> Tensor:
        if fused is None:
            return less(out)
        if fused == "thirds":  # queries, keys, values one after the other
            third = out.shape[-1] // 3
            return torch.cat([less(out[..., : 2 * third]), out[..., 2 * third :]], dim=-1)
        by_head = out.view(*out.shape[:-1], heads, 3 * size)  # each head's queries, keys, values together
        return torch.cat([less(by_head[..., : 2 * size]), by_head[..., 2 * size :]], dim=-1).view_as(out)

    return action


@dataclass(frozen=True)
class RelevanceRules:
    """The rules as a change of one run: values stay as they are, gradients become relevance."""

    conserving: bool = False
    replaces: bool = False

    def acts(self, architecture: Architecture) -> Sequence[tuple[Site, Action]]:
        names = {id(module): name for name, module in architecture.model.named_modules()}
        layout = architecture.layout
        found: list[tuple[Site, Action]] = []

        def at(module: nn.Module, action: Action) -> None:
            found.append((Site("module", path=names[id(module)]), action))

        for number, layer in enumerate(architecture.layers):
            mlp = layer.get_submodule(layout.mlp)
            for module in layer.modules():
                if "Norm" in type(module).__name__:
                    at(module, _normalised(module))
            for child in mlp.children():
                if not list(child.parameters()) and not isinstance(child, nn.Dropout):
                    at(child, _activated)
            if hasattr(mlp, "gate_proj"):
                found.append((Site("mlp_key", number), _halved))
            for name in layout.queries_keys:
                at(
                    layer.get_submodule(layout.attention).get_submodule(name),
                    _queries_and_keys(architecture, layout.fused, 0.0 if self.conserving else 0.5),
                )
            if not self.conserving:
                found.append((Site("head_out", number), _halved))
        at(architecture.final_norm, _normalised(architecture.final_norm))
        return found


def _run(question: Question, conserving: bool) -> Scores:
    lm = question.lm
    with lm.run() as run:
        active = run.snapshot.changes
    with lm.run(snapshot=Snapshot([*active, RelevanceRules(conserving)], lm.architecture)):
        embeds, gradient = gradient_at_prompt(question)
    scores = (embeds.cpu().double() * gradient.cpu().double()).sum(-1).numpy()
    # Log-softmax and the tokens of a longer target are outside the rules.
    linear = question.single and question.function in ("logit", "difference")
    return Scores(scores, due=question.value if linear else None, forward_passes=question.passes_each)


def _advice(question: Question, settings: dict[str, Any]) -> list[str]:
    return [
        "Relevance through the softmax of attention is not conserved, so sizes do not add up; the order of the tokens"
        " may still be right: see its quality. method='relevance_conserving' adds up, with another order."
    ]


RELEVANCE = register(
    Method(
        name="relevance",
        label="relevance (AttnLRP)",
        settings=(),
        gradient=True,
        cost="1 forward, 1 backward",
        promises="conservation as far as attention is linear; the result says how far",
        source="Achtibat et al. 2024, section 3",
        passes=lambda units, settings: 1,
        run=lambda question, work: _run(question, conserving=False),
        advice=_advice,
    )
)
CONSERVING = register(
    Method(
        name="relevance_conserving",
        label="relevance, attention constant",
        settings=(),
        gradient=True,
        cost="1 forward, 1 backward",
        promises="conservation: relevance sums to the logit, where the model has no biases",
        source="Ali et al. 2022, section 4",
        passes=lambda units, settings: 1,
        run=lambda question, work: _run(question, conserving=True),
    )
)
