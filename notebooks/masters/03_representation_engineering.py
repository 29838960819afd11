# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="title"
# # Lab 03: Representation engineering
#
# **Claim.** In the embedded model SmolLM2-135M-Instruct one direction, the mean difference of 64 pairs of texts, turns the tone of what it writes: added at three of its 30 layers with a strength of −0.075 to +0.075 of the residual norm, it moves the mean VADER score of 28 sampled texts by more than 0.6, while the perplexity of neutral text rises by less than a quarter. A random direction of the same length does no such thing.
#
# After this lab you can
#
# 1. write pairs of prompts that differ in one trait, and find what else differs in them,
# 2. compute a direction for every layer, by means and by components, with the right sign,
# 3. steer with a hook of your own, and leave nothing behind, whatever happens,
# 4. give strengths in a unit that means the same at every layer, and measure how far one may go,
# 5. combine traits, and decide at run time who gets which strength,
# 6. say what steering cannot do, and show it.
#
# About four hours; it works without a network. Exercises have points; `iw.course.check` tells you at once, and records on this machine how far you are. Hints fold out under each exercise: try first. You may leave an exercise out: nothing further down needs your answer to it.

# %% id="load"
import interp_widgets as iw
import matplotlib.pyplot as plt
import numpy as np
import torch
from interp_widgets.course import lab03

lm = iw.load_model()
sentiment = iw.steering.pair_set("sentiment")
layers = list(lab03.LAYERS)

# %% [markdown] id="surprise"
# ## A surprise first
#
# One model, one prompt, one seed, no word of instruction. Before each text one thing is changed: at layers 12, 14 and 16 a vector is added to every state, a tenth as long as the states are. It was made from 64 pairs of texts of which one speaks well of something and the other ill; this prompt was not among them.
#
# **Predict.** Which of these will you see: the same text three times, with other words here and there; three texts in different tones; or noise? Write your guess down, then run the cell.

# %% id="surprise-shown" tags=["skip-execution"]
v = iw.control_vector(lm, sentiment.fitting)
opening = "The first thing I noticed about the restaurant was"
for strength in (-0.1, 0, 0.1):
    with lm.steered(v, layers=layers, strength=strength):
        (text,) = lab03.continuations(lm, [opening], seed=1)
    print(f"{strength:+.1f}  {' '.join(text.split())}")

# %% [markdown] id="surprise-what"
# The tone turns and the language stays whole. Nothing was trained, and when the block ends the model is what it was, to the last bit. This lab builds each part of it, and then tries to break it.
#
# ## 1 Pairs that differ in one trait
#
# A *contrast pair* is two prompts that are the same but for one trait. The model reads both; what differs in its state at the last token is the trait, and whatever else you let differ. So the craft lies in the pairs. A usual recipe for traits of a speaker: personas in a template, and the beginning of an answer that is *the same* on both sides, cut at every word, so that many different last tokens are read.

# %% [markdown] id="q-one" exercise="lab03-q1" role="exercise"
# ### Exercise 1: pairs that differ in one trait
#
# Write `build_pairs(template, personas, beginnings)`. `template` is a text with {persona} and {beginning} in it; `personas` is a list of pairs, as in ("an honest", "a lying"); `beginnings` is a list of sentences. Return a list of pairs (positive prompt, negative prompt): for each sentence, cut after its first word, its second, and so on to the whole sentence, each pair of personas, in this order. Words are separated by single blanks.


# %% id="q-one-answer" exercise="lab03-q1" role="answer"
def build_pairs(
    template: str, personas: list[tuple[str, str]], beginnings: list[str]
) -> list[tuple[str, str]]:
    """[(positive prompt, negative prompt), ...], by sentence, then by words kept, then by persona."""
    ### BEGIN SOLUTION
    parts = []
    for sentence in beginnings:
        words = sentence.split(" ")
        parts += [" ".join(words[: end + 1]) for end in range(len(words))]
    return [
        (template.format(persona=one, beginning=part), template.format(persona=two, beginning=part))
        for part in parts
        for one, two in personas
    ]
    ### END SOLUTION


# %% id="q-one-check" exercise="lab03-q1" role="check"
iw.course.check("lab03-q1", build_pairs)

