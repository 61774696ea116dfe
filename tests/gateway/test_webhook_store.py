"""Every verified webhook is kept in the commit of its effect or before; what failed is acted on again, once."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest

from speedlead.gateway import webhook_replay, webhooks, webhooks_sendgrid, webhooks_twilio
from speedlead.store import webhooks as store
from tests.gateway.house import PHONE, House

STATUS = "/webhooks/twilio/sms/status"
INBOUND = "/webhooks/twilio/sms/inbound"
ADA = "ada@example.com"


async def rows(house: House) -> list[Any]:
    return list(await house.pool.fetch("select * from webhook order by received_wall, path"))


async def states(house: House) -> list[str]:
    return [row["state"] for row in await rows(house)]


async def replay_all(house: House) -> int:
    done = 0
    while await webhook_replay.replay_next(house.app.state.context):
        done += 1
    return done


def counted(house: House, provider: str) -> dict[str, int]:
    counters = house.app.state.context.counters
    names = "accepted repeated unknown_touch garbage forged stale failed replayed".split()
    found = {name: counters.value("webhooks", provider=provider, result=name) for name in names}
    return {name: value for name, value in found.items() if value}


async def sms(house: House, lead_id: str) -> str:
    return await house.touch(lead_id, "sms-1", "sms", PHONE)


async def status(house: House, touch_id: str, word: str = "undelivered", code: str = "30005") -> int:
    path = f"{STATUS}?touch={quote(touch_id, safe='')}"
    return (await house.twilio(path, MessageSid="SM1", MessageStatus=word, ErrorCode=code, To=PHONE))[0]


def broken(monkeypatch: pytest.MonkeyPatch, room: Any, name: str, error: Exception) -> None:
    """The effect is written, and then something of ours goes wrong before the commit."""
    real = getattr(room, name)

    async def act(conn: Any, *args: Any, **more: Any) -> Any:
        await real(conn, *args, **more)
        raise error

    monkeypatch.setattr(room, name, act)


# ── kept ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_webhook_is_kept_as_it_came(house: House) -> None:
    lead_id = await house.lead(phone=PHONE)
    assert await status(house, await sms(house, lead_id), "sent", "") == 204
    (row,) = await rows(house)
    assert (row["provider"], row["path"], row["state"], row["signed_by"]) == ("twilio", "sms/status", "done", "sandbox")
    assert row["query"] == f"touch={lead_id}.sms-1"
    assert row["body"] == b"MessageSid=SM1&MessageStatus=sent&ErrorCode=&To=%2B14155552671"
    assert row["received_wall"] == house.clock.now
    assert set(row["about"]) == {lead_id, PHONE}
    assert counted(house, "twilio") == {"accepted": 1}


async def test_the_request_and_its_effect_are_one_commit(house: House) -> None:
    touch_id = await sms(house, await house.lead(phone=PHONE))
    await status(house, touch_id)
    written = await house.pool.fetch(
        """select xmin::text from webhook union select xmin::text from provider_event
           union select xmin::text from message where kind = 'delivery'"""
    )
    assert len(written) == 1


async def test_what_a_call_asks_is_kept_and_never_asked_again(house: House) -> None:
    touch_id = await house.touch(await house.lead(phone=PHONE), "call-1", "call", PHONE)
    leg = await house.leg(touch_id, "rep-1", "rep")
    await house.twilio(f"/webhooks/twilio/voice/rep?leg={leg}", CallSid="CA1", CallStatus="in-progress")
    await house.twilio(f"/webhooks/twilio/voice/accept?leg={leg}", CallSid="CA1", Digits="5")
    assert sorted(row["path"] for row in await rows(house)) == ["voice/accept", "voice/rep"]
    ids = [row["id"] for row in await rows(house)]
    async with house.pool.acquire() as conn:
        assert await store.replay(conn, ids, house.clock.now) == 0
    # and where somebody forces it in the database, the gateway still does not
    await house.pool.execute("update webhook set state = 'waiting', next_try_wall = received_wall")
    assert await replay_all(house) == 2
    assert await states(house) == ["failed", "failed"]
    assert house.behind.asked_legs == []


# ── an act that fails ────────────────────────────────────────────────────────────────────────────────────────────────

ERRORS = [ValueError("a bug"), asyncpg.DataError("odd"), TimeoutError(), asyncpg.ConnectionDoesNotExistError("gone")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_report_that_cannot_be_used_is_kept_answered_and_acted_on_later(
    house: House, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    lead_id = await house.lead(phone=PHONE)
    touch_id = await sms(house, lead_id)
    with monkeypatch.context() as patch:
        broken(patch, webhooks_twilio, "take_any_report", error)
        assert await status(house, touch_id) == 204
    (row,) = await rows(house)
    assert (row["state"], row["tries"]) == ("waiting", 0)
    assert row["reason"] in (type(error).__name__, "StoreUnavailable")
    assert await house.messages(lead_id, "delivery") == []
    assert await house.count("provider_event") == 0
    assert await replay_all(house) == 0  # not before its time
    came, house.clock.now = house.clock.now, house.clock.now + timedelta(minutes=10)
    assert await replay_all(house) == 1
    assert await states(house) == ["done"]
    assert len(await house.messages(lead_id, "delivery")) == 1
    # it happened when it came, not when we understood it
    assert await house.pool.fetchval("select at from story where kind = 'delivery'") == came
    assert counted(house, "twilio") == {"failed": 1, "accepted": 1, "replayed": 1}


async def test_a_mail_and_a_text_that_fail_once_are_lost_in_no_case(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_id = await house.lead(phone=PHONE)
    with monkeypatch.context() as patch:
        broken(patch, webhooks_twilio, "take_inbound", KeyError("x"))
        broken(patch, webhooks_sendgrid, "take_inbound", KeyError("x"))
        await house.twilio(INBOUND, MessageSid="SM1", From=PHONE, Body="Monday?")
        assert await house.mail(to="hello@acme.example", text="Or Tuesday?") == 204
    assert await house.count("reply") == 0
    house.clock.now += timedelta(minutes=1)
    assert await replay_all(house) == 2
    assert {row["body"] for row in await house.pool.fetch("select body from reply")} == {"Monday?", "Or Tuesday?"}
    assert len(await house.messages(lead_id, "reply")) == 2


async def test_tries_are_further_and_further_apart_and_then_a_person_s(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch_id = await sms(house, await house.lead(phone=PHONE))
    broken(monkeypatch, webhooks_twilio, "take_any_report", ValueError())
    await status(house, touch_id)
    began, waits = house.clock.now, []
    while await states(house) == ["waiting"]:
        due = (await rows(house))[0]["next_try_wall"]
        waits.append((due - house.clock.now).total_seconds())
        house.clock.now = due
        assert await replay_all(house) == 1
    assert waits == sorted(waits)
    assert timedelta(hours=22) < house.clock.now - began < timedelta(hours=26)
    assert await states(house) == ["failed"]
    # told early, once a day, and not once for each try
    found = await house.pool.fetch("select audience, at - $1 as after from notice where kind = 'webhook_failed'", began)
    assert {row["audience"] for row in found} == {"ops"}
    assert 1 <= len(found) <= 2
    assert min(row["after"] for row in found) < timedelta(minutes=5)
    monkeypatch.undo()
    async with house.pool.acquire() as conn:
        assert await store.replay(conn, [(await rows(house))[0]["id"]], house.clock.now) == 1
    assert await replay_all(house) == 1
    assert await states(house) == ["done"]


async def test_without_the_database_nothing_is_called_taken(house: House) -> None:
    touch_id = await sms(house, await house.lead(phone=PHONE))
    await house.pool.close()
    assert await status(house, touch_id) == 503
    assert counted(house, "twilio") == {}


async def test_a_person_s_lock_that_is_held_too_long_does_not_hold_up_the_provider(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "ACT_S", 0.3)
    lead_id = await house.lead(phone=PHONE)
    touch_id = await sms(house, lead_id)
    async with held(house, lead_id):
        async with asyncio.timeout(3):
            assert await status(house, touch_id) == 204
    assert await states(house) == ["waiting"]
    house.clock.now += timedelta(seconds=5)
    await replay_all(house)
    assert len(await house.messages(lead_id, "delivery")) == 1


@asynccontextmanager
async def held(house: House, lead_id: str) -> AsyncIterator[None]:
    """The lock of the lead's person, held by another connection."""
    async with house.pool.acquire() as conn, conn.transaction():
        await conn.fetch("select from person where id = (select person_id from lead where id = $1) for update", lead_id)
        yield


