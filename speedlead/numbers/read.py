"""Reads the metrics for a filter. What each one means stands in docs/metrics.md, how it is counted in the views."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any

import asyncpg

from speedlead.clock import SystemClock
from speedlead.domain.business import Calendars
from speedlead.lead_filter import FilterError
from speedlead.numbers import queries
from speedlead.numbers.filters import NO_TEAM, NOBODYS, Filter
from speedlead.numbers.metrics import GROUPS, METRICS, TIMES
from speedlead.numbers.rows import (
    Attempt,
    Breach,
    Bucket,
    Due,
    Outcomes,
    Persistence,
    Phase,
    Promises,
    Quality,
    RepRow,
    Skip,
    Snapshot,
    Spread,
)
from speedlead.ports import Clock

# the team of an owner's e-mail address; None: a lead without owner
TeamOf = Callable[[str | None], str]

LONGEST_AHEAD_H = 24 * 14
# a report over years may take longer than anything else that asks the database
WITHIN_S = 60.0
# sorts stay in memory, where a million times take 8 MB each; compiling a question costs more than it saves
_MEANS = "set local work_mem = '96MB'; set local jit = off"


def everybody(email: str | None) -> str:
    return NOBODYS if email is None else NO_TEAM


def teams_of(calendars: Calendars) -> TeamOf:
    """Who is in none of the file's teams counts under everybody."""

    def team_of(email: str | None) -> str:
        team = None if email is None else calendars.team_of(email)
        return everybody(email) if team is None else team.id

    return team_of


