"""`load_model`: from a name to a `LanguageModel`.

1. The name is resolved without a network: catalogue, folder, or hub id (`names.resolve`).
2. A catalogue model is prepared in the cache if it is not there yet (`convert.prepare`).
3. transformers loads configuration, tokenizer and weights: only safetensors, and no code from the model's folder.
   On the CPU, where the stored dtype is the wanted one, the weights stay memory-mapped, so kernels share one copy.
4. Whatever the libraries raise on the way comes out as one of this package's errors, saying what to do.
"""

from __future__ import annotations

import contextlib
import os
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interp_widgets.errors import (
    ArgumentError,
    IntegrityError,
    InterpError,
    MemoryExhaustedError,
    MissingPackageError,
    ModelUnavailableError,
    TermsNotAcceptedError,
    UnknownModelError,
    UnsafeModelError,
    UnsupportedArchitectureError,
)
from interp_widgets.models.convert import prepare
from interp_widgets.models.names import Source, is_near_miss, offer, resolve

if TYPE_CHECKING:
    import torch

    from interp_widgets.models.language_model import LanguageModel

_DTYPES = {"float32": "float32", "float64": "float64", "bfloat16": "bfloat16", "float16": "float16"}
_SOON = 2 * 10**9  # bytes of weights that load before a progress bar would help


def load_model(
    name: str | os.PathLike[str] = "smollm2",
    *,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
    accept_terms: bool = False,
    device_map: str | dict[str, Any] | None = None,
    revision: str | None = None,
) -> LanguageModel:
    """Load a causal language model by name.

    Parameters
    ----------
    name: a name of the catalogue ("smollm2", "gemma3-270m"), a folder saved by transformers, or a hub id
        ("owner/name"; also "gpt2" and its sizes)
    device: "cuda", "cuda:1", "mps", "cpu"; by default the first of these that is there
    dtype: "float32" (the default, on every device), "bfloat16", "float16" or "float64"
    accept_terms: True states that you accept the terms of a catalogue model that has some; they are in the error
    device_map: spreads the model over several devices; passed on to transformers, needs accelerate
    revision: branch, tag or commit of a hub model

    Raises
    ------
    UnknownModelError: no such model; the message offers the nearest names
    ModelUnavailableError: neither cached nor reachable, or access must be granted first
    IntegrityError: a download or a file is cut off or altered
    DiskFullError: no room to prepare the model
    TermsNotAcceptedError: the model's terms, and how to accept them
    UnsafeModelError: only loadable by unpickling or running code
    UnsupportedArchitectureError, SelfCheckError: no map of this architecture, or not a true one
    ArgumentError: a device or dtype that cannot be; MissingPackageError: `device_map` without accelerate
    MemoryExhaustedError: it does not fit
    """
    wanted_dtype = _dtype(dtype)
    wanted_device = None if device_map is not None else pick_device(device)
    if device_map is not None:
        _check_device_map(device)
    source = resolve(name)
    if revision is not None and source.kind != "hub":
        raise ArgumentError(f"revision={revision!r} applies to hub ids; {os.fspath(name)!r} is from the {source.kind}")

    where, offline = source.where, True
    if source.model is not None:
        if source.model.terms is not None and not accept_terms:
            raise TermsNotAcceptedError(
                f"{source.model.terms}\n\nIf you accept them: load_model({source.model.name!r}, accept_terms=True)"
            )
        where = str(prepare(source.model))
    elif source.kind == "hub":
        offline = _hub_is_off() or not _hub_is_reachable()

    with _named_errors(source, offline, revision, str(wanted_device or device_map)):
        model, tokenizer = _read(where, offline, revision, wanted_dtype, device_map)
        if wanted_device is not None and wanted_device.type != "cpu":
            model = model.to(wanted_device)

    from interp_widgets.models.language_model import LanguageModel

    return LanguageModel(model, tokenizer, name=source.title)


# What was asked for


def pick_device(device: str | torch.device | None = None) -> torch.device:
    """The device asked for, or the best there is: CUDA, MPS, CPU. Raises ArgumentError for one that is not here."""
    import torch

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if device is None:
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    here = [*(f"cuda:{i}" for i in range(torch.cuda.device_count() if cuda else 0)), *(["mps"] if mps else []), "cpu"]
    try:
        wanted = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ArgumentError(f"device={device!r} is no device; here are {', '.join(here)}") from error
    spelled = wanted.type if wanted.index is None or wanted.type != "cuda" else str(wanted)
    if spelled not in {*here, "cuda" if cuda else "cpu"}:
        raise ArgumentError(f"device={str(device)!r} is not available here; here are {', '.join(here)}")
    return wanted


def _dtype(dtype: str | torch.dtype | None) -> torch.dtype:
    import torch

    spelled = "float32" if dtype is None else str(dtype).removeprefix("torch.")
    if spelled not in _DTYPES:
        raise ArgumentError(f"dtype={spelled!r}: must be one of {', '.join(_DTYPES)}")
    wanted: torch.dtype = getattr(torch, spelled)
    return wanted


def _check_device_map(device: str | torch.device | None) -> None:
    from transformers.utils.import_utils import is_accelerate_available

    if device is not None:
        raise ArgumentError(f"device={str(device)!r} and device_map are both given; device_map places the whole model")
    if not is_accelerate_available():
        raise MissingPackageError("device_map needs the accelerate package: pip install accelerate")


# Reading