# %% [markdown] id="q-two" exercise="lab03-q2" role="exercise"
# ### Exercise 2: what leaks
#
# Before anything is fitted, look at the pairs as the model sees them. Write `leaks(positive, negative)`: two lists of lists of token ids, the same place in each a pair. Return a dict: `"last"`, the share of pairs whose last tokens differ; `"longer"`, by how many tokens the positive prompt is longer than the negative one, the mean over the pairs, with its sign; `"shared"`, the mean over the pairs of the share of token ids that both have, among those that either has (each id counted once).


# %% id="q-two-answer" exercise="lab03-q2" role="answer"
def leaks(positive: list[list[int]], negative: list[list[int]]) -> dict[str, float]:
    """{"last": share that end differently, "longer": in tokens, "shared": of the token ids}."""
    ### BEGIN SOLUTION
    pairs = [(positive[i], negative[i]) for i in range(len(positive))]
    shared = [len(set(one) & set(two)) / len(set(one) | set(two)) for one, two in pairs]
    return {
        "last": sum(one[-1] != two[-1] for one, two in pairs) / len(pairs),
        "longer": sum(len(one) - len(two) for one, two in pairs) / len(pairs),
        "shared": sum(shared) / len(pairs),
    }
    ### END SOLUTION


# %% id="q-two-check" exercise="lab03-q2" role="check"
iw.course.check("lab03-q2", leaks)

# %% [markdown] id="leaky"
# Now three sets of pairs that differ in *no* sentiment at all: one in its last word (a food, or a tool), one in length, one in topic. A direction is fitted to each as if nothing were wrong.
#
# **Predict.** What share of its own pairs will each direction tell apart at layer 14?

# %% id="leaky-shown" tags=["skip-execution"]
states = lab03.read_states(lm, sentiment.fitting)
print(lab03.leaky_table(lm, states, layer=14))

# %% [markdown] id="leaky-what"
# All of them, and none has anything to do with sentiment: the cosines are near 0. That a direction separates the pairs that it was made from says nothing about *what* it is. In the set that comes with this lab both sides end in the same words, for this reason.
#
# ## 2 The difference of means
#
# Let $h^+_{i,l}$ and $h^-_{i,l}$ be the states of pair i after layer l at the last token. The direction of layer l is
#
# $$v_l = \frac{d_l}{|d_l|}, \qquad d_l = \frac1n \sum_i \big(h^+_{i,l} - h^-_{i,l}\big)$$
#
# Its sign needs no thought: it points from negative to positive, because that is how the difference was taken.

# %% [markdown] id="q-three" exercise="lab03-q3" role="exercise"
# ### Exercise 3: the difference of means at every layer
#
# Write `directions(positive, negative)`: states with the shape (pairs, layers, width) each; return the directions of all layers, (layers, width), each of length 1.


# %% id="q-three-answer" exercise="lab03-q3" role="answer"
def directions(positive: torch.Tensor, negative: torch.Tensor) -> torch.Tensor:
    """(layers, width): unit directions from negative to positive."""
    ### BEGIN SOLUTION
    difference = positive.mean(0) - negative.mean(0)
    return difference / difference.norm(dim=1, keepdim=True)
    ### END SOLUTION


# %% id="q-three-check" exercise="lab03-q3" role="check"
iw.course.check("lab03-q3", directions)

# %% [markdown] id="components"
# ## 3 Components, and a trap
#
# Many tools take the first principal component of the differences instead. A principal component is a direction along which rows *vary*. But what we look for is what all differences have in *common*: their mean. PCA as statistics knows it, and as scikit-learn does it, subtracts the mean first.
#
# **Predict.** What is then left?

# %% [markdown] id="q-four" exercise="lab03-q4" role="exercise"
# ### Exercise 4: the first component, not centred
#
# Write `first_component(positive, negative)`: states of one layer, (pairs, width). Return the right singular vector with the largest singular value of the differences positive − negative, (width,), *without* taking their mean out, of length 1. A singular vector has no sign of its own: give it the one for which more than half of the pairs have their positive further along it than their negative.


# %% id="q-four-answer" exercise="lab03-q4" role="answer"
def first_component(positive: torch.Tensor, negative: torch.Tensor) -> torch.Tensor:
    """(width,): along which the differences are longest; most positives lie further along it."""
    ### BEGIN SOLUTION
    differences = positive - negative
    direction = torch.linalg.eigh(differences.T @ differences).eigenvectors[:, -1]
    agree = (differences @ direction > 0).sum()
    return direction if agree > len(differences) / 2 else -direction
    ### END SOLUTION


