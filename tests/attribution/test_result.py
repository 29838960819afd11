"""The forms of a result: frame, plot, text, page, and what a notebook saves."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

from interp_widgets.attribution.payload import MIME_TYPE, highlight_payload
from interp_widgets.results import static
from tests.builders import DO_NOT_TRUST, make_chat_result, make_emoji_result, make_result


def test_text_has_the_verdict_first_and_aligned_columns() -> None:
    lines = str(make_result()).splitlines()
    assert lines[0].startswith("● trust: ·Sydney leads by 0.060 log-odds")
    rows = lines[3:8]
    assert rows[3] == "  ·Australia  +0.90  ########################"
    assert {re.search(r"[+−]\d", row).start() for row in rows} == {14}  # type: ignore[union-attr]  # every row has one
    assert lines[-1].endswith("cpu · no interventions")
    assert str(make_result(verdict=DO_NOT_TRUST)).startswith("■ do not trust")


def test_repr_is_short() -> None:
    assert repr(make_result()) == (
        "<AttributionResult: 5 tokens for ' Canberra' against ' Sydney' by integrated_gradients, trust>"
    )


def test_frame() -> None:
    frame = make_result().to_frame()
    assert list(frame.columns) == ["token", "id", "start", "end", "score"]
    assert frame["score"].tolist() == [0.06, 0.42, -0.08, 0.9, -0.35]
    assert make_chat_result().to_frame()["turn"].tolist()[3] == "user"


def test_plot() -> None:
    result = make_result(pieces=["The", " $x$", "👋 שלום", "\n", "漢字"], verdict=DO_NOT_TRUST)
    figure = result.plot()
    axes = figure.axes[0]
    bars = axes.patches
    assert [bar.get_width() for bar in bars] == pytest.approx([0.06, 0.42, -0.08, 0.9, -0.35])  # type: ignore[attr-defined]  # they are rectangles
    assert [bool(bar.get_hatch()) for bar in bars] == [False, False, True, False, True]
    assert "do not trust" in axes.get_title(loc="left")
    assert bars[0].get_alpha() == 0.45
    labels = [text.get_text() for text in axes.texts]
    assert labels == [box["label"] for box in highlight_payload(result)["boxes"]]
    assert figure._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]  # and no warning of a glyph


@pytest.mark.parametrize("pieces", [[], ["a"] * 300])
def test_plot_of_nothing_and_of_much(pieces: list[str]) -> None:
    make_result(pieces=pieces).plot().savefig("/dev/null", format="png")


def test_no_pyplot_and_nothing_before_it_is_used() -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'IPython', 'ipywidgets', 'anywidget', 'pandas', 'matplotlib'):\n"
        "    sys.modules[name] = None\n"
        "from tests.builders import make_result\n"
        "bundle = make_result()._repr_mimebundle_()\n"
        "print(sorted(bundle))\n"
        "for name in ('pandas', 'matplotlib'): del sys.modules[name]\n"
        "make_result().to_frame(), make_result().plot()\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stderr == ""
    assert done.stdout.splitlines() == [str(sorted([MIME_TYPE, "text/html", "text/plain"])), "False"]


def test_a_saved_highlight_of_50_tokens_is_small(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pieces = [f" {word}" for word in rng.choice(["interpretation", "of", "Australia", "naïve", "→"], 50)]
    result = make_result(pieces=pieces, scores=rng.normal(size=50) * 10, verdict=DO_NOT_TRUST)
    bundle = result._repr_mimebundle_()
    bundle["application/vnd.jupyter.widget-view+json"] = {"version_major": 2, "version_minor": 0, "model_id": "0" * 32}
    notebook = nbformat.from_dict(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
            {"cell_type": "code", "id": "a", "source": "r", "metadata": {}, "execution_count": 1, "outputs": [
                {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": bundle}]}]}
    )  # fmt: skip
    nbformat.write(notebook, tmp_path / "saved.ipynb")
    assert (tmp_path / "saved.ipynb").stat().st_size < 60_000  # 100 kB is promised


@pytest.fixture
def _built(monkeypatch: pytest.MonkeyPatch) -> None:
    built = {".js": "draw('</script>')", "css": ".iw::after{content:'</style>'}"}
    monkeypatch.setattr(static, "static_text", lambda name: built[name[-3:]])


@pytest.mark.usefixtures("_built")
def test_the_page_holds_its_data_and_names_no_address(tmp_path: Path) -> None:
    result = make_result(pieces=["</script><script>alert(1)</script>", "<!--", "\u2028"], target="</title>")
    page = result.to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text("utf-8") == page
    found = re.search(r'<script type="application/json" data-interp="highlight">(.*?)</script>', page)
    assert found is not None
    assert json.loads(found[1]) == highlight_payload(result)
    assert page.count("</script>") == 2
    assert page.count("</style>") == 2  # the page's own, and the view's
    assert page.count("</title>") == 1
    assert not re.search(r"""(src|href)\s*=|https?:|url\(""", page)
    assert "default-src 'none'" in page


def test_the_page_needs_the_built_view(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise FileNotFoundError(name)

    monkeypatch.setattr(static, "static_text", missing)
    with pytest.raises(FileNotFoundError):
        make_emoji_result().to_html()


def test_without_a_kernel_there_is_no_widget() -> None:
    assert set(make_result()._repr_mimebundle_()) == {MIME_TYPE, "text/html", "text/plain"}


def test_no_model_in_memory() -> None:
    assert make_result().model() is None
