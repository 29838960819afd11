"""`import interp_widgets`: quick, without torch; every name loads; the analyses need no notebook, plot or peer."""

from __future__ import annotations

import importlib.metadata as metadata
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import interp_widgets as iw

ROOT = Path(__file__).parent.parent
# What a GPU server without Jupyter has (DESIGN: "Dependencies"), with whatever these need themselves.
ENGINE = (
    "torch", "transformers", "tokenizers", "safetensors", "numpy", "scipy", "scikit-learn", "filelock", "gguf",
)  # fmt: skip


def run(code: str, *arguments: str) -> Any:
    """Run code in a fresh Python; what it prints last is JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_import_loads_nothing_heavy(record_property: Any) -> None:
    seen = run(
        "import sys, time, json; before = set(sys.modules); began = time.perf_counter()\n"
        "import interp_widgets\n"
        "names = dir(interp_widgets)\n"
        "print(json.dumps([time.perf_counter() - began, sorted(set(sys.modules) - before), names]))"
    )
    seconds, modules, names = seen
    record_property("seconds to import", seconds)
    print(f"import interp_widgets: {1000 * seconds:.0f} ms, {len(modules)} modules")
    allowed = set(sys.stdlib_module_names) | {"interp_widgets"}
    assert {name.partition(".")[0] for name in modules} <= allowed
    assert "attribute" in names
    assert "load_model" in names


def test_the_names_that_are_promised_are_there() -> None:
    promised = {
        "load_model", "LanguageModel", "attribute", "attribution_methods", "estimate", "doctor", "AttributionResult",
        "AddedVector", "Ablation", "LowRank", "load_result", "clear_cache", "__version__", "control_vector",
        "ContrastPairs", "ControlVector",
    }  # fmt: skip
    assert promised <= set(dir(iw))
    assert dir(iw) == sorted(dir(iw))
    assert set(iw.__all__) <= set(dir(iw))


@pytest.mark.parametrize("name", iw.__all__)
def test_every_name_loads(name: str) -> None:
    assert getattr(iw, name) is not None
    assert getattr(iw, name) is getattr(iw, name)


@pytest.mark.parametrize(
    "room", ["attribution", "course", "errors", "interventions", "models", "results", "steering", "widgets"]
)
def test_every_room_opens(room: str) -> None:
    assert getattr(iw, room).__name__ == f"interp_widgets.{room}"


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'atribute'.*attribute, attribution"):
        _ = iw.atribute
    with pytest.raises(ImportError, match="no_such_name"):
        exec("from interp_widgets import no_such_name")


def _needed(names: tuple[str, ...]) -> set[str]:
    """The distributions of these names and all that they require, without extras."""
    needed: set[str] = set()
    open_ = list(names)
    while open_:
        name = re.sub(r"[-_.]+", "-", open_.pop()).lower()
        if name in needed:
            continue
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # for another platform
        needed.add(name)
        open_ += [re.split(r"[ ;<>=!~\[(]", text)[0] for text in requires if "extra ==" not in text]
    return needed


ANALYSIS = """
import importlib.machinery, json, sys

blocked = set(json.loads(sys.argv[1]))


class OnlyTheEngine(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            return None  # as if it were not installed
        return super().find_spec(name, path, target)


sys.meta_path = [OnlyTheEngine if f is importlib.machinery.PathFinder else f for f in sys.meta_path]
for name in ("captum", "matplotlib", "pandas", "anywidget", "IPython"):
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f"{name} was not blocked")

import numpy as np
import interp_widgets as iw
from tests.tiny import make_lm

lm = make_lm("llama")
lm.ledger.add(iw.AddedVector(np.ones(32), layer=1, strength=0.1))
with lm.using(iw.Ablation(layer=0, head=1)):
    result = iw.attribute(lm, "The capital of Australia is", " Canberra", " Sydney", baseline="eos")
cost = iw.estimate(iw.attribute, lm, "The capital of Australia is")
text = lm.generate("The capital", max_new_tokens=3)
names = [method["name"] for method in iw.attribution_methods()]
print(json.dumps([result.scores.tolist(), result.verdict.word, str(cost), text, names, sorted(sys.modules)]))
"""


def test_the_analyses_run_with_the_engine_alone() -> None:
    """A GPU server without Jupyter: no widgets, plots, tables or peers are installed."""
    needed = _needed(ENGINE)
    assert {"torch", "numpy", "tqdm"} <= needed  # tqdm comes with transformers
    owners = metadata.packages_distributions()
    blocked = sorted(
        module
        for module, distributions in owners.items()
        # textstat's wheel brings its own tests along as a module of that name; the analysis below needs ours.
        if module not in ("interp_widgets", "tests")
        and not {re.sub(r"[-_.]+", "-", d).lower() for d in distributions} & needed
    )
    assert {"captum", "shap", "matplotlib", "pandas", "ipywidgets", "anywidget", "jupyterlab", "IPython"} <= set(
        blocked
    )
    assert not {"torch", "tqdm", "sklearn"} & set(blocked)
    scores, word, cost, text, names, modules = run(ANALYSIS, json.dumps(blocked))
    assert len(scores) > 1
    assert len(scores) > 1
    assert all(isinstance(score, float) for score in scores)
    assert word in ("trust", "caution", "do not trust")
    assert "forward passes" in cost
    assert isinstance(text, str)
    assert names
    assert not {name.partition(".")[0] for name in modules} & set(blocked)