# %% id="q-four-check" exercise="lab03-q4" role="check"
iw.course.check("lab03-q4", first_component)

# %% [markdown] id="cosines"
# On the sentiment pairs: the cosine of four directions with the difference of means, at some layers. `pca_centred` is the one with the mean taken out; `logistic` is a probe.

# %% id="cosines-shown" tags=["skip-execution"]
print(lab03.cosine_table(states, layers=(6, 10, 14, 18, 22, 26)))

# %% [markdown] id="cosines-what"
# Without centring the component is nearly the mean from layer 14 on. With centring it is another direction at the layers where we steer, at layer 6 it even points the other way, and it comes nearer only late. Libraries differ in this one line, and their documentation rarely says so. The probe is yet another direction: it looks for what separates best, and gives up on what varies much.
#
# ## 4 A hook by hand
#
# PyTorch calls a *forward hook* after a module has computed its output, and takes what the hook returns in its place. That is all the machinery that steering needs:
#
# ```python
# handle = module.register_forward_hook(hook)  # hook(module, inputs, output) -> the new output
# handle.remove()
# ```
#
# A hook that stays on steers everything that comes after it: your next experiment, your measurement of the unsteered model. And in a notebook code stops in the middle all the time. So it belongs into a context manager, which lets go also after an error.

# %% [markdown] id="q-five" exercise="lab03-q5" role="exercise"
# ### Exercise 5: a hook by hand
#
# Write `adding(module, vector)`, to be used as `with adding(module, vector):`. Inside the block the vector, (width,), is added to the module's output; after it the module is as it was before, also when the block raises (the error must still come out). The output may be a tensor, or a tuple whose first entry is the tensor. Change no tensor in place, and leave hooks alone that others have put on the module.

# %% id="q-five-answer" exercise="lab03-q5" role="answer"
from contextlib import contextmanager


@contextmanager
def adding(module, vector: torch.Tensor):
    """In this block `vector` is added to what the module gives."""

    ### BEGIN SOLUTION
    def hook(module, inputs, output):
        if isinstance(output, tuple):
            return output[0] + vector, *output[1:]
        return output + vector

    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
    ### END SOLUTION


# %% id="q-five-check" exercise="lab03-q5" role="check"
iw.course.check("lab03-q5", adding)

# %% [markdown] id="ledger"
# `lm.steered(v, layers=..., strength=...)` does this for you, and more: an interrupt can fall into the very line that registers a hook, where no `finally` is reached yet. So the package keeps a list of what is on (`lm.ledger`), and before every run takes off whatever is not on it.
#
# ## 5 How much is much?
#
# Textbooks add 1.5 times a unit vector, at layer 8, at the last token. Let us do that, with greedy decoding, so that any difference is due to the vector.
#
# **Predict.** In how many of our 14 openings will the text change?

# %% id="alpha-shown" tags=["skip-execution"]
openings = sentiment.neutral_prompts
plain = lab03.continuations(lm, openings, tokens=16, temperature=0.0)
with lm.steered(v, layers=8, alpha=1.5, positions="last"):
    pushed = lab03.continuations(lm, openings, tokens=16, temperature=0.0)
same = sum(one == other for one, other in zip(plain, pushed, strict=True))
print(f"the same to the letter: {same} of {len(plain)}")
norms = lab03.residual_norms(lm, "The library opens at nine in the morning and closes at six.")
print(f"layer 8: 1.5 is {1.5 / norms.norms[8, 1:].mean():.3f} of the mean norm of a state")
print(
    f"layer 14, first token {norms.norms[14, 0]:,.0f}; mean of the others {norms.norms[14, 1:].mean():.0f}"
)
print(f"layer 14, mean of all tokens {norms.norms[14].mean():,.0f}")
norms.plot()
plt.show()

# %% [markdown] id="alpha-what"
# 1.5 is a hundredth of what is there, and next to nothing happens: most texts are the same to the letter. In a model whose states are ten times shorter it would be far too much. A bare factor means nothing without the length of the states; and that grows from layer to layer. So this lab gives a *strength*: multiples of the mean norm of a state at that layer.
#
# But a mean over which tokens? The first token of a text is an *attention sink*: heads that have nothing to look at look there, and its state is more than a hundred times as long as the others. Count it in, and on this short text your unit is more than ten times too large.

