"""All leads that a filter finds are asked one thing from the page: preview, run, progress, who and why."""

import re
from typing import Any

import pytest

from speedlead.cadence_errors import LeadRefused, LeadUnavailable
from speedlead.chores.runner import run_once
from speedlead.chores.steering import steering_chore
from speedlead.planbook import load_plan
from speedlead.steering import MOST_TRIES
from speedlead.store.plans import PlanStore
from tests.gateway.house import House
from tests.gateway.test_people import get, post, put_rep

PLAN = load_plan()


async def three_leads(house: House) -> list[str]:
    kinds = (("newsletter", "fair"), ("newsletter", "website"), ("demo_request", "fair"))
    return [
        await house.lead(email=f"lead{n}@example.com", intent=intent, source=source)
        for n, (intent, source) in enumerate(kinds)
    ]


async def carry_out(house: House) -> str | None:
    return await run_once(house.pool, steering_chore(house.pool, house.behind, house.clock))


async def seen(house: House, query: str, headers: dict[str, str] | None = None) -> str:
    """The mark of the leads that the preview shows."""
    async with house.http.get(f"/ops/steer?{query}", headers=headers or house.staff) as answer:
        page = await answer.text()
    return page.partition('name="seen" value="')[2].partition('"')[0]


async def begin(house: House, count: int, action: str = "pause", **fields: str) -> tuple[int, str]:
    """What the page of the run says."""
    mark = await seen(house, f"action={action}&type=cold")
    given = {"action": action, "type": "cold", "seen": mark, "reason": "wrong price list"} | fields
    status, page, where = await post(house, "/ops/steer", list(given.items()))
    assert status == 303, page
    return await get(house, where)


async def test_what_matches_is_shown_before_anything_is_asked(house: House) -> None:
    leads = await three_leads(house)
    status, page = await get(house, "/ops/leads?type=cold&source=fair")
    assert (status, leads[0][:8] in page, leads[1][:8] in page, "Preview" in page) == (200, True, False, True)
    status, page = await get(house, "/ops/steer?action=pause&type=cold")
    assert (status, "Pause: 2 leads" in page) == (200, True)
    assert [lead[:8] in page for lead in leads] == [True, True, False]
    status, page = await get(house, "/ops/steer?action=pause&source=fair&type=cold")
    assert [lead[:8] in page for lead in leads] == [True, False, False]
    assert await house.count("steering_run") == 0
    assert house.behind.updates == []


async def test_a_run_asks_each_lead_once_and_says_who_and_why(house: House) -> None:
    leads = await three_leads(house)
    status, page = await begin(house, 2)
    assert (status, "0 of 2 done" in page) == (200, True), page
    run = str(await house.pool.fetchval("select id from steering_run"))
    assert await carry_out(house) == "pause: 2 of 2 done, 0 refused"
    account = await house.pool.fetchval("select id::text from account where email = 'admin@staff.example'")
    asked = sorted((lead, name, payload["by"], payload["reason"]) for lead, name, payload in house.behind.updates)
    assert asked == sorted((lead, "pause", account, "wrong price list") for lead in leads[:2])
    assert await carry_out(house) is None
    assert len(house.behind.updates) == 2
    lines = await house.pool.fetch("select * from audit where action = 'steer pause' order by id")
    assert [(str(line["account_id"]), line["status"], line["asked"]) for line in lines] == [
        (account, 200, {"run": run})
    ] * 2
    status, page = await get(house, f"/audit?object={leads[0]}")
    assert (status, "wrong price list" in page, "steer pause" in page) == (200, True, True)
    status, page = await get(house, f"/ops/steer/{run}/live")
    assert (status, "2 of 2 done" in page, "finished" in page) == (200, True, True)


async def test_a_lead_that_refuses_is_listed_with_its_sentence(house: House) -> None:
    leads = await three_leads(house)
    house.behind.fail = LeadRefused("step: expected one of: email-1", "step")
    await begin(house, 2, "skip", step="sms-9")
    assert await carry_out(house) == "skip: 0 of 2 done, 2 refused"
    run = await house.pool.fetchval("select id from steering_run")
    _, page = await get(house, f"/ops/steer/{run}")
    assert page.count("step: expected one of: email-1") == 2
    assert leads[0][:8] in page


async def test_an_outage_throws_no_batch_away(house: House) -> None:
    await three_leads(house)
    await begin(house, 2)
    house.behind.fail = LeadUnavailable("Temporal does not answer")
    for _ in range(MOST_TRIES + 5):
        await carry_out(house)
    assert [tuple(row) for row in await house.pool.fetch("select state, tries from steering_item")] == [
        ("waiting", 0)
    ] * 2
    house.behind.fail = None
    assert await carry_out(house) == "pause: 2 of 2 done, 0 refused"


