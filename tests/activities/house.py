"""Activities over the real stores on a real database; the senders are small fakes that do as they are told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
from temporalio.testing import ActivityEnvironment

from activities.acceptance import Acceptance
from activities.auditing import Auditing
from activities.clock import ActivityClock
from activities.dealing import Dealer
from activities.messaging import Messaging
from activities.notifying import Notifying
from activities.placing import Placing
from activities.planning import Planning
from activities.records import Records
from activities.routing import Routing
from activities.voice import Voice
from speedlead import lawbook
from speedlead.closures import HolidayClosures
from speedlead.composer import Composer
from speedlead.composer import House as Company
from speedlead.contracts import DialRequest, TouchRequest, TouchResult
from speedlead.domain.business import Calendars
from speedlead.domain.placing import Placer
from speedlead.domain.routing_rules import RoutingRules
from speedlead.ids import new_id
from speedlead.place_finder import PlaceFinder
from speedlead.planbook import load_plan
from speedlead.ports import Accepted, Mail, SendError, SendErrorKind
from speedlead.records import Claim
from speedlead.routingbook import load_routing
from speedlead.store.acceptance import AcceptanceStore
from speedlead.store.asking import Asking
from speedlead.store.audit import AuditStore
from speedlead.store.breaches import BreachStore
from speedlead.store.gate import LegGate
from speedlead.store.leads import LeadStore
from speedlead.store.plans import PlanStore
from speedlead.store.pool import open_pool
from speedlead.store.routing import RoutingStore
from speedlead.store.touches import TouchStore
from speedlead.store.waiting_pool import WaitingPool
from tests.store.hand_made import HandClock

PLAN = load_plan()

# tables that take a while to build, once for all tests
PLACER, PLACES = Placer(lawbook.load(), HolidayClosures(), {"tzdata": "test"}), PlaceFinder()
NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)  # Tuesday, 10:00 in New York
NO_CALENDARS = Calendars()
WEEK = {str(day): [[540, 1080]] for day in range(5)}
PHONE = "+12125550123"


@dataclass
class Provider:
    """Mailer, texter and dialer in one. `refuse` is raised by every request until it is None again."""

    refuse: SendErrorKind | None = None
    requests: list[Any] = field(default_factory=list)
    known: list[str] = field(default_factory=list)  # what its lists show
    list_refuses: SendErrorKind | None = None
    hung_up: list[str] = field(default_factory=list)
    over: list[str] = field(default_factory=list)  # calls that have ended
    queued_ms: int = 0
    whole_number: bool = False  # the refusal is about this one number

    def _answer(self, request: Any) -> Accepted:
        self.requests.append(request)
        if self.refuse is not None:
            raise SendError(self.refuse, "HTTP 400, code 1", whole_number=self.whole_number)
        return Accepted(f"SM{len(self.requests)}", self.queued_ms)

    async def send(self, mail: Mail | None = None, **text: Any) -> Accepted:
        return self._answer(mail or text)

    async def ring_rep(self, *, leg_id: str, to: str, ring_s: int) -> Accepted:
        return self._answer({"leg_id": leg_id, "to": to, "ring_s": ring_s})

    async def find(self, **what: Any) -> list[str]:
        if self.list_refuses is not None:
            raise SendError(self.list_refuses, "HTTP 401")
        return list(self.known)

    async def is_over(self, call_id: str) -> bool:
        return call_id in self.over

    async def hang_up(self, call_id: str) -> None:
        self.hung_up.append(call_id)


@dataclass
class House:
    pool: "asyncpg.Pool[Any]"
    clock: HandClock
    mail: Provider
    text: Provider
    phone: Provider
    leads: LeadStore
    touches: TouchStore
    gate: LegGate
    messaging: Messaging
    voice: Voice
    routing: Routing
    placing: Placing
    records: Records
    notifying: Notifying
    dealer: Dealer
    acceptance: Acceptance

    async def run(self, method: Any, request: Any) -> Any:
        return await ActivityEnvironment().run(method, request)

    async def put(self, table: str, **values: Any) -> None:
        marks = ", ".join(f"${n}" for n in range(1, len(values) + 1))
        await self.pool.execute(f"insert into {table} ({', '.join(values)}) values ({marks})", *values.values())

    async def rep(self, name: str = "Anna", **columns: Any) -> str:
        rep_id = new_id()
        row = {
            "id": rep_id, "name": name, "email": f"{rep_id}@acme.example", "phone": "+14155552701",
            "zone": "America/New_York", "weekly": WEEK, "capacity": 20,
        }  # fmt: skip
        await self.put("rep", **(row | columns))
        return rep_id

    async def lead(
        self, *, email: str | None = "ada@example.com", phone: str | None = PHONE, sms: bool = True, **columns: Any
    ) -> str:
        """A hot lead in New York that has just written to us."""
        lead_id, person_id = new_id(), new_id()
        await self.put("person", id=person_id, name="Ada Lovelace", created_at=NOW)
        if email is not None:
            await self.put("person_email", address=email, person_id=person_id, created_at=NOW)
        if phone is not None:
            await self.put("person_phone", number=phone, person_id=person_id, created_at=NOW)
        row = {
            "id": lead_id, "person_id": person_id, "form_key": "demo", "lead_type": "hot", "intent": "demo_request",
            "source": "organic", "plan_id": PLAN.id, "plan_version": PLAN.version, "created_at": NOW,
            "created_wall": NOW, "tz": "America/New_York", "country": "US",
        }  # fmt: skip
        await self.put("lead", **(row | columns))
        await self.inquiry(lead_id, 1, email=email, phone=phone, consent_sms=sms)
        return lead_id

    async def inquiry(self, lead_id: str, number: int, **columns: Any) -> None:
        row = {
            "id": new_id(), "lead_id": lead_id, "person_id": await self.person(lead_id), "number": number,
            "form_key": "demo", "intent": "demo_request", "lead_type": "hot", "source": "organic",
            "consent_call": True, "consent_text": "Call me.", "fingerprint": b"x", "submitted_at": self.clock.now,
            "submitted_wall": self.clock.now,
        }  # fmt: skip
        await self.put("inquiry", **(row | columns))

    async def person(self, lead_id: str) -> str:
        return str(await self.pool.fetchval("select person_id from lead where id = $1", lead_id))

    async def opt_out(self, lead_id: str, channel: str = "all") -> None:
        await self.leads.opt_out(lead_id, scope=channel, source="test", at=self.clock.now)

    async def touch(self, lead_id: str, step: str) -> dict[str, Any] | None:
        row = await self.pool.fetchrow("select * from touch where id = $1", f"{lead_id}.{step}")
        return dict(row) if row else None

    async def notices(self, lead_id: str) -> list[tuple[str, str]]:
        rows = await self.pool.fetch("select audience, kind from notice where lead_id = $1 order by at, kind", lead_id)
        return [(row["audience"], row["kind"]) for row in rows]

    def claim(self, lead_id: str, step: str = "email-1", channel: str = "email", **changes: Any) -> Claim:
        values = {
            "lead_id": lead_id, "touch_id": f"{lead_id}.{step}", "step": step, "channel": channel, "purpose": "plan",
            "planned_at": self.clock.now, "now": self.clock.now, "wall": self.clock.now, "lease_s": 7.0,
            "offset_us": 0, "hours": PLAN.hours.get(channel),  # type: ignore[call-overload]
        }  # fmt: skip
        return Claim(**(values | changes))

    async def send(self, lead_id: str, channel: str = "email", step: str | None = None) -> TouchResult:
        request = TouchRequest(
            lead_id=lead_id, step=step or f"{channel}-1", channel=channel, template="missed_you",  # type: ignore[arg-type]
            planned_at=self.clock.now,
        )  # fmt: skip
        return await self.run(self.messaging.send, request)  # type: ignore[no-any-return]

    async def dial(self, lead_id: str, **changes: Any) -> TouchResult:
        values = {"lead_id": lead_id, "step": "call-1", "level": 1, "ring_s": 20, "planned_at": self.clock.now}
        return await self.run(self.voice.dial, DialRequest(**(values | changes)))  # type: ignore[no-any-return,arg-type]


@asynccontextmanager
async def open_house(
    database_url: str, calendars: Calendars = NO_CALENDARS, rules: RoutingRules | None = None
) -> AsyncIterator[House]:
    pool = await open_pool(database_url)
    await PlanStore(pool).publish(PLAN)
    hand, mail, text, phone = HandClock(NOW), Provider(), Provider(), Provider()
    leads, touches, clock = (
        LeadStore(pool, calendars),
        TouchStore(pool, PLACER, PLACES),
        ActivityClock(hand, virtual=False),
    )
    planning = Planning(leads=leads, touches=touches, placer=PLACER, places=PLACES, plan=PLAN)
    messaging = Messaging(
        leads=leads, touches=touches, planning=planning, composer=Composer(Company("Acme", "+1 415 555 0100")),
        mailer=mail,
        texter=text, clock=clock, plan=PLAN, reply_token=lambda lead: "token",
        unsubscribe_url=lambda lead: "https://x",
    )  # fmt: skip
    auditing = Auditing(lines=AuditStore(pool), clock=clock)
    routing = Routing(
        leads=leads, assignments=RoutingStore(pool), planning=planning, auditing=auditing, clock=clock,
        rules=rules or load_routing(),
    )  # fmt: skip
    yield House(
        pool, hand, mail, text, phone, leads, touches,
        LegGate(pool, Asking(PLACER, PLACES), PLAN, calendars, hand, "+14155550100"),
        messaging,
        Voice(
            leads=leads, touches=touches, dialer=phone, clock=clock, planning=planning, routing=routing,
            script="script/inbound.en v1",
        ),
        routing,
        Placing(leads=leads, touches=touches, planning=planning),
        Records(leads=leads, touches=touches, plans=PlanStore(pool), auditing=auditing, clock=clock),
        Notifying(leads=leads, clock=clock, planning=planning),
        Dealer(leads=leads, waiting=WaitingPool(pool), routing=routing, planning=planning, clock=clock),
        Acceptance(leads=leads, takers=AcceptanceStore(pool), breaches=BreachStore(pool), routing=routing,
                   planning=planning, clock=clock),
    )  # fmt: skip
    await pool.close()
