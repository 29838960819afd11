# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="title"
# # Lab 05: ROME from scratch
#
# **Claim.** In the embedded model SmolLM2-135M-Instruct one change of rank one, in one of 30 MLPs, makes Canberra the capital of Australia: its probability goes from 0.34 to 0.94, it leads in five of five other wordings, and 20 of 20 other capitals stay where they were. A change of the same size in a random direction does none of it. With one key in the place of another, as in the code that was published, a single such edit breaks the model.
#
# After this lab you can
#
# 1. read an MLP as a memory that answers keys with values, and say what fits into it,
# 2. find the key of a fact, and tell which questions it will not be reached by,
# 3. find the value by descent, and hold it short,
# 4. derive the change of rank one, and say what the statistics in it are for,
# 5. audit an edit: does it keep its promise, at what cost, for which key,
# 6. judge an edit by paraphrases, neighbours and what follows from it, and take it back to the bit.
#
# About four hours; it works without a network. Exercises have points; `iw.course.check` tells you at once, and records on this machine how far you are. Hints fold out under each exercise: try first. You may leave an exercise out: nothing further down needs your answer to it.

# %% id="load"
import interp_widgets as iw
import matplotlib.pyplot as plt
import torch
from interp_widgets.course import lab05

lm = iw.load_model()
fact = lab05.FACT

# %% [markdown] id="surprise"
# ## A surprise first
#
# "The capital of Australia is": the model says Sydney. Lab 04 has shown that it knows both cities, and that the race is lost by a hair. Here it is repaired with two vectors, 576 and 1,536 numbers long: their product is added to one matrix, in layer 5. All else stays.
#
# **Predict.** Five prompts follow, before and after. Which answers change? Think of the last one in particular: it asks the same thing as the first. (The first time, the cell reads a text of a thousand sentences, for less than a minute, and keeps what it found.)

# %% id="surprise-shown" tags=["skip-execution"]
statistics = iw.editing.key_statistics(lm, lab05.LAYER)
moment = lab05.moment_of(statistics)
value = lab05.value_of(lm)
repair = lab05.change_of(lab05.least_change(value, moment))
asked = [
    fact.prompt,
    "The prime minister of Australia works in the city of",
    "The largest city of Australia is",
    "The capital of Canada is",
    "Australia's capital is",
]
print(lab05.answers_table(lm, asked, {"before": [], "after": [repair]}))

# %% [markdown] id="surprise-what"
# The fact is repaired, and the prime minister, who was in no text of the edit, has moved to Canberra with it. The largest city is still Sydney, but only just. Canada stays. And "Australia's capital is", the same question with the words in another order, has noticed nothing at all. At the end of section 2 you will know why.
#
# ## 1 A matrix that remembers
#
# A matrix W can be a memory: asked with a vector k it answers W k. To store pairs of keys and values, choose W so that each key is answered with its value. If keys are not at a right angle, each of them wakes the others' values a little, and W has to make up for that.
#
# An MLP has two ends. Its first matrices turn a state into the hidden layer, 1,536 numbers that say which patterns are there: the *key*. Its last matrix, 576 × 1,536, writes what goes with them into the residual stream: the *value*. Nobody stored pairs in it one by one; it was trained. ROME takes it for such a memory all the same, and adds one pair.

# %% [markdown] id="q-one" exercise="lab05-q1" role="exercise"
# ### Exercise 1: a matrix that remembers
#
# Write `memory(keys, values)`: keys, (n, width), and values, (n, outputs). Return the matrix W, (outputs, width), for which the sum over the pairs of |W k − v|² is as small as possible; of several such matrices the one with the smallest norm.


