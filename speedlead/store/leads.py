"""Lead rows as activities read and change them."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import asyncpg

from speedlead.domain.business import Calendars
from speedlead.domain.outcomes import BAD_NUMBER, STOPS_PLAN, CallResult, Outcome
from speedlead.ids import new_id
from speedlead.optout import Scope
from speedlead.records import Answer, LeadRecord, Placement, RepRecord
from speedlead.store import routing
from speedlead.store.notices import ask_for_call
from speedlead.store.optouts import suppress
from speedlead.store.programs import begin_next
from speedlead.store.reach import LEAD_WITH_REACH, mark_number, record_of
from speedlead.store.reps import read_reps
from speedlead.store.rows import daily, lock_person, lock_person_of, put_notice
from speedlead.store.story import tell_story
from speedlead.store.sweeping import end_touches

# a pause without an end. Not Postgres' infinity: the driver reads that as an instant without a zone
_NO_END = datetime(9999, 1, 1, tzinfo=UTC)


# the last thing that was said may reach the workflow after the call
_JUST_OVER = timedelta(minutes=5)
# what was delivered longer ago was heard, or could not be read
_UNHEARD = """
select exists (select from message where lead_id = $1 and (delivered_wall is null or (
    $2::text[] is not null and kind <> 'start' and delivered_wall > clock_timestamp() - interval '1 minute'
    and not (payload->>'message_id' = any($2)))))
