"""What lab 03 says is true of what its cells show, and no number stands in its text that is not looked at here."""

from __future__ import annotations

import importlib
import re

import numpy as np
import pytest

from interp_widgets.course import lab03
from interp_widgets.course.lab03 import bans, sweeps
from interp_widgets.steering.sets import pair_set
from tests.notebooks.conftest import Runs
from tests.notebooks.executing import Notebook, output
from tests.notebooks.prose import NUMBER, after, numbers, numbers_of, text_of

pytestmark = [pytest.mark.notebooks, pytest.mark.timeout(1500)]
LAB = lab03.LAB
Row = tuple[float, float, float]  # of the sweep: concept, half of its interval, ratio of perplexity


@pytest.fixture
def shown(runs_of: Runs) -> Notebook:
    return runs_of(LAB).teacher


@pytest.fixture(scope="module")
def text() -> str:
    return text_of(LAB)


def score(words: str) -> float:
    module = importlib.import_module("vaderSentiment.vaderSentiment")  # it has no annotations
    return float(module.SentimentIntensityAnalyzer().polarity_scores(words)["compound"])


def test_the_surprise(shown: Notebook, text: str) -> None:
    down, _, up = (line[6:] for line in output(shown, "surprise-shown").splitlines())
    assert "The tone turns and the language stays whole" in text
    assert score(up) > 0.3
    assert score(up) > score(down) + 0.3
    assert "at layers 12, 14 and 16" in text
    assert sweeps.LAYERS == (12, 14, 16)


def test_the_pairs(text: str) -> None:
    sentiment = pair_set("sentiment")
    assert "the mean difference of 64 pairs of texts" in text
    assert "fitted on 64 and tested on 28" in text
    assert (len(sentiment.fitting), len(sentiment.held_out)) == (64, 28)
    assert "14 neutral openings, two each" in text
    assert "28 sampled texts" in text
    assert len(sentiment.neutral_prompts) == 14
    assert "both sides end in the same words" in text
    for one, other in zip(sentiment.fitting.positive, sentiment.fitting.negative, strict=True):
        assert str(one).split()[-1] == str(other).split()[-1]


def test_what_leaks(shown: Notebook, text: str) -> None:
    rows = output(shown, "leaky-shown").splitlines()[1:]
    own, cosines = ([numbers(line)[place] for line in rows[1:]] for place in (0, 1))
    assert "All of them, and none has anything to do with sentiment: the cosines are near 0" in text
    assert own == [100.0] * 3
    assert max(map(abs, cosines)) < 0.2


def test_components(shown: Notebook, text: str) -> None:
    rows = {line.split()[0]: numbers(line.split(maxsplit=1)[1]) for line in output(shown, "cosines-shown").splitlines()}
    places = {int(layer): i for i, layer in enumerate(rows["layer"])}
    assert "Without centring the component is nearly the mean from layer 14 on" in text
    assert min(rows["pca_uncentred"][places[14] :]) > 0.95
    assert "another direction at the layers where we steer" in text
    assert abs(rows["pca_centred"][places[14]]) < 0.4
    assert "at layer 6 it even points the other way, and it comes nearer only late" in text
    assert rows["pca_centred"][places[6]] < 0
    assert rows["pca_centred"][places[26]] > 0.6
    assert "The probe is yet another direction" in text
    assert all(0.4 < cosine < 0.9 for cosine in rows["logistic"])


def test_how_much_is_much(shown: Notebook, text: str) -> None:
    lines = output(shown, "alpha-shown").splitlines()
    assert (
        "1.5 is a hundredth of what is there, and next to nothing happens: most texts are the same to the letter"
        in text
    )
    same, of = numbers(lines[0])
    assert of == 14
    assert same > of / 2
    assert numbers(lines[1])[-1] == pytest.approx(0.01, abs=0.003)
    first, others = (float(one.replace(",", "")) for one in re.findall(r"[\d,]+\d", lines[2])[1:])
    everything = float(re.findall(r"[\d,]+\d", lines[3])[1].replace(",", ""))
    assert "its state is more than a hundred times as long as the others" in text
    assert first > 100 * others
    assert "on this short text your unit is more than ten times too large" in text
    assert everything > 10 * others


def test_pairs_it_has_not_seen(shown: Notebook, text: str) -> None:
    true, shuffled, best = (numbers(line) for line in output(shown, "accuracy-shown").splitlines()[:3])
    assert "Directions of shuffled labels tell apart most of the pairs that they were fitted to" in text
    assert shuffled[0] > 0.7
    assert "right about half of the time, on average over 20 shuffles" in text
    assert shuffled[1] == pytest.approx(0.5, abs=0.12)
    assert "if you take the *best* of 30 layers for each, even nothing looks like something" in text
    assert best[-1] > 0.65
    assert min(true) > 0.95


def rows_of(shown: Notebook) -> dict[tuple[str, float], Row]:
    rows = {}
    for line in output(shown, "sweep-shown").splitlines()[2:13]:
        found = re.search(rf"^(\w+ ?\w+) +{NUMBER} +{NUMBER} ± {NUMBER} +{NUMBER}x", line)
        assert found is not None, line
        rows[found[1].strip(), float(found[2])] = (float(found[3]), float(found[4]), float(found[5]))
    return rows


def test_damage_and_bounds(shown: Notebook, text: str) -> None:
    ratios = [tuple(numbers(line)) for line in output(shown, "damage-shown").splitlines()]
    assert (0.0, 1.0) in ratios
    low, high = numbers(output(shown, "sweep-shown").splitlines()[0])
    assert "with a strength of −0.075 to +0.075 of the residual norm" in text
    assert (low, high) == (-0.075, 0.075)
    assert "the perplexity of neutral text rises by less than a quarter" in text
    assert all(ratio < 1.25 for strength, ratio in ratios if low <= strength <= high)


