"""What a model's name means: an entry of the catalogue, a folder, or an id on the model hub."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from interp_widgets.errors import UnknownModelError, UnsafeModelError
from interp_widgets.models.catalogue import CATALOGUE, CatalogueModel

# Ids from before ids had an owner; any other name without a slash is no id.
_SINGLE_NAMES = ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "distilgpt2")
_PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"}
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "tekken.json")


@dataclass(frozen=True)
class Source:
    """`where` is a catalogue name, a folder or a hub id; `title` is how results name the model."""

    kind: Literal["catalogue", "folder", "hub"]
    where: str
    title: str
    model: CatalogueModel | None = None


def resolve(name: str | os.PathLike[str]) -> Source:
    """Find out what `name` means, without a network. Raises UnknownModelError, UnsafeModelError."""
    text = os.fspath(name)
    if isinstance(name, str):
        for model in CATALOGUE.values():
            if text.casefold() in (model.name.casefold(), model.title.casefold()):
                return Source("catalogue", model.name, model.title, model)
    folder = Path(text).expanduser()
    is_path = not isinstance(name, str) or folder.is_absolute() or text[:1] in (".", "~") or "\\" in text
    if folder.is_dir() and (is_path or (folder / "config.json").exists()):
        check_folder(folder)
        return Source("folder", str(folder), folder.resolve().name)
    if folder.is_file():
        raise UnknownModelError(
            f"name={text!r} is a file; give the folder that holds config.json, *.safetensors and the tokenizer"
        )
    if is_path:
        raise UnknownModelError(f"name={text!r}: there is no such folder")
    if re.fullmatch(r"[\w.-]+/[\w.-]+", text) or text in _SINGLE_NAMES or text in cached_hub_ids():
        return Source("hub", text, text.split("/")[-1])
    raise UnknownModelError(
        f"name={text!r} is neither in the catalogue nor a folder here. {offer(text)} A model of the hub is written "
        '"owner/name"'
    )


def check_folder(folder: Path) -> None:
    """Refuse by name what cannot be loaded, or only by running code that the folder brings."""
    names = {entry.name for entry in folder.iterdir()}
    suffixes = {Path(name).suffix for name in names}
    if "config.json" not in names:
        if "adapter_config.json" in names:
            raise UnknownModelError(
                f"{folder} holds an adapter, not a whole model. Load its base model, or merge the two with peft "
                "(merge_and_unload) and save the result"
            )
        if ".gguf" in suffixes:
            raise UnknownModelError(
                f"{folder} holds a GGUF file. Load it with transformers (gguf_file=...), and give model and tokenizer "
                "to interp_widgets.LanguageModel"
            )
        raise UnknownModelError(f"{folder} holds no config.json, so it is not a model that transformers saved")
    if ".safetensors" not in suffixes:
        pickles = sorted(name for name in names if Path(name).suffix in _PICKLES)
        if pickles:
            raise UnsafeModelError(
                f"{folder} holds its weights only as pickle ({', '.join(pickles[:3])}), and reading a pickle runs "
                "whatever code is in it. Where you trust the source, convert it once, away from your data: "
                "AutoModelForCausalLM.from_pretrained(folder, use_safetensors=False).save_pretrained(new_folder), and "
                "copy the tokenizer's files too"
            )
        raise UnknownModelError(f"{folder} holds no weights (*.safetensors)")
    if not names.intersection(_TOKENIZER_FILES):
        raise UnknownModelError(
            f"{folder} holds no tokenizer. Put it there with tokenizer.save_pretrained(folder), or load both yourself "
            "and give them to interp_widgets.LanguageModel(model, tokenizer)"
        )


# Names nearby


def cached_hub_ids() -> list[str]:
    """Ids of the models in the local cache of the model hub."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE)
    if not folder.is_dir():
        return []
    return sorted(
        entry.name.removeprefix("models--").replace("--", "/")
        for entry in folder.glob("models--*")
        if any(entry.glob("snapshots/*/config.json"))
    )


def nearest(name: str) -> list[str]:
    """Up to three known names that look like `name`, best first."""
    known = {each.casefold(): each for each in (*cached_hub_ids(), *_SINGLE_NAMES, *CATALOGUE)}
    return [known[match] for match in difflib.get_close_matches(name.casefold(), known, n=3, cutoff=0.5)]


def is_near_miss(name: str) -> str | None:
    """The cached or catalogue name that `name` is most likely a slip of; None if it may well be another model.

    Numbers must agree: "Qwen3-1.7B" is no slip of "Qwen3-0.6B".
    """
    for match in nearest(name):
        close = difflib.SequenceMatcher(None, name.casefold(), match.casefold()).ratio() >= 0.85
        if close and match != name and re.findall(r"\d+", match) == re.findall(r"\d+", name):
            return match
    return None


def offer(name: str) -> str:
    """A sentence that offers names that would work."""
    found = nearest(name)
    if found:
        return f"Did you mean {' or '.join(repr(each) for each in found)}?"
    return f"The catalogue holds {' and '.join(repr(each) for each in CATALOGUE)}."
