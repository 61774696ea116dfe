"""What is committed first wins: a thousand claims against one opt-out, and two hundred for one number below a cap.

The order of commits is written down by the database itself, in each transaction's last moment and still under its locks
(`commit_order`): no clock of a test is asked.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from speedlead.domain.outcomes import Outcome
from speedlead.ids import new_id
from speedlead.records import ClaimAnswer, Claimed, Deferred, Skipped
from speedlead.returns import Returns
from speedlead.store.inbound import Inbound, take_inbound
from speedlead.store.outcomes import Logged, log_outcome
from speedlead.store.pool import open_pool
from speedlead.store.reach import lock_number
from speedlead.store.touches import TouchStore
from speedlead.store.transactions import transact
from tests.activities.house import NOW, PLACER, PLACES, PLAN, House, open_house

DAY = timedelta(days=1)
RETURNS = Returns(PLACER, PLACES, PLAN)
ORDER_OF_COMMITS = """
create table commit_order (n bigint generated always as identity, what text not null, id text not null);
create function note_commit() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'suppression' then
        insert into commit_order (what, id) values ('opt_out', new.person_id);
    elsif new.state = 'claimed' then
        insert into commit_order (what, id) values ('claimed', new.id);
    end if;
    return null;
end $$;
create constraint trigger note_touch after insert or update on touch deferrable initially deferred
    for each row execute function note_commit();
create constraint trigger note_opt_out after insert on suppression deferrable initially deferred
    for each row execute function note_commit();
