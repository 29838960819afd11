"""Where prepared models and large intermediate files are kept, how much room they take, and how to empty it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from interp_widgets.errors import ArgumentError, ModelUnavailableError
from interp_widgets.storage import sweep

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENCE = 2.0  # seconds of waiting for another process before saying so


def announce(text: str) -> None:
    """Say on stderr what takes long, so that results on stdout stay clean."""
    print(text, file=sys.stderr, flush=True)


def cache_dir() -> Path:
    """The folder that this package keeps files in: INTERP_WIDGETS_CACHE, or the platform's place for caches.

    It may not exist yet.
    """
    chosen = os.environ.get("INTERP_WIDGETS_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "interp-widgets" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "interp-widgets"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "interp-widgets"


def models_dir() -> Path:
    """The folder that holds one folder for each prepared model. It may not exist yet."""
    return cache_dir() / "models"


def _size(path: Path) -> int:
    """Bytes under `path`; what disappears meanwhile counts as nothing."""
    total = 0
    for entry in (path, *path.rglob("*")):
        with contextlib.suppress(OSError):
            if entry.is_file() and not entry.is_symlink():
                total += entry.stat().st_size
    return total


def cache_size() -> int:
    """Size of everything in the cache, in bytes."""
    return _size(cache_dir())


def cached_models() -> dict[str, int]:
    """Names of the prepared models and their sizes in bytes."""
    folder = models_dir()
    if not folder.is_dir():
        return {}
    return {entry.name: _size(entry) for entry in sorted(folder.iterdir()) if entry.is_dir() and entry.name[0] != "."}


def clear_cache(name: str | None = None) -> int:
    """Remove one prepared model, or with `name=None` everything in the cache; returns the bytes freed.

    Models that are loaded in a running kernel keep working there (on Linux and macOS). Waits for a preparation that
    is under way. Raises ArgumentError for a name that is not in the cache.
    """
    names = cached_models()
    if name is not None and name not in names:
        known = ", ".join(names) or "nothing"
        raise ArgumentError(f"name={name!r} is not in the cache at {models_dir()}; it holds {known}")
    before = cache_size()
    for each in {*names, *_locked_names()} if name is None else [name]:
        with model_lock(each):
            _remove(models_dir() / each)
            _remove(verified_file(each))
            sweep(models_dir() / each, sole_writer=True)
    if name is None and cache_dir().is_dir():
        for entry in cache_dir().iterdir():
            if entry != models_dir():
                _remove(entry)
    return before - cache_size()


def _locked_names() -> set[str]:
    """Names that have a lock file. These files stay: removing one that somebody waits for would give them two locks."""
    return {file.name[1 : -len(".lock")] for file in models_dir().glob(".*.lock")}


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def verified_file(name: str) -> Path:
    """The file that notes which state of a prepared model's files was last found to have the right hashes."""
    return models_dir() / f".{name}.verified.json"


@contextlib.contextmanager
def model_lock(name: str, say: Callable[[str], None] = announce) -> Iterator[None]:
    """Hold the lock for preparing, repairing or removing one model; across processes and threads.

    A wait of more than two seconds is announced. The lock falls with its holder, also when that is killed.
    """
    from filelock import FileLock, Timeout

    try:
        models_dir().mkdir(parents=True, exist_ok=True)
        lock = FileLock(models_dir() / f".{name}.lock")
        try:
            lock.acquire(timeout=_PATIENCE)
        except Timeout:
            say(f"Another process is preparing {name}; waiting until it is ready.")
            lock.acquire()
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise ModelUnavailableError(
            f"cannot write to the cache at {cache_dir()} ({error.strerror}). "
            "Set INTERP_WIDGETS_CACHE to a folder that you may write to"
        ) from error
    try:
        yield
    finally:
        lock.release()
