"""How anything gets onto the disk: whole or not at all, and never as pickle.

1. What is written goes into a temporary neighbour of its final place (same file system, so the rename is atomic).
2. It is flushed to the disk, then renamed. A reader sees the old thing or the new thing, never half of one.
3. If anything fails on the way, an interrupt included, the temporary neighbour is removed; if the process was
   killed before it could do so, the next write to the same place removes it (`sweep`).
4. A full disk is reported as `DiskFullError`, whichever library hit it.
5. Small results and interventions are "bundles": one safetensors file, the JSON document in its metadata.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import ArgumentError, DiskFullError, FileFormatError

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"
_ABANDONED_AFTER = 7 * 24 * 3600.0  # seconds; for leftovers whose process cannot be asked
_LARGEST_DOCUMENT = 90_000_000  # bytes; safetensors refuses to read a header over 100 MB


def _is_disk_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    # Libraries written in Rust (safetensors, tokenizers) raise their own types and keep the number in the text only.
    return any(re.search(rf"\bos error {number}\b", str(error)) for number in _FULL)


@contextlib.contextmanager
def disk_full_named(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn every way in which a library says "disk full" (or "quota exceeded") into `DiskFullError`."""
    try:
        yield
    except DiskFullError:
        raise
    except Exception as error:
        if not _is_disk_full(error):
            raise
        folder = Path(path).absolute().parent
        try:
            free = f" ({shutil.disk_usage(folder).free / 1e6:,.0f} MB free)"
        except OSError:
            free = ""
        raise DiskFullError(
            errno.ENOSPC,
            f"the disk is full{free}: could not write {path}. What was half written has been removed. Free some space "
            "there, or choose another place; models can be kept elsewhere by setting INTERP_WIDGETS_CACHE",
        ) from error


def sha256_file(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# Temporary neighbours


def _neighbour(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp-{_HOST}-{os.getpid()}-{secrets.token_hex(4)}")


def _process_is_gone(pid: int) -> bool:
    if sys.platform == "win32":  # there, os.kill(pid, 0) would end the process
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def sweep(path: str | os.PathLike[str], *, sole_writer: bool = False) -> list[Path]:
    """Remove what writers of `path` left behind when they were killed; returns what was removed.

    Without a lock, only leftovers of processes of this computer that no longer run, and those over a week old, are
    certain to be abandoned. With `sole_writer=True` (the caller holds the lock that all writers take) all are.
    """
    path = Path(path)
    pattern = re.compile(re.escape(f".{path.name}.tmp-") + r"([0-9a-f]{8})-(\d+)-[0-9a-f]{8}")
    removed = []
    try:
        neighbours = list(path.absolute().parent.iterdir())
    except OSError:
        return []
    for neighbour in neighbours:
        match = pattern.fullmatch(neighbour.name)
        if match is None:
            continue
        try:
            age = time.time() - neighbour.lstat().st_mtime
        except OSError:  # its writer finished in this moment
            continue
        gone = match[1] == _HOST and _process_is_gone(int(match[2]))
        if sole_writer or gone or age > _ABANDONED_AFTER:
            _remove(neighbour)
            removed.append(neighbour)
    return removed


def _flush(path: Path) -> None:
    """Have the system write a file or folder through to the disk. Windows cannot open folders, and needs not."""
    if path.is_dir() and sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY if sys.platform != "win32" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path to write; it becomes `path` when the block ends well, and is removed when it does not.

    Missing parent folders are made; a symbolic link is written through. Raises DiskFullError.
    """
    final = Path(os.path.realpath(path))
    with disk_full_named(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        sweep(final)
        temporary = _neighbour(final)
        try:
            yield temporary
            _flush(temporary)
            os.replace(temporary, final)
            _flush(final.parent)
        finally:
            _remove(temporary)


@contextlib.contextmanager
def atomic_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder to fill; it becomes `path` when the block ends well, and is removed when it does not.

    A folder already at `path` is replaced. No system swaps two folders in one step, so whoever replaces folders that
    others read must hold a lock. Raises DiskFullError.
    """
    final = Path(os.path.realpath(path))
    with disk_full_named(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        sweep(final)
        temporary, old = _neighbour(final), _neighbour(final)
        try:
            temporary.mkdir()
            yield temporary
            for entry in sorted(temporary.rglob("*")):
                _flush(entry)
            _flush(temporary)
            if final.exists():
                os.rename(final, old)
            try:
                os.rename(temporary, final)
            except OSError:
                if old.exists():
                    os.rename(old, final)
                raise
            _flush(final.parent)
        finally:
            _remove(temporary)
            _remove(old)


@contextlib.contextmanager
def scratch_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield an empty folder beside `path`, for what is only needed on the way; it is removed in any case."""
    final = Path(os.path.realpath(path))
    with disk_full_named(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        sweep(final)
        temporary = _neighbour(final)
        try:
            temporary.mkdir()
            yield temporary
        finally:
            _remove(temporary)


# Bundles


def write_bundle(
    path: str | os.PathLike[str],
    kind: str,
    version: int,
    document: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
) -> Path:
    """Write `document` (JSON values) and `arrays` (numbers or booleans, any shape) into one safetensors file.

    `kind` says what it is ("attribution result", "ledger"): `read_bundle` refuses another. `version` counts the
    changes of that kind's layout. Returns the path. Raises ArgumentError for values that JSON or safetensors cannot
    hold, and DiskFullError.
    """
    from safetensors.numpy import save

    tensors = {}
    for name, array in arrays.items():
        array = np.asarray(array)
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise ArgumentError(f"array {name!r} has dtype {array.dtype}; a bundle holds booleans, integers and floats")
        # safetensors copies the buffer as it lies in memory, so strides and byte order must be the plain ones.
        tensors[name] = np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")
    try:
        text = json.dumps(document)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"the document of this {kind} holds something that JSON cannot: {error}") from error
    if len(text) > _LARGEST_DOCUMENT:
        raise ArgumentError(f"the document of this {kind} is {len(text):,} bytes; put large data in arrays instead")
    data = save(tensors, metadata={"interp_widgets": kind, "version": str(version), "document": text})
    with atomic_file(path) as temporary:
        temporary.write_bytes(data)
    return Path(path)


def read_bundle(
    path: str | os.PathLike[str], kind: str, *, version: int = 1
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what `write_bundle` wrote: `(document, arrays)`. `version` is the newest one that the caller understands.

    Raises FileFormatError for a file that is cut off, of another kind, newer, or not ours; FileNotFoundError.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(errno.ENOENT, f"no such file; expected a saved {kind}", str(path))
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            found = metadata.get("interp_widgets")
            if found is None:
                raise FileFormatError(f"{path} is a safetensors file, but not one that this package saved as a {kind}")
            if found != kind:
                raise FileFormatError(f"{path} holds a saved {found}, not a saved {kind}")
            if int(metadata["version"]) > version:
                raise FileFormatError(
                    f"{path} was saved by a newer Interp Widgets (its {kind} format is version {metadata['version']}, "
                    f"this one reads up to {version}). Update with: pip install --upgrade interp-widgets"
                )
            document = json.loads(metadata["document"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - safe_open is no mapping
    except (SafetensorError, OSError) as error:
        raise FileFormatError(f"{path} is not a saved {kind}, or it is cut off: {error}") from error
    except FileFormatError:
        raise
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise FileFormatError(f"{path} is damaged: its {kind} cannot be read ({error})") from error
    return document, arrays
