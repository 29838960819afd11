"""Every error that a person can meet, by name.

Each message names the argument, the value and what would work.  All derive from `InterpError` and, where Python
has a word for the case, from that built-in too, so `except ValueError` keeps working.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class InterpError(Exception):
    """Base of all errors of this package."""


class Cancelled(InterpError):
    """The work was cancelled by the person who started it (button, flag, interrupt or a refused `confirm`)."""


# Getting a model


class UnknownModelError(InterpError, ValueError):
    """No such name in the catalogue, on disk, or in the local Hub cache; the message offers the nearest names."""


class ModelUnavailableError(InterpError, RuntimeError):
    """The model is not in the cache and cannot be fetched (no network, no pip, no such version)."""


class IntegrityError(InterpError, RuntimeError):
    """A file's SHA-256 differs from the catalogue's: a cut-off or altered download. Nothing was kept."""


class DiskFullError(InterpError, OSError):
    """The disk is full; the half-written file was removed."""


class TermsNotAcceptedError(InterpError, PermissionError):
    """The model's terms must be accepted by the caller first (`accept_terms=True`)."""


class UnsafeModelError(InterpError, ValueError):
    """The model can only be loaded by unpickling or by running code that it brings along, and that is not done."""


class MissingPackageError(InterpError, ImportError):
    """An optional package is needed for this; the message says how to install it."""


class UnsupportedArchitectureError(InterpError, NotImplementedError):
    """No architecture map for this model type; the message says how to add one."""


class SelfCheckError(InterpError, RuntimeError):
    """The architecture map does not describe this model truly; results would be wrong."""


# Asking a question


class TooCostlyError(InterpError, ValueError):
    """The work would take minutes or more; the message gives the estimate, and `confirm=True` runs it all the same."""


class ArgumentError(InterpError, ValueError):
    """An argument has a value that cannot work."""


class EmptyPromptError(ArgumentError):
    """The prompt has no tokens."""


class PromptTooLongError(ArgumentError):
    """The prompt is longer than the model's context."""


class TargetError(ArgumentError):
    """The target or foil cannot follow the prompt as written; `suggestion` is what probably was meant.

    `argument` is "target" or "foil".
    """

    def __init__(self, message: str, *, argument: str = "target", suggestion: str | None = None) -> None:
        super().__init__(message)
        self.argument = argument
        self.suggestion = suggestion


class OutOfRangeError(ArgumentError, IndexError):
    """A layer, head, neuron or position that the model does not have."""


class NonFiniteError(InterpError, ArithmeticError):
    """NaN or infinity in activations, logits or gradients."""


class MemoryExhaustedError(InterpError, MemoryError):
    """Even a batch of one does not fit in memory."""


class CollapseError(InterpError, RuntimeError):
    """An edit crossed a line of the collapse alarm and was taken back; `reading` is what the alarm read."""

    def __init__(self, message: str, reading: Any = None) -> None:
        super().__init__(message)
        self.reading = reading


class ServerError(InterpError, RuntimeError):
    """A server that was asked refused, or did not answer in the attempts that it was given."""


# Saved things


class FingerprintMismatchError(InterpError, ValueError):
    """A saved intervention or result belongs to a model with other weights."""


class FileFormatError(InterpError, ValueError):
    """The file is not one that this package wrote, or of a newer version."""


def not_one_of(argument: str, value: Any, names: Iterable[str], also: str = "") -> ArgumentError:
    """The error for a name that is not known, with the nearest one that is."""
    names = list(names)
    near = difflib.get_close_matches(str(value).lower(), names, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ArgumentError(f"{argument}={value!r}: one of {', '.join(names)}{also}.{hint}")
