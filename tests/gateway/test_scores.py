"""/scores and what a lead's page knows: facts with their source, rules with what became of their leads."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from speedlead.domain.knowing import Fact
from speedlead.domain.lanes import judge
from speedlead.domain.sla import LeadFacts
from speedlead.enrichment.rulebook import LaneBook, LanesError, load_lanes
from speedlead.ids import new_id
from speedlead.records import Found
from speedlead.store.knowledge import KnowledgeStore, read_judgement
from speedlead.store.lanes import use_lanes
from speedlead.store.precision import precision
from tests.gateway.house import House

BOOK = load_lanes()
FREE = (Fact("free_mail", True, "mail_lists", 0.99), Fact("company", "<b>Acme</b>", "http", 0.7))


async def ask(house: House, who: dict[str, str], path: str, **form: str) -> tuple[int, str]:
    method = "POST" if form else "GET"
    async with house.http.request(method, path, headers=who, data=form or None, allow_redirects=False) as answer:
        return answer.status, " ".join((await answer.text()).split())


async def judged(house: House, facts: tuple[Fact, ...] = (), **fields: Any) -> str:
    lead = await house.lead(**({"email": f"{new_id()}@acme.example"} | fields))
    came = LeadFacts("hot", "demo_request", "website")
    found = Found(lead, 1, "hot", facts, None, None, 7)
    made = judge(BOOK.rules, came, {fact.name: fact.value for fact in facts})
    await KnowledgeStore(house.pool).keep(found, made, version=1, now=house.clock.now)
    return lead


async def outcome(house: House, lead: str, outcome: str, reason: str | None = None) -> None:
    await house.pool.execute(
        "insert into outcome (id, lead_id, outcome, reason, at) values ($1, $2, $3, $4, $5)",
        new_id(), lead, outcome, reason, house.clock.now,
    )  # fmt: skip


async def test_a_fact_shows_its_source_and_somebody_may_call_it_wrong(house: House) -> None:
    lead, boss = await judged(house, FREE), await house.sign_in("manager")
    _, page = await ask(house, boss, f"/leads/{lead}")
    assert "&lt;b&gt;Acme&lt;/b&gt;</dd>" in page.replace(' <span class="hint">the outside source</span>', "")
    assert "an address of a free mail service" in page
    assert "70 % sure" in page
    assert (await ask(house, boss, f"/leads/{lead}/facts/company/wrong", source="http"))[0] == 303
    assert (await ask(house, boss, f"/leads/{lead}/facts/company/wrong", source="own_table"))[0] == 404
    assert (await ask(house, boss, f"/leads/{new_id()}/facts/company/wrong", source="http"))[0] == 404
    left = await read_judgement(house.pool, lead)
    assert left is not None
    assert left.knows == {"free_mail": True}
    _, page = await ask(house, boss, f"/leads/{lead}?said=fact_wrong")
    assert "called wrong" in page
    assert "rules are measured by it" in page
    row = await house.pool.fetchrow("select * from audit where action = '/leads/{lead_id}/facts/{name}/wrong' limit 1")
    assert (row["object"], row["status"]) == (lead, 303)


async def test_rules_are_measured_by_what_became_of_their_leads(house: House) -> None:
    good = [await judged(house) for _ in range(12)]
    bad = [await judged(house, FREE) for _ in range(12)]
    for lead in good:
        await outcome(house, lead, "qualified")
    for lead in bad[:10]:
        await outcome(house, lead, "unqualified", "wrong_data")
    await outcome(house, bad[0], "meeting_booked")  # a meeting with somebody who is no fit is no good one
    await outcome(house, good[0], "meeting_booked")
    await ask(house, await house.sign_in("admin"), f"/leads/{bad[11]}/facts/company/wrong", source="http")
    found = await precision(house.pool, house.clock.now, 30)
    rules = {rule.rule: rule for rule in found.rules}
    free = rules["free-mail"]
    assert (free.leads, free.decided, free.good, free.bad) == (12, 10, 0, 11)
    assert (free.others.decided, free.others.good, free.verdict) == (12, 12, "right")
    assert (rules["asked-hot"].leads, rules["asked-hot"].verdict) == (24, "open")
    assert (found.all.leads, found.lanes["hot"].good, found.median_ms) == (24, 12, 7)
    assert (await precision(house.pool, house.clock.now + timedelta(days=40), 30)).all.leads == 0


@pytest.mark.parametrize(("role", "may"), [("marketing", True), ("analyst", True), ("rep", False)])
async def test_the_page_and_its_file(house: House, role: str, may: bool) -> None:
    await judged(house, FREE)
    who = await house.sign_in(role)
    status, page = await ask(house, who, "/scores?days=30")
    assert (status == 200) is may
    if may:
        assert "an address of a free mail service" in page
        async with house.http.get("/scores/rules.csv?days=30", headers=who) as answer:
            rows = list(csv.DictReader(io.StringIO(await answer.text())))
        assert [(row["rule"], row["leads"], row["share_good"], row["verdict"]) for row in rows] == [
            ("asked-hot", "1", "", "open"), ("free-mail", "1", "", "open"),
        ]  # fmt: skip


async def test_a_rule_that_was_turned_round_is_measured_as_it_is_now(house: House) -> None:
    leads = sorted([await judged(house), await judged(house)])
    for lead, version, points in zip(leads, (1, 2), (40, -5), strict=True):
        await house.pool.execute(
            "update judgement set version = $2, rules = $3 where lead_id = $1", lead, version, [["r", points, "why"]]
        )
    (rule,) = (await precision(house.pool, house.clock.now, 30)).rules
    assert (rule.rule, rule.points, rule.leads) == ("r", -5, 2)


async def test_bad_data_are_said_with_not_a_fit_alone(house: House) -> None:
    lead, boss = await judged(house), await house.sign_in("manager")
    status, page = await ask(house, boss, f"/leads/{lead}/outcome", outcome="qualified", reason="wrong_data")
    assert status == 422 or "with “not a fit” only" in page
    assert (await ask(house, boss, f"/leads/{lead}/outcome", outcome="unqualified", reason="wrong_data"))[0] == 303
    assert await house.pool.fetchval("select reason from outcome where lead_id = $1", lead) == "wrong_data"


async def test_rules_that_changed_without_a_higher_version_stop_the_start(house: House) -> None:
    def book(version: int, more: str = "") -> LaneBook:
        rules = BOOK.rules.model_copy(update={"version": version})
        return LaneBook(rules, BOOK.source + more, "own.yaml")

    for good in (book(3), book(3)):
        await use_lanes(house.pool, good, house.clock.now)
    with pytest.raises(LanesError, match=r"^own.yaml:1: version: .* at least 4$"):
        await use_lanes(house.pool, book(3, "# other"), house.clock.now)
    with pytest.raises(LanesError, match="at least 4"):
        await use_lanes(house.pool, book(2), house.clock.now)
    await use_lanes(house.pool, book(4, "# other"), house.clock.now)
    await use_lanes(house.pool, book(3), house.clock.now)  # back to what was in use
    lines = await house.pool.fetch("select object from audit where action = 'lanes use' order by id")
    assert [row["object"] for row in lines] == ["v3", "v4"]
