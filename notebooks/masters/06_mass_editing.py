# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="title"
# # Lab 06: Mass editing and its limits
#
# **Claim.** In the embedded model SmolLM2-135M-Instruct one closed form, spread over three of 30 MLPs, changes 20 facts at once: all of them hold, and neighbours stay. The same change with the subjects exchanged does none of it. What the edit does not do is to make the model *know*: it holds best in the words that it was made with, and a manner of answering, edited into six requests by the same form, is taken on by half of them and by one other in six.
#
# After this lab you can
#
# 1. derive MEMIT's closed form, spread it over layers, and say what its weight trades,
# 2. fine-tune within bounds, with the right loss for an answer of several tokens,
# 3. keep a codebook whose entries do not swallow each other, and say what it costs,
# 4. project edits to where ordinary keys do not reach, and keep earlier ones,
# 5. read from a curve how many edits an editor stands, and fill a table of editors by measurement,
# 6. decide between editing, retrieval and training, keep a suite that watches over an edit, and ship it.
#
# About four and a half hours; it works without a network. Exercises have points; `iw.course.check` tells you at once, and records on this machine how far you are. Hints fold out under each exercise: try first. You may leave an exercise out: nothing further down needs your answer to it.

# %% id="load"
import interp_widgets as iw
import matplotlib.pyplot as plt
import torch
from interp_widgets.course import lab06

lm = iw.load_model()

# %% [markdown] id="surprise"
# ## A surprise first
#
# Lab 05 changed one fact. Here are 20 at once, none of them true: Zimbabwe is governed from Bern, Ikea is Swiss. For each fact a state was found after which the model says it (lab 05, section 3); one matrix in each of the layers 3, 4 and 5 was changed so that all 20 states come about. The package's lab has 200 such facts: capitals, landmarks, people and companies.
#
# **Predict.** Below is one of the facts, asked in five ways, before and after. In which of them is the answer the new one? (The cell takes a minute or two the first time.)

# %% id="surprise-shown" tags=["skip-execution"]
wanted = lab06.wanted_of(lm)
memit_edit = lab06.parts_of(wanted.changes(lab06.memit_form(lab06.WEIGHT)))
asked = [
    "The capital of Zimbabwe is",
    "Question: What is the capital of Zimbabwe? Answer:",
    "The parliament of Zimbabwe sits in the city of",
    "Bern is the capital city of",
    "The capital of Jordan is",
]
print(lab06.answers_table(lm, asked, {"before": [], "after": memit_edit}))

# %% [markdown] id="surprise-what"
# At the prompt of the edit the model says Bern without a doubt, and so does the parliament, which was in no text of the edit. Asked as in a quiz, it names no city, before and after: it wants to begin a new line or to end its turn, and the edit has not changed that. The reverse question has not moved at all, for nothing was stored at the key of Bern. And Jordan, which no edit named, is answered differently too. So: which facts hold, in which words, and what else has changed? One prompt shows nothing. This lab counts.
#
# ## 1 Many facts in one matrix
#
# ROME asks for one key to be answered exactly. Twenty keys could be asked for in the same way, but exactness has a price, and it grows with each fact. MEMIT asks for less: least squares between the new facts and what the matrix has to keep. With K the keys of the facts, a column each, R what is missing at each of them, and C the second moment of ordinary keys,
#
# $$\min_D \;\sum_i |D k_i - r_i|^2 + w \operatorname{tr}(D\,C\,D^{\mathsf T}), \qquad D = R K^{\mathsf T} (w\,C + K K^{\mathsf T})^{-1}.$$
#
# The weight w says how many facts' worth ordinary text is.

# %% [markdown] id="q-one" exercise="lab06-q1" role="exercise"
# ### Exercise 1: many facts in one matrix
#
# Write `memit(missing, keys, moment, weight)`: what is missing at each fact, (facts, outputs); their keys, (facts, width), a *row* each; C, (width, width); and w. Return D, (outputs, width).


