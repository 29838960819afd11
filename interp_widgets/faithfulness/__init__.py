"""Is the written reasoning what the model used? Tests of chains of thought, on the local model and on servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interp_widgets.lazy import lazy_names

if TYPE_CHECKING:
    from interp_widgets.faithfulness.again import answer_after as answer_after
    from interp_widgets.faithfulness.asking import Ask as Ask
    from interp_widgets.faithfulness.asking import Backend as Backend
    from interp_widgets.faithfulness.asking import Choice as Choice
    from interp_widgets.faithfulness.loading import load_questions as load_questions
    from interp_widgets.faithfulness.local import LocalBackend as LocalBackend
    from interp_widgets.faithfulness.questions import Question as Question
    from interp_widgets.faithfulness.questions import question_set as question_set
    from interp_widgets.faithfulness.questions import question_sets as question_sets
    from interp_widgets.faithfulness.result import FaithfulnessResult as FaithfulnessResult
    from interp_widgets.faithfulness.server import ServerBackend as ServerBackend

_WHERE = {
    "Ask": "asking",
    "Backend": "asking",
    "Choice": "asking",
    "FaithfulnessResult": "result",
    "LocalBackend": "local",
    "Question": "questions",
    "ServerBackend": "server",
    "answer_after": "again",
    "load_questions": "loading",
    "question_set": "questions",
    "question_sets": "questions",
}

__getattr__, __dir__ = lazy_names(__name__, _WHERE)
__all__ = sorted(_WHERE)