"""
Work = Callable[[Any], Awaitable[Any]]


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_house(database_url) as made:
        await made.pool.execute(ORDER_OF_COMMITS)
        yield made


@pytest_asyncio.fixture
async def door(database_url: str) -> AsyncIterator["asyncpg.Pool[Any]"]:
    """The gateway's own pool: what comes in from outside does not queue behind a worker's claims."""
    pool = await open_pool(database_url, size=4)
    yield pool
    await pool.close()


# ── opt-outs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def of_one_person(house: House) -> list[str]:
    """Three leads of one person, two of them over."""
    old, older = await house.lead(closed_at=NOW), await house.lead(email="old@example.com", closed_at=NOW)
    newest = await house.lead(email="new@example.com", phone="+12125550124")
    person = await house.person(newest)
    for lead in (old, older):
        await house.pool.execute("update lead set person_id = $1 where id = $2", person, lead)
    return [newest, newest, newest, old, older]


async def of_ten_people_with_one_number(house: House) -> list[str]:
    return [await house.lead(email=f"{n}@example.com") for n in range(10)]


def stop(**changes: Any) -> Callable[[House, list[str]], Work]:
    def work(house: House, leads: list[str]) -> Work:
        values: dict[str, Any] = {
            "provider": "twilio", "key": new_id(), "channel": "sms", "sender": "+12125550123", "body": "STOP",
            "provider_id": new_id(), "opt_out": "all",
        }  # fmt: skip
        return lambda conn: take_inbound(conn, house.clock, Inbound(**(values | changes)), RETURNS)

    return work


def do_not_contact(house: House, leads: list[str]) -> Work:
    return lambda conn: log_outcome(conn, house.clock, Logged(leads[0], outcome=Outcome.DO_NOT_CONTACT))


@pytest.mark.parametrize(
    ("whose", "refusal"),
    [
        (of_one_person, stop(provider="sendgrid", channel="email", sender="new@example.com")),
        (of_one_person, do_not_contact),
        (of_ten_people_with_one_number, stop()),
    ],
    ids=["a mail", "a rep's outcome", "a text from a shared number"],
)
async def test_no_claim_of_a_thousand_is_committed_after_the_opt_out(
    house: House, door: "asyncpg.Pool[Any]", whose: Any, refusal: Any
) -> None:
    leads = await whose(house)
    answered = 0
    third = asyncio.Event()

    async def claim(number: int) -> ClaimAnswer:
        nonlocal answered
        purpose = "manual" if number % 7 == 0 else "plan"
        channel = "sms" if number % 5 == 0 else "email"
        answer = await house.touches.claim(
            house.claim(leads[number % len(leads)], f"{channel}-{number}", channel, purpose=purpose)
        )
        answered += 1
        if answered == 333:
            third.set()
        return answer

    async def opt_out() -> None:
        await third.wait()
        await transact(door, refusal(house, leads))

    answers = await asyncio.gather(*map(claim, range(1000)), opt_out())
    granted = sum(isinstance(answer, Claimed) for answer in answers)
    late = await house.pool.fetch(
        """select c.id from commit_order c join touch t on t.id = c.id join commit_order o on o.id = t.person_id::text
           where c.what = 'claimed' and o.what = 'opt_out' and c.n > o.n"""
    )
    assert late == []
    assert granted == await house.pool.fetchval("select count(*) from commit_order where what = 'claimed'")
    refused = sum(answer == Skipped("opted_out") for answer in answers)
    assert granted > 50, "nothing was claimed before the opt-out: the race was not run"
    assert refused > 300, "nothing was asked after the opt-out: the race was not run"


async def refused_by_the_provider(house: House, door: "asyncpg.Pool[Any]", lead: str) -> None:
    """The answer to a text that was claimed before: its number has told the provider to stop."""
    await TouchStore(door, PLACER, PLACES).ended(
        f"{lead}.sms-first", state="failed", reason="opted_out", at=NOW, opted_out=True
    )


async def said_to_a_rep(house: House, door: "asyncpg.Pool[Any]", lead: str) -> None:
    await transact(door, do_not_contact(house, [lead]))


@pytest.mark.parametrize("refusal", [refused_by_the_provider, said_to_a_rep])
async def test_what_one_of_them_says_holds_for_the_texts_of_everybody_with_the_number(
    house: House, door: "asyncpg.Pool[Any]", refusal: Any
) -> None:
    leads = await of_ten_people_with_one_number(house)
    await house.touches.claim(house.claim(leads[0], "sms-first", "sms"))
    answers = 0
    some = asyncio.Event()

    async def claim(number: int) -> ClaimAnswer:
        nonlocal answers
        answer = await house.touches.claim(house.claim(leads[number % 10], f"sms-{number}", "sms"))
        answers += 1
        if answers == 100:
            some.set()
        return answer

    async def refuse() -> None:
        await some.wait()
        await refusal(house, door, leads[0])

    told = await asyncio.gather(*map(claim, range(400)), refuse())
    late = await house.pool.fetch(
        """select id from commit_order where what = 'claimed'
               and n > (select n from commit_order where what = 'opt_out')"""
    )
    assert late == []
    kinds = Counter(map(type, told[:-1]))
    assert kinds.keys() == {Claimed, Skipped}
    assert min(kinds.values()) > 50


async def test_the_one_answer_after_an_opt_out_ends_with_an_opt_out_from_all(house: House) -> None:
    lead = await house.lead()
    for scope in ("email", "all"):
        await house.opt_out(lead, scope)
    ack = house.claim(lead, "ack-1", purpose="acknowledgement", hours=None)
    assert await house.touches.claim(ack) == Skipped("opted_out")


# ── caps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

FLORIDA: dict[str, Any] = {"phone": "+13055550123", "region": "FL", "postcode": "33101"}
MARYLAND: dict[str, Any] = {"phone": "+13015550123", "region": "MD", "postcode": "20810"}
TORONTO: dict[str, Any] = {"phone": "+14165550123", "country": "CA", "region": "ON", "tz": "America/Toronto"}


@pytest.mark.parametrize(
    ("where", "channels", "rule"),
    [(FLORIDA, ("call",), "frequency_cap:us-fl"), (MARYLAND, ("call", "sms"), "frequency_cap:us-md")],
)
async def test_of_two_hundred_people_with_one_number_three_are_reached_in_a_day(
    house: House, where: dict[str, Any], channels: tuple[str, ...], rule: str
) -> None:
    """Each has looked at the clock at another moment, and none of them holds another's lock."""
    leads = [await house.lead(email=f"{n}@example.com", **where) for n in range(200)]
    chance = random.Random(7)

    async def claim(number: int, lead: str) -> ClaimAnswer:
        channel = channels[number % len(channels)]
        now = NOW + timedelta(milliseconds=chance.randrange(3000))
        return await house.touches.claim(house.claim(lead, f"{channel}-1", channel, now=now, wall=now))

    answers = await asyncio.gather(*(claim(number, lead) for number, lead in enumerate(leads)))
    assert Counter(map(type, answers)) == {Claimed: 3, Deferred: 197}
    put_off = [answer for answer in answers if isinstance(answer, Deferred)]
    assert all(rule in answer.reasons for answer in put_off)
    assert all(answer.next_at >= NOW + DAY for answer in put_off)


async def test_a_mail_waits_for_nobodys_number(house: House) -> None:
    lead = await house.lead(**FLORIDA)
    async with house.pool.acquire() as other, other.transaction():
        await lock_number(other, FLORIDA["phone"])
        ack = house.claim(lead, "ack-1", purpose="acknowledgement", hours=None)
        assert isinstance(await asyncio.wait_for(house.touches.claim(ack), 5), Claimed)
        call = asyncio.create_task(house.touches.claim(house.claim(lead, "call-1", "call")))
        assert not (await asyncio.wait([call], timeout=0.3))[0]
    assert isinstance(await call, Claimed)


async def call_of(house: House, lead: str, minutes: int, **columns: Any) -> None:
    row = {
        "id": new_id(), "lead_id": lead, "person_id": await house.person(lead), "step": "call", "channel": "call",
        "purpose": "plan", "address": FLORIDA["phone"], "state": "sent",
        "claimed_at": NOW + timedelta(minutes=minutes),
    }  # fmt: skip
    await house.put("touch", **(row | columns))


