"""The other forms of a trace and of patching: script-free twin, text, plot, page, file, and what a notebook keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interp_widgets.locate.patch_html import agreement_words, parts_of, patch_html
from interp_widgets.locate.patch_payload import patch_payload
from interp_widgets.locate.patch_result import PatchResult
from interp_widgets.locate.trace_html import trace_html
from interp_widgets.locate.trace_payload import trace_payload
from interp_widgets.locate.trace_result import TraceResult
from interp_widgets.results.base import Result
from tests.attribution.test_html import ATTRIBUTES, STYLES, TAGS, Page
from tests.builders import DO_NOT_TRUST
from tests.locate.made import make_patch, make_trace
from tests.locate.test_patch_payload import heads

BAD = ("<script>alert(1)</script>", " </style>", "\u202e", "שלום", "\n", "&amp;")


def hostile_trace() -> TraceResult:
    return make_trace(pieces=BAD, subject="</style>", subject_tokens=(1, 1), target="<b>", verdict=DO_NOT_TRUST)


def hostile_patch() -> PatchResult:
    return make_patch(pieces=BAD[:5], source_tokens=BAD[1:], target="<i>", foil="</div>", verdict=DO_NOT_TRUST)


def sparse_patch() -> PatchResult:
    values = np.full((2, 5, 6), np.nan)
    values[0, 2, :3] = [3.0, 2.0, 1.0]
    return make_patch(values=values)


TRACES = [make_trace, hostile_trace, lambda: make_trace(samples=1)]
PATCHES = [make_patch, hostile_patch, heads, sparse_patch]


def table(payload: dict[str, Any], part: dict[str, Any]) -> list[list[str]]:
    """What the rows of one table say."""
    rows = []
    for row, values, labels in zip(payload["rows"], part["values"], part["labels"], strict=True):
        note = f" {row['note']}" if row["note"] else ""
        mark = f" ({row['mark']})" if row["mark"] else ""
        shown = ["–" if value is None else label for value, label in zip(values, labels, strict=True)]
        rows.append([f"{row['name']}{note}{mark}", *shown])
    return rows


@pytest.mark.parametrize("make", TRACES)
def test_the_twin_of_a_trace_has_the_numbers_of_the_payload(make: Callable[[], TraceResult]) -> None:
    payload = trace_payload(make())
    page = Page(trace_html(payload))
    wanted = [
        line
        for sheet in payload["sheets"]
        for line in [["token · layer", *payload["columns"]], *table(payload, sheet)]
    ]  # fmt: skip
    assert page.rows[: len(wanted)] == wanted
    runs = page.rows[len(wanted) + 1 :]
    assert runs == [
        [top["name"], ", ".join(f"{name} {label}" for name, label in top["items"])] for top in payload["tops"]
    ]
    for text in (payload["verdict"]["sentence"], payload["clean"], " · ".join(payload["provenance"])):
        assert text in page.text


@pytest.mark.parametrize("make", PATCHES)
def test_the_twin_of_patching_has_the_numbers_of_the_payload(make: Callable[[], PatchResult]) -> None:
    payload = patch_payload(make())
    page = Page(patch_html(payload))
    corner = [f"{payload['row']} · layer", *payload["columns"]]
    assert page.rows == [line for _, _, part in parts_of(payload) for line in [corner, *table(payload, part)]]
    for run in payload["runs"]:
        assert "".join(token["text"] for token in run["tokens"]) in page.text
    if payload["agreement"] is not None:
        assert agreement_words(payload) in page.text


@pytest.mark.parametrize(
    "markup", [*(lambda make=make: trace_html(trace_payload(make())) for make in TRACES),
               *(lambda make=make: patch_html(patch_payload(make())) for make in PATCHES)],
)  # fmt: skip
def test_an_untrusted_notebook_keeps_all_of_it(markup: Callable[[], str]) -> None:
    page = Page(markup())
    assert set(page.tags) <= TAGS
    assert page.attributes <= ATTRIBUTES
    for style in page.styles:
        for declaration in style.split(";"):
            name, _, value = declaration.partition(":")
            assert re.fullmatch(STYLES[name], value), declaration


def test_text_has_the_verdict_first_and_a_line_for_each_row() -> None:
    lines = str(make_trace()).splitlines()
    assert lines[0].startswith("● trust")
    assert lines[6] == "  * iffel  |%*+-:.|     +0.50 at layer 0"
    assert "layers 0 to 5; @ is 0.60, v below zero; * subject" in lines[10]
    patched = str(make_patch()).splitlines()
    assert patched[6] == "  * osseum ← ·Tower |@#*=: |     +1.08 at layer 0"
    assert "|??????|" in patched[5]
    assert "first-order estimate" in str(sparse_patch()).splitlines()[3]


def test_plots_have_the_verdict_and_stripes_below_zero() -> None:
    axes = make_trace().plot().axes[0]
    assert "trust" in axes.get_title(loc="left")
    assert [label.get_text() for label in axes.get_yticklabels()][2] == "iffel"
    assert [label.get_fontweight() for label in axes.get_yticklabels()] == ["normal", *["bold"] * 3, "normal", "normal"]
    deep = make_trace(restored=make_trace().restored - 0.2).plot("mlp").axes[0]
    assert {patch.get_hatch() for patch in deep.patches} == {"////"}
    figure = make_patch().plot("mlp_out")
    assert [axes.get_title(loc="left") for axes in figure.axes][:2] == ["exact", "first-order"]
    assert [axes.get_title(loc="left") for axes in sparse_patch().plot().axes][:1] == ["first-order"]
    assert figure.axes[0].get_xlabel() == "layer (dotted: not measured)"
    assert figure.axes[0].patch.get_hatch() == ".."
    assert make_trace().plot().axes[0].get_xlabel() == "layer"
    assert hostile_patch().plot().axes
    for plot in (make_trace().plot, make_patch().plot):
        with pytest.raises(ValueError, match="nowhere"):
            plot("nowhere")


@pytest.mark.parametrize(("make", "payload"), [(make_trace, trace_payload), (make_patch, patch_payload)])
def test_saved_and_read_again(make: Callable[[], Result], payload: Any, tmp_path: Path) -> None:
    loaded = Result.load(make().save(tmp_path / "result"))
    assert payload(loaded) == payload(make())


@pytest.mark.parametrize(("make", "payload"), [(make_trace, trace_payload), (make_patch, patch_payload)])
def test_without_a_kernel_there_is_no_widget(make: Callable[[], Result], payload: Any) -> None:
    bundle = make()._repr_mimebundle_()
    mime = next(name for name in bundle if name.startswith("application/"))
    assert set(bundle) == {mime, "text/html", "text/plain"}
    assert bundle[mime] == payload(make())
    assert bundle["text/plain"] == str(make())


@pytest.mark.parametrize(
    ("make", "payload", "name"),
    [(hostile_trace, trace_payload, "trace"), (hostile_patch, patch_payload, "patch")],
)
def test_page(
    make: Callable[[], Result], payload: Any, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("interp_widgets.results.static.static_text", lambda name: f'"{name}</script>"')
    page = make().to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text("utf-8") == page
    data = re.search(rf'data-interp="{name}">(.*?)</script>', page)
    assert data is not None
    assert json.loads(data[1]) == payload(make())


def test_of_activations_saved_elsewhere_no_next_tokens_are_shown() -> None:
    result = make_trace(
        clean_top=(), corrupted_top=(), top_ids=np.zeros((2, 6, 6, 0), np.int64), top_probability=np.zeros((2, 6, 6, 0))
    )
    assert "next tokens" not in trace_html(trace_payload(result))
    assert "clean: " not in str(result)
    assert trace_payload(result)["words"] == []