class Numbers:
    """An empty period gives no rows, or a row of zeros. Raises FilterError where a name is not known."""

    def __init__(self, pool: "asyncpg.Pool[Any]", team_of: TeamOf = everybody, clock: Clock | None = None) -> None:
        self._pool = pool
        self._team_of = team_of
        self._clock = clock or SystemClock()

    async def compared(
        self, metrics: Sequence[str], wanted: Filter, by: str | None = None
    ) -> list[tuple[Outcomes, tuple[Spread, ...]]]:
        """How far leads came and some times of TIMES, by one of GROUPS or several joined by `+`, in one look.

        The largest group first, days in their order. Raises FilterError.
        """
        columns = queries.OUTCOMES
        for n, name in enumerate(metrics):
            if name not in TIMES:
                raise FilterError("metric", ", ".join(TIMES), name)
            found = METRICS[name]
            columns += queries.SPREAD.format(v=f"m.{found.column}", n=n)
            if found.in_time is not None:
                columns += queries.JUDGED.format(in_time=found.in_time, due=found.due, at=queries.AT, n=n)
        rows = await self._grouped(columns, wanted, by)
        return [(_outcomes(row), tuple(_spread(row, n) for n in range(len(metrics)))) for row in rows]

    async def spread(self, metric: str, wanted: Filter, by: str | None = None) -> list[Spread]:
        return [spread for _, (spread,) in await self.compared([metric], wanted, by)]

    async def outcomes(self, wanted: Filter, by: str | None = None) -> list[Outcomes]:
        """Also the share of leads for each channel, and scenario x segment x channel."""
        return [outcomes for outcomes, _ in await self.compared([], wanted, by)]

    async def attempts(self, wanted: Filter) -> list[Attempt]:
        return [Attempt(**row) for row in await self._rows(queries.ATTEMPTS, wanted)]

    async def buckets(self, wanted: Filter) -> list[Bucket]:
        """All five, also those without a lead."""
        return [Bucket(**row) for row in await self._rows(queries.BUCKETS, wanted, wanted.taken_at)]

    async def phases(self, wanted: Filter) -> list[Phase]:
        """In the order in which leads come through them."""
        return [Phase(**row) for row in await self._rows(queries.PHASES, wanted, wanted.taken_at)]

    async def breaches(self, wanted: Filter) -> list[Breach]:
        return [Breach(**row) for row in await self._rows(queries.BREACHES, wanted)]

    async def skips(self, wanted: Filter) -> list[Skip]:
        return [Skip(**row) for row in await self._rows(queries.SKIPS, wanted)]

    async def quality(self, wanted: Filter) -> Quality:
        [row] = await self._rows(queries.QUALITY, wanted)
        return Quality(**row)

    async def reps(self, wanted: Filter) -> list[RepRow]:
        """Who had the leads, the most first; people who have left stay, by name, for the leads that they had."""
        return [RepRow(**row) for row in await self._rows(queries.REPS, wanted, wanted.taken_at)]

    async def touches_48h(self, wanted: Filter) -> Persistence:
        [row] = await self._rows(queries.TOUCHES_48H, wanted, wanted.taken_at)
        return Persistence(**row)

    async def promises(self, wanted: Filter) -> Promises:
        [row] = await self._rows(queries.PROMISES, wanted, wanted.taken_at)
        return Promises(**row)

    async def snapshots(self, wanted: Filter) -> list[Snapshot]:
        """Of those moments that have come."""
        return [Snapshot(**row) for row in await self._rows(queries.SNAPSHOTS, wanted, wanted.taken_at)]

    async def due_next(self, hours: int) -> list[Due]:
        """Of all open leads, by hour from now; slot -1 is what is overdue. Hours without anything are left out."""
        if not 1 <= hours <= LONGEST_AHEAD_H:
            raise FilterError("hours", f"1 to {LONGEST_AHEAD_H}", str(hours))
        now = self._clock.wall()
        rows = await self._pool.fetch(queries.DUE, now, hours)
        return [Due(starts_at=now + timedelta(hours=row["slot"]), **row) for row in rows]

    async def _grouped(self, columns: str, wanted: Filter, by: str | None) -> list[dict[str, Any]]:
        names = by.split("+") if by else []
        if unknown := [name for name in names if name not in GROUPS]:
            raise FilterError("by", ", ".join(GROUPS), unknown[0])
        teams = await self._teams() if "team" in names else None
        keys = [f"coalesce({_key(name)}, '')" for name in names]
        query = queries.GROUPED.format(
            keys=", ".join(keys),
            groups=", ".join(keys) or "1",
            columns=columns,
            leads=queries.LEADS,
            at=queries.AT,
            order="1" if queries.MOMENTS.keys() & names else "2 desc, 1",
        )
        more: list[Any] = [wanted.taken_at, wanted.zone]
        if teams is not None:
            more += [[*teams, None], [*teams.values(), self._team_of(None)]]
        return [dict(row) | {"keys": tuple(row["keys"])} for row in await self._rows(query, wanted, *more)]

    async def _rows(self, query: str, wanted: Filter, *more: Any) -> list[Any]:
        reps, unowned = await self._whose(wanted)
        async with self._pool.acquire() as conn, conn.transaction(readonly=True):
            await conn.execute(_MEANS)
            rows: list[Any] = await conn.fetch(
                query.format(leads=queries.LEADS, at=queries.AT),
                wanted.start, wanted.end, wanted.lead_type, wanted.source, wanted.channel, wanted.country,
                wanted.region, reps, unowned, wanted.plan, wanted.plan_version, *more, timeout=WITHIN_S,
            )  # fmt: skip
        return rows

    async def _teams(self) -> dict[str, str]:
        rows = await self._pool.fetch("select id::text as id, email from rep order by id")
        return {row["id"]: self._team_of(row["email"]) for row in rows}

    async def _whose(self, wanted: Filter) -> tuple[list[str] | None, bool]:
        """The reps whose leads are asked for (None: everybody's), and whether nobody's are too."""
        reps = None if wanted.rep_id is None else [str(wanted.rep_id)]
        if wanted.team is None:
            return reps, False
        teams, nobodys = await self._teams(), self._team_of(None)
        if wanted.team == nobodys:
            return [], reps is None
        if wanted.team not in teams.values():
            raise FilterError("team", ", ".join(sorted({*teams.values(), nobodys})), wanted.team)
        return [rep for rep, team in teams.items() if team == wanted.team and (reps is None or rep in reps)], False


def _key(name: str) -> str:
    if name == "team":
        return queries.TEAM
    return queries.MOMENTS.get(name) or f"m.{GROUPS[name]}::text"


def _outcomes(row: Mapping[str, Any]) -> Outcomes:
    return Outcomes(**{field.name: row[field.name] for field in fields(Outcomes)})


def _spread(row: Mapping[str, Any], n: int) -> Spread:
    """`parts` is null where no lead has the time."""
    median, p90, p95 = row[f"parts_{n}"] or (None, None, None)
    return Spread(
        row["keys"], row["leads"], row[f"count_{n}"], row[f"mean_{n}"], median, p90, p95, row.get(f"judged_{n}"),
        row.get(f"in_time_{n}"),
    )  # fmt: skip
