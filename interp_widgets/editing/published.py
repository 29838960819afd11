"""Layers and settings for models for which somebody has measured them.

ROME's and MEMIT's are those of their code (hyper-parameters of GPT-2 and GPT-J) and, for Llama 2 and Qwen 2.5, of
EasyEdit; those of the default model were chosen on records 1000 to 1179 of our part of CounterFact
(`python -m benchmarks edit_single --start 1000`).  A model is known by its type,
number of layers and width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interp_widgets.editing.editors.alphaedit import AlphaEditSettings
from interp_widgets.editing.editors.emmet import EmmetSettings
from interp_widgets.editing.editors.fine_tuning import FineTuningSettings
from interp_widgets.editing.editors.grace import GraceSettings
from interp_widgets.editing.editors.memit import MemitSettings
from interp_widgets.editing.editors.rome import RomeSettings
from interp_widgets.editing.keys_values.value import ValueSettings

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


@dataclass(frozen=True)
class Published:
    """layers: empty where only the settings are known"""

    layers: tuple[int, ...]
    settings: Any


MODELS = {  # name -> type, layers, width
    "gpt2": ("gpt2", 12, 768),
    "gpt2-medium": ("gpt2", 24, 1024),
    "gpt2-large": ("gpt2", 36, 1280),
    "gpt2-xl": ("gpt2", 48, 1600),
    "gpt-j-6b": ("gptj", 28, 4096),
    "llama-2-7b": ("llama", 32, 4096),
    "qwen2.5-7b": ("qwen2", 28, 3584),
    "smollm2": ("llama", 30, 576),
}
_GPT = ValueSettings(steps=20, clamp=4.0, decay=0.5)
_GPT_MANY = ValueSettings(steps=20, clamp=0.75, decay=0.5)
_LLAMA = ValueSettings(steps=25, clamp=4.0, decay=1e-3)
_SMOL_MANY = ValueSettings(steps=20, clamp=0.75, decay=1e-3)

_KNOWN: dict[tuple[str, str], Published] = {
    ("rome", "gpt2"): Published((5,), RomeSettings(value=_GPT)),
    ("rome", "gpt2-medium"): Published((8,), RomeSettings(value=ValueSettings(steps=20, clamp=3.0, decay=0.5))),
    ("rome", "gpt2-large"): Published((12,), RomeSettings(value=_GPT)),
    ("rome", "gpt2-xl"): Published((17,), RomeSettings(value=_GPT)),
    ("rome", "gpt-j-6b"): Published((5,), RomeSettings(value=_GPT)),
    ("rome", "llama-2-7b"): Published((5,), RomeSettings(value=_LLAMA)),
    ("rome", "qwen2.5-7b"): Published((5,), RomeSettings(value=_LLAMA)),
    ("rome", "smollm2"): Published(
        (4,), RomeSettings(form="two", value=ValueSettings(steps=35, clamp=6.0, decay=1e-3))
    ),
    ("memit", "gpt2-xl"): Published(tuple(range(13, 18)), MemitSettings(weight=20_000.0, value=_GPT_MANY)),
    ("memit", "gpt-j-6b"): Published(
        tuple(range(3, 9)), MemitSettings(value=ValueSettings(steps=25, clamp=0.75, decay=0.5))
    ),
    ("memit", "llama-2-7b"): Published(tuple(range(4, 9)), MemitSettings(value=_LLAMA)),
    ("memit", "smollm2"): Published(tuple(range(1, 6)), MemitSettings(weight=3_000.0, value=_SMOL_MANY)),
    ("alphaedit", "smollm2"): Published(tuple(range(1, 6)), AlphaEditSettings(threshold=1e-2, value=_SMOL_MANY)),
    ("alphaedit", "gpt2-xl"): Published(tuple(range(13, 18)), AlphaEditSettings(value=_GPT_MANY)),
    ("alphaedit", "gpt-j-6b"): Published(
        tuple(range(3, 9)), AlphaEditSettings(value=ValueSettings(steps=25, clamp=0.75, decay=0.5))
    ),
    ("emmet", "gpt2-xl"): Published((17,), EmmetSettings(value=_GPT)),
    ("emmet", "llama-2-7b"): Published((5,), EmmetSettings(value=_LLAMA)),
    ("fine_tuning", "smollm2"): Published((5,), FineTuningSettings(learning_rate=3e-3, bound=3e-3)),
    ("fine_tuning", "gpt2-xl"): Published((0,), FineTuningSettings()),
    ("grace", "gpt2-xl"): Published((35,), GraceSettings()),
    ("grace", "llama-2-7b"): Published((27,), GraceSettings()),
}

# Other models of the kind of Llama and its kin (RMSNorm, gated MLPs) get Llama's settings, at the layer that is traced.
_GATED = ("llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3_text")
_FOR_GATED = {
    "rome": RomeSettings(value=_LLAMA),
    "emmet": EmmetSettings(value=_LLAMA),
    "memit": MemitSettings(value=_LLAMA),
    "alphaedit": AlphaEditSettings(value=_LLAMA),
}


def published(lm: LanguageModel, method: str) -> Published | None:
    """What is known for this model, by its sizes, or for its kind."""
    a = lm.architecture
    name = next((name for name, sizes in MODELS.items() if sizes == (a.model_type, a.n_layers, a.width)), None)
    if (method, name) in _KNOWN:
        return _KNOWN[method, str(name)]
    return Published((), _FOR_GATED[method]) if a.model_type in _GATED and method in _FOR_GATED else None


def published_for(name: str, method: str) -> Published | None:
    """The same by name, one of `MODELS`."""
    return _KNOWN.get((method, name))
