"""Integrated gradients as a registered method: what may be wrong with it, and what to do."""

from __future__ import annotations

from typing import Any

from interp_widgets.attribution.integrated_gradients import TEXT, baseline_embeds, baseline_ids, integrate
from interp_widgets.attribution.registry import Method, Scores, Work, register
from interp_widgets.models.question import Question


def _run(question: Question, work: Work) -> Scores:
    steps = int(work.settings["steps"])
    baseline, note = baseline_embeds(question.lm, len(question.prompt), work.settings["baseline"])
    path = integrate(
        question,
        baseline,
        steps=steps,
        quadrature=work.settings["quadrature"],
        batch_size=work.batch_size,
        advance=lambda done: work.advance(done, steps, "integrating along the path"),
    )
    return Scores(
        scores=path.scores,
        due=path.due,
        forward_passes=path.forward_passes,
        batch_size=path.batch_size,
        notes=(note,) if note else (),
        test_ways=_ways(question, work),
    )


def _ways(question: Question, work: Work) -> tuple[str, ...] | None:
    """A baseline of real text asks about the difference to it, so the test puts its tokens in place of the prompt's."""
    if not work.settings["baseline"].startswith(TEXT):
        return None
    work.perturber.add_way("baseline", baseline_ids(question.lm, len(question.prompt), work.settings["baseline"])[0])
    return ("baseline",)


def advice(question: Question, settings: dict[str, Any]) -> list[str]:
    said = []
    norm = type(question.lm.architecture.final_norm).__name__
    if "RMS" in norm and settings["baseline"] == "zero":
        said.append(
            "This model divides by the size of its hidden state (RMSNorm), and a zero baseline has size zero: the path"
            " starts at a singularity, where gradients are huge, and more steps help little."
        )
    if not settings["baseline"].startswith(TEXT):
        said.append(
            "A baseline of real text that differs from the prompt in few words keeps clear of such places and converges"
            " more often: baseline='text:...'. It then explains that difference only."
        )
    said.append(
        "What to use instead: method='auto', which deletes tokens and looks at what the model really does, not at its"
        " gradient."
    )
    return said


INTEGRATED_GRADIENTS = register(
    Method(
        name="integrated_gradients",
        label="integrated gradients",
        settings=("baseline", "steps", "quadrature"),
        gradient=True,
        cost="steps + 1 forward, steps backward (50)",
        promises="completeness: scores sum to the difference between prompt and baseline, if the integral converges",
        source="Sundararajan, Taly and Yan 2017, equation 1",
        passes=lambda units, settings: int(settings["steps"]) + 1,
        run=_run,
        advice=advice,
    )
)
