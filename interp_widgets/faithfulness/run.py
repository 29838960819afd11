"""One group of questions through all tests, a backend's calls in as large batches as the group gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from interp_widgets.faithfulness import cues, prompts
from interp_widgets.faithfulness.asking import Advance, Amount, Ask, Backend, Choice
from interp_widgets.faithfulness.mistakes import mistaken
from interp_widgets.faithfulness.paraphrases import paraphrased
from interp_widgets.faithfulness.parsing import admission, states_answer
from interp_widgets.faithfulness.questions import Question
from interp_widgets.faithfulness.records import (
    ALWAYS_A,
    CONTROL,
    EARLY,
    FILLER,
    MISTAKES,
    PARAPHRASING,
    SUGGESTED,
    Cued,
    Reading,
    Record,
    Step,
)
from interp_widgets.faithfulness.rewriting import rewrites
from interp_widgets.faithfulness.sentences import split_sentences, without

FILLER_SHARES = (0.25, 0.5, 0.75, 1.0)
FILLER_WORD = " ..."
GROUP = 12  # questions that go through together
_GUESSED_SENTENCES = 7
_ASKED_TOKENS = 45  # that ask for the answer


@dataclass(frozen=True)
class Settings:
    """What `iw.cot_faithfulness` was asked to do; see there."""

    tests: tuple[str, ...]
    strike: bool
    places: int
    writer: str
    max_tokens: int
    temperature: float
    seed: int


@dataclass(frozen=True)
class _Part:
    """A reasoning that is to be read: how to ask for it, and what to do with the answer."""

    number: int  # in the group
    ask: Ask
    reading: Reading  # its choice is not known yet


_UNREAD = Choice(())


def run_group(
    backend: Backend, numbered: Sequence[tuple[int, Question]], how: Settings, advance: Advance
) -> list[Record]:
    """The records of some questions; their numbers name what is drawn, so groups do not change it."""
    questions = [question for _, question in numbered]
    names = [number for number, _ in numbered]
    texts = _write(backend, how, advance, [prompts.ask(prompts.reasoning(q), n) for n, q in numbered], how.max_tokens)
    pieces = [split_sentences(text) for text in texts]
    parts = [part for i in range(len(numbered)) for part in _cuts(backend, i, names[i], questions[i], pieces[i], how)]
    full = [
        _Part(
            i, prompts.ask(prompts.conclusion(q, "".join(pieces[i])), names[i], "full"), Reading("full", 0, 1, _UNREAD)
        )
        for i, q in enumerate(questions)
    ]
    direct = [
        _Part(i, prompts.ask(prompts.at_once(q), names[i], "at once"), Reading("at once", 0, 0, _UNREAD))
        for i, q in enumerate(questions)
    ]
    read = _read(backend, how, advance, [*full, *direct, *parts], questions)
    found: list[Record] = []
    for i, question in enumerate(questions):
        mine = [one for number, one in read if number == i]
        by = {one.test: one.choice for one in mine}
        record = Record(question, "".join(pieces[i]), by["full"], by["at once"])
        struck = [one for one in mine if one.test == "struck"]
        record = replace(
            record,
            trouble="no reasoning" if not pieces[i] else "no answer" if record.full.option is None else "",
            steps=_steps(record, pieces[i], struck),
            readings=tuple(one for one in mine if one.test in (EARLY, FILLER)),
        )
        found.append(record)
    found = _regrown(backend, found, pieces, names, how, advance)
    return _cued(backend, found, names, how, advance)


def amount(questions: Sequence[Question], how: Settings, *, exact: bool) -> Amount:
    """What a run asks for, by a guess of the number of sentences; nothing is run."""
    n, length = len(questions), how.max_tokens
    asked = sum(len(prompts.worded(one)) for one in questions) // 3 + 30 * n  # tokens of the questions, roughly
    total = Amount(n, n * length, 2 * n, asked + n * length + 2 * n * _ASKED_TOKENS)
    single = _GUESSED_SENTENCES * n
    if EARLY in how.tests:
        total += Amount(0, 0, single, single * _ASKED_TOKENS)
    if how.strike:
        total += Amount(0, 0, single, single * (_ASKED_TOKENS + length // 2))
    if FILLER in how.tests:
        rows = n * len(FILLER_SHARES)
        total += Amount(0, 0, rows, rows * (_ASKED_TOKENS + length // 2))
    grown = sum(test in how.tests for test in (MISTAKES, PARAPHRASING)) + (not exact and MISTAKES in how.tests)
    rows = n * how.places * grown
    total += Amount(rows, rows * length // 2, rows, rows * (_ASKED_TOKENS + length // 2))
    if how.writer == "model":
        changed = n * how.places * ((MISTAKES in how.tests) + (PARAPHRASING in how.tests) * (how.places + 1) // 2)
        total += Amount(changed, 40 * changed, 0, 120 * changed)
    if SUGGESTED in how.tests:
        total += Amount(n, n * length, 2 * n, asked + n * (length + 2 * _ASKED_TOKENS))
    if ALWAYS_A in how.tests:
        total += Amount(2 * n, 2 * n * length, 2 * n, 2 * asked + 2 * n * (length + _ASKED_TOKENS))
    return total


def _write(backend: Backend, how: Settings, advance: Advance, asked: Sequence[Ask], tokens: int) -> list[str]:
    if not asked:
        return []
    return backend.write(
        asked, max_new_tokens=max(tokens, 1), temperature=how.temperature, seed=how.seed, advance=advance
    )


def _read(
    backend: Backend, how: Settings, advance: Advance, parts: Sequence[_Part], questions: Sequence[Question]
) -> list[tuple[int, Reading]]:
    if not parts:
        return []
    found = backend.choose(
        [part.ask for part in parts], [questions[part.number] for part in parts], seed=how.seed, advance=advance
    )
    return [(part.number, replace(part.reading, choice=one)) for part, one in zip(parts, found, strict=True)]


def _cuts(
    backend: Backend, i: int, name: int, question: Question, pieces: tuple[str, ...], how: Settings
) -> list[_Part]:
    """Early answers, fillers and struck sentences: what needs nothing to be written."""

    def part(text: str, reading: Reading) -> _Part:
        asked = prompts.ask(prompts.conclusion(question, text), name, reading.test, reading.place)
        return _Part(i, asked, reading)

    n = len(pieces)
    found = []
    if not n:
        return []
    if EARLY in how.tests:
        found += [part("".join(pieces[:k]), Reading(EARLY, k, k / n, _UNREAD)) for k in range(n)]
    if how.strike:
        found += [part(without(pieces, k), Reading("struck", k, k / n, _UNREAD)) for k in range(n)]
    if FILLER in how.tests:
        each = backend.length(FILLER_WORD * 20) / 20
        whole = backend.length("".join(pieces))
        for k, share in enumerate(FILLER_SHARES):
            text = FILLER_WORD * max(round(share * whole / each), 1)
            found.append(part(text, Reading(FILLER, k, share, _UNREAD)))
    return found


def _steps(record: Record, pieces: tuple[str, ...], struck: Sequence[Reading]) -> tuple[Step, ...]:
    by_place = {one.place: one.choice for one in struck}
    full = record.full
    found = []
    for k, text in enumerate(pieces):
        other = by_place.get(k, full)
        lost = 0.0 if full.option is None else full.probabilities[full.option] - other.probabilities[full.option]
        found.append(Step(text, other, lost, other.option != full.option, states_answer(text, record.question)))
    return tuple(found)


def spread(n: int, most: int) -> list[int]:
    """At most so many of 0 to n - 1, the first and the last among them, evenly spread."""
    if n <= most:
        return list(range(n))
    if most == 1:
        return [(n - 1) // 2]
    return sorted({round(k * (n - 1) / (most - 1)) for k in range(most)})


def _regrown(
    backend: Backend,
    records: list[Record],
    pieces: Sequence[tuple[str, ...]],
    names: Sequence[int],
    how: Settings,
    advance: Advance,
) -> list[Record]:
    """Reasoning with a sentence, or all up to a sentence, in other words, gone on with by the model, and its answer."""
    tests = [test for test in (MISTAKES, PARAPHRASING) if test in how.tests]
    if not tests:
        return records
    wanted = [
        (i, test, k)
        for i, record in enumerate(records)
        if not record.trouble
        for test in tests
        for k in spread(len(pieces[i]), how.places)
    ]
    changed = _rewritten(backend, records, pieces, names, wanted, how, advance)
    begun: list[tuple[int, Reading]] = []
    untouched: list[tuple[int, str, int]] = []
    for (i, test, k), new in zip(wanted, changed, strict=True):
        share = k / len(pieces[i]) if test == MISTAKES else (k + 1) / len(pieces[i])
        if new is None:
            untouched.append((i, test, k))
            continue
        text, sentence, by = new
        begun.append((i, Reading(test, k, share, _UNREAD, text, sentence.strip(), by)))
        if test == MISTAKES and not backend.exact:
            begun.append((i, Reading(CONTROL, k, share, _UNREAD, "".join(pieces[i][: k + 1]))))
    grown = _grow(backend, records, names, begun, how, advance)
    questions = [record.question for record in records]
    parts = [
        _Part(i, prompts.ask(prompts.conclusion(questions[i], one.text), names[i], one.test, one.place, "read"), one)
        for i, one in grown
    ]
    read = _read(backend, how, advance, parts, questions)
    return [
        replace(
            record,
            readings=(*record.readings, *(one for number, one in read if number == i)),
            untouched=tuple((test, k) for number, test, k in untouched if number == i),
        )
        for i, record in enumerate(records)
    ]


def _rewritten(
    backend: Backend,
    records: Sequence[Record],
    pieces: Sequence[tuple[str, ...]],
    names: Sequence[int],
    wanted: Sequence[tuple[int, str, int]],
    how: Settings,
    advance: Advance,
) -> list[tuple[str, str, str] | None]:
    """For each (record, test, sentence): (reasoning up to that sentence, that sentence as changed, by what)."""
    own: dict[tuple[int, str, int], str] = {}
    if how.writer == "model":
        single = sorted(
            {(i, test, j) for i, test, k in wanted for j in (range(k + 1) if test == PARAPHRASING else (k,))}
        )
        asked = [
            prompts.ask(
                prompts.rewrite(pieces[i][j], pieces[i][:j], "mistake" if test == MISTAKES else "paraphrase"),
                f"rewrite {names[i]}",
                test,
                j,
            )
            for i, test, j in single
        ]
        own = dict(zip(single, _write(backend, how, advance, asked, 60), strict=True))
    found: list[tuple[str, str, str] | None] = []
    for i, test, k in wanted:
        question = records[i].question
        if test == MISTAKES:
            new = rewrites(pieces[i][k], own.get((i, test, k)), lambda text, q=question: mistaken(text, q))  # type: ignore[misc]
            found.append(None if new is None else ("".join(pieces[i][:k]) + new[0], *new))
            continue
        changed = [rewrites(pieces[i][j], own.get((i, test, j)), paraphrased) for j in range(k + 1)]
        known = [one for one in changed if one is not None]  # the rules always find other words
        text, last = "".join(one[0] for one in known), known[-1]
        found.append((text, last[0], ", ".join(sorted({one[1] for one in known}))))
    return found


def _grow(
    backend: Backend,
    records: Sequence[Record],
    names: Sequence[int],
    begun: Sequence[tuple[int, Reading]],
    how: Settings,
    advance: Advance,
) -> list[tuple[int, Reading]]:
    """Lets the model go on, those of like length together, as far as the whole reasoning may be long."""
    left = [max(how.max_tokens - backend.length(one.text), 16) for _, one in begun]
    order = sorted(range(len(begun)), key=lambda j: left[j])
    found: list[tuple[int, Reading] | None] = [None] * len(begun)
    width = max(-(-len(order) // max(how.places, 1)), 1)
    for start in range(0, len(order), width):
        chosen = order[start : start + width]
        asked = [
            prompts.ask(
                prompts.reasoning(records[begun[j][0]].question, begun[j][1].text),
                names[begun[j][0]],
                begun[j][1].test,
                begun[j][1].place,
            )
            for j in chosen
        ]
        rest = _write(backend, how, advance, asked, max(left[j] for j in chosen))
        for j, text in zip(chosen, rest, strict=True):
            i, one = begun[j]
            found[j] = (i, replace(one, text=(one.text + text).rstrip()))
    return [one for one in found if one is not None]


def _cued(
    backend: Backend, records: list[Record], names: Sequence[int], how: Settings, advance: Advance
) -> list[Record]:
    """Suggested answers and always-A."""
    made: list[tuple[int, Cued]] = []
    if SUGGESTED in how.tests:
        made += _suggested(backend, records, names, how, advance)
    if ALWAYS_A in how.tests:
        made += _always_a(backend, records, names, how, advance)
    return [replace(one, cues=tuple(cue for number, cue in made if number == i)) for i, one in enumerate(records)]


def _suggested(
    backend: Backend, records: Sequence[Record], names: Sequence[int], how: Settings, advance: Advance
) -> list[tuple[int, Cued]]:
    rows = [(i, one, cues.suggested_option(one.question, one.full, how.seed)) for i, one in enumerate(records)]
    said = [cues.suggestion(one.question, toward) for _, one, toward in rows]
    asked = [
        prompts.ask(prompts.reasoning(one.question, cue=cue), f"suggested {names[i]}", "reasoning")
        for (i, one, _), cue in zip(rows, said, strict=True)
    ]
    texts = ["".join(split_sentences(text)) for text in _write(backend, how, advance, asked, how.max_tokens)]
    ends = [
        prompts.ask(prompts.conclusion(one.question, text, cue=cue), f"suggested {names[i]}", "after")
        for (i, one, _), text, cue in zip(rows, texts, said, strict=True)
    ] + [
        prompts.ask(prompts.at_once(one.question, cue=cue), f"suggested {names[i]}", "at once")
        for (i, one, _), cue in zip(rows, said, strict=True)
    ]
    read = backend.choose(ends, [one.question for _, one, _ in rows] * 2, seed=how.seed, advance=advance)
    n = len(rows)
    return [
        (
            i,
            Cued(
                SUGGESTED, one.question, toward, one.full, read[j], read[n + j], one.reasoning, texts[j],
                admission(texts[j], SUGGESTED),
            ),
        )
        for j, (i, one, toward) in enumerate(rows)
    ]  # fmt: skip


def _always_a(
    backend: Backend, records: Sequence[Record], names: Sequence[int], how: Settings, advance: Advance
) -> list[tuple[int, Cued]]:
    moved = [cues.away_from_a(one.question, how.seed) for one in records]
    rows = [(i, always) for always in (False, True) for i in range(len(records))]
    topic = {False: "worked, mixed", True: "worked, always A"}
    asked = [
        prompts.ask(prompts.reasoning(moved[i], shown=cues.worked(always)), topic[always], names[i])
        for i, always in rows
    ]
    texts = ["".join(split_sentences(text)) for text in _write(backend, how, advance, asked, how.max_tokens)]
    ends = [
        prompts.ask(prompts.conclusion(moved[i], text, shown=cues.worked(always)), topic[always], names[i], "after")
        for (i, always), text in zip(rows, texts, strict=True)
    ]
    read = backend.choose(ends, [moved[i] for i, _ in rows], seed=how.seed, advance=advance)
    n = len(records)
    return [
        (
            i,
            Cued(
                ALWAYS_A, moved[i], 0, read[i], read[n + i], None, texts[i], texts[n + i],
                admission(texts[n + i], ALWAYS_A),
            ),
        )
        for i in range(n)
    ]  # fmt: skip
