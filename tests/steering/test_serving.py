"""The code of docs/serving.md runs as it stands there, and its logits are those of `lm.steered`."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import torch

import interp_widgets as iw
from tests.tiny import FAMILIES, make_lm

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/serving.md").read_text("utf-8")
MAKE, HOOK, FOLD, PRESETS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
GLAD = ["I love this day", "The food was wonderful", "She smiled with joy", "What a lovely morning it is"]
SAD = ["I hate this day", "The food was terrible", "She cried with grief", "What a dreadful morning it is"]
BLOCKS = {"gpt2": "transformer.h", "gptj": "transformer.h", "gpt_neox": "gpt_neox.layers"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def prepared(lm: Any) -> tuple[Any, Any, Any]:
    """(vector, token ids, steered logits), the vector saved where the page expects it."""
    v = iw.control_vector(lm, GLAD, SAD)
    v.save("mood.safetensors")
    ids = torch.as_tensor(lm.encode("The city of Paris is").ids)[None]
    with torch.no_grad(), lm.steered(v, layers=[1, 2], strength=0.1):
        steered = lm.model(input_ids=ids, use_cache=False).logits
    return v, ids, steered


@pytest.mark.parametrize("family", FAMILIES)
def test_a_plain_hook_gives_the_same_logits(here: Path, family: str) -> None:
    lm = make_lm(family)
    _, ids, steered = prepared(lm)
    names: dict[str, Any] = {"model": lm.model, "ids": ids}
    assert "interp_widgets" not in HOOK
    with torch.no_grad():
        exec(HOOK.replace("model.model.layers", f"model.{BLOCKS.get(family, 'model.layers')}"), names)
    torch.testing.assert_close(names["logits"], steered, atol=1e-5, rtol=1e-5)
    with torch.no_grad():  # and the hooks are off again
        assert not torch.allclose(lm.model(input_ids=ids, use_cache=False).logits, steered, atol=1e-4)


@pytest.mark.parametrize("family", ["llama"])
def test_folded_into_a_bias_it_gives_the_same_logits(here: Path, family: str) -> None:
    from transformers import AutoModelForCausalLM

    lm = make_lm(family)
    _, ids, steered = prepared(lm)
    names: dict[str, Any] = {"model": lm.model, "ids": ids}
    with torch.no_grad():
        exec(HOOK, names)
    exec(FOLD, names)
    loaded = AutoModelForCausalLM.from_pretrained(here / "mood-folded").eval()
    with torch.no_grad():
        torch.testing.assert_close(loaded(input_ids=ids).logits, steered, atol=1e-5, rtol=1e-5)


@pytest.mark.default_model
def test_what_makes_the_files_and_presets_runs(here: Path, default_lm: Any) -> None:
    code = MAKE.replace("lm = iw.load_model()", "").replace(
        'pair_set("sentiment").fitting', 'pair_set("sentiment").fitting[:6]'
    )
    names: dict[str, Any] = {"lm": default_lm}
    exec(code, names)
    exec(PRESETS, names)
    assert names["arm"] in ("support-de", "support-en")
    assert names["answer"]
    assert sorted(file.name for file in here.iterdir()) == [
        "mood-0.05.gguf", "mood.gguf", "mood.safetensors", "presets.json",
    ]  # fmt: skip
    assert iw.ControlVector.from_gguf("mood.gguf", default_lm).layers == tuple(range(1, 30))
    assert iw.ControlVector.from_gguf("mood-0.05.gguf", default_lm).layers == (14,)


@pytest.mark.parametrize("code", [MAKE, HOOK, FOLD, PRESETS], ids=["make", "hook", "fold", "presets"])
def test_every_name_of_the_package_exists(code: str) -> None:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("iw", "iw.steering"):
            assert hasattr(eval(ast.unparse(node.value), {"iw": iw}), node.attr), node.attr
