"""Is the architecture map true for this model, with these library versions, on this device, in this dtype?

Five measurements on a short prompt:

1. hooks    logits with a hook on every site equal those without, bit for bit
2. cache    log-probabilities with and without a key-value cache agree
3. head     `lm.head` equals the model's own logits
4. stream   resid_post - resid_pre = attn_out + mlp_out at every layer; the output projection applied to `head_out`
            (and a post-norm, if any) is `attn_out`; the final norm of the last resid_post is the last hidden state
5. value    a small change dW of the MLP's value matrix changes `mlp_value` by dW applied to its key, and without a
            post-norm `mlp_out` by the same; with one, `mlp_out` somehow; `attn_out` of that layer not at all

The tolerance is relative to the largest number compared: float64 1e-6 (GPT-J and rotary
embeddings compute in float32 whatever the weights), float32 1e-4, float16 2e-2, bfloat16 1e-1.
A check that passed is remembered on disk, by fingerprint, library versions, device and dtype.
"""

from __future__ import annotations

import copy
import hashlib
import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from interp_widgets import storage
from interp_widgets.errors import DiskFullError, NonFiniteError, SelfCheckError
from interp_widgets.models import cache
from interp_widgets.models.architectures import Architecture, Site, is_conv1d
from interp_widgets.models.hooks import Action, Frame, Snapshot

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 1e-1}
LENGTH = 12  # tokens of the check's prompt


@dataclass(frozen=True)
class Check:
    """What the self-check measured: the largest relative difference of each part, the tolerance, and the model's
    speed (a forward pass without gradient, seconds for each token)."""

    hooks: float
    cache: float
    head: float
    stream: float
    value: float
    tolerance: float
    seconds_per_token: float

    def failures(self) -> list[str]:
        parts = {name: getattr(self, name) for name in ("hooks", "cache", "head", "stream", "value")}
        wrong = [f"{name} (off by {number:.1e})" for name, number in parts.items() if not number <= self.tolerance]
        if self.hooks != 0 and not any(text.startswith("hooks") for text in wrong):
            wrong.append(f"hooks (off by {self.hooks:.1e}; must be equal to the bit)")
        return wrong


