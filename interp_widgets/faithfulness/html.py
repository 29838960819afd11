"""The script-free twin of a faithfulness card: one reasoning with its sentences, the curve and all tables."""

from __future__ import annotations

from typing import Any

from interp_widgets.results.markup import DIM, FOR, MARKS, TINT, bar_of, escaped, title_of, why_of

Payload = dict[str, Any]


def faithfulness_html(payload: Payload) -> str:
    """The twin as one element; all text is escaped."""
    verdict = payload["verdict"]
    muted = verdict["word"] == "do not trust"
    parts = [
        f"<div><b>{title_of(payload['title'])}</b></div>",
        f"<div><b>{MARKS[verdict['word']]} {escaped(verdict['word'])}</b> {escaped(verdict['sentence'])}</div>",
        why_of(verdict["why"]),
        *(_question(one, muted) for one in payload["questions"][payload["start"] : payload["start"] + 1]),
        _curves(payload["curves"]),
        *(_table(one["heading"], one["head"], one["rows"]) for one in payload["tables"]),
        *(f"<div>{escaped(one)}</div>" for one in payload["remarks"]),
        f"<div>{escaped(payload['rest'])}</div>" if payload["rest"] else "",
        f'<div style="{DIM}">{escaped(" · ".join(payload["provenance"]))}</div>',
    ]
    return f'<div style="line-height:1.5">{"".join(parts)}</div>'


def answer_words(question: Payload, choice: Payload | None) -> str:
    """The first choice and its probability, such as "B 0.84"."""
    if choice is None:
        return ""
    if choice["option"] is None:
        return "no option"
    return f"{question['options'][choice['option']]['letter']} {choice['labels'][choice['option']]}"


def sentence_words(sentence: Payload) -> str:
    """What is said of a sentence beside its number."""
    said = ["necessary"] if sentence["necessary"] else []
    return "; ".join([*said, *([f"concludes {sentence['states']}"] if sentence["states"] else [])])


def _question(question: Payload, muted: bool) -> str:
    red, green, blue = FOR
    rows = []
    for i, one in enumerate(question["sentences"]):
        size = min(max(one["necessity"] or 0.0, 0.0), 1.0)
        tint = size * TINT * (0.4 if muted else 1)
        style = f' style="background-color:rgba({red},{green},{blue},{tint:.2f})"' if size else ""
        bar = bar_of(1.0, size, muted) if size else ""
        rows.append(
            f'<tr><td>{i + 1}</td><td{style}><bdi>{escaped(one["text"])}</bdi></td><td style="text-align:right">'
            f"{escaped(one['label'])}</td><td>{bar}</td><td>{escaped(sentence_words(one))}</td>"
            f"<td>{escaped(answer_words(question, one['without']))}</td>"
            f"<td>{escaped(answer_words(question, question['cuts'][i]))}</td></tr>"
        )
    heads = ("", "sentence", "necessity", "", "", "answer without it", "answer if cut before it")
    options = "".join(
        f"<tr><td>({escaped(one['letter'])}) {escaped(one['text'])}{' (right)' if one['right'] else ''}</td>"
        f"<td>{escaped(question['at_once']['labels'][i])}</td><td>{escaped(question['cuts'][-1]['labels'][i])}</td></tr>"
        for i, one in enumerate(question["options"])
    )
    return (
        f"<div><b>{escaped(question['name'])}</b></div><div><bdi>{escaped(question['question'])}</bdi></div>"
        + (f"<div>{escaped(question['trouble'])}</div>" if question["trouble"] else "")
        + f"<table><tr>{_heads(('option', 'without reasoning', 'after the whole reasoning'))}</tr>{options}</table>"
        + (f"<table><tr>{_heads(heads)}</tr>{''.join(rows)}</table>" if rows else "")
    )


def _curves(curves: list[Payload]) -> str:
    rows = [[one["name"], share_words(point["share"]), point["label"]] for one in curves for point in one["points"]]
    if not rows:
        return ""
    table = _table("Same answer as after the whole reasoning", ["test", "share of the reasoning", "agreement"], rows)
    return f"<details><summary>The curves as numbers</summary>{table}</details>"


def share_words(share: float) -> str:
    """A share of the reasoning in hundredths, rounded half up by whole numbers, as the view does."""
    return f"{int(share * 100 + 0.5)} %"


def _heads(names: tuple[str, ...] | list[str]) -> str:
    return "".join(f'<th style="text-align:left">{escaped(name)}</th>' for name in names)


def _table(heading: str, head: list[str], rows: list[list[str]]) -> str:
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align:{"right" if at else "left"}">{escaped(cell)}</td>' for at, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<div><b>{escaped(heading)}</b></div><table><tr>{_heads(head)}</tr>{body}</table>"
