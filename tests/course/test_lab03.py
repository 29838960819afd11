"""What lab 03 measures, on models small enough to know the answer: closed forms, one prompt at a time, scipy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

import interp_widgets as iw
from interp_widgets.course.checking import examine
from interp_widgets.course.lab03 import bans, hooks, inputs, mixing, strengths, studies, sweeps
from interp_widgets.course.tiny_model import tiny_lm
from interp_widgets.errors import InterpError
from interp_widgets.models.architectures import Site
from interp_widgets.models.language_model import LanguageModel
from interp_widgets.steering.pairs import ContrastPairs
from interp_widgets.steering.vector import ControlVector
from tests.tiny import make_lm

Floats = NDArray[np.float64]
PAIRS = ContrastPairs(
    ("the cat is red", "the dog is red", "a house is red", "one river was red"),
    ("the cat is blue", "the dog is blue", "a house is blue", "one river was blue"),
)
BOTH = (0, 1)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def vector() -> ControlVector:
    return iw.control_vector(tiny_lm(), PAIRS, name="red")


def close(found: Any, expected: Any, atol: float = 1e-6) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=0, atol=atol)


def state_of(lm: LanguageModel, prompt: str, layer: int) -> torch.Tensor:
    """The last token's, one prompt at a time."""
    site = Site("resid_post", layer)
    with torch.no_grad(), lm.run(capture=[site]) as run:
        lm.hidden(torch.as_tensor(lm.encode(prompt).ids)[None])
        return run.captured[site][0, -1].double()


def test_states_are_those_of_the_last_tokens() -> None:
    up, down = studies.read_states(tiny_lm(), PAIRS)
    assert up.shape == down.shape == (4, 2, 16)
    assert up.dtype == torch.float64
    for i, layer in ((0, 0), (3, 1)):
        close(up[i, layer], state_of(tiny_lm(), str(PAIRS.positive[i]), layer), 1e-5)
        close(down[i, layer], state_of(tiny_lm(), str(PAIRS.negative[i]), layer), 1e-5)


def test_half_of_the_labels_are_turned(rng: np.random.Generator) -> None:
    up, down = inputs.states_of_pairs(rng, 10, 3, 4)
    turned_up, turned_down = studies.shuffle_labels((up, down), seed=3)
    turned = [i for i in range(10) if torch.equal(turned_up[i], down[i]) and torch.equal(turned_down[i], up[i])]
    kept = [i for i in range(10) if torch.equal(turned_up[i], up[i]) and torch.equal(turned_down[i], down[i])]
    assert len(turned) == len(kept) == 5
    other, _ = studies.shuffle_labels((up, down), seed=4)
    assert not torch.equal(other, turned_up)


def test_a_vector_of_states_is_the_one_of_the_package(vector: ControlVector) -> None:
    made = studies.vector_of("again", studies.read_states(tiny_lm(), PAIRS), vector)
    close(made.matrix, vector.matrix, 1e-5)
    assert made.name == "again"
    assert made.norm.tolist() == vector.norm.tolist()


def test_leaky_pairs_differ_in_what_they_say() -> None:
    sets = studies.leaky_sets()
    words = {
        name: [
            (str(one).split(), str(other).split()) for one, other in zip(pairs.positive, pairs.negative, strict=True)
        ]
        for name, pairs in sets.items()
    }
    assert all(len(rows) == 12 for rows in words.values())
    assert all(one[:-1] == other[:-1] and one[-1] != other[-1] for one, other in words["another last word"])
    assert all(len(one) > len(other) and one[-4:] != [] and one[-1] == other[-1] for one, other in words["longer"])
    assert all(one[-5:] == other[-5:] and len(one) == len(other) for one, other in words["another topic"])


