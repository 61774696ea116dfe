"""The gate and the claim: what is committed first wins, and one touch goes out once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from speedlead.records import Claimed, Deferred, Doubtful, Ended, Leased, Skipped
from tests.activities.house import NOW, House

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(("scope", "channel"), [("all", "email"), ("email", "email"), ("sms", "sms"), ("all", "call")])
async def test_an_opt_out_before_the_claim_wins(house: House, scope: str, channel: str) -> None:
    lead = await house.lead()
    await house.opt_out(lead, scope)
    assert await house.touches.claim(house.claim(lead, channel=channel)) == Skipped("opted_out")


async def test_an_opt_out_of_one_channel_leaves_the_others(house: House) -> None:
    lead = await house.lead()
    await house.opt_out(lead, "sms")
    assert isinstance(await house.touches.claim(house.claim(lead)), Claimed)


async def test_after_one_opt_out_no_claim_of_two_hundred_is_granted(house: House) -> None:
    lead = await house.lead()
    done = asyncio.Event()
    late: list[Any] = []

    async def claim(number: int) -> Any:
        committed = done.is_set()
        answer = await house.touches.claim(house.claim(lead, step=f"email-{number}"))
        if committed:
            late.append(answer)
        return answer

    async def opt_out() -> None:
        await asyncio.sleep(0.05)
        await house.opt_out(lead)
        done.set()

    waves = [asyncio.gather(*(claim(wave * 20 + n) for n in range(20))) for wave in range(5)]
    answers = await asyncio.gather(opt_out(), *waves)
    late_waves = await asyncio.gather(*(claim(n) for n in range(100, 200)))
    assert set(map(type, late_waves)) == {Skipped}
    assert not any(isinstance(answer, Claimed) for answer in late)
    # whatever was granted, was granted before the opt-out by the order of commits
    granted = await house.pool.fetchval("select count(*) from touch where state = 'claimed'")
    assert granted == sum(isinstance(a, Claimed) for wave in answers[1:] for a in wave)


async def test_a_hundred_claims_of_one_touch_are_granted_once(house: House) -> None:
    lead = await house.lead()
    answers = await asyncio.gather(*(house.touches.claim(house.claim(lead)) for _ in range(100)))
    assert sorted(type(answer).__name__ for answer in answers) == ["Claimed"] + ["Leased"] * 99


async def test_a_claim_is_leased_then_doubtful_and_an_ended_touch_stays_ended(house: House) -> None:
    lead = await house.lead()
    await house.touches.claim(house.claim(lead))
    again = house.claim(lead, wall=NOW + timedelta(seconds=6))
    assert await house.touches.claim(again) == Leased(NOW + timedelta(seconds=7))
    late = await house.touches.claim(house.claim(lead, wall=NOW + timedelta(seconds=7)))
    assert isinstance(late, Doubtful)
    await house.touches.sent(f"{lead}.email-1", provider_id="SM1", at=NOW)
    assert await house.touches.claim(house.claim(lead)) == Ended("sent", NOW, None, None)


@pytest.mark.parametrize(
    ("columns", "answer"),
    [
        ({"closed_at": NOW}, Skipped("lead_closed")),
        ({"plan_stopped": "replied"}, Skipped("replied")),
        ({"paused_until": NOW + DAY}, Deferred(NOW + DAY, ("paused",))),
    ],
)
async def test_what_nobody_wants_any_more_is_not_claimed(house: House, columns: dict[str, Any], answer: Any) -> None:
    lead = await house.lead(**columns)
    assert await house.touches.claim(house.claim(lead)) == answer
    touch = await house.touch(lead, "email-1")
    assert touch is not None
    assert touch["reason"]


async def test_a_lead_that_is_on_hold_without_an_end_is_deferred(house: House) -> None:
    lead = await house.lead()
    await house.leads.pause(lead, until=None, paused=True)
    assert isinstance(await house.touches.claim(house.claim(lead)), Deferred)
    await house.leads.pause(lead, until=None, paused=False)
    assert isinstance(await house.touches.claim(house.claim(lead)), Claimed)


async def test_a_call_that_a_person_asked_for_ignores_the_plan_and_not_the_law(house: House) -> None:
    lead = await house.lead(plan_stopped="replied")
    rep = await house.rep()
    manual: dict[str, Any] = {"step": "callback-1", "channel": "call", "purpose": "manual", "hours": None}
    ring = house.claim(lead, **manual, leg_id=f"{lead}.callback-1.rep-1-1", rep_id=rep)
    assert isinstance(await house.touches.claim(ring), Claimed)
    night = house.claim(lead, **(manual | {"step": "callback-2"}), now=NOW + 15 * HOUR, wall=NOW + 15 * HOUR)
    answer = await house.touches.claim(night)
    assert isinstance(answer, Deferred)
    assert answer.reasons[0].startswith("quiet_hours")


async def test_an_inquiry_after_an_opt_out_gets_one_mail_and_after_one_from_all_nothing(house: House) -> None:
    some, everything = await house.lead(), await house.lead(email="b@example.com", phone=None)
    await house.opt_out(some, "email")
    await house.opt_out(everything, "all")
    ack: dict[str, Any] = {"step": "ack-1", "purpose": "acknowledgement", "hours": None}
    assert isinstance(await house.touches.claim(house.claim(some, **ack)), Claimed)
    assert await house.touches.claim(house.claim(everything, **ack)) == Skipped("opted_out")


@pytest.mark.parametrize("channel", ["email", "sms", "call"])
async def test_a_missing_address_has_its_reason(house: House, channel: str) -> None:
    lead = await house.lead(email=None, phone=None)
    reason = "no_email" if channel == "email" else "no_phone"
    assert await house.touches.claim(house.claim(lead, channel=channel)) == Skipped(reason)


async def test_caps_count_every_lead_of_the_number(house: House) -> None:
    """Florida: three calls in 24 hours, whosever lead it was."""
    florida = {"tz": "America/New_York", "region": "FL", "postcode": "33101"}
    shared = "+13055550123"
    leads = [await house.lead(email=f"{n}@example.com", phone=shared, **florida) for n in range(4)]
    for n, lead in enumerate(leads[:3]):
        touch = f"{lead}.call-1"
        assert isinstance(await house.touches.claim(house.claim(lead, "call-1", "call")), Claimed), n
        await house.pool.execute("update touch set state = 'sent' where id = $1", touch)
        house.clock.now += timedelta(minutes=10)
    answer = await house.touches.claim(house.claim(leads[3], "call-1", "call"))
    assert isinstance(answer, Deferred)
    assert any("frequency_cap:us-fl" in reason for reason in answer.reasons)
    assert answer.next_at >= NOW + DAY


async def test_a_released_touch_may_be_claimed_again(house: House) -> None:
    lead = await house.lead()
    await house.touches.claim(house.claim(lead))
    await house.touches.release(f"{lead}.email-1")
    assert isinstance(await house.touches.claim(house.claim(lead)), Claimed)


async def test_an_unknown_lead_is_an_error_that_names_it(house: House) -> None:
    with pytest.raises(LookupError, match="there is no such lead"):
        await house.touches.claim(house.claim("00000000-0000-4000-8000-000000000000"))


# ── the lead's own leg ───────────────────────────────────────────────────────────────────────────────────────────────


async def ringing(house: House, **columns: Any) -> tuple[str, str]:
    """A lead whose owner's phone rings; the lead and the rep's leg."""
    await house.rep()
    lead = await house.lead(**columns)
    await house.dial(lead)
    return lead, f"{lead}.call-1.rep-1-1"


async def test_the_key_dials_the_lead_and_the_same_question_gets_the_same_answer(house: House) -> None:
    lead, leg = await ringing(house)
    first = await house.gate.claim_lead_leg(leg)
    assert (first.allowed, first.to, first.lead_leg_id) == (True, "+12125550123", f"{lead}.call-1.lead-1-1")
    assert await house.gate.claim_lead_leg(leg) == first
    assert await house.pool.fetchval("select count(*) from leg where role = 'lead'") == 1


async def test_ten_keys_at_once_make_one_leg(house: House) -> None:
    _, leg = await ringing(house)
    permits = await asyncio.gather(*(house.gate.claim_lead_leg(leg) for _ in range(10)))
    assert len(set(permits)) == 1
    assert await house.pool.fetchval("select count(*) from leg where role = 'lead'") == 1


async def test_between_ring_and_key_everything_is_asked_again(house: House) -> None:
    changes: dict[str, str] = {
        "opted_out": "insert into suppression (person_id, channel, reason, source, at) "
        "select person_id, 'call', 'opted_out', 'test', now() from lead where id = $1",
        "lead_closed": "update lead set closed_at = now() where id = $1",
        "replied": "update lead set plan_stopped = 'replied' where id = $1",
        "paused": "update lead set paused_until = now() + interval '900 days' where id = $1",
        "invalid_number": "update person_phone set bad_reason = 'x' "
        "where person_id = (select person_id from lead where id = $1)",
        "superseded": "update leg set state = 'ended' where touch_id = $1::uuid || '.call-1'",
    }
    await house.rep()
    for number, (reason, change) in enumerate(changes.items()):
        lead = await house.lead(email=f"{number}@example.com", phone=f"+1212555012{number}")
        await house.dial(lead)
        await house.pool.execute(change, lead)
        permit = await house.gate.claim_lead_leg(f"{lead}.call-1.rep-1-1")
        assert (permit.allowed, permit.to, permit.reason) == (False, None, reason)
        assert permit.say
        assert await house.pool.fetchval("select count(*) from leg where role = 'lead'") == 0


async def test_an_opt_out_after_the_first_key_refuses_the_second(house: House) -> None:
    lead, leg = await ringing(house)
    assert (await house.gate.claim_lead_leg(leg)).allowed
    await house.opt_out(lead)
    assert (await house.gate.claim_lead_leg(leg)).reason == "opted_out"


@pytest.mark.parametrize("state", ["ringing", "answered", "ended", "failed"])
async def test_a_lead_whose_phone_has_rung_is_not_rung_by_a_second_key(house: House, state: str) -> None:
    _, leg = await ringing(house)
    assert (await house.gate.claim_lead_leg(leg)).allowed
    await house.pool.execute("update leg set state = $1 where role = 'lead'", state)
    assert (await house.gate.claim_lead_leg(leg)).reason == "superseded"


async def test_a_key_that_is_pressed_in_quiet_hours_dials_nobody(house: House) -> None:
    _, leg = await ringing(house)
    house.clock.now = NOW + 15 * HOUR
    permit = await house.gate.claim_lead_leg(leg)
    assert not permit.allowed
    assert "quiet_hours" in str(permit.reason)


async def test_a_leg_that_nobody_knows_dials_nobody(house: House) -> None:
    assert (await house.gate.claim_lead_leg("nobody.call-1.rep-1-1")).reason == "unknown_call"
