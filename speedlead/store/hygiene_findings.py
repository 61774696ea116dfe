"""Looks at the base and what they found: written in batches, set aside by people, and read for the page and files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from speedlead import ids
from speedlead.domain.hygiene import TITLES, Finding, Kind

Stage = Literal["people", "leads", "companies", "over"]
CHANNEL = "hygiene"
FIRST = "00000000-0000-0000-0000-000000000000"
# how long a look that is over is remembered
_KEEP = timedelta(days=366)

# whoever is erased meanwhile has left: an erasure waits for these locks, or has committed before
_STILL = "select id from person where id = any($1::uuid[]) and erased_wall is null order by id for key share"
_WRITE = """
insert into hygiene_finding as f (id, kind, key, state, person_id, lead_id, detail, first_wall, run_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (kind, key) do update set person_id = excluded.person_id, lead_id = excluded.lead_id,
    detail = excluded.detail, run_id = excluded.run_id, state = excluded.state,
    first_wall = case when f.state = excluded.state then f.first_wall else excluded.first_wall end,
    aside_wall = case when f.state = excluded.state then f.aside_wall end,
    aside_reason = case when f.state = excluded.state then f.aside_reason end,
    aside_by = case when f.state = excluded.state then f.aside_by end
"""
# names, owners, and whether a lead is open may have changed since the look: they are as they are now
_READ = """
select f.id, f.kind, f.key, f.detail, f.first_wall, f.lead_id, f.aside_wall, f.aside_reason, f.aside_by, p.name,
    r.id as owner_id, r.name as owner, coalesce(r.active, false) as owner_active,
    l.id is not null and l.closed_at is null as is_open
from hygiene_finding f left join person p on p.id = f.person_id
left join lead l on l.id = f.lead_id left join rep r on r.id = l.owner_id
where f.kind = $1 and (f.aside_wall is not null) = $2
order by coalesce((f.detail ->> 'people')::int, 0) desc, is_open desc,
    f.first_wall, f.key limit $3
"""


@dataclass(frozen=True, slots=True)
class Run:
    """`found`: kind -> findings that nobody has set aside, when it was over; `past`: people past their
    time; `duplicates`: pairs that may be one person.
    """

    id: int
    week: str | None
    started_wall: datetime
    ended_wall: datetime | None
    stage: Stage
    last_id: str | None
    looked_at: int
    repaired: int
    found: dict[str, int] | None

    @property
    def findings(self) -> dict[Kind, int]:
        """By kind, without what else was counted."""
        return {kind: (self.found or {}).get(kind, 0) for kind in TITLES}


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding with the names of whom it is about and who owns the lead, as they are now."""

    id: str
    kind: str
    key: str
    detail: dict[str, Any]
    first_wall: datetime
    lead_id: str | None
    aside_wall: datetime | None
    aside_reason: str | None
    aside_by: str | None
    name: str | None
    owner_id: str | None
    owner: str | None
    owner_active: bool
    is_open: bool


async def open_run(conn: Any) -> Run | None:
    row = await conn.fetchrow("select * from hygiene_run where ended_wall is null")
    return Run(**row) if row else None


async def newest(conn: Any, most: int = 1) -> list[Run]:
    """Those that are over, the newest first."""
    rows = await conn.fetch("select * from hygiene_run where ended_wall is not null order by id desc limit $1", most)
    return [Run(**row) for row in rows]


async def until(conn: Any, week: str, end: datetime) -> list[Run]:
    """Two at most: the look of that week, else the newest that was over by `end`; and the one before it."""
    rows = await conn.fetch(
        """select * from hygiene_run where ended_wall is not null and (ended_wall < $2 or id <= (
               select id from hygiene_run where week = $1)) order by id desc limit 2""",
        week, end,
    )  # fmt: skip
    return [Run(**row) for row in rows]


async def looked(conn: Any, week: str) -> bool:
    return bool(await conn.fetchval("select exists (select from hygiene_run where week = $1)", week))


async def looks_began(conn: Any) -> tuple[datetime | None, datetime | None]:
    """When the newest look that is over began, and the one that is under way."""
    row = await conn.fetchrow(
        """select max(started_wall) filter (where ended_wall is not null) as over,
               max(started_wall) filter (where ended_wall is null) as under_way from hygiene_run"""
    )
    return row["over"], row["under_way"]


async def under_way(conn: Any) -> bool:
    return bool(await conn.fetchval("select exists (select from hygiene_run where ended_wall is null)"))


async def begin(conn: Any, week: str | None, wall: datetime) -> bool:
    """False where one is under way, or this week's was made."""
    made = await conn.fetchval(
        "insert into hygiene_run (week, started_wall) values ($1, $2) on conflict do nothing returning true", week, wall
    )
    if made and week is None:
        await conn.execute(f"notify {CHANNEL}")
    return bool(made)


async def went_on(conn: Any, run: Run, stage: Stage, last: str | None, looked_at: int) -> None:
    """Unless another process, which took this one for dead, has gone on meanwhile."""
    await conn.execute(
        """update hygiene_run set stage = $2, last_id = $3, looked_at = looked_at + $4
           where id = $1 and stage = $5 and last_id is not distinct from $6""",
        run.id, stage, last, looked_at, run.stage, run.last_id,
    )  # fmt: skip


async def repaired(conn: Any, run: Run, many: int) -> None:
    """In the transaction of the repairs: a process that dies after it has them counted."""
    await conn.execute("update hygiene_run set repaired = repaired + $2 where id = $1", run.id, many)


async def write(conn: Any, run: Run, found: Sequence[Finding], wall: datetime) -> None:
    """Locks the people for a moment, so that nothing is written of who is erased at this moment."""
    if not found:
        return
    people = list({one.person_id for one in found if one.person_id})
    still = {row["id"] for row in await conn.fetch(_STILL, people)}
    await conn.executemany(_WRITE, [
        (ids.new_id(), one.kind, one.key, one.state, one.person_id, one.lead_id, dict(one.detail), wall, run.id)
        for one in found if one.person_id in still
    ])  # fmt: skip


async def end(conn: Any, run: Run, others: dict[str, int], wall: datetime) -> Run:
    """What was not found again is gone. `others`: what is counted besides findings."""
    await conn.execute("delete from hygiene_finding where run_id < $1", run.id)
    await conn.execute("delete from hygiene_run where ended_wall < $1", wall - _KEEP)
    found = await counts(conn) | others
    row = await conn.fetchrow(
        "update hygiene_run set ended_wall = $2, stage = 'over', last_id = null, found = $3 where id = $1 returning *",
        run.id, wall, found,
    )  # fmt: skip
    return Run(**row)


async def counts(conn: Any, *, aside: bool = False) -> dict[str, int]:
    """Kind -> findings, in the order of the page; every kind."""
    rows = await conn.fetch(
        "select kind, count(*)::int as many from hygiene_finding where (aside_wall is not null) = $1 group by 1", aside
    )
    many = {row["kind"]: row["many"] for row in rows}
    return {kind: many.get(kind, 0) for kind in TITLES}


async def findings(conn: Any, kind: str, most: int | None = None, *, aside: bool = False) -> list[Shown]:
    """Those of open leads and of many people first, then the oldest."""
    return [Shown(**row) for row in await conn.fetch(_READ, kind, aside, most)]


async def put_aside(conn: Any, finding_id: str, reason: str, by: str, wall: datetime) -> bool:
    """False where it is gone, or was set aside before."""
    return bool(await conn.fetchval(
        """update hygiene_finding set aside_wall = $2, aside_reason = $3, aside_by = $4
           where id = $1 and aside_wall is null returning true""",
        finding_id, wall, reason, by,
    ))  # fmt: skip


async def take_back(conn: Any, finding_id: str) -> bool:
    """It is shown again."""
    return bool(await conn.fetchval(
        """update hygiene_finding set aside_wall = null, aside_reason = null, aside_by = null
           where id = $1 and aside_wall is not null returning true""",
        finding_id,
    ))  # fmt: skip


async def kind_of(conn: Any, finding_id: str) -> str | None:
    found: str | None = await conn.fetchval("select kind from hygiene_finding where id = $1", finding_id)
    return found
