"""Touch rows: the gate, the claim before the request, and the record after it (docs/adr/0004).

The gate and the claim are one transaction under a lock on the person, so an opt-out, a reply or a pause committed
before the claim always wins, and one touch is never claimed twice.
"""

from datetime import timedelta
from typing import Any

import asyncpg

from speedlead.domain.outcomes import CallResult
from speedlead.domain.placing import Impossible, Placer, Question
from speedlead.place_finder import PlaceFinder
from speedlead.records import (
    Claim,
    ClaimAnswer,
    Claimed,
    Deferred,
    Doubtful,
    Ended,
    Leased,
    Skipped,
)
from speedlead.store.reach import LEAD_WITH_REACH, consents_of, evidence_of, number_history
from speedlead.store.story import tell_story

_ADDRESS = {"email": "email", "call": "phone", "sms": "sms_phone"}
FINAL = ("sent", "skipped", "failed", "in_doubt")


class Claims:
    """Decides whether a touch may go out this moment, and claims it in the same transaction."""

    def __init__(self, pool: "asyncpg.Pool[Any]", placer: Placer, places: PlaceFinder) -> None:
        self._pool = pool
        self._placer = placer
        self._places = places

    # ── gate and claim ───────────────────────────────────────────────────────────────────────────────────────────────

    async def claim(self, claim: Claim) -> ClaimAnswer:
        async with self._pool.acquire() as connection, connection.transaction():
            lead = await self._locked_lead(connection, claim.lead_id)
            touch, suppressed = await self._so_far(connection, lead, claim)
            if touch is not None and touch["state"] in FINAL:
                return ended_of(touch)
            if touch is not None and touch["state"] == "claimed" and not await self._next_leg(connection, touch, claim):
                if touch["lease_until_wall"] > claim.wall:
                    return Leased(touch["lease_until_wall"])
                return Doubtful(touch["address"], touch["body"], touch["claimed_wall"], claim.leg_id)
            verdict, versions = await self._gate(connection, lead, claim, suppressed)
            address = lead[_ADDRESS[claim.channel]]
            await self._write_verdict(connection, lead, claim, verdict, versions, address)
            if verdict is None:
                assert address is not None
                return Claimed(address, claim.now)
            return verdict

    async def _locked_lead(self, connection: Any, lead_id: str) -> asyncpg.Record:
        # the lead's row as well, before routing takes it: what goes out now waits for nobody
        locked = await connection.fetchval(
            """select p.id from person p join lead l on l.person_id = p.id where l.id = $1
               for no key update of p, l""",
            lead_id,
        )
        if locked is None:
            raise LookupError(f"lead {lead_id}: there is no such lead")
        # read after the lock: what was committed before we got it must be seen
        lead: asyncpg.Record = await connection.fetchrow(LEAD_WITH_REACH, lead_id, None)
        return lead

    @staticmethod
    async def _so_far(connection: Any, lead: asyncpg.Record, claim: Claim) -> tuple[asyncpg.Record | None, str | None]:
        """The touch as it stands, and why the person may not be reached on its channel."""
        found = await connection.fetchrow(
            """select (select reason from suppression where person_id = $2 and channel in ('all', $3) limit 1)
                   as suppressed, t.* from (values (1)) one left join touch t on t.id = $1""",
            claim.touch_id,
            lead["person_id"],
            claim.channel,
        )
        return found if found["id"] is not None else None, found["suppressed"]

    @staticmethod
    async def _next_leg(connection: Any, touch: asyncpg.Record, claim: Claim) -> bool:
        """A call attempt whose rep did not accept rings the next rep: the same touch, a leg of its own."""
        if claim.leg_id is None:
            return False
        legs = await connection.fetch("select id, state, role from leg where touch_id = $1", touch["id"])
        if any(leg["id"] == claim.leg_id for leg in legs):
            return False
        return all(leg["state"] in ("ended", "failed") and leg["role"] == "rep" for leg in legs)

    async def _gate(
        self, connection: Any, lead: asyncpg.Record, claim: Claim, suppressed: str | None
    ) -> tuple[Deferred | Skipped | None, dict[str, str]]:
        """None when the touch may go out this very moment."""
        wanted = self._wanted(lead, claim, suppressed)
        if wanted is not None:
            return wanted, {}
        place = self._places.find(evidence_of(lead))
        number = lead["phone"] if claim.channel != "email" else None  # caps count what reaches a number
        answer = self._placer.check(
            Question(
                channel=claim.channel,
                earliest=claim.now,
                latest=None,
                place=place,
                hours=claim.hours,
                slot=None,
                consents=consents_of(lead),
                history=await number_history(connection, number, claim.now, claim.touch_id),
                transactional=claim.purpose == "acknowledgement",
            ),
            claim.now,
        )
        if isinstance(answer, Impossible):
            return Skipped(answer.reason, answer.reasons), {}
        versions = {**answer.versions, "zone": next(iter(place.business_zones), "")}
        if answer.at > claim.now:
            return Deferred(answer.at, answer.reasons), versions
        return None, versions

    @staticmethod
    def _wanted(lead: asyncpg.Record, claim: Claim, suppressed: str | None) -> Deferred | Skipped | None:
        if lead["closed_at"] is not None:
            return Skipped("lead_closed")
        # an inquiry after an opt-out still gets one transactional answer by e-mail; after an opt-out from all, nothing
        answer = claim.purpose == "acknowledgement" and claim.channel == "email" and suppressed != "opted_out_all"
        if suppressed is not None and not answer:
            return Skipped("opted_out")
        if claim.purpose == "plan" and lead["plan_stopped"] is not None:
            return Skipped(lead["plan_stopped"])
        if claim.purpose == "plan" and lead["paused_until"] is not None and lead["paused_until"] > claim.now:
            return Deferred(lead["paused_until"], ("paused",))
        if claim.channel == "email" and lead["email"] is None:
            return Skipped("invalid_email" if lead["any_email"] else "no_email")
        if claim.channel != "email" and lead[_ADDRESS[claim.channel]] is None:
            return Skipped("invalid_number" if lead["any_phone"] else "no_phone")
        return None

    async def _write_verdict(
        self,
        connection: Any,
        lead: asyncpg.Record,
        claim: Claim,
        verdict: Deferred | Skipped | None,
        versions: dict[str, str],
        address: str | None,
    ) -> None:
        state, reason, next_at = "claimed", None, None
        reasons: tuple[str, ...] = ()
        if isinstance(verdict, Skipped):
            state, reason, reasons = "skipped", verdict.reason, verdict.reasons
        elif isinstance(verdict, Deferred):
            state, reasons, next_at = "deferred", verdict.reasons, verdict.next_at
            reason = reasons[0] if reasons else "outside_business_hours"
        claimed = verdict is None
        promised_at, promise_text = claim.promise or (None, None)
        await connection.execute(
            """with told as (update lead set clock_offset_us = $22, promise_text = coalesce($24, promise_text),
                       promised_at = case when $24::text is null then promised_at else $23::timestamptz end
                   where id = $2 and (clock_offset_us <> $22 or $24::text is not null))
               insert into touch (id, lead_id, person_id, step, channel, purpose, address, state, reason, reasons,
                   versions, planned_at, placed_at, next_at, claimed_at, claimed_wall, lease_until_wall, settled_at,
                   attempts, subject, body)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
                   $20, $21)
               on conflict (id) do update set address = excluded.address, state = excluded.state,
                   reason = excluded.reason, reasons = excluded.reasons, versions = excluded.versions,
                   placed_at = excluded.placed_at, next_at = excluded.next_at,
                   claimed_at = coalesce(excluded.claimed_at, touch.claimed_at),
                   claimed_wall = excluded.claimed_wall, lease_until_wall = excluded.lease_until_wall,
                   settled_at = excluded.settled_at, attempts = touch.attempts + excluded.attempts,
                   subject = excluded.subject, body = excluded.body""",
            claim.touch_id,
            lead["id"],
            lead["person_id"],
            claim.step,
            claim.channel,
            claim.purpose,
            address,
            state,
            reason,
            list(reasons),
            versions,
            claim.planned_at,
            claim.now,
            next_at,
            claim.now if claimed else None,
            claim.wall if claimed else None,
            claim.wall + timedelta(seconds=claim.lease_s) if claimed else None,
            claim.now if state == "skipped" else None,
            1 if claimed else 0,
            claim.subject,
            claim.body,
            claim.offset_us,
            promised_at,
            promise_text,
        )
        if claimed and claim.purpose != "acknowledgement":
            await connection.execute(
                "update lead set next_step = $2, next_touch_at = $3, next_why = 'in_progress' where id = $1",
                claim.lead_id,
                claim.step,
                claim.now,
            )
        if claimed and claim.leg_id is not None:
            await connection.execute(
                """insert into leg (id, touch_id, role, rep_id, state, claimed_at, claimed_wall, lease_until_wall)
                   values ($1, $2, 'rep', $3, 'claimed', $4, $5, $6)""",
                claim.leg_id,
                claim.touch_id,
                claim.rep_id,
                claim.now,
                claim.wall,
                claim.wall + timedelta(seconds=claim.lease_s),
            )
        if not claimed:
            await tell_story(
                connection,
                claim.lead_id,
                kind=state,
                at=claim.now,
                step=claim.step,
                reason=reason,
                data={"channel": claim.channel, "reasons": list(reasons), "next_at": next_at and next_at.isoformat()},
                dedupe=f"{state}:{claim.touch_id}:{claim.now.isoformat()}",
            )


def ended_of(touch: asyncpg.Record) -> Ended:
    result = touch["call_result"]
    return Ended(
        touch["state"],
        touch["settled_at"] or touch["sent_at"] or touch["claimed_at"],
        touch["reason"],
        CallResult(result) if result else None,
    )