def test_the_result_and_its_control(shown: Notebook, text: str) -> None:
    rows = rows_of(shown)
    name, control, shuffle = "sentiment", "random direction", "shuffled labels"
    low, high = rows[name, -0.075], rows[name, 0.075]
    span = high[0] - low[0]
    assert "it moves the mean VADER score of 28 sampled texts by more than 0.6" in text
    assert "the vector moves the mean by more than 0.6" in text
    assert span > 0.6
    assert "the two ends lie outside of each other's intervals" in text
    assert low[0] + low[1] < high[0] - high[1]
    assert "A random direction of the same length does no such thing" in text
    assert "The random direction moves nothing that its intervals do not cover" in text
    one, other = rows[control, -0.075], rows[control, 0.075]
    assert abs(other[0] - one[0]) < one[1] + other[1]
    assert abs(other[0] - one[0]) < span / 3
    assert "The shuffled labels move it too, though by less" in text
    assert 0 < rows[shuffle, 0.075][0] - rows[shuffle, -0.075][0] < span
    assert "they cost as much perplexity as the vector does" in text
    for strength in (-0.075, 0.075):
        assert rows[shuffle, strength][2] == pytest.approx(rows[name, strength][2], abs=0.1)
    assert "Twice as far out the concept gains little, and the damage is past any limit" in text
    assert rows[name, 0.15][0] - high[0] < span / 2
    assert low[0] - rows[name, -0.15][0] < span / 2
    assert min(rows[name, -0.15][2], rows[name, 0.15][2]) > 1.5
    assert "The unsteered model is friendly by itself, so there is more room downwards" in text
    plain = rows[name, 0.0]
    assert plain[0] - low[0] > high[0] - plain[0]
    (page,) = (cell for cell in shown["cells"] if cell["id"] == "sweep-shown")
    assert any("image/png" in one.get("data", {}) for one in page["outputs"])


def test_two_traits(shown: Notebook, text: str) -> None:
    lines = output(shown, "mixed-shown").splitlines()
    assert "at a right angle where they are added" in text
    assert abs(numbers(lines[0])[-1]) < 0.1
    honest, brief, both, chance = (np.asarray(numbers(line)) for line in lines[2:6])
    assert '"Both" is nearly the sum of the two rows' in text
    np.testing.assert_allclose(both, honest + brief, atol=0.3)
    assert "the random direction does next to nothing" in text
    assert max(abs(chance)) < 0.4
    assert "brevity still takes honesty away" in text
    assert honest[0] > 0.5
    assert brief[1] > 0.5
    assert brief[0] < -0.25


def test_strengths_by_row(shown: Notebook) -> None:
    read = [after("read as", line) for line in output(shown, "locales-shown").splitlines()]
    assert read[0] > read[1] > read[2]


def test_reading_is_not_writing(shown: Notebook, text: str) -> None:
    accuracy, *rows = (numbers(line) for line in output(shown, "moderation-shown").splitlines())
    assert "tells requests to decline from harmless ones without a single error" in text
    assert accuracy[-1] == 100
    assert "the model declines no more of them, rather fewer" in text
    off, _, strong = (row[-2] for row in rows)
    assert strong < off
    assert "The eight requests are held-out ones" in text
    assert {row[-1] for row in rows} == {8}


def test_cohorts(shown: Notebook, text: str) -> None:
    first, second, both, product = numbers(output(shown, "cohorts-shown"))
    assert "two experiments that steer 30 %" in text
    assert (first, second) == pytest.approx((30, 30), abs=3)
    assert both == pytest.approx(product, abs=1.5)


def test_the_file(shown: Notebook, text: str) -> None:
    assert "a file of some kilobytes" in text
    kilobytes, *_ = numbers(output(shown, "gguf-shown"))
    assert 2 < kilobytes < 50
    assert "Back from the file, the direction is the same" in text
    assert output(shown, "gguf-shown").splitlines()[1] == "cosines 1.0000, 1.0000, 1.0000"


def test_the_ban_fails(shown: Notebook, text: str) -> None:
    lines = output(shown, "ban-shown").splitlines()[1:]
    said = [numbers(line.split("  ", 1)[1])[:2] for line in lines]
    ratio = [float(found) for found in re.findall(r"([\d.]+)x", "\n".join(lines))]
    assert "36 pairs of sentences, the same but for the city, and eight openings" in text
    assert (len(bans.pairs()), len(bans.LEADING)) == (36, 8)
    assert "eight openings after which the unsteered model likes to say it" in text
    assert said[0][0] >= 6
    assert "It is said less often, and at the bound still in most of the texts" in text
    assert said[0][0] > said[2][0] > 4
    assert "Far past the bound, at about twice the perplexity, it is still there" in text
    assert said[3][0] > 0
    assert ratio[3] == pytest.approx(2, abs=0.4)
    assert "Taking its token from the choices costs nothing and is exact" in text
    assert said[4][0] == 0


def test_where_you_stand(shown: Notebook) -> None:
    assert f"{LAB.points - 6:g} of" in output(shown, "stand") or "All exercises are done." in output(shown, "stand")


# Every other number of the text: what it is, so that a new one is noticed.
KNOWN = {
    *("03", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"),  # the lab's own; sections, goals, exercises
    *("2014", "2023", "2024", "135"),  # years; the model's name
    *("0.6", "0.075", "28", "64", "14", "16", "12", "36"),  # tested above
    *("0", "0.0", "20", "30", "32", "576", "1.5", "0.05", "000", "256"),  # settings; the model's width and layers
}


def test_no_other_number_stands_in_the_text(text: str) -> None:
    assert numbers_of(text, LAB) <= KNOWN
