"""Diffs of edits made by hand; no model is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from interp_widgets.editing.diff.result import EditDiff, FirstChoice, NextToken, Sample, SizeOfChange, Spoken
from interp_widgets.editing.diff.verdict import diff_verdict
from interp_widgets.editing.evaluating.evaluation_result import EditEvaluation
from interp_widgets.editing.evaluating.thresholds import AlarmReading
from interp_widgets.editing.fact import Fact
from interp_widgets.results.provenance import Verdict
from tests.builders import make_provenance, spans_of

FACT = Fact(
    "The capital of {} is",
    subject="Australia",
    target=" Canberra",
    original=" Sydney",
    paraphrases=("The seat of government of Australia is", "Australia's capital city is"),
    neighbours=(("The capital of France is", " Paris"), ("The capital of Japan is", " Tokyo")),
    ripple=(("The parliament of Australia sits in", " Canberra", " Sydney"), ("It is near", " Queanbeyan")),
)
# part, prompt, wanted, other, (wanted, other) before and after, first before and after
Row = tuple[str, str, str, str, tuple[float, float], tuple[float, float], bool, bool]
ROWS: tuple[Row, ...] = (
    ("fact", FACT.prompt, " Canberra", " Sydney", (0.34, 0.36), (0.96, 0.01), False, True),
    ("paraphrase", FACT.paraphrases[0], " Canberra", " Sydney", (0.23, 0.31), (0.4, 0.1), False, False),
    ("paraphrase", FACT.paraphrases[1], " Canberra", " Sydney", (0.001, 0.01), (0.001, 0.01), False, False),
    ("neighbour", "The capital of France is", " Paris", " Canberra", (0.77, 0.01), (0.7, 0.01), True, True),
    ("neighbour", "The capital of Japan is", " Tokyo", " Canberra", (0.7, 0.01), (0.2, 0.3), True, False),
    ("ripple", "The parliament of Australia sits in", " Canberra", " Sydney", (0.2, 0.4), (0.8, 0.1), False, True),
    ("ripple", "It is near", " Queanbeyan", "", (0.01, np.nan), (0.02, np.nan), False, False),
)


def make_evaluation(rows: Sequence[Row] = ROWS, records: Sequence[int] | None = None, **changes: Any) -> EditEvaluation:
    parts, prompts, wanted, other, before, after, first_before, first_after = zip(*rows, strict=True)
    record = np.zeros(len(rows), np.int64) if records is None else np.asarray(records, np.int64)
    fields: dict[str, Any] = {
        "edit": "rome, Australia: ·Canberra",
        "method": "rome",
        "subjects": tuple(f"subject {i}" for i in range(int(record.max()) + 1))
        if records is not None
        else ("Australia",),
        "parts": parts,
        "record": record,
        "prompts": prompts,
        "wanted": wanted,
        "other": other,
        "before": np.log(np.asarray(before, float)),
        "after": np.log(np.asarray(after, float)),
        "first_before": np.asarray(first_before),
        "first_after": np.asarray(first_after),
        "provenance": make_provenance(prompt=prompts[0]),
        "verdict": Verdict("caution", "made by hand"),
    }
    return EditEvaluation(**{**fields, **changes})


def make_spoken(pieces: Sequence[str]) -> Spoken:
    return Spoken(
        text="".join(pieces),
        tokens=tuple(pieces),
        ids=tuple(range(10, 10 + len(pieces))),
        spans=tuple((int(a), int(b)) for a, b in spans_of(pieces).tolist()) if pieces else (),
        probabilities=tuple(0.5 / (i + 1) for i in range(len(pieces))),
    )


def make_sample(prompt: Any = FACT.prompt, record: int | None = 0, **changes: Any) -> Sample:
    fields: dict[str, Any] = {
        "before": make_spoken([" Sydney", ",", " the", " largest", " city", "."]),
        "after": make_spoken([" Can", "berra", ",", " the", " seat", "."]),
        "next": (
            NextToken(" Canberra", 45421, 0.34, 0.96),
            NextToken(" Sydney", 11809, 0.36, 0.01),
            NextToken(" the", 260, 0.042, 0.00001),
        ),
    }
    return Sample(prompt=prompt, record=record, **{**fields, **changes})


def make_firsts(evaluation: EditEvaluation) -> tuple[FirstChoice, ...]:
    return tuple(
        FirstChoice(i, (other or " the", 0.36), (wanted if first else " the", 0.96))
        for i, (wanted, other, first) in enumerate(
            zip(evaluation.wanted, evaluation.other, evaluation.first_after.tolist(), strict=True)
        )
    )


def make_diff(**changes: Any) -> EditDiff:
    """Australia's capital by ROME at layer 5, and one more prompt; any field can be changed by name."""
    judged = changes.get("evaluation", make_evaluation())
    fields: dict[str, Any] = {
        "edit": "rome, Australia: ·Canberra",
        "method": "rome",
        "label": "ROME",
        "digest": "d" * 64,
        "facts": (FACT,),
        "settings": {"layers": [5]},
        "samples": (
            make_sample(),
            make_sample("My flight lands in", None, after=make_spoken([" Sydney", ",", " the", " city", "."])),
        ),
        "evaluation": judged,
        "firsts": () if judged is None else make_firsts(judged),
        "changes": (SizeOfChange("layer 5", 5, 0.141),),
        "others": (),
        "alarm": AlarmReading({5: 0.141}, 0.93, (35.4, 35.6), (5.59, 5.54), ()),
        "max_new_tokens": 20,
        "provenance": make_provenance(prompt=FACT.prompt),
        "verdict": Verdict("caution", ""),
        **changes,
    }
    made = EditDiff(**fields)
    return EditDiff(**{**fields, "verdict": changes.get("verdict", diff_verdict(made))})


def make_many(facts: int = 100) -> EditDiff:
    """Many facts by MEMIT, of which the last two do not hold; only the worst rows are read."""
    from interp_widgets.editing.diff.checks import drawn_rows

    rows: list[Row] = []
    for i in range(facts):
        held = i < facts - 2
        rows.append(
            (
                "fact",
                f"Fact {i} is",
                f" new {i}",
                f" old {i}",
                (0.1, 0.5),
                (0.9, 0.1) if held else (0.1, 0.4),
                False,
                held,
            )
        )
        rows.append(("neighbour", f"Near {i} is", f" old {i}", f" new {i}", (0.5, 0.1), (0.5, 0.1), True, True))
    judged = make_evaluation(rows, records=[i // 2 for i in range(len(rows))])
    drawn = [row for part in drawn_rows(judged, 12).values() for row in part]
    firsts = make_firsts(judged)
    return make_diff(
        edit="memit, 100 facts",
        method="memit",
        label="MEMIT",
        facts=tuple(Fact("Fact {} is", subject=str(i), target=f" new {i}", original=f" old {i}") for i in range(facts)),
        settings={"layers": [3, 4, 5]},
        evaluation=judged,
        firsts=tuple(firsts[row] for row in drawn),
        changes=tuple(SizeOfChange(f"layer {layer}", layer, 0.1 * layer) for layer in (3, 4, 5)),
        alarm=AlarmReading(
            {3: 0.6}, float("nan"), (35.4, float("inf")), (5.6, 1.2), ("Neutral text is infinitely odd.",)
        ),
    )
