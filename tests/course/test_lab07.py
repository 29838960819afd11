"""What lab 07 measures, on states made here whose answer is known; its references beside the package's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from interp_widgets.course.checking import examine
from interp_widgets.course.lab07 import closed_form, covariances, null_space, own, parts, results, scoring
from interp_widgets.erasure import Eraser
from tests.course import wrong_lab07


def answers() -> dict[str, Any]:
    space: dict[str, Any] = {"torch": torch}
    for source in wrong_lab07.RIGHT.values():
        exec(source, space)
    return space


def not_written(*given: Any) -> Any:
    raise NotImplementedError


@pytest.fixture(scope="module")
def made() -> parts.Data:
    """Three parts of 5 dimensions; the class moves the mean along one of them, and widens another."""
    chance = torch.Generator().manual_seed(1)
    found = []
    for number, n in enumerate((600, 1500, 600)):
        labels = torch.arange(n) % 2
        states = torch.randn(n, 5, generator=chance, dtype=torch.float64)
        states[:, 0] += 2.0 * labels
        states[:, 3] *= 1 + 4.0 * labels
        found.append(parts.Part(states + 10, labels, 1_000 * number + torch.arange(n) // 10))
    fit, train, test = found
    return parts.Data(fit, train, test, ())


@pytest.mark.parametrize("classes", [2, 4])
def test_the_reference_is_the_package_s_eraser(classes: int) -> None:
    rng = np.random.default_rng(classes)
    labels = covariances.one_hot(rng, 60, classes)
    states = covariances.stretched(rng, 60) + labels @ rng.normal(size=(classes, 6))
    sxx, sxz = covariances.covariances(states, labels)
    projection = closed_form.oblique(covariances.inverse_root(sxx), sxz)
    theirs = Eraser.fit(states, labels.argmax(1), shrinkage=False)
    np.testing.assert_allclose(projection, theirs.projection, atol=1e-9)
    assert theirs.rank == classes - 1


def test_the_reference_of_the_rows_is_the_singular_vectors() -> None:
    rows = np.random.default_rng(0).normal(size=(3, 6))
    inside = np.linalg.svd(rows)[2][3:]
    np.testing.assert_allclose(null_space.off(rows), inside.T @ inside, atol=1e-12)
    np.testing.assert_array_equal(null_space.off(rows[:0]), np.eye(6))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_extreme_eigenvalue(sign: float) -> None:
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    assert scoring.largest(sign * (turned * np.asarray([5.0, -2.0, 0.5])) @ turned.T) == pytest.approx(sign * 5)


def test_a_probe_that_learns_by_heart_tells_the_ways_of_scoring_apart() -> None:
    """Over both cases no two ways give the same numbers."""
    given = [scoring.SCORE.arguments(case, 0) for case in scoring.SCORE.cases]
    ways = [mistake.answer for mistake in scoring.SCORE.mistakes if mistake.answer is not None]
    found = {tuple(round(way(*one), 9) for one in given) for way in (*ways, scoring._score)}
    assert len(found) == len(ways) + 1


def test_by_hand_is_the_package_s(made: parts.Data) -> None:
    known = answers()
    mine = own.by_hand(made.fit, known["covariances"], known["whitening"], known["leace"], known["erased"])
    told = own.against_library(mine, made).splitlines()
    assert told[0] == "dimensions taken: 1.000; by the package 1"
    assert told[1].endswith("True")
    assert told[2].endswith("True")
    assert told[3] == "all four functions are yours"


def test_what_is_not_written_is_borrowed(made: parts.Data) -> None:
    mine = own.by_hand(made.fit, *[not_written] * 4)
    theirs = Eraser.fit(made.fit.states, made.fit.labels, shrinkage=False)
    torch.testing.assert_close(mine.erase(made.test.states), theirs.transform(made.test.states))
    assert mine.told == "not_written is not written yet; the package's is used"
    rounds = own.rounds_of(made, not_written, not_written, (0, 2))
    assert rounds.rank == (0, 2)
    assert rounds.told
    assert own.scores(made, not_written).endswith("the package's is used")
    assert own.left_over(made, mine.erase, not_written).endswith("the package's is used")


def numbers(line: str) -> list[float]:
    return [float(one.rstrip("%")) for one in line.split() if one.rstrip("%").replace(".", "", 1).isdigit()]


def test_controls_fail_and_erasers_do_not(made: parts.Data) -> None:
    mine = own.by_hand(made.fit, *[not_written] * 4)
    rows = {line[:22].strip(): numbers(line[22:]) for line in results.controls(made, mine.erase).splitlines()[1:]}
    assert rows["nothing"][1] > 75
    for name in ("LEACE by hand", "LEACE, shrunk", "difference of means"):
        assert rows[name][1] < 58, name
    for name in ("random direction", "shuffled labels"):
        assert rows[name][1] > rows["nothing"][1] - 10, name
    assert rows["LEACE by hand"][2] <= rows["difference of means"][2]


def test_the_probe_as_printed_is_at_chance_whatever_is_left(made: parts.Data) -> None:
    printed, fresh = own.printed(made).splitlines()[1:]
    assert numbers(printed)[1] == pytest.approx(50, abs=2)
    assert numbers(fresh)[0] > 75


def test_shuffled_labels_are_found_only_on_their_own_states(made: parts.Data) -> None:
    known = answers()
    small = parts.Data(made.fit, made.train.first(30), made.test, ())
    found, shuffled = own.scores(small, known["held_out_score"]).splitlines()[1:]
    assert numbers(found)[1] > 70
    assert numbers(shuffled)[1] < 60


def test_rounds_cost_a_dimension_each(made: parts.Data) -> None:
    known = answers()
    found = own.rounds_of(made, known["inlp"], known["null_projector"], (0, 1, 3, 5))
    assert found.rank == (0, 1, 3, 5)
    assert found.leace[0] == 1
    assert found.taken[-1] == pytest.approx(1)
    assert found.accuracy[0] > 0.75 > found.accuracy[-1]
    assert found.told == ""
    assert len(found.table().splitlines()) == 6
    line, point = results.plot_rounds(found).axes[0].get_lines()[:2]
    assert list(np.asarray(line.get_ydata())) == pytest.approx([100 * one for one in found.accuracy])
    assert list(np.asarray(point.get_xdata())) == [1]


def test_an_mlp_reads_what_a_line_cannot(made: parts.Data) -> None:
    known = answers()
    mine = own.by_hand(made.fit, *[not_written] * 4)
    before, after = (numbers(line) for line in own.left_over(made, mine.erase, known["spread_gap"]).splitlines()[1:])
    assert before[0] > 75
    assert after[0] < 60 < after[1]
    assert after[2] == pytest.approx(before[2], rel=0.2)
    assert "dimensions taken by LEACE: 0;" in results.crossed()


def test_the_probe_is_least_squares_with_a_penalty() -> None:
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(0)
    states, labels = rng.normal(size=(40, 3)) * [1, 5, 0.1] + 3, rng.integers(0, 2, 40)
    mean, spread = states.mean(0), states.std(0, ddof=1)
    model = Ridge(alpha=parts.PENALTY * 40).fit((states - mean) / spread, 2 * labels - 1)
    row, offset = parts.linear_row(torch.as_tensor(states), torch.as_tensor(labels))
    np.testing.assert_allclose(states @ row.numpy() + offset.item(), model.predict((states - mean) / spread), atol=1e-9)


def test_a_column_too_many_is_told_by_its_rank() -> None:
    def leace(whitening: Any, sxz: Any) -> Any:
        u, _, _ = torch.linalg.svd(whitening @ sxz, full_matrices=False)
        return torch.eye(len(sxz)).to(sxz) - torch.linalg.pinv(whitening, rtol=1e-7) @ u @ u.T @ whitening

    report = examine(closed_form.LEACE, leace, seed=3)
    assert report.mistake is not None
    assert report.mistake.name == "one-too-many"
