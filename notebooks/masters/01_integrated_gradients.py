# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="title"
# # Lab 01: integrated gradients
#
# **Claim.** On the embedded model SmolLM2-135M-Instruct the textbook's integrated gradients break their own promise: for "The capital of Australia is" the scores add up to about 24 where 13.4 is due, and over twelve prompts their order of the tokens is no better than a shuffled one, while plainly taking tokens away finds the ones that matter. Shuffled scores and a model with random weights are the controls.
#
# After this lab you can
#
# 1. explain why the gradient at a prompt can be silent about what drove the answer,
# 2. write integrated gradients yourself, in batches, and test it against functions with a known answer,
# 3. test completeness and sensitivity, for any method,
# 4. get the same numbers from captum, and know what its defaults do,
# 5. find out why the scores do not add up on a model with RMSNorm,
# 6. test whether an order of tokens means anything, with controls.
#
# About two and a half hours; it works without a network. Exercises have points; `iw.course.check` tells you at once, and records on this machine how far you are. Hints fold out under each exercise: try first. You may leave an exercise out: nothing further down needs your answer to it.

# %% id="load"
import interp_widgets as iw
import matplotlib.pyplot as plt
import numpy as np
import torch
from interp_widgets.course import lab01

lm = iw.load_model()
prompt, target, foil = "The capital of Australia is", " Canberra", " Sydney"
ids = lm.encode(prompt).ids.tolist()
canberra, sydney = lm.encode(target).ids[0], lm.encode(foil).ids[0]

# %% [markdown] id="surprise"
# ## A surprise first
#
# **Predict.** The next cell asks for the textbook's picture of what pulls towards ·Canberra, twice: with 50 points on the path and with 60. How different will the two pictures be? Write your guess down, then run it.

# %% id="twice" tags=["skip-execution"]
for steps in (50, 60):
    result = iw.attribute(
        lm, prompt, target, method="integrated_gradients", quadrature="midpoint", steps=steps
    )
    shown = "  ".join(
        f"{token!r} {score:+.1f}" for token, score in zip(result.tokens, result.scores, strict=True)
    )
    print(f"{steps} steps:  {shown}   sum {result.scores.sum():+.1f}")

# %% [markdown] id="surprise-what"
# Ten more points, the same prompt, the same model: scores change by more than their own size, some change their sign, and neither sum is near the 13.4 that is due. Either picture alone would have looked convincing. The rest of this lab finds out what the method promises, why the promise breaks here, and how to notice.
#
# ## 1 Gradients, and where they fall silent
#
# A gradient says how the answer would change if a number of the input changed a little. It is a local statement. Look at a function that rises and then stays flat, as a model does that is already sure:

# %% id="saturation"
rises = lab01.Saturating((1,))
x = torch.linspace(0, 2, 101, dtype=torch.float64)
figure, axes = plt.subplots(figsize=(5, 2.4))
axes.plot(x, rises(x[:, None]), label="f(x) = 1 − max(0, 1 − x)")
axes.plot(x, [rises.gradient(one[None]).item() for one in x], linestyle="--", label="its gradient")
axes.set_xlabel("x")
axes.legend(loc="center left")
plt.show()

# %% [markdown] id="saturation-what"
# At x = 2 the gradient is 0, though going from 0 to 2 is what made f rise from 0 to 1. A score of zero for the only thing that mattered: that is what *saturation* does to gradients.

# %% [markdown] id="q-one" exercise="lab01-q1" role="exercise"
# ### Exercise 1: the gradient at one input
#
# Write `gradient(f, x)`. `f` takes a batch, `(rows, *x.shape)`, and gives one number for each row, as a model does for a batch of prompts. Return the gradient of `f` at the one input `x`, in the shape of `x`, with its sign.


# %% id="q-one-answer" exercise="lab01-q1" role="answer"
def gradient(f, x: torch.Tensor) -> torch.Tensor:
    """The gradient of f, (rows, *shape) -> (rows,), at one input x of the shape `shape`."""
    ### BEGIN SOLUTION
    point = x[None].clone().requires_grad_()
    (slope,) = torch.autograd.grad(f(point).sum(), point)
    return slope[0]
    ### END SOLUTION


# %% id="q-one-check" exercise="lab01-q1" role="check"
iw.course.check("lab01-q1", gradient)

