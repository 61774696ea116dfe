"""Calls are acted out as Twilio does it: the rep rings, our TwiML decides, the lead is dialled, all is reported."""

import asyncio
from pathlib import Path

import pytest

from tests.sandbox.world import LEAD, REP, World, world

RING = (
    '<Response><Gather numDigits="1" timeout="6" action="accept?leg=L.call-1.rep-1" actionOnEmptyResult="true">'
    "<Say>Ana asked for a demo</Say></Gather><Hangup/></Response>"
)
DIAL = (
    '<Response><Dial callerId="+14155552671" timeout="25" answerOnBridge="true" action="done?leg=L.call-1.rep-1">'
    '<Number statusCallback="lead-leg?leg=L.call-1.lead" statusCallbackEvent="initiated ringing answered completed"'
    f' machineDetection="Enable" amdStatusCallback="amd">{LEAD}</Number></Dial></Response>'
)


def steps(made: World, name: str) -> list[str]:
    return [hook.form["CallStatus"] for hook in made.gateway.got(f"/voice/{name}")]


async def ring(made: World, *, expect_over: bool = True) -> str:
    made.gateway.twiml |= {"rep": RING, "accept": DIAL, "done": "<Response><Say>Bye</Say><Hangup/></Response>"}
    call = await made.dialer.ring_rep(leg_id="L.call-1.rep-1", to=REP, ring_s=20)
    if expect_over:
        await made.until(lambda: steps(made, "leg")[-1:] in (["completed"], ["no-answer"], ["busy"], ["canceled"]))
    return call.provider_id


@pytest.mark.parametrize("mode", ["late", "before"])
async def test_the_rep_accepts_and_the_lead_does_not_answer(tmp_path: Path, mode: str) -> None:
    async with world(tmp_path, mode) as made:  # type: ignore[arg-type]
        await ring(made)
        assert [hook.form["Digits"] for hook in made.gateway.got("/voice/accept")] == ["1"]
        assert steps(made, "leg") == ["initiated", "ringing", "in-progress", "completed"]
        assert steps(made, "lead-leg") == ["initiated", "ringing", "no-answer"]
        [done] = made.gateway.got("/voice/done")
        assert done.form["DialCallStatus"] == "no-answer"
        assert done.query == {"leg": "L.call-1.rep-1"}
        assert all(hook.signed for hook in made.gateway.hooks)
        lead_leg, rep_leg = await made.messages(channel="call", touch="L.call-1")
        assert (lead_leg["leg_id"], lead_leg["status"]) == ("L.call-1.lead", "no-answer")
        assert (rep_leg["leg_id"], rep_leg["status"], lead_leg["parent_id"]) == (
            "L.call-1.rep-1", "completed", rep_leg["id"],
        )  # fmt: skip


@pytest.mark.parametrize("mode", ["late", "before"])
async def test_in_before_mode_everything_has_happened_when_the_request_is_answered(tmp_path: Path, mode: str) -> None:
    async with world(tmp_path, mode) as made:  # type: ignore[arg-type]
        await ring(made, expect_over=False)
        assert (len(made.gateway.got("/voice/done")) == 1) is (mode == "before")


async def test_the_lead_answers_and_talks(before: World) -> None:
    await before.put(f"/api/people/{LEAD}", {"call": "answer", "talk_s": 90})
    await ring(before)
    [done] = before.gateway.got("/voice/done")
    assert (done.form["DialCallStatus"], done.form["DialCallDuration"]) == ("completed", "90")
    assert steps(before, "lead-leg") == ["initiated", "ringing", "in-progress", "completed"]
    assert before.gateway.got("/voice/amd")[0].form["AnsweredBy"] == "human"


