# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="title"
# # Lab 02: SHAP and LIME
#
# **Claim.** On the embedded model SmolLM2-135M-Instruct, LIME and SHAP mostly agree on the order of the tokens (rank correlation about 0.8 over twelve prompts), and less on their signs: LIME stands between leave-one-out and the Shapley values, and its kernel says where. Judged by deletion and insertion all of them are ahead of shuffled scores, which are the control; integrated gradients, the cheap method that textbooks prefer, are not.
#
# After this lab you can
#
# 1. compute Shapley values by hand for four tokens and exactly for ten, and say why not for fifty,
# 2. sample them with an interval, and test whether the interval keeps its word,
# 3. use the library shap on a language model, and know what its masker does to your text,
# 4. write LIME yourself, and say which question it answers and SHAP does not,
# 5. judge methods by deletion and insertion curves, with a control,
# 6. choose a method for production from measured quality and cost, and defend the choice.
#
# About four hours; it works without a network. Exercises have points; `iw.course.check` tells you at once, and records on this machine how far you are. Hints fold out under each exercise: try first. You may leave an exercise out: nothing further down needs your answer to it.

# %% id="load"
import interp_widgets as iw
import matplotlib.pyplot as plt
import numpy as np
import torch
from interp_widgets.course import lab02

lm = iw.load_model()
prompt, target, foil = "The capital of Australia is", " Canberra", " Sydney"

# %% [markdown] id="surprise"
# ## A surprise first
#
# Three well-known methods do the same thing: they delete tokens, ask the model again, and look how far ·Canberra is then ahead of ·Sydney. Same model, same prompt, same way of deleting (the end-of-text token in place of each deleted token).
#
# **Predict.** Will they agree on which tokens speak *for* ·Canberra and which *against*? Write your guess down, then run the cell.

# %% id="three" tags=["skip-execution"]
for method in ("leave_one_out", "lime", "shapley"):
    r = iw.attribute(lm, prompt, target, foil, method=method, delete="eos")
    shown = "  ".join(
        f"{token!r} {score:+.1f}" for token, score in zip(r.tokens, r.scores, strict=True)
    )
    print(f"{method:14} {shown}   sum {r.scores.sum():+.1f}")

# %% [markdown] id="surprise-what"
# For leave-one-out all five tokens speak for ·Canberra, and strongly. For the Shapley values three of the five speak against it, and everything is small. LIME has the signs of the one and some sizes of the other. None of the three is a mistake: they ask different questions about the same numbers. The rest of this lab takes them apart.
#
# ## 1 A prompt as a game
#
# Call the tokens *players*. A set of tokens S is kept, the others are deleted, and v(S) is what the model then says: here the log-odds of the target over the foil, its logit less the other's. A score is a way to share v(everything) − v(nothing) among the players.

# %% [markdown] id="q-one" exercise="lab02-q1" role="exercise"
# ### Exercise 1: the value of a set of tokens
#
# Write `coalition_values(lm, ids, kept, target, foil, filler)`. `ids` are the prompt's token ids, (tokens,); each row of `kept`, (rows, tokens), is a set: True where the token stays, False where the token id `filler` takes its place. Return the target's logit less the foil's at the last position, (rows,). `target` and `foil` are token ids.


# %% id="q-one-answer" exercise="lab02-q1" role="answer"
def coalition_values(
    lm, ids: torch.Tensor, kept: torch.Tensor, target: int, foil: int, filler: int
) -> torch.Tensor:
    """(rows,): log-odds of target over foil when only the kept tokens of each row are there."""
    ### BEGIN SOLUTION
    rows = ids.repeat(len(kept), 1)
    rows[~kept] = filler
    with torch.no_grad():
        logits = lm.model(input_ids=rows).logits[:, -1]
    return logits[:, target] - logits[:, foil]
    ### END SOLUTION


# %% id="q-one-check" exercise="lab02-q1" role="check"
iw.course.check("lab02-q1", coalition_values)

# %% [markdown] id="four"
# Four tokens make sixteen sets, few enough to look at every one. `lab02.model_game` gives v as a function that takes sets and asks the model once for each. **Predict**: is ·Australia worth the same, whatever else is there?