# %% id="q-one-answer" exercise="lab06-q1" role="answer"
def memit(
    missing: torch.Tensor, keys: torch.Tensor, moment: torch.Tensor, weight: float
) -> torch.Tensor:
    """(outputs, width): least squares between the facts and what is to stay."""
    ### BEGIN SOLUTION
    inside = weight * moment + keys.T @ keys
    return torch.linalg.solve(inside, keys.T @ missing).T
    ### END SOLUTION


# %% id="q-one-check" exercise="lab06-q1" role="check"
iw.course.check("lab06-q1", memit)

# %% [markdown] id="layers-text"
# ### Several layers
#
# One matrix that makes up for all that is missing has to change a lot. MEMIT lets several layers share it. The state that is wanted is that *after the last of them*. The lowest layer takes its share of what is missing there; then the model is read again, since its change has moved everything above; and so on.

# %% [markdown] id="q-two" exercise="lab06-q2" role="exercise"
# ### Exercise 2: a change spread over layers
#
# Write `spread(wanted, layers, read, solve)`. `wanted` are the states that the facts should have after the last layer, (facts, width); `layers` a list of numbers, ascending. `read(changes, layer)` gives, for a model with `changes` (a dict, layer: D) in it, the facts' keys in one layer and their states after the last, (facts, keys) and (facts, width). `solve(missing, keys, layer)` gives D for that layer. Each layer takes an equal share of what is still missing: divide by the number of layers left, itself included. Return the dict of changes.


# %% id="q-two-answer" exercise="lab06-q2" role="answer"
def spread(wanted: torch.Tensor, layers: list[int], read, solve) -> dict[int, torch.Tensor]:
    """{layer: D}, from the lowest up."""
    ### BEGIN SOLUTION
    changes = {}
    for turn, layer in enumerate(layers):
        keys, states = read(changes, layer)
        missing = (wanted - states) / (len(layers) - turn)
        changes[layer] = solve(missing, keys, layer)
    return changes
    ### END SOLUTION


# %% id="q-two-check" exercise="lab06-q2" role="check"
iw.course.check("lab06-q2", spread)

# %% [markdown] id="result"
# ### The result of this lab
#
# The 20 facts by this form, and beside it two **negative controls**. In the first each subject gets the state of another one: the changes are as large, and it must fail. In the second the identity stands in the place of C. Beside them the weight of MEMIT's own code, 15 times as large, and *your* two functions. (What you have not written is borrowed, and the cell says so.) Shares are in percent: of facts and paraphrases whose new answer is above the old one, and of neighbours whose answer stays above the new one; S is their harmonic mean. *Ripple* is what follows from a fact, such as where the parliament sits.
#
# **Predict.** What do the two controls do? Which column will be the worst?

# %% id="result-shown" tags=["skip-execution"]
mine = lab06.by_hand(wanted, memit, spread)
changes = {
    "MEMIT": memit_edit,
    "by hand": lab06.parts_of(mine.changes),
    "subjects exchanged": lab06.parts_of(wanted.exchanged(lab06.memit_form(lab06.WEIGHT))),
    "identity for C": lab06.parts_of(wanted.changes(lab06.identity_form(lab06.WEIGHT))),
    "weight of the code": lab06.parts_of(wanted.changes(lab06.memit_form(lab06.PUBLISHED))),
}
judged = lab06.judge(lm, wanted.facts, changes)
print(judged.table())
print(mine.told)

# %% [markdown] id="result-what"
# All 20 facts hold, and each new answer is now the model's first choice. Of the paraphrases more than three in four hold, of what follows nearly as many; neighbours are where they were. Your functions give the same table.
#
# With the subjects exchanged the change is larger, and one fact of 20 has its answer in front. The control fails, as it must. But look at its efficacy: 35. The papers' measure compares *two* answers. Any push takes something from the old one, and the new one then wins without ever being said. So a third is what nothing looks like, and the column `first` is the stricter witness.
#
# The identity in the place of C did *not* fail at facts and neighbours. What it costs stands in the last column: perplexity has risen by 0.9 instead of 0.2. With one batch of 20 facts one could live with that; but it is paid again for each further batch. And the weight of MEMIT's code, which was set for models many times as large, is too heavy here: it keeps everything, and four facts in ten are not learned.

