"""SHAP's partition explainer (Lundberg and Lee 2017; Owen values over a tree of tokens), fed by our batched answers.

The algorithm is the library's own, with its tree of tokens; `explain` returns its Explanation, for `shap.plots.text`.
What is saved is below it: each set of deleted tokens is computed once, from its first changed token on, with only the
logits that are asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.attribution.registry import Method, Scores, Work, register
from interp_widgets.models.question import Question

MAX_EVALS = 500
Floats = NDArray[np.float64]


class Units:
    """What shap calls a masker: it hands the mask itself on, because we delete tokens, not characters."""

    immutable_outputs = True

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def __call__(self, mask: NDArray[np.bool_], units: Any) -> tuple[NDArray[np.bool_]]:
        return (np.array(mask, dtype=bool)[None],)

    def shape(self, units: Any) -> tuple[int, int]:
        return (1, len(self.names))

    def mask_shapes(self, units: Any) -> list[tuple[int]]:
        return [(len(self.names),)]

    def clustering(self, units: Any) -> Floats:
        from shap.maskers._text import partition_tree

        tree: Floats = partition_tree(_as_words(self.names), [])
        tree[:, 2] = tree[:, 3] / tree[:, 3].max()  # distances by size, as its Text masker sets them
        return tree

    def feature_names(self, units: Any) -> list[list[str]]:
        return [self.names]

    def data_transform(self, units: Any) -> list[list[str]]:
        return [self.names]


def _as_words(names: list[str]) -> list[str]:
    """As shap's Text masker writes tokens for its tree: "##" marks the inner tokens of a word."""
    words: list[str] = []
    for i, name in enumerate(names):
        inner = i > 0 and names[i - 1][-1:].isalnum() and name[:1].isascii() and name[:1].isalpha() and words[i - 1]
        words.append("##" + name.strip() if inner else name.strip())
    return words


def explain(work: Work, max_evals: int) -> Any:
    """shap's Explanation of one prompt: values, base_values, data (unit names), clustering."""
    import shap

    names = list(work.names)

    def answer(kept: NDArray[np.bool_]) -> Floats:
        return work.without(~kept)

    explainer = shap.explainers.Partition(answer, Units(names))
    state = np.random.get_state()  # the library breaks ties with the global generator
    np.random.seed(work.seed)
    try:
        return explainer([" ".join(names)], max_evals=max_evals, silent=True)
    finally:
        np.random.set_state(state)


def _evals(settings: dict[str, Any]) -> int:
    return int(settings["samples"] or MAX_EVALS)


def _run(question: Question, work: Work) -> Scores:
    if len(work.units) == 1:
        gone = np.ones((1, 1), dtype=bool)
        due = question.value - float(work.without(gone)[0])
        return Scores(np.asarray([due]), due=due)
    explanation = explain(work, _evals(work.settings))
    scores = np.asarray(explanation.values[0], dtype=np.float64)
    due = question.value - float(np.ravel(explanation.base_values)[0])
    return Scores(scores, due=due)


PARTITION_SHAP = register(
    Method(
        name="partition_shap",
        label="SHAP, partition explainer",
        settings=("delete", "samples"),
        by_units=True,
        explains="log-probability",
        cost="samples forward (500) or tokens squared, the lesser",
        promises="completeness: scores sum to the difference between the prompt and nothing",
        source="Lundberg and Lee 2017; Owen 1977; computed by the library shap",
        passes=lambda units, settings: min(_evals(settings), units * (units - 1) + 2),
        run=_run,
    )
)
