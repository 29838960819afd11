"""A neuron's card in all its forms: the picture's data, the table without a script, plain text, the plot."""

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

from interp_widgets.locate import neuron_payload as module
from interp_widgets.locate.neuron_html import neuron_html
from interp_widgets.locate.neuron_payload import neuron_payload
from interp_widgets.locate.neuron_text import text_of
from interp_widgets.locate.neuron_verdict import percent
from tests.locate.made_neurons import make_neurons

FIXTURES = Path(__file__).parents[2] / "labextension/src/__tests__/fixtures"


def words(payload: dict[str, Any], entry: int) -> list[tuple[str, str]]:
    return [(word["name"], word["label"]) for word in payload["boxes"][entry]["words"]]


def test_the_picture() -> None:
    payload = neuron_payload(make_neurons())
    assert payload["title"] == [{"text": "What makes neuron 301 of layer 8 fire?"}]
    assert payload["verdict"] is None
    assert [(one["rank"], one["peak"]["name"], one["peak"]["label"]) for one in payload["boxes"]] == [
        ("1", "·cup", "+0.90"),
        ("2", "⟨91⟩", "+0.62"),
        ("3", "·last", "+0.55"),
    ]
    assert words(payload, 0) == [("<s>", ""), ("The", "+0.02"), ("·cup", "+0.90"), ("·was", "−0.30"), ("·won", "+0.41")]
    # An emoji of three tokens is one word: the largest of the three activations, which do not add up.
    assert words(payload, 1)[2] == ("·👋", "+0.62")
    assert payload["boxes"][1]["words"][2]["parts"] == [
        {"name": "·⟨F0 9F⟩", "label": "+0.10"},
        {"name": "⟨91⟩", "label": "+0.62"},
        {"name": "⟨8B⟩", "label": "−0.20"},
    ]
    assert payload["scale"] == {"max": 0.9, "label": "0.90", "unit": "activation"}
    assert json.loads(json.dumps(payload, allow_nan=False)) == payload
    assert payload["finding"] == (
        "The top 3 of 4 texts hold 98 % of the neuron's activation above zero, with 86 % of the tokens; they peak at 3"
        " different tokens."
    )


def test_what_is_said_of_the_part_that_is_not_shown() -> None:
    negative = make_neurons(sign="negative")
    payload = neuron_payload(negative)
    assert payload["title"][0]["text"] == "What drives neuron 301 of layer 8 below zero?"
    assert [one["peak"]["label"] for one in payload["boxes"]] == ["−0.60", "−0.30", "−0.20"]
    assert payload["finding"].endswith(" It reaches further above zero (0.90) than below (−0.60).")
    assert "below zero" in payload["weights"]
    never = make_neurons(total_mass=np.zeros(1), masses=np.zeros((1, 3)), values=np.full((1, 3), -0.1, np.float32))
    assert never.finding() == "The neuron is never above zero in 4 texts."
    verdict = never.verdict()
    assert verdict is not None
    assert verdict.sentence.startswith("only 0 of these 3 peaks are above zero")
    sink = make_neurons(positions=np.zeros((1, 3), np.int64)).verdict()
    assert sink is not None
    assert sink.sentence.startswith("3 of these 3 peaks stand on the first token")
    everything = make_neurons(k=4)
    assert everything.held() == pytest.approx(1)
    assert everything.finding().startswith("These are all 4 texts")


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.314, "31 %"), (0.0214, "2.1 %"), (0.00034, "0.034 %"), (0, "0 %"), (1, "100 %"), (0.9999, "> 99 %")],
)
def test_percent(share: float, said: str) -> None:
    assert percent(share) == said


def test_the_histogram_marks_the_region_of_the_peaks() -> None:
    result = make_neurons()
    picture = neuron_payload(result)["histogram"]
    bars = picture["bars"]
    assert len(bars) <= 48
    assert sum(bar["count"] for bar in bars) == result.tokens_counted
    assert [bar["top"] for bar in bars] == sorted(bar["top"] for bar in bars)  # all to the right
    # Every activation from the last of the peaks up lies in a marked bar, and the bars before hold all others.
    values = result.context_activations[np.isfinite(result.context_activations)]
    assert sum(bar["count"] for bar in bars if bar["top"]) >= (values >= result.values[0, -1]).sum()
    assert picture["bound"]["label"] == "0.55"
    assert "from 0.55 up" in picture["words"]
    negative = neuron_payload(make_neurons(sign="negative"))["histogram"]
    assert [bar["top"] for bar in negative["bars"]] == sorted((bar["top"] for bar in negative["bars"]), reverse=True)
    assert "from −0.20 down" in negative["words"]


def test_pairs_of_bins_keep_zero_as_an_edge() -> None:
    edges, counts = np.arange(-5, 8) * 0.5, np.arange(12)
    joined, sums = module._paired(edges, counts)
    assert 0 in joined
    assert sums.sum() == counts.sum()
    np.testing.assert_allclose(np.diff(joined), 1.0)
    for low, high, n in zip(joined[:-1], joined[1:], sums, strict=True):
        inside = (edges[:-1] >= low) & (edges[:-1] < high)
        assert n == counts[inside].sum()


