"""What lab 01 says is true of what its cells show, and no number stands in its text that is not looked at here."""

from __future__ import annotations

import re
import resource
from collections.abc import Callable

import pytest

from interp_widgets.course.catalogue import LABS
from tests.notebooks.conftest import Runs
from tests.notebooks.executing import Notebook, output
from tests.notebooks.prose import NUMBER, after, numbers, numbers_of, text_of

pytestmark = [pytest.mark.notebooks, pytest.mark.timeout(1500)]
LAB = next(lab for lab in LABS if lab.id == "lab01")


@pytest.fixture
def shown(runs_of: Runs) -> Notebook:
    return runs_of(LAB).teacher


@pytest.fixture(scope="module")
def text() -> str:
    return text_of(LAB)


def test_the_surprise(shown: Notebook, text: str) -> None:
    fifty, sixty = output(shown, "twice").splitlines()
    assert "the scores add up to about 24 where 13.4 is due" in text
    assert after("sum", fifty) == pytest.approx(24, abs=1)
    assert "scores change by more than their own size, some change their sign" in text
    one, other = (list(map(float, re.findall(r"' ([+-][\d.]+)", line))) for line in (fifty, sixty))
    assert len(one) == len(other) == 5
    assert sum(abs(a - b) > min(abs(a), abs(b)) for a, b in zip(one, other, strict=True)) >= 3
    assert sum(a * b < 0 for a, b in zip(one, other, strict=True)) >= 2
    assert "neither sum is near the 13.4 that is due" in text
    assert min(abs(after("sum", line) - 13.4) for line in (fifty, sixty)) > 5


def test_more_steps_do_not_help(shown: Notebook, text: str) -> None:
    assert "from 20 to 320 points; 13.4 is due" in text
    lines = output(shown, "steps-shown").splitlines()
    assert [int(line.split()[0]) for line in lines] == [20, 40, 80, 160, 320]
    assert all(after("due", line) == pytest.approx(13.4, abs=0.05) for line in lines)
    assert all(abs(after("sum", line) - 13.4) > 5 and line.endswith("do not trust") for line in lines)


def test_the_rules(shown: Notebook) -> None:
    """The picture is made by code, and so is that of saturation."""
    for cell in ("saturation", "rules-picture"):
        (found,) = (c for c in shown["cells"] if c["id"] == cell)
        assert any("image/png" in one.get("data", {}) for one in found["outputs"]), cell


def test_one_method_looks_into_the_network(shown: Notebook) -> None:
    lines = output(shown, "invariance-shown").splitlines()
    assert [line.split()[0] for line in lines if "DIFFERENT" in line] == ["guided"]
    assert len([line for line in lines if line.endswith("same")]) == 2


def test_no_such_baseline_adds_up(shown: Notebook) -> None:
    for line in output(shown, "baselines-shown").splitlines():
        assert abs(after("delta", line)) > 10, line
        assert after("delta", line) == pytest.approx(after("sum", line) - after("due", line), abs=0.2)


def test_the_profile(shown: Notebook, text: str) -> None:
    lines = [line for line in output(shown, "steep-shown").splitlines() if line.startswith("alpha")]
    alphas, values, norms, cosines = zip(*[numbers(line) for line in lines], strict=True)
    assert "Where on the path does the logit of ·Canberra rise from 0 to 13.4?" in text
    assert "At the first point, one hundredth of the way, f is already far from 0" in text
    assert alphas[0] == pytest.approx(0.01)
    assert abs(values[0]) > 5
    assert min(values[1:]) > 10, "from the second point on it stands near where it ends"
    assert "at the first of 50 points the gradient is over a hundred times as large as at the end" in text
    assert norms[0] > 100 * norms[-1]
    assert "neighbouring gradients point in unrelated directions there" in text
    assert max(cosines[:3]) < 0.2
    assert min(cosines[-4:]) > 0.8, "later on they agree"


