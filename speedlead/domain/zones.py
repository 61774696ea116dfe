"""Where may a lead be? Evidence of different strength becomes a belief and a legal union of zones and jurisdictions.

Business hours follow the belief; law follows everything that any evidence points to, because a wrong guess there is a
breach and not an inconvenience. Pure: `speedlead.place_finder` supplies what was looked up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

STRONG = 0.5
"""Evidence at least this strong can decide a belief; weaker evidence is used only when there is nothing stronger."""

STRENGTHS: dict[str, float] = {
    # The browser's zone or the lead's own statement says where the person is now; an address where they usually are.
    "tz": 0.9,
    "postcode": 0.85,
    "region": 0.7,
    "landline": 0.6,
    # A tenth of US adults have a mobile number of another state (Pew 2016): a presumption, not a place.
    "mobile": 0.45,
    "country": 0.2,
}

Source = Literal["tz", "postcode", "region", "landline", "mobile", "country"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the inquiry says, as it was typed. `tz` is the browser's IANA zone; `country` ISO 3166 alpha-2."""

    tz: str | None = None
    country: str | None = None
    region: str | None = None
    postcode: str | None = None
    phone_e164: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the lead may be.

    `zones`: the legal union, every zone that counts for law. `business_zones`: the best belief, for business hours.
    `jurisdictions`: 'US', 'US-FL'. `presumed`: jurisdictions that only the area code names while stronger evidence
    names another: people keep their number when they move, and law is followed in both. `countries`: (country, zone)
    pairs that the evidence allows, so that the law of one country is not asked in a zone of another. `why`: a phrase
    per item. `named_by`: for each zone and jurisdiction the items that point to it.
    """

    zones: tuple[str, ...]
    business_zones: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    why: tuple[str, ...]
    known: bool
    presumed: tuple[str, ...] = ()
    countries: tuple[tuple[str, str], ...] = ()
    named_by: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def zones_in(self, country: str) -> tuple[str, ...]:
        """The legal zones that may lie in the country; all of them when nothing says which."""
        return tuple(zone for zone in self.zones if (country, zone) in self.countries) or self.zones


UNKNOWN = Place((), (), (), ("no usable evidence of a place",), known=False)


@dataclass(frozen=True, slots=True)
class Clue:
    """One looked-up item: the zones and jurisdictions it allows. `text` explains it without personal data."""

    source: Source
    zones: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    text: str

    @property
    def strength(self) -> float:
        return STRENGTHS[self.source]


def combine(clues: Sequence[Clue], same: Callable[[str], object] = lambda zone: zone) -> Place:
    """One place from all clues. `same` gives equal keys to zones with equal offsets; the strongest clue's name stays.

    Belief: the intersection of the clues, strongest first; one that leaves nothing is set aside. Legal zones: a clue
    that agrees with the belief adds nothing, one that contradicts it adds its zones. A mere country never contradicts:
    a number or an address of another country does.
    """
    useful = sorted((clue for clue in clues if clue.zones), key=lambda clue: -clue.strength)
    if not useful:
        return UNKNOWN
    belief: dict[object, str] = {}
    for zone in useful[0].zones:
        belief.setdefault(same(zone), zone)
    why = [useful[0].text]
    against: list[Clue] = []
    for clue in useful[1:]:
        allowed = {same(zone) for zone in clue.zones}
        if agreed := {key: zone for key, zone in belief.items() if key in allowed}:
            belief = agreed
            why.append(clue.text)
        else:
            against.append(clue)
    legal = dict(belief)
    for clue in against:
        if clue.source == "country" and any(
            other.source != "country" and set(clue.jurisdictions) & set(other.jurisdictions) for other in useful
        ):
            continue  # something better already says where in this country
        for zone in clue.zones:
            legal.setdefault(same(zone), zone)
        why.append(f"{clue.text}, against it: law follows both")
    jurisdictions, presumed = _jurisdictions(useful)
    keys = {clue.text: {same(zone) for zone in clue.zones} for clue in useful}
    by_zone = {zone: [clue for clue in useful if key in keys[clue.text]] for key, zone in legal.items()}
    countries = {
        (name.partition("-")[0], zone) for zone, of in by_zone.items() for clue in of for name in clue.jurisdictions
    }
    by_law = {name: [c for c in useful if name in c.jurisdictions] for name in (*jurisdictions, *presumed)}
    return Place(
        zones=tuple(legal.values()),
        business_zones=tuple(belief.values()),
        jurisdictions=jurisdictions,
        why=tuple(why),
        known=True,
        presumed=presumed,
        countries=tuple(sorted(countries)),
        named_by=tuple((name, _texts(of)) for name, of in (by_zone | by_law).items()),
    )


def _texts(clues: Sequence[Clue]) -> tuple[str, ...]:
    """What a mere country says goes without saying where something better names the same."""
    better = [clue for clue in clues if clue.source != "country"]
    return tuple(clue.text for clue in better or clues)


def _jurisdictions(clues: Sequence[Clue]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All that any clue names; those that only a number names, against an address, are presumed."""
    by_address = {name for clue in clues if clue.source in ("postcode", "region") for name in clue.jurisdictions}
    addressed_countries = {name.partition("-")[0] for name in by_address if "-" in name}
    named: dict[str, None] = {}
    presumed: dict[str, None] = {}
    for clue in clues:
        for name in clue.jurisdictions:
            country, dash, _ = name.partition("-")
            only_number = clue.source in ("landline", "mobile") and name not in by_address
            if dash and only_number and country in addressed_countries:
                presumed[name] = None
            else:
                named[name] = None
    return tuple(named), tuple(name for name in presumed if name not in named)
