"""Enrich: what our rows, lists and an outside source know of a lead, before it gets an owner (REQ 104).

Never in the way: it takes 5 s at most with everything (workflows/options.py), some milliseconds where no outside source
is set, and whatever cannot be found out is left out, with its reason.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from temporalio import activity

from activities.clock import ActivityClock
from activities.planning import Planning
from speedlead.contracts import EnrichRequest, EnrichResult
from speedlead.domain import knowing
from speedlead.domain.flow_check import SOURCE
from speedlead.domain.knowing import Fact, Kind
from speedlead.domain.lanes import Judged, LaneRules, judge
from speedlead.domain.zones import Evidence
from speedlead.place_finder import PlaceFinder
from speedlead.records import Found, LeadRecord, Leads, Looked

# less than its start-to-close time, and over before its schedule-to-close time is: what is not written by then is never
# written, and the lead goes on without
WITHIN_S, MARGIN_S = 2.8, 0.2


class Knowledge(Protocol):
    """The record as this activity sees it (`store/knowledge.py`)."""

    async def look(
        self, lead_id: str, number: int, domain: str | None, parents: Sequence[str], wall: datetime
    ) -> Looked: ...

    async def remember(
        self, domain: str, answer: Mapping[str, object] | None, problem: str | None, wall: datetime, until: datetime
    ) -> None: ...

    async def keep(self, found: Found, judged: Judged, *, version: int, now: datetime) -> None: ...


class Said(Protocol):
    """`answer` None without `problem`: the source knows nothing."""

    @property
    def answer(self) -> Mapping[str, object] | None: ...
    @property
    def problem(self) -> str | None: ...


class Source(Protocol):
    async def ask(self, domain: str) -> Said:
        """Never raises, and takes no longer than 2 s."""
        ...


class MailDomains(Protocol):
    """What kind of mail a domain is (`speedlead/enrichment/mail_domains.py`)."""

    def domain_of(self, address: str | None) -> str | None: ...
    def kind_of(self, domain: str | None) -> Kind | None: ...
    def parents_of(self, domain: str) -> tuple[str, ...]: ...


class Enriching:
    """`account_owners`: who looks after a company becomes the owner of its leads."""

    def __init__(
        self,
        *,
        leads: Leads,
        knowledge: Knowledge,
        mails: MailDomains,
        planning: Planning,
        places: PlaceFinder,
        clock: ActivityClock,
        rules: LaneRules,
        source: Source | None = None,
        account_owners: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._leads = leads
        self._knowledge = knowledge
        self._mails = mails
        self._planning = planning
        self._places = places
        self._clock = clock
        self._rules = rules
        self._source = source
        self._account_owners = account_owners
        self._monotonic = monotonic

    @activity.defn
    async def enrich_lead(self, request: EnrichRequest) -> EnrichResult:
        """Facts, points and lane of the newest inquiry, kept once; a lead of the flow check stays as it is."""
        async with asyncio.timeout(left_s(activity.info())):
            return await self._enrich(request)

    async def _enrich(self, request: EnrichRequest) -> EnrichResult:
        began = self._monotonic()
        lead = await self._leads.read(request.lead_id)
        if lead.source == SOURCE:
            return EnrichResult(lane=request.lead_type)
        moment = self._clock.moment(lead.clock_offset_us)
        domain = self._mails.domain_of(lead.email)
        kind = self._mails.kind_of(domain)
        company = domain if kind == "company" else None
        parents = self._mails.parents_of(company) if company is not None else ()
        looked = await self._knowledge.look(lead.lead_id, lead.inquiry_number, company, parents, moment.wall)
        if looked.lane is not None:
            return EnrichResult(lane=looked.lane)
        answer, problem = looked.answer, looked.problem
        # the first try may have died of it
        if company is not None and not looked.asked and self._source is not None and activity.info().attempt == 1:
            said = await self._source.ask(company)
            # what is kept has been read as facts: of a stranger's bytes nothing else is stored
            answer = {fact.name: fact.value for fact in knowing.of_outside(said.answer)} or None
            problem = said.problem
            if problem != "source_rests":  # then nobody was asked
                until = moment.wall + _good_for(answer, problem)
                await self._knowledge.remember(company, answer, problem, moment.wall, until)
        facts = tuple(
            fact
            for fact in (*knowing.of_mail(domain, kind), *self._ours(lead, looked), *knowing.of_outside(answer))
            if f"{fact.name}/{fact.source}" not in looked.wrong
        )
        judged = judge(self._rules, self._planning.facts(lead), knowing.best(facts), again=lead.inquiry_number > 1)
        owner = looked.company.owner_id if looked.company is not None and self._account_owners else None
        ms = round(1000 * (self._monotonic() - began))
        found = Found(lead.lead_id, lead.inquiry_number, lead.lead_type, facts, owner, problem, ms)
        await self._knowledge.keep(found, judged, version=self._rules.version, now=moment.now)
        return EnrichResult(lane=judged.lane, problem=problem)

    def _ours(self, lead: LeadRecord, looked: Looked) -> list[Fact]:
        where = self._places.find(lead.evidence)
        of_phone = self._places.find(Evidence(phone_e164=lead.evidence.phone_e164)).jurisdictions
        has_mail = self._mails.kind_of(self._mails.domain_of(lead.email)) == "company"
        return [
            *knowing.of_company(looked.company),
            *knowing.of_history(looked.history, company=has_mail),
            *knowing.of_place(
                where.jurisdictions, presumed=where.presumed, phone_country=of_phone[0] if of_phone else None
            ),
        ]


def left_s(info: activity.Info) -> float:
    """Until the workflow goes on without: a try may begin late, behind others or after one that died.

    By the server's instants alone, since this machine's clock may be another.
    """
    whole = info.schedule_to_close_timeout
    if whole is None:
        return WITHIN_S
    return min(WITHIN_S, (whole - (info.started_time - info.scheduled_time)).total_seconds() - MARGIN_S)


def _good_for(answer: object, problem: str | None) -> timedelta:
    if answer is None and problem is not None:
        return knowing.FAULT_FOR
    return knowing.KEPT_FOR if answer is not None else knowing.UNKNOWN_FOR
