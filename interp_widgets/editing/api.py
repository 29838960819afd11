"""`iw.edit`: make the model answer a fact, or many, differently."""

from __future__ import annotations

import dataclasses
import threading
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from interp_widgets.editing.edit import Edit
from interp_widgets.editing.evaluating.alarm import alarm_of, watch
from interp_widgets.editing.evaluating.thresholds import Alarm
from interp_widgets.editing.fact import Fact
from interp_widgets.editing.published import published
from interp_widgets.editing.registry import Editor, Job, editor_of
from interp_widgets.errors import ArgumentError
from interp_widgets.models.answers import score_answers
from interp_widgets.results.bar import Bar, Progress

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


def edit(
    lm: LanguageModel,
    facts: Fact | Sequence[Fact],
    *,
    method: str = "rome",
    layer: int | Sequence[int] | None = None,
    settings: Any = None,
    texts: Sequence[str] | None = None,
    name: str | None = None,
    alarm: Alarm | str | None = "warn",
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
) -> Edit:
    """Edit facts; the edit is active in `lm.ledger` and `undo()` takes it back exactly. The weights are never touched.

    Parameters
    ----------
    method: one of `editing.registry.editing_methods()`
    layer: where; by default the published one of a model that has one (`editing.published`), or the one that known
        facts are traced to, which takes half a minute once for each model (`editing.keys_values.where`)
    settings: the method's own settings object; by default the published ones of the model, or the method's
    texts: behind the key statistics; by default the package's reference text
    name: in the ledger
    alarm: what to do if the edit breaks the model: "warn"; "roll back": it never enters the ledger, and CollapseError
        names what was crossed; an `editing.Alarm` with lines of one's own; None: do not look, which saves a second or
        two. `Edit.alarm` has what was read

    Raises
    ------
    ArgumentError: no facts, contradictory or repeated ones, settings of another method, a weight that cannot be
    overlaid; CollapseError: the alarm went off and rolls back; TargetError, OutOfRangeError, NonFiniteError, Cancelled.
    After an error nothing is applied.
    """
    chosen, listens = check_facts(facts), alarm_of(alarm)
    editor = editor_of(method)
    if settings is not None and not isinstance(settings, editor.settings):
        raise ArgumentError(f"settings={settings!r}: {method} takes a {editor.settings.__name__}")
    known = published(lm, method)
    own = settings or (known.settings if known else editor.settings())
    if layer is None:
        layer = known.layers if known and known.layers else editor.where(lm)
    layers = _layers(lm, editor, layer)
    for one in layers:
        _check_weight(lm, one)
    with Bar(progress) as bar, lm.run(cancel=cancel) as run:
        if score_answers(lm, [(fact.prompt, fact.target) for fact in chosen]).first.all():
            warnings.warn(
                f"{chosen[0].target!r} is the model's first choice already; the edit makes it surer", stacklevel=2
            )
        job = Job(lm, chosen, layers, own, run.snapshot.changes, texts, cancel, bar.advance)
        made = editor.run(job)
        beside = run.snapshot.names
    found = Edit(
        made.parts,
        facts=chosen,
        method=method,
        fingerprint=lm.fingerprint,
        settings={"layers": list(layers), **dataclasses.asdict(own)},
        measured=made.measured,
        keys=made.keys,
        beside=beside,
    )
    if listens is not None:
        found.alarm = watch(lm, found, listens, cancel=cancel)
    lm.ledger.add(found, name=name)
    return found


def check_facts(facts: Fact | Sequence[Fact]) -> tuple[Fact, ...]:
    """Raises ArgumentError: none, not facts, the same question twice (with one answer or with two)."""
    chosen = (facts,) if isinstance(facts, Fact) else tuple(dict.fromkeys(facts))
    if not chosen or not all(isinstance(fact, Fact) for fact in chosen):
        raise ArgumentError(f"facts={facts!r}: give an iw.Fact, or a list of them")
    asked: dict[str, Fact] = {}
    for fact in chosen:
        before = asked.setdefault(fact.prompt, fact)
        if before is not fact:
            told = (
                "twice" if before.target == fact.target else f"with two answers, {before.target!r} and {fact.target!r}"
            )
            raise ArgumentError(f"facts: {fact.prompt!r} is there {told}; leave one out")
    return chosen


def _layers(lm: LanguageModel, editor: Editor, layer: int | Sequence[int]) -> tuple[int, ...]:
    given = (layer,) if isinstance(layer, int) else tuple(layer)
    if not given or (len(given) != 1 and not editor.several):
        raise ArgumentError(
            f"layer={layer!r}: {editor.name} changes {'one or more layers' if editor.several else 'one layer'}"
        )
    return tuple(sorted({lm.architecture.check_layer(one) for one in given}))


def _check_weight(lm: LanguageModel, layer: int) -> None:
    """Quantised weights are no matrices that an overlay could be added to."""
    weight: Any = lm.architecture.down_projection(layer).weight
    if not weight.is_floating_point():
        raise ArgumentError(
            f"layer={layer}: its value matrix is stored as {weight.dtype}, quantised; load the model in floating point"
        )
