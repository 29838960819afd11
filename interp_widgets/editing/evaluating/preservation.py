"""What an edit must not take away: a thousand facts that the unedited model gets right.

A fact counts as known if its true answer is above four others of the same type, by log-probability a token; guessing
gives one in five.  The questions come from a library of country data (`country_facts`).  A suite belongs to a model: it
is made once, without any intervention, and kept in the user's cache, so that every edit is held against the same facts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.editing.editors.in_context import InContext
from interp_widgets.editing.evaluating.country_facts import WRONG, Question, country_questions
from interp_widgets.editing.evaluating.preservation_result import Preservation, judge
from interp_widgets.errors import ArgumentError, FingerprintMismatchError
from interp_widgets.models.answers import score_answers
from interp_widgets.models.cache import cache_dir
from interp_widgets.models.hooks import Snapshot
from interp_widgets.models.kept import Kept
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost, allow
from interp_widgets.results.provenance import Verdict, provenance_of

if TYPE_CHECKING:
    from interp_widgets.interventions.base import Intervention
    from interp_widgets.models.language_model import LanguageModel

SIZE = 1000
CHANCE = 1 / (WRONG + 1)
KIND, VERSION = "preservation suite", 1
_LETTERS = 4  # of a token, for estimates


@dataclass(frozen=True)
class PreservationSuite:
    """questions: those that the model of this fingerprint gets right, in an order that belongs to the seed
    tried, right: by kind of question, how many there were, and how many it got right; `questions` may be fewer"""

    fingerprint: str
    questions: tuple[Question, ...]
    tried: dict[str, int]
    right: dict[str, int]
    seed: int

    def __len__(self) -> int:
        return len(self.questions)

    @property
    def lucky(self) -> float:
        """The share of the questions that the model got right and would get right by guessing, if it guesses where it
        does not know: (1 - k) / 5 over right, with k the share that it knows, right = k + (1 - k) / 5."""
        right = sum(self.right.values()) / sum(self.tried.values())
        known = max((right - CHANCE) / (1 - CHANCE), 0.0)
        return (1 - known) * CHANCE / right if right else 0.0

    def __repr__(self) -> str:
        right, tried = sum(self.right.values()), sum(self.tried.values())
        return (
            f"<PreservationSuite: {len(self)} facts, of {right} that the model gets right of {tried} asked"
            f" ({right / tried:.0%}; guessing gives {CHANCE:.0%})>"
        )


def preservation_suite(
    lm: LanguageModel,
    *,
    size: int = SIZE,
    questions: Sequence[Question] | None = None,
    seed: int = 0,
    refit: bool = False,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> PreservationSuite:
    """Facts that the model gets right without any intervention, from the user's cache or found now.

    Parameters
    ----------
    size: how many at most; a model that knows fewer gives fewer
    questions: candidates; by default some 2,600 about countries
    seed: of the wrong answers, and of the order
    refit: ask again also where the cache has it

    Raises
    ------
    ArgumentError, MissingPackageError, TooCostlyError, NonFiniteError, DiskFullError, Cancelled
    """
    if size < 1:
        raise ArgumentError(f"size={size}: at least one fact")
    asked = country_questions(seed) if questions is None else list(questions)
    if not asked:
        raise ArgumentError("questions is empty; give some, or leave it out for those about countries")
    depends = [lm.fingerprint, seed, VERSION, [asdict(one) for one in asked]]
    kept = Kept.within(cache_dir() / "preservation", KIND, VERSION, depends)
    known = None if refit else kept.find(_read)
    if known is None:
        allow(_cost(lm, asked), confirm, "Give fewer questions=[...]")
        with Bar(progress) as bar, lm.run(cancel=cancel, snapshot=Snapshot((), lm.architecture)):
            means, _ = _scores(lm, asked, "", batch_size, cancel, bar.advance)
        good = means[:, 0] > means[:, 1:].max(1)
        known = PreservationSuite(
            lm.fingerprint,
            tuple(one for one, is_right in zip(asked, good, strict=True) if is_right),
            _tally(asked, np.ones(len(asked), bool)),
            _tally(asked, good),
            seed,
        )
        kept.write(asdict(known), {"right": good})
    return PreservationSuite(known.fingerprint, known.questions[:size], known.tried, known.right, seed)


def estimate_preservation_suite(
    lm: LanguageModel, *, questions: Sequence[Question] | None = None, seed: int = 0, **_: object
) -> Cost:
    """What `preservation_suite` would cost where the cache does not have it; runs nothing."""
    return _cost(lm, country_questions(seed) if questions is None else questions)


def preserved(
    lm: LanguageModel,
    edit: Intervention | InContext | None = None,
    suite: PreservationSuite | None = None,
    *,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> Preservation:
    """How many facts of the suite the model still gets right, with all that is active and with `edit`.

    edit: need not be active; None: only what is active. suite: by default `preservation_suite(lm)`

    Raises ArgumentError: an empty suite; FingerprintMismatchError: another model's; TooCostlyError, NonFiniteError,
    Cancelled.
    """
    chosen = preservation_suite(lm, confirm=confirm, cancel=cancel, progress=progress) if suite is None else suite
    if chosen.fingerprint != lm.fingerprint:
        raise FingerprintMismatchError(
            f"the suite was made for a model with fingerprint {chosen.fingerprint[:12]}; {lm.name} has"
            f" {lm.fingerprint[:12]}. Make one for it: iw.editing.preservation_suite(lm)"
        )
    if not chosen.questions:
        raise ArgumentError("suite: this model gets none of the questions right, so nothing can be lost")
    allow(_cost(lm, chosen.questions), confirm, "Take a smaller suite")
    began = time.perf_counter()
    told = edit.told if isinstance(edit, InContext) else ""
    acting = () if edit is None or isinstance(edit, InContext) else (edit,)
    for one in acting:
        one.check(lm.architecture)
    with lm.run(cancel=cancel) as run, Bar(progress) as bar:
        others = tuple(change for change in run.snapshot.changes if change is not edit)
        with lm.run(snapshot=Snapshot((*others, *acting), lm.architecture)):
            means, passes = _scores(lm, chosen.questions, told, batch_size, cancel, bar.advance)
        beside = Snapshot(others, lm.architecture).names
    first = chosen.questions[0]
    fields: dict[str, Any] = {
        "edit": edit.name if edit is not None else ", ".join(beside) or "nothing",
        "kinds": tuple(one.kind for one in chosen.questions),
        "prompts": tuple(one.prompt for one in chosen.questions),
        "answers": tuple(one.answer for one in chosen.questions),
        "instead": tuple(one.wrong[int(row[1:].argmax())] for one, row in zip(chosen.questions, means, strict=True)),
        "answer": means[:, 0],
        "best_wrong": means[:, 1:].max(1),
        "provenance": provenance_of(
            lm,
            first.prompt,
            bos=lm.encode(first.prompt).bos,
            interventions=beside,
            seed=chosen.seed,
            batch_size=batch_size or 1,
            forward_passes=passes,
            seconds=time.perf_counter() - began,
        ),
    }
    return Preservation(**fields, verdict=judge(Preservation(**fields, verdict=Verdict("caution", ""))))


def _scores(
    lm: LanguageModel,
    questions: Sequence[Question],
    told: str,
    batch_size: int | None,
    cancel: threading.Event | None,
    advance: Callable[[int, int, str], None],
) -> tuple[NDArray[np.float64], int]:
    """Log-probability a token, (questions, 1 + wrong answers), the true one first; and the forward passes."""
    wrong = next((one for one in questions if len(one.wrong) != WRONG), None)
    if wrong is not None:
        raise ArgumentError(f"questions: {wrong.prompt!r} has {len(wrong.wrong)} wrong answers; give {WRONG}")
    pairs = [(told + one.prompt, answer) for one in questions for answer in (one.answer, *one.wrong)]
    found = score_answers(lm, pairs, batch_size=batch_size, cancel=cancel, advance=advance)
    return found.mean.reshape(-1, 1 + WRONG), found.forward_passes


def _tally(questions: Sequence[Question], chosen: NDArray[np.bool_]) -> dict[str, int]:
    kinds = dict.fromkeys(one.kind for one in questions)
    of = np.asarray([one.kind for one in questions])
    return {kind: int((chosen & (of == kind)).sum()) for kind in kinds}


def _cost(lm: LanguageModel, questions: Sequence[Question]) -> Cost:
    letters = sum(len(one.prompt) + len(answer) for one in questions for answer in (one.answer, *one.wrong))
    # Of five answers, two texts are left on average: most answers are one token long and share the prompt's.
    return Cost(
        2 * len(questions), 0.4 * letters / _LETTERS * lm.seconds_per_token, 64 * lm.architecture.vocabulary * 12
    )


def _read(document: dict[str, Any], _: object) -> PreservationSuite:
    asked = [Question(**{**one, "wrong": tuple(one["wrong"])}) for one in document.pop("questions")]
    return PreservationSuite(questions=tuple(asked), **document)
