"""`iw.export_checkpoint`: the model with its active changes as a checkpoint of its own, for transformers or anything
else that reads safetensors."""

from __future__ import annotations

import copy
import json
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from interp_widgets.errors import ArgumentError
from interp_widgets.interventions.exported import CARD, card, exported_folder
from interp_widgets.interventions.folding import Folded, fold, why_not

if TYPE_CHECKING:
    from interp_widgets.interventions.base import Intervention
    from interp_widgets.models.language_model import LanguageModel

_LOST = 0.01  # share of a change that rounding may take without a word
_MACHINE = (
    "is_local",
    "local_files_only",
    "name_or_path",
    "_name_or_path",
)  # settings that name this machine's folders


def export_checkpoint(lm: LanguageModel, path: str | os.PathLike[str], *, only_weights: bool = False) -> Path:
    """Write the model with all its active changes: merged safetensors, configuration, tokenizer and a card.

    `transformers.AutoModelForCausalLM.from_pretrained(path)` and `iw.load_model(path)` load it; in float32 its logits
    are those of the model with its changes within 1e-5 of the largest. Weight changes (edits, low-rank and dense
    changes) and ablations to zero at all positions become weights.

    Parameters
    ----------
    path: a folder that is made; one that an earlier export wrote is replaced
    only_weights: leave out what cannot become a weight (steering, codebooks, patches), with a warning that names it,
        where it would be refused otherwise

    Returns the path. Raises ArgumentError: an active change that cannot become a weight, a quantised or offloaded
    model, a folder that holds other things; DiskFullError. After an error nothing is left.
    """
    _check_plain(lm)
    active = lm.ledger.active
    stuck = {one: reason for one in active if (reason := _why_not(one)) is not None}
    if stuck and not only_weights:
        told = "; ".join(f"{one.name!r} {reason}" for one, reason in stuck.items())
        raise ArgumentError(
            f"{told}. Switch it off (lm.ledger.toggle), or pass only_weights=True to write the rest; lm.ledger.save"
            " keeps everything in a ledger file"
        )
    kept = [one for one in active if one not in stuck]
    folded = fold(lm.architecture, [piece for one in kept for piece in one.pieces])
    notes = _notes(lm, folded, stuck)
    with exported_folder(path, "checkpoint") as folder:
        _write_model(lm, folded, folder)
        lm.tokenizer.save_pretrained(folder)
        _forget_machine(folder / "tokenizer_config.json")
        (folder / CARD).write_text(card(lm, kept, "checkpoint", notes), encoding="utf-8")
    if stuck:
        names = ", ".join(repr(one.name) for one in stuck)
        warnings.warn(f"left out, since no weight can hold it: {names}; the checkpoint acts without it", stacklevel=2)
    return Path(path)


def _why_not(change: Intervention) -> str | None:
    return next((reason for piece in change.pieces if (reason := why_not(piece)) is not None), None)


def _check_plain(lm: LanguageModel) -> None:
    if getattr(lm.model, "hf_quantizer", None) is not None:
        raise ArgumentError(f"{lm.name} is quantised, and its weights cannot be written plainly; load it unquantised")
    for name, parameter in lm.model.named_parameters():
        if parameter.device.type == "meta":
            raise ArgumentError(f"{name} was offloaded and is not in memory; load the model without offloading")


def _notes(lm: LanguageModel, folded: Folded, stuck: dict[Intervention, str]) -> list[str]:
    notes = []
    lost = {name: share for name, share in folded.lost.items() if share > _LOST}
    if lost:
        worst = max(lost, key=lambda name: lost[name])
        dtype = str(lm.dtype).removeprefix("torch.")
        told = (
            f"Rounding to {dtype} took {100 * lost[worst]:.0f} % of the change of {worst}. An export from the model in"
            " float32 keeps it."
        )
        notes.append(told)
        warnings.warn(told, stacklevel=3)
    if folded.untied:
        notes.append(
            "Embedding and head were one matrix and were changed apart; here the head has a matrix of its own."
        )
    if stuck:
        notes += ["Left out, since no weight can hold it:", *(f"- {one.name}: {why}" for one, why in stuck.items())]
    return notes


def _write_model(lm: LanguageModel, folded: Folded, folder: Path) -> None:
    """As transformers stores it. It is written by an empty twin, since `save_pretrained` alters the configuration."""
    config = copy.deepcopy(lm.model.config)
    if folded.untied:
        config.tie_word_embeddings = False
    config.dtype = lm.dtype
    with torch.device("meta"):
        twin: Any = type(lm.model)(config)
    twin = twin.to(lm.dtype)
    twin.generation_config = copy.deepcopy(lm.model.generation_config)
    state = {**lm.model.state_dict(), **folded.weights}
    twin.save_pretrained(folder, state_dict=state)
    for name in ("config.json", "generation_config.json"):
        _forget_machine(folder / name)


def _forget_machine(file: Path) -> None:
    """Rewrite a file of settings so that it loads elsewhere."""
    if not file.exists():
        return
    settings = json.loads(file.read_text(encoding="utf-8"))
    kept = {key: value for key, value in settings.items() if key not in _MACHINE}
    if kept.get("tokenizer_class") == "TokenizersBackend":
        kept["tokenizer_class"] = "PreTrainedTokenizerFast"  # the same by its older name, which every version knows
    if kept != settings:
        file.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
