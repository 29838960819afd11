"""The doctor sees what is wrong with versions, both Jupyter environments, bundles, machine and cache."""

from __future__ import annotations

import html.parser
import json
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import interp_widgets as iw
from interp_widgets import checkup as under_test
from interp_widgets import jupyter_environment, packed
from interp_widgets.checkup import Report, Row
from interp_widgets.results import static

doctor = iw.doctor


def row(report: Report, name: str) -> Row:
    return next(each for each in report.rows if each.name == name)


def install(prefix: Path, name: str, **document: Any) -> Path:
    folder = prefix / "share" / "jupyter" / "labextensions" / name
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps(document))
    return folder


BUILT = {"version": iw.__version__, "jupyterlab": {"_build": {"load": "static/remoteEntry.js"}}}


@pytest.fixture(autouse=True)
def _own_jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the environments that a test makes are seen."""
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *names: [str(tmp_path / "user" / "labextensions")])
    monkeypatch.setattr("jupyter_core.paths.jupyter_config_path", lambda: [str(tmp_path / "user" / "etc")])
    monkeypatch.setenv("INTERP_WIDGETS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of the server, another one than this kernel's."""
    prefix = tmp_path / "server"
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "kernel"))
    for module in ("interp_widgets.checkup", "interp_widgets.jupyter_environment"):
        monkeypatch.setattr(f"{module}.server_prefix", lambda: prefix)
    return prefix


# The report


def test_report_prints_and_shows_the_same() -> None:
    report = Report((Row("a", "ok", "1"), Row("<b>", "fail", "x < y", "do\nthis"), Row("c", "warn", "hm")))
    assert not report.ok
    assert str(report).splitlines() == [
        "ok    a    1",
        "fail  <b>  x < y",
        "           -> do",
        "           -> this",
        "warn  c    hm",
        "1 to fix, 1 to know about.",
    ]
    assert repr(report) == str(report)
    shown = report._repr_html_()
    texts: list[str] = []

    class Reader(html.parser.HTMLParser):
        def handle_data(self, data: str) -> None:
            texts.append(data)

    Reader().feed(shown)
    assert "<b>" not in shown
    assert {"<b>", "x < y", "do\nthis", "1 to fix, 1 to know about."} <= set(texts)
    assert str(Report((Row("a", "ok", "1"),))).endswith("All is in place.")
    assert Report((Row("a", "warn", "1"),)).ok


