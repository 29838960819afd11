"""A widget cell that is run a hundred times leaves memory, widgets and the page as they were after the first few."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.lab import PANEL, Lab
from tests.browser.questions import AGAINST_SYDNEY, canberra

RUNS = 100
WARM = 20  # allocators and caches fill in the first runs

KERNEL = """(lambda: (gc.collect(), {
    'models': len(ipywidgets.Widget.widgets),
    'highlights': sum(isinstance(w, iw.widgets.Highlight) for w in list(ipywidgets.Widget.widgets.values())),
    'anonymous': int(next(l for l in open('/proc/self/status') if l.startswith('RssAnon')).split()[1]) / 1024,
})[1])()"""

# Models that the page's widget manager holds. It has no list of them, so each id that was ever opened is asked for.
WATCH = f"""() => {{
  window.__opened = new Set();
  window.__closed = new Set();
  {PANEL}.sessionContext.iopubMessage.connect((_, message) => {{
    const {{ comm_id, target_name }} = message.content;
    if (message.header.msg_type === 'comm_open' && target_name === 'jupyter.widget') window.__opened.add(comm_id);
    if (message.header.msg_type === 'comm_close') window.__closed.add(comm_id);
  }});
}}"""
HELD = f"""() => {{
  const factory = {PANEL}.content.rendermime.getFactory('application/vnd.jupyter.widget-view+json');
  const kernel = {PANEL}.sessionContext.session.kernel;
  return {{
    opened: window.__opened.size,
    live: [...window.__opened].filter(id => !window.__closed.has(id)).length,
    comms: [...window.__opened].filter(id => kernel.hasComm(id)).length,
    cards: document.querySelectorAll('[data-iw="highlight"]').length,
    factory: factory !== undefined
  }};
}}"""


def nodes(lab: Lab) -> dict[str, float]:
    """What the browser itself holds, detached elements included, after its garbage was collected."""
    session = lab.page.context.new_cdp_session(lab.page)
    session.send("HeapProfiler.collectGarbage")
    counters = session.send("Memory.getDOMCounters")
    session.detach()
    return {"nodes": counters["nodes"], "listeners": counters["jsEventListeners"]}


def test_a_hundred_runs(lab: Lab) -> None:
    lab.write("rerun.ipynb", canberra())
    lab.open("rerun.ipynb")
    lab.run_all()
    lab.card(1)
    lab.page.evaluate(WATCH)
    lab.python("None", "import gc, ipywidgets")
    for _ in range(WARM):
        lab.run_cell(1)
    lab.card(1)
    before, page_before = lab.python(KERNEL), nodes(lab)
    for _ in range(RUNS - WARM):
        lab.run_cell(1)
    card = lab.card(1)
    after, page_after, held = lab.python(KERNEL), nodes(lab), lab.page.evaluate(HELD)
    print(f"\nafter {WARM} and {RUNS} runs: {before} {after}; page {page_before} {page_after} {held}")
    assert after["models"] == before["models"]
    assert after["highlights"] == 1
    assert after["anonymous"] - before["anonymous"] < 8, "MiB"
    # A widget and its layout: two comms for each run, and those of the last run alive.
    assert held["opened"] == 2 * RUNS
    assert held["live"] == held["comms"] == 2
    assert held["cards"] == 1
    card_nodes = card.root.evaluate("card => card.querySelectorAll('*').length")
    assert page_after["nodes"] - page_before["nodes"] < 3 * card_nodes, "not a card for each of 80 runs"
    expect(card.part("title")).to_have_text(AGAINST_SYDNEY)
    card.candidate("·Sydney").click()
    card.expect_title("Why ·Sydney rather than ·Canberra?")
    lab.expect_quiet()
