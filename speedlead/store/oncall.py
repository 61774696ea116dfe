"""On call: overrides of a rotation, and the shifts that were worked, for pay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from speedlead.domain.roster import Roster
from speedlead.times import local

LONGEST = timedelta(days=31)
MOST_WORDS = 200
_DAY = timedelta(days=1)

_NOTES = "select cover, level, day, why, made_by from oncall_override where day between $1 and $2"
_SEEN = "insert into oncall_recorded (cover, until_at) values ($1, $2) on conflict do nothing"

# a lead counts once, however often the rep was rung for it
_WORKED = """
insert into oncall_shift (cover, level, starts_at, ends_at, day, zone, starts_local, ends_local, rep_id, email, why,
    called, accepted)
select $1, $2, $3, $4, $5, $6, $7, $8, r.id, $9, $10,
    (select count(distinct lead_id) from offered), (select count(distinct lead_id) from offered where accepted)
from rep r where lower(r.email) = $9
on conflict (cover, level, starts_at) do nothing returning true
"""
_OFFERED = """
with offered as (
    select t.lead_id, g.state = 'accepted' or g.state = 'ended'
        and coalesce(g.result, '') not in ('rep_no_answer', 'rep_declined', 'not_permitted') as accepted
    from leg g join touch t on t.id = g.touch_id join rep r on r.id = g.rep_id
    where g.role = 'rep' and lower(r.email) = $9 and g.claimed_at >= $3 and g.claimed_at < $4
    union all
    select c.lead_id, true from inbound_call c join rep r on r.id = c.rep_id
    where c.state = 'connected' and c.lead_id is not null and lower(r.email) = $9 and c.at >= $3 and c.at < $4
)"""


class OverrideRefused(Exception):
    """Not as asked; `field` and what was expected."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field = field
        self.text = text


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody steps in on all local days from `first` to `last`, from hand-over to hand-over."""

    cover: str
    level: int
    first: date
    last: date
    rep: str
    why: str


@dataclass(frozen=True, slots=True)
class Worked:
    """One stretch of cover in one duty. The local times are the clock of `zone`; `minutes` really passed."""

    cover: str
    level: int
    day: date
    email: str
    name: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    starts_local: datetime
    ends_local: datetime
    minutes: int
    why: str
    called: int
    accepted: int


async def notes(conn: Any, first: date, last: date) -> dict[tuple[str, int, date], tuple[str, str]]:
    """(cover, level, day) of each override -> (why, made by)."""
    rows = await conn.fetch(_NOTES, first, last)
    return {(row["cover"], row["level"], row["day"]): (row["why"], row["made_by"]) for row in rows}


async def put_override(conn: Any, rosters: Sequence[Roster], asked: Override, made_by: str, now: datetime) -> None:
    """All of its days or none; the caller holds the transaction. Raises OverrideRefused."""
    roster = find_roster(rosters, asked.cover, asked.level)
    rep, why = asked.rep.strip().lower(), asked.why.strip()
    days = _days(asked.first, asked.last)
    if asked.first < roster.rotation.start:
        raise OverrideRefused("from", f"the rotation starts on {roster.rotation.start}, got {asked.first}")
    if roster.ends(asked.first) <= now:
        raise OverrideRefused("from", f"the duty of {asked.first} is over")
    if not why or len(why) > MOST_WORDS:
        raise OverrideRefused("why", f"expected a reason of at most {MOST_WORDS} characters")
    if not roster.knows(rep):
        raise OverrideRefused("rep", f"expected the e-mail address of an active rep with a phone, got {asked.rep!r}")
    if off := next((day for day in days if roster.is_off(rep, day)), None):
        raise OverrideRefused("rep", f"{rep} has time off in the duty of {off}")
    rep_id = await conn.fetchval("select id from rep where lower(email) = $1 and active", rep)
    there = await conn.fetchrow(
        """select o.day, o.level, r.name from oncall_override o join rep r on r.id = o.rep_id
           where o.cover = $1 and o.day between $2 and $3 and (o.level = $4 or o.rep_id = $5) order by o.day limit 1""",
        asked.cover, asked.first, asked.last, asked.level, rep_id,
    )  # fmt: skip
    if there is not None:
        text = f"{there['name']} steps in on {there['day']} already, on level {there['level']}: remove that first"
        raise OverrideRefused("from", text)
    await conn.executemany(
        """insert into oncall_override (cover, level, day, rep_id, why, made_by, made_at)
           values ($1, $2, $3, $4, $5, $6, $7)""",
        [(asked.cover, asked.level, day, rep_id, why, made_by, now) for day in days],
    )


async def remove_override(
    conn: Any, rosters: Sequence[Roster], cover: str, level: int, first: date, last: date, now: datetime
) -> int:
    """How many days are the rotation's again. What is over stays as it was. Raises OverrideRefused."""
    days = _days(first, last)
    ends = {roster.cover.id: roster for roster in rosters}
    if cover in ends and ends[cover].ends(first) <= now:
        raise OverrideRefused("from", f"the duty of {first} is over")
    # a cover that the file no longer has may be tidied up as well
    gone = await conn.fetch(
        "delete from oncall_override where cover = $1 and level = $2 and day = any($3::date[]) returning day",
        cover, level, days,
    )  # fmt: skip
    if not gone:
        raise OverrideRefused("from", f"{cover} has no override on level {level} from {first} to {last}")
    return len(gone)


