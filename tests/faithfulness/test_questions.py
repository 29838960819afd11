"""The package's own questions are right and balanced, and files of two public formats are read."""

from __future__ import annotations

import ast
import itertools
import json
import operator
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interp_widgets.errors import ArgumentError, FileFormatError
from interp_widgets.faithfulness.loading import load_questions
from interp_widgets.faithfulness.questions import Question, as_questions, document, question_set, question_sets

OPERATORS: dict[type, Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}


def value(node: ast.AST) -> float:
    """An arithmetic expression, by its own tree."""
    if isinstance(node, ast.Expression):
        return value(node.body)
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](value(node.left), value(node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -value(node.operand)
    assert isinstance(node, ast.Constant)
    assert isinstance(node.value, int)
    return node.value


def test_there_are_enough_and_their_answers_are_balanced() -> None:
    assert len(question_set()) >= 60
    assert len(set(question_set())) == len(question_set())
    for name in question_sets():
        counts = Counter(one.answer for one in question_set(name))
        assert set(counts) == {0, 1, 2, 3}
        assert max(counts.values()) - min(counts.values()) <= 1, name


def test_the_first_of_all_are_balanced_over_topics() -> None:
    assert Counter(one.topic for one in question_set()[:60]) == dict.fromkeys(question_sets(), 20)


@pytest.mark.parametrize("row", document("arithmetic")["questions"], ids=lambda row: row["check"])
def test_arithmetic_is_recomputed(row: dict[str, Any]) -> None:
    result = value(ast.parse(row["check"], mode="eval"))
    assert float(row["options"][row["answer"]]) == result
    # What is calculated with is what the question says.
    for number in re.findall(r"\d+", row["check"]):
        assert number in row["question"] or number in ("2", "3", "20", "60"), number


def test_orders_are_recomputed_by_trying_all() -> None:
    rows = [row for row in document("logic")["questions"] if "check" in row]
    assert len(rows) >= 10
    for row in rows:
        right = set()
        for order in itertools.permutations(row["options"]):
            if all(order.index(a) < order.index(b) for a, b in row["check"]["relations"]):
                right.add(order[row["check"]["ask"]])
        assert right == {row["options"][row["answer"]]}, row["question"]
        for pair in row["check"]["relations"]:
            assert all(
                re.search(re.escape(name.removeprefix("the ").removeprefix("a ")), row["question"]) for name in pair
            )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"question": "What?", "options": ()}, "has 0 options"),
        ({"question": "What?", "options": ("one",)}, "has 1 options"),
        ({"question": "What?", "options": ("one", "one")}, "one twice"),
        ({"question": "What?", "options": ("one", " ")}, "empty option"),
        ({"question": "What?", "options": "ab"}, "one text"),
        ({"question": "What?", "options": ("one", "two"), "answer": 2}, "answer=2"),
        ({"question": " ", "options": ("one", "two")}, "empty"),
    ],
)
def test_a_question_that_cannot_work_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(said)):
        Question(**fields)


def test_what_may_be_passed_as_questions() -> None:
    mapping = {"question": "What?", "options": ["x", "y"], "answer": 1}
    assert as_questions([mapping]) == (Question("What?", ("x", "y"), 1),)
    assert as_questions("logic") == question_set("logic")
    with pytest.raises(ArgumentError, match="has 0 options"):
        as_questions([{"question": "What is the time?"}])
    with pytest.raises(ArgumentError, match=r"questions\[0\]='What"):
        as_questions(["What?"])
    with pytest.raises(ArgumentError, match="questions=\\[\\]"):
        as_questions([])
    with pytest.raises(ArgumentError, match="Did you mean 'logic'"):
        as_questions("logik")


def test_options_in_another_order_keep_their_answer() -> None:
    question = Question("Which?", ("a", "b", "c"), 2)
    moved = question.moved([2, 0, 1])
    assert moved.options == ("c", "a", "b")
    assert moved.answer == 0


def test_aqua_is_read(tmp_path: Path) -> None:
    row = {"question": "How many?", "options": ["A)5", "B) 6 m", "C)5"], "rationale": "...", "correct": "B"}
    path = tmp_path / "aqua.jsonl"
    path.write_text(json.dumps(row) + "\n\n" + json.dumps({**row, "correct": "C"}) + "\n")
    one, two = load_questions(path)
    assert one == Question("How many?", ("5", "6 m", "5 (again, C)"), 1, "aqua")
    assert two.answer == 2
    assert load_questions(path, limit=1) == (one,)
    with pytest.raises(ArgumentError, match="limit=0"):
        load_questions(path, limit=0)


def test_big_bench_hard_is_read(tmp_path: Path) -> None:
    def read(*examples: tuple[str, str]) -> tuple[Question, ...]:
        path = tmp_path / "task.json"
        path.write_text(json.dumps({"canary": "x", "examples": [{"input": i, "target": t} for i, t in examples]}))
        return load_questions(path)

    assert read(("When?\nOptions:\n(A) now\n(B) later", "(B)"))[0] == Question("When?", ("now", "later"), 1, "task")
    assert read(("Did it?\nOptions:\n- Yes\n- No", "No"))[0] == Question("Did it?", ("Yes", "No"), 1, "task")
    assert [one.options for one in read(("Plausible?", "yes"), ("Well?", "no"))] == [("no", "yes")] * 2
    numbers = read(
        *((f"How many {thing}?", str(n)) for n, thing in enumerate(["cats", "dogs", "owls", "emus", "apes"]))
    )
    for n, one in enumerate(numbers):
        assert one.answer is not None
        assert one.options[one.answer] == str(n)
        assert len(one.options) == 4
    with pytest.raises(FileFormatError, match="example 1: cannot be read as multiple choice: it has no options"):
        read(*((f"Say {i}", f"word {i}") for i in range(9)))


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"question": "x", "options": ["5"], "correct": "A"}', "\x00"])
def test_other_files_are_refused_by_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=r"other\.jsonl"):
        load_questions(path)


def test_the_public_files_are_read_whole(test_data: Path) -> None:
    folder = test_data / "cot"
    counts = {file.name: len(load_questions(file)) for file in sorted(folder.iterdir())}
    assert counts["aqua_dev.jsonl"] == 254
    assert len(counts) == 5
    counting = load_questions(folder / "bbh_object_counting.json")
    places = Counter(one.answer for one in counting)
    assert set(places) == {0, 1, 2, 3}
    sports = load_questions(folder / "bbh_sports_understanding.json")
    assert {one.options for one in sports} == {("no", "yes")}
