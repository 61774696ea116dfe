"""The script on a lead's page: answers become rows with who, when and which version, and lead to the next question."""

import html

import pytest

from tests.gateway.house import House, rep

NOBODY = "00000000-0000-4000-8000-000000000000"


async def page(house: House, lead: str, tail: str = "") -> str:
    status, text = await house.call("GET", f"/leads/{lead}/script{tail}")
    assert status == 200
    return html.unescape(str(text))


async def say(house: House, lead: str, question: str, answer: str, **headers: str) -> int:
    path = f"/leads/{lead}/script/{question}"
    async with house.http.post(
        path, data={"answer": answer}, headers=house.staff | headers, allow_redirects=False
    ) as reply:
        return reply.status


async def test_each_answer_leads_to_the_next_question_and_is_kept_with_who_and_when(house: House) -> None:
    lead, sam = await house.lead(), await rep(house.pool)
    first = await page(house, lead)
    assert "You asked us about your demo request" in first
    assert "Is this a good moment?" in first
    assert await say(house, lead, "moment", "yes", **await house.sign_in("manager", sam)) == 303
    second = await page(house, lead, "/panel")
    assert "What made you look for this now?" in second
    assert "Yes, go ahead" in second
    assert "Sam, " in second
    row = await house.pool.fetchrow("select * from script_answer")
    assert (str(row["lead_id"]), row["script_id"], row["script_version"], row["question_id"], row["answer_id"],
            str(row["rep_id"]), row["at"]) == (lead, "inbound", 1, "moment", "yes", sam, house.clock.now)  # fmt: skip


async def test_an_answer_can_be_given_anew_and_nothing_is_overwritten(house: House) -> None:
    lead = await house.lead()
    await say(house, lead, "moment", "yes")
    await say(house, lead, "need", "problem")
    assert "Is this a good moment?</legend>" in await page(house, lead, "?ask=moment")
    await say(house, lead, "moment", "later")
    ended = await page(house, lead)
    assert "asked to be called back" in ended
    assert "What made you look" not in ended
    await say(house, lead, "moment", "yes")
    assert "Who besides you decides" in await page(house, lead)  # what was said before still counts
    assert await house.count("script_answer") == 4


async def test_somebody_who_is_no_fit_is_said_to_be_none(house: House) -> None:
    lead = await house.lead()
    await say(house, lead, "moment", "yes")
    await say(house, lead, "need", "support")
    ended = await page(house, lead)
    assert "Not a fit: A support case; hand it to support." in ended
    assert f'<a href="/leads/{lead}#log">not a fit</a>' in ended


@pytest.mark.parametrize(("question", "answer"), [("moment", "maybe"), ("moments", "yes"), ("moment", "")])
async def test_what_the_script_does_not_know_is_not_written(house: House, question: str, answer: str) -> None:
    lead = await house.lead()
    assert await say(house, lead, question, answer) == 404
    assert await say(house, NOBODY, "moment", "yes") == 404
    assert (await house.call("GET", f"/leads/{NOBODY}/script"))[0] == 404
    assert (await house.call("GET", "/leads/x/script/panel"))[0] == 404
    assert await house.count("script_answer") == 0


async def test_another_site_may_not_answer(house: House) -> None:
    lead = await house.lead()
    assert await say(house, lead, "moment", "yes", **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert await house.count("script_answer") == 0


async def test_a_question_that_was_not_asked_yet_cannot_be_jumped_to(house: House) -> None:
    lead = await house.lead()
    assert "Is this a good moment?</legend>" in await page(house, lead, "?ask=budget")
