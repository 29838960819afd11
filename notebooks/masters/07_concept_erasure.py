# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="title"
# # Lab 07: Concept erasure
#
# **Claim.** In the embedded model SmolLM2-135M-Instruct one dimension of 576, found in closed form by four short functions of yours, is all that a linear probe needs of "she or he" in the states that it was found on. Take it out and the probe guesses; take out a random one, or the one found with shuffled labels, and nothing happens. On sentences that the eraser has not met a trace remains, and what a probe cannot read in one layer the next layers can write again.
#
# After this lab you can
#
# 1. score a probe so that its number means something, and say what is wrong with one that was never split,
# 2. derive LEACE from two covariances: whiten, project, come back; and hold it against a library,
# 3. write INLP's loop, and say what each of its rounds costs in rank,
# 4. say what "no linear classifier" leaves to classifiers that are not linear,
# 5. erase in the running model, layer by layer, and tell states from behaviour,
# 6. name the controls without which none of these numbers says anything.
#
# About three and a half hours; it works without a network. Exercises have points; `iw.course.check` tells you at once, and records on this machine how far you are. Hints fold out under each exercise: try first. You may leave an exercise out: nothing further down needs your answer to it.

# %% id="load"
import interp_widgets as iw
import torch
from interp_widgets.course import lab07

lm = iw.load_model()

# %% [markdown] id="surprise"
# ## A surprise first
#
# Sentences that say "she" or "he": "The singer said that she would learn Spanish last week." Each stands there twice, once with either word, and nobody in them is real. What is studied is the state of each word from that pronoun on, after layer 8: does it still carry which of the two it was?
#
# Textbooks print it like this: fit an eraser on the states, train a logistic probe on them before and after, and print its accuracy on them. (The text speaks of a split into training and test; the code makes none.) The first line below does that. The second trains and scores a probe on sentences of which neither the eraser nor the probe's training has seen a template.
#
# **Predict** the four numbers.

# %% id="surprise-shown" tags=["skip-execution"]
data = lab07.data(lm)
print(f"states: {len(data.fit):,} to fit on, {len(data.train):,} and {len(data.test):,} fresh ones")
print(lab07.printed(data))

# %% [markdown] id="surprise-what"
# As printed, the eraser looks perfect: 77 % before, 50 % after, which is guessing. Both numbers flatter. On sentences that it has not seen a probe is right in 67 % before, so a part of the 77 was learnt by heart. And after erasing a fresh probe is still right in 55 %: less than before by far, and more than nothing. The 50 % of the first line could not have been anything else. LEACE makes it so that no linear classifier finds anything in the states *that it was fitted on*; to train a probe on just these states is to test the arithmetic. So this lab splits in three: one part to fit erasers on, one to train probes on, one to score them on.
#
# ## 1 A probe, scored properly
#
# A probe with 576 weights can learn much by heart. And states are not independent: the words of one sentence share it, and sentences of one template share nearly all of it. So what is held out are not states but *groups*, here templates.

# %% [markdown] id="q-one" exercise="lab07-q1" role="exercise"
# ### Exercise 1: a probe scored properly
#
# Write `held_out_score(states, labels, groups, held, fit)`: states (n, width), labels 0 or 1 (n,), the number of each state's group (n,), a list of the groups that are held out, and `fit(states, labels)`, which trains a classifier and returns a function from states to labels. Train on the groups that are not held out. Return which share of the held-out states it gets right, one number; each state counts alike.


# %% id="q-one-answer" exercise="lab07-q1" role="answer"
def held_out_score(
    states: torch.Tensor, labels: torch.Tensor, groups: torch.Tensor, held: list[int], fit
) -> float:
    """Share of the held-out states that are classified right."""
    ### BEGIN SOLUTION
    test = torch.isin(groups, torch.tensor(held))
    predict = fit(states[~test], labels[~test])
    return float((predict(states[test]) == labels[test]).double().mean())
    ### END SOLUTION


# %% id="q-one-check" exercise="lab07-q1" role="check"
iw.course.check("lab07-q1", held_out_score)

# %% [markdown] id="scores-text"
# Your function on the fresh states, before anything is erased, beside the printed way: a probe scored on what it was trained on. And a **negative control**: the same with shuffled labels, where there is nothing to find.
#
# **Predict.** What does the printed way find in shuffled labels?

