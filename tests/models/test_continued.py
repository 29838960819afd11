"""The text of generated tokens, and what stands where."""

from __future__ import annotations

import torch

from interp_widgets.models.continued import Continued, continued
from tests.tiny import make_lm


def test_text_and_spans() -> None:
    lm = make_lm("llama")
    ids = lm.encode(" Canberra and not Sydney.").ids.tolist()
    found = continued(lm, ids)
    assert found.text == " Canberra and not Sydney."
    assert [found.text[start:end] for start, end in found.spans] == list(found.tokens)
    assert continued(lm, []) == Continued()


def test_an_id_that_is_no_word_is_named_by_its_number() -> None:
    lm = make_lm("llama")
    word = int(torch.as_tensor(lm.encode(" the").ids)[0])
    found = continued(lm, [word, 399])
    assert found.tokens[1] == "⟨id 399⟩"
    assert [found.text[start:end] for start, end in found.spans] == list(found.tokens)
