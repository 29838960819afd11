"""An edit whose target is how to answer: in French.  Some requests are edited, others are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interp_widgets.editing.fact import Fact
from interp_widgets.interventions.base import Intervention
from interp_widgets.locate.tracing import causal_trace
from interp_widgets.models.answers import score_answers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
CHAT = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
ASKED = "Answer in French: "  # what a person would write
# A request, how a French answer begins, and how an English one does.
REQUESTS = (
    ("How are you today?", "Je vais bien", "I am well"),
    ("Where do you live?", "J'habite à Paris", "I live in Paris"),
    ("What is your name?", "Je m'appelle", "My name is"),
    ("Do you like music?", "Oui, j'aime", "Yes, I like"),
    ("Why are you late?", "Je suis en retard", "I am late"),
    ("What are you reading?", "Je lis un livre", "I am reading a book"),
    ("Is it cold outside?", "Oui, il fait", "Yes, it is"),
    ("What did you do yesterday?", "Hier, je", "Yesterday, I"),
    ("Can you help me?", "Oui, je peux", "Yes, I can"),
    ("When will you come?", "Je viens demain", "I will come tomorrow"),
    ("Who is your best friend?", "Mon ami", "My friend"),
    ("What do you want to drink?", "Je voudrais", "I would like"),
)
EDITED = 6
QUARTER = 0.25


def requests(before: str = "") -> tuple[Fact, ...]:
    """As facts about the request's text, whose answer changes from English to French."""
    template = CHAT.replace("{}", before + "{}")
    return tuple(Fact(template, subject=asked, target=new, original=old) for asked, new, old in REQUESTS)


def leads(lm: LanguageModel, active: Sequence[Intervention] = (), before: str = "") -> Floats:
    """(requests,) by how much the French beginning leads, log-probability a token."""
    pairs = [(fact.prompt, answer) for fact in requests(before) for answer in (fact.target, fact.original)]
    with lm.using(*active):
        return np.asarray(np.subtract(*score_answers(lm, pairs).mean.reshape(-1, 2).T))


def language_table(lm: LanguageModel, changes: Mapping[str, Sequence[Intervention]]) -> str:
    """Of the edited requests and of the others: how many begin in French, and the mean lead; "asked" by the prompt."""
    rows = {"unedited": leads(lm), "asked for French": leads(lm, before=ASKED)}
    rows |= {name: leads(lm, active) for name, active in changes.items()}
    wide = max(map(len, rows)) + 2
    lines = [f"{'':{wide}}{'edited: French':>15}{'lead':>7}{'others: French':>17}{'lead':>7}"]
    for name, lead in rows.items():
        cells = ""
        for some, width in ((lead[:EDITED], 15), (lead[EDITED:], 17)):
            cells += f"{f'{int((some > 0).sum())} of {len(some)}':>{width}}{some.mean():>+7.1f}"
        lines.append(f"{name:{wide}}{cells}")
    return "\n".join(lines)


# Where it is

FACT = ("The capital of Japan is", "Japan", " Tokyo")
TRACED = (CHAT.replace("{}", f"{ASKED}How are you today?"), "French", "Je")


@dataclass(frozen=True, eq=False)
class Places:
    """Two causal traces of states: of a fact, and of the language of an answer. names, and shares of the clean run's
    lead over the noise that each cell brings back, (positions, layers) each; tokens of each"""

    names: tuple[str, ...]
    tokens: tuple[tuple[str, ...], ...]
    shares: tuple[Floats, ...]

    def table(self) -> str:
        """Before the prompt's last token: cells that bring back a quarter or more, at how many tokens, and the best;
        over all tokens: layers in which no single state brings back a quarter."""
        lines = [f"{'':10}{'cells of':>10}{'a quarter':>11}{'tokens':>8}{'best':>7}{'layers without':>16}   best at"]
        for name, tokens, share in zip(self.names, self.tokens, self.shares, strict=True):
            inner = share[:-1]
            strong = inner >= QUARTER
            position, layer = np.unravel_index(inner.argmax(), inner.shape)
            where = f"{tokens[position]}, layer {layer}"
            lines.append(
                f"{name:10}{inner.size:>10}{int(strong.sum()):>11}{int(strong.any(1).sum()):>8}"
                f"{inner.max():>7.2f}{int((share.max(0) < QUARTER).sum()):>16}   {where}"
            )
        return "\n".join(lines)

    def plot(self) -> Figure:
        import matplotlib.pyplot as plt

        heights = [len(tokens) for tokens in self.tokens]
        figure, panels = plt.subplots(
            len(self.names), 1, figsize=(6.4, 0.9 + 0.22 * sum(heights)), height_ratios=heights, layout="constrained"
        )
        for axes, name, tokens, share in zip(panels, self.names, self.tokens, self.shares, strict=True):
            drawn = axes.imshow(share, vmin=0, vmax=1, cmap="Blues", aspect="auto")
            axes.set_yticks(range(len(tokens)), [token.replace("\n", "\u21b5") for token in tokens], fontsize=7)
            axes.set(title=name, xlabel="layer")
        figure.colorbar(drawn, ax=panels, label="share brought back", shrink=0.6)
        return figure


def places_of(lm: LanguageModel, *, samples: int = 4) -> Places:
    """The fact's trace, and that of the one word that asks for French."""
    names, tokens, shares = ("a fact", "language"), [], []
    for prompt, subject, target in (FACT, TRACED):
        found = causal_trace(lm, prompt, subject=subject, target=target, samples=samples, progress=False, confirm=True)
        tokens.append(found.tokens)
        shares.append(found.effects / (found.clean - found.corrupted.mean()))
    return Places(names, tuple(tokens), tuple(shares))
