"""`doctor()`: is everything in place for a widget to appear and a model to run, and if not, what to do.

Jupyter has two environments that are often one, but need not be: the kernel, where this code runs, and the server,
which gives the browser the extensions that draw the widgets. Each check is a function that returns rows; none uses a
network, changes anything, or needs Jupyter to be there.
"""

from __future__ import annotations

import html
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from interp_widgets import __version__
from interp_widgets.errors import MissingPackageError
from interp_widgets.jupyter_environment import (
    extension_folders,
    find_extension,
    is_disabled,
    is_other_environment,
    server_prefix,
)
from interp_widgets.models.cache import cache_dir, cache_size, cached_models
from interp_widgets.packed import ROOT
from interp_widgets.results.static import static_text

State = Literal["ok", "warn", "fail"]

_EXTENSION, _MANAGER = "interp-labextension", "@jupyter-widgets/jupyterlab-manager"
_BUNDLES = ("highlight.js", "highlight.css")
_PACKAGE = Path(__file__).parent
# Without these nothing runs, or no widget appears.
_ENGINE = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "scipy", "scikit-learn")
_NOTEBOOK = ("anywidget", "ipywidgets", "ipykernel", "jupyterlab")
_OPTIONAL = ("gguf", "filelock", "pandas", "matplotlib", "shap", "captum", "tqdm")


@dataclass(frozen=True)
class Row:
    """One check: what was looked at, how it stands, what was found, and what to do (empty if nothing)."""

    name: str
    state: State
    found: str
    fix: str = ""


@dataclass(frozen=True)
class Report:
    """What `doctor()` found. Prints as text, shows as a table in a notebook."""

    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """True if nothing failed; warnings do not count."""
        return all(row.state != "fail" for row in self.rows)

    def __str__(self) -> str:
        width = max((len(row.name) for row in self.rows), default=0)
        lines = []
        for row in self.rows:
            lines.append(f"{row.state:<4}  {row.name:<{width}}  {row.found}")
            lines += [f"{'':<{width + 6}}  -> {line}" for line in row.fix.splitlines()]
        return "\n".join([*lines, self._summary()])

    __repr__ = __str__

    def _summary(self) -> str:
        failed = sum(row.state == "fail" for row in self.rows)
        warned = sum(row.state == "warn" for row in self.rows)
        if not failed and not warned:
            return "All is in place."
        parts = [f"{failed} to fix"] if failed else []
        parts += [f"{warned} to know about"] if warned else []
        return ", ".join(parts) + "."

    def _repr_html_(self) -> str:
        cells = "".join(
            "<tr>"
            + "".join(
                f'<td style="text-align:left;vertical-align:top;white-space:pre-wrap">{html.escape(text)}</td>'
                for text in (row.state, row.name, row.found, row.fix)
            )
            + "</tr>"
            for row in self.rows
        )
        head = "".join(
            f'<th scope="col" style="text-align:left">{title}</th>' for title in ("", "Check", "Found", "What to do")
        )
        return (
            f"<table><caption>{html.escape(self._summary())}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table>"
        )


def doctor() -> Report:
    """Check versions, server and kernel environments, extension, bundles, cache, device, memory and disk.

    Works offline and without Jupyter. A check that itself breaks becomes a row that says so.
    """
    checks: tuple[Callable[[], Iterator[Row]], ...] = (
        _python, _versions, _kernel, _widget_bundles, _jupyterlab_extension, _widget_manager, _device, _memory, _cache,
    )  # fmt: skip
    rows: list[Row] = []
    for check in checks:
        name = check.__name__.strip("_").replace("_", " ")
        try:
            rows += check()
        except Exception as error:  # a sick environment is what this is for; it must not end the report
            rows.append(Row(name, "warn", f"could not be checked: {type(error).__name__}: {error}"))
    return Report(tuple(rows))


# Versions


def _python() -> Iterator[Row]:
    yield Row("python", "ok", f"{platform.python_version()} at {sys.executable}")
    yield Row("interp-widgets", "ok", f"{__version__} at {_PACKAGE}")


