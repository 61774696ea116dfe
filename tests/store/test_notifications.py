"""What leaves the house when a notice is written: real rows and chores, local receivers that check real shapes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest_asyncio

from speedlead.chores.notify import LEASE, Notifier
from speedlead.chores.notify_ways import hook_way, mail_way, push_way, text_way
from speedlead.chores.runner import run_chores
from speedlead.domain.business import Calendars
from speedlead.domain.notification import BROKEN_AFTER, OFF_FOR, Channel
from speedlead.ports import SendError, SendErrorKind
from speedlead.providers.http import new_session
from speedlead.providers.slack import send_slack
from speedlead.providers.teams import send_teams
from speedlead.providers.webpush import PushKeys, b64
from speedlead.store.pool import open_pool
from speedlead.store.push_devices import put_device, set_wishes
from speedlead.tokens import make_token
from tests.store.hand_made import AVA, BEN, LEE, NOW, SAM, HandClock, put, put_lead, put_notice, put_reps
from tests.store.receivers import Posts, Receivers, receivers

ALWAYS = {str(day): [[0, 1440]] for day in range(7)}
PUBLIC = "https://leads.example.com"
KEYS = PushKeys(b64(bytes(31) + b"\x07"), "mailto:ops@example.com")


@dataclass
class House:
    pool: Any
    clock: HandClock
    out: Receivers
    posts: Posts
    notifier: Notifier

    async def tell(self, rep_id: str | None = SAM, kind: str = "new_lead", lead_id: str = AVA, **columns: Any) -> str:
        return await put_notice(self.pool, rep_id, kind, lead_id, **({"at": self.clock.now} | columns))

    async def round(self, after: float = 0) -> None:
        """One round of all chores, some seconds later."""
        self.clock.now += timedelta(seconds=after)
        await self.notifier.plan()
        await asyncio.gather(*(self.notifier.send(channel) for channel in self.notifier.ways))

    async def states(self, rep_id: str | None = SAM) -> dict[str, str]:
        rows = await self.pool.fetch(
            "select channel, state, error from notification where rep_id is not distinct from $1", rep_id
        )
        return {row["channel"]: row["state"] for row in rows}

    async def register(self, rep_id: str = SAM, key: str = "phone") -> None:
        browser = self.out.browser
        await put_device(self.pool, rep_id, endpoint=f"{self.out.url}/push/{key}", p256dh=browser.p256dh,
                         auth=b64(browser.auth), name="phone", wall=NOW)  # fmt: skip


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        pool = await open_pool(database_url)
        stack.push_async_callback(pool.close)
        out, posts, clock = await stack.enter_async_context(receivers()), Posts(), HandClock()
        out.public_key = KEYS.public
        await put_reps(pool)
        await pool.execute("update rep set weekly = $1", ALWAYS)
        await put_lead(pool, AVA, name="Ava Stone", company="Stone & Sons", phone="+13105550148", email="ava@x.example",
                       message="Call me <!channel> [now](https://evil.example)", owner_id=SAM, country="US",
                       source="ads", first_attempt_due=NOW + timedelta(minutes=3))  # fmt: skip
        ways = {
            Channel.SLACK: hook_way(send_slack, {"": f"{out.url}/slack"}, Calendars()),
            Channel.TEAMS: hook_way(send_teams, {"": f"{out.url}/teams"}, Calendars()),
            Channel.PUSH: push_way(pool, KEYS, new_session),
            Channel.SMS: text_way(posts.texter, pause_s=0),
            Channel.EMAIL: mail_way(posts.mailer, lambda key: make_token(b"x", "notice", key)),
        }
        yield House(pool, clock, out, posts, Notifier(pool, clock, Calendars(), ways, PUBLIC,
                                                      lambda key: make_token(b"x", "notify", key)))  # fmt: skip


async def test_a_hot_lead_is_told_on_every_channel_at_once_and_the_mail_stays_back(house: House) -> None:
    await house.register()
    await house.tell()
    await house.round()
    assert await house.states() == {"push": "sent", "sms": "sent", "email": "waiting"}
    assert await house.states(None) == {"slack": "sent", "teams": "sent"}
    (slack,), (teams,), ((head, push),) = house.out.slack, house.out.teams, house.out.push
    shown = [field["text"] for block in slack["blocks"] for field in block.get("fields", ())]
    assert {"Name: Ava Stone", "Company: Stone & Sons", "Phone: +13105550148", "Source: ads"} <= set(shown)
    assert "By: Mon 23 Nov, 15:03, UTC" in shown
    assert "Owner: Sam Reyes" in shown
    assert all(field["type"] == "plain_text" for block in slack["blocks"] for field in block.get("fields", ()))
    assert slack["blocks"][2]["text"]["type"] == "plain_text"
    button = slack["blocks"][-1]["elements"][0]
    assert button["url"] == f"{PUBLIC}/leads/{AVA}/take"
    card = teams["attachments"][0]["content"]
    assert [element["text"] for element in card["body"] if element["type"] == "TextBlock"] == ["A lead is yours"]
    assert card["actions"][0]["url"] == button["url"]
    assert push["title"] == "A lead is yours"
    assert "Ava Stone · Stone & Sons · +13105550148 · Mon 23 Nov, 10:03" in push["body"]
    assert push["url"].startswith(f"{PUBLIC}/n/")
    assert head["Urgency"] == "high"
    ((number, text),) = house.posts.texts
    assert number == "+12125550100"
    assert "Ava Stone, Stone & Sons, +13105550148" in text
    assert f" {PUBLIC}/n/" in text
    assert house.posts.mails == []


async def test_mail_goes_when_nobody_looks_and_not_when_somebody_has(house: House) -> None:
    await house.tell()
    seen = await house.tell(kind="reply_received")
    await house.round()
    await house.pool.execute("update notice set seen_wall = $2 where id = $1", seen, house.clock.now)
    await house.round(after=59)
    assert house.posts.mails == []
    await house.round(after=2)
    (mail,) = house.posts.mails
    assert mail.to_address == "sam@acme.example"
    assert "Phone: +13105550148" in mail.text
    assert mail.category == "notice"


async def test_who_has_accepted_gets_no_mail(house: House) -> None:
    await house.tell()
    await house.round()
    await put(house.pool, "story", lead_id=AVA, at=house.clock.now, kind="accepted")
    await house.round(after=120)
    assert house.posts.mails == []
    assert (await house.states())["email"] == "skipped"


async def test_a_decline_is_the_answer_of_one_and_takes_nobody_elses_last_resort(house: House) -> None:
    for who in (SAM, LEE):
        await house.tell(who, kind="claim_offer", dedupe=who)
    await house.round()
    await put(house.pool, "story", lead_id=AVA, at=house.clock.now, kind="declined", data={"rep_id": SAM})
    await house.round(after=70)
    assert [mail.to_address for mail in house.posts.mails] == ["lee@acme.example"]
    assert ((await house.states())["email"], (await house.states(LEE))["email"]) == ("skipped", "sent")


async def test_a_text_that_waits_its_turn_is_not_sent_when_its_lead_is_taken_meanwhile(house: House) -> None:
    await put_lead(house.pool, BEN, name="Ben Carter", phone="+13105550149", owner_id=SAM, country="US", source="ads")
    sent: list[str] = []

    class Slow:
        async def send(self, **message: Any) -> None:
            sent.append(message["body"])
            await put(house.pool, "story", lead_id=BEN, at=house.clock.now, kind="accepted")

    house.notifier.ways[Channel.SMS] = text_way(Slow(), pause_s=0)  # type: ignore[index, arg-type]
    await house.tell(lead_id=AVA)
    house.clock.now += timedelta(seconds=1)
    await house.tell(lead_id=BEN)
    await house.notifier.plan()
    await house.notifier.send(Channel.SMS)
    assert len(sent) == 1
    assert "Ava Stone" in sent[0]
    rows = await house.pool.fetch("select state, error from notification where channel = 'sms' order by at")
    assert [tuple(row) for row in rows] == [("sent", None), ("skipped", "seen")]


async def test_a_channel_that_fails_gives_way_at_once_and_only_to_the_next(house: House) -> None:
    house.posts.fault["sms"] = SendError(SendErrorKind.BAD_ADDRESS, "HTTP 400, code 21614")
    await house.tell()
    await house.round()
    await house.round()
    assert await house.states() == {"sms": "failed", "email": "sent"}
    assert len(house.posts.mails) == 1


async def test_doubt_is_never_sent_again_and_gives_way(house: House) -> None:
    house.posts.fault["sms"] = SendError(SendErrorKind.IN_DOUBT, "sent, no answer")
    await house.tell()
    await house.round()
    house.posts.fault.clear()
    await house.round(after=1)
    await house.round(after=600)
    assert await house.states() == {"sms": "in_doubt", "email": "sent"}
    assert house.posts.texts == []


async def test_a_definite_refusal_is_repeated_after_the_time_that_was_asked_for(house: House) -> None:
    house.out.status["slack"], house.out.headers["slack"] = 429, {"Retry-After": "30"}
    await house.tell()
    await house.round()
    house.out.status.clear()
    await house.round(after=29)
    assert house.out.slack == []
    await house.round(after=2)
    assert len(house.out.slack) == 1
    assert len(house.out.teams) == 1


async def test_it_is_given_up_after_three_tries(house: House) -> None:
    house.out.status["slack"] = 429
    await house.tell()
    for _ in range(6):
        await house.round(after=30)
    tries = await house.pool.fetchval("select tries from notification where channel = 'slack'")
    assert (tries, (await house.states(None))["slack"]) == (3, "failed")


async def test_once_for_each_person_and_channel_though_two_processes_send(house: House) -> None:
    await house.register()
    for number in range(5):
        await house.tell(kind="reply_received", dedupe=f"x{number}", at=NOW + timedelta(seconds=number))
    other = replace(house.notifier)
    await asyncio.gather(house.notifier.plan(), other.plan())
    await asyncio.gather(*(n.send(c) for n in (house.notifier, other) for c in n.ways))
    rows = await house.pool.fetchval("select count(*) from notification")
    assert rows == 5 * 5
    assert (len(house.out.slack), len(house.out.teams), len(house.out.push)) == (5, 5, 5)
    # one text about a lead, and not five within two minutes
    assert len(house.posts.texts) == 1


async def test_a_sender_that_is_killed_between_claim_and_request_leaves_doubt(house: House) -> None:
    house.posts.hang = True
    await house.tell()
    await house.notifier.plan()
    sending = asyncio.create_task(house.notifier.send(Channel.SMS))
    async with asyncio.timeout(10):
        while (await house.states())["sms"] != "claimed":
            await asyncio.sleep(0.01)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    house.posts.hang = False
    assert await house.states() == {"sms": "claimed", "email": "waiting"}
    await house.round(after=1)
    assert await house.states() == {"sms": "claimed", "email": "waiting"}
    await house.round(after=LEASE.total_seconds())
    await house.round()
    assert await house.states() == {"sms": "in_doubt", "email": "sent"}
    assert house.posts.texts == []


async def test_a_channel_that_is_broken_is_left_alone_and_operations_hear_of_it(house: House) -> None:
    await put(house.pool, "account", id=LEE, email="ops@acme.example", name="Ops", role="ops", created_wall=NOW)
    house.out.status["slack"] = 404
    for number in range(BROKEN_AFTER + 1):
        await house.tell(dedupe=f"n{number}")
        await house.round(after=1)
    assert await house.pool.fetchval("select count(*) from notice where kind = 'channel_off'") == 1
    errors = await house.pool.fetch("select error from notification where channel = 'slack' order by due_wall")
    assert [row["error"] for row in errors] == ["HTTP 404"] * BROKEN_AFTER + ["channel_off"] * 2
    # the mail to operations does not wait: Slack has failed, Teams has told them
    await house.round(after=3700)
    assert "a channel" in " ".join(m.subject.lower() for m in house.posts.mails if m.to_address == "ops@acme.example")
    house.out.status.clear()
    house.clock.now += OFF_FOR
    await house.tell(dedupe="later")
    await house.round()
    assert len(house.out.slack) == 1
    assert await house.pool.fetchval("select count(*) from notify_channel") == 0


async def test_a_browser_that_has_let_go_is_forgotten(house: House) -> None:
    await house.register()
    house.out.status["push"] = 410
    await house.tell(kind="answer_sent")
    await house.round()
    await house.round()
    assert await house.pool.fetchval("select count(*) from push_device") == 0
    assert await house.states() == {"push": "failed", "email": "sent"}
    assert await house.pool.fetchval("select count(*) from notify_channel") == 0


async def test_nobody_is_woken_outside_shifts(house: House) -> None:
    await house.register()
    await house.pool.execute("update rep set weekly = '{}'")
    await house.tell()
    await house.round()
    assert await house.states() == {"email": "sent"}
    assert (house.posts.texts, house.out.push) == ([], [])


async def test_away_means_no_text_and_wishes_are_kept(house: House) -> None:
    await house.register()
    await house.pool.execute("update rep set presence = 'away'")
    await house.tell()
    await house.round()
    assert await house.states() == {"push": "sent", "email": "waiting"}
    await house.pool.execute("update rep set presence = 'available'")
    await set_wishes(house.pool, SAM, mobile="+12125550177", sms=True, push=False, email=False)
    await house.tell(kind="call_task", at=NOW + timedelta(minutes=4))
    await house.round(after=240)
    assert [number for number, _ in house.posts.texts] == ["+12125550177"]
    assert len(house.out.push) == 1


async def test_managers_are_told_by_team_channels_first(house: House) -> None:
    await house.tell(rep_id=None, kind="nobody_available")
    await house.round()
    assert await house.states(None) == {"slack": "sent", "teams": "sent"}
    assert await house.states(LEE) == {"sms": "sent", "email": "waiting"}
    assert house.posts.mails == []


async def test_what_was_there_before_is_no_news_and_old_alarms_ring_no_phone(house: House) -> None:
    await house.register()
    await house.tell(passed_on=True)
    await house.round()
    assert await house.pool.fetchval("select count(*) from notification") == 0
    await house.tell(dedupe="old", at=NOW - timedelta(hours=1))
    await house.round()
    await house.round()
    assert await house.states() == {"push": "skipped", "sms": "skipped", "email": "sent"}


async def test_a_slow_receiver_delays_nobody_else_and_a_notice_wakes_the_chores(house: House) -> None:
    house.out.delay["slack"] = 2.0
    task = asyncio.create_task(run_chores(house.pool, house.notifier.chores()))
    try:
        async with asyncio.timeout(15):
            await asyncio.sleep(0.5)  # until it listens
            began = asyncio.get_running_loop().time()
            await house.tell()
            while not (house.posts.texts and house.out.teams):
                await asyncio.sleep(0.01)
            first = asyncio.get_running_loop().time() - began
            await house.tell(kind="reply_received", dedupe="second")
            while len(house.out.teams) < 2:
                await asyncio.sleep(0.01)
            assert house.out.slack == []
            took = asyncio.get_running_loop().time() - began
            print(f"first {first * 1000:.0f} ms, both {took * 1000:.0f} ms")
            assert took < 1.9
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
