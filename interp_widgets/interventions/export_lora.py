"""`iw.export_lora`: weight changes as a PEFT adapter, which changes the model where it is served and can be taken off.

An adapter of LoRA (Hu et al. 2022) is what `LowRank` is: y + B A x, with A (rank, inputs) and B (outputs, rank).

1. Changes of one matrix are joined: their A on top of each other, their B side by side.
2. A full matrix is factored by SVD, to its numerical rank, and refused where the factors would be larger than the
   matrix itself: that is a checkpoint. A join of more rows than the matrix can have rank is factored too.
3. Each matrix has a rank of its own (`rank_pattern`), and a factor of one (`alpha_pattern`).
4. Matrices that share their numbers (tied embedding and head) are refused: an adapter changes one of them while it is
   loaded, and both when it is merged.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from interp_widgets.errors import ArgumentError, FingerprintMismatchError
from interp_widgets.interventions.base import Intervention
from interp_widgets.interventions.dense_delta import DenseDelta
from interp_widgets.interventions.exported import CARD, base_name, card, exported_folder
from interp_widgets.interventions.folding import path_of, paths_of
from interp_widgets.interventions.low_rank import LowRank
from interp_widgets.interventions.weight_change import WeightChange
from interp_widgets.models import live
from interp_widgets.models.architectures import is_conv1d

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def export_lora(
    edits: Intervention | Sequence[Intervention],
    path: str | os.PathLike[str],
    *,
    lm: LanguageModel | None = None,
) -> Path:
    """Write weight changes as an adapter: `peft.PeftModel.from_pretrained(model, path)` loads it.

    Parameters
    ----------
    edits: an edit, a LowRank or DenseDelta, or several of them; whether they are switched on does not matter
    path: a folder that is made; one that an earlier export wrote is replaced
    lm: the model that they belong to; by default the one whose ledger holds them, or for which an edit was made

    In float32 the logits are those of the model with the changes within 1e-4. The adapter is written in float32.

    Returns the path. Raises ArgumentError: a change that no adapter can hold, by its name; no model known; a folder
    that holds other things. FingerprintMismatchError: an edit of another model; DiskFullError. After an error nothing
    is left.
    """
    from safetensors.torch import save_file

    chosen = (edits,) if isinstance(edits, Intervention) else tuple(edits)
    if not chosen or not all(isinstance(one, Intervention) for one in chosen):
        raise ArgumentError(f"edits={edits!r}: give an edit, or a list of them")
    lm = _model_of(chosen) if lm is None else lm
    for one in chosen:
        if one.fingerprint not in (None, lm.fingerprint):
            raise FingerprintMismatchError(
                f"{one.name!r} was made for a model with fingerprint {str(one.fingerprint)[:12]}; {lm.name} has"
                f" {lm.fingerprint[:12]}"
            )
    changes: dict[str, list[WeightChange]] = {}
    for one in chosen:
        for piece in one.pieces:
            changes.setdefault(_where(lm, one, piece), []).append(_fitting(one, piece))
    tensors: dict[str, Tensor] = {}
    ranks: dict[str, int] = {}
    notes: list[str] = []
    for where, some in changes.items():
        left, right, note = _factors(where, some)
        notes += [note] if note else []
        if right.shape[0]:
            ranks[where] = right.shape[0]
            tensors[f"base_model.model.{where}.lora_A.weight"] = right.float().contiguous()
            tensors[f"base_model.model.{where}.lora_B.weight"] = left.float().contiguous()
    if not ranks:
        raise ArgumentError("edits change no weight: all their matrices are zero")
    config = _config(lm, ranks)
    how = f"Load it with `PeftModel.from_pretrained(model, folder)`. It changes {len(ranks)} matrices."
    with exported_folder(path, "adapter") as folder:
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
        (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        (folder / CARD).write_text(card(lm, chosen, "adapter", [how, *notes]), encoding="utf-8")
    return Path(path)


def _model_of(edits: Sequence[Intervention]) -> LanguageModel:
    for one in edits:
        ledger = one.ledger
        if ledger is not None:
            return ledger.lm
    for one in edits:
        found = live.find(one.fingerprint) if one.fingerprint is not None else None
        if found is not None:
            return found
    raise ArgumentError(f"{edits[0].name!r} is in no ledger, so its model is not known; give it: lm=lm")


def _fitting(whole: Intervention, piece: Intervention) -> WeightChange:
    if isinstance(piece, LowRank | DenseDelta):
        return piece
    of = "" if piece is whole else f" of {whole.name!r}"
    raise ArgumentError(
        f"{piece.name!r}{of} is no change of a weight ({piece.kind}), which is all that an adapter holds;"
        " lm.ledger.save keeps it in a ledger file"
    )


def _where(lm: LanguageModel, whole: Intervention, piece: Intervention) -> str:
    a = lm.architecture
    paths = paths_of(a, _fitting(whole, piece))
    ends = {path_of(a, a.embedding), path_of(a, a.unembedding)} if a.tied else {path_of(a, a.embedding)}
    if len(paths) > 1 or paths[0] in ends:
        raise ArgumentError(
            f"{whole.name!r} changes {' and '.join(paths)}, "
            + ("whose matrix embedding and head share" if a.tied else "where the embedding is looked up")
            + "; an adapter cannot say that. Write a checkpoint: iw.export_checkpoint(lm, path)"
        )
    return paths[0]


def _factors(where: str, changes: Sequence[WeightChange]) -> tuple[Tensor, Tensor, str]:
    """left (outputs, rank), right (rank, inputs), float64, and what has to be said about how they were found."""
    low = [one for one in changes if isinstance(one, LowRank)]
    outputs, inputs = changes[0].shape
    rank = sum(one.left.shape[1] for one in low)
    if len(low) == len(changes) and rank <= min(outputs, inputs):
        left = torch.cat([one.left.double() for one in low], dim=1)
        right = torch.cat([one.right.double() for one in low], dim=0)
        return left, right, ""
    total = sum((one.matrix() for one in changes[1:]), changes[0].matrix())
    u, s, v = torch.linalg.svd(total, full_matrices=False)
    # What the numbers were stored in bounds what of the spectrum means anything; as numpy.linalg.matrix_rank does it.
    rounded = torch.finfo(torch.float32).eps * max(outputs, inputs)
    rank = int((s > s[0] * rounded).sum()) if s[0] > 0 else 0
    if len(low) < len(changes) and rank * (outputs + inputs) > outputs * inputs:
        raise ArgumentError(
            f"the change of {where} has rank {rank} of {min(outputs, inputs)}, so an adapter would be larger than the"
            " matrix itself; write a checkpoint: iw.export_checkpoint(lm, path)"
        )
    off = float(s[rank:].norm() / s.norm()) if rank else 0.0
    what = "a full matrix" if len(low) < len(changes) else "changes of more rows than it has"
    note = f"{where}: {what}, factored by SVD to its numerical rank {rank} (relative error {off:.0e})."
    return u[:, :rank] * s[:rank].sqrt(), s[:rank, None].sqrt() * v[:rank], note


def _config(lm: LanguageModel, ranks: dict[str, int]) -> dict[str, Any]:
    modules: list[nn.Module] = [lm.architecture.named_module(path) for path in ranks]
    most = max(ranks.values())
    own = {re.escape(path): rank for path, rank in ranks.items() if rank != most}
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_name(lm),
        "r": most,
        "lora_alpha": most,
        "rank_pattern": own,
        "alpha_pattern": own,
        "target_modules": sorted(ranks),
        "fan_in_fan_out": all(map(is_conv1d, modules)),
        "lora_dropout": 0.0,
        "bias": "none",
        "use_rslora": False,
        "use_dora": False,
        "inference_mode": True,
    }