# %% id="four-shown"
four = lab02.model_game(lm, "Capital of Australia:", target, foil)
names = [lm.tokenizer.decode([i]) for i in four.ids.tolist()]
blanks = ["".join(" " if letter == " " else "_" for letter in name) for name in names]
sets = lab02.all_sets(4)
for kept, value in zip(sets.tolist(), four(sets).tolist(), strict=True):
    members = "".join(np.where(kept, names, blanks))
    print(f"{members:26} {value:+.2f}")

# %% [markdown] id="orders"
# ## 2 By hand: all orders
#
# Let the tokens come in one by one, in some order. Each adds v(those before it, and it) − v(those before it). In another order it adds something else. Shapley (1953) takes the mean over all orders:
#
# $$\varphi_i = \frac{1}{n!}\sum_{\text{orders}} \big[\,v(\text{before } i \,\cup\, \{i\}) - v(\text{before } i)\,\big]$$

# %% [markdown] id="q-two" exercise="lab02-q2" role="exercise"
# ### Exercise 2: all orders, by hand
#
# Write `by_orders(v, n)`: the Shapley values of n players, (n,), by walking every order. `v` takes sets, a tensor of True and False with the shape (rows, n), and gives one number for each row.


# %% id="q-two-answer" exercise="lab02-q2" role="answer"
def by_orders(v, n: int) -> torch.Tensor:
    """(n,): what each player adds, the mean over all n! orders."""
    ### BEGIN SOLUTION
    from itertools import permutations

    orders = list(permutations(range(n)))
    scores = torch.zeros(n, dtype=torch.float64)
    for order in orders:
        kept = torch.zeros(n + 1, n, dtype=torch.bool)
        for place, token in enumerate(order, 1):
            kept[place:, token] = True
        scores[list(order)] += v(kept).diff()
    return scores / len(orders)
    ### END SOLUTION


# %% id="q-two-check" exercise="lab02-q2" role="check"
iw.course.check("lab02-q2", by_orders)

# %% [markdown] id="spread"
# The 24 orders of the four tokens, one dot each:

# %% id="spread-shown" tags=["skip-execution"]
walked = lab02.all_orders(four)
for i, name in enumerate(walked.tokens):
    low, high = walked.added[:, i].min(), walked.added[:, i].max()
    print(f"{name!r:13} adds {low:+.2f} to {high:+.2f}, mean {walked.scores[i]:+.2f}")
walked.plot()
plt.show()

# %% [markdown] id="spread-what"
# Each token helps in one order and harms in another; ·Australia adds anything from −3.25 to +3.44, depending on what is there before it. One number for "what ·Australia contributes" is a mean over very different situations, and methods differ in *which* situations they average over. Leave-one-out takes a single one: everything else is there.
#
# ## 3 Exactly, by sets
#
# 24 orders for 16 sets: orders share sets. What a token adds to a set S depends on S alone, and S stands before it in |S|! (n − |S| − 1)! of the n! orders. So
#
# $$\varphi_i = \sum_{S \not\ni i} \frac{|S|!\,(n-|S|-1)!}{n!}\,\big[\,v(S \cup \{i\}) - v(S)\,\big]$$
#
# and 2ⁿ values of v are enough.

# %% [markdown] id="q-three" exercise="lab02-q3" role="exercise"
# ### Exercise 3: exact Shapley values by sets
#
# Write `shapley(v, n)`: the same values as in exercise 2, by the formula above, asking v for each set once. `lab02.all_sets(n)` gives all sets, (2ⁿ, n); bit i of a row's number says whether token i is in it. The check goes up to ten players.


