"""All leads that a filter finds are asked one thing from the page: preview, run, progress, who and why."""

import re

import pytest

from speedlead.cadence_errors import LeadRefused
from speedlead.chores.runner import run_once
from speedlead.chores.steering import steering_chore
from tests.gateway.house import House
from tests.gateway.test_people import get, post, put_rep


async def three_leads(house: House) -> list[str]:
    kinds = (("newsletter", "fair"), ("newsletter", "website"), ("demo_request", "fair"))
    return [
        await house.lead(email=f"lead{n}@example.com", intent=intent, source=source)
        for n, (intent, source) in enumerate(kinds)
    ]


async def carry_out(house: House) -> str | None:
    return await run_once(house.pool, steering_chore(house.pool, house.behind, house.clock))


async def begin(house: House, count: int, action: str = "pause", **fields: str) -> tuple[int, str]:
    """What the page of the run says."""
    given = {"action": action, "type": "cold", "count": str(count), "reason": "wrong price list"} | fields
    status, page, where = await post(house, "/ops/steer", list(given.items()))
    assert status == 303, page
    return await get(house, where)


async def test_what_matches_is_shown_before_anything_is_asked(house: House) -> None:
    leads = await three_leads(house)
    status, page = await get(house, "/ops?type=cold&source=fair")
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
        ({"count": "7"}, "Other leads match by now"),
        ({"action": "reassign"}, "rep_id: expected for reassign"),
        ({"action": "change_plan", "plan": "inbound"}, "plan: expected a name and a version"),
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
    given = {"action": "pause", "type": "cold", "count": "2", "reason": "why"} | fields
    status, page, _ = await post(house, "/ops/steer", list(given.items()))
    assert (status, said.lower() in re.sub("&#39;", "'", page).lower()) == (422, True), page
    assert await house.count("steering_run") == 0


async def test_only_who_steers_leads_may(house: House) -> None:
    rep = await put_rep(house)
    headers = await house.sign_in("rep", rep)
    async with house.http.get("/ops/steer", headers=headers) as answer:
        assert answer.status == 403
