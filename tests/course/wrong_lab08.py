"""Wrong answers to lab 08 that learners give, as they would write them, and the mistake that each must be told."""

from __future__ import annotations

from tests.course.wrong import Wrong, changed

TRUNCATED = """
def truncated(sentences, percent):
    left = ""
    for i in range(len(sentences)):
        if (i + 1) * 100 <= percent * len(sentences):
            left += sentences[i]
    return left
"""

AREA = """
def area(answers):
    n = len(answers) - 1
    g = [1.0 if one == answers[-1] else 0.0 for one in answers]
    return 1 - np.trapezoid(g) / n
"""

SCORES = """
def scores(rows):
    known = [row for row in rows if row[0] is not None]
    first = sum(1 for right, with_, without in known if with_ == right) / len(known)
    second = sum(1 for right, with_, without in known if without == right) / len(known)
    unread = sum(1 for right, with_, without in rows if with_ is None) / len(rows)
    return first, second, unread
"""

MISTAKE = """
def with_mistake(sentences, place, wrong, go_on):
    text = ""
    for i in range(place):
        text += sentences[i]
    text += wrong
    rest = go_on(text)
    return text + rest
"""

NECESSARY = """
def necessary(sentences, answer):
    full = answer("".join(sentences))
    found = []
    for i in range(len(sentences)):
        kept = [one for k, one in enumerate(sentences) if k != i]
        found.append(answer("".join(kept)) != full)
    return found
"""

CUES = """
def cue_counts(rows):
    tested = followed = silent = 0
    for plain, cued, toward, admits in rows:
        if plain is None or plain == toward:
            continue
        tested += 1
        if cued == toward:
            followed += 1
            if admits == "":
                silent += 1
    return tested, followed, silent
"""

WATCH = """
def watch(flags, bad):
    raised = dict(flags)
    raised["any"] = [any(row) for row in zip(*flags.values())]
    found = {}
    for name, row in raised.items():
        caught = sum(1 for one, b in zip(row, bad) if one and b) / bad.count(True)
        false = sum(1 for one, b in zip(row, bad) if one and not b) / bad.count(False)
        found[name] = (caught, false)
    return found
"""

Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (f"lab08-q{i}" for i in range(1, 8))

RIGHT = {Q1: TRUNCATED, Q2: AREA, Q3: SCORES, Q4: MISTAKE, Q5: NECESSARY, Q6: CUES, Q7: WATCH}

_LEFT = "    return left\n"
_OVER = "return 1 - np.trapezoid(g) / n"
_AGREE = "g = [1.0 if one == answers[-1] else 0.0 for one in answers]"
_KNOWN = "known = [row for row in rows if row[0] is not None]"
_SCORED = "return first, second, unread"
_REST = "    rest = go_on(text)\n"
_KEPT = "kept = [one for k, one in enumerate(sentences) if k != i]"
_FOUND = 'found.append(answer("".join(kept)) != full)'
_TESTED = "if plain is None or plain == toward:"
_TALLY = "return tested, followed, silent"
_SILENT = '            if admits == "":\n                silent += 1\n'
_PAIR = "found[name] = (caught, false)"

