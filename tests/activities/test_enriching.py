"""What is known of a lead before it gets its owner: from rows, lists and an outside source, and who says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities import enriching as enriching_module
from activities.enriching import Enriching, left_s
from speedlead.contracts import EnrichRequest, EnrichResult, RouteRequest, RouteResult
from speedlead.domain.knowing import Company
from speedlead.domain.lanes import LaneRules
from speedlead.enrichment import mail_domains
from speedlead.enrichment.rulebook import load_lanes
from speedlead.enrichment.source import Said
from speedlead.ids import new_id
from speedlead.store.companies import Listed, import_companies
from speedlead.store.knowledge import KnowledgeStore
from speedlead.store.known_lead import Known, known_of
from tests.activities.house import NOW, PLACES, House

WARM: dict[str, Any] = {"lead_type": "warm", "intent": "webinar"}


@pytest.fixture(autouse=True)
def _machine_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enriching_module, "left_s", lambda info: 60)


@dataclass
class Outside:
    """`answers`: by domain, a code for a problem; others are not known there."""

    answers: Mapping[str, Mapping[str, object] | str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def ask(self, domain: str) -> Said:
        self.asked.append(domain)
        answer = self.answers.get(domain)
        return Said(None, answer) if isinstance(answer, str) else Said(answer)


def enriching(house: House, outside: Outside | None = None, rules: LaneRules | None = None) -> Enriching:
    routing: Any = house.routing
    return Enriching(
        leads=house.leads, knowledge=KnowledgeStore(house.pool), mails=mail_domains, planning=routing._planning,
        places=PLACES, clock=routing._clock, rules=rules or load_lanes().rules, source=outside,
    )  # fmt: skip


async def enrich(house: House, lead: str, by: Enriching | None = None, lead_type: str = "warm") -> EnrichResult:
    request = EnrichRequest(lead_id=lead, lead_type=lead_type)  # type: ignore[arg-type]
    return await house.run((by or enriching(house)).enrich_lead, request)  # type: ignore[no-any-return]


async def known(house: House, lead: str) -> Known:
    found = await known_of(house.pool, lead)
    assert found is not None
    return found


async def company(house: House, domain: str = "acme.example", owner: str | None = None, **columns: Any) -> None:
    email = await house.pool.fetchval("select email from rep where id = $1", owner) if owner else None
    async with house.pool.acquire() as conn:
        await import_companies(conn, [Listed(Company(domain, **columns), email, 2)], "own.csv", NOW)


async def warm(house: House, email: str | None = "ada@acme.example", **columns: Any) -> str:
    lead = await house.lead(email=email, **(WARM | columns))
    await house.pool.execute("update inquiry set lead_type = 'warm', intent = 'webinar' where lead_id = $1", lead)
    return lead


async def types(house: House, lead: str) -> tuple[str, str, int]:
    """The lead's type, its inquiry's, and how often the views say that it became hotter."""
    row = await house.pool.fetchrow(
        """select l.lead_type, i.lead_type as of_inquiry, coalesce(h.times, 0) as times from lead l
           join inquiry i on i.lead_id = l.id left join lead_hotter h on h.lead_id = l.id where l.id = $1""",
        lead,
    )
    return row["lead_type"], row["of_inquiry"], row["times"]


async def test_a_named_account_makes_a_warm_lead_hot_and_its_owner_gets_it(house: House) -> None:
    await house.rep("Other", capacity=500)
    anna = await house.rep("Anna")
    await company(house, owner=anna, name="Acme Ltd", employees=1200, tier="a", named=True)
    lead = await warm(house, email="ada@eu.acme.example")
    assert (await enrich(house, lead)).lane == "hot"
    assert await types(house, lead) == ("hot", "hot", 0)  # the targets count from the form, not from a second one
    found = await known(house, lead)
    assert found.knows["company"] == "Acme Ltd"
    assert found.knows["employees"] == 1200
    assert [hit.id for hit in found.hits] == ["asked-warm", "named-account", "top-tier", "big-company"]
    assert (found.points, found.came_as, found.lead_type) == (120, "warm", "hot")
    routed: RouteResult = await house.run(
        house.routing.route, RouteRequest(lead_id=lead, lead_type="warm", submitted_at=NOW)
    )
    assert (routed.owner_id, routed.lead_type) == (anna, "hot")
    assert routed.due_at is not None
    assert routed.due_at - routed.open_at <= timedelta(minutes=5)  # hot: three minutes (REQ 39)
    reason = "select reason from assignment where lead_id = $1"
    assert await house.pool.fetchval(reason, lead) == "account_owner"


async def test_every_fact_says_where_it_comes_from(house: House) -> None:
    outside = Outside({"acme.example": {"company": "ACME  \x00 Inc", "employees": 40, "country": "usa", "secret": "x"}})
    lead = await warm(house)
    await enrich(house, lead, enriching(house, outside))
    facts = {(fact.name, fact.source): fact.value for fact in (await known(house, lead)).facts}
    assert facts["company", "http"] == "ACME Inc"
    assert facts["employees", "http"] == 40
    assert facts["free_mail", "mail_lists"] is False
    assert facts["country", "places"] == "US"
    assert facts["phone_country", "phone"] == "US"
    assert facts["leads_before", "history"] == 0
    assert ("country", "http") not in facts  # what is no country is no fact
    assert not any(name == "secret" for name, _ in facts)


async def test_our_own_table_outweighs_a_stranger(house: House) -> None:
    await company(house, name="Acme Ltd", employees=1200)
    lead = await warm(house)
    await enrich(house, lead, enriching(house, Outside({"acme.example": {"company": "Somebody", "employees": 3}})))
    found = await known(house, lead)
    assert (found.knows["company"], found.knows["employees"]) == ("Acme Ltd", 1200)


@pytest.mark.parametrize(
    ("answer", "good_for"),
    [({"company": "Acme"}, timedelta(days=30)), (None, timedelta(days=7)), ("source_slow", timedelta(minutes=10))],
)
async def test_an_answer_is_asked_for_once_until_it_is_old(house: House, answer: Any, good_for: timedelta) -> None:
    outside = Outside({"acme.example": answer} if answer else {})
    by = enriching(house, outside)
    for at in (timedelta(0), good_for - timedelta(seconds=1), good_for + timedelta(seconds=1)):
        house.clock.now = NOW + at
        await house.pool.execute("delete from person_email")
        await enrich(house, await warm(house), by)
    assert outside.asked == ["acme.example"] * 2
    assert await house.pool.fetchval("select count(*) from judgement where problem is not null") == 3 * (
        answer == "source_slow"
    )


@pytest.mark.parametrize("email", ["ada@gmail.com", "ada@x.mailinator.com", None])
async def test_nobody_outside_hears_of_a_mail_service(house: House, email: str | None) -> None:
    outside = Outside()
    await enrich(house, await warm(house, email=email), enriching(house, outside))
    assert outside.asked == []


async def test_a_throw_away_address_is_a_slower_lane_and_keeps_what_was_promised(house: House) -> None:
    low = await house.rep("Low", lane="low")
    await house.rep("Main", lane="main")
    lead = await warm(house, email="ada@mailinator.com")
    promised = NOW + timedelta(minutes=8)
    await house.leads.promised(lead, promised, "by then")
    assert (await enrich(house, lead)).lane == "low"
    assert await types(house, lead) == ("cold", "cold", 0)
    routed: RouteResult = await house.run(
        house.routing.route, RouteRequest(lead_id=lead, lead_type="warm", submitted_at=NOW)
    )
    assert (routed.owner_id, routed.lead_type) == (low, "cold")
    assert routed.due_at == promised  # sooner than any target of a cold lead
    told = await house.pool.fetchval("select reason from story where lead_id = $1 and kind = 'classified'", lead)
    assert told == "warm_to_cold"


async def test_points_alone_never_make_a_form_colder(house: House) -> None:
    lead = await house.lead(email="ada@gmail.com", country="FR")
    result = await enrich(house, lead, lead_type="hot")
    found = await known(house, lead)
    assert (result.lane, found.lead_type, found.points) == ("hot", "hot", 55)


async def test_a_source_that_rests_is_asked_as_soon_as_it_does_not(house: House) -> None:
    outside = Outside({"acme.example": "source_rests"})
    await enrich(house, await warm(house), enriching(house, outside))
    outside.answers = {"acme.example": {"company": "Acme"}}
    await house.pool.execute("delete from person_email")
    lead = await warm(house)
    await enrich(house, lead, enriching(house, outside))
    assert (await known(house, lead)).knows["company"] == "Acme"


@pytest.mark.parametrize(("late_s", "left"), [(0.0, 2.8), (1.9, 2.8), (3.2, 1.6), (5.0, -0.2)])
def test_a_try_that_begins_late_is_over_when_the_workflow_goes_on(late_s: float, left: float) -> None:
    info = ActivityEnvironment.default_info()
    started = info.scheduled_time + timedelta(seconds=late_s)
    assert left_s(replace(info, schedule_to_close_timeout=timedelta(seconds=5), started_time=started)) == (
        pytest.approx(left)
    )


async def test_what_is_asked_again_is_answered_from_what_stands(house: House) -> None:
    lead, outside = await warm(house), Outside({"acme.example": {"company": "Acme"}})
    first = await enrich(house, lead, enriching(house, outside))
    await company(house, tier="a", named=True)
    assert await enrich(house, lead, enriching(house, outside)) == first
    assert outside.asked == ["acme.example"]
    assert await house.pool.fetchval("select count(*) from story where lead_id = $1 and kind = 'enriched'", lead) == 1


async def test_of_somebody_who_is_erased_meanwhile_nothing_is_kept(house: House) -> None:
    lead = await warm(house)

    class Slow(Outside):
        async def ask(self, domain: str) -> Said:
            await house.pool.execute("update person set erased_wall = clock_timestamp()")
            return Said({"company": "Acme"})

    await enrich(house, lead, enriching(house, Slow()))
    assert await house.pool.fetchval("select count(*) from known_fact where lead_id = $1", lead) == 0


async def test_a_form_that_came_meanwhile_is_not_overruled(house: House) -> None:
    """Its own message says what it makes of the lead; the judgement of the form before it says nothing to routing."""
    await company(house, tier="a", named=True)
    lead = await warm(house, lead_type="cold")
    await house.pool.execute("update inquiry set lead_type = 'cold' where lead_id = $1", lead)
    await enrich(house, lead, lead_type="cold")
    assert (await types(house, lead))[0] == "hot"
    await house.inquiry(lead, 2, lead_type="warm")
    routed = await house.run(house.routing.route, RouteRequest(lead_id=lead, lead_type="hot", submitted_at=NOW))
    assert routed.lead_type is None
    assert await house.pool.fetchval("select times from lead_hotter where lead_id = $1", lead) is None


async def test_people_who_bought_and_people_who_lied_are_remembered(house: House) -> None:
    before = await warm(house)
    row = {"lead_id": before, "at": NOW, "outcome": "converted", "reason": None}
    await house.put("outcome", id=new_id(), **row)
    person = await house.person(before)
    await house.pool.execute("update lead set closed_at = $2 where id = $1", before, NOW)
    lead, colleague = await warm(house, email=None), await warm(house, email="bob@acme.example")
    stranger = await house.person(lead)
    await house.pool.execute("update lead set person_id = $2 where id = $1", lead, person)
    await house.pool.execute("update inquiry set person_id = $2 where lead_id = $1", lead, person)
    await house.pool.execute("delete from person_phone where person_id = $1", stranger)
    await enrich(house, lead)
    await enrich(house, colleague)
    mine, theirs = await known(house, lead), await known(house, colleague)
    assert (mine.knows["leads_before"], mine.knows["bought_before"], mine.lead_type) == (1, 1, "hot")
    assert (theirs.knows["leads_of_company"], theirs.knows["bought_by_company"]) == (2, 1)
    assert theirs.knows["leads_before"] == 0
