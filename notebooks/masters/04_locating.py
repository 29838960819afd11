# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="title"
# # Lab 04: Locating
#
# **Claim.** In the embedded model SmolLM2-135M-Instruct the place of the Eiffel Tower sits, for most of the depth, in the state of one token of its name. Where noise on the name has taken Paris away, that single state brings back about half of it in the early layers, and still a fifth to a quarter after layer 22; from layer 23 on it brings nothing, and the last token does. The state of the Colosseum, put into the same cell, brings back nothing of Paris, and brings Rome.
#
# After this lab you can
#
# 1. read a model's states through its own head, and say when that reading means something,
# 2. put a state of one run into another, and say how much of an answer came with it,
# 3. trace a fact with noise, average over facts, and give an interval that is honest,
# 4. say when one gradient can stand for a thousand runs, and when it has the wrong sign,
# 5. switch off a head, and explain why that is another question than restoring it,
# 6. name a neuron, and put the name to a test that it can fail.
#
# About four hours; it works without a network. Exercises have points; `iw.course.check` tells you at once, and records on this machine how far you are. Hints fold out under each exercise: try first. You may leave an exercise out: nothing further down needs your answer to it.

# %% id="load"
import interp_widgets as iw
import matplotlib.pyplot as plt
import torch
from interp_widgets.course import lab04

lm = iw.load_model()
eiffel, colosseum = "The Eiffel Tower is located in", "The Colosseum is located in"

# %% [markdown] id="surprise"
# ## A surprise first
#
# Two prompts, seven tokens each. They differ in the three tokens of a name. The model has 30 layers, so between a prompt and its answer there are 210 states of 576 numbers. In the run of the Colosseum we replace *one* of them, after layer 9, at the token `osse`, by the one that stands there in the run of the Eiffel Tower.
#
# **Predict.** Where is the Colosseum now? Is it in Rome, in no city at all, or somewhere else? And what if we replace the state at the last token, `in`, after the same layer? Write your guesses down, then run the cell.

# %% id="surprise-shown" tags=["skip-execution"]
print([lm.encode(prompt).tokens for prompt in (eiffel, colosseum)])


def shown(name, best):
    print(f"{name:28}", ", ".join(f"{token.strip()} {p:.2f}" for token, p in best))


shown("the Colosseum", lm.next_token(colosseum, k=3))
shown("state of osse exchanged", lab04.swapped(lm, colosseum, eiffel, layer=9, position=2))
shown("state of in exchanged", lab04.swapped(lm, colosseum, eiffel, layer=9, position=6))

# %% [markdown] id="surprise-what"
# One state in 210, and the Colosseum is located in Paris, with twice the probability that Paris has after the Eiffel Tower's own prompt. The state of the token at which the answer is read does nothing at that depth. So facts have places. This lab finds them in four ways, and each time asks what would look the same if nothing had been found.
#
# ## 1 The logit lens
#
# A state after a layer has the shape of the last one. So read it as if it were the last: final norm, head, softmax. What comes out is what the model would say if it stopped there.

# %% [markdown] id="q-one" exercise="lab04-q1" role="exercise"
# ### Exercise 1: the logit lens by hand
#
# Write `lens(model, ids)`. `model` is a transformers model of the Llama layout (its norm is `model.model.norm`, its head `model.lm_head`), `ids` are token ids, (1, tokens). Return what each layer would say after the text: probabilities, (layers, vocabulary), row 0 for the state after layer 0. The last row is then the model's own answer.


