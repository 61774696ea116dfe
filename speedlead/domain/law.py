"""Contact law as data: rows that say when, how often and with which consent a channel may be used in a jurisdiction.

Several rows may apply; contact is lawful only if all of them permit it. Not legal advice: every row carries its source
and how certain it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from speedlead.domain.hours import Cap, Weekly

ConsentNeed = Literal["none", "inquiry", "call_requested", "express", "express_written", "unknown"]
"""From nothing to most: `inquiry` the person wrote to us and gave this address; `call_requested` that inquiry showed a
consent text; `express` a ticked consent for the channel; `express_written` the same, in the form that US law calls
prior express written consent; `unknown` nobody has found out, so nothing satisfies it."""

SATISFIED_BY_CALL_REQUEST = frozenset({"none", "inquiry", "call_requested"})
"""Needs that a call request meets in any case; for the others the row says so itself."""

Certainty = Literal["A", "B", "C", "D"]
"""A statute or regulator read; B law firm, press or regulator's summary; C vendor's table; D house default."""

Channel = Literal["call", "sms", "email", "call_automated", "email_marketing"]
"""`email` answers whoever wrote to us; `email_marketing` is advertising, such as the mail of a nurture plan."""

LiftedBy = Literal["nothing", "consent", "agreed_time"]
"""What frees a call from the row's hours and quiet dates, never from its caps: a ticked consent to calls, or a time
that the lead itself asked for, for `AGREED_FOR` from then on."""

AGREED_FOR = timedelta(hours=1)
"""How long a call at a time that the lead asked for may start late (house default)."""

After = Literal["every_touch", "silent", "refusal"]
"""What a cap counts: every touch; calls that connected the lead to nobody; calls in which the lead said no."""

LONGEST_CAP = timedelta(days=60)
"""The longest span that a cap may look back: older touches are not read."""

HOUSE = "*"
"""Jurisdiction of the rows that apply where a country has no row with hours for the channel."""


@dataclass(frozen=True, slots=True)
class LawCap:
    """A cap and what it counts: touches on `counts` channels, of the kind `after`."""

    cap: Cap
    counts: tuple[Channel, ...]
    after: After = "every_touch"


@dataclass(frozen=True, slots=True)
class Change:
    """Who put a row of their own in the place of a packaged one, or switched it off; why, and in which file."""

    by: str
    reason: str
    file: str


@dataclass(frozen=True, slots=True)
class LawRow:
    """One rule. `hours` None: no hours of its own. Effective on local dates in [effective_from, effective_to).

    `quiet_dates`: keys of `LawBook.dates`. `also_zones`: the hours must hold in these zones too, whatever the place.
    `area_code_presumption`: this law itself presumes that a number of its area codes is there; we follow every area
    code anyway. `inquiry_days`: how long an inquiry stands for consent; None: without limit. `certainty` is that of the
    hours. `change`: set on rows of the operators' own files that replace a packaged one.
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
    hours_lifted_by: LiftedBy = "nothing"
    change: Change | None = None

    @property
    def key(self) -> tuple[str, date | None]:
        """Unique in a book: a row that is replaced for some dates stays, under its id, for the others."""
        return self.id, self.effective_from

    def in_force(self, day: date) -> bool:
        """Is the row in force on this local date?"""
        started = self.effective_from is None or day >= self.effective_from
        return started and (self.effective_to is None or day < self.effective_to)


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """A packaged row that operators took out, on local dates in [effective_from, effective_to)."""

    id: str
    jurisdiction: str
    effective_from: date | None
    effective_to: date | None
    change: Change


@dataclass(frozen=True, slots=True)
class LawBook:
    """All rows and the dates that they name. `version` changes with every change of content."""

    version: str
    rows: tuple[LawRow, ...]
    dates: Mapping[str, frozenset[date]] = field(default_factory=dict)
    off: tuple[SwitchedOff, ...] = ()

    def rows_for(
        self,
        jurisdictions: Iterable[str],
        channel: Channel,
        at_local_date: date | None = None,
        presumed: Sequence[str] = (),
    ) -> tuple[LawRow, ...]:
        """Rows that apply to the channel in any of the jurisdictions, in the order of the book.

        With a date only rows in force on it; without, all, for a caller that keeps each within its dates. A country
        whose rows leave days without hours for calls or SMS also gets the house rows. `presumed`: jurisdictions that
        only an area code names; their law is followed like any other, since the lead may be there.
        """
        names = frozenset((*jurisdictions, *presumed))
        found = [
            row
            for row in self.rows
            if channel in row.channels
            and row.jurisdiction in names
            and (at_local_date is None or row.in_force(at_local_date))
        ]
        hours_of: dict[str, list[LawRow]] = {name.partition("-")[0]: [] for name in names}
        for row in found:
            if row.hours is not None:
                hours_of[row.jurisdiction.partition("-")[0]].append(row)
        covered = all(rows and (at_local_date or _every_day(rows)) for rows in hours_of.values())
        if channel == "email_marketing":  # no row of it has hours: a country is covered by any
            covered = {row.jurisdiction.partition("-")[0] for row in found} == hours_of.keys()
        if channel != "email" and not (names and covered):
            found += [row for row in self.rows if row.jurisdiction == HOUSE and channel in row.channels]
        return tuple(found)

    def quiet_dates(self, row: LawRow) -> frozenset[date]:
        """The dates on which the row forbids contact. Raises KeyError for a key that the book does not have."""
        return frozenset().union(*(self.dates[key] for key in row.quiet_dates))


def _every_day(rows: Iterable[LawRow]) -> bool:
    """Is at least one of the rows in force on every date?"""
    reached: date | None = date.min
    for row in sorted(rows, key=lambda row: row.effective_from or date.min):
        if reached is None or (row.effective_from or date.min) > reached:
            break
        reached = None if row.effective_to is None else max(reached, row.effective_to)
    return reached is None
