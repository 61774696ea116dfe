"""What changes a lead's plan while it runs, each at an exact virtual instant."""

from datetime import timedelta

import pytest

from speedlead.demo.moments import Moment
from speedlead.demo.world import World
from tests.workflows.leads import ADA, ended, instant_of, notices, touches, tuesday_at

pytestmark = pytest.mark.timeout(90)
NEAR = timedelta(seconds=10)


def outcome(world: World, after: str, **body: object) -> Moment:
    async def happens(lead_id: str) -> None:
        await world.call("POST", f"{world.url}/api/leads/{lead_id}/outcomes", body)

    return Moment(after=after, happens=happens)


async def test_a_wrong_number_stops_calls_and_texts_and_goes_on_by_mail(world: World) -> None:
    lead = await world.submit(tuesday_at(15), moments=[outcome(world, "call-2", call_result="wrong_number")], **ADA)
    assert (await ended(world, lead))["reason"] == "plan_completed"
    made = await touches(world, lead)
    assert "call-3 skipped invalid_number" in made
    assert "sms-1 skipped invalid_number" in made
    assert [t for t in made if t.startswith(("email", "day")) and t.endswith("sent")] == [
        "email-1 sent", "day-3-email sent", "day-5-email sent", "day-7-email sent",
    ]  # fmt: skip


async def test_a_dead_line_says_the_same_by_itself(world: World) -> None:
    await world.person(ADA["phone"], call="disconnected")
    lead = await world.submit(tuesday_at(15), **ADA)
    await ended(world, lead)
    made = await touches(world, lead)
    assert made[1] == "call-1 sent disconnected"
    assert "call-2 skipped invalid_number" in made
    assert "day-7-email sent" in made


async def test_a_callback_holds_the_plan_until_the_moment_the_lead_asked_for(world: World) -> None:
    at = tuesday_at(15) + timedelta(hours=5, minutes=30)
    lead = await world.submit(
        tuesday_at(15), moments=[outcome(world, "call-1", outcome="callback_requested", at=at.isoformat())], **ADA
    )
    await ended(world, lead)
    made = await touches(world, lead)
    assert made[:3] == ["ack-1 sent", "call-1 sent no_answer", "callback-1 sent no_answer"]
    assert abs(await instant_of(world, lead, "callback-1") - timedelta(hours=5, minutes=30)) < NEAR
    # and then the plan goes on, with nothing skipped and no burst
    assert made[3] == "call-2 sent no_answer"
    assert await instant_of(world, lead, "call-2") >= timedelta(hours=5, minutes=30)


async def test_connected_waits_for_the_outcome_with_reminders_and_closes_after_a_fortnight(world: World) -> None:
    await world.person(ADA["phone"], call="answer", talk_s=1)
    lead = await world.submit(tuesday_at(15), **ADA)
    end = await ended(world, lead)
    assert end["reason"] == "no_outcome"
    assert await touches(world, lead) == ["ack-1 sent", "call-1 sent connected"]
    told = await notices(world, lead)
    assert told.count("rep: waiting_for_outcome") == 2
    assert told.count("manager: waiting_for_outcome") == 2
    row = await world.pool.fetchrow("select closed_at - first_contact_at as waited from lead where id = $1", lead)
    assert row is not None
    assert abs(row["waited"] - timedelta(days=14)) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("decision", "stage"),
    [("qualified", "qualified"), ("unqualified", "closed"), ("not_interested", "closed"), ("converted", "converted")],
)
async def test_a_decision_ends_the_lead_at_once(world: World, decision: str, stage: str) -> None:
    lead = await world.submit(tuesday_at(15), moments=[outcome(world, "call-2", outcome=decision)], **ADA)
    assert (await ended(world, lead))["reason"] == decision
    assert await touches(world, lead) == ["ack-1 sent", "call-1 sent no_answer", "call-2 sent no_answer"]
    assert await world.pool.fetchval("select stage from lead where id = $1", lead) == stage


async def test_a_booked_meeting_stops_the_plan_and_keeps_the_lead_open(world: World) -> None:
    booked = outcome(world, "call-1", outcome="meeting_booked")
    converted = outcome(world, "meeting_booked", outcome="converted")
    lead = await world.submit(tuesday_at(15), moments=[booked, converted], **ADA)
    assert (await ended(world, lead))["reason"] == "converted"
    assert await touches(world, lead) == ["ack-1 sent", "call-1 sent no_answer"]
    assert (await world.pool.fetchval("select closed_at - created_at from lead where id = $1", lead)).days == 14


