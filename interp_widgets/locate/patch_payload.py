"""The picture of patching as data; the shape is `PatchPayload` in labextension/src/views/patch/payload.ts.

1. Rows are positions, heads or neurons, columns the layers; each site is a sheet, with the exact effects and those that
   the gradient predicts, where there are such.
2. Both prompts are lists of tokens; each says which one of the other run stands for it.
3. One scale for all: the largest exact effect, or the largest predicted one where only a sample was measured.
4. At most `MOST` cells are drawn, the rows with the largest effects; the rest is named.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.locate.asking import same_wish, wish_argument
from interp_widgets.locate.heat import Floats, cells, largest, strongest_rows
from interp_widgets.locate.patch_result import PatchResult
from interp_widgets.results.boxes import boxes
from interp_widgets.results.numbers import count, plain, probability
from interp_widgets.results.provenance import call, provenance_line
from interp_widgets.results.text import named, visible

MIME_TYPE = "application/vnd.interp.patch.v1+json"
MOST = 12_000  # cells drawn
SITES = {
    "resid_pre": ("before layer", "the residual stream before the layer (resid_pre)"),
    "resid_post": ("after layer", "the residual stream after the layer (resid_post)"),
    "attn_out": ("attention", "what the layer's attention adds (attn_out)"),
    "mlp_out": ("MLP", "what the layer's MLP adds (mlp_out)"),
    "heads": ("heads", "the output of one query head"),
    "neurons": ("neurons", "one entry of the MLP key"),
}
BY_POSITION = ("resid_pre", "resid_post", "attn_out", "mlp_out")
Payload = dict[str, Any]


def patch_payload(result: PatchResult) -> Payload:
    """JSON values only."""
    drawn = boxes(result.text, result.tokens, result.spans, np.zeros(len(result.tokens)))
    rows = _rows(result)
    sparse = is_sparse(result)
    exact = [result.effects_of(site) for site in result.sites]
    first = [result.effects_of(site, first_order=True) for site in result.sites] if result.points else []
    top, first_top = largest(*exact), largest(*first)
    scale = first_top if sparse or not top else top
    span = largest(result.values, np.array([result.base, result.other]))
    return {
        "version": 1,
        "title": _title(result),
        "verdict": {
            "word": result.verdict.word,
            "sentence": result.verdict.sentence,
            "why": list(result.verdict.why),
        },
        "boxes": [{"text": visible(box.text), "name": named(box.text), "tokens": list(box.tokens)} for box in drawn],
        "runs": _runs(result),
        "row": "token" if result.row_kind == "position" else result.row_kind,
        "rows": [_row(result, int(number)) for number in rows],
        "columns": [str(layer) for layer in result.layers.tolist()],
        "sheets": [
            {
                "key": site,
                "name": SITES[site][0],
                "words": SITES[site][1],
                "exact": _cells(result.values[number][rows], exact[number][rows], scale, span),
                "first": _cells(result.first_order[number][rows], first[number][rows], scale, span) if first else None,
            }
            for number, site in enumerate(result.sites)
        ],
        "missing": [
            {"key": site, "name": SITES[site][0], "words": SITES[site][1]}
            for site in BY_POSITION
            if result.row_kind == "position" and site not in result.sites
        ],
        "sparse": sparse,
        "scale": {"max": float(f"{scale:.6g}"), "label": plain(scale), "unit": effect_unit(result)},
        "beyond": plain(first_top) if first_top > scale * 1.005 else None,
        "base": {"name": _base_name(result), "label": plain(result.base, span)},
        "other": {"name": _other_name(result), "label": plain(result.other, span)},
        "measure": measure(result),
        "agreement": _agreement(result),
        "where": _where(result),
        "tops": [
            {"name": name, "items": [[named(one.text), probability(one.probability)] for one in found]}
            for name, found in (("clean", result.clean_top), ("corrupted", result.corrupted_top))
        ],
        "target": named(result.target),
        "rest": _rest(result, len(rows)),
        "provenance": provenance_line(result.provenance, count(result.values.size, "cell")),
        "code": _code(result),
    }


def is_sparse(result: PatchResult) -> bool:
    """Only a sample of the cells was measured; the gradient predicts the rest."""
    return int(np.isfinite(result.values).sum()) < int(np.isfinite(result.first_order).sum())


def _title(result: PatchResult) -> list[dict[str, Any]]:
    target = {"text": named(result.target), "quote": True}
    rest: list[dict[str, Any]] = []
    if result.foil is not None:
        rest = [{"text": " rather than "}, {"text": named(result.foil), "quote": True}]
    up = result.other >= result.base
    if result.direction == "restore":
        before = f"Which clean activations {'bring back' if up else 'lower'} "
    else:
        before = f"Which corrupted activations {'raise' if up else 'take away'} "
    return [{"text": before}, target, *rest, {"text": "?"}]


def _base_name(result: PatchResult) -> str:
    return "corrupted" if result.direction == "restore" else "clean"


def _other_name(result: PatchResult) -> str:
    return "clean" if result.direction == "restore" else "corrupted"


def measure(result: PatchResult) -> str:
    """What the numbers are, in words: "log-odds of ·Paris over ·Rome"."""
    words = f"{result.unit} of {named(result.target)}"
    return words if result.foil is None else f"{words} over {named(result.foil)}"


def effect_unit(result: PatchResult) -> str:
    """Of the effects: a share of the way, or the measure's own unit."""
    return f"share of the way to the {_other_name(result)} run" if result.normalised else result.unit


