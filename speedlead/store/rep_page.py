"""What the page of a rep reads besides the leads themselves: what is offered and asked, what has changed, how fast."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from speedlead import wording

# rows of a sequence become visible in another order than they were numbered: so many are looked at again
OVERLAP = 200
# and so long a time of the wall's, where a row has no number
LATE_BY = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Waiting:
    """By when an offered call is to be accepted, and by when a reply is to be answered; None: no time was set."""

    offers: dict[str, datetime | None]
    questions: dict[str, datetime | None]


async def waiting(conn: Any, rep_id: str, offered: Iterable[str], leads: Sequence[str]) -> Waiting:
    """`offered`: of `views.offered`; `leads`: those on the page."""
    offers = await conn.fetch(
        """select lead_id, max(due_at) as due_at from notice
           where rep_id = $1::text::uuid and kind = any($2::text[]) and lead_id = any($3::text[]::uuid[])
           group by lead_id""",
        rep_id, sorted(wording.OFFERS), list(offered),
    )  # fmt: skip
    questions = await conn.fetch(
        """select lead_id, min(due_at) as due_at from reply
           where lead_id = any($1::text[]::uuid[]) and not automatic and answered_at is null group by lead_id""",
        list(leads),
    )
    due = {row["lead_id"]: row["due_at"] for row in offers}
    return Waiting(
        {lead_id: due.get(lead_id) for lead_id in offered}, {row["lead_id"]: row["due_at"] for row in questions}
    )


# ── what has changed ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Change:
    """Something happened to a lead. `mark` tells it from every other change; `line`: its number in the story, or 0."""

    mark: str
    lead_id: str
    line: int


async def newest(conn: Any) -> int:
    """The number of the last line of any story."""
    return int(await conn.fetchval("select coalesce(max(id), 0) from story"))


async def changes(conn: Any, after: int, wall: datetime) -> list[Change]:
    """What was written after about that line, and the legs of calls that began or ended about now; oldest first.

    It tells some of them again and again: the caller knows the marks that it saw the last time.
    """
    rows = await conn.fetch(
        """select 'story ' || id as mark, lead_id::text as lead_id, id as line from story where id > $1
           union all
           select 'leg ' || g.id || ' ' || g.state, t.lead_id::text, 0 from leg g join touch t on t.id = g.touch_id
           where g.claimed_wall > $2
           order by line""",
        after - OVERLAP, wall - LATE_BY,
    )  # fmt: skip
    return [Change(**row) for row in rows]


async def concerned(conn: Any, leads: Sequence[str]) -> dict[str, set[str | None]]:
    """The reps on whose page each lead stands or stood: its owner, and whoever was told of it; None: nobody owns it."""
    rows = await conn.fetch(
        """select id::text as lead_id, owner_id::text as rep_id from lead where id = any($1::text[]::uuid[])
           union select lead_id::text, rep_id::text from notice
           where lead_id = any($1::text[]::uuid[]) and rep_id is not null""",
        list(leads),
    )
    found: dict[str, set[str | None]] = {}
    for row in rows:
        found.setdefault(row["lead_id"], set()).add(row["rep_id"])
    return found


async def unseen_ids(conn: Any, reps: Sequence[str]) -> dict[str, set[str]]:
    """The notices that each of the reps has not marked as seen, those to every manager among them."""
    rows = await conn.fetch(
        """select n.id::text as notice_id, r.id::text as rep_id from rep r join notice n on n.seen_wall is null
               and (n.rep_id = r.id or r.manager and n.rep_id is null and n.audience = 'manager')
           where r.id = any($1::text[]::uuid[])""",
        list(reps),
    )
    found: dict[str, set[str]] = {rep_id: set() for rep_id in reps}
    for row in rows:
        found[row["rep_id"]].add(row["notice_id"])
    return found


# ── how fast ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Speed:
    """First attempts of the leads that came in the last `days` days: the rep's own, or those of everybody.

    `leads`: whose attempt was made or is overdue; `within`: made by its deadline; `attempts`: made at all, and
    `median_s` of them in seconds from the opening (docs/metrics.md); None without an attempt.
    """

    days: int
    mine: bool
    leads: int
    within: int
    attempts: int
    median_s: float | None

    @property
    def share(self) -> int | None:
        """Whole percent, rounded down: 100 means all of them."""
        return self.within * 100 // self.leads if self.leads else None


async def speeds(conn: Any, rep_id: str, wall: datetime, spans: Sequence[int] = (7, 30)) -> list[Speed]:
    """Each span of days, the rep's own before everybody's. `wall` is the wall clock; a lead's own offset is added."""
    rows = await conn.fetch(
        """
with due as materialized (
    select owner_id is not distinct from $1::text::uuid as own, now - created_at as age,
        first_attempt_at is not null as made, first_attempt_at <= first_attempt_due as within,
        greatest(0, extract(epoch from first_attempt_at - open_at)) as took_s
    from (select *, $2::timestamptz + clock_offset_us * interval '1 microsecond' as now from lead
        -- an offset is never negative, so that the index helps
        where created_at > $2::timestamptz - (select max(d) from unnest($3::int[]) d) * interval '1 day') l
    where first_attempt_due is not null and open_at is not null
        and (first_attempt_at is not null or first_attempt_due < now))
select d.days, s.mine, count(own)::int as leads, count(*) filter (where within)::int as within,
    count(*) filter (where made)::int as attempts,
    percentile_cont(0.5) within group (order by took_s) filter (where made) as median_s
from unnest($3::int[]) d(days) cross join (values (true), (false)) s(mine)
left join due on age < d.days * interval '1 day' and (own or not s.mine)
group by d.days, s.mine order by d.days, s.mine desc""",
        rep_id, wall, list(spans),
    )  # fmt: skip
    return [Speed(**row) for row in rows]
