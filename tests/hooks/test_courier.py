"""Webhooks from the row that causes them to a receiver that checks them: at least once, in order, and bounded."""

import asyncio
import random
from datetime import timedelta

import pytest
from aiohttp import web

from speedlead.chores import hooks as chore
from speedlead.domain.hooks import RESTS_AFTER
from speedlead.hooks.sealing import unseal
from speedlead.payload_keys import PayloadKeys
from speedlead.store import hook_queue, hooks
from speedlead.store.erasure import erase
from speedlead.store.story import tell_story
from tests.hooks.conftest import House
from tests.hooks.receiver import Event, receiving
from tests.store.hand_made import AVA, BEN, SAM, put_lead


async def test_each_kind_of_event_comes_signed_in_order_and_in_its_schema(house: House) -> None:
    async with receiving() as receiver:
        endpoint = await house.endpoint(receiver.url)
        receiver.secret = house.desk.private(await house.row(endpoint)).secrets.secret
        await house.tell(kind="inquiry", number=1, intent="pricing", source="ads", lead_type="hot")
        await house.tell(kind="sent", channel="email", purpose="acknowledgement")
        await house.tell(kind="assigned", rep_id=SAM)
        await house.tell()
        await house.tell(kind="sent", channel="call", purpose="plan")
        await house.pool.execute("update lead set stage = 'connected', first_contact_at = $2 where id = $1", AVA,
                                 house.clock.now)  # fmt: skip
        await house.tell(kind="reply", channel="email", automatic=False)
        await house.tell(kind="reply", channel="email", automatic=True)
        await house.tell(kind="outcome", outcome="meeting_booked", call_result="connected", rep_id=SAM)
        await house.tell(kind="outcome", outcome="qualified")
        await house.tell(kind="outcome", outcome="converted")
        # how long the lead was new is told from when it came; how long it was connected, from the change before
        await house.pool.execute("update lead set stage = 'converted' where id = $1", AVA)
        await house.pool.execute(
            """update hook_event e set created_wall = l.created_wall + case e.data ->> 'to' when 'connected' then
                   interval '90 seconds' else interval '2 hours' end
               from lead l where l.id = e.lead_id and e.type = 'lead.status_changed'"""
        )
        await house.tell(kind="breach", target="acceptance", phase="acceptance", due="2026-11-23T15:00:00+00:00")
        await house.tell(kind="inquiry", number=2)
        await house.tell(kind="opt_out", scope="sms")
        await house.tell(kind="healed")
        await house.tell(kind="closed")
        assert await house.courier.run() == "19 requests"
        assert receiver.types(AVA)[:5] == [
            "lead.created", "lead.acknowledged", "lead.assigned", "lead.accepted", "lead.attempted"]  # fmt: skip
        # the two are one statement, and Postgres fires its triggers by their names
        assert set(receiver.types(AVA)[5:7]) == {"lead.status_changed", "lead.contacted"}
        assert receiver.types(AVA)[7:] == [
            "lead.replied", "lead.outcome", "lead.booked", "lead.outcome", "lead.qualified", "lead.outcome",
            "lead.converted", "lead.status_changed", "lead.breach",
            "lead.inquiry", "lead.opted_out", "lead.closed"]  # fmt: skip
        first, *moved = receiver.got[0], *(e for e in receiver.got if e["type"] == "lead.status_changed")
        assert first["source"] == "https://leads.example.com"
        assert first["data"]["details"] == {"number": 1, "intent": "pricing", "source": "ads", "lead_type": "hot"}
        assert first["data"]["lead"]["owner_id"] == SAM
        assert [e["data"]["details"] for e in moved] == [
            {"from": "new", "to": "connected", "seconds": 90},
            {"from": "connected", "to": "converted", "seconds": 7110}]  # fmt: skip
        assert "Ava" not in str(receiver.got)
        assert "Sam" not in str(receiver.got)
        assert await house.courier.run() is None, "each once"


async def test_what_a_rep_typed_for_a_reason_stays_in_the_house(house: House) -> None:
    async with receiving() as receiver:
        await house.endpoint(receiver.url)
        for reason in ("budget", "Ava said she is ill"):
            await house.pool.execute(
                "insert into story (lead_id, at, kind, reason, data) values ($1, $2, 'outcome', $3, '{}')", AVA,
                house.clock.now, reason,
            )  # fmt: skip
        await house.courier.run()
        assert [event["data"]["details"]["reason"] for event in receiver.got] == ["budget", None]


