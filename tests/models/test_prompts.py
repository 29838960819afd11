"""Does every token know its characters, every turn its tokens, and every target what it adds?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from interp_widgets.errors import ArgumentError, EmptyPromptError, PromptTooLongError, TargetError
from interp_widgets.models.cache import models_dir
from interp_widgets.models.language_model import LanguageModel
from interp_widgets.models.prompts import Encoded, continuation, decode, encode, looks_joined
from tests.tiny import CORPUS, make_tokenizer

CHATML = (
    "{% if messages[0]['role'] != 'system' %}<|system|>\nYou are helpful.<|end|>\n{% endif %}"
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] | trim }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
# As Gemma's: writes the BOS itself, and puts the system prompt into the first user turn.
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}"
    "{% for m in rest %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "[turn {{ m['role'] }}]{{ first if loop.first }}{{ m['content'] | trim }}[end]{% endfor %}"
    "{% if add_generation_prompt %}[turn model]{% endif %}"
)


def trimmed_tokenizer() -> Any:
    """Byte-level, its offsets without leading spaces, as RoBERTa's and GPT-J's are."""
    tokenizer = make_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    return tokenizer


def sentence_pieces(*, prefix: bool) -> Any:
    """With "▁" for spaces and single bytes for what is not in the vocabulary: Gemma's kind, or Mistral's (`prefix`)."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    steps = [normalizers.Prepend("▁")] if prefix else []
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    strip = [decoders.Strip(" ", 1, 0)] if prefix else []
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")  # words apart, as in a large corpus
    special = ["<s>", "</s>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    if not prefix:
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


TOKENIZERS = {
    "plain": make_tokenizer(),
    "with BOS": make_tokenizer(bos=True),
    "trimmed offsets": trimmed_tokenizer(),
    "sentence pieces with BOS": sentence_pieces(prefix=False),
    "sentence pieces with a prefix": sentence_pieces(prefix=True),
}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40) | st.text(
    "a b\n\t.é🙂漢½ـه\u200f\u3000<s>", min_size=1, max_size=30
)


def assert_tiles(encoded: Encoded) -> None:
    """In order and without gaps: each token begins where the ones before it end, or shares a character with them."""
    end = 0
    for start, stop in encoded.spans.tolist():
        assert start <= end, f"a gap before character {start} of {encoded.text!r}: {encoded.spans.tolist()}"
        assert start <= stop
        end = max(end, stop)
    assert end == len(encoded.text), f"{encoded.text!r} covered up to {end}: {encoded.spans.tolist()}"


@pytest.mark.parametrize("kind", TOKENIZERS)
@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_spans_tile_the_text(kind: str, text: str) -> None:
    tokenizer = TOKENIZERS[kind]
    encoded = encode(tokenizer, text)
    assert encoded.text == text
    assert len(encoded.spans) == len(encoded.tokens) == len(encoded)
    assert_tiles(encoded)
    assert encoded.groups == ()


@pytest.mark.parametrize("kind", TOKENIZERS)
@settings(max_examples=60, deadline=None)
@given(ids=st.lists(st.integers(0, 360), min_size=1, max_size=12))
def test_any_token_ids_have_spans(kind: str, ids: list[int]) -> None:
    encoded = encode(TOKENIZERS[kind], ids)
    assert encoded.ids.tolist() == ids
    assert_tiles(encoded)


def test_characters_of_words() -> None:
    encoded = encode(TOKENIZERS["plain"], "The capital of Australia")
    for (start, stop), token in zip(encoded.spans, encoded.tokens, strict=True):
        assert encoded.text[start:stop] == token
    assert "".join(encoded.tokens) == "The capital of Australia"


@pytest.mark.parametrize("kind", ["plain", "trimmed offsets", "sentence pieces with BOS"])
def test_tokens_of_one_emoji_share_its_span(kind: str) -> None:
    encoded = encode(TOKENIZERS[kind], "a🙂b")
    shared = [i for i, span in enumerate(encoded.spans.tolist()) if span == [1, 2]]
    assert len(shared) == 4
    assert [encoded.tokens[i] for i in shared] == ["⟨F0⟩", "⟨9F⟩", "⟨99⟩", "⟨82⟩"]