@pytest.mark.parametrize(
    ("behaviour", "result"),
    [("busy", "busy"), ("disconnected", "failed"), ("voicemail", "completed"), ("no_answer", "no-answer")],
)
async def test_each_end_of_a_lead_s_leg_has_its_status(before: World, behaviour: str, result: str) -> None:
    await before.put(f"/api/people/{LEAD}", {"call": behaviour})
    await ring(before)
    assert before.gateway.got("/voice/done")[0].form["DialCallStatus"] == result
    answered_by = [hook.form["AnsweredBy"] for hook in before.gateway.got("/voice/amd")]
    assert answered_by == (["machine_start"] if behaviour == "voicemail" else [])


@pytest.mark.parametrize(("behaviour", "end"), [("ignore", "no-answer"), ("busy", "busy")])
async def test_a_rep_who_does_not_answer_hears_nothing(late: World, behaviour: str, end: str) -> None:
    await late.put(f"/api/people/{REP}", {"rep": behaviour})
    await ring(late)
    assert steps(late, "leg") == ["initiated", "ringing", end]
    assert late.gateway.got("/voice/rep") == []


async def test_a_rep_who_declines_presses_another_key(before: World) -> None:
    await before.put(f"/api/people/{REP}", {"rep": "decline"})
    await ring(before)
    assert before.gateway.got("/voice/accept")[0].form["Digits"] == "2"


async def test_a_call_script_decides_by_step(before: World) -> None:
    await before.put(f"/api/people/{LEAD}", {"script": [{"on": "call", "step": "^call-1$", "do": "busy"}]})
    await ring(before)
    assert before.gateway.got("/voice/done")[0].form["DialCallStatus"] == "busy"


async def test_a_person_at_the_page_can_press_one_for_a_manual_rep(late: World) -> None:
    await late.put(f"/api/people/{REP}", {"rep": "manual"})
    sid = await ring(late, expect_over=False)
    await asyncio.sleep(0.1)
    assert late.gateway.got("/voice/rep") == []
    assert await late.act(sid, "press") == 204
    await late.until(lambda: len(late.gateway.got("/voice/done")) == 1)


async def test_hanging_up_ends_a_ringing_call_and_twice_is_fine(late: World) -> None:
    await late.put(f"/api/people/{REP}", {"rep": "manual"})
    sid = await ring(late, expect_over=False)
    assert not await late.dialer.is_over(sid)
    await late.dialer.hang_up(sid)
    await late.until(lambda: steps(late, "leg") == ["initiated", "ringing", "canceled"])
    assert await late.dialer.is_over(sid)
    await late.dialer.hang_up(sid)
    assert late.gateway.got("/voice/rep") == []


async def test_hanging_up_while_the_lead_rings_cancels_the_lead_s_leg(tmp_path: Path) -> None:
    async with world(tmp_path, "late", pace=0.3) as made:
        sid = await ring(made, expect_over=False)
        await made.until(lambda: "ringing" in steps(made, "lead-leg"))
        await made.dialer.hang_up(sid)
        await made.until(lambda: steps(made, "leg")[-1:] == ["completed"])
        assert steps(made, "lead-leg")[-1] == "canceled"
        assert made.gateway.got("/voice/done")[0].form["DialCallStatus"] == "canceled"
        [rep_leg] = await made.messages(channel="call", to=REP)
        assert "say: Bye" not in rep_leg["extra"]["heard"]  # the action is told, but nobody is there to hear it


async def test_the_page_can_answer_for_the_lead(tmp_path: Path) -> None:
    async with world(tmp_path, "late", pace=0.3) as made:
        await ring(made, expect_over=False)
        await made.until(lambda: "ringing" in steps(made, "lead-leg"))
        [lead_leg] = await made.messages(channel="call", to=LEAD)
        assert await made.act(lead_leg["id"], "answer") == 204
        await made.until(lambda: len(made.gateway.got("/voice/done")) == 1)
        assert made.gateway.got("/voice/done")[0].form["DialCallStatus"] == "completed"
        assert await made.act(lead_leg["id"], "answer") == 409


