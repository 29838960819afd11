"""What lab 05's cases and cells rest on: each reference by another road, and the letters' forms against the package."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from interp_widgets.course import lab05
from interp_widgets.course.checking import examine
from interp_widgets.course.lab05 import (
    facts,
    judging,
    keys,
    loss,
    memory,
    moments,
    own,
    results,
    studies,
    taking_back,
    updates,
    values,
)
from interp_widgets.course.tiny_copies import fresh_model
from interp_widgets.course.tiny_model import tiny_lm
from interp_widgets.editing.editors.rome import solve
from interp_widgets.editing.keys_values.statistics import RIDGE, KeyStatistics
from interp_widgets.models.architectures import Site
from interp_widgets.models.language_model import LanguageModel
from tests.course import wrong_lab05
from tests.course.wrong import name_in

PROMPT = "the capital of the city is"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def close(found: Any, expected: Any, atol: float = 1e-8) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=0, atol=atol)


def answer(exercise: str) -> Any:
    """The second right answer of the collection."""
    space: dict[str, Any] = {"torch": torch}
    source = wrong_lab05.RIGHT[exercise]
    exec(source, space)
    return space[name_in(source)]


# The references of the cases


@pytest.mark.parametrize(("facts_", "width"), [(4, 7), (12, 5)])
def test_the_memory_is_the_least_squares_one(rng: np.random.Generator, facts_: int, width: int) -> None:
    given = memory._normal(facts_, width)(rng)
    assert given[0].shape == (facts_, width)
    right = memory._memory(*given)
    close(right, np.linalg.lstsq(given[0].numpy(), given[1].numpy(), rcond=None)[0].T)
    missed = given[0] @ right.T - given[1]
    assert (missed.abs().max() < 1e-9) == (facts_ < width)


@pytest.mark.parametrize(("before", "subject", "after", "words"), [(3, 3, 2, {}), (0, 2, 3, {"specials": 1})])
def test_spans_are_what_their_names_say(before: int, subject: int, after: int, words: dict[str, int]) -> None:
    for seed in range(5):
        spans, start, end = keys._tokens(before, subject, after, **words)(np.random.default_rng(seed))
        specials = words.get("specials", 0)
        place = keys._last_token(spans, start, end)
        assert place == specials + before + subject - 1
        assert spans[place][1] == end
        assert spans[specials + before][0] <= start < spans[specials + before][1]


def test_a_token_may_reach_past_the_subject(rng: np.random.Generator) -> None:
    spans, start, end = keys._tokens(2, 2, 2, reach=1)(rng)
    assert spans[3] == (spans[3][0], end + 1)
    assert keys._last_token(spans, start, end) == 3
    assert keys._inside(spans, start, end) == 2


def test_the_key_is_gate_times_up(rng: np.random.Generator) -> None:
    """What goes into the down-projection, by the MLP's own parts on a model that knows nothing of the package."""
    _, texts, places, layer = keys._fact(1, (5, 9, 7))(rng)
    model, kept = fresh_model(), []
    mlp = model.model.layers[layer].mlp
    mlp.register_forward_pre_hook(lambda module, inputs: kept.append(inputs[0][0]))
    with torch.no_grad():
        for ids in texts:
            model(input_ids=torch.tensor([ids]))
        rows = torch.stack([states[place] for states, place in zip(kept, places, strict=True)])
        expected = mlp.act_fn(mlp.gate_proj(rows)) * mlp.up_proj(rows)
    close(keys._mean_key(model, texts, places, layer), expected.mean(0))
    assert [ids[place:] for ids, place in zip(texts, places, strict=True)] == [texts[0][2:]] * 3


def test_the_loss_by_torchs_own_functions(rng: np.random.Generator) -> None:
    log_p, token, before, after, delta, v0, kl_factor, decay = given = loss._parts(3, 2)(rng)
    flat = torch.nn.functional.nll_loss(log_p.flatten(0, 1), token.repeat(3))
    kl = torch.nn.functional.kl_div(before, after, log_target=True, reduction="sum")
    expected = flat + kl_factor * kl + decay * delta.norm() / v0.norm() ** 2
    assert loss._value_loss(*given) == pytest.approx(float(expected))


