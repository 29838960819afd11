"""The texts on which an edit is found: a fact's prompt, plain and behind sampled prefixes, with its answer after it.

An edit that is found on the bare prompt holds behind no other text (Meng et al. 2022, appendix E.5), so keys and values
are averaged, and optimised, over several prefixes that the model itself wrote.  They belong to a model and a seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interp_widgets.editing.fact import Fact
from interp_widgets.errors import ArgumentError
from interp_widgets.models.cache import cache_dir
from interp_widgets.models.generation_batch import generate_batch
from interp_widgets.models.hooks import Snapshot
from interp_widgets.models.kept import Kept
from interp_widgets.models.prompts import Encoded, continuation, covering

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

STARTERS = ("The", "Therefore", "Because", "I", "You")  # those of MEMIT's code
KIND, VERSION = "context prefixes", 1
KL_TEMPLATE = "{} is a"  # whose next-token distribution an edit should leave alone (Meng et al. 2022, equation 4)


def context_prefixes(
    lm: LanguageModel, *, lengths: Sequence[int] = (5, 10), each: int = 1, seed: int = 0
) -> tuple[str, ...]:
    """Texts to put before a prompt: the empty one, then for each length and starter `each` samples of so many tokens
    from the model without interventions, each ended by ". ".  They are kept in the user's cache."""
    depends = [lm.fingerprint, list(lengths), each, seed, VERSION]
    kept = Kept.within(cache_dir() / "prefixes", KIND, VERSION, depends)
    known = kept.find(lambda about, _: tuple(str(one) for one in about["prefixes"]))
    if known is not None:
        return known
    found = [""]
    with lm.run(snapshot=Snapshot((), lm.architecture)):
        for number, length in enumerate(lengths):
            prompts = [starter for starter in STARTERS for _ in range(each)]
            written = generate_batch(lm, prompts, max_new_tokens=length, temperature=1.0, seed=seed + number)
            found += [_sentence(start + text) for start, text in zip(prompts, written.texts, strict=True)]
    kept.write({"prefixes": found}, {"seed": np.asarray([seed])})
    return tuple(found)


def _sentence(text: str) -> str:
    """On one line, ended as a sentence: what follows begins a new one."""
    return " ".join(text.split()).rstrip(" .,;:!?") + ". "


@dataclass(frozen=True, eq=False)
class Row:
    """One text of a fact.

    ids: int64, prompt and answer without its last token; subject: the subject's last token; prompt: tokens of the
    prompt; answer: int64, ids of the answer, empty where the row watches the next-token distribution at the subject
    """

    fact: int
    ids: NDArray[np.int64]
    subject: int
    prompt: int
    answer: NDArray[np.int64]

    @property
    def watches(self) -> bool:
        return len(self.answer) == 0


def rows_of(lm: LanguageModel, number: int, fact: Fact, prefixes: Sequence[str]) -> list[Row]:
    """A row for each prefix, the plain prompt first if the first prefix is empty, and the row that watches.

    Raises TargetError: the answer cannot follow the prompt as written; PromptTooLongError, ArgumentError.
    """
    start, end = fact.subject_span
    rows = []
    for prefix in prefixes:
        encoded = lm.encode(prefix + fact.prompt)
        answer = continuation(lm.tokenizer, encoded, fact.target)
        last = covering(encoded.spans, len(prefix) + start, len(prefix) + end)[1]
        rows.append(Row(number, np.concatenate([encoded.ids, answer[:-1]]), last, len(encoded), answer))
        _check_subject(encoded, last, fact)
    watched = lm.encode(KL_TEMPLATE.replace("{}", fact.subject))
    last = covering(watched.spans, 0, len(fact.subject))[1]
    rows.append(Row(number, watched.ids[: last + 1], last, last + 1, np.empty(0, np.int64)))
    return rows


def _check_subject(encoded: Encoded, last: int, fact: Fact) -> None:
    """The edit acts at the subject's last token, which must not hold what comes after the subject."""
    covered = encoded.text[int(encoded.spans[last, 0]) : int(encoded.spans[last, 1])]
    if last == len(encoded) - 1 and not fact.template.endswith("{}"):
        raise ArgumentError(
            f"subject={fact.subject!r}: its last token {covered!r} is the prompt's last too; the tokenizer joins it to"
            " what follows"
        )