def _supported() -> dict[str, Any]:
    """Package -> range of versions, from this package's own metadata; empty when run from a bare source tree."""
    try:
        from packaging.requirements import Requirement

        lines = importlib.metadata.requires("interp-widgets") or []
    except (ImportError, importlib.metadata.PackageNotFoundError):
        return {}
    requirements = (Requirement(line) for line in lines)
    return {
        each.name.lower(): each.specifier
        for each in requirements
        if each.marker is None or each.marker.evaluate({"extra": ""})
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _versions() -> Iterator[Row]:
    supported = _supported()
    for package in (*_ENGINE, *_NOTEBOOK, *_OPTIONAL):
        version, wanted = _version(package), supported.get(package, "")
        requirement = f'"{package}{wanted}"'
        if version is None:
            state: State = "fail" if package in _ENGINE else "warn"
            use = "" if package in _ENGINE else _needed_for(package)
            yield Row(package, state, f"not installed{use}", f"{sys.executable} -m pip install {requirement}")
        elif wanted and not wanted.contains(version, prereleases=True):
            fix = f"{sys.executable} -m pip install {requirement}"
            yield Row(package, "warn", f"{version}, outside the supported {wanted}", fix)
        else:
            yield Row(package, "ok", version)


def _needed_for(package: str) -> str:
    if package in _NOTEBOOK:
        return " in this kernel's environment; analyses run, widgets do not show"
    return {
        "gguf": "; needed once, to prepare the default model",
        "filelock": "; needed to prepare the default model",
    }.get(package, "; only what uses it is missing")


# Kernel and server


def _kernel() -> Iterator[Row]:
    if "ipykernel" not in sys.modules:
        yield Row("kernel", "ok", "not in a notebook kernel; results print, widgets do not show")
        return
    prefix = server_prefix()
    if prefix is None:
        found = f"runs in {sys.prefix}; which server started it cannot be seen, taken to be of the same environment"
    elif is_other_environment(prefix):
        found = f"runs in {sys.prefix}, the server in {prefix}"
    else:
        found = f"runs in {sys.prefix}, as the server does"
    yield Row("kernel", "ok", found)


def _widget_bundles() -> Iterator[Row]:
    name, fix = "widget bundles", "install the wheel, or in a source tree build them: make build"
    try:
        for bundle in _BUNDLES:
            static_text(bundle)
    except FileNotFoundError as error:
        yield Row(name, "fail", f"missing in {ROOT}: {error.filename}", fix)
    except MissingPackageError as error:
        yield Row(name, "fail", str(error), "install with another build of Python")
    else:
        yield Row(name, "ok", f"in {ROOT}")


def _install(prefix: Path | None, requirement: str) -> str:
    """The command that installs into the server's environment."""
    python = sys.executable
    if prefix is not None and is_other_environment(prefix):
        python = str(prefix / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
    return f"in the environment of the server: {python} -m pip install {requirement}\nthen restart the server"


def _jupyterlab_extension() -> Iterator[Row]:
    name, prefix = "JupyterLab extension", server_prefix()
    fix = _install(prefix, f'"interp-widgets=={__version__}"')
    folders = extension_folders(prefix)
    found = find_extension(_EXTENSION, folders)
    if found is None:
        own = find_extension(_EXTENSION, extension_folders(None))
        if own is not None:
            text = (
                f"only in the kernel's environment, {own.folder}; the server runs in {prefix} and does not look there"
            )
            yield Row(name, "fail", text, fix)
        elif prefix is None and _version("jupyterlab") is None:
            yield Row(name, "warn", "no JupyterLab here; saved highlights and the status bar need it", fix)
        else:
            yield Row(name, "fail", f"not in {folders[0]}, nor elsewhere where the server looks", fix)
    elif found.version != __version__:
        text = f"{found.version} at {found.folder}, but the kernel has interp-widgets {__version__}"
        yield Row(name, "fail", text, f"{fix}, and reload the page")
    elif not found.built:
        yield Row(name, "fail", f"{found.folder} is not a built extension", "reinstall interp-widgets from its wheel")
    elif is_disabled(_EXTENSION, prefix):
        yield Row(name, "fail", f"{found.folder} is switched off", f"jupyter labextension enable {_EXTENSION}")
    else:
        yield Row(name, "ok", f"{found.version} at {found.folder}")


def _widget_manager() -> Iterator[Row]:
    name, prefix = "ipywidgets in JupyterLab", server_prefix()
    found = find_extension(_MANAGER, extension_folders(prefix))
    if found is None:
        state: State = "warn" if prefix is None and _version("jupyterlab") is None else "fail"
        text = "its extension is missing where the server looks, so no widget can appear"
        yield Row(name, state, text, _install(prefix, "jupyterlab_widgets"))
    elif is_disabled(_MANAGER, prefix):
        yield Row(name, "fail", f"{found.folder} is switched off", f"jupyter labextension enable {_MANAGER}")
    else:
        yield Row(name, "ok", f"{found.version} at {found.folder}")


# Machine


def _device() -> Iterator[Row]:
    if importlib.util.find_spec("torch") is None:
        return
    import torch

    from interp_widgets.models.loading import pick_device

    device = pick_device()
    text = f"{device}: {torch.cuda.get_device_name(device)}" if device.type == "cuda" else str(device)
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        text += f", {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
    elif shutil.which("nvidia-smi") is not None:
        fix = (
            "if there is an NVIDIA GPU, install a torch that was built for CUDA (this one is not, or is too new for it)"
        )
        yield Row("device", "warn", f"{text}, though NVIDIA tools are installed", fix)
        text = ""
    if text:
        yield Row("device", "ok", text)
    threads, cores = torch.get_num_threads(), _cores()
    if threads > cores:
        fix = f"torch.set_num_threads({cores}): more threads than cores slow each other down"
        yield Row("torch threads", "warn", f"{threads} on {cores} cores", fix)
    else:
        yield Row("torch threads", "ok", f"{threads} on {cores} cores")


def _cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> Iterator[Row]:
    try:
        with open("/proc/meminfo") as lines:
            kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    except (OSError, ValueError, IndexError):
        return
    available = kilobytes["MemAvailable"] / 2**20
    text = f"{available:.1f} of {kilobytes['MemTotal'] / 2**20:.1f} GiB available"
    if available < 1.5:
        yield Row("memory", "warn", text, "shut down kernels that you do not need: an analysis takes up to 1.5 GiB")
    else:
        yield Row("memory", "ok", text)


def _cache() -> Iterator[Row]:
    folder = cache_dir()
    models = ", ".join(f"{name} {size / 1e6:,.0f} MB" for name, size in cached_models().items()) or "no model yet"
    text = f"{folder}: {cache_size() / 1e6:,.0f} MB ({models})"
    yield Row("cache", "ok", f"{text}; empty it with interp_widgets.clear_cache()")
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(existing, os.W_OK):
        yield Row("cache folder", "warn", f"{existing} cannot be written", "set INTERP_WIDGETS_CACHE to another folder")
    free = shutil.disk_usage(existing).free / 1e9
    if free < 1.0 and "smollm2" not in cached_models():
        fix = "free 1 GB, or set INTERP_WIDGETS_CACHE to a folder on another disk"
        yield Row("disk", "warn", f"{free:.1f} GB free at {existing}", fix)
    else:
        yield Row("disk", "ok", f"{free:.1f} GB free at {existing}")