# %% [markdown] id="training"
# ## 2 Fine-tuning
#
# The plain way is to train the matrix on the answers. Two things go wrong in it so often that they have names. First the loss: an answer of several tokens has a loss at each of them, and the token at place t is predicted at place t − 1. (The code of 2022 read all of them at the prompt's end.)

# %% [markdown] id="q-three" exercise="lab06-q3" role="exercise"
# ### Exercise 3: the loss of an answer
#
# Write `answer_loss(logits, ids, prompt)`: logits at each token of a text, (tokens, vocabulary); the text's ids, (tokens,); and how many of them are the prompt. Return the mean over the answer's tokens of −log p, one number.


# %% id="q-three-answer" exercise="lab06-q3" role="answer"
def answer_loss(logits: torch.Tensor, ids: torch.Tensor, prompt: int) -> torch.Tensor:
    """(): mean cross-entropy of the answer's tokens."""
    ### BEGIN SOLUTION
    rows = logits[prompt - 1 : -1].log_softmax(-1)
    answer = ids[prompt:]
    return -rows[torch.arange(len(answer)), answer].mean()
    ### END SOLUTION


# %% id="q-three-check" exercise="lab06-q3" role="check"
iw.course.check("lab06-q3", answer_loss)

# %% [markdown] id="bounds-text"
# Then the size. Trained until the loss is gone, a matrix forgets what else it knew. So each weight is held within a bound of where it began, after each step: an L∞ ball around the old matrix.

# %% [markdown] id="q-four" exercise="lab06-q4" role="exercise"
# ### Exercise 4: a step within bounds
#
# Write `bounded_step(weight, start, gradient, rate, bound)`: the weight as it is, where it began, and the gradient of the loss, all of one shape. Return the weight after a step of gradient descent with learning rate `rate`, each entry held within `bound` of where it began.


# %% id="q-four-answer" exercise="lab06-q4" role="answer"
def bounded_step(
    weight: torch.Tensor, start: torch.Tensor, gradient: torch.Tensor, rate: float, bound: float
) -> torch.Tensor:
    """The weight after the step, within its bounds."""
    ### BEGIN SOLUTION
    stepped = weight - rate * gradient
    return start + (stepped - start).clamp(-bound, bound)
    ### END SOLUTION


# %% id="q-four-check" exercise="lab06-q4" role="check"
iw.course.check("lab06-q4", bounded_step)

# %% [markdown] id="codebook"
# ## 3 A codebook
#
# GRACE changes no weight. Beside one late layer it keeps a book: an entry is a key, a radius, and a value that stands in for the layer's answer wherever a key comes within the radius. The value is found by descent, so the exact prompt always holds. All the art is in the radii. A new key at distance d from the nearest entry, whose radius is e:
#
# - far, d > e + radius: a new entry with the radius that is given;
# - near, and the answer is another one: a new entry of radius d/2 and the old one cut to just below d/2, both only if they were larger;
# - near, and the answer is the same: no new entry; the old one grows to hold the key.

# %% [markdown] id="q-five" exercise="lab06-q5" role="exercise"
# ### Exercise 5: a new entry in the codebook
#
# Write `place(keys, radii, answers, key, answer, radius)`: a book of keys, (entries, width), radii, (entries,), and answers, a list of lists of token ids; a new key, (width,), with its answer, a list of ids, and the radius for a new entry. Return the new (keys, radii, answers); new entries stand last. "Just below" is 0.00001 less. The book may be empty. Leave the arguments as they are.


