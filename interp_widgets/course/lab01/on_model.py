"""Exercises 6 to 8: the number to explain, completeness on a language model, and the same by captum.

References: the model's own states and head (exercise 6), the package's own integral (7) and `iw.attribute` (8), which
are themselves tested against captum and closed forms.  Cases run on a tiny random model in float64, one of exercise 7
on the default model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from interp_widgets.attribution.api import attribute
from interp_widgets.attribution.integrated_gradients import integrate
from interp_widgets.course.compare import Miss
from interp_widgets.course.default_model import default_lm
from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.tiny_model import tiny_lm
from interp_widgets.models.question import Question, ask

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

PROMPT, TARGET, FOIL = "The capital of Australia is", " Canberra", " Sydney"
STEPS = 50  # the textbook's
_TOKENS = 5
_LEAST_WORD = 2  # below are <unk> and <end>


def _ids(rng: np.random.Generator, lm: LanguageModel, tokens: int) -> list[int]:
    return [int(i) for i in rng.integers(_LEAST_WORD, len(lm.tokenizer), tokens)]


def _two_words(rng: np.random.Generator, lm: LanguageModel) -> list[int]:
    return [int(i) for i in rng.choice(np.arange(_LEAST_WORD, len(lm.tokenizer)), 2, replace=False)]


# Exercise 6


def _embedded(rng: np.random.Generator) -> Arguments:
    lm = tiny_lm()
    embeddings = torch.as_tensor(rng.normal(size=(3, _TOKENS, lm.architecture.width)))
    return lm, embeddings, *_two_words(rng, lm)


def _logits(lm: LanguageModel, embeddings: Tensor, position: int = -1) -> Tensor:
    """(rows, vocabulary) at one position, by the state and the head rather than by the whole model."""
    with torch.no_grad():
        return lm.head(lm.hidden(embeds=embeddings)[:, position])


def _lead(lm: LanguageModel, embeddings: Tensor, target: int, foil: int, position: int = -1) -> Tensor:
    logits = _logits(lm, embeddings, position)
    return logits[:, target] - logits[:, foil]


def _differentiable(value: Any, lm: LanguageModel, embeddings: Tensor, target: int, foil: int) -> None:
    if not value.requires_grad:
        raise Miss(
            "the score has lost its gradient: no .item(), no .detach(), no torch.no_grad()", mistake="no-gradient"
        )


SCORE = Exercise(
    id="lab01-q6",
    title="The number to explain",
    difficulty=2,
    minutes=12,
    signature="lead(lm, embeddings, target, foil)",
    cases=(
        Case(
            name="three prompts of five tokens, given as embeddings",
            points=2,
            arguments=_embedded,
            expected=_lead,
            judge=_differentiable,
            hint="The logit of the target less the logit of the foil, at the last position, one number for each row.",
        ),
    ),
    mistakes=(
        Mistake(
            name="no-gradient",
            hint="Its gradient will be needed along the path: keep it a tensor, and compute it with gradients on.",
        ),
        Mistake(
            name="no-foil",
            hint="The foil is not in it: why the target *rather than* the foil is the difference of their logits.",
            answer=lambda lm, embeddings, target, foil: _logits(lm, embeddings)[:, target],
        ),
        Mistake(
            name="wrong-sign",
            hint="Target and foil are exchanged.",
            answer=lambda lm, embeddings, target, foil: -_lead(lm, embeddings, target, foil),
        ),
        Mistake(
            name="first-position",
            hint="These are the logits after the first token. The answer follows the last one: position −1.",
            answer=lambda lm, embeddings, target, foil: _lead(lm, embeddings, target, foil, 0),
        ),
        Mistake(
            name="off-by-one",
            hint="One position too early: the logits at position −1 are those for the token that comes after the"
            " prompt.",
            answer=lambda lm, embeddings, target, foil: _lead(lm, embeddings, target, foil, -2),
        ),
        Mistake(
            name="probability",
            hint="These are probabilities. Softmax squeezes them where the model is sure; take the logits.",
            answer=lambda lm, embeddings, target, foil: (
                _logits(lm, embeddings).softmax(-1)[:, target] - _logits(lm, embeddings).softmax(-1)[:, foil]
            ),
        ),
        Mistake(
            name="mean-over-rows",
            hint="All rows were put into one number. Each row is a point of the path and needs its own.",
            answer=lambda lm, embeddings, target, foil: _lead(lm, embeddings, target, foil).mean(),
        ),
    ),
    hints=(
        "`lm.model(inputs_embeds=embeddings).logits` has the shape (rows, tokens, vocabulary).",
        "`[:, -1]` picks the last position of every row, `[:, -1, target]` the target's logit there.",
    ),
)

# Exercise 7


def _question(lm: LanguageModel, ids: list[int], target: int) -> Question:
    return ask(lm, lm.encode(ids), target, None)


def _sums(
    lm: LanguageModel, ids: list[int], target: int, baseline: Tensor, steps: int, quadrature: str = "midpoint"
) -> dict[str, float]:
    path = integrate(
        _question(lm, ids, target),
        baseline[None],
        steps=steps,
        quadrature=quadrature,
        batch_size=10,
        advance=lambda done: None,
    )
    return {"sum": float(path.scores.sum()), "due": path.due}


def _mean_of_scores(lm: LanguageModel, ids: list[int], target: int, baseline: Tensor, steps: int) -> dict[str, float]:
    sums = _sums(lm, ids, target, baseline, steps)
    return {"sum": sums["sum"] / lm.architecture.width, "due": sums["due"]}


def _on_tiny(rng: np.random.Generator) -> Arguments:
    lm = tiny_lm()
    return lm, _ids(rng, lm, _TOKENS), _two_words(rng, lm)[0], int(rng.integers(6, 12))


def _from_anywhere(rng: np.random.Generator) -> Arguments:
    lm, ids, target, steps = _on_tiny(rng)
    return lm, ids, target, torch.as_tensor(rng.normal(size=(_TOKENS, lm.architecture.width))), steps


def _on_default(rng: np.random.Generator) -> Arguments:
    lm = default_lm()
    ids = lm.encode(PROMPT).ids.tolist()
    return lm, ids, int(lm.encode(TARGET).ids[0]), torch.zeros(len(ids), lm.architecture.width), STEPS


MEASURE = Exercise(
    id="lab01-q7",
    title="The gap on a model",
    difficulty=3,
    minutes=20,
    signature="measure(lm, ids, target, baseline, steps)",
    cases=(
        Case(
            name="a tiny random model, from a random baseline",
            points=2,
            arguments=_from_anywhere,
            expected=_sums,
            relative=1e-5,
            hint="Both for the logit of the target alone, from the baseline given, with the middles of the steps.",
        ),
        Case(
            name="the default model, from zero, 50 steps",
            points=1,
            arguments=_on_default,
            expected=_sums,
            relative=0.02,  # float32, and the path begins where the model is singular
            hint="If the tiny model is right and this is not: are all numbers of one dtype, and was lm changed?",
        ),
    ),
    mistakes=(
        Mistake(
            name="no-baseline",
            hint="Your 'due' is the target's logit at the prompt. What is due is that less the logit at the baseline.",
            answer=lambda lm, ids, target, baseline, steps: {
                "sum": _sums(lm, ids, target, baseline, steps)["sum"],
                "due": _question(lm, ids, target).value,
            },
        ),
        Mistake(
            name="mean-not-sum",
            hint="The sum is over all tokens and the whole width; a mean over the width is too small by that factor.",
            answer=_mean_of_scores,
        ),
        Mistake(
            name="right-ends",
            hint="The sum is that of the right ends of the steps. Take the middles, as in exercise 2.",
            answer=lambda lm, ids, target, baseline, steps: _sums(lm, ids, target, baseline, steps, "riemann"),
        ),
        Mistake(
            name="zero-baseline",
            hint="The path starts at zeros, whatever baseline is given.",
            answer=lambda lm, ids, target, baseline, steps: _sums(lm, ids, target, torch.zeros_like(baseline), steps),
        ),
    ),
    hints=(
        "`lm.embed(torch.tensor([ids]))` gives the embeddings, (1, tokens, width); the baseline is (tokens, width).",
        "Your function of exercise 5 can do the work: f takes a batch of embeddings and gives the target's logits.",
        "Return `{'sum': float(scores.sum()), 'due': float(f(x[None])[0] - f(baseline[None])[0])}`.",
    ),
    seconds=60.0,
)

# Exercise 8


def _by_attribute(
    lm: LanguageModel, ids: list[int], target: int, steps: int, baseline: str = "eos"
) -> tuple[Tensor, float]:
    result = attribute(lm, ids, target, method="integrated_gradients", steps=steps, baseline=baseline)
    return torch.tensor(result.scores), float(result.scores.sum() - result.diagnostics["due"])


def _token_zero(lm: LanguageModel, ids: list[int], target: int, steps: int) -> tuple[Tensor, float]:
    """What captum does when it is given no baseline: token 0 of the vocabulary everywhere."""
    return _by_attribute(lm, ids, target, steps, f"text:{lm.tokenizer.convert_ids_to_tokens(0)}")


def _mean_over_width(lm: LanguageModel, ids: list[int], target: int, steps: int) -> tuple[Tensor, float]:
    scores, delta = _by_attribute(lm, ids, target, steps)
    return scores / lm.architecture.width, delta


def _delta_turned(lm: LanguageModel, ids: list[int], target: int, steps: int) -> tuple[Tensor, float]:
    scores, delta = _by_attribute(lm, ids, target, steps)
    return scores, -delta


CAPTUM = Exercise(
    id="lab01-q8",
    title="The same by captum",
    difficulty=2,
    minutes=15,
    signature="captum_scores(lm, ids, target, steps)",
    cases=(
        Case(
            name="a tiny random model, end-of-text as baseline",
            points=3,
            arguments=_on_tiny,
            expected=_by_attribute,
            relative=1e-6,
            absolute=1e-6,  # captum's path points are float32
            hint="Scores for each token (summed over the width), and captum's own convergence delta.",
        ),
    ),
    mistakes=(
        Mistake(
            name="token-zero",
            hint="No baseline was given, and captum then takes token 0 of the vocabulary, not zeros and not"
            " end-of-text."
            " Give baselines=.",
            answer=_token_zero,
        ),
        Mistake(
            name="mean-not-sum",
            hint="The mean over the width was taken: completeness holds for the sum.",
            answer=_mean_over_width,
        ),
        Mistake(
            name="wrong-sign",
            hint="The scores are right and the delta has the wrong sign: it is the sum of the scores less what is due.",
            answer=_delta_turned,
        ),
        Mistake(
            name="zero-embedding",
            hint="The baseline is a zero embedding; here the end-of-text token is asked for, as token ids.",
            answer=lambda lm, ids, target, steps: _by_attribute(lm, ids, target, steps, "zero"),
        ),
    ),
    hints=(
        "`LayerIntegratedGradients(forward, lm.model.get_input_embeddings())`, where `forward(ids)` gives the logits at"
        " the last position, (rows, vocabulary).",
        "`attribute(inputs, baselines=..., target=target, n_steps=steps, return_convergence_delta=True)`.",
        "The attributions have the shape (1, tokens, width); delta has one number for each row.",
    ),
)

ON_MODEL = (SCORE, MEASURE, CAPTUM)
