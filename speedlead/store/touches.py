"""What becomes of a claimed touch: sent, refused, given back, in doubt, passed over (docs/adr/0004)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from speedlead.contracts import Channel, Way
from speedlead.domain.outcomes import CallResult
from speedlead.domain.placing import PastTouch
from speedlead.records import CallSoFar, Doubtful, Ended, Purpose
from speedlead.store.calling_off import take_back
from speedlead.store.claims import FINAL, Claims, doubtful_of, ended_of
from speedlead.store.optouts import suppress
from speedlead.store.presence import missed
from speedlead.store.questions import questions_answered
from speedlead.store.reach import LEAD_WITH_REACH, lost_channel, number_history
from speedlead.store.rows import lock_person
from speedlead.store.story import tell_story
from speedlead.store.sweeping import end_acknowledgement

# what a refusal of an address closes: a number that takes no texts may still be called
_BAD = {
    "email": "update person_email set bad_reason = $3 where person_id = $1 and address = $2",
    "call": "update person_phone set bad_reason = $3 where person_id = $1 and number = $2",
    "sms": "update person_phone set sms_bad_reason = $3 where person_id = $1 and number = $2",
}


class TouchStore(Claims):
    async def sent(self, touch_id: str, *, provider_id: str | None, at: datetime, leg_id: str | None = None) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await _sent(connection, touch_id, provider_id, at, leg_id)

    async def queued(self, leg_id: str, ms: int) -> None:
        await self._pool.execute("update leg set queued_ms = $2 where id = $1", leg_id, ms)

    async def release(self, touch_id: str, leg_id: str | None = None) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            given_back = "delete from leg where id = $1 and state = 'claimed' returning true"
            if leg_id is not None and not await connection.fetchval(given_back, leg_id):
                return  # the provider has told us of this leg: it rings, or is over
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
        whole_number: bool = False,
        opted_out: bool = False,
    ) -> Channel | None:
        async with self._pool.acquire() as connection, connection.transaction():
            # as whoever writes down what the provider reports: else each of the two waits for a row of the other
            person = await connection.fetchval("select person_id from touch where id = $1", touch_id)
            if person is None:
                return None
            await lock_person(connection, person)
            # refused this time: of an earlier request in doubt that says nothing
            touch = await connection.fetchrow(
                """update touch set state = case when doubted_wall is null then $2 else 'in_doubt' end, reason = $3,
                       reasons = array[$3], settled_at = $4
                   where id = $1 and state in ('claimed', 'deferred') returning *""",
                touch_id,
                state,
                reason,
                at,
            )
            if touch is None:
                return None
            await connection.execute(
                """update leg set state = 'failed', result = $2, ended_at = $3
                   where touch_id = $1 and state in ('claimed', 'ringing')""",
                touch_id,
                reason,
                at,
            )
            if bad_address:
                bad_for = "call" if whole_number else touch["channel"]
                await connection.execute(_BAD[bad_for], touch["person_id"], touch["address"], reason)
            if opted_out:
                await suppress(connection, touch["person_id"], touch["channel"], source="provider", at=at)
            await tell_story(
                connection,
                str(touch["lead_id"]),
                kind=touch["state"],
                at=at,
                step=touch["step"],
                reason=reason,
                data={"channel": touch["channel"]},
                dedupe=f"{touch['state']}:{touch_id}",
            )
            return await lost_channel(connection, touch["lead_id"], touch["channel"]) if bad_address else None

    async def doubtful(self, touch_id: str) -> Ended | Doubtful | None:
        touch = await self._pool.fetchrow("select * from touch where id = $1", touch_id)
        if touch is None or (touch["state"] == "deferred" and touch["doubted_wall"] is None):
            return None
        return ended_of(touch) if touch["state"] in FINAL else doubtful_of(touch)

    async def adopt(self, touch_id: str, found: Sequence[str], *, at: datetime, leg_id: str | None = None) -> bool:
        async with self._pool.acquire() as connection, connection.transaction():
            # reconciling is rare: one at a time, so that no two touches take the same message for theirs
            await connection.execute("select pg_advisory_xact_lock(hashtext('adopt'))")
            mine = await connection.fetchval(
                """select id from unnest($2::text[]) with ordinality as f (id, n)
                   where not exists (select from touch t where t.provider_id = f.id and t.id <> $1)
                       and not exists (select from leg g where g.provider_id = f.id and g.touch_id <> $1)
                   order by n limit 1""",
                touch_id,
                list(found),
            )
            if mine is not None:
                await _sent(connection, touch_id, mine, at, leg_id)
            return mine is not None

    async def repeat(self, touch_id: str, at: datetime) -> bool:
        async with self._pool.acquire() as connection, connection.transaction():
            touch = await connection.fetchrow(
                """update touch set state = 'deferred', reason = 'not_confirmed', reasons = '{not_confirmed}',
                       next_at = $2, doubted_wall = coalesce(doubted_wall, claimed_wall), lease_until_wall = null
                   where id = $1 and (state = 'claimed' and doubted_wall is null
                       or state = 'deferred' and reason = 'not_confirmed') returning *""",
                touch_id,
                at,
            )
            if touch is not None:
                await tell_story(
                    connection,
                    str(touch["lead_id"]),
                    kind="deferred",
                    at=at,
                    step=touch["step"],
                    reason="not_confirmed",
                    data={"channel": touch["channel"], "next_at": at.isoformat()},
                    dedupe=f"not_confirmed:{touch_id}",
                )
            return touch is not None

    async def acknowledgement_failed(self, lead_id: str, number: int, at: datetime) -> tuple[Way, ...]:
        async with self._pool.acquire() as connection, connection.transaction():
            person = await connection.fetchval("select person_id from lead where id = $1", lead_id)
            await lock_person(connection, person)
            ended = await end_acknowledgement(connection, lead_id, number, at)
        return tuple(
            Way(at=at, **{name: row[name] for name in ("step", "channel", "state", "reason")}) for row in ended
        )

    async def look(self, touch_id: str) -> Ended | None:
        touch = await self._pool.fetchrow("select * from touch where id = $1", touch_id)
        return ended_of(touch) if touch is not None and touch["state"] in FINAL else None

    async def call(self, touch_id: str, leg_id: str | None) -> CallSoFar:
        ended = await self.look(touch_id)
        if ended is not None and ended.state == "sent" and ended.call_result is None:
            ended = None  # the lead's phone rings, or they talk
        leg = await self._pool.fetchrow(
            """select *, exists (select from leg d where d.touch_id = $1 and d.role = 'lead') as dialled
               from leg where touch_id = $1 and role = 'rep' and ($2::text is null or id = $2)
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
            # once the lead was dialled, the end of the rep's leg does not say that the rep declined
            leg_over=leg["state"] in ("ended", "failed") and not leg["dialled"],
            leg_result=leg["result"],
            rep_id=str(leg["rep_id"]) if leg["rep_id"] is not None else None,
            claimed_at=leg["claimed_at"],
            claimed_wall=leg["claimed_wall"],
            open_call=leg["provider_id"] if leg["state"] in ("ringing", "answered") and not leg["dialled"] else None,
        )

    async def rung(self, touch_id: str, attempt: str) -> dict[str, str]:
        legs = await self._pool.fetch("select id, rep_id from leg where touch_id = $1 and role = 'rep'", touch_id)
        return {leg["id"]: leg["rep_id"] for leg in legs if leg["id"].startswith(attempt + "-")}

    async def call_off(self, touch_id: str, *, state: str, reason: str, at: datetime) -> tuple[str, ...] | None:
        async with self._pool.acquire() as connection, connection.transaction():
            person = await connection.fetchval("select person_id from touch where id = $1", touch_id)
            if person is None:
                return None
            await lock_person(connection, person)
            return await take_back(connection, touch_id, state=state, reason=reason, at=at)

    async def task_over(
        self, touch_id: str, leg_id: str, *, at: datetime, result: CallResult | None, silent: bool = False
    ) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            ended = await connection.fetchrow(
                """update leg set state = 'ended', result = $2, ended_at = $3 from touch t
                   where leg.id = $1 and leg.state not in ('ended', 'failed') and t.id = leg.touch_id
                   returning leg.rep_id, t.lead_id""",
                leg_id,
                result or "rep_no_answer",
                at,
            )
            if ended is not None and silent:
                await missed(connection, ended["rep_id"], ended["lead_id"], leg_id, at)
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
        if not skips:
            return
        async with self._pool.acquire() as connection, connection.transaction():
            for step, channel, reason, at in skips:
                written = await connection.fetchval(
                    """insert into touch (id, lead_id, person_id, step, channel, purpose, state, reason, reasons,
                           planned_at, placed_at, settled_at)
                       select $1, id, person_id, $3, $4, 'plan', 'skipped', $5, array[$5], $6, $6, $6
                       from lead where id = $2
                       on conflict (id) do update set reason = excluded.reason, reasons = excluded.reasons,
                           state = case when touch.doubted_wall is null then 'skipped' else 'in_doubt' end,
                           settled_at = excluded.settled_at where touch.state = 'deferred'
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
        self, lead_id: str, step: str, *, reason: str, next_at: datetime | None, now: datetime, planned_at: datetime,
        purpose: Purpose,
    ) -> None:  # fmt: skip
        async with self._pool.acquire() as connection, connection.transaction():
            written = await connection.fetchval(
                """insert into touch (id, lead_id, person_id, step, channel, purpose, state, reason, reasons,
                       planned_at, placed_at, next_at)
                   select $1, id, person_id, $3, 'call', $7, 'deferred', $4, array[$4], $8, $5, $6
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
                planned_at,
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


async def _sent(connection: Any, touch_id: str, provider_id: str | None, at: datetime, leg_id: str | None) -> None:
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
        """update touch set state = 'sent', reason = null, provider_id = coalesce(provider_id, $2),
               sent_at = coalesce(sent_at, $3), settled_at = coalesce(settled_at, $3)
           where id = $1 and (state = 'claimed' or state in ('deferred', 'in_doubt') and doubted_wall is not null)
           returning *""",
        touch_id,
        provider_id,
        at,
    )
    if touch is not None:
        await record_sent(connection, touch, at)