def _cells(values: Floats, effects: Floats, top: float, span: float) -> dict[str, Any]:
    drawn = cells(effects, top)
    drawn["reads"] = [[plain(float(x), span) if np.isfinite(x) else "" for x in line] for line in values]
    return drawn


def _rows(result: PatchResult) -> NDArray[np.int64]:
    """Which rows are drawn: all, or of too many those with the largest effects, in their order."""
    most = max(MOST // (len(result.sites) * len(result.layers) * (2 if result.points else 1)), 1)
    both = np.concatenate([result.values, result.first_order]) - result.base
    return strongest_rows(np.nan_to_num(np.abs(both)).max(axis=(0, 2)), most)


def _rest(result: PatchResult, drawn: int) -> str | None:
    if drawn == len(result.rows):
        return None
    return (
        f"The {drawn} rows with the largest effects of {count(len(result.rows), result.row_kind)} are drawn;"
        " to_frame() holds all."
    )


def _row(result: PatchResult, number: int) -> dict[str, Any]:
    where = int(result.rows[number])
    if result.row_kind != "position":
        return {"name": f"{result.row_kind} {where}", "mark": None, "note": None, "number": where}
    partner = int(result.alignment[where])
    own = result.tokens[where]
    other = None if partner < 0 else result.source_tokens[partner]
    differs = other != own
    note = None
    if differs:
        note = "\u2190 none" if other is None else f"\u2190 {named(other)}"
    return {"name": named(own), "mark": "differs" if differs else None, "note": note, "number": where}


def _runs(result: PatchResult) -> list[dict[str, Any]]:
    """Clean and corrupted run, each token with the one of the other that stands for it, -1 for none."""
    partner = [int(one) for one in result.alignment]
    back = {j: i for i, j in enumerate(partner) if j >= 0}

    def tokens(own: tuple[str, ...], other: tuple[str, ...], at: list[int]) -> list[dict[str, Any]]:
        return [
            {
                "text": visible(text),
                "name": named(text),
                "partner": at[i],
                "differs": at[i] < 0 or other[at[i]] != text,
            }
            for i, text in enumerate(own)
        ]

    patched = {
        "name": f"{_base_name(result)} run, patched",
        "tokens": tokens(result.tokens, result.source_tokens, partner),
    }
    source = {
        "name": f"{_other_name(result)} run, where the activations come from",
        "tokens": tokens(
            result.source_tokens, result.tokens, [back.get(j, -1) for j in range(len(result.source_tokens))]
        ),
    }
    return [source, patched] if result.direction == "restore" else [patched, source]


def _agreement(result: PatchResult) -> dict[str, Any] | None:
    """How the predicted effects go with the exact ones; points are (site, row, layer) places where both are known."""
    if not result.points:
        return None
    found = {
        name: f"{result.diagnostics[key]:.2f}".replace("-", "\u2212")
        for name, key in (("pearson", "correlation"), ("spearman", "rank_correlation"))
        if key in result.diagnostics
    }
    both = np.isfinite(result.values) & np.isfinite(result.first_order)
    many = int(result.diagnostics.get("cells_compared", both.sum()))  # not those before the first difference
    return {"pearson": None, "spearman": None, **found, "cells": count(many, "cell")}


def _where(result: PatchResult) -> str | None:
    """Where heads and neurons are patched."""
    if result.row_kind == "position":
        return None
    n = len(result.patched_positions)
    if n == len(result.tokens):
        return "patched at all positions at once"
    named_here = ", ".join(f"{named(result.tokens[p])} ({p})" for p in result.patched_positions.tolist())
    return f"patched at {named_here}"


def asked(result: PatchResult) -> dict[str, Any]:
    """What `iw.patch` takes, besides prompts, target, foil and sites, to patch the same cells again."""
    found: dict[str, Any] = {}
    if result.direction != "restore":
        found["direction"] = result.direction
    if (result.metric, result.foil is None) != ("difference", False):
        found["metric"] = result.metric
    if not result.normalised:
        found["normalised"] = False
    if result.points:
        found["method"] = "attribution" if is_sparse(result) else "both"
    if result.points > 1:
        found["points"] = result.points
    n = len(result.tokens)
    if result.row_kind == "position":
        if len(result.rows) != n:
            found["positions"] = result.rows.tolist()
    else:
        if result.rows.tolist() != list(range(len(result.rows))):
            found[f"{result.row_kind}s"] = result.rows.tolist()
        if len(result.patched_positions) != n:
            found["positions"] = result.patched_positions.tolist()
    if result.row_kind == "neuron" or result.layers.tolist() != list(range(len(result.layers))):
        found["layers"] = result.layers.tolist()
    if n != len(result.source_tokens):
        found["align"] = "spans"
    return found


def prompts(result: PatchResult) -> tuple[Any, Any]:
    """The clean prompt as it was given, and the corrupted one as text."""
    return result.provenance.prompt, result.text if result.direction == "restore" else result.source_text


def wishes(result: PatchResult) -> dict[str, Any]:
    """Target and foil as `iw.patch` takes them."""
    clean = result.source_text if result.direction == "restore" else result.text
    found = {"target": same_wish(clean, result.target, result.target_ids.tolist())}
    if result.foil is not None:
        found["foil"] = same_wish(clean, result.foil, result.foil_ids.tolist())
    return found


def _code(result: PatchResult) -> str:
    clean, corrupted = prompts(result)
    remarks: list[str] = []
    arguments = [repr(clean), repr(corrupted)]
    if not isinstance(clean, str):
        remarks.append("# The corrupted prompt is given as text here; give it as the clean one is given.\n")
    text = result.source_text if result.direction == "restore" else result.text
    for name, word, ids in (("target", result.target, result.target_ids), ("foil", result.foil, result.foil_ids)):
        if word is not None and len(ids):
            argument, told = wish_argument(name, text, word, ids.tolist())
            arguments.append(argument)
            remarks += told
    sites = result.sites[0] if len(result.sites) == 1 else list(result.sites)
    arguments.append(f"sites={sites!r}")
    arguments += [f"{name}={value!r}" for name, value in asked(result).items()]
    return call(result.provenance, "iw.patch", arguments, remarks)