# %% id="scores-shown" tags=["skip-execution"]
print(lab07.scores(data, held_out_score))

# %% [markdown] id="scores-what"
# Scored on its own states the probe finds "she or he" in 76 % of them, and in shuffled labels, where there is nothing, 60 %. Held out, the first is 67 % and the second what it has to be. The distance between a probe's score on its own states and the true one is the part that it learnt by heart; a control shows it without any theory.
#
# ## 2 LEACE by hand
#
# A linear classifier can find nothing exactly when all classes have the same mean state, and this is when the cross-covariance between states and one-hot labels, Sxz, is 0. Many projections do that. LEACE is the one that moves the states least:
#
# $$r(x) = \mu + P\,(x - \mu), \qquad P = I - W^{+} U U^{\mathsf T} W, \qquad W = S_{xx}^{-1/2},$$
#
# with U an orthonormal basis of the columns of W Sxz. Read it from the right: go to coordinates in which the states vary alike in all directions; project there at a right angle; come back. Four steps, four functions.

# %% [markdown] id="q-two" exercise="lab07-q2" role="exercise"
# ### Exercise 2: two covariances
#
# Write `covariances(states, labels)`: states, (n, width), and one-hot labels, (n, classes). Return the pair Sxx, (width, width), and Sxz, (width, classes), each divided by n − 1.


