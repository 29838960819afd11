"""`iw.attribute` as a whole: cost, progress, consent, memory, provenance; and facts about the default model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.attribution import registry
from interp_widgets.errors import Cancelled, MemoryExhaustedError, TargetError
from interp_widgets.models import memory
from interp_widgets.models.language_model import LanguageModel
from interp_widgets.results.cost import Cost
from tests.attribution.formulas import LONG, PROMPT, by_path
from tests.tiny import make_lm

DOUBLE = torch.float64
TARGETS = [(None, None), (" Canberra and", None), (5, 7), (" Canberra and", 7), (" Canberra and", " Sydney and")]


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("gpt_neox", dtype=DOUBLE)


@contextmanager
def rows_counted(lm: Any) -> Iterator[list[int]]:
    """Rows of every forward pass of the base model."""
    rows: list[int] = []

    def note(module: Any, args: Any, kwargs: Any) -> None:
        given = kwargs.get("input_ids")
        rows.append(len(given if given is not None else kwargs["inputs_embeds"]))

    handle = lm.architecture.base.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield rows
    finally:
        handle.remove()


# Cost


@pytest.mark.parametrize(("target", "foil"), TARGETS)
@pytest.mark.parametrize("baseline", ["zero", "eos"])
def test_every_forward_pass_is_counted_and_was_estimated(lm: Any, target: Any, foil: Any, baseline: str) -> None:
    asked: dict[str, Any] = {"baseline": baseline, "steps": 21, "batch_size": 4}
    cost = iw.estimate(iw.attribute, lm, LONG, target, foil, method="integrated_gradients", **asked)
    with rows_counted(lm) as rows:
        result = by_path(lm, LONG, target, foil, **asked)
    assert result.provenance.forward_passes == sum(rows)
    assert 0 < sum(rows) - cost.forward_passes <= cost.further_passes


def test_an_estimate_runs_nothing_and_follows_the_arguments(lm: Any) -> None:
    def cost(**changes: Any) -> Cost:
        return iw.estimate(iw.attribute, lm, LONG, method="integrated_gradients", **changes)

    with rows_counted(lm) as rows:
        few, many = cost(steps=10), cost(steps=1000)
        assert (few.forward_passes, many.forward_passes) == (12, 1002)
        assert many.seconds > few.seconds > 0
        assert cost(batch_size=200).bytes == 2 * cost(batch_size=100).bytes > cost(batch_size=1).bytes
        assert cost(checkpoint=True, batch_size=100).bytes < cost(checkpoint=False, batch_size=100).bytes
        assert cost(checkpoint=True).seconds > cost(checkpoint=False).seconds
    assert rows == []
    assert f"12 forward passes (and up to {few.further_passes} more)" in str(few)
    assert few.further_passes > 0


def test_an_estimate_checks_what_attribute_checks(lm: Any) -> None:
    wrong: list[dict[str, Any]] = [{"steps": 0}, {"quadrature": "simpson"}, {"baseline": "noise"}, {"batch_size": 0}]
    for arguments in wrong:
        with pytest.raises(iw.errors.ArgumentError):
            iw.estimate(iw.attribute, lm, PROMPT, **arguments)
    with pytest.raises(TypeError, match="stepz"):
        iw.estimate(iw.attribute, lm, PROMPT, stepz=3)
    with pytest.raises(iw.errors.ArgumentError, match=r"iw\.attribute"):
        iw.estimate(print)


def test_the_speed_is_learnt_from_what_was_measured() -> None:
    lm = make_lm("gpt2")
    lm.seconds_per_token = 1000.0
    by_path(lm, PROMPT)
    assert 0 < lm.seconds_per_token < 501


def test_without_consent_nothing_is_computed(lm: Any) -> None:
    shown: list[Cost] = []

    def refuse(cost: Cost) -> bool:
        shown.append(cost)
        return False

    with rows_counted(lm) as rows, pytest.raises(Cancelled, match="nothing was computed"):
        by_path(lm, PROMPT, confirm=refuse)
    assert rows == []
    assert shown == [iw.estimate(iw.attribute, lm, PROMPT, method="integrated_gradients")]
    for refused in (lambda cost: False, False):
        with pytest.raises(Cancelled, match="nothing was computed"):
            by_path(lm, PROMPT, confirm=refused)
    agreed = by_path(lm, PROMPT, confirm=lambda cost: True)
    assert np.array_equal(agreed.scores, by_path(lm, PROMPT).scores)


# Progress


@pytest.mark.parametrize("family", ["gpt_neox", "gemma2"])  # converges, and does not: it is tested all the same
def test_progress_never_goes_back_and_reaches_its_total(family: str) -> None:
    told: list[tuple[int, int, str]] = []
    by_path(make_lm(family), LONG, batch_size=7, progress=lambda *news: told.append(news))
    done, totals, texts = zip(*told, strict=True)
    assert list(done) == sorted(done)
    assert len(set(totals)) == 1
    assert done[-1] == totals[0]
    assert done[0] == 7
    assert texts[0] == "integrating along the path"
    assert "testing by deletion" in texts


def test_a_bar_is_drawn_on_request(lm: Any, capsys: pytest.CaptureFixture[str]) -> None:
    by_path(lm, PROMPT, progress=True)
    assert "integrating along the path" in capsys.readouterr().err
    by_path(lm, PROMPT)
    assert capsys.readouterr().err == ""


# Memory


def short_of_memory(monkeypatch: pytest.MonkeyPatch, rows: int, error: type[Exception], text: str) -> list[int]:
    """Batches of more than `rows` fail as torch fails; returns the sizes that were tried."""
    real, tried = LanguageModel.hidden, []

    def hidden(self: LanguageModel, ids: torch.Tensor | None = None, **given: Any) -> torch.Tensor:
        given_rows = len(given["embeds"] if ids is None else ids)
        tried.append(given_rows)
        if given_rows > rows:
            raise error(text)
        return real(self, ids, **given)

    monkeypatch.setattr(LanguageModel, "hidden", hidden)
    return tried


CPU_ERROR = "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"


@pytest.mark.parametrize(
    ("error", "text"),
    [(torch.OutOfMemoryError, "CUDA out of memory. Tried to allocate"), (RuntimeError, CPU_ERROR), (MemoryError, "")],
)
def test_the_batch_halves_and_says_so(
    lm: Any, monkeypatch: pytest.MonkeyPatch, error: type[Exception], text: str
) -> None:
    calm = by_path(lm, LONG, baseline="eos", batch_size=20)
    tried = short_of_memory(monkeypatch, 6, error, text)
    short = by_path(lm, LONG, baseline="eos", batch_size=20)
    assert np.abs(short.scores - calm.scores).max() <= 1e-12 * np.abs(calm.scores).max()
    assert short.verdict.word == calm.verdict.word
    assert short.provenance.batch_size == 5
    path, deletion = short.provenance.notes
    assert path == "memory was short: batch size 20 halved to 5"
    assert re.fullmatch(r"memory was short: \d+ tokens a pass when tokens were deleted", deletion)
    assert tried[:6] == [1, 1, 20, 10, 5, 5]  # the question, the baseline, then the path
    assert short.provenance.forward_passes == calm.provenance.forward_passes


def test_memory_for_not_even_one_row(lm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    short_of_memory(monkeypatch, 0, torch.OutOfMemoryError, "CUDA out of memory")
    with pytest.raises(MemoryExhaustedError, match="shorten the prompt"):
        by_path(lm, PROMPT)


def test_memory_that_ends_on_the_path_with_a_single_row(lm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = torch.autograd.grad

    def grad(outputs: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(CPU_ERROR)

    monkeypatch.setattr(torch.autograd, "grad", grad)
    with pytest.raises(MemoryExhaustedError, match=r"single row.*checkpoint=True"):
        by_path(lm, PROMPT)
    monkeypatch.setattr(torch.autograd, "grad", real)
    by_path(lm, PROMPT)


def test_another_runtime_error_is_not_taken_for_memory(lm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = short_of_memory(monkeypatch, 3, RuntimeError, "shapes cannot be multiplied")
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        by_path(lm, PROMPT, batch_size=4)
    assert tried == [1, 1, 4]


def test_little_memory_chooses_checkpoints_and_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("gpt2")
    need = memory.gradient_bytes(lm, 15, checkpoint=False)
    monkeypatch.setattr("interp_widgets.attribution.job.available_bytes", lambda device: 2 * need - 2)
    small = by_path(lm, LONG, steps=4)
    assert "with activation checkpoints" in small.provenance.notes
    monkeypatch.setattr("interp_widgets.attribution.job.available_bytes", lambda device: 6 * need + 1)
    middle = by_path(lm, LONG, steps=4)
    assert middle.provenance.batch_size == 3
    assert middle.provenance.notes == ()
    assert len(small.tokens) == 15


# What the result says of itself


def test_settings_and_provenance(lm: Any) -> None:
    three: Any = np.int64(3)
    result = by_path(lm, PROMPT, 5, 7, baseline="mean", steps=three, quadrature="midpoint", batch_size=2)
    assert result.method == "integrated_gradients"
    assert result.settings == {"baseline": "mean", "steps": 3, "quadrature": "midpoint"}
    assert type(result.settings["steps"]) is int
    p = result.provenance
    assert (p.model, p.fingerprint, p.device, p.dtype) == (lm.name, lm.fingerprint, "cpu", "float64")
    assert (p.prompt, p.bos, p.seed, p.batch_size) == (PROMPT, 0, 0, 2)
    assert p.versions["torch"] == torch.__version__.split("+")[0] or p.versions["torch"] == torch.__version__
    assert p.seconds > 0
    assert result.scores.dtype == np.float64
    assert result.diagnostics["sum"] == pytest.approx(result.scores.sum())


def test_methods_are_listed_with_cost_and_promise() -> None:
    methods = iw.attribution_methods()
    assert methods[0]["name"] == registry.AUTO
    assert all(set(method) == {"name", "cost", "promises", "source"} and all(method.values()) for method in methods)
    assert {"integrated_gradients", "leave_one_out", "shapley", "relevance"} <= {m["name"] for m in methods}
    assert registry.find("auto") is registry.find(registry.AUTO)
    costs = [registry.find("auto", units).passes(units, {}) for units in range(1, 2000, 7)]
    assert max(costs) <= 100, "auto stays within the cost of 50 passes with gradient, tests included"


# The embedded default model


@pytest.mark.default_model
def test_the_default_model_thinks_of_sydney_first(default_lm: Any) -> None:
    result = by_path(default_lm, PROMPT, " Canberra", " Sydney", steps=2)
    first, second = result.candidates[:2]
    assert (first.text, round(first.probability, 3)) == (" Sydney", 0.362)
    assert (second.text, round(second.probability, 3)) == (" Canberra", 0.341)
    assert round(result.gap, 2) == -0.06
    assert (result.unit, len(result.tokens), result.provenance.bos) == ("log-odds", 5, 0)


@pytest.mark.default_model
@pytest.mark.parametrize("quadrature", ["riemann", "gauss-legendre"])
def test_the_textbook_setting_is_not_to_be_trusted(default_lm: Any, quadrature: str) -> None:
    result = by_path(default_lm, PROMPT, quadrature=quadrature)
    assert result.target == " Sydney"
    assert result.verdict.word == "do not trust"
    total, due = result.diagnostics["sum"], result.diagnostics["due"]
    assert round(due, 1) == 13.4
    assert abs(total - due) > due
    for number in (total, due):
        assert f"{abs(number):.1f}" in result.verdict.sentence
    assert "integrated gradients does not keep its promise here" in result.verdict.sentence
    assert any("RMSNorm" in paragraph for paragraph in result.verdict.why)
    assert any("What to use instead" in paragraph for paragraph in result.verdict.why)
    cost = iw.estimate(iw.attribute, default_lm, PROMPT, method="integrated_gradients")
    assert cost.forward_passes == 52
    assert 52 < result.provenance.forward_passes <= 52 + cost.further_passes


@pytest.mark.default_model
def test_a_forgotten_space_before_canberra(default_lm: Any) -> None:
    for argument in ("target", "foil"):
        wish: dict[str, Any] = {argument: "Canberra"}
        with pytest.raises(TargetError, match="Did you mean ' Canberra'") as caught:
            by_path(default_lm, PROMPT, **wish)
        assert (caught.value.argument, caught.value.suggestion) == (argument, " Canberra")
