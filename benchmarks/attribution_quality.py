"""How good is the order that each method gives, at what cost, and does the verdict hold what it says?

    INTERP_TEST_DATA=... python -m benchmarks attribution_quality [--facts 60] [--sentences 20] [--methods a b ...]

Prompts: CounterFact facts whose true object is the default model's first choice, and film reviews of our own writing
whose right sentiment is ahead of the wrong one.  Quality is comprehensiveness minus sufficiency of the answer's
log-probability, mean over k = 10, 25 and 50 % of the tokens, by four ways of deleting: end-of-text, a random token
(not the methods' own draw), masked from attention, and the token at the same place of another prompt, which no method
here may use.  "random" is the mean over random orders and their reverses.  Cost counts a backward pass as two forward
passes; "with tests" adds what the verdict measures.

Of the prompts every other one, from the first on, is held out: the threshold of the verdict was set on the others, and
the last table, of verdicts, is about those held out.  captum's integrated gradients are ours (equal numbers:
tests/peers), and so is shap's partition explainer (it is the library's own).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import interp_widgets as iw
from interp_widgets.attribution import registry
from interp_widgets.attribution.diagnostics import TEST_WAYS, faithfulness
from interp_widgets.attribution.perturbation import Perturber
from interp_widgets.models.question import ask

METHODS = (
    "two_sided_occlusion", "leave_one_out", "shapley", "partition_shap", "lime", "relevance", "relevance_conserving",
    "integrated_gradients", "gradient_x_input", "saliency", "attention_rollout",
)  # fmt: skip
SETTINGS: dict[str, dict[str, Any]] = {"shapley": {"samples": 10}}
WAYS = ("eos", "random", "mask", "another prompt")
MARGIN = 0.5  # by which a trusted order must beat random order, in log-probability, in every way
PAIRS = 4
GOOD = (
    "a warm and generous film with a wonderful cast", "the best evening I have had in a cinema for years",
    "funny, tender and beautifully shot from start to finish", "a gripping story told with great skill and heart",
    "the music is superb and the two leads are a delight", "clever, moving and never dull for a single minute",
    "I loved it so much that I went to see it again", "sharp writing and a brilliant performance by the lead",
)  # fmt: skip
BAD = (
    "a cold and lazy film with a wooden cast", "the worst evening I have had in a cinema for years",
    "dull, clumsy and badly shot from start to finish", "a tedious story told with no skill or heart",
    "the music is awful and the two leads are a bore", "stupid, hollow and boring for every single minute",
    "I hated it so much that I walked out halfway", "flat writing and a terrible performance by the lead",
)  # fmt: skip
FORMS = ("Review: {}.\nSentiment:", '"{}" This review is', "The critic wrote: {}. The critic's opinion of the film is")


def facts(lm: Any, wanted: int) -> list[tuple[str, str]]:
    """Prompts with their true objects, which the model puts first."""
    folder = os.environ.get("INTERP_TEST_DATA")
    if not folder:
        raise SystemExit("INTERP_TEST_DATA is not set: the folder with counterfact_dev.jsonl")
    pairs = []
    for line in (Path(folder) / "counterfact_dev.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        pairs.append((record["template"].format(record["subject"]), " " + record["target_true"]))
    ids = [lm.encode(prompt).ids for prompt, _ in pairs]
    found = []
    for start in range(0, len(pairs), 256):
        block = range(start, min(start + 256, len(pairs)))
        for length in sorted({len(ids[i]) for i in block}):  # prompts of one length go together
            alike = [i for i in block if len(ids[i]) == length]
            best = lm.next_logits(torch.as_tensor(np.stack([ids[i] for i in alike]))).argmax(-1)
            found += [i for i, token in zip(alike, best.tolist(), strict=True) if _says(lm, token, pairs[i][1])]
        if len(found) >= wanted:
            break
    return [pairs[i] for i in sorted(found)[:wanted]]


def _says(lm: Any, token: int, answer: str) -> bool:
    return bool(lm.tokenizer.decode([token]) == answer)


def sentences(lm: Any, wanted: int) -> list[tuple[str, str]]:
    """Reviews with their sentiment, where the model has it ahead of the other."""
    found = []
    for form in FORMS:
        for good, bad in zip(GOOD, BAD, strict=True):
            for text, answer, other in ((good, " positive", " negative"), (bad, " negative", " positive")):
                prompt = form.format(text)
                if ask(lm, lm.encode(prompt), answer, other).value > 0:
                    found.append((prompt, answer))
    step = max(len(found) // wanted, 1) if wanted else 1
    return found[::step][:wanted]


def cost(method: str, result: Any, tests: bool) -> float:
    """Forward passes, a backward pass as two, of the scores alone or with the tests."""
    chosen = registry.find(method)
    own = chosen.passes(len(result.tokens), {**result.settings})
    own *= 3 if chosen.gradient else 1
    return own + 1 if not tests else result.forward_passes + (2 * (own // 3) if chosen.gradient else 0)


def study(lm: Any, prompts: list[tuple[str, str]], methods: list[str]) -> list[dict[str, Any]]:
    """For each prompt and method: quality and random order's in every way, cost, word of the verdict. Ctrl-C ends it
    with the prompts that are done."""
    rows: list[dict[str, Any]] = []
    with contextlib.suppress(KeyboardInterrupt):
        for done in _studied(lm, prompts, methods):
            rows += done
    return rows


def _studied(lm: Any, prompts: list[tuple[str, str]], methods: list[str]) -> Iterator[list[dict[str, Any]]]:
    began = time.perf_counter()
    for i, (prompt, answer) in enumerate(prompts):
        encoded = lm.encode(prompt)
        question = ask(lm, encoded, answer, None, "log-probability")
        judge = Perturber(question, seed=77, batch_tokens=512)
        other = lm.encode(prompts[(i + 1) % len(prompts)][0]).ids
        judge.add_way("another prompt", np.resize(other, len(encoded)))
        member = np.eye(len(encoded), dtype=bool)
        rows = []
        for method in methods:
            result = iw.attribute(lm, prompt, answer, method=method, **SETTINGS.get(method, {}))
            test = faithfulness(judge, result.scores, member, seed=99, pairs=PAIRS, ways=WAYS)
            assert test is not None
            rows.append(
                {
                    "prompt": i,
                    "method": method,
                    "tokens": len(encoded),
                    "quality": [way.quality for way in test.ways],
                    "random": [way.random for way in test.ways],
                    "cost": cost(method, result, tests=False),
                    "with tests": cost(method, result, tests=True),
                    "seconds": result.seconds,
                    "word": result.verdict.word,
                    "measured": [result.diagnostics[f"margin_{way}"] for way in TEST_WAYS],
                }
            )
        print(f"  {i + 1} of {len(prompts)} prompts, {time.perf_counter() - began:.0f} s", flush=True)
        yield rows


def interval(values: NDArray[np.float64]) -> str:
    """Mean and 95 % interval by the bootstrap over prompts."""
    chance = np.random.default_rng(0)
    means = values[chance.integers(0, len(values), (2000, len(values)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{values.mean():6.2f} ({low:.2f} to {high:.2f})"


def _by_way(quality: NDArray[np.float64]) -> str:
    """Columns of (prompts, ways): the mean over the ways, then each."""
    return "".join(f"{interval(column):<24}" for column in (quality.mean(1), *quality.T))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--facts", type=int, default=60)
    parser.add_argument("--sentences", type=int, default=20)
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--out", help="write the single numbers as JSON lines")
    asked = parser.parse_args(arguments)
    lm = iw.load_model()
    some, others = facts(lm, asked.facts), sentences(lm, asked.sentences)
    # Mixed evenly, so that a run that is cut short has both.
    places = [(i / max(len(kind), 1), prompt) for kind in (some, others) for i, prompt in enumerate(kind)]
    prompts = [prompt for _, prompt in sorted(places, key=lambda place: place[0])]
    rows = study(lm, prompts, asked.methods)
    if asked.out:
        Path(asked.out).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    done = len({row["prompt"] for row in rows})
    print(f"\n{done} prompts, {np.mean([row['tokens'] for row in rows]):.1f} tokens on average")
    print(f"{'method':<22}{''.join(f'{way:<24}' for way in ('quality', *WAYS))}cost  with tests  seconds")
    for method in asked.methods:
        mine = [row for row in rows if row["method"] == method]
        quality = np.asarray([row["quality"] for row in mine])
        means = [np.mean([row[name] for row in mine]) for name in ("cost", "with tests", "seconds")]
        print(f"{method:<22}{_by_way(quality)}{means[0]:4.0f}  {means[1]:10.0f}  {means[2]:7.2f}")
    random = np.asarray([row["random"] for row in rows if row["method"] == asked.methods[0]])
    print(f"{'random':<22}{_by_way(random)}")
    held = [row for row in rows if row["prompt"] % 2 == 0]
    print(
        f"\nverdicts on held-out prompts: of those marked so, the part that beats random order by {MARGIN} in every way"
    )
    for word in ("trust", "caution", "do not trust"):
        mine = [row for row in held if row["word"] == word]
        beats = [min(np.subtract(row["quality"], row["random"])) >= MARGIN for row in mine]
        print(f"{word:<14}{len(mine):5} results   {np.mean(beats) if beats else float('nan'):6.1%}")
    first = [row for row in held if row["method"] == asked.methods[0] and prompts[row["prompt"]] in some]
    print(f"{asked.methods[0]} on facts: {np.mean([row['word'] == 'trust' for row in first]):.0%} marked trust")


if __name__ == "__main__":
    main()
