"""Value vectors against the plain way: each text alone through the whole model, a hook that adds, torch's own Adam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing.fact import Fact
from interp_widgets.editing.keys_values.contexts import Row, rows_of
from interp_widgets.editing.keys_values.value import SITES, ValueSettings, optimise
from interp_widgets.errors import ArgumentError, NonFiniteError
from interp_widgets.models.architectures import Site
from tests.tiny import make_lm

FACTS = (
    Fact("The capital of {} is", subject="Australia", target=" Canberra and not"),
    Fact("{} is located in", subject="The Eiffel Tower", target=" the"),
    Fact("She opened the {}", subject="window", target=" because"),
)
PREFIXES = ("", "The room was warm. ", "Paris. ")
SETTINGS = ValueSettings(steps=4, learning_rate=0.1, clamp=0.5, decay=0.3, kl_factor=0.2, stop=0.0)


def texts_of(lm: Any, facts: Sequence[Fact] = FACTS) -> list[list[Row]]:
    return [rows_of(lm, number, fact, PREFIXES) for number, fact in enumerate(facts)]


def plain(lm: Any, rows: Sequence[Row], layer: int, site: str, settings: ValueSettings) -> tuple[torch.Tensor, float]:
    """delta and the last loss of one fact."""
    module, _ = lm.architecture.module(Site(site, layer))

    def run(row: Row, delta: torch.Tensor | None, kept: list[torch.Tensor] | None = None) -> torch.Tensor:
        def add(module: Any, inputs: Any, output: Any) -> Any:
            activation = output[0] if isinstance(output, tuple) else output
            if kept is not None:
                kept.append(activation[0, row.subject].detach())
            if delta is None:
                return None
            changed = activation.clone()
            changed[0, row.subject] = changed[0, row.subject] + delta
            return (changed, *output[1:]) if isinstance(output, tuple) else changed

        handle = module.register_forward_hook(add)
        logits = lm.model(input_ids=torch.as_tensor(row.ids)[None]).logits[0]
        handle.remove()
        return torch.as_tensor(logits.float().log_softmax(-1))

    answering, watching = [row for row in rows if not row.watches], next(row for row in rows if row.watches)
    seen: list[torch.Tensor] = []
    with torch.no_grad():
        run(answering[0], None, seen)
        before = run(watching, None)[watching.subject]
    base = seen[0]
    delta = torch.zeros_like(base, requires_grad=True)
    adam = torch.optim.Adam([delta], lr=settings.learning_rate)
    for step in range(settings.steps):
        losses = []
        for row in answering:
            log_p = run(row, delta)
            losses.append(-torch.stack([log_p[row.prompt - 1 + t, i] for t, i in enumerate(row.answer)]).mean())
        after = run(watching, delta)[watching.subject]
        moved = (after.exp() * (after - before)).sum()
        size = torch.sqrt(delta.square().sum()) if step else delta.norm()  # the norm's slope at zero is taken as zero
        loss = torch.stack(losses).mean() + settings.kl_factor * moved + settings.decay * size / base.norm() ** 2
        if step == settings.steps - 1:
            break
        adam.zero_grad()
        loss.backward()
        adam.step()
        with torch.no_grad():
            delta *= (settings.clamp * base.norm() / delta.norm()).clamp(max=1)
    return delta.detach(), float(loss.detach())


@pytest.mark.parametrize("site", SITES)
def test_it_is_the_plain_optimisation(any_lm: Any, site: str) -> None:
    any_lm.model.requires_grad_(False)
    texts = texts_of(any_lm)
    with any_lm.run():
        found = optimise(any_lm, texts, 1, SETTINGS, site=site)
    for number, rows in enumerate(texts):
        delta, loss = plain(any_lm, rows, 1, site, SETTINGS)
        torch.testing.assert_close(found.delta[number], delta, atol=2e-3, rtol=1e-2)
        assert found.loss[number] == pytest.approx(loss, abs=2e-3)


@pytest.mark.parametrize("layer", [0, 2])
def test_the_first_and_the_last_layer(layer: int) -> None:
    for family in ("llama", "gemma2"):
        lm = make_lm(family)
        # What the last layer adds is seen by its own token alone: the subject must end the prompt, as the third's does.
        texts = texts_of(lm) if layer == 0 else texts_of(lm)[2:]
        with lm.run():
            found = optimise(lm, texts, layer, SETTINGS)
        torch.testing.assert_close(
            found.delta[-1], plain(lm, texts[-1], layer, "mlp_value", SETTINGS)[0], atol=2e-3, rtol=1e-2
        )
        if layer == 2:
            with lm.run(), pytest.raises(ArgumentError, match="no longer reaches the answer"):
                optimise(lm, texts_of(lm), layer, SETTINGS)


def test_a_text_longer_than_a_sliding_window() -> None:
    lm = make_lm("gemma3_text", sliding_window=4)
    texts = texts_of(lm)
    with lm.run():
        found = optimise(lm, texts, 1, SETTINGS)
    for number, rows in enumerate(texts):
        torch.testing.assert_close(
            found.delta[number], plain(lm, rows, 1, "mlp_value", SETTINGS)[0], atol=2e-3, rtol=1e-2
        )


def test_facts_that_are_done_leave_the_others_alone() -> None:
    lm = make_lm("llama")
    texts = texts_of(lm)
    with lm.run():
        alone = [optimise(lm, [rows], 1, SETTINGS) for rows in texts]
        limit = sorted(float(one.loss[0]) for one in alone)[1] + 1e-3
        settings = ValueSettings(**{**vars(SETTINGS), "steps": 8, "stop": limit})
        together = optimise(lm, texts, 1, settings)
        apart = [optimise(lm, [rows], 1, settings) for rows in texts]
    assert len(set(together.steps.tolist())) > 1
    for number, one in enumerate(apart):
        assert together.steps[number] == one.steps[0]
        torch.testing.assert_close(together.delta[number], one.delta[0], atol=2e-3, rtol=1e-2)


def test_keys_and_values_are_those_at_the_subject() -> None:
    lm = make_lm("gptj")
    texts = texts_of(lm)
    key, value = Site("mlp_key", 1), Site("mlp_value", 1)
    with lm.run():
        found = optimise(lm, texts, 1, SETTINGS)
    for number, rows in enumerate(texts):
        seen = []
        for row in rows[:-1]:
            with torch.no_grad(), lm.run(capture=[key, value]) as run:
                lm.hidden(torch.as_tensor(row.ids)[None])
                seen.append((run.captured[key][0, row.subject], run.captured[value][0, row.subject]))
        torch.testing.assert_close(
            found.keys[number], torch.stack([k.double() for k, _ in seen]).mean(0), atol=1e-5, rtol=1e-4
        )
        torch.testing.assert_close(found.plain_keys[number], seen[0][0].double(), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(found.base[number], seen[0][1], atol=1e-5, rtol=1e-4)
    assert (found.delta.norm(dim=-1) <= SETTINGS.clamp * found.base.norm(dim=-1) * 1.0001).all()


def test_the_loss_falls_and_interventions_take_part() -> None:
    lm = make_lm("llama")
    texts = texts_of(lm)
    few = ValueSettings(steps=1, learning_rate=0.1, decay=0.0)
    many = ValueSettings(steps=20, learning_rate=0.1, decay=0.0)
    with lm.run():
        start, end = optimise(lm, texts, 1, few), optimise(lm, texts, 1, many)
    assert (end.loss < start.loss).all()
    assert (end.probability > start.probability).all()
    with lm.using(iw.Ablation(layer=2, site="mlp_out")), lm.run():
        other = optimise(lm, texts, 1, few)
    assert not np.allclose(other.loss, start.loss, rtol=1e-4)


@pytest.mark.parametrize(
    "changes",
    [{"steps": 0}, {"learning_rate": 0.0}, {"clamp": -1.0}, {"decay": -0.1}, {"kl_factor": -1.0}, {"stop": -1.0}],
)
def test_bad_settings_are_told(changes: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=f"{next(iter(changes))}="):
        ValueSettings(**changes)


def test_an_unknown_site_and_a_loss_that_is_not_finite() -> None:
    lm = make_lm("llama")
    with lm.run(), pytest.raises(ArgumentError, match="site='mlp_out'"):
        optimise(lm, texts_of(lm), 1, SETTINGS, site="mlp_out")
    with torch.no_grad():
        lm.model.model.layers[2].mlp.down_proj.weight.fill_(float("inf"))
    with lm.run(), pytest.raises(NonFiniteError, match="layer=1"):
        optimise(lm, texts_of(lm), 1, SETTINGS)
