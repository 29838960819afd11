"""The forms of an edit diff: payload, script-free twin, text, plot, file; the word that follows; many facts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from interp_widgets.editing.diff.checks import drawn_rows, outcomes, tallies, worst_first
from interp_widgets.editing.diff.html import diff_html, role_words
from interp_widgets.editing.diff.payload import _role, diff_payload, fact_code, method_words, prompt_words
from interp_widgets.editing.diff.result import EditDiff, SizeOfChange
from interp_widgets.editing.diff.text import text_of
from interp_widgets.editing.diff.verdict import percent
from interp_widgets.editing.fact import Fact
from interp_widgets.results.base import Result
from tests.attribution.test_html import ATTRIBUTES, STYLES, TAGS, Page
from tests.editing.made_diff import FACT, ROWS, make_diff, make_evaluation, make_many, make_sample, make_spoken

FIXTURES = Path(__file__).parents[2] / "labextension/src/__tests__/fixtures"


def hostile() -> EditDiff:
    bad = Fact("</td>{}<script>", subject="<img src=x>", target=" <b>", original=" </style>")
    sample = make_sample(
        "<script>alert(1)</script>",
        before=make_spoken(["<script>", "\u202e", "שלום"]),
        after=make_spoken(["\n", "\u2028", "<!--", "&amp;"]),
    )
    return make_diff(facts=(bad,), samples=(sample,), edit="</b>", others=("<i>codebook",))


def unjudged() -> EditDiff:
    fact = Fact("The capital of {} is", subject="Australia", target=" Canberra")
    return make_diff(facts=(fact,), evaluation=None, alarm=None, changes=(), others=("a codebook of 3 keys",))


MAKERS = [make_diff, make_many, hostile, unjudged]


def test_the_fixture_of_the_view_is_current() -> None:
    assert json.loads((FIXTURES / "edit.json").read_text("utf-8")) == diff_payload(make_diff())
    assert json.loads((FIXTURES / "edit-many.json").read_text("utf-8")) == diff_payload(make_many())


@pytest.mark.parametrize("make", MAKERS)
def test_the_twin_has_the_numbers_of_the_payload(make: Callable[[], EditDiff]) -> None:
    payload = diff_payload(make())
    page = Page(diff_html(payload))
    rows = [row for row in page.rows if row]
    for sample in payload["samples"]:
        for one in sample["next"]:
            assert [one["name"], one["before"], one["after"], role_words(one["role"])] in rows
        for side in sample["texts"]:
            text = "".join(box["text"] for box in payload["boxes"][side["start"] : side["end"]])
            assert sample["prompt"] + text in page.text
    for group in payload["groups"]:
        if len(group["rows"]) != 1 or group["rest"] is not None:
            assert [group["words"], group["before"], group["after"], f"{group['mark']} {group['word']}"] in rows
        for row in group["rows"]:
            sides = [f"{row[side]['name']} {row[side]['label']}" for side in ("before", "after")]
            assert [row["prompt"], *sides, f"{row['mark']} {row['word']}"] in rows
    for one in payload["changes"]:
        assert [one["name"], one["label"], ""] in rows
    for text in (payload["method"], payload["verdict"]["sentence"], *payload["others"]):
        assert text in page.text
    if payload["whole"] is not None:
        for text in (*payload["whole"]["facts"], *payload["whole"]["crossed"]):
            assert text in page.text


@pytest.mark.parametrize("make", MAKERS)
def test_an_untrusted_notebook_keeps_all_of_it(make: Callable[[], EditDiff]) -> None:
    page = Page(diff_html(diff_payload(make())))
    assert set(page.tags) <= TAGS
    assert page.attributes <= ATTRIBUTES
    for style in page.styles:
        for declaration in style.split(";"):
            name, _, value = declaration.partition(":")
            assert re.fullmatch(STYLES[name], value), declaration


@pytest.mark.parametrize("make", MAKERS)
def test_text_plot_and_file(make: Callable[[], EditDiff], tmp_path: Path) -> None:
    result = make()
    text = text_of(diff_payload(result))
    assert text.splitlines()[0].endswith(result.verdict.sentence)
    assert str(result) == text
    figure = result.plot()
    figure.canvas.draw()
    assert len(figure.axes) == 2
    result.save(tmp_path / "diff.safetensors")
    again = Result.load(tmp_path / "diff.safetensors")
    assert isinstance(again, EditDiff)
    assert diff_payload(again) == diff_payload(result)
    assert again.facts == result.facts
    assert len(again.to_frame()) == len(result.to_frame())


def test_what_differs_is_marked_by_words() -> None:
    payload = diff_payload(make_diff())
    first = payload["samples"][0]
    before, after = (
        [(box["text"], box["differs"]) for box in payload["boxes"][side["start"] : side["end"]]]
        for side in first["texts"]
    )
    assert before == [
        (" Sydney", True), (",", False), (" the", False), (" largest", True), (" city", True), (".", False)
    ]  # fmt: skip
    assert after == [(" Can", True), ("berra", True), (",", False), (" the", False), (" seat", True), (".", False)]
    assert payload["boxes"][-1]["tokens"] == [22]
    assert text_of(payload).splitlines()[6].strip() == "The capital of Australia is [Canberra], the [seat]."


def test_rows_have_a_shape_and_a_word() -> None:
    assert outcomes(make_evaluation()) == [
        ("ok", "holds"),
        ("warn", "ahead, not first"),
        ("warn", "not reached"),
        ("ok", "kept"),
        ("bad", "lost"),
        ("ok", "holds"),
        ("warn", "not reached"),
    ]
    turned = [
        ("neighbour", "a", " x", " y", (0.1, 0.2), (0.1, 0.2), False, False),
        ("neighbour", "b", " x", " y", (0.1, 0.2), (0.3, 0.2), False, True),
        ("neighbour", "c", " x", " y", (0.3, 0.2), (0.3, 0.2), True, False),
        ("fact", "d", " x", " y", (0.3, 0.2), (0.1, 0.2), True, False),
    ]
    assert outcomes(make_evaluation(turned)) == [
        ("ok", "wrong before too"),
        ("ok", "right now"),
        ("warn", "no longer first"),
        ("bad", "lost"),
    ]


def test_parts_are_summed_up_in_their_order() -> None:
    found = tallies(make_evaluation())
    assert list(found) == ["fact", "paraphrase", "ripple", "neighbour"]
    assert [(one.before, one.after, one.lost, one.tone) for one in found.values()] == [
        (0, 1, 0, "ok"),
        (0, 1, 0, "warn"),
        (0, 1, 0, "warn"),
        (2, 1, 1, "bad"),
    ]
    groups = {group["key"]: group for group in diff_payload(make_diff())["groups"]}
    assert [groups["neighbour"][name] for name in ("words", "before", "after", "word", "open")] == [
        "2 neighbours", "2 of 2 right", "1 of 2 right", "1 lost", False,
    ]  # fmt: skip
    assert groups["fact"]["rows"][0]["answers"][0] == {
        "name": "·Canberra", "wanted": True, "before": "0.34", "after": "0.96",
    }  # fmt: skip
    assert len(groups["ripple"]["rows"][1]["answers"]) == 1  # nobody said what followed from the original


def test_of_many_the_worst_come_first_and_little_is_sent() -> None:
    many = make_many()
    assert many.evaluation is not None
    assert worst_first(many.evaluation, "fact")[:2] == [196, 198]
    assert len(drawn_rows(many.evaluation, 12)["neighbour"]) == 12
    payload = diff_payload(many)
    facts = payload["groups"][0]
    assert [row["word"] for row in facts["rows"][:3]] == ["not reached", "not reached", "holds"]
    assert facts["rest"] == "12 of 100 facts are shown, the worst first; to_frame() holds all."
    assert len(json.dumps(payload)) < 20_000
    assert payload["title"] == [{"text": "What changed? 100 facts"}]
    assert payload["verdict"]["word"] == "do not trust"
    assert payload["verdict"]["sentence"].startswith("the collapse alarm went off; 98 of 100 facts hold; ")
    assert payload["whole"]["facts"][0] == "perplexity of neutral text 35.4 → no number"


def test_the_word_follows_from_the_numbers() -> None:
    good = [
        ("fact", "a", " x", " y", (0.1, 0.2), (0.9, 0.0001), False, True),
        ("paraphrase", "b", " x", " y", (0.1, 0.2), (0.9, 0.0001), False, True),
        ("neighbour", "c", " x", " y", (0.4, 0.2), (0.4, 0.2), True, True),
    ]
    assert str(make_diff(evaluation=make_evaluation(good)).verdict) == (
        "trust: the fact holds; the paraphrase holds; 1 neighbour kept; largest weight change 14 % of the norm, layer 5"
    )
    alone = make_diff(evaluation=make_evaluation(good[:1])).verdict
    assert alone.word == "caution"
    assert "no paraphrases and no neighbours" in alone.why[0]
    failed = [("fact", "a", " x", " y", (0.1, 0.2), (0.1, 0.2), False, False), *good[1:]]
    assert make_diff(evaluation=make_evaluation(failed)).verdict.word == "do not trust"
    known = [("fact", "a", " x", " y", (0.5, 0.2), (0.9, 0.2), True, True), *good[1:]]
    assert make_diff(evaluation=make_evaluation(known)).verdict.why == (
        "The unedited model says so already: there was nothing to change.",
    )
    second = [("fact", "a", " x", " y", (0.1, 0.2), (0.3, 0.2), False, False), *good[1:]]
    assert make_diff(evaluation=make_evaluation(second)).verdict.sentence.startswith("the fact is ahead, not first; ")
    assert "1 of 2 paraphrases ahead, 0 of them first" in make_diff().verdict.sentence
    large = make_diff(evaluation=make_evaluation(good), changes=(SizeOfChange("layer 5", 5, 0.4),)).verdict
    assert (large.word, "40 %" in large.sentence) == ("caution", True)
    assert unjudged().verdict.sentence == "not judged: no fact has an original answer"
    assert "1 of 2 neighbours lost" in make_diff().verdict.sentence


def test_words_of_small_things() -> None:
    assert [percent(x) for x in (0.141, 0.0823, 0.0034, 0.00001, 0.0, 1.2)] == [
        "14 %", "8.2 %", "0.34 %", "under 0.01 %", "0 %", "120 %",
    ]  # fmt: skip
    assert method_words("MEMIT", (3, 4, 5)) == "MEMIT, layers 3 to 5"
    assert method_words("MEMIT", (3, 5)) == "MEMIT, layers 3, 5"
    assert method_words("GRACE", ()) == "GRACE"
    assert [_role(text, (" Canberra", " Sydney")) for text in (" Can", " Sydney", " the", " ")] == [
        "new", "original", None, None,
    ]  # fmt: skip
    assert _role(" S", (" Sofia", " Sydney")) is None
    assert prompt_words([{"role": "user", "content": "Hi"}]) == "user: Hi"
    assert prompt_words([1, 2]) == "1 2"


def test_the_code_makes_the_same_again() -> None:
    payload = diff_payload(make_diff())
    names: dict[str, object] = {}
    exec(f"import interp_widgets as iw\n{payload['code'].splitlines()[0]}", names)
    assert names["fact"] == FACT
    assert payload["code"].splitlines()[1:] == [
        "e = iw.edit(lm, fact, method='rome', layer=5)",
        "iw.edit_diff(lm, e, prompts=['My flight lands in'])",
    ]
    assert fact_code(Fact("{} is", subject="a", target=" b")) == "iw.Fact('{} is', subject='a', target=' b')"
    assert "layer=[3, 4, 5]" in diff_payload(make_many())["code"]


def test_numbers_that_are_none_are_told() -> None:
    rows = [(*ROWS[0][:4], (0.1, np.nan), (0.2, np.nan), False, False)]
    payload = diff_payload(make_diff(evaluation=make_evaluation(rows)))
    assert len(payload["groups"][0]["rows"][0]["answers"]) == 1
