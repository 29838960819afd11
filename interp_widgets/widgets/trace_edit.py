"""From a causal trace to an edit: the fact that was traced, with another answer."""

from __future__ import annotations

from interp_widgets.editing.evaluating.ripple import has_checks, with_checks
from interp_widgets.editing.fact import Fact
from interp_widgets.errors import ArgumentError
from interp_widgets.locate.trace_payload import occurrence
from interp_widgets.locate.trace_result import TraceResult


def why_not(result: TraceResult) -> str:
    """Why the traced fact cannot be edited; "" if it can."""
    prompt = result.provenance.prompt
    if not isinstance(prompt, str):
        return "the prompt is a chat or token ids; trace it as a text, and edit that"
    if "{}" in prompt:
        return "the prompt holds {}, which stands for the subject in a fact"
    if not result.provenance.fingerprint:
        return "the activations were saved elsewhere, so there is no model to edit"
    return ""


def fact_of(result: TraceResult, answer: str) -> Fact:
    """The traced fact with a new answer; the traced target is the original one. Where the package has checks for such a
    fact it gets them, so that the diff shows more than the fact.

    answer: with or without its leading space: it gets one where the traced target has one. Raises ArgumentError.
    """
    reason = why_not(result)
    if reason:
        raise ArgumentError(f"prompt={result.provenance.prompt!r} cannot be edited from here: {reason}")
    if not isinstance(answer, str) or not answer.strip():
        raise ArgumentError(f"target={answer!r}: write the new answer, such as 'Canberra'")
    prompt, subject = str(result.provenance.prompt), result.subject.strip()
    places = [i for i in range(len(prompt)) if prompt.startswith(subject, i)]
    start = places[occurrence(result) or 0]
    template = f"{prompt[:start]}{{}}{prompt[start + len(subject) :]}"
    fact = Fact(template, subject=subject, target=spaced(answer, result.target), original=result.target)
    return with_checks(fact) if has_checks(fact) else fact


def spaced(answer: str, original: str) -> str:
    """With the space in front that the original answer has."""
    space = original[: len(original) - len(original.lstrip(" "))]
    return answer if answer.startswith(" ") else space + answer