# %% [markdown] id="q-six" exercise="lab03-q6" role="exercise"
# ### Exercise 6: strength in units of the residual norm
#
# Write `bare_factor(states, lengths, strength)`: what to multiply a unit direction with. `states` are those of one layer for a batch of texts that is padded on the right, (texts, tokens, width); `lengths`, (texts,), says how many tokens each text really has. It is `strength` times the mean norm over all tokens of all texts, the first token of each text left out. Padding is not zero; it must not count.


# %% id="q-six-answer" exercise="lab03-q6" role="answer"
def bare_factor(states: torch.Tensor, lengths: torch.Tensor, strength: float) -> float:
    """strength times the mean norm of the states that count."""
    ### BEGIN SOLUTION
    place = torch.arange(states.shape[1])
    counts = (place > 0) & (place < lengths[:, None])
    return strength * float(states.norm(dim=-1)[counts].mean())
    ### END SOLUTION


# %% id="q-six-check" exercise="lab03-q6" role="check"
iw.course.check("lab03-q6", bare_factor)

# %% [markdown] id="held-out"
# ## 6 Pairs that it has not seen
#
# With 576 numbers in a state and 64 pairs, some direction will separate *any* two lists. Only pairs that had no part in the fit can say whether the trait was found.

# %% [markdown] id="q-seven" exercise="lab03-q7" role="exercise"
# ### Exercise 7: pairs that it has not seen
#
# Write `held_out_accuracy(positive, negative, new_positive, new_negative)`: states with the shape (pairs, layers, width), the new ones with another number of pairs. Fit the difference of means to the first two; return for each layer the share of the new pairs whose positive lies further along it than their negative, (layers,), float64.


# %% id="q-seven-answer" exercise="lab03-q7" role="answer"
def held_out_accuracy(
    positive: torch.Tensor,
    negative: torch.Tensor,
    new_positive: torch.Tensor,
    new_negative: torch.Tensor,
) -> torch.Tensor:
    """(layers,): share of the new pairs that are the right way round."""
    ### BEGIN SOLUTION
    fitted = positive.mean(0) - negative.mean(0)
    apart = torch.einsum("plw,lw->pl", new_positive - new_negative, fitted)
    return (apart > 0).double().mean(0)
    ### END SOLUTION


# %% id="q-seven-check" exercise="lab03-q7" role="check"
iw.course.check("lab03-q7", held_out_accuracy)

# %% [markdown] id="accuracy"
# The sentiment pairs, fitted on 64 and tested on 28 of other words and topics. Beside them the same pairs with shuffled labels, 20 times: in half of the pairs the sides are exchanged, so there is nothing to find.
#
# **Predict** the four lines: fitting and held-out pairs, true and shuffled labels.

# %% id="accuracy-shown" tags=["skip-execution"]
new_states = lab03.read_states(lm, sentiment.held_out)
shuffles = [lab03.shuffle_labels(states, seed=seed) for seed in range(20)]
true_labels = lab03.accuracy_of("true labels", [states], new_states)
shuffled_labels = lab03.accuracy_of("shuffled labels", shuffles, new_states)
for one in (true_labels, shuffled_labels):
    fitted, held_out = one.over(layers)
    print(f"{one.name:16} fitting pairs {fitted:.2f}   held-out pairs {held_out:.2f}")
best = shuffled_labels.held_out.max(1)
print(f"shuffled, held out, at the best of 30 layers: {best.mean():.2f}")
lab03.plot_accuracies([true_labels, shuffled_labels])
plt.show()

# %% [markdown] id="accuracy-what"
# Directions of shuffled labels tell apart most of the pairs that they were fitted to; on new pairs they are right about half of the time, on average over 20 shuffles. A single one can be far off (the band): all new pairs share one trait, and a direction that leans towards it by chance gets most of them right. And if you take the *best* of 30 layers for each, even nothing looks like something. So choose the layer on some pairs, and report its accuracy on others. The true labels hold on new pairs from the middle layers on.
#
# ## 7 How far may one go?
#
# Telling pairs apart is reading. Steering is *writing*, and it can do two things: move the concept, and damage the model. Both must be measured. Concept: VADER, a word list that gives each text a number from −1 to +1, on sampled continuations of 14 neutral openings, two each. It knows nothing of our model. Damage: the perplexity of six texts on libraries, trains and triangles that have nothing to do with sentiment, steered over unsteered.

