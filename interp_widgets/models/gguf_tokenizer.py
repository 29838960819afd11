"""The tokenizer of a GGUF file, rebuilt from what the file says.

transformers reads tokenizers from GGUF too, but differently from version to version (one adds a beginning-of-sequence
token where the file says none, one leaves out how digits are split), so with it the numbers of the course would hang
on the version that happened to prepare the model. Two kinds occur in the catalogue:

* "gpt2": byte-level BPE. The merges are in the file.
* "llama": SentencePiece BPE with byte fallback. The file gives each piece a score; SentencePiece joins, again and
  again, the neighbours whose joined piece has the best score. As ranked merges: every way to cut a piece into two
  pieces, best score first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from interp_widgets.errors import IntegrityError

_CONTROL, _USER_DEFINED = 3, 4  # token types of the GGUF specification
_SPACE = "\u2581"  # how SentencePiece writes a space inside a piece


def read_tokenizer(gguf: Path, longest: int) -> Any:
    """A `PreTrainedTokenizerFast` equal to the file's tokenizer; `longest` is the model's context in tokens.

    Raises IntegrityError for a kind that the catalogue does not hold.
    """
    from gguf import GGUFReader
    from tokenizers import AddedToken
    from transformers import PreTrainedTokenizerFast

    reader = GGUFReader(gguf)

    def field(name: str, default: Any = None) -> Any:
        found = reader.get_field(f"tokenizer.{name}")
        return default if found is None else found.contents()

    tokens: list[str] = field("ggml.tokens")
    types: list[int] = field("ggml.token_type")
    kind, splitting = field("ggml.model"), field("ggml.pre", "default")
    if kind == "gpt2" and splitting in ("smollm", "gpt-2", "default"):
        tokenizer = _byte_level(tokens, field("ggml.merges"), split_digits=splitting == "smollm")
        added_by_default = False
    elif kind == "llama":
        tokens = [
            token.replace(" ", _SPACE) if kind_ != _CONTROL else token
            for token, kind_ in zip(tokens, types, strict=True)
        ]
        unknown = tokens[field("ggml.unknown_token_id")]
        tokenizer = _sentence_piece(tokens, field("ggml.scores"), unknown, prefix=field("ggml.add_space_prefix", True))
        added_by_default = True
    else:
        raise IntegrityError(f"{gguf.name} has a tokenizer of kind {kind!r} ({splitting!r}), which is not read here")

    added = [
        # A run of spaces looks like its piece only once it is normalised; all others are matched in the raw text.
        AddedToken(token, special=type_ == _CONTROL, normalized=not token.strip(_SPACE))
        for token, type_ in zip(tokens, types, strict=True)
        if type_ in (_CONTROL, _USER_DEFINED)
    ]
    tokenizer.add_special_tokens([token for token in added if token.special])
    tokenizer.add_tokens([token for token in added if not token.special])
    names = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
    ids = {name: field(f"ggml.{key}_token_id") for name, key in names.items()}
    special_tokens = {name: tokens[index] for name, index in ids.items() if index is not None}
    if field("ggml.add_bos_token", added_by_default):
        _put_in_front(tokenizer, special_tokens["bos_token"], ids["bos_token"])
    fast: Any = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=longest, clean_up_tokenization_spaces=False, **special_tokens
    )
    fast.chat_template = field("chat_template")
    return fast


def _byte_level(tokens: list[str], merges: list[str], *, split_digits: bool) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    pairs = [(left, right) for left, right in (merge.split(" ") for merge in merges)]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=pairs))
    by_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if split_digits:
        # First of all, or a run of spaces in front of a digit would be cut into other tokens than in training.
        digits = pre_tokenizers.Digits(individual_digits=True)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, by_bytes])
    else:
        tokenizer.pre_tokenizer = by_bytes
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _sentence_piece(tokens: list[str], scores: list[float], unknown: str, *, prefix: bool) -> Any:
    from tokenizers import Tokenizer, decoders, models, normalizers

    vocabulary = {token: i for i, token in enumerate(tokens)}
    ranked = []
    for token, score in zip(tokens, scores, strict=True):
        for cut in range(1, len(token)):
            left, right = token[:cut], token[cut:]
            if left in vocabulary and right in vocabulary:
                ranked.append((-score, vocabulary[left], vocabulary[right]))
    merges = [(tokens[left], tokens[right]) for _, left, right in sorted(ranked)]
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges, unk_token=unknown, fuse_unk=True, byte_fallback=True)
    )
    steps: list[Any] = [normalizers.Prepend(_SPACE)] if prefix else []
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", _SPACE)])
    undo: list[Any] = [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence([*undo, *([decoders.Strip(" ", 1, 0)] if prefix else [])])
    return tokenizer


def _put_in_front(tokenizer: Any, token: str, index: int) -> None:
    from tokenizers import processors

    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{token} $A", pair=f"{token} $A {token} $B:1", special_tokens=[(token, index)]
    )
