"""How much memory there is, and what a pass of the model needs."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from interp_widgets.errors import MemoryExhaustedError

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


def available_bytes(device: torch.device) -> int:
    """Free memory of the device; 8 GiB where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 8 * 2**30


def gradient_bytes(lm: LanguageModel, tokens: int, *, checkpoint: bool) -> int:
    """What one row of `tokens` keeps for its backward pass, roughly (within a factor of 1.5 on the default model)."""
    a = lm.architecture
    item = torch.finfo(lm.dtype).bits // 8
    layer = tokens * (10 * a.width + 5 * a.mlp_width) * item
    return a.n_layers * tokens * a.width * item + layer if checkpoint else a.n_layers * layer


def forward_bytes(lm: LanguageModel, tokens: int) -> int:
    """What a pass of so many tokens needs without a way back: one layer's activations, keys and values of all layers,
    and logits for each token, as an upper bound."""
    a = lm.architecture
    item = torch.finfo(lm.dtype).bits // 8
    return tokens * item * (10 * a.width + 5 * a.mlp_width + 2 * a.n_layers * a.width + 2 * a.vocabulary)


def give_back() -> None:
    """Return freed memory to the system: glibc otherwise keeps most of what a long gradient took."""
    gc.collect()
    if sys.platform == "linux":
        # musl and others have no malloc_trim, and return memory by themselves
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def is_memory_error(error: BaseException) -> bool:
    """True for the several ways in which torch says that memory is exhausted."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    signs = ("can't allocate memory", "cannot allocate memory", "out of memory", "not enough memory")
    return isinstance(error, RuntimeError) and any(sign in text for sign in signs)


def in_batches(total: int, size: int, work: Callable[[int, int], None]) -> int:
    """Call `work(start, end)` over `total` rows, `size` at a time, halving the size when memory is exhausted.

    `work` must leave nothing behind when it fails. Returns the size that held; raises MemoryExhaustedError when a
    single row does not fit.
    """
    start = 0
    while start < total:
        end = min(start + size, total)
        try:
            work(start, end)
        except (MemoryError, RuntimeError) as error:
            if not is_memory_error(error):
                raise
            if end - start == 1:
                raise MemoryExhaustedError(
                    "memory is exhausted with a single row; shorten the prompt, close other kernels, or pass"
                    " checkpoint=True (less memory, about a third slower)"
                ) from error
            size = max((end - start) // 2, 1)
        else:
            start = end
            continue
        give_back()  # outside the handler, whose traceback keeps the failed batch alive
    return size