# %% id="q-two-answer" exercise="lab07-q2" role="answer"
def covariances(states: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Sxx (width, width) and Sxz (width, classes)."""
    ### BEGIN SOLUTION
    x = states - states.mean(0)  # where one of the two is centred, their product is
    return x.T @ x / (len(x) - 1), x.T @ labels / (len(x) - 1)
    ### END SOLUTION


# %% id="q-two-check" exercise="lab07-q2" role="check"
iw.course.check("lab07-q2", covariances)

# %% [markdown] id="q-three" exercise="lab07-q3" role="exercise"
# ### Exercise 3: whitening
#
# Write `whitening(sxx)`: the symmetric W with W Sxx W = I. Where the states do not vary there is nothing to divide by: eigenvalues up to `1e-9` times the largest count as 0, and W is 0 there too.


# %% id="q-three-answer" exercise="lab07-q3" role="answer"
def whitening(sxx: torch.Tensor) -> torch.Tensor:
    """(width, width): the inverse root of Sxx, where it has one."""
    ### BEGIN SOLUTION
    values, vectors = torch.linalg.eigh(sxx)
    kept = values > 1e-9 * values[-1]
    return (vectors[:, kept] / values[kept].sqrt()) @ vectors[:, kept].T
    ### END SOLUTION


# %% id="q-three-check" exercise="lab07-q3" role="check"
iw.course.check("lab07-q3", whitening)

# %% [markdown] id="q-four" exercise="lab07-q4" role="exercise"
# ### Exercise 4: the least projection
#
# Write `leace(whitening, sxz)`: W, (width, width), and Sxz, (width, classes). Return P, (width, width), for states as columns. The columns of Sxz add up to 0, so that k classes cost k − 1 dimensions and not one more.


# %% id="q-four-answer" exercise="lab07-q4" role="answer"
def leace(whitening: torch.Tensor, sxz: torch.Tensor) -> torch.Tensor:
    """(width, width): what is left of a centred state."""
    ### BEGIN SOLUTION
    u = torch.linalg.svd(whitening @ sxz).U[:, : sxz.shape[1] - 1]
    back = torch.linalg.pinv(whitening, rtol=1e-7)
    return torch.eye(len(sxz), dtype=sxz.dtype) - back @ u @ u.T @ whitening
    ### END SOLUTION


# %% id="q-four-check" exercise="lab07-q4" role="check"
iw.course.check("lab07-q4", leace)

# %% [markdown] id="q-five" exercise="lab07-q5" role="exercise"
# ### Exercise 5: erasing
#
# Write `erased(states, mean, projection)`: states as rows, (n, width); the mean of the states that the eraser was fitted on, (width,); and P. Return r(x) of each state, (n, width).


# %% id="q-five-answer" exercise="lab07-q5" role="answer"
def erased(states: torch.Tensor, mean: torch.Tensor, projection: torch.Tensor) -> torch.Tensor:
    """(n, width): the states without the concept."""
    ### BEGIN SOLUTION
    return mean + (states - mean) @ projection.T
    ### END SOLUTION


# %% id="q-five-check" exercise="lab07-q5" role="check"
iw.course.check("lab07-q5", erased)

# %% [markdown] id="library-text"
# Your four functions on the model's states, beside the package's `iw.erasure.Eraser` (whose numbers its own tests hold against the authors' library). What you have not written is borrowed, and the cell says so.

# %% id="library-shown" tags=["skip-execution"]
mine = lab07.by_hand(data.fit, covariances, whitening, leace, erased)
print(lab07.against_library(mine, data))

# %% [markdown] id="result"
# ### The result of this lab
#
# The probe before and after, on the states that the eraser was fitted on and, with a probe of their own, on fresh sentences. *Change* is the mean length of what was taken, as a share of the length of a centred state. Beside your eraser stand one with a shrunk covariance (the package's default), one that projects along the difference of the class means at a right angle, without whitening, and two **negative controls that must fail**: a random direction, and LEACE fitted with the labels shuffled.
#
# **Predict.** Which rows leave the probe what it had? Which of the three that erase changes the states least?

# %% id="result-shown" tags=["skip-execution"]
print(lab07.controls(data, mine.erase))

# %% [markdown] id="result-what"
# On the states that they were fitted on all three erasers bring the probe to 50 %; on fresh sentences to 55 %. The controls do not: a random direction leaves 67 %, and so does the whole of LEACE with shuffled labels, although it changes the states nearly as much as the real one. So it is not the size of the change that takes the concept away, but where it lies. Of the three that erase, LEACE changes the states less than the projection at a right angle, 6.9 % of their length where that one takes 7.4 %. That is what whitening buys: the theorem says that no affine eraser takes less. (Shrinking, which is an estimate of another covariance, takes a little less still on these fresh states; it gives up the least bit of the guarantee.)
#
# **Predict.** And if the eraser had been fitted on fewer states?

# %% id="sizes-shown" tags=["skip-execution"]
print(lab07.by_size(data))

# %% [markdown] id="sizes-what"
# With 600 states the eraser is perfect on its own states and of hardly any use on others. In 576 dimensions 600 states can be told apart by some direction whatever their labels are, and such a direction is what it takes. Four times as many hardly help. All 8,164 do, fourteen for each dimension, and a trace is still there. In a paper's table this line is easily missed, because the first column looks the same all the way down.
#
# ## 3 INLP
#
# The older way needs no closed form: train a classifier, project its row away, train again on what is left, until nothing is found. The trap is in "project away". A row that was found on standardised states does not lie in the space that is left, so rows of different rounds are not at right angles, and a product of their projectors is no projector.

# %% [markdown] id="q-six" exercise="lab07-q6" role="exercise"
# ### Exercise 6: off all the rows
#
# Write `null_projector(rows)`: rows, (m, width), of any lengths and angles, some perhaps mixtures of others. Return the projector, (width, width), onto what is at right angles to all of them.


# %% id="q-six-answer" exercise="lab07-q6" role="answer"
def null_projector(rows: torch.Tensor) -> torch.Tensor:
    """(width, width): P with P w = 0 for each row w, and P P = P."""
    ### BEGIN SOLUTION
    return torch.eye(rows.shape[1], dtype=rows.dtype) - torch.linalg.pinv(rows) @ rows
    ### END SOLUTION


# %% id="q-six-check" exercise="lab07-q6" role="check"
iw.course.check("lab07-q6", null_projector)

# %% [markdown] id="q-seven" exercise="lab07-q7" role="exercise"
# ### Exercise 7: round after round
#
# Write `inlp(states, fit, project, rounds)`: centred states, (n, width); `fit(states)`, which gives a classifier's row, (width,); `project(rows)`, which is the function of the exercise before; and the number of rounds. Each round fits on the states as they are after the projection up to now, and then projects off all rows found. Return P, (width, width); with no rounds it is the identity.


# %% id="q-seven-answer" exercise="lab07-q7" role="answer"
def inlp(states: torch.Tensor, fit, project, rounds: int) -> torch.Tensor:
    """(width, width): the projector after so many rounds."""
    ### BEGIN SOLUTION
    projector = torch.eye(states.shape[1], dtype=states.dtype)
    rows = []
    for _ in range(rounds):
        rows.append(fit(states @ projector))
        projector = project(torch.stack(rows))
    return projector
    ### END SOLUTION


# %% id="q-seven-check" exercise="lab07-q7" role="check"
iw.course.check("lab07-q7", inlp)

# %% [markdown] id="rounds-text"
# Rounds of INLP on the model's states, by your functions; after them a fresh probe on fresh sentences. The last line is LEACE.
#
# **Predict.** How many rounds does it take to get where LEACE gets with one dimension?

# %% id="rounds-shown" tags=["skip-execution"]
rounds = lab07.rounds_of(data, inlp, null_projector)
print(rounds.table())
lab07.plot_rounds(rounds)

# %% [markdown] id="rounds-what"
# The first rounds hardly help. A classifier's row is the direction that *this* classifier uses, and next to it there are many others that say nearly the same. After 16 rounds a fresh probe is still right in 57 %, and only after 32, for which INLP has taken 32 dimensions and 12 % of the length, is it where LEACE is with one dimension and 7 %. LEACE takes the one direction along which the class means differ, and all these rows have that one in common.
#
# ## 4 What "linear" leaves
#
# LEACE makes the classes' means equal. It promises nothing of anything else. The smallest example: two numbers, and the class is 1 where their product is above 0. Both classes have mean 0 to begin with, so there is nothing for LEACE to do.

# %% id="crossed-shown" tags=["skip-execution"]
print(lab07.crossed())

# %% [markdown] id="crossed-what"
# LEACE takes nothing, since no linear classifier finds anything, and it is right. The MLP reads the class in nearly all cases.

# %% [markdown] id="q-eight" exercise="lab07-q8" role="exercise"
# ### Exercise 8: what no line can see
#
# Classes with one mean can still differ in their *spread*. Write `spread_gap(states, labels)`: states (n, width), labels 0 or 1. Among all directions of length 1 there is one along which the variance of class 1 less that of class 0 is furthest from 0: return that difference, with its sign, one number. Variances are divided by the number of states of the class less 1.


# %% id="q-eight-answer" exercise="lab07-q8" role="answer"
def spread_gap(states: torch.Tensor, labels: torch.Tensor) -> float:
    """Difference of the classes' variances along the direction where it is furthest from 0."""
    ### BEGIN SOLUTION
    difference = torch.cov(states[labels == 1].T) - torch.cov(states[labels == 0].T)
    values = torch.linalg.eigvalsh(difference)
    return float(values[values.abs().argmax()])
    ### END SOLUTION


# %% id="q-eight-check" exercise="lab07-q8" role="check"
iw.course.check("lab07-q8", spread_gap)

# %% [markdown] id="left-text"
# Now the model's states before and after your LEACE, with a linear probe and an MLP (one hidden layer of 64), both trained and scored on fresh sentences; and the gap beside the whole variance of the states.
#
# **Predict.** Does the MLP lose anything? Does the gap?

# %% id="left-shown" tags=["skip-execution"]
print(lab07.left_over(data, mine.erase, spread_gap))

# %% [markdown] id="left-what"
# The linear probe falls, the MLP does not: it reads as much after the erasing as before, and more than the linear probe ever did. One place where it may look is the spread. Along one direction the variances of the two classes lie 464 apart before; a good third of that is gone with the erased dimension, and 296 is left, which no linear eraser aims at. So "no linear classifier can tell" is what was promised and what was kept, and "the concept is gone" is another sentence.
#
# ## 5 In the running model
#
# An eraser is an affine map, so it can run inside the model: `iw.erase` fits one at a layer and puts it into the ledger, `iw.erasure.scrub` goes on layer by layer, each fitted on what the erased ones below give. Here the question is not what a probe reads but what the model *does*. After "The singer said that she had lost" the model should prefer " her" to " his", after "he" the other way round. *Apart* is how much the pronoun moves the log-odds of the two, a mean over four pairs of sentences.
#
# **Predict.** LEACE at one layer; LEACE at all layers from 8 on; random directions at the same layers. Which of the three closes the gap? (The cell takes a minute.)

# %% id="model-shown" tags=["skip-execution"]
changes = lab07.erasers(lm, data)
print(lab07.leads(lm, changes))

# %% [markdown] id="model-what"
# Random directions at 22 layers do nothing: 6.60, where it was 6.45. LEACE at one layer takes a quarter of the gap and leaves 4.67: the pronoun is still there as a word, later layers read it from there, and what was taken is written again. At all layers from 8 on it takes three quarters, and 1.65 is left; these erasers were fitted on 300 sentences, which section 2 has shown to be few. But look at the two columns beside it. The model has not become undecided. It now prefers " his" after either pronoun, and by more than the pronoun ever moved it. "Independent of the concept" and "even-handed" are two things; an eraser aims at the first.
#
# The package's own evaluation of the eraser at one layer: a fresh probe there on sentences that it was not fitted on, beside random directions of the same rank; the perplexity of neutral texts; and a verdict in words.

# %% id="evaluated-shown" tags=["skip-execution"]
evaluated = lab07.seen_by(lm, data, *changes["LEACE at layer 8"])
print(evaluated.verdict)
evaluated

# %% [markdown] id="evaluated-what"
# "Do not trust": the fresh probe is right in 53.2 %, and its interval, from 51.2 to 55.3 over sentences of templates that the eraser has not met, does not reach down to guessing. Before, it was 65.3 %. The verdict says why, and what the same rank in random directions did; the table below it has the costs: the perplexity of neutral text and sixty questions about other things.

# %% [markdown] id="w-one-question" exercise="lab07-w1" role="exercise"
# ### Question 1: is it gone?
#
# A colleague writes: "We ran LEACE on layer 8. The probe fell to chance on our states, so the model no longer knows the gender of the person, and its answers cannot depend on it." In about ten sentences: what of this follows, what does not, with numbers of this lab; which controls are missing; and what you would measure before you signed a sentence of that kind, and how that sentence would read.

# %% [markdown] id="w-one" exercise="lab07-w1" role="written"
# ### BEGIN SOLUTION
# What follows is one thing: no linear classifier finds the pronoun in the states that the eraser was fitted on, after layer 8. That is arithmetic, and a probe trained on those states had to fall to 50 %. On fresh sentences a fresh probe was still right in 55 % here, with less than a third of the states in 63 % and more, so "our states" is not "our users' sentences". An MLP was right in 69 % after the erasing as before, so what is gone is what a line can read. That the model no longer knows does not follow at all: later layers can write it again, and with LEACE at layer 8 alone the pronoun still moved the log-odds of her and his by 4.67, of 6.45. That answers cannot depend on it follows even less, for they can depend on what goes with gender, such as a name or an occupation, which no probe for the pronoun looks at. Two controls are missing: a random direction, which left 67 % here, and shuffled labels, which left 68 % though the states were moved nearly as far; without them the fall might be damage. If one of those had fallen as well, I would think that the probe was broken or the states too few. Before I signed I would fit on one part of the sentences, train a linear and a nonlinear probe on a second and score them on a third, by templates, with intervals; I would compare answers to pairs of prompts that differ in the pronoun alone, and read the perplexity. The sentence would be: "After LEACE at layers 8 to 29, fitted on so many states, a fresh linear probe is within its interval of guessing at each of these layers on sentences of new templates, an MLP is right in so many, the answers to these pairs differ by so much, and perplexity rose from this to that."
# ### END SOLUTION

# %% [markdown] id="limits"
# ## What was not shown
#
# - One small model, one concept with two values, one layer for most of it, and sentences from templates. Natural text has more ways to say who is meant.
# - The probe is least squares with one penalty. The theorem is about every linear classifier; the numbers on fresh sentences are about this one.
# - Erasing what follows from a word does not make a model fair. A decision can depend on a concept through what goes with it, and a probe for "she or he" does not look there.
# - Perplexity of a few neutral texts is a narrow measure of damage.
#
# ## Where you stand

# %% id="stand"
iw.course.labs()

# %% [markdown] id="reading"
# ## Reading
#
# - Nora Belrose and others: LEACE: perfect linear concept erasure in closed form, NeurIPS 2023. The theorem, and scrubbing.
# - Shauli Ravfogel and others: Null it out, ACL 2020. INLP.
# - John Hewitt, Percy Liang: Designing and interpreting probes with control tasks, EMNLP 2019. What a probe learns by heart.
# - Yanai Elazar and others: Amnesic probing, TACL 2021. What a model does without what a probe finds.
# - Yonatan Belinkov: Probing classifiers: promises, shortcomings, and advances, Computational Linguistics 2022.
