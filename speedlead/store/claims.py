"""Touch rows: the gate, the claim before the request, and the record after it (docs/adr/0004).

The gate and the claim are one transaction under a lock on the person, so an opt-out, a reply or a pause committed
before the claim always wins, and one touch is never claimed twice. What rings or texts a number holds the number's lock
too, so its caps hold for everybody who shares it.
"""

from datetime import datetime, timedelta
from typing import Any

import asyncpg

from speedlead.domain.outcomes import CallResult
from speedlead.domain.placing import Impossible, Placer
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
from speedlead.store.asking import Asking
from speedlead.store.reach import lock_number, locked_lead
from speedlead.store.story import tell_story

_ADDRESS = {"email": "email", "call": "phone", "sms": "sms_phone"}
FINAL = ("sent", "skipped", "failed", "in_doubt")


class Claims:
    """Decides whether a touch may go out this moment, and claims it in the same transaction."""

    def __init__(self, pool: "asyncpg.Pool[Any]", placer: Placer, places: PlaceFinder) -> None:
        self._pool = pool
        self._asking = Asking(placer, places)

    # ── gate and claim ───────────────────────────────────────────────────────────────────────────────────────────────

    async def claim(self, claim: Claim) -> ClaimAnswer:
        async with self._pool.acquire() as connection, connection.transaction():
            lead = await locked_lead(connection, claim.lead_id)
            if lead is None:
                raise LookupError(f"lead {claim.lead_id}: there is no such lead")
            address = lead[_ADDRESS[claim.channel]]
            number = address if claim.channel != "email" else None
            if number is not None:
                await lock_number(connection, number)
            touch, suppressed, written_from = await self._so_far(connection, lead, claim)
            address = written_from or address
            if touch is not None and touch["state"] in FINAL:
                return ended_of(touch)
            if touch is not None and touch["state"] == "claimed" and not await self._next_leg(connection, touch, claim):
                if touch["lease_until_wall"] > claim.wall:
                    return Leased(touch["lease_until_wall"])
                return doubtful_of(touch)
            verdict, versions, window_end = await self._gate(connection, lead, claim, number, suppressed)
            await self._write_verdict(connection, lead, claim, verdict, versions, address)
            if verdict is None:
                assert address is not None
                return Claimed(address, claim.now, window_end)
            return verdict

    @staticmethod
    async def _so_far(
        connection: Any, lead: asyncpg.Record, claim: Claim
    ) -> tuple[asyncpg.Record | None, str | None, str | None]:
        """The touch as it stands, why the person may not be reached on its channel, and where the mail that this one
        answers came from, if that is known as the person's own.
        """
        found = await connection.fetchrow(
            """select (select max(reason) from barred where person_id = $2 and channel in ('all', $3))
                   as suppressed,
                   (select e.address from answer a join reply y on y.id = a.reply_id
                       join person_email e on e.address = y.sender and e.person_id = $2 and e.bad_reason is null
                       where $3 = 'email' and a.lead_id = $4 and 'answer-' || a.number = $5) as written_from,
                   t.* from (values (1)) one left join touch t on t.id = $1""",
            claim.touch_id,
            lead["person_id"],
            claim.channel,
            lead["id"],
            claim.step if claim.purpose in ("manual", "assistant") else None,
        )
        return found if found["id"] is not None else None, found["suppressed"], found["written_from"]

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
        self, connection: Any, lead: asyncpg.Record, claim: Claim, number: str | None, suppressed: str | None
    ) -> tuple[Deferred | Skipped | None, dict[str, str], datetime | None]:
        """None when the touch may go out this very moment; then also when its permitted window ends."""
        wanted = self._wanted(lead, claim, suppressed)
        if wanted is None and claim.purpose == "assistant" and await self._taken_over(connection, lead):
            wanted = Skipped("with_person")
        if wanted is not None:
            return wanted, {}, None
        answer, place = await self._asking.permitted(
            connection,
            lead,
            channel=claim.channel,
            number=number,
            now=claim.now,
            touch_id=claim.touch_id,
            hours=claim.hours,
            transactional=claim.purpose in ("acknowledgement", "meeting"),
            conversation=claim.purpose in ("manual", "assistant")
            or (claim.purpose == "acknowledgement" and lead["channel"] == "sms"),
        )
        if isinstance(answer, Impossible):
            return Skipped(answer.reason, answer.reasons), {}, None
        versions = {**answer.versions, "zone": next(iter(place.business_zones), "")}
        if answer.at > claim.now:
            return Deferred(answer.at, answer.reasons), versions, None
        if claim.apart_s and (free_at := await self._apart(connection, lead, claim)) is not None:
            return Deferred(free_at, ("message_gap",)), versions, None
        return None, versions, answer.valid_until

    @staticmethod
    async def _taken_over(connection: Any, lead: asyncpg.Record) -> bool:
        """Has a person of ours written, or taken the lead, since? Who books takes it as well: that is confirmed."""
        return bool(
            await connection.fetchval(
                """select exists (select from answer where lead_id = $1 and not assistant)
                       or exists (select from lead where id = $1 and accepted_at is not null)
                           and not exists (select from booking where lead_id = $1 and state = 'booked')""",
                lead["id"],
            )
        )

    @staticmethod
    async def _apart(connection: Any, lead: asyncpg.Record, claim: Claim) -> datetime | None:
        """When the last message to this person, of whichever lead, is long enough ago; None: it is so now."""
        last: datetime | None = await connection.fetchval(
            """select max(claimed_at) from touch where person_id = $1 and id <> $2 and channel in ('email', 'sms')
                   and state in ('claimed', 'sent', 'in_doubt')""",
            lead["person_id"], claim.touch_id,
        )  # fmt: skip
        free_at = last and last + timedelta(seconds=claim.apart_s)
        return free_at if free_at is not None and free_at > claim.now else None

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
            # a pause may have no end: it is asked about again every day
            return Deferred(min(lead["paused_until"], claim.now + timedelta(days=1)), ("paused",))
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
        # nothing of it will go out, and the person may have been erased: no text, no address, no promise
        over = lead["closed_at"] is not None
        promised_at, promise_text = (None if over else claim.promise) or (None, None)
        await connection.execute(
            """with told as (update lead set clock_offset_us = $22, promise_text = coalesce($24, promise_text),
                       promised_at = case when $24::text is null then promised_at else $23::timestamptz end
                   where id = $2 and (clock_offset_us <> $22 or $24::text is not null))
               insert into touch (id, lead_id, person_id, step, channel, purpose, address, state, reason, reasons,
                   versions, planned_at, placed_at, next_at, claimed_at, claimed_wall, lease_until_wall, settled_at,
                   attempts, subject, body, put_off_to)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
                   $20, $21, $14)
               on conflict (id) do update set
                   address = case when $25 then touch.address else excluded.address end,
                   state = case when excluded.state = 'skipped' and touch.doubted_wall is not null then 'in_doubt'
                       else excluded.state end,
                   reason = excluded.reason, reasons = excluded.reasons, versions = excluded.versions,
                   placed_at = excluded.placed_at, next_at = excluded.next_at,
                   put_off_to = coalesce(excluded.put_off_to, touch.put_off_to),
                   claimed_at = coalesce(excluded.claimed_at, touch.claimed_at),
                   claimed_wall = excluded.claimed_wall, lease_until_wall = excluded.lease_until_wall,
                   settled_at = excluded.settled_at, attempts = touch.attempts + excluded.attempts,
                   subject = case when $25 then touch.subject else excluded.subject end,
                   body = case when $25 then touch.body else excluded.body end""",
            claim.touch_id,
            lead["id"],
            lead["person_id"],
            claim.step,
            claim.channel,
            claim.purpose,
            None if over else address,
            state,
            reason,
            list(reasons),
            versions | ({"template": claim.template} if claim.template else {}),
            claim.planned_at,
            claim.now,
            next_at,
            claim.now if claimed else None,
            claim.wall if claimed else None,
            claim.wall + timedelta(seconds=claim.lease_s) if claimed else None,
            claim.now if state == "skipped" else None,
            1 if claimed else 0,
            None if over else claim.subject,
            None if over else claim.body,
            claim.offset_us,
            promised_at,
            promise_text,
            over,
        )
        if claimed and claim.purpose not in ("acknowledgement", "meeting", "assistant"):
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


def doubtful_of(touch: asyncpg.Record) -> Doubtful:
    """Looked for since the first request, if that was in doubt before."""
    return Doubtful(
        address=touch["address"],
        body=touch["body"],
        channel=touch["channel"],
        since_wall=touch["doubted_wall"] or touch["claimed_wall"],
        claimed_at=touch["claimed_at"],
        repeatable=touch["channel"] != "call" and touch["purpose"] != "acknowledgement",
    )
