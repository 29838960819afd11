"""Where the cache is, how large it is, and how it is emptied."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from interp_widgets.errors import ArgumentError
from interp_widgets.models import cache as under_test
from interp_widgets.models.cache import cache_dir, cache_size, cached_models, clear_cache, model_lock, models_dir


@pytest.fixture
def filled(cache: Path) -> Path:
    for name, size in (("one", 10), ("two", 200)):
        folder = cache / "models" / name
        folder.mkdir(parents=True)
        (folder / "weights").write_bytes(b"x" * size)
        (cache / "models" / f".{name}.verified.json").write_bytes(b"{}")
    (cache / "deltas").mkdir()
    (cache / "deltas" / "large").write_bytes(b"x" * 3000)
    return cache


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "{home}/.cache/interp-widgets"),
        ("linux", {"XDG_CACHE_HOME": "/xdg"}, "/xdg/interp-widgets"),
        ("darwin", {}, "{home}/Library/Caches/interp-widgets"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/interp-widgets/Cache"),
        ("win32", {}, "{home}/AppData/Local/interp-widgets/Cache"),
        ("linux", {"INTERP_WIDGETS_CACHE": "~/mine"}, "{home}/mine"),
        ("win32", {"INTERP_WIDGETS_CACHE": "/mine"}, "/mine"),
    ],
)
def test_place(
    platform: str, variables: dict[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("INTERP_WIDGETS_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": str(tmp_path), **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert str(cache_dir()) == expected.format(home=tmp_path)


def test_empty_cache_has_no_size(cache: Path) -> None:
    assert cache_size() == 0
    assert cached_models() == {}
    assert clear_cache() == 0
    assert not cache.exists()  # looking makes nothing


def test_sizes(filled: Path) -> None:
    assert cached_models() == {"one": 10, "two": 200}
    assert cache_size() == 3000 + 210 + 4


def test_one_model_is_removed(filled: Path) -> None:
    assert clear_cache("one") == 12
    assert cached_models() == {"two": 200}
    assert not (models_dir() / ".one.verified.json").exists()
    assert (filled / "deltas" / "large").exists()


def test_everything_is_removed(filled: Path) -> None:
    assert clear_cache() == 3214
    assert list(filled.iterdir()) == [models_dir()]
    assert {file.name for file in models_dir().iterdir()} <= {".one.lock", ".two.lock"}


def test_emptying_waits_for_a_preparation_that_is_under_way(cache: Path) -> None:
    order: list[str] = []

    def empty() -> None:
        clear_cache()
        order.append("emptied")

    with model_lock("new"):
        thread = threading.Thread(target=empty)
        thread.start()
        (models_dir() / "new").mkdir()
        order.append("prepared")
    thread.join()
    assert order == ["prepared", "emptied"]
    assert cached_models() == {}


def test_link_in_the_cache_is_removed_not_followed(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis").write_text("x" * 5)
    (filled / "link").symlink_to(tmp_path / "precious")
    assert cache_size() == 3214
    clear_cache()
    assert (tmp_path / "precious" / "thesis").exists()


@pytest.mark.parametrize("name", ["three", "../models", ""])
def test_unknown_name_is_refused(filled: Path, name: str) -> None:
    with pytest.raises(ArgumentError, match="it holds one, two"):
        clear_cache(name)
    assert cache_size() == 3214


def test_waiting_for_the_lock_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "_PATIENCE", 0.01)
    held, said = threading.Event(), threading.Event()
    order: list[str] = []

    def holder() -> None:
        with model_lock("tiny"):
            held.set()
            assert said.wait(60)
            order.append("first")

    def say(text: str) -> None:
        order.append(text)
        said.set()

    thread = threading.Thread(target=holder)
    thread.start()
    assert held.wait(60)
    with model_lock("tiny", say):
        order.append("second")
    thread.join()
    assert order == ["Another process is preparing tiny; waiting until it is ready.", "first", "second"]
