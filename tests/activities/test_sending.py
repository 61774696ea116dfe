"""Acknowledge, mail, text: what each answer of a provider does to the touch, the lead and the result."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from speedlead.composer import ComposeError, Composer
from speedlead.contracts import AcknowledgeRequest, CheckRequest, SkipRow, TouchRequest, TouchResult, TouchState
from speedlead.ports import SendErrorKind
from tests.activities.house import NOW, PHONE, House

LATER = timedelta(seconds=8)  # the lease of a claim has run out
WORD = timedelta(seconds=20)  # a provider would have said something by now


async def acknowledge(house: House, lead: str, number: int = 1, *, fallback: bool = False) -> TouchResult:
    request = AcknowledgeRequest(lead_id=lead, inquiry_number=number, lead_type="hot", fallback=fallback)
    return await house.run(house.messaging.acknowledge, request)  # type: ignore[no-any-return]


async def reconcile(house: House, lead: str, step: str, *, give_up: bool) -> TouchResult:
    return await house.run(  # type: ignore[no-any-return]
        house.messaging.reconcile, CheckRequest(lead_id=lead, step=step, give_up=give_up)
    )


def provider(house: House, channel: str) -> Any:
    return house.mail if channel == "email" else house.text


@pytest.mark.parametrize("channel", ["email", "sms"])
async def test_a_touch_goes_out_once_however_often_it_is_asked_for(house: House, channel: str) -> None:
    lead = await house.lead()
    first = await house.send(lead, channel)
    assert (first.state, await house.send(lead, channel)) == (TouchState.SENT, first)
    assert len(provider(house, channel).requests) == 1
    touch = await house.touch(lead, f"{channel}-1")
    assert touch is not None
    assert (touch["state"], touch["provider_id"], touch["sent_at"]) == ("sent", "SM1", NOW)
    assert touch["body"]
    stage = await house.pool.fetchrow("select stage, first_attempt_at from lead where id = $1", lead)
    assert tuple(stage) == ("attempting", NOW)


async def test_ten_requests_at_once_send_one_message(house: House) -> None:
    lead = await house.lead()
    await asyncio.gather(*(house.send(lead) for _ in range(10)), return_exceptions=True)
    assert len(house.mail.requests) == 1


KINDS = [
    # (kind, state of the result, its reason by channel, state of the row)
    (SendErrorKind.RETRY_LATER, "failed", ("provider_down", "provider_down")),
    (SendErrorKind.BAD_ADDRESS, "failed", ("invalid_email", "invalid_number")),
    (SendErrorKind.OPTED_OUT, "skipped", ("opted_out", "opted_out")),
    (SendErrorKind.CONFIG, "failed", ("provider_config", "provider_config")),
    (SendErrorKind.CONTENT, "failed", ("content_refused", "content_refused")),
]


@pytest.mark.parametrize(("kind", "state", "reasons"), KINDS, ids=lambda v: str(v) if isinstance(v, str) else None)
@pytest.mark.parametrize("channel", ["email", "sms"])
async def test_a_final_refusal_ends_the_touch_with_its_reason(
    house: House, kind: SendErrorKind, state: str, reasons: tuple[str, str], channel: str
) -> None:
    lead = await house.lead()
    provider(house, channel).refuse = kind
    result = await house.send(lead, channel)
    reason = reasons[channel == "sms"]
    assert (result.state, result.reason) == (state, reason)
    touch = await house.touch(lead, f"{channel}-1")
    assert touch is not None
    assert (touch["state"], touch["reason"]) == (state, reason)
    bad = kind is SendErrorKind.BAD_ADDRESS
    assert result.bad_channel == (channel if bad else None)
    assert result.opted_out == (channel if kind is SendErrorKind.OPTED_OUT else None)
    read = await house.leads.read(lead)
    assert (read.email is None) is (bad and channel == "email")
    suppressed = await house.pool.fetchval("select channel from suppression")
    assert suppressed == (channel if kind is SendErrorKind.OPTED_OUT else None)
    needs_us = kind in (SendErrorKind.CONFIG, SendErrorKind.CONTENT)
    assert await house.notices(lead) == ([("ops", reason)] if needs_us else [])


async def test_a_safe_refusal_frees_the_touch_and_is_tried_again(house: House) -> None:
    lead = await house.lead()
    house.mail.refuse = SendErrorKind.RETRY_SAFE
    with pytest.raises(ApplicationError) as refused:
        await house.send(lead)
    assert (refused.value.type, refused.value.non_retryable) == ("retry_safe", False)
    house.mail.refuse = None
    assert (await house.send(lead)).state is TouchState.SENT


async def test_in_doubt_is_not_sent_again_and_its_callback_decides(house: House) -> None:
    lead = await house.lead()
    house.mail.refuse = SendErrorKind.IN_DOUBT
    assert (await house.send(lead)).state is TouchState.IN_DOUBT
    with pytest.raises(ApplicationError, match="another attempt holds the claim"):
        await house.send(lead)
    house.clock.now += LATER
    assert (await house.send(lead)).state is TouchState.IN_DOUBT
    assert len(house.mail.requests) == 1
    await house.touches.sent(f"{lead}.email-1", provider_id="SM9", at=house.clock.now)
    assert (await reconcile(house, lead, "email-1", give_up=True)).state is TouchState.SENT
    assert await house.notices(lead) == []


async def test_a_text_in_doubt_is_found_in_the_providers_list(house: House) -> None:
    lead = await house.lead()
    house.text.refuse = SendErrorKind.IN_DOUBT
    await house.send(lead, "sms")
    house.text.known = ["SM7"]
    house.clock.now += WORD
    result = await reconcile(house, lead, "sms-1", give_up=False)
    assert (result.state, result.reason) == (TouchState.SENT, "reconciled")
    touch = await house.touch(lead, "sms-1")
    assert touch is not None
    assert touch["provider_id"] == "SM7"


@pytest.mark.parametrize("channel", ["email", "sms"])
async def test_a_message_in_doubt_goes_once_more_and_then_ops_are_told(house: House, channel: str) -> None:
    lead = await house.lead()
    provider(house, channel).refuse = SendErrorKind.IN_DOUBT
    await house.send(lead, channel)
    house.clock.now += WORD
    assert (await reconcile(house, lead, f"{channel}-1", give_up=False)).state is TouchState.IN_DOUBT
    for _ in range(2):  # whoever reconciles may die and be asked again
        given_back = await reconcile(house, lead, f"{channel}-1", give_up=True)
        assert (given_back.state, given_back.reason) == (TouchState.DEFERRED, "not_confirmed")
    assert await house.notices(lead) == []
    assert (await house.send(lead, channel)).state is TouchState.IN_DOUBT
    house.clock.now += WORD
    for _ in range(2):
        assert (await reconcile(house, lead, f"{channel}-1", give_up=True)).state is TouchState.IN_DOUBT
    assert (await house.send(lead, channel)).state is TouchState.IN_DOUBT
    assert await house.notices(lead) == [("ops", "send_in_doubt")]
    assert len(provider(house, channel).requests) == 2


async def test_nothing_is_repeated_while_the_providers_word_may_still_come(house: House) -> None:
    lead = await house.lead()
    house.mail.refuse = SendErrorKind.IN_DOUBT
    await house.send(lead)
    house.clock.now += LATER
    with pytest.raises(ApplicationError, match="may still answer"):
        await reconcile(house, lead, "email-1", give_up=True)


async def given_back(house: House, channel: str = "sms") -> str:
    """A lead whose message is in doubt and waits for its repeat."""
    lead = await house.lead()
    provider(house, channel).refuse = SendErrorKind.IN_DOUBT
    await house.send(lead, channel)
    house.clock.now += WORD
    assert (await reconcile(house, lead, f"{channel}-1", give_up=True)).reason == "not_confirmed"
    provider(house, channel).refuse = None
    return lead


async def test_the_repeat_passes_the_gate_again(house: House) -> None:
    lead = await given_back(house)
    await house.opt_out(lead, "sms")
    result = await house.send(lead, "sms")
    assert (result.state, result.reason) == (TouchState.SKIPPED, "opted_out")
    touch = await house.touch(lead, "sms-1")
    assert touch is not None
    # the first request may have arrived all the same: a row that says it was left out would be a lie
    assert (touch["state"], touch["reason"]) == ("in_doubt", "opted_out")
    assert len(house.text.requests) == 1


async def test_a_repeat_that_has_to_wait_asks_the_list_once_more(house: House) -> None:
    lead = await given_back(house)
    house.clock.now = NOW + timedelta(hours=15)  # 01:00 in New York
    assert (await house.send(lead, "sms")).state is TouchState.DEFERRED
    house.text.known = ["SM7"]
    result = await house.send(lead, "sms")
    assert (result.state, result.reason) == (TouchState.SENT, "reconciled")
    assert len(house.text.requests) == 1


async def test_a_plan_that_stops_leaves_no_repeat_behind(house: House) -> None:
    lead = await given_back(house)
    await house.touches.skip(lead, [("sms-1", "sms", "replied", house.clock.now)], house.clock.now)
    touch = await house.touch(lead, "sms-1")
    assert touch is not None
    assert (touch["state"], touch["reason"]) == ("in_doubt", "replied")


async def test_what_another_touch_owns_is_not_found_again(house: House) -> None:
    lead = await house.lead()
    await house.send(lead, "sms", step="sms-1")  # SM1
    house.text.refuse = SendErrorKind.IN_DOUBT
    await house.send(lead, "sms", step="sms-2")
    house.clock.now += WORD
    house.text.known = ["SM1"]
    assert (await reconcile(house, lead, "sms-2", give_up=True)).reason == "not_confirmed"
    house.text.known = ["SM1", "SM9"]
    assert (await reconcile(house, lead, "sms-2", give_up=True)).state is TouchState.SENT
    touch = await house.touch(lead, "sms-2")
    assert touch is not None
    assert touch["provider_id"] == "SM9"


async def test_a_list_that_may_not_be_read_permits_no_repeat(house: House) -> None:
    lead = await house.lead()
    house.text.refuse = SendErrorKind.IN_DOUBT
    await house.send(lead, "sms")
    house.clock.now += WORD
    house.text.list_refuses = SendErrorKind.RETRY_SAFE
    with pytest.raises(ApplicationError) as asked_again:
        await reconcile(house, lead, "sms-1", give_up=True)
    assert asked_again.value.type == "retry_safe"
    house.text.list_refuses = SendErrorKind.CONFIG
    assert (await reconcile(house, lead, "sms-1", give_up=True)).state is TouchState.IN_DOUBT
    assert await house.notices(lead) == [("ops", "send_in_doubt")]


async def test_an_acknowledgement_is_not_repeated_under_its_own_id(house: House) -> None:
    lead = await house.lead(sms=False)
    house.mail.refuse = SendErrorKind.IN_DOUBT
    await acknowledge(house, lead)
    house.clock.now += LATER
    assert (await reconcile(house, lead, "ack-1", give_up=True)).state is TouchState.IN_DOUBT


async def test_what_was_never_claimed_has_failed_and_is_not_in_doubt(house: House) -> None:
    lead = await house.lead()
    house.mail.refuse = SendErrorKind.RETRY_SAFE
    with pytest.raises(ApplicationError):
        await house.send(lead)
    result = await reconcile(house, lead, "email-1", give_up=True)
    assert (result.state, result.reason) == (TouchState.FAILED, "provider_down")


async def test_outside_hours_a_touch_is_deferred_to_an_instant_with_reasons(house: House) -> None:
    lead = await house.lead()
    house.clock.now = NOW + timedelta(hours=15)  # 01:00 in New York
    result = await house.send(lead)
    assert (result.state, result.next_at) == (TouchState.DEFERRED, NOW + timedelta(hours=22))
    assert result.reasons
    assert house.mail.requests == []


async def test_steps_that_are_passed_over_are_written_with_the_touch_that_follows(house: House) -> None:
    lead = await house.lead(phone=None)
    skip = SkipRow(step="call-1", channel="call", reason="no_phone", at=NOW)
    request = TouchRequest(
        lead_id=lead, step="email-1", channel="email", template="missed_you", planned_at=NOW, skips=(skip,)
    )
    await house.run(house.messaging.send, request)
    touch = await house.touch(lead, "call-1")
    assert touch is not None
    assert (touch["state"], touch["reason"], touch["settled_at"]) == ("skipped", "no_phone", NOW)


async def test_a_mail_after_no_call_does_not_say_that_we_called(house: House) -> None:
    lead = await house.lead()
    await house.send(lead, step="email-1")
    await house.touches.claim(house.claim(lead, "call-1", "call"))
    await house.touches.sent(f"{lead}.call-1", provider_id="CA1", at=NOW)
    await house.send(lead, step="email-2")
    before, after = house.mail.requests
    assert "tried" not in before.subject + before.text
    assert "I just tried to call you" in after.text


# ── the acknowledgement ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_acknowledgement_promises_an_exact_time_and_keeps_it_on_the_lead(house: House) -> None:
    await house.rep()
    lead = await house.lead()
    assert (await acknowledge(house, lead)).state is TouchState.SENT
    assert "A person calls you by 10:03 (New York time)." in house.mail.requests[0].text
    row = await house.pool.fetchrow(
        "select promised_at, acknowledged_at, first_attempt_at from lead where id = $1", lead
    )
    assert tuple(row) == (NOW + timedelta(minutes=3), NOW, None)


async def test_a_late_acknowledgement_does_not_promise_a_time_that_has_gone_by(house: House) -> None:
    await house.rep()
    lead = await house.lead()
    house.clock.now = NOW + timedelta(minutes=40)
    await acknowledge(house, lead)
    assert "by 10:43" in house.mail.requests[0].text


async def test_an_acknowledgement_that_is_refused_goes_by_the_other_channel_at_once(house: House) -> None:
    lead = await house.lead()
    house.mail.refuse = SendErrorKind.BAD_ADDRESS
    assert (await acknowledge(house, lead)).state is TouchState.SENT
    assert house.text.requests[0]["to"] == PHONE
    assert (await acknowledge(house, lead)).state is TouchState.SENT
    assert len(house.text.requests) == 1


@pytest.mark.parametrize("sms", [True, False])
async def test_an_acknowledgement_in_doubt_goes_by_another_channel_else_once_more(house: House, sms: bool) -> None:
    lead = await house.lead(sms=sms)
    house.mail.refuse = SendErrorKind.IN_DOUBT
    assert (await acknowledge(house, lead)).state is TouchState.IN_DOUBT
    house.mail.refuse = None
    for _ in range(2):
        assert (await acknowledge(house, lead, fallback=True)).state is TouchState.SENT
    assert (len(house.mail.requests), len(house.text.requests)) == ((1, 1) if sms else (2, 0))


async def test_without_an_address_and_without_consent_to_texts_nothing_is_sent(house: House) -> None:
    lead = await house.lead(email=None, sms=False)
    result = await acknowledge(house, lead)
    assert (result.state, result.reason) == (TouchState.SKIPPED, "no_email")
    assert house.mail.requests == house.text.requests == []


@pytest.mark.parametrize("owned", [True, False])
async def test_a_further_inquiry_is_answered_and_the_owner_hears_what_was_promised(house: House, owned: bool) -> None:
    rep = await house.rep()
    lead = await house.lead(owner_id=rep if owned else None)
    house.clock.now = NOW + timedelta(hours=1)
    await house.inquiry(lead, 2, email="ada@example.com")
    for _ in range(2):
        assert (await acknowledge(house, lead, 2)).state is TouchState.SENT
    notice = await house.pool.fetchrow("select audience, kind, rep_id, due_at from notice")
    assert tuple(notice) == (
        "rep" if owned else "manager", "new_inquiry", rep if owned else None, NOW + timedelta(hours=1, minutes=3)
    )  # fmt: skip
    assert await house.pool.fetchval("select count(*) from notice") == 1


async def test_an_inquiry_that_is_not_there_is_refused_for_good(house: House) -> None:
    lead = await house.lead()
    with pytest.raises(ApplicationError) as refused:
        await acknowledge(house, lead, 9)
    assert refused.value.non_retryable


async def test_a_text_is_of_use_until_the_next_step_or_the_end_of_its_hours(house: House) -> None:
    lead = await house.lead()
    await house.send(lead, "sms")
    step = next(s for s in house.messaging._plan.tracks["hot"].steps if s.id == "sms-1")
    assert step.channel == "sms"
    validity = house.text.requests[-1]["validity_s"]
    assert 900 < validity <= 8 * 3600  # 10:00 in New York, and texts stop at 18:00
    late = await house.lead(email="late@example.com", phone="+12125550177")
    house.clock.now = house.clock.now.replace(hour=22, minute=55)  # five minutes before
    await house.send(late, "sms")
    assert house.text.requests[-1]["validity_s"] == 300


async def test_a_text_of_too_many_segments_is_not_sent_and_says_why(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.messaging._composer, "house", replace(house.messaging._composer.house, segments=0))
    lead = await house.lead()
    result = await house.send(lead, "sms")
    assert (result.state, result.reason) == (TouchState.SKIPPED, "too_many_segments")
    assert house.text.requests == []
    assert ("ops", "template_error") in await house.notices(lead)


@pytest.mark.parametrize("broken", ["email", "email sms"])
async def test_an_acknowledgement_without_words_goes_by_the_other_channel(
    house: House, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    real = Composer.compose

    def compose(self: Composer, channel: str, *args: Any, **more: Any) -> Any:
        if channel in broken.split():
            raise ComposeError("template acknowledgement: no such word")
        return real(self, channel, *args, **more)

    monkeypatch.setattr(Composer, "compose", compose)
    lead = await house.lead()
    result = await acknowledge(house, lead)
    if broken == "email":
        assert (result.state, result.step) == (TouchState.SENT, "ack-1-sms")
    else:
        assert (result.state, result.reason) == (TouchState.SKIPPED, "template_error")
    assert (len(house.mail.requests), len(house.text.requests)) == (0, 1 if broken == "email" else 0)
    assert ("ops", "template_error") in await house.notices(lead)
    assert (await house.touch(lead, "ack-1") or {})["reason"] == "template_error"


async def test_an_address_that_is_refused_closes_the_channel_when_it_was_the_last(house: House) -> None:
    lead = await house.lead()
    await house.put("person_email", address="second@example.com", person_id=await house.person(lead), created_at=NOW)
    house.mail.refuse = SendErrorKind.BAD_ADDRESS
    assert (await house.send(lead)).bad_channel is None
    assert (await house.send(lead, step="email-2")).bad_channel == "email"
