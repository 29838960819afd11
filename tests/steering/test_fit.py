"""`iw.control_vector`: the states that it reads, the numbers that it keeps, and what it refuses."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, Cancelled, EmptyPromptError, NonFiniteError, OutOfRangeError
from interp_widgets.models.architectures import Site
from interp_widgets.steering.directions import METHODS, direction
from tests.tiny import make_lm

GLAD = ["I love this day", "The food was wonderful", "She smiled with joy", "What a lovely morning it is"]
SAD = ["I hate this day", "The food was terrible", "She cried with grief", "What a dreadful morning it is"]


def states_by_hand(lm: Any, prompts: Any) -> Any:
    """(prompts, layers, width), one unpadded pass each."""
    sites = [Site("resid_post", layer) for layer in range(lm.architecture.n_layers)]
    rows = []
    for prompt in prompts:
        with torch.no_grad(), lm.run(capture=sites) as run:
            lm.hidden(torch.as_tensor(lm.encode(prompt).ids)[None])
            rows.append(torch.stack([run.captured[site][0, -1] for site in sites]).double().numpy())
    return np.stack(rows)


def test_the_directions_are_those_of_states_read_one_by_one(any_lm: Any) -> None:
    one, other = states_by_hand(any_lm, GLAD), states_by_hand(any_lm, SAD)
    for method in METHODS:
        v = iw.control_vector(any_lm, GLAD, SAD, method)
        assert v.layers == tuple(range(any_lm.architecture.n_layers))
        assert v.matrix.dtype == np.float32
        for layer in v.layers:
            by_hand = direction(method, one[:, layer], other[:, layer])
            assert abs(v.directions[layer] @ by_hand) == pytest.approx(1, abs=1e-4), (method, layer)


def test_scores_are_plus_and_minus_1_at_the_means_of_the_sides() -> None:
    lm = make_lm("llama")
    v = iw.control_vector(lm, GLAD, SAD)
    for layer in v.layers:
        assert v.scores(states_by_hand(lm, GLAD)[:, layer], layer).mean() == pytest.approx(1, abs=1e-4)
        assert v.scores(states_by_hand(lm, SAD)[:, layer], layer).mean() == pytest.approx(-1, abs=1e-4)


def test_it_is_inactive_and_remembers_its_making() -> None:
    lm = make_lm("gpt2")
    v = iw.control_vector(lm, iw.ContrastPairs(tuple(GLAD), tuple(SAD), name="mood", poles=("glad", "sad")))
    assert len(lm.ledger) == 0
    assert (v.name, v.poles, v.method, v.pairs) == ("mood", ("glad", "sad"), "mean", 4)
    assert (v.model, v.model_type, v.fingerprint, v.fitted_under) == (lm.name, "gpt2", lm.fingerprint, ())
    assert v.best_layer in v.layers
    assert v.bounds is None
    assert np.isfinite(v.norm).all()
    assert ((v.accuracy >= 0) & (v.accuracy <= 1)).all()
    assert "'mood': mean of 4 pairs, 3 layers of width 32" in repr(v)
    assert iw.control_vector(lm, GLAD, SAD, name="other").name == "other"


def test_layers_can_be_chosen() -> None:
    lm = make_lm("llama")
    v, some = iw.control_vector(lm, GLAD, SAD), iw.control_vector(lm, GLAD, SAD, layers=[2, 0])
    assert some.layers == (2, 0)
    np.testing.assert_allclose(some.directions[2], v.directions[2], atol=1e-6)
    np.testing.assert_allclose(some.norm, v.norm[[2, 0]])
    for wrong in ([3], [-4], [1, 99]):
        with pytest.raises(OutOfRangeError, match="layer"):
            iw.control_vector(lm, GLAD, SAD, layers=wrong)
    for wrong in ([], [1, 1]):
        with pytest.raises(ArgumentError, match=r"layers=\["):
            iw.control_vector(lm, GLAD, SAD, layers=wrong)


def test_the_seed_changes_the_validation_only() -> None:
    lm = make_lm("llama")
    one, other = (iw.control_vector(lm, GLAD, SAD, seed=seed) for seed in (0, 1))
    np.testing.assert_allclose(one.matrix, other.matrix, atol=1e-6)
    same = iw.control_vector(lm, GLAD, SAD, seed=0)
    np.testing.assert_array_equal(one.separation, same.separation)


def test_batch_size_changes_nothing() -> None:
    lm = make_lm("llama")
    whole = iw.control_vector(lm, GLAD, SAD)
    for size in (1, 3):
        np.testing.assert_allclose(iw.control_vector(lm, GLAD, SAD, batch_size=size).matrix, whole.matrix, atol=1e-5)


def test_one_pair_gives_a_direction_and_no_validation() -> None:
    lm = make_lm("llama")
    v = iw.control_vector(lm, GLAD[:1], SAD[:1])
    assert np.isnan(v.accuracy).all()
    assert v.best_layer == 1


def test_it_knows_what_was_active() -> None:
    lm = make_lm("llama")
    x = lm.ledger.add(iw.Ablation(layer=0, head=1), name="without head 1")
    v = iw.control_vector(lm, GLAD, SAD)
    assert v.fitted_under == ("without head 1",)
    with lm.steered(v, strength=0.1):
        pass
    x.undo()
    with pytest.warns(iw.steering.vector.SteeringWarning, match="fitted with without head 1 active; now it is nothing"):
        lm.steered(v, strength=0.1)


def test_it_asks_before_it_computes_and_can_be_cancelled() -> None:
    lm = make_lm("llama")
    seen: list[Any] = []

    def refuse(cost: Any) -> bool:
        seen.append(cost)
        return False

    with pytest.raises(Cancelled, match="not confirmed"):
        iw.control_vector(lm, GLAD, SAD, confirm=refuse)
    assert seen[0].forward_passes == 8
    assert iw.estimate(iw.control_vector, lm, GLAD, SAD).forward_passes == 8
    flag = threading.Event()
    flag.set()
    with pytest.raises(Cancelled):
        iw.control_vector(lm, GLAD, SAD, cancel=flag)


@pytest.mark.parametrize(
    ("positive", "negative", "said"),
    [
        ([], [], "positive has 0 prompts"),
        (GLAD, SAD[:2], "positive has 4 prompts and negative 2"),
        (GLAD, None, "negative is missing"),
        ("one text", SAD, "is one prompt"),
        (["same", "x"], ["same", "y"], "pair 0 has the same prompt"),
    ],
)
def test_pairs_that_cannot_work_are_refused(positive: Any, negative: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        iw.control_vector(make_lm("llama"), positive, negative)


def test_a_pair_that_is_equal_after_the_template_is_refused() -> None:
    lm = make_lm("llama")
    lm.tokenizer.chat_template = "{% for m in messages %}<s>{{ m['content'] | trim }}</s>{% endfor %}"
    one, other = ([{"role": "user", "content": text}] for text in ("Hello", "Hello "))
    with pytest.raises(ArgumentError, match="pair 1 has the same tokens on both sides after the model's template"):
        iw.control_vector(lm, ["a", one], ["b", other])


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(EmptyPromptError):
        iw.control_vector(make_lm("llama"), ["a", ""], ["b", "c"])


def test_an_unknown_method_is_refused_before_anything_runs() -> None:
    lm = make_lm("llama")
    with pytest.raises(ArgumentError, match=r"method='median'"):
        iw.control_vector(lm, GLAD, SAD, "median")


def test_states_that_are_not_numbers_are_refused() -> None:
    lm = make_lm("llama")
    for layer in (0, 1):
        lm.ledger.add(iw.AddedVector(np.full(32, 3e38), layer=layer))
    with pytest.raises(NonFiniteError, match="hidden states hold NaN or infinity"):
        iw.control_vector(lm, GLAD, SAD)


@pytest.mark.parametrize(
    ("layers", "separation", "best"),
    [
        (range(12), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 9),  # not the last ones
        (range(12), [9, 1, 2, 3, 8, 5, 6, 7, 4, 3, 2, 11], 4),
        ([0, 11], [1, 2], 11),  # unless there are no others
        (range(12), [np.nan] * 4 + [1, 2] + [np.nan] * 6, 5),
        (range(12), [np.nan] * 12, 6),
    ],
)
def test_the_best_layer_leaves_the_model_something_to_act_on(layers: Any, separation: Any, best: int) -> None:
    from interp_widgets.steering.fit import _best

    assert _best(list(layers), np.asarray(separation, float), 12) == best