# ── batches ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def event(touch_id: str, number: int, name: str = "delivered") -> dict[str, Any]:
    return {"event": name, "sg_event_id": f"e{number}", "touch_id": touch_id, "email": ADA}


async def test_one_event_that_fails_does_not_hold_up_the_others_and_is_acted_on_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_id = await house.lead()
    touches = [await house.touch(lead_id, f"email-{n}", "email", ADA) for n in range(5)]
    real = webhooks_sendgrid.take_any_report

    async def odd(conn: Any, clock: Any, report: Any) -> Any:
        if report.touch_id == touches[2]:
            raise KeyError("x")
        return await real(conn, clock, report)

    with monkeypatch.context() as patch:
        patch.setattr(webhooks_sendgrid, "take_any_report", odd)
        assert await house.events(*(event(touch, n) for n, touch in enumerate(touches))) == 204
    delivered = "select count(*) from touch where delivery = 'delivered'"
    assert await house.pool.fetchval(delivered) == 4
    assert await states(house) == ["waiting"]
    house.clock.now += timedelta(minutes=1)
    assert await replay_all(house) == 1
    assert await house.pool.fetchval(delivered) == 5
    assert await states(house) == ["done"]
    assert counted(house, "sendgrid") == {"accepted": 5, "failed": 1, "repeated": 4, "replayed": 1}


