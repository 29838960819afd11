"""What `iw.edit_diff` found."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

from interp_widgets.editing.evaluating.evaluation_result import EditEvaluation
from interp_widgets.editing.evaluating.thresholds import AlarmReading
from interp_widgets.editing.fact import Fact
from interp_widgets.results.base import Result
from interp_widgets.results.provenance import Provenance, Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

SIDES = ("before", "after")
_OF = "evaluation."  # what the names of its arrays begin with in a file


@dataclass(frozen=True)
class Spoken:
    """A greedy continuation, without the token that ended it.

    text: as text; tokens, ids: token by token; spans: start and end of each in `text`
    probabilities: of each token, to the model that wrote it
    """

    text: str = ""
    tokens: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    probabilities: tuple[float, ...] = ()

    @classmethod
    def restore(cls, document: dict[str, Any]) -> Spoken:
        spans = tuple((int(start), int(end)) for start, end in document["spans"])
        return cls(**{**{name: tuple(document[name]) for name in ("tokens", "ids", "probabilities")}, "spans": spans,
                      "text": document["text"]})  # fmt: skip


@dataclass(frozen=True)
class NextToken:
    """A next token that is among the best without or with the edit, and its probability in both."""

    text: str
    id: int
    before: float
    after: float


@dataclass(frozen=True)
class Sample:
    """A prompt, as it was given, and what follows it without and with the edit.

    record: which of the facts it asks, None for a prompt of the caller's; next: best after the edit first
    """

    prompt: Any
    record: int | None
    before: Spoken
    after: Spoken
    next: tuple[NextToken, ...]

    @classmethod
    def restore(cls, document: dict[str, Any]) -> Sample:
        before, after = (Spoken.restore(document[name]) for name in SIDES)
        tokens = tuple(NextToken(**one) for one in document["next"])
        return cls(document["prompt"], document["record"], before, after, tokens)


@dataclass(frozen=True)
class FirstChoice:
    """The first choices of next token, (text, probability), at one prompt of the evaluation, by its row there."""

    row: int
    before: tuple[str, float]
    after: tuple[str, float]

    @classmethod
    def restore(cls, document: dict[str, Any]) -> FirstChoice:
        before, after = ((str(text), float(p)) for text, p in (document[name] for name in SIDES))
        return cls(int(document["row"]), before, after)


@dataclass(frozen=True)
class SizeOfChange:
    """where: the matrix, "layer 5" for a value matrix; layer: None elsewhere; size: Frobenius norm of what is added
    over that of the matrix"""

    where: str
    layer: int | None
    size: float


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class EditDiff(Result):
    """What an edit changes: everything without it and with it, beside what else was active.

    Attributes
    ----------
    edit: its name in the ledger; method, label: by which editor; settings: of the editor
    digest: of the edit's numbers, by which it is found again
    facts: what the model was made to answer
    samples: what is written after some prompts
    evaluation: of `iw.evaluate_edit`, or None where no fact has an original answer
    firsts: first choices at those prompts of the evaluation that changed most, or went wrong
    changes: how large the change of each matrix is; others: parts of the edit that change no weight, in words
    alarm: what the collapse alarm read when the edit was made, or None where it did not
    max_new_tokens: of each continuation
    """

    kind: ClassVar[str] = "edit diff"

    edit: str
    method: str
    label: str
    digest: str
    facts: tuple[Fact, ...]
    settings: dict[str, Any]
    samples: tuple[Sample, ...]
    evaluation: EditEvaluation | None
    firsts: tuple[FirstChoice, ...]
    changes: tuple[SizeOfChange, ...]
    others: tuple[str, ...]
    alarm: AlarmReading | None
    max_new_tokens: int
    verdict: Verdict

    @classmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        judged = document["evaluation"]
        if judged is not None:
            own = {name.removeprefix(_OF): array for name, array in arrays.items() if name.startswith(_OF)}
            judged = EditEvaluation(**EditEvaluation._restore(judged, own))
        return {
            **document,
            "evaluation": judged,
            "facts": tuple(Fact.from_json(one) for one in document["facts"]),
            "samples": tuple(Sample.restore(one) for one in document["samples"]),
            "firsts": tuple(FirstChoice.restore(one) for one in document["firsts"]),
            "changes": tuple(SizeOfChange(**one) for one in document["changes"]),
            "others": tuple(document["others"]),
            "alarm": None if document["alarm"] is None else AlarmReading.from_json(document["alarm"]),
            "verdict": Verdict(**{**document["verdict"], "why": tuple(document["verdict"]["why"])}),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    def model(self) -> LanguageModel | None:
        """The model that it came from, if one with the same weights is in memory."""
        from interp_widgets.models import live

        return live.find(self.provenance.fingerprint)

    @property
    def text(self) -> str:
        """All continuations, one after the other: before and after for each prompt."""
        return "".join(getattr(sample, side).text for sample in self.samples for side in SIDES)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens of `text`; a selection counts them."""
        return tuple(
            token for sample in self.samples for side in SIDES for token in getattr(sample, side).tokens
        )  # fmt: skip

    @property
    def layers(self) -> tuple[int, ...]:
        """Whose value matrices are changed."""
        return tuple(one.layer for one in self.changes if one.layer is not None)

    def to_frame(self) -> pd.DataFrame:
        """The evaluation, one row for each of its prompts; without one the next tokens of each prompt."""
        if self.evaluation is not None:
            return self.evaluation.to_frame()
        import pandas as pd

        rows = [{"prompt": sample.prompt, **asdict(one)} for sample in self.samples for one in sample.next]
        return pd.DataFrame(rows, columns=["prompt", "text", "id", "before", "after"])

    def plot(self) -> Figure:
        """Next tokens before and after of the first prompt, and the size of the change by layer."""
        from interp_widgets.editing.diff.plot import plot

        return plot(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with data and view in it; see AttributionResult.to_html."""
        from interp_widgets.editing.diff.page import diff_page

        return diff_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.editing.diff.text import diff_text

        return diff_text(self)

    def __repr__(self) -> str:
        return f"<EditDiff of {self.edit!r}: {len(self.samples)} prompts; {self.verdict.word}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.widgets.display import edit_diff_bundle

        return edit_diff_bundle(self)