async def test_a_lead_that_alone_does_not_answer_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await three_leads(house)
    await begin(house, 2)
    run = await house.pool.fetchval("select id::text from steering_run")
    deaf = await house.pool.fetchval("select lead_id::text from steering_item where number = 1")
    real = house.behind.update

    async def update(lead_id: str, *asked: Any, **more: Any) -> Any:
        if lead_id == deaf:
            raise LeadUnavailable("the lead's workflow did not answer in time")
        return await real(lead_id, *asked, **more)

    monkeypatch.setattr(house.behind, "update", update)
    await house.pool.execute("update steering_item set tries = $1 where number = 1", MOST_TRIES - 1)
    assert await carry_out(house) == "pause: 1 of 2 done, 1 refused"
    assert await house.pool.fetchval("select ended_wall is not null from steering_run where id = $1", run)


async def test_a_run_that_is_held_asks_nothing_until_somebody_goes_on(house: House) -> None:
    await three_leads(house)
    await begin(house, 2)
    run = await house.pool.fetchval("select id from steering_run")
    await post(house, f"/ops/steer/{run}/hold", [])
    assert await carry_out(house) is None
    assert house.behind.updates == []
    await post(house, f"/ops/steer/{run}/go-on", [])
    assert await carry_out(house) == "pause: 2 of 2 done, 0 refused"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"reason": ""}, "reason: expected 1 to 80"),
        ({"seen": "7"}, "Other leads match by now"),
        ({"action": "change_plan", "to_plan": "inbound:99"}, "plan inbound version 99: there is no such plan"),
        ({"action": "change_plan", "to_plan": "inbound:99999999999"}, "plan: expected a name and a version"),
        ({"action": "reassign"}, "rep_id: expected for reassign"),
        ({"action": "change_plan", "to_plan": "inbound"}, "plan: expected a name and a version"),
        ({"action": "dance"}, "action: expected one of"),
        ({"type": "lukewarm"}, "type: expected hot or warm or cold"),
        ({"next_before": "soon"}, "next_before: expected a moment"),
        ({"owner": "Ben"}, "owner: expected the id of a rep"),
        ({"pace": "0"}, "pace: expected more than 0"),
        ({"until": "tomorrow"}, "until: expected a moment"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_begun(house: House, fields: dict[str, str], said: str) -> None:
    await three_leads(house)
    mark = await seen(house, "action=pause&type=cold")
    given = {"action": "pause", "type": "cold", "seen": mark, "reason": "why"} | fields
    status, page, _ = await post(house, "/ops/steer", list(given.items()))
    assert (status, said.lower() in re.sub("&#39;", "'", page).lower()) == (422, True), page
    assert await house.count("steering_run") == 0


async def test_other_leads_of_the_same_number_are_not_asked(house: House) -> None:
    leads = await three_leads(house)
    mark = await seen(house, "action=stop&type=cold")
    await house.close_lead(leads[0])
    await house.lead(email="new@example.com", intent="newsletter")
    given = {"action": "stop", "type": "cold", "seen": mark, "count": "2", "reason": "why"}
    status, page, _ = await post(house, "/ops/steer", list(given.items()))
    assert (status, "Other leads match by now" in page) == (422, True)
    assert await house.count("steering_run") == 0
    given["seen"] = await seen(house, "action=stop&type=cold")
    assert (await post(house, "/ops/steer", list(given.items())))[0] == 303


async def test_many_leads_go_to_another_plan_by_those_who_publish_plans(house: House) -> None:
    await three_leads(house)
    await PlanStore(house.pool).publish(PLAN.model_copy(update={"version": PLAN.version + 1}))
    mark = await seen(house, "action=change_plan&type=cold")
    given = {"action": "change_plan", "type": "cold", "seen": mark, "count": "2", "reason": "why",
             "to_plan": f"{PLAN.id}:{PLAN.version + 1}"}  # fmt: skip
    manager = await house.sign_in("manager")
    assert (await get(house, "/ops/steer?action=change_plan&type=cold", manager))[0] == 403
    assert "Move to another plan" not in (await get(house, "/ops/leads", manager))[1]
    assert (await post(house, "/ops/steer", list(given.items()), manager))[0] == 403
    assert await house.count("steering_run") == 0
    assert "Move to another plan" in (await get(house, "/ops/leads", house.staff))[1]
    assert (await post(house, "/ops/steer", list(given.items()), await house.sign_in("ops")))[0] == 303


async def test_only_who_steers_leads_may(house: House) -> None:
    rep = await put_rep(house)
    headers = await house.sign_in("rep", rep)
    async with house.http.get("/ops/steer", headers=headers) as answer:
        assert answer.status == 403