# %% [markdown] id="path"
# ## 2 The path integral
#
# Integrated gradients (Sundararajan, Taly and Yan 2017) take the gradient not at the input alone but all along the straight line that leads to it from a *baseline*, an input that stands for "nothing there", and average:
#
# $$\text{score}_i = (x_i - b_i)\int_0^1 \frac{\partial f}{\partial x_i}\big(b + \alpha\,(x - b)\big)\,d\alpha$$
#
# On the saturating function above, with baseline 0 and x = 2, half of the path is steep and half is flat: the mean gradient is 0.5, times the difference 2 gives 1, which is what f rose by.
#
# A computer takes a sum over points in place of the integral. Where the points lie matters: textbooks often take the right ends of n equal parts; the *middles* cost as much and are far nearer to the integral of a smooth function.

# %% [markdown] id="q-two" exercise="lab01-q2" role="exercise"
# ### Exercise 2: integrated gradients by hand
#
# Write `integrated_gradients(f, x, baseline, steps)` with the middles of `steps` equal parts of the path. `x` and `baseline` have the same shape, and so has the answer. Evaluate all points in one batch.


# %% id="q-two-answer" exercise="lab01-q2" role="answer"
def integrated_gradients(f, x: torch.Tensor, baseline: torch.Tensor, steps: int) -> torch.Tensor:
    """Scores in the shape of x, by the midpoint rule with `steps` points."""
    ### BEGIN SOLUTION
    alphas = (torch.arange(steps, dtype=x.dtype) + 0.5) / steps
    alphas = alphas.reshape(steps, *[1] * x.dim())
    points = (baseline + alphas * (x - baseline)).requires_grad_()
    (slopes,) = torch.autograd.grad(f(points).sum(), points)
    return (x - baseline) * slopes.mean(0)
    ### END SOLUTION


# %% id="q-two-check" exercise="lab01-q2" role="check"
iw.course.check("lab01-q2", integrated_gradients)

# %% [markdown] id="rules"
# What the choice of points does, on a curve whose integral is known:

# %% id="rules-picture"
curve = lab01.Cubic((1,), torch.ones(1, dtype=torch.float64))
one, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
counts = [2, 4, 8, 16, 32]
middles = [
    abs((one * curve.along(one, zero, lab01.midpoints(n)).mean(0)).item() - 1) for n in counts
]
right = [
    abs((one * curve.along(one, zero, (torch.arange(n) + 1) / n).mean(0)).item() - 1)
    for n in counts
]
figure, axes = plt.subplots(figsize=(5, 2.4))
axes.loglog(counts, middles, marker="o", label="middles")
axes.loglog(counts, right, marker="s", linestyle="--", label="right ends")
axes.set_xticks(counts, counts)
axes.minorticks_off()
axes.set_xlabel("points on the path")
axes.set_ylabel("error of the integral")
axes.legend()
plt.show()

# %% [markdown] id="axioms"
# ## 3 What the method promises
#
# Sundararajan, Taly and Yan ask two things of any attribution:
#
# - **Sensitivity.** If the input and the baseline differ in one feature and f gives different values for them, that feature must get a score.
# - **Implementation invariance.** Two networks that compute the same function must get the same scores.
#
# Integrated gradients keep both, and a third that can be measured on any model, **completeness**: the scores sum to f(x) − f(b).

# %% [markdown] id="q-three" exercise="lab01-q3" role="exercise"
# ### Exercise 3: the completeness gap
#
# Write `completeness_gap(f, x, baseline, scores)`: the sum of the scores less what is due, as one number with its sign. Zero is perfect; positive means that the scores claim too much.


# %% id="q-three-answer" exercise="lab01-q3" role="answer"
def completeness_gap(f, x: torch.Tensor, baseline: torch.Tensor, scores: torch.Tensor) -> float:
    """Sum of scores less f(x) - f(baseline)."""
    ### BEGIN SOLUTION
    ends = f(torch.stack([x, baseline]))
    return float(scores.sum() - (ends[0] - ends[1]))
    ### END SOLUTION


# %% id="q-three-check" exercise="lab01-q3" role="check"
iw.course.check("lab01-q3", completeness_gap)

# %% [markdown] id="q-four" exercise="lab01-q4" role="exercise"
# ### Exercise 4: a method that is blind
#
# A method is a function `method(f, x, baseline)` that gives scores. Write `breaks_sensitivity(method, f, x, baseline)`: `True` if this very case breaks the axiom. `x` and `baseline` differ in exactly one feature.