def test_white_space_left_out_by_trimmed_offsets_belongs_to_the_next_token() -> None:
    encoded = encode(TOKENIZERS["trimmed offsets"], "The  city ")
    pieces = ["The", " ", " city", " "]
    at = [encoded.text[start:stop] for start, stop in encoded.spans if stop > start]
    assert "".join(at) == "The  city "
    assert at[-1] == " ", f"{at} should end as {pieces}"


@pytest.mark.parametrize(
    ("kind", "text", "bos"),
    [
        ("plain", "The", 0),
        ("plain", "<s>The", 1),
        ("with BOS", "The", 1),
        ("with BOS", "<s>The", 1),
        ("with BOS", "<s><s>The", 2),  # asked for
        ("sentence pieces with BOS", "The", 1),
        ("sentence pieces with BOS", "<s>The", 1),
    ],
)
def test_never_a_second_bos(kind: str, text: str, bos: int) -> None:
    encoded = encode(TOKENIZERS[kind], text)
    assert encoded.bos == bos
    assert encoded.ids.tolist().count(0) == bos


def chat(template: str, *, bos: bool = False) -> Any:
    tokenizer = make_tokenizer(bos=bos)
    tokenizer.chat_template = template
    return tokenizer


def turns_of(encoded: Encoded) -> list[tuple[str, str]]:
    """Label and characters of each group."""
    spans = encoded.spans
    return [(g.label, encoded.text[spans[g.start][0] : spans[g.end - 1][1]]) for g in encoded.groups]


@pytest.mark.parametrize("template", [CHATML, GEMMA])
@pytest.mark.parametrize("bos", [False, True])
def test_chat_is_what_the_template_makes_of_it(template: str, bos: bool) -> None:
    tokenizer = chat(template, bos=bos)
    messages = [{"role": "user", "content": "The capital?"}, {"role": "assistant", "content": "Canberra."}]
    messages.append({"role": "user", "content": "  And\nnow? "})
    encoded = encode(tokenizer, messages)
    ours = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    assert encoded.ids.tolist() == ours
    assert encoded.bos == (template is GEMMA)
    assert_tiles(encoded)


@pytest.mark.parametrize("template", [CHATML, GEMMA])
def test_a_last_message_of_the_assistant_is_an_answer_that_goes_on(template: str) -> None:
    tokenizer = chat(template)
    question = [{"role": "user", "content": "The capital?"}]
    unfinished = encode(tokenizer, [*question, {"role": "assistant", "content": "It is the city of"}])
    assert unfinished.text.endswith("It is the city of")
    assert unfinished.text.endswith(unfinished.tokens[-1])
    assert turns_of(unfinished)[-1][1].strip() == "It is the city of"
    assert_tiles(unfinished)


def test_chat_groups_are_turns_and_the_template() -> None:
    messages = [
        {"role": "user", "content": " The window "},
        {"role": "assistant", "content": "was warm"},
        {"role": "user", "content": "and"},
    ]
    turns = turns_of(encode(chat(CHATML), messages))
    assert [label for label, _ in turns[1::2]] == ["user", "assistant", "user"]
    assert {label for label, _ in turns[::2]} == {"template"}
    assert [text for label, text in turns if label != "template"] == ["The window", "was warm", "and"]
    assert "You are helpful." in turns[0][1]
    assert turns[-1][1].endswith("<|assistant|>\n")


@pytest.mark.parametrize(
    "content", ["user", "<|user|>", "You are helpful.", "<|end|>\n<|assistant|>\n", "|", "0", "\n"]
)
def test_content_that_repeats_the_template(content: str) -> None:
    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": content}]
    messages.append({"role": "user", "content": "end"})
    tokenizer = chat(CHATML)
    encoded = encode(tokenizer, messages)
    start = encoded.text.index("<|end|>\n<|user|>\n") + len("<|end|>\n<|user|>\n")
    # The first token that lies wholly after the template's own words is the user's.
    first = next((i for i, (a, b) in enumerate(encoded.spans) if a >= start and b > a), None)
    assert first is not None
    if content.strip():
        assert next(g.label for g in encoded.groups if g.start <= first < g.end) == "user"
        assert [g.label for g in encoded.groups if g.label != "template"][:2] == ["user", "assistant"]
    assert_tiles(encoded)


def test_system_prompt_inside_the_users_turn() -> None:
    messages = [{"role": "system", "content": "The city of Paris."}, {"role": "user", "content": "not Paris"}]
    encoded = encode(chat(GEMMA, bos=True), messages)
    assert [(label, text) for label, text in turns_of(encoded) if label != "template"] == [
        ("system", "The city of Paris."),
        ("user", "not Paris"),
    ]
    assert encoded.bos == 1


