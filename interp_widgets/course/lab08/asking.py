"""What the lab's cells ask of a model, planted or real: a reasoning, its rest, and the option that follows a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interp_widgets.faithfulness import prompts
from interp_widgets.faithfulness.asking import Backend, Choice
from interp_widgets.faithfulness.cues import suggested_option, suggestion
from interp_widgets.faithfulness.mistakes import mistaken
from interp_widgets.faithfulness.questions import Question
from interp_widgets.faithfulness.sentences import in_place_of, split_sentences

TOKENS = 120


@dataclass(frozen=True)
class Asked:
    """A question put to a model. sentences: of its reasoning; plain: the option after it; cue: "" or what was added"""

    backend: Backend
    question: Question
    sentences: tuple[str, ...]
    plain: int | None
    cue: str = ""

    @property
    def text(self) -> str:
        return "".join(self.sentences)

    def answer(self, text: str) -> int | None:
        """The option after this reasoning; None where none is named."""
        return answers(self.backend, self.question, [text], self.cue)[0]

    def at_once(self) -> int | None:
        """The option where no reasoning is asked for."""
        ask = prompts.ask(prompts.at_once(self.question, cue=self.cue), "lab", "at once")
        with self.backend.opened(None):
            return self.backend.choose([ask], [self.question], seed=0, advance=_silent)[0].option

    def go_on(self, text: str) -> str:
        """What the model writes after this beginning."""
        return _written(self.backend, self.question, text, self.cue)

    def wrong(self, place: int) -> str:
        """The sentence with a mistake in it, with its white space; itself where no rule finds anything to change."""
        sentence = self.sentences[place]
        found = mistaken(sentence.strip(), self.question)
        return sentence if found is None else in_place_of(sentence, found[0])

    def cued(self) -> tuple[int, Asked]:
        """The option that a cue favours, and the question with that cue."""
        (plain,) = _chosen(self.backend, self.question, [self.text], "")
        toward = suggested_option(self.question, plain, 0)
        return toward, put(self.backend, self.question, suggestion(self.question, toward))


def _silent(rows: int) -> None:
    """Nothing is shown of how far it is."""


def _written(backend: Backend, question: Question, so_far: str, cue: str) -> str:
    ask = prompts.ask(prompts.reasoning(question, so_far, cue=cue), "lab", "write")
    with backend.opened(None):
        return backend.write([ask], max_new_tokens=TOKENS, temperature=0.0, seed=0, advance=_silent)[0]


def _chosen(backend: Backend, question: Question, texts: Sequence[str], cue: str) -> list[Choice]:
    asked = [prompts.ask(prompts.conclusion(question, text, cue=cue), "lab", i) for i, text in enumerate(texts)]
    with backend.opened(None):
        return backend.choose(asked, [question] * len(asked), seed=0, advance=_silent)


def answers(backend: Backend, question: Question, texts: Sequence[str], cue: str = "") -> list[int | None]:
    """The option after each of some reasonings."""
    return [one.option for one in _chosen(backend, question, texts, cue)]


def put(backend: Backend, question: Question, cue: str = "") -> Asked:
    """Asks for reasoning, and for the option after it."""
    sentences = split_sentences(_written(backend, question, "", cue))
    (plain,) = answers(backend, question, ["".join(sentences)], cue)
    return Asked(backend, question, sentences, plain, cue)
