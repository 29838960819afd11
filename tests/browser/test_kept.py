"""The picture that a click made is the one that the notebook keeps: in the file, after a reload, without a kernel."""

from __future__ import annotations

from typing import Any

from tests.browser.lab import Lab, notebook

MIME = "application/vnd.interp.highlight.v1+json"
CELLS = (
    "import interp_widgets as iw\nlm = iw.load_model(device='cpu')",
    "w = iw.widgets.Highlight(result=iw.attribute("
    "lm, 'The capital of Australia is', method='integrated_gradients', steps=4))\nw",
)


def kept(lab: Lab, path: str) -> dict[str, Any]:
    data: dict[str, Any] = lab.read(path)["cells"][1]["outputs"][0]["data"]
    return data


def test_a_click_changes_what_the_notebook_keeps(lab: Lab) -> None:
    path = lab.write("kept.ipynb", notebook(*CELLS))
    lab.open(path)
    lab.run_all()
    card = lab.output(1).locator("[data-iw=highlight][data-state=live]")
    card.wait_for()
    lab.save()
    assert kept(lab, path)[MIME]["settings"]["target"] == " Sydney"

    card.locator("[data-iw=candidate]", has_text="Canberra").click()
    card.locator("[data-iw=title]", has_text="·Canberra").wait_for()
    lab.page.wait_for_function("() => jupyterapp.shell.currentWidget.context.model.dirty")
    lab.save()
    data = kept(lab, path)
    labels = [box["label"] for box in data[MIME]["boxes"]]
    assert data[MIME]["settings"]["target"] == " Canberra"
    twin = "".join(data["text/html"])
    assert all(label in twin for label in labels)
    assert "Canberra" in "".join(data["text/plain"]).splitlines()[1]

    lab.shut_down_kernel()
    still = lab.output(1).locator("[data-iw=highlight][data-state=static]")
    still.wait_for()
    assert "·Canberra" in still.locator("[data-iw=title]").inner_text()
    assert [token.get_attribute("data-score") for token in still.locator("[data-iw=token]").all()] == [
        str(box["score"]) for box in data[MIME]["boxes"]
    ]
    assert lab.errors == []
