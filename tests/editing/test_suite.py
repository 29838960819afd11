"""A regression suite: made of an edit, kept in a file, run from the command line, told in JUnit XML."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import interp_widgets as iw
from interp_widgets.editing.__main__ import main
from interp_widgets.editing.evaluating.country_facts import Question
from interp_widgets.editing.evaluating.fluency import perplexity_of
from interp_widgets.editing.evaluating.suite import EditSuite
from interp_widgets.editing.evaluating.verification import Case, Verification
from interp_widgets.errors import ArgumentError, FileFormatError
from interp_widgets.models import loading
from interp_widgets.models.answers import score_answers
from tests.editing.test_edit import make_edit
from tests.editing.test_evaluation import FACTS
from tests.tiny import make_lm

KEPT = (
    Question("capital", "The capital of France is", " Paris", (" Sydney", " warm")),
    Question("room", "She opened the window because the room was", " warm", (" Paris", " not", " numpy")),
)


def make_suite(**changes: Any) -> EditSuite:
    return EditSuite(**{"facts": FACTS, "kept": KEPT, "at_least": {}, **changes})


def test_an_answer_holds_where_it_leads(any_lm: Any) -> None:
    found = make_suite().verify(any_lm)
    assert [case.part for case in found.cases].count("preservation") == 2
    for case in found.cases:
        if case.rival:
            one, other = score_answers(any_lm, [(case.prompt, case.answer), (case.prompt, case.rival)]).mean
            assert case.holds == (one > other)
            assert case.lead == pytest.approx(one - other, abs=1e-4)
        else:
            assert case.holds == score_answers(any_lm, [(case.prompt, case.answer)]).first[0]
            assert math.isnan(case.lead)
    kept = found.cases[-1]
    every = score_answers(any_lm, [(kept.prompt, wrong) for wrong in KEPT[1].wrong]).mean
    assert kept.rival == KEPT[1].wrong[int(every.argmax())]


def test_it_is_what_the_edit_reaches_less_three_points() -> None:
    lm = make_lm("llama")
    edit = make_edit(lm)
    suite = EditSuite.from_edit(lm, edit, FACTS, preservation=0)
    with lm.using(edit):
        found = make_suite(kept=()).verify(lm)
        assert suite.perplexity == pytest.approx(1.05 * perplexity_of(lm), abs=0.01)
        assert suite.verify(lm).passed
    for part, share in found.shares.items():
        due = share if part == "fact" else share - 0.03
        assert suite.at_least[part] == pytest.approx(max(math.floor(100 * due + 1e-9) / 100, 0))
    lm.ledger.add(edit)
    assert EditSuite.from_edit(lm, edit, FACTS, preservation=0) == suite
    with pytest.raises(ArgumentError, match="facts is empty"):
        EditSuite.from_edit(lm, edit.parts[0], preservation=0)


def test_the_file_is_readable_and_comes_back(tmp_path: Path) -> None:
    suite = make_suite(at_least={"fact": 1.0, "preservation": 0.5}, perplexity=40.0, model="tiny")
    path = suite.save(tmp_path / "suite.json")
    text = path.read_text("utf-8")
    assert '"The capital of France is"' in text
    assert len(text.splitlines()) > 50
    assert EditSuite.load(path) == suite


def verification(*holds: bool, **changes: Any) -> Verification:
    cases = tuple(
        Case(
            "paraphrase",
            "Australia",
            f"Prompt {i} \x07",
            " Canberra",
            " Sydney" if i else "",
            one,
            1.0 if one else -0.5,
        )
        for i, one in enumerate(holds)
    )
    return Verification(
        **{
            "cases": cases,
            "at_least": {"paraphrase": 0.75},
            "perplexity": 20.0,
            "at_most": 21.0,
            "model": "tiny",
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("found", "passed"),
    [
        (verification(True, True, True, True), True),
        (verification(True, True, True, False), True),
        (verification(True, True, False, False), False),
        (verification(False, False, at_least={}), True),
        (verification(True, perplexity=21.5), False),
        (verification(True, perplexity=math.inf), False),
        (verification(True, perplexity=None, at_most=None), True),
    ],
)
def test_it_passes_where_every_part_holds_enough(found: Verification, passed: bool, tmp_path: Path) -> None:
    assert found.passed == passed
    assert str(found).startswith("passed" if passed else "FAILED")
    root = ElementTree.parse(found.save_junit(tmp_path / "out.xml")).getroot()
    cases = list(root.iter("testcase"))
    assert len(cases) == len(found.cases) + (found.perplexity is not None)
    assert (len(list(root.iter("failure"))) == 0) == passed
    for suite in root.iter("testsuite"):
        own = list(suite.iter("testcase"))
        assert suite.get("tests") == str(len(own))
        assert suite.get("failures") == str(len(list(suite.iter("failure"))))
        assert suite.get("skipped") == str(len(list(suite.iter("skipped"))))
    for case, element in zip(found.cases, cases, strict=False):
        assert (len(element) == 0) == case.holds
        assert element.get("classname") == "paraphrase.Australia"
        name = element.get("name") or ""
        assert name.startswith(case.prompt.partition("\x07")[0])
        assert name.endswith("-> Canberra")


def test_the_reason_is_in_the_report(tmp_path: Path) -> None:
    found = verification(False, False, True)
    told = [one.get("message") or "" for one in ElementTree.parse(found.save_junit(tmp_path / "x.xml")).iter("failure")]
    assert told[0] == "·Canberra is not the first choice; paraphrase: 33.3 % hold, 75 % must"
    assert told[1].startswith("·Sydney is above ·Canberra by 0.50 log-probability a token")
    assert "·Sydney is above ·Canberra" in str(found)


def test_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lm = make_lm("llama")
    edit = lm.ledger.add(make_edit(lm))
    suite = EditSuite.from_edit(lm, edit, FACTS, preservation=0).save(tmp_path / "suite.json")
    edit.save(tmp_path / "edit.safetensors")
    asked: list[str] = []

    def load_model(name: str) -> Any:
        asked.append(name)
        return make_lm("llama")

    monkeypatch.setattr(loading, "load_model", load_model)
    junit = tmp_path / "out.xml"
    words = ["verify", str(suite), "--edit", str(tmp_path / "edit.safetensors"), "--junit", str(junit)]
    assert main([*words, "--model", "tiny"]) == 0
    assert capsys.readouterr().out.startswith("passed: tiny llama")
    assert ElementTree.parse(junit).getroot().find(".//failure") is None
    # A suite that asks for more than there is fails, and the file says where.
    document = json.loads(suite.read_text("utf-8"))
    document["at_least"], document["perplexity_at_most"] = {"ripple": 1.0, "neighbour": 1.0}, 1.5
    suite.write_text(json.dumps(document), "utf-8")
    assert main(words) == 1
    assert capsys.readouterr().out.startswith("FAILED")
    failures = ElementTree.parse(junit).findall(".//testsuite[@name='perplexity']//failure")
    assert [one.get("message", "").endswith("at most 1.50") for one in failures] == [True]
    assert asked == ["tiny", "smollm2"]
    assert main(["verify", str(tmp_path / "none.json")]) == 2
    assert "FileNotFoundError" in capsys.readouterr().err
    edit.undo()
    other = make_lm("llama", seed=1)
    other.ledger.add(iw.Ablation(layer=1, site="mlp_out")).save(tmp_path / "other.safetensors")
    assert main(["verify", str(suite), "--edit", str(tmp_path / "other.safetensors")]) == 2
    assert "FingerprintMismatchError" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["verfy"])
    assert stopped.value.code == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"interp_widgets": "ledger"}, 'no edit suite: it has no "interp_widgets": "edit suite"'),
        ({"version": 9}, "has version 9; this Interp Widgets reads up to 1"),
        ({"facts": {}}, "'facts' is not a list"),
        ({"facts": []}, "facts is empty"),
        ({"facts": ["Canberra"]}, r"facts\[0\] cannot be read: 'Canberra' is no fact"),
        ({"facts": [{"template": "{} is", "subject": "X"}]}, r"facts\[0\] cannot be read: a fact has no 'target'"),
        ({"facts": [{"template": "X is", "subject": "X", "target": " Y"}]}, r"facts\[0\].*0 places for the subject"),
        ({"preservation": [{"prompt": "X is"}]}, r"preservation\[0\] cannot be read: .*answer, kind, prompt, wrong"),
        (
            {"preservation": [{"kind": "a", "prompt": "X", "answer": " Y", "wrong": []}]},
            "'wrong' a list of one text at least",
        ),
        ({"at_least": {"facts": 1}}, r"at_least has facts=1\.0; parts are fact, paraphrase"),
        ({"at_least": {"fact": 93}}, r"shares 0 to 1"),
        ({"at_least": ["fact"]}, "has no attribute 'items'"),
        ({"perplexity_at_most": "low"}, "could not convert"),
        ({"perplexity_at_most": 0.5}, r"perplexity=0\.5"),
    ],
)
def test_a_bad_file_is_told(change: dict[str, Any], told: str, tmp_path: Path) -> None:
    path = make_suite().save(tmp_path / "suite.json")
    document = {**json.loads(path.read_text("utf-8")), **change}
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(FileFormatError, match=told) as caught:
        EditSuite.load(path)
    assert "suite.json" in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[]", b"null"])
def test_no_json_is_told(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "suite.json"
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match=r"suite\.json is no (JSON|edit suite)"):
        EditSuite.load(path)