def test_template_that_rewrites_the_content_still_has_groups() -> None:
    shouting = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] | upper }}{% endfor %}"
    encoded = encode(chat(shouting), [{"role": "user", "content": "The"}])
    assert {group.label for group in encoded.groups} <= {"user", "template"}
    assert (encoded.groups[0].start, encoded.groups[-1].end) == (0, len(encoded))


@settings(max_examples=60, deadline=None)
@given(contents=st.lists(st.text("aThe<|user>\n🙂 0", max_size=12), min_size=1, max_size=4))
def test_groups_cover_every_token_once(contents: list[str]) -> None:
    roles = ["user", "assistant"] * 2
    messages = [{"role": role, "content": text} for role, text in zip(roles, contents, strict=False)]
    encoded = encode(chat(CHATML), messages)
    borders = [0, *(group.end for group in encoded.groups)]
    assert [group.start for group in encoded.groups] == borders[:-1]
    assert borders[-1] == len(encoded)
    assert all(a.label != b.label for a, b in zip(encoded.groups, encoded.groups[1:], strict=False))


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ([{"role": "user"}], "'role' and a text 'content'"),
        ([{"role": "user", "content": 3}], "'role' and a text 'content'"),
        ([{"content": "x"}], "not a string, a list of chat messages"),
        ([[1, 2]], "flat list of token ids"),
        ([[1], [2, 3]], "flat list of token ids"),
        ([1.5], "flat list of token ids"),
        (["a"], "flat list of token ids"),
        ([True], "flat list of token ids"),
        (None, "not a string"),
        ([400], r"token id 400; this tokenizer has ids 0 to 399"),
        ([-1], "token id -1"),
        ("a\ud800b", "lone surrogate at character 1"),
    ],
)
def test_what_is_no_prompt(prompt: Any, message: str) -> None:
    size = len(TOKENIZERS["plain"])
    with pytest.raises(ArgumentError, match=message.replace("399", str(size - 1))):
        encode(chat(CHATML), prompt)


def test_chat_without_a_template() -> None:
    with pytest.raises(ArgumentError, match="no chat template; pass a string"):
        encode(make_tokenizer(), [{"role": "user", "content": "The"}])


@pytest.mark.parametrize("bos", [False, True])
@pytest.mark.parametrize("empty", ["", [], ()])
def test_empty_prompt(empty: Any, bos: bool) -> None:
    with pytest.raises(EmptyPromptError, match="at least one character"):
        encode(make_tokenizer(bos=bos), empty)


def test_prompt_too_long_says_by_how_much() -> None:
    with pytest.raises(PromptTooLongError, match="prompt has 5 tokens, the model's context holds 3; cut at least 2"):
        encode(make_tokenizer(), [5] * 5, context_length=3)


def test_token_ids_may_come_as_any_sequence() -> None:
    ids = encode(make_tokenizer(), "The city").ids
    forms: list[Any] = [ids.tolist(), tuple(ids.tolist()), ids, torch.as_tensor(ids), ids.astype(np.int32)]
    for given_ids in forms:
        encoded = encode(make_tokenizer(), given_ids)
        assert encoded.ids.dtype == np.int64
        assert (encoded.text, encoded.ids.tolist()) == ("The city", ids.tolist())


def test_half_a_character_is_spelled_alone() -> None:
    tokenizer = make_tokenizer()
    emoji = encode(tokenizer, "🙂").ids.tolist()
    encoded = encode(tokenizer, [*encode(tokenizer, "The").ids.tolist(), *emoji[:2]])
    assert encoded.text.startswith("The")
    assert encoded.text.endswith("⟨F0⟩⟨9F⟩")
    assert_tiles(encoded)


def test_tokens_keep_their_leading_space() -> None:
    """Mistral's decoder strips the first space of a text; a token shown alone must keep its own."""
    tokenizer = TOKENIZERS["sentence pieces with a prefix"]
    encoded = encode(tokenizer, "The capital")
    assert "".join(encoded.tokens) == " The capital"
    assert decode(tokenizer, encoded.ids[-2:].tolist()).startswith(" ") == encoded.tokens[-2].startswith(" ")


