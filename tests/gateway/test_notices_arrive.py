"""A text or mail to one of ours that the provider took and did not deliver: the next channel takes its turn, once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio

from speedlead.chores.notify import Notifier
from speedlead.chores.notify_ways import mail_way, text_way
from speedlead.clock import SystemClock
from speedlead.doctor import our_people
from speedlead.domain.business import Calendars
from speedlead.domain.notification import Channel
from speedlead.ids import notice_touch
from speedlead.providers.sendgrid import SendgridMailer
from speedlead.providers.twilio import TwilioAccount, TwilioTexter
from speedlead.store.notification_reports import unreached
from tests.gateway.house import House
from tests.gateway.test_strangers_of_the_sandbox import sandbox
from tests.store.hand_made import AVA, LEE, SAM, put_lead, put_notice, put_reps

MOBILE, MAILBOX = "+12125550100", "sam@acme.example"


@dataclass
class Scene:
    house: House
    notifier: Notifier
    sandbox: str
    http: aiohttp.ClientSession

    async def person(self, address: str, **behaviour: Any) -> None:
        async with self.http.put(f"{self.sandbox}/api/people/{address}", json=behaviour) as answer:
            assert answer.status < 300, await answer.text()

    async def tell(self) -> str:
        return await put_notice(self.house.pool, SAM, "new_lead", AVA, at=self.house.clock.now)

    async def rounds(self, *seconds: float) -> None:
        for after in seconds or (0, 0):
            self.house.clock.now += timedelta(seconds=after)
            await self.notifier.plan()
            await asyncio.gather(*(self.notifier.send(channel) for channel in self.notifier.ways))

    async def states(self) -> dict[str, str]:
        rows = await self.house.pool.fetch("select channel, state from notification where rep_id = $1", SAM)
        return {row["channel"]: row["state"] for row in rows}

    async def sent(self) -> dict[str, int]:
        """How many texts and mails the provider was handed for the rep."""
        async with self.http.get(f"{self.sandbox}/api/messages") as answer:
            return dict(Counter(row["channel"] for row in await answer.json() if row["to"] in (MOBILE, MAILBOX)))

    async def hears(self, status: str, code: str = "", channel: str = "sms") -> int:
        """One more status callback of the text, as the provider signs it."""
        key = await self.house.pool.fetchval("select id from notification where channel = $1", channel)
        form = {"MessageSid": "SM9", "MessageStatus": status, **({"ErrorCode": code} if code else {})}
        return (await self.house.twilio(f"/webhooks/twilio/sms/status?touch={notice_touch(key)}", **form))[0]

    async def notices(self) -> list[tuple[str, str]]:
        rows = await self.house.pool.fetch("select audience, reason from notice where kind = 'not_reached' order by id")
        return [(row["audience"], row["reason"]) for row in rows]


@pytest_asyncio.fixture
async def scene(house: House, tmp_path: Path) -> AsyncIterator[Scene]:
    house.clock.now = SystemClock().wall()  # the sandbox signs mail with its own
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(sandbox(house, tmp_path))
        keys = house.credentials
        account = TwilioAccount(
            keys.sandbox_twilio_account_sid, keys.sandbox_twilio_auth_token.get_secret_value(), base_url=url
        )
        stack.push_async_callback(account.close)
        mailer = SendgridMailer(
            keys.sandbox_sendgrid_api_key.get_secret_value(), from_address="hello@acme.example", from_name="Acme",
            reply_domain="in.acme.example", base_url=url,
        )  # fmt: skip
        stack.push_async_callback(mailer.close)
        texter = TwilioTexter(account, public_url=house.base, from_number="+14155552671")
        await put_reps(house.pool)
        await house.pool.execute("update rep set weekly = $1", {str(day): [[0, 1440]] for day in range(7)})
        await put_lead(house.pool, AVA, name="Ava Stone", phone="+13105550148", owner_id=SAM,
                       first_attempt_due=house.clock.now + timedelta(minutes=3))  # fmt: skip
        ways = {Channel.SMS: text_way(texter, pause_s=0), Channel.EMAIL: mail_way(mailer, lambda key: key)}
        notifier = Notifier(house.pool, house.clock, Calendars(), ways, house.base, lambda key: key)
        yield Scene(house, notifier, url, await stack.enter_async_context(aiohttp.ClientSession()))


async def test_a_text_that_was_taken_and_not_delivered_gives_way_to_the_mail_at_once_and_once(scene: Scene) -> None:
    await scene.person(MOBILE, sms="undelivered", sms_error=30005)
    await scene.tell()
    await scene.rounds()
    assert await scene.states() == {"sms": "failed", "email": "sent"}
    assert await scene.sent() == {"sms": 1, "email": 1}
    # twice, late, in any order: nothing follows from them
    for status, code in (("undelivered", "30005"), ("delivered", ""), ("sent", ""), ("failed", "30003")):
        assert await scene.hears(status, code) == 204
        assert await scene.hears(status, code) == 204
    await scene.rounds(5, 120)
    assert await scene.states() == {"sms": "failed", "email": "sent"}
    assert await scene.sent() == {"sms": 1, "email": 1}
    assert await scene.notices() == [("manager", "Sam Reyes, by text")]
    ((rep_id, channel, error),) = [(r["rep_id"], r["channel"], r["error"]) for r in await unreached(scene.house.pool)]
    assert (rep_id, channel, error) == (SAM, "sms", "undelivered 30005: unknown or inactive number")
    finding = await our_people(scene.house.pool)
    assert (finding.ok, "Sam Reyes (sms: undelivered 30005" in finding.detail) == (False, True)
    mine = await scene.house.sign_in("rep", SAM)
    for path, headers, shown in (
        ("/people", None, "not reached"), (f"/people/{SAM}", None, "The last text did not arrive"),
        ("/account/notifications", mine, "unknown or inactive number"),
    ):  # fmt: skip
        assert shown in (await scene.house.call("GET", path, headers=headers))[1]


async def test_what_was_delivered_stays_so_and_the_mail_waits(scene: Scene) -> None:
    await scene.tell()
    await scene.rounds()
    assert await scene.states() == {"sms": "sent", "email": "waiting"}
    assert await scene.hears("undelivered", "30005") == 204
    await scene.rounds()
    assert await scene.states() == {"sms": "sent", "email": "waiting"}
    assert not await unreached(scene.house.pool)


async def test_a_mail_that_bounces_is_the_last_word_and_somebody_else_hears_of_it(scene: Scene) -> None:
    await scene.person(MAILBOX, email="bounce")
    await scene.person(MOBILE, sms="undelivered", sms_error=30003)  # the phone is off
    await scene.tell()
    await scene.rounds()
    assert await scene.states() == {"sms": "failed", "email": "failed"}
    # a phone that is off is nobody's business while the mail is still to go
    assert await scene.notices() == [("manager", "Sam Reyes, by e-mail")]
    assert [row["channel"] for row in await unreached(scene.house.pool, SAM)] == ["sms", "email"]


async def test_a_report_of_no_notification_is_kept_and_forged_ones_are_refused(scene: Scene) -> None:
    path = "/webhooks/twilio/sms/status?touch="
    form = {"MessageSid": "SM9", "MessageStatus": "undelivered", "ErrorCode": "30005"}
    for unknown in (notice_touch(LEE), "notice.x", "notice."):
        assert (await scene.house.twilio(path + unknown, **form))[0] == 204
    await scene.tell()
    await scene.rounds()
    key = await scene.house.pool.fetchval("select id from notification where channel = 'sms'")
    assert (await scene.house.twilio(path + notice_touch(key), signed=False, **form))[0] == 403
    assert (await scene.states())["sms"] == "sent"
