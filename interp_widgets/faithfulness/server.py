"""A model behind any OpenAI-compatible server: `vllm serve`, `transformers serve`, llama.cpp's server, or a provider.

1. Each text and each sample is one call to /chat/completions, streamed, so that a cancelled run lets the server stop.
2. Every reply is kept on the disk under all that it depends on: a run that was cut off goes on where it stopped.
3. An unfinished text cannot be gone on with token by token there; the server is asked in words to go on from its end.
4. The answer is a distribution over the samples; a sample that names no option counts as such.

The key comes from an environment variable when a run begins and is kept nowhere: not in a result, a file, a message.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from interp_widgets.errors import ArgumentError, Cancelled, TooCostlyError
from interp_widgets.faithfulness.asking import Advance, Amount, Ask, Choice, Messages
from interp_widgets.faithfulness.calls import Caller, Clock, WallClock, look
from interp_widgets.faithfulness.parsing import option_of
from interp_widgets.faithfulness.prompts import OPENING
from interp_widgets.faithfulness.questions import Question
from interp_widgets.faithfulness.replies import Replies, Reply
from interp_widgets.faithfulness.talking import Talk
from interp_widgets.results.cost import Cost
from interp_widgets.results.provenance import Provenance, versions

CONTINUE = "Go on from exactly where your text ends. Do not repeat or correct any of it."
BRIEFLY = "Reply with the letter of the option in parentheses, such as (A), and nothing else."
_ANSWER_TOKENS = 16
_LETTERS = 4  # of a token, for guesses
_LOOK = 0.1  # seconds between two looks at the cancel flag


@dataclass(frozen=True)
class CallCost(Cost):
    """Of a server. calls: to it, at most; tokens_in, tokens_out: by a guess; price: in the currency of the given
    prices, None where none was given. seconds: by the rate limit, or one a call in parallel."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    price: float | None = None

    def __str__(self) -> str:
        price = "" if self.price is None else f", {self.price:.2f} by the given prices"
        return (
            f"{self.calls} calls, about {self.tokens_in / 1e3:.0f} thousand tokens in and {self.tokens_out / 1e3:.0f}"
            f" thousand out{price}, without what is kept already"
        )