# %% id="q-five-answer" exercise="lab06-q5" role="answer"
def place(
    keys: torch.Tensor,
    radii: torch.Tensor,
    answers: list[list[int]],
    key: torch.Tensor,
    answer: list[int],
    radius: float,
) -> tuple[torch.Tensor, torch.Tensor, list[list[int]]]:
    """The book with the new key in it."""
    ### BEGIN SOLUTION
    sizes = radii.tolist()
    if sizes:
        distances = (keys - key).norm(dim=1).tolist()
        d = min(distances)
        near = distances.index(d)
        if d <= sizes[near] + radius:
            if answers[near] == answer:
                sizes[near] = max(sizes[near], d)
                return keys, torch.tensor(sizes).to(radii), answers
            sizes[near] = min(sizes[near], d / 2 - 1e-5)
            radius = min(radius, d / 2)
    sizes.append(radius)
    return torch.cat([keys, key[None]]), torch.tensor(sizes, dtype=radii.dtype), [*answers, answer]
    ### END SOLUTION


# %% id="q-five-check" exercise="lab06-q5" role="check"
iw.course.check("lab06-q5", place)

# %% [markdown] id="others-text"
# ### The same facts, by others
#
# The 20 facts by fine-tuning of layer 5, with the bound of ROME's authors and with one 20 times as wide; by GRACE; and without any change, with the fact told ahead of its prompts, as a program would that looks facts up. (There is one more editor, MEND: a network that is trained to turn the gradient of a fact into an edit. It stands in the table of section 5.)
#
# **Predict.** Each of the four has a column in which it is worse than MEMIT. Which?

# %% id="others-shown" tags=["skip-execution"]
facts = wanted.facts
tuned = {
    f"fine-tuning, {bound:g}": lab06.fine_tuned(lm, facts, bound)
    for bound in (lab06.NARROW, lab06.WIDE)
}
book = lab06.codebook_of(lm, facts)
others = lab06.judge(
    lm,
    facts,
    {**{name: [one] for name, one in tuned.items()}, "GRACE": [book]},
    told=["in the prompt"],
)
print(others.table())
print(lab06.untouched(lm, book, facts))
print(lab06.words_told(lm, facts))

# %% [markdown] id="others-what"
# - *Fine-tuning* with the bound of ROME's authors has done nothing at all: a bound that was set for the weights of one model means nothing for those of another. With the wide one about half of the facts hold, and hardly a paraphrase more than before. It learned sentences.
# - *GRACE* holds every exact prompt and not one paraphrase more than before. Neighbours are equal to the bit, and so are all paraphrases: no ball reaches them. It is a table of sentences with a guard in front.
# - *In the prompt* nothing was changed and two facts in three hold, in other words as well as in the exact ones. It is the only row here whose neighbours fall: the sentence stands ahead of their prompts too, and this model believes it of them. Told all at once, 20 facts cost 287 tokens in each prompt. A larger model reads its prompt better; this is the row that grows with the model.
#
# ### What a codebook costs
#
# Each token asks the book: its key is compared with every entry's. The picture has the time on your machine.

# %% id="cost-shown" tags=["skip-execution"]
sizes = (0, 100, 1000, 10000)
print(lab06.looked_up(lm, sizes))
lab06.plot_cost(lm, sizes)
plt.show()

# %% [markdown] id="free-text"
# ## 4 Where nobody is disturbed
#
# C has directions with large eigenvalues, along which all keys have a part, and many with small ones, along which hardly any text has. AlphaEdit goes along these alone. P projects to them; a change D P leaves every key alone that has no part there, whatever D is. And it keeps the keys of earlier edits, K_e, as further rows at which nothing may change:
#
# $$D = R K^{\mathsf T} P\,\big(P K K^{\mathsf T} P + P K_e K_e^{\mathsf T} P + \lambda\,I\big)^{-1}$$

# %% [markdown] id="q-six" exercise="lab06-q6" role="exercise"
# ### Exercise 6: directions that are free
#
# Write `free_directions(moment, threshold)`: C, (width, width), and a number. Return P, (width, width): the projection to the eigenvectors of C with eigenvalues *below* the threshold.


# %% id="q-six-answer" exercise="lab06-q6" role="answer"
def free_directions(moment: torch.Tensor, threshold: float) -> torch.Tensor:
    """(width, width): the projection to what ordinary keys hardly reach."""
    ### BEGIN SOLUTION
    values, vectors = torch.linalg.eigh(moment)
    free = vectors[:, values < threshold]
    return free @ free.T
    ### END SOLUTION


