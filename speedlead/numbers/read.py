"""Reads the metrics for a filter. What each one means stands in docs/metrics.md, how it is counted in the views."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import asyncpg

from speedlead.clock import SystemClock
from speedlead.domain.business import Calendars
from speedlead.lead_filter import FilterError
from speedlead.numbers import kept, queries, questions
from speedlead.numbers.filters import NO_TEAM, NOBODYS, Filter
from speedlead.numbers.kept import Kept, Row
from speedlead.numbers.metrics import GROUPS, METRICS, TIMES
from speedlead.numbers.questions import Question
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
from speedlead.numbers.tally import Keys
from speedlead.ports import Clock

# the team of an owner's e-mail address; None: a lead without owner
TeamOf = Callable[[str | None], str]

LONGEST_AHEAD_H = 24 * 14


def everybody(email: str | None) -> str:
    return NOBODYS if email is None else NO_TEAM


def teams_of(calendars: Calendars) -> TeamOf:
    """Who is in none of the file's teams counts under everybody."""

    def team_of(email: str | None) -> str:
        team = None if email is None else calendars.team_of(email)
        return everybody(email) if team is None else team.id

    return team_of


class Numbers:
    """An empty period gives no rows, or a row of zeros. Raises FilterError where a name is not known.

    With `what_was_counted`, a question that is asked again costs what has changed since.
    """

    def __init__(
        self, pool: "asyncpg.Pool[Any]", team_of: TeamOf = everybody, clock: Clock | None = None,
        what_was_counted: Kept | None = None,
    ) -> None:  # fmt: skip
        self._pool = pool
        self._team_of = team_of
        self._clock = clock or SystemClock()
        self._kept = what_was_counted

    async def compared(
        self, metrics: Sequence[str], wanted: Filter, by: str | None = None
    ) -> list[tuple[Outcomes, tuple[Spread, ...]]]:
        """How far leads came and some times of TIMES, by one of GROUPS or several joined by `+`, in one look.

        The largest group first, days in their order. Raises FilterError.
        """
        names = by.split("+") if by else []
        if unknown := [name for name in metrics if name not in TIMES]:
            raise FilterError("metric", ", ".join(TIMES), unknown[0])
        if unknown := [name for name in names if name not in GROUPS]:
            raise FilterError("by", ", ".join(GROUPS), unknown[0])
        found = await self._ask(questions.compared(metrics, names), wanted, teams="team" in names)
        rows = [(keys, row) for keys, row in found.items() if row.sums["leads"]]
        in_order = questions.MOMENTS.keys() & names
        rows.sort(key=lambda pair: pair[0] if in_order else (-pair[1].sums["leads"], pair[0]))
        whole = sum(_count(row, "leads") for _, row in rows)
        return [
            (_outcomes(keys, row, whole), tuple(_spread(keys, row, name) for name in metrics)) for keys, row in rows
        ]

    async def spread(self, metric: str, wanted: Filter, by: str | None = None) -> list[Spread]:
        return [spread for _, (spread,) in await self.compared([metric], wanted, by)]

    async def outcomes(self, wanted: Filter, by: str | None = None) -> list[Outcomes]:
        """Also the share of leads for each channel, and scenario x segment x channel."""
        return [outcomes for outcomes, _ in await self.compared([], wanted, by)]

    async def attempts(self, wanted: Filter) -> list[Attempt]:
        made, spoken = Counter[int](), Counter[int]()
        for (calls,), row in (await self._ask(questions.ATTEMPTS, wanted)).items():
            for number, contact in enumerate(calls.strip("{}").split(","), 1):
                made[number] += _count(row, "leads")
                spoken[number] += _count(row, "leads") if contact == "t" else 0
        return [Attempt(number, made[number], spoken[number]) for number in sorted(made) if made[number]]

    async def buckets(self, wanted: Filter) -> list[Bucket]:
        """All five, also those without a lead."""
        found = await self._ask(questions.BUCKETS, wanted)
        names = ("leads", "contacted", "qualified", "converted")
        return [
            Bucket(name, *(_count(found[(name,)], of) if (name,) in found else 0 for of in names))
            for name in questions.BUCKET_NAMES
        ]

    async def phases(self, wanted: Filter) -> list[Phase]:
        """In the order in which leads come through them."""
        row = await self._one(questions.PHASES, wanted)
        found = []
        for phase, stage, column in questions.PHASE_COLUMNS:
            time = row.times[column]
            if time.count + row.sums[f"begun {column}"]:
                found.append(Phase(
                    phase, stage, time.count, time.total, time.mean, time.median, time.p90, time.p95,
                    _count(row, f"lasting {column}"), row.sums[f"lasting_s {column}"], _count(row, f"closed {column}"),
                ))  # fmt: skip
        return found

    async def breaches(self, wanted: Filter) -> list[Breach]:
        """The most first."""
        rows = [
            Breach(target, phase, _count(row, "missed"), _count(row, "still_open"), row.times["late"].median)
            for (target, phase), row in (await self._ask(questions.BREACHES, wanted)).items() if row.sums["missed"]
        ]  # fmt: skip
        return sorted(rows, key=lambda row: (-row.missed, row.target, row.phase))

    async def skips(self, wanted: Filter) -> list[Skip]:
        touches, leads = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
        for (skips,), row in (await self._ask(questions.SKIPS, wanted)).items():
            for kind, reason, channel, many in json.loads(skips):
                touches[kind, reason, channel] += many * _count(row, "leads")
                leads[kind, reason, channel] += _count(row, "leads")
        order = sorted((key for key in leads if leads[key]), key=lambda key: (-touches[key], key))
        return [Skip(*key, touches[key], leads[key]) for key in order]

    async def quality(self, wanted: Filter) -> Quality:
        row = await self._one(questions.QUALITY, wanted)
        return Quality(**{name: _count(row, name) for name in row.sums})

    async def reps(self, wanted: Filter) -> list[RepRow]:
        """Who had the leads, the most first; people who have left stay, by name, for the leads that they had."""
        found = await self._ask(questions.REPS, wanted)
        people = {row["rep_id"]: row for row in await self._pool.fetch(queries.REPS)}
        rows = [_rep_row(keys[0], row, people.get(keys[0])) for keys, row in found.items() if row.sums["leads"]]
        return sorted(rows, key=lambda row: (-row.leads, row.name is None, row.name or ""))

    async def touches_48h(self, wanted: Filter) -> Persistence:
        row = await self._one(questions.TOUCHES_48H, wanted)

        def mean(name: str, of: str) -> float | None:
            return row.sums[name] / row.sums[of] if row.sums[of] else None

        return Persistence(
            _count(row, "leads"), mean("touches", "leads"), mean("calls", "leads"), _count(row, "unreached"),
            mean("unreached_touches", "unreached"), mean("unreached_calls", "unreached"), _count(row, "enough"),
            _count(row, "given_up"), mean("given_up_touches", "given_up"), mean("given_up_calls", "given_up"),
        )  # fmt: skip

    async def promises(self, wanted: Filter) -> Promises:
        row = await self._one(questions.PROMISES, wanted)
        return Promises(**{name: _count(row, name) for name in row.sums}, median_late=row.times["late"].median)

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

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _one(self, question: Question, wanted: Filter) -> Row:
        """Of a question without groups."""
        return (await self._ask(question, wanted))[()]

    async def _ask(self, question: Question, wanted: Filter, *, teams: bool = False) -> dict[Keys, Row]:
        values = await self._values(wanted)
        if teams:
            of = await self._teams()
            values |= {"team_reps": [*of, None], "teams": [*of.values(), self._team_of(None)]}
        return await self._answer(question, values)

    async def _answer(self, question: Question, values: dict[str, Any]) -> dict[Keys, Row]:
        if self._kept is None:
            return await kept.everything(self._pool, question, values)
        return await self._kept.ask(self._pool, question, values)

    async def _rows(self, query: str, wanted: Filter, *more: Any) -> list[Any]:
        """What the kept facts do not answer: `{leads}` are the filter's, `more` is $12 and on, `{at}` needs it."""
        values = await self._values(wanted)
        async with self._pool.acquire() as conn, conn.transaction(readonly=True):
            await conn.execute(kept.MEANS)
            rows: list[Any] = await conn.fetch(
                query.format(leads=queries.leads(len(more)), at=queries.AT),
                *(values[name] for name in queries.FILTER), *more,
                *([wanted.variant] if "{leads}" in query else []), timeout=kept.WITHIN_S,
            )  # fmt: skip
        return rows

    async def _values(self, wanted: Filter) -> dict[str, Any]:
        reps, unowned = await self._whose(wanted)
        return {
            "start": wanted.start, "end": wanted.end, "at": wanted.taken_at, "zone": wanted.zone,
            "lead_type": wanted.lead_type, "source": wanted.source, "channel": wanted.channel,
            "country": wanted.country, "region": wanted.region, "reps": reps, "unowned": unowned, "plan": wanted.plan,
            "plan_version": wanted.plan_version, "variant": wanted.variant, "teams": None, "team_reps": None,
        }  # fmt: skip

    async def _teams(self) -> dict[str, str]:
        rows = await self._pool.fetch("select id::text as id, email from rep order by id")
        return {row["id"]: self._team_of(row["email"]) for row in rows}

    async def _whose(self, wanted: Filter) -> tuple[list[str] | None, bool]:
        """The reps whose leads are asked for (None: everybody's), and whether nobody's are too.

        A team that nobody is in has no leads; whether there is such a team, knows who has the calendars.
        """
        reps = None if wanted.rep_id is None else [str(wanted.rep_id)]
        if wanted.team is None:
            return reps, False
        teams, nobodys = await self._teams(), self._team_of(None)
        if wanted.team == nobodys:
            return [], reps is None
        return [rep for rep, team in teams.items() if team == wanted.team and (reps is None or rep in reps)], False


def _count(row: Row, name: str) -> int:
    return round(row.sums[name])


def _outcomes(keys: Keys, row: Row, whole: int) -> Outcomes:
    return Outcomes(keys=keys, of_all=whole, **{name: _count(row, name) for name in questions.OUTCOMES})


def _spread(keys: Keys, row: Row, name: str) -> Spread:
    time = row.times[name]
    judged, in_time = (
        (None, None)
        if METRICS[name].in_time is None
        else (_count(row, f"judged {name}"), _count(row, f"in time {name}"))
    )
    return Spread(
        keys, _count(row, "leads"), time.count, time.mean, time.median, time.p90, time.p95, judged, in_time
    )  # fmt: skip


def _rep_row(rep_id: str, row: Row, rep: Any) -> RepRow:
    speed = row.times["speed"]
    return RepRow(
        rep_id=rep_id or None, name=rep and rep["name"], active=bool(rep and rep["active"]), mean=speed.mean,
        median=speed.median, p90=speed.p90, p95=speed.p95, reaction=row.times["reaction"].median,
        open_now=rep["open_now"] if rep else 0, capacity=rep and rep["capacity"],
        **{name: _count(row, name) for name in row.sums},
    )  # fmt: skip
