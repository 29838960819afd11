"""The house rules that a program can look at: one-way imports, short files, telling names, no leftovers, no hosts."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "interp_widgets"
LIMIT = 400
# Lower layers first. A module may import its own layer and those below; what is not named here is below all of them.
LAYERS = (
    ("models",),
    ("interventions",),
    ("attribution", "locate", "steering", "editing", "erasure", "faithfulness", "debugging"),
    ("widgets", "course"),
)
ANALYSES = set(LAYERS[2])
LAYER = {name: level for level, names in enumerate(LAYERS) for name in names}
SOURCES = (".py", ".ts", ".tsx", ".mjs", ".mts", ".css")
TEXTS = (*SOURCES, ".md", ".toml", ".yml", ".json", ".ipynb", ".txt", "")
# Namespaces, papers, and addresses that are made not to exist.
HOSTS = {
    *("www.w3.org", "json-schema.org", "arxiv.org", "doi.org", "aclanthology.org", "openreview.net", "github.com"),
    *("proceedings.mlr.press", "proceedings.neurips.cc", "transformer-circuits.pub", "example.com", "example.org"),
}
# A lab is one page, however long its story is.
PAGES = "notebooks/masters/"
BUILT_BY_TOOLS = {"labextension/package-lock.json"}


def tracked() -> Iterator[Path]:
    """Files of the tree that are committed or would be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    for name in listed.splitlines():
        if (ROOT / name).is_file() and name not in BUILT_BY_TOOLS:
            yield ROOT / name


def package_imports(file: Path) -> Iterator[str]:
    """Dotted names below `interp_widgets` that a module imports when it is itself imported."""
    todo: list[ast.AST] = [ast.parse(file.read_text("utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue  # imported when called: a lower layer may offer an upper one's work on the same object
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("interp_widgets."))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("interp_widgets"):
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names) if module == "interp_widgets" else (module,)
        todo.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("part", sorted(LAYER))
def test_imports_run_one_way(part: str) -> None:
    for file in sorted((PACKAGE / part).rglob("*.py")):
        for name in package_imports(file):
            other = name.split(".")[1]
            assert LAYER.get(other, -1) <= LAYER[part], f"{file.relative_to(ROOT)} imports {name}, which is above it"
            if part in ANALYSES and other in ANALYSES:
                assert other == part, f"{file.relative_to(ROOT)} imports another analysis: {name}"


def test_files_are_short_and_named_for_their_question() -> None:
    for file in tracked():
        name = file.relative_to(ROOT).as_posix()
        assert not re.search(r"\b(utils?|helpers?|misc|common)\b", file.stem), f"{name}: name its question"
        if file.suffix in SOURCES and not name.startswith(PAGES):
            lines = len(file.read_text("utf-8").splitlines())
            assert lines <= LIMIT, f"{name} has {lines} lines; it is asking to be two"


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
    for file in tracked():
        if file.suffix in SOURCES:
            found = marks.findall(file.read_text("utf-8"))
            assert found == [], file.relative_to(ROOT)


def test_no_file_names_a_host_but_these() -> None:
    """Nothing that we ship or run has a reason to name a registry, a hub or a content network."""
    for file in tracked():
        if file.suffix in TEXTS:
            hosts = set(re.findall(r"https?://([\w.-]+\.[a-z]{2,})", file.read_text("utf-8", errors="replace")))
            assert hosts <= HOSTS, f"{file.relative_to(ROOT)} names {sorted(hosts - HOSTS)}"


def test_the_lock_file_names_no_download_address() -> None:
    lock = (ROOT / "labextension/package-lock.json").read_text("utf-8")
    assert re.findall(r'"resolved": "https?://[^"]*"', lock)[:3] == []