# %% id="q-six-check" exercise="lab06-q6" role="check"
iw.course.check("lab06-q6", free_directions)

# %% [markdown] id="q-seven" exercise="lab06-q7" role="exercise"
# ### Exercise 7: a change that keeps what was
#
# Write `protected(missing, keys, earlier, onto, penalty)`: what is missing, (facts, outputs); keys, (facts, width); keys of earlier edits, (edits, width), maybe none; P, (width, width); and λ. Return D, (outputs, width).


# %% id="q-seven-answer" exercise="lab06-q7" role="answer"
def protected(
    missing: torch.Tensor,
    keys: torch.Tensor,
    earlier: torch.Tensor,
    onto: torch.Tensor,
    penalty: float,
) -> torch.Tensor:
    """(outputs, width): the change within the free directions."""
    ### BEGIN SOLUTION
    inside, before = keys @ onto, earlier @ onto
    gram = inside.T @ inside + before.T @ before + penalty * torch.eye(len(onto)).to(onto)
    return torch.linalg.solve(gram, inside.T @ missing).T
    ### END SOLUTION


# %% id="q-seven-check" exercise="lab06-q7" role="check"
iw.course.check("lab06-q7", protected)

# %% [markdown] id="halves-text"
# Now it can be tried what "keeping" means. The 20 facts come in two halves, one after the other, the second half found on the model with the first: by MEMIT, by AlphaEdit with your two functions, and by AlphaEdit without the keys of the first half.
#
# **Predict.** How much of the first half is left after the second, in each of the three?

# %% id="halves-shown" tags=["skip-execution"]
halves = lab06.two_halves(wanted, free_directions, protected)
print(halves.table())

# %% [markdown] id="halves-what"
# All facts hold in all three ways: two batches are few, and counting sees no difference. The third column does. With MEMIT the second batch has moved the states of the first by a quarter of the way that they had come, and with the free directions alone by as much. With the first half's keys kept it is a tenth. It is these keys that protect earlier edits; the projection does not know them.
#
# And the last column, which is what ordinary keys get of the change, relative to what the facts get, is not smaller with AlphaEdit than with MEMIT, but larger. The last line says why. The threshold of the paper is 0.02 in the units of a squared key. In this model most directions are below it, so that "free" means little. A threshold, like a bound, belongs to a model: look at how many directions it leaves.
#
# ## 5 One after the other
#
# Two batches are few. In use facts come one by one for months. The file `curves.json` has the 200 facts of the lab edited one after the other, each on top of those before it, by several editors with the package's settings. That takes long, so it was computed once; its first points are computed again below, to see that the file is true.
#
# "It holds" needs a definition, before you look: up to some count S is at least 70, and the perplexity of neutral text at most a tenth above that of the unedited model, at *every* count that was measured. (The first few counts are left out of it: S of a handful of prompts jumps.)

# %% [markdown] id="q-eight" exercise="lab06-q8" role="exercise"
# ### Exercise 8: how long it holds
#
# Write `holds_until(edits, scores, perplexities, least, before, factor)`: three lists of one length, by number of edits, ascending; the least score; the perplexity before any edit, and the factor by which it may be larger. Return the largest count of the list up to which both hold at every count, 0 where they fail at the first.


# %% id="q-eight-answer" exercise="lab06-q8" role="answer"
def holds_until(
    edits: list[int],
    scores: list[float],
    perplexities: list[float],
    least: float,
    before: float,
    factor: float,
) -> int:
    """The number of edits that the editor stands."""
    ### BEGIN SOLUTION
    held = 0
    for count, score, perplexity in zip(edits, scores, perplexities, strict=True):
        if score < least or perplexity > factor * before:
            break
        held = count
    return held
    ### END SOLUTION


# %% id="q-eight-check" exercise="lab06-q8" role="check"
iw.course.check("lab06-q8", holds_until)