# %% id="damage-shown" tags=["skip-execution"]
grid = (-0.15, -0.1, -0.075, -0.05, -0.025, 0, 0.025, 0.05, 0.075, 0.1, 0.15)
ratios = lab03.perplexities(lm, v, grid)
for strength, ratio in zip(grid, ratios, strict=True):
    print(f"{strength:+.3f}  {ratio:.2f}x")

# %% [markdown] id="q-eight" exercise="lab03-q8" role="exercise"
# ### Exercise 8: recommended bounds
#
# Write `bounds(strengths, ratios, limit)`. `strengths` ascend and hold 0.0; `ratios` are the perplexities, times unsteered. Return (low, high): the strengths furthest from 0 on each side that can be reached from 0 *without passing one whose ratio is above the limit*. A ratio that equals the limit is within it.


# %% id="q-eight-answer" exercise="lab03-q8" role="answer"
def bounds(strengths: list[float], ratios: list[float], limit: float) -> tuple[float, float]:
    """(low, high): how far one may go on each side of 0."""

    ### BEGIN SOLUTION
    def walk(step: int) -> float:
        place = strengths.index(0)
        while 0 <= place + step < len(strengths) and ratios[place + step] <= limit:
            place += step
        return strengths[place]

    return walk(-1), walk(1)
    ### END SOLUTION


# %% id="q-eight-check" exercise="lab03-q8" role="check"
iw.course.check("lab03-q8", bounds)

# %% [markdown] id="sweep"
# ### The result of this lab
#
# Concept and damage over the strength, for the sentiment vector and for a **negative control that must fail**: a random direction of the same length. Beside it a harder control, the vector of the first shuffle. All three get the same layers, strengths, prompts and random numbers. (The cell takes a minute or more.)
#
# **Predict** the two curves of each, before you run it.

# %% id="sweep-shown" tags=["skip-execution"]
low, high = lab03.recommended(grid, ratios, limit=1.25)
print(f"recommended: {low:+.3f} to {high:+.3f}")
ends = (low, 0, high)
chance, shuffle = lab03.random_like(v), lab03.vector_of("shuffled labels", shuffles[0], v)
swept = lab03.sweep(
    lm,
    [(v, (2 * low, *ends, 2 * high)), (chance, ends), (shuffle, ends)],
    openings * 2,
)
print(swept.table())
swept.plot()
plt.show()

# %% [markdown] id="sweep-what"
# Between its bounds the vector moves the mean by more than 0.6, and the two ends lie outside of each other's intervals. The random direction moves nothing that its intervals do not cover. Twice as far out the concept gains little, and the damage is past any limit: strength is paid for in fluency.
#
# The shuffled labels move it too, though by less, and they cost as much perplexity as the vector does. They are no label of sentiment, but they are not noise either: half of the *topics* against the other half is a direction with a meaning, and meaning is what changes texts. A random direction is the control for the push; only shuffled labels control for the fit. Whoever shows the first alone has shown less than it seems.
#
# The unsteered model is friendly by itself, so there is more room downwards than upwards. Bounds belong to a vector, a model and these layers; they do not carry over.

# %% [markdown] id="w-one-question" exercise="lab03-w1" role="exercise"
# ### Question 1: what the controls rule out
#
# In about five sentences: what would you have to believe if you had seen the first curve only? Which of these explanations does the random direction rule out, which do the shuffled labels, and which is left?

# %% [markdown] id="w-one" exercise="lab03-w1" role="written"
# ### BEGIN SOLUTION
# From the first curve alone it could be that any push of this size turns the tone, for instance because a disturbed model falls back on common phrases; or that any direction that was fitted to texts like these does it, whatever the labels say. The random direction has the same length at the same layers, and the score at its two ends is the same within the intervals, so size alone does not do it. The shuffled labels use the same texts and the same method; they move the score by less, so the labels matter, but part of the effect comes with any direction between such texts. What is left: everything that goes along with the labels in the pairs. If the glad texts are also more active, more about people, or written in another register, then the vector holds that too, and VADER, which counts words, would not notice. Only pairs in which these are held equal, or another judge of the texts, could tell.
# ### END SOLUTION

