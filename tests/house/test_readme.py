"""What the README and CONTRIBUTING tell a person to type exists."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

import interp_widgets as iw
from tools import run_tests

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "CONTRIBUTING.md")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Programs that come with the environment or, conda, with the reader.
PROGRAMS = {"conda", "jupyter", "make", "python", ".venv/bin/pytest"}


def blocks(language: str) -> list[str]:
    texts = [(ROOT / page).read_text("utf-8") for page in PAGES]
    return [body for text in texts for name, body in BLOCK.findall(text) if name == language]


COMMANDS = [line for body in blocks("sh") for line in body.splitlines() if line.strip()]
# Commands inside running text too: `make lab PYTHON=python3.12`
COMMANDS += [words for page in PAGES for words in re.findall(r"`(make [^`]+)`", (ROOT / page).read_text("utf-8"))]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist(command: str) -> None:
    program, *words = shlex.split(command)
    assert program in PROGRAMS
    if program == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        assert words[0] in targets
        for word in words[1:]:
            name, _, value = word.partition("=")
            assert name in {"ARGS", "PARTS", "PYTHON"}
            if name == "PARTS":
                assert set(value.split()) <= set(run_tests.PARTS)
    for word in words:
        if "/" in word or word.endswith((".py", ".yml")):
            assert (ROOT / word).exists(), f"{word} in: {command}"


@pytest.mark.parametrize("code", blocks("python"))
def test_python_names_exist(code: str) -> None:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "iw":
            assert hasattr(iw, node.attr), f"iw.{node.attr}"


@pytest.mark.parametrize("page", PAGES)
def test_links_and_paths_exist(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / target).exists(), target
    for path in re.findall(r"`((?:interp_widgets|labextension|tests|tools|notebooks|benchmarks)/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path


def test_the_markers_are_those_of_the_parts() -> None:
    config = (ROOT / "pyproject.toml").read_text("utf-8")
    for marker in ("browser", "notebooks", "wheel"):
        assert f'"{marker}: ' in config
