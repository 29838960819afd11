"""A server behind the tests: planted models are told apart, faults pass or are told, nothing is asked twice."""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, Cancelled, ServerError, TooCostlyError
from interp_widgets.faithfulness.asking import Ask, Backend
from interp_widgets.faithfulness.prompts import ask as ask_of
from interp_widgets.faithfulness.prompts import at_once, reasoning
from interp_widgets.faithfulness.questions import Question
from interp_widgets.faithfulness.records import CUES, TESTS
from interp_widgets.faithfulness.server import ServerBackend
from tests.faithfulness.planted import sums
from tests.faithfulness.serving import ChatServer, Still, nobody, planted, serving

pytest.importorskip("openai")
KEY = "sk-planted-0123456789abcdefWXYZ"
QUESTION = Question("Start with 3. Add 4. Add 5. Add 2. What is the sum?", ("14", "34", "54"), 0)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERP_WIDGETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(planted("ignorer")) as found:
        yield found


def backend(server: ChatServer, **settings: Any) -> ServerBackend:
    return ServerBackend(server.url, "m", **{"clock": Still(), "samples": 1, "parallel": 1, **settings})


def nothing(rows: int) -> None:
    """Progress that nobody looks at."""


def few_calls(cost: Any) -> bool:
    return bool(cost.calls < 10)


def put() -> Ask:
    return ask_of(at_once(QUESTION), 0)


def choose(asked: ServerBackend, *, cancel: threading.Event | None = None) -> Any:
    with asked.opened(cancel):
        return asked.choose([put()], [QUESTION], seed=0, advance=nothing)[0]


def test_planted_servers_are_told_apart_by_every_test() -> None:
    found = {}
    for kind in ("reader", "ignorer", "follower"):
        with serving(planted(kind)) as server:
            found[kind] = iw.cot_faithfulness(backend(server, parallel=2), sums(4), tests=(*TESTS, *CUES), confirm=True)
    for test in ("early_answering", "adding_mistakes", "filler_tokens"):
        assert found["reader"].aoc[test][1] > 0.5
        assert found["ignorer"].aoc[test] == found["follower"].aoc[test] == (0, 0, 0)
    assert found["reader"].necessary[0] == pytest.approx(0.25)
    assert found["ignorer"].necessary[0] == 0
    for cue in CUES:
        assert found["follower"].cues[cue].followed[0] == 1
        assert found["follower"].cues[cue].silent > 0
        assert found["reader"].cues[cue].followed[0] == found["ignorer"].cues[cue].followed[0] == 0
    for result in found.values():
        assert sum(result.parse_failures.values()) == 0
        assert result.aoc["paraphrasing"][0] == 0
        # An unchanged beginning is gone on with too, as a control: what a server writes may differ by itself.
        assert result.curves["continued"].agreement[:, 0].min() == 1
    assert found["reader"].aoc_beyond_control["adding_mistakes"][1] > 0.5


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", ["500", "503", "429", "408", "malformed", "cut", "hang up", "other"])
def test_what_may_pass_is_tried_again(server: ChatServer, fault: str, stream: bool) -> None:
    asked = backend(server, stream=stream)
    server.faults = [fault, fault]
    assert choose(asked).option == 0
    assert len(server.seen) == 3
    assert asked.clock.waits == ([7.0, 7.0] if fault == "429" else [1.0, 2.0])  # type: ignore[attr-defined]


@pytest.mark.parametrize("fault", ["short", "error"])
def test_a_truncated_stream_is_tried_again(server: ChatServer, fault: str) -> None:
    server.faults = [fault]
    assert choose(backend(server)).option == 0
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [("500", "status 500"), ("429", "limits the rate"), ("malformed", "malformed"), ("cut", "stream was cut off")],
)
def test_what_does_not_pass_is_told_after_the_last_attempt(server: ChatServer, fault: str, said: str) -> None:
    server.faults = [fault] * 9
    with pytest.raises(ServerError, match=f"did not answer in 3 attempts: .*{said}.*run the same again to go on"):
        choose(backend(server, attempts=3))
    assert len(server.seen) == 3


def test_a_server_that_is_down_is_told() -> None:
    clock = Still()
    asked = ServerBackend(nobody(), "m", clock=clock, attempts=4)
    with pytest.raises(ServerError, match="in 4 attempts: no connection could be made"):
        choose(asked)
    assert set(clock.waits) <= {1.0, 2.0, 4.0}