# %% [markdown] id="evaluate"
# `iw.evaluate_steering` does all this in one call, over several layers too, with the continuations, the intervals and the bounds in its result. Here with few texts, read by the unsteered model itself: `concept="projection"` is the mean score of a written text along the vector, +1 where the positive fitting texts lie, −1 where the negative ones do.

# %% id="evaluate-shown" tags=["skip-execution"]
evaluation = iw.evaluate_steering(
    lm,
    v,
    sentiment.held_out,
    strengths=[-0.075, 0.075],
    layers=[layers],
    prompts=openings[:6],
    neutral=lab03.TEXTS,
    max_new_tokens=16,
    concept="projection",
)
evaluation

# %% [markdown] id="console"
# ## 8 At the console
#
# The same with sliders: both texts are written side by side, each token is coloured by its score along the vector, and the sliders end at the bounds that were measured (a switch lets them go further). Its settings can be read and set from a cell as well. Move the slider; find the strength at which *you* notice the tone, and the one at which the text begins to repeat itself.

# %% id="console-shown" tags=["skip-execution"]
bounded = v.with_bounds(evaluation.bounds)
console = iw.widgets.SteeringConsole(
    lm, [bounded], prompt=opening, strengths={"sentiment": 0.05}, layers=(12, 16, 2)
)
console

# %% [markdown] id="two-traits"
# ## 9 Two traits at once
#
# Directions are vectors, so traits can be added: honest *and* brief. If v and w are at a right angle, neither disturbs the other. Otherwise adding v moves a text along w as well.

# %% [markdown] id="q-nine" exercise="lab03-q9" role="exercise"
# ### Exercise 9: two traits at once
#
# Write `compose(a, b, shift_a, shift_b)`: unit directions a and b, (width,), with any cosine but 1 and −1. Return the vector x a + y b whose projection on a is `shift_a` *and* whose projection on b is `shift_b`.


# %% id="q-nine-answer" exercise="lab03-q9" role="answer"
def compose(a: torch.Tensor, b: torch.Tensor, shift_a: float, shift_b: float) -> torch.Tensor:
    """(width,): in the plane of a and b, with these two projections."""
    ### BEGIN SOLUTION
    both = torch.stack([a, b])
    weights = torch.linalg.solve(both @ both.T, torch.tensor([shift_a, shift_b], dtype=a.dtype))
    return weights @ both
    ### END SOLUTION


# %% id="q-nine-check" exercise="lab03-q9" role="check"
iw.course.check("lab03-q9", compose)

# %% [markdown] id="mixed"
# Honesty and brevity (the verbosity vector, turned round), each from 32 pairs, added at the usual layers with a strength of 0.05. The prompts are held-out questions. To be more than arithmetic, the shift is read at layer 20, after four more layers have worked on it; the unit is half the distance of the two poles.
#
# **Predict.** Is the row "both" the sum of the two above it? And the random direction?

# %% id="mixed-shown" tags=["skip-execution"]
from dataclasses import replace

honesty = iw.control_vector(lm, iw.steering.pair_set("honesty").fitting[:32])
verbosity = iw.control_vector(lm, iw.steering.pair_set("verbosity").fitting[:32])
brevity = replace(
    -1 * verbosity, name="brevity", half_gap=verbosity.half_gap, middle=-verbosity.middle
)
asked = iw.steering.pair_set("verbosity").held_out.negative[:12]
mixed = lab03.composition(lm, honesty, brevity, asked, strength=0.05)
print(f"cosine at layer 14: {honesty.cosine(brevity)[14]:+.2f}")
print(mixed.table())

# %% [markdown] id="mixed-what"
# "Both" is nearly the sum of the two rows: at this strength the layers in between act on a small shift almost like a linear map, and the random direction does next to nothing. That ends where strengths grow, as the damage curve has shown; two vectors at their bounds are together past them.
#
# But look at the second row. The two directions are at a right angle where they are added, and brevity still takes honesty away: the overlap is not in the vectors, it is in what the model makes of them. So the cosine of exercise 9 is not enough. Put the *measured* shifts in place of the matrix, and the same two equations give the strengths that do what you want.
#
# All of this is what the states say. Whether the *text* is shorter and more honest is another question, and a word list cannot answer the second half of it.
#
# ## 10 At run time
#
# A vector is computed once and kept as a file of some kilobytes. What remains for the running system is a number for each request: no prompt is changed, no model is loaded. Three patterns.
#
# **A strength for each audience.** Formality by locale, one batch, each row with its own strength. The score is how the unsteered model reads the texts, the mean over six openings; the first text is shown.

