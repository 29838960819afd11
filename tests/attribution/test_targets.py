"""What is explained: targets, foils, their numbers and tokens, against the plain Hugging Face model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from interp_widgets.errors import ArgumentError, TargetError
from interp_widgets.models.question import FUNCTIONS, N_CANDIDATES, UNITS, count_passes
from tests.attribution.formulas import LONG, PROMPT, asked, by_path, embedded
from tests.tiny import FAMILIES, make_lm

DOUBLE = torch.float64


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("gpt_neox", dtype=DOUBLE)


def plain_log_probability(lm: Any, prompt: Any, continuation: Any) -> float:
    """Sum of the log-probabilities of each token of the continuation, by the model as transformers made it."""
    ids = torch.tensor([[*prompt, *continuation]])
    with torch.no_grad():
        log_p = lm.model(input_ids=ids).logits[0].log_softmax(-1)
    n = len(prompt)
    return sum(float(log_p[n - 1 + j, int(token)]) for j, token in enumerate(continuation))


def test_without_a_target_the_first_choice_is_explained(any_lm: Any) -> None:
    with torch.no_grad():
        logits = any_lm.model(input_ids=torch.tensor(any_lm.encode(PROMPT).ids)[None]).logits[0, -1]
    question = asked(any_lm)
    first = int(logits.argmax())
    assert question.target_ids.tolist() == [first]
    assert question.target == any_lm.tokenizer.decode([first])
    assert (question.foil, question.foil_ids.tolist(), question.unit) == (None, [], "logit")
    assert question.value == pytest.approx(float(logits[first]), rel=1e-5)
    assert question.gap == pytest.approx(float(logits[first] - logits.topk(2).values[1]), abs=1e-4)
    assert question.forward_passes == 1


def test_candidates_are_the_most_probable_and_hold_target_and_foil(lm: Any) -> None:
    question = asked(lm, PROMPT, " Canberra", " Sydney and")
    p = lm.next_logits(torch.tensor(question.prompt.ids)[None])[0].softmax(-1)
    best = p.topk(N_CANDIDATES)
    ids = [candidate.id for candidate in question.candidates]
    assert ids[:N_CANDIDATES] == best.indices.tolist()
    assert {int(question.target_ids[0]), int(question.foil_ids[0])} <= set(ids)
    assert len(ids) == len(set(ids))
    for candidate in question.candidates:
        assert candidate.probability == pytest.approx(float(p[candidate.id]), rel=1e-9)
        assert candidate.text == lm.tokenizer.decode([candidate.id])


@pytest.mark.parametrize("family", FAMILIES)
def test_several_tokens_are_the_sum_of_their_log_probabilities(family: str) -> None:
    lm = make_lm(family, dtype=DOUBLE)
    question = asked(lm, PROMPT, " Canberra and not Sydney")
    assert len(question.target_ids) > 2
    expected = plain_log_probability(lm, question.prompt.ids, question.target_ids)
    # GPT-J's attention computes in float32, and going on from stored keys rounds in another order.
    assert question.value == pytest.approx(expected, rel=1e-8 if family == "gptj" else 1e-10)
    assert question.unit == "log-probability"
    assert question.target == " Canberra and not Sydney"
    with torch.no_grad():
        assert float(question.values(embedded(lm, question))[0]) == pytest.approx(expected, rel=1e-10)
    assert question.forward_passes == 2


def test_each_row_of_a_batch_has_its_own_value(lm: Any) -> None:
    question = asked(lm, PROMPT, " Canberra and", " Paris")
    x = embedded(lm, question)
    rows = torch.cat([x, x * 0.5, x.flip(1)])
    with torch.no_grad():
        together = question.values(rows)
        alone = torch.cat([question.values(row[None]) for row in rows])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("target", "foil"),
    [(" Canberra", " Sydney"), (" Canberra and", " Sydney"), (" room", " not Sydney."), (" a b", " a")],
)
def test_a_foil_is_the_difference_of_log_probabilities(lm: Any, target: str, foil: str) -> None:
    question = asked(lm, PROMPT, target, foil)
    ids = question.prompt.ids
    expected = plain_log_probability(lm, ids, question.target_ids) - plain_log_probability(lm, ids, question.foil_ids)
    assert question.value == pytest.approx(expected, rel=1e-9)
    assert question.gap == question.value
    assert question.unit == "log-odds"
    with torch.no_grad():
        assert float(question.values(embedded(lm, question))[0]) == pytest.approx(expected, rel=1e-9)


def test_the_logit_difference_of_single_tokens_is_that_of_their_log_probabilities(lm: Any) -> None:
    question = asked(lm, PROMPT, 17, 42)
    x = embedded(lm, question)
    with torch.no_grad():
        by_logits = question.values(x)
        one, other = (asked(lm, PROMPT, token, function="log-probability").values(x) for token in (17, 42))
    torch.testing.assert_close(by_logits, one - other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("target", [None, " Canberra and not"])
def test_each_function_is_that_of_the_plain_models_distribution(family: str, target: Any) -> None:
    lm = make_lm(family, dtype=DOUBLE)
    ids = lm.encode(PROMPT).ids
    with torch.no_grad():
        logits = lm.model(input_ids=torch.tensor(ids)[None]).logits[0, -1]
    p = logits.softmax(-1)
    first = asked(lm, PROMPT, target)
    log_p = plain_log_probability(lm, ids, first.target_ids)
    expected = {"log-probability": log_p, "probability": np.exp(log_p)}
    if target is None:
        expected |= {"logit": float(logits.max()), "entropy": -float((p * p.log()).sum())}
    for function, value in expected.items():
        question = asked(lm, PROMPT, target, function=function)
        assert (question.function, question.unit) == (function, UNITS[function])
        assert question.value == pytest.approx(value, rel=1e-9)
        with torch.no_grad():
            assert float(question.values(embedded(lm, question))[0]) == pytest.approx(value, rel=1e-9)
    assert set(FUNCTIONS) == {"logit", "log-probability", "probability", "difference", "entropy"}


@pytest.mark.parametrize(
    ("target", "foil", "function", "message"),
    [
        (None, None, "logits", "Did you mean 'logit'"),
        (None, None, 3, "function=3"),
        (" Canberra", None, "difference", "needs a foil"),
        (" Canberra", " Sydney", "logit", "no place for a foil"),
        (" Canberra", " Sydney", "entropy", "no place for a foil"),
        (" Canberra and", None, "logit", "a logit of its own"),
        (" Canberra", None, "entropy", "leave the target out"),
    ],
)
def test_a_function_that_does_not_fit_is_refused(lm: Any, target: Any, foil: Any, function: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        asked(lm, PROMPT, target, foil, function)
    assert message in str(caught.value)


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2"])
def test_scores_for_a_foil_are_the_difference_of_two_runs(family: str) -> None:
    """Of log-probabilities also for several tokens, and for single tokens of logits as well: gradients are linear."""
    changes: dict[str, Any] = {"final_logit_softcapping": None} if family == "gemma2" else {}
    lm = make_lm(family, dtype=DOUBLE, **changes)
    close = 1e-12 if family == "gpt2" else 1e-6  # every RMSNorm of transformers computes in float32
    both = by_path(lm, LONG, 17, 42)
    one, other = (by_path(lm, LONG, target) for target in (17, 42))
    scale = np.abs(one.scores).max() + np.abs(other.scores).max()
    assert np.abs(both.scores - (one.scores - other.scores)).max() <= close * scale
    assert both.diagnostics["due"] == pytest.approx(one.diagnostics["due"] - other.diagnostics["due"], abs=1e-6)

    span = by_path(lm, LONG, " Canberra and", " Paris not")
    one, other = (by_path(lm, LONG, target) for target in (" Canberra and", " Paris not"))
    scale = np.abs(one.scores).max() + np.abs(other.scores).max()
    assert np.abs(span.scores - (one.scores - other.scores)).max() <= close * scale


def test_swapping_target_and_foil_turns_every_sign(lm: Any) -> None:
    one, other = by_path(lm, PROMPT, " Canberra", " Sydney"), by_path(lm, PROMPT, " Sydney", " Canberra")
    np.testing.assert_allclose(one.scores, -other.scores, rtol=1e-10)
    assert one.gap == pytest.approx(-other.gap, rel=1e-10)


def test_a_target_may_be_a_token_id_of_any_integer_type(lm: Any) -> None:
    by_text = by_path(lm, PROMPT, "!", steps=3)
    token = by_text.target_ids[0]
    assert len(by_text.target_ids) == 1
    wishes: list[Any] = [int(token), token, np.int32(token)]
    for wish in wishes:
        by_id = by_path(lm, PROMPT, wish, steps=3)
        assert np.array_equal(by_id.scores, by_text.scores)
        assert by_id.target == by_text.target


def test_a_prompt_may_be_token_ids_or_messages(lm: Any) -> None:
    text = by_path(lm, PROMPT, steps=3)
    array: Any = text.token_ids
    ids = by_path(lm, array, steps=3)
    assert np.array_equal(ids.scores, text.scores)
    assert ids.provenance.prompt == text.token_ids.tolist()
    assert all(type(token) is int for token in ids.provenance.prompt)

    chatty = make_lm("gpt_neox", dtype=DOUBLE)
    chatty.tokenizer.chat_template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    messages = [{"role": "user", "content": "The capital of Australia is"}]
    result = by_path(chatty, messages, steps=3)
    assert [group.label for group in result.groups] == ["template", "user", "template"]
    assert result.provenance.prompt == messages
    assert result.text == "user: The capital of Australia is\n"


def test_a_bos_that_the_tokenizer_adds_is_one_token_with_a_score() -> None:
    lm = make_lm("llama", bos=True)
    result = by_path(lm, PROMPT, " Canberra and", steps=3)
    assert result.token_ids[0] == 0
    assert result.provenance.bos == 1
    assert result.target == " Canberra and"
    assert result.scores.shape == result.token_ids.shape


@pytest.mark.parametrize("argument", ["target", "foil"])
def test_a_forgotten_space_is_offered_when_it_is_more_probable(lm: Any, argument: str) -> None:
    """Whichever spelling the random model prefers: the less probable one is not refused when it is the other."""
    words = ("Canberra", "Sydney", "Paris", "room", "window", "The", "warm", "city")
    refused = 0
    for word in words:
        spaced = asked(lm, PROMPT, " " + word)
        plain = lm.tokenizer(PROMPT + word)["input_ids"][len(spaced.prompt) :]
        log_p = lm.next_logits(torch.tensor(spaced.prompt.ids)[None])[0].log_softmax(-1)
        wishes: dict[str, Any] = {"target": 3, argument: word}
        if log_p[int(spaced.target_ids[0])] > log_p[plain[0]]:
            refused += 1
            with pytest.raises(TargetError, match="Did you mean") as caught:
                asked(lm, PROMPT, **wishes)
            assert (caught.value.argument, caught.value.suggestion) == (argument, " " + word)
        else:
            question = asked(lm, PROMPT, **wishes)
            assert getattr(question, f"{argument}_ids").tolist() == plain
    assert 0 < refused < len(words)


@pytest.mark.parametrize(
    ("target", "foil", "expected"),
    [
        (None, None, (1, 1)),
        (" Canberra and", None, (2, 1)),
        (5, 7, (1, 1)),
        (" Canberra and", 7, (2, 2)),  # the single token is read where the prompt ends
        (None, " Sydney and", (2, 2)),
        (" Canberra and", " Sydney and", (3, 2)),
    ],
)
def test_passes_are_known_without_running(lm: Any, target: Any, foil: Any, expected: tuple[int, int]) -> None:
    assert count_passes(lm, lm.encode(PROMPT), target, foil) == expected
    question = asked(lm, PROMPT, target, foil)
    assert (question.forward_passes, question.passes_each) == expected
