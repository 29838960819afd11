"""One truth about versions: pyproject.toml, constraints.txt, environment.yml, package.json and the README agree."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from interp_widgets._version import __version__
from tools import prepare

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
CONDA = [entry for entry in ENVIRONMENT["dependencies"] if isinstance(entry, str)]
PIP = next(entry["pip"] for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict))
REQUIREMENTS = [Requirement(text) for group in (PROJECT["dependencies"], *EXTRAS.values()) for text in group]


def constraint_lines() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def pins() -> dict[str, Version]:
    return {
        canonicalize_name(name): Version(version)
        for name, _, version in (line.partition("==") for line in constraint_lines())
    }


def test_every_constraint_is_exact_and_named_once() -> None:
    for line in constraint_lines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9A-Za-z.]+", line), f"not an exact, portable pin: {line}"
    assert len(pins()) == len(constraint_lines())


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_each_requirement_is_pinned_within_its_range(requirement: Requirement) -> None:
    pin = pins().get(canonicalize_name(requirement.name))
    assert pin is not None, f"constraints.txt does not pin {requirement.name}"
    assert pin in requirement.specifier, f"{requirement.name}=={pin} is outside {requirement.specifier}"


def test_a_package_has_one_range() -> None:
    ranges: dict[str, set[str]] = {}
    for requirement in REQUIREMENTS:
        ranges.setdefault(canonicalize_name(requirement.name), set()).add(str(requirement.specifier))
    assert {name: found for name, found in ranges.items() if len(found) > 1} == {}


def test_conda_installs_the_same_set() -> None:
    assert ENVIRONMENT["name"] == PROJECT["name"]
    assert PIP == ["-c constraints.txt", "-e .[dev]"]
    others = {re.split(r"[=<>]", entry)[0] for entry in CONDA}
    assert others == {"python", "nodejs", "make", "pip"}, "a Python package from conda would not be the pinned one"


def test_python_versions_agree() -> None:
    wanted = prepare.dotted(prepare.MIN_PYTHON)
    assert PROJECT["requires-python"] == f">={wanted}"
    conda = next(entry for entry in CONDA if entry.startswith("python="))
    assert Version(conda.partition("=")[2]) in SpecifierSet(PROJECT["requires-python"])
    for file in ("README.md", "Makefile"):
        assert f"Python {wanted} or newer" in (ROOT / file).read_text("utf-8"), file


def test_node_versions_agree() -> None:
    wanted = prepare.dotted(prepare.MIN_NODE)
    engines = json.loads((ROOT / "labextension/package.json").read_text("utf-8"))["engines"]
    assert engines["node"] == f">={wanted}"
    assert f"nodejs>={wanted}" in CONDA
    for file in ("README.md", "Makefile"):
        assert f"Node.js {wanted} or newer" in (ROOT / file).read_text("utf-8"), file


def test_the_version_is_one() -> None:
    assert json.loads((ROOT / "labextension/package.json").read_text("utf-8"))["version"] == __version__
    assert json.loads((ROOT / "labextension/package-lock.json").read_text("utf-8"))["version"] == __version__
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
