"""`iw.cot_faithfulness`: is the written reasoning what the model used?

1. The model reasons about each question and answers, and answers without reasoning beside it.
2. The reasoning is cut after each sentence, each sentence is struck, mistakes are put in, it is put in other words, it
   is replaced by fillers; after each the answer is asked for again (Lanham et al. 2023).
3. A cue that favours an option is added, and the reasoning is searched for an admission of it (Turpin et al. 2023).
4. Areas, shares and intervals follow from the records of all that was asked, and from them a verdict.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.faithfulness.asking import Backend
from interp_widgets.faithfulness.questions import Question, as_questions
from interp_widgets.faithfulness.records import CUES, TESTS, Record
from interp_widgets.faithfulness.result import FaithfulnessResult
from interp_widgets.faithfulness.run import GROUP, Settings, amount, run_group
from interp_widgets.faithfulness.verdict import judge
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost
from interp_widgets.results.provenance import Verdict

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

WRITERS = ("rules", "model")
Given = Sequence[Question] | Sequence[dict[str, Any]] | str


def cot_faithfulness(
    lm_or_backend: LanguageModel | Backend,
    questions: Given = "all",
    *,
    tests: Sequence[str] = TESTS,
    strike: bool = True,
    places: int = 3,
    writer: str = "rules",
    max_tokens: int = 120,
    temperature: float = 0.0,
    lens: bool | None = None,
    attribution: bool = False,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> FaithfulnessResult:
    """Test whether answers depend on the reasoning that is written before them.

    Parameters
    ----------
    lm_or_backend: a LanguageModel, a `LocalBackend`, a `ServerBackend`, or anything with the members of `Backend`
    questions: `iw.faithfulness.Question`s, mappings with their fields, or the name of a set of the package: "all",
        "arithmetic", "common_sense", "logic"; files are read by `iw.faithfulness.load_questions`
    tests: of "early_answering", "adding_mistakes", "paraphrasing", "filler_tokens" (these by default),
        "suggested_answer", "always_a"
    strike: also leave out each sentence alone, which tells the share that is necessary
    places: at how many sentences of each reasoning a mistake is added, and up to how many it is put in other words;
        spread evenly, the first and the last among them
    writer: who writes mistakes and other words: "rules" of this package, which do the same to every model, or the
        "model" itself under instruction, with the rules where it fails to; `result.written_by` tells
    max_tokens: of a reasoning; temperature: of its sampling, 0 for greedy
    lens, attribution: only with a local model: was the answer there before the reasoning (by default yes), and which
        sentences the answer comes from (by default no: some 10 to 30 passes a question)
    seed, batch_size, progress, cancel, confirm: as in `iw.attribute`; batch_size only for a LanguageModel

    Returns
    -------
    FaithfulnessResult: `.aoc` and `.curves` by test with 95 % intervals (bootstrap over questions), `.necessary`,
    `.accuracy` with and without reasoning, `.cues`, `.parse_failures`, `.records`, `.verdict`

    Raises
    ------
    ArgumentError (a question without options, a name that is not known), TooCostlyError, PromptTooLongError,
    NonFiniteError, ServerError, Cancelled
    """
    backend = as_backend(lm_or_backend, batch_size)
    asked = as_questions(questions)
    how = _settings(tests, strike, places, writer, max_tokens, temperature, seed)
    inside = _inside(backend, lens, attribution)
    cost = backend.cost(amount(asked, how, exact=backend.exact))
    backend.allow(cost, confirm)
    began = time.perf_counter()
    records: list[Record] = []
    total = _units(asked, how, backend)
    done = 0

    with Bar(progress) as bar, backend.opened(cancel):

        def advance(rows: int) -> None:
            nonlocal done
            done += rows
            at = f"questions {len(records) + 1} to {min(len(records) + GROUP, len(asked))}"
            bar.advance(min(done, total), total, at)

        for start in range(0, len(asked), GROUP):
            group = list(enumerate(asked[start : start + GROUP], start))
            found = run_group(backend, group, how, advance)
            if any(inside):
                from interp_widgets.faithfulness.inside import look_inside

                found = look_inside(backend, found, lens=inside[0], attribution=inside[1], seed=seed, cancel=cancel)
            records += found
        bar.finish("done")
    return result_of(backend, records, how, asked[0].question, time.perf_counter() - began)


def estimate_cot_faithfulness(
    lm_or_backend: LanguageModel | Backend,
    questions: Given = "all",
    *,
    tests: Sequence[str] = TESTS,
    strike: bool = True,
    places: int = 3,
    writer: str = "rules",
    max_tokens: int = 120,
    temperature: float = 0.0,
    seed: int = 0,
    batch_size: int | None = None,
    **_: object,
) -> Cost:
    """What `cot_faithfulness` with the same arguments would cost, without what the caches already have; runs nothing.
    Of a server it is calls and tokens."""
    backend = as_backend(lm_or_backend, batch_size)
    how = _settings(tests, strike, places, writer, max_tokens, temperature, seed)
    return backend.cost(amount(as_questions(questions), how, exact=backend.exact))


def as_backend(given: LanguageModel | Backend, batch_size: int | None = None) -> Backend:
    """A LanguageModel becomes a `LocalBackend`; a backend stays itself. Raises ArgumentError for anything else."""
    if isinstance(given, Backend):
        return given
    if hasattr(given, "ledger") and hasattr(given, "tokenizer"):
        from interp_widgets.faithfulness.local import LocalBackend

        return LocalBackend(given, batch_size=batch_size)
    raise ArgumentError(
        f"lm_or_backend={given!r}: a LanguageModel, iw.faithfulness.LocalBackend(lm),"
        " iw.faithfulness.ServerBackend(base_url, model), or an object with the members of iw.faithfulness.Backend"
    )


def result_of(
    backend: Backend, records: Sequence[Record], how: Settings, prompt: str, seconds: float
) -> FaithfulnessResult:
    """The result of what was asked and answered, with its verdict."""
    fields: dict[str, Any] = {
        "tests": how.tests,
        "settings": {name: value for name, value in asdict(how).items() if name not in ("tests", "seed")},
        "records": tuple(records),
        "provenance": backend.provenance(prompt=prompt, seed=how.seed, seconds=seconds, notes=()),
    }
    unjudged = FaithfulnessResult(**fields, verdict=Verdict("caution", ""))
    return FaithfulnessResult(**fields, verdict=judge(unjudged))


def _settings(
    tests: Sequence[str], strike: bool, places: int, writer: str, max_tokens: int, temperature: float, seed: int
) -> Settings:
    names = (*TESTS, *CUES)
    given = (tests,) if isinstance(tests, str) else tuple(tests)
    for name in given:
        if name not in names:
            raise not_one_of("tests", name, names)
    if not given and not strike:
        raise ArgumentError("tests is empty and strike=False: nothing would be tested")
    if writer not in WRITERS:
        raise not_one_of("writer", writer, WRITERS)
    if places < 1 or max_tokens < 1:
        raise ArgumentError(f"places={places}, max_tokens={max_tokens}: at least 1 of each")
    if not 0 <= temperature < float("inf"):
        raise ArgumentError(f"temperature={temperature}: 0 (greedy) or more")
    ordered = tuple(name for name in names if name in given)
    return Settings(ordered, strike, places, writer, max_tokens, temperature, seed)


def _inside(backend: Backend, lens: bool | None, attribution: bool) -> tuple[bool, bool]:
    local = getattr(backend, "lm", None) is not None
    if not local and (lens or attribution):
        raise ArgumentError(
            f"lens={lens}, attribution={attribution}: only a model in memory can be looked into, and {backend.name} is"
            " asked from outside; load it with iw.load_model"
        )
    return (local if lens is None else lens), attribution


def _units(questions: Sequence[Question], how: Settings, backend: Backend) -> int:
    guess = amount(questions, how, exact=backend.exact)
    return max(guess.texts + guess.choices, 1)
