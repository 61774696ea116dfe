"""One turn for a lead: what is known of its conversation, a model's words, and what becomes of them, as rows.

No transaction is open while the model is asked. Sending is not done here: by SMS and mail the workflow sends the row as
any message of a person of ours, through the gate.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

import asyncpg

from speedlead import times
from speedlead.assistant.factbook import questions_of
from speedlead.assistant.turn import Model, Turned, Usage, take_turn
from speedlead.booking.offers import Offers
from speedlead.domain.assistant import Book, Facts, HandOver, Limits, Say, Situation, Slot, hand_over
from speedlead.domain.assistant_voice import SECONDS
from speedlead.domain.script import Script
from speedlead.optout import opt_out_scope
from speedlead.ports import Clock
from speedlead.store import assistant as rows
from speedlead.store import bookings
from speedlead.store.assistant import Cost, Done, Ended, KeptOut, Ready
from speedlead.store.bookings import BookingRefused, SlotTaken, Wish
from speedlead.store.transactions import transact

# a model that hangs must not take the places of what is urgent; who comes beyond these goes to a person
AT_ONCE = 8
_OFFERED = 3
_APART_S = 2 * 3600


@dataclass(frozen=True, slots=True)
class Prices:
    """Of a million tokens, in whatever currency the house reckons."""

    tokens_in: Decimal
    tokens_out: Decimal

    def of(self, usage: Usage) -> Decimal:
        return (self.tokens_in * usage.tokens_in + self.tokens_out * usage.tokens_out) / 1_000_000


@dataclass(frozen=True, slots=True)
class House:
    """What the assistant speaks for. `prices` None: money is not counted."""

    company: str
    facts: Facts
    script: Script
    limits: Limits
    prices: Prices | None = None


class AssistantDesk:
    """`offers` None: booking is off, and no times are offered."""

    def __init__(
        self, pool: "asyncpg.Pool[Any]", house: House, model: Model, clock: Clock, offers: Offers | None = None
    ) -> None:
        self._pool = pool
        self._house = house
        self._model = model
        self._clock = clock
        self._offers = offers
        self._busy = asyncio.Semaphore(AT_ONCE)

    async def channel(self, lead_id: str, reply_id: str) -> str | None:
        return await transact(self._pool, lambda conn: rows.channel_of(conn, lead_id, reply_id))

    async def take(self, lead_id: str, reply_id: str, now: datetime, wall: datetime) -> Ended:
        """What came of the message; a second call for it answers with what the first one did."""
        most = self._cost(Usage(self._model.name, self._house.limits.turn_tokens))
        ready = await transact(
            self._pool, lambda conn: rows.begin(conn, lead_id, reply_id, self._house.script.id, now, wall, most)
        )
        if isinstance(ready, KeptOut):
            return ready.done or Ended("kept_out", ready.reason)
        situation = await self._situation(lead_id, ready)
        if self._busy.locked():
            turned = Turned(hand_over(situation, "assistant_busy"))
        else:
            async with self._busy:
                turned = await take_turn(self._model, situation)
        return await transact(self._pool, lambda conn: self._end(conn, lead_id, reply_id, turned, situation, now))

    async def keep_out(self, lead_id: str, reply_id: str, reason: str, now: datetime) -> Ended:
        await transact(self._pool, lambda conn: rows.drop(conn, lead_id, reply_id, reason, now))
        return Ended("kept_out", reason)

    async def _situation(self, lead_id: str, ready: Ready) -> Situation:
        house, zone = self._house, None
        free: tuple[datetime, ...] = ()
        if self._offers is not None:
            offers = self._offers
            offer = await transact(self._pool, lambda conn: offers.offered(conn, lead_id, ready.now))
            free, zone = tuple(offer.times), offer.zone
        say_time = times.spoken if ready.channel == "voice" else partial(_clock, language=house.facts.language)
        slots = slots_of(free, ready.offered, zone, say_time) if zone is not None else ()
        limits = house.limits
        if ready.channel == "voice":
            limits = replace(limits, seconds=min(limits.seconds, SECONDS))
        return Situation(
            channel=ready.channel,
            company=house.company,
            facts=house.facts,
            lines=ready.lines,
            turn=ready.number,
            # a call begins with it, and nobody can talk over that
            introduced=ready.channel == "voice" or any(line.who == "assistant" for line in ready.lines),
            wants_no_more=opt_out_scope(ready.lines[-1].text, "sms") is not None,
            questions=questions_of(house.facts, house.script, ready.given),
            slots=slots,
            spent=ready.spent,
            limits=limits,
            can_mail=ready.can_mail,
        )

    async def _end(
        self, conn: Any, lead_id: str, reply_id: str, turned: Turned, situation: Situation, now: datetime,
    ) -> Ended:  # fmt: skip
        verdict = turned.verdict
        taken_over = await rows.taken_over(conn, lead_id, reply_id)
        known = await rows.ended(conn, reply_id)
        if known is not None:  # by another try, which a model kept for longer than the step may take
            return known
        if taken_over is not None:
            return await rows.dropped(
                conn, reply_id, taken_over, replace(self._done(verdict), cost=self._cost(turned.usage))
            )
        if isinstance(verdict, Book):
            refused = await self._book(conn, lead_id, verdict, now)
            if refused is not None:
                verdict = replace(hand_over(situation, refused), learned=verdict.learned)
        done = replace(
            self._done(verdict),
            script=(self._house.script.id, self._house.script.version),
            cost=self._cost(turned.usage),
        )
        return await rows.end(conn, self._clock, lead_id, reply_id, done, now)

    def _done(self, verdict: Say | Book | HandOver) -> Done:
        match verdict:
            case Say(act=act, text=text, question=question, slots=slots, learned=learned, by_mail=by_mail):
                offered = tuple(slot.at for slot in slots)
                return Done(act, text, question=question, offered=offered, learned=learned, by_mail=by_mail)
            case Book(text=text, learned=learned):
                return Done("book", text, learned=learned)
            case HandOver(reason=reason, text=text, learned=learned, detail=detail):
                return Done("hand_over", text, reason, detail, learned=learned)

    def _cost(self, usage: Usage | None) -> Cost:
        if usage is None:
            return Cost()
        prices = self._house.prices
        cost = prices.of(usage) if prices is not None else None
        return Cost(usage.model[:80], usage.tokens_in, usage.tokens_out, cost, usage.ms)

    async def _book(self, conn: Any, lead_id: str, chosen: Book, now: datetime) -> str | None:
        """Why it could not be; None: it is booked, in this transaction."""
        assert self._offers is not None
        offer = await self._offers.offered(conn, lead_id, now, only=chosen.slot.at)
        reps = offer.times.get(chosen.slot.at, ())
        if offer.zone is None or not reps:
            return "slot_taken"
        wish = Wish(lead_id, chosen.slot.at, reps, offer.zone)
        try:
            async with conn.transaction():  # what it wrote before it was refused goes with it
                await bookings.book(conn, self._clock, self._offers.plan, self._offers.rules, wish)
        except SlotTaken:
            return "slot_taken"
        except (BookingRefused, LookupError):
            return "booking_refused"
        return None


def slots_of(
    free: Sequence[datetime], offered: Sequence[datetime], zone: str, say: Callable[[datetime, str], str]
) -> tuple[Slot, ...]:
    """Those that were offered and are still free, under their numbers; else a few new ones that lie apart."""
    still = [Slot(n, at, say(at, zone), True) for n, at in enumerate(offered, 1) if at in free]
    if still:
        return tuple(still)
    chosen: list[datetime] = []
    for at in free:
        if len(chosen) < _OFFERED and all((at - one).total_seconds() >= _APART_S for one in chosen):
            chosen.append(at)
    return tuple(Slot(n, at, say(at, zone)) for n, at in enumerate(chosen, 1))


def _clock(at: datetime, zone: str, language: str) -> str:
    shown = times.clock(at, zone) if language == "en" else times.local(at, zone).strftime("%Y-%m-%d %H:%M")
    return f"{shown} ({times.zone_label(zone)})"
