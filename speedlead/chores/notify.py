"""Tells people of ours outside the house: one chore decides who and how, and one for each channel sends.

A channel that is slow keeps nothing waiting but itself, and no lead waits for any of this: notices are rows already.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from speedlead.alert_words import alert_of
from speedlead.chores.notify_ways import Unreachable, Way
from speedlead.chores.runner import Chore
from speedlead.domain.alert import Alert
from speedlead.domain.business import Calendars
from speedlead.domain.notification import (
    NO_TEXT_AGAIN_WITHIN,
    Channel,
    News,
    Now,
    Person,
    Step,
    Waiting,
    chain,
    decide,
    link_until,
    next_try,
    team_channels,
)
from speedlead.domain.opening import serving
from speedlead.domain.sla import LeadFacts
from speedlead.ports import Clock, SendError, SendErrorKind
from speedlead.records import RepRecord
from speedlead.store import notifications
from speedlead.store.notification_reports import tell_not_reached
from speedlead.store.notifications import Wanted
from speedlead.store.reps import read_reps
from speedlead.store.rows import daily, put_notice

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=5)
# no request takes so long; whatever is still claimed then, its sender has died
LEASE = timedelta(seconds=30)
_NEW_AT_ONCE, _WAITING_AT_ONCE = 100, 500


@dataclass(frozen=True)
class Notifier:
    """`ways`: how each channel that is set up sends. `token`: signs a notification's id for its link."""

    pool: "asyncpg.Pool[Any]"
    clock: Clock
    calendars: Calendars
    ways: Mapping[Channel, Way]
    staff_url: str
    token: Callable[[str], str]

    def chores(self) -> Sequence[Chore]:
        sending = (
            Chore(f"notify.{channel}", EVERY, self._sender(channel), wake="notifications") for channel in self.ways
        )
        return (Chore("notify.plan", EVERY, self.plan, wake="notices"), *sending)

    # ── who is told, and how ─────────────────────────────────────────────────────────────────────────────────────────

    async def plan(self) -> str | None:
        """Decides for every new notice whom it concerns and what may reach them."""
        async with self.pool.acquire() as conn, conn.transaction():
            notices = await notifications.new_notices(conn, _NEW_AT_ONCE)
            if not notices:
                return None
            reps = await read_reps(conn, self.calendars)
            reach, operators = await notifications.people_with(conn), await notifications.operators(conn)
            for notice in notices:
                wanted = self._wanted(notice, reps, reach, operators)
                await notifications.put_wanted(conn, notice["notice_id"], wanted)
        return f"{len(notices)} notices passed on"

    def _wanted(
        self, notice: Any, reps: Sequence[RepRecord], reach: Mapping[str, Any], operators: Sequence[str]
    ) -> list[Wanted]:
        news = News(notice["kind"], notice["audience"], notice["lead_type"])
        now, wall = self.clock.business(notice["clock_offset_us"]), self.clock.wall()
        until = link_until(notice["at"], notice["due_at"] or notice["first_attempt_due"])
        base = Wanted(notice["notice_id"], Step(Channel.EMAIL), notice["at"], wall, until)
        found = [replace(base, step=Step(channel)) for channel in team_channels(news)]
        for rep in whom(notice, reps):
            known = reach.get(rep.rep_id)
            if known is not None:
                person = Person(is_there(rep, facts_of(notice), now), is_away(rep, now), known["mobile"],
                                known["devices"], known["email"])  # fmt: skip
                found += [replace(base, step=step, rep_id=rep.rep_id) for step in chain(news, person)]
        if news.audience == "ops":
            person = Person(there=True, away=False, mobile=False, devices=False, email=True)
            found += [replace(base, step=s, account_id=one) for one in operators for s in chain(news, person)]
        return [replace(one, due_wall=wall + one.step.after) for one in found if one.step.channel in self.ways]

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _sender(self, channel: Channel) -> Callable[[], Awaitable[str | None]]:
        async def send() -> str | None:
            return await self.send(channel)

        return send

    async def send(self, channel: Channel) -> str | None:
        """One round of one channel."""
        wall = self.clock.wall()
        async with self.pool.acquire() as conn:
            lost = await notifications.give_up_claims(conn, channel, wall - LEASE, wall)
            rows = await notifications.waiting(conn, channel, wall, NO_TEXT_AGAIN_WITHIN, _WAITING_AT_ONCE)
            to_send = [row["id"] for row in rows if await self._decided(conn, channel, row, wall) is Now.SEND]
        if not to_send:
            return f"{lost} in doubt" if lost else None
        async with self.ways[channel].open() as deliver:
            free = asyncio.Semaphore(self.ways[channel].at_once)

            async def one(key: str) -> None:
                async with free:
                    await self._deliver(channel, key, deliver)

            async with asyncio.TaskGroup() as group:
                for key in to_send:
                    group.create_task(one(key))
        return f"{len(to_send)} tried"

    async def _decided(self, conn: Any, channel: Channel, row: Any, wall: datetime) -> Now:
        """What becomes of it now; what is never sent is settled."""
        what = decide(self._standing(channel, row, wall))
        if what not in (Now.SEND, Now.WAIT):
            await notifications.settle(conn, row["id"], "failed" if what is Now.OFF else "skipped", wall, what.value)
        return what

    async def _claimed(self, channel: Channel, key: str) -> int | None:
        """Which try this is; None when it is not to be sent any more.

        Decided anew under its lock: texts go one a second, and while one is sent somebody takes the lead of the last.
        """
        wall = self.clock.wall()
        async with self.pool.acquire() as conn, conn.transaction():
            row = await notifications.still_waiting(conn, channel, wall, NO_TEXT_AGAIN_WITHIN, key)
            if row is None or await self._decided(conn, channel, row, wall) is not Now.SEND:
                return None
            return await notifications.claim(conn, key, wall)

    def _standing(self, channel: Channel, row: Any, wall: datetime) -> Waiting:
        return Waiting(
            channel=channel,
            fallback=row["fallback"],
            due=row["due_wall"] <= wall,
            age=self.clock.business(row["clock_offset_us"]) - row["at"],
            seen=row["seen"],
            before=row["before"],
            off=row["off"],
            told=row["told"],
        )

    async def _deliver(self, channel: Channel, key: str, deliver: Callable[[Alert, Any], Awaitable[None]]) -> None:
        """Claims it, then sends it; what a crash leaves claimed is in doubt, and is not sent again."""
        tries = await self._claimed(channel, key)
        row = None if tries is None else await notifications.to_tell(self.pool, key)
        if tries is None or row is None:
            return
        try:
            await deliver(alert_of(row, self.staff_url, self.token), row)
        except Unreachable as why:
            await notifications.settle(self.pool, key, "skipped", self.clock.wall(), str(why))
        except SendError as error:
            await self._refused(channel, key, tries, error)
        except Exception as error:
            log.error("notification failed", channel=channel.value, notification=key, error=type(error).__name__)
            await notifications.settle(self.pool, key, "in_doubt", self.clock.wall(), type(error).__name__)
        else:
            await notifications.settle(self.pool, key, "sent", self.clock.wall())
            await notifications.channel_works(self.pool, channel)

    async def _refused(self, channel: Channel, key: str, tries: int, error: SendError) -> None:
        wall = self.clock.wall()
        log.warning("notification refused", channel=channel.value, notification=key, evidence=error.evidence)
        pause = next_try(tries, error.retry_after_s) if error.kind is SendErrorKind.RETRY_SAFE else None
        if pause is not None:
            await notifications.try_again(self.pool, key, wall + pause, error.evidence)
            return
        state = "in_doubt" if error.kind is SendErrorKind.IN_DOUBT else "failed"
        await notifications.settle(self.pool, key, state, wall, error.evidence)
        if state == "failed" and channel in (Channel.SMS, Channel.EMAIL):
            await tell_not_reached(self.pool, self.clock, key, error.kind)
        if error.kind is SendErrorKind.CONFIG and await notifications.channel_refuses(self.pool, channel, wall):
            now = self.clock.business(0)
            await put_notice(
                self.pool, audience="ops", kind="channel_off", reason=f"notify_{channel}", at=now,
                dedupe=daily("channel_off", channel, now),
            )  # fmt: skip


def whom(notice: Any, reps: Sequence[RepRecord]) -> list[RepRecord]:
    """The rep; without one all managers. Operations are accounts."""
    if notice["rep_id"] is not None:
        return [rep for rep in reps if rep.rep_id == notice["rep_id"]]
    return [rep for rep in reps if rep.manager] if notice["audience"] != "ops" else []


def is_there(rep: RepRecord, facts: LeadFacts, now: datetime) -> bool:
    """On shift, or on call for such a lead, and not on leave."""
    if any(start <= now < end for start, end in rep.not_there):
        return False
    return any(shift.holds(now) for shift in serving(rep.shifts, facts))


def is_away(rep: RepRecord, now: datetime) -> bool:
    return rep.presence == "away" and (rep.away_until is None or rep.away_until > now)


def facts_of(notice: Any) -> LeadFacts:
    regions = tuple(region for region in (notice["country"], notice["region"]) if region)
    return LeadFacts(
        notice["lead_type"] or "warm", notice["intent"] or "other", notice["source"] or "", notice["segment"],
        notice["lead_channel"] or "form", regions,
    )  # fmt: skip
