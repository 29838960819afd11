"""A small table of countries, rivers and landmarks, from which checks of an edit are made (`ripple`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from interp_widgets.packed import packed_text


@dataclass(frozen=True)
class Country:
    """Names carry their article where they have one: "the Netherlands"; alias: another name of the country."""

    name: str
    capital: str
    alias: str
    language: str
    continent: str


@dataclass(frozen=True)
class Landmark:
    """name: with its article; alias: another name, or a description that fits no other place"""

    name: str
    city: str
    country: str
    alias: str


@dataclass(frozen=True)
class Places:
    """countries, landmarks: in the order of the table; rivers: of capitals"""

    countries: tuple[Country, ...]
    landmarks: tuple[Landmark, ...]
    rivers: dict[str, str]

    @cached_property
    def country(self) -> dict[str, Country]:
        """By name, with and without its article."""
        return {name: one for one in self.countries for name in (one.name, bare(one.name))}

    @cached_property
    def landmark(self) -> dict[str, Landmark]:
        """By name, with and without its article."""
        return {name: one for one in self.landmarks for name in (one.name, bare(one.name))}

    @cached_property
    def governed_from(self) -> dict[str, Country]:
        """By capital."""
        return {one.capital: one for one in self.countries}

    def country_of(self, city: str) -> str:
        """The name of the country in which a capital, or a city with a landmark, lies; "" for other cities."""
        if city in self.governed_from:
            return self.governed_from[city].name
        return next((one.country for one in self.landmarks if one.city == city), "")

    def language_of(self, city: str) -> str:
        """What most people in the country of `country_of` speak; "" where the table does not say."""
        country = self.country.get(self.country_of(city))
        return country.language if country is not None else ""

    def sights(self, city: str) -> tuple[Landmark, ...]:
        return tuple(one for one in self.landmarks if one.city == city)


def bare(name: str) -> str:
    """A name without its article."""
    return name.removeprefix("the ")


@cache
def places() -> Places:
    """The package's table."""
    document: dict[str, Any] = json.loads(packed_text("editing/evaluating/places.json"))
    return Places(
        countries=tuple(Country(*row) for row in document["countries"]),
        landmarks=tuple(Landmark(*row) for row in document["landmarks"]),
        rivers=document["rivers"],
    )
