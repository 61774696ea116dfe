"""Contact law as data: rows that say when, how often and with which consent a channel may be used in a jurisdiction.

Several rows may apply; contact is lawful only if all of them permit it. Not legal advice: every row carries its source
and how certain it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from speedlead.domain.hours import Cap, Weekly

ConsentNeed = Literal["none", "inquiry", "call_requested", "express", "express_written"]
"""From nothing to most: `inquiry` the person wrote to us and gave this address; `call_requested` that inquiry showed a
consent text; `express` a ticked consent for the channel; `express_written` the same, in the form that US law calls
prior express written consent."""

Certainty = Literal["A", "B", "C", "D"]
"""A statute or regulator read; B law firm, press or regulator's summary; C vendor's table; D house default."""

Channel = Literal["call", "sms", "email", "call_automated"]

HOUSE = "*"
"""Jurisdiction of the rows that apply where a country has no row with hours for the channel."""


@dataclass(frozen=True, slots=True)
class LawCap:
    """A cap and what it counts: touches on `counts` channels; `after_silent`: only calls that connected to nobody."""

    cap: Cap
    counts: tuple[Channel, ...]
    after_silent: bool = False


@dataclass(frozen=True, slots=True)
class LawRow:
    """One rule. `hours` None: no hours of its own. Effective on local dates in [effective_from, effective_to).

    `quiet_dates`: keys of `LawBook.dates`. `also_zones`: the hours must hold in these zones too, whatever the place.
    `area_code_presumption`: an area code of the jurisdiction is enough, against an address elsewhere. `inquiry_days`:
    how long an inquiry stands for consent; None: without limit. `certainty` is that of the hours.
    """

    id: str
    jurisdiction: str
    channels: tuple[Channel, ...]
    hours: Weekly | None
    quiet_dates: tuple[str, ...]
    caps: tuple[LawCap, ...]
    effective_from: date | None
    effective_to: date | None
    area_code_presumption: bool
    consent_needed: ConsentNeed
    call_requested_satisfies: bool
    inquiry_days: int | None
    also_zones: tuple[str, ...]
    certainty: Certainty
    consent_certainty: Certainty
    source: str
    note: str = ""

    def in_force(self, day: date) -> bool:
        """Is the row in force on this local date?"""
        started = self.effective_from is None or day >= self.effective_from
        return started and (self.effective_to is None or day < self.effective_to)


@dataclass(frozen=True, slots=True)
class LawBook:
    """All rows and the dates that they name. `version` changes with every change of content."""

    version: str
    rows: tuple[LawRow, ...]
    dates: Mapping[str, frozenset[date]] = field(default_factory=dict)

    def rows_for(
        self,
        jurisdictions: Iterable[str],
        channel: Channel,
        at_local_date: date | None = None,
        presumed: Sequence[str] = (),
    ) -> tuple[LawRow, ...]:
        """Rows that apply to the channel in any of the jurisdictions, in the order of the book.

        With a date only rows in force on it; without, all, for a caller that keeps each within its dates. A country
        whose rows give no hours for calls or SMS also gets the house rows. `presumed`: see `Place`.
        """
        names = tuple(jurisdictions)
        found = [
            row
            for row in self.rows
            if channel in row.channels
            and (row.jurisdiction in names or (row.area_code_presumption and row.jurisdiction in presumed))
            and (at_local_date is None or row.in_force(at_local_date))
        ]
        countries = {name.partition("-")[0] for name in (*names, *presumed)}
        # a row that starts or ends leaves days without hours, unless the caller asks about one day
        always = [row for row in found if at_local_date or not (row.effective_from or row.effective_to)]
        with_hours = {row.jurisdiction.partition("-")[0] for row in always if row.hours is not None}
        if channel != "email" and (not countries or countries - with_hours):
            found += [row for row in self.rows if row.jurisdiction == HOUSE and channel in row.channels]
        return tuple(found)

    def quiet_dates(self, row: LawRow) -> frozenset[date]:
        """The dates on which the row forbids contact. Raises KeyError for a key that the book does not have."""
        return frozenset().union(*(self.dates[key] for key in row.quiet_dates))
