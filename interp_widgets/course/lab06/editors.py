"""The same facts by other editors: fine-tuning within bounds, a codebook, and the fact in the prompt."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

import interp_widgets.editing.api as editing
from interp_widgets.course.lab06.facts import LAYER
from interp_widgets.editing.edit import Edit
from interp_widgets.editing.editors.fine_tuning import FineTuningSettings
from interp_widgets.editing.editors.grace import GraceSettings
from interp_widgets.editing.editors.in_context import InContext
from interp_widgets.editing.fact import Fact
from interp_widgets.editing.keys_values.value import ValueSettings
from interp_widgets.editing.registry import editor_of
from interp_widgets.interventions.codebook import Codebook

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

NARROW, WIDE = 5e-4, 1e-2  # bounds of a weight's change: the published one of ROME's baselines, and one for this model


@contextmanager
def edited(lm: LanguageModel, chosen: Sequence[Fact], method: str, **settings: object) -> Iterator[Edit]:
    """In this block the facts are edited; after it they are not."""
    made = editing.edit(lm, chosen, method=method, alarm=None, progress=False, **settings)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.undo()


def fine_tuned(lm: LanguageModel, chosen: Sequence[Fact], bound: float, *, steps: int = 10) -> Edit:
    """One layer trained on the facts, no weight further than `bound` from where it began; not in the ledger."""
    own = FineTuningSettings(steps=steps, learning_rate=bound, bound=bound)
    with edited(lm, chosen, "fine_tuning", layer=LAYER, settings=own) as made:
        return made


def codebook_of(lm: LanguageModel, chosen: Sequence[Fact], *, steps: int = 40) -> Edit:
    """GRACE at the package's layer; not in the ledger."""
    value = ValueSettings(steps=steps, learning_rate=1.0, clamp=1e6, decay=0.0, kl_factor=0.0)
    with edited(lm, chosen, "grace", settings=GraceSettings(value=value)) as made:
        return made


def untouched(lm: LanguageModel, edit: Edit, chosen: Sequence[Fact]) -> str:
    """At how many neighbours, and at how many paraphrases, the logits are what they were, to the bit."""
    lines = []
    for name, prompts in (
        ("neighbours", [prompt for fact in chosen for prompt, _ in fact.neighbour_answers()]),
        ("paraphrases", [prompt for fact in chosen for prompt in fact.paraphrases]),
    ):
        same = 0
        for prompt in prompts:
            ids = torch.as_tensor(lm.encode(prompt).ids)[None]
            plain = lm.next_logits(ids)
            with lm.using(edit):
                same += int(torch.equal(lm.next_logits(ids), plain))
        lines.append(f"{same} of {len(prompts)} {name} are equal to the bit")
    return "\n".join(lines)


def words_told(lm: LanguageModel, chosen: Sequence[Fact]) -> str:
    """How many tokens facts in the prompt cost, one of them and all."""
    one = statistics.mean(len(lm.encode(InContext([fact]).told)) for fact in chosen)
    return f"tokens ahead of each prompt: {one:.0f} for one fact, {len(lm.encode(InContext(chosen).told))} for all"


# What a codebook costs


def looked_up(lm: LanguageModel, entries: Sequence[int]) -> str:
    """Multiplications a token that books of these sizes add, beside those of the model."""
    own = sum(one.numel() for one in lm.model.parameters())  # each weight once; the head shares the embedding's
    lines = [f"{'entries':>9}{'multiplications a token':>25}{'of the model':>14}"]
    for count in entries:
        added = count * lm.architecture.mlp_width
        lines.append(f"{count:>9,}{added:>25,}{added / own:>14.1%}")
    return "\n".join(lines)


def plot_cost(lm: LanguageModel, entries: Sequence[int], *, tokens: int = 32, turns: int = 5) -> Figure:
    """Time a token on this machine, without a book and with ever larger ones, none of whose entries is asked for."""
    import matplotlib.pyplot as plt

    (layer,) = editor_of("grace").where(lm)
    rng = np.random.default_rng(0)
    ids = torch.as_tensor(rng.integers(100, 1000, (1, tokens)))
    milliseconds = []
    for count in entries:
        keys = rng.normal(size=(max(count, 1), lm.architecture.mlp_width)).astype(np.float32)
        book = Codebook(
            keys, np.zeros((len(keys), lm.architecture.width), np.float32), np.zeros(len(keys)), layer=layer
        )
        with lm.using(*([book] if count else [])):
            lm.next_logits(ids)
            spent = []
            for _ in range(turns):
                began = time.perf_counter()
                lm.next_logits(ids)
                spent.append(time.perf_counter() - began)
        milliseconds.append(1000 * min(spent) / tokens)
    figure, axes = plt.subplots(figsize=(4.8, 2.8), layout="constrained")
    axes.plot(entries, milliseconds, marker="o")
    axes.set(xlabel="entries of the codebook", ylabel="milliseconds a token", ylim=(0, None))
    return figure