def test_a_slow_server_is_given_up_and_asked_again(server: ChatServer) -> None:
    server.faults = ["slow"]
    assert choose(backend(server, timeout=0.2)).option == 0
    server.faults = ["slow"] * 2
    with pytest.raises(ServerError, match="too slow"):
        choose(backend(server, timeout=0.2, attempts=2, keep=False))


@pytest.mark.parametrize("stream", [True, False])
def test_empty_text_is_a_parse_failure_and_no_fault(server: ChatServer, stream: bool) -> None:
    server.faults = ["empty"]
    asked = backend(server, stream=stream)
    found = choose(asked)
    assert found.unparsed == 1
    assert found.option is None
    assert found.texts == ("",)
    assert choose(asked).option == 0  # nothing was kept of it


def test_an_empty_reasoning_is_kept_as_a_question_that_could_not_be_tested(server: ChatServer) -> None:
    server.faults = ["empty"]
    result = iw.cot_faithfulness(backend(server), [QUESTION, *sums(2)[1:]], tests=("early_answering",))
    assert result.untested == ((0, "no reasoning"),)
    assert result.parse_failures["reasoning"] == 1


@pytest.mark.parametrize(
    ("status", "said"), [("401", "OPENAI_API_KEY, which is set"), ("404", "/v1"), ("400", "refused")]
)
def test_what_will_not_pass_is_told_at_once(server: ChatServer, status: str, said: str) -> None:
    server.faults = [status]
    with pytest.raises(ServerError, match=said):
        choose(backend(server))
    assert len(server.seen) == 1


def test_samples_are_a_distribution_and_failures_a_share_of_it() -> None:
    said = iter(["(A)", "(B)", "(A)", "I cannot tell."])
    with serving(lambda messages: next(said)) as server:
        found = choose(backend(server, samples=4))
    assert found.probabilities == (0.5, 0.25, 0)
    assert found.unparsed == 0.25
    assert found.samples == 4
    assert found.texts == ("I cannot tell.",)
    assert len({body["seed"] for body, _ in server.seen}) == 4
    assert {body["temperature"] for body, _ in server.seen} == {1.0}


def test_the_tokens_of_calls_side_by_side_are_all_counted(server: ChatServer) -> None:
    asked = backend(server, samples=4, parallel=4, stream=False)
    choose(asked)
    assert (asked.tokens_in, asked.tokens_out) == (4 * 7, 4 * 3)
    choose(asked)  # replies that were kept cost nothing anew
    assert (asked.tokens_in, asked.tokens_out) == (0, 0)


def test_a_run_that_was_cut_off_goes_on_where_it_stopped(server: ChatServer) -> None:
    server.faults = [*[""] * 20, *["500"] * 12]
    asked = backend(server, parallel=2)
    with pytest.raises(ServerError):
        iw.cot_faithfulness(asked, sums(4))
    failed = len(server.seen) - 20
    server.faults = []
    result = iw.cot_faithfulness(asked, sums(4))
    # Each answer once, and the texts: a reasoning, three mistakes, three controls, three paraphrases a question.
    total = sum(result.answers.values()) + 4 * (1 + 3 * 3)
    assert total <= len(server.seen) - failed <= total + 2  # one of each of two threads may have been under way
    assert "20 replies were kept from before" in result.provenance.notes
    calls = len(server.seen)
    again = iw.cot_faithfulness(asked, sums(4))
    assert len(server.seen) == calls  # all of it lies on the disk
    assert again.records == result.records
    iw.cot_faithfulness(backend(server, keep=False), sums(4)[:1], tests=("early_answering",))
    assert len(server.seen) > calls


def test_an_unfinished_text_is_asked_to_go_on() -> None:
    with serving(lambda messages: " And so on. ") as server:
        asked = backend(server)
        with asked.opened(None):
            asks = [ask_of(reasoning(QUESTION), 0), ask_of(reasoning(QUESTION, " First this."), 1)]
            texts = asked.write(asks, max_new_tokens=9, temperature=0.5, seed=0, advance=nothing)
    assert texts == [" And so on.", " And so on."]
    first, second = (body["messages"] for body, _ in server.seen)
    assert [one["role"] for one in first] == ["user"]
    assert [one["role"] for one in second] == ["user", "assistant", "user"]
    assert second[1]["content"].endswith(" First this.")
    assert {body["max_tokens"] for body, _ in server.seen} == {9}


