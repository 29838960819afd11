"""shap's partition explainer at 500 evaluations on 40 tokens: our batched answers against one text at a time.

    python -m benchmarks partition_shap [--evals 500] [--model llama-8b]

The peer is a model function like the one in shap's documentation: a list of texts in, one forward pass for each text.
Both explain the log-probability of the same target with the same tree of tokens and the same replaced tokens.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
import torch

from benchmarks import models
from interp_widgets.attribution.partition_shap import Units, explain
from interp_widgets.attribution.perturbation import Perturber, filler
from interp_widgets.attribution.registry import Work
from interp_widgets.models.question import ask

PROMPT = (
    "Review: the film begins slowly, but the two leads are a delight, the music is superb, and by the end of it every"
    " person around me was laughing and crying at once. In one word, the film is"
)
TOKENS = 40


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--evals", type=int, default=500)
    models.add_option(parser)
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    lm = models.load(asked.model)
    ids = lm.encode(PROMPT).ids.tolist()[-TOKENS:]
    encoded = lm.encode(ids)
    question = ask(lm, encoded, None, None, "log-probability")
    target, gone = int(question.target_ids[0]), filler(lm)
    member = np.eye(len(encoded), dtype=bool)

    def ours() -> tuple[Any, int]:
        with lm.run():
            perturber = Perturber(question, batch_tokens=512)
            work = Work({"delete": "eos"}, 0, 1, lambda *told: None, perturber, member, encoded.tokens)
            return explain(work, asked.evals).values[0], perturber.tokens

    def one_at_a_time() -> tuple[Any, int]:
        import shap

        tokens = 0

        def model(kept: Any) -> Any:
            nonlocal tokens
            answers = []
            for mask in kept:
                given = torch.as_tensor(np.where(mask, ids, gone))[None]
                tokens += given.shape[1]
                with torch.no_grad():
                    answers.append(float(lm.model(given).logits[0, -1].log_softmax(-1)[target]))
            return np.asarray(answers)

        state = np.random.get_state()
        np.random.seed(0)
        explained = shap.explainers.Partition(model, Units(list(encoded.tokens)))(
            [""], max_evals=asked.evals, silent=True
        )
        np.random.set_state(state)
        return explained.values[0], tokens

    ours()
    found = {}
    for name, work in (("ours", ours), ("one text at a time", one_at_a_time)):
        began = time.perf_counter()
        values, tokens = work()
        found[name] = (time.perf_counter() - began, values, tokens)
    print(f"{len(encoded)} tokens, {asked.evals} evaluations:")
    for name, (taken, values, tokens) in found.items():
        difference = float(np.abs(values - found["ours"][1]).max())
        print(
            f"{name:<22}{taken:8.2f} s {taken / found['ours'][0]:6.1f} x  {tokens:>8} tokens"
            f"   largest difference {difference:.1e}"
        )


if __name__ == "__main__":
    main()
