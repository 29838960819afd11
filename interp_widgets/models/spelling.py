"""How a single token reads: its text, and bytes that are no character by their numbers, "⟨F0 9F⟩".

Tokenizers that work on bytes spell each byte by a stand-in character (GPT-2's table) or as "<0xF0>" (SentencePiece's
byte fallback).  Decoding a token alone loses bytes that are part of a character: they all read U+FFFD.
"""

from __future__ import annotations

import codecs
import re
from functools import cache
from typing import Any

from interp_widgets.results.text import hexadecimal

_FALLBACK = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def _name_bytes(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # the only kind that decoding raises
    return hexadecimal(error.object[error.start : error.end]), error.end


codecs.register_error("interp_widgets.hexadecimal", _name_bytes)


@cache
def _stand_ins() -> dict[str, int]:
    """GPT-2's table (Radford et al. 2019, their encoder.py): printable bytes stand for themselves, the others for the
    characters from 256 on, in order."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{chr(byte): byte for byte in printable}, **{chr(256 + i): byte for i, byte in enumerate(others)}}


def spell_bytes(tokenizer: Any, token: int, decoded: str) -> str:
    """`decoded`, what the token reads alone, with each byte that is no character named by its number.

    A token whose bytes the tokenizer does not tell stays as it is.
    """
    if "\ufffd" not in decoded:
        return decoded
    piece = tokenizer.convert_ids_to_tokens(token) or ""
    single = _FALLBACK.fullmatch(piece)
    if single:
        data = bytes([int(single[1], 16)])
    elif piece and all(character in _stand_ins() for character in piece):
        data = bytes(_stand_ins()[character] for character in piece)
    else:
        return decoded
    return data.decode("utf-8", "interp_widgets.hexadecimal")