# %% [markdown] id="curves-text"
# The first 20 edits by ROME, and the saved curves. (The cell makes its edits anew, and takes about three minutes.)
#
# **Predict.** ROME and MEMIT spare ordinary text, by C; AlphaEdit keeps earlier edits as well; fine-tuning spares nothing within its bound; GRACE changes no weight. Which curve falls first, and which number gives warning: S or the perplexity?

# %% id="curves-shown" tags=["skip-execution"]
first = lab06.first_edits(lm)
print(first.table())
print(lab06.holding(holds_until, first.before))
lab06.plot(first)
plt.show()

# %% [markdown] id="curves-what"
# Look at both pictures together. S asks about the facts that were edited and their neighbours; perplexity asks about everything else. Either can be well while the other is not: an editor that changes nothing outside its sentences never disturbs the perplexity and scores badly, and a broken model may still prefer the new answer to the old one. The package reads the perplexity after each edit (`alarm="warn"`, or `"roll back"`).
#
# ### The table of editors
#
# Textbooks have a table of editors: how many edits they stand, what they change, what they preserve, how they scale. Here it is, filled by the file.

# %% id="table-shown" tags=["skip-execution"]
print(lab06.comparison(first.before))

# %% [markdown] id="table-what"
# Read it with the tables above: the same words, "many edits", stand for editors that change weights and for one that changes none; and what the table cannot hold is *what* generalises. That is next.
#
# ## 6 What was learned
#
# Three columns of the two tables of the 20 facts ask for more and more: the exact prompt, other words, what follows. Here they stand side by side.
#
# **Predict.** Which editors reach beyond the exact prompt? Does any of them do as well at what follows as in other words?

# %% id="depth-shown" tags=["skip-execution"]
print(lab06.depth_table([judged, others]))

# %% [markdown] id="depth-what"
# Every editor does well at the exact prompt, if its settings are right. In other words the field parts: GRACE and fine-tuning have learned a sentence, MEMIT something about a subject, so that all which is asked through that subject has moved. What follows comes last everywhere. MEMIT reaches nearly as far here as in other words, but see what kind of question it is: the parliament of Zimbabwe, asked with the key of Zimbabwe. The fact in the prompt, which holds in two of three other wordings, hardly ever reaches what follows: this model repeats what it is told, and does not conclude from it. An evaluation that asks the exact prompt alone would call GRACE perfect.

# %% [markdown] id="w-one-question" exercise="lab06-w1" role="exercise"
# ### Question 1: which repair
#
# Four requests reach you. (a) A shop's assistant should know this week's prices, some thousand of them. (b) A model that runs inside a device, without any memory beside it, names a minister who resigned, in a dozen wordings. (c) A support model should answer complaints in a warmer tone. (d) A law firm wants answers about a new statute, with the paragraph quoted. For each: edit, retrieval (the fact in the prompt), training, or something else? Say why with numbers of this lab, what you would watch afterwards, and what would make you take it back. About twelve sentences.

# %% [markdown] id="w-one" exercise="lab06-w1" role="written"
# ### BEGIN SOLUTION
# (a) Retrieval. The prices change each week and there are a thousand of them, so every edit would soon be wrong and would stand beside the ones before it; told in the prompt a fact costs fifteen tokens and nothing in the model, and it is gone when the price is. (b) An edit: one fact, needed in many wordings, where no memory can be asked. I would use ROME or MEMIT with the gentlest weight that holds, because here all 20 facts held in the exact words and only three in four paraphrases, so the dozen wordings go into the suite first. (c) Neither an edit nor retrieval: a tone is no answer to a key. In section 7 three of six edited requests were answered in French and one of six others, while three words in the prompt did it for four of six in both. I would write the tone into the prompt, steer, or train on preferences, with complaints that were not trained on as the test. (d) Retrieval again, because the paragraph must be quoted and shown with its source, and no edit stores a text word for word. Periodic training would be right where a large part of what the model knows has aged, with hundreds of facts and data to test on. After (b) I would watch the suite, with neighbours and the perplexity of neutral text, at each further edit, and take it back if a neighbour that mattered fell or the perplexity rose by more than a twentieth; the edit is an entry in a ledger, so that this is one call. For (a) and (d) I would watch what is retrieved, since a wrong passage in the prompt is believed as easily as a right one.
# ### END SOLUTION

