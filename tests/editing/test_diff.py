"""An edit compared on a small model: both sides as they are, beside whatever else acts."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing.diff import api as module
from interp_widgets.editing.edit import Edit
from interp_widgets.editing.fact import Fact
from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.interventions.digest import digest_of, find
from interp_widgets.interventions.weight_size import relative_changes
from interp_widgets.models.language_model import LanguageModel
from tests.tiny import make_lm

SEED = 2  # with which no token is written that the tokenizer does not know
FACTS = [
    Fact(
        "The capital of {} is", subject="Australia", target=" Canberra", original=" Sydney",
        paraphrases=["In {} the capital is".format("Australia")], neighbours=[("The city of", " Paris")],
        ripple=[("She is in", " the")],
    ),
    Fact("{} is located in", subject="The Eiffel Tower", target=" the room", original=" Paris"),
    Fact("{} was", subject="The window", target=" warm"),
]  # fmt: skip


def make_edit(lm: LanguageModel, facts: int = 1, size: float = 0.5) -> Edit:
    draw, keys = torch.Generator().manual_seed(0), lm.architecture.mlp_width
    parts = [iw.LowRank(size * torch.randn(32, 1, generator=draw), torch.randn(1, keys, generator=draw), layer=0)]
    parts.append(iw.LowRank(size * torch.randn(32, 1, generator=draw), torch.randn(1, keys, generator=draw), layer=0))
    dense = iw.DenseDelta(size * torch.randn(32, keys, generator=draw) * 0.1, layer=1)
    return Edit([*parts, dense], facts=FACTS[:facts], method="rome", fingerprint=lm.fingerprint)


@pytest.mark.parametrize("on", [True, False])
def test_both_sides_are_the_models_own(on: bool) -> None:
    lm = make_lm("llama", seed=SEED)
    edit = make_edit(lm)
    prompts = [FACTS[0].prompt, "She opened the"]

    def answers() -> list[tuple[str, torch.Tensor]]:
        ids = [torch.as_tensor(lm.encode(prompt).ids)[None] for prompt in prompts]
        probabilities = [lm.next_logits(one)[0].softmax(-1) for one in ids]
        return [(lm.generate(prompt, max_new_tokens=6), p) for prompt, p in zip(prompts, probabilities, strict=True)]

    before = answers()
    with lm.using(edit):
        after = answers()
    if on:
        lm.ledger.add(edit)
    found = iw.edit_diff(lm, edit, prompts=prompts[1:], max_new_tokens=6)
    assert [sample.before.text for sample in found.samples] == [text for text, _ in before]
    assert [sample.after.text for sample in found.samples] == [text for text, _ in after]
    for sample, (_, was), (_, now) in zip(found.samples, before, after, strict=True):
        ids = [one.id for one in sample.next]
        assert set(ids) == {*was.topk(5).indices.tolist(), *now.topk(5).indices.tolist()}
        np.testing.assert_allclose([one.before for one in sample.next], was[ids], rtol=1e-4)
        np.testing.assert_allclose([one.after for one in sample.next], now[ids], rtol=1e-4)
    assert [sample.record for sample in found.samples] == [0, None]
    assert found.provenance.interventions == ()


def test_probabilities_and_first_choices_are_those_of_the_model() -> None:
    lm = make_lm("llama")
    edit = make_edit(lm)
    found = iw.edit_diff(lm, edit, max_new_tokens=3)
    (sample,) = found.samples
    with lm.using(edit):
        steps = list(lm.stream(FACTS[0].prompt, max_new_tokens=3))
    np.testing.assert_allclose(sample.after.probabilities, [step.probability for step in steps], rtol=1e-4)
    judged = found.evaluation
    assert judged is not None
    assert len(found.firsts) == len(judged.prompts) == 4
    for one in found.firsts:
        text, p = lm.next_token(judged.prompts[one.row], k=1)[0]
        assert one.before[0] == text
        assert one.before[1] == pytest.approx(p, rel=1e-4)
    reference = iw.evaluate_edit(lm, edit)
    np.testing.assert_allclose(judged.after, reference.after, rtol=1e-5)


def test_the_size_of_a_change_is_that_of_all_its_parts() -> None:
    lm = make_lm("gpt2")
    draw, keys = torch.Generator().manual_seed(0), lm.architecture.mlp_width
    parts = [
        iw.LowRank(torch.randn(32, 1, generator=draw), torch.randn(1, keys, generator=draw), layer=2) for _ in range(2)
    ]
    total = torch.stack([(part.left @ part.right).double() for part in parts]).sum(0)
    head = iw.LowRank(torch.ones(lm.architecture.vocabulary, 1), torch.ones(1, 32), tied="head")
    found = relative_changes([head, *parts], lm.architecture)
    weight = lm.architecture.down_projection(2).weight.detach().double()  # type: ignore[operator]
    assert found[0][:2] == ("layer 2", 2)
    assert found[0][2] == pytest.approx(float(total.norm() / weight.norm()))
    assert (found[1][0], found[1][1]) == ("head", None)
    path = "transformer.h.1.mlp.c_fc"
    named = iw.LowRank(torch.ones(keys, 1), torch.ones(1, 32), module=path)
    assert relative_changes([named], lm.architecture)[0][0] == path


def test_what_acts_beside_acts_on_both_sides() -> None:
    lm = make_lm("llama")
    edit = make_edit(lm)
    other = lm.ledger.add(iw.AddedVector(torch.ones(32), layer=1), name="calm")
    found = iw.edit_diff(lm, edit, max_new_tokens=4)
    assert found.provenance.interventions == ("calm",)
    assert found.samples[0].before.text == lm.generate(FACTS[0].prompt, max_new_tokens=4)
    other.undo()
    with pytest.raises(ArgumentError, match=r"active now \(none\) than when the edit was compared \(calm\)"):
        module.with_prompts(lm, edit, found, ["She"])
    lm.ledger.add(other, name="calm")
    more = module.with_prompts(lm, edit, found, ["She opened"])
    assert [sample.prompt for sample in more.samples] == [FACTS[0].prompt, "She opened"]
    assert more.forward_passes > found.forward_passes


def test_facts_without_an_original_answer_are_not_judged() -> None:
    lm = make_lm("llama")
    found = iw.edit_diff(lm, make_edit(lm, facts=3), max_new_tokens=2)
    assert found.evaluation is not None
    assert len(found.evaluation.subjects) == 2
    assert [sample.record for sample in found.samples] == [0, 1, 2]
    one = iw.edit_diff(lm, make_edit(lm, facts=3), examples=1, max_new_tokens=2)
    assert one.samples[0].record in (0, 1)  # the one that came out worst
    alone = iw.edit_diff(lm, make_edit(lm), records=FACTS[2:], max_new_tokens=2)
    assert alone.evaluation is None
    assert alone.verdict.word == "caution"


def test_a_loaded_edit_is_found_again(tmp_path: pytest.TempPathFactory) -> None:
    lm, other = make_lm("llama", seed=7), make_lm("llama", seed=1)
    edit = lm.ledger.add(make_edit(lm))
    assert isinstance(edit, Edit)
    digest = digest_of(edit)
    assert digest != digest_of(make_edit(lm, size=0.4))
    edit.save(f"{tmp_path}/edit.safetensors")
    lm.ledger.clear()
    assert find(Edit, digest, lm.fingerprint) is edit  # undone, and still in memory
    (loaded,) = lm.ledger.load(f"{tmp_path}/edit.safetensors")
    assert find(Edit, digest, lm.fingerprint) is loaded
    assert find(Edit, digest, other.fingerprint) is None


def test_bad_input_is_told_and_cancel_stops() -> None:
    lm = make_lm("llama")
    edit = make_edit(lm)
    with pytest.raises(ArgumentError, match=r"give what iw\.edit returns"):
        iw.edit_diff(lm, iw.DenseDelta(torch.ones(32, 48), layer=0))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="examples=-1"):
        iw.edit_diff(lm, edit, examples=-1)
    flag = threading.Event()
    flag.set()
    with pytest.raises(Cancelled):
        iw.edit_diff(lm, edit, cancel=flag)
    cost = iw.estimate(iw.edit_diff, lm, edit)
    assert cost.forward_passes > 20
    assert cost.seconds > 0
