"""One look at the whole base, in batches: what the weekly chore, the page and `speedlead hygiene` share."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import asyncpg

from speedlead.domain.hygiene import SILENT_CALLS, Finding, Person, Repair, findings_of, repairs_of, stuck_finding
from speedlead.domain.review_week import Week, newest_due, parse_moment
from speedlead.hygiene.reading import Reader, domain_kind
from speedlead.ports import Clock
from speedlead.store import hygiene, hygiene_findings, hygiene_repairs
from speedlead.store.duplicates import open_proposals
from speedlead.store.hygiene_findings import FIRST, Run
from speedlead.store.retention import people_past
from speedlead.store.transactions import transact

T = TypeVar("T")
# some ten milliseconds of reading and, where something is found, as long in locks of these people
PEOPLE = 500
LEADS = 1_000
# each holds a person's lock to the end of the transaction, and whoever writes to one of them waits
REPAIRS = 20
# companies are read in one go
_WITHIN_S = 120.0


@dataclass(frozen=True)
class HygieneDesk:
    """`secret`: of the marks of opt-outs that outlive an erasure. `critical`: fields that an open lead has to have.
    `repairs`: may something be written otherwise by itself?

    `at`: the moment of the week, `mon 05:00`, on the clock of `zone`. `keep`: how long people stay after their last
    lead.
    """

    pool: "asyncpg.Pool[Any]"
    clock: Clock
    reader: Reader
    secret: bytes
    zone: str
    at: str
    critical: Collection[str]
    repairs: bool
    keep: timedelta

    def due(self) -> Week:
        return newest_due(self.clock.wall(), parse_moment(self.at), self.zone)

    async def begin_due(self) -> None:
        """Begins the look of this week, unless it was made, or one is under way. Raises StoreUnavailable."""
        week = self.due().name

        async def work(conn: Any) -> None:
            if not await hygiene_findings.looked(conn, week):
                await hygiene_findings.begin(conn, week, self.clock.wall())

        await self._in(work)

    async def begin_asked(self) -> bool:
        """One beside those of the weeks; False where one is under way."""
        return await self._in(lambda conn: hygiene_findings.begin(conn, None, self.clock.wall()))

    async def go_on(self) -> Run | None:
        """Does what is left of the look that is under way; None without one. Harmless to begin anew anywhere."""
        run = await self._in(hygiene_findings.open_run)
        steps: dict[str, Callable[[Run], Awaitable[None]]] = {
            "people": self._people, "leads": self._leads, "companies": self._companies,
        }  # fmt: skip
        while run is not None and run.stage != "over":
            await steps[run.stage](run)
            run = await self._in(hygiene_findings.open_run)
        return None if run is None else await self._end(run)

    async def _people(self, run: Run) -> None:
        rows = await self._in(
            lambda conn: hygiene.people_after(conn, run.last_id or FIRST, PEOPLE, SILENT_CALLS)
        )  # fmt: skip
        people, found = await asyncio.to_thread(self._judged, rows)
        wanted = [one for person in people for one in repairs_of(person)] if self.repairs else []
        wall, last = self.clock.wall(), people[-1].person_id if people else None

        for at in range(0, len(wanted), REPAIRS):
            await self._repair(run, wanted[at : at + REPAIRS])

        async def write(conn: Any) -> None:
            await hygiene_findings.write(conn, run, found, wall)
            stage: hygiene_findings.Stage = "people" if len(rows) == PEOPLE else "leads"
            await hygiene_findings.went_on(conn, run, stage, last if stage == "people" else None, len(rows))

        await self._in(write)

    async def _repair(self, run: Run, wanted: Sequence[Repair]) -> None:
        async def work(conn: Any) -> None:
            made = await hygiene_repairs.repair(conn, wanted, self.clock.wall(), self.secret)
            await hygiene_findings.repaired(conn, run, made)

        await self._in(work)

    def _judged(self, rows: Sequence[Any]) -> tuple[list[Person], list[Finding]]:
        people = self.reader.people(rows)
        return people, [one for person in people for one in findings_of(person, self.critical)]

    async def _leads(self, run: Run) -> None:
        wall = self.clock.wall()
        leads = await self._in(lambda conn: hygiene.open_leads_after(conn, run.last_id or FIRST, wall, LEADS))
        found = [one for lead in leads if (one := stuck_finding(lead)) is not None]

        async def write(conn: Any) -> None:
            await hygiene_findings.write(conn, run, found, wall)
            more = len(leads) == LEADS
            await hygiene_findings.went_on(
                conn, run, "leads" if more else "companies", leads[-1].lead_id if more else None, 0
            )

        await self._in(write)

    async def _companies(self, run: Run) -> None:
        domains = await self._in(hygiene.mail_domains)
        of_nobody = await asyncio.to_thread(lambda: [one for one in domains if domain_kind(one) != "company"])
        companies = await self._in(lambda conn: hygiene.companies_without(conn, of_nobody))
        found = [
            Finding("no_domain", one.name, "no_domain", one.person_id, one.lead_id,
                    {"company": one.written, "people": one.people})
            for one in companies
        ]  # fmt: skip

        async def write(conn: Any) -> None:
            await hygiene_findings.write(conn, run, found, self.clock.wall())
            await hygiene_findings.went_on(conn, run, "over", None, 0)

        await self._in(write)

    async def _end(self, run: Run) -> Run:
        before = self.clock.business(0) - self.keep

        async def work(conn: Any) -> Run:
            others = {"past": await people_past(conn, before), "duplicates": await open_proposals(conn)}
            return await hygiene_findings.end(conn, run, others, self.clock.wall())

        return await self._in(work)

    async def _in(self, work: Callable[[Any], Awaitable[T]]) -> T:
        return await transact(self.pool, work, within_s=_WITHIN_S)
