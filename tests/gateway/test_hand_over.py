"""The page on which the open leads of somebody go to others."""

from speedlead.cadence_errors import LeadRefused
from tests.gateway.house import House
from tests.gateway.test_people import get, post, put_rep
from tests.gateway.test_steering_page import carry_out


async def leads_of(house: House, rep_id: str, many: int) -> list[str]:
    leads = [await house.lead(name=f"Lead {n}", email=f"lead{n}@example.com") for n in range(many)]
    await house.pool.execute("update lead set owner_id = $2 where id = any($1::uuid[])", leads, rep_id)
    return leads


async def test_who_would_get_how_many_is_shown_and_one_click_does_it(house: House) -> None:
    gone, small, large = (
        await put_rep(house, "Gone"),
        await put_rep(house, "Al", capacity=1),
        await put_rep(house, "Bo"),
    )
    leads = await leads_of(house, gone, 4)
    status, text = await get(house, f"/people/{gone}/hand-over")
    assert (status, "Al 1" in text, "Bo 3" in text, "Hand over 4 leads" in text) == (200, True, True, True)
    assert house.behind.updates == []
    status, _, where = await post(house, f"/people/{gone}/hand-over", [("to", "spread")])
    assert (status, where.startswith("/ops/steer/")) == (303, True)
    assert await carry_out(house) == "reassign: 4 of 4 done, 0 refused"
    assert "4 of 4 done" in (await get(house, where))[1]
    asked = [(lead, name, payload["rep_id"]) for lead, name, payload in house.behind.updates]
    assert sorted(lead for lead, _, _ in asked) == sorted(leads)
    assert {name for _, name, _ in asked} == {"reassign"}
    assert [rep for _, _, rep in asked].count(small) == 1
    assert [rep for _, _, rep in asked].count(large) == 3
    line = await house.pool.fetchrow(
        "select action, object::text as object, status from audit where action like '/people%' order by id desc limit 1"
    )
    assert tuple(line) == ("/people/{rep_id}/hand-over", gone, 303)


async def test_without_room_nothing_changes_and_the_page_says_why(house: House) -> None:
    gone, _ = await put_rep(house, "Gone"), await put_rep(house, "Al", capacity=1)
    await leads_of(house, gone, 2)
    status, page, _ = await post(house, f"/people/{gone}/hand-over", [("to", "spread")])
    assert (status, "room for 1 of 2 leads" in page) == (422, True)
    assert house.behind.updates == []
    status, _ = await get(house, f"/people/{gone}/hand-over?to={gone}")
    assert status == 422


async def test_a_late_accept_on_the_page_is_told_who_has_the_lead(house: House) -> None:
    rep_id = await put_rep(house)
    lead = (await leads_of(house, rep_id, 1))[0]
    await post(house, "/rep/choose", [("rep_id", rep_id)])
    house.behind.fail = LeadRefused("Your time to take this lead was over; Ben has it. Nothing was changed.")
    status, page, _ = await post(house, f"/leads/{lead}/accept", [])
    assert (status, "Ben has it" in page) == (409, True)
