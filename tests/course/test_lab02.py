"""The mathematics of lab 02 against what does not come from it: closed forms, all orders, scikit-learn, scipy, shap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain, permutations, product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import shap
import torch
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import LinearRegression, Ridge

import interp_widgets as iw
from interp_widgets.attribution import lime, shapley
from interp_widgets.course.lab02 import comparing, games, inputs, judging, local, studies, text_plot, trees
from interp_widgets.course.lab02.games import Dividends, ModelGame, all_sets, model_game
from interp_widgets.course.tiny_model import tiny_lm
from interp_widgets.models.language_model import LanguageModel
from tests.attribution.games import of_all_orders
from tests.tiny import make_lm

Floats = NDArray[np.float64]
TEXTS = ("The capital of Australia is", " Canberra", " Sydney")
WAYS = {comparing.ENDS: 1, comparing.RANDOM: 4}  # games of a prompt


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def close(found: Any, expected: Any, atol: float = 1e-9) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=0, atol=atol)


def by_orders(game: Any) -> Floats:
    """Shapley values by their definition, one set after the other."""
    return of_all_orders(lambda kept: float(game(torch.as_tensor(kept)[None])[0]), game.n)


def worths_of(game: Any) -> Floats:
    """What each token of a linear game is worth."""
    return np.asarray([game.dividends[(i,)] for i in range(game.n)])


def rank_correlation(one: Any, other: Any) -> float:
    return float(np.corrcoef(stats.rankdata(one), stats.rankdata(other))[0, 1])


def t_interval(values: Any) -> tuple[float, float]:
    low, high = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    return float(low), float(high)


def test_dividends_are_paid_by_every_set_that_holds_all_members(rng: np.random.Generator) -> None:
    game, sets = inputs.any_game(rng, 4), [bits[::-1] for bits in product([False, True], repeat=4)]
    assert all_sets(4).tolist() == list(map(list, sets)), "numbered by their bits"
    assert games.set_number(all_sets(4)[[3, 15, 0]]).tolist() == [3, 15, 0]
    expected = [sum(paid for members, paid in game.dividends.items() if all(s[i] for i in members)) for s in sets]
    close(game.of_all(), expected)
    close(game.kept_of([1, 3], []), [expected[10], expected[0]])
    assert game.rows == 0, "these are not counted"
    close(game(all_sets(4)[:5]), expected[:5])
    assert game.rows == 5


@pytest.mark.parametrize("make", [inputs.any_game, inputs.with_pairs, inputs.large_game, inputs.dummy_and_twins])
def test_shared_dividends_are_the_shapley_values(make: Any, rng: np.random.Generator) -> None:
    """And leave-one-out gives each token the whole of every dividend that it has a part in."""
    game = make(rng, 5)
    truth = by_orders(game)
    close(game.shapley(), truth)
    close(shapley.exact(game.of_all(), 5), truth)
    close(trees.mean_over(list(permutations(range(5))), game, 5), truth)
    alone = [sum(paid for members, paid in game.dividends.items() if i in members) for i in range(5)]
    close(studies.leave_one_out(game.of_all(), 5), alone)


@pytest.mark.parametrize("kept", [torch.ones(2, 3), torch.ones(3, dtype=torch.bool), torch.ones(2, 4) > 0, [[True]]])
def test_what_is_no_set_of_tokens_is_refused(kept: Any) -> None:
    with pytest.raises(ValueError, match="v takes"):
        Dividends(3, {(0,): 1.0})(kept)


def one_by_one(game: ModelGame, kept: torch.Tensor) -> list[float]:
    """Each prompt by itself through the whole model, as transformers has it."""
    found = []
    for row in kept.tolist():
        both = zip(row, game.ids.tolist(), game.fillers.tolist(), strict=True)
        with torch.no_grad():
            logits = game.lm.model(input_ids=torch.tensor([[i if keep else f for keep, i, f in both]])).logits[0, -1]
        found.append(float(logits[game.columns[0]] - logits[game.columns[1]]))
    return found


def test_a_set_is_worth_what_its_prompt_gets(any_lm: LanguageModel) -> None:
    """Also where keys and values are shared, and with another filler at each place."""
    ids, fillers, order = torch.tensor([9, 30, 77, 5, 61]), torch.tensor([1, 40, 41, 42, 43]), [31, 4, 4, 9, 31]
    expected = np.asarray(one_by_one(ModelGame(any_lm, ids, 7, 8, fillers), all_sets(5)))
    assert np.ptp(expected) > 0.1
    close(ModelGame(any_lm, ids, 7, 8, fillers).of_all(), expected, 1e-4)
    some = ModelGame(any_lm, ids, 7, 8, fillers)
    close(some(all_sets(5)[order]), expected[order], 1e-4)
    assert some.rows == 3, "the same set is computed once"
    close(some.of_all(), expected, 1e-4)
    assert some.rows == 32


@pytest.mark.parametrize("changes", [{}, {"family": "mistral", "sliding_window": 4}], ids=["long", "window"])
def test_the_values_of_all_sets_do_not_depend_on_what_is_shared(changes: dict[str, Any]) -> None:
    """Ten tokens begin in four ways; a model that forgets the start of a prompt has nothing to share."""
    lm, ids, some = make_lm(**changes), torch.arange(20, 30), [0, 1, 256, 514, 1023]
    game, plain = ModelGame(lm, ids, 7, 8, 1), ModelGame(lm, ids, 7, 8, 1)
    close(game.of_all(), plain(all_sets(10)), 1e-4)
    assert game.rows == plain.rows == 2**10
    close(game.of_all()[some], one_by_one(game, all_sets(10)[some]), 1e-4)


@pytest.mark.parametrize("bos", [False, True])
def test_a_game_of_texts_asks_for_what_follows_the_prompt(bos: bool) -> None:
    """Not for the <s> that some tokenizers put in front of every text."""
    lm = make_lm(bos=bos)
    game, result = model_game(lm, *TEXTS), iw.attribute(lm, *TEXTS, method="leave_one_out")
    assert game.columns == [int(result.target_ids[0]), int(result.foil_ids[0])]
    assert game.ids.tolist() == lm.encode(TEXTS[0]).ids.tolist()
    assert set(game.fillers.tolist()) == {lm.tokenizer.eos_token_id}
    assert model_game(lm, *TEXTS, fillers=17).fillers.tolist() == [17] * game.n


def test_all_orders_of_four_tokens() -> None:
    lm = tiny_lm()
    game = ModelGame(lm, torch.tensor([2, 5, 9, 14]), 3, 4, 1)
    found = studies.all_orders(game)
    assert found.tokens == tuple(lm.tokenizer.convert_ids_to_tokens([2, 5, 9, 14]))
    number = list(permutations(range(4))).index((2, 0, 3, 1))
    close(found.added[number][[2, 0, 3, 1]], np.diff(game.of_all()[[0, 4, 5, 13, 15]]))
    close(found.scores, by_orders(game))


def random_forks(rng: np.random.Generator, n: int) -> trees.Forks:
    alive: list[int] = list(range(n))
    forks: trees.Forks = []
    while len(alive) > 1:
        one, other = (alive.pop(int(rng.integers(len(alive)))) for _ in range(2))
        alive.append(n + len(forks))
        forks.append((one, other))
    return forks


def branches(forks: trees.Forks) -> list[set[int]]:
    """The tokens below each node, tokens first."""
    found = [{i} for i in range(len(forks) + 1)]
    for one, other in forks:
        found.append(found[one] | found[other])
    return found


def owen_by_shap(game: Any, forks: trees.Forks) -> Floats:
    sizes = [len(branch) for branch in branches(forks)[game.n :]]
    tree = np.asarray([[*fork, size / game.n, size] for fork, size in zip(forks, sizes, strict=True)])
    explainer = shap.explainers.Partition(
        lambda kept: game(torch.as_tensor(np.asarray(kept) > 0.5)).numpy(),
        shap.maskers.Partition(np.zeros((1, game.n)), clustering=tree),
    )
    found: Floats = explainer(np.ones((1, game.n)), max_evals=10_000, silent=True).values[0]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_orders_of_a_tree_are_those_in_which_no_branch_is_interrupted(seed: int) -> None:
    forks = random_forks(np.random.default_rng(seed), 6)
    allowed = {
        order
        for order in permutations(range(6))
        if all(np.ptp([order.index(i) for i in branch]) == len(branch) - 1 for branch in branches(forks))
    }
    found = list(map(tuple, trees.orders_of(forks)))
    assert len(found) == len(set(found)) == 2**5
    assert set(found) == allowed


@pytest.mark.peers
@pytest.mark.parametrize("n", [2, 3, 6, 8])
def test_the_mean_over_the_orders_of_a_tree_is_what_shaps_partition_explainer_finds(n: int) -> None:
    rng = np.random.default_rng(n)
    game, forks = inputs.any_game(rng, n), random_forks(rng, n)
    found = trees.mean_over(list(trees.orders_of(forks)), game, n)
    close(found, owen_by_shap(game, forks))
    assert n == 2 or (found - game.shapley()).abs().max() > 0.01, "Owen values are not Shapley's"


def test_the_tree_of_a_text_has_each_token_once() -> None:
    forks = trees.forks_of(tiny_lm(), "the red cat sees a house")
    assert sorted(chain(*forks)) == list(range(10)), "every node but the root hangs on one fork"
    assert all(max(fork) < 6 + number for number, fork in enumerate(forks))


def test_sampled_scores_are_the_mean_of_their_walks(rng: np.random.Generator) -> None:
    """Where tokens act in pairs, an order and its reverse are exact together."""
    game = inputs.any_game(rng, 6)
    walked = shapley.orders(6, 10, 4).tolist()
    close(studies.sampled_scores(game.of_all(), 6, 10, seed=4), trees.mean_over(walked, game, 6))
    game = inputs.with_pairs(rng, 6)
    close(studies.sampled_scores(game.of_all(), 6, 4, seed=3), game.shapley())


@pytest.mark.parametrize("pairs", [3, 6])
def test_the_error_and_the_coverage_of_sampling_are_what_probability_says(pairs: int) -> None:
    """Three tokens that pay 3 only together: the last of an order gets all.  Of an order and its reverse the two at
    the ends get 1.5 each: a token with probability 2/3, so that its number of pairs is binomial."""
    study = studies.sampling_study(Dividends(3, {(0, 1, 2): 3.0}).of_all(), 3, pairs=(pairs,), repeats=600)
    assert study.evaluations.tolist() == [2 * pairs * 2 + 2]
    # Variances: of one order 9 · 1/3 · 2/3, of a pair 2.25 · 2/3 · 1/3. The tolerances are about four deviations.
    assert study.single[0] == pytest.approx(math.sqrt(2 / (2 * pairs)), rel=0.1)
    assert study.in_pairs[0] == pytest.approx(math.sqrt(0.5 / pairs), rel=0.1)
    k = np.arange(pairs + 1)
    error = 1.5 * np.sqrt(k * (pairs - k) / (pairs - 1)) / pairs
    covered = np.abs(1.5 * k / pairs - 1) <= stats.t.ppf(0.975, pairs - 1) * error
    assert study.coverage[0] == pytest.approx(stats.binom.pmf(k, pairs, 2 / 3) @ covered, abs=0.05)


def test_lime_scores_are_a_ridge_of_the_sets_that_were_drawn(rng: np.random.Generator) -> None:
    game, kept = inputs.any_game(rng, 6), ~lime.draw(6, 80, 5)
    pi = np.exp(-((4 - 4 * np.sqrt(kept.mean(1))) ** 2))  # 100 / 25 = 4
    ridge = Ridge(alpha=1.0).fit(kept.astype(float), game(torch.as_tensor(kept)).numpy(), sample_weight=pi)
    close(studies.lime_scores(game.of_all(), 6, 80, seed=5), ridge.coef_)


def test_lime_recovers_an_additive_game(rng: np.random.Generator) -> None:
    """Its penalty of 1 matters the less, the more is drawn; without one (exercise 7, the kernels) nothing is lost."""
    game, kept = inputs.linear(rng, 6), inputs.random_sets(rng, 40, 6)
    worths = worths_of(game)
    np.testing.assert_allclose(studies.lime_scores(game.of_all(), 6, 4000, seed=0), worths, rtol=0.02)
    case: Any = local.LIME.cases[1]
    w, constant = case.expected(kept, game(kept), 25.0, 0.0)
    close([*w, constant], [*worths, game.dividends[()]])
    # The narrowest kernel too, whose weights are smaller than any penalty that looks small.
    close(studies.bridge(game.of_all(), 6, widths=(1, 2, 25, 1000)).scores, np.tile(worths, (5, 1)), 1e-6)


def test_kernels_lead_from_leave_one_out_to_shapley(rng: np.random.Generator) -> None:
    game, kept = inputs.any_game(rng, 6), all_sets(6).numpy()
    values, truth, size = game.of_all(), game.shapley().numpy(), kept.sum(1)
    found, alone = studies.bridge(values, 6, widths=(1, 25, 1000)), studies.leave_one_out(values, 6)
    expected = [alone]
    for width in (25, 1000):  # of a wide kernel every set has a part but nothing at all, which LIME never draws
        pi = np.exp(-((100 * (1 - np.sqrt(size / 6))) ** 2) / width**2) / [math.comb(6, k) for k in size]
        expected.append(LinearRegression().fit(kept[1:].astype(float), values[1:], sample_weight=pi[1:]).coef_)
    expected.append(truth)
    close(found.scores, expected, 1e-5)
    close(found.alone, [rank_correlation(row, alone) for row in expected])
    close(found.shapley, [rank_correlation(row, truth) for row in expected])
    close(found.furthest, [max(abs(row - truth)) for row in expected], 1e-5)
    close(studies.bridge(-values, 6, widths=(1, 25, 1000)).furthest, found.furthest, 1e-5)


def linear_area(game: Any, order: Sequence[int]) -> float:
    """Of n tokens in an additive game, the one at place j of an order, from 1, counts (n + 1 - 2j) / n of its worth."""
    places = np.arange(1, game.n + 1)
    return float(worths_of(game)[list(order)] @ (game.n + 1 - 2 * places) / game.n)


def descending(scores: Any) -> list[int]:
    return sorted(range(len(scores)), key=lambda i: -float(scores[i]))


def test_the_area_between_the_curves_of_an_additive_game(rng: np.random.Generator) -> None:
    game: Any = inputs.linear(rng, 5)
    orders = list(permutations(range(5)))
    areas = [comparing.between(game, -np.argsort(order).astype(float)) for order in orders]
    close(areas, [linear_area(game, order) for order in orders])
    assert comparing.between(game, worths_of(game)) == pytest.approx(max(areas)), "no order is better"
    assert np.mean(areas) == pytest.approx(0, abs=1e-12), "nor is chance worth anything"
    # Exercise 8 computes its curves one prompt after the other.
    case: Any = judging.CURVES.cases[0]
    game, scores = case.arguments(rng)
    expected, (first, *rest) = case.expected(game, scores), descending(scores)
    assert comparing.between(game, scores.numpy()) == pytest.approx(expected["between"])
    close(expected["deletion"][[0, 1, 5]], game.kept_of(range(5), rest, []))
    close(expected["insertion"][[0, 1, 5]], game.kept_of([], [first], range(5)))


def chosen(table: list[dict[str, Any]], budget: float) -> str:
    """The rule of exercise 10, as its text has it."""
    (control,) = (row for row in table if row["method"] == "shuffled")
    left = [r for r in table if r is not control and r["seconds"] <= budget and r["low"] > control["high"]]
    if not left:
        return "none"
    best = max(left, key=lambda row: float(row["quality"]))
    return str(min((r for r in left if r["quality"] >= best["low"]), key=lambda row: float(row["seconds"]))["method"])


def test_the_choice_follows_the_rule(rng: np.random.Generator) -> None:
    """Whole numbers, so that just enough and just as good come up; no two qualities, and no two costs, are equal."""
    found = set()
    for _ in range(400):
        table = [{"method": "shuffled", "quality": 0, "low": -1, "high": int(rng.integers(3)), "seconds": 0}]
        for name, quality in zip("abcd", rng.choice(10, 4, replace=False).tolist(), strict=True):
            half, seconds = int(rng.integers(4)), 4 * int(rng.integers(1, 5)) - "abcd".index(name)
            row = {"method": name, "quality": quality, "low": quality - half, "high": quality + half}
            table.append({**row, "seconds": seconds})
        table = [table[int(i)] for i in rng.permutation(5)]
        assert judging.pick(table, 9) == chosen(table, 9), table
        found.add(chosen(table, 9))
    assert found == {*"abcd", "none"}


def test_methods_prepared_are_those_of_the_package() -> None:
    """They delete tokens from the prompts themselves, by another route; the tree's is shap's own."""
    lm = make_lm()
    (one,) = comparing.prepare(lm, [TEXTS], seed=2)
    (game,) = one.games[comparing.ENDS]
    wanted: tuple[tuple[str, str, dict[str, Any]], ...] = (
        (studies.EXACT, "shapley", {"delete": "eos"}),
        (studies.ALONE, "leave_one_out", {"delete": "eos"}),
        (studies.LIME, "lime", {"delete": "eos", "samples": 500, "seed": 2}),
        (comparing.SEED_AGAIN, "lime", {"delete": "eos", "samples": 500, "seed": 3}),
        (studies.INTEGRATED, "integrated_gradients", {"steps": 50}),
    )
    for name, method, settings in wanted:
        close(one.scores[name], iw.attribute(lm, *TEXTS, method=method, **settings).scores, 1e-4)
    close(one.scores[studies.PARTITION], owen_by_shap(game, trees.forks_of(lm, TEXTS[0])))
    walked = shapley.orders(game.n, 50, 2).tolist()
    close(one.scores[studies.SAMPLED], trees.mean_over(walked, game, game.n))
    assert game.rows == 2**game.n, "each set once, for all methods"
    strange = torch.stack([other.fillers for other in one.games[comparing.RANDOM]])
    assert len(set(map(tuple, strange.tolist()))) == comparing.DRAWS
    assert strange.min() >= 100


def prompt_of(rng: np.random.Generator, n: int) -> comparing.Prompt:
    """Additive games, one and four, and scores that have nothing to do with them."""
    made: Any = {way: tuple(inputs.linear(rng, n) for _ in range(many)) for way, many in WAYS.items()}
    return comparing.Prompt(made, {name: rng.normal(size=n) for name in (*comparing.JUDGED, comparing.SEED_AGAIN)})


def test_agreement_counts_ranks_tops_and_signs(rng: np.random.Generator) -> None:
    some = [prompt_of(rng, int(rng.integers(4, 8))) for _ in range(60)]
    found = comparing.agreement(some)
    for one, other in comparing.PAIRS:
        pairs = [(prompt.scores[one], prompt.scores[other]) for prompt in some]
        close(found.ranks[one, other], [rank_correlation(a, b) for a, b in pairs])
        assert found.same_top[one, other] == sum(descending(a)[0] == descending(b)[0] for a, b in pairs)
        assert found.other_sign[one, other] == sum(int(((a > 0) != (b > 0)).sum()) for a, b in pairs)
    assert found.tokens == sum(prompt.games[comparing.ENDS][0].n for prompt in some)
    control = found.ranks[comparing.CONTROL, studies.EXACT]
    # One shuffle of n tokens has the variance 1 / (n - 1), the mean of twenty a twentieth of it; four tokens or more.
    deviation = 1 / math.sqrt(3 * comparing.SHUFFLES)
    assert abs(control.mean()) < 4 * deviation / math.sqrt(60)
    assert 0 < np.abs(control).max() < 4 * deviation
    assert f"(±{np.ptp(t_interval(control)) / 2:.2f})" in found.table().splitlines()[-1]


def test_methods_are_judged_by_the_mean_area_over_the_games(rng: np.random.Generator) -> None:
    some = [prompt_of(rng, n) for n in (3, 4, 5, 6) * 6]
    judged = comparing.judge(some)
    costs = studies.Costs((8, 16), np.asarray([0.25, 0.5]), np.asarray([1.0, 2.0]))
    rows = {row["method"]: row for row in judged.choices(costs, 16)}
    for method in comparing.JUDGED:
        areas = [
            [np.mean([linear_area(game, descending(p.scores[method])) for game in p.games[way]]) for p in some]
            for way in WAYS
        ]
        close([judged.areas[way, method] for way in WAYS], areas)
        low, high = t_interval(np.mean(areas, axis=0))
        close([rows[method][key] for key in ("low", "quality", "high")], [low, np.mean(areas), high])
    for way, many in WAYS.items():
        # Twenty shuffles for each prompt, over one game or four; each order asks for two curves of n + 1 sets.
        asked = {game.rows / 2 / (game.n + 1) for prompt in some for game in prompt.games[way]}
        assert asked == {len(comparing.JUDGED) + 20 / many}
        # A random order's area varies as the worths do (n - 1), times the sum of the squares of (n + 1 - 2j) / n.
        spread = [[worths_of(g).var(ddof=1) * (g.n**2 - 1) / 3 / g.n for g in p.games[way]] for p in some]
        low, high = stats.chi2.interval(0.999, len(some))
        assert low < (judged.areas[way, comparing.CONTROL] ** 2 / (np.mean(spread, axis=1) / 20)).sum() < high
    assert list(rows) == [*comparing.JUDGED, "shuffled"]
    assert [row["seconds"] for row in rows.values()] == [8.0, 250.0, 121.0, 376.0, 32768.0, 100.0, 0.0]


def test_costs_are_those_of_one_prompt_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that moves on by one second at each look: a batch takes one, whatever it holds."""
    ticks = iter(range(1000))
    monkeypatch.setattr(studies, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    found = studies.costs(tiny_lm(), "the red cat", lengths=(2, 7, 32, 200))
    close([found.forward, found.backward], [[1 / 64, 1 / 18, 1 / 4, 1]] * 2)


def test_what_shap_makes_of_a_text() -> None:
    """Its masker must be told of the token, and not to join neighbours; by default three dots stand for all of them."""
    lm, text, kept = tiny_lm(), "the red cat sees", [True, False, False, True]
    the, *_, sees = lm.tokenizer(text)["input_ids"]
    assert text_plot.masked(lm, text, kept, mask_token="<end>", collapse_mask_token=False)[1] == [the, 1, 1, sees]
    assert text_plot.masked(lm, text, kept) == ("the ...sees", [the, lm.tokenizer.unk_token_id, sees])
    page = "<b style='background: rgba(np.float64(255.0), np.float64(1e-05), 81, 0.5)'>np.float64</b>"
    assert text_plot.coloured(page) == ("<b style='background: rgba(255.0, 1e-05, 81, 0.5)'>np.float64</b>", 2)
