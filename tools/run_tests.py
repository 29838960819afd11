"""Run every test, or the parts that are named, and say at the end which part failed.

The first parts run two at a time, with one thread each (two cores are enough for it); the browser comes after them,
alone, because it times real people's waits, and last the rehearsal, which grades two students at a time.
Each part writes its own log under `.make/logs/`, which is printed when the part ends, so that two lanes never mix their
lines.  The exit code is 0 only when every part passed.

    python tools/run_tests.py                 # all
    python tools/run_tests.py lint python     # these; notebooks takes notebooks-06 and the like too
    python tools/run_tests.py --list
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / ".make"
BIN = Path(sys.executable).parent
# matplotlib's list of fonts: the person's own may be stale, and building one on the way writes to stderr when slow.
FONTS = OUT / "matplotlib"


@dataclass(frozen=True)
class Part:
    """Commands run one after the other.  A part that writes a JUnit file counts its tests, others their commands."""

    name: str
    says: str
    commands: tuple[tuple[str, ...], ...]
    folder: str = "."
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    part: str
    seconds: float
    passed: int
    failed: int
    skipped: int
    failures: tuple[str, ...]


AT_A_TIME = 2
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


def pytest_part(name: str, says: str, marks: str, env: dict[str, str] | None = None, names: str = "") -> Part:
    command = (
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--durations=8",
        "-m",
        marks,
        f"--junitxml={OUT}/results/{name}.xml",
        *(("-k", names) if names else ()),
    )
    return Part(name, says, (command,), env=env or {})


def python(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *words)


LINT = Part(
    "lint",
    "ruff and mypy",
    (python("ruff", "check", "."), python("ruff", "format", "--check", "."), python("mypy")),
)
FRONT_LINT = Part(
    "front-lint",
    "eslint, prettier and tsc",
    (("npm", "run", "--silent", "lint"), ("npm", "run", "--silent", "typecheck")),
    folder="labextension",
)
VITEST_REPORTS = ("--reporter=default", "--reporter=junit", f"--outputFile.junit={OUT}/results/front.xml")
VITEST = Part("front", "TypeScript tests", (("npm", "test", "--silent", "--", *VITEST_REPORTS),), folder="labextension")
PYTHON = pytest_part(
    "python", "Python tests", "not browser and not notebooks and not rehearsal and not wheel", ONE_THREAD
)
WHEEL = pytest_part("wheel", "the built wheel, on a PATH without node", "wheel")
# Of each lab two copies run; the parts are such that two lanes, one of them with the Python tests, end together.
LABS = {
    "notebooks-06": ("the notebook of mass editing", ("lab06",)),
    "notebooks-later": ("the notebooks of labs 05, 07 and 08", ("lab05", "lab07", "lab08")),
    "notebooks-middle": ("the notebooks of labs 03 and 04", ("lab03", "lab04")),
}
ELSE = " and ".join(f"not {lab}" for _, labs in LABS.values() for lab in labs)
NOTEBOOKS = (
    *(pytest_part(name, says, "notebooks", ONE_THREAD, " or ".join(labs)) for name, (says, labs) in LABS.items()),
    pytest_part("notebooks", "the notebooks before them", "notebooks", ONE_THREAD, ELSE),
)
REHEARSAL = pytest_part("rehearsal", "a class through nbgrader: collect, grade, feedback, marks", "rehearsal")
BROWSER = pytest_part("browser", "a real JupyterLab in a real Chromium", "browser")

# Stages follow each other; of a stage's lanes two run side by side; the parts of a lane follow each other.
STAGES: tuple[tuple[tuple[Part, ...], ...], ...] = (
    ((LINT, FRONT_LINT, VITEST, WHEEL, PYTHON), *((part,) for part in NOTEBOOKS)),
    ((BROWSER, REHEARSAL),),
)
PARTS = {part.name: part for stage in STAGES for lane in stage for part in lane}


def in_short(words: tuple[str, ...]) -> str:
    """A command as a person would type it."""
    return " ".join([Path(words[0]).name, *words[1:]])


def count(results: Path) -> tuple[int, int, int, tuple[str, ...]]:
    """(passed, failed, skipped, names of failures) of a JUnit file."""
    passed = failed = skipped = 0
    names: list[str] = []
    for case in ElementTree.parse(results).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            names.append(f"{case.get('classname', '')}::{case.get('name', '')}")
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped, tuple(names)


class Runner:
    """Runs parts, keeps their outcomes, and ends what is still running when the person presses Ctrl-C."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.running: set[subprocess.Popen[bytes]] = set()
        self.stopped = False
        self.voice = threading.Lock()  # one log at a time on the screen

    def command(self, part: Part, words: tuple[str, ...], log: Path) -> int:
        environment = {**os.environ, **part.env}
        environment["PATH"] = os.pathsep.join([str(BIN), os.environ.get("PATH", "")])
        environment["MPLCONFIGDIR"] = str(FONTS)
        with log.open("ab") as sink:
            sink.write(f"$ {' '.join(words)}\n".encode())
            sink.flush()
            process = subprocess.Popen(
                [shutil.which(words[0], path=environment["PATH"]) or words[0], *words[1:]],
                cwd=ROOT / part.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.running.add(process)
            try:
                return process.wait()
            finally:
                self.running.discard(process)

    def part(self, part: Part) -> None:
        log, results = OUT / "logs" / f"{part.name}.log", OUT / "results" / f"{part.name}.xml"
        log.unlink(missing_ok=True)
        results.unlink(missing_ok=True)
        with self.voice:
            print(f"--> {part.name}: {part.says}", flush=True)
        started = time.monotonic()
        codes = [self.command(part, words, log) for words in part.commands if not self.stopped]
        seconds = time.monotonic() - started
        if results.is_file():
            passed, failed, skipped, failures = count(results)
        else:
            failed, skipped = sum(map(bool, codes)), 0
            passed = len(codes) - failed
            failures = tuple(in_short(words) for words, code in zip(part.commands, codes, strict=False) if code)
        if any(codes) and not failed:  # the runner itself failed: no test was collected, or it was stopped
            failed, failures = 1, (f"{part.name} ended with exit code {max(codes, key=abs)}",)
        outcome = Outcome(part.name, seconds, passed, failed, skipped, failures)
        with self.voice:
            self.outcomes.append(outcome)
            print(f"\n=== {part.name} {'FAILED' if failed else 'passed'} after {seconds:.0f} s ===", flush=True)
            sys.stdout.write(log.read_text("utf-8", errors="replace"))
            print(flush=True)

    def lane(self, parts: list[Part]) -> None:
        for part in parts:
            if not self.stopped:
                self.part(part)

    def stage(self, lanes: list[list[Part]]) -> None:
        waiting = iter(lanes)

        def work() -> None:
            for lane in waiting:
                self.lane(lane)

        threads = [threading.Thread(target=work) for _ in range(AT_A_TIME)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def stop(self) -> None:
        self.stopped = True
        for process in list(self.running):
            os.killpg(process.pid, signal.SIGTERM)


def summary(outcomes: list[Outcome], seconds: float) -> None:
    print(f"\n{'part':<17}{'seconds':>8}{'passed':>8}{'failed':>8}{'skipped':>9}")
    for one in sorted(outcomes, key=lambda outcome: list(PARTS).index(outcome.part)):
        print(f"{one.part:<17}{one.seconds:>8.0f}{one.passed:>8}{one.failed:>8}{one.skipped:>9}")
        for name in one.failures:
            print(f"    failed: {name}")
    print(f"logs in {(OUT / 'logs').relative_to(ROOT)}, {seconds / 60:.1f} minutes in all\n")
    passed, failed, skipped = (sum(getattr(one, what) for one in outcomes) for what in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Run every test, or the parts that are named.")
    parser.add_argument("parts", nargs="*", metavar="part", help="all when none is named")
    parser.add_argument("--list", action="store_true", help="name the parts and stop")
    asked = parser.parse_args(arguments)
    if asked.list:
        for part in PARTS.values():
            print(f"{part.name:<17}{part.says}")
        return 0
    unknown = [name for name in asked.parts if name not in PARTS]
    if unknown:
        parser.error(f"no part named {', '.join(unknown)}; there are {', '.join(PARTS)}")
    chosen = {part for part in PARTS for name in asked.parts or PARTS if part == name or part.startswith(f"{name}-")}
    for folder in ("logs", "results"):
        (OUT / folder).mkdir(parents=True, exist_ok=True)

    listing = (sys.executable, "-c", "import matplotlib.font_manager")
    subprocess.run(listing, env={**os.environ, "MPLCONFIGDIR": str(FONTS)}, check=False)
    runner, started = Runner(), time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for stage in STAGES:
            lanes = [[part for part in lane if part.name in chosen] for lane in stage]
            runner.stage([lane for lane in lanes if lane])
    except KeyboardInterrupt:
        runner.stop()
        print("\nstopped", file=sys.stderr)
        return 130
    summary(runner.outcomes, time.monotonic() - started)
    return 1 if any(outcome.failed for outcome in runner.outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
