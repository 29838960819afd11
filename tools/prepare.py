"""Make everything that `make lab` and `make test` need, doing again only what changed.

1. Check Python and Node.  2. `.venv` with the pinned packages.  3. The front end's packages, then its build.
4. This package, editable, with the built labextension copied in.  5. The default model, in the user's cache.
6. For tests and benchmarks: the libraries to compare with that cannot be ordinary requirements.  7. For benchmarks
alone: TransformerLens with what it imports.

A step is skipped when its stamp (a SHA-256 over all that it depends on) is the one left by its last success.  Stamps
live inside `.venv`, so that deleting that folder starts over.  Standard library only: it runs before anything exists.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
FRONT = ROOT / "labextension"
MIN_PYTHON = (3, 11)
MIN_NODE = (20, 19)
VIEWS = (
    "compare", "edit", "erasure", "faithfulness", "heads", "highlight", "lens", "matrix", "neuron", "patch", "steering",
    "trace",
)  # fmt: skip
BUILT = ("interp_widgets/labextension/package.json", *(f"interp_widgets/static/{view}.js" for view in VIEWS))
# repeng wants numpy 1, steering-vectors wants transformers 4; what is compared works with ours. nnsight wants what is
# here already, and zstandard; so does peft, and accelerate. The last line makes `transformers serve` run, which tests
# talk to; what these need is here already.
PEERS = (
    "repeng==0.4.0", "steering-vectors==0.12.2", "nnsight==0.8.1", "zstandard==0.25.0", "peft==0.21.2",
    "accelerate==1.15.0", "concept-erasure==0.2.4",
    "fastapi==0.165.0", "starlette==1.10.0", "uvicorn==0.54.0", "opentelemetry-api==1.45.2",
)  # fmt: skip
# TransformerLens with what it imports; large, so only for benchmarks.
BENCH_PEERS = (
    "transformer_lens==4.3.0", "datasets==5.2.0", "dill==0.4.1", "einops==0.8.2",
    "fancy_einsum==0.0.3", "jaxtyping==0.3.11", "multiprocess==0.70.19", "pyarrow==26.0.1", "wadler_lindig==0.1.8",
    "xxhash==4.1.0",
)  # fmt: skip
NOT_SOURCES = {"node_modules", "lib", "tsconfig.tsbuildinfo", "coverage"}


class Unprepared(Exception):
    """A step failed; the message says what to do."""


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def check_tools(need_node: bool) -> None:
    """Raise `Unprepared` unless this Python, and Node with npm, are new enough."""
    if sys.version_info < MIN_PYTHON:
        raise Unprepared(
            f"Python {dotted(MIN_PYTHON)} or newer is needed; {sys.executable} is {dotted(sys.version_info[:3])}. "
            "Name another one: make lab PYTHON=python3.12"
        )
    if not need_node:
        return
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        missing = "Node.js" if node is None else "npm"
        raise Unprepared(
            f"{missing} is not on the PATH. Node.js {dotted(MIN_NODE)} or newer is needed to build the views."
        )
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    found = tuple(int(part) for part in re.findall(r"\d+", said)[:3])
    if found < MIN_NODE:
        raise Unprepared(f"Node.js {dotted(MIN_NODE)} or newer is needed; {node} is {said}.")


def files_under(folder: Path, leave_out: Iterable[str] = ()) -> list[Path]:
    """All files below `folder`, sorted; names in `leave_out` are not entered."""
    skip = set(leave_out)
    found: list[Path] = []
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in skip]
        found += [Path(here) / name for name in names if name not in skip]
    return sorted(found)


def digest(files: Iterable[Path], *words: str) -> str:
    """SHA-256 over names and contents of `files` (missing ones count as such) and `words`."""
    sha = hashlib.sha256()
    for word in words:
        sha.update(word.encode() + b"\0")
    for file in files:
        sha.update(os.path.relpath(file, ROOT).encode() + b"\0")
        sha.update(file.read_bytes() if file.is_file() else b"\0missing")
    return sha.hexdigest()


def run(*command: object, cwd: Path = ROOT, **env: str) -> None:
    """Run a command with the environment's programs first on the PATH; raise `Unprepared` when it fails."""
    words = [str(word) for word in command]
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", "")])
    done = subprocess.run(
        words, cwd=cwd, env={**os.environ, "PATH": path, **env}, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise Unprepared(f"this failed with exit code {done.returncode} in {cwd}:\n  {' '.join(words)}")


class Step:
    """One thing to make.  `with Step(...) as due:` runs the body with `due` true when its stamp is missing or old."""

    def __init__(self, name: str, title: str, key: str, targets: Iterable[Path] = ()) -> None:
        self.title = title
        self.key = key
        self.stamp = VENV / "stamps" / name
        self.targets = list(targets)
        self.started = 0.0

    def __enter__(self) -> bool:
        stamped = self.stamp.read_text() if self.stamp.is_file() else ""
        self.due = stamped != self.key or not all(target.exists() for target in self.targets)
        if self.due:
            print(f"==> {self.title}", flush=True)
            self.started = time.monotonic()
        return self.due

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self.due:
            self.stamp.parent.mkdir(parents=True, exist_ok=True)
            self.stamp.write_text(self.key)
            print(f"    done in {time.monotonic() - self.started:.0f} s", flush=True)


def requirements() -> list[str]:
    """Runtime and development requirements, as pyproject.toml lists them."""
    import tomllib  # from Python 3.11 on, which has been checked by now

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["dev"]]


