"""The gate of the lead's own leg: between the rep's key press and the lead's phone (docs/adr/0004)."""

from datetime import timedelta
from typing import Any

import asyncpg

from speedlead.domain.placing import Impossible, Placer, Question
from speedlead.domain.plan import Plan
from speedlead.gateway.deps import LegPermit
from speedlead.ids import leg_id as make_leg_id
from speedlead.place_finder import PlaceFinder
from speedlead.ports import Clock
from speedlead.store.reach import LEAD_WITH_REACH, consents_of, evidence_of, number_history

_SAY = {
    "opted_out": "This person has asked not to be contacted.",
    "lead_closed": "This lead has been closed.",
    "replied": "This lead has just replied in writing.",
    "paused": "This lead is on hold.",
    "superseded": "This call has been taken by somebody else.",
}


class LegGate:
    """Fails closed: whatever cannot be proven permitted this moment is not dialled."""

    def __init__(
        self, pool: "asyncpg.Pool[Any]", placer: Placer, places: PlaceFinder, plan: Plan, clock: Clock, caller_id: str
    ) -> None:
        self._pool = pool
        self._placer = placer
        self._places = places
        self._plan = plan
        self._clock = clock
        self._caller_id = caller_id

    async def claim_lead_leg(self, leg_id: str) -> LegPermit:
        async with self._pool.acquire() as connection, connection.transaction():
            found = await connection.fetchrow(
                "select t.person_id, t.lead_id, t.id as touch_id from leg g join touch t on t.id = g.touch_id "
                "where g.id = $1 and g.role = 'rep'", leg_id)  # fmt: skip
            if found is None:
                return self._refuse("", "unknown_call")
            await connection.execute("select id from person where id = $1 for update", found["person_id"])
            rep_leg = await connection.fetchrow("select * from leg where id = $1 for update", leg_id)
            touch = await connection.fetchrow("select * from touch where id = $1 for update", found["touch_id"])
            lead = await connection.fetchrow(LEAD_WITH_REACH, found["lead_id"], None)
            assert rep_leg is not None  # foreign keys keep all three
            assert touch is not None
            assert lead is not None
            lead_leg = make_leg_id(touch["id"], "lead-" + leg_id.rsplit("rep-", 1)[-1])
            known = await connection.fetch(
                "select id, state from leg where touch_id = $1 and role = 'lead'", touch["id"]
            )
            # the provider asks again for an answer that it lost: the lead's phone has not rung yet
            again = [(row["id"], row["state"]) for row in known] == [(lead_leg, "claimed")]
            reason = await self._refusal(connection, lead, touch, rep_leg, bool(known) and not again)
            if reason is not None:
                return self._refuse(lead_leg, reason)
            if again:
                return LegPermit(True, lead["phone"], self._caller_id, lead_leg, None, "")
            now, wall = self._clock.business(lead["clock_offset_us"]), self._clock.wall()
            await connection.execute(
                """insert into leg (id, touch_id, role, state, claimed_at, claimed_wall, lease_until_wall)
                   values ($1, $2, 'lead', 'claimed', $3, $4, $5)""",
                lead_leg, touch["id"], now, wall, wall + timedelta(minutes=2))  # fmt: skip
            return LegPermit(True, lead["phone"], self._caller_id, lead_leg, None, "")

    async def _refusal(
        self, connection: Any, lead: asyncpg.Record, touch: asyncpg.Record, rep_leg: asyncpg.Record, dialled: bool
    ) -> str | None:
        if rep_leg["state"] in ("ended", "failed") or touch["state"] != "claimed" or dialled:
            return "superseded"
        if lead["closed_at"] is not None:
            return "lead_closed"
        if await connection.fetchval(
            "select exists (select from suppression where person_id = $1 and channel in ('all', 'call'))",
            lead["person_id"],
        ):
            return "opted_out"
        if touch["purpose"] == "plan" and lead["plan_stopped"] is not None:
            return str(lead["plan_stopped"])
        if lead["phone"] is None or lead["phone"] != touch["address"]:
            return "invalid_number"
        now = self._clock.business(lead["clock_offset_us"])
        if touch["purpose"] == "plan" and lead["paused_until"] is not None and lead["paused_until"] > now:
            return "paused"
        answer = self._placer.check(
            Question(
                channel="call",
                earliest=now,
                latest=None,
                place=self._places.find(evidence_of(lead)),
                hours=self._plan.hours.get("call") if touch["purpose"] == "plan" else None,
                slot=None,
                consents=consents_of(lead),
                history=await number_history(connection, lead["phone"], now, touch["id"]),
            ),
            now,
        )
        if isinstance(answer, Impossible):
            return answer.reason
        return answer.reasons[0] if answer.at > now and answer.reasons else None if answer.at <= now else "quiet_hours"

    def _refuse(self, lead_leg: str, reason: str) -> LegPermit:
        say = _SAY.get(reason, "This lead may not be called at this moment.")
        return LegPermit(False, None, self._caller_id, lead_leg, reason, say)
