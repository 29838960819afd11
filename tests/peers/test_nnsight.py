"""The same reads and interventions in nnsight and here give the same numbers; the code of docs/nnsight.md runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.models.architectures import Site
from tests.tiny import make_lm

nnsight: Any = pytest.importorskip("nnsight", reason="nnsight is not installed: make peers")

pytestmark = pytest.mark.peers

PROMPT = "The capital of Australia is"
PAGE = (Path(__file__).parents[2] / "docs/nnsight.md").read_text("utf-8")
WRAP, LENS, ABLATE, EACH, WEIGHTS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def wrapped(lm: Any) -> tuple[Any, torch.Tensor]:
    """The model in nnsight, which loads nothing, and the prompt's ids."""
    model = nnsight.TransformersModel(lm.model, tokenizer=lm.tokenizer, task="text-generation")
    return model, torch.as_tensor(lm.encode(PROMPT).ids)[None]


def captured(lm: Any, site: str, layer: int, ids: torch.Tensor) -> torch.Tensor:
    where = Site(site, layer)
    with torch.no_grad(), lm.run(capture=[where]) as run:
        lm.hidden(ids)
        found: torch.Tensor = run.captured[where]
        return found


@pytest.fixture(params=["tiny", pytest.param("default", marks=pytest.mark.default_model)])
def lm(request: pytest.FixtureRequest) -> Any:
    return make_lm("llama") if request.param == "tiny" else request.getfixturevalue("default_lm")


def close(found: torch.Tensor, ours: torch.Tensor) -> None:
    torch.testing.assert_close(found, ours, atol=1e-4 * max(1.0, float(ours.abs().max())), rtol=1e-4)


def test_every_site_is_the_module_that_the_page_names(lm: Any) -> None:
    model, ids = wrapped(lm)
    layer = lm.architecture.n_layers // 2
    with torch.no_grad(), model.trace(ids):
        block = model.model.layers[layer]
        heads = block.self_attn.o_proj.input.save()
        attention = block.self_attn.output[0].save()
        key = block.mlp.down_proj.input.save()
        mlp = block.mlp.output.save()
        state = block.output.save()
        logits = model.output.logits.save()
    for site, found in (
        ("head_out", heads), ("attn_out", attention), ("mlp_key", key), ("mlp_out", mlp), ("resid_post", state),
    ):  # fmt: skip
        close(found, captured(lm, site, layer, ids))
    close(logits[:, -1], lm.next_logits(ids))


def test_a_head_zeroed_there_is_an_ablation_here_and_a_cell_of_heads(lm: Any) -> None:
    model, ids = wrapped(lm)
    a = lm.architecture
    before = lm.next_logits(ids)
    found = iw.heads(lm, PROMPT, layers=[0, a.n_layers - 1])
    target = int(found.target_ids[0])
    for row, layer in enumerate(found.layers.tolist()):
        for head in (0, a.n_heads - 1):
            columns = slice(head * a.head_dim, (head + 1) * a.head_dim)
            with torch.no_grad(), model.trace(ids):
                model.model.layers[layer].self_attn.o_proj.input[..., columns] = 0
                theirs = model.output.logits[0, -1].save()
            with lm.using(iw.Ablation(layer=layer, head=head)):
                close(lm.next_logits(ids)[0], theirs)
            assert found.ablated[row, head] == pytest.approx(float(theirs.log_softmax(-1)[target]), abs=1e-3)
            assert found.answer_ids[row, head] == int(theirs.argmax())
    torch.testing.assert_close(lm.next_logits(ids), before, atol=0, rtol=0)  # nnsight leaves nothing behind


def test_an_intervention_of_ours_is_seen_in_nnsight() -> None:
    """Both act through hooks; ours act where the model is called inside a run."""
    lm = make_lm("llama")
    model, ids = wrapped(lm)
    lm.ledger.add(iw.Ablation(layer=1, head=2))
    with torch.no_grad(), lm.run(), model.trace(ids):
        theirs = model.output.logits[0, -1].save()
    close(theirs, lm.next_logits(ids)[0])


def run(*blocks: str, lm: Any) -> dict[str, Any]:
    """The page's blocks as they stand there, in one namespace, on a model that is loaded already."""
    names: dict[str, Any] = {"lm": lm}
    for number, block in enumerate(blocks):
        code = block.replace("lm = iw.load_model()\n", "")
        # nnsight reads the source of a block where it stands in a file.
        file = Path(names.setdefault("_folder", ".")) / f"block{number}.py"
        file.write_text(code, "utf-8")
        exec(compile(code, str(file), "exec"), names)
    return names


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.default_model
@pytest.mark.usefixtures("here")
def test_the_page_runs_and_says_what_we_say(default_lm: Any) -> None:
    names = run(WRAP, LENS, ABLATE, EACH, WEIGHTS, lm=default_lm)
    ours = iw.logit_lens(default_lm, PROMPT)
    lens = names["lens"]
    np.testing.assert_allclose(lens.entropy, ours.entropy, atol=2e-3)
    np.testing.assert_allclose(lens.top_probability, ours.top_probability, atol=1e-4)
    assert lens.story() == ours.story()
    close(names["logits"], names["ours"])
    heads, expected = names["heads"], iw.heads(default_lm, PROMPT, layers=[22, 23])
    assert expected.target == " Sydney"
    np.testing.assert_allclose(heads.effects, expected.effects, atol=1e-3)
    np.testing.assert_allclose(heads.patterns, expected.patterns, atol=1e-4)
    assert heads.strongest().head == expected.strongest().head == 4
    assert "activations saved elsewhere" in str(heads)
    assert default_lm.model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("code", [WRAP, LENS, ABLATE, EACH, WEIGHTS], ids=["wrap", "lens", "ablate", "each", "weights"])
def test_every_name_of_the_package_exists(code: str) -> None:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("iw", "iw.locate"):
            assert hasattr(eval(ast.unparse(node.value), {"iw": iw}), node.attr), node.attr