# %% id="q-four-answer" exercise="lab01-q4" role="answer"
def breaks_sensitivity(method, f, x: torch.Tensor, baseline: torch.Tensor) -> bool:
    """True if f moved and the feature that differs has the score zero."""
    ### BEGIN SOLUTION
    before, after = f(torch.stack([baseline, x]))
    score = method(f, x, baseline)[x != baseline]
    return bool(before != after) and score.item() == 0
    ### END SOLUTION


# %% id="q-four-check" exercise="lab01-q4" role="check"
iw.course.check("lab01-q4", breaks_sensitivity)

# %% [markdown] id="invariance"
# The second axiom is easy to break by looking into the network. *Guided backpropagation* cuts off negative gradients at every ReLU. Below, two networks compute the sum of their inputs, for every input there is; one of them takes a detour over ReLUs.
#
# **Predict** which of the three methods gives the two networks different scores.

# %% id="invariance-shown"
x = torch.tensor([1.0, -2.0], dtype=torch.float64)
baseline = torch.zeros_like(x)
rows = torch.randn(1000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
assert torch.allclose(lab01.total(rows), lab01.total_by_parts(rows)), "one function, two networks"
for method in (lab01.saliency, lab01.guided, lab01.path_scores):
    one, other = method(lab01.total, x, baseline), method(lab01.total_by_parts, x, baseline)
    print(
        f"{method.__name__:12} {one.tolist()!s:12} {other.tolist()!s:12}",
        "same" if torch.equal(one, other) else "DIFFERENT",
    )

# %% [markdown] id="model"
# ## 4 On a model
#
# A language model takes tokens, and there is nothing halfway between two tokens. The path runs through the *embeddings* instead: x is the table of the prompt's embeddings, tokens by width, and the textbook's baseline is a table of zeros. A token's score is the sum over its row.
#
# On a real model all points do not fit into memory at once. Hence the *internal batch*: a few points at a time.

# %% [markdown] id="q-five" exercise="lab01-q5" role="exercise"
# ### Exercise 5: the internal batch
#
# Write `integrated_gradients_in_batches(f, x, baseline, steps, batch)`: the scores of exercise 2, with never more than `batch` rows in one call of `f`, and each point evaluated once.


# %% id="q-five-answer" exercise="lab01-q5" role="answer"
def integrated_gradients_in_batches(
    f, x: torch.Tensor, baseline: torch.Tensor, steps: int, batch: int
) -> torch.Tensor:
    """As `integrated_gradients`, at most `batch` points at a time."""
    ### BEGIN SOLUTION
    alphas = ((torch.arange(steps, dtype=x.dtype) + 0.5) / steps).reshape(steps, *[1] * x.dim())
    total = torch.zeros_like(x)
    for part in alphas.split(batch):
        points = (baseline + part * (x - baseline)).requires_grad_()
        (slopes,) = torch.autograd.grad(f(points).sum(), points)
        total = total + slopes.sum(0)
    return (x - baseline) * total / steps
    ### END SOLUTION


# %% id="q-five-check" exercise="lab01-q5" role="check"
iw.course.check("lab01-q5", integrated_gradients_in_batches)

# %% [markdown] id="q-six" exercise="lab01-q6" role="exercise"
# ### Exercise 6: the number to explain
#
# "What drove the answer" needs a number. With a *foil* it is a contrast: why ·Canberra rather than ·Sydney? Write `lead(lm, embeddings, target, foil)`: the target's logit less the foil's, at the last position, for each row of `embeddings` (rows, tokens, width). `target` and `foil` are token ids. The result must keep its gradient.


# %% id="q-six-answer" exercise="lab01-q6" role="answer"
def lead(lm, embeddings: torch.Tensor, target: int, foil: int) -> torch.Tensor:
    """(rows,): how far the target's logit is ahead of the foil's after the last token."""
    ### BEGIN SOLUTION
    logits = lm.model(inputs_embeds=embeddings).logits[:, -1]
    return logits[:, target] - logits[:, foil]
    ### END SOLUTION


# %% id="q-six-check" exercise="lab01-q6" role="check"
iw.course.check("lab01-q6", lead)

# %% [markdown] id="q-seven" exercise="lab01-q7" role="exercise"
# ### Exercise 7: the gap on a model
#
# Write `measure(lm, ids, target, baseline, steps)`. For the *logit of the target alone* (no foil), from `baseline` (tokens, width), by the middles of `steps` parts, return a dict: `"sum"`, the sum of all scores, and `"due"`, what completeness promises. Work in the dtype of the embeddings, in batches of at most 10. The check tries a tiny random model, then the default model from zeros with the textbook's 50 steps.


# %% id="q-seven-answer" exercise="lab01-q7" role="answer"
def measure(
    lm, ids: list[int], target: int, baseline: torch.Tensor, steps: int
) -> dict[str, float]:
    """{"sum": sum of the scores, "due": f(x) - f(baseline)} for the target's logit."""
    ### BEGIN SOLUTION
    x = lm.embed(torch.tensor([ids]))[0].detach()

    def f(embeddings):
        return lm.model(inputs_embeds=embeddings).logits[:, -1, target]

    total = torch.zeros_like(x, dtype=torch.float64)
    for part in ((torch.arange(steps, dtype=x.dtype) + 0.5) / steps).split(10):
        points = (baseline + part[:, None, None] * (x - baseline)).requires_grad_()
        (slopes,) = torch.autograd.grad(f(points).sum(), points)
        total = total + slopes.double().sum(0)
    scores = (x - baseline) * total / steps
    with torch.no_grad():
        end, start = f(torch.stack([x, baseline]))
    return {"sum": float(scores.sum()), "due": float(end - start)}
    ### END SOLUTION


# %% id="q-seven-check" exercise="lab01-q7" role="check"
iw.course.check("lab01-q7", measure)

# %% [markdown] id="steps"
# "Take more steps" is the usual advice. **Predict** how the sum behaves from 20 to 320 points; 13.4 is due.

# %% id="steps-shown" tags=["skip-execution"]
for steps in (20, 40, 80, 160, 320):
    r = iw.attribute(
        lm, prompt, target, method="integrated_gradients", quadrature="midpoint", steps=steps
    )
    due = r.diagnostics["due"]
    print(f"{steps:4} points   sum {r.scores.sum():8.1f}   due {due:5.1f}   {r.verdict.word}")

# %% [markdown] id="q-eight" exercise="lab01-q8" role="exercise"
# ### Exercise 8: the same by captum
#
# captum's `LayerIntegratedGradients` is what production code uses. Write `captum_scores(lm, ids, target, steps)` with the *end-of-text token* (`lm.tokenizer.eos_token_id`) at every position as the baseline; give `(scores, delta)`: one score for each token, (tokens,), and captum's convergence delta as a float.
#
# A trap to know: without `baselines=` captum takes 0, and for a layer that embeds tokens that is *token number 0*, not a zero embedding.


# %% id="q-eight-answer" exercise="lab01-q8" role="answer"
def captum_scores(lm, ids: list[int], target: int, steps: int) -> tuple[torch.Tensor, float]:
    """Scores (tokens,) and the convergence delta, from the end-of-text token at every position."""
    ### BEGIN SOLUTION
    from captum.attr import LayerIntegratedGradients

    method = LayerIntegratedGradients(
        lambda rows: lm.model(input_ids=rows).logits[:, -1], lm.model.get_input_embeddings()
    )
    inputs = torch.tensor([ids])
    scores, delta = method.attribute(
        inputs,
        baselines=torch.full_like(inputs, lm.tokenizer.eos_token_id),
        target=target,
        n_steps=steps,
        return_convergence_delta=True,
    )
    return scores.sum(-1)[0], delta.item()
    ### END SOLUTION


# %% id="q-eight-check" exercise="lab01-q8" role="check"
iw.course.check("lab01-q8", captum_scores)

# %% [markdown] id="baselines"
# captum's delta is the completeness gap, and it is the first thing to look at. Here are three baselines on the default model, by `iw.attribute`, which computes the same numbers:

# %% id="baselines-shown" tags=["skip-execution"]
for baseline in ("zero", "eos", "mean"):
    r = iw.attribute(lm, prompt, target, method="integrated_gradients", baseline=baseline)
    total, due = r.scores.sum(), r.diagnostics["due"]
    print(f"{baseline:5} sum {total:+8.1f}   due {due:+6.1f}   delta {total - due:+8.1f}")

# %% [markdown] id="why"
# ## 5 Why it does not add up
#
# SmolLM2, like most models of today, begins each layer with RMSNorm: it divides the hidden state by its own size. Near a zero baseline the state's size is near zero. What does that do to the gradient?

# %% [markdown] id="q-nine" exercise="lab01-q9" role="exercise"
# ### Exercise 9: the steepness of the path
#
# Write `gradient_norms(f, x, baseline, alphas)`: the Euclidean norm of the gradient at each point `baseline + alpha (x − baseline)`, one for each alpha.


# %% id="q-nine-answer" exercise="lab01-q9" role="answer"
def gradient_norms(
    f, x: torch.Tensor, baseline: torch.Tensor, alphas: torch.Tensor
) -> torch.Tensor:
    """(len(alphas),): how steep f is at each point of the path."""
    ### BEGIN SOLUTION
    steps = alphas.to(x.dtype).reshape(-1, *[1] * x.dim())
    points = (baseline + steps * (x - baseline)).requires_grad_()
    (slopes,) = torch.autograd.grad(f(points).sum(), points)
    return slopes.flatten(1).norm(dim=1)
    ### END SOLUTION


# %% id="q-nine-check" exercise="lab01-q9" role="check"
iw.course.check("lab01-q9", gradient_norms)

# %% [markdown] id="steep"
# On the model, from zero to the prompt: at alpha the value f, the norm of its gradient, and the cosine between the gradients here and at the next of 50 points, that is, how far two neighbours agree on a direction.
#
# **Predict.** Where on the path does the logit of ·Canberra rise from 0 to 13.4?

# %% id="steep-shown" tags=["skip-execution"]
embeddings = lm.embed(torch.tensor([ids]))[0].detach()
profile = lab01.path_profile(lm, embeddings, canberra, steps=50)
for i in (0, 1, 2, 4, 9, 19, 29, 39, 48):
    print(
        f"alpha {profile.alphas[i]:.2f}   f {profile.values[i]:6.1f}"
        f"   norm of the gradient {profile.norms[i]:7.0f}"
        f"   cosine with the next {profile.cosines[i]:+.2f}"
    )
profile.plot()
plt.show()

# %% [markdown] id="steep-what"
# At the first point, one hundredth of the way, f is already far from 0: RMSNorm blows the tiny state up to full size, so that almost at once the model reads the prompt as if it were there. The gradient at the start is many times larger than at the end, and neighbouring gradients point in unrelated directions there (*shattered* gradients); later on they agree.
#
# If that is the cause, the path must add up where it keeps away from zero. The next cell integrates four pieces of the path with 50 points each.

# %% id="pieces-shown" tags=["skip-execution"]
for start, stop in ((0.0, 0.1), (0.1, 0.2), (0.2, 0.5), (0.5, 1.0)):
    piece = lab01.path_profile(lm, embeddings, canberra, steps=50, start=start, stop=stop)
    print(
        f"alpha {start:.1f} to {stop:.1f}   sum of the gradients {piece.total:+7.1f}"
        f"   f changes by {piece.due:+6.1f}"
    )

# %% [markdown] id="pieces-what"
# The first tenth of the path holds as much as is due in all, 13.3 of 13.4, and nearly all of the error. What the scores share out there is not what this prompt says: it is the jump from no state at all to a state. That is no fault of the code; it is what "zero embedding" means to this model. From a baseline of real text the path keeps away from zero, and then it adds up:

# %% id="text-baseline" tags=["skip-execution"]
r = iw.attribute(
    lm, prompt, target, method="integrated_gradients", baseline="text:The capital of Germany is"
)
print("  ".join(f"{token!r} {score:+.2f}" for token, score in zip(r.tokens, r.scores, strict=True)))
print(f"sum {r.scores.sum():.2f}   due {r.diagnostics['due']:.2f}")

# %% [markdown] id="text-baseline-what"
# It adds up, and it answers a smaller question: why ·Canberra here and not after "The capital of Germany is"? Only one token differs, so it gets everything.

# %% [markdown] id="w-one-question" exercise="lab01-w1" role="exercise"
# ### Question 1: why does it not add up?
#
# In about five sentences, with the numbers that you measured: why do the scores on this model not sum to what is due, and why do more steps not simply help?

# %% [markdown] id="w-one" exercise="lab01-w1" role="written"
# ### BEGIN SOLUTION
# Each layer begins with RMSNorm, which divides by the size of the state. At the zero baseline that size is zero: the function jumps there, and close to it the gradient grows as one over the distance (exercise 9 shows this for w·x/|x|). The profile shows it on the model: at the first of 50 points the gradient is over a hundred times as large as at the end, and f is already near its final value. The first gradients have cosines near or below zero with their neighbours, so each point there is nearly a draw of its own; more points in the rest of the path do not help, and the table of 20 to 320 points shows the sum wandering. The pieces from 0.1 on add up. The promise holds for the integral, and with evenly spaced points we never get near the integral.
# ### END SOLUTION

# %% [markdown] id="order"
# ## 6 Does the order mean anything?
#
# Perhaps the sum is off and the *order* of the tokens is still right. That can be measured without any axiom: take the highest tokens away and see how far the answer falls (comprehensiveness, DeYoung and others 2020). Away means: replaced by a *filler* token.

# %% [markdown] id="q-ten" exercise="lab01-q10" role="exercise"
# ### Exercise 10: take the top tokens away
#
# Write `deletion_drops(value, ids, scores, filler)`. `value` takes a batch of token ids (rows, tokens) and gives one number for each row. Entry k − 1 of the answer, for k from 1 to the number of tokens, is the value of the whole prompt less the value when the k tokens with the highest scores are replaced by `filler`.


# %% id="q-ten-answer" exercise="lab01-q10" role="answer"
def deletion_drops(value, ids: torch.Tensor, scores: torch.Tensor, filler: int) -> torch.Tensor:
    """(tokens,): how far the value falls when the 1, 2, ... highest tokens are gone."""
    ### BEGIN SOLUTION
    order = scores.argsort(descending=True)
    rows = ids.repeat(len(ids), 1)
    for k in range(1, len(ids) + 1):
        rows[k - 1, order[:k]] = filler
    return value(ids[None])[0] - value(rows)
    ### END SOLUTION


# %% id="q-ten-check" exercise="lab01-q10" role="check"
iw.course.check("lab01-q10", deletion_drops)

# %% [markdown] id="signature"
# ### The result of this lab
#
# Twelve prompts that the model completes; the value is the log-probability of the right next token; for each order of tokens the mean fall, in nats, when a fifth, two, three and four fifths of the tokens are gone. A good order falls far at once. Two ways of taking away, because a test by one filler alone may favour a method that uses the same filler: the end-of-text token, and random tokens.
#
# - *integrated gradients*: the textbook's, zero baseline, 50 steps
# - *take one away*: each token's score is how far the answer falls when it alone is replaced by the end-of-text token; one pass for each token
# - *shuffled*: the **negative control**, scores drawn at random. If the test gave these a good mark, it would be worthless.
#
# **Predict** the order of the three. The cell takes about half a minute.

# %% id="signature-shown" tags=["skip-execution"]
study = lab01.deletion_study(lm, lab01.PROMPTS, steps=50, shuffles=5, seed=0)
print(study.table())
study.plot()
plt.show()

# %% [markdown] id="signature-what"
# Integrated gradients stand beside the shuffled scores: on this model their order carries nothing that can be seen by this test, for either way of taking away. Taking one token away at a time is far ahead under the filler that it uses itself, and still clearly ahead under random tokens, which it has never seen. So the test *can* tell a good order from a bad one; it is integrated gradients that fail it.
#
# ### A second control: a model that knows nothing
#
# The same architecture with random weights has no capital cities in it. Its picture should look different from a picture that means something (Adebayo and others 2018).

# %% id="random-model" tags=["skip-execution"]
nobody = lab01.with_random_weights(lm, seed=0)
r = iw.attribute(nobody, prompt, target, method="integrated_gradients", quadrature="midpoint")
print("  ".join(f"{token!r} {score:+.2f}" for token, score in zip(r.tokens, r.scores, strict=True)))
print(
    "sum",
    round(r.scores.sum(), 2),
    "  due",
    round(r.diagnostics["due"], 2),
    "  verdict:",
    r.verdict.word,
)
r

# %% [markdown] id="random-what"
# A picture comes out, with bars of both colours, from a model that knows nothing. Only the numbers beside it can tell you.
#
# ## 7 Ask the picture
#
# Below is the highlight. Click another next token, choose a foil, another baseline, more steps, and watch the sentence above the picture.

# %% id="widget"
widget = iw.widgets.Highlight(
    result=iw.attribute(lm, prompt, target, foil, method="integrated_gradients")
)
widget

# %% [markdown] id="q-eleven" exercise="lab01-q11" role="exercise"
# ### Exercise 11: ask the picture
#
# With the picture's own settings (Gauss-Legendre, 50 steps, zero baseline), look at two questions: what pulls towards ·Canberra, with no foil; and what pulls towards ·Canberra against ·Sydney? Return a dict of four texts (tokens without their leading space): `"alone"`, the token with the highest score in the first picture; `"for"` and `"against"`, the ones with the highest and the lowest score in the second; and `"verdict"`, the words of the verdict above the second.


# %% id="q-eleven-answer" exercise="lab01-q11" role="answer"
def reading() -> dict[str, str]:
    """{"alone": ..., "for": ..., "against": ..., "verdict": ...} as read from the highlight."""
    ### BEGIN SOLUTION
    alone = iw.attribute(lm, prompt, target, method="integrated_gradients")
    against = iw.attribute(lm, prompt, target, foil, method="integrated_gradients")
    high = [r.tokens[int(np.argmax(r.scores))].strip() for r in (alone, against)]
    low = against.tokens[int(np.argmin(against.scores))].strip()
    return {"alone": high[0], "for": high[1], "against": low, "verdict": against.verdict.word}
    ### END SOLUTION


# %% id="q-eleven-check" exercise="lab01-q11" role="check"
iw.course.check("lab01-q11", reading)

# %% [markdown] id="attention"
# ## 8 Where it looks is not what drove it
#
# Attention weights are often shown as an explanation. Here is how much attention the last position pays to each token, averaged over all layers and heads, beside what happens to the answer when that token alone is replaced by the end-of-text token.

# %% id="attention-shown" tags=["skip-execution"]
looks = lab01.attention_study(lm, lab01.PROMPTS)
print(looks.table(prompts=2))
print(f"\nOver {len(lab01.PROMPTS)} prompts:")
print(f"the first token gets {looks.share_of_first:.0%} of the attention")
print(f"and is the token that matters most in {looks.first_matters_most} of them.")
print(f"The token looked at most is the one that matters most in {looks.same_top} of them.")

# %% [markdown] id="attention-what"
# In every prompt most attention rests on the first token, whatever it is: an *attention sink*, where heads park what they do not need. It is where the model looks, and it is not what drove the answer.

# %% [markdown] id="w-two-question" exercise="lab01-w2" role="exercise"
# ### Question 2: answer a colleague
#
# A colleague shows you an attention picture of this model and says: "See, it decided by the word 'The'." Answer in about five sentences: what the picture shows and what it does not, with this lab's numbers; which control such a picture would have to pass; and what you would show instead.

# %% [markdown] id="w-two" exercise="lab01-w2" role="written"
# ### BEGIN SOLUTION
# The picture shows where attention weights lie, not what they carry: the first token takes most of the attention on every prompt here, whatever word it is. If it had driven the answer, replacing it should move the answer most, and that is so in none of the twelve prompts. A control: the same picture for another prompt, and for a model with random weights; a picture that looks alike there says nothing about this answer. I would show how far the answer falls when each token is taken away, beside shuffled scores as a control. That in turn depends on what the token is replaced by, and says which token mattered, not how the model used it.
# ### END SOLUTION

# %% [markdown] id="limits"
# ## What was not shown
#
# - One small model and twelve short prompts. On models without RMSNorm, or with a baseline of real text that is close to the prompt, integrated gradients can converge; the verdict above the picture tells which case you have.
# - Replacing a token makes a prompt that nobody would write. "Falls when replaced" is a fact about the model, not about language.
# - A token's score, even a true one, says which token mattered, not why. Where a fact is stored is the subject of later labs.
#
# ## Where you stand

# %% id="stand"
iw.course.labs()

# %% [markdown] id="reading"
# ## Reading
#
# - Mukund Sundararajan, Ankur Taly, Qiqi Yan: Axiomatic attribution for deep networks, ICML 2017. The method and its axioms.
# - David Balduzzi and others: The shattered gradients problem, ICML 2017. Why gradients of deep networks look like noise.
# - Julius Adebayo and others: Sanity checks for saliency maps, NeurIPS 2018. The control with random weights.
# - Jay DeYoung and others: ERASER, a benchmark to evaluate rationalized NLP models, ACL 2020. Comprehensiveness and sufficiency.
# - Sarthak Jain, Byron Wallace: Attention is not explanation, NAACL 2019.