def check_once(lm: LanguageModel) -> Check:
    """The remembered check, or a new one, which is remembered if it passes. Raises SelfCheckError."""
    path = cache.cache_dir() / "checks" / f"{_key(lm)}.json"
    try:
        return Check(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        pass  # never checked, or written by another version
    check = run_check(lm)
    wrong = check.failures()
    if wrong:
        raise SelfCheckError(
            f"the architecture map of {lm.architecture.model_type!r} is not true for {lm.name}: {'; '.join(wrong)},"
            f" tolerance {check.tolerance:.0e}. Results would be wrong, so this model is refused. Library versions"
            f" that were tested stand in constraints.txt; iw.doctor() compares them with yours."
        )
    try:
        with storage.atomic_file(path) as temporary:
            temporary.write_text(json.dumps(asdict(check)))
    except (DiskFullError, OSError):
        pass  # a read-only or full cache only means that the check runs again next time
    return check


def _key(lm: LanguageModel) -> str:
    import numpy
    import transformers

    from interp_widgets._version import __version__

    versions = (__version__, torch.__version__, transformers.__version__, numpy.__version__)
    attention = getattr(lm.model.config, "_attn_implementation", None)
    layout = repr(lm.architecture.layout)  # another map of the same model is another question
    parts = [lm.fingerprint, *versions, str(lm.device.type), str(lm.dtype), str(attention), layout]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


class _Everywhere:
    """A change that puts an equal copy in place of every activation: exercises each hook and changes nothing."""

    replaces = False

    def acts(self, architecture: Architecture) -> list[tuple[Site, Action]]:
        return [(site, _copy) for site in architecture.sites()]


def _copy(activation: Tensor, inputs: Tensor, frame: Frame | None) -> Tensor:
    return activation.clone()


class _OtherModule:
    """A change that computes a layer's `mlp_value` by a copy of the down-projection with another weight."""

    replaces = False

    def __init__(self, layer: int, module: torch.nn.Module) -> None:
        self.layer, self.module = layer, module

    def acts(self, architecture: Architecture) -> list[tuple[Site, Action]]:
        return [(Site("mlp_value", self.layer), lambda activation, inputs, frame: self.module(inputs))]


def run_check(lm: LanguageModel) -> Check:
    """Measure; remembers nothing. Raises NonFiniteError if the model's logits are not finite."""
    architecture = lm.architecture
    plain = Snapshot((), architecture)
    generator = torch.Generator().manual_seed(0)
    length = min(LENGTH, architecture.context_length)
    ids = torch.randint(architecture.vocabulary, (1, length), generator=generator).to(lm.device)
    with torch.no_grad():
        with lm.run(snapshot=plain):
            reference: Tensor = lm.model(input_ids=ids, use_cache=False).logits
            if not torch.isfinite(reference).all():
                raise NonFiniteError(f"{lm.name} gives logits that are not finite on a prompt of random tokens")
            head = _distance(lm.head(lm.hidden(ids)), reference)
            some = torch.arange(0, architecture.vocabulary, max(architecture.vocabulary // 64, 1), device=lm.device)
            head = max(head, _distance(lm.head(lm.hidden(ids), some), reference[..., some]))
            cached = _cached_logits(lm, ids)
        with lm.run(snapshot=Snapshot((_Everywhere(),), architecture)):
            hooked: Tensor = lm.model(input_ids=ids, use_cache=False).logits
        return Check(
            hooks=0.0 if torch.equal(hooked, reference) else _distance(hooked, reference),
            cache=_distance(_exact(cached).log_softmax(-1), _exact(reference).log_softmax(-1)),
            head=head,
            stream=_check_stream(lm, ids, plain),
            value=_check_value(lm, ids, plain),
            tolerance=TOLERANCE[lm.dtype],
            seconds_per_token=_speed(lm),
        )


def _speed(lm: LanguageModel) -> float:
    length = min(64, lm.architecture.context_length)
    began = time.perf_counter()
    lm.next_logits(torch.zeros(1, length, dtype=torch.long))
    return (time.perf_counter() - began) / length


def _exact(tensor: Tensor) -> Tensor:
    """On the CPU in float64, which some devices (MPS) lack."""
    return tensor.detach().cpu().double()


def _distance(a: Tensor, b: Tensor) -> float:
    """Largest difference relative to the largest number of `b`; infinity where not even the shapes agree."""
    if a.shape != b.shape:
        return float("inf")
    a, b = _exact(a), _exact(b)
    return float((a - b).abs().max() / b.abs().max().clamp_min(1e-12))


def _cached_logits(lm: LanguageModel, ids: Tensor) -> Tensor:
    from transformers import DynamicCache

    cache_ = DynamicCache(config=lm.model.config)
    half = ids.shape[1] // 2
    pieces = [ids[:, :half], *ids[:, half:].split(1, dim=1)]
    return torch.cat([lm.model(input_ids=p, past_key_values=cache_, use_cache=True).logits for p in pieces], dim=1)


def _check_stream(lm: LanguageModel, ids: Tensor, plain: Snapshot) -> float:
    architecture = lm.architecture
    kinds = ("resid_pre", "resid_post", "attn_out", "mlp_out", "head_out")
    layers = range(architecture.n_layers)
    with lm.run(snapshot=plain, capture=[Site(kind, layer) for layer in layers for kind in kinds]) as run:
        last = lm.hidden(ids)
        at = run.captured
    with lm.run(snapshot=plain):
        worst = _distance(architecture.final_norm(at[Site("resid_post", architecture.n_layers - 1)]), last)
        for layer in layers:
            before, after, attention, mlp, heads = (at[Site(kind, layer)] for kind in kinds)
            parts = _exact(before) + _exact(attention) + _exact(mlp)
            projected = architecture.project_heads(layer, heads)
            worst = max(worst, _distance(parts, after), _distance(projected, attention))
    return worst


def _check_value(lm: LanguageModel, ids: Tensor, plain: Snapshot) -> float:
    """One layer in the middle: the map of a family is the same for all its layers."""
    architecture = lm.architecture
    layer = architecture.n_layers // 2
    module = architecture.down_projection(layer)
    other = copy.deepcopy(module)
    other._forward_hooks.clear()
    other._forward_pre_hooks.clear()
    weight: Tensor = other.weight  # type: ignore[assignment]  # torch types every attribute as a union
    generator = torch.Generator().manual_seed(1)
    outputs, inputs = architecture.weight_shape(layer)
    change = torch.randn(outputs, inputs, generator=generator, dtype=torch.float64)
    change = change * float(_exact(weight).norm()) / float(change.norm())  # as large as the matrix itself
    stored = (change.T if is_conv1d(module) else change).to(weight.dtype).to(weight.device)
    weight.data = weight.data + stored
    sites = [Site(kind, layer) for kind in ("mlp_key", "mlp_value", "mlp_out", "attn_out")]
    seen = []
    for snapshot in (plain, Snapshot((_OtherModule(layer, other),), architecture)):
        with lm.run(snapshot=snapshot, capture=sites) as run:
            lm.hidden(ids)
            seen.append([_exact(run.captured[site]) for site in sites])
    (key, value, out, attention), (_, new_value, new_out, new_attention) = seen
    predicted = key @ change.T
    worst = max(_distance(new_value - value, predicted), _distance(new_attention, attention))
    if architecture.layout.mlp_norm is None:
        return max(worst, _distance(new_out - out, predicted))
    return worst if not torch.equal(new_out, out) else float("inf")
