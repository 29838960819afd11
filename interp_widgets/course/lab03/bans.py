"""What steering cannot do: keep one word out. Steering away from it, beside taking it from the choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from interp_widgets.course.lab03.sweeps import LAYERS, perplexities
from interp_widgets.models.generation_batch import generate_batch
from interp_widgets.steering.pairs import ContrastPairs

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel
    from interp_widgets.steering.vector import ControlVector

WORD = "Sydney"
_OTHERS = ("Melbourne", "Toronto", "Madrid", "Nairobi", "Chicago", "Lisbon")
_TEMPLATES = (
    "My sister moved to {} last year",
    "The conference will take place in {} this autumn",
    "We flew to {} and stayed for a week",
    "He grew up in {} and never left",
    "The best view of {} is from the water",
    "{} is the city that I know best",
)
LEADING = (
    "The largest city in Australia is",
    "The capital of New South Wales is",
    "The first fleet of convicts landed in Australia near what is now",
    "Our offices are in Perth and Sydney. The one with the view of the harbour is in",
    "Which city did you like most, Sydney or Perth? I liked",
    "We have shops in Sydney, Perth and Darwin. Please send the parcel to our shop in",
    "From Perth we took the night train to Sydney. When we woke up, we were in",
    "Q: In which city is the Opera House, Sydney or Perth?\nA:",
)


def pairs() -> ContrastPairs:
    """Sentences about the city, and the same about others."""
    return ContrastPairs(
        tuple(template.format(WORD) for template in _TEMPLATES for _ in _OTHERS),
        tuple(template.format(other) for template in _TEMPLATES for other in _OTHERS),
        name=WORD,
        poles=(WORD, "another city"),
    )


@dataclass(frozen=True)
class Ban:
    """By strength: in how many of the texts the word stands, and the ratio of perplexity on neutral text; and in how
    many it stands when its first token is never chosen."""

    strengths: tuple[float, ...]
    said: tuple[int, ...]
    ratios: tuple[float, ...]
    texts: int
    banned: int

    def table(self) -> str:
        lines = [f"{'':26} {'says it':>9} {'perplexity':>11}"]
        for strength, said, ratio in zip(self.strengths, self.said, self.ratios, strict=True):
            lines.append(f"{f'steered, {strength:+.3f}':26} {f'{said} of {self.texts}':>9} {ratio:>10.2f}x")
        lines.append(f"{'its token never chosen':26} {f'{self.banned} of {self.texts}':>9} {1.0:>10.2f}x")
        return "\n".join(lines)


def ban(
    lm: LanguageModel,
    vector: ControlVector,
    strengths: Sequence[float],
    *,
    prompts: Sequence[str] = LEADING,
    tokens: int = 10,
) -> Ban:
    said = []
    for strength in strengths:
        with lm.steered(vector, layers=list(LAYERS), strength=strength):
            texts = generate_batch(lm, prompts, max_new_tokens=tokens).texts
        said.append(sum(WORD in text for text in texts))
    ratios = perplexities(lm, vector, strengths)
    banned = sum(WORD in without(lm, prompt, tokens) for prompt in prompts)
    return Ban(tuple(strengths), tuple(said), tuple(map(float, ratios)), len(prompts), banned)


def without(lm: LanguageModel, prompt: str, tokens: int) -> str:
    """Greedy, with the tokens that begin the word out of the question: what a list of banned words does."""
    closed = [lm.tokenizer.encode(form, add_special_tokens=False)[0] for form in (WORD, f" {WORD}")]
    start = lm.encode(prompt).ids.tolist()
    ids = list(start)
    with torch.no_grad():
        for _ in range(tokens):
            logits = lm.next_logits(torch.tensor([ids]))
            logits[..., closed] = -torch.inf
            ids.append(int(logits.argmax()))
    text: str = lm.tokenizer.decode(ids[len(start) :])
    return text