def test_no_network_and_nothing_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("the doctor used the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    names = [each.name for each in doctor().rows]
    for name in (
        "python",
        "interp-widgets",
        "torch",
        "kernel",
        "widget bundles",
        "JupyterLab extension",
        "cache",
        "disk",
    ):
        assert name in names
    assert list(tmp_path.iterdir()) == []


def test_check_that_breaks_becomes_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise OSError("sick")

    monkeypatch.setattr(under_test, "cached_models", broken)
    found = row(doctor(), "cache")
    assert (found.state, found.found) == ("warn", "could not be checked: OSError: sick")


# Versions


def test_versions_outside_the_range_and_missing_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["torch>=2.6,<3", "transformers>=99", "gguf>=0.17", 'nbgrader>=9; extra == "teach"']
    monkeypatch.setattr("importlib.metadata.requires", lambda name: lines)
    versions = {"torch": "2.13.0+cpu", "transformers": "5.0.0"}
    monkeypatch.setattr(under_test, "_version", versions.get)
    rows = {each.name: each for each in under_test._versions()}
    assert rows["torch"].state == "ok"
    assert (rows["transformers"].state, rows["transformers"].found) == ("warn", "5.0.0, outside the supported >=99")
    assert rows["transformers"].fix.endswith('-m pip install "transformers>=99"')
    assert rows["numpy"].state == "fail"
    assert (rows["gguf"].state, rows["anywidget"].state) == ("warn", "warn")
    assert "nbgrader" not in rows


_WITHOUT_JUPYTER = """
import importlib.metadata, sys
gone = {"jupyterlab", "jupyter_core", "jupyter_client", "ipywidgets", "anywidget", "ipykernel", "psutil", "IPython"}

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in gone:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Gone())
import importlib.util
real_spec, real_version = importlib.util.find_spec, importlib.metadata.version
importlib.util.find_spec = lambda name, package=None: None if name.split(".")[0] in gone else real_spec(name, package)

def version(name):
    if name.replace("-", "_") in gone:
        raise importlib.metadata.PackageNotFoundError(name)
    return real_version(name)

importlib.metadata.version = version
import shutil
shutil.which = lambda name: None
sys.prefix = sys.argv[1]
from interp_widgets.checkup import doctor
print(doctor())
"""


def test_without_jupyter(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_JUPYTER, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "could not be checked" not in done.stdout
    assert "warn  JupyterLab extension      no JupyterLab here" in done.stdout
    assert "not installed in this kernel's environment; analyses run, widgets do not show" in done.stdout


# Kernel and server


def test_extension_where_the_server_looks(server: Path) -> None:
    folder = install(server, "interp-labextension", **BUILT)
    found = row(doctor(), "JupyterLab extension")
    assert (found.state, found.found) == ("ok", f"{iw.__version__} at {folder}")


def test_extension_only_where_the_kernel_is(server: Path, tmp_path: Path) -> None:
    install(tmp_path / "kernel", "interp-labextension", **BUILT)
    found = row(doctor(), "JupyterLab extension")
    assert found.state == "fail"
    assert f"only in the kernel's environment, {tmp_path / 'kernel'}" in found.found
    assert f"the server runs in {server}" in found.found
    assert str(server / "bin" / "python") in found.fix or sys.platform == "win32"


def test_extension_missing_old_unbuilt_or_switched_off(server: Path, tmp_path: Path) -> None:
    def look() -> tuple[str, str]:
        found = row(doctor(), "JupyterLab extension")
        return found.state, found.found

    assert look() == ("fail", f"not in {server / 'share/jupyter/labextensions'}, nor elsewhere where the server looks")
    folder = install(server, "interp-labextension", **{**BUILT, "version": "0.0.1"})
    assert look() == ("fail", f"0.0.1 at {folder}, but the kernel has interp-widgets {iw.__version__}")
    (folder / "package.json").write_text(json.dumps({**BUILT, "jupyterlab": {}}))
    assert look() == ("fail", f"{folder} is not a built extension")
    (folder / "package.json").write_text(json.dumps(BUILT))
    for place in (server / "etc" / "jupyter", tmp_path / "user" / "etc"):
        page = place / "labconfig" / "page_config.json"
        page.parent.mkdir(parents=True)
        page.write_text(json.dumps({"disabledExtensions": {"interp-labextension": True}}))
        assert look() == ("fail", f"{folder} is switched off")
        page.write_text(json.dumps({"disabledExtensions": {"interp-labextension": False}}))
    assert look()[0] == "ok"


def test_widget_manager(server: Path) -> None:
    missing = row(doctor(), "ipywidgets in JupyterLab")
    assert missing.state == "fail"
    assert "pip install jupyterlab_widgets" in missing.fix
    folder = install(server, "@jupyter-widgets/jupyterlab-manager", version="5.0.0")
    found = row(doctor(), "ipywidgets in JupyterLab")
    assert (found.state, found.found) == ("ok", f"5.0.0 at {folder}")


@pytest.mark.parametrize(
    ("command", "prefix"),
    [
        (["/env/bin/python3.12", "/env/bin/jupyter-lab", "--no-browser"], "/env"),
        (["/usr/bin/env", "/env/bin/jupyter-labhub"], "/env"),
        (["/env/bin/jupyter-lab"], "/env"),
        (["/bin/bash", "-l"], None),
        (["python", "-m", "jupyterlab"], None),
        ([], None),
    ],
)
def test_server_is_read_off_its_command(
    command: list[str], prefix: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace())
    monkeypatch.setattr(jupyter_environment, "_command_of_parent", lambda: command)
    assert jupyter_environment.server_prefix() == (None if prefix is None else Path(prefix))


def test_command_of_the_process_that_started_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("JPY_PARENT_PID", str(os.getpid()))
    assert (
        jupyter_environment._command_of_parent()[0] == Path(f"/proc/{os.getpid()}/cmdline").read_text().split("\0")[0]
    )
    monkeypatch.setenv("JPY_PARENT_PID", "nonsense")
    assert jupyter_environment._command_of_parent() == []


def test_kernel_row(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace())
    assert row(doctor(), "kernel").found == f"runs in {sys.prefix}, the server in {server}"


def test_missing_bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "ROOT", tmp_path)
    static.static_text.cache_clear()
    found = row(doctor(), "widget bundles")
    assert found.state == "fail"
    assert "highlight.js" in found.found
    assert "make build" in found.fix


# Machine


def test_too_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: 64)
    monkeypatch.setattr(under_test, "_cores", lambda: 2)
    found = row(doctor(), "torch threads")
    assert (found.state, found.found) == ("warn", "64 on 2 cores")
    assert "torch.set_num_threads(2)" in found.fix


def test_full_disk_and_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cache" / "models" / "tiny"
    folder.mkdir(parents=True)
    (folder / "weights").write_bytes(b"x" * 2_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10**8))
    report = doctor()
    found = row(report, "cache")
    assert f"{tmp_path / 'cache'}: 2 MB (tiny 2 MB)" in found.found
    assert "interp_widgets.clear_cache()" in found.found
    assert row(report, "disk").state == "warn"
