"""What `locate.saved` is given: arrays checked by name and shape, texts of tokens, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import ArgumentError, NonFiniteError
from interp_widgets.models.prompts import encode
from interp_widgets.results.provenance import Provenance, versions

Array = Any  # a numpy array, a torch tensor, or nested lists of numbers
Shape = Sequence[int | None]
NOTE = "activations saved elsewhere"


@dataclass(frozen=True, eq=False)
class Text:
    """Text, tokens, ids (-1 where there are none) and character spans of a prompt."""

    text: str
    tokens: tuple[str, ...]
    ids: NDArray[np.int64]
    spans: NDArray[np.int64]

    def fields(self) -> dict[str, Any]:
        """As results name them."""
        return {"text": self.text, "tokens": self.tokens, "token_ids": self.ids, "spans": self.spans}


def text_of_ids(tokenizer: Any, ids: Array) -> Text:
    """Raises ArgumentError where ids, or the tokenizer that spells them, are missing."""
    if tokenizer is None or ids is None:
        raise ArgumentError("tokenizer, ids: both are needed, to spell the prompt's tokens")
    flat = np.asarray(ids.detach().cpu() if isinstance(ids, Tensor) else ids)
    if flat.ndim == 2 and flat.shape[0] == 1:  # as models take them
        flat = flat[0]
    if flat.ndim != 1 or not np.issubdtype(flat.dtype, np.integer):
        raise ArgumentError(f"ids: token ids, (tokens,), are needed; given was {flat.dtype} {flat.shape}")
    found = encode(tokenizer, [int(one) for one in flat])
    return Text(found.text, found.tokens, found.ids, found.spans)


def text_of_tokens(tokens: Sequence[str], name: str = "tokens") -> Text:
    """From the texts of the tokens, spaces included."""
    pieces = tuple(tokens)
    if isinstance(tokens, str) or not pieces or not all(isinstance(piece, str) for piece in pieces):
        raise ArgumentError(f"{name}={tokens!r}: the text of each token, such as ['The', ' capital', ' of']")
    ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    spans = np.stack([np.concatenate([[0], ends[:-1]]), ends], axis=1).astype(np.int64)
    return Text("".join(pieces), pieces, np.full(len(pieces), -1, np.int64), spans)


def tensor(name: str, given: Array, shape: Shape, words: str) -> Tensor:
    """As a floating tensor of that shape, on its own device, finite. Raises ArgumentError, NonFiniteError."""
    try:
        found = given.detach() if isinstance(given, Tensor) else torch.as_tensor(np.asarray(given))
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentError(f"{name}: an array {words} is needed ({error})") from error
    _check(name, tuple(found.shape), shape, words)
    if not found.is_floating_point():
        found = found.float()
    if found.dtype == torch.float64:
        found = found.float()
    if not torch.isfinite(found).all():
        raise NonFiniteError(f"{name} holds NaN or infinity")
    return found


def array(name: str, given: Array, shape: Shape | None, words: str, *, gaps: bool = False) -> NDArray[Any]:
    """As a float64 array of that shape (None: any), finite, or with `gaps` nan in places."""
    try:
        found = np.asarray(given.detach().cpu().float() if isinstance(given, Tensor) else given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"{name}: an array {words} is needed ({error})") from error
    if shape is not None:
        _check(name, found.shape, shape, words)
    if np.isinf(found).any() or (np.isnan(found).any() and not gaps):
        raise NonFiniteError(f"{name} holds NaN or infinity")
    return found


def numbers(name: str, given: Sequence[int] | None, size: int, *, below: int | None = None) -> NDArray[np.int64]:
    """The numbers of a dimension, ascending; by default from 0."""
    if given is None:
        found = np.arange(size, dtype=np.int64)
    else:
        found = np.asarray(given)
        if found.shape != (size,) or not np.issubdtype(found.dtype, np.integer):
            raise ArgumentError(f"{name}={given!r}: {size} whole numbers are needed, as many as the array has")
    if (size and found[0] < 0) or (np.diff(found) <= 0).any() or (below is not None and size and found[-1] >= below):
        limit = "" if below is None else f", below {below}"
        raise ArgumentError(f"{name}={found.tolist()}: from 0 on and ascending{limit}")
    return found.astype(np.int64)


def provenance_of_saved(model: str, text: Text, notes: Sequence[str]) -> Provenance:
    """No fingerprint: the weights are not known, so nothing here can be asked again."""
    if not isinstance(model, str) or not model:
        raise ArgumentError(f"model={model!r}: the name of the model that the activations come from")
    known = (text.ids >= 0).all()
    return Provenance(
        model=model,
        fingerprint="",
        device="",
        dtype="",
        prompt=text.ids.tolist() if known else text.text,
        bos=0,
        interventions=(),
        versions=versions(),
        seed=0,
        batch_size=0,
        forward_passes=0,
        seconds=0.0,
        notes=(NOTE, *notes),
    )


def _check(name: str, found: tuple[int, ...], shape: Shape, words: str) -> None:
    fits = len(found) == len(shape) and all(want in (None, have) for want, have in zip(shape, found, strict=True))
    if not fits or 0 in found:
        due = ", ".join("?" if one is None else str(one) for one in shape)
        raise ArgumentError(f"{name} has shape {found}; {words} is needed, here ({due})")