def spoken(texts: keys.Texts, places: list[int], token_ids: list[int], layer: int, delta: Tensor) -> float:
    """Mean log-probability a token of an answer, with delta added in every text."""
    found = []
    for ids, place in zip(texts, places, strict=True):
        model = fresh_model()

        def add(module: nn.Module, inputs: Any, output: Tensor, place: int = place) -> Tensor:
            output = output.clone()
            output[:, place] += delta
            return output

        model.model.layers[layer].mlp.down_proj.register_forward_hook(add)
        with torch.no_grad():
            log_p = model(input_ids=torch.tensor([ids + token_ids[:-1]])).logits[0].log_softmax(-1)
        found += [float(log_p[len(ids) - 1 + i, token]) for i, token in enumerate(token_ids)]
    return float(np.mean(found))


def test_the_package_and_a_plain_descent_agree(rng: np.random.Generator) -> None:
    given = values._wish(layer=0, lengths=(5, 8, 7), tokens=3, steps=6, clamp=50.0)(rng)
    found = values._find_delta(*given)
    close(found, values._descent()(*given), 2e-3)
    _, texts, places, wanted, layer, *_ = given
    assert spoken(texts, places, wanted, layer, found) > spoken(texts, places, wanted, layer, 0 * found)


def test_a_tight_clamp_is_reached(rng: np.random.Generator) -> None:
    given = values._wish(layer=1, lengths=(5, 8), tokens=2, steps=8, clamp=0.2, after=0)(rng)
    _, texts, places, _, layer, *_ = given
    v0 = keys.captured(texts[:1], places[:1], Site("mlp_value", layer))[0]
    assert float(values._find_delta(*given).norm()) == pytest.approx(0.2 * float(v0.norm()), rel=1e-5)
    assert places == [len(ids) - 1 for ids in texts]


def test_the_moment_of_all_keys(rng: np.random.Generator) -> None:
    (batches,) = moments._batches((3, 6), (2, 1, 4, 2), (7,))(rng)
    rows = np.concatenate(
        [text[:length] for given, lengths in batches for text, length in zip(given.numpy(), lengths, strict=True)]
    ).astype(float)
    assert len(rows) == 25
    close(moments._second_moment(batches), np.einsum("nd,ne->de", rows, rows) / 25)


@pytest.mark.parametrize(("tokens", "ridge"), [(60, 0.02), (4, 0.05)])
def test_no_change_with_the_same_answer_costs_less(rng: np.random.Generator, tokens: int, ridge: float) -> None:
    moment, key, delta, _ = updates._edit(tokens, ridge)(rng)
    assert np.linalg.matrix_rank(moment.numpy()) == min(tokens, 6)
    right = updates._rank_one(moment, key, delta, ridge)
    close(right @ key, delta)
    regular = torch.as_tensor(updates._regular(moment, ridge))
    for _ in range(20):
        other = torch.as_tensor(0.1 * rng.normal(size=right.shape))
        other -= torch.outer(other @ key, key) / (key @ key)  # so that it answers the key with nothing
        changed = right + other
        assert torch.trace(changed @ regular @ changed.T) > torch.trace(right @ regular @ right.T)


def test_an_audit_knows_the_least_change(rng: np.random.Generator) -> None:
    for kind, missed, excess in (("least", 0, 1), ("other", None, None)):
        given = updates._audited(kind)(rng)
        found = updates._audit(*given)
        close(found, own._audit(*given), 1e-6)
        if missed is not None:
            close(found, (missed, excess), 1e-9)
        else:
            assert found[0] > 0.1


def test_scores_by_arithmetic() -> None:
    """Two records: 1 of 1 and 1 of 2 paraphrases are a mean share of 3/4, not 2 of 3."""
    up, down = ([-1.0, -1.0, -1.0], [-1.5]), ([-2.0], [-1.0, -1.0])
    records = [
        {"fact": [up], "paraphrase": [up], "neighbour": [up]},
        {"fact": [up], "paraphrase": [up, down], "neighbour": [down]},
    ]
    close(judging._expected(records), (1, 0.75, 0.5, 3 / (1 + 4 / 3 + 2)))


