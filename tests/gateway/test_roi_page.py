"""What speed is worth, and the first steps, over HTTP: who sees them, and what is typed wrongly."""

import re

import pytest

from tests.gateway.house import House
from tests.gateway.test_access import ask
from tests.store.hand_made import put_reps


@pytest.mark.parametrize(
    ("role", "status"), [("rep", 403), ("support", 403), ("analyst", 200), ("marketing", 200), ("manager", 200)]
)
async def test_money_is_for_those_who_steer_by_it(house: House, role: str, status: int) -> None:
    headers = await house.sign_in(role)
    assert (await ask(house, "GET", "/roi", headers))[0] == status
    got, page = await ask(house, "GET", "/start", headers)
    assert got == 200
    for path in ("/people", "/accounts", "/audit-report"):
        assert (f'<a href="{path}">{path}</a>' in page) is ((await ask(house, "GET", path, headers))[0] == 200), path


async def test_an_empty_house_gets_the_example_and_is_told_so(house: House) -> None:
    _, page = await ask(house, "GET", "/roi", house.staff)
    assert "Net between −4,000 USD and 90,000 USD a month" in page
    assert "nothing of it is measured" in page
    assert page.count("example, illustrative") == 10


async def test_what_is_typed_wrongly_is_named_and_kept(house: House) -> None:
    status, page = await ask(house, "GET", "/roi?leads=many&currency=XXX&period=ever", house.staff)
    assert status == 422
    assert set(re.findall(r'<li><a href="#(\w+)">[\w ]+</a>: expected', page)) == {"leads", "currency", "period"}
    assert 'value="many"' in page
    status, page = await ask(house, "GET", "/roi?conversion=1e-30", house.staff)
    assert (status, "expected at most 6 digits behind the point, got &#39;1e-30&#39;" in page) == (422, True)
    status, page = await ask(house, "GET", "/roi?leads=%3Cscript%3E", house.staff)
    assert (status, "<script>" in page) == (422, False)


async def test_a_house_whose_bookkeeping_is_in_euros_is_asked_for_costs_in_euros(house: House) -> None:
    lead = await house.lead()
    await house.pool.execute(
        """insert into ledger_entry (reference, kind, lead_id, booked_on, amount, currency, imported_wall)
           values ('R-1', 'revenue', $1, '2026-11-23', 1000, 'EUR', '2026-11-23 12:00+00')""", lead)  # fmt: skip
    await house.pool.execute("update lead set created_at = created_at - interval '20 days'")
    status, page = await ask(house, "GET", "/roi", house.staff)
    assert (status, page.count("or rate_usd, what a dollar costs in EUR")) == (200, 3)
    status, page = await ask(house, "GET", "/roi?rate_usd=0.9", house.staff)
    assert (status, "your bookkeeping: 1 leads that brought something" in page) == (200, True)
    assert "1,000 EUR" in page


async def test_first_steps_are_read_from_what_is_there(house: House) -> None:
    await put_reps(house.pool)
    steps = r"(✓ done|○ open|yours)</span>\s*<div><h3>(?:\d\. )?([^<]+)"
    _, page = await ask(house, "GET", "/start", house.staff)
    before = {title: state for state, title in re.findall(steps, page)}
    assert (len(before), before["Route by territory"], before["Train"]) == (13, "○ open", "yours")
    await house.pool.execute("update rep set territories = array['US']")
    _, page = await ask(house, "GET", "/start", house.staff)
    assert ("✓ done", "Route by territory") in re.findall(steps, page)
