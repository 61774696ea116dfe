"""Plan versions: immutable once stored, because running leads are pinned to them."""

import hashlib
from typing import Any

import asyncpg

from speedlead.domain.plan import Cadence, Plan


class PlanConflict(ValueError):
    """This id and version are stored with other contents: a changed plan needs a new version."""


class PlanStore:
    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def publish(self, plan: Plan) -> bool:
        """True when it is new. Raises PlanConflict."""
        body = plan.model_dump(mode="json", by_alias=True)
        sha = hashlib.sha256(plan.model_dump_json(by_alias=True).encode()).hexdigest()
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
        body = await self._pool.fetchval("select body from plan where id = $1 and version = $2", plan_id, version)
        if body is None:
            raise LookupError(f"plan {plan_id} version {version}: there is no such plan")
        return Plan.model_validate(body)

    async def cadence(self, plan_id: str, version: int) -> Cadence:
        return (await self.plan(plan_id, version)).cadence()