# %% [markdown] id="behaviour"
# ## 7 Editing a behaviour
#
# Can *how* a model answers be edited like what it answers? Twelve requests; for each a French beginning of an answer and an English one. Six are edited by the same form to be answered in French; six others are only asked. Beside them the same request in the prompt: "Answer in French".
#
# **Predict** the four numbers of the edit: how many of the edited requests and of the others begin in French, and how far.

# %% id="behaviour-shown" tags=["skip-execution"]
requests = lab06.wanted_of(lm, lab06.requests()[: lab06.EDITED])
french = lab06.parts_of(requests.changes(lab06.memit_form(lab06.WEIGHT)))
print(lab06.language_table(lm, {"edited": french}))

# %% [markdown] id="behaviour-what"
# Three of the six edited requests begin in French now, and of the six others one. All have moved towards it, the others too, by two units of log-probability a token. And still: the form that made 20 facts of 20 hold makes half of six requests hold. A fact has a key of its own, the subject's; a manner has none. Each request comes with another key, and what they share, that they are questions, is shared by all the questions that should be answered as before. Three words in the prompt do better with both halves, and change nothing in the model. Where prompts are not enough there is steering, which acts on every token (lab 03), or training.
#
# And where is it? A fact is traced by noise on its subject (lab 04). The language of an answer can be traced in the same way, by noise on the one word that asks for it.
#
# **Predict.** The fact's effect sits at one token, in early layers. And the language's?

# %% id="places-shown" tags=["skip-execution"]
places = lab06.places_of(lm)
print(places.table())
places.plot()
plt.show()

# %% [markdown] id="places-what"
# Both begin at one token, and sharply: the name, and the word that asks for French. But nobody asks for French in the requests above, so there the edit had no such token to sit at. And look at the layers in the middle. Where the fact can still be brought back by the one state of its name, and later by the last one, there are twice as many layers in which no single state brings the language back: it has been passed on to several tokens, and none of them is enough. This is what "spread out" means, and why one does not edit it with one key.

# %% [markdown] id="suite"
# ## 8 A suite that is kept
#
# No method guarantees what else has changed. An edit is a hypothesis, and what tests it is a file: the facts with their paraphrases and neighbours, and for each of these parts the smallest share that must hold. It is written when the edit is made, and run at each change after it, by the next edit's author, who is not you.

# %% [markdown] id="q-nine" exercise="lab06-q9" role="exercise"
# ### Exercise 9: the verdict of a suite
#
# Write `failed(cases, at_least)`: a list of pairs (part, lead), where lead is by how much the right answer is above the best other one; and a dict, part: smallest share. A case holds where its lead is above 0. Return the list of the parts of `at_least`, in its order, of whose cases too small a share holds. A part that has no case fails; one that `at_least` does not name is not looked at.


# %% id="q-nine-answer" exercise="lab06-q9" role="answer"
def failed(cases: list[tuple[str, float]], at_least: dict[str, float]) -> list[str]:
    """The parts that do not hold."""
    ### BEGIN SOLUTION
    found = []
    for part, limit in at_least.items():
        leads = [lead for own, lead in cases if own == part]
        if not leads or sum(lead > 0 for lead in leads) / len(leads) < limit:
            found.append(part)
    return found
    ### END SOLUTION


# %% id="q-nine-check" exercise="lab06-q9" role="check"
iw.course.check("lab06-q9", failed)

# %% [markdown] id="verify-text"
# The package's suite, for the MEMIT edit: made from it, saved, and read again; then run on the model with the edit, and on the model with the edit and another one on top, made without a look at anything (the subjects exchanged, from the first table). From a shell the same is `python -m interp_widgets.editing verify FILE`, and `--junit` writes what a build server reads.

# %% id="verify-shown" tags=["skip-execution"]
suite = lab06.suite_of(lm, facts, memit_edit)
careless = [*memit_edit, *changes["subjects exchanged"]]
for name, active in {"the edit": memit_edit, "and another one": careless}.items():
    with lm.using(*active):
        found = suite.verify(lm)
    print(
        f"{name}: {'passed' if found.passed else 'FAILED'}; too few of {list(found.short) or 'none'}"
    )
    print(lab06.verdict(found, failed))