@pytest.mark.parametrize("answer", ["not xml", "<Other/>", '<!DOCTYPE x [<!ENTITY a "b">]><Response/>'])
async def test_bad_twiml_ends_the_call_like_an_application_error(before: World, answer: str) -> None:
    before.gateway.twiml["rep"] = answer
    await before.dialer.ring_rep(leg_id="L.call-1.rep-1", to=REP, ring_s=20)
    [stored] = await before.messages()
    assert stored["status"] == "completed"
    assert stored["extra"]["heard"][0].startswith("error: TwiML")


async def test_unknown_verbs_and_redirects_are_recorded_and_followed(before: World) -> None:
    before.gateway.twiml["rep"] = (
        "<Response><Enqueue>q</Enqueue><Pause length='1'/><Redirect>next</Redirect></Response>"
    )
    before.gateway.twiml["next"] = "<Response><Say>hello</Say></Response>"
    await before.dialer.ring_rep(leg_id="L.call-1.rep-1", to=REP, ring_s=20)
    [stored] = await before.messages()
    assert stored["extra"]["heard"] == ["unknown verb: Enqueue", "say: hello"]
    assert len(before.gateway.got("/voice/next")) == 1


LEAVE = DIAL.replace('machineDetection="Enable"', 'machineDetection="DetectMessageEnd"')


@pytest.mark.parametrize("mode", ["late", "before"])
async def test_a_redirected_lead_s_leg_speaks_alone_while_the_rep_goes_on(tmp_path: Path, mode: str) -> None:
    async with world(tmp_path, mode, pace=0.1) as made:  # type: ignore[arg-type]
        made.gateway.twiml |= {
            "rep": RING, "accept": LEAVE, "done": "<Response><Say>You are free</Say><Hangup/></Response>",
            "voicemail": "<Response><Say>Hello</Say><Redirect>left?leg=L.call-1.lead</Redirect></Response>",
            "left": "<Response><Hangup/></Response>",
        }  # fmt: skip
        await made.put(f"/api/people/{LEAD}", {"call": "voicemail"})
        speak = f"{made.gateway.url}/webhooks/twilio/voice/voicemail?leg=L.call-1.lead"
        made.gateway.on_machine = lambda sid: made.dialer.redirect(sid, speak)
        await made.dialer.ring_rep(leg_id="L.call-1.rep-1", to=REP, ring_s=20)
        await made.until(lambda: steps(made, "lead-leg")[-1:] == ["completed"])
        await made.until(lambda: steps(made, "leg")[-1:] == ["completed"])
        [amd] = made.gateway.got("/voice/amd")
        assert amd.form["AnsweredBy"] == "machine_end_beep"
        assert len(made.gateway.got("/voice/left")) == 1
        [done] = made.gateway.got("/voice/done")
        assert done.form["DialCallStatus"] == "completed"
        lead_leg, rep_leg = await made.messages(channel="call", touch="L.call-1")
        assert "say: Hello" in lead_leg["extra"]["heard"]
        assert rep_leg["extra"]["heard"][-1] == "say: You are free"
        order = [hook.path.rpartition("/")[2] for hook in made.gateway.hooks]
        assert order.index("left") > order.index("amd")


@pytest.mark.parametrize(
    ("button", "status"), [("voicemail", "completed"), ("decline", "busy"), ("hang_up", "no-answer")]
)
async def test_the_page_plays_the_lead_s_phone(tmp_path: Path, button: str, status: str) -> None:
    async with world(tmp_path, "late", pace=0.3) as made:
        await made.put(f"/api/people/{LEAD}", {"call": "answer"})
        await ring(made, expect_over=False)
        await made.until(lambda: "ringing" in steps(made, "lead-leg"))
        [lead_leg] = await made.messages(channel="call", to=LEAD)
        assert await made.act(lead_leg["id"], button) == 204
        await made.until(lambda: len(made.gateway.got("/voice/done")) == 1)
        assert made.gateway.got("/voice/done")[0].form["DialCallStatus"] == status
        assert len(made.gateway.got("/voice/amd")) == (button == "voicemail")
