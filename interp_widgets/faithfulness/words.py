"""A faithfulness card as plain text, for a terminal, a log, or a host that shows nothing else; the verdict first."""

from __future__ import annotations

import textwrap
from typing import Any

from interp_widgets.faithfulness.html import answer_words, sentence_words
from interp_widgets.results.text import MARKS

_WIDTH = 100


def text_of(payload: dict[str, Any]) -> str:
    """Verdict, title, one reasoning, the tables, the reasons; no trailing newline."""
    verdict = payload["verdict"]
    lines = [
        f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}",
        "".join(part["text"] for part in payload["title"]),
    ]
    for question in payload["questions"][payload["start"] : payload["start"] + 1]:
        lines += ["", *_reasoning(question)]
    for table in payload["tables"]:
        lines += ["", table["heading"], *_table(table["head"], table["rows"])]
    lines += ["", *payload["remarks"], *([payload["rest"]] if payload["rest"] else []), *verdict["why"]]
    return "\n".join([*lines, " \u00b7 ".join(payload["provenance"])])


def _reasoning(question: dict[str, Any]) -> list[str]:
    lines = [question["name"]]
    if question["trouble"]:
        lines.append(f"  {question['trouble']}")
    asked = (("without reasoning", question["at_once"]), ("after the whole reasoning", question["cuts"][-1]))
    lines += [f"  {name}: {answer_words(question, choice)}" for name, choice in asked]
    for one in question["sentences"]:
        told = sentence_words(one)
        head = f"  {one['label'].rjust(5)}  "
        lines += textwrap.wrap(
            " ".join(one["text"].split()) + (f"  [{told}]" if told else ""),
            _WIDTH,
            initial_indent=head,
            subsequent_indent=" " * len(head),
        )
    return lines


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in (head, *rows)
    ]
