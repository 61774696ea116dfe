"""Plan versions: immutable once stored, because running leads are pinned to them; and which one new leads start on."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from speedlead.domain.plan import Cadence, Plan

COMES_INTO_USE_AFTER = timedelta(seconds=3)
"""By then every process has read it, so that nobody decides for a lead whose plan it does not know."""

_IN_USE = """
select id, version from plan where used_wall <= clock_timestamp() order by used_wall desc, version desc limit 1"""


class PlanConflict(ValueError):
    """This id and version are stored with other contents: a changed plan needs a new version."""


@dataclass(frozen=True, slots=True)
class Version:
    """`published_by` is None for one that came from a file at a start; `leads`: open ones that follow it."""

    plan_id: str
    version: int
    published_wall: datetime
    used_wall: datetime | None
    published_by: str | None
    note: str
    leads: int


class PlanStore:
    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def publish(self, plan: Plan) -> bool:
        """Stores it; True when it is new. Raises PlanConflict."""
        body = plan.model_dump(mode="json", by_alias=True)
        sha = fingerprint(plan)
        known = await self._pool.fetchval(
            """with added as (insert into plan (id, version, body, sha256) values ($1, $2, $3, $4)
                   on conflict do nothing returning sha256)
               select coalesce((select sha256 || '*' from added),
                   (select sha256 from plan where id = $1 and version = $2))""",
            plan.id, plan.version, body, sha)  # fmt: skip
        if known.rstrip("*") != sha:
            raise PlanConflict(
                f"plan {plan.id} version {plan.version} is stored with other contents: raise its version"
            )
        return bool(known.endswith("*"))

    async def plan(self, plan_id: str, version: int) -> Plan:
        """Raises LookupError."""
        return await plan_of(self._pool, plan_id, version)

    async def taken(self, lead_id: str, plan_id: str, version: int) -> None:
        """The lead follows this version from now on."""
        await self._pool.execute(
            "update lead set plan_id = $2, plan_version = $3 where id = $1 and closed_at is null",
            lead_id, plan_id, version,
        )  # fmt: skip

    async def cadence(self, plan_id: str, version: int) -> Cadence:
        return (await self.plan(plan_id, version)).cadence()


def fingerprint(plan: Plan) -> str:
    return hashlib.sha256(plan.model_dump_json(by_alias=True).encode()).hexdigest()


async def plan_of(conn: Any, plan_id: str, version: int) -> Plan:
    """Raises LookupError."""
    body = await conn.fetchval("select body from plan where id = $1 and version = $2", plan_id, version)
    if body is None:
        raise LookupError(f"plan {plan_id} version {version}: there is no such plan")
    return Plan.model_validate(body)


async def in_use(conn: Any) -> tuple[str, int] | None:
    """What new leads start on; None in a database that has never been started on."""
    row = await conn.fetchrow(_IN_USE)
    return (row["id"], row["version"]) if row is not None else None


async def published(conn: Any) -> tuple[list[tuple[str, int]], tuple[str, int] | None]:
    """Every version, and the one in use."""
    rows = await conn.fetch("select id, version from plan")
    return [(row["id"], row["version"]) for row in rows], await in_use(conn)


async def publish_next(conn: Any, plan: Plan, *, who: str, note: str) -> Plan:
    """Stores it under the next version number of its id and brings it into use; within the caller's transaction.

    A program is in use as soon as it is stored, and never for inquiries: others begin it, in its newest version.
    """
    plan = await store_next(conn, plan, who=who, note=note)
    if plan.program is not None:
        return plan
    await use(conn, plan.id, plan.version)
    return plan


async def store_next(conn: Any, plan: Plan, *, who: str, note: str) -> Plan:
    """The same without bringing it into use."""
    await conn.execute("select pg_advisory_xact_lock(hashtext('plan:' || $1))", plan.id)
    newest = await conn.fetchval("select coalesce(max(version), 0) from plan where id = $1", plan.id)
    plan = plan.model_copy(update={"version": newest + 1})
    await conn.execute(
        "insert into plan (id, version, body, sha256, published_by, note) values ($1, $2, $3, $4, $5, $6)",
        plan.id, plan.version, plan.model_dump(mode="json", by_alias=True), fingerprint(plan), who, note,
    )  # fmt: skip
    return plan


async def use(conn: Any, plan_id: str, version: int) -> None:
    """New leads start on it, a few seconds from now by the clock that says what is in use: the database's.

    The one in use stays in use all the while; another that was about to follow it does not. Raises LookupError.
    """
    if await in_use(conn) == (plan_id, version):
        await conn.execute("update plan set used_wall = null where not used_wall <= clock_timestamp()")
        return
    changed = await conn.execute(
        "update plan set used_wall = clock_timestamp() + $3::interval where id = $1 and version = $2",
        plan_id, version, COMES_INTO_USE_AFTER,
    )  # fmt: skip
    if changed == "UPDATE 0":
        raise LookupError(f"plan {plan_id} version {version}: there is no such plan")


async def from_file(pool: "asyncpg.Pool[Any]", plan: Plan) -> None:
    """At a start: a version that nobody knew comes into use, one that is known changes nothing. Raises PlanConflict."""
    new = await stored(pool, plan)
    if new is None:
        return
    await pool.execute(
        """update plan set used_wall = clock_timestamp() where id = $1 and version = $2
           and ($3 or not exists (select from plan where used_wall is not null))""",
        plan.id, plan.version, new,
    )  # fmt: skip


async def stored(pool: "asyncpg.Pool[Any]", plan: Plan) -> bool | None:
    """Was this version new? None: somebody has published one of that number by hand, which has overtaken the file.

    Raises PlanConflict.
    """
    try:
        return await PlanStore(pool).publish(plan)
    except PlanConflict:
        by_hand = "select published_by is not null from plan where id = $1 and version = $2"
        if await pool.fetchval(by_hand, plan.id, plan.version):
            return None
        raise


async def newest(conn: Any, plan_id: str) -> Plan | None:
    """The highest version of that id; a program that begins has this one."""
    body = await conn.fetchval("select body from plan where id = $1 order by version desc limit 1", plan_id)
    return Plan.model_validate(body) if body is not None else None


async def versions(conn: Any) -> list[Version]:
    """What came into use last is first."""
    rows = await conn.fetch(
        """select p.id as plan_id, p.version, p.published_wall, p.used_wall, p.published_by, p.note,
               (select count(*)::int from lead l where l.closed_at is null
                    and (l.plan_id, l.plan_version) = (p.id, p.version)) as leads
           from plan p order by p.used_wall desc nulls last, p.id, p.version desc"""
    )
    return [Version(**row) for row in rows]