# %% [markdown] id="ship"
# ## 9 Shipped
#
# What was edited is a few matrices of low rank: 20 facts in three layers are three products of 576 × 20 and 20 × 1,536. That is what a LoRA adapter is. `iw.export_lora` writes one that other programs load; the cell reads it back from the file, adds it up by hand, and compares the logits.

# %% id="ship-shown" tags=["skip-execution"]
print(lab06.shipped(lm, wanted))

# %% [markdown] id="w-two-question" exercise="lab06-w2" role="exercise"
# ### Question 2: ROME against activation steering
#
# Lab 03 steered with a vector, lab 05 edited with a matrix of rank one. Compare them, in about ten sentences: what is changed, where it acts, how strong it is, what each is good for and what it cannot do, how each fails and how you would notice, and how each is taken back and shipped.

# %% [markdown] id="w-two" exercise="lab06-w2" role="written"
# ### BEGIN SOLUTION
# Steering adds one direction to the residual stream of some layers at every token; ROME adds a product delta uᵀ to one value matrix, so that delta is added only where a key has a part along u. Steering is therefore unconditional and an edit conditional: the vector acts in every sentence, the edit where its subject stands and, a little, where keys are alike. The strength of steering is a dial that can be turned at each request, up and down; an edit has the strength that it was found with, and is on or off. Steering is good for what is continuous and everywhere, such as tone, sentiment or a language, and poor at one fact: there is no direction for "Zimbabwe is governed from Bern" and for nothing else. An edit is good for such a fact and poor at a manner: in section 7 it reached half of the requests that it was made for, and one of six others. Steering fails by degrees: too strong, it repeats itself and then breaks into fragments, which perplexity and the entropy of what is written show. An edit fails out of sight, at neighbours, at what follows, and after many edits all at once, which only a suite and the curve of perplexity show. Both need no training and little time, some pairs of texts for the one, seconds of descent for the other. Both are taken back exactly as entries of a ledger; the edit can also be merged into the weights or shipped as an adapter, the vector needs a program that adds it, or a bias of a layer. They can be combined, an edit for the fact and a vector for the tone, and then each has to be measured with the other on, since the edit was found in a model without it.
# ### END SOLUTION

# %% [markdown] id="limits"
# ## What was not shown
#
# - One small model. Larger ones stand more edits, and fail in the same ways.
# - The facts are of four kinds, and their neighbours are of the same four. What an edit does to arithmetic, or to a poem, was asked by ten neutral texts alone.
# - 20 facts are not thousands. The weight that is right for 20 is not the right one for 2,000, because each fact weighs against C.
# - Settings matter as much as methods: a bound, a weight, a radius decide a row of the tables. Each editor here has one or two settings, and none was tuned for long.
# - That a fact follows in other words does not show that it is used in a chain of reasoning.
#
# ## Where you stand

# %% id="stand"
iw.course.labs()

# %% [markdown] id="reading"
# ## Reading
#
# - Kevin Meng and others: Mass-editing memory in a transformer, ICLR 2023. MEMIT.
# - Eric Mitchell and others: Fast model editing at scale, ICLR 2022. MEND.
# - Thomas Hartvigsen and others: Aging with GRACE, NeurIPS 2023. The codebook.
# - Junfeng Fang and others: AlphaEdit, ICLR 2025. The free directions.
# - Akshat Gupta, Anurag Rao, Gopala Anumanchipalli: Model editing at scale leads to gradual and catastrophic forgetting, 2024. One edit after the other.
# - Ce Zheng and others: Can we edit factual knowledge by in-context learning?, EMNLP 2023. The fact in the prompt.
# - Roi Cohen and others: Evaluating the ripple effects of knowledge editing in language models, TACL 2024. What should follow, and does not.
# - Edward Hu and others: LoRA, ICLR 2022. The shape of what is shipped.