"""


class LeadStore:
    def __init__(self, pool: "asyncpg.Pool[Any]", calendars: Calendars | None = None) -> None:
        self._pool = pool
        self._calendars = calendars or Calendars()

    async def read(self, lead_id: str, inquiry_number: int | None = None) -> LeadRecord:
        row = await self._pool.fetchrow(LEAD_WITH_REACH, lead_id, inquiry_number)
        if row is None:
            raise LookupError(f"lead {lead_id}: there is no such lead or inquiry")
        return record_of(row)

    async def reps(self) -> tuple[RepRecord, ...]:
        return await read_reps(self._pool, self._calendars)

    async def assign(self, lead_id: str, rep_id: str, now: datetime) -> str:
        async with self._pool.acquire() as connection, connection.transaction():
            return await routing.assign(connection, lead_id, rep_id, now)

    async def reassign(
        self, lead_id: str, rep_id: str, now: datetime, reason: str, expected_owner: str | None = None
    ) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await routing.reassign(connection, lead_id, rep_id, now, reason, expected_owner)

    async def promised(self, lead_id: str, at: datetime | None, text: str) -> None:
        await self._pool.execute("update lead set promised_at = $2, promise_text = $3 where id = $1", lead_id, at, text)

    async def answer(self, lead_id: str, step: str) -> Answer:
        row = await self._pool.fetchrow(
            """select a.subject, a.body, r.provider_id from answer a
               left join reply r on r.id = a.reply_id and r.channel = 'email'
               where a.lead_id = $1 and 'answer-' || a.number = $2""",
            lead_id,
            step,
        )
        if row is None:
            raise LookupError(f"lead {lead_id}: there is no {step}")
        # a mail without a Message-ID of its own was stored under a digest
        answered = row["provider_id"] if (row["provider_id"] or "").startswith("<") else None
        return Answer(row["subject"], row["body"], answered)

    async def placed(self, placement: Placement) -> None:
        await self._pool.execute(
            """insert into placement (lead_id, step, earliest, at, valid_until, reason, reasons, zones, versions)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
               on conflict (lead_id, step, earliest, at, versions) do update set valid_until = excluded.valid_until,
                   reason = excluded.reason, reasons = excluded.reasons, zones = excluded.zones""",
            placement.lead_id,
            placement.step,
            placement.earliest,
            placement.at,
            placement.valid_until,
            placement.reason,
            placement.reasons,
            placement.zones,
            dict(placement.versions),
        )

    async def next_touch(self, lead_id: str, step: str | None, at: datetime | None, why: str | None) -> None:
        await self._pool.execute(
            "update lead set next_step = $2, next_touch_at = $3, next_why = $4 where id = $1 and closed_at is null",
            lead_id,
            step,
            at,
            why,
        )

    async def stage(self, lead_id: str, stage: str) -> None:
        await self._pool.execute("update lead set stage = $2 where id = $1 and closed_at is null", lead_id, stage)

    async def tell(
        self,
        lead_id: str,
        *,
        dedupe: str,
        audience: str,
        kind: str,
        at: datetime,
        rep_id: str | None = None,
        reason: str | None = None,
        due: datetime | None = None,
    ) -> bool:
        written = await self._pool.fetchval(
            """insert into notice (id, lead_id, rep_id, audience, kind, reason, due_at, at, dedupe)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (dedupe) do nothing returning id""",
            new_id(),
            lead_id,
            rep_id,
            audience,
            kind,
            reason,
            due,
            at,
            f"{lead_id}:{dedupe}",
        )
        return written is not None

    async def in_talk(self, lead_id: str, now: datetime) -> bool:
        return bool(
            await self._pool.fetchval(
                """select exists (
                       select from (select channel, provider_id from reply where lead_id = $1 and not automatic
                                    order by received_at desc, id desc limit 1) y
                       join inbound_call c on c.call_sid = split_part(y.provider_id, ':', 1)
                       where y.channel = 'call' and y.provider_id <> c.call_sid
                           and (c.ended_at is null or c.ended_at > $2))""",
                lead_id, now - _JUST_OVER,
            )
        )  # fmt: skip

    async def ask_for_call(self, lead_id: str, leg_id: str, rep_id: str, *, at: datetime, due: datetime | None) -> None:
        await ask_for_call(self._pool, lead_id, leg_id, rep_id, at=at, due=due)

    async def alert(
        self, lead_id: str, *, kind: str, channel: str, at: datetime, reason: str, hourly: bool = False
    ) -> None:
        await put_notice(
            self._pool, audience="ops", kind=kind, at=at, lead_id=lead_id, reason=reason,
            dedupe=daily(kind, channel, at) + (f"T{at:%H}" if hourly else ""),
        )  # fmt: skip

    async def story(
        self,
        lead_id: str,
        *,
        kind: str,
        at: datetime,
        dedupe: str | None = None,
        step: str | None = None,
        reason: str | None = None,
        data: dict[str, object] | None = None,
    ) -> None:
        await tell_story(self._pool, lead_id, kind=kind, at=at, dedupe=dedupe, step=step, reason=reason, data=data)

    async def outcome(
        self,
        lead_id: str,
        *,
        dedupe: str,
        at: datetime,
        call_result: CallResult | None,
        outcome: Outcome | None,
        until: datetime | None,
        reason: str | None,
        rep_id: str | None,
        touch_id: str | None,
    ) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            # one that came through our own doors has its row and story already
            if await connection.fetchval("select true from message where id::text = $1", dedupe):
                return
            await tell_story(
                connection,
                lead_id,
                kind="outcome",
                at=at,
                reason=reason,
                dedupe=f"outcome:{dedupe}",
                data={
                    "call_result": call_result,
                    "outcome": outcome,
                    "until": until and until.isoformat(),
                    "rep_id": rep_id,
                },
            )
            await connection.execute(
                """insert into outcome (id, lead_id, call_result, outcome, reason, until_at, at)
                   values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing""",
                # the same on every attempt: a repeat after a lost answer is not a second outcome
                str(uuid.uuid5(uuid.UUID(lead_id), dedupe)),
                lead_id,
                call_result,
                outcome,
                reason,
                until,
                at,
            )
            if call_result is CallResult.CONNECTED:
                await connection.execute(
                    "update lead set first_contact_at = coalesce(first_contact_at, $2) where id = $1", lead_id, at
                )
            if outcome in STOPS_PLAN:
                await connection.execute("update lead set plan_stopped = $2 where id = $1", lead_id, outcome)
            if outcome is Outcome.CALLBACK_REQUESTED:
                await connection.execute(
                    "update lead set plan_stopped = null, paused_until = $2 where id = $1", lead_id, until
                )
            if call_result is not None and call_result in BAD_NUMBER:
                person_id = await connection.fetchval("select person_id from lead where id = $1", lead_id)
                await mark_number(connection, lead_id, person_id, call_result, touch_id)

    async def opt_out(
        self, lead_id: str, *, scope: str, source: str, at: datetime, message_id: str | None = None
    ) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            ours = "select exists (select from message where lead_id = $1 and kind = 'opt_out' and id::text = $2)"
            if message_id is not None and await connection.fetchval(ours, lead_id, message_id):
                return
            person = await lock_person_of(connection, lead_id)
            assert person is not None
            if await suppress(connection, person, cast(Scope, scope), source=source, at=at):
                await tell_story(connection, lead_id, kind="opt_out", at=at, reason="opted_out", data={"scope": scope})

    async def pause(self, lead_id: str, *, until: datetime | None, paused: bool) -> None:
        await self._pool.execute(
            "update lead set paused_until = $2 where id = $1", lead_id, (until or _NO_END) if paused else None
        )

    async def stop(self, lead_id: str) -> None:
        """Nothing of the plan goes out from here on; the lead itself closes when its workflow says so."""
        await self._pool.execute(
            "update lead set plan_stopped = coalesce(plan_stopped, 'stopped') where id = $1", lead_id
        )

    async def close(
        self, lead_id: str, *, reason: str, stage: str, at: datetime, heard: Sequence[str] | None = None
    ) -> bool:
        """False: something was said to the lead that is none of `heard`, the newest that its workflow knew of."""
        async with self._pool.acquire() as connection, connection.transaction():
            person = await connection.fetchval("select person_id from lead where id = $1", lead_id)
            if person is None:
                return True
            await lock_person(connection, person)
            # intake locks the same row before it adds a message, so neither can miss the other
            lead = await connection.fetchrow("select * from lead where id = $1 for update", lead_id)
            if lead is None or lead["closed_at"] is not None:
                return True
            if await connection.fetchval(_UNHEARD, lead_id, heard):
                return False
            await connection.execute(
                """update lead set closed_at = $2::timestamptz, close_reason = $3, stage = $4, next_step = null,
                       next_touch_at = null, next_why = null,
                       decided_at = coalesce(decided_at, case when $4 <> 'exhausted' then $2::timestamptz end)
                   where id = $1""",
                lead_id,
                at,
                reason,
                stage,
            )
            await end_touches(connection, lead_id, at)
            await tell_story(connection, lead_id, kind="closed", at=at, reason=reason, dedupe="closed")
            await begin_next(connection, lead, reason=reason, stage=stage, at=at)
            return True