async def test_a_batch_that_takes_too_long_is_answered_and_finished_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_id = await house.lead()
    touches = [await house.touch(lead_id, f"email-{n}", "email", ADA) for n in range(6)]
    real = webhooks_sendgrid.take_any_report

    async def slow(conn: Any, clock: Any, report: Any) -> Any:
        house.clock.now += timedelta(seconds=1)
        return await real(conn, clock, report)

    monkeypatch.setattr(webhooks_sendgrid, "take_any_report", slow)
    assert await house.events(*(event(touch, n) for n, touch in enumerate(touches))) == 204
    delivered = "select count(*) from touch where delivery = 'delivered'"
    assert await house.pool.fetchval(delivered) == 2
    assert await replay_all(house) == 1
    assert await house.pool.fetchval(delivered) == 6
    assert await states(house) == ["done"]


# ── killed ───────────────────────────────────────────────────────────────────────────────────────────────────────────

CHILD = """
import asyncio, sys
from pathlib import Path
from tests.gateway.house import open_house
async def main():
    async with open_house(sys.argv[1], Path(sys.argv[2])) as house:
        print(house.base, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


@asynccontextmanager
async def second_gateway(database_url: str, folder: Path, house: House) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process with the same database and credentials; `house` speaks to it until the end of the block."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, database_url, str(folder), stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert child.stdout is not None
    own = house.base
    try:
        async with asyncio.timeout(60):
            house.base = (await child.stdout.readline()).decode().strip()
        house.http._base_url = type(house.http._base_url)(house.base)  # type: ignore[assignment,call-arg,misc]
        yield child
    finally:
        house.base = own
        house.http._base_url = type(house.http._base_url)(own)  # type: ignore[assignment,call-arg,misc]
        if child.returncode is None:
            child.kill()
        await child.wait()


async def test_a_gateway_killed_in_the_middle_of_a_batch_loses_nothing_of_it(
    house: House, database_url: str, tmp_path: Path
) -> None:
    lead_id = await house.lead()
    touches = [await house.touch(lead_id, f"email-{n}", "email", ADA) for n in range(3)]
    async with second_gateway(database_url, tmp_path, house) as child, held(house, lead_id):
        post = asyncio.create_task(house.events(*(event(touch, n) for n, touch in enumerate(touches))))
        async with asyncio.timeout(10):
            while await house.count("webhook") == 0:
                await asyncio.sleep(0.01)
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(Exception, match=r".*"):
            await post
    assert await states(house) == ["waiting"]
    house.clock.now += webhooks.LEASE + timedelta(seconds=1)
    assert await replay_all(house) == 1
    assert await house.pool.fetchval("select count(*) from touch where delivery = 'delivered'") == 3


async def test_a_gateway_killed_before_the_commit_has_answered_nothing_and_a_repeat_counts(
    house: House, database_url: str, tmp_path: Path
) -> None:
    lead_id = await house.lead(phone=PHONE)
    touch_id = await sms(house, lead_id)
    async with second_gateway(database_url, tmp_path, house) as child, held(house, lead_id):
        post = asyncio.create_task(status(house, touch_id))
        async with asyncio.timeout(10):
            waits = (
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
            )
            while await house.pool.fetchval(waits) == 0:
                await asyncio.sleep(0.01)
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(Exception, match=r".*"):
            await post
    assert await status(house, touch_id) == 204
    assert await states(house) == ["done"]
    assert len(await house.messages(lead_id, "delivery")) == 1


# ── repeated, stale ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_repeat_changes_nothing_and_hurries_what_waits(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    touch_id = await sms(house, await house.lead(phone=PHONE))
    with monkeypatch.context() as patch:
        broken(patch, webhooks_twilio, "take_any_report", ValueError())
        await status(house, touch_id)
    assert await status(house, touch_id) == 204
    assert (await rows(house))[0]["next_try_wall"] == house.clock.now
    assert await replay_all(house) == 1
    before = await house.counts()
    assert await status(house, touch_id) == 204
    # the same report in other words is known by its own key
    assert (await house.twilio(f"{STATUS}?touch={touch_id}", MessageSid="SM1", MessageStatus="undelivered"))[0] == 204
    assert await house.counts() == before
    assert counted(house, "twilio") == {"failed": 1, "accepted": 1, "replayed": 1, "repeated": 3}


@pytest.mark.parametrize(
    ("ahead", "answer"),
    [
        (timedelta(hours=-72), 204),
        (timedelta(hours=-74), 403),
        (timedelta(minutes=4), 204),
        (timedelta(minutes=6), 403),
    ],
)
async def test_an_old_signature_and_one_from_the_future_are_refused(
    house: House, ahead: timedelta, answer: int
) -> None:
    touch_id = await house.touch(await house.lead(), "email-1", "email", ADA)
    here, house.clock.now = house.clock.now, house.clock.now + ahead
    body = json.dumps([event(touch_id, 1)]).encode()

    original = house.app.state.context.deps.clock.wall
    stamps = iter([house.clock.now])
    # the first look at the clock is the signer's, every later one the gateway's
    house.clock.wall = lambda: next(stamps, here)  # type: ignore[method-assign]
    assert await house.sendgrid("/webhooks/sendgrid/events", body) == answer
    house.clock.wall = original  # type: ignore[method-assign]
    assert await house.count("webhook") == (1 if answer == 204 else 0)
    assert counted(house, "sendgrid") == ({"accepted": 1} if answer == 204 else {"stale": 1})


# ── personal data ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_was_kept_is_deleted_after_its_days(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    touch_id = await sms(house, await house.lead(phone=PHONE))
    await status(house, touch_id, "sent", "")
    broken(monkeypatch, webhooks_twilio, "take_any_report", ValueError())
    await status(house, touch_id, "delivered", "")
    context = house.app.state.context
    house.clock.now += timedelta(days=6, hours=23)
    assert await webhook_replay.purge(context) == 0
    house.clock.now += timedelta(hours=2)
    assert await webhook_replay.purge(context) == 1
    assert await states(house) == ["waiting"]
    house.clock.now += timedelta(days=24)
    assert await webhook_replay.purge(context) == 1


async def test_erasure_reaches_what_is_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_id = await house.lead(phone=PHONE)
    other = await house.lead(email="bob@example.com")
    await status(house, await sms(house, lead_id), "sent", "")
    await house.twilio(INBOUND, MessageSid="SM2", From=PHONE, Body="my private line")
    await house.mail(to="hello@acme.example", text="my private mail")
    await house.events(event(await house.touch(lead_id, "email-1", "email", ADA), 1))
    await house.events(
        event(await house.touch(other, "email-1", "email", "bob@example.com"), 2) | {"email": "bob@b.example"}
    )
    async with house.pool.acquire() as conn:
        assert await store.forget(conn, [lead_id, PHONE, ADA]) == (4, 0)
    kept = await rows(house)
    assert len(kept) == 1
    assert other.encode() in kept[0]["body"]


async def test_a_large_mail_is_kept_without_its_attachments(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.lead()
    big = b"\xff\xfe" * 400_000
    fields = {"headers": "Message-ID: <big@x>\n", "from": f"Ada <{ADA}>", "text": "See attached", "subject": "Hi",
              "envelope": json.dumps({"to": ["hello@acme.example"], "from": ADA})}  # fmt: skip
    parts = [f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
    parts.append(b'--b\r\nContent-Disposition: form-data; name="attachment1"; filename="a.bin"\r\n'
                 b"Content-Type: application/octet-stream\r\n\r\n" + big + b"\r\n--b--\r\n")  # fmt: skip
    with monkeypatch.context() as patch:
        broken(patch, webhooks_sendgrid, "take_inbound", ValueError())
        sent = await house.sendgrid("/webhooks/sendgrid/inbound", b"".join(parts), "multipart/form-data; boundary=b")
    assert sent == 204
    assert len((await rows(house))[0]["body"]) < 2000
    house.clock.now += timedelta(minutes=1)
    await replay_all(house)
    assert await house.pool.fetchval("select body from reply") == "See attached"