# %% id="locales-shown" tags=["skip-execution"]
formality = iw.control_vector(lm, iw.steering.pair_set("formality").fitting[:32])
presets = {"de": 0.06, "en": 0.0, "en-teens": -0.06}
formal = iw.steering.pair_set("formality").neutral_prompts[:6]
print(lab03.by_row(lm, formality, presets, formal).table())

# %% [markdown] id="locales-what"
# **Two strengths for moderation.** The same with a vector for declining, made from requests that should be declined and harmless ones that resemble them: strong where users read the answer, weak in steps that only the system sees, where a refusal breaks the chain. The eight requests are held-out ones that should be declined; an answer counts as declining by its first words.
#
# **Predict** the three counts.

# %% id="moderation-shown" tags=["skip-execution"]
refusal = iw.control_vector(lm, iw.steering.pair_set("refusal").fitting[:32])
requests = iw.steering.pair_set("refusal").held_out.positive[:8]
print(f"told apart at layer 14, cross-validated: {refusal.accuracy[14]:.0%}")
print(lab03.declined(lm, refusal, {"off": 0.0, "internal": 0.02, "user-facing": 0.06}, requests))

# %% [markdown] id="moderation-what"
# The mechanism works, and the result is a warning. This vector tells requests to decline from harmless ones without a single error, and pushed along it the model declines no more of them, rather fewer. *Reading is not writing*: that a state says "this is a request to decline" does not mean that more of it makes an answer that declines. Had we stopped at accuracy, we would have shipped a moderation that removes refusals. `iw.steering.Presets` keeps such tables of strengths in a JSON file; what each of them does has to be measured on texts.
#
# **A/B tests.** Who gets the steered model? The choice must follow from the user alone, be the same after a restart and on every server, and be independent of earlier experiments. A *stable hash* does that.

# %% [markdown] id="q-ten" exercise="lab03-q10" role="exercise"
# ### Exercise 10: who is steered
#
# Write `steered_users(users, experiment, share)`: a list of user ids, the name of the experiment, and a share from 0 to 1. Return a list of True and False, one for each user. A user's *place* is the SHA-256 of the experiment, a zero byte, and the user, in one text (`f"{experiment}\0{user}"`, UTF-8): its first 8 bytes as a whole number with the big end first, over 2 to the 64. True where the place is below the share.


# %% id="q-ten-answer" exercise="lab03-q10" role="answer"
def steered_users(users: list[str], experiment: str, share: float) -> list[bool]:
    """Whether each user gets the steered model."""
    ### BEGIN SOLUTION
    from hashlib import sha256

    def place(user: str) -> float:
        return int.from_bytes(sha256(f"{experiment}\0{user}".encode()).digest()[:8], "big") / 2**64

    return [place(user) < share for user in users]
    ### END SOLUTION


# %% id="q-ten-check" exercise="lab03-q10" role="check"
iw.course.check("lab03-q10", steered_users)

# %% [markdown] id="cohorts"
# The package's `Experiment` uses the same place. Of 2,000 users, in two experiments that steer 30 %:

# %% id="cohorts-shown" tags=["skip-execution"]
users = [f"user-{i}" for i in range(2000)]
shares = {"steered": 0.3, "plain": 0.7}
first, second = (iw.steering.Experiment(name, shares) for name in ("tone-1", "tone-2"))
one, other = (np.array([e.assign(user) == "steered" for user in users]) for e in (first, second))
print(f"steered in the first {one.mean():.1%}, in the second {other.mean():.1%}")
print(
    f"in both {(one & other).mean():.1%}; if they are independent, {one.mean() * other.mean():.1%}"
)

# %% [markdown] id="artefacts"
# ### Ready for elsewhere
#
# llama.cpp and repeng read control vectors as GGUF. The file has no norms in it: it is written with the strength multiplied in, so that the factor 1 means what you meant. Back from the file, the direction is the same.

