"""Texts of our own writing about nothing in particular: what a change must not spoil, and ways to begin.

They stand behind no statistic of the package, unlike the reference text.
"""

from __future__ import annotations

NEUTRAL = (
    "The library opens at nine in the morning and closes at six. On Saturdays it closes at one, and on Sundays it stays"
    " shut all day.",
    "Water boils at a lower temperature on a mountain than at the coast, because the air is thinner there.",
    "To change the filter, switch the machine off, open the lid on the left side, and pull the old filter straight up.",
    "The river rises in the hills to the north, flows past three towns, and reaches the sea after about two hundred"
    " kilometres.",
    "In the second week the students measured the length of the shadow every hour and drew the results as a curve.",
    "The train to the airport leaves from platform four every twenty minutes. The journey takes half an hour.",
    "A triangle has three sides. If two of them are equal, the angles that lie opposite these sides are equal as well.",
    "The bread is baked in two steps. The dough rests overnight; in the morning it is shaped and put into the oven.",
    "The council met on Tuesday to discuss the new road. The next meeting will take place in the first week of March.",
    "Most bees live alone. The female digs a small hole in the ground, fills it with pollen, and lays one egg on it.",
)  # fmt: skip

OPENERS = (
    "Yesterday afternoon I went to the", "When I opened the letter, I", "My neighbour told me that the",
    "We arrived at the station and", "The new manager of the shop", "After the lesson the teacher",
    "In the middle of the town there is", "I have been thinking about the", "The first thing I noticed was",
    "Last week we tried the", "On the way home she", "The people who live here",
    "I asked my friend about the book, and he", "It was my first day at the", "The report about the project",
    "For dinner we had",
)  # fmt: skip
