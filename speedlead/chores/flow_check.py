"""Every few minutes a synthetic lead goes the whole way, from the form to its end, and is measured (REQ 103)."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import asyncpg

from speedlead.chores.runner import Chore
from speedlead.domain.flow_check import SOURCE, STAGES, Result, Stage, address
from speedlead.ids import new_id
from speedlead.ports import Clock
from speedlead.store import flow_checks
from speedlead.store.transactions import transact

NAME = "flow.check"
EVERY = timedelta(minutes=5)
# twice the promise of 30 seconds (REQ 28), and the provider's word on top
_WITHIN_S = 75.0
# a gateway that is starting, or being replaced, is no outage
_COMES_BACK_WITHIN_S = 20.0
_LOOK_EVERY_S = 0.05
_END = {"outcome": "unqualified", "note": "flow check"}


class Failed(Exception):
    """The message says what did not happen."""


@dataclass
class FlowCheck:
    """`url`: where the gateway is; `key`: the API key."""

    pool: "asyncpg.Pool[Any]"
    clock: Clock
    url: str
    key: str
    within_s: float = _WITHIN_S
    comes_back_within_s: float = _COMES_BACK_WITHIN_S
    _began: float = 0.0
    _ms: dict[Stage, int] = field(default_factory=dict)

    def chore(self) -> Chore:
        return Chore(NAME, EVERY, self.round)

    async def round(self) -> str:
        result = await self.check()
        await transact(self.pool, lambda conn: flow_checks.write_result(conn, result, self.clock.wall()))
        cleaned = await transact(self.pool, lambda conn: flow_checks.clean(conn, self.clock.wall()))
        said = f"{result.ms['ended']} ms" if result.ok else f"failed: {result.error}"
        return said + (f", {cleaned} leads of checks deleted" if cleaned else "")

    async def check(self) -> Result:
        """Never raises: whatever goes wrong is the result."""
        self._ms = {}
        lead_id: str | None = None
        error: str | None = None
        where = address(new_id())
        timeout = aiohttp.ClientTimeout(total=10)
        try:
            async with asyncio.timeout(self.within_s), aiohttp.ClientSession(timeout=timeout) as http:
                await self._end_left_open(http)
                posting = asyncio.create_task(self._post_form(http, where))
                try:
                    lead_id = await self._follow(where, "acknowledged", posting)
                    await posting
                    lead_id = await self._follow(where, "delivered")
                    await self._end(http, lead_id)
                    await self._follow(where, "ended")
                finally:
                    posting.cancel()
                    await asyncio.gather(posting, return_exceptions=True)
        except TimeoutError:
            error = f"not {_next(self._ms)} within {self.within_s:.0f} s"
        except (Failed, aiohttp.ClientError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as failure:
            error = f"not {_next(self._ms)}: {failure or type(failure).__name__}"[:300]
        return Result(next((s for s in reversed(STAGES) if s in self._ms), None), dict(self._ms), error, lead_id)

    async def _post_form(self, http: aiohttp.ClientSession, where: str) -> None:
        form = {"name": "Flow check", "email": where, "intent": "newsletter", "source": SOURCE}
        until = time.monotonic() + self.comes_back_within_s
        while True:
            self._began = time.monotonic()
            try:
                async with http.post(f"{self.url}/f/demo", data=form, allow_redirects=False) as answer:
                    status = answer.status
                break
            except aiohttp.ClientConnectionError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.5)
        if status != 200:
            raise Failed(f"the form was answered with {status}")
        self._reached("form")

    async def _follow(self, where: str, until: Stage, posting: "asyncio.Task[None] | None" = None) -> str:
        """The lead's id when its rows say `until`. Raises Failed when the form was refused."""
        while True:
            row = await flow_checks.progress(self.pool, where)
            for stage in STAGES[1:]:
                if row is not None and row[stage]:
                    self._reached(stage)
            if row is not None and row[until]:
                return str(row["lead_id"])
            if posting is not None and posting.done() and posting.exception() is not None:
                posting.result()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _end_left_open(self, http: aiohttp.ClientSession) -> None:
        for lead_id in await flow_checks.left_open(self.pool, self.clock.wall()):
            try:
                await self._end(http, lead_id)
            except (Failed, aiohttp.ClientError):
                return  # the check itself says what is wrong

    async def _end(self, http: aiohttp.ClientSession, lead_id: str) -> None:
        url, headers = f"{self.url}/api/leads/{lead_id}/outcomes", {"Authorization": f"Bearer {self.key}"}
        async with http.post(url, json=_END, headers=headers | {"Idempotency-Key": f"flow-{lead_id}"}) as answer:
            if answer.status >= 300:
                raise Failed(f"the outcome was answered with {answer.status}")

    def _reached(self, stage: Stage) -> None:
        self._ms.setdefault(stage, round((time.monotonic() - self._began) * 1000))


def _next(reached: dict[Stage, int]) -> str:
    """What the check waited for when it broke off."""
    words = {
        "form": "taken in", "started": "started", "acknowledged": "acknowledged", "delivered": "delivered",
        "ended": "ended",
    }  # fmt: skip
    return next((words[stage] for stage in STAGES if stage not in reached), "over")
