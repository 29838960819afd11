"""200 facts to be edited one after the other, and what is asked beside them: capitals, landmarks, people, companies.

Each subject is edited once, and neighbours are about subjects that are never edited, so that no edit asks for what
another one forbids.  Countries and landmarks are those of the package's table; names of people and companies, and all
wordings, were written for the lab.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from interp_widgets.editing.evaluating.places import places
from interp_widgets.editing.evaluating.ripple import ripple_of
from interp_widgets.editing.fact import Fact

COUNT, NEIGHBOURS = 200, 3
LAYER = 5  # the one that known facts are traced to; see `editing.keys_values.where`
LAYERS = (3, 4, 5)  # of the lab's own edits of several layers; the package's default is five


class Relation(NamedTuple):
    """template, paraphrases: of a question; rows: (subject, true answer); edited: how many of them are edited"""

    template: str
    paraphrases: tuple[str, str]
    rows: tuple[tuple[str, str], ...]
    edited: int


_PEOPLE = """
German: Albert Einstein, Johann Sebastian Bach, Ludwig van Beethoven, Sigmund Freud, Immanuel Kant, Karl Marx,
 Friedrich Nietzsche, Angela Merkel, Richard Wagner, Max Planck
French: Victor Hugo, Claude Monet, Louis Pasteur, Rene Descartes, Blaise Pascal, Brigitte Bardot, Emmanuel Macron,
 Edith Piaf, Jean-Paul Sartre, Zinedine Zidane
Italian: Galileo Galilei, Leonardo da Vinci, Dante Alighieri, Giuseppe Verdi, Federico Fellini, Antonio Vivaldi,
 Luciano Pavarotti
Russian: Leo Tolstoy, Fyodor Dostoevsky, Anton Chekhov, Yuri Gagarin, Vladimir Lenin, Garry Kasparov,
 Sergei Rachmaninoff
Spanish: Pablo Picasso, Miguel de Cervantes, Frida Kahlo, Diego Maradona, Lionel Messi, Gabriel Garcia Marquez
English: Isaac Newton, Charles Darwin, Jane Austen, Agatha Christie, Barack Obama, Steve Jobs
Japanese: Akira Kurosawa, Hayao Miyazaki, Haruki Murakami
Portuguese: Vasco da Gama, Cristiano Ronaldo, Paulo Coelho
Polish: Marie Curie, Frederic Chopin, Lech Walesa
Dutch: Vincent van Gogh, Johan Cruyff
Swedish: Alfred Nobel, Astrid Lindgren, Ingmar Bergman
Danish: Niels Bohr, Hans Christian Andersen
Chinese: Mao Zedong, Deng Xiaoping
"""
_COMPANIES = """
Japan: Honda, Nissan, Mazda, Nintendo, Panasonic, Mitsubishi, Suzuki
Germany: BMW, Volkswagen, Porsche, Adidas, Bosch, Bayer, Allianz
France: Peugeot, Citroen, Michelin, Chanel, Danone, Carrefour
Italy: Ferrari, Lamborghini, Gucci, Prada, Barilla, Pirelli
Sweden: Ikea, Ericsson, Saab, Electrolux
Denmark: Lego, Carlsberg, Maersk
Switzerland: Rolex, Swatch, Novartis
Spain: Zara, Iberia, Santander
Russia: Gazprom, Aeroflot
China: Huawei, Lenovo, Alibaba
India: Infosys, Air India
Ireland: Guinness, Ryanair
Brazil: Embraer, Petrobras
Australia: Qantas, Foster's
"""


def _by_answer(text: str) -> tuple[tuple[str, str], ...]:
    """("subject", " answer") of lines "answer: subject, subject"; a line that begins with a space goes on."""
    lines = text.strip().replace("\n ", " ").splitlines()
    pairs = (line.split(": ") for line in lines)
    return tuple((subject.strip(), f" {answer}") for answer, subjects in pairs for subject in subjects.split(","))


def _order(text: str) -> str:
    """A place in line that belongs to the text alone, the same on every machine."""
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def relations() -> dict[str, Relation]:
    """By name; rows in an order that is fixed once for all, those to be edited first."""
    known = places()
    capitals = tuple((one.name, f" {one.capital}") for one in known.countries)
    sights = tuple((one.name, f" {one.city}") for one in known.landmarks)
    found = {
        "capital": Relation(
            "The capital of {} is",
            ("The government of {} sits in the city of", "Question: What is the capital of {}? Answer:"),
            capitals,
            60,
        ),
        "landmark": Relation(
            "Tourists who want to see {} travel to the city of",
            ("Postcards of {} are sold all over", "Question: In which city is {}? Answer:"),
            sights,
            46,
        ),
        "person": Relation(
            "The native language of {} is",
            ("As a child, {} spoke only", "Question: What is the mother tongue of {}? Answer:"),
            _by_answer(_PEOPLE),
            52,
        ),
        "company": Relation(
            "The company {} was founded in the country of",
            ("The home of {} has always been", "Question: Which country is {} from? Answer:"),
            _by_answer(_COMPANIES),
            42,
        ),
    }
    return {
        name: one._replace(rows=tuple(sorted(one.rows, key=lambda row: _order(name + row[0]))))
        for name, one in found.items()
    }


def _fact(name: str, relation: Relation, subject: str, answer: str) -> Fact:
    others = sorted({other for _, other in relation.rows} - {answer}, key=lambda other: _order(subject + other))
    target = others[0]
    kept = [row for row in relation.rows[relation.edited :] if row[1] not in (target, answer)]
    kept.sort(key=lambda row: _order(subject + row[0]))
    article, bare = ("the ", subject[4:]) if subject.startswith("the ") else ("", subject)
    return Fact(
        relation.template.replace("{}", article + "{}"),
        subject=bare,
        target=target,
        original=answer,
        paraphrases=tuple(text.replace("{}", subject) for text in relation.paraphrases),
        neighbours=tuple((relation.template.replace("{}", other), true) for other, true in kept[:NEIGHBOURS]),
    )


@cache
def facts() -> tuple[Fact, ...]:
    """All of them, relations mixed, in the order in which they are edited."""
    found = [
        _fact(name, relation, subject, answer)
        for name, relation in relations().items()
        for subject, answer in relation.rows[: relation.edited]
    ]
    return tuple(sorted(found, key=lambda fact: _order(f"in line: {fact.subject}")))


def with_ripple(chosen: Sequence[Fact]) -> tuple[Fact, ...]:
    """The same; those about capitals with what follows from the new answer (`editing.evaluating.ripple`)."""
    return tuple(
        dataclasses.replace(fact, ripple=tuple(row[1:] if row[3] else row[1:3] for row in ripple_of(fact)))
        for fact in chosen
    )