def test_adding_and_subtracting_is_not_exact(rng: np.random.Generator) -> None:
    """The case can tell it: in single precision, with a change this large, some entries do not come back."""
    module, left, right = taking_back._matrix(rng)
    change = torch.outer(left, right)
    assert ((module.weight + change) - change != module.weight).any()


# What an answer leaves behind


def test_a_hook_that_stays_is_told() -> None:
    def leaves_one(model: Any, texts: keys.Texts, places: list[int], layer: int) -> Tensor:
        model.model.layers[layer].register_forward_hook(lambda module, inputs, output: None)
        return keys._mean_key(model, texts, places, layer)

    report = examine(keys.MEAN_KEY, leaves_one, seed=0)
    assert report.points == 0
    assert report.mistake is not None
    assert report.mistake.name == "hook-stays"


# What the notebook shows


def made_up(rng: np.random.Generator) -> tuple[Any, KeyStatistics]:
    """What a form reads of values, and statistics."""
    mean, plain, delta = (torch.as_tensor(rng.normal(size=(1, n))) for n in (6, 6, 4))
    root = rng.normal(size=(6, 40))
    return SimpleNamespace(keys=mean, plain_keys=plain, delta=delta), KeyStatistics(root @ root.T / 40, 40, 5, "", "")


def test_the_letters_are_the_packages_forms(rng: np.random.Generator) -> None:
    value, statistics = made_up(rng)
    moment = lab05.moment_of(statistics)
    mean, plain, delta = (part[0].numpy() for part in (value.keys, value.plain_keys, value.delta))
    assert set(lab05.FORMS) == set(lab05.NAMES)
    for letter, form in lab05.FORMS.items():
        left, right, _ = solve(delta, mean, plain, statistics, form=lab05.NAMES[letter], ridge=RIDGE)
        found = form(moment, *(torch.as_tensor(one) for one in (mean, plain, delta)))
        close(found, np.outer(left, right))
    close(lab05.least_change(value, moment) @ value.keys[0], delta)


def test_the_audit_is_the_learners_or_says_so(rng: np.random.Generator) -> None:
    value, statistics = made_up(rng)
    moment = lab05.moment_of(statistics)

    def stub(*given: Any) -> Any:
        raise NotImplementedError

    def always(*given: Any) -> tuple[float, float]:
        return 7.0, 8.0

    own_table = lab05.audit_table(answer("lab05-q8"), value, moment)
    borrowed = lab05.audit_table(stub, value, moment)
    assert borrowed == own_table + "\nstub is not written yet; the package's is used"
    assert lab05.audit_table(always, value, moment).count("7.00") == 6
    rows = {line.split()[0]: [float(x) for x in line.split()[1:]] for line in own_table.splitlines()[2:]}
    assert rows["A"][2:] == [0, 1]
    assert rows["C"][:2] == [0, 1]
    assert rows["B"][0] > 0 or rows["B"][3] > 1


def test_cosines_of_what_is_read_and_written(rng: np.random.Generator) -> None:
    read, write, other = (torch.as_tensor(rng.normal(size=n)) for n in (6, 4, 4))
    one = torch.outer(write, read)
    assert lab05.cosines(one, 3 * one) == pytest.approx((1, 1))
    assert lab05.cosines(one, -2 * one) == pytest.approx((1, -1))
    expected = float(torch.cosine_similarity(write, other, dim=0))
    assert lab05.cosines(one, torch.outer(other, -read)) == pytest.approx((1, -expected))