# %% id="q-three-answer" exercise="lab02-q3" role="answer"
def shapley(v, n: int) -> torch.Tensor:
    """(n,): exact Shapley values from the values of all 2^n sets."""
    ### BEGIN SOLUTION
    from math import comb

    sets = lab02.all_sets(n)
    values, sizes = v(sets), sets.sum(1)
    weights = torch.tensor([1 / (n * comb(n - 1, k)) for k in range(n)], dtype=torch.float64)
    scores = []
    for i in range(n):
        out = torch.nonzero(~sets[:, i]).flatten()
        added = values[out + (1 << i)] - values[out]
        scores.append((weights[sizes[out]] * added).sum())
    return torch.stack(scores)
    ### END SOLUTION


# %% id="q-three-check" exercise="lab02-q3" role="check"
iw.course.check("lab02-q3", shapley)

# %% [markdown] id="ten"
# Ten tokens of a film review, 1,024 changed prompts. The target is ·bad, the foil ·good: what makes the model expect a bad word? The scores keep the promise that makes Shapley values popular (*efficiency*): they sum to v(everything) − v(nothing).
#
# **Predict** the two tokens with the highest scores. (The cell takes about half a minute.)

# %% id="ten-shown" tags=["skip-execution"]
review_text = "I did not like this new film. It was"
review = lab02.model_game(lm, review_text, " bad", " good")
values = review.of_all()
review_tokens = [lm.tokenizer.decode([i]) for i in review.ids.tolist()]
exact = lab02.exact(values, review.n)
print(f"{review.rows} sets")
for token, score in zip(review_tokens, exact, strict=True):
    print(f"{token!r:8} {score:+.2f}")
print(f"sum {exact.sum():+.2f}   everything less nothing {values[-1] - values[0]:+.2f}")
print(
    f"the sum of the same scores, shuffled: {np.random.default_rng(0).permutation(exact).sum():+.2f}"
)

# %% [markdown] id="ten-what"
# ·not and ·like lead. The sum is right to the last digit, and so is the sum of the shuffled scores: that scores add up is no evidence that any one of them is right.
#
# ### Why not for fifty tokens

# %% [markdown] id="q-four" exercise="lab02-q4" role="exercise"
# ### Exercise 4: how many tokens can be afforded
#
# Write `affordable(seconds_each, budget, orders)`. One changed prompt takes `seconds_each`, and there are `budget` seconds. Return a dict of two whole numbers: `"exact"`, the largest n whose 2ⁿ sets can be asked for, and `"orders"`, the largest n for which some `orders` can be walked. An order of n tokens visits n + 1 sets; nothing and everything are the same in all orders and asked for once, so that is orders · (n − 1) + 2. A budget that is just enough is enough.


# %% id="q-four-answer" exercise="lab02-q4" role="answer"
def affordable(seconds_each: float, budget: float, orders: int) -> dict[str, int]:
    """{"exact": tokens for all sets, "orders": tokens for so many orders} within the budget."""
    ### BEGIN SOLUTION
    import math

    sets = budget / seconds_each
    return {"exact": math.floor(math.log2(sets)), "orders": math.floor((sets - 2) / orders) + 1}
    ### END SOLUTION


# %% id="q-four-check" exercise="lab02-q4" role="check"
iw.course.check("lab02-q4", affordable)

# %% id="growth"
for n in (4, 10, 20, 30, 50):
    took, unit = 2**n * 0.01, "seconds"
    for longer, size in (("hours", 3600), ("days", 24), ("years", 365)):
        if took >= size:
            took, unit = took / size, longer
    print(f"{n} tokens: {2**n:,} sets, at a hundredth of a second each {took:,.1f} {unit}")

# %% [markdown] id="sampling"
# ## 4 Some orders, and an interval
#
# A mean over n! orders can be estimated from a few of them. An estimate without an interval is worth little, so we want both. And because what is added early in an order often differs from what is added late, each order is walked backwards too (an *antithetic* pair): where tokens act in pairs, the two walks together are exact.

# %% [markdown] id="q-five" exercise="lab02-q5" role="exercise"
# ### Exercise 5: sampling, with an interval
#
# Write `sampled(v, orders)`. `orders`, (pairs, n), holds permutations of the players. Walk each forwards and backwards; the mean of the two walks is *one* sample for each token. Return `(scores, half)`: the mean over the samples, (n,), and half the width of its 95 % t-interval, (n,).