async def record_sent(connection: Any, touch: asyncpg.Record, at: datetime) -> None:
    """What follows from a touch that reached the provider: the story, the lead's stage and its first attempt."""
    if touch["purpose"] == "acknowledgement":
        await connection.execute(
            """update lead set acknowledged_at = coalesce(acknowledged_at, $2),
                   stage = case when stage = 'new' then 'acknowledged' else stage end where id = $1""",
            touch["lead_id"],
            at,
        )
    elif touch["purpose"] not in ("meeting", "assistant"):  # no person of ours tries to reach the lead by these
        await connection.execute(
            """update lead set first_attempt_at = coalesce(first_attempt_at, $2),
                   stage = case when stage in ('new', 'acknowledged', 'assigned') then 'attempting' else stage end,
                   next_step = null, next_touch_at = null, next_why = 'waiting_for_answer'
               where id = $1""",
            touch["lead_id"],
            at,
        )
    if touch["purpose"] == "manual" and touch["channel"] != "call":
        await questions_answered(connection, touch["lead_id"], at, touch["id"])
    await tell_story(
        connection,
        str(touch["lead_id"]),
        kind="sent",
        at=at,
        step=touch["step"],
        data={"channel": touch["channel"], "purpose": touch["purpose"]},
        dedupe=f"sent:{touch['id']}",
    )
