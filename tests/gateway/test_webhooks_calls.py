"""A bridged call, as Twilio asks and tells about it."""

import asyncio
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from speedlead.gateway.deps import LegPermit
from tests.gateway.house import PHONE, House

CALLER = "+14155550100"


class Call:
    """One attempt: the touch, the rep's leg and, once it is dialled, the lead's."""

    def __init__(self, house: House, lead_id: str, touch_id: str, rep_leg: str) -> None:
        self.house, self.lead_id, self.touch_id, self.rep_leg = house, lead_id, touch_id, rep_leg
        self.lead_leg = f"{touch_id}.lead-1"

    async def post(self, step: str, leg: str, **form: str) -> ElementTree.Element | None:
        status, text = await self.house.twilio(f"/webhooks/twilio/voice/{step}?leg={leg}", **form)
        assert status in (200, 204)
        return ElementTree.fromstring(text) if text else None  # noqa: S314 - our own answer

    async def key(self, digits: str) -> ElementTree.Element:
        answer = await self.post("accept", self.rep_leg, CallSid="CA1", Digits=digits)
        assert answer is not None
        return answer

    async def rep_phone(self, status: str) -> None:
        await self.post("leg", self.rep_leg, CallSid="CA1", CallStatus=status)

    async def lead_phone(self, status: str, **more: str) -> None:
        await self.post("lead-leg", self.lead_leg, CallSid="CA2", CallStatus=status, **more)

    async def done(self, status: str, **more: str) -> None:
        await self.post("done", self.lead_leg, CallSid="CA1", DialCallSid="CA2", DialCallStatus=status, **more)

    async def dialled(self) -> None:
        """Up to the moment at which the lead's phone is dialled."""
        self.house.behind.permit = LegPermit(True, PHONE, CALLER, self.lead_leg, None, "")
        await self.key("1")
        await self.house.leg(self.touch_id, "lead-1", "lead")

    async def progress(self) -> list[tuple[str, str]]:
        found = await self.house.messages(self.lead_id, "call_progress")
        return [(message["leg_id"].rsplit(".", 1)[1], message["result"]) for message in found]

    async def leg_state(self, leg: str) -> tuple[str, str | None]:
        row = await self.house.pool.fetchrow("select state, result from leg where id = $1", leg)
        return row["state"], row["result"]


async def ring(house: House) -> Call:
    lead_id = await house.lead(
        phone=PHONE, name="Ada <b>&", company="Initech", message="Hi & bye " * 40, intent="pricing"
    )
    touch_id = await house.touch(lead_id, "call-1", "call", PHONE)
    return Call(house, lead_id, touch_id, await house.leg(touch_id, "rep-1", "rep"))


async def test_the_rep_hears_who_it_is_and_is_asked_for_a_key(house: House) -> None:
    call = await ring(house)
    answer = await call.post("rep", call.rep_leg, CallSid="CA1", CallStatus="in-progress")
    assert answer is not None
    gather = answer.find("Gather")
    assert gather is not None
    assert (gather.get("numDigits"), gather.get("actionOnEmptyResult")) == ("1", "true")
    assert gather.get("action") == f"{house.base}/webhooks/twilio/voice/accept?leg={call.rep_leg}"
    said = gather.findtext("Say") or ""
    assert said.startswith("New lead: Ada <b>& from Initech. About: pricing. They wrote: Hi & bye")
    assert len(said) < 240
    assert [child.tag for child in answer] == ["Gather", "Hangup"]
    assert (await call.leg_state(call.rep_leg))[0] == "answered"
    assert await house.pool.fetchval("select provider_id from leg") == "CA1"


async def test_a_key_and_the_gate_connect_the_rep_to_the_lead(house: House) -> None:
    call = await ring(house)
    house.behind.permit = LegPermit(True, PHONE, CALLER, call.lead_leg, None, "")
    answer = await call.key("1")
    dial = answer.find("Dial")
    assert dial is not None
    number = dial.find("Number")
    assert number is not None
    assert number.text == PHONE
    assert (dial.get("callerId"), dial.get("timeout"), dial.get("answerOnBridge")) == (CALLER, "25", "true")
    assert dial.get("action") == f"{house.base}/webhooks/twilio/voice/done?leg={call.lead_leg}"
    assert number.get("statusCallback") == f"{house.base}/webhooks/twilio/voice/lead-leg?leg={call.lead_leg}"
    assert number.get("statusCallbackEvent") == "initiated ringing answered completed"
    assert (await call.leg_state(call.rep_leg))[0] == "accepted"
    assert house.behind.asked_legs == [call.rep_leg]
    # ringing a rep is no attempt
    assert await house.pool.fetchval("select first_attempt_at from lead") is None


@pytest.mark.parametrize(("digits", "result"), [("2", "rep_declined"), ("", "rep_no_answer"), ("*", "rep_declined")])
async def test_another_key_or_none_hangs_up_and_asks_no_gate(house: House, digits: str, result: str) -> None:
    call = await ring(house)
    answer = await call.key(digits)
    assert [child.tag for child in answer] == ["Hangup"]
    assert house.behind.asked_legs == []
    await call.rep_phone("completed")
    await call.key(digits)
    assert await call.progress() == [("rep-1", result)]


async def test_when_the_gate_says_no_the_rep_hears_why(house: House) -> None:
    call = await ring(house)
    house.behind.permit = LegPermit(False, None, CALLER, "", "replied", "This lead has just replied <in writing>.")
    answer = await call.key("1")
    assert answer.findtext("Say") == "This lead has just replied <in writing>."
    assert answer.find("Dial") is None
    assert await call.progress() == [("rep-1", "not_permitted")]
    assert await house.pool.fetchval("select reason from story where kind = 'call_progress'") == "replied"


