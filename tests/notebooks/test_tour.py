"""What the tour says is true of what its cells show."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks.executing import FOLDER, Notebook, execute, output

pytestmark = pytest.mark.notebooks
PATH = FOLDER / "00_tour.ipynb"
MIME_TYPE = "application/vnd.interp.highlight.v1+json"
COMPARE = "application/vnd.interp.compare.v1+json"


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Notebook:
    return execute([PATH], tmp_path_factory.mktemp("elsewhere"))[0]


def prose(tour: Notebook, cell_id: str) -> str:
    return str(next(cell for cell in tour["cells"] if cell["id"] == cell_id)["source"])


def payload(tour: Notebook, cell_id: str) -> dict[str, Any]:
    cell = next(cell for cell in tour["cells"] if cell["id"] == cell_id)
    found: dict[str, Any] = next(o["data"][MIME_TYPE] for o in cell["outputs"] if MIME_TYPE in o.get("data", {}))
    return found


def test_sydney_leads_and_they_are_nearly_level(tour: Notebook) -> None:
    assert "nearly level, and the wrong one leads" in prose(tour, "wrong")
    first, second, third = payload(tour, "attribute")["candidates"][:3]
    assert (first["name"], second["name"]) == ("·Sydney", "·Canberra")
    assert first["probability"] - second["probability"] < 0.05
    assert third["probability"] < 0.2 * second["probability"]
    shown = output(tour, "ask")
    assert shown.index("Sydney") < shown.index("Canberra")


def test_the_prompt_has_five_tokens(tour: Notebook) -> None:
    assert "five tokens" in prose(tour, "wrong")
    assert len(payload(tour, "attribute")["boxes"]) == 5


def test_the_method_is_the_textbooks(tour: Notebook) -> None:
    assert "zero embedding" in prose(tour, "wrong")
    assert "50 points" in prose(tour, "wrong")
    settings = payload(tour, "attribute")["settings"]
    assert (settings["method"], settings["baseline"], settings["steps"]) == ("integrated_gradients", "zero", 50)


def test_the_verdict(tour: Notebook) -> None:
    assert "*do not trust*" in prose(tour, "read")
    verdict = payload(tour, "attribute")["verdict"]
    assert verdict["word"] == "do not trust"
    assert verdict["why"], "and why"
    numbers = dict(re.findall(r"^(\w+) +(-?[\d.]+)$", output(tour, "completeness"), re.MULTILINE))
    assert set(numbers) == {"sum", "due", "completeness_error"}
    assert abs(float(numbers["sum"]) - float(numbers["due"])) > 1, "they should be equal, and are not"


def test_the_widget_asks_the_same_question(tour: Notebook) -> None:
    assert payload(tour, "widget")["title"] == payload(tour, "attribute")["title"]
    assert "nothing yet" in output(tour, "selection")
    assert "question:  Canberra against  Sydney" in output(tour, "selection")


def test_the_columns_disagree_in_order_and_size(tour: Notebook) -> None:
    assert "do not agree, in order or in size" in prose(tour, "compare-methods")
    rows = re.findall(r"integrated gradients +([+-][\d.]+) +removed +([+-][\d.]+)", output(tour, "remove"))
    assert len(rows) == 5
    scores, removed = ([float(row[column]) for row in rows] for column in (0, 1))
    labels = [float(box["label"].replace("−", "-")) for box in payload(tour, "attribute")["boxes"]]
    assert scores == pytest.approx(labels, abs=0.06), "the table repeats what the picture says"

    def order(values: list[float]) -> list[int]:
        return sorted(range(5), key=lambda index: -abs(values[index]))

    assert order(scores) != order(removed)
    assert max(map(abs, scores)) > 3 * max(map(abs, removed))


def test_methods_side_by_side(tour: Notebook) -> None:
    """Each row has a verdict of its own, and at least one of them is not to be trusted."""
    cell = next(cell for cell in tour["cells"] if cell["id"] == "compare")
    found = next(o["data"][COMPARE] for o in cell["outputs"] if COMPARE in o.get("data", {}))
    words = {row["verdict"]["word"] for row in found["methods"]}
    assert len(found["methods"]) == 4
    assert "do not trust" in words
    assert "rank" in output(tour, "disagree")


def test_the_sources_of_a_text(tour: Notebook) -> None:
    steps = re.findall(r"probability ([\d.]+) +strongest source: token (\d+)", output(tour, "steps"))
    assert len(steps) == 3
    assert [int(source) < 5 + i for i, (_, source) in enumerate(steps)] == [True] * 3, "a source comes before its token"


def test_the_change_and_the_way_back(tour: Notebook) -> None:
    without, whole = output(tour, "intervene").splitlines()
    assert without.startswith("without attention in layer 17:")
    assert without.split(":")[1].strip() != whole.split(":")[1].strip()
    assert whole.index("Sydney") < whole.index("Canberra")


def test_what_is_kept(tour: Notebook) -> None:
    table = output(tour, "save")
    for token in ("The", "capital", "of", "Australia", "is"):
        assert token in table


def test_every_promise_of_the_tour_has_a_cell(tour: Notebook) -> None:
    """The numbered list at the top, and what the tour never claims: the network."""
    assert re.findall(r"^(\d)\. ", prose(tour, "title"), re.MULTILINE) == list("1234567")
    sources = "\n".join(cell["source"] for cell in tour["cells"] if cell["cell_type"] == "code")
    calls = "load_model next_token iw.attribute Highlight widget.selection iw.compare lm.stream result.save to_html"
    for call in calls.split():
        assert call in sources
    assert not re.search(r"https?://", Path(PATH).read_text("utf-8"))