async def test_who_chose_less_is_told_less_and_who_chose_the_contact_has_it(house: House) -> None:
    async with receiving() as few, receiving() as full:
        await house.endpoint(few.url, "few", events=["lead.accepted"], only_leads={"lead_type": ["warm"]})
        await house.endpoint(full.url, "full", include=["contact", "owner"])
        for lead_id in (AVA, BEN):
            await house.tell(lead_id)
            await house.tell(lead_id, "closed")
        await house.courier.run()
        assert [(event["type"], event["subject"]) for event in few.got] == [("lead.accepted", BEN)]
        assert len(full.got) == 4
        ava = next(event["data"] for event in full.got if event["subject"] == AVA)
        assert ava["contact"] == {"name": "Ava Müller", "company": "Northwind", "emails": ["ava@northwind.example"],
                                  "phones": ["+12125550142"]}  # fmt: skip
        assert ava["owner"]["email"] == "sam@acme.example"


async def test_an_event_that_fails_holds_back_its_own_lead_alone_and_comes_again_with_its_id(house: House) -> None:
    async with receiving() as receiver:
        await house.endpoint(receiver.url)
        receiver.answer = lambda event: 422 if event["subject"] == AVA else 204
        for lead_id in (AVA, BEN, AVA, BEN):
            await house.tell(lead_id)
        await house.courier.run()
        assert [event["subject"] for event in receiver.got].count(BEN) == 2
        assert [event["subject"] for event in receiver.got].count(AVA) == 1
        first = next(event["id"] for event in receiver.got if event["subject"] == AVA)
        receiver.answer, receiver.got[:] = lambda event: 204, []
        assert await house.courier.run() is None, "it waits for its time"
        house.clock.now += timedelta(seconds=5)
        await house.courier.run()
        assert len(receiver.got) == 2
        assert receiver.got[0]["id"] == first
        assert receiver.got[0]["sequence"] < receiver.got[1]["sequence"]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_fails_whenever_each_is_taken_in_the_order_of_its_lead(house: House, seed: int) -> None:
    chance, accepted = random.Random(seed), []

    def answer(event: Event) -> int:
        status = chance.choice((204, 204, 204, 422, 500, 503))
        if status == 204:
            accepted.append((event["subject"], event["sequence"], event["id"]))
        return status

    async with receiving() as receiver:
        await house.endpoint(receiver.url)
        receiver.answer = answer
        leads = [AVA, BEN, *(f"{n:08x}-0000-4000-8000-000000000000" for n in range(1, 5))]
        for lead_id in leads[2:]:
            await put_lead(house.pool, lead_id, name=None)
        for _ in range(6):
            for _ in range(chance.randrange(12)):
                await house.tell(chance.choice(leads), chance.choice(("accepted", "breach", "closed")))
            await house.courier.run()
            house.clock.now += timedelta(seconds=chance.randrange(1, 90))
        while "waiting" in await house.states():
            house.clock.now += timedelta(hours=1)
            await house.courier.run()
        assert set(await house.states()) == {"taken"}
        assert len({key for _, _, key in accepted}) == len(accepted) == len(await house.states())
        for lead_id in leads:
            order = [number for subject, number, _ in accepted if subject == lead_id]
            assert order == sorted(order)


async def test_what_commits_late_is_not_lost_behind_what_was_sent_before_it(house: House) -> None:
    async with receiving() as receiver:
        await house.endpoint(receiver.url)
        async with house.pool.acquire() as late:
            change = late.transaction()
            await change.start()
            await tell_story(late, AVA, kind="accepted", at=house.clock.now)
            await house.tell(BEN)
            await house.courier.run()
            await change.commit()
        await house.courier.run()
        assert [event["subject"] for event in receiver.got] == [BEN, AVA]
        assert receiver.got[0]["sequence"] > receiver.got[1]["sequence"]


async def test_a_receiver_that_hangs_holds_up_nobody_and_rests(house: House) -> None:
    async with receiving() as slow, receiving() as good:
        hangs = await house.endpoint(slow.url, "slow")
        await house.endpoint(good.url, "good")
        slow.answer = lambda event: None
        leads = [f"{n:08x}-0000-4000-8000-000000000000" for n in range(1, 21)]
        for lead_id in leads:
            await put_lead(house.pool, lead_id, name=None)
            await house.tell(lead_id)
        round_ = asyncio.create_task(house.courier.run())
        while len(good.got) < 20:
            await asyncio.sleep(0.01)
        # what comes meanwhile does not wait for it either
        await house.tell(BEN)
        while len(good.got) < 21:
            await asyncio.sleep(0.01)
        slow.release.set()
        await round_
        assert slow.most_at_once == chore.AT_ONCE
        row = await house.row(hangs)
        assert row.failures_in_a_row == chore.AT_ONCE
        assert row.pause_until_wall is not None
        assert row.pause_until_wall > house.clock.now