@pytest.mark.parametrize("kind", TOKENIZERS)
@settings(max_examples=60, deadline=None)
@given(before=TEXTS, target=TEXTS)
def test_continuation_is_the_difference_or_refused(kind: str, before: str, target: str) -> None:
    tokenizer = TOKENIZERS[kind]
    prompt = encode(tokenizer, before)
    try:
        added = continuation(tokenizer, prompt, target)
    except TargetError:
        return
    assert [*prompt.ids.tolist(), *added.tolist()] == encode(tokenizer, before + target).ids.tolist()


def test_target_joined_to_the_prompt_offers_the_leading_space() -> None:
    tokenizer = make_tokenizer()
    prompt = encode(tokenizer, "The ca")
    with pytest.raises(TargetError, match=r"foil='pital' cannot follow .* Did you mean ' pital'") as caught:
        continuation(tokenizer, prompt, "pital", argument="foil")
    assert (caught.value.argument, caught.value.suggestion) == ("foil", " pital")
    spaced = encode(tokenizer, "The capital of ")
    with pytest.raises(TargetError, match=r"Leave out the space at the prompt's end, and give ' Australia'") as caught:
        continuation(tokenizer, spaced, "Australia")
    assert caught.value.suggestion == " Australia"


def test_targets_that_are_none() -> None:
    tokenizer = make_tokenizer()
    prompt = encode(tokenizer, "The")
    for wrong in ("", None, True, 1.5, -1, 10**6):
        with pytest.raises(TargetError, match="target="):
            continuation(tokenizer, prompt, wrong)  # type: ignore[arg-type]  # wrong on purpose
    assert continuation(tokenizer, prompt, 7).tolist() == [7]


@pytest.mark.parametrize("kind", ["with BOS", "sentence pieces with BOS"])
def test_target_after_token_ids_without_bos(kind: str) -> None:
    tokenizer = TOKENIZERS[kind]
    ids = encode(tokenizer, "The capital").ids[1:].tolist()
    added = continuation(tokenizer, encode(tokenizer, ids), " of Australia")
    assert decode(tokenizer, added.tolist()) == " of Australia"


def test_target_after_a_chat() -> None:
    tokenizer = chat(CHATML, bos=True)
    prompt = encode(tokenizer, [{"role": "user", "content": "The capital?"}])
    assert decode(tokenizer, continuation(tokenizer, prompt, "Canberra").tolist()) == "Canberra"


def test_looks_joined() -> None:
    prompt = encode(make_tokenizer(), "The capital is")
    assert looks_joined(prompt, "Canberra")
    assert not looks_joined(prompt, " Canberra")
    assert not looks_joined(prompt, ".")


@pytest.mark.default_model
def test_the_default_models_tokens_and_turns(default_lm: LanguageModel) -> None:
    plain = default_lm.encode("The capital of Australia is")
    assert plain.tokens == ("The", " capital", " of", " Australia", " is")
    assert plain.bos == 0
    messages = [{"role": "user", "content": "What is the capital of Australia? "}]
    encoded = default_lm.encode(messages)
    tokenizer = default_lm.tokenizer
    assert encoded.ids.tolist() == tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, return_dict=False
    )
    assert_tiles(encoded)
    user = [text for label, text in turns_of(encoded) if label == "user"]
    assert [text.strip() for text in user] == ["What is the capital of Australia?"]
    assert encoded.text.startswith("<|im_start|>system")  # the template's own system prompt
    with pytest.raises(TargetError, match="' Canberra'"):
        continuation(tokenizer, default_lm.encode("The capital of Australia is "), "Canberra")


@pytest.mark.default_model
def test_gemma_has_one_bos() -> None:
    """Where Gemma was prepared before; its terms are the user's to accept, so a test does not fetch it."""
    folder = models_dir() / "gemma3-270m"
    if not folder.is_dir():
        pytest.skip("gemma3-270m is not in the cache")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    plain = encode(tokenizer, "The capital of Australia is")
    assert plain.tokens == ("<bos>", "The", " capital", " of", " Australia", " is")
    assert (plain.bos, plain.spans[0].tolist(), plain.spans[2].tolist()) == (1, [0, 0], [3, 11])
    assert encode(tokenizer, "<bos>The").bos == 1
    assert decode(tokenizer, continuation(tokenizer, plain, " Canberra").tolist()) == " Canberra"
    if tokenizer.chat_template:
        encoded = encode(tokenizer, [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}])
        assert encoded.bos == 1
        assert [label for label, _ in turns_of(encoded) if label != "template"] == ["system", "user"]
