"""A lead who is away: the plan pauses for the day that their note names, and goes on when business opens there."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from speedlead.demo.moments import Moment
from speedlead.demo.people import answers_mail
from speedlead.demo.world import World
from tests.workflows.leads import ADA, ended, notices, touches, tuesday_at

pytestmark = pytest.mark.timeout(90)
NEW_YORK = ZoneInfo("America/New_York")


def away(world: World, after: str, text: str) -> Moment:
    """The mailbox of the lead answers the newest mail by itself."""

    async def happens(lead_id: str) -> None:
        mails = await world.messages(channel="email", to=ADA["email"])
        newest = next(mail for mail in mails if mail["direction"] != "inbound")
        body = {"text": text}
        await world.call("POST", f"{world.sandbox_url}/api/messages/{newest['id']}/out_of_office", body)

    return Moment(after, happens)


async def first_after(world: World, lead_id: str, at: datetime) -> datetime:
    found: datetime = await world.pool.fetchval(
        "select min(coalesce(sent_at, settled_at)) from touch where lead_id = $1 and sent_at > $2", lead_id, at
    )
    return found.astimezone(NEW_YORK)


async def story(world: World, lead_id: str) -> list[tuple[str, str | None]]:
    rows = await world.pool.fetch("select kind, reason from story where lead_id = $1 order by at, id", lead_id)
    return [(row["kind"], row["reason"]) for row in rows]


async def test_the_plan_pauses_and_goes_on_at_nine_where_the_lead_is(world: World) -> None:
    begins = tuesday_at(15)
    back = begins.astimezone(NEW_YORK).date() + timedelta(days=6)  # the Monday after
    text = f"I am out of the office and back on {back:%A, %B} {back.day}."
    lead = await world.submit(begins, moments=[away(world, "call-1", text)], **ADA)
    assert (await ended(world, lead))["reason"] == "plan_completed"
    made = await touches(world, lead)
    assert made[:3] == ["ack-1 sent", "call-1 sent no_answer", "call-2 sent no_answer"]
    goes_on = await first_after(world, lead, begins + timedelta(minutes=5))
    assert (goes_on.date(), goes_on.hour, goes_on.minute) == (back, 9, 0)
    told = await story(world, lead)
    assert ("reply", "automatic_reply") in told
    assert told.index(("paused", "out_of_office")) < told.index(("resumed", "pause_over"))
    row = await world.pool.fetchrow(
        "select first_contact_at, paused_until, plan_stopped, stage from lead where id = $1", lead
    )
    assert row is not None
    assert tuple(row) == (None, None, None, "exhausted")
    # the whole plan, each touch once, with its spacing: no burst for the days that were lost
    assert len(made) == 13
    third = await world.pool.fetchval("select sent_at from touch where id = $1", f"{lead}.call-3")
    assert timedelta(minutes=19) < third - goes_on < timedelta(minutes=21)


async def test_whoever_writes_is_back_whatever_the_note_said(world: World) -> None:
    begins = tuesday_at(15)
    back = begins.date() + timedelta(days=20)
    note = away(world, "call-1", f"I am on leave until {back:%Y-%m-%d}.")

    async def both(lead_id: str) -> None:
        await note.happens(lead_id)
        await answers_mail(world, ADA["email"], "I am back early. Please call me.")(lead_id)

    lead = await world.submit(begins, moments=[Moment("call-1", both)], **ADA)
    assert (await ended(world, lead))["reason"] == "no_outcome"
    told = await story(world, lead)
    assert ("paused", "out_of_office") in told
    assert ("resumed", "lead_wrote") in told
    assert "rep: reply_received" in await notices(world, lead)
    # the owner was told at once, not when the note would have had them back
    at = await world.pool.fetchval("select min(at) from notice where lead_id = $1 and kind = 'reply_received'", lead)
    assert at - begins < timedelta(minutes=10)


async def test_a_note_without_a_day_changes_nothing(world: World) -> None:
    begins = tuesday_at(15)
    lead = await world.submit(begins, moments=[away(world, "call-1", "I am out of the office.")], **ADA)
    await ended(world, lead)
    assert not {kind for kind, _ in await story(world, lead)} & {"paused", "resumed"}
    second = await first_after(world, lead, begins + timedelta(minutes=5))
    assert second - begins < timedelta(minutes=15)