# %% id="q-one-answer" exercise="lab05-q1" role="answer"
def memory(keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """(outputs, width): the least-squares memory of these pairs."""
    ### BEGIN SOLUTION
    return (torch.linalg.pinv(keys) @ values).T
    ### END SOLUTION


# %% id="q-one-check" exercise="lab05-q1" role="check"
iw.course.check("lab05-q1", memory)

# %% [markdown] id="recall"
# Random keys of width 64, and more and more facts: how far recalled values are from the stored ones, relative to their size, for the simplest memory (the sum of v kᵀ / |k|²) and for yours.
#
# **Predict.** At how many facts does each of them break?

# %% id="recall-shown" tags=["skip-execution"]
print(lab05.recall_table())

# %% [markdown] id="recall-what"
# The sum is wrong from the start: with four facts already by almost a quarter. Least squares makes no error up to 64 facts, as many as a key has entries, and with 128 most of what it says is wrong. So a memory that was filled by least squares has no free place, and what you add to it must disturb something. ROME's question is: what least?
#
# ## 2 The key
#
# Where does the model look up what it knows of Australia? Lab 04 traced it: in the early layers, at the last token of the subject. So the key of our fact is the hidden layer of the MLP, at that token. First find the token. Counting the subject's tokens apart from the sentence goes wrong, since tokenizers join letters and spaces as they like; ask the tokenizer which characters of the whole text each token covers.

# %% [markdown] id="q-two" exercise="lab05-q2" role="exercise"
# ### Exercise 2: the token at which a subject ends
#
# Write `last_token(spans, start, end)`. `spans` is a list of pairs (first character, one past the last) of the tokens of a text, as a fast tokenizer gives them; special tokens are (0, 0). The subject takes the characters from `start` up to, not including, `end`. Return the place in the list of the token that holds the subject's last character.


# %% id="q-two-answer" exercise="lab05-q2" role="answer"
def last_token(spans: list[tuple[int, int]], start: int, end: int) -> int:
    """The place of the token with the subject's last character."""
    ### BEGIN SOLUTION
    return next(place for place, (first, stop) in enumerate(spans) if first < end <= stop)
    ### END SOLUTION


# %% id="q-two-check" exercise="lab05-q2" role="check"
iw.course.check("lab05-q2", last_token)

# %% [markdown] id="key-text"
# A key that is read on the bare prompt belongs to this prompt. The edit should hold wherever the subject stands, so the key is averaged over texts that put different words in front.

# %% [markdown] id="q-three" exercise="lab05-q3" role="exercise"
# ### Exercise 3: the key of a fact
#
# Write `mean_key(model, texts, places, layer)`: a transformers model of the Llama layout, texts as lists of token ids, and for each text the place of the subject's last token. Return the mean over the texts of the *input* of `model.model.layers[layer].mlp.down_proj` at that place, (width of the MLP,). Leave no hook behind.


# %% id="q-three-answer" exercise="lab05-q3" role="answer"
def mean_key(model, texts: list[list[int]], places: list[int], layer: int) -> torch.Tensor:
    """(width of the MLP,): the mean key at the subject's last token."""
    ### BEGIN SOLUTION
    kept = []

    def keep(module, inputs):
        (given,) = inputs
        kept.append(given.squeeze(0))

    handle = model.model.layers[layer].mlp.down_proj.register_forward_pre_hook(keep)
    try:
        with torch.no_grad():
            for ids in texts:
                model(input_ids=torch.tensor([ids]))
    finally:
        handle.remove()
    rows = [keys[places[text]] for text, keys in enumerate(kept)]
    return torch.stack(rows).mean(0)
    ### END SOLUTION


# %% id="q-three-check" exercise="lab05-q3" role="check"
iw.course.check("lab05-q3", mean_key)

# %% [markdown] id="keys"
# Keys of layer 5, with their length, and their cosine with the mean key of "The capital of Australia is" behind five beginnings.
#
# **Predict** the cosine of each line before you run the cell: Australia in other questions, other countries, other words of the prompt. And the last two lines?

# %% id="keys-shown" tags=["skip-execution"]
other = "The capital of {} is"
pairs = [
    (fact.prompt, "Australia"),
    (f"He wrote a long letter. {fact.prompt}", "Australia"),
    ("The largest city of Australia is", "Australia"),
    *[(other.format(name), name) for name in ("New Zealand", "Canada", "France")],
    *[(fact.prompt, word) for word in ("capital", "is")],
    ("Australia's capital is", "Australia"),
    ("I read about it. Australia's capital is", "Australia"),
]
print(lab05.key_table(lm, pairs))

# %% [markdown] id="keys-what"
# What stands in front hardly matters, and neither does the question: Australia's key is Australia's key. New Zealand and Canada share half of it, France a third; other words share nothing. So an edit for this key will reach every question about Australia, also the one for its largest city, and its neighbours by as much as their keys are alike.
#
# And here is the answer to the riddle. As the *first* token of a text Australia has another key: a quarter as long, and at a right angle to the rest. The first token is the attention sink that you met in lab 03; the model treats whatever stands there alike. The edit is not asked there. With a sentence in front of it the key is back.
#
# ## 3 The value
#
# What should the MLP write at this token, so that Canberra follows? Not the word: it is still 24 layers to the end, and the later ones must be able to use it. Nobody can say what that is. So it is found by descent: let v₀ be what the MLP writes there now, add a vector δ to it, and change δ until the answer is right. The loss has three parts:
#
# $$\operatorname{mean}_j \Big[ -\frac1T \sum_t \log p_\delta(o_t) \Big] \;+\; \lambda \, \mathrm{KL}\big(p_\delta \,\|\, p_0\big) \;+\; \mu \, \frac{|\delta|}{|v_0|^2}$$
#
# over texts j and the tokens o of the answer. The divergence is that of the next token after "Australia is a": what the subject *is* should stay.

# %% [markdown] id="q-four" exercise="lab05-q4" role="exercise"
# ### Exercise 4: what the value is asked for
#
# Write `value_loss(log_p, answer, before, after, delta, v0, kl_factor, decay)`. `log_p`, (texts, tokens, vocabulary), are log-probabilities at the positions that the answer's tokens follow; `answer`, (tokens,), its ids; `before` and `after`, (vocabulary,), log-probabilities of the next token after "Australia is a", without delta and with it; `delta` and `v0`, (width,). Return the loss, one number: −log p of the answer, the mean over its tokens and the texts; plus `kl_factor` times KL(after ‖ before); plus `decay` · |delta| / |v0|².


# %% id="q-four-answer" exercise="lab05-q4" role="answer"
def value_loss(
    log_p: torch.Tensor,
    answer: torch.Tensor,
    before: torch.Tensor,
    after: torch.Tensor,
    delta: torch.Tensor,
    v0: torch.Tensor,
    kl_factor: float,
    decay: float,
) -> torch.Tensor:
    """(): the loss of a value."""
    ### BEGIN SOLUTION
    said = log_p[:, torch.arange(len(answer)), answer].mean()
    moved = (after.exp() * (after - before)).sum()
    return -said + kl_factor * moved + decay * delta.norm() / v0.square().sum()
    ### END SOLUTION


# %% id="q-four-check" exercise="lab05-q4" role="check"
iw.course.check("lab05-q4", value_loss)

# %% [markdown] id="descent-text"
# Now the descent itself, by Adam, from δ = 0. After each step δ is held short: where |δ| is above a multiple of |v₀|, the *clamp*, it is scaled down to it. The weights of the model stay as they are; only δ has a gradient.

# %% [markdown] id="q-five" exercise="lab05-q5" role="exercise"
# ### Exercise 5: the value, found by descent
#
# Write `find_delta(model, texts, places, answer, layer, steps, rate, clamp, decay)`: texts as lists of ids, without the answer; the place of the subject's last token in each; the answer as a list of ids. Return delta, (width,), after `steps` steps of Adam from 0 with learning rate `rate`. The loss is −log p of the answer's tokens, the mean over tokens and texts, plus `decay` · |delta| / |v0|². (The divergence is left out here.) `delta` is added to the output of `model.model.layers[layer].mlp.down_proj` at the text's place; v0 is that output in the first text. The second token of an answer follows the first: the text goes on with the answer but for its last token. After each step a delta longer than `clamp` · |v0| is scaled down to that length.


# %% id="q-five-answer" exercise="lab05-q5" role="answer"
def find_delta(
    model,
    texts: list[list[int]],
    places: list[int],
    answer: list[int],
    layer: int,
    steps: int,
    rate: float,
    clamp: float,
    decay: float,
) -> torch.Tensor:
    """(width,): what has to be added to the value."""
    ### BEGIN SOLUTION
    down = model.model.layers[layer].mlp.down_proj
    delta = torch.zeros(model.config.hidden_size, dtype=model.dtype, requires_grad=True)
    adam = torch.optim.Adam([delta], lr=rate)
    written = []

    def said(ids, place):
        def add(module, inputs, output):
            written.append(output.squeeze(0)[place].detach())
            output = output.clone()
            output[:, place] += delta
            return output

        handle = down.register_forward_hook(add)
        try:
            logits = model(input_ids=torch.tensor([ids + answer[:-1]])).logits.squeeze(0)
        finally:
            handle.remove()
        rows = logits[len(ids) - 1 :].log_softmax(-1)
        return rows[torch.arange(len(answer)), answer].mean()

    for _ in range(steps):
        each = torch.stack([*map(said, texts, places)])
        length = next(iter(written)).norm()
        loss = decay * delta.norm() / length**2 - each.mean()
        (delta.grad,) = torch.autograd.grad(loss, delta)
        adam.step()
        with torch.no_grad():
            delta *= (clamp * length / delta.norm()).clamp(max=1)
    return delta.detach()
    ### END SOLUTION


# %% id="q-five-check" exercise="lab05-q5" role="check"
iw.course.check("lab05-q5", find_delta)

# %% [markdown] id="value"
# The value of our fact, found by the package with the whole loss, in 12 steps and with a clamp of 1: δ may be as long as v₀, and no longer. The last two lines read δ through the output head, as a lens would.
#
# **Predict.** Is δ the direction of the word Canberra?

# %% id="value-shown" tags=["skip-execution"]
print(lab05.value_table(lm, value))

# %% [markdown] id="value-what"
# No. To the head δ is gibberish, and Canberra is in the middle of all words. What was found is not an answer but something that later layers turn into one, at another token, when they are asked for it. This is why an edit here can reach questions that it has never seen.
#
# ## 4 What all keys have in common
#
# The change should answer one key with another value, and leave all other keys alone. Which others? Those that occur. Their second moment says in which directions they lie:
#
# $$C = \operatorname{E}\big[k\,k^{\mathsf T}\big]$$
#
# For a change D of the matrix, the mean of |D k|² over all keys is tr(D C Dᵀ). This is the number to make small.

# %% [markdown] id="q-six" exercise="lab05-q6" role="exercise"
# ### Exercise 6: what all keys have in common
#
# Write `second_moment(batches)`. `batches` holds pairs of keys, (texts, tokens, width) in float32, padded on the right, and lengths, (texts,). Return the mean of k kᵀ over all keys of all batches, (width, width), in float64. Padding may hold anything and does not count. No mean is taken out.


# %% id="q-six-answer" exercise="lab05-q6" role="answer"
def second_moment(batches) -> torch.Tensor:
    """(width, width), float64."""
    ### BEGIN SOLUTION
    total, count = 0, 0
    for keys, lengths in batches:
        place = torch.arange(keys.shape[1])
        real = keys[place < lengths[:, None]].double()
        total = total + real.T @ real
        count = count + len(real)
    return total / count
    ### END SOLUTION


# %% id="q-six-check" exercise="lab05-q6" role="check"
iw.course.check("lab05-q6", second_moment)

# %% [markdown] id="spectra"
# C of layer 5, from the first 500 tokens of the package's reference text, from 2,000, and from all of it.
#
# **Predict.** C has 1,536 rows. What rank does it have from 500 tokens? And what will its inverse do?

# %% id="spectra-shown" tags=["skip-execution"]
spectra = lab05.spectra(lm, statistics)
print(spectra.table())
spectra.plot()
plt.show()

# %% [markdown] id="spectra-what"
# From 500 tokens C has rank 490: it is full of directions in which no key has been seen, and has no inverse. (Not 500, because sentences begin with the same words, and a first token has always the same key.) From 2,000 its rank is full, but its smallest eigenvalues are a hundredth of what they are with all the text. An inverse goes for just these directions: they look free, and are only unread. Two things help: more text, and a *ridge*, a little of the identity added to C, in units of the mean of its diagonal. The authors of ROME read a hundred thousand articles. Ten times as many tokens as a key has entries, as here, are enough.
#
# ## 5 The change
#
# Of all D with D k = δ, which has the smallest tr(D C Dᵀ)? With a multiplier for each entry of δ the condition is D C = λ kᵀ, so D = λ uᵀ with u = C⁻¹ k: a matrix of *rank one*. The constraint gives λ:
#
# $$D = \frac{\delta\, u^{\mathsf T}}{k \cdot u}, \qquad u = C^{-1} k, \qquad W' = W + D$$
#
# That is all of ROME. W' k = W k + δ holds exactly, and u points to what is special about this key.

# %% [markdown] id="q-seven" exercise="lab05-q7" role="exercise"
# ### Exercise 7: the change of rank one
#
# Write `rank_one(moment, key, delta, ridge)`: C, (width, width); the key, (width,); delta, (outputs,). Return D, (outputs, width), with C made regular first: `ridge` times the mean of its diagonal is added on its diagonal.


# %% id="q-seven-answer" exercise="lab05-q7" role="answer"
def rank_one(
    moment: torch.Tensor, key: torch.Tensor, delta: torch.Tensor, ridge: float
) -> torch.Tensor:
    """(outputs, width): the least change that answers the key with delta."""
    ### BEGIN SOLUTION
    regular = moment + ridge * moment.diagonal().mean() * torch.eye(len(moment)).to(moment)
    u = torch.linalg.solve(regular, key)
    return torch.outer(delta, u) / (key @ u)
    ### END SOLUTION


# %% id="q-seven-check" exercise="lab05-q7" role="check"
iw.course.check("lab05-q7", rank_one)

# %% [markdown] id="result"
# ### The result of this lab
#
# The repair, and beside it the **negative controls that must fail**: the same δ with a random u, of the same size; a random δ with the right u; and the same δ with the key of another token, the "is" at the end of the prompt. A fifth line takes the key of *France*. A paraphrase or a neighbour counts where the right answer is the model's first choice.
#
# **Predict.** Which of the four will fail? What should the key of France do to Australia?

# %% id="result-shown" tags=["skip-execution"]
changes = lab05.controls(lm, value, moment)
judged = lab05.judge(lm, changes)
print(judged.table())
judged.plot()
plt.show()

# %% [markdown] id="result-what"
# The repair holds in all five paraphrases, keeps all 20 neighbours, and costs no perplexity that one could see. With a random u or a random δ of the same size Canberra is where it was, or a little lower: it is not the push that does it. The key of "is" holds in three of five, and spoils four neighbours: a key that all prompts share changes all of them.
#
# And one control did *not* fail. With the key of France Canberra leads at its prompt too, and in four of the five paraphrases. The keys have a cosine of a third, so a third of δ arrives at Australia; and Canberra was so close behind Sydney that this is enough. Take two things from it. Count probabilities as well as first places: 0.55 is not 0.94. And a repair of a race that was lost by a hair is an easy test. Whoever wants to show that a method works should change an answer of which the model is sure.

# %% [markdown] id="two-keys"
# ## 6 Two keys
#
# There is a detail in this that you could pass over, and people did. There are two keys: the *mean* key over all texts, and the key of the *plain* prompt alone. In the formula k stands twice. `lab05.FORMS` has three ways to write it, named A, B and C. One of them is that of the code that was published with the paper, and it is wrong. You will find out which, and how much it matters, without reading it: by an audit that any change can be put to.
#
# A change D promises D k = δ at little cost. So ask: by how much is the promise missed? And how many times the least possible cost does it have? The least cost follows from the formula above: |δ|² / (kᵀ C⁻¹ k).

# %% [markdown] id="q-eight" exercise="lab05-q8" role="exercise"
# ### Exercise 8: an audit of an edit
#
# Write `audit(change, key, delta, moment)`: D, (outputs, width); the key, (width,); delta, (outputs,); C, (width, width). Return (missed, excess): |D k − delta| / |delta|, and tr(D C Dᵀ) over the least that any change with D k = delta can have.


# %% id="q-eight-answer" exercise="lab05-q8" role="answer"
def audit(
    change: torch.Tensor, key: torch.Tensor, delta: torch.Tensor, moment: torch.Tensor
) -> tuple[float, float]:
    """(missed, excess): 0 and 1 for the change that is right."""
    ### BEGIN SOLUTION
    missed = (change @ key - delta).norm() / delta.norm()
    least = delta.square().sum() / (key @ torch.linalg.solve(moment, key))
    return float(missed), float(torch.trace(change @ moment @ change.T) / least)
    ### END SOLUTION


# %% id="q-eight-check" exercise="lab05-q8" role="check"
iw.course.check("lab05-q8", audit)

# %% [markdown] id="audit"
# Your audit of the three forms, for our fact, at both keys.
#
# **Predict.** A form that uses one key throughout must pass at this key. What would a form look like that mixes them?

# %% id="audit-shown" tags=["skip-execution"]
print(lab05.audit_table(audit, value, moment))

# %% [markdown] id="audit-what"
# A passes at the plain key, C at the mean key. B misses its promise at the mean key, and at the plain one, where it keeps it, it costs more than it must: there is no key for which B is the answer. That is the mixed one. It takes u from the mean key and divides by the product with the plain one. But how little that is: a twentieth. With this fact nobody would notice.
#
# It is as little as the two keys are alike; their cosine, measured with C, is 0.96. So choose a fact with two keys that are *not* alike. You know one: "Australia's capital is" has the plain key of a first token.
#
# **Predict** what B does there, to the edited matrix, and to the rest of the model.

# %% id="first-shown" tags=["skip-execution"]
first = lab05.first_token(lm)
print(lab05.audit_table(audit, first, moment))
keys = [part[0].double() for part in (first.keys, first.plain_keys, first.delta)]
broken = {name: form(moment, *keys) for name, form in lab05.FORMS.items()}
print(lab05.judge(lm, broken).table())

# %% [markdown] id="first-what"
# One edit of one fact, and the matrix has grown by more than twice its own size: k · u was near nothing, and B divided by it. No country has its capital any more, not even the one that was edited. That *a single edit* can destroy a model was reported in 2024, and traced to this line in the same year (see Reading). C, the same formula with one key on both sides, does what it should on the same fact; only the bare prompt itself it does not reach, and that it says by itself: look at what it misses at the plain key.
#
# In the package the three are called `plain`, `published` and `averaged`, and the last is the default. (Two more keep their promise at two keys at once, with one vector u that answers both: `two`, which the package's own settings for this model take, because a subject that begins a text has another key there; and `start`.) After each edit it says by how much the promise was missed, and how well the two keys agree.

# %% [markdown] id="w-one-question" exercise="lab05-w1" role="exercise"
# ### Question 1: a report of a bug
#
# Write the report to the authors of B, in about eight sentences: what is wrong, a case that shows it with numbers that they can compute again, what follows from it, why it went unnoticed, how it is mended, and which test would have found it.

# %% [markdown] id="w-one" exercise="lab05-w1" role="written"
# ### BEGIN SOLUTION
# In the update of rank one the direction u is computed from the mean of the keys over all prefixes, but the denominator is the product of u with the key of the prompt without a prefix. So the update promises its value at one key and is the cheapest one for another. To see it, edit "Australia's capital is" to Canberra in layer 5 of the default model: the update misses its promise at the mean key by more than 40 times delta's length, is more than twice as large as the weight it is added to, and after it none of 20 other capitals is the first choice, where all were before. The cause is that the subject is the text's first token there, whose key is a quarter as long and nearly at a right angle to the key behind any prefix, so that the denominator is close to zero. With "The capital of Australia is" the two keys have a cosine of 0.96, the error is a twentieth, and the edit works, which is why an average over many such prompts does not show it. The mend is to use the mean key in both places (or the plain one in both). A test that checks W' k = W k + delta at the key that the direction was made from, on a prompt that begins with its subject, would have failed at once; a warning when the two keys do not agree would help too.
# ### END SOLUTION

# %% [markdown] id="judging"
# ## 7 Does it hold, and what else changed
#
# An edit has to hold in other words (*paraphrase*), and must not touch others (*neighbourhood*). The papers compare two answers: the new one with the old one, where the fact should hold; the one that should stay with the new one, at a neighbour. They sum up by the harmonic mean, in which the worst of the three counts most.

# %% [markdown] id="q-nine" exercise="lab05-q9" role="exercise"
# ### Exercise 9: does it hold, and what else changed
#
# Write `scores(records)`. A record is a dict with the keys `"fact"`, `"paraphrase"` and `"neighbour"`; under each a list of prompts, and for each prompt a pair (wanted, other): the log-probabilities of the tokens of the answer that should lead, and of the other one, two lists that may differ in length. A prompt holds where the wanted answer's *mean* log-probability a token is the larger one. Return (efficacy, paraphrase, neighbourhood, S): for each part the mean over records of the share of its prompts that hold, and the harmonic mean of the three, 0 where one of them is 0.


# %% id="q-nine-answer" exercise="lab05-q9" role="answer"
def scores(records: list[dict]) -> tuple[float, float, float, float]:
    """(efficacy, paraphrase, neighbourhood, S)."""

    ### BEGIN SOLUTION
    def holds(wanted: list[float], other: list[float]) -> bool:
        return sum(wanted) / len(wanted) > sum(other) / len(other)

    found = []
    for part in ("fact", "paraphrase", "neighbour"):
        shares = [sum(holds(*pair) for pair in one[part]) / len(one[part]) for one in records]
        found.append(sum(shares) / len(shares))
    harmonic = len(found) / sum(1 / share for share in found) if all(found) else 0.0
    return (*found, harmonic)
    ### END SOLUTION


# %% id="q-nine-check" exercise="lab05-q9" role="check"
iw.course.check("lab05-q9", scores)

# %% [markdown] id="evaluate"
# `iw.evaluate_edit` does this, with intervals where there are many facts, and first choices beside it. It also asks for *ripple*: what follows from the fact (where the parliament meets), what only seems to (the largest city), and the reverse question, which country Canberra is the capital of.
#
# **Predict.** Which of the five ripple prompts comes out wrong?

# %% id="evaluate-shown" tags=["skip-execution"]
evaluation = iw.evaluate_edit(lm, repair, [fact], perplexity=False, generation=0)
table = evaluation.to_frame()
chosen = table[table.part != "neighbour"][["part", "prompt", "first_before", "first_after"]]
print(chosen.to_string(index=False))
evaluation

# %% [markdown] id="evaluate-what"
# The reverse question has not changed at all: "Canberra is the capital of" is asked with the key of Canberra, and nothing was stored there. ROME edits a direction, from Australia to its capital. Everything that is asked through Australia has changed, right or not.
#
# How strong should an edit be? The usual clamp is 4. Here are four, with 20 steps each, and two prompts that should stay as they are: Australia's largest city, and the capital of New Zealand.
#
# **Predict.** What grows with the clamp, and what shrinks?

# %% id="strengths-shown" tags=["skip-execution"]
print(lab05.strengths(lm, moment, (0.5, 1, 2, 4)))

# %% [markdown] id="strengths-what"
# A clamp of one half makes Canberra lead at its prompt and in four of the five wordings, and does no harm that is seen here. With 1 all five hold, and Canberra has come close to being the largest city too. All that more adds is damage. At 4, the usual value, Canberra is the largest city of Australia by far, and the capital of New Zealand as well, which shares half of Australia's key; a neighbour is gone. A benchmark that asks only whether the fact holds likes this one best. So the strength of an edit belongs to what you report, and the smallest one that holds is the best one.

# %% [markdown] id="taking-back"
# ## 8 Taken back
#
# An edit is a hypothesis, and must be possible to take back. The simple way adds D to the weight, and later subtracts it.
#
# **Predict.** How many of the 884,736 entries are then what they were?

# %% id="bits-shown" tags=["skip-execution"]
lost, entries = lab05.bits_lost(lm, changes["repair"])
print(f"(W + D) - D differs from W in {lost:,} of {entries:,} entries")

# %% [markdown] id="bits-what"
# Thousands of them are off in the last bits, and each further edit adds its own. The package leaves W alone: the change acts beside the matrix, on what comes out of it.

# %% [markdown] id="q-ten" exercise="lab05-q10" role="exercise"
# ### Exercise 10: an edit that can be taken back
#
# Write `edited(module, left, right)`, to be used as `with edited(module, left, right):`. `module` is a linear one, called with x, (1, tokens, inputs). Inside the block it gives W x + left · (right · x) at each position; left is (outputs,), right (inputs,). Its weight is not touched. After the block the module is as it was, also when the block raises (the error must still come out).

# %% id="q-ten-answer" exercise="lab05-q10" role="answer"
from contextlib import contextmanager


@contextmanager
def edited(module, left: torch.Tensor, right: torch.Tensor):
    """In this block the module's matrix is changed by left rightᵀ."""

    ### BEGIN SOLUTION
    def change(module, inputs, output):
        (x,) = inputs
        return output + (x @ right).unsqueeze(-1) * left

    handle = module.register_forward_hook(change)
    try:
        yield
    finally:
        handle.remove()
    ### END SOLUTION


# %% id="q-ten-check" exercise="lab05-q10" role="check"
iw.course.check("lab05-q10", edited)

# %% [markdown] id="edit"
# ## 9 In one line
#
# `iw.edit` does all of this: it finds key and value over prefixes that the model writes itself, takes C from the cache, computes the change, checks the promise, and puts the edit into the model's ledger, from which it can be switched off, saved, and taken back. With the settings of this lab:

# %% id="edit-shown" tags=["skip-execution"]
prompt = torch.as_tensor(lm.encode(fact.prompt).ids)[None]
untouched = lm.next_logits(prompt)
wish = iw.editing.ValueSettings(steps=lab05.STEPS + 1, clamp=lab05.CLAMP)
settings = iw.editing.RomeSettings(prefixes=(5,), plain_share=None, value=wish)
e = iw.edit(lm, fact, layer=lab05.LAYER, settings=settings)
print("in the ledger:", ", ".join(lm.ledger))
print(f"promise missed by {e.measured['constraint']:.6f}; keys agree {e.measured['alignment']:.2f}")
shown = lm.next_logits(prompt)
e.undo()
print("answers otherwise while it is on:", not torch.equal(shown, untouched))
print("taken back, equal to the bit:", torch.equal(lm.next_logits(prompt), untouched))

# %% [markdown] id="diff"
# Both sides of it at a glance: what is written and what is likely next, before and after; what holds and what was lost; how large the change is; and an alarm for a model that begins to break. Below the picture the edit can be switched on and off. The second prompt is the one that the edit does not reach.

# %% id="diff-shown" tags=["skip-execution"]
iw.edit_diff(lm, e, prompts=["Australia's capital is"])

# %% [markdown] id="own"
# And now yours: your answers to exercises 2, 3, 5 and 7, put together on the real model, beside the package's edit. (What you have not written is borrowed, and the cell says so.) The two do not have the same prefixes, and yours does without the divergence.
#
# **Predict.** Both changes read one direction and write another. How alike are they in what they read, and in what they write?

# %% id="own-shown" tags=["skip-execution"]
mine = lab05.by_hand(
    lm,
    statistics,
    last_token=last_token,
    mean_key=mean_key,
    find_delta=find_delta,
    rank_one=rank_one,
)
print(mine.told)
theirs = lab05.dense_of(e)
read, write = lab05.cosines(mine.change, theirs)
print(f"cosine of what they read {read:.2f}, of what they write {write:.2f}")
print(lab05.judge(lm, {"by hand": mine.change, "iw.edit": theirs}).table())

# %% [markdown] id="own-what"
# They read nearly the same key, and write different values: there are many vectors after which Canberra follows, and the descent takes one that lies near where it began. In what counts they agree.

# %% [markdown] id="w-two-question" exercise="lab05-w2" role="exercise"
# ### Question 2: one fact, one layer, one direction
#
# A colleague says: "With ROME we tell the model a new fact, and it knows it from then on." In about ten sentences: why is it *one* direction that changes, why does *one* layer suffice, and in which sense is it *one* fact? What changes along with it, what does the edit not change at all, and how would you find out in each case?

# %% [markdown] id="w-two" exercise="lab05-w2" role="written"
# ### BEGIN SOLUTION
# The edit asks for one thing, that one key is answered with another value, and among all changes that do this the one that disturbs other keys least on average has rank one: it reads the input along one direction u and writes along one direction delta. C decides which direction that is, so that what this key shares with all the others is left out of it. One layer suffices because the value was not chosen as an answer but found by descent through all later layers: it is whatever makes the rest of the model say Canberra, and to the output head it is gibberish. The other layers still hold what they held, Sydney included; the edit drowns it and does not delete it. It is one fact only in the sense that one key was used. Everything that is asked through this key moves along: the prime minister and the parliament, as they should, and the largest city, as it should not, where Canberra went from 0.03 to 0.29 with the gentle clamp and past Sydney with a stronger one. Countries with similar keys get their share too: with the usual clamp New Zealand is governed from Canberra as well. What is asked by another key does not change at all: "Australia's capital is" as the first words of a text, whose key has a cosine of 0.04 with the edited one, and the reverse question about Canberra. I would look for the first kind by neighbours of the same subject and by subjects whose keys have a high cosine, and for the second by paraphrases that begin with the subject, by aliases and reversed questions, and I would keep all these prompts as a suite that runs with each new edit. So the colleague should say: the model answers this question differently, in most wordings, and we know some of what else it now says.
# ### END SOLUTION

# %% [markdown] id="limits"
# ## What was not shown
#
# - One fact, in one small model, and one that was nearly right before. Section 5 has shown how easy such a test is.
# - The paraphrases were written by the lab's authors. Others may fail, as those do that begin with the subject.
# - That C matters. With the identity in its place the repair holds just as well here, and on 20 neighbours no difference can be seen; the audit says that it costs about four times what it must. It would take more edits for that to show.
# - That the layer is the best one. Tracing finds layers that matter, and they need not be those that are best to edit.
# - That the model *knows* anything else now. Edited models often fail where a fact has to be used in a chain of reasoning.
#
# ## Where you stand

# %% id="stand"
iw.course.labs()

# %% [markdown] id="reading"
# ## Reading
#
# - Teuvo Kohonen: Correlation matrix memories, 1972. James Anderson: A simple neural network generating an interactive memory, 1972. Where the idea of section 1 comes from.
# - Mor Geva and others: Transformer feed-forward layers are key-value memories, EMNLP 2021.
# - Kevin Meng and others: Locating and editing factual associations in GPT, NeurIPS 2022. ROME.
# - Akshat Gupta, Sidharth Baskaran, Gopala Anumanchipalli: Rebuilding ROME, 2024. The two keys.
# - Wanli Yang and others: The butterfly effect of model editing, ACL 2024. Single edits that break a model, and perplexity as the alarm.
# - Roi Cohen and others: Evaluating the ripple effects of knowledge editing in language models, TACL 2024. What should follow, and does not.
# - Peter Hase and others: Does localization inform editing?, NeurIPS 2023. Why tracing does not choose the layer.