async def test_an_endpoint_that_rests_is_asked_for_one_event_and_then_for_all(house: House) -> None:
    async with receiving() as receiver:
        endpoint = await house.endpoint(receiver.url)
        await house.pool.execute(
            "update hook_endpoint set failures_in_a_row = $1, failing_since_wall = $2", RESTS_AFTER, house.clock.now
        )
        receiver.answer = lambda event: 503
        for lead_id in (AVA, BEN):
            await house.tell(lead_id)
        await house.courier.run()
        assert len(receiver.got) == 1
        receiver.answer = lambda event: 204
        house.clock.now += timedelta(minutes=10)
        await house.courier.run()
        assert len(receiver.got) == 3
        assert (await house.row(endpoint)).failing_since_wall is None


async def test_retry_after_is_kept_to(house: House) -> None:
    async with receiving() as receiver:
        await house.endpoint(receiver.url)
        receiver.answer = lambda event: web.Response(status=429, headers={"Retry-After": "3600"})
        await house.tell()
        await house.courier.run()
        await house.tell(BEN)
        house.clock.now += timedelta(minutes=59)
        assert await house.courier.run() is None, "the whole endpoint rests"
        house.clock.now += timedelta(minutes=2)
        receiver.answer = lambda event: 204
        assert await house.courier.run() == "2 requests"


async def test_410_switches_off_at_once_and_days_of_failure_do_in_the_end(house: House) -> None:
    async with receiving() as gone, receiving() as dead:
        first, second = await house.endpoint(gone.url, "gone"), await house.endpoint(dead.url, "dead")
        gone.answer, dead.answer = lambda event: 410, lambda event: 500
        await house.tell()
        await house.courier.run()
        assert (await house.row(first)).state == "gone"
        for _ in range(100):
            if (await house.row(second)).state != "on":
                break
            house.clock.now += timedelta(hours=2)
            await house.courier.run()
        row = await house.row(second)
        assert row.state == "dead"
        assert timedelta(days=3) <= row.state_wall - row.created_wall < timedelta(days=3, hours=9)
        notices = await house.pool.fetch("select kind, reason, audience from notice order by at")
        assert [tuple(row) for row in notices] == [("hook_off", "hook_gone", "ops"), ("hook_off", "hook_dead", "ops")]
        # nothing is lost: what waits goes on when it is switched on again
        dead.answer, dead.got[:] = lambda event: 204, []
        await hooks.set_state(house.pool, second, "on", house.clock.now)
        house.clock.now += timedelta(days=1)
        await house.courier.run()
        assert len(dead.got) == 1


async def test_an_event_is_given_up_after_days_and_the_lead_goes_on(house: House) -> None:
    async with receiving() as receiver:
        endpoint = await house.endpoint(receiver.url)
        receiver.answer = lambda event: 422 if event["type"] == "lead.accepted" else 204
        await house.tell()
        await house.tell(kind="closed")
        for hours in range(0, 24 * 6, 6):
            await house.tell(BEN, "breach", number=hours)
            house.clock.now += timedelta(hours=7)
            await house.courier.run()
        assert (await house.row(endpoint)).state == "on"
        assert receiver.types(AVA)[-1] == "lead.closed"
        assert (await house.states())[:2] == ["given_up", "taken"]
        assert await house.pool.fetchval("select kind from notice") == "hook_gave_up"
        receiver.answer, receiver.got[:] = lambda event: 204, []
        assert await hook_queue.replay(house.pool, endpoint, given_up=True) == 1
        await house.courier.run()
        assert receiver.types() == ["lead.accepted"]


async def test_events_are_told_again_from_a_moment_and_one_by_its_id(house: House) -> None:
    async with receiving() as receiver:
        endpoint = await house.endpoint(receiver.url)
        for kind in ("accepted", "closed"):
            await house.tell(kind=kind)
        await house.courier.run()
        told, receiver.got[:] = list(receiver.got), []
        moment = await house.pool.fetchval("select created_wall from hook_event where type = 'lead.closed'")
        assert await hook_queue.replay(house.pool, endpoint, since=moment) == 1
        await house.courier.run()
        assert [event["id"] for event in receiver.got] == [told[1]["id"]]
        assert await hook_queue.replay(house.pool, endpoint, event_id=told[0]["id"]) == 1
        await house.courier.run()
        assert receiver.got[-1]["id"] == told[0]["id"]
        # an endpoint that came later is told what was before it
        await house.endpoint(receiver.url, "later")
        later = next(row.id for row in await hooks.endpoints(house.pool) if row.name == "later")
        assert await hook_queue.replay(house.pool, later, since=moment - timedelta(hours=1)) == 2


