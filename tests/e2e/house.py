"""The whole product as separate processes, for tests that kill parts of it; rows are read past it, never through it."""

import asyncio
import json
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from speedlead.cadence_client import CadenceClient
from speedlead.cadence_errors import LeadNotFound, LeadUnavailable
from speedlead.credentials import load_or_create
from speedlead.embedded.stack import Stack
from speedlead.payloads import converter_of
from speedlead.sandbox.server import DATABASE
from speedlead.store.pool import open_pool
from speedlead.temporal import connect
from tests.servers import local_settings

PLANS = Path(__file__).parent / "plans"
INTENTS = {"hot": "demo_request", "warm": "webinar", "cold": "newsletter"}
ALWAYS = {str(day): [[0, 1440]] for day in range(7)}
DOWN = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


@dataclass
class House:
    stack: Stack
    http: aiohttp.ClientSession
    key: str
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        return self.stack.settings.public_url

    @property
    def sandbox_url(self) -> str:
        return self.stack.settings.sandbox_url

    # ── people outside ───────────────────────────────────────────────────────────────────────────────────────────────

    async def post(self, lead_type: str = "warm", **changes: str) -> tuple[int, dict[str, Any], dict[str, str]]:
        """(status, body, headers) of an inquiry by a new person."""
        n = next(self.numbers)
        form = {
            "name": f"Person {n}",
            "email": f"person{n}@example.com",
            "phone": f"+1212555{n + 1000:04}",
            "message": "Please tell me more.",
            "intent": INTENTS[lead_type],
            "tz": "America/New_York",
            "consent_sms": "true",
            "consent_call": "true",
            "consent_text": "You may call and text me about this.",
        } | changes
        if lead_type == "cold":
            del form["phone"]
        elif lead_type == "hot":
            await self.person(form["phone"], call="busy")
        headers = {"Authorization": f"Bearer {self.key}"}
        async with self.http.post(f"{self.url}/api/leads", json=form, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None), dict(answer.headers)

    async def submit(self, *lead_types: str) -> list[str]:
        answers = [await self.post(lead_type) for lead_type in lead_types]
        assert [status for status, _, _ in answers] == [202] * len(lead_types)
        return [body["lead_id"] for _, body, _ in answers]

    async def person(self, address: str, **behaviour: object) -> None:
        async with self.http.put(f"{self.sandbox_url}/api/people/{address}", json=behaviour) as answer:
            assert answer.status < 300, await answer.text()

    async def faults(self, **plan: object) -> None:
        async with self.http.put(f"{self.sandbox_url}/api/faults", json=plan) as answer:
            assert answer.status < 300, await answer.text()

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def fetch(self, query: str, *values: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.stack.database_url, timeout=5)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(query, *values)
            return rows
        finally:
            await connection.close(timeout=2)

    async def touches(self, leads: Sequence[str]) -> list[asyncpg.Record]:
        return await self.fetch(
            "select *, lead_id::text as lead from touch where lead_id = any($1::text[]::uuid[]) order by planned_at",
            list(leads),
        )

    async def states(self, leads: Sequence[str]) -> dict[str, int]:
        """How many touches are in each state."""
        found: dict[str, int] = {}
        for touch in await self.touches(leads):
            found[touch["state"]] = found.get(touch["state"], 0) + 1
        return found

    async def until(self, what: str, asked: Callable[[], Awaitable[Any]], within_s: float) -> Any:
        """The first true answer; servers that are down meanwhile are asked again. Fails at the deadline."""
        deadline, last = time.monotonic() + within_s, None
        while time.monotonic() < deadline:
            try:
                last = await asked()
                if last:
                    return last
            except (*DOWN, aiohttp.ClientError, LeadNotFound, LeadUnavailable) as error:
                last = error
            await asyncio.sleep(0.1)
        raise AssertionError(f"not within {within_s:.0f} s: {what}; last answer {last!r}")

    async def all_closed(self, leads: Sequence[str], within_s: float) -> None:
        async def closed() -> bool:
            rows = await self.fetch(
                "select id from lead where closed_at is not null and id = any($1::text[]::uuid[])", list(leads)
            )
            return len(rows) == len(leads)

        try:
            await self.until(f"{len(leads)} leads closed", closed, within_s)
        except AssertionError as error:
            self.assert_nothing_went_twice(leads)
            raise AssertionError(f"{error}\n{await self.picture(leads)}") from None

    async def picture(self, leads: Sequence[str]) -> str:
        """What a failed test needs to be understood."""
        rows = await self.fetch(
            """select id::text as id, lead_type, stage, close_reason, next_step, next_touch_at, next_why from lead
               where id = any($1::text[]::uuid[])""", list(leads))  # fmt: skip
        touches = await self.touches(leads)
        columns = ("step", "state", "reason", "claimed_wall", "sent_at", "attempts", "call_result")
        lines = [f"now {datetime.now(UTC)}"]
        for row in rows:
            lines.append(str(dict(row)))
            lines += [f"    {[t[name] for name in columns]}" for t in touches if t["lead"] == row["id"]]
        return "\n".join(lines)

    # ── the witness ──────────────────────────────────────────────────────────────────────────────────────────────────

    def accepted(self, leads: Sequence[str]) -> list[tuple[str, str, str | None]]:
        """(channel, touch id, leg id) of everything the provider accepted, from its own file."""
        file = sqlite3.connect(f"file:{self.stack.data_dir / DATABASE}?mode=ro", uri=True, timeout=10)
        try:
            rows = file.execute(
                "select channel, touch_id, leg_id from message where direction <> 'inbound' and touch_id is not null"
            ).fetchall()
        finally:
            file.close()
        return [row for row in rows if row[1].split(".")[0] in leads]

    def assert_nothing_went_twice(self, leads: Sequence[str]) -> None:
        seen = self.accepted(leads)
        assert seen, "the provider saw nothing at all"
        # a call attempt is one touch with a leg per phone; the lead's own phone rings once for it
        keys = Counter(leg if channel == "call" else touch for channel, touch, leg in seen)
        keys.update(f"{touch} to the lead" for _, touch, leg in seen if leg and leg.split(".")[2].startswith("lead"))
        twice = [key for key, times in keys.items() if times > 1]
        assert not twice, f"the provider has these twice: {twice}"

    # ── what must hold after every accident ──────────────────────────────────────────────────────────────────────────

    async def assert_every_touch_ended_once(self, leads: Sequence[str], killed: datetime, back: datetime) -> None:
        """`in_doubt` is for a claim that was open while the part was dead, and for nothing else."""
        touches = await self.touches(leads)
        accepted = {touch for _, touch, _ in self.accepted(leads)}
        wrong = []
        for touch in touches:
            state, claimed = touch["state"], touch["claimed_wall"]
            if state == "in_doubt":
                open_then = claimed <= back and (touch["settled_at"] is None or touch["settled_at"] >= killed)
                wrong += [] if open_then else [(touch["id"], "in doubt without a reason")]
            elif state not in ("sent", "skipped", "deferred", "failed"):
                wrong.append((touch["id"], state))
            if state == "sent" and touch["id"] not in accepted:
                wrong.append((touch["id"], "sent, and the provider never saw it"))
            if state in ("skipped", "failed") and touch["id"] in accepted and touch["channel"] != "call":
                wrong.append((touch["id"], f"{state}, and the provider has it"))
        assert not wrong, f"{wrong}\n{await self.picture(leads)}"
        plan = {"hot": 4, "warm": 4, "cold": 4}
        types = {r["id"]: r["lead_type"] for r in await self.fetch("select id::text, lead_type from lead")}
        for lead in leads:
            steps = {t["step"] for t in touches if t["lead"] == lead and t["purpose"] == "plan"}
            assert len(steps) == plan[types[lead]], await self.picture(leads)

    async def assert_no_limbo(self, leads: Sequence[str]) -> None:
        """Every open lead has a workflow that names what it waits for; just after a restart it may take moments."""
        settings = self.stack.settings
        pool = await open_pool(self.stack.database_url, size=2)
        converter = converter_of(settings, load_or_create(settings.data_dir), pool)
        workflows = CadenceClient(await connect(settings.temporal_address, converter=converter))

        async def named() -> bool:
            rows = await self.fetch(
                "select id::text as id from lead where closed_at is null and id = any($1::text[]::uuid[])", list(leads)
            )
            found = [await workflows.status(row["id"]) for row in rows]
            return all(status.why != "started" for status in found)

        try:
            await self.until("every open lead says what comes next", named, 30)
        finally:
            await pool.close()


@asynccontextmanager
async def open_house(folder: Path, plan: str = "fast.yaml", **changes: object) -> AsyncIterator[House]:
    settings = local_settings(folder, plan_file=PLANS / plan, law_file=PLANS / "no_limits.yaml", **changes)
    async with Stack(settings) as stack, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http:
        house = House(stack, http, load_or_create(folder).api_key.get_secret_value())
        connection = await asyncpg.connect(stack.database_url)
        await connection.execute("update rep set weekly = $1::text::jsonb", json.dumps(ALWAYS))
        await connection.close()
        yield house
