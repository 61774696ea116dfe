"""From what an inquiry says to a `Place`: browser zone, post code, region, phone number, country.

Tables are built once, on first use (about half a second); after that an answer takes well under a millisecond.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from sys import intern
from typing import Any

import zipcodes

from speedlead.domain.calendar import parse_zone, to_second, zone_table
from speedlead.domain.zones import Clue, Evidence, Place, Source, combine
from speedlead.phone_place import CANADA_ZONES, PhonePlace, place_of_phone
from speedlead.place_names import (
    AUSTRALIA_STATES,
    AUSTRALIA_ZONES,
    CANADA_PROVINCES,
    CROWN,
    US_STATES,
    US_TERRITORIES,
    australia_state,
    canada_postcode,
    country_alias,
    uk_nation,
)
from speedlead.tzdata_version import release, zone_file

# Post codes where the data and the map, or official and practised time, differ: both zones count.
_DOUBTFUL_ZIPS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("36867", "36868", "36869", "36870", "36874", "36877", "36854"), ("America/Chicago", "America/New_York")
    ),
    **dict.fromkeys(("86003", "86040", "86045"), ("America/Phoenix", "America/Denver")),
    **dict.fromkeys(("58838", "57532"), ("America/Denver", "America/Chicago")),
    "79942": ("America/Denver", "America/Chicago"),
    "89883": ("America/Denver", "America/Los_Angeles"),
}


# Where several zones of a country have the same offsets: the name that a reader expects.
_USUAL_NAMES = frozenset(
    (
        "Australia/Sydney Australia/Adelaide Australia/Brisbane America/Sao_Paulo America/Argentina/Buenos_Aires "
        "Asia/Kuala_Lumpur America/Whitehorse Asia/Shanghai Asia/Almaty"
    ).split()
)


class PlaceFinder:
    """Finds places. Keeps its tables; safe to share between threads (a table may be built twice, never half)."""

    def warm_up(self) -> None:
        """Build every table now, so that the first lead does not wait."""
        self.find(Evidence(country="US", region="FL", postcode="10001", phone_e164="+18505550100"))
        for country in ("US", "CA", "AU"):
            self._country_zones(country)

    @lru_cache(maxsize=256)  # noqa: B019  an acknowledgement asks for the same lead several times
    def find(self, evidence: Evidence) -> Place:
        """Never raises: evidence that cannot be read is no evidence. The phrases of `why` hold no personal data."""
        tz = self._usable_zone(evidence.tz)
        phone = self._phone(evidence.phone_e164)
        country = self._country_code(evidence.country)
        hint = country or (phone.country if phone else None) or (self._countries_of_zone.get(tz) if tz else None)
        clues: list[Clue] = []
        if tz:
            of = self._countries_of_zone.get(tz)
            clues.append(Clue("tz", (tz,), _jurisdictions(of) if of else (), f"time zone {tz} from the form"))
        if hint and (found := self._postcode(hint, evidence.postcode)):
            clues.append(found)
        if hint and (found := self._region(hint, evidence.region)):
            clues.append(found)
        if phone:
            clues.append(self._phone_clue(phone))
        if country:
            clues.append(Clue("country", self._country_zones(country), _jurisdictions(country), f"country {country}"))
        place = combine(clues, self._same)
        return self._with_states(place) if evidence.phone_e164 else place

    def _with_states(self, place: Place) -> Place:
        """Somebody in the United States of whom nothing names the state: every state that lies in the zones may be it.

        For those with a number, whom law protects. Most numbers name a state; freephone and foreign ones do not.
        """
        if "US" not in place.jurisdictions or any(name.startswith("US-") for name in place.jurisdictions):
            return place
        wanted = {self._same(zone) for zone in place.zones_in("US")}
        states = sorted(
            state
            for state, zones in self._state_zones.items()
            if state in US_STATES.values() and any(self._same(zone) in wanted for zone in zones)
        )
        text = "a state of the United States in these zones, none is named"
        return replace(
            place,
            jurisdictions=(*place.jurisdictions, *(f"US-{state}" for state in states)),
            why=(*place.why, text),
            named_by=(*place.named_by, *((f"US-{state}", (text,)) for state in states)),
        )

    def knows_country(self, written: str) -> bool:
        """Is it a code or a name that says which country is meant?"""
        return self._country_code(written) is not None

    def _usable_zone(self, name: str | None) -> str | None:
        """A zone that says where somebody is. 'UTC' and 'Etc/…' are what browsers that hide the place report."""
        try:
            zone = parse_zone((name or "").strip())
        except ValueError:
            return None
        zone = self._links.get(zone, zone)
        return zone if "/" in zone and not zone.startswith("Etc/") else None

    # -- clues ---------------------------------------------------------------------------------------------------------

    def _postcode(self, country: str, written: str | None) -> Clue | None:
        code = re.sub(r"[^0-9A-Z]", "", (written or "").upper())
        zones: tuple[str, ...] = ()
        state: str | None = None
        if country == "US" or country in US_TERRITORIES:
            zone, state = self._zips.get(code[:5], ("", "")) if code.isdigit() and len(code) in (5, 9) else ("", "")
            zones = _DOUBTFUL_ZIPS.get(code[:5]) or ((zone,) if zone else ())
        elif country == "CA":
            state, zones = canada_postcode(code)
        elif country == "AU" and len(code) == 4 and code.isdigit():
            state = australia_state(code)
            zones = AUSTRALIA_ZONES.get(state or "", ())
        elif country == "GB" and (state := uk_nation(code)):
            zones = self._country_zones("GB")
        if not zones:
            return None
        return Clue("postcode", zones, _jurisdictions(country, state), f"post code in {country}-{state}")

    def _region(self, country: str, written: str | None) -> Clue | None:
        name = " ".join((written or "").replace(".", " ").split()).upper().removeprefix(f"{country}-")
        tables = {
            "US": (US_STATES, self._state_zones),
            "CA": (CANADA_PROVINCES, CANADA_ZONES),
            "AU": (AUSTRALIA_STATES, AUSTRALIA_ZONES),
        }
        if not name:
            return None
        if country not in tables:  # its parts have holidays of their own; a name would have to be looked up first
            coded = re.fullmatch(r"[A-Z]{2}-([A-Z0-9]{1,3})", (written or "").strip().upper())
            if coded is None or coded[0][:2] != country or not (zones := self._country_zones(country)):
                return None
            return Clue("region", zones, _jurisdictions(country, coded[1]), f"region {coded[0]}")
        names, zones_of = tables[country]
        state = names.get(name) or (name if name in zones_of else None)
        if state is None or state not in zones_of:
            return None
        return Clue("region", zones_of[state], _jurisdictions(country, state), f"region {country}-{state}")

    def _phone(self, e164: str | None) -> PhonePlace | None:
        if not e164:
            return None
        return place_of_phone(e164, self._code_states.get, lambda code: self._code_zones.get(code, ()))

    def _phone_clue(self, phone: PhonePlace) -> Clue:
        of_country = self._country_zones(phone.country)
        allowed = {self._same(zone) for zone in phone.zones}
        named = [zone for zone in phone.zones if self._countries_of_zone.get(zone) == phone.country]
        zones = tuple(zone for zone in (*named, *of_country) if self._same(zone) in allowed)
        source: Source = "country"
        if phone.geographic and zones:
            source = "landline" if phone.landline else "mobile"
        what = " or ".join(f"{phone.country}-{state}" for state in phone.states) or phone.country
        where = _jurisdictions(phone.country, *phone.states)
        return Clue(source, zones or of_country, where, f"phone number of {what}")

    # -- tables --------------------------------------------------------------------------------------------------------

    @cached_property
    def _zips(self) -> dict[str, tuple[str, str]]:
        """US post code -> (zone, state); rows without a usable zone (military, 'Napakiak') are left out."""
        return {zip_code: (zone, state) for zip_code, zone, state, _ in self._zip_rows}

    @cached_property
    def _zip_rows(self) -> list[tuple[str, str, str, tuple[str, ...]]]:
        all_rows: Callable[[], list[dict[str, Any]]] = zipcodes.list_all
        return [
            (row["zip_code"], intern(row["timezone"]), intern(row["state"]), tuple(map(intern, row["area_codes"])))
            for row in all_rows()
            if "/" in row["timezone"]
        ]

    @cached_property
    def _state_zones(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for _, zone, state, _ in self._zip_rows:
            found[state][zone] += 1
        return {state: tuple(zone for zone, _ in zones.most_common()) for state, zones in found.items()}

    @cached_property
    def _code_states(self) -> dict[str, str]:
        """Area code -> the one state it belongs to; neighbours appear in the data because of border post codes."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for _, _, state, codes in self._zip_rows:
            for code in codes:
                found[code][state] += 1
        return {code: states.most_common(1)[0][0] for code, states in found.items()}

    @cached_property
    def _code_zones(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for _, zone, state, codes in self._zip_rows:
            for code in codes:
                if self._code_states[code] == state:
                    found[code][zone] += 1
        return {code: tuple(zone for zone, _ in zones.most_common()) for code, zones in found.items()}

    @cached_property
    def _zone_tab(self) -> list[tuple[str, str]]:
        lines = zone_file("zone.tab").read_text("utf-8").splitlines()
        return [(fields[0], fields[2]) for line in lines if line[:1] != "#" and len(fields := line.split("\t")) >= 3]

    @cached_property
    def _countries_of_zone(self) -> dict[str, str]:
        return {zone: country for country, zone in self._zone_tab}

    @cached_property
    def _links(self) -> dict[str, str]:
        """Old and alternative names ('Asia/Calcutta', 'US/Eastern') -> the name that zone.tab has."""
        lines = zone_file("tzdata.zi").read_text("utf-8").splitlines()
        pairs = [line.split()[1:3] for line in lines if line.startswith("L ")]
        return {link: target for target, link in pairs if link not in self._countries_of_zone}

    @cached_property
    def _country_names(self) -> dict[str, str]:
        lines = zone_file("iso3166.tab").read_text("utf-8").splitlines()
        pairs = [line.split("\t")[:2] for line in lines if line[:1] != "#"]
        return {name.upper(): code for code, name in pairs} | {code: code for code, _ in pairs}

    def _country_code(self, written: str | None) -> str | None:
        name = " ".join((written or "").replace(".", "").split()).upper()
        return country_alias(name) or self._country_names.get(name)

    @lru_cache(maxsize=512)  # noqa: B019  one finder lives as long as the process
    def _country_zones(self, country: str) -> tuple[str, ...]:
        """One name for each set of offsets in the country, the most usual first."""
        kept: dict[object, str] = {}
        zones = [zone for code, zone in self._zone_tab if code == country]
        for zone in sorted(zones, key=lambda zone: zone not in _USUAL_NAMES):
            kept.setdefault(self._same(zone), zone)
        return tuple(kept.values())

    @lru_cache(maxsize=1024)  # noqa: B019
    def _same(self, zone: str) -> object:
        """Equal for zones whose offsets agree in the year of the data release and the two years after it."""
        year = int(release()[:4])
        start = to_second(datetime(year, 1, 1, tzinfo=UTC))
        end = to_second(datetime(year + 3, 1, 1, tzinfo=UTC))
        table = zone_table(zone, to_second(datetime(year, 7, 1, tzinfo=UTC)))
        pairs = list(zip(table.starts, table.offsets, strict=True))
        before = [offset for at, offset in pairs if at <= start][-1]
        return before, tuple((at, offset) for at, offset in pairs if start < at < end)


def _jurisdictions(country: str, *states: str | None) -> tuple[str, ...]:
    """The country, and the parts of it that are known. A territory or an island is a part of whose law it follows."""
    if country in US_TERRITORIES:
        return ("US", f"US-{country}")  # federal law reaches the territories
    if country in CROWN:
        return (CROWN[country], f"{CROWN[country]}-{country}")
    return (country, *(f"{country}-{state}" for state in states if state))