async def test_do_not_contact_suppresses_every_channel(world: World) -> None:
    lead = await world.submit(tuesday_at(15), moments=[outcome(world, "call-1", outcome="do_not_contact")], **ADA)
    assert (await ended(world, lead))["reason"] in ("opted_out", "do_not_contact")
    assert await touches(world, lead) == ["ack-1 sent", "call-1 sent no_answer"]
    assert await world.pool.fetchval("select channel from suppression") == "all"


async def test_a_second_hotter_form_joins_the_open_lead_is_answered_and_starts_the_hot_track(world: World) -> None:
    async def again(lead_id: str) -> None:
        body = await world.call("POST", f"{world.url}/api/leads", ADA | {"message": "Now I want a demo"})
        assert body["lead_id"] == lead_id

    warm = ADA | {"intent": "webinar", "message": "Please register me"}
    lead = await world.submit(tuesday_at(15), moments=[Moment(after="email-1", happens=again)], **warm)
    await ended(world, lead)
    made = await touches(world, lead)
    assert made[:3] == ["ack-1 sent", "call-1 sent no_answer", "email-1 sent"]
    assert "ack-2 sent" in made
    assert {"call-1-r2 sent no_answer", "call-2-r2 sent no_answer", "day-7-email-r2 sent"} <= set(made)
    assert await instant_of(world, lead, "call-1-r2") < timedelta(minutes=43)
    assert await world.pool.fetchval("select count(*) from lead") == 1


async def test_a_lead_whose_place_nobody_knows_is_never_called(world: World) -> None:
    nowhere = {k: v for k, v in ADA.items() if k not in ("country", "tz")} | {"phone": "+80012345678"}
    lead = await world.submit(tuesday_at(15), **nowhere)
    await ended(world, lead)
    made = await touches(world, lead)
    assert "ack-1 sent" in made
    assert not [
        touch for touch in made if touch.startswith(("call", "sms", "day")) and "call" in touch and " sent" in touch
    ]
    mail = (await world.messages(channel="email", touch=f"{lead}.ack-1"))[0]
    assert "in which city or postcode area are you?" in mail["body"]


async def test_without_any_rep_the_call_stays_due_and_mail_and_text_still_go(world: World) -> None:
    await world.pool.execute("update rep set presence = 'away'")
    lead = await world.submit(tuesday_at(15), **ADA)
    await ended(world, lead)
    made = await touches(world, lead)
    assert not [touch for touch in made if "call" in touch.split()[0] and " sent" in touch]
    assert {"ack-1 sent", "email-1 sent", "sms-1 sent", "day-7-email sent"} <= set(made)
    assert "manager: nobody_available" in await notices(world, lead)
    reasons = {row["reason"] for row in await world.pool.fetch("select reason from touch where channel = 'call'")}
    assert reasons <= {"rep_unavailable", "superseded"}


async def test_the_backup_is_rung_when_the_first_rep_does_not_press_the_key(world: World) -> None:
    lead = await world.submit(tuesday_at(15), moments=[outcome(world, "call-1", outcome="qualified")], **ADA)
    await ended(world, lead)
    owner_phone = await world.pool.fetchval(
        "select r.phone from rep r join lead l on l.owner_id = r.id where l.id = $1", lead
    )
    await world.person(owner_phone, rep="ignore")
    await world.pool.execute("update rep set last_assigned_wall = null, capacity = 1 where phone <> $1", owner_phone)
    second = await world.submit(
        tuesday_at(15) + timedelta(hours=1),
        moments=[outcome(world, "call-1", outcome="qualified")],
        **(ADA | {"email": "eve@example.com", "phone": "+12125550199", "name": "Eve"}),
    )
    await ended(world, second)
    legs = await world.pool.fetch(
        "select role, result from leg where touch_id = $1 order by claimed_at, id", f"{second}.call-1"
    )
    assert [(leg["role"], leg["result"]) for leg in legs if leg["result"] != "rep_no_answer"][-1] == (
        "lead",
        "no_answer",
    )
    assert await touches(world, second) == ["ack-1 sent", "call-1 sent no_answer"]
