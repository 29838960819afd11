"""Integrated gradients as a registered method: the integral, its completeness, and what that says."""

from __future__ import annotations

from interp_widgets.attribution.diagnostics import (
    CAUTION_ERROR,
    completeness_error,
    deletion,
    deletion_rows,
    verdict_of_path,
)
from interp_widgets.attribution.integrated_gradients import TEXT, baseline_embeds, integrate
from interp_widgets.attribution.registry import Method, Scores, Work, register
from interp_widgets.attribution.target import Question


def _run(question: Question, work: Work) -> Scores:
    steps = int(work.settings["steps"])
    tests = deletion_rows(len(question.prompt))
    total_work = steps + tests
    baseline, note = baseline_embeds(question.lm, len(question.prompt), work.settings["baseline"])
    path = integrate(
        question,
        baseline,
        steps=steps,
        quadrature=work.settings["quadrature"],
        batch_size=work.batch_size,
        advance=lambda done: work.advance(done, total_work, "integrating along the path"),
    )
    error = completeness_error(path.scores, path.due)
    total = float(path.scores.sum())
    diagnostics = {"sum": total, "due": path.due, "completeness_error": error}
    notes = [note] if note else []
    test = None
    if error <= CAUTION_ERROR:  # an integral that has not converged needs no further test
        test = deletion(
            question,
            path.scores,
            seed=work.seed,
            batch_size=(batch := 4 * path.batch_size),  # without a way back four times as many rows fit
            advance=lambda done: work.advance(steps + done, total_work, "testing the order by deletion"),
        )
        if test.batch_size < batch:
            notes.append(f"memory was short: batch size {batch} of the deletion test halved to {test.batch_size}")
        diagnostics |= {
            "deletion_drop": test.drop,
            "deletion_drop_random": test.random_mean,
            "deletion_z": test.z,
        }
    work.advance(total_work, total_work, "done")
    test_passes = test.forward_passes if test is not None else 0
    return Scores(
        scores=path.scores,
        diagnostics=diagnostics,
        verdict=verdict_of_path(total, path.due, error, test, question.unit, _advice(question, work)),
        forward_passes=path.forward_passes + test_passes,
        batch_size=path.batch_size,
        test_passes=test_passes,
        notes=tuple(notes),
    )


def _advice(question: Question, work: Work) -> list[str]:
    advice = []
    norm = type(question.lm.architecture.final_norm).__name__
    if "RMS" in norm and work.settings["baseline"] == "zero":
        advice.append(
            "This model divides by the size of its hidden state (RMSNorm), and a zero baseline has size zero: the path"
            " starts at a singularity, where gradients are huge, and more steps help little."
        )
    if not work.settings["baseline"].startswith(TEXT):
        advice.append(
            "A baseline of real text that differs from the prompt in few words keeps clear of such places and converges"
            " more often: baseline='text:...'. It then explains that difference only."
        )
    advice.append(
        "What to use instead: look at what the model does, not at its gradient. Change one word of the prompt at a"
        " time and compare lm.next_token(prompt); a word that matters moves the probability of the target."
    )
    return advice


INTEGRATED_GRADIENTS = register(
    Method(
        name="integrated_gradients",
        label="integrated gradients",
        settings=("baseline", "steps", "quadrature"),
        gradient=True,
        cost="steps + 2 forward, steps backward; up to 105 more forward to test the order where the integral converges",
        promises="completeness: scores sum to the difference between prompt and baseline, if the integral converges",
        source="Sundararajan, Taly and Yan 2017, equation 1",
        passes=lambda tokens, steps, each: ((steps + 1) * each, deletion_rows(tokens) * each),
        run=_run,
    )
)
