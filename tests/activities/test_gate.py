"""The gate and the claim: what is committed first wins, and one touch goes out once."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from speedlead.contracts import TouchState
from speedlead.records import Claimed, Deferred, Doubtful, Ended, Leased, Skipped
from speedlead.store import transactions
from speedlead.store.transactions import StoreUnavailable
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


async def test_a_touch_that_goes_out_keeps_until_when_it_was_put_off(house: House) -> None:
    lead = await house.lead()
    ack: dict[str, Any] = {"step": "ack-1", "channel": "sms", "purpose": "acknowledgement", "hours": None}
    night = NOW + 15 * HOUR
    put_off = await house.touches.claim(house.claim(lead, **ack, now=night, wall=night))
    assert isinstance(put_off, Deferred)
    morning = put_off.next_at + timedelta(seconds=5)
    assert isinstance(await house.touches.claim(house.claim(lead, **ack, now=morning, wall=morning)), Claimed)
    touch = await house.touch(lead, "ack-1")
    assert touch is not None
    assert (touch["next_at"], touch["put_off_to"]) == (None, put_off.next_at)


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


async def test_a_number_that_the_lead_has_given_meanwhile_is_not_the_one_that_was_claimed(house: House) -> None:
    lead, leg = await ringing(house)
    await house.put(
        "person_phone", number="+12125550199", person_id=await house.person(lead), created_at=NOW + timedelta(seconds=9)
    )
    # given by a further form, it takes the place of the lead's own only where that one is wrong
    await house.pool.execute("update person_phone set bad_reason = 'wrong_number' where number <> '+12125550199'")
    assert (await house.gate.claim_lead_leg(leg)).reason == "invalid_number"


async def test_consent_that_was_taken_back_meanwhile_dials_nobody(house: House) -> None:
    lead, leg = await ringing(house, phone="+12035550148", region="CT", postcode="06103")
    await house.pool.execute("update inquiry set consent_call = false where lead_id = $1", lead)
    assert (await house.gate.claim_lead_leg(leg)).reason == "no_consent"


@pytest.mark.parametrize("again", range(5))
async def test_of_two_reps_who_press_the_key_at_once_one_is_connected(house: House, again: int) -> None:
    lead, leg = await ringing(house)
    other = f"{lead}.call-1.rep-1-2"
    await house.pool.execute(
        """insert into leg (id, touch_id, role, state, claimed_at, claimed_wall)
           select $2, touch_id, 'rep', 'ringing', claimed_at, claimed_wall from leg where id = $1""",
        leg, other,
    )  # fmt: skip
    permits = await asyncio.gather(*(house.gate.claim_lead_leg(rep) for rep in (leg, other, leg, other)))
    connected = {permit.lead_leg_id for permit in permits if permit.allowed}
    assert len(connected) == 1
    assert [permit.reason for permit in permits].count("superseded") == 2
    assert [row["id"] for row in await house.pool.fetch("select id from leg where role = 'lead'")] == list(connected)


async def test_a_key_after_the_attempt_went_to_the_next_rep_dials_nobody(house: House) -> None:
    lead, leg = await ringing(house)
    await house.rep("Ben", phone="+14155552702")
    await house.pool.execute("update leg set state = 'ended', result = 'rep_no_answer' where id = $1", leg)
    assert (await house.dial(lead, level=2)).state is TouchState.RINGING
    assert (await house.gate.claim_lead_leg(leg)).reason == "superseded"
    assert (await house.gate.claim_lead_leg(f"{lead}.call-1.rep-1-2")).allowed


async def test_the_leads_own_leg_is_no_reps_leg(house: House) -> None:
    lead, leg = await ringing(house)
    await house.gate.claim_lead_leg(leg)
    assert (await house.gate.claim_lead_leg(f"{lead}.call-1.lead-1-1")).reason == "unknown_call"


@pytest.mark.parametrize(
    "broken",
    ["alter table leg rename to legs", "alter table touch drop column channel cascade", "drop view barred"],
)
async def test_an_error_of_the_database_dials_nobody_and_leaves_nothing(house: House, broken: str) -> None:
    _, leg = await ringing(house)
    await house.pool.execute(broken)
    with pytest.raises(asyncpg.PostgresError):
        await house.gate.claim_lead_leg(leg)
    table = "legs" if "legs" in broken else "leg"
    assert await house.pool.fetchval(f"select count(*) from {table} where role = 'lead'") == 0


async def test_a_database_that_is_away_dials_nobody(house: House) -> None:
    _, leg = await ringing(house)
    await house.pool.close()
    with pytest.raises(StoreUnavailable):
        await house.gate.claim_lead_leg(leg)


async def test_a_lock_that_is_not_given_back_dials_nobody_before_the_provider_hangs_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "WHOLE_S", 0.5)
    lead, leg = await ringing(house)
    async with house.pool.acquire() as other, other.transaction():
        await other.execute("select id from person where id = $1 for update", await house.person(lead))
        with pytest.raises(StoreUnavailable):
            await house.gate.claim_lead_leg(leg)
    assert await house.pool.fetchval("select count(*) from leg where role = 'lead'") == 0
