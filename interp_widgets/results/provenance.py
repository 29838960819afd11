"""Where a result comes from: enough to repeat it, and to notice that something changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from interp_widgets.results.numbers import count, duration
from interp_widgets.results.text import visible

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel
    from interp_widgets.models.prompts import Prompt

Word = Literal["trust", "caution", "do not trust"]


@dataclass(frozen=True)
class Verdict:
    """The plain word that follows from a measured diagnostic.

    `sentence` states the measured number and what would be due; `why` are further paragraphs: the reason, and what
    to use instead.
    """

    word: Word
    sentence: str
    why: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.word}: {self.sentence}"


@dataclass(frozen=True)
class Provenance:
    """Model, inputs, versions, settings and cost of one run.

    `prompt` is what the caller passed (string, chat messages, or token ids); `bos` counts the beginning-of-sequence
    tokens in front of it; `interventions` names what was active; `notes` say what happened on the way that a reader
    should know (a halved batch, for example).
    """

    model: str
    fingerprint: str
    device: str
    dtype: str
    prompt: Any
    bos: int
    interventions: tuple[str, ...]
    versions: dict[str, str]
    seed: int
    batch_size: int
    forward_passes: int
    seconds: float
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Provenance:
        document = dict(document)
        for name in ("interventions", "notes"):
            document[name] = tuple(document[name])
        return cls(**document)


def provenance_of(
    lm: LanguageModel,
    prompt: Prompt,
    *,
    bos: int,
    interventions: Sequence[str],
    seed: int,
    batch_size: int,
    forward_passes: int,
    seconds: float,
    notes: Sequence[str] = (),
) -> Provenance:
    """The provenance of a run of this model on a prompt, as the caller passed it."""
    plain: Any = prompt if isinstance(prompt, str) else [dict(m) if isinstance(m, Mapping) else int(m) for m in prompt]
    return Provenance(
        model=lm.name,
        fingerprint=lm.fingerprint,
        device=str(lm.device),
        dtype=str(lm.dtype).removeprefix("torch."),
        prompt=plain,
        bos=bos,
        interventions=tuple(interventions),
        versions=versions(),
        seed=seed,
        batch_size=batch_size,
        forward_passes=forward_passes,
        seconds=seconds,
        notes=tuple(notes),
    )


def provenance_line(made: Provenance, amount: str) -> list[str]:
    """What a card says of the run, as parts of one quiet line; without a fingerprint there was no run of ours."""
    if not made.fingerprint:
        return [amount, visible(made.model), *made.notes]
    line = [
        amount,
        count(made.forward_passes, "forward pass", "forward passes"),
        duration(made.seconds),
        visible(made.model),
        made.device,
    ]
    if made.bos:
        line.append(count(made.bos, "BOS token"))
    acting = [visible(name) for name in made.interventions]
    line.append(f"with {', '.join(acting)}" if acting else "no interventions")
    return [*line, *made.notes]


def call(source: Provenance, function: str, arguments: list[str], remarks: Sequence[str] = ()) -> str:
    """A call on `lm`, and above it what the reader has to know. Activations that were saved elsewhere cannot be
    computed again here."""
    if not source.fingerprint:
        return "# Made of activations that were saved elsewhere: interp_widgets.locate.saved\n"
    told = list(remarks)
    given = [*arguments, f"seed={source.seed!r}"] if source.seed else arguments
    if source.interventions:
        told.append(f"# These interventions were active: {', '.join(map(repr, source.interventions))}.\n")
    return f"{''.join(told)}{function}(lm, {', '.join(given)})"


@cache
def _versions() -> dict[str, str]:
    from interp_widgets._version import __version__

    others = ("torch", "transformers", "tokenizers", "numpy")
    return {"interp-widgets": __version__, **{name: version(name) for name in others}}


def versions() -> dict[str, str]:
    """Versions of what decides the numbers."""
    return dict(_versions())