def pinned(name: str) -> str:
    """`name==version` as constraints.txt has it."""
    line = re.search(rf"^{name}==\S+", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE | re.IGNORECASE)
    if line is None:
        raise Unprepared(f"constraints.txt does not pin {name}")
    return line.group()


def python_packages() -> None:
    constraints = ROOT / "constraints.txt"
    with Step("venv", "Making .venv", dotted(sys.version_info[:2]), [PYTHON]) as due:
        if due:
            run(sys.executable, "-m", "venv", VENV)
    wanted = requirements()
    with Step("packages", "Installing the pinned Python packages", digest([constraints], *wanted)) as due:
        if due:
            pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", constraints]
            # torch first and exactly: asked for by a range, a newer build with gigabytes of GPU packages may come
            # instead of the one that lies in a local folder.
            run(*pip, pinned("torch"))
            run(*pip, *wanted)
            # nbgrader's menus are a teacher's; learners work in this environment too. TEACHING.md switches them on.
            run(PYTHON, "-m", "jupyter", "labextension", "disable", "--level=sys_prefix", "@jupyter/nbgrader")


def front_end() -> None:
    manifests = [FRONT / "package.json", FRONT / "package-lock.json"]
    with Step("npm", "Installing the front end's packages", digest(manifests), [FRONT / "node_modules"]) as due:
        if due:
            run("npm", "ci", "--no-audit", "--no-fund", cwd=FRONT)
    sources = files_under(FRONT, NOT_SOURCES)
    with Step(
        "front-end", "Building the views and the labextension", digest(sources), map(ROOT.joinpath, BUILT)
    ) as due:
        if due:
            run("npm", "run", "--silent", "build:prod", cwd=FRONT)


def package() -> None:
    copied = [ROOT / "pyproject.toml", ROOT / "interp_widgets/_version.py", FRONT / "install.json"]
    copied += files_under(ROOT / "interp_widgets" / "labextension")
    with Step("package", "Installing Interp Widgets", digest(copied)) as due:
        if due:
            run(
                *(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
                *("--no-deps", "--no-build-isolation", "--editable", ROOT),
                HATCH_JUPYTER_BUILDER_SKIP_NPM="1",  # built above; an editable install would build it again
            )


def default_model() -> None:
    sources = files_under(ROOT / "interp_widgets" / "models", {"__pycache__"})
    key = digest(sources, os.environ.get("INTERP_WIDGETS_CACHE", ""))
    with Step("model", "Preparing the default model (93 MB to fetch the first time)", key) as due:
        if due:
            run(PYTHON, "-c", "import interp_widgets as iw; print('   ', iw.load_model().name, 'is ready')")


def _without_dependencies(name: str, title: str, packages: tuple[str, ...], lack: str) -> None:
    try:
        with Step(name, title, digest([], *packages)) as due:
            if due:
                run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", *packages)
    except Unprepared as error:
        print(f"    left out: {error}\n    {lack}", flush=True)


def peers() -> None:
    _without_dependencies(
        "peers", "Installing libraries to compare with", PEERS, "The tests that compare with them are skipped."
    )


def bench_peers() -> None:
    title = "Installing TransformerLens, to measure against (60 MB to fetch)"
    _without_dependencies("bench-peers", title, BENCH_PEERS, "A plain loop stands in for it in the benchmark.")


STEPS = {
    "packages": python_packages,
    "front-end": front_end,
    "package": package,
    "model": default_model,
    "peers": peers,
    "bench-peers": bench_peers,
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make everything that `make lab` and `make test` need.")
    parser.add_argument("--until", choices=list(STEPS), default="model", help="stop after this step")
    last = list(STEPS).index(parser.parse_args(arguments).until)
    chosen = list(STEPS)[: last + 1]
    try:
        check_tools(need_node="front-end" in chosen)
        for name in chosen:
            STEPS[name]()
    except Unprepared as error:
        print(f"\nNot ready: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
