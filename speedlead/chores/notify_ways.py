"""How each channel carries an alert: Slack and Teams by the owner's team, push to every device, text, mail."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg

from speedlead.alert_words import mail_of, text_of
from speedlead.domain.alert import Alert
from speedlead.domain.business import Calendars
from speedlead.domain.notification import STALE_AFTER
from speedlead.ids import notice_touch
from speedlead.ports import Mail, Mailer, SendError, SendErrorKind, Texter
from speedlead.providers.http import new_session
from speedlead.providers.webpush import Device, PushKeys, send_push
from speedlead.store.push_devices import devices, drop_endpoint

# what nobody has read after ten minutes is not worth the phone's noise; the mail comes
TEXT_VALID_S = 600
# an account's number sends one text a second, and the leads' come first: ours are spread
TEXT_PAUSE_S = 1.0

# an alert and the row that it was made from; raises SendError or Unreachable
Deliver = Callable[[Alert, Any], Awaitable[None]]


class Unreachable(Exception):
    """There is no way to this person or team on this channel; the text is a code."""


@dataclass(frozen=True)
class Way:
    """`open`: what one round sends with. `at_once`: so many messages at a time."""

    open: Callable[[], AbstractAsyncContextManager[Deliver]]
    at_once: int = 4


def hook_way(
    send: Callable[[aiohttp.ClientSession, str, Alert], Awaitable[None]],
    hooks: Mapping[str, str],
    calendars: Calendars,
) -> Way:
    """`hooks`: team -> address, "" for everybody else's."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Deliver]:
        async with new_session() as session:

            async def deliver(alert: Alert, row: Any) -> None:
                team = calendars.team_of(row["owner_email"]) if row["owner_email"] else None
                hook = hooks.get(team.id if team else "") or hooks.get("")
                if hook is None:
                    raise Unreachable("no_channel_of_the_team")
                await send(session, hook, alert)

            yield deliver

    return Way(opened)


def push_way(pool: "asyncpg.Pool[Any]", keys: PushKeys, session_of: Callable[[], aiohttp.ClientSession]) -> Way:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Deliver]:
        async with session_of() as session:

            async def to_one(device: Any, alert: Alert) -> SendError | None:
                target = Device(device["endpoint"], device["p256dh"], device["auth"])
                try:
                    await send_push(session, keys, target, alert, keep_s=int(STALE_AFTER.total_seconds()))
                except SendError as error:
                    if error.kind is SendErrorKind.BAD_ADDRESS:
                        await drop_endpoint(pool, target.endpoint)
                    return error
                return None

            async def deliver(alert: Alert, row: Any) -> None:
                """One device that took it is enough; what a phone in a drawer answers does not matter."""
                found = await devices(pool, row["rep_id"])
                if not found:
                    raise Unreachable("no_device")
                errors = await asyncio.gather(*(to_one(device, alert) for device in found))
                refused = [error for error in errors if error is not None]
                if len(refused) == len(errors):
                    # the one that may be tried again only where no other device is in doubt: it would hear it twice
                    raise next((e for e in refused if e.kind is SendErrorKind.IN_DOUBT), refused[0])

            yield deliver

    return Way(opened)


def text_way(texter: Texter, pause_s: float = TEXT_PAUSE_S) -> Way:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Deliver]:
        async def deliver(alert: Alert, row: Any) -> None:
            if not row["mobile"]:
                raise Unreachable("no_phone")
            try:
                await texter.send(
                    touch_id=notice_touch(alert.key), to=row["mobile"], body=text_of(alert), validity_s=TEXT_VALID_S
                )
            finally:
                await asyncio.sleep(pause_s)

        yield deliver

    return Way(opened, at_once=1)


def mail_way(mailer: Mailer, reply_token: Callable[[str], str]) -> Way:
    """`reply_token`: for the id of a notification. A reply to such a mail is not a lead's."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Deliver]:
        async def deliver(alert: Alert, row: Any) -> None:
            if not row["to_email"]:
                raise Unreachable("no_email")
            mail = Mail(
                touch_id=notice_touch(alert.key),
                to_address=row["to_email"],
                to_name=row["to_name"],
                subject=alert.line[:200],
                text=mail_of(alert),
                html="",
                reply_token=reply_token(alert.key),
                category="notice",
                headers={"Auto-Submitted": "auto-generated"},
            )
            await mailer.send(mail)

        yield deliver

    return Way(opened)