async def test_who_is_erased_is_in_nothing_that_is_sent_from_then_on(house: House) -> None:
    async with receiving() as receiver:
        endpoint = await house.endpoint(receiver.url, events=["lead.accepted", "lead.closed"], include=["contact"])
        receiver.answer = lambda event: web.Response(status=500, text="no room for ava@northwind.example")
        await house.tell()
        await house.courier.run()
        assert "Ava" in str(receiver.got)
        assert "ava@" in await house.pool.fetchval("select excerpt from hook_try")
        person = await house.pool.fetchval("select person_id from lead where id = $1", AVA)
        async with house.pool.acquire() as conn, conn.transaction():
            await erase(conn, house.clock, [person], b"secret")
        assert await house.pool.fetchval("select excerpt from hook_try") is None
        receiver.answer, receiver.got[:] = lambda event: 204, []
        house.clock.now += timedelta(hours=1)
        await house.courier.run()
        assert receiver.types() == ["lead.accepted", "lead.erased"], "told although nobody had chosen it"
        assert all("contact" not in event["data"] for event in receiver.got)
        assert "ava" not in str(receiver.got).lower()
        assert all(event["data"]["lead"]["erased"] for event in receiver.got)
        assert await hook_queue.replay(house.pool, endpoint, since=house.clock.now - timedelta(days=1)) == 2
        await house.courier.run()
        assert "ava" not in str(receiver.got).lower()


async def test_both_secrets_sign_for_a_day_after_a_rotation(house: House) -> None:
    async with receiving() as receiver:
        endpoint = await house.endpoint(receiver.url)
        old = house.desk.private(await house.row(endpoint)).secrets.secret
        new = await house.desk.rotate(house.pool, await house.row(endpoint))
        for receiver.secret in (old, new):
            await house.tell()
            await house.courier.run()
        assert len(receiver.got) == 2
        assert old not in str(await house.pool.fetch("select * from hook_endpoint"))
        house.clock.now += timedelta(hours=24)
        receiver.secret = ""
        await house.tell()
        await house.courier.run()
        assert [len(headers["webhook-signature"].split()) for headers in receiver.headers] == [2, 2, 1]


async def test_a_process_that_dies_in_the_middle_leaves_it_to_the_next_with_the_same_id(house: House) -> None:
    async with receiving() as receiver:
        await house.endpoint(receiver.url)
        receiver.answer = lambda event: None
        await house.tell()
        await house.tell(kind="closed")
        dying = asyncio.create_task(house.courier.run())
        await asyncio.wait_for(receiver.came.wait(), 10)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        receiver.answer = lambda event: 204
        await house.another().run()
        assert receiver.types() == ["lead.accepted", "lead.accepted", "lead.closed"]
        assert receiver.got[0]["id"] == receiver.got[1]["id"]


async def test_nothing_is_kept_while_there_is_nobody_to_be_told_and_old_things_go(house: House) -> None:
    await house.tell()
    assert await house.pool.fetchval("select count(*) from hook_event") == 0
    async with receiving() as receiver:
        await house.endpoint(receiver.url)
        await house.tell()
        await house.courier.run()
        await house.tell(BEN)
        assert await house.courier.tidy() is None
        house.clock.now += timedelta(days=31)
        assert await house.courier.tidy() == "2 rows deleted"
        assert await house.pool.fetchval("select count(*) from hook_event where lead_id = $1", BEN) == 1
        await house.courier.run()
        assert receiver.types(BEN) == ["lead.accepted"]


async def test_a_key_that_is_rotated_seals_everything_anew(house: House) -> None:
    async with receiving() as receiver:
        endpoint = await house.endpoint(receiver.url)
        before = house.desk.private(await house.row(endpoint))
        both = PayloadKeys({"new": b"n" * 32, "own": b"k" * 32})
        house.courier._keys = both
        assert await house.courier.tidy() == "1 endpoints sealed anew"
        row = await house.row(endpoint)
        assert row.sealed.startswith("new:")
        assert unseal(PayloadKeys({"new": b"n" * 32}), endpoint, row.sealed) == before