def _read(
    where: str, offline: bool, revision: str | None, dtype: torch.dtype, device_map: str | dict[str, Any] | None
) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    common: dict[str, Any] = {"trust_remote_code": False, "local_files_only": offline}
    if revision is not None:
        common["revision"] = revision
    config = AutoConfig.from_pretrained(where, **common)
    weights = getattr(config, "transformers_weights", None)
    if weights is not None and not str(weights).endswith((".safetensors", ".safetensors.index.json")):
        raise UnsafeModelError(f"{where} names {weights} as its weights; only safetensors are loaded, never pickle")
    tokenizer = AutoTokenizer.from_pretrained(where, **common)
    read: Any = AutoModelForCausalLM.from_pretrained
    with _quiet_if_quick(where):
        model, report = read(
            where,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            device_map=device_map,
            output_loading_info=True,
            **common,
        )
    if getattr(model, "_hf_peft_config_loaded", False):
        raise UnknownModelError(f"{where} is an adapter; merge it into its base model with peft and load the result")
    missing = sorted(report["missing_keys"])
    if missing:
        raise IntegrityError(
            f"{where} lacks {len(missing)} of the weights that a {config.model_type} needs, such as {missing[0]}; "
            "transformers would fill them with random numbers. The files are incomplete, or not of a language model"
        )
    # Nobody trains it here, and without gradients of its weights an attribution keeps a third less in memory.
    return model.eval().requires_grad_(False), tokenizer


@contextlib.contextmanager
def _quiet_if_quick(where: str) -> Iterator[None]:
    """No progress bar for a folder that loads at once; a bar that jumps to its end is only noise in a notebook."""
    from transformers.utils import logging

    folder = Path(where)
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors")) if folder.is_dir() else _SOON
    if size >= _SOON or not logging.is_progress_bar_enabled():
        yield
        return
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()


# The hub


def _hub_is_off() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE) or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def _hub_is_reachable(patience: float = 3.0) -> bool:
    """Whether the hub answers at all; without this look its client retries for half a minute before it gives up."""
    from huggingface_hub import constants

    endpoint = urllib.parse.urlsplit(constants.ENDPOINT)
    host = endpoint.hostname or ""
    proxies = urllib.request.getproxies()
    if (endpoint.scheme in proxies or "all" in proxies) and not urllib.request.proxy_bypass(host):
        return True  # only the proxy can tell
    try:
        socket.create_connection((host, endpoint.port or (80 if endpoint.scheme == "http" else 443)), patience).close()
    except OSError:
        return False
    return True


# Errors


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


@contextlib.contextmanager
def _named_errors(source: Source, offline: bool, revision: str | None, place: str) -> Iterator[None]:
    try:
        yield
    except InterpError:
        raise
    except Exception as error:
        named = _named(error, source, offline, revision, place)
        if named is None:
            raise
        raise named from error


def _named(error: Exception, source: Source, offline: bool, revision: str | None, place: str) -> InterpError | None:
    """This package's word for what a library raised; None where there is none."""
    from interp_widgets.models.memory import is_memory_error

    kinds = {kind.__name__ for each in _chain(error) for kind in type(each).__mro__}
    text = " ".join(str(each) for each in _chain(error))
    where = source.where
    if is_memory_error(error):
        return MemoryExhaustedError(
            f"{where} does not fit into the memory of {place}. Close other kernels, choose a smaller model, or on a "
            'GPU load_model(..., dtype="bfloat16"), which halves it'
        )
    if "SafetensorError" in kinds:
        return IntegrityError(f"the weights of {where} are cut off or altered ({error}); fetch or save them again")
    if "trust_remote_code" in text or "custom code" in text:
        return UnsafeModelError(
            f"{where} can only be loaded by running code that it brings along, which load_model does not do. If you "
            "have read that code, load the model with transformers, and give it to LanguageModel(model, tokenizer)"
        )
    if "GatedRepoError" in kinds:
        return ModelUnavailableError(
            f"{where} is only given to people who asked for access: accept its terms on its page, then log in with "
            "`hf auth login` (or set HF_TOKEN)"
        )
    if "RevisionNotFoundError" in kinds:
        return UnknownModelError(f"{where} has no revision {revision!r}")
    if kinds & {"RepositoryNotFoundError", "HFValidationError"}:
        return UnknownModelError(f"the hub has no model {where!r}, or it is private. {offer(where)}")
    if "does not recognize this architecture" in text or "Unrecognized configuration class" in text:
        first = str(error).splitlines()[0]
        return UnsupportedArchitectureError(f"{where} is not a causal language model that transformers knows: {first}")
    if source.kind == "hub" and isinstance(error, OSError):
        if "cannot be loaded with `safetensors`" in text:
            return UnsafeModelError(
                f"{where} offers its weights only as pickle, and reading a pickle runs whatever code is in it. Look on "
                'its page for a revision with safetensors (often revision="refs/pr/1") or another copy of the model'
            )
        return _not_here(source, offline, revision, error)
    return None


def _not_here(source: Source, offline: bool, revision: str | None, error: Exception) -> InterpError:
    where = source.where if revision is None else f"{source.where} at revision {revision}"
    if not offline:
        return ModelUnavailableError(f"{where} could not be fetched: {error}")
    why = "HF_HUB_OFFLINE is set" if _hub_is_off() else "the model hub cannot be reached from here"
    meant = is_near_miss(source.where)
    if meant is not None:
        return UnknownModelError(
            f"there is no {where!r} in the local cache, but there is {meant!r}; did you mean that? (Nothing could be "
            f"fetched: {why}.)"
        )
    return ModelUnavailableError(
        f"{where} is not complete in the local cache, and {why}. On a connected machine run `hf download "
        f"{source.where}`, and copy the folder it names here (load_model takes a folder). Without a network "
        'load_model("smollm2") works once it was prepared'
    )
