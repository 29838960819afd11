"""The browser fixtures themselves, on a plain ipywidgets notebook; and our extension as JupyterLab sees it."""

from __future__ import annotations

import json

from tests.browser.lab import Lab, notebook

COUNTER = notebook(
    "import ipywidgets\n"
    "button, label = ipywidgets.Button(description='More'), ipywidgets.Label('pressed 0')\n"
    "presses = []\n"
    "def more(_):\n"
    "    presses.append(1)\n"
    "    label.value = f'pressed {len(presses)}'\n"
    "button.on_click(more)\n"
    "ipywidgets.VBox([button, label])",
    "from IPython.display import HTML\nHTML('<p>from <b>Python</b></p><script>window.ran = 1</script>')",
)


def test_lab_opens_with_our_extension(lab: Lab) -> None:
    config = json.loads(lab.page.locator("#jupyter-config-data").text_content() or "{}")
    assert "interp-labextension" in [extension["name"] for extension in config["federated_extensions"]]
    ours = lab.page.evaluate(
        "() => window.jupyterapp.listPlugins().filter(id => id.startsWith('interp-labextension'))"
        ".filter(id => window.jupyterapp.isPluginActivated(id))"
    )
    assert ours, "the extension is installed, but none of its plugins started"
    assert lab.foreign_requests() == []


def test_a_widget_lives_and_the_page_asks_nobody_else(lab: Lab) -> None:
    lab.write("counter.ipynb", COUNTER)
    lab.open("counter.ipynb")
    lab.run_all()
    button = lab.output(0).get_by_role("button", name="More")
    button.click()
    lab.output(0).get_by_text("pressed 1").wait_for()
    lab.set_theme("JupyterLab Dark")
    button.click()
    lab.output(0).get_by_text("pressed 2").wait_for()
    assert lab.foreign_requests() == []
    assert lab.errors == []


def test_reload_and_shut_down(lab: Lab) -> None:
    lab.write("reload.ipynb", COUNTER)
    lab.open("reload.ipynb")
    lab.run_all()
    lab.save()
    saved = lab.read("reload.ipynb")
    assert saved["cells"][0]["outputs"], "saving wrote no output"
    lab.reload("reload.ipynb")
    lab.output(1).get_by_text("from Python").wait_for()
    assert lab.has_kernel()
    lab.restart_kernel()
    lab.shut_down_kernel()
    assert not lab.has_kernel()


def test_trust(lab: Lab) -> None:
    lab.write("trust.ipynb", COUNTER)
    lab.open("trust.ipynb")
    lab.run_all()
    lab.save()
    assert lab.is_trusted()
    lab.close()
    lab.untrust("trust.ipynb")
    lab.start()
    lab.open("trust.ipynb")
    assert not lab.is_trusted()
    lab.output(1).get_by_text("from Python").wait_for()
    assert lab.page.evaluate("() => window.ran") is None
    lab.trust()
    assert lab.is_trusted()