def test_the_rate_is_limited(server: ChatServer) -> None:
    asked = backend(server, per_minute=30, samples=4, keep=False)
    choose(asked)
    assert asked.clock.waits == [2.0, 2.0, 2.0]  # type: ignore[attr-defined]


@pytest.mark.parametrize("when", ["waiting", "answering", "before"])
def test_cancel(server: ChatServer, when: str) -> None:
    stop = threading.Event()
    asked = backend(server)
    if when == "before":
        stop.set()
    if when == "waiting":
        server.faults = ["500"] * 5
        asked.clock.on_wait = stop.set  # type: ignore[attr-defined]
    if when == "answering":
        server.faults = ["slow"]
        server.reply = lambda messages: ""
        threading.Timer(0.05, stop.set).start()
    with pytest.raises(Cancelled):
        choose(asked, cancel=stop)
    assert len(server.seen) <= 1


def test_calls_are_counted_before_the_run_and_refused_above_a_limit(server: ChatServer) -> None:
    asked = backend(server, samples=5, call_limit=100, prices=(1.0, 10.0))
    cost: Any = iw.estimate(iw.cot_faithfulness, asked, sums(8))
    assert cost.calls > 100
    assert cost.price > 0
    assert "calls" in str(cost)
    with pytest.raises(TooCostlyError, match=r"the limit is 100 calls.*confirm=True"):
        iw.cot_faithfulness(asked, sums(8))
    with pytest.raises(Cancelled):
        iw.cot_faithfulness(asked, sums(8), confirm=few_calls)
    assert server.seen == []
    result = iw.cot_faithfulness(asked, sums(1), tests=("early_answering",), confirm=True)
    few: Any = iw.estimate(iw.cot_faithfulness, asked, sums(1), tests=("early_answering",))
    assert 0 < len(server.seen) <= few.calls
    assert result.backend == "m"


def test_the_key_is_nowhere_but_in_the_request(
    server: ChatServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    asked = backend(server)
    result = iw.cot_faithfulness(asked, sums(1), tests=("early_answering",))
    assert {headers["authorization"] for _, headers in server.seen} == {f"Bearer {KEY}"}
    server.faults = ["401"]
    with pytest.raises(ServerError) as caught:
        choose(backend(server, keep=False))
    told = [
        str(result), repr(result), result.to_html(), repr(asked), str(vars(asked)), str(caught.value),
        repr(caught.value), caplog.text, *capsys.readouterr(), str(result._parts()),
    ]  # fmt: skip
    result.save(tmp_path / "result.safetensors")
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) > 3
    blobs = [*(text.encode() for text in told), *(file.read_bytes() for file in files)]
    for secret in (KEY, KEY[:8], KEY[-4:]):
        assert not any(secret.encode() in blob for blob in blobs)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert KEY not in str(pickle.dumps({k: v for k, v in vars(asked).items() if k not in ("clock", "_caller")}))


def test_without_a_key_a_local_server_answers(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert choose(backend(server)).option == 0
    server.faults = ["401"]
    with pytest.raises(ServerError, match="which is not set"):
        choose(backend(server, keep=False))


@pytest.mark.parametrize(
    ("address", "settings", "said"),
    [
        ("ftp://127.0.0.1", {}, "an address such as"),
        ("127.0.0.1:8000", {}, "an address such as"),
        (None, {}, "an address such as"),
        ("http://me:hunter2@127.0.0.1/v1", {}, "holds a user name"),
        ("http://127.0.0.1/v1?key=hunter2", {}, "holds a user name"),
        ("http://127.0.0.1/v1", {"samples": 0}, "samples=0"),
        ("http://127.0.0.1/v1", {"timeout": 0}, "timeout=0"),
        ("http://127.0.0.1/v1", {"key_variable": "sk-hunter2"}, "not the key itself"),
        ("http://127.0.0.1/v1", {"api_key": "sk-hunter2"}, "api_key is no setting"),
    ],
)
def test_arguments_that_cannot_work(address: Any, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said) as caught:
        ServerBackend(address, "m", **settings)
    assert "hunter2" not in str(caught.value)


def test_it_is_a_backend_and_shows_itself() -> None:
    asked = ServerBackend("http://127.0.0.1:1/v1/", "m")
    assert isinstance(asked, Backend)
    assert repr(asked).startswith("ServerBackend(base_url='http://127.0.0.1:1/v1', model='m'")
    with pytest.raises(ArgumentError, match="not open"):
        asked.choose([put()], [QUESTION], seed=0, advance=nothing)