def test_a_long_text_is_drawn_around_its_peak() -> None:
    pieces, peak = [f" w{i}" for i in range(200)], 120
    activations = np.linspace(-0.1, 0.1, 200).astype(np.float32)
    activations[peak] = 2.0
    ends = np.cumsum([len(piece) for piece in pieces])
    spans = np.stack([ends - [len(piece) for piece in pieces], ends], axis=1)
    result = make_neurons(
        k=1,
        values=np.array([[2.0]], np.float32),
        text_index=np.array([[0]]),
        positions=np.array([[peak]]),
        token_ids=np.array([[1000 + peak]]),
        spans=spans[peak][None, None],
        texts={0: "".join(pieces)},
        words=dict.fromkeys(range(9), "x") | {1000 + i: piece for i, piece in enumerate(pieces)},
        context_lengths=np.array([200]),
        context_ids=np.arange(1000, 1200),
        context_spans=spans,
        context_activations=activations,
    )
    (entry,) = neuron_payload(result)["boxes"]
    assert entry["cut"] == "not drawn: 80 tokens before and 55 tokens after"
    assert entry["ends"] == [True, True]
    assert [word["name"] for word in entry["words"]] == [piece.replace(" ", "·") for piece in pieces[80:145]]


def test_a_layer_brings_the_peaks_of_every_neuron(monkeypatch: pytest.MonkeyPatch) -> None:
    result = make_neurons(neurons=4)
    layer = neuron_payload(result)["layer"]
    assert (layer["first"], layer["last"], len(layer["neurons"]), layer["rest"]) == (0, 3, 4, None)
    assert "".join([layer["title"][0], "2", layer["title"][1]]) == "What makes neuron 2 of layer 8 fire?"
    assert layer["neurons"][2][0] == ["+0.22", 0.225, "The", " cup", " was won"]
    assert [len(rows) for rows in layer["neurons"]] == [3] * 4
    monkeypatch.setattr(module, "_PEAKS", 3)
    few = neuron_payload(result)["layer"]
    assert (few["last"], [len(rows) for rows in few["neurons"]]) == (2, [1] * 3)
    assert few["rest"] == "This picture holds the first 3 of 4 neurons; `result.top(n)` has all."
    assert neuron_payload(make_neurons())["layer"] is None


def test_without_contexts_only_the_peak_is_inked() -> None:
    result = make_neurons(neurons=2).show(1)  # no model in memory
    assert result.neuron == 1
    assert result.contexts() == []
    payload = neuron_payload(result)
    assert payload["whole"] is False
    assert words(payload, 0) == [("The", ""), ("·cup", "+0.45"), ("·was won", "")]


def numbers_of(payload: dict[str, Any]) -> list[str]:
    """Every number that a reader of the picture can read, in reading order of the twin."""
    labels = []
    for entry in payload["boxes"]:
        labels.append(entry["peak"]["label"])
        labels += [] if entry["share"] is None else [entry["share"]]
        labels += [word["label"] for word in entry["words"] if word["score"]]
    labels += [figure["label"] for figure in payload["figures"]]
    labels += [label for bar in payload["histogram"]["bars"] for label in (bar["name"], bar["label"])]
    pairs = zip(payload["promoted"], payload["demoted"], strict=True)
    return labels + [one["label"] for pair in pairs for one in pair]


@pytest.mark.parametrize("make", [{}, {"sign": "negative"}, {"neurons": 3}], ids=str)
def test_the_table_has_the_numbers_of_the_picture(make: dict[str, Any]) -> None:
    payload = neuron_payload(make_neurons(**make))
    twin = neuron_html(payload)
    at = 0
    for label in numbers_of(payload):
        found = twin.find(markup.escape(label), at)
        assert found >= 0, label
        at = found
    assert payload["finding"].replace("'", "&#x27;") in twin
    assert not re.search(r"<script|<style|var\(", twin)


def test_the_text_has_the_numbers_of_the_picture() -> None:
    payload = neuron_payload(make_neurons())
    told = text_of(payload)
    for entry in payload["boxes"]:
        assert f"{entry['rank']:>5}  {entry['peak']['label']}" in told
    assert "The[ cup] was won" in told
    for bar in payload["histogram"]["bars"]:
        assert re.search(rf"{re.escape(bar['name'])} +{bar['label']}", told)
    assert "promoted: ·trophy +9.5" in told
    assert str(make_neurons()) == told


def test_hostile_text_stays_text() -> None:
    result = make_neurons(words=dict.fromkeys(range(1, 200), "<img onerror=x>"), tried=())
    twin = neuron_html(neuron_payload(result))
    assert "<img" not in twin
    assert "&lt;img onerror=x&gt;" in twin


def test_the_plot_is_a_figure_of_its_own() -> None:
    figure = make_neurons().plot()
    axes: Any = figure.axes[0]
    edges, counts = make_neurons().histogram()
    assert [patch.get_height() for patch in axes.patches] == counts.tolist()
    np.testing.assert_allclose([patch.get_x() for patch in axes.patches], edges[:-1])
    assert "neuron 301" in figure.get_suptitle()


def test_the_call_that_makes_it_again() -> None:
    code = neuron_payload(make_neurons(sign="negative", provenance={"interventions": ("calm",)}))["code"]
    assert code.splitlines()[-1].endswith("iw.max_activating(lm, texts, layer=8, neuron=301, k=3, sign='negative')")
    assert "calm" in code
    compile(code, "code", "exec")
    assert neuron_payload(make_neurons(neurons=2))["code"].endswith("result.show(0)")


@pytest.mark.parametrize(("name", "make"), [("neuron", {}), ("neuron-layer", {"neurons": 4})])
def test_the_views_tests_draw_this_picture(name: str, make: dict[str, Any]) -> None:
    assert json.loads((FIXTURES / f"{name}.json").read_text("utf-8")) == neuron_payload(make_neurons(**make))


def test_loading_a_result_loads_no_torch(tmp_path: Path) -> None:
    path = make_neurons().save(tmp_path / "saved")
    code = (
        "import sys, interp_widgets as iw; r = iw.load_result(sys.argv[1]); str(r); r.top(); "
        "print([m for m in ('torch', 'pandas', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
