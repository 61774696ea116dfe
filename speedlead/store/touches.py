"""Touch rows: the gate, the claim before the request, and the record after it (docs/adr/0004).

The gate and the claim are one transaction under a lock on the person, so an opt-out, a reply or a pause committed
before the claim always wins, and one touch is never claimed twice.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from speedlead.domain.outcomes import CallResult
from speedlead.domain.placing import Impossible, PastTouch, Placer, Question
from speedlead.place_finder import PlaceFinder
from speedlead.records import (
    CallSoFar,
    Claim,
    ClaimAnswer,
    Claimed,
    Deferred,
    Doubtful,
    Ended,
    Leased,
    Purpose,
    Skipped,
)
from speedlead.store.reach import LEAD_WITH_REACH, consents_of, evidence_of, number_history
from speedlead.store.story import tell_story

_ADDRESS = {"email": "email", "call": "phone", "sms": "sms_phone"}
# what a refusal of an address closes: a number that takes no texts may still be called
_BAD = {
    "email": "update person_email set bad_reason = $3 where person_id = $1 and address = $2",
    "call": "update person_phone set bad_reason = $3 where person_id = $1 and number = $2",
    "sms": "update person_phone set sms_bad_reason = $3 where person_id = $1 and number = $2",
}
_FINAL = ("sent", "skipped", "failed", "in_doubt")


class TouchStore:
    def __init__(self, pool: "asyncpg.Pool[Any]", placer: Placer, places: PlaceFinder) -> None:
        self._pool = pool
        self._placer = placer
        self._places = places

    # ── gate and claim ───────────────────────────────────────────────────────────────────────────────────────────────

    async def claim(self, claim: Claim) -> ClaimAnswer:
        async with self._pool.acquire() as connection, connection.transaction():
            lead = await self._locked_lead(connection, claim.lead_id)
            await self._note_promise(connection, claim)
            touch = await connection.fetchrow("select * from touch where id = $1", claim.touch_id)
            if touch is not None and touch["state"] in _FINAL:
                return _ended(touch)
            if touch is not None and touch["state"] == "claimed" and not await self._next_leg(connection, touch, claim):
                if touch["lease_until_wall"] > claim.wall:
                    return Leased(touch["lease_until_wall"])
                return Doubtful(touch["address"], touch["body"], touch["claimed_wall"], claim.leg_id)
            verdict, versions = await self._gate(connection, lead, claim)
            address = lead[_ADDRESS[claim.channel]]
            await self._write_verdict(connection, lead, claim, verdict, versions, address)
            if verdict is None:
                assert address is not None
                return Claimed(address, claim.now)
            return verdict

    @staticmethod
    async def _note_promise(connection: Any, claim: Claim) -> None:
        at, text = claim.promise or (None, None)
        await connection.execute(
            """update lead set clock_offset_us = $2, promise_text = coalesce($4, promise_text),
                   promised_at = case when $4::text is null then promised_at else $3::timestamptz end
               where id = $1 and (clock_offset_us <> $2 or $4::text is not null)""",
            claim.lead_id,
            claim.offset_us,
            at,
            text,
        )

    async def _locked_lead(self, connection: Any, lead_id: str) -> asyncpg.Record:
        person = await connection.fetchval("select person_id from lead where id = $1", lead_id)
        if person is None:
            raise LookupError(f"lead {lead_id}: there is no such lead")
        await connection.execute("select id from person where id = $1 for update", person)
        # read after the lock: what was committed before we got it must be seen
        lead: asyncpg.Record = await connection.fetchrow(LEAD_WITH_REACH, lead_id, None)
        return lead

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
        self, connection: Any, lead: asyncpg.Record, claim: Claim
    ) -> tuple[Deferred | Skipped | None, dict[str, str]]:
        """None when the touch may go out this very moment."""
        wanted = await self._wanted(connection, lead, claim)
        if wanted is not None:
            return wanted, {}
        place = self._places.find(evidence_of(lead))
        answer = self._placer.check(
            Question(
                channel=claim.channel,
                earliest=claim.now,
                latest=None,
                place=place,
                hours=claim.hours,
                slot=None,
                consents=consents_of(lead),
                history=await number_history(connection, lead["phone"], claim.now, claim.touch_id),
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
    async def _wanted(connection: Any, lead: asyncpg.Record, claim: Claim) -> Deferred | Skipped | None:
        if lead["closed_at"] is not None:
            return Skipped("lead_closed")
        suppressed = await connection.fetchval(
            "select reason from suppression where person_id = $1 and channel in ('all', $2) limit 1",
            lead["person_id"],
            claim.channel,
        )
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
        await connection.execute(
            """insert into touch (id, lead_id, person_id, step, channel, purpose, address, state, reason, reasons,
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

    # ── after the request ────────────────────────────────────────────────────────────────────────────────────────────

    async def sent(self, touch_id: str, *, provider_id: str | None, at: datetime, leg_id: str | None = None) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            if leg_id is not None:
                # the rep's phone rings; the touch itself is sent when the lead's phone does
                await connection.execute(
                    "update leg set provider_id = coalesce(provider_id, $2), state = 'ringing' "
                    "where id = $1 and state = 'claimed'",
                    leg_id,
                    provider_id,
                )
                await connection.execute(
                    "update touch set provider_id = coalesce(provider_id, $2) where id = $1", touch_id, provider_id
                )
                return
            touch = await connection.fetchrow(
                """update touch set state = 'sent', provider_id = coalesce(provider_id, $2),
                       sent_at = coalesce(sent_at, $3),
                       settled_at = coalesce(settled_at, $3) where id = $1 and state = 'claimed' returning *""",
                touch_id,
                provider_id,
                at,
            )
            if touch is not None:
                await record_sent(connection, touch, at)

    async def release(self, touch_id: str, leg_id: str | None = None) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            if leg_id is not None:
                await connection.execute("delete from leg where id = $1 and state = 'claimed'", leg_id)
            await connection.execute(
                """update touch set state = 'deferred', reason = 'provider_down', reasons = '{provider_down}',
                       lease_until_wall = null where id = $1 and state = 'claimed'""",
                touch_id,
            )

    async def ended(
        self,
        touch_id: str,
        *,
        state: str,
        reason: str,
        at: datetime,
        bad_address: bool = False,
        opted_out: bool = False,
    ) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            touch = await connection.fetchrow(
                """update touch set state = $2, reason = $3, reasons = array[$3], settled_at = $4
                   where id = $1 and state in ('claimed', 'deferred') returning *""",
                touch_id,
                state,
                reason,
                at,
            )
            if touch is None:
                return
            await connection.execute(
                """update leg set state = 'failed', result = $2, ended_at = $3
                   where touch_id = $1 and state in ('claimed', 'ringing')""",
                touch_id,
                reason,
                at,
            )
            if bad_address:
                await connection.execute(_BAD[touch["channel"]], touch["person_id"], touch["address"], reason)
            if opted_out:
                await connection.execute(
                    """insert into suppression (person_id, channel, reason, source, at)
                       values ($1, $2, 'opted_out', 'provider', $3) on conflict do nothing""",
                    touch["person_id"],
                    touch["channel"],
                    at,
                )
            await tell_story(
                connection,
                str(touch["lead_id"]),
                kind=state,
                at=at,
                step=touch["step"],
                reason=reason,
                data={"channel": touch["channel"]},
                dedupe=f"{state}:{touch_id}",
            )

    async def doubtful(self, touch_id: str) -> Ended | Doubtful | None:
        touch = await self._pool.fetchrow("select * from touch where id = $1", touch_id)
        if touch is None or touch["state"] == "deferred":
            return None
        if touch["state"] in _FINAL:
            return _ended(touch)
        return Doubtful(touch["address"], touch["body"], touch["claimed_wall"], None)

    async def look(self, touch_id: str) -> Ended | None:
        touch = await self._pool.fetchrow("select * from touch where id = $1", touch_id)
        return _ended(touch) if touch is not None and touch["state"] in _FINAL else None

    async def call(self, touch_id: str, leg_id: str | None) -> CallSoFar:
        ended = await self.look(touch_id)
        if ended is not None and ended.state == "sent" and ended.call_result is None:
            ended = None  # the lead's phone rings, or they talk
        leg = await self._pool.fetchrow(
            """select * from leg where touch_id = $1 and role = 'rep' and ($2::text is null or id = $2)
               order by claimed_at desc, id desc limit 1""",
            touch_id,
            leg_id,
        )
        if leg is None:
            return CallSoFar(ended, None, leg_known=False, leg_over=False, leg_result=None)
        return CallSoFar(
            ended,
            leg["id"],
            leg_known=leg["state"] != "claimed",
            leg_over=leg["state"] in ("ended", "failed"),
            leg_result=leg["result"],
        )

    async def rung(self, touch_id: str, attempt: str) -> dict[str, str]:
        legs = await self._pool.fetch("select id, rep_id from leg where touch_id = $1 and role = 'rep'", touch_id)
        return {leg["id"]: leg["rep_id"] for leg in legs if leg["id"].startswith(attempt + "-")}

    async def task_over(self, touch_id: str, leg_id: str, *, at: datetime, result: CallResult | None) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            ended = await connection.fetchval(
                """update leg set state = 'ended', result = $2, ended_at = $3 where id = $1 and state <> 'ended'
                   returning id""",
                leg_id,
                result or "rep_no_answer",
                at,
            )
            if ended is None or result is None:
                return
            touch = await connection.fetchrow(
                """update touch set state = 'sent', sent_at = $2, settled_at = $2, call_result = $3
                   where id = $1 and state = 'claimed' returning *""",
                touch_id,
                at,
                result,
            )
            if touch is not None:
                await record_sent(connection, touch, at)

    async def skip(self, lead_id: str, skips: Sequence[tuple[str, str, str, datetime]], now: datetime) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            for step, channel, reason, at in skips:
                written = await connection.fetchval(
                    """insert into touch (id, lead_id, person_id, step, channel, purpose, state, reason, reasons,
                           planned_at, placed_at, settled_at)
                       select $1, id, person_id, $3, $4, 'plan', 'skipped', $5, array[$5], $6, $6, $6
                       from lead where id = $2
                       on conflict (id) do update set state = 'skipped', reason = excluded.reason,
                           reasons = excluded.reasons, settled_at = excluded.settled_at where touch.state = 'deferred'
                       returning id""",
                    f"{lead_id}.{step}",
                    lead_id,
                    step,
                    channel,
                    reason,
                    at,
                )
                if written is not None:
                    await tell_story(
                        connection,
                        lead_id,
                        kind="skipped",
                        at=max(at, now) if at > now else at,
                        step=step,
                        reason=reason,
                        data={"channel": channel},
                        dedupe=f"skipped:{written}",
                    )

    async def put_off(
        self, lead_id: str, step: str, *, reason: str, next_at: datetime | None, now: datetime, purpose: Purpose
    ) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            written = await connection.fetchval(
                """insert into touch (id, lead_id, person_id, step, channel, purpose, state, reason, reasons,
                       planned_at, placed_at, next_at)
                   select $1, id, person_id, $3, 'call', $7, 'deferred', $4, array[$4], $5, $5, $6
                   from lead where id = $2
                   on conflict (id) do update set state = 'deferred', reason = excluded.reason,
                       reasons = excluded.reasons, next_at = excluded.next_at
                       where touch.state in ('claimed', 'deferred')
                   returning id""",
                f"{lead_id}.{step}",
                lead_id,
                step,
                reason,
                now,
                next_at,
                purpose,
            )
            if written is not None:
                await tell_story(
                    connection,
                    lead_id,
                    kind="deferred",
                    at=now,
                    step=step,
                    reason=reason,
                    data={"channel": "call", "next_at": next_at.isoformat() if next_at else None},
                )

    async def history(self, lead_id: str, now: datetime) -> tuple[PastTouch, ...]:
        async with self._pool.acquire() as connection:
            lead = await connection.fetchrow(LEAD_WITH_REACH, lead_id, None)
            return await number_history(connection, lead["phone"] if lead else None, now, None)


async def record_sent(connection: Any, touch: asyncpg.Record, at: datetime) -> None:
    """What follows from a touch that reached the provider: the story, the lead's stage and its first attempt."""
    if touch["purpose"] == "acknowledgement":
        await connection.execute(
            """update lead set acknowledged_at = coalesce(acknowledged_at, $2),
                   stage = case when stage = 'new' then 'acknowledged' else stage end where id = $1""",
            touch["lead_id"],
            at,
        )
    else:
        await connection.execute(
            """update lead set first_attempt_at = coalesce(first_attempt_at, $2),
                   stage = case when stage in ('new', 'acknowledged', 'assigned') then 'attempting' else stage end,
                   next_step = null, next_touch_at = null, next_why = 'waiting_for_answer'
               where id = $1""",
            touch["lead_id"],
            at,
        )
    await tell_story(
        connection,
        str(touch["lead_id"]),
        kind="sent",
        at=at,
        step=touch["step"],
        data={"channel": touch["channel"], "purpose": touch["purpose"]},
        dedupe=f"sent:{touch['id']}",
    )


def _ended(touch: asyncpg.Record) -> Ended:
    result = touch["call_result"]
    return Ended(
        touch["state"],
        touch["settled_at"] or touch["sent_at"] or touch["claimed_at"],
        touch["reason"],
        CallResult(result) if result else None,
    )
