"""The preview's page: a link means the usual lead, and a form that was sent means exactly its boxes."""

from urllib.parse import urlencode

import pytest

from tests.gateway.house import House

BRAZIL = {"type": "hot", "phone": "+5511987654321", "at": "2026-11-20T23:10-03:00"}
BOXES = ("email", "consent_text", "consent_sms", "consent_call")


async def ticked(house: House, **query: str) -> dict[str, bool]:
    """The boxes of the page that answers, once it has shown a week."""
    status, page = await house.call("GET", "/plans/preview?" + urlencode(query))
    assert status == 200
    assert "never answers" in page
    return {name: "checked" in page.split(f'id="{name}"')[1].split(">")[0] for name in BOXES}


async def week(house: House, **query: str) -> str:
    page = (await house.call("GET", "/plans/preview?" + urlencode(query)))[1]
    return str(page)[str(page).index('id="week"') :]


async def test_a_link_without_boxes_is_the_usual_lead(house: House) -> None:
    """As on the command line: with an address, beside the consent text, no box ticked."""
    assert await ticked(house, **BRAZIL) == {
        "email": True, "consent_text": True, "consent_sms": False, "consent_call": False}  # fmt: skip
    assert "there is no e-mail address" not in await week(house, **BRAZIL)


async def test_a_form_whose_boxes_are_not_ticked_means_so(house: House) -> None:
    sent = BRAZIL | {"boxes": "sent"}
    assert await ticked(house, **sent) == dict.fromkeys(BOXES, False)
    assert "there is no e-mail address" in await week(house, **sent)
    assert (await ticked(house, **sent, consent_sms="yes"))["consent_sms"]


@pytest.mark.parametrize("box", ["email", "consent_text"])
async def test_a_link_can_say_that_a_box_is_empty(house: House, box: str) -> None:
    assert not (await ticked(house, **BRAZIL, **{box: ""}))[box]


async def test_the_form_says_that_it_was_sent(house: House) -> None:
    _, page = await house.call("GET", "/plans/preview")
    assert '<input type="hidden" name="boxes" value="sent">' in page


async def test_at_night_the_page_promises_no_call_that_may_not_be_made(house: House) -> None:
    await house.pool.execute(
        """insert into rep (id, name, email, phone, zone, weekly, capacity)
           values (gen_random_uuid(), 'Ed', 'ed@example.com', '+14155550100', 'America/New_York', $1, 9)""",
        {str(day): [[540, 1080]] for day in range(5)},
    )
    shown = await week(
        house, type="hot", phone="+881612345678", at="2026-11-17T23:10-05:00", email="", consent_sms="yes"
    )
    assert "A person reads your inquiry within 10 hours." in shown
    assert "calls you" not in shown
