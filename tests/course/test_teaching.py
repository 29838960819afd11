"""What TEACHING.md tells a teacher to type exists; the rehearsal runs the commands that grade."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from nbgrader.apps import NbGraderApp

import interp_widgets as iw
from interp_widgets.course.checking import find
from tests.course.rehearsal import Stage

FOLDER = Path(__file__).parents[2] / "notebooks"
TEXT = (FOLDER / "TEACHING.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SHELL = "\n".join(body for language, body in BLOCKS if language == "sh")


@pytest.mark.parametrize("command", sorted(set(re.findall(r"\bnbgrader ([a-z_]+)", SHELL))))
def test_nbgrader_has_the_command(command: str) -> None:
    assert command in NbGraderApp.subcommands


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\b(lab\d\d-[qw]\d+)\b", TEXT))))
def test_exercises_that_are_named_exist(name: str) -> None:
    assert find(name).id == name


def test_python_names_exist() -> None:
    for code in (body for language, body in BLOCKS if language == "python"):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "iw.course":
                assert hasattr(iw.course, node.attr), ast.unparse(node)


def test_make_and_tools_exist() -> None:
    targets = re.findall(r"^([a-z]+):", (FOLDER.parent / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(re.findall(r"^make (\w+)", SHELL, re.MULTILINE)) <= set(targets)
    for path in re.findall(r"^python ([\w/]+\.py)", SHELL, re.MULTILINE):
        assert (FOLDER.parent / path).is_file(), path
    assert "python -m tests.course.rehearsal" in SHELL
    assert Stage.__module__ == "tests.course.rehearsal"


def test_each_step_of_a_lab_is_told_and_rehearsed() -> None:
    rehearsed = Path(Stage.nbgrader.__code__.co_filename).read_text("utf-8")
    for step in ("generate_assignment", "zip_collect", "autograde", "generate_feedback", "export"):
        assert f"nbgrader {step}" in SHELL
        assert f'"{step}"' in rehearsed
