# %% [markdown] id="title"
# # Lab 00: a tour
#
# **Claim.** On the prompt "The capital of Australia is" the model SmolLM2-135M-Instruct puts ·Sydney ahead of ·Canberra; the textbook's picture of which words drove that answer fails its own test on this model, and the tool says so.
#
# You will learn to
#
# 1. load a model and ask it for its next word,
# 2. draw which tokens pulled the answer one way or the other, and read the verdict above the picture,
# 3. ask another question by a click, or by the keyboard alone,
# 4. read back in Python what was selected in the picture,
# 5. check a picture against what the model does, and set methods side by side,
# 6. watch the sources of a text while the model writes it,
# 7. keep what you found.
#
# About 20 minutes. Nothing here needs the network once the model is prepared. Run each cell with Shift+Enter.

# %% [markdown] id="start"
# ## A model
#
# The first call prepares the model in your cache (about half a minute, once). Later calls take a second or two.

# %% id="load"
import interp_widgets as iw

lm = iw.load_model()
print(lm)

# %% [markdown] id="predict"
# ## A surprise
#
# Before you run the next cell: which city will the model name after "The capital of Australia is", and how sure will it be? Write your guess down.

# %% id="ask"
prompt = "The capital of Australia is"
lm.next_token(prompt)

# %% [markdown] id="wrong"
# The two cities are nearly level, and the wrong one leads. The model has met both next to "Australia" very often. Which of the five tokens pulls towards ·Canberra, and which towards ·Sydney?
#
# ## The highlight
#
# `iw.attribute` scores each token. With a *target* and a *foil* the question is a contrast: why ·Canberra rather than ·Sydney? The method here is integrated gradients (Sundararajan, Taly and Yan 2017), as textbooks give it: the straight line from a zero embedding to the prompt, 50 points, gradients averaged on the way.

# %% id="attribute"
result = iw.attribute(lm, prompt, target=" Canberra", foil=" Sydney", method="integrated_gradients")
result

# %% [markdown] id="read"
# Read it from the top: the question, the **verdict**, then the picture. Blue with a solid bar pulls towards the target, orange with a hatched bar towards the foil; the bar's height is the size.
#
# The verdict says *do not trust*, and why. Integrated gradients promises that its scores add up to the difference between the prompt and the baseline (completeness). The next cell shows both numbers. They should be equal.

# %% id="completeness"
for name in ("sum", "due", "completeness_error"):
    print(f"{name:20} {result.diagnostics[name]:8.2f}")

# %% [markdown] id="use"
# A picture without that line would have looked just as convincing. That is the reason for the verdict.
#
# ## Ask another question
#
# In the picture below
#
# - click a candidate (or move to it with the arrow keys and press Enter) to explain that token instead,
# - choose another foil, baseline or number of steps, and watch the verdict,
# - click tokens to select them; with Shift you select several. On the keyboard: Tab into the text, arrow keys, Enter. `?` lists all keys.
#
# Then run the cell after it.

# %% id="widget"
widget = iw.widgets.Highlight(result=result)
widget

# %% id="selection"
print(
    "selected:",
    [widget.result.tokens[i] for i in widget.selection] or "nothing yet: click a token above",
)
print("question:", widget.result.target, "against", widget.result.foil)

# %% [markdown] id="check"
# ## Check it against what the model does
#
# A score is a claim about the model. The plainest test is to take a token away and look. Here each token in turn is replaced by the end-of-text token; the number is how far the log-odds of ·Canberra against ·Sydney fall without it.
#
# Predict first: which token will matter most?

# %% id="remove"
import numpy as np
import torch

ids = lm.encode(prompt).ids
canberra, sydney = result.target_ids[0], result.foil_ids[0]


def log_odds(token_ids):
    logits = lm.next_logits(torch.as_tensor(token_ids)[None])[0]
    return float(logits[canberra] - logits[sydney])


whole = log_odds(ids)
for i, token in enumerate(result.tokens):
    without = ids.copy()
    without[i] = lm.tokenizer.eos_token_id
    print(
        f"{token!r:14} integrated gradients {result.scores[i]:+7.2f}   removed {whole - log_odds(without):+6.2f}"
    )

# %% [markdown] id="compare-methods"
# The two columns do not agree, in order or in size: the verdict was right to warn.
#
# ## Compare methods
#
# No single method is right everywhere, so ask several and look where they part. Each row has its own verdict; move over a token to see its rank in every row. `auto` deletes tokens and measures what really changes; attention rollout shows only where the model looks.
#
# Predict first: on a prompt whose answer the model knows well, will the methods agree on the token that matters most?

# %% id="compare"
tower = "The Eiffel Tower is located in the city of"
comparison = iw.compare(
    lm, tower, " Paris", methods=["auto", "relevance", "integrated_gradients", "attention_rollout"]
)
comparison

# %% id="disagree"
comparison.disagreements(3)

# %% [markdown] id="streamed"
# ## Watch it write
#
# With `attribute=True` generation says of each new token where it came from. In the notebook the matrix fills while the text is written: put the pointer on a generated token to light its sources, or on a source to light what it fed. The line above a generated token shows how sure the model was.

# %% id="stream"
lm.stream("The capital of France is", max_new_tokens=8, attribute=True)

# %% [markdown] id="streamed-python"
# In Python it is an iterator; each step carries its sources.

# %% id="steps"
for step in lm.stream("The capital of France is", max_new_tokens=3, attribute=True):
    strongest = int(np.argmax(step.sources))
    print(
        f"{step.text!r:10} probability {step.probability:.2f}   strongest source: token {strongest}"
    )

# %% [markdown] id="ledger"
# ## Change the model, and change it back
#
# Interventions live in `lm.ledger`; the weights are never touched. The status bar at the foot of the window counts what is active. Here the attention of one layer is switched off inside a block, and is back after it.

# %% id="intervene"
with lm.using(iw.Ablation(layer=17, site="attn_out")):
    print("without attention in layer 17:", lm.next_token(prompt, k=2))
print("as it is:                     ", lm.next_token(prompt, k=2))

# %% [markdown] id="keep"
# ## Keep it
#
# A result can be saved and loaded, turned into a table, or written as a page that opens in any browser without a network.

# %% id="save"
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp())
result.save(folder / "canberra.safetensors")
result.to_html(folder / "canberra.html")
again = iw.load_result(folder / "canberra.safetensors")
assert np.array_equal(again.scores, result.scores)
again.to_frame()

# %% [markdown] id="limits"
# ## What was not shown
#
# - One prompt and one model: nothing here says how often ·Sydney wins elsewhere.
# - The end-of-text token is not "nothing"; removing a token by another token is a perturbation of its own.
# - *Which* token mattered is not *why* it did. Later labs locate where the fact is stored, and edit it.
#
# ## Reading
#
# - Mukund Sundararajan, Ankur Taly, Qiqi Yan: Axiomatic attribution for deep networks, ICML 2017.
# - Jay DeYoung and others: ERASER, a benchmark to evaluate rationalized NLP models, ACL 2020 (comprehensiveness and sufficiency).
