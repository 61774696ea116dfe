"""A machine answers for the lead: hung up on, left a message, or left to the rep, as the gate has said."""

from xml.etree import ElementTree

import pytest

from speedlead.gateway.deps import LegPermit
from speedlead.planbook import load_plan
from speedlead.ports import SendError, SendErrorKind
from speedlead.store.plans import PlanStore
from tests.gateway.house import PHONE, House
from tests.gateway.test_webhooks_calls import CALLER, Call, ring


async def answered(house: House, voicemail: str, **leave: str) -> Call:
    """A call whose lead's leg has just been answered; the lead's plan says what is left on a machine."""
    call = await ring(house)
    if leave:
        plan = load_plan().model_dump(mode="json", by_alias=True)
        plan |= {"id": "speaking"}
        for track in plan["tracks"].values():
            track["voicemail"] = {"do": "leave", **leave}
        await PlanStore(house.pool).publish(type(load_plan()).model_validate(plan))
        await house.pool.execute("update lead set plan_id = 'speaking', plan_version = $1", plan["version"])
    house.behind.permit = LegPermit(True, PHONE, CALLER, call.lead_leg, None, "", "stay")
    await call.key("1")
    await house.leg(call.touch_id, "lead-1", "lead", voicemail=voicemail)
    await call.lead_phone("ringing")
    await call.lead_phone("in-progress")
    return call


async def machine(call: Call, answered_by: str = "machine_end_beep") -> None:
    await call.post("amd", call.lead_leg, CallSid="CA2", AnsweredBy=answered_by)


async def test_a_message_is_read_out_and_the_rep_is_free_at_once(house: House) -> None:
    call = await answered(house, "leave", say="missed_you")
    await machine(call)
    url = f"{house.base}/webhooks/twilio/voice/voicemail?leg={call.lead_leg}"
    assert house.behind.steered == [("CA2", url)]
    status, said = await house.twilio(
        f"/webhooks/twilio/voice/done?leg={call.lead_leg}", CallSid="CA1", DialCallSid="CA2", DialCallStatus="completed"
    )
    assert status == 200
    assert "you are free" in said
    assert await call.progress() == []  # the message is still being spoken
    words = await call.post("voicemail", call.lead_leg, CallSid="CA2", CallStatus="in-progress")
    assert words is not None
    assert [child.tag for child in words] == ["Say", "Redirect"]
    assert words.findtext("Redirect") == f"{house.base}/webhooks/twilio/voice/left?leg={call.lead_leg}"
    assert (words.findtext("Say") or "").startswith("Hello, this is a recorded message from Acme about")
    assert words.find("Say").get("language") == "en-US"  # type: ignore[union-attr]
    for _ in range(2):
        over = await call.post("left", call.lead_leg, CallSid="CA2", CallStatus="in-progress")
        assert over is not None
        assert [child.tag for child in over] == ["Hangup"]
    await call.lead_phone("completed")
    assert await call.progress() == [("lead-1", "voicemail_left")]
    assert await house.pool.fetchval("select call_result from touch") == "voicemail_left"
    assert await house.pool.fetchval("select first_contact_at from lead") is None


async def test_a_recording_is_played(house: House) -> None:
    call = await answered(house, "leave", play="https://acme.example/missed.mp3")
    await machine(call, "machine_end_silence")
    words = await call.post("voicemail", call.lead_leg, CallSid="CA2", CallStatus="in-progress")
    assert words is not None
    assert words.findtext("Play") == "https://acme.example/missed.mp3"


async def test_a_message_that_was_cut_short_was_not_left(house: House) -> None:
    call = await answered(house, "leave", say="missed_you")
    await machine(call)
    await call.done("completed")
    await call.post("voicemail", call.lead_leg, CallSid="CA2", CallStatus="in-progress")
    await call.lead_phone("completed")
    assert await call.progress() == [("lead-1", "voicemail_not_left")]


@pytest.mark.parametrize(
    ("voicemail", "answered_by"),
    [
        ("stay", "machine_end_beep"),
        ("leave", "human"),
        ("leave", "machine_start"),
        ("leave", "fax"),
        ("leave", "unknown"),
    ],
)
async def test_nothing_is_played_to_a_person_or_without_leave(house: House, voicemail: str, answered_by: str) -> None:
    call = await answered(house, voicemail, say="missed_you")
    await machine(call, answered_by)
    assert house.behind.steered == []
    await call.done("completed")
    result = "connected" if answered_by in ("human", "unknown") else "voicemail_not_left"
    assert await call.progress() == [("lead-1", result)]


async def test_a_machine_is_hung_up_on_where_the_plan_says_so(house: House) -> None:
    call = await answered(house, "hang_up")
    await machine(call, "machine_start")
    await machine(call, "machine_start")
    assert house.behind.steered == [("CA2", "hang_up")]
    await call.done("completed")
    assert await call.progress() == [("lead-1", "voicemail_not_left")]


@pytest.mark.parametrize(
    ("kind", "told"), [(SendErrorKind.CONFIG, True), (SendErrorKind.IN_DOUBT, False)], ids=["refused", "in doubt"]
)
async def test_a_provider_that_takes_no_message_leaves_the_rep_on_the_line(
    house: House, kind: SendErrorKind, told: bool
) -> None:
    call = await answered(house, "leave", say="missed_you")
    house.behind.refuses = SendError(kind, "HTTP 400")
    await machine(call)
    await call.done("completed")
    # in doubt it may be speaking: the end of the lead's own leg tells
    assert await call.progress() == ([("lead-1", "voicemail_not_left")] if told else [])
    await call.lead_phone("completed")
    assert await call.progress() == [("lead-1", "voicemail_not_left")]


async def test_who_has_opted_out_in_the_meantime_is_told_nothing(house: House) -> None:
    call = await answered(house, "leave", say="missed_you")
    await machine(call)
    await house.close_lead(call.lead_id)
    words = await call.post("voicemail", call.lead_leg, CallSid="CA2", CallStatus="in-progress")
    assert words is not None
    assert [child.tag for child in words] == ["Hangup"]


@pytest.mark.parametrize(
    ("voicemail", "mode"), [("leave", "DetectMessageEnd"), ("stay", "Enable"), ("hang_up", "Enable")]
)
async def test_the_end_of_the_greeting_is_waited_for_only_where_a_message_is_left(
    house: House, voicemail: str, mode: str
) -> None:
    call = await ring(house)
    house.behind.permit = LegPermit(True, PHONE, CALLER, call.lead_leg, None, "", voicemail)  # type: ignore[arg-type]
    answer: ElementTree.Element = await call.key("1")
    assert answer.find("Dial/Number").get("machineDetection") == mode  # type: ignore[union-attr]
