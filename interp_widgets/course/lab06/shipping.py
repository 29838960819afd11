"""What is kept of an edit: a suite that watches over it, and an adapter that other programs load."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from interp_widgets.course.lab06.results import WEIGHT, Wanted, memit_form
from interp_widgets.editing.edit import Edit
from interp_widgets.editing.evaluating.suite import EditSuite
from interp_widgets.editing.fact import Fact
from interp_widgets.interventions.base import Intervention
from interp_widgets.interventions.dense_delta import DenseDelta
from interp_widgets.interventions.export_lora import export_lora
from interp_widgets.interventions.low_rank import LowRank

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


def suite_of(lm: LanguageModel, chosen: Sequence[Fact], parts: Sequence[Intervention]) -> EditSuite:
    """Of what these changes reach at the facts, saved and read again."""
    made = Edit(parts, facts=chosen, method="memit", fingerprint=lm.fingerprint)
    with tempfile.TemporaryDirectory() as folder:
        path = EditSuite.from_edit(lm, made, preservation=0).save(Path(folder) / "suite.json")
        return EditSuite.load(path)


def shipped(lm: LanguageModel, wanted: Wanted) -> str:
    """The facts' edit as an adapter: what is in the file, and whether what it adds is the edit."""
    from safetensors.torch import load_file

    rank = len(wanted.facts)
    parts = []
    for layer, change in wanted.changes(memit_form(WEIGHT)).items():
        left, sizes, right = torch.linalg.svd(change, full_matrices=False)
        parts.append(LowRank(left[:, :rank] * sizes[:rank], right[:rank], layer=layer))
    with tempfile.TemporaryDirectory() as folder:
        path = export_lora(parts, Path(folder) / "adapter", lm=lm)
        tensors = load_file(path / "adapter_model.safetensors")
        config = json.loads((path / "adapter_config.json").read_text("utf-8"))
        size = sum(file.stat().st_size for file in path.iterdir())
    added = []
    for name in sorted(name for name in tensors if "lora_A" in name):
        layer = int(name.split(".layers.")[1].split(".")[0])
        product = tensors[name.replace("lora_A", "lora_B")] @ tensors[name]  # alpha is the rank: a factor of one
        added.append(DenseDelta(product, layer=layer))
    off = 0.0
    for fact in wanted.facts:
        ids = torch.as_tensor(lm.encode(fact.prompt).ids)[None]
        both = []
        for active in (parts, added):
            with lm.using(*active):
                both.append(lm.next_logits(ids))
        off = max(off, float((both[0] - both[1]).abs().max()))
    whole = sum(4 * change.matrix().numel() for change in added)
    return "\n".join(
        [
            f"{config['peft_type']}: {len(added)} matrices of rank {rank}",
            f"{size / 1e3:,.0f} kB, the matrices themselves {whole / 1e3:,.0f} kB",
            f"logits of all {len(wanted.facts)} prompts within 1e-4: {off < 1e-4}",
        ]
    )
