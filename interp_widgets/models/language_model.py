"""`LanguageModel`: a Hugging Face model, its tokenizer, its architecture map and its ledger of interventions."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from interp_widgets.errors import ArgumentError, OutOfRangeError
from interp_widgets.models.architectures import Architecture, Site
from interp_widgets.models.fingerprint import fingerprint
from interp_widgets.models.generation import Step, generate, stream
from interp_widgets.models.hooks import HookBoard, LayerCall, Snapshot, set_frame
from interp_widgets.models.lock import ModelLock
from interp_widgets.models.prompts import Encoded, Prompt, decode, encode
from interp_widgets.models.run import Run

if TYPE_CHECKING:
    from interp_widgets.interventions.base import Intervention
    from interp_widgets.interventions.ledger import Ledger, Scope
    from interp_widgets.interventions.steering import Condition
    from interp_widgets.steering.vector import ControlVector


class LanguageModel:
    """One model to ask and to intervene on.

    Its weights are never changed: every change is an intervention in `lm.ledger`.  Dropout is off (`eval` mode).

    Parameters
    ----------
    model: a causal language model of transformers, of a family in `models.architectures.LAYOUTS`
    tokenizer: its fast tokenizer
    name: how to call it in pictures; by default the model's own name

    Raises
    ------
    UnsupportedArchitectureError: no map for this family
    SelfCheckError: the map does not describe this model truly
    ArgumentError: the tokenizer is a slow one, which gives no offsets
    """

    def __init__(self, model: Any, tokenizer: Any, *, name: str | None = None) -> None:
        # The ledger stands above the models in the house and acts on them: the one upward reference, made late.
        from interp_widgets.interventions.ledger import Ledger
        from interp_widgets.models import live
        from interp_widgets.models.selfcheck import check_once

        if not getattr(tokenizer, "is_fast", False):
            raise ArgumentError(
                f"tokenizer={type(tokenizer).__name__} gives no character offsets; load it with use_fast=True"
            )
        self.model: Any = model.eval()
        self.tokenizer = tokenizer
        self.name = name or str(getattr(model.config, "_name_or_path", "") or model.config.model_type)
        self.architecture = Architecture(model)
        self.lock = ModelLock()
        self.board = HookBoard(self.architecture)
        # The model was given from outside and may outlive this object; its hooks must not.
        weakref.finalize(self, self.board.close).atexit = False
        self.ledger: Ledger = Ledger(self)
        self.check = check_once(self)
        self.seconds_per_token = self.check.seconds_per_token  # for estimates before a run
        live.register(self)

    def __repr__(self) -> str:
        a = self.architecture
        return (
            f"<LanguageModel {self.name}: {a.model_type}, {a.n_layers} layers, width {a.width}, "
            f"{self.dtype} on {self.device}, {len(self.ledger.active)} active interventions>"
        ).replace("torch.", "")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 that names these weights and this tokenizer; see `models.fingerprint`."""
        return fingerprint(self.model, self.tokenizer)

    @property
    def device(self) -> torch.device:
        """Where prompts go in."""
        return self.architecture.weight_of_embedding.device

    @property
    def dtype(self) -> torch.dtype:
        return self.architecture.weight_of_embedding.dtype

    # Asking

    def encode(self, prompt: Prompt) -> Encoded:
        """Tokens, character spans and chat turns of a prompt; see `models.prompts.encode`."""
        return encode(self.tokenizer, prompt, context_length=self.architecture.context_length)

    def generate(
        self,
        prompt: Prompt,
        *,
        max_new_tokens: int = 20,
        temperature: float = 0.0,
        seed: int = 0,
        cancel: threading.Event | None = None,
    ) -> str:
        """The continuation as text; greedy at temperature 0, else sampled with `seed`. Ends at the end-of-text token.

        Raises `Cancelled`, and what `encode` raises.
        """
        return generate(self, prompt, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed, cancel=cancel)

    def stream(
        self,
        prompt: Prompt,
        *,
        max_new_tokens: int = 20,
        temperature: float = 0.0,
        seed: int = 0,
        cancel: threading.Event | None = None,
        attribute: str | bool = False,
    ) -> Any:
        """Yield a `Step` (text, id, probability, entropy in nats, runner-up) for each generated token.

        With `attribute` (True, or a name from `iw.attribution_methods()`) each step has its `sources`, the iterator's
        `result()` is the matrix so far, and a notebook that shows the iterator draws it while the text is written.
        """
        if attribute is not False:
            from interp_widgets.attribution.live import LiveAttribution

            return LiveAttribution(
                self,
                prompt,
                attribute=attribute,
                max_new_tokens=max_new_tokens,
                temperature=temperature,
                seed=seed,
                cancel=cancel,
            )
        return stream(self, prompt, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed, cancel=cancel)

    def next_token(self, prompt: Prompt, k: int = 5) -> list[tuple[str, float]]:
        """The `k` most probable next tokens with their probabilities, best first."""
        if not 1 <= k <= self.architecture.vocabulary:
            raise ArgumentError(f"k={k}: between 1 and {self.architecture.vocabulary}, the size of the vocabulary")
        ids = torch.as_tensor(self.encode(prompt).ids)[None]
        probabilities = self.next_logits(ids)[0].float().softmax(-1)
        best = probabilities.topk(k)
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [(decode(self.tokenizer, [i]), p) for i, p in pairs]

    # Interventions

    def using(self, *interventions: Intervention) -> Scope:
        """`with lm.using(x, y):` has these active in this block, thread and task only, on top of the ledger."""
        return self.ledger.using(*interventions)

    def steered(
        self,
        vector: ControlVector,
        *,
        layers: Sequence[int] | int | None = None,
        strength: float | Sequence[float] | None = None,
        alpha: float | Sequence[float] | None = None,
        positions: str | Sequence[int] = "all",
        keep_norm: bool = False,
        condition: Condition | None = None,
    ) -> Scope:
        """`with lm.steered(v, layers=[12, 14], strength=0.05):` adds the vector in this block, thread and task only.

        The arguments are those of `ControlVector.steer`; `layers=None` is the vector's best one.

        Raises FingerprintMismatchError for another model's vector, and what `steer` raises.
        """
        vector.check_fits(self)
        return self.using(
            vector.steer(
                layers=layers,
                strength=strength,
                alpha=alpha,
                positions=positions,
                keep_norm=keep_norm,
                condition=condition,
            )
        )

    # Computing: everything above goes through these

    def run(
        self,
        *,
        cancel: threading.Event | None = None,
        prompt_length: int | Tensor | None = None,
        capture: Sequence[Site] = (),
        before: Sequence[Site] = (),
        checkpoint: bool = False,
        until: int | None = None,
        calls: list[LayerCall] | None = None,
        snapshot: Snapshot | None = None,
    ) -> Run:
        """Open a run: one snapshot of the active interventions, the lock, the cancel flag. See `models.run.Run`."""
        return Run(
            self,
            cancel=cancel,
            prompt_length=prompt_length,
            capture=capture,
            before=before,
            checkpoint=checkpoint,
            until=until,
            calls=calls,
            snapshot=snapshot,
        )

    def embed(self, ids: Tensor) -> Tensor:
        """The embeddings of token ids (batch, tokens), with the model's own scaling (Gemma), as `hidden` takes them:
        (batch, tokens, width). Models with learned positions (GPT-2) add those later."""
        ids = ids.to(self.device)
        with self.run():
            set_frame(self.board, ids, past=0)
            embedded: Tensor = self.architecture.embedding(ids)
            return embedded

    def hidden(self, ids: Tensor | None = None, *, embeds: Tensor | None = None, **kwargs: Any) -> Tensor:
        """The last hidden state, after the final norm, (batch, tokens, width), of token ids (batch, tokens) or of
        embeddings (batch, tokens, width). No logits are computed; ask `head` for those that are needed."""
        if (ids is None) == (embeds is None):
            raise ArgumentError("give either ids or embeds")
        kwargs.setdefault("use_cache", False)
        with self.run():
            if ids is not None:
                output = self.architecture.base(input_ids=ids.to(self.device), **kwargs)
            else:
                output = self.architecture.base(inputs_embeds=embeds, **kwargs)
            hidden: Tensor = output.last_hidden_state
            return hidden

    def head(self, hidden: Tensor, columns: Sequence[int] | Tensor | None = None) -> Tensor:
        """Logits (..., vocabulary) of last hidden states (..., width), or only those of some token ids (..., columns).

        The same as the model's own: bias, soft-cap, and interventions on the head are applied.

        Raises `OutOfRangeError` for an id outside the vocabulary.
        """
        a = self.architecture
        hidden = hidden.to(a.unembedding.weight.device)
        with self.run() as run:
            changes = run.snapshot.at((id(a.unembedding), "output"))
            if columns is None:
                logits: Tensor = a.unembedding(hidden)  # its hook applies the changes
                return a.finish_logits(logits)
            wanted = torch.as_tensor(columns, device=hidden.device, dtype=torch.long)
            if wanted.numel() and not 0 <= int(wanted.min()) <= int(wanted.max()) < a.vocabulary:
                raise OutOfRangeError(f"columns: token ids go from 0 to {a.vocabulary - 1}; got {wanted.tolist()[:8]}")
            if changes:  # exact also for changes that mix columns
                return a.finish_logits(a.unembedding(hidden))[..., wanted]
            weight, bias = a.unembedding.weight, getattr(a.unembedding, "bias", None)
            rows: Tensor = weight[wanted]
            return a.finish_logits(nn.functional.linear(hidden, rows, None if bias is None else bias[wanted]))

    def next_logits(self, ids: Tensor) -> Tensor:
        """Logits after the last token, (batch, vocabulary), of token ids (batch, tokens); no gradient."""
        with torch.no_grad(), self.run():
            return self.head(self.hidden(ids)[:, -1])

    def note_speed(self, seconds_per_token: float) -> None:
        """Let the estimate of speed follow what was measured just now."""
        self.seconds_per_token = 0.5 * self.seconds_per_token + 0.5 * seconds_per_token

    def state_hash(self) -> str:
        """A hash over every byte of every parameter and buffer: proves that nothing was changed. Slow on purpose."""
        import hashlib

        digest = hashlib.sha256()
        for name, tensor in [*self.model.named_parameters(), *self.model.named_buffers()]:
            digest.update(name.encode())
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            digest.update(np.ascontiguousarray(flat.view(torch.uint8).numpy()).tobytes())
        return digest.hexdigest()


__all__ = ["LanguageModel", "Step"]