# %% id="q-five-answer" exercise="lab02-q5" role="answer"
def sampled(v, orders: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Shapley values from orders and their reverses, (n,), and the half width of a 95 % t-interval, (n,)."""
    ### BEGIN SOLUTION
    from scipy.stats import t

    pairs, n = orders.shape
    samples = torch.zeros(pairs, n, dtype=torch.float64)
    for pair, forwards in enumerate(orders):
        for order in (forwards, forwards.flip(0)):
            kept = order.argsort() < torch.arange(n + 1)[:, None]
            samples[pair, order] += v(kept).diff() / 2
    error = samples.std(0) / pairs**0.5
    return samples.mean(0), t.ppf(0.975, pairs - 1) * error
    ### END SOLUTION


# %% id="q-five-check" exercise="lab02-q5" role="check"
iw.course.check("lab02-q5", sampled)

# %% [markdown] id="coverage"
# Does a 95 % interval hold the exact value 95 times in 100? On the review we know the exact values, so it can be counted: 200 repeats for each number of pairs. Beside it the error of walking as many *single* orders, without their reverses.
#
# **Predict** which has the smaller error, pairs or single orders.

# %% id="coverage-shown" tags=["skip-execution"]
study = lab02.sampling_study(values, review.n, pairs=(2, 5, 10, 25, 50), repeats=200)
print(study.table())
study.plot()
plt.show()

# %% [markdown] id="coverage-what"
# The intervals hold the exact value about 9 times in 10, less than promised: with few pairs the samples are not normally distributed. And here the pairs, which the literature recommends, have the *larger* error at every size. An order and its reverse help where tokens act in pairs; in this model a token adds much both when it is nearly alone and when it is nearly last, so the two walks err in the same direction. Recommended is not measured.
#
# With a hundred orders, 902 of the 1,024 sets, the error is still about 0.2 log-odds: this is the noise that sampled SHAP adds to every score.
#
# ## 5 The same by shap
#
# The library shap (Lundberg and Lee 2017) is what production code uses. For texts it builds a tree of the tokens and allows only orders that keep branches together; their mean is called Owen values, and takes far fewer sets.

# %% [markdown] id="q-six" exercise="lab02-q6" role="exercise"
# ### Exercise 6: the same by shap
#
# Write `shap_scores(lm, text, target, foil)`: one score for each token, (tokens,), as a tensor. Use `shap.Explainer` with a function from a list of texts to a NumPy array of log-odds (target over foil, token ids), and `shap.maskers.Text` with the *end-of-text token* in the place of each deleted token.


# %% id="q-six-answer" exercise="lab02-q6" role="answer"
def shap_scores(lm, text: str, target: int, foil: int) -> torch.Tensor:
    """(tokens,): shap's scores for the log-odds of target over foil after the text."""
    ### BEGIN SOLUTION
    import shap

    def log_odds(texts) -> np.ndarray:
        rows = [torch.tensor([lm.tokenizer(str(text))["input_ids"]]) for text in texts]
        with torch.no_grad():
            logits = [lm.model(input_ids=row).logits[0, -1] for row in rows]
        return np.array([float(row[target] - row[foil]) for row in logits])

    masker = shap.maskers.Text(
        lm.tokenizer, mask_token=lm.tokenizer.eos_token, collapse_mask_token=False
    )
    explanation = shap.Explainer(log_odds, masker)([text], silent=True)
    return torch.tensor(explanation.values[0])
    ### END SOLUTION


# %% id="q-six-check" exercise="lab02-q6" role="check"
iw.course.check("lab02-q6", shap_scores)

# %% [markdown] id="masks"
# The check's tiny model has a tokenizer that splits at spaces. On a real one something happens that no score shows. shap deletes from the *text*; the model reads *tokens*. **Predict** how many tokens the model reads when all five are deleted.

# %% id="masks-shown" tags=["skip-execution"]
end = {"mask_token": lm.tokenizer.eos_token, "collapse_mask_token": False}
for label, words in (("shap's default", {}), ("end-of-text", end)):
    for kept in ([True] * 5, [True, False, False, True, False], [False] * 5):
        text, read = lab02.masked(lm, prompt, kept, **words)
        print(f"{label:15} {text!r:64} reads {len(read)}")

# %% [markdown] id="masks-what"
# shap's default writes three dots and joins neighbours, so that the prompt shrinks to a single token; with end-of-text, spaces between the marks become tokens of their own and the prompt *grows* to nine. Neither is the game of section 1. `iw.attribute(..., method="partition_shap")` hands shap the sets themselves and deletes tokens, and `iw.shap_explanation` gives shap's own Explanation of that, ready for shap's pictures:

# %% id="text-plot" tags=["skip-execution"]
import shap
from IPython.display import HTML

explanation = iw.shap_explanation(lm, prompt, target, foil, delete="eos")
page, repaired = lab02.coloured(shap.plots.text(explanation[0], display=False))
print(f"shap {shap.__version__}: {repaired} numbers put right")
print(" ".join(f"{score:+.2f}" for score in explanation.values[0]))
HTML(f'<div style="background-color: white; color: black">{page}</div>')  # drawn for white paper

# %% [markdown] id="text-plot-what"
# "Numbers put right": with NumPy 2, shap 0.51 writes its colours as `rgba(np.float64(255.0), …)`, which no browser knows, and its text plot comes out without colour. `lab02.coloured` takes the names of the types out. Later versions of shap need no repair, and the count is then 0.
#
# ## 6 LIME
#
# LIME (Ribeiro, Singh and Guestrin 2016) asks for something else: the *linear model* that is nearest to the language model around the prompt. Draw sets z (1 = kept, 0 = deleted), ask the model, and fit
#
# $$\min_{w,\,c}\ \sum_z \pi(z)\,\big(v(z) - c - w\cdot z\big)^2 + \lambda\,|w|^2, \qquad \pi(z) = e^{-D(z)^2/\text{width}^2},\quad D(z) = 100\,\big(1 - \cos(z, \mathbf 1)\big)$$
#
# Sets near the whole prompt weigh most. The authors use width 25 and λ = 1; their code also takes the root of π, which is the same as a width of about 35.

# %% [markdown] id="q-seven" exercise="lab02-q7" role="exercise"
# ### Exercise 7: the weighted fit of LIME
#
# Write `lime(kept, values, width, penalty)` by the equation above, without scikit-learn. `kept` is (rows, tokens), True and False; `values`, (rows,), is what the model said. Return `(w, c)`: the weights, (tokens,), and the constant as a float. The constant is not penalised.


# %% id="q-seven-answer" exercise="lab02-q7" role="answer"
def lime(
    kept: torch.Tensor, values: torch.Tensor, width: float, penalty: float
) -> tuple[torch.Tensor, float]:
    """The weighted ridge fit around the prompt: weights (tokens,) and the constant."""
    ### BEGIN SOLUTION
    z = kept.double()
    cosine = z.mean(1).sqrt()
    pi = torch.exp(-((100 * (1 - cosine) / width) ** 2))
    centre = pi @ z / pi.sum()
    weighted = (z - centre).T * pi
    w = torch.linalg.solve(
        weighted @ z + penalty * torch.eye(z.shape[1], dtype=z.dtype), weighted @ values
    )
    return w, float(pi @ values / pi.sum() - centre @ w)
    ### END SOLUTION


# %% id="q-seven-check" exercise="lab02-q7" role="check"
iw.course.check("lab02-q7", lime)

# %% [markdown] id="lime-review"
# LIME with 500 draws beside the exact Shapley values, on the review:

# %% id="lime-shown" tags=["skip-execution"]
lime_scores = lab02.lime_scores(values, review.n, samples=500, seed=0)
for token, one, other in zip(review_tokens, lime_scores, exact, strict=True):
    print(
        f"{token!r:8} LIME {one:+.2f}   Shapley {other:+.2f}   {'other sign' if one * other < 0 else ''}"
    )
print(f"sum      LIME {lime_scores.sum():+.2f}   Shapley {exact.sum():+.2f}")

# %% [markdown] id="kernels"
# The order is much the same: ·not and ·like lead in both. But three tokens change their sign, and LIME's weights sum to nothing in particular, because its constant takes what is left. Why? Nothing differs but the *weights* of the sets. So change only them: below, the same fit over all 1,024 sets, with LIME's kernel at several widths, and with Shapley's own kernel (Lundberg and Lee 2017, theorem 2). In the columns, rank correlation.
#
# **Predict** what a very narrow kernel gives.

# %% id="kernels-shown" tags=["skip-execution"]
bridge = lab02.bridge(values, review.n, widths=(1, 5, 10, 25, 50, 1000))
print(bridge.table())

# %% [markdown] id="kernels-what"
# A narrow kernel sees only prompts with one token missing: LIME *is* then leave-one-out. A wide one is nearly Shapley, and with Shapley's kernel the fit gives the Shapley values themselves. LIME's default of 25 stands in between, so "LIME and SHAP disagree" is a statement about a width that somebody chose.
#
# ## 7 Who is right?
#
# Methods that answer different questions need a test that belongs to none of them. Take the tokens away in the order of the scores, highest first, and watch v (*deletion*); put them into nothing in the same order, and watch again (*insertion*). A good order falls early and rises early: the area between the curves is large.

# %% [markdown] id="q-eight" exercise="lab02-q8" role="exercise"
# ### Exercise 8: deletion and insertion
#
# Write `curves(v, scores)`. Return a dict: `"deletion"`, (n + 1,), where entry k is v without the k tokens of the highest scores; `"insertion"`, (n + 1,), where entry k is v of these k tokens alone; and `"between"`, the area under insertion less the area under deletion as a float, by the trapezoid rule, over an axis from 0 to 1.


# %% id="q-eight-answer" exercise="lab02-q8" role="answer"
def curves(v, scores: torch.Tensor) -> dict[str, torch.Tensor | float]:
    """{"deletion": (n + 1,), "insertion": (n + 1,), "between": area between them}."""
    ### BEGIN SOLUTION
    n = len(scores)
    rank = scores.argsort(descending=True).argsort()
    top = rank < torch.arange(n + 1)[:, None]
    deletion, insertion = v(~top), v(top)
    gap = insertion - deletion
    return {
        "deletion": deletion,
        "insertion": insertion,
        "between": float((gap[1:] + gap[:-1]).sum() / 2 / n),
    }
    ### END SOLUTION


# %% id="q-eight-check" exercise="lab02-q8" role="check"
iw.course.check("lab02-q8", curves)

# %% [markdown] id="twelve"
# Twelve prompts, each with a target and a foil, short enough for all their sets. First the agreement of the methods. Two rows are yardsticks: LIME against LIME with other draws, and shuffled scores.
#
# **Predict**: LIME and exact Shapley values, do they agree better or worse than 50 sampled orders and the exact values do? (The cell takes about a minute.)

# %% id="twelve-shown" tags=["skip-execution"]
prompts = lab02.prepare(lm, seed=0)
print(lab02.agreement(prompts, seed=0).table())

# %% [markdown] id="twelve-what"
# So it is true that "LIME and SHAP often agree": about 0.8, nearly as well as a sample of orders agrees with the exact values. The disagreement is mostly not noise, as LIME agrees with itself far better. About one token in seven has another sign. Leave-one-out is further away, and integrated gradients have nothing to do with any of them.
#
# ### The result of this lab
#
# The area between insertion and deletion, in log-odds, with a 95 % interval over the twelve prompts. Deleted tokens become end-of-text, as in the scores; or random tokens (four draws), which no method has seen. Shuffled scores are the **negative control**: their area must be 0.

# %% id="signature-shown" tags=["skip-execution"]
judged = lab02.judge(prompts, seed=0)
print(judged.table())
judged.plot()
plt.show()

# %% [markdown] id="signature-what"
# All methods that delete are ahead of the shuffled scores under end-of-text, and by less under random tokens, where the lead of Shapley values over the far cheaper leave-one-out is gone. Between the four of them twelve prompts show no difference that the intervals do not cover. Integrated gradients stand where the shuffled scores stand.
#
# ## 8 Ask the comparison
#
# The comparison shows the methods side by side, with their agreement and the tokens on which they differ most. Read the verdicts too: each order is tested by deletion, and on one prompt of five tokens such a test has little power.

# %% id="widget"
comparison = iw.compare(
    lm, prompt, target, foil, methods=["leave_one_out", "lime", "shapley"], delete="eos"
)
comparison

# %% [markdown] id="q-nine" exercise="lab02-q9" role="exercise"
# ### Exercise 9: ask the comparison
#
# For the three methods of this picture, return a dict: `"agreement"`, the rank correlation of LIME and the Shapley values; `"apart"`, the token (without its leading space) whose rank differs most between these two; `"signs"`, how many tokens have one sign by leave-one-out and the other by the Shapley values.


# %% id="q-nine-answer" exercise="lab02-q9" role="answer"
def reading() -> dict[str, float | str | int]:
    """{"agreement": ..., "apart": ..., "signs": ...} as read from the comparison."""
    ### BEGIN SOLUTION
    from scipy.stats import rankdata

    seen = iw.compare(
        lm, prompt, target, foil, methods=["leave_one_out", "lime", "shapley"], delete="eos"
    )
    alone, one, other = seen.scores
    apart = np.argmax(np.abs(rankdata(one) - rankdata(other)))
    return {
        "agreement": float(seen.agreement[1, 2]),
        "apart": seen.tokens[apart].strip(),
        "signs": int(np.sum(np.sign(alone) != np.sign(other))),
    }
    ### END SOLUTION


# %% id="q-nine-check" exercise="lab02-q9" role="check"
iw.course.check("lab02-q9", reading)

# %% [markdown] id="w-one-question" exercise="lab02-w1" role="exercise"
# ### Question 1: where LIME and SHAP part
#
# In about five sentences: why do LIME and the Shapley values differ on the review, though they ask the same model about the same sets? Take one token whose sign differs, and say which question each of its two scores answers. Use the table of kernels.

# %% [markdown] id="w-one" exercise="lab02-w1" role="written"
# ### BEGIN SOLUTION
# Both are weighted averages of what a token adds; they differ in the weights alone. LIME's kernel counts prompts from which little is missing, while Shapley values give every size of set the same weight, from nothing to everything. The table shows it on the same 1,024 sets: with a width of 1 the fit has the order of leave-one-out (1.00), with width 25 it stands between the two, and with Shapley's kernel the difference is 0. ·I has −0.3 by LIME and +0.4 by Shapley: near the whole review, keeping ·I takes a little away from ·bad; on the way from nothing to the review it adds to it on average. The first answers "what would this word's absence change here?", the second "what is its share of the whole difference between this prompt and none?".
# ### END SOLUTION

# %% [markdown] id="cost"
# ## 9 What it costs, and which one you would ship
#
# Evaluations of the model for prompts of growing length, then the seconds on this machine: one changed prompt and one pass with a gradient are timed at each length and multiplied.

# %% id="cost-shown" tags=["skip-execution"]
costs = lab02.costs(lm, review_text, lengths=(8, 16, 32, 64, 128))
print(costs.table())
costs.plot()
plt.show()

# %% [markdown] id="cost-what"
# The material prefers integrated gradients for their cost, which in evaluations does not grow with the prompt at all. So does LIME's, and shap's from 32 tokens on; both then look at an ever smaller part of the sets. Leave-one-out is the cheapest up to a hundred tokens or so. Cost alone decides nothing: shuffling costs 0.

# %% [markdown] id="q-ten" exercise="lab02-q10" role="exercise"
# ### Exercise 10: choose a method
#
# Write `choose(table, budget)`. `table` is a list of dicts with the keys `"method"`, `"quality"`, `"low"` and `"high"` (the ends of its interval) and `"seconds"`; one method is `"shuffled"`, the control. Leave out the control, what takes more seconds than the budget, and what the control could match (its low end does not lie above the control's high end). Of what remains, the best quality sets the bar: every method whose quality reaches the *low end of the best one's interval* is as good as we can tell. Return the name of the cheapest of these, or `"none"` if nothing remains.


# %% id="q-ten-answer" exercise="lab02-q10" role="answer"
def choose(table: list[dict], budget: float) -> str:
    """The cheapest method that is as good as the best one that can be paid, or "none"."""
    ### BEGIN SOLUTION
    (control,) = (row for row in table if row["method"] == "shuffled")
    allowed = [row for row in table if row["seconds"] <= budget and row["low"] > control["high"]]
    if not allowed:
        return "none"
    best = max(allowed, key=lambda row: row["quality"])
    as_good = [row for row in allowed if row["quality"] >= best["low"]]
    return min(as_good, key=lambda row: row["seconds"])["method"]
    ### END SOLUTION


# %% id="q-ten-check" exercise="lab02-q10" role="check"
iw.course.check("lab02-q10", choose)

# %% [markdown] id="table"
# The table of this lab: quality as measured above (mean of both ways of deleting), seconds for a prompt of 64 tokens on this machine.

# %% id="table-shown" tags=["skip-execution"]
import pandas as pd

table = judged.choices(costs, tokens=64)
pd.DataFrame(table).set_index("method").map(lambda number: f"{number:.3g}")

# %% [markdown] id="picked"
# What this rule chooses, by the budget in seconds:

# %% id="picked-shown" tags=["skip-execution"]
{budget: lab02.pick(table, budget) for budget in (0.001, 60, 3600)}

# %% [markdown] id="w-two-question" exercise="lab02-w2" role="exercise"
# ### Question 2: defend your choice
#
# Your team must explain each answer of this model to users: prompts of about 64 tokens, one minute on a machine like yours. In about six sentences: which method, with which settings, and why, by this lab's numbers? What would you show beside the scores? What do the numbers not show?

# %% [markdown] id="w-two" exercise="lab02-w2" role="written"
# ### BEGIN SOLUTION
# Leave-one-out: 64 changed prompts, within the minute, while exact Shapley values take 2 to the 64 sets and fifty orders 3,152. Its area between the curves lies within the interval of the best method's over both ways of deleting, and above that of the shuffled scores; integrated gradients cost a similar time and do not lie above them. If signs must add up to the whole difference, I would take shap's partition with 500 evaluations instead, and say that its noise at that budget was not measured here for 64 tokens. Beside the scores I would show the way of deleting, what shuffled scores reach, and a warning where LIME or shap gives a token the other sign. The numbers come from twelve short prompts and one small model; longer prompts, other models and other ways of deleting need the test again.
# ### END SOLUTION

# %% [markdown] id="limits"
# ## What was not shown
#
# - One small model, twelve short prompts and one review. Intervals over twelve prompts are wide; that no difference was seen between two methods does not say that there is none.
# - A deleted token is a token that nobody would write there. All these methods, and the curves that judge them, share that fault; random tokens only vary it.
# - Quality was measured on prompts of five to seven tokens, cost on longer ones. With a fixed number of draws LIME and shap get worse as the prompt grows, and here nobody measured by how much.
# - A score says which token mattered for this answer, not why, and not whether the answer is true.
#
# ## Where you stand

# %% id="stand"
iw.course.labs()

# %% [markdown] id="reading"
# ## Reading
#
# - Lloyd Shapley: A value for n-person games, 1953. The axioms, and that only one value keeps them all.
# - Scott Lundberg, Su-In Lee: A unified approach to interpreting model predictions, NeurIPS 2017. SHAP, and the kernel that joins it to LIME.
# - Marco Ribeiro, Sameer Singh, Carlos Guestrin: "Why should I trust you?", KDD 2016. LIME.
# - Rory Mitchell and others: Sampling permutations for Shapley value estimation, JMLR 2022. Antithetic orders and better.
# - Vitali Petsiuk, Abir Das, Kate Saenko: RISE, BMVC 2018. Deletion and insertion curves.
# - Elizabeth Kumar and others: Problems with Shapley-value-based explanations as feature importance measures, ICML 2020.
