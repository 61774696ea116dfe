"""A season of leads into a migrated, empty Postgres by COPY: the same seed writes the same leads."""

import json
from bisect import bisect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from speedlead.demo.season import shapes
from speedlead.demo.season.life import Life
from speedlead.demo.season.record import Rep, Rows, Season
from speedlead.experiments import text
from speedlead.experiments.reading import planned_size
from speedlead.planbook import load_plan
from speedlead.store import rollup
from speedlead.store.plans import fingerprint

CHUNK = 2_000
# in the order of the foreign keys
COLUMNS = {
    "person": "id name company created_at",
    "person_email": "address person_id verified bad_reason created_at",
    "person_phone": "number person_id verified bad_reason created_at",
    "lead": "id person_id form_key lead_type intent source segment country region tz zone stage owner_id plan_id "
            "plan_version created_at created_wall plan_stopped open_at first_attempt_due first_attempt_target "
            "promised_at assign_due acknowledged_at assigned_at accepted_at first_attempt_at first_contact_at "
            "decided_at next_touch_at next_step next_why closed_at close_reason variants",
    "inquiry": "id lead_id person_id number form_key intent lead_type source channel email phone consent_sms "
               "consent_call consent_text fingerprint submitted_at submitted_wall",
    "assignment": "lead_id inquiry_number rep_id reason weights candidates at",
    "offer": "lead_id rep_id level kind asked_at ended_at result",
    "touch": "id lead_id person_id step channel purpose address state reason reasons planned_at placed_at next_at "
             "claimed_at claimed_wall sent_at settled_at delivery call_result attempts",
    "leg": "id touch_id role rep_id state result claimed_at claimed_wall answered_at ended_at",
    "outcome": "id lead_id rep_id call_result outcome at",
    "reply": "id lead_id person_id channel automatic body received_at due_at answered_at answered_by",
    "breach": "lead_id target phase owner_id due_at found_at ended_at",
    "suppression": "person_id channel reason source at",
    "story": "lead_id at kind step reason data",
}  # fmt: skip
EVENTS = tuple(name for name in COLUMNS if not name.startswith(("person", "lead")))

# what no constraint is made of
_INDEXES = """
select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as made from pg_index i
where i.indrelid = any($1::regclass[]) and not i.indisunique
    and not exists (select from pg_constraint c where c.conindid = i.indexrelid)"""
# of a lead, with its person, inquiry, outcomes and reply, and some to spare
_IDS_A_LEAD = 12

Report = Callable[[int], None]
"""Called with how many leads are written."""


async def fill(
    database_url: str, leads: int, *, until: datetime, days: int = 180, seed: int = 7, report: Report = lambda _: None
) -> dict[str, int]:
    """Rows by table. Raises ValueError when the database has leads already, or a number makes no sense."""
    for name, number, most in (("leads", leads, 5_000_000), ("days", days, 2_000)):
        if not 0 < number <= most:
            raise ValueError(f"{name}: expected 1 to {most:,}, got {number}")
    conn = await asyncpg.connect(database_url)
    try:
        if await conn.fetchval("select exists (select from lead)"):
            raise ValueError("database: expected one without leads; a made-up season does not go next to real ones")
        season = await _prepare(conn, leads, until, days, seed)
        written = dict.fromkeys(COLUMNS, 0)
        arrivals = _arrivals(season.random, leads, until - timedelta(days=days), days, until)
        left_out = await _leave_out(conn)
        for done, (created, place) in enumerate(arrivals, 1):
            Life(season, created, place).live()
            if done % CHUNK == 0 or done == leads:
                await _copy(conn, season.rows, written)
                report(done)
        await _put_back(conn, left_out)
        await rollup.mark_all(conn)
        await conn.execute("vacuum analyze")  # as autovacuum would have done in the meantime
        async for _ in rollup.write_all(conn):
            pass
        for table in ("lead_fact", "lead_stale"):
            await conn.execute(f"vacuum analyze {table}")
        return written
    finally:
        await conn.close()


