"""Leads of a whole year, out of a seed: who they are, where, when they write, and how much of that they tell.

Lead `n` depends on the seed and `n` alone, so that one that went wrong can be made again by itself.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

from whenever import Instant

from bench.simulation.facts import Home, Lead, Named, Said
from bench.simulation.places import Address, addresses, countries, mobile

START, END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 10, 1, tzinfo=UTC)

FREEPHONE = "+18005550123"
# what the browser or a hurried hand sends instead of a place
_JUNK_ZONES = ("UTC", "Etc/GMT+5", "Mars/Olympus", "")
# days that half the world keeps, and the nights before them
_FEASTS = tuple(
    date.fromisoformat(day)
    for day in (
        "2026-10-12 2026-10-18 2026-11-01 2026-11-03 2026-11-11 2026-11-26 2026-12-24 2026-12-25 2026-12-26 2026-12-28 "
        "2027-01-01 2027-01-18 2027-02-06 2027-02-09 2027-03-10 2027-03-26 2027-03-29 2027-04-25 2027-05-01 2027-05-06 "
        "2027-05-08 2027-05-17 2027-05-31 2027-06-14 2027-07-04 2027-07-05 2027-07-14 2027-08-15 2027-09-06"
    ).split()
)
# minutes of the local day at which hours of business or of law begin and end
_EDGES = (0, 8 * 60, 9 * 60, 10 * 60, 13 * 60, 14 * 60, 17 * 60 + 50, 18 * 60, 19 * 60, 20 * 60, 21 * 60, 24 * 60)
_INTENTS = {"hot": "demo_request", "warm": "webinar", "cold": "newsletter"}


def intent_of(lead: Lead) -> str:
    return _INTENTS[lead.lead_type]


def make(number: int, seed: int) -> Lead:
    """Every place comes round in turn, with every kind of evidence: the first thousands cover all of both."""
    chance = random.Random(f"{seed}:{number}")
    known = _addresses()
    address = known[number % len(known)]
    kinds = list(KINDS)
    kind = kinds[(number // len(known) + number % len(known)) % len(kinds)]
    said, named, settled = KINDS[kind](address, chance)
    # three in seven tick it; not drawn, so that everything else about a lead stays what it was
    said = replace(_with_contact(said, chance), consent_marketing=number % 7 < 3)
    if said.phone is None:
        named = tuple(n for n in named if n.by != "phone")
        settled = settled and bool(named)
    return Lead(
        number, kind, chance.choices(("hot", "warm", "cold"), (4, 3, 3))[0], _moment(address.home.zone, chance),
        address.home, said, named, settled,
    )  # fmt: skip


# ── what is said about the place ─────────────────────────────────────────────────────────────────────────────────────

Evidence = tuple[Said, tuple[Named, ...], bool]


def _browser(address: Address, chance: random.Random) -> Evidence:
    """The form sends its zone; the number is from there as well."""
    country = address.home.country if chance.random() < 0.5 else None
    said = Said(tz=address.home.zone, country=country, phone=address.number)
    return said, (_by_zone(address.home), *_by_phone(address)), True


def _everything(address: Address, chance: random.Random) -> Evidence:
    home = address.home
    said = Said(home.zone, home.country, home.region, address.postcode, address.number)
    return said, (_by_zone(home), *_by_address(address), *_by_phone(address)), True


def _address(address: Address, chance: random.Random) -> Evidence:
    home = address.home
    region = home.region if address.postcode is None or chance.random() < 0.5 else None
    said = Said(None, home.country, region, address.postcode, address.number)
    return said, (*_by_address(address), *_by_phone(address)), _alone(home)


def _region(address: Address, chance: random.Random) -> Evidence:
    home = address.home
    said = Said(country=home.country, region=home.region, phone=address.number)
    return said, (*_by_address(address), *_by_phone(address)), _alone(home)


def _phone(address: Address, chance: random.Random) -> Evidence:
    return Said(phone=address.number), _by_phone(address), _alone(address.home) and address.number is not None


def _country(address: Address, chance: random.Random) -> Evidence:
    """A country and a number that says no more than the country."""
    home = address.home
    country = chance.choice(_empty_countries()) if chance.random() < 0.05 else home.country
    if country != home.country:
        return Said(country=country), (), False
    return (
        Said(country=country, phone=mobile(country)),
        (Named(Home(country, None, home.zone), "address"),),
        _alone(home),
    )


def _ported(address: Address, chance: random.Random) -> Evidence:
    """The number was given out somewhere else, perhaps in another country."""
    home, other = address.home, _somebody_else(address, chance)
    said = Said(home.zone, home.country, home.region, address.postcode, other.number)
    return said, (_by_zone(home), *_by_address(address), *_by_phone(other, sure=True)), False


def _traveller(address: Address, chance: random.Random) -> Evidence:
    """The browser is far from home."""
    home, other = address.home, _somebody_else(address, chance)
    said = Said(other.home.zone, home.country, home.region, address.postcode, address.number)
    return said, (_by_zone(other.home), *_by_address(address, sure=True), *_by_phone(address, sure=True)), False


def _freephone(address: Address, chance: random.Random) -> Evidence:
    """A zone, and a number that is nowhere."""
    return Said(tz=address.home.zone, phone=FREEPHONE), (_by_zone(address.home),), True


def _nothing(address: Address, chance: random.Random) -> Evidence:
    if chance.random() < 0.5:
        return Said(phone=chance.choice((FREEPHONE, "+870773111632", None))), (), False
    said = Said(chance.choice(_JUNK_ZONES), "Atlantis", "Somewhere", "00000", chance.choice((FREEPHONE, None)))
    return said, (), False


KINDS: dict[str, Callable[[Address, random.Random], Evidence]] = {
    "browser": _browser, "everything": _everything, "address": _address, "region": _region, "phone": _phone,
    "country": _country, "ported": _ported, "traveller": _traveller, "freephone": _freephone, "nothing": _nothing,
}  # fmt: skip


def _by_zone(home: Home) -> Named:
    return Named(Home(home.country, None, home.zone), "tz")


def _by_address(address: Address, *, sure: bool = False) -> tuple[Named, ...]:
    """`sure`: only what says the zone too, where something else contradicts it."""
    exact = address.postcode is not None or _alone(address.home)
    return () if sure and not exact else (Named(address.home, "address"),)


def _by_phone(address: Address, *, sure: bool = False) -> tuple[Named, ...]:
    """A number says its zone, if it is exact, and its state where no other shares the area code."""
    home = address.home
    exact = address.exact or _alone(home)
    if address.number is None or (sure and not exact):
        return ()
    region = home.region if home.country == "US" else None
    return (Named(replace(home, region=region), "phone"),)


def _somebody_else(address: Address, chance: random.Random) -> Address:
    """Of the same country as often as not, so that states contradict each other too."""
    known = [a for a in _addresses() if a.number is not None]
    near = [a for a in known if a.home.country == address.home.country]
    return chance.choice(near if near and chance.random() < 0.5 else known)


def _alone(home: Home) -> bool:
    """Has the whole country one clock?"""
    return len(_clocks(home.country)) == 1


@cache
def _clocks(country: str) -> frozenset[tuple[object, ...]]:
    zones = {a.home.zone for a in _addresses() if a.home.country == country}
    return frozenset((_instant(START).to_tz(z).offset, *changes(z)) for z in zones)


@cache
def _addresses() -> list[Address]:
    return addresses()


@cache
def _empty_countries() -> list[str]:
    return sorted(set(countries()) - {a.home.country for a in _addresses()})


# ── who and when ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _with_contact(said: Said, chance: random.Random) -> Said:
    """Nine in ten can be mailed, and everybody in some way; what they tick is theirs to decide."""
    phone = said.phone if chance.random() < 0.9 else None
    email = None if phone is not None and chance.random() < 0.1 else "somebody@example.com"
    asked = phone is not None
    return replace(
        said,
        phone=phone,
        email=email,
        consent_sms=asked and chance.random() < 0.5,
        consent_call=asked and chance.random() < 0.3,
        consent_text=asked and chance.random() < 0.8,
    )


def _moment(zone: str, chance: random.Random) -> datetime:
    """Any time of the year, but mostly where time is difficult: changes of the clock, feasts, ends of windows."""
    way = chance.random()
    anywhere = START + timedelta(seconds=chance.randrange(int((END - START).total_seconds())))
    if way < 0.3:
        return anywhere
    if way < 0.55 and (near := changes(zone)):
        return chance.choice(near)[0] + timedelta(seconds=chance.randrange(-5 * 86400, 2 * 86400))
    if way < 0.75:
        day = chance.choice(_FEASTS)
        return _local(zone, day, 0) + timedelta(seconds=chance.randrange(-4 * 86400, 86400))
    if way < 0.8:
        return datetime(2027, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(-5 * 86400, 3 * 86400))
    edge = _local(zone, anywhere.date(), chance.choice(_EDGES))
    return edge + timedelta(seconds=chance.choice((-1800, -420, -60, -1, 0, 1, 60)) + chance.randrange(-30, 31))


def _local(zone: str, day: date, minute: int) -> datetime:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return midnight - timedelta(seconds=_instant(midnight).to_tz(zone).offset.total("seconds"), minutes=-minute)


def _instant(at: datetime) -> Instant:
    return Instant.from_timestamp(int(at.timestamp()))


@cache
def changes(zone: str) -> tuple[tuple[datetime, object], ...]:
    """(instant, new offset) of every change of the clock in the simulated year."""
    found = []
    at, last = _instant(START).to_tz(zone), _instant(END)
    while (following := at.next_transition()) is not None and following.to_instant() < last:
        if following.offset != at.offset:
            found.append((following.to_instant().to_stdlib().astimezone(UTC), following.offset))
        at = following
    return tuple(found)
