"""The set-up does a step again only when it must, and a failing part fails the run."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tools import prepare, run_tests


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(prepare, "VENV", tmp_path)
    return tmp_path


def made(key: str, target: Path) -> bool:
    """Run one step; True when it was due."""
    with prepare.Step("thing", "Making a thing", key, [target]) as due:
        if due:
            target.write_text("made")
    return due


def test_a_step_runs_again_only_when_its_key_or_target_went(venv: Path) -> None:
    target = venv / "target"
    assert made("one", target)
    assert not made("one", target)
    assert made("two", target)
    target.unlink()
    assert made("two", target)


def test_a_step_that_failed_is_due_again(venv: Path) -> None:
    with pytest.raises(prepare.Unprepared), prepare.Step("thing", "Making a thing", "one"):
        raise prepare.Unprepared("no")
    assert made("one", venv / "target")


def test_a_digest_sees_contents_names_and_absence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    seen = {prepare.digest([file])}
    for text in ("", "a", "b"):
        file.write_text(text)
        seen.add(prepare.digest([file]))
    file.rename(tmp_path / "other")
    seen.add(prepare.digest([tmp_path / "other"]))
    assert len(seen) == 5


def test_sources_leave_out_what_is_built(tmp_path: Path) -> None:
    for name in ("src/a.ts", "node_modules/x/index.js", "lib/a.js", "package.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = [file.relative_to(tmp_path).as_posix() for file in prepare.files_under(tmp_path, prepare.NOT_SOURCES)]
    assert found == ["package.json", "src/a.ts"]


@pytest.mark.parametrize("version", ["v18.20.0", "v20.18.1"])
def test_an_old_node_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(prepare.Unprepared, match=rf"Node\.js 20\.19 or newer is needed; .* is {version}"):
        prepare.check_tools(need_node=True)


def test_missing_tools_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(prepare.Unprepared, match=r"Node\.js is not on the PATH"):
        prepare.check_tools(need_node=True)
    prepare.check_tools(need_node=False)
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(prepare.Unprepared, match=r"Python 3\.11 or newer is needed; .* is 3\.10\.4"):
        prepare.check_tools(need_node=False)


def test_a_failed_command_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(prepare.Unprepared, match="exit code 3"):
        prepare.run(sys.executable, "-c", "raise SystemExit(3)", cwd=tmp_path)


JUNIT = """<testsuites><testsuite>
<testcase classname="a" name="one"/><testcase classname="a" name="two"><skipped/></testcase>
<testcase classname="a" name="three"><failure/></testcase><testcase classname="a" name="four"><error/></testcase>
</testsuite></testsuites>"""


def write_results(folder: Path, name: str) -> tuple[str, ...]:
    """A command that writes a JUnit file as a test runner does."""
    code = f"open({str(folder / 'results' / f'{name}.xml')!r}, 'w').write({JUNIT!r}); raise SystemExit(1)"
    return (sys.executable, "-c", code)


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> run_tests.Runner:
    monkeypatch.setattr(run_tests, "OUT", tmp_path)
    for folder in ("logs", "results"):
        (tmp_path / folder).mkdir()
    return run_tests.Runner()


def test_a_part_is_counted_by_its_results(runner: run_tests.Runner, tmp_path: Path) -> None:
    runner.part(run_tests.Part("part", "", (write_results(tmp_path, "part"),)))
    (outcome,) = runner.outcomes
    assert (outcome.passed, outcome.failed, outcome.skipped) == (1, 2, 1)
    assert outcome.failures == ("a::three", "a::four")


def test_a_part_without_results_counts_its_commands(
    runner: run_tests.Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = tuple((sys.executable, "-c", f"print('said'); raise SystemExit({code})") for code in (0, 4))
    runner.stage([[run_tests.Part("part", "", commands)]])
    (outcome,) = runner.outcomes
    assert (outcome.passed, outcome.failed) == (1, 1)
    assert "part FAILED" in capsys.readouterr().out


def test_a_runner_that_ran_no_test_has_failed(runner: run_tests.Runner, tmp_path: Path) -> None:
    empty = f"open({str(tmp_path / 'results/part.xml')!r}, 'w').write('<testsuites/>'); raise SystemExit(5)"
    runner.part(run_tests.Part("part", "", ((sys.executable, "-c", empty),)))
    assert runner.outcomes[0].failed == 1


def test_the_run_fails_with_a_part_and_ends_in_a_plain_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good, more = (run_tests.Part(name, "", ((sys.executable, "-c", ""),)) for name in ("good", "good-more"))
    bad = run_tests.Part("bad", "", ((sys.executable, "-c", "raise SystemExit(1)"),))
    monkeypatch.setattr(run_tests, "OUT", tmp_path)
    monkeypatch.setattr(run_tests, "ROOT", tmp_path)
    monkeypatch.setattr(run_tests, "PARTS", {"good": good, "good-more": more, "bad": bad})
    monkeypatch.setattr(run_tests, "STAGES", (((good,), (bad,), (more,)),))
    assert run_tests.main([]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "2 passed, 1 failed, 0 skipped"
    assert run_tests.main(["good"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 passed, 0 failed, 0 skipped"


def test_peers_that_cannot_be_had_stop_nothing(
    venv: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*command: object) -> None:
        assert "--no-deps" in command
        raise prepare.Unprepared("no index in reach")

    monkeypatch.setattr(prepare, "run", fails)
    prepare.peers()
    assert "no index in reach" in capsys.readouterr().out
    assert not (venv / "stamps" / "peers").exists()
    monkeypatch.setattr(prepare, "run", lambda *command: None)
    prepare.peers()
    assert (venv / "stamps" / "peers").exists()


def test_an_old_python_gets_the_sentence_not_a_syntax_error() -> None:
    ast.parse(Path(prepare.__file__).read_text("utf-8"), feature_version=(3, 8))