async def _prepare(conn: Any, leads: int, until: datetime, days: int, seed: int) -> Season:
    chance, plan = Random(seed), load_plan()  # noqa: S311 the same leads every time
    body = json.dumps(plan.model_dump(mode="json", by_alias=True))
    older = max(1, plan.version - 1)
    for version, sha in ((plan.version, fingerprint(plan)), (older, "an older one")):
        await conn.execute(
            "insert into plan (id, version, body, sha256) values ($1, $2, $3, $4) on conflict do nothing",
            plan.id, version, body, sha,
        )  # fmt: skip
    season = Season(
        chance, until, until - timedelta(days=days * (1 - shapes.OLD_PLAN_UNTIL)), (plan.id, older, plan.version), [],
        {table: [] for table in COLUMNS}, apart=(1 << 128) // (_IDS_A_LEAD * leads + 1_000),
    )  # fmt: skip
    tried = text.read(shapes.EXPERIMENT, "season")
    await conn.execute(
        """insert into experiment
               (id, body, author, created_wall, changed_wall, salt, started_wall, ended_wall, ending, planned)
           values ($1, $2, 'season', $3, $3, 'season', $3, $4, 'stopped', $5) on conflict do nothing""",
        tried.id, json.dumps(tried.model_dump(mode="json")), season.changed_at, until, planned_size(tried),
    )  # fmt: skip
    for position, arm in enumerate(tried.arms):
        await conn.execute(
            "insert into experiment_arm (variant, experiment_id, position, key, share) values ($1, $2, $3, $4, $5)",
            f"{tried.id}:{arm.key}", tried.id, position, arm.key, arm.share,
        )  # fmt: skip
        season.variants.append(f"{tried.id}:{arm.key}")
    wanted = min(200, max(4, round(leads / days / shapes.LEADS_A_REP_AND_DAY)))
    week = json.dumps({str(day): [[shapes.OPENS * 60, shapes.CLOSES * 60]] for day in range(5)})
    for n in range(wanted):
        name = shapes.TEAM[n % len(shapes.TEAM)] + (f" {n // len(shapes.TEAM) + 1}" if n >= len(shapes.TEAM) else "")
        season.reps.append(Rep(season.new_id(), chance.uniform(0.7, 1.35), chance.uniform(0.75, 1.25)))
        zone = ("America/New_York", "America/Los_Angeles", "Europe/London")[n % 3]
        await conn.execute(
            "insert into rep (id, name, email, phone, zone, weekly, capacity) values ($1, $2, $3, $4, $5, $6, 400)",
            season.reps[-1].id, name, f"rep-{n + 1}@acme.example", f"+1212555{n:04}", zone, week,
        )  # fmt: skip
    return season


def _arrivals(
    chance: Random, leads: int, begins: datetime, days: int, until: datetime
) -> Iterator[tuple[datetime, shapes.Place]]:
    """When a form comes, and from where, the earliest first."""
    weights = [
        shapes.WEEKDAYS[(begins + timedelta(days=day)).weekday()] * (1 + shapes.GROWTH * day / days)
        for day in range(days)
    ]
    by_day = list(accumulate(weights))
    by_hour, by_place = list(accumulate(shapes.HOURS)), list(accumulate(shapes.PLACES.values()))
    places = list(shapes.PLACES)
    zones = {place.zone: ZoneInfo(place.zone) for place in places}
    found: list[tuple[datetime, int]] = []
    while len(found) < leads:
        which = bisect(by_place, chance.random() * by_place[-1])
        day = begins + timedelta(days=bisect(by_day, chance.random() * by_day[-1]))
        local = datetime(
            day.year, day.month, day.day, bisect(by_hour, chance.random() * by_hour[-1]), chance.randrange(60),
            chance.randrange(60), chance.randrange(1_000_000), zones[places[which].zone],
        ).astimezone(UTC)  # fmt: skip
        if begins <= local < until:
            found.append((local, which))
    return ((at, places[which]) for at, which in sorted(found))


async def _leave_out(conn: Any) -> list[str]:
    """Triggers, because one mark of each lead for reports is enough, and indexes that are quicker made at once.

    Returns how the indexes are made.
    """
    for table in COLUMNS:
        await conn.execute(f"alter table {table} disable trigger user")
    found = await conn.fetch(_INDEXES, list(COLUMNS))
    for row in found:
        await conn.execute(f"drop index {row['name']}")
    return [row["made"] for row in found]


async def _put_back(conn: Any, indexes: list[str]) -> None:
    await conn.execute("set maintenance_work_mem = '256MB'")
    for made in indexes:
        await conn.execute(made)
    for table in COLUMNS:
        await conn.execute(f"alter table {table} enable trigger user")


async def _copy(conn: Any, rows: Rows, written: dict[str, int]) -> None:
    async with conn.transaction():
        for table, names in COLUMNS.items():
            await conn.copy_records_to_table(table, records=rows[table], columns=names.split())
            written[table] += len(rows[table])
            rows[table].clear()