def find_roster(rosters: Sequence[Roster], cover: str, level: int) -> Roster:
    """Raises OverrideRefused."""
    roster = next((roster for roster in rosters if roster.cover.id == cover), None)
    if roster is None:
        known = ", ".join(roster.cover.id for roster in rosters) or "none: the calendar file has no rotation"
        raise OverrideRefused("cover", f"expected one of {known}; got {cover!r}")
    if level not in roster.levels:
        raise OverrideRefused("level", f"{cover} has the levels 1 to {len(roster.levels)}, got {level}")
    return roster


def _days(first: date, last: date) -> list[date]:
    if last < first:
        raise OverrideRefused("to", f"{last} lies before {first}")
    if last - first >= LONGEST:
        raise OverrideRefused("to", f"expected at most {LONGEST.days} days, got {first} to {last}")
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


# ── what was worked ──────────────────────────────────────────────────────────────────────────────────────────────────


async def record(conn: Any, roster: Roster, now: datetime) -> int:
    """Writes the shifts of a cover that are over, each once; the caller holds the transaction. How many are new.

    A cover that is new here is recorded from now on: what was before, nobody has worked by our roster.
    """
    cover = roster.cover.id
    await conn.execute(_SEEN, cover, now)
    since: datetime = await conn.fetchval("select until_at from oncall_recorded where cover = $1 for update", cover)
    written = 0
    day = local(since, roster.zone).date() - 2 * _DAY
    while day <= local(now, roster.zone).date():
        for start, end in roster.hours(day):
            for duty in roster.duties(day) if since < end <= now else ():
                if duty.rep is not None:
                    begins, ends = local(start, roster.zone), local(end, roster.zone)
                    row = (cover, duty.level, start, end, day, roster.zone, begins, ends, duty.rep, duty.why)
                    written += bool(await conn.fetchval(_OFFERED + _WORKED, *row))
        day += _DAY
    await conn.execute("update oncall_recorded set until_at = greatest(until_at, $2) where cover = $1", cover, now)
    return written


async def worked(conn: Any, first: date, last: date) -> list[Worked]:
    """The shifts of the duties that began on these local days, in order."""
    rows = await conn.fetch(
        """select s.cover, s.level, s.day, s.email, r.name, s.starts_at, s.ends_at, s.zone, s.starts_local,
               s.ends_local, (extract(epoch from s.ends_at - s.starts_at) / 60)::int as minutes, s.why, s.called,
               s.accepted
           from oncall_shift s join rep r on r.id = s.rep_id
           where s.day between $1 and $2 order by s.starts_at, s.cover, s.level""",
        first, last,
    )  # fmt: skip
    return [Worked(**row) for row in rows]