# %% id="gguf-shown" tags=["skip-execution"]
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    file = v.to_gguf(Path(folder) / "sentiment.gguf", layers=layers, strength=0.05)
    back = iw.steering.ControlVector.from_gguf(file, lm)
    print(f"{file.stat().st_size / 1024:.0f} kB, layers {back.layers}")
    print("cosines", ", ".join(f"{cosine:.4f}" for cosine in v.cosine(back).values()))

# %% [markdown] id="overhead"
# What does it cost while the model runs? One addition of 576 numbers a token and layer. In turns, steered and not, on this machine; the spread says how much of the difference is noise. **Predict** the ratio.

# %% id="overhead-shown" tags=["skip-execution"]
lab03.overhead(lm, v, opening).table()

# %% [markdown] id="ban"
# ## 11 What steering cannot do
#
# A request that comes up again and again: "it must never mention competitor X". It sounds like a strength of minus something. Let X be Sydney: 36 pairs of sentences, the same but for the city, and eight openings after which the unsteered model likes to say it.
#
# **Predict** how often it is said at the lower bound, and what it takes to get to zero.

# %% id="ban-shown" tags=["skip-execution"]
city = iw.control_vector(lm, lab03.bans.pairs())
banned = lab03.bans.ban(lm, city, (0, -0.05, -0.075, -0.15))
print(banned.table())

# %% [markdown] id="ban-what"
# It is said less often, and at the bound still in most of the texts. Where the prompt itself holds the word, heads copy it, and a shift of all states does not stop that. Far past the bound, at about twice the perplexity, it is still there. Taking its token from the choices costs nothing and is exact, at least against this spelling; a filter on the output does the rest. Steering is for what comes in degrees. What must not happen at all needs a rule.

# %% [markdown] id="w-two-question" exercise="lab03-w2" role="exercise"
# ### Question 2: ship it, or not
#
# Three requests are on your desk: (a) the support assistant should sound warmer; (b) it must not name a competitor; (c) answers for children should be shorter and simpler. In about eight sentences: for which would you ship a control vector, with which strength and layers, on what evidence, and what would you watch afterwards?

# %% [markdown] id="w-two" exercise="lab03-w2" role="written"
# ### BEGIN SOLUTION
# (a) is what steering is for: a style that may come in degrees. I would ship the sentiment vector at layers 12, 14 and 16 with about +0.05, below its bound of +0.075, where VADER moves clearly and neutral perplexity by a few percent, and would first measure it again on our own openings, because the bounds were measured on 14 prompts and six neutral texts. (b) is a ban: the lab's own vector still names the word at its bound, so I would use a list of tokens and a filter on the output, and no vector. (c) is composition: brevity and simplicity added, but measured as a vector of their own, on texts and not only on states, since the shift at layer 20 does not say that an answer is shorter, and since one vector can take away from the other though they are at a right angle. All of it would begin as an A/B test with a stable hash and a small share, with the cohort sizes checked. Afterwards I would watch perplexity or repetition of real answers, complaints by cohort, and the length of answers; and a new version of the model means that vector and bounds are measured anew. I would turn it off if damage passes the limit on any day or the difference between the cohorts is not what the test promised.
# ### END SOLUTION

# %% [markdown] id="limits"
# ## What was not shown
#
# - One small model, one set of pairs for each trait, all written by the same hands. Held-out pairs are of other words and topics, and still of the same making.
# - VADER counts words. A text full of praise that makes no sense gets a high score; the perplexity of *neutral* text does not see that either.
# - Bounds come from a grid of few strengths and six neutral texts. The true limit lies somewhere between two of them.
# - That a direction moves a trait does not show that the model uses this direction for it when nobody pushes.
#
# ## Where you stand

# %% id="stand"
iw.course.labs()

# %% [markdown] id="reading"
# ## Reading
#
# - Andy Zou and others: Representation engineering, 2023. Reading and control by directions from contrast pairs.
# - Nina Rimsky and others: Steering Llama 2 via contrastive activation addition, ACL 2024. Differences of means, layer by layer.
# - Alexander Turner and others: Activation addition, 2023. One pair, and what it can do.
# - Bruce Lee and others: Programming refusal with conditional activation steering, 2024. When to act.
# - Guangxuan Xiao and others: Efficient streaming language models with attention sinks, ICLR 2024. Why the first token is so long.
# - Clayton Hutto, Eric Gilbert: VADER, ICWSM 2014. The word list, and what it was tested on.
