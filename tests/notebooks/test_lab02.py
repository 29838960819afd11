"""What lab 02 says is true of what its cells show, and no number stands in its text that is not looked at here."""

from __future__ import annotations

import re
from typing import Any

import pytest

from interp_widgets.course import lab02
from tests.notebooks.conftest import Runs
from tests.notebooks.executing import Notebook, output
from tests.notebooks.prose import NUMBER, after, numbers, numbers_of, text_of

pytestmark = [pytest.mark.notebooks, pytest.mark.timeout(1500)]
LAB = lab02.LAB


@pytest.fixture
def shown(runs_of: Runs) -> Notebook:
    return runs_of(LAB).teacher


@pytest.fixture(scope="module")
def text() -> str:
    return text_of(LAB)


def scores_of(line: str) -> list[float]:
    return [float(score) for score in re.findall(r"' ([+-][\d.]+)", line)]


def test_the_surprise(shown: Notebook, text: str) -> None:
    alone, lime, shapley = map(scores_of, output(shown, "three").splitlines())
    assert len(alone) == len(lime) == len(shapley) == 5
    assert "For leave-one-out all five tokens speak for ·Canberra, and strongly" in text
    assert min(alone) > 1
    assert "three of the five speak against it, and everything is small" in text
    assert sum(score < 0 for score in shapley) == 3
    assert max(map(abs, shapley)) < 1
    assert "LIME has the signs of the one" in text
    assert [score < 0 for score in lime] == [score < 0 for score in shapley]


def test_four_tokens_by_hand(shown: Notebook, text: str) -> None:
    assert len(output(shown, "four-shown").splitlines()) == 16
    assert "Four tokens make sixteen sets" in text
    lines = output(shown, "spread-shown").splitlines()[:4]
    ranges = {line.split("'")[1]: re.findall(r"[+-]\d+\.\d+", line) for line in lines}
    assert "·Australia adds anything from −3.25 to +3.44" in text
    low, high, _ = map(float, ranges[" Australia"])
    assert (low, high) == pytest.approx((-3.25, 3.44), abs=0.02)
    assert "Each token helps in one order and harms in another" in text
    assert all(float(low) < 0 < float(high) for low, high, _ in ranges.values())


def test_ten_tokens(shown: Notebook, text: str) -> None:
    lines = output(shown, "ten-shown").splitlines()
    assert lines[0] == "1024 sets"
    assert "Ten tokens of a film review, 1,024 changed prompts" in text
    scores = {line.split("'")[1]: float(line.split()[-1]) for line in lines[1:11]}
    assert "·not and ·like lead" in text
    assert sorted(scores, key=lambda token: scores[token])[-2:] == [" like", " not"]
    assert after("sum", lines[11]) == pytest.approx(after("less nothing", lines[11]), abs=0.011)
    assert after("shuffled:", lines[12]) == after("sum", lines[11])


def test_sampling(shown: Notebook, text: str) -> None:
    rows = [numbers(line) for line in output(shown, "coverage-shown").splitlines()[1:6]]
    assert "The intervals hold the exact value about 9 times in 10, less than promised" in text
    assert all(84 <= inside <= 95 for *_, inside in rows)
    assert sum(inside for *_, inside in rows) / 5 == pytest.approx(90, abs=2.5)
    assert "the *larger* error at every size" in text
    assert all(pairs > single for _, pairs, single, _ in rows)
    assert "With a hundred orders, 902 of the 1,024 sets, the error is still about 0.2 log-odds" in text
    assert rows[-1][0] == 902
    assert rows[-1][2] == pytest.approx(0.2, abs=0.04)


def test_what_the_masker_does(shown: Notebook, text: str) -> None:
    read = [int(line.split()[-1]) for line in output(shown, "masks-shown").splitlines()]
    assert "shrinks to a single token" in text
    assert "the prompt *grows* to nine" in text
    assert (read[0], read[2], read[3], read[5]) == (5, 1, 5, 9)


