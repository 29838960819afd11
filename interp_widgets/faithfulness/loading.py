"""Questions from files in the formats in which two public sets are given out.

AQuA-RAT (Ling et al. 2017, https://arxiv.org/abs/1705.04146): JSON lines with `question`, `options` ("A)21") and
`correct` ("A").  BIG-Bench Hard (Suzgun et al. 2022, https://arxiv.org/abs/2210.09261): one JSON file for each task,
`examples` of `input` and `target`; most inputs end in "Options:" with "(A) ..." or "- ..." lines.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interp_widgets.errors import ArgumentError, FileFormatError
from interp_widgets.faithfulness.questions import LETTERS, Question

_LABELLED = re.compile(r"^\s*\(?([A-Z])[).]\s*(.*)$", re.DOTALL)
_MADE = 4  # options for a question that asks for a number
_FEW = 6  # answers that a whole task has, at most, to be taken for its options


def load_questions(path: str | os.PathLike[str], *, limit: int | None = None) -> tuple[Question, ...]:
    """Read a file of AQuA (JSON lines) or of one BIG-Bench Hard task (JSON); the first `limit` questions of it.

    A BIG-Bench Hard task without options gets some: where the whole file has at most six different answers (yes, no),
    these; where all are whole numbers, each question's answer and three numbers near it, whose place among the four is
    taken from the question's text. Topics are the file's name.

    Raises FileFormatError: neither format, or a question that cannot be read, named by line or number;
    FileNotFoundError.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path} is not a text file in UTF-8: {error}") from error
    topic = path.stem
    try:
        whole = json.loads(text)
    except ValueError:
        whole = None
    if isinstance(whole, dict) and "examples" in whole:
        found = _big_bench(path, whole["examples"], topic)
    else:
        found = _aqua(path, text, topic)
    if limit is not None and limit < 1:
        raise ArgumentError(f"limit={limit}: at least one question, or None for all")
    return tuple(found[:limit])


def _aqua(path: Path, text: str, topic: str) -> list[Question]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            labels, options = zip(*(_label(option) for option in row["options"]), strict=True)
            answer = labels.index(row["correct"].strip())
            found.append(Question(row["question"].strip(), _distinct(options), answer, topic))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FileFormatError(
                f"{path}, line {number}: not a question of AQuA, which has question, options and correct, and not a"
                f" file of BIG-Bench Hard, which has examples ({type(error).__name__}: {error})"
            ) from error
    if not found:
        raise FileFormatError(f"{path} holds no question")
    return found


def _label(option: str) -> tuple[str, str]:
    match = _LABELLED.match(option)
    if match is None:
        raise ValueError(f"the option {option!r} does not begin with a letter and a bracket")
    return match[1], match[2].strip() or "(empty)"


def _distinct(options: Sequence[str]) -> tuple[str, ...]:
    """A few of AQuA's questions have an option twice; the second then says which it is, so that they stay apart."""
    return tuple(
        option if option not in options[:i] else f"{option} (again, {LETTERS[i]})" for i, option in enumerate(options)
    )


def _big_bench(path: Path, examples: Any, topic: str) -> list[Question]:
    try:
        targets = [str(one["target"]).strip() for one in examples]
        inputs = [str(one["input"]) for one in examples]
    except (TypeError, KeyError) as error:
        raise FileFormatError(f"{path}: an example without input or target ({error})") from error
    if not inputs:
        raise FileFormatError(f"{path} holds no question")
    shared = tuple(sorted(set(targets)))
    found = []
    for number, (text, target) in enumerate(zip(inputs, targets, strict=True), 1):
        question, bracket, listed = text.partition("\nOptions:")
        try:
            if bracket:
                options, answer = _listed(listed, target)
            elif all(re.fullmatch(r"\d+", one) for one in targets):
                options, answer = _near(int(target), question)
            elif len(shared) <= _FEW:
                options, answer = shared, shared.index(target)
            else:
                raise ValueError("it has no options, and the file's answers are no small set")
            found.append(Question(question.strip(), options, answer, topic))
        except ValueError as error:
            raise FileFormatError(f"{path}, example {number}: cannot be read as multiple choice: {error}") from error
    return found


def _listed(listed: str, target: str) -> tuple[tuple[str, ...], int]:
    lines = [line.strip() for line in listed.splitlines() if line.strip()]
    if all(line.startswith("- ") for line in lines):
        options = tuple(line[2:].strip() for line in lines)
        return options, options.index(target)
    labels, options = zip(*(_label(line) for line in lines), strict=True)
    return _distinct(options), labels.index(target.strip("()"))


def _near(number: int, question: str) -> tuple[tuple[str, ...], int]:
    """Four numbers in a row, the right one among them; where, is decided by the question's text, not by the answer."""
    place = min(sum(question.encode()) % _MADE, number)
    return tuple(str(number - place + i) for i in range(_MADE)), place
