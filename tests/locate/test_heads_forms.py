"""Heads in all their forms: the picture's data, the table without a script, plain text, the plot, the page."""

from __future__ import annotations

import html as markup
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import interp_widgets as iw
from interp_widgets.errors import OutOfRangeError
from interp_widgets.locate import heads_payload as module
from interp_widgets.locate.heads_html import heads_html, outcome, ranked
from interp_widgets.locate.heads_payload import heads_payload, pattern_of, share
from interp_widgets.locate.heads_text import text_of
from interp_widgets.results.provenance import Verdict
from tests.locate.made_heads import make_heads
from tests.tiny import make_lm

FIXTURES = Path(__file__).parents[2] / "labextension/src/__tests__/fixtures"


def cells_of(page: str) -> list[list[str]]:
    """Text of the cells of every row of every table."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    return [
        [markup.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in rows
    ]


def test_the_picture() -> None:
    payload = heads_payload(make_heads())
    assert payload["title"] == [{"text": "What does head 1 of layer 3 look at, and does it matter?"}]
    assert payload["columns"] == ["2", "3", "4"]
    assert [row["head"] for row in payload["rows"]] == [0, 1]
    # What is lost: above zero where the head supports the answer.
    assert payload["labels"] == [["0.00", "\u22120.11", "0.00"], ["+0.18", "+1.79", "+0.03"]]
    assert payload["values"][1][1] == pytest.approx(np.log(0.36 / 0.06), rel=1e-2)
    assert payload["reads"] == [["0.36", "0.40", "0.36"], ["0.30", "0.06", "0.35"]]
    assert payload["words"] == ["\u00b7Canberra"]
    assert payload["choices"] == [[None, None, None], [None, [0, "0.41"], None]]
    assert payload["before"] == {"read": "0.36", "choice": "\u00b7Sydney", "label": "0.36"}
    assert payload["quantity"] == "probability of \u00b7Sydney"
    assert json.loads(json.dumps(payload, allow_nan=False)) == payload


def test_patterns_are_thousandths_up_to_the_query() -> None:
    payload = heads_payload(make_heads())
    first = payload["patterns"][0]
    assert (first["layer"], first["head"], first["keys"]) == (3, 1, [0, 1, 2, 3, 4])
    assert first["lines"] == [[1000], [1000, 0], [1000, 0, 0], [1000, 0, 0, 0], [85, 0, 0, 915, 0]]
    assert len(payload["patterns"]) == 6
    assert [(one["layer"], one["head"]) for one in payload["patterns"][:3]] == [(3, 1), (2, 1), (3, 0)]
    assert [share(x) for x in (0, 4, 5, 85, 614, 615, 995, 1000)] == [
        "0.00", "0.00", "0.01", "0.09", "0.61", "0.62", "1.00", "1.00",
    ]  # fmt: skip
    with pytest.raises(OutOfRangeError):
        pattern_of(make_heads(), 5, 0)


def test_only_so_many_patterns_travel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 31)  # two of fifteen numbers
    payload = heads_payload(make_heads())
    assert [(one["layer"], one["head"]) for one in payload["patterns"]] == [(3, 1), (2, 1)]
    monkeypatch.setattr(module, "MOST", 1)
    assert len(heads_payload(make_heads())["patterns"]) == 1


def test_a_long_prompt_is_drawn_in_part() -> None:
    pieces = tuple(f" w{i}" for i in range(90))
    patterns = np.zeros((3, 2, 90, 90), np.float32)
    patterns[..., 0] = 0.5
    patterns[1, 1, -1, 7] = 0.5
    payload = heads_payload(make_heads(pieces=pieces, patterns=patterns))
    first = payload["patterns"][0]
    assert payload["queries"] == list(range(50, 90))
    assert len(first["keys"]) == 40
    assert {0, 7} <= set(first["keys"])
    assert first["lines"][-1][first["keys"].index(7)] == 500
    assert "the last 40 are drawn" in payload["rest"]
    assert len(json.dumps(payload)) < 120_000


def test_the_twin_has_the_pictures_numbers() -> None:
    payload = heads_payload(make_heads())
    page = heads_html(payload)
    assert "<script" not in page
    rows = cells_of(page)
    for at, row in enumerate(payload["rows"]):
        assert [row["name"], *payload["labels"][at]] in [[line[0].strip(), *line[1:]] for line in rows]
    pattern = payload["patterns"][0]
    for query, line in zip(payload["queries"], pattern["lines"], strict=True):
        assert [payload["tokens"][query], *map(share, line)] in rows
    row, column = ranked(payload)[0]
    assert (row, column) == (1, 1)
    assert [
        "layer 3, head 1",
        payload["labels"][row][column],
        "0.36 \u2192 0.06",
        outcome(payload, row, column),
    ] in rows
    assert outcome(payload, row, column) == "\u00b7Canberra 0.41"
    assert outcome(payload, 0, 1) == "\u00b7Sydney, as before"


def test_strangers_text_is_escaped() -> None:
    pieces = ("<b>", "&", "\n", "\u202e", "\x00")
    result = make_heads(pieces=pieces, words={11: "<i>", 12: "</td>"}, target="<u>")
    page = heads_html(heads_payload(result))
    assert not re.search(r"<(i|u)>", page)
    assert "</td>\u00b7" not in page
    assert "&lt;b&gt;" in page
    assert "\u202e" not in page + text_of(heads_payload(result))


def test_plain_text() -> None:
    told = text_of(heads_payload(make_heads()))
    lines = told.split("\n")
    assert lines[0].startswith("\u25b2 caution: None of 6 heads")
    assert "  layer 3, head 1: +1.79; 0.36 \u2192 0.06; \u00b7Canberra 0.41" in lines
    assert "  layer 3, head 1: \u00b7is attends 0.92 to \u00b7Australia, 0.09 to The, 0.00 to \u00b7capital" in lines
    assert str(make_heads()) == told


def test_where_no_head_was_switched_off() -> None:
    nothing = np.full((3, 2), np.nan)
    verdict = Verdict("caution", "No head was switched off.")
    result = make_heads(ablated=nothing, answer_probability=nothing, ablation="", metric="", unit="", verdict=verdict,
                        top=(), value=float("nan"), target="", target_ids=np.empty(0, np.int64))  # fmt: skip
    payload = heads_payload(result)
    assert payload["values"] == [[None] * 3] * 2
    assert payload["title"] == [{"text": "What does head 0 of layer 2 look at?"}]
    json.dumps(payload, allow_nan=False)
    for form in (heads_html(payload), text_of(payload)):
        assert "not what they do" in form
    assert len(result.plot().axes) == 2  # the pattern and its colours


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "iw.heads(lm, 'The capital of Australia is', layers=[2, 3, 4])"),
        ({"layers": np.arange(3), "n_layers": 3}, "iw.heads(lm, 'The capital of Australia is')"),
        (
            {"layers": np.arange(3), "n_layers": 3, "ablation": "mean", "target": " Canberra",
             "target_ids": np.array([12]), "foil": " Sydney", "foil_ids": np.array([11]), "metric": "difference",
             "positions": np.array([4])},
            "iw.heads(lm, 'The capital of Australia is', target=' Canberra', foil=' Sydney', ablation='mean',"
            " positions=[4])",
        ),
        ({"layers": np.arange(3), "n_layers": 3, "query_heads": 9, "metric": "logit"},
         "iw.heads(lm, 'The capital of Australia is', metric='logit', heads=[0, 1])"),
    ],
)  # fmt: skip
def test_the_code_that_gives_it_again(changes: dict[str, Any], code: str) -> None:
    assert heads_payload(make_heads(**changes))["code"] == code


def test_the_code_runs() -> None:
    lm = make_lm("llama")
    for asked in ({"target": 7, "foil": 250, "ablation": "mean"}, {"layers": [1], "positions": [-1]}):
        found = iw.heads(lm, "The capital of Australia is", **asked)
        again = eval(heads_payload(found)["code"].rpartition("\n")[2], {"iw": iw, "lm": lm})
        np.testing.assert_allclose(again.ablated, found.ablated, atol=1e-6)


def test_the_plot_carries_the_verdict() -> None:
    figure = make_heads().plot()
    assert "caution" in figure.axes[0].get_title(loc="left")
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()][-2] == "\u00b7Australia"


def test_the_view_is_tested_with_this_picture() -> None:
    """The view's own tests draw the same data; `python -m tests.locate.test_heads_forms` writes it anew."""
    assert json.loads((FIXTURES / "heads.json").read_text("utf-8")) == heads_payload(make_heads())


def test_a_result_loads_without_torch_or_pictures() -> None:
    code = (
        "import sys, interp_widgets.locate.heads_payload, interp_widgets.locate.heads_result;"
        "print([name for name in ('torch', 'pandas', 'matplotlib', 'ipywidgets') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


if __name__ == "__main__":
    (FIXTURES / "heads.json").write_text(
        json.dumps(heads_payload(make_heads()), ensure_ascii=False, indent=2) + "\n", "utf-8"
    )