def test_the_table_of_leaks_is_of_their_own_pairs(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    """A set at a right angle to the clean one is told apart all the same."""
    axis = torch.eye(4, dtype=torch.float64)
    low = inputs.normal(rng, 6, 1, 4)
    monkeypatch.setattr(studies, "leaky_sets", lambda: {"elsewhere": PAIRS})
    monkeypatch.setattr(studies, "read_states", lambda lm, pairs: (low + axis[1], low))
    lines = studies.leaky_table(tiny_lm(), (low + axis[0], low), 0).splitlines()[1:]
    assert [line.split()[-2:] for line in lines] == [["100%", "+1.00"], ["100%", "+0.00"]]


def test_cosines_between_methods(rng: np.random.Generator) -> None:
    """All differences alike but for noise at a right angle: only what is centred finds the noise."""
    axis = torch.eye(5, dtype=torch.float64)
    noise = torch.tensor([1.0, -1.0, 2.0, -2.0, 0.5, -0.5], dtype=torch.float64)[:, None, None]
    down = 0.01 * inputs.normal(rng, 6, 2, 5)
    rows = studies.cosine_table((down + 3 * axis[0] + noise * axis[1], down), (0, 1)).splitlines()
    found = {line.split()[0]: [float(x) for x in line.split()[1:]] for line in rows}
    assert found["layer"] == [0, 1]
    assert found["mean"] == [1.0, 1.0]
    assert min(found["pca_uncentred"]) > 0.99
    assert max(map(abs, found["pca_centred"])) < 0.05


def test_accuracy_of_fits_and_of_others(rng: np.random.Generator) -> None:
    """Noise is told apart where it was fitted, and by chance elsewhere."""
    noise = (inputs.normal(rng, 6, 2, 30), inputs.normal(rng, 6, 2, 30))
    trait = torch.zeros(30, dtype=torch.float64)
    trait[0] = 50.0
    plain = (noise[0] + trait, noise[1])
    new = (inputs.normal(rng, 100, 2, 30) + trait, inputs.normal(rng, 100, 2, 30))
    found = studies.accuracy_of("x", [plain, noise], new)
    assert found.fitted.shape == found.held_out.shape == (2, 2)
    close(found.fitted, 1.0)
    close(found.held_out[0], 1.0)
    fits = [studies.shuffle_labels(plain, seed=seed) for seed in range(40)]
    assert studies.accuracy_of("y", fits, new).over([0, 1])[1] == pytest.approx(0.5, abs=0.2)
    assert found.over([0, 1])[1] == pytest.approx(found.held_out.mean())
    assert len(studies.plot_accuracies([found]).axes) == 1


def test_norms_are_of_each_token() -> None:
    found = studies.residual_norms(tiny_lm(), "the cat sees red")
    assert found.tokens == ("the", "cat", "sees", "red")
    assert found.norms.shape == (2, 4)
    close(found.norms[1, 3], float(state_of(tiny_lm(), "the cat sees red", 1).norm()), 1e-5)
    assert found.plot().axes[0].get_yscale() == "log"


def test_a_random_direction_has_the_same_length_and_unit(vector: ControlVector) -> None:
    drawn = sweeps.random_like(vector, seed=1)
    close(np.linalg.norm(drawn.matrix, axis=1), 1.0)
    assert drawn.norm.tolist() == vector.norm.tolist()
    assert not np.allclose(drawn.matrix, vector.matrix)
    close(sweeps.random_like(vector, seed=1).matrix, drawn.matrix)


def perplexity_of(lm: LanguageModel, texts: tuple[str, ...]) -> float:
    """By transformers' own loss, one text at a time."""
    total, count = 0.0, 0
    for text in texts:
        ids = torch.as_tensor(lm.encode(text).ids)[None]
        with torch.no_grad():
            loss = lm.model(input_ids=ids, labels=ids).loss
        total, count = total + float(loss) * (ids.shape[1] - 1), count + ids.shape[1] - 1
    return math.exp(total / count)


def test_damage_is_the_ratio_of_perplexities(monkeypatch: pytest.MonkeyPatch, vector: ControlVector) -> None:
    lm, texts = tiny_lm(), ("the cat sees a red house", "one dog and two cat was not red")
    monkeypatch.setattr(sweeps, "TEXTS", texts)
    found = sweeps.perplexities(lm, vector, (-0.5, 0.0, 0.5), layers=BOTH)
    plain = perplexity_of(lm, texts)
    for strength, ratio in zip((-0.5, 0.0, 0.5), found, strict=True):
        with lm.steered(vector, layers=list(BOTH), strength=strength):
            assert ratio == pytest.approx(perplexity_of(lm, texts) / plain, rel=1e-5)
    assert found[1] == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["plain", "bump", "none", "exact", "all"])
@pytest.mark.parametrize("seed", range(4))
def test_bounds_are_those_of_the_exercise(kind: str, seed: int) -> None:
    grid, ratios, limit = strengths._curve(np.random.default_rng(seed), kind)
    found = sweeps.recommended(grid, np.asarray(ratios), limit)
    assert found == strengths._walk(grid, ratios, limit)
    low, high = found
    assert all(ratio <= limit for s, ratio in zip(grid, ratios, strict=True) if low <= s <= high)


