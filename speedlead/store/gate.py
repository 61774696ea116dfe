"""The gate of the lead's own leg: between the rep's key press and the lead's phone (docs/adr/0004)."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg

from speedlead.domain.business import Calendars
from speedlead.domain.hours import Weekly
from speedlead.domain.opening import call_hours
from speedlead.domain.placing import Impossible
from speedlead.domain.schedule import Asker
from speedlead.gateway.deps import LegPermit
from speedlead.ids import leg_id as make_leg_id
from speedlead.plan_shelf import Source, plan_of
from speedlead.ports import Clock
from speedlead.records import facts_of, team_of
from speedlead.store.asking import Asking
from speedlead.store.leads import LeadStore
from speedlead.store.reach import evidence_of, lock_number, locked_lead, record_of
from speedlead.store.transactions import transact
from speedlead.store.voicemail import when_a_machine_answers

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
        self, pool: "asyncpg.Pool[Any]", asking: Asking, plan: Source, calendars: Calendars, clock: Clock,
        caller_id: str,
    ) -> None:  # fmt: skip
        self._pool = pool
        self._asking = asking
        self._plan = plan
        self._calendars = calendars
        self._clock = clock
        self._caller_id = caller_id

    async def claim_lead_leg(self, leg_id: str) -> LegPermit:
        """Raises StoreUnavailable, in time for the provider to hear that nobody is dialled."""
        return await transact(self._pool, lambda connection: self._claim(connection, leg_id))

    async def _claim(self, connection: Any, leg_id: str) -> LegPermit:
        found = await connection.fetchrow(
            "select t.lead_id, t.id as touch_id from leg g join touch t on t.id = g.touch_id "
            "where g.id = $1 and g.role = 'rep'", leg_id)  # fmt: skip
        if found is None:
            return self._refuse("", "unknown_call")
        lead = await locked_lead(connection, found["lead_id"])
        assert lead is not None  # foreign keys keep all three
        if lead["phone"] is not None:
            await lock_number(connection, lead["phone"])
        rep_leg = await connection.fetchrow("select * from leg where id = $1 for update", leg_id)
        touch = await connection.fetchrow("select * from touch where id = $1 for update", found["touch_id"])
        assert rep_leg is not None
        assert touch is not None
        lead_leg = make_leg_id(touch["id"], "lead-" + leg_id.rsplit("rep-", 1)[-1])
        known = await connection.fetch(
            "select id, state, voicemail from leg where touch_id = $1 and role = 'lead'", touch["id"]
        )
        # the provider asks again for an answer that it lost: the lead's phone has not rung yet
        again = [(row["id"], row["state"]) for row in known] == [(lead_leg, "claimed")]
        reason = await self._refusal(connection, lead, touch, rep_leg, bool(known) and not again)
        if reason is not None:
            return self._refuse(lead_leg, reason)
        if again:
            return LegPermit(True, lead["phone"], self._caller_id, lead_leg, None, "", known[0]["voicemail"] or "stay")
        now, wall = self._clock.business(lead["clock_offset_us"]), self._clock.wall()
        voicemail = await when_a_machine_answers(connection, self._asking, lead, now)
        await connection.execute(
            """insert into leg (id, touch_id, role, state, claimed_at, claimed_wall, lease_until_wall, voicemail)
               values ($1, $2, 'lead', 'claimed', $3, $4, $5, $6)""",
            lead_leg, touch["id"], now, wall, wall + timedelta(minutes=2), voicemail)  # fmt: skip
        return LegPermit(True, lead["phone"], self._caller_id, lead_leg, None, "", voicemail)

    async def _refusal(
        self, connection: Any, lead: asyncpg.Record, touch: asyncpg.Record, rep_leg: asyncpg.Record, dialled: bool
    ) -> str | None:
        if rep_leg["state"] in ("ended", "failed") or touch["state"] != "claimed" or dialled:
            return "superseded"
        if lead["closed_at"] is not None:
            return "lead_closed"
        if await connection.fetchval(
            "select exists (select from barred where person_id = $1 and channel in ('all', 'call'))",
            lead["person_id"],
        ):
            return "opted_out"
        planned = touch["purpose"] == "plan"
        if planned and lead["plan_stopped"] is not None:
            return str(lead["plan_stopped"])
        if lead["phone"] is None or lead["phone"] != touch["address"]:
            return "invalid_number"
        now = self._clock.business(lead["clock_offset_us"])
        if planned and lead["paused_until"] is not None and lead["paused_until"] > now:
            return "paused"
        answer, _ = await self._asking.permitted(
            connection,
            lead,
            channel="call",
            number=lead["phone"],
            now=now,
            touch_id=touch["id"],
            hours=await self._hours(connection, lead, now) if planned else None,
        )
        if isinstance(answer, Impossible):
            return answer.reason
        return answer.reasons[0] if answer.at > now and answer.reasons else None if answer.at <= now else "quiet_hours"

    async def _hours(self, connection: Any, lead: asyncpg.Record, now: datetime) -> Weekly | None:
        reps = await LeadStore(connection, self._calendars).reps()
        record = record_of(lead)
        place = self._asking.places.find(evidence_of(lead))
        question = Asker(place, record.consents, plan_of(self._plan, record).hours).question("call", now)
        return call_hours(self._asking.placer.place, question, team_of(reps), facts_of(record, place))

    def _refuse(self, lead_leg: str, reason: str) -> LegPermit:
        say = _SAY.get(reason, "This lead may not be called at this moment.")
        return LegPermit(False, None, self._caller_id, lead_leg, reason, say)
