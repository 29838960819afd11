"""Which facts does the default model rank first?  Writes the list over which `average_effects` averages.

    INTERP_TEST_DATA=... python -m benchmarks.known_facts

Candidates: the prompts of CounterFact records (Meng et al. 2022, MIT licence), neighbourhood prompts that match their
record's template, and facts about the countries of countries.txt.  A fact is kept if the first token of its true
answer is the model's first choice, and if it is the only one of its subject and answer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import torch

import interp_widgets as iw
from interp_widgets.models.prompts import continuation
from interp_widgets.models.states import last_states

HERE = Path(__file__).parent
LIST = HERE / "known_facts.jsonl"
COUNTRY = (
    ("The capital of {} is", 0),
    ("The capital city of {} is called", 0),
    ("The official language of {} is", 1),
    ("The people of {} mostly speak", 1),
    ("{} is a country on the continent of", 2),
)
_NEIGHBOURS = 2  # of a record: all of them would be 20,000 prompts, of which one in twenty is known
Fact = dict[str, str]


def candidates(data: Path) -> Iterator[Fact]:
    for line in (HERE / "countries.txt").read_text("utf-8").splitlines():
        country, *answers = line.split("; ")
        for template, which in COUNTRY:
            yield {
                "prompt": template.format(country), "subject": country, "target": f" {answers[which]}",
                "from": "country",
            }  # fmt: skip
    for line in (data / "counterfact_dev.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        before, after = record["template"].split("{}")
        target = f" {record['target_true']}"
        yield {
            "prompt": before + record["subject"] + after, "subject": record["subject"], "target": target,
            "from": "counterfact",
        }  # fmt: skip
        for prompt in record["neighbourhood"][:_NEIGHBOURS]:
            subject = prompt[len(before) : len(prompt) - len(after)]
            if subject and prompt == before + subject + after:
                yield {"prompt": prompt, "subject": subject, "target": target, "from": "counterfact neighbourhood"}


def main() -> None:
    lm = iw.load_model()
    seen: set[str] = set()
    wanted = []
    for fact in candidates(Path(os.environ["INTERP_TEST_DATA"])):
        if fact["prompt"] not in seen and fact["prompt"].count(fact["subject"]) == 1:
            seen.add(fact["prompt"])
            wanted.append(fact)
    last = lm.architecture.n_layers - 1
    states = last_states(lm, [fact["prompt"] for fact in wanted], layers=[last]).last[:, 0]
    kept: list[Fact] = []
    used: set[tuple[str, str]] = set()
    with torch.no_grad():
        for fact, state in zip(wanted, torch.as_tensor(states), strict=True):
            best = int(lm.head(lm.architecture.final_norm(state)).argmax())
            answer = continuation(lm.tokenizer, lm.encode(fact["prompt"]), fact["target"])
            if best == int(answer[0]) and (fact["subject"], fact["target"]) not in used:
                used.add((fact["subject"], fact["target"]))
                kept.append(fact)
    LIST.write_text("".join(json.dumps(fact, ensure_ascii=False) + "\n" for fact in kept), "utf-8")
    sources = [fact["from"] for fact in kept]
    print(f"{len(kept)} of {len(wanted)} candidates:", {one: sources.count(one) for one in dict.fromkeys(sources)})


if __name__ == "__main__":
    main()
