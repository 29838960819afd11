"""Tokenizers read from GGUF cut text as their own algorithm says, written out here without the tokenizers library."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import gguf
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from interp_widgets.errors import IntegrityError
from interp_widgets.models.cache import models_dir
from interp_widgets.models.gguf_tokenizer import read_tokenizer

NORMAL, CONTROL, USER, BYTE = 1, 3, 4, 6
# piece, score, type; a space inside a piece is written U+2581 in the file, in a user-defined one as itself
PIECES = (
    [("<unk>", 0.0, CONTROL), ("<bos>", 0.0, CONTROL), ("<eos>", 0.0, CONTROL)]
    + [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
    + [(" " * length, -1000.0, USER) for length in (2, 3, 5)]
    + [("\n\n", -1000.0, USER), ("<b>", -1000.0, USER)]
    + [(letter, -500.0 - i, NORMAL) for i, letter in enumerate("abcdehnt\n▁é")]
    + [("th", -1.0, NORMAL), ("he", -2.0, NORMAL), ("the", -3.0, NORMAL), ("▁t", -4.0, NORMAL)]
    + [("▁the", -5.0, NORMAL), ("ab", -6.0, NORMAL), ("bc", -7.0, NORMAL), ("abc", -0.5, NORMAL), ("an", -8.0, NORMAL)]
)


def write(path: Path, *, bos: bool = True, prefix: bool = False, kind: str = "llama") -> Path:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model(kind)
    writer.add_token_list([piece for piece, _, _ in PIECES])
    writer.add_token_scores([score for _, score, _ in PIECES])
    writer.add_token_types([type_ for _, _, type_ in PIECES])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(bos)
    writer.add_add_space_prefix(prefix)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return read_tokenizer(write(tmp_path_factory.mktemp("gguf") / "a.gguf"), 64)


def sentence_piece(text: str) -> list[int]:
    """User-defined pieces first, the longest; then join the best-scored neighbours until none can be joined."""
    pieces = {piece.replace(" ", "▁"): (i, score) for i, (piece, score, _) in enumerate(PIECES)}
    whole = sorted((p.replace(" ", "▁") for p, _, t in PIECES if t in (USER, CONTROL)), key=len, reverse=True)
    ids = []
    for part in re.split("(" + "|".join(map(re.escape, whole)) + ")", text.replace(" ", "▁")):
        symbols = [part] if part in whole else list(part)
        while True:
            joined = [(pieces[a + b][1], -i) for i, (a, b) in enumerate(pairwise(symbols)) if a + b in pieces]
            if not joined:
                break
            i = -max(joined)[1]
            symbols[i : i + 2] = [symbols[i] + symbols[i + 1]]
        for symbol in symbols:
            ids += [pieces[symbol][0]] if symbol in pieces else [3 + byte for byte in symbol.encode()]
    return ids


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet="abcdehnt \néx🙂<>", max_size=14))
@example(text="   the")
@example(text="     a\n\n\n the<b>abc")
@example(text="<bos>the<eos>")
def test_pieces_are_those_of_sentence_piece(tokenizer: Any, text: str) -> None:
    ids = tokenizer(text).input_ids
    assert ids == [1, *sentence_piece(text)]
    if "<bos>" not in text and "<eos>" not in text:
        assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_one_beginning_of_sequence_or_none(tmp_path: Path) -> None:
    assert read_tokenizer(write(tmp_path / "a.gguf"), 64)("the").input_ids[:1] == [1]
    without = read_tokenizer(write(tmp_path / "b.gguf", bos=False), 64)
    assert without("the").input_ids == sentence_piece("the")
    assert without.bos_token == "<bos>"


def test_prefix_of_a_space(tmp_path: Path) -> None:
    tokenizer = read_tokenizer(write(tmp_path / "a.gguf", bos=False, prefix=True), 64)
    assert tokenizer("the").input_ids == sentence_piece(" the")
    assert tokenizer.decode(tokenizer("the").input_ids) == "the"


def test_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="kind 'bert'"):
        read_tokenizer(write(tmp_path / "a.gguf", kind="bert"), 64)


@pytest.mark.default_model
@pytest.mark.skipif(not (models_dir() / "gemma3-270m").is_dir(), reason="gemma3-270m is not in the cache")
def test_gemma() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(models_dir() / "gemma3-270m")
    assert tokenizer("The capital of Australia is").input_ids == [2, 818, 5279, 529, 8187, 563]
    assert tokenizer("  hi\n\nthere").input_ids == [2, 138, 2202, 108, 13534]
    assert tokenizer("<start_of_turn>").input_ids == [2, 105]
    for text in (" x", "   x\n\n\n", "héllo 🙂 𝔘 שלום\t\t", "it 's , .", "<b>x</b>"):
        assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True) == text
