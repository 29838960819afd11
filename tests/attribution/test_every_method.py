"""What holds for every method: cost, consent, errors, short prompts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.attribution import registry
from interp_widgets.errors import ArgumentError, Cancelled, NonFiniteError, TooCostlyError
from interp_widgets.results.cost import REFUSED_SECONDS, Cost
from tests.attribution.formulas import LONG, PROMPT
from tests.attribution.test_api import TARGETS, rows_counted
from tests.tiny import FAMILIES, make_lm

METHODS = [method["name"] for method in iw.attribution_methods()]
BY_UNITS = [method.name for method in registry.describe() if method.by_units]


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", FAMILIES)
def test_it_runs_on_every_architecture(family: str, method: str) -> None:
    lm = make_lm(family)
    before = lm.state_hash()
    result = iw.attribute(lm, PROMPT, 5, 7, method, samples=30, steps=4)
    assert result.method == method
    assert np.isfinite(result.scores).all()
    assert result.scores.shape == result.token_ids.shape
    assert result.verdict.word in ("trust", "caution", "do not trust")
    assert {"quality", "quality_random", "comprehensiveness", "sufficiency"} <= set(result.diagnostics)
    assert set(result.settings) == set(registry.find(method).settings)
    assert lm.state_hash() == before
    assert sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in lm.model.modules()) == 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("target", "foil"), TARGETS)
@pytest.mark.parametrize("prompt", [PROMPT, LONG])
def test_every_pass_is_counted_and_within_what_was_estimated(
    lm: Any, method: str, target: Any, foil: Any, prompt: str
) -> None:
    asked: dict[str, Any] = {"method": method, "steps": 5, "samples": 20}
    cost = iw.estimate(iw.attribute, lm, prompt, target, foil, **asked)
    with rows_counted(lm) as rows:
        result = iw.attribute(lm, prompt, target, foil, **asked)
    assert result.forward_passes == sum(rows)
    assert sum(rows) <= cost.forward_passes + cost.further_passes
    assert cost.seconds > 0
    assert cost.bytes > 0


@pytest.mark.parametrize("method", METHODS)
def test_a_prompt_of_one_token(lm: Any, method: str) -> None:
    result = iw.attribute(lm, "The", method=method, samples=5, steps=4)
    assert result.scores.shape == (1,)
    assert np.isfinite(result.scores).all()
    assert result.verdict.word in ("caution", "do not trust")
    foiled = iw.attribute(lm, [5], 8, 9, method, samples=5, steps=4)
    assert foiled.scores.shape == (1,)


@pytest.mark.parametrize("method", METHODS)
def test_the_foil_is_not_the_target(lm: Any, method: str) -> None:
    with pytest.raises(ArgumentError, match="is the target itself"):
        iw.attribute(lm, PROMPT, " Canberra", " Canberra", method)


@pytest.mark.parametrize("method", METHODS)
def test_weights_that_are_not_numbers_name_their_layer(method: str) -> None:
    lm = make_lm("llama")
    with torch.no_grad():
        lm.model.model.layers[1].mlp.down_proj.weight[0, 0] = torch.nan
    with pytest.raises(NonFiniteError, match="first at layer 1"):
        iw.attribute(lm, PROMPT, method=method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("function", ["logit", "log-probability", "probability", "entropy"])
def test_every_function_can_be_explained_by_every_method(lm: Any, method: str, function: str) -> None:
    result = iw.attribute(lm, PROMPT, method=method, function=function, samples=5, steps=4)
    assert result.function == function
    assert np.isfinite(result.scores).all()


@pytest.mark.parametrize("method", METHODS)
def test_progress_never_goes_back_and_ends_at_its_total(lm: Any, method: str) -> None:
    told: list[tuple[int, int, str]] = []
    iw.attribute(lm, LONG, " Canberra and", " Paris", method, samples=10, steps=4, progress=lambda *n: told.append(n))
    done, totals, texts = zip(*told, strict=True)
    assert list(done) == sorted(done)
    assert len(set(totals)) == 1
    assert done[-1] == totals[0]
    assert all(texts)


# Consent


@pytest.mark.parametrize("method", BY_UNITS)
def test_what_takes_minutes_is_refused_without_consent(method: str) -> None:
    lm = make_lm("gpt2")
    lm.seconds_per_token = REFUSED_SECONDS
    with rows_counted(lm) as rows:
        with pytest.raises(TooCostlyError, match="confirm=True to run it all the same") as caught:
            iw.attribute(lm, LONG, method=method, samples=10)
    assert rows == []
    assert isinstance(caught.value, iw.errors.InterpError)
    assert method in str(caught.value)
    assert len(iw.attribute(lm, LONG, method=method, samples=10, confirm=True).scores) > 1


def test_who_is_asked_decides(lm: Any) -> None:
    model = make_lm("gpt2")
    model.seconds_per_token = REFUSED_SECONDS
    shown: list[Cost] = []

    def agree(cost: Cost) -> bool:
        shown.append(cost)
        return True

    expected = iw.estimate(iw.attribute, model, PROMPT, method="leave_one_out")
    iw.attribute(model, PROMPT, method="leave_one_out", confirm=agree)
    assert shown == [expected]
    refusals: list[Any] = [lambda cost: False, False]
    for refuse in refusals:
        with rows_counted(model) as rows, pytest.raises(Cancelled, match="nothing was computed"):
            iw.attribute(model, PROMPT, method="leave_one_out", confirm=refuse)
        assert rows == []


def test_a_method_that_does_not_grow_with_the_prompt_is_never_refused() -> None:
    lm = make_lm("gpt2")
    lm.seconds_per_token = REFUSED_SECONDS
    iw.attribute(lm, PROMPT, method="relevance")
