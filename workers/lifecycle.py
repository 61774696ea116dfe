"""Builds everything a worker needs from settings, runs it, and takes it down in order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from temporalio.client import Client

from activities.acceptance import Acceptance
from activities.assisting import Assisting, Desk
from activities.auditing import Auditing
from activities.clock import ActivityClock
from activities.dealing import Dealer
from activities.enriching import Enriching
from activities.enriching import Source as Outside
from activities.messaging import Messaging
from activities.notifying import Notifying
from activities.placing import Placing
from activities.planning import Planning
from activities.records import Records
from activities.routing import Routing
from activities.voice import Voice
from speedlead import lawbook, tzdata_version
from speedlead.calendarbook import load_calendars
from speedlead.clock import SystemClock
from speedlead.closures import HolidayClosures
from speedlead.composer import Composer
from speedlead.composing.assemble import build_composer
from speedlead.credentials import Credentials
from speedlead.domain.business import Calendars
from speedlead.domain.placing import Placer
from speedlead.enrichment import mail_domains
from speedlead.enrichment.rulebook import load_lanes
from speedlead.feedback_links import feedback_url
from speedlead.place_finder import PlaceFinder
from speedlead.plan_shelf import Source, in_use
from speedlead.providers.assemble import Senders
from speedlead.records import LeadRecord
from speedlead.routingbook import check_claim, load_routing
from speedlead.scriptbook import script_in_use
from speedlead.settings import Settings
from speedlead.store.acceptance import AcceptanceStore
from speedlead.store.audit import AuditStore
from speedlead.store.breaches import BreachStore
from speedlead.store.knowledge import KnowledgeStore
from speedlead.store.leads import LeadStore
from speedlead.store.plans import PlanStore
from speedlead.store.routing import RoutingStore
from speedlead.store.touches import TouchStore
from speedlead.store.waiting_pool import WaitingPool
from speedlead.tokens import make_token
from workers.deployment import deployment_config
from workers.registry import QUEUES, Activities, Pace, build_workers


@dataclass(frozen=True)
class Calendar:
    """Placing in time, shared by activities and the gate of the gateway."""

    placer: Placer
    places: PlaceFinder
    business: Calendars


def build_calendar(settings: Settings) -> Calendar:
    from importlib.metadata import version

    tzdata_version.assert_wheel()
    places = PlaceFinder()
    places.warm_up()
    business, edition = load_calendars(settings.calendars_file)
    versions = {"tzdata": tzdata_version.release(), "holidays": version("holidays"), "calendars": edition}
    placer = Placer(lawbook.load(settings.law_file), HolidayClosures(), versions, business)
    return Calendar(placer, places, business)


def build_activities(
    *,
    pool: "asyncpg.Pool[Any]",
    settings: Settings,
    credentials: Credentials,
    calendar: Calendar,
    plan: Source,
    senders: Senders,
    composer: Composer | None = None,
    booking_link: Callable[[LeadRecord, datetime], str | None] = lambda _lead, _now: None,
    outside: Outside | None = None,
    assistant: Desk | None = None,
) -> Activities:
    """`composer`: the one of this process, whose texts were checked; without it they are checked here. `outside`: who
    is asked about companies.
    """
    leads, touches = LeadStore(pool, calendar.business), TouchStore(pool, calendar.placer, calendar.places)
    clock = ActivityClock(SystemClock(), virtual=settings.virtual_clock)
    planning = Planning(leads=leads, touches=touches, placer=calendar.placer, places=calendar.places, plan=plan)
    composer = composer or build_composer(settings, in_use(plan))
    secret = credentials.secret_bytes
    rules = load_routing(settings.routing_file)
    check_claim(rules, in_use(plan), settings.routing_file)
    auditing = Auditing(lines=AuditStore(pool), clock=clock)
    routing = Routing(
        leads=leads,
        auditing=auditing,
        assignments=RoutingStore(pool),
        planning=planning,
        clock=clock,
        rules=rules,
    )
    return Activities(
        dealer=Dealer(leads=leads, waiting=WaitingPool(pool), routing=routing, planning=planning, clock=clock),
        messaging=Messaging(
            leads=leads,
            touches=touches,
            planning=planning,
            composer=composer,
            mailer=senders.mailer,
            texter=senders.texter,
            clock=clock,
            plan=plan,
            reply_token=lambda lead_id: make_token(secret, "reply", lead_id),
            unsubscribe_url=lambda lead_id: f"{settings.public_url}/u/{make_token(secret, 'unsubscribe', lead_id)}",
            booking_link=booking_link,
            feedback_link=lambda lead_id, step: feedback_url(settings.public_url, secret, lead_id, step),
        ),
        acceptance=Acceptance(
            leads=leads,
            takers=AcceptanceStore(pool),
            breaches=BreachStore(pool),
            routing=routing,
            planning=planning,
            clock=clock,
        ),
        assisting=Assisting(leads=leads, planning=planning, clock=clock, plan=plan, desk=assistant),
        enriching=Enriching(
            leads=leads,
            knowledge=KnowledgeStore(pool),
            mails=mail_domains,
            planning=planning,
            places=calendar.places,
            clock=clock,
            rules=load_lanes(settings.lanes_file).rules,
            source=outside,
            account_owners=rules.account_owner,
        ),
        notifying=Notifying(leads=leads, clock=clock, planning=planning),
        placing=Placing(leads=leads, touches=touches, planning=planning),
        records=Records(leads=leads, touches=touches, plans=PlanStore(pool), auditing=auditing, clock=clock),
        routing=routing,
        voice=Voice(
            leads=leads,
            touches=touches,
            dialer=senders.dialer,
            clock=clock,
            planning=planning,
            routing=routing,
            queue_limit_s=settings.call_queue_limit_s,
            script=script_in_use(settings.templates_dir),
        ),
    )


@asynccontextmanager
async def running_workers(
    client: Client,
    activities: Activities,
    *,
    slots: int = 100,
    pace: Pace | None = None,
    queues: Collection[str] = QUEUES,
    versioned: bool = False,
) -> AsyncIterator[None]:
    """The workers of these task queues, until the block ends; then running activities get their grace time."""
    deployment = deployment_config() if versioned else None
    workers = build_workers(client, activities, slots=slots, pace=pace or Pace(), queues=queues, deployment=deployment)
    async with AsyncExitStack() as stack:
        for worker in workers:
            await stack.enter_async_context(worker)
        try:
            yield
        finally:
            # together: one after the other would add their grace times up, and take new work meanwhile
            await asyncio.gather(*(worker.shutdown() for worker in workers))


def pace_of(settings: Settings) -> Pace:
    """The limits of the accounts. The sandbox has none, so there they count only where somebody set them."""
    rates = {"mails_per_second", "texts_per_second", "calls_per_second"}
    counting = rates & settings.model_fields_set if settings.uses_sandbox else rates
    return Pace(**{name.removesuffix("_per_second"): getattr(settings, name) for name in counting})