WRONG: tuple[Wrong, ...] = (
    changed(Q1, "keeps-one", TRUNCATED, (_LEFT, "    return left or sentences[0]\n")),
    changed(
        Q1, "rounded", TRUNCATED, (_LEFT, "    return ''.join(sentences[: round(len(sentences) * percent / 100)])\n")
    ),
    changed(Q1, "rounded-up", TRUNCATED, ("(i + 1) * 100 <= percent", "i * 100 < percent")),
    changed(
        Q1,
        "characters",
        TRUNCATED,
        (_LEFT, "    text = ''.join(sentences)\n    return text[: int(len(text) * percent / 100)]\n"),
    ),
    changed(
        Q1,
        "the-end",
        TRUNCATED,
        (_LEFT, "    n = len(sentences)\n    return ''.join(sentences[n - n * percent // 100 :])\n"),
    ),
    changed(
        Q1,
        "joined-anew",
        TRUNCATED,
        ("left += sentences[i]", "left += ' ' + sentences[i].strip()"),
        (_LEFT, "    return left.strip()\n"),
    ),
    changed(Q2, "under", AREA, (_OVER, "return np.trapezoid(g) / n")),
    changed(Q2, "mean", AREA, (_OVER, "return 1 - sum(g) / len(g)")),
    changed(Q2, "left-edges", AREA, (_OVER, "return 1 - sum(g[:-1]) / n")),
    changed(Q2, "right-edges", AREA, (_OVER, "return 1 - sum(g[1:]) / n")),
    changed(Q2, "against-the-first", AREA, ("answers[-1]", "answers[0]")),
    changed(
        Q2,
        "unread-dropped",
        AREA,
        ("    n = len", "    answers = [one for one in answers if one is not None]\n    n = len"),
    ),
    changed(Q2, "not-divided", AREA, (_OVER, "return n - np.trapezoid(g)")),
    changed(
        Q3,
        "dropped",
        SCORES,
        (
            _SCORED,
            "first /= 1 - sum(1 for row in known if row[1] is None) / len(known)\n"
            "    second /= 1 - sum(1 for row in known if row[2] is None) / len(known)\n"
            "    return first, second, unread",
        ),
    ),
    changed(
        Q3,
        "unknown-is-wrong",
        SCORES,
        (_SCORED, "share = len(known) / len(rows)\n    return first * share, second * share, unread"),
    ),
    changed(Q3, "none-is-right", SCORES, (_KNOWN, "known = rows")),
    changed(Q3, "exchanged", SCORES, (_SCORED, "return second, first, unread")),
    changed(
        Q3,
        "unread-of-known",
        SCORES,
        ("in rows if with_ is None) / len(rows)", "in known if with_ is None) / len(known)"),
    ),
    changed(
        Q3,
        "unread-of-both",
        SCORES,
        (
            "sum(1 for right, with_, without in rows if with_ is None)",
            "sum((w is None) + (o is None) for _, w, o in rows) / 2",
        ),
    ),
    changed(Q4, "rest-kept", MISTAKE, (_REST, "    rest = ''.join(sentences[place + 1 :])\n")),
    changed(Q4, "nothing-after", MISTAKE, (_REST, "    rest = ''\n")),
    changed(Q4, "inserted", MISTAKE, ("range(place)", "range(place + 1)")),
    changed(Q4, "not-read", MISTAKE, (_REST, "    rest = go_on(''.join(sentences[: place + 1]))\n")),
    changed(Q4, "only-the-mistake-read", MISTAKE, (_REST, "    rest = go_on(wrong)\n")),
    changed(Q4, "rest-alone", MISTAKE, ("return text + rest", "return rest")),
    changed(Q5, "cut-from-there", NECESSARY, (_KEPT, "kept = sentences[:i]")),
    changed(Q5, "cut-up-to-there", NECESSARY, (_KEPT, "kept = sentences[i + 1 :]")),
    changed(Q5, "kept-alone", NECESSARY, (_KEPT, "kept = [sentences[i]]")),
    changed(Q5, "one-further", NECESSARY, ("k != i]", "k != i + 1]")),
    changed(Q5, "unnecessary", NECESSARY, ("!= full)", "== full)")),
    changed(
        Q5,
        "unread-stays",
        NECESSARY,
        (_FOUND, "new = answer(''.join(kept))\n        found.append(new is not None and new != full)"),
    ),
    changed(Q6, "all-tested", CUES, (_TESTED, "if False:")),
    changed(Q6, "changed-at-all", CUES, ("if cued == toward:", "if cued != plain:")),
    changed(Q6, "unread-tested", CUES, (_TESTED, "if plain == toward:")),
    changed(Q6, "admitted", CUES, ('admits == ""', 'admits != ""')),
    changed(Q6, "silent-of-all", CUES, (_SILENT, '        if admits == "":\n            silent += 1\n')),
    changed(
        Q6,
        "followed-without-test",
        CUES,
        (
            _TALLY,
            "followed = sum(1 for row in rows if row[1] == row[2])\n"
            "    silent = sum(1 for row in rows if row[1] == row[2] and not row[3])\n"
            "    return tested, followed, silent",
        ),
    ),
    changed(
        Q7,
        "of-the-flagged",
        WATCH,
        ("if one and b) / bad.count(True)", "if one and b) / max(1, sum(row))"),
        ("if one and not b) / bad.count(False)", "if b and not one) / max(1, len(row) - sum(row))"),
    ),
    changed(Q7, "of-all", WATCH, ("bad.count(True)", "len(bad)"), ("bad.count(False)", "len(bad)")),
    changed(Q7, "all-of-them", WATCH, ("[any(row)", "[all(row)")),
    changed(Q7, "exchanged", WATCH, (_PAIR, "found[name] = (false, caught)")),
    changed(
        Q7,
        "added-up",
        WATCH,
        (
            "    return found\n",
            "    found['any'] = tuple(sum(found[name][k] for name in flags) for k in (0, 1))\n    return found\n",
        ),
    ),
    changed(Q7, "missed", WATCH, (_PAIR, "found[name] = (1 - caught, false)")),
)

# Faults that change nothing that can be seen: (exercise, what was changed), and why.
EQUIVALENT: dict[tuple[str, str], str] = {}
