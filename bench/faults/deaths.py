"""Senders that kill their process, right before the request leaves or right after it was answered."""

import fcntl
import hashlib
import os
import signal
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from speedlead.ports import Accepted, Dialer, Mail, Mailer, Texter
from speedlead.providers.assemble import Senders


@dataclass(frozen=True)
class Deaths:
    """Which requests kill, counted over all processes in a file of `folder`: by the seed, whosever turn it is."""

    folder: Path
    seed: int
    before: float
    after: float

    def next_request(self) -> int:
        with (self.folder / ".requests").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(b".")
            file.flush()
            return file.tell()

    def strike(self, when: str, request: int) -> None:
        chance = self.before if when == "before" else self.after
        digest = hashlib.sha256(f"{self.seed}|{when}|{request}".encode()).digest()
        if int.from_bytes(digest[:8], "big") / 2**64 < chance:
            (self.folder / f"{when}-{request}").touch()
            os.kill(os.getpid(), signal.SIGKILL)


def deadly(senders: Senders, deaths: Deaths) -> Senders:
    return Senders(
        DeadlyMailer(senders.mailer, deaths),
        DeadlyTexter(senders.texter, deaths),
        DeadlyDialer(senders.dialer, deaths),
    )


class DeadlyMailer:
    def __init__(self, mailer: Mailer, deaths: Deaths) -> None:
        self._mailer, self._deaths = mailer, deaths

    async def send(self, mail: Mail) -> Accepted:
        request = self._deaths.next_request()
        self._deaths.strike("before", request)
        accepted = await self._mailer.send(mail)
        self._deaths.strike("after", request)
        return accepted


class DeadlyTexter:
    def __init__(self, texter: Texter, deaths: Deaths) -> None:
        self._texter, self._deaths = texter, deaths

    async def send(self, *, touch_id: str, to: str, body: str, validity_s: int) -> Accepted:
        request = self._deaths.next_request()
        self._deaths.strike("before", request)
        accepted = await self._texter.send(touch_id=touch_id, to=to, body=body, validity_s=validity_s)
        self._deaths.strike("after", request)
        return accepted

    async def find(self, *, to: str, body: str, since: datetime) -> list[str]:
        return await self._texter.find(to=to, body=body, since=since)


class DeadlyDialer:
    def __init__(self, dialer: Dialer, deaths: Deaths) -> None:
        self._dialer, self._deaths = dialer, deaths

    async def ring_rep(self, *, leg_id: str, to: str, ring_s: int) -> Accepted:
        request = self._deaths.next_request()
        self._deaths.strike("before", request)
        accepted = await self._dialer.ring_rep(leg_id=leg_id, to=to, ring_s=ring_s)
        self._deaths.strike("after", request)
        return accepted

    async def find(self, *, to: str, since: datetime) -> list[str]:
        return await self._dialer.find(to=to, since=since)

    async def is_over(self, call_id: str) -> bool:
        return await self._dialer.is_over(call_id)

    async def hang_up(self, call_id: str) -> None:
        await self._dialer.hang_up(call_id)