@pytest.mark.parametrize(
    ("third", "counts"),
    [
        ({"state": "claimed"}, True), ({"state": "sent"}, True), ({"state": "in_doubt"}, True),
        ({"state": "skipped"}, False), ({"state": "deferred"}, False), ({"state": "failed"}, False),
        ({"channel": "sms"}, False), ({"address": "+13055550199"}, False),
    ],
)  # fmt: skip
async def test_a_cap_counts_what_reached_the_number_or_may_have(
    house: House, third: dict[str, Any], counts: bool
) -> None:
    lead = await house.lead(**FLORIDA)
    for minutes, columns in ((-60, {}), (-40, {}), (-20, third)):
        await call_of(house, lead, minutes, **columns)
    other = await house.lead(email="b@example.com", **FLORIDA)
    answer = await house.touches.claim(house.claim(other, "call-1", "call"))
    assert type(answer) is (Deferred if counts else Claimed)


async def test_a_call_counts_from_the_moment_the_leads_phone_rang(house: House) -> None:
    lead = await house.lead(**FLORIDA)
    for minutes in (-60, -40, -20):
        await call_of(house, lead, minutes, sent_at=NOW + timedelta(minutes=minutes + 2))
    answer = await house.touches.claim(house.claim(lead, "call-1", "call"))
    assert isinstance(answer, Deferred)
    assert answer.next_at == NOW - timedelta(minutes=58) + DAY


async def test_a_text_is_counted_at_the_number_that_gets_it(house: House) -> None:
    """The newest number takes no texts, so the older one gets it: its cap and its law, not the landline's."""
    landline = "+13015550177"
    lead = await house.lead(**(MARYLAND | {"region": None, "postcode": None, "tz": None}))
    await house.put(
        "person_phone", number=landline, person_id=await house.person(lead), sms_bad_reason="landline",
        created_at=NOW + timedelta(minutes=1),
    )  # fmt: skip
    for minutes in (-60, -40, -20):
        await call_of(house, lead, minutes, address=MARYLAND["phone"], channel="sms")
    answer = await house.touches.claim(house.claim(lead, "sms-1", "sms"))
    assert isinstance(answer, Deferred)
    assert "frequency_cap:us-md" in answer.reasons


# ── the lead's own leg ───────────────────────────────────────────────────────────────────────────────────────────────


async def ringing(house: House) -> tuple[str, str]:
    """A rep's phone rings for a lead in Florida whose number may be called once more today."""
    await house.rep()
    lead = await house.lead(**FLORIDA)
    for minutes in (-60, -40):
        await call_of(house, lead, minutes)
    await house.dial(lead)
    return lead, f"{lead}.call-1.rep-1-1"


async def test_a_cap_that_another_lead_of_the_number_has_used_up_meanwhile_refuses_the_key(house: House) -> None:
    """The other one says that it lives in Ontario, where nothing is capped, and names the same number."""
    _, leg = await ringing(house)
    elsewhere = await house.lead(email="b@example.com", **(TORONTO | {"phone": FLORIDA["phone"]}))
    await call_of(house, elsewhere, 0, state="claimed")
    permit = await house.gate.claim_lead_leg(leg)
    assert (permit.allowed, permit.to, permit.reason) == (False, None, "frequency_cap:us-fl")
    assert await house.pool.fetchval("select count(*) from leg where role = 'lead'") == 0


async def test_a_key_waits_for_the_claim_that_holds_its_number(house: House) -> None:
    _, leg = await ringing(house)
    other = await house.lead(email="b@example.com", **FLORIDA)
    async with house.pool.acquire() as claim, claim.transaction():
        await lock_number(claim, FLORIDA["phone"])
        await claim.execute(
            """insert into touch (id, lead_id, person_id, step, channel, purpose, address, state, claimed_at)
               select 'other', id, person_id, 'call-1', 'call', 'plan', $2, 'claimed', $3 from lead where id = $1""",
            other, FLORIDA["phone"], NOW,
        )  # fmt: skip
        key = asyncio.create_task(house.gate.claim_lead_leg(leg))
        assert not (await asyncio.wait([key], timeout=0.3))[0]
    assert (await key).reason == "frequency_cap:us-fl"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("update lead set paused_until = '9999-01-01Z' where id = $1", "paused"),
        ("update lead set plan_stopped = 'replied' where id = $1", "replied"),
        ("update lead set closed_at = created_at where id = $1", "lead_closed"),
    ],
)
async def test_a_key_waits_for_a_change_of_the_lead_that_is_being_committed(
    house: House, change: str, reason: str
) -> None:
    """Pausing and closing take the lead's lock alone."""
    lead, leg = await ringing(house)
    async with house.pool.acquire() as other, other.transaction():
        await other.execute(change, lead)
        key = asyncio.create_task(house.gate.claim_lead_leg(leg))
        assert not (await asyncio.wait([key], timeout=0.3))[0]
    assert (await key).reason == reason
