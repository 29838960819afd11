"""What a regression suite found, as text and as JUnit XML."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from interp_widgets.results.numbers import plain
from interp_widgets.results.text import named
from interp_widgets.storage import atomic_file


@dataclass(frozen=True)
class Case:
    """One prompt: the answer that must lead, the best other one ("" if the answer must be the first choice), whether it
    holds, and by how much it leads, in log-probability a token (nan without another)."""

    part: str
    subject: str
    prompt: str
    answer: str
    rival: str
    holds: bool
    lead: float

    @property
    def told(self) -> str:
        """What is wrong with it."""
        if not self.rival:
            return f"{named(self.answer)} is not the first choice"
        return f"{named(self.rival)} is above {named(self.answer)} by {plain(-self.lead)} log-probability a token"


@dataclass(frozen=True)
class Verification:
    """cases: in the order of the suite; at_least: part -> share that must hold; perplexity, at_most: or None"""

    cases: tuple[Case, ...]
    at_least: dict[str, float]
    perplexity: float | None
    at_most: float | None
    model: str

    @property
    def shares(self) -> dict[str, float]:
        """Part -> share of its prompts that hold."""
        found: dict[str, list[bool]] = {}
        for case in self.cases:
            found.setdefault(case.part, []).append(case.holds)
        return {part: sum(holds) / len(holds) for part, holds in found.items()}

    @property
    def short(self) -> tuple[str, ...]:
        """The parts that hold less than they must."""
        return tuple(part for part, share in self.shares.items() if share < self.at_least.get(part, 0.0))

    @property
    def fluent(self) -> bool:
        """True where the perplexity is within its limit, or has none."""
        return self.perplexity is None or self.at_most is None or self.perplexity <= self.at_most

    @property
    def passed(self) -> bool:
        return self.fluent and not self.short

    def __str__(self) -> str:
        lines = [f"{'passed' if self.passed else 'FAILED'}: {self.model}"]
        for part, share in self.shares.items():
            n = sum(case.part == part for case in self.cases)
            limit = f", at least {100 * self.at_least[part]:.0f} %" if part in self.at_least else ""
            mark = "   <- too few" if part in self.short else ""
            lines.append(f"  {part:<14} {100 * share:5.1f} % of {n}{limit}{mark}")
        if self.perplexity is not None:
            mark = "" if self.fluent else "   <- too high"
            lines.append(f"  {'perplexity':<14} {self.perplexity:.2f}, at most {self.at_most:.2f}{mark}")
        lines += [
            f"  {case.part} failed: {case.prompt!r}: {case.told}"
            for case in self.cases
            if not case.holds and case.part in self.short
        ]
        return "\n".join(lines)

    def save_junit(self, path: str | os.PathLike[str]) -> Path:
        """Write JUnit XML: one test case for each prompt, and one for the perplexity. A prompt that does not hold is a
        failure where its part holds too few, and else skipped, with the reason. Raises DiskFullError."""
        root = ElementTree.Element("testsuites")
        for part in self.shares:
            cases = [case for case in self.cases if case.part == part]
            bad = [case for case in cases if not case.holds]
            short = part in self.short
            told = f"{100 * self.shares[part]:.1f} % hold, {100 * self.at_least.get(part, 0.0):.0f} % must"
            suite = _suite(root, part, len(cases), len(bad) if short else 0, 0 if short else len(bad))
            for case in cases:
                name = f"{case.prompt} ->{case.answer}"
                element = ElementTree.SubElement(
                    suite, "testcase", classname=f"{part}.{case.subject}", name=_clean(name)
                )
                if not case.holds:
                    kind = "failure" if short else "skipped"
                    ElementTree.SubElement(element, kind, message=_clean(f"{case.told}; {part}: {told}"))
        if self.perplexity is not None:
            suite = _suite(root, "perplexity", 1, int(not self.fluent), 0)
            element = ElementTree.SubElement(suite, "testcase", classname="perplexity", name="of neutral text")
            if not self.fluent:
                message = f"{self.perplexity:.2f}, at most {self.at_most:.2f}"
                ElementTree.SubElement(element, "failure", message=message)
        ElementTree.indent(root)
        with atomic_file(path) as temporary:
            ElementTree.ElementTree(root).write(temporary, encoding="utf-8", xml_declaration=True)
        return Path(path)


def _suite(root: ElementTree.Element, name: str, tests: int, failures: int, skipped: int) -> ElementTree.Element:
    counts = {"tests": tests, "failures": failures, "errors": 0, "skipped": skipped}
    return ElementTree.SubElement(root, "testsuite", {"name": name, **{key: str(n) for key, n in counts.items()}})


def _clean(text: str) -> str:
    """Without the control characters that XML has no way to write."""
    return "".join(character if character.isprintable() else named(character) for character in text)