def test_a_sweep_scores_what_is_written(monkeypatch: pytest.MonkeyPatch, vector: ControlVector) -> None:
    lm, prompts = tiny_lm(), ["the cat", "a dog sees", "one river"]
    monkeypatch.setattr(sweeps, "LAYERS", BOTH)
    monkeypatch.setattr(sweeps, "TEXTS", ("the cat sees a red house",))
    monkeypatch.setattr(sweeps, "concept_of", lambda name, lm, vector: lambda texts: [len(text) for text in texts])
    monkeypatch.setattr(sweeps, "perplexities", lambda lm, vector, s: np.ones(len(s)))
    found = sweeps.sweep(lm, [(vector, (-1.0, 0, 1.0)), (sweeps.random_like(vector), (0, 1.0))], prompts, tokens=5)
    assert [curve.name for curve in found.curves] == ["red", "random direction"]
    assert found["red"].scores.shape == (3, 3)
    close(found["red"].scores[1], found["random direction"].scores[0])
    with lm.steered(vector, layers=list(BOTH), strength=1.0):
        close(found["red"].scores[2], [len(text) for text in sweeps.continuations(lm, prompts, tokens=5)])
    assert found["red"].mean(1.0) == pytest.approx(found["red"].scores[2].mean())
    assert len(found.table().splitlines()) == 6
    assert [axes.get_xlabel() for axes in found.plot().axes] == ["strength", "strength"]


def test_half_the_width_is_that_of_a_t_interval(rng: np.random.Generator) -> None:
    scores = rng.normal(size=12)
    low, high = stats.ttest_1samp(scores, 0.0).confidence_interval(0.95)
    assert sweeps.half_width(scores) == pytest.approx((high - low) / 2)


def test_composition_reads_what_is_added(vector: ControlVector) -> None:
    """Read at the layer where it acts last, a shift is the strength times the norm, in units of half the gap."""
    found = sweeps.composition(
        tiny_lm(), vector, vector.with_best_layer(0), ["the cat", "a dog"], strength=0.2, layers=[1], read_at=1
    )
    expected = 0.2 * vector.norm[1] / vector.half_gap[1]
    one, two = found.shifts["red"]
    assert one == pytest.approx(expected, rel=1e-4)
    assert two == pytest.approx(expected, rel=1e-4)
    assert found.shifts["both"][0] == pytest.approx(2 * expected, rel=1e-4)
    cosine = float(sweeps.random_like(vector).matrix[1] @ vector.matrix[1])
    assert found.shifts["random direction"][0] == pytest.approx(cosine * expected, abs=1e-4)


def test_rows_have_strengths_of_their_own(vector: ControlVector) -> None:
    lm, prompts = tiny_lm(), ["the cat", "a dog sees"]
    found = sweeps.by_row(lm, vector, {"up": 0.8, "none": 0.0}, prompts, layers=BOTH, tokens=6)
    assert [row[:2] for row in found.rows] == [("up", 0.8), ("none", 0.0)]
    with lm.steered(vector, layers=list(BOTH), strength=0.8):
        alone = sweeps.continuations(lm, prompts, tokens=6, temperature=0.0)
    assert found.rows[0][3] == " ".join(alone[0].split())[:60]
    assert len(found.table().splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        (" I'm sorry, but that is not", True),
        ("I\u2019m unable to", True),
        ("I cannot help with that", True),
        ("As an AI, I", True),
        ("Dear Sam, I cannot wait", False),
        ("", False),
    ],
)
def test_refusals_are_known_by_their_first_words(text: str, refused: bool) -> None:
    assert sweeps.declines(text) is refused


def test_refusals_are_counted_by_preset(monkeypatch: pytest.MonkeyPatch, vector: ControlVector) -> None:
    answers = ["I cannot", "Sure", "I'm sorry", "Sorry, no"]
    monkeypatch.setattr(sweeps, "LAYERS", BOTH)
    monkeypatch.setattr(sweeps, "continuations", lambda lm, prompts, **rest: answers[: len(prompts)])
    lines = sweeps.declined(tiny_lm(), vector, {"weak": 0.1, "strong": 0.2}, ["the cat", "a dog"]).splitlines()
    assert [line.split()[0] for line in lines] == ["weak", "strong"]
    assert [line.rpartition("declines ")[2] for line in lines] == ["1 of 2", "2 of 2"]