def test_bits_are_lost_by_adding_and_subtracting(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    monkeypatch.setattr(results, "LAYER", 0)
    large = torch.as_tensor(1e3 * rng.normal(size=(16, 24)))
    lost, entries = lab05.bits_lost(tiny_lm(), large)
    assert entries == 16 * 24
    assert 0 < lost <= entries
    assert lab05.bits_lost(tiny_lm(), 0 * large) == (0, entries)


def test_recall_breaks_where_keys_run_out() -> None:
    _, *lines = lab05.recall_table(width=8, facts=(2, 8, 20)).splitlines()
    fitted = [float(line.split()[2]) for line in lines]
    assert fitted[:2] == [0, 0]
    assert fitted[2] > 0.5
    assert all(float(line.split()[1]) > 0 for line in lines[1:])


def test_a_key_is_read_at_a_words_last_token() -> None:
    key = studies.key_at(tiny_lm(), PROMPT, "city", layer=1)
    ids = [int(i) for i in tiny_lm().encode(PROMPT).ids]
    close(key, keys._mean_key(None, [ids], [4], 1))


def test_spectra_of_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "sentences", lambda: (PROMPT, "the dog likes the river", "one house and two"))
    everything = KeyStatistics(np.diag(np.arange(1.0, 25)), 99, 1, "", "")
    found = lab05.spectra(tiny_lm(), everything, tokens=(5, 12))
    assert found.tokens == (5, 12, 99)
    close(found.values[2], np.arange(24.0, 0, -1))
    ranks = [int(line.split()[1]) for line in found.table().splitlines()[1:]]
    assert ranks[0] <= 5
    assert ranks[2] == 24
    assert len(found.plot().axes[0].lines) == 3


def test_a_short_table_of_changes() -> None:
    found = results.Judged(("unedited", "x"), *np.array([[0, 0.1], [0.3, 0.9], [0.2, 1], [1, 0.95], [30, 31.5]]))
    assert found.row("x") == {
        "size": 0.1, "target": 0.9, "paraphrases": 1.0, "neighbours": 0.95, "perplexity": 31.5
    }  # fmt: skip
    assert found.table().splitlines()[2].split() == ["x", "10.0%", "0.900", "5", "of", "5", "19", "of", "20", "31.50"]
    widths = [[bar.get_width() for bar in bars] for bars in found.plot().axes[0].containers]
    assert widths == [[0.3, 0.9], [0.2, 1.0], [1.0, 0.95]]


def test_the_fact_is_judged_by_prompts_that_are_not_its_texts() -> None:
    asked = {lab05.FACT.prompt, *lab05.FACT.paraphrases, *(prompt for prompt, *_ in lab05.FACT.ripple)}
    assert len(asked) == 1 + 5 + 5
    assert not asked & {prefix + lab05.FACT.prompt for prefix in lab05.PREFIXES[1:]}
    assert lab05.FACT.subject not in lab05.CAPITALS
    assert [prompt for prompt, _ in lab05.FACT.neighbour_answers()] == [
        f"The capital of {country} is" for country in lab05.CAPITALS
    ]


@pytest.mark.default_model
def test_the_places_are_those_of_the_subject(default_lm: LanguageModel) -> None:
    for fact in (lab05.FACT, lab05.SUBJECT_FIRST):
        texts, places = facts.texts_of(default_lm, fact)
        decode = default_lm.tokenizer.decode
        assert [decode(ids) for ids in texts] == [prefix + fact.prompt for prefix in lab05.PREFIXES]
        assert {decode([ids[place]]).strip() for ids, place in zip(texts, places, strict=True)} == {"Australia"}
    assert places[0] == 0
    assert default_lm.tokenizer.decode(facts.answer_of(default_lm)) == " Canberra"


@pytest.mark.default_model
def test_what_is_not_written_is_borrowed(default_lm: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that are written are used: a key of ones makes a change that reads C^-1 of ones."""
    made = torch.ones(576), torch.ones(1536)
    width = len(made[1])
    statistics = KeyStatistics(np.eye(width), 9999, 5, default_lm.fingerprint, "")

    def last_token(spans: Any, start: int, end: int) -> int:
        raise NotImplementedError

    def mean_key(model: Any, texts: keys.Texts, places: list[int], layer: int) -> Tensor:
        assert places == facts.texts_of(default_lm)[1]
        return made[1]

    def find_delta(*given: Any) -> Tensor:
        return made[0]

    def rank_one(*given: Any) -> Tensor:
        raise ValueError("not yet")

    found = lab05.by_hand(
        default_lm, statistics, last_token=last_token, mean_key=mean_key, find_delta=find_delta, rank_one=rank_one
    )
    assert found.told.splitlines() == [
        "last_token is not written yet; the package's is used",
        "rank_one raised ValueError; the package's is used",
    ]
    close(found.change, np.ones((576, width)) / width, 1e-6)
