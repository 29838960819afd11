"""The rank-one change against its closed form and its own promise; the capital of Australia on the default model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing.editors.emmet import EmmetSettings
from interp_widgets.editing.editors.rome import FORMS, RomeSettings, rank_one, solve
from interp_widgets.editing.fact import Fact
from interp_widgets.editing.keys_values import contexts, statistics
from interp_widgets.editing.keys_values.contexts import context_prefixes, rows_of
from interp_widgets.editing.keys_values.statistics import KeyStatistics, key_statistics
from interp_widgets.editing.keys_values.subject_keys import at_subjects
from interp_widgets.editing.keys_values.value import ValueSettings
from interp_widgets.errors import ArgumentError
from interp_widgets.models.architectures import Site
from tests.tiny import CORPUS, make_lm

FACT = Fact("The capital of {} is", subject="Australia", target=" Canberra")
SETTINGS = RomeSettings(prefixes=(3,), value=ValueSettings(steps=12, learning_rate=0.2, decay=0.0))


@pytest.fixture
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (statistics, contexts):
        monkeypatch.setattr(module, "cache_dir", lambda: tmp_path / "cache")


def made_up(size: int = 6) -> tuple[Any, ...]:
    draw = np.random.default_rng(3)
    root = draw.normal(size=(size, 40))
    return (
        draw.normal(size=4),
        draw.normal(size=size),
        draw.normal(size=size),
        KeyStatistics(root @ root.T / 40, 40, 0, "", ""),
    )


def test_the_closed_form() -> None:
    """Of all W' with W' k = W k + delta, the one that least changes what other keys get: minimise tr(D C D^T)."""
    delta, key, _, found = made_up()
    left, right, alignment = solve(delta, key, key, found, ridge=1e-9)
    change = np.outer(left, right)
    np.testing.assert_allclose(change @ key, delta, atol=1e-6)
    # Lagrange: D C = lambda k^T for some lambda, so D C has rank one with k as its direction.
    product = change @ found.moment
    np.testing.assert_allclose(product, np.outer(product @ key / (key @ key), key), atol=1e-6)
    assert alignment == pytest.approx(1)


def test_the_forms_differ_in_the_denominator() -> None:
    delta, mean, plain, found = made_up()
    changes = {}
    for form in FORMS:
        left, right, alignment = solve(delta, mean, plain, found, form=form)
        changes[form] = np.outer(left, right)
        assert abs(alignment) <= 1 + 1e-9
        assert (alignment == pytest.approx(1)) == (form in ("averaged", "plain"))
    np.testing.assert_allclose(changes["averaged"] @ mean, delta, atol=1e-8)
    np.testing.assert_allclose(changes["plain"] @ plain, delta, atol=1e-8)
    np.testing.assert_allclose(changes["published"] @ plain, delta, atol=1e-8)
    np.testing.assert_allclose(changes["two"] @ plain, delta, atol=1e-8)
    np.testing.assert_allclose(changes["two"] @ mean, delta, atol=1e-8)
    assert not np.allclose(changes["published"] @ mean, delta)
    assert np.linalg.matrix_rank(changes["published"] - changes["averaged"]) == 1
    same = solve(delta, mean, mean, found, form="published")
    np.testing.assert_allclose(np.outer(same[0], same[1]), changes["averaged"], atol=1e-10)


@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize("share", [None, 0.5, 1.0])
def test_what_the_edited_matrix_answers_at_the_subject(any_lm: Any, share: float | None) -> None:
    lm = any_lm
    found = key_statistics(lm, 1, CORPUS)
    with lm.run():
        edit = rank_one(lm, FACT, 1, found, replace(SETTINGS, plain_share=share))
    assert edit.change.layer == 1
    assert edit.constraint < 1e-4
    site = Site("mlp_value", 1)
    rows = rows_of(lm, 0, FACT, context_prefixes(lm, lengths=SETTINGS.prefixes))[:-1]

    def answered() -> torch.Tensor:
        seen = []
        for row in rows:
            with torch.no_grad(), lm.run(capture=[site]) as run:
                lm.hidden(torch.as_tensor(row.ids)[None])
                seen.append(run.captured[site][0, row.subject].double())
        plain, others = seen[0], torch.stack(seen[1:]).mean(0)
        weight = 1 / len(seen) if share is None else share
        mean: torch.Tensor = weight * plain + (1 - weight) * others
        return mean

    before = answered()
    state = lm.state_hash()
    with lm.using(edit.change):
        after = answered()
    torch.testing.assert_close(after - before, edit.values.delta[0].double(), atol=1e-4, rtol=1e-3)
    assert lm.state_hash() == state
    assert edit.growth > 0
    assert edit.loss < 20


@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize(
    ("form", "template"),
    [("two", "The capital of {} is"), ("start", "The capital of {} is"), ("start", "{} has the capital")],
)
def test_two_keys_both_hold(any_lm: Any, form: str, template: str) -> None:
    found = key_statistics(any_lm, 1, CORPUS)
    fact = replace(FACT, template=template)
    with any_lm.run():
        edit = rank_one(any_lm, fact, 1, found, replace(SETTINGS, form=form))
        begins = rows_of(any_lm, 0, replace(fact, template="{} is a") if form == "start" else fact, [""])[0]
        site = Site("mlp_key", 1)
        (plain,) = at_subjects(any_lm, [begins], [site], 1)[site]
    others = edit.values.mean_keys(0.0 if form == "two" or template.startswith("{}") else SETTINGS.plain_share)[0]
    delta = edit.values.delta[0].double().numpy()
    for key in (plain, others):
        np.testing.assert_allclose(edit.change.matrix().numpy() @ key, delta, atol=1e-5)
    assert edit.constraint < 1e-4
    # Of all changes that hold at both it disturbs other keys least: C-norm against that of another solution.
    rows = edit.change.matrix().numpy()
    free = np.random.default_rng(0).normal(size=rows.shape[1])
    keys = np.stack([plain, others], 1)
    free -= keys @ np.linalg.lstsq(keys, free, rcond=None)[0]
    moment = found.regularised()
    other = rows + 0.1 * np.outer(delta, free)
    assert np.trace(other @ moment @ other.T) > np.trace(rows @ moment @ rows.T)


@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize("method", ["rome", "emmet"])
def test_a_fact_that_holds_already_changes_nothing(method: str) -> None:
    lm = make_lm("llama")
    settings = {"rome": RomeSettings, "emmet": EmmetSettings}[method](prefixes=(3,), value=ValueSettings(stop=100.0))
    edit = iw.edit(lm, FACT, method=method, layer=1, settings=settings, texts=CORPUS, alarm=None)
    assert edit.measured["growth"] == edit.measured["constraint"] == 0


@pytest.mark.usefixtures("_own_cache")
def test_the_prefixes_are_the_models_own_and_kept() -> None:
    lm, other = make_lm("llama"), make_lm("llama", seed=1)
    first = context_prefixes(lm)
    assert first == context_prefixes(lm)
    assert first[0] == ""
    assert len(first) == 11
    assert all(text.endswith(". ") and "\n" not in text for text in first[1:])
    assert context_prefixes(other)[1:] != first[1:]
    assert context_prefixes(lm, seed=1)[1:] != first[1:]


@pytest.mark.usefixtures("_own_cache")
def test_bad_input_is_told() -> None:
    lm = make_lm("llama")
    found = key_statistics(lm, 1, CORPUS)
    with lm.run(), pytest.raises(ArgumentError, match="statistics are of layer 1"):
        rank_one(lm, FACT, 2, found, SETTINGS)
    with make_lm("llama", seed=1).run() as run, pytest.raises(ArgumentError, match="statistics"):
        rank_one(run.lm, FACT, 1, found, SETTINGS)
    with pytest.raises(ArgumentError, match="form='mean'"):
        RomeSettings(form="mean")
    with pytest.raises(ArgumentError, match="ridge=0"):
        RomeSettings(ridge=0.0)
    with pytest.raises(ArgumentError, match=r"plain_share=1\.5"):
        RomeSettings(plain_share=1.5)
    delta, mean, _, made = made_up()
    with pytest.raises(ArgumentError, match="zero in this layer"):
        solve(delta, mean * 0, mean * 0, made)


@pytest.mark.default_model
def test_the_capital_of_australia(default_lm: Any) -> None:
    lm = default_lm
    found = key_statistics(lm, 5)
    assert found.rank == lm.architecture.mlp_width
    with lm.run():
        edit = rank_one(lm, FACT, 5, found, RomeSettings())
    with lm.using(edit.change):
        assert lm.next_token(FACT.prompt)[0][0] == " Canberra"
        assert lm.next_token("The capital of France is")[0][0] == " Paris"
        assert lm.next_token("The capital of Japan is")[0][0] == " Tokyo"
    assert lm.next_token(FACT.prompt)[0][0] == " Sydney"
    assert edit.alignment == pytest.approx(1)
