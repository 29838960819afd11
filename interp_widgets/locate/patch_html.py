"""The script-free twin of patching: both prompts, and for each site a table of effects, exact and predicted."""

from __future__ import annotations

from typing import Any

from interp_widgets.locate.heat import heat_table
from interp_widgets.results.markup import DIM, MARKS, escaped, title_of, why_of


def patch_html(payload: dict[str, Any]) -> str:
    """The twin as one element; all text is escaped."""
    verdict = payload["verdict"]
    parts = [
        f"<div><b>{title_of(payload['title'])}</b></div>",
        f"<div><b>{MARKS[verdict['word']]} {escaped(verdict['word'])}</b> {escaped(verdict['sentence'])}</div>",
        why_of(verdict["why"]),
        *(_run(run) for run in payload["runs"]),
        f"<div>{escaped(scale_words(payload))}</div>",
    ]
    opened = " open"
    for name, sheet, part in parts_of(payload):
        table = heat_table(
            part,
            payload["rows"],
            payload["columns"],
            f"{payload['row']} \u00b7 layer",
            payload["scale"]["max"],
            muted=verdict["word"] == "do not trust",
        )
        parts.append(f"<details{opened}><summary>{escaped(f'{name}: {sheet}')}</summary>{table}</details>")
        opened = ""
    parts += [
        f"<div>{escaped(agreement_words(payload))}</div>" if payload["agreement"] else "",
        f"<div>{escaped(payload['rest'])}</div>" if payload["rest"] else "",
        f'<div style="{DIM}">{escaped(" · ".join(payload["provenance"]))}</div>',
    ]
    return f'<div style="line-height:1.5">{"".join(parts)}</div>'


def parts_of(payload: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Each table: how it was found, of what, its cells. What is the main one comes first."""
    found = []
    for sheet in payload["sheets"]:
        both = [("exact", sheet["exact"]), ("first-order estimate", sheet["first"])]
        for name, part in reversed(both) if payload["sparse"] else both:
            if part is not None:
                found.append((name, sheet["words"], part))
    return found


def scale_words(payload: dict[str, Any]) -> str:
    """What the numbers are."""
    base, other = payload["base"], payload["other"]
    where = f", {payload['where']}" if payload["where"] else ""
    return (
        f"Effect: {payload['scale']['unit']}, when one cell of the {base['name']} run is replaced by that of the"
        f" {other['name']} run{where}; followed is the {payload['measure']}, {base['label']} in the {base['name']} and"
        f" {other['label']} in the {other['name']} run."
    )


def agreement_words(payload: dict[str, Any]) -> str:
    """How the first-order estimate goes with exact patching."""
    agreement = payload["agreement"]
    if agreement["pearson"] is None:
        return f"First-order estimate against exact patching: no correlation can be told on {agreement['cells']}."
    return (
        f"First-order estimate against exact patching on {agreement['cells']}: correlation {agreement['pearson']}, of"
        f" ranks {agreement['spearman']}."
    )


def _run(run: dict[str, Any]) -> str:
    """The tokens that differ are bold."""
    drawn = "".join(
        f"<b>{escaped(token['text'])}</b>" if token["differs"] else escaped(token["text"]) for token in run["tokens"]
    )
    style = "font-family:monospace;white-space:pre-wrap;overflow-wrap:break-word;max-height:320px;overflow:auto"
    return f'<div style="{DIM}">{escaped(run["name"])}</div><div dir="auto" style="{style}">{drawn}</div>'