def test_the_picture_of_shap_has_colours(shown: Notebook, text: str) -> None:
    (cell,) = (cell for cell in shown["cells"] if cell["id"] == "text-plot")
    (page,) = (one["data"]["text/html"] for one in cell["outputs"] if "text/html" in one.get("data", {}))
    assert "np.float64" not in page
    assert re.search(r"rgba?\(\d", page)
    version, repaired = re.findall(r"shap ([\d.]+): (\d+) numbers", output(shown, "text-plot"))[0]
    assert "shap 0.51 writes its colours as `rgba(np.float64(255.0), …)`" in text
    assert (int(repaired) > 0) == (version.startswith("0.51")), "what the text says of this version of shap"


def test_lime_on_the_review(shown: Notebook, text: str) -> None:
    lines = output(shown, "lime-shown").splitlines()
    assert "three tokens change their sign" in text
    assert sum(line.rstrip().endswith("other sign") for line in lines) == 3
    lime = {line.split("'")[1]: after("LIME", line) for line in lines[:10]}
    assert sorted(lime, key=lambda token: lime[token])[-2:] == [" like", " not"]
    assert "·I has −0.3 by LIME and +0.4 by Shapley" in text
    assert (after("LIME", lines[0]), after("Shapley", lines[0])) == pytest.approx((-0.3, 0.4), abs=0.05)


def test_the_kernels(shown: Notebook, text: str) -> None:
    lines = output(shown, "kernels-shown").splitlines()[1:]
    rows = {line[:24].strip(): numbers(line[24:]) for line in lines}
    assert "A narrow kernel sees only prompts with one token missing: LIME *is* then leave-one-out" in text
    assert rows["cosine, width 1"][0] == 1.0
    assert "A wide one is nearly Shapley" in text
    assert rows["cosine, width 1000"][1] > 0.97
    assert "LIME's default of 25 stands in between" in text
    assert rows["cosine, width 1"][1] < rows["cosine, width 25"][1] < rows["cosine, width 1000"][1]
    assert rows["cosine, width 1000"][0] < rows["cosine, width 25"][0] < rows["cosine, width 1"][0]
    assert "with Shapley's kernel the fit gives the Shapley values themselves" in text
    assert rows["Shapley's"][1:] == [1.0, 0.0]


def agreement_of(line: str) -> list[float]:
    return numbers(line[48:])


def test_agreement(shown: Notebook, text: str) -> None:
    lines = {line[:48].strip(): agreement_of(line) for line in output(shown, "twelve-shown").splitlines()[1:]}
    lime, again = lines["LIME and Shapley, exact"], lines["LIME and LIME, drawn again"]
    sampled, alone = lines["Shapley, 50 orders and Shapley, exact"], lines["leave-one-out and Shapley, exact"]
    assert "rank correlation about 0.8 over twelve prompts" in text
    assert lime[0] == pytest.approx(0.8, abs=0.05)
    assert "nearly as well as a sample of orders agrees with the exact values" in text
    assert lime[0] == pytest.approx(sampled[0], abs=0.1)
    assert "LIME agrees with itself far better" in text
    assert again[0] > lime[0] + 0.1
    assert "About one token in seven has another sign" in text
    assert lime[-2] / lime[-1] == pytest.approx(1 / 7, abs=0.03)
    assert "Leave-one-out is further away" in text
    assert alone[0] < lime[0] - 0.1
    assert "integrated gradients have nothing to do with any of them" in text
    assert abs(lines["integrated gradients and Shapley, exact"][0]) < 0.2
    assert abs(lines["shuffled and Shapley, exact"][0]) < 0.15


def areas_of(shown: Notebook) -> dict[str, list[tuple[float, float]]]:
    """By method: mean and half width, with end-of-text and with random tokens."""
    rows = {}
    for line in output(shown, "signature-shown").splitlines()[1:8]:
        found = re.findall(rf"{NUMBER} ± ?{NUMBER}", line[34:])
        rows[line[:34].strip()] = [(float(mean), float(half)) for mean, half in found]
    return rows


