"""What is written is whole or absent; what is read is ours or refused by name."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from safetensors.numpy import save_file

from interp_widgets import storage
from interp_widgets.errors import ArgumentError, DiskFullError, FileFormatError


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_file_appears_only_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with storage.atomic_file(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_failed_write_keeps_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), storage.atomic_file(path) as temporary:
        temporary.write_text("ha")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_file_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "real" / "a.txt")
    with storage.atomic_file(link) as temporary:
        temporary.write_text("x")
    assert link.is_symlink()
    assert (tmp_path / "real" / "a.txt").read_text() == "x"


def test_new_files_have_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    with storage.atomic_file(tmp_path / "ours") as temporary:
        temporary.write_text("")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_directory_replaces_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "model"
    for text in ("one", "two"):
        with storage.atomic_directory(path) as temporary:
            (temporary / "deep").mkdir()
            (temporary / "deep" / text).write_text(text)
    assert names(path / "deep") == ["two"]
    assert names(tmp_path) == ["model"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_failed_directory_keeps_the_old_one(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").write_text("old")
    with pytest.raises(error), storage.atomic_directory(path) as temporary:
        (temporary / "new").write_text("new")
        raise error
    assert names(path) == ["old"]
    assert names(tmp_path) == ["model"]


def test_failed_rename_restores_the_old_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").write_text("old")
    real, calls = os.rename, []

    def second_fails(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) == 2:
            raise PermissionError("held open by a scanner")
        real(source, target)

    monkeypatch.setattr(os, "rename", second_fails)
    with pytest.raises(PermissionError), storage.atomic_directory(path) as temporary:
        (temporary / "new").write_text("new")
    assert names(path) == ["old"]
    assert names(tmp_path) == ["model"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_real_full_device_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(DiskFullError, match="INTERP_WIDGETS_CACHE") as caught,
        storage.atomic_file(tmp_path / "a"),
        open("/dev/full", "wb") as file,
    ):
        file.write(b"x" * 100_000)
    assert caught.value.errno == errno.ENOSPC
    assert isinstance(caught.value, OSError)
    assert names(tmp_path) == []


@pytest.mark.parametrize("number", sorted({errno.ENOSPC, errno.EDQUOT}))
def test_full_disk_said_by_a_rust_library_is_named(tmp_path: Path, number: int) -> None:
    with pytest.raises(DiskFullError), storage.atomic_directory(tmp_path / "a") as temporary:
        (temporary / "half").write_bytes(b"1")
        raise RuntimeError(f"I/O error: No space left on device (os error {number})")
    assert names(tmp_path) == []


def test_full_disk_when_flushing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError):
        storage.write_bundle(tmp_path / "a", "result", 1, {}, {"x": np.ones(3)})
    assert names(tmp_path) == []


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), storage.atomic_file(tmp_path / "a"):
        raise PermissionError(errno.EACCES, "no")


def test_leftovers_of_a_killed_process_are_swept_by_the_next_write(tmp_path: Path) -> None:
    script = (
        "import os, sys; from interp_widgets import storage\n"
        "with storage.atomic_directory(sys.argv[1]) as t, storage.atomic_file(sys.argv[1] + '.f') as f:\n"
        "    (t / 'half').write_text('x'); f.write_text('x'); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "model")], check=False)
    assert len(names(tmp_path)) == 2
    with storage.atomic_directory(tmp_path / "model") as temporary:
        (temporary / "whole").write_text("x")
    with storage.atomic_file(tmp_path / "model.f") as file:
        file.write_text("x")
    assert names(tmp_path) == ["model", "model.f"]


def test_sweep_spares_running_writers_of_others(tmp_path: Path) -> None:
    mine = tmp_path / f".a.tmp-{storage._HOST}-{os.getpid()}-00000000"
    elsewhere = tmp_path / ".a.tmp-00000000-999999-00000000"
    old = tmp_path / ".a.tmp-00000000-999999-11111111"
    unrelated = tmp_path / ".ab.tmp-00000000-999999-11111111"
    for path in (mine, elsewhere, old, unrelated):
        path.mkdir()
    long_ago = time.time() - 30 * 24 * 3600
    os.utime(old, (long_ago, long_ago))
    assert storage.sweep(tmp_path / "a") == [old]
    assert sorted(storage.sweep(tmp_path / "a", sole_writer=True)) == sorted([mine, elsewhere])
    assert names(tmp_path) == [unrelated.name]
    assert storage.sweep(tmp_path / "nowhere" / "a") == []


documents = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
numbers = hnp.arrays(
    st.sampled_from([">f4", "<f8", "f2", ">i8", "i4", "u1", "bool"]).map(np.dtype),
    shapes,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=documents, arrays=st.dictionaries(st.sampled_from(["a", "b.c", "é"]), numbers, max_size=3))
def test_bundle_returns_what_went_in(
    tmp_path: Path, document: dict[str, object], arrays: dict[str, NDArray[Any]]
) -> None:
    path = storage.write_bundle(tmp_path / "x.safetensors", "result", 1, document, arrays)
    got, back = storage.read_bundle(path, "result")
    assert got == document
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        assert back[name].shape == array.shape
        assert back[name].dtype == array.dtype.newbyteorder("=")
        np.testing.assert_array_equal(back[name], array)


def test_bundle_keeps_the_order_of_strided_arrays_and_lone_surrogates(tmp_path: Path) -> None:
    array = np.arange(12.0).reshape(3, 4).T[::-1]
    storage.write_bundle(tmp_path / "x", "result", 1, {"text": "\udcff"}, {"a": array})
    document, arrays = storage.read_bundle(tmp_path / "x", "result")
    np.testing.assert_array_equal(arrays["a"], array)
    assert document == {"text": "\udcff"}


def test_bundle_refuses_what_it_cannot_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArgumentError, match="'a' has dtype object"):
        storage.write_bundle(tmp_path / "x", "result", 1, {}, {"a": np.array([object()])})
    with pytest.raises(ArgumentError, match="JSON"):
        storage.write_bundle(tmp_path / "x", "result", 1, {"a": object()}, {})
    monkeypatch.setattr(storage, "_LARGEST_DOCUMENT", 10)
    with pytest.raises(ArgumentError, match="bytes"):
        storage.write_bundle(tmp_path / "x", "result", 1, {"a": "b" * 20}, {})
    assert names(tmp_path) == []


def test_reading_refuses_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with pytest.raises(FileNotFoundError, match="expected a saved result"):
        storage.read_bundle(path, "result")

    storage.write_bundle(path, "ledger", 3, {"a": 1}, {"x": np.ones(100)})
    with pytest.raises(FileFormatError, match="holds a saved ledger, not a saved result"):
        storage.read_bundle(path, "result")
    with pytest.raises(FileFormatError, match=r"newer Interp Widgets.*version 3.*up to 2"):
        storage.read_bundle(path, "ledger", version=2)
    whole = path.read_bytes()
    for length in (0, 4, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(FileFormatError, match=r"not a saved ledger, or it is cut off"):
            storage.read_bundle(path, "ledger", version=3)

    save_file({"x": np.ones(2)}, path)
    with pytest.raises(FileFormatError, match="not one that this package saved"):
        storage.read_bundle(path, "result")
    path.write_bytes(pickle.dumps({"x": np.ones(2)}))
    with pytest.raises(FileFormatError, match="not a saved result"):
        storage.read_bundle(path, "result")
    save_file({"x": np.ones(2)}, path, metadata={"interp_widgets": "result", "version": "1", "document": "{"})
    with pytest.raises(FileFormatError, match="damaged"):
        storage.read_bundle(path, "result")
    with pytest.raises(FileFormatError):
        storage.read_bundle(tmp_path, "result")