def test_overhead_is_measured_in_turns(vector: ControlVector) -> None:
    found = sweeps.overhead(tiny_lm(), vector, "the cat", runs=3, tokens=2)
    assert found.plain.shape == found.steered.shape == (3,)
    assert min(found.plain.min(), found.steered.min()) > 0
    assert set(found.table()) >= {"steered", "middle half"}


def test_the_ban_counts_the_word(monkeypatch: pytest.MonkeyPatch, vector: ControlVector) -> None:
    lm, prompts = tiny_lm(), ("the cat is", "a dog sees the", "one river")
    plain = [lm.generate(prompt, max_new_tokens=5) for prompt in prompts]
    word = plain[0].split()[0]
    monkeypatch.setattr(bans, "WORD", word)
    monkeypatch.setattr(bans, "LAYERS", BOTH)
    monkeypatch.setattr(bans, "perplexities", lambda lm, vector, s: np.ones(len(s)))
    found = bans.ban(lm, vector, (0.0, -0.1), prompts=prompts, tokens=5)
    assert found.said[0] == sum(word in text for text in plain) > 0
    assert (found.texts, found.banned) == (3, 0)
    assert len(found.table().splitlines()) == 4


def test_the_banned_token_is_replaced_by_the_next_best() -> None:
    lm = make_lm()
    first = lm.next_token("The capital", k=3)
    text = bans.without(lm, "The capital", 1)
    assert text in {token for token, _ in first}


def test_pairs_of_cities_differ_in_the_city_only() -> None:
    pairs = bans.pairs()
    assert len(pairs) == 36
    for one, other in zip(pairs.positive, pairs.negative, strict=True):
        differ = [pair for pair in zip(str(one).split(), str(other).split(), strict=True) if pair[0] != pair[1]]
        assert [pair[0] for pair in differ] == [bans.WORD]


def test_users_are_placed_as_the_package_places_them(rng: np.random.Generator) -> None:
    users, experiment, share = mixing._people(rng)
    cohorts = iw.steering.Experiment(experiment, {"steered": share, "plain": 1 - share})
    assert mixing._cohort(users, experiment, share) == [cohorts.assign(user) == "steered" for user in users]


def test_what_strength_means_is_what_the_package_means(vector: ControlVector) -> None:
    """Exercise 6 on the states of the fitting prompts gives the package's own unit."""
    lm = tiny_lm()
    ids = [lm.encode(prompt).ids for prompt in (*PAIRS.positive, *PAIRS.negative)]
    site = Site("resid_post", 1)
    with torch.no_grad(), lm.run(capture=[site]) as run:
        lm.hidden(torch.as_tensor(np.asarray(ids)))
        states = run.captured[site].double()
    factor = strengths._mean_of(strengths._norms(states, torch.full((len(ids),), states.shape[1])))
    assert factor == pytest.approx(float(vector.norm[1]), rel=1e-5)


def test_another_models_vector_is_refused(vector: ControlVector) -> None:
    with pytest.raises(InterpError, match="fingerprint"), make_lm().steered(vector, strength=0.1):
        pass


class Broken:
    """A context manager with an error of its own."""

    def __init__(self, where: str) -> None:
        self.where = where

    def __enter__(self) -> None:
        if self.where == "in":
            raise NameError("handle")

    def __exit__(self, *about: object) -> None:
        if self.where == "out":
            raise NameError("handle")


@pytest.mark.parametrize("where", ["in", "out"])
def test_an_answer_that_fails_on_the_way_is_told(where: str) -> None:
    report = examine(hooks.HOOK, lambda module, vector: Broken(where), seed=0)
    assert not report.passed
    assert report.points == 0
    assert "NameError: handle" in report.text()


@pytest.mark.parametrize("value", [None, 3, torch.zeros(2)])
def test_what_is_no_context_manager_is_told(value: object) -> None:
    report = examine(hooks.HOOK, lambda module, vector: value, seed=0)
    assert report.points == 0
    assert "must be a context manager" in report.text()


def test_no_hook_stays_on_the_tiny_model() -> None:
    """Its cases share it: an answer that leaves one must not reach the next."""
    layer = tiny_lm().architecture.layers[0]
    before = len(layer._forward_hooks)

    @contextmanager
    def leaving(module: torch.nn.Module, vector: torch.Tensor) -> Iterator[None]:
        module.register_forward_hook(lambda module, inputs, output: output + vector)
        yield

    assert not examine(hooks.HOOK, leaving, seed=0).passed
    assert len(layer._forward_hooks) == before