def test_the_result_and_its_control(shown: Notebook, text: str) -> None:
    rows = areas_of(shown)
    control, path = rows.pop("shuffled (negative control)"), rows.pop("integrated gradients")
    assert len(rows) == 5
    assert "their area must be 0" in text
    assert all(abs(mean) <= half + 0.05 for mean, half in control)
    assert "All methods that delete are ahead of the shuffled scores under end-of-text" in text
    assert "and by less under random tokens" in text
    for end, other in rows.values():
        assert end[0] - end[1] > control[0][0]
        assert other[0] < end[0]
        assert other[0] - other[1] > control[1][0] - 0.15
    assert "the lead of Shapley values over the far cheaper leave-one-out is gone" in text
    exact, alone = rows["Shapley, exact"], rows["leave-one-out"]
    assert exact[0][0] > alone[0][0] + 0.3
    assert exact[1][0] < alone[1][0] + 0.3
    assert "no difference that the intervals do not cover" in text
    for place in (0, 1):
        ends = [(row[place][0] - row[place][1], row[place][0] + row[place][1]) for row in rows.values()]
        assert max(low for low, _ in ends) < min(high for _, high in ends)
    assert "Integrated gradients stand where the shuffled scores stand" in text
    assert all(mean - half < 0 for mean, half in path)


def test_what_it_costs(shown: Notebook, text: str) -> None:
    lines = output(shown, "cost-shown").splitlines()[1:]
    counts: dict[str, list[str]] = {line[:24].strip(): line[24:].replace(",", "").split() for line in lines}
    assert "does not grow with the prompt at all. So does LIME's, and shap's from 32 tokens on" in text
    assert set(counts["integrated gradients"]) == {"50"}
    assert set(counts["LIME"]) == {"500"}
    assert counts["SHAP's partition"][1] != counts["SHAP's partition"][2] == counts["SHAP's partition"][4] == "500"
    assert "fifty orders 3,152" in text
    assert counts["Shapley, 50 orders"][3] == "3152"
    assert "Leave-one-out: 64 changed prompts" in text
    assert counts["leave-one-out"][3] == "64"
    (page,) = (c for c in shown["cells"] if c["id"] == "cost-shown")
    assert any("image/png" in one.get("data", {}) for one in page["outputs"])


def test_the_choice(shown: Notebook, text: str) -> None:
    """Seconds differ by machine; what a tiny budget buys does not, nor what stands below the control."""
    assert output(shown, "picked-shown").startswith("{0.001: 'none'")
    table = output(shown, "table-shown")
    rows: dict[str, Any] = {}
    for line in table.splitlines()[2:]:
        *name, quality, low, high, _ = line.split()
        rows[" ".join(name)] = (float(quality), float(low), float(high))
    assert "integrated gradients cost a similar time and do not lie above them" in text
    assert rows["integrated gradients"][1] <= rows["shuffled"][2]
    assert rows["leave-one-out"][1] > rows["shuffled"][2]
    best = max(rows.values())
    assert "lies within the interval of the best method's over both ways of deleting" in text
    assert rows["leave-one-out"][0] >= best[1]


def test_where_you_stand(shown: Notebook) -> None:
    assert f"{LAB.points - 6:g} of" in output(shown, "stand") or "All exercises are done." in output(shown, "stand")


# Every other number of the text: what it is, so that a new one is noticed.
KNOWN = {
    *("02", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"),  # the lab's own number; sections, goals, exercises
    *("0", "16", "24"),  # nothing; sets and orders of four tokens
    *("1953", "2016", "2017", "2018", "2020", "2022", "135", "0.51"),  # years; the model's name; shap's version
    *("0.2", "0.3", "0.4", "0.8", "3.25", "3.44", "902", "024", "1.00", "152"),  # tested above
    *("25", "35", "50", "95", "100", "200", "500", "32", "64"),  # settings
}


def test_no_other_number_stands_in_the_text(text: str) -> None:
    assert numbers_of(text, LAB) <= KNOWN


def test_the_authors_root_is_a_wider_kernel() -> None:
    """The root of exp(-D^2 / 25^2) is the kernel of width 25 times the root of 2: "a width of about 35"."""
    assert pytest.approx(35, abs=0.5) == 25 * 2**0.5
