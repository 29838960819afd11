"""What a MEND network is trained on: for each fact the texts that should change, and texts that should not.

should change   the prompt; each paraphrase; the prompt behind a sentence of another text
should not      the fact's neighbours (where it has none, other facts' prompts, of the same template before others), at
                their last token; sentences about anything, at a few tokens

Of each text what goes into the first edited layer is recorded once, and of those that should not change the last hidden
states too: training repeats only the layers that it edits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from interp_widgets.editing.fact import Fact
from interp_widgets.editing.mend.gradients import Text, asked
from interp_widgets.errors import ArgumentError
from interp_widgets.models.architectures import Site
from interp_widgets.models.memory import in_batches
from interp_widgets.models.states import padded

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_CPU_TOKENS, _GPU_TOKENS = 512, 16_384  # of a pass
_MOST_NEIGHBOURS = 2  # of a fact; each costs a recorded text
_WATCHED = 4  # tokens of a sentence


@dataclass(frozen=True)
class Example:
    """Numbers of texts in the corpus: the fact's own prompt, others that should give the new answer, those that should
    stay."""

    own: int
    others: tuple[int, ...]
    near: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Corpus:
    """examples: of each fact; sentences: numbers of texts about anything
    texts; states: (tokens, width) of each, what goes into the first edited layer; last: (watched tokens, width) of
    those that should not change, empty for the others"""

    examples: tuple[Example, ...]
    sentences: tuple[int, ...]
    texts: tuple[Text, ...]
    states: tuple[Tensor, ...]
    last: tuple[Tensor, ...]


@dataclass(eq=False)
class _Gathering:
    lm: LanguageModel
    texts: list[Text] = field(default_factory=list)
    known: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, prompt: str, answer: str = "", watched: int = 1) -> int:
        """The number of a text with an answer, or of one whose last `watched` places are watched."""
        place = self.known.get((prompt, answer))
        if place is None:
            if answer:
                text = asked(self.lm, prompt, answer)
            else:
                ids = self.lm.encode(prompt).ids
                # Spread over the text; its first token says nothing, whatever follows.
                at = np.unique(np.linspace(min(1, len(ids) - 1), len(ids) - 1, watched).round().astype(int))
                text = Text(
                    ids, np.empty(0, np.int64), tuple(at[-watched:].tolist()) if watched > 1 else (len(ids) - 1,)
                )
            place = self.known[prompt, answer] = len(self.texts)
            self.texts.append(text)
        return place


def gather(
    lm: LanguageModel,
    facts: Sequence[Fact],
    sentences: Sequence[str],
    layer: int,
    *,
    seed: int = 0,
    advance: Callable[[int, int, str], None] | None = None,
) -> Corpus:
    """Tokenise and record all texts under what is active in the open run. `layer`: the first edited one.

    Raises ArgumentError: fewer than two facts, no sentences; what `asked` raises.
    """
    if len(facts) < 2 or not sentences:
        raise ArgumentError(f"{len(facts)} facts and {len(sentences)} texts: give at least two facts and one text")
    draw, found = np.random.default_rng(seed), _Gathering(lm)
    alike: dict[str, list[int]] = {}
    for number, fact in enumerate(facts):
        alike.setdefault(fact.template, []).append(number)
    examples = []
    for number, fact in enumerate(facts):
        behind = f"{sentences[int(draw.integers(len(sentences)))].strip()} {fact.prompt}"
        others = [found.add(prompt, fact.target) for prompt in (*fact.paraphrases, behind)]
        near = [prompt for prompt, _ in fact.neighbour_answers()]
        if not near:
            same = [facts[i].prompt for i in alike[fact.template] if i != number]
            rest = [one.prompt for one in facts if one.template != fact.template]
            near = _some(draw, same, _MOST_NEIGHBOURS - 1) + _some(draw, rest, 1)
        stay = tuple(found.add(prompt) for prompt in _some(draw, near, _MOST_NEIGHBOURS))
        examples.append(Example(found.add(fact.prompt, fact.target), tuple(others), stay))
    plain = tuple(found.add(sentence, watched=_WATCHED) for sentence in sentences)
    states, last = _recorded(lm, found.texts, layer, advance)
    return Corpus(tuple(examples), plain, tuple(found.texts), states, last)


def _some(draw: np.random.Generator, prompts: Sequence[str], most: int) -> list[str]:
    return [prompts[i] for i in draw.permutation(len(prompts))[:most]]


def _recorded(
    lm: LanguageModel, texts: Sequence[Text], layer: int, advance: Callable[[int, int, str], None] | None
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    site, a = Site("resid_pre", layer), lm.architecture
    order = sorted(range(len(texts)), key=lambda i: (len(texts[i].answer) == 0, len(texts[i].ids)))
    states: list[Tensor] = [torch.empty(0)] * len(texts)
    last: list[Tensor] = [torch.empty(0, a.width)] * len(texts)
    # Only texts that are watched have to go up to the end.
    split = sum(len(text.answer) > 0 for text in texts)
    tokens = _CPU_TOKENS if lm.device.type == "cpu" else _GPU_TOKENS
    rows = max(tokens // max(len(text.ids) for text in texts), 1)
    done = 0
    for chosen, until in ((order[:split], layer - 1), (order[split:], None)):

        def work(start: int, end: int, chosen: list[int] = chosen, until: int | None = until) -> None:
            nonlocal done
            some = chosen[start:end]
            ids, _ = padded([texts[i].ids for i in some])
            with torch.no_grad(), lm.run(before=[site], until=until) as run:
                hidden, given = lm.hidden(ids), run.given[site]
            for row, i in enumerate(some):
                states[i] = given[row, : len(texts[i].ids)].clone()
                if until is None:
                    last[i] = hidden[row, list(texts[i].watched)].clone()
            done += len(some)
            if advance is not None:
                advance(done, len(texts), "recording")

        in_batches(len(chosen), rows, work)
    return tuple(states), tuple(last)