# %% id="q-one-answer" exercise="lab04-q1" role="answer"
def lens(model, ids: torch.Tensor) -> torch.Tensor:
    """(layers, vocabulary): probabilities after the last token, read off each layer."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        given = model(input_ids=ids, output_hidden_states=True)
        # The last entry has been normed already: its row is the model's own.
        rows = [
            model.lm_head(model.model.norm(state)).squeeze(0)[-1]
            for state in given.hidden_states[1:-1]
        ]
        return torch.stack([*rows, given.logits.squeeze(0)[-1]]).softmax(-1)
    ### END SOLUTION


# %% id="q-one-check" exercise="lab04-q1" role="check"
iw.course.check("lab04-q1", lens)

# %% [markdown] id="lens-shown-text"
# The package's lens reads all layers and positions. The prompt is now "... is located in the city of", so that the answer must be a city. Click a token to follow its rank.
#
# **Predict.** From which layer on does Paris lead?

# %% id="lens-shown" tags=["skip-execution"]
fact = f"{eiffel} the city of"
read = iw.logit_lens(lm, fact, tokens=[" Paris", " Rome"])
print(lab04.followed_table(read, range(18, 30), [" Paris", " Rome"]))
read

# %% [markdown] id="lens-what"
# Only the last three layers say Paris. But at layer 23 its rank jumps from the thousands to below 200: something has arrived there, long before it leads. And up to layer 26 the lens says a comma or a full stop. Is that what the model *thinks*? No: the head was never trained to read these states. The verdict above the table says how far the lens is from the model on text, layer by layer; a *calibrated* lens, with a translation fitted for each layer, reads more from the same states. A lens shows when an answer can be read, and not where it is kept.

# %% [markdown] id="q-two" exercise="lab04-q2" role="exercise"
# ### Exercise 2: from which layer on the answer leads
#
# Write `leads_from(probabilities, token)`: probabilities, (layers, vocabulary), and a token id. Return the layer from which on this token is first *to the end*; −1 where it is not first after the last layer.


# %% id="q-two-answer" exercise="lab04-q2" role="answer"
def leads_from(probabilities: torch.Tensor, token: int) -> int:
    """The first layer of the stretch that lasts to the end, or -1."""
    ### BEGIN SOLUTION
    layers = len(probabilities)
    for layer in reversed(range(layers)):
        if probabilities[layer].argmax() != token:
            return layer + 1 if layer + 1 < layers else -1
    return 0
    ### END SOLUTION


# %% id="q-two-check" exercise="lab04-q2" role="check"
iw.course.check("lab04-q2", leads_from)

# %% [markdown] id="patching"
# ## 2 Activation patching
#
# A lens looks. To learn what a state *does*, change it. Two runs: a *clean* one that gives the answer, and a *corrupted* one that gives another. They differ in one thing only, here in the name. Put one state of the clean run into the corrupted one and let the rest of the model go on: what of the answer comes back was in that state.

# %% [markdown] id="q-three" exercise="lab04-q3" role="exercise"
# ### Exercise 3: activation patching by hand
#
# Write `patched(model, clean, corrupted, layer, position)`: token ids, (1, tokens) each, of equal length. Return the logits, (vocabulary,), after the last token of the corrupted text, when the output of `model.model.layers[layer]` at `position` is the one of the clean run. In this model a layer's output is a tensor, (1, tokens, width). Leave no hook behind.


# %% id="q-three-answer" exercise="lab04-q3" role="answer"
def patched(
    model, clean: torch.Tensor, corrupted: torch.Tensor, layer: int, position: int
) -> torch.Tensor:
    """(vocabulary,): logits of the corrupted run with one clean state in it."""
    ### BEGIN SOLUTION
    kept = {}

    def keep(module, inputs, output):
        kept["state"] = output[:, position].clone()

    def put(module, inputs, output):
        output = output.clone()
        output[:, position] = kept["state"]
        return output

    for hook, ids in ((keep, clean), (put, corrupted)):
        handle = model.model.layers[layer].register_forward_hook(hook)
        try:
            with torch.no_grad():
                logits = model(input_ids=ids).logits
        finally:
            handle.remove()
    return logits.squeeze(0)[-1]
    ### END SOLUTION


# %% id="q-three-check" exercise="lab04-q3" role="check"
iw.course.check("lab04-q3", patched)

# %% [markdown] id="q-four" exercise="lab04-q4" role="exercise"
# ### Exercise 4: how much of the way
#
# Write `recovered(patched, clean, corrupted, target, foil)`. `patched` are logits of patched runs, (positions, layers, vocabulary); `clean` and `corrupted` those of the two plain runs, (vocabulary,). The *lead* is the logit of the target less that of the foil. Return for each cell how much of the way from the corrupted lead to the clean one the patch goes, (positions, layers): 0 where it changes nothing, 1 where it makes the answer the clean one. Less than 0 and more than 1 are possible.


# %% id="q-four-answer" exercise="lab04-q4" role="answer"
def recovered(
    patched: torch.Tensor, clean: torch.Tensor, corrupted: torch.Tensor, target: int, foil: int
) -> torch.Tensor:
    """(positions, layers): the share of the way from the corrupted to the clean lead."""

    ### BEGIN SOLUTION
    def lead(logits: torch.Tensor) -> torch.Tensor:
        return logits[..., target] - logits[..., foil]

    return (lead(patched) - lead(corrupted)) / (lead(clean) - lead(corrupted))
    ### END SOLUTION


# %% id="q-four-check" exercise="lab04-q4" role="check"
iw.course.check("lab04-q4", recovered)

# %% [markdown] id="pair"
# Now every position and every layer of the two prompts: clean is the Eiffel Tower, corrupted the Colosseum, the lead is that of Paris over Rome. (The estimate is for section 5.)
#
# **Predict.** Two patches of colour will be bright. Where, and between which layers do they change over?

# %% id="pair-shown" tags=["skip-execution"]
pair = iw.patch(lm, eiffel, colosseum, target=" Paris", foil=" Rome", method="both")
for token in (2, 3, 6):
    cells = [pair.effects[token, layer] for layer in (0, 9, 15, 22, 23, 29)]
    print(f"{pair.tokens[token]:8}", "  ".join(f"{cell:+.2f}" for cell in cells))
pair

# %% [markdown] id="pair-what"
# The columns are the layers 0, 9, 15, 22, 23 and 29. Up to layer 22 the token in the middle of the name carries most of it, soon nearly all, and the third about a third; from 23 on the last token of the prompt carries it all. Between them stands nothing: at `is` and `located` no patch goes a twentieth of the way. So within one layer the fact moves from the name to the end. What moves it? Not the state, but what layer 23 *adds*: patch that alone, at the last token.

# %% id="move-shown" tags=["skip-execution"]
words, near = {"target": " Paris", "foil": " Rome", "positions": [-1]}, range(20, 27)
for site in ("attn_out", "mlp_out"):
    part = iw.patch(lm, eiffel, colosseum, sites=site, layers=near, **words).effects[0]
    print(f"{site:9}", "  ".join(f"{i}: {x:+.2f}" for i, x in zip(near, part, strict=True)))
part = iw.patch(lm, eiffel, colosseum, sites="heads", layers=[23], **words).effects[:, 0]
print("heads of layer 23:", "  ".join(f"{head}: {x:+.2f}" for head, x in enumerate(part)))

# %% [markdown] id="move-what"
# The attention of layer 23 alone brings nearly the whole answer, and two of its heads, 4 and 5, do most of that. One layer, two heads of 270: we shall meet head 4 again.

# %% [markdown] id="w-one-question" exercise="lab04-w1" role="exercise"
# ### Question 1: explain activation patching
#
# In about eight sentences, for a colleague who trains models and has never looked inside one: what is run, what is put where, what the number means, what it shows and what it does not. Use a number of this lab.

# %% [markdown] id="w-one" exercise="lab04-w1" role="written"
# ### BEGIN SOLUTION
# You take two prompts that differ in one thing, here the Eiffel Tower and the Colosseum, and run the model on both. From the clean run you keep an activation, for instance the state of one token after one layer. Then you run the corrupted prompt again, put that one activation in its place, and let all later layers go on from there. The number says how far the answer went from the corrupted one to the clean one: 0 is not at all, 1 is all the way. Here the state of one token of the name goes more than 0.9 of the way after layer 9, and 0 after layer 23, where the last token goes all the way. So that state is enough to bring the answer: what tells Paris from Rome passes through it. It does not say that the model needs it: for this one would insert corrupted states into the clean run, or switch a part off, and other parts may stand in. It also speaks of this pair only: what both prompts share, for instance that a place is asked for, is in both runs and cannot show up; noise in place of another name gives another map.
# ### END SOLUTION

# %% [markdown] id="tracing"
# ## 3 Causal tracing
#
# A second prompt is not always at hand, and a second name brings a fact of its own (Rome). Meng and others therefore corrupt with noise: to the embeddings of the subject's tokens they add normal noise, three times as large as embeddings vary, and restore states one by one. What comes back of the answer's *probability* is the *indirect effect* of a state. Noise is drawn anew ten times, and the mean is taken.

# %% [markdown] id="q-five" exercise="lab04-q5" role="exercise"
# ### Exercise 5: noise on the subject
#
# Write `noised(embeddings, first, last, noise, sigma)`: embeddings of a prompt, (tokens, width); the first and the last token of the subject, *both* part of it; standard normal noise, (samples, tokens, width); and sigma, how much embeddings vary. Return the corrupted embeddings, (samples, tokens, width): to the subject's tokens noise with the standard deviation 3 sigma is added, the others are clean.


# %% id="q-five-answer" exercise="lab04-q5" role="answer"
def noised(
    embeddings: torch.Tensor, first: int, last: int, noise: torch.Tensor, sigma: float
) -> torch.Tensor:
    """(samples, tokens, width): the prompt with its subject corrupted, once for each sample."""
    ### BEGIN SOLUTION
    place = torch.arange(len(embeddings))[:, None]
    subject = (place >= first) & (place <= last)
    return embeddings + 3 * sigma * noise * subject
    ### END SOLUTION


# %% id="q-five-check" exercise="lab04-q5" role="check"
iw.course.check("lab04-q5", noised)

# %% [markdown] id="q-six" exercise="lab04-q6" role="exercise"
# ### Exercise 6: the average indirect effect
#
# One fact is an anecdote. Write `average_effect(restored, corrupted)`: probabilities of the right answer for some facts and samples, (facts, samples) each, with one state restored and without. Return (mean, half): the mean effect over the facts, and half of its 95 % interval, 1.96 standard errors. What varies independently are *facts*; samples of one fact share its prompt.


# %% id="q-six-answer" exercise="lab04-q6" role="answer"
def average_effect(restored: torch.Tensor, corrupted: torch.Tensor) -> tuple[float, float]:
    """(mean, half): the average indirect effect is mean ± half."""
    ### BEGIN SOLUTION
    effects = (restored - corrupted).mean(1)
    error = effects.std() / len(effects) ** 0.5
    return float(effects.mean()), 1.96 * float(error)
    ### END SOLUTION


# %% id="q-six-check" exercise="lab04-q6" role="check"
iw.course.check("lab04-q6", average_effect)

# %% [markdown] id="trace"
# ### The result of this lab
#
# The trace of one fact. Click a cell to see what the model says before and after. (`iw.average_trace` does it for a list of facts, with the intervals of exercise 6.)
#
# **Predict.** Noise on the name takes almost all of Paris away. How much of it comes back at best, at which token, and up to which layer?

# %% id="trace-shown" tags=["skip-execution"]
depths = [0, 3, 8, 14, 20, 22, 23, 26, 29]
trace = iw.causal_trace(lm, fact, subject="Eiffel Tower", layers=depths)
print(f"Paris: clean {trace.clean:.2f}, corrupted {trace.corrupted.mean():.2f}")
print(lab04.effects_table([trace], (2, 3, 6, 9), depths))
trace

# %% [markdown] id="trace-what"
# Two sites, as in the paper: an early one in the subject, and a late one at the last token. One thing is not as in the paper: the early site is not the *last* token of the subject, `Tower`, but `iffel`, the one that says which tower. In this prompt the name is known before it ends. An average over facts has its early site at the last token because most names are known only there.
#
# And now the **negative control that must fail**. The same noise, the same cell, `iffel`; but the state that is put there comes from another run: of the Colosseum, or of a sentence about something else. If any undamaged state in this place would do, the trace would have shown where noise hurts and not where a fact is.
#
# **Predict** the three lines for Paris, and the three for Rome.

# %% id="control-shown" tags=["skip-execution"]
sources = {
    "Eiffel Tower (clean)": fact,
    "Colosseum": f"{colosseum} the city of",
    "something else": "A week later we met him at the old station",
}
control = lab04.restore_from(
    lm, fact, "Eiffel Tower", sources, [" Paris", " Rome"], position=2, layers=depths
)
print(control.table())
control.plot()
plt.show()
elsewhere = iw.causal_trace(lm, fact, subject="located in", positions=[5, 6], layers=[0, 3, 14])
print("noise on other words")
print(lab04.effects_table([elsewhere], (5, 6), [0, 3, 14]))

# %% [markdown] id="control-what"
# Only its own state brings Paris back. The Colosseum's brings none of it, and brings Rome (from layer 3 on; at layer 0 the syllables are not yet a name); the other sentence brings neither. So what the site holds is not health but content. The noise was drawn anew here, and the clean line is lower than in the trace, at layer 0 by half. Ten samples of one fact are few: trust the shape and the contrast, not the second digit.
#
# What would *not* have been a control: noise on other words. With "located in" corrupted, restoring these tokens early brings some of Paris back too (the last lines): where a thing was broken it can be mended. An early site follows the noise; that it lasts to layer 22 and holds the name's own content is what speaks for a store.
#
# ## 4 Where an answer goes wrong
#
# "The capital of Australia is": the model says Sydney. Not by much, and not always: with the token that ends a text in front of it, it says Canberra. Where does it go wrong? First the lens.

# %% id="wrong-shown" tags=["skip-execution"]
capital = "The capital of Australia is"
for prompt in (capital, "<|endoftext|>" + capital):
    shown(prompt[:13] + " ...", lm.next_token(prompt, k=3))
story = iw.logit_lens(lm, capital, tokens=[" Sydney", " Canberra"])
print(lab04.followed_table(story, range(20, 30), [" Sydney", " Canberra"]))

# %% [markdown] id="wrong-what"
# Neither leads before the last layer; at each layer Sydney is ahead of Canberra, by thousands of places at first, and by one place in the end. So there is no layer at which a right answer was overturned. The trace, of both answers (`force=True`, because tracing an answer that is not the model's own needs a reason, and here is one):
#
# **Predict.** Is Canberra not known, or known and not said?

# %% id="both-shown" tags=["skip-execution"]
early = [0, 3, 8, 11, 14, 20, 22, 23, 26]
both = [
    iw.causal_trace(lm, capital, subject="Australia", layers=early),
    iw.causal_trace(lm, capital, subject="Australia", layers=early, target=" Canberra", force=True),
]
print(", ".join(f"{one.target.strip()} clean {one.clean:.2f}" for one in both))
print(lab04.effects_table(both, (3, 4), early))
heads = iw.heads(lm, capital, target=" Sydney", foil=" Canberra", layers=[23])
changes = (heads.ablated - heads.value)[0]
print("lead of Sydney", f"{heads.value:+.2f}; with a head of layer 23 off it changes by")
print("  ".join(f"{head}: {change:+.2f}" for head, change in enumerate(changes)))

# %% [markdown] id="both-what"
# Both are known, and both come from the one token `Australia`. After layer 0 its state brings back all of either. Deeper down it goes on bringing back all of Sydney, and less and less of Canberra: after layer 11 it is little more than half. From layer 23 on both are at the last token. And it is head 4 of layer 23 again that brings them there: switch it off, and Sydney's lead *grows*, from next to nothing to two and a half logits. So this head speaks for Canberra. The model knows the fact, fetches it by the way that it fetches Paris by, and falls short by 0.06 logits. An error like this is not a missing fact but a race that is lost by a hair: a token in front of the text turns it.
#
# ## 5 One gradient for all patches
#
# Patching took a run for each cell. A Taylor series to the first order takes one gradient for all of them: if $f$ is the lead as a function of the corrupted run's states, the effect of putting a clean state $h^+$ in the place of $h^-$ is about
#
# $$\nabla f(h^-) \cdot (h^+ - h^-)$$
#
# That is *attribution patching*, and why it is used on models with millions of cells.

# %% [markdown] id="q-seven" exercise="lab04-q7" role="exercise"
# ### Exercise 7: all patches from one gradient
#
# Write `first_order(f, clean, corrupted)`. `f` takes states, (positions, width), and gives one number, a tensor that autograd can follow. Return for each position the first-order estimate of what happens to f when this position's corrupted state is replaced by the clean one, (positions,), from one gradient.


# %% id="q-seven-answer" exercise="lab04-q7" role="answer"
def first_order(f, clean: torch.Tensor, corrupted: torch.Tensor) -> torch.Tensor:
    """(positions,): the estimated change of f for each position."""
    ### BEGIN SOLUTION
    states = corrupted.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(f(states), states)
    return (gradient * (clean - corrupted)).sum(1)
    ### END SOLUTION


# %% id="q-seven-check" exercise="lab04-q7" role="check"
iw.course.check("lab04-q7", first_order)

# %% [markdown] id="estimate"
# The estimate for the two prompts, beside the exact effects that we have.
#
# **Predict.** Where will it be good, and where bad: at the name or at the end, early or late?

# %% id="estimate-shown" tags=["skip-execution"]
some = [0, 3, 9, 15, 22]
print("at osse\n" + lab04.estimate_table(pair, 2, some))
print("at the last token\n" + lab04.estimate_table(pair, 6, [22, 23, 25, 27, 29]))
print(f"correlation over all cells {pair.diagnostics['correlation']:.2f}")
large, wrong = lab04.wrong_signs(pair)
print(f"{large} cells with an effect of 0.1 or more; the estimate has the wrong sign in {wrong}")
lab04.plot_estimate(pair)
plt.show()

# %% [markdown] id="estimate-what"
# A correlation of 0.7 sounds usable, and hides the failure. At the last token, late, the estimate is good: little stands between the state and the answer. At the name, early, it is not only too small: at layers 0 and 3 it has the wrong *sign*, where the exact effects are 0.7 and 0.88. Of all cells that matter that is so in about a quarter. Between layer 0 and the answer stand 29 layers of norms, products and softmaxes, and the two names lie far apart: a tangent at one of them says little about the other. A map of this estimate would have told you that early on the name speaks against Paris.
#
# Gradients at several points between the two runs help, as the steps of an integral do. Four of them:

# %% id="points-shown" tags=["skip-execution"]
finer = iw.patch(
    lm,
    eiffel,
    colosseum,
    target=" Paris",
    foil=" Rome",
    method="both",
    points=4,
    positions=[2],
    layers=some,
)
print(lab04.estimate_table(finer, 2, some))

# %% [markdown] id="points-what"
# The signs are right now, the sizes are about half of what they should be, or less. So: use the estimate to look for candidates in a large model, and measure the candidates. `iw.patch` does this by itself: asked for the estimate alone, it measures some cells, and its verdict says how far the rest can be trusted.
#
# ## 6 A head switched off
#
# Head 4 of layer 23, put across, brought most of Paris. A head writes by its slice of the *input* of the attention's output projection; after it the heads are mixed. To switch a head off, set its slice to zero.

# %% [markdown] id="q-eight" exercise="lab04-q8" role="exercise"
# ### Exercise 8: a head switched off
#
# Write `zeroed(model, ids, layer, head)`: the logits, (vocabulary,), after the text `ids`, (1, tokens), when this head writes nothing, at any position. The projection is `model.model.layers[layer].self_attn.o_proj`; its input has the shape (1, tokens, heads · head_dim). The model has `model.config.num_attention_heads` query heads, which share fewer key-value heads; a head is a query head here. Leave no hook behind.


# %% id="q-eight-answer" exercise="lab04-q8" role="answer"
def zeroed(model, ids: torch.Tensor, layer: int, head: int) -> torch.Tensor:
    """(vocabulary,): logits with one head off."""
    ### BEGIN SOLUTION
    heads = model.config.num_attention_heads

    def without(module, inputs):
        (given,) = inputs
        parts = given.unflatten(-1, (heads, -1)).clone()
        parts[..., head, :] = 0
        return (parts.reshape_as(given),)

    handle = model.model.layers[layer].self_attn.o_proj.register_forward_pre_hook(without)
    try:
        with torch.no_grad():
            return model(input_ids=ids).logits.squeeze(0)[-1]
    finally:
        handle.remove()
    ### END SOLUTION


# %% id="q-eight-check" exercise="lab04-q8" role="check"
iw.course.check("lab04-q8", zeroed)

# %% [markdown] id="heads"
# On the Eiffel Tower's prompt, each head of layer 23 in turn.
#
# **Predict.** Restoring head 4 alone went two thirds of the way to Paris. How much of the lead of Paris is lost when it is switched off?

# %% id="heads-shown" tags=["skip-execution"]
tower = iw.heads(lm, eiffel, target=" Paris", foil=" Rome", layers=[23])
print(f"lead of Paris {tower.value:+.2f}; head 4 off {tower.ablated[0, 4] - tower.value:+.2f}")
with lm.using(iw.Ablation(layer=23, head=4)):
    without = iw.heads(lm, eiffel, target=" Paris", foil=" Rome", layers=[23], heads=[5])
print(
    f"head 5 off {tower.ablated[0, 5] - tower.value:+.2f}; both {without.ablated[0, 0] - tower.value:+.2f}"
)
for head in (4, 5):
    looks = tower.patterns[0, head, -1]
    print(
        f"from the last token head {head} looks at {tower.tokens[looks.argmax()]}, {looks.max():.2f}"
    )
tower

# %% [markdown] id="heads-what"
# A tenth of the lead. *Enough* is not *needed*: restored into the other run the head carries the answer, taken out of its own it is hardly missed. Head 5 reads the same token, and with both off a third is lost, more than the two lose one by one: each stands in for the other. And the rest stays: the lead has other sources, which restoring one head could not show. Zero is no neutral value either: a head that writes nothing is something that no later layer has ever seen. The verdict above holds the zero against the head's own mean.
#
# ### The same in nnsight
#
# Other tools do the same with other words. In nnsight a run is a block in which you write what to read and what to change. (The cell says so where nnsight is not installed; nothing further down needs it. More of this is in `docs/nnsight.md`.)

# %% id="nnsight-shown" tags=["skip-execution"]
try:
    from nnsight import NNsight
except ImportError:
    print("nnsight is not installed: pip install nnsight, and run this cell again.")
else:
    ids, size = torch.as_tensor(lm.encode(eiffel).ids)[None], lm.architecture.head_dim
    wrapped = NNsight(lm.model)
    with torch.no_grad(), wrapped.trace(input_ids=ids):
        wrapped.model.layers[23].self_attn.o_proj.input[..., 4 * size : 5 * size] = 0
        state = wrapped.model.layers[23].output.save()
        logits = wrapped.lm_head.output[0, -1].save()
    with lm.using(iw.Ablation(layer=23, head=4)):
        ours = lm.next_logits(ids)[0]
    print("state after layer 23", tuple(state.shape))
    print("equal to lm.using(iw.Ablation(...)):", bool((logits - ours).abs().max() < 1e-3))

# %% [markdown] id="neurons"
# ## 7 Neurons, and their names
#
# A *neuron* is an entry of the hidden layer of an MLP. To see what one answers to, read a thousand sentences and keep the twenty on which it is most active. Then somebody gives it a name. How would you know that the name is true?

# %% [markdown] id="q-nine" exercise="lab04-q9" role="exercise"
# ### Exercise 9: the texts that a neuron likes best
#
# Write `top_texts(activations, lengths, k)`: activations of one neuron, (texts, tokens), padded on the right; lengths, (texts,). Return a list of k pairs (text, token), whole numbers, best first: the texts with the largest activation, each once, and the token at which it is reached. Padding may hold anything, and does not count.


# %% id="q-nine-answer" exercise="lab04-q9" role="answer"
def top_texts(activations: torch.Tensor, lengths: torch.Tensor, k: int) -> list[tuple[int, int]]:
    """[(text, token), ...], best first."""
    ### BEGIN SOLUTION
    padding = torch.arange(activations.shape[1]) >= lengths[:, None]
    best, places = activations.masked_fill(padding, float("-inf")).max(1)
    return [(text, int(places[text])) for text in best.topk(k).indices.tolist()]
    ### END SOLUTION


# %% id="q-nine-check" exercise="lab04-q9" role="check"
iw.course.check("lab04-q9", top_texts)

# %% [markdown] id="cards"
# Two neurons on 1,000 sentences of the package's reference text. (The cell takes half a minute or more.)
#
# **Predict.** Read the first six lines of each, and write a name down for both before you read on.

# %% id="cards-shown" tags=["skip-execution"]
from interp_widgets.models.reference_text import sentences

thousand = sentences()[:1000]
verb = iw.max_activating(lm, thousand, layer=5, neuron=1057)
family = iw.max_activating(lm, thousand, layer=5, neuron=613)
for card in (verb, family):
    print(f"layer {card.layer}, neuron {card.neuron}")
    for text in card.top(k=20):
        start, end = text.span
        before, after = text.text[max(start - 36, 0) : start], text.text[end : end + 24]
        print(f"{text.value:6.2f}  {before:>36}[{text.text[start:end]}]{after}")
family

# %% [markdown] id="cards-what"
# The first one looks like the verb *to take*, in all its forms, twenty times of twenty. The second one looks like the *children* of a family, daughters and sons, for six lines; then cats and puppies come. It is *polysemantic*: it answers to several things. Somebody who stops after six lines has a name that is wrong, and a list that bears it out.
#
# A test needs sentences that the name was not read off. For each name ten were written, and ten for a *near miss*: bring, give and carry for take; pets for children. And eighty on other things.

# %% [markdown] id="q-ten" exercise="lab04-q10" role="exercise"
# ### Exercise 10: a name put to the test
#
# Write `auc(named, others)`: a neuron's activations on sentences with the concept, (n,), and on sentences without it, (m,). Return the share of all n · m pairs in which the sentence with the concept has the higher activation; equal ones count half. 1 is a perfect name, 0.5 is none, and below that it says the opposite.


# %% id="q-ten-answer" exercise="lab04-q10" role="answer"
def auc(named: torch.Tensor, others: torch.Tensor) -> float:
    """The area under the ROC curve, pair by pair."""
    ### BEGIN SOLUTION
    apart = named[:, None] - others
    return float((apart > 0).double().mean() + (apart == 0).double().mean() / 2)
    ### END SOLUTION


# %% id="q-ten-check" exercise="lab04-q10" role="check"
iw.course.check("lab04-q10", auc)

# %% [markdown] id="names"
# Both neurons, on sentences of `lab04.SETS` that neither was named by. The area with its 95 % interval, for three questions: the name against unrelated sentences, the name against its near miss, and the near miss against unrelated ones. (`iw.locate.score_name` gives each of them, and how many other neurons of the layer do as well.)
#
# **Predict** the row of the polysemantic neuron: which of its three numbers gives it away?

# %% id="names-shown" tags=["skip-execution"]
tests = [
    lab04.name_test(lm, verb, "take", "bring"),
    lab04.name_test(lm, family, "children", "pets"),
]
print(lab04.NAME_HEAD)
for one in tests:
    print(one.line())
print(
    f"lowest for take: {tests[0].lowest} ({tests[0].above_lowest} of 80 unrelated ones are above it)"
)

# %% [markdown] id="names-what"
# *Take* holds, with one gap: of ten sentences the neuron is silent on one, an invitation. The near miss leaves it as cold as anything else: about 0.5. *Children* is the negative control. Against unrelated sentences it passes, with a *higher* number than the true name has. Only the near miss shows what is wrong: against pets it does worse than the true name against its own near miss, and pets, which the name does not mention, come out above nearly everything unrelated. A test without near misses would have preferred the wrong name.
#
# So test a name twice: do sentences with the concept excite the neuron, and do those beside it leave it alone? And then: that a neuron answers to a word does not show that the model uses it for anything. For this, switch it off: `iw.Ablation(layer=5, neuron=1057)`.

# %% [markdown] id="w-two-question" exercise="lab04-w2" role="exercise"
# ### Question 2: where is a fact stored
#
# A team wants to change one fact in a model and asks you which layers and positions store it. In about ten sentences: which prompts you take, which runs you make, which pattern would convince you, which control must fail, and what you could still not say.

# %% [markdown] id="w-two" exercise="lab04-w2" role="written"
# ### BEGIN SOLUTION
# I take facts of the same kind that the model gets right, because a fact that it does not know is stored nowhere: a few dozen prompts of the form "The Eiffel Tower is located in the city of", the answer and a foil fixed before any run. For each I make a clean run, ten runs with noise of three standard deviations on the subject's embeddings, and a restored run for every position and layer; beside it patching against another subject, which needs no noise. What I follow is the probability of the answer, restored less corrupted, averaged over samples first and then over facts, with an interval over facts. I would be convinced by an early site at the subject's tokens that lasts over many layers in the average, and a late one at the last token, in both kinds of corruption; then I trace MLP and attention outputs in windows, because an edit changes one of these and not a state. The control that must fail puts states of another subject into the same cells: if the right answer came back from them too, I would have found where noise hurts, and not a fact. Here it did fail: the Colosseum's state brought Rome. The layers for an edit are those just before the changeover, at the token where the name is known, which need not be its last one. What I could not say: that the model needs this place, since restoring shows what is enough, and head 4 of layer 23 was enough and hardly missed; that the state is where the fact is kept rather than passed on; and that an edit there works, which only the edit and its tests on paraphrases and neighbours show.
# ### END SOLUTION

# %% [markdown] id="limits"
# ## What was not shown
#
# - One small model, and few prompts. `iw.average_trace` over many facts is the next step.
# - Noise takes the model out of what it was trained on; how large it is changes the map. A second prompt brings its own fact. The two corruptions answer different questions.
# - A state that is enough may only be on the way. That patching finds layers does not show that edits to them work best.
# - The lens reads by a head that was made for the last layer.
# - A neuron's sentences come from one text of a thousand lines; what is not in it cannot be found.
#
# ## Where you stand

# %% id="stand"
iw.course.labs()

# %% [markdown] id="reading"
# ## Reading
#
# - nostalgebraist: Interpreting GPT, the logit lens, 2020. The first reading of this kind.
# - Nora Belrose and others: Eliciting latent predictions from transformers with the tuned lens, 2023. The calibrated one.
# - Kevin Meng and others: Locating and editing factual associations in GPT, NeurIPS 2022. Causal tracing.
# - Fred Zhang, Neel Nanda: Towards best practices of activation patching, ICLR 2024. Which corruption, which number.
# - Stefan Heimersheim, Neel Nanda: How to use and interpret activation patching, 2024. Restoring and inserting.
# - János Kramár and others: AtP*, 2024. When the first-order estimate fails, and what helps.
# - Peter Hase and others: Does localization inform editing?, NeurIPS 2023. Why tracing does not choose the layer to edit.
# - Nelson Elhage and others: Toy models of superposition, 2022. Why neurons answer to several things.