@dataclass(init=False, eq=False)
class ServerBackend:
    """A model of an OpenAI-compatible server, for `iw.cot_faithfulness`.

    Parameters
    ----------
    base_url: such as "http://127.0.0.1:8000/v1"; without a name, a password or a query, which would be kept
    model: its name there
    key_variable: the environment variable that holds the key; one that is not set is no error (local servers need none)
    samples: answers that are drawn for each question that is put; of 1 the temperature is 0, of more it is 1
    parallel: calls at a time; per_minute: calls that may begin in a minute
    attempts, first_wait, timeout: of one call, seconds; timeout is also that between two pieces of a stream
    stream: False for a server that cannot
    keep: use and fill the cache of replies on the disk
    call_limit: a run of more calls is refused without `confirm=True`
    prices: for a million tokens in and out, for the estimate
    clock: what time is; for tests

    Raises ArgumentError, MissingPackageError (openai).
    """

    base_url: str
    model: str
    key_variable: str = "OPENAI_API_KEY"
    samples: int = 5
    parallel: int = 4
    per_minute: float | None = None
    attempts: int = 5
    first_wait: float = 1.0
    timeout: float = 60.0
    stream: bool = True
    keep: bool = True
    call_limit: int = 500
    prices: tuple[float, float] | None = None
    clock: Clock = field(default_factory=WallClock, repr=False)

    exact = False

    def __init__(self, base_url: str, model: str, **settings: Any) -> None:
        names = type(self).__dataclass_fields__
        for name, value in settings.items():
            if name not in names or name in ("base_url", "model"):
                raise ArgumentError(f"{name} is no setting of ServerBackend; those are {', '.join(list(names)[2:])}")
            setattr(self, name, value)
        self.clock = settings.get("clock") or WallClock()
        self.base_url, self.model = _address(base_url), model
        self._check()
        self._talk: Talk | None = None
        self._caller = Caller(self.attempts, self.first_wait, self.per_minute, self.clock)
        self._cancel: threading.Event | None = None
        self._replies = Replies(self.base_url, model, keep=self.keep)
        self.tokens_in = self.tokens_out = 0

    def _check(self) -> None:
        if not isinstance(self.model, str) or not self.model:
            raise ArgumentError(f"model={self.model!r}: the name of a model of the server")
        for name in ("samples", "parallel", "attempts", "call_limit"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"{name}={getattr(self, name)}: at least 1")
        for name in ("timeout", "per_minute"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ArgumentError(f"{name}={value}: above 0")
        if self.key_variable and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", self.key_variable):
            # Not shown: whoever passes the key itself here must not find it in the error.
            raise ArgumentError(
                "key_variable is the name of an environment variable, such as OPENAI_API_KEY (capital letters, digits"
                " and underscores), not the key itself"
            )

    @property
    def name(self) -> str:
        return self.model

    # The protocol

    @contextmanager
    def opened(self, cancel: threading.Event | None) -> Iterator[None]:
        self._caller = Caller(self.attempts, self.first_wait, self.per_minute, self.clock)
        self._replies.found = 0
        self.tokens_in = self.tokens_out = 0
        self._cancel = cancel
        talk = Talk(
            self.base_url, self.model, key=os.environ.get(self.key_variable) or None, timeout=self.timeout,
            stream=self.stream, key_variable=self.key_variable,
        )  # fmt: skip
        self._talk = talk
        try:
            yield
        finally:
            self._talk = None
            talk.close()

    def write(
        self, asked: Sequence[Ask], *, max_new_tokens: int, temperature: float, seed: int, advance: Advance
    ) -> list[str]:
        rows = [
            (
                _unfinished(ask.messages),
                {"max_tokens": max_new_tokens, "temperature": temperature, "seed": ask.seed(seed)},
            )
            for ask in asked
        ]
        texts = [reply.text for reply in self._all(rows, advance, each=1)]
        return [_after(ask.messages, text) for ask, text in zip(asked, texts, strict=True)]

    def choose(
        self, asked: Sequence[Ask], questions: Sequence[Question], *, seed: int, advance: Advance
    ) -> list[Choice]:
        temperature = 0.0 if self.samples == 1 else 1.0
        rows = []
        for ask in asked:
            *before, (role, last) = ask.messages
            messages = (*before, (role, f"{last} {BRIEFLY}"))
            for sample in range(self.samples):
                drawn = {"max_tokens": _ANSWER_TOKENS, "temperature": temperature, "seed": ask.seed(seed) + sample}
                rows.append((messages, drawn))
        texts = [reply.text for reply in self._all(rows, advance, each=self.samples)]
        return [
            _counted(texts[i * self.samples : (i + 1) * self.samples], question) for i, question in enumerate(questions)
        ]

    def length(self, text: str) -> int:
        return -(-len(text) // _LETTERS)

    def cost(self, amount: Amount) -> CallCost:
        calls = amount.texts + amount.choices * self.samples
        # Nothing is reused from call to call: each is sent with all that stands before it.
        each = amount.read // max(amount.texts + amount.choices, 1) + 250
        tokens_in = calls * each
        tokens_out = amount.written + calls * 6
        price = None if self.prices is None else (tokens_in * self.prices[0] + tokens_out * self.prices[1]) / 1e6
        seconds = calls * 60.0 / self.per_minute if self.per_minute else calls / self.parallel
        return CallCost(0, seconds, 0, calls=calls, tokens_in=tokens_in, tokens_out=tokens_out, price=price)

    def allow(self, cost: Cost, confirm: Callable[[Any], bool] | bool | None) -> None:
        if confirm is False or (callable(confirm) and not confirm(cost)):
            raise Cancelled("not confirmed; nothing was asked")
        calls = getattr(cost, "calls", 0)
        if confirm is None and calls > self.call_limit:
            raise TooCostlyError(
                f"this would take {cost}; the limit is {self.call_limit} calls. Give fewer questions=[...] or"
                " tests=(...), take samples=1, raise call_limit, or pass confirm=True to run it all the same"
            )

    def provenance(self, *, prompt: str, seed: int, seconds: float, notes: Sequence[str]) -> Provenance:
        made, found = self._caller, self._replies.found
        said = [f"asked at {urlsplit(self.base_url).netloc}", f"{made.made} calls", f"{self.samples} samples an answer"]
        if found:
            said.append(f"{found} replies were kept from before")
        if made.again:
            said.append(f"{made.again} calls were repeated")
        if self.tokens_in or self.tokens_out:
            said.append(f"{self.tokens_in} tokens in, {self.tokens_out} out, as the server counts")
        return Provenance(
            model=self.model,
            fingerprint="",
            device="server",
            dtype="",
            prompt=prompt,
            bos=0,
            interventions=(),
            versions=versions(),
            seed=seed,
            batch_size=self.parallel,
            forward_passes=0,
            seconds=seconds,
            notes=(*said, *notes),
        )

    # Many calls at a time

    def _all(self, rows: Sequence[tuple[Messages, dict[str, Any]]], advance: Advance, each: int) -> list[Reply]:
        """One reply for each row, in their order; `advance` is told when each so many are there."""
        found: list[Reply | None] = [self._replies.find(*row) for row in rows]
        missing = [i for i, reply in enumerate(found) if reply is None]
        cancel, stop = self._cancel, threading.Event()
        pool = ThreadPoolExecutor(self.parallel, thread_name_prefix="interp-server")
        done = len(rows) - len(missing)
        told = done // each
        advance(told)
        try:
            going: dict[Future[Reply], int] = {pool.submit(self._one, *rows[i], stop): i for i in missing}
            while going:
                ready, _ = wait(going, timeout=_LOOK, return_when=FIRST_COMPLETED)
                look(cancel)
                for one in ready:
                    reply = found[going.pop(one)] = one.result()
                    self.tokens_in += reply.tokens_in  # here, in one thread: sums of several would lose some
                    self.tokens_out += reply.tokens_out
                    done += 1
                advance(done // each - told)
                told = done // each
        finally:
            # What is under way is not waited for: its connection is closed by `opened`, and nothing comes of it.
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
        return [reply for reply in found if reply is not None]

    def _one(self, messages: Messages, drawn: dict[str, Any], stop: threading.Event) -> Reply:
        talk = self._talk
        if talk is None:
            raise ArgumentError("this backend is not open; use it through iw.cot_faithfulness, or within `opened`")
        cancel = self._cancel

        def work() -> Reply:
            look(cancel)
            return talk.ask(messages, drawn, stop)

        reply = self._caller.call(work, f"{self.model} at {self.base_url}", stop)
        # An empty one counts now, and is asked for again later: it may be a whim of the server. To go on with nothing
        # where the text has its end is none.
        if reply.text.strip() or messages[-1][1] == CONTINUE:
            self._replies.keep(messages, drawn, reply)
        return reply


def _address(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        whole = bool(parts.hostname) and parts.scheme in ("http", "https")
        secret = bool(parts.username or parts.password or parts.query or parts.fragment)
    except (ValueError, AttributeError, TypeError):
        raise ArgumentError("base_url is not an address such as http://127.0.0.1:8000/v1") from None
    if secret:  # not shown, for the same reason
        raise ArgumentError(
            "base_url holds a user name, a password or a query; results and messages tell the address, so leave these"
            " out and give a key by an environment variable (key_variable=...)"
        )
    if not whole:
        raise ArgumentError(f"base_url={base_url!r}: an address such as http://127.0.0.1:8000/v1")
    return base_url.rstrip("/")


def _unfinished(messages: Messages) -> Messages:
    """An unfinished text of the assistant as words that ask to go on; one that has only its opening is left out."""
    role, text = messages[-1]
    if role != "assistant":
        return messages
    if text.strip() == OPENING:
        return messages[:-1]
    return (*messages, ("user", CONTINUE))


def _after(messages: Messages, text: str) -> str:
    """What was written as it stands behind the unfinished text: with one space, without a repeated opening."""
    if messages[-1][0] != "assistant":
        return text
    text = text.strip().removeprefix(OPENING).strip()
    return f" {text}" if text else ""


def _counted(texts: Sequence[str], question: Question) -> Choice:
    options = [option_of(text, question) for text in texts]
    n = len(texts)
    return Choice(
        tuple(options.count(i) / n for i in range(len(question.options))),
        unparsed=options.count(None) / n,
        samples=n,
        texts=tuple(text for text, option in zip(texts, options, strict=True) if option is None),
    )
