"""What comes between an event and its receiver: replays, erasures, retention, keys, and the other endpoints."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web

from speedlead.domain.flow_check import SOURCE
from speedlead.hooks.sealing import seal
from speedlead.hooks.sending import Sender
from speedlead.payload_keys import PayloadKeys
from speedlead.store import flow_checks, hook_queue, hooks
from speedlead.store.erasure import erase
from tests.hooks.conftest import House
from tests.hooks.receiver import Event, receiving
from tests.store.hand_made import AVA, BEN


async def erase_ava(house: House) -> None:
    person = await house.pool.fetchval("select person_id from lead where id = $1", AVA)
    async with house.pool.acquire() as conn, conn.transaction():
        await erase(conn, house.clock, [person], b"secret")


async def test_a_replay_while_an_event_is_under_way_begins_where_it_was_asked_to(house: House) -> None:
    async with receiving() as receiver:
        endpoint = await house.endpoint(receiver.url)
        for kind in ("accepted", "breach", "closed"):
            await house.tell(kind=kind)
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slowly(event: Event) -> web.Response:
            if len(receiver.got) == 3:
                begun.set()
                await go_on.wait()
            return web.Response(status=204)

        receiver.answer = slowly
        round_ = asyncio.create_task(house.courier.run())
        await asyncio.wait_for(begun.wait(), 20)
        assert await hook_queue.replay(house.pool, endpoint, since=house.clock.now - timedelta(days=1)) == 3
        go_on.set()
        await round_
        await house.courier.run()
        assert receiver.types() == ["lead.accepted", "lead.breach", "lead.closed"] * 2
        assert set(await house.states()) == {"taken"}


async def test_an_answer_that_we_do_not_understand_delays_its_own_endpoint_alone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as odd, receiving() as good:
        await house.endpoint(odd.url, "a")
        await house.endpoint(good.url, "b")
        far = {"Retry-After": "99999999999 Nov 15:10:00 2026"}
        odd.answer = lambda event: web.Response(status=500, headers=far)
        await house.tell()
        await house.courier.run()
        assert (len(odd.got), len(good.got)) == (1, 1)
        send = Sender.send

        async def breaks(self: Sender, private: object, *rest: object) -> object:
            if str(getattr(private, "url", "")) == odd.url:
                raise RuntimeError("a bug of ours")
            return await send(self, private, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(Sender, "send", breaks)
        await house.tell(BEN)
        await house.courier.run()
        assert len(good.got) == 2
        monkeypatch.undo()
        odd.answer = lambda event: 204
        house.clock.now += timedelta(minutes=2)
        await house.courier.run()
        assert len(odd.got) == 3


async def test_an_endpoint_of_an_unknown_key_is_left_alone_and_the_others_are_sealed_anew(house: House) -> None:
    async with receiving() as receiver:
        closed = await house.endpoint(receiver.url, "closed")
        other = await house.endpoint(receiver.url, "other")
        lost = seal(PayloadKeys({"lost": b"l" * 32}), closed, house.desk.private(await house.row(closed)))
        await house.pool.execute("update hook_endpoint set sealed = $2 where id = $1", closed, lost)
        await house.tell()
        assert await house.courier.run() == "2 requests"
        assert await house.courier.run() is None, "not asked for again at once"
        assert (await house.row(closed)).pause_until_wall == house.clock.now + timedelta(minutes=1)
        house.courier._keys = PayloadKeys({"new": b"n" * 32, "own": b"k" * 32})
        assert await house.courier.tidy() == "1 endpoints sealed anew, 1 endpoints of an unknown key"
        assert (await house.row(other)).sealed.startswith("new:")


async def test_what_waits_begins_anew_with_an_endpoint_that_is_switched_on(house: House) -> None:
    async with receiving() as receiver:
        endpoint = await house.endpoint(receiver.url)
        receiver.answer = lambda event: 500
        await house.tell()
        await house.courier.run()
        await hooks.set_state(house.pool, endpoint, "off", house.clock.now)
        house.clock.now += timedelta(days=6)
        await hooks.set_state(house.pool, endpoint, "on", house.clock.now)
        assert await house.courier.run() == "1 requests", "at once"
        assert await house.states() == ["waiting"], "it has its days before it like any other"


async def test_whoever_was_told_hears_of_an_erasure_though_off_then_and_long_after(house: House) -> None:
    async with receiving() as receiver:
        endpoint = await house.endpoint(receiver.url, events=["lead.accepted"])
        never = await house.endpoint(receiver.url, "never", events=["lead.closed"])
        await house.tell()
        await house.courier.run()
        house.clock.now += timedelta(days=31)
        assert await house.courier.tidy() == "2 rows deleted"
        for one in (endpoint, never):
            await hooks.set_state(house.pool, one, "off", house.clock.now)
        await erase_ava(house)
        assert await house.courier.run() is None
        await hooks.set_state(house.pool, endpoint, "on", house.clock.now)
        await hooks.set_state(house.pool, never, "on", house.clock.now)
        assert await house.courier.run() == "1 requests"
        assert receiver.types() == ["lead.accepted", "lead.erased"]


async def test_an_answer_that_comes_after_the_erasure_is_not_kept(house: House) -> None:
    async with receiving() as receiver:
        await house.endpoint(receiver.url, events=["lead.accepted"])
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slowly(event: Event) -> web.Response:
            begun.set()
            await go_on.wait()
            return web.Response(status=422, text="ava@northwind.example is known")

        receiver.answer = slowly
        await house.tell()
        round_ = asyncio.create_task(house.courier.run())
        await asyncio.wait_for(begun.wait(), 20)
        await erase_ava(house)
        go_on.set()
        await round_
        assert await house.pool.fetch("select status, excerpt from hook_try") == [(422, None)]


async def test_the_leads_of_flow_checks_can_be_deleted_with_what_was_noted_of_them(house: House) -> None:
    async with receiving() as receiver:
        await house.endpoint(receiver.url)
        await house.tell()
        await house.courier.run()
        await house.tell()
        await house.pool.execute("update lead set source = $2, closed_at = now() where id = $1", AVA, SOURCE)
        async with house.pool.acquire() as conn, conn.transaction():
            assert await flow_checks.clean(conn, house.clock.now + timedelta(days=9)) == 1
        assert await house.pool.fetchval("select count(*) from hook_event") == 0


async def test_after_two_rotations_at_once_all_three_secrets_sign(house: House) -> None:
    async with receiving() as receiver:
        row = await house.row(await house.endpoint(receiver.url))
        before = house.desk.private(row).secrets.secret
        made = [before, await house.desk.rotate(house.pool, row), await house.desk.rotate(house.pool, row)]
        now = house.desk.private(await house.row(row.id))
        assert set(made) == set(now.secrets.in_use(house.clock.now))


async def test_what_was_looked_up_before_a_replay_is_not_sent_ahead_of_it(house: House) -> None:
    async with receiving() as receiver:
        endpoint = await house.endpoint(receiver.url)
        for kind in ("accepted", "breach"):
            await house.tell(kind=kind)
        await house.courier.run()
        # one at a time: the lead's next event is known, and waits behind the other's
        await house.pool.execute("update hook_endpoint set failures_in_a_row = 1")
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slowly(event: Event) -> web.Response:
            if event["subject"] == BEN:
                begun.set()
                await go_on.wait()
            return web.Response(status=204)

        receiver.answer = slowly
        await house.tell(BEN)
        await house.tell(kind="closed")
        round_ = asyncio.create_task(house.courier.run())
        await asyncio.wait_for(begun.wait(), 20)
        await hook_queue.replay(house.pool, endpoint, since=house.clock.now - timedelta(days=1))
        go_on.set()
        await round_
        await house.courier.run()
        assert receiver.types(AVA)[2:] == ["lead.accepted", "lead.breach", "lead.closed"]