async def test_a_gate_that_breaks_dials_nobody(house: House) -> None:
    call = await ring(house)
    answer = await call.key("1")  # no permit was set: the gate raises
    assert [child.tag for child in answer] == ["Say", "Hangup"]
    assert (await call.leg_state(call.rep_leg))[0] == "claimed"


@pytest.mark.parametrize(("code", "told"), [("21215", ["21215"]), ("21219", ["21219"]), ("480", [])])
async def test_ops_hear_of_a_lead_whose_number_we_may_not_call(house: House, code: str, told: list[str]) -> None:
    call = await ring(house)
    await call.dialled()
    await call.lead_phone("failed", ErrorCode=code)
    rows = await house.pool.fetch("select reason from notice where audience = 'ops' and kind = 'provider_config'")
    assert [row["reason"] for row in rows] == told


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled", "completed"])
async def test_a_rep_who_does_not_take_it(house: House, status: str) -> None:
    call = await ring(house)
    await call.rep_phone("initiated")
    await call.rep_phone("ringing")
    assert (await call.leg_state(call.rep_leg))[0] == "ringing"
    await asyncio.gather(*(call.rep_phone(status) for _ in range(5)))
    assert await call.progress() == [("rep-1", "rep_no_answer")]
    assert await call.leg_state(call.rep_leg) == ("ended", "rep_no_answer")
    assert await house.pool.fetchval("select first_attempt_at from lead") is None
    assert await house.pool.fetchval("select state from touch") == "claimed"


@pytest.mark.parametrize(
    ("status", "more", "result", "attempt"),
    [
        ("completed", {}, "connected", True),
        ("completed", {"AnsweredBy": "machine_start"}, "voicemail_not_left", True),
        ("busy", {}, "busy", True),
        ("no-answer", {}, "no_answer", True),
        ("canceled", {}, "abandoned", False),
        ("failed", {}, "failed", False),
        ("failed", {"SipResponseCode": "404"}, "disconnected", True),
        ("failed", {"ErrorCode": "13224"}, "disconnected", True),
        ("failed", {"ErrorCode": "21215"}, "failed", False),
    ],
)
async def test_how_a_call_ends(house: House, status: str, more: dict[str, str], result: str, attempt: bool) -> None:
    call = await ring(house)
    await call.dialled()
    claimed = house.clock.now
    house.clock.now += timedelta(seconds=30)
    await asyncio.gather(
        *(call.lead_phone(status, **more) for _ in range(3)), *(call.done(status, **more) for _ in range(3))
    )
    await call.rep_phone("completed")
    assert await call.progress() == [("lead-1", result)]
    touch = await house.pool.fetchrow("select state, call_result, sent_at from touch")
    assert tuple(touch) == ("sent" if attempt else "failed", result, claimed if attempt else None)
    lead = await house.pool.fetchrow("select first_attempt_at, first_contact_at from lead")
    assert tuple(lead) == (claimed if attempt else None, house.clock.now if result == "connected" else None)
    bad = await house.pool.fetchval("select bad_reason from person_phone")
    assert bad == ("disconnected" if result == "disconnected" else None)
    assert await house.pool.fetchval("select count(*) from story where kind = 'call_progress'") == 1


async def test_the_attempt_starts_when_the_leads_phone_rings(house: House) -> None:
    call = await ring(house)
    await call.dialled()
    await call.lead_phone("initiated")
    assert await house.pool.fetchval("select first_attempt_at from lead") is None
    house.clock.now += timedelta(seconds=2)
    rang = house.clock.now
    await call.lead_phone("ringing")
    house.clock.now += timedelta(seconds=9)
    await call.lead_phone("in-progress")
    answered = house.clock.now
    house.clock.now += timedelta(minutes=3)
    await call.lead_phone("ringing")  # late, and so without effect
    await call.lead_phone("completed")
    row = await house.pool.fetchrow("select first_attempt_at, first_contact_at from lead")
    assert tuple(row) == (rang, answered)
    message = (await house.messages(call.lead_id, "call_progress"))[0]
    assert message["at"] == rang.isoformat().replace("+00:00", "Z")
    # another attempt does not move the first one
    assert await call.progress() == [("lead-1", "connected")]


async def test_a_machine_that_was_heard_is_no_contact(house: House) -> None:
    call = await ring(house)
    await call.dialled()
    await call.lead_phone("ringing")
    await call.post("amd", call.lead_leg, CallSid="CA2", AnsweredBy="machine_start")
    await call.done("completed")
    assert await call.progress() == [("lead-1", "voicemail_not_left")]
    assert await house.pool.fetchval("select first_contact_at from lead") is None


async def test_a_call_that_ends_after_closing_is_told_in_the_story_only(house: House) -> None:
    call = await ring(house)
    await call.dialled()
    await house.close_lead(call.lead_id)
    await call.done("no-answer")
    assert await call.progress() == []
    assert await house.pool.fetchval("select count(*) from story where kind = 'call_progress'") == 1


async def test_a_rep_whose_lead_has_gone_hears_so(house: House) -> None:
    call = await ring(house)
    await call.rep_phone("canceled")
    answer = await call.post("rep", call.rep_leg, CallSid="CA1", CallStatus="in-progress")
    assert answer is not None
    assert [child.tag for child in answer] == ["Say", "Hangup"]


async def test_a_rep_leg_cannot_be_reported_as_the_leads(house: House) -> None:
    call = await ring(house)
    await call.post("lead-leg", call.rep_leg, CallSid="CA1", CallStatus="completed")
    assert await call.progress() == []
