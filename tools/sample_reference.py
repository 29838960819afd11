"""Write the package's reference text: sentences of the default model about many topics.

1. `tools/reference_topics.txt` has topics, with several ways to begin a sentence about each.
2. The default model continues each beginning, by sampling with fixed seeds.
3. Of a continuation the first two sentences are taken, if they are complete, of 6 to 40 words, in plain characters,
   without loops and without the phrases of a chat; sentences that share most of their words with an earlier one are
   left out.
4. The tenth that the model itself finds least likely, by its mean log-probability of a token, is left out: mostly
   sentences that lost their thread.
5. Those of `tools/reference_left_out.txt` are left out, which were found odd or unkind.
6. Topics take turns, so that the first hundred sentences are as diverse as all of them.

    .venv/bin/python -m tools.sample_reference --samples /tmp/samples.json   # about ten minutes on two cores
    .venv/bin/python -m tools.sample_reference --samples /tmp/samples.json   # cleaned anew, nothing sampled
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOPICS = Path(__file__).with_name("reference_topics.txt")
LEFT_OUT = Path(__file__).with_name("reference_left_out.txt")
OUT = ROOT / "interp_widgets" / "models" / "reference_text.txt"

SEEDS = (1, 2)
TEMPERATURE = 0.8
NEW_TOKENS = 56
ROWS = 73  # beginnings in one batch
FEWEST, MOST = 6, 40  # words
PER_TOPIC = 9
UNLIKELY = 0.1  # of the sentences
SHARED = 0.5  # of all words of two sentences; more is a near duplicate
# A full stop after these ends no sentence, nor does one after a single letter.
ABBREVIATIONS = ("Mr", "Mrs", "Ms", "Dr", "Prof", "St", "vs", "etc", "e.g", "i.e", "No", "Inc", "Ltd", "Jr", "approx")
CHAT = re.compile(
    r"\b(as an ai|language model|assistant|chatbot|i'm sorry|i am sorry|i cannot|i can't help|here is|here's|here are|"
    r"let me know|feel free|the following|the given|this response|your question|prompt|user)\b",
    re.IGNORECASE,
)
PLAIN = re.compile(r"[A-Za-z0-9 ,.;:?!'\"()%$\-\u2019\u00b0\u00a3\u20ac\u00e0-\u00ff/+=]+")
_END = re.compile(r"[.?!]+[\"')]*(?=\s|$)")


def topics(text: str) -> dict[str, list[str]]:
    """Topic -> beginnings."""
    rows = [line.split(" | ") for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {name: beginnings for name, *beginnings in rows}


def complete_sentences(text: str) -> list[str]:
    """The sentences at the start of a text that end before it does and before its first new line."""
    line = text.split("\n")[0]
    found, start = [], 0
    for end in _END.finditer(line):
        before = line[start : end.start()].split(" ")[-1]
        if end.group() == "." and (before in ABBREVIATIONS or re.fullmatch(r"(\w\.)*[A-Za-z]|\d+", before)):
            continue
        if line[end.end() :].lstrip()[:1].islower():  # "How much?" asked the man
            continue
        found.append(line[start : end.end()].strip())
        start = end.end()
    return found


def words(sentence: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:['\u2019-][^\W_]+)*", sentence.lower())


def fits(sentence: str) -> bool:
    """True for a sentence that can stand alone."""
    said = words(sentence)
    triples = list(zip(said, said[1:], said[2:], strict=False))
    return (
        FEWEST <= len(said) <= MOST
        and sentence[0] in "\"'" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        and PLAIN.fullmatch(sentence) is not None
        and CHAT.search(sentence) is None
        and sentence.count('"') % 2 == 0
        and sentence.count("(") == sentence.count(")")
        and not sentence.endswith("...")
        and re.search(r"[a-z]\.[a-z]", sentence) is None  # a name of code or of a place on the web
        and len(set(triples)) == len(triples)
    )


def nearly(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) > SHARED * len(one | other)


def chosen(samples: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Topic -> sentences, from pairs (topic, text)."""
    kept: dict[str, list[str]] = {}
    known: list[frozenset[str]] = []
    for topic, text in samples:
        for sentence in complete_sentences(text)[:2]:
            own = frozenset(words(sentence))
            room = len(kept.setdefault(topic, [])) < PER_TOPIC
            if not room or not fits(sentence) or any(nearly(own, other) for other in known):
                continue
            kept[topic].append(sentence)
            known.append(own)
    return kept


def in_turns(kept: dict[str, list[str]]) -> list[str]:
    """One sentence of each topic, then a second one of each, and so on."""
    order = sorted(kept)
    random.Random(0).shuffle(order)
    turns = range(max(map(len, kept.values()), default=0))
    return [kept[topic][turn] for turn in turns for topic in order if turn < len(kept[topic])]


def without_unlikely(kept: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without the sentences of the lowest mean log-probability."""
    import torch

    import interp_widgets as iw

    lm = iw.load_model("smollm2", device="cpu")
    scores: dict[str, float] = {}
    with torch.no_grad():
        for sentence in (one for several in kept.values() for one in several):
            ids = torch.as_tensor(lm.encode(sentence).ids)
            log_p = lm.head(lm.hidden(ids[None, :-1])[0]).log_softmax(-1)
            scores[sentence] = float(log_p.gather(1, ids[1:, None]).mean())
    limit = sorted(scores.values())[int(UNLIKELY * len(scores))]
    return {topic: [one for one in several if scores[one] >= limit] for topic, several in kept.items()}


def sampled(beginnings: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs (topic, beginning with its continuation): each beginning once for each seed."""
    import interp_widgets as iw
    from interp_widgets.models.generation_batch import generate_batch

    lm = iw.load_model("smollm2", device="cpu")
    made = []
    for seed in SEEDS:
        for start in range(0, len(beginnings), ROWS):
            rows = beginnings[start : start + ROWS]
            seeds = [1_000_003 * seed + start + row for row in range(len(rows))]
            prompts = [beginning for _, beginning in rows]
            found = generate_batch(lm, prompts, max_new_tokens=NEW_TOKENS, temperature=TEMPERATURE, seed=seeds)
            made += [(topic, begun + rest) for (topic, begun), rest in zip(rows, found.texts, strict=True)]
            print(f"{len(made)} of {len(SEEDS) * len(beginnings)}", flush=True)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=Path, help="keep what was sampled here; read it if it is there")
    path: Path | None = parser.parse_args().samples
    if path is not None and path.exists():
        samples = [(topic, text) for topic, text in json.loads(path.read_text("utf-8"))]
    else:
        begun = [(topic, one) for topic, several in topics(TOPICS.read_text("utf-8")).items() for one in several]
        samples = sampled(begun)
        if path is not None:
            path.write_text(json.dumps(samples), "utf-8")
    left_out = set(LEFT_OUT.read_text("utf-8").splitlines())
    found = [one for one in in_turns(without_unlikely(chosen(samples))) if one not in left_out]
    OUT.write_text("\n".join(found) + "\n", "utf-8")
    print(f"{len(found)} sentences, {sum(len(words(one)) for one in found)} words in {OUT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