def test_the_pieces(shown: Notebook, text: str) -> None:
    assert (
        "The first tenth of the path holds as much as is due in all, 13.3 of 13.4, and nearly all of the error" in text
    )
    rows = [
        (after("gradients", line), after("changes by", line)) for line in output(shown, "pieces-shown").splitlines()
    ]
    assert rows[0][1] == pytest.approx(13.3, abs=0.05)
    errors = [abs(total - due) for total, due in rows]
    assert errors[0] > 10
    assert sum(errors[1:]) < 0.05 * errors[0]


def test_a_baseline_of_text_adds_up(shown: Notebook, text: str) -> None:
    scores, sums = output(shown, "text-baseline").splitlines()
    assert after("sum", sums) == pytest.approx(after("due", sums), abs=0.02)
    assert "Only one token differs, so it gets everything" in text
    given = {token: float(score) for token, score in re.findall(r"'([^']*)' ([+-][\d.]+)", scores)}
    assert [token for token, score in given.items() if abs(score) >= 0.005] == [" Australia"]


def test_the_order_is_no_better_than_chance_and_the_test_has_power(shown: Notebook, text: str) -> None:
    lines = output(shown, "signature-shown").splitlines()
    rows = {line[:30].strip(): re.findall(rf"{NUMBER} \( ?(\d+)/12\)", line) for line in lines[1:4]}
    path, away, shuffled = (
        [(float(fall), int(ahead)) for fall, ahead in rows[name]]
        for name in ("integrated gradients", "take one away", "shuffled (negative control)")
    )
    assert "over twelve prompts their order of the tokens is no better than a shuffled one" in text
    for (fall, ahead), (chance, _) in zip(path, shuffled, strict=True):
        assert fall < 1.1 * chance
        assert ahead <= 7
    assert "far ahead under the filler that it uses itself, and still clearly ahead under random tokens" in text
    assert away[0][0] > 1.4 * shuffled[0][0]
    assert away[1][0] > 1.2 * shuffled[1][0]
    assert min(ahead for _, ahead in away) >= 10


def test_a_model_that_knows_nothing_gives_a_picture_too(shown: Notebook, text: str) -> None:
    said = output(shown, "random-model")
    assert "with bars of both colours, from a model that knows nothing" in text
    scores = [float(score) for score in re.findall(r"' ([+-][\d.]+)", said.splitlines()[0])]
    assert min(scores) < 0 < max(scores)
    assert "verdict: do not trust" in said


def test_attention_is_elsewhere(shown: Notebook, text: str) -> None:
    said = output(shown, "attention-shown")
    assert "the first token gets 60% of the attention" in said
    assert "the token that matters most in 0 of them" in said
    assert "is the one that matters most in 0 of them" in said
    assert "that is so in none of the twelve prompts" in text
    from interp_widgets.course import lab01
    from interp_widgets.models.loading import load_model

    study = lab01.attention_study(load_model(), lab01.PROMPTS)
    assert "In every prompt most attention rests on the first token" in text
    assert all(int(weights.argmax()) == 0 for weights in study.attention)


def test_where_you_stand(shown: Notebook) -> None:
    assert "30 of 30 points" in output(shown, "stand")
    assert "Next: lab01" not in output(shown, "stand"), "the next exercise is another lab's, or there is none"


# Every other number of the text: what it is, so that a new one is noticed.
KNOWN = {
    *("0", "1", "01"),  # f, alphas and ends of the path; the lab's own number
    *("2", "0.5", "3", "4", "5", "6", "7", "8"),  # the saturating function at 2; sections, goals and exercises
    *("9", "10", "11", "12"),
    *("13.4", "13.3", "24", "20", "320", "50", "60"),  # tested above
    *("2017", "2018", "2019", "2020", "135", "0.1"),  # years; the model's name; pieces of the path
}


def test_no_other_number_stands_in_the_text(text: str) -> None:
    assert numbers_of(text, LAB) <= KNOWN


def test_it_is_quick_and_small(runs_of: Runs, record_property: Callable[[str, object], None]) -> None:
    """Kernels are children of this process: the largest of them, in bytes. The seconds are recorded, not judged."""
    runs_of(LAB)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    record_property("kernel_peak_bytes", largest)
    print(f"\nlargest kernel: {largest / 1e9:.2f} GB")
    assert largest < 4e9
