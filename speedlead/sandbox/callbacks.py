"""Webhooks that the sandbox sends, signed like the providers sign them, and everything else that happens later.

`late`: jobs are stored, run when due, tried again while the gateway is down, and taken up again after a restart.
`before`: jobs run at once, in order, before the request that caused them is answered; a virtual clock needs that.
"""

import asyncio
import base64
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from twilio.request_validator import RequestValidator
from yarl import URL

from speedlead.sandbox.faults import Faults
from speedlead.sandbox.store import Job, Row, Store
from speedlead.sandbox.tokens import sms_sid
from speedlead.sandbox.twiml import parse

log = logging.getLogger(__name__)

Mode = Literal["late", "before"]
Handler = Callable[[dict[str, Any]], Awaitable[None]]

TIMEOUT_S = 15.0  # Twilio waits that long for a webhook
FORM = "application/x-www-form-urlencoded"
# about three minutes in all: longer than any restart of the gateway
RETRY_DELAYS_S = (0.3, 0.6, 1.2, 2.5, 5, 5, 10, 10, 20, 30, 45, 60)


class UndeliveredError(Exception):
    """The gateway did not take a webhook; worth another try."""


class Signer:
    """Signs requests to our gateway with the keys of the sandbox account."""

    def __init__(self, auth_token: str, signing_key_pem: str) -> None:
        self._twilio = RequestValidator(auth_token)
        key = load_pem_private_key(signing_key_pem.encode(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("sandbox signing key: expected an EC private key in PEM")
        self._sendgrid = key

    def headers(self, kind: str, url: str, body: bytes) -> dict[str, str]:
        """`kind` is twilio, sendgrid or none."""
        if kind == "twilio":
            params = dict(parse_qsl(body.decode(), keep_blank_values=True))
            return {"X-Twilio-Signature": str(self._twilio.compute_signature(url, params))}
        if kind == "sendgrid":
            timestamp = str(int(time.time()))
            signature = self._sendgrid.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
            return {
                "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
                "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
            }
        return {}


class Later:
    """Runs jobs, now or when due. Handlers are registered by name before the first job."""

    def __init__(self, store: Store, faults: Faults, mode: Mode, pace: float = 1.0) -> None:
        """`pace` stretches every delay that plays a person or a network; tests use a small one."""
        self.mode = mode
        self.pace = pace
        self.store = store
        self.faults = faults
        self.handlers: dict[str, Handler] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._order: dict[str, asyncio.Lock] = {}

    def resume(self, jobs: list[Job]) -> None:
        """Takes up what an earlier process left undone."""
        for job in jobs:
            self.spawn(self._run(job))

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def spawn(self, work: Any) -> asyncio.Task[None]:
        """A background task that is kept and, at the end, cancelled."""
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("sandbox job failed", exc_info=task.exception())

    async def pause(self, seconds: float) -> None:
        """Lets time pass, in late mode only."""
        if self.mode == "late" and seconds > 0:
            await asyncio.sleep(seconds * self.pace)

    async def do(self, kind: str, payload: dict[str, Any], *, delay_s: float = 0, ordered_by: str = "") -> None:
        """Runs or stores one job; jobs with the same `ordered_by` keep their order unless `shuffle` is set."""
        if self.mode == "before":
            try:
                await self.handlers[kind](payload)
                return
            except UndeliveredError:
                delay_s = RETRY_DELAYS_S[0]  # the gateway is down: better late than lost
        job = self.store.add_job(kind, ordered_by, time.time() + delay_s, payload)
        self.spawn(self._run(job))

    async def _run(self, job: Job) -> None:
        tries = job.tries
        due = job.due
        while True:
            await asyncio.sleep(max(0.0, due - time.time()))
            try:
                async with self._in_order(job):
                    await self.handlers[job.kind](job.payload)
                break
            except UndeliveredError as error:
                if tries >= len(RETRY_DELAYS_S):
                    log.warning("sandbox gave up a webhook", extra={"reason": str(error)})
                    break
                due = time.time() + RETRY_DELAYS_S[tries]
                tries += 1
                self.store.tried(job.seq)
        self.store.done(job.seq)

    def _in_order(self, job: Job) -> asyncio.Lock:
        name = job.ordered_by if job.ordered_by and not self.faults.plan.callbacks.shuffle else f"job-{job.seq}"
        lock = self._order.setdefault(name, asyncio.Lock())
        if len(self._order) > 5000:
            self._order = {n: kept for n, kept in self._order.items() if kept.locked() or n == name}
        return lock


class Postman:
    """Sends webhooks: `report` for what may be lost or late, `ask` for TwiML, `hand_over` for what people wrote."""

    def __init__(self, later: Later, signer: Signer, account_sid: str) -> None:
        self._later = later
        self.signer = signer
        self._account_sid = account_sid
        self._session: aiohttp.ClientSession | None = None
        later.handlers["post"] = self._post
        later.handlers["set"] = self._set_status

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def report(
        self, message_id: str, status: str, url: str | None, body: bytes, *, content_type: str = FORM,
        sign: str = "twilio", delay_s: float = 0, error_code: int | None = None,
    ) -> None:  # fmt: skip
        """Sets a message's status and tells `url`; the faults of callbacks and `silent` apply."""
        faults = self._later.faults
        plan = faults.plan.callbacks
        delay_s *= self._later.pace
        change = {"message_id": message_id, "status": status, "error_code": error_code}
        if delay_s:
            await self._later.do("set", change, delay_s=delay_s, ordered_by=f"set-{message_id}")
        else:
            await self._set_status(change)
        # the touch, not the random id: the same seed then loses the same callbacks again
        row = self._later.store.get(message_id)
        about = (row and (row.leg_id or row.touch_id)) or message_id
        key = f"{about}.{status}"
        if not url or (row and faults.silent(row.channel, about)) or faults.happens("callbacks.lost", key, plan.lost):
            return
        late = plan.late_s > 0 and faults.happens("callbacks.late", key, plan.late)
        wait_s = delay_s + (plan.late_s if late else 0)
        if plan.shuffle:
            wait_s += faults.draw("callbacks.shuffle", key) * max(1.0, plan.late_s)
        copies = 2 if faults.happens("callbacks.twice", key, plan.twice) else 1
        for _ in range(copies):
            await self.hand_over(url, body, content_type=content_type, sign=sign, delay_s=wait_s, ordered_by=message_id)

    async def hand_over(
        self, url: str, body: bytes, *, content_type: str = FORM, sign: str = "twilio", delay_s: float = 0,
        ordered_by: str = "", answers: str | None = None,
    ) -> None:  # fmt: skip
        """Sends one webhook now or later; it is not subject to faults.

        `answers`: the id of the text that is handed over; the messages of the TwiML that comes back go to its sender.
        """
        payload = {
            "url": url, "body": base64.b64encode(body).decode(), "content_type": content_type, "sign": sign,
            "answers": answers,
        }  # fmt: skip
        await self._later.do("post", payload, delay_s=delay_s, ordered_by=ordered_by)

    async def ask(self, url: str, params: dict[str, str], method: str = "POST") -> str:
        """Fetches TwiML. Raises UndeliveredError when the gateway gives none, after two more tries."""
        body = urlencode(params).encode()
        if method.upper() == "GET":
            url, body = f"{url}{'&' if '?' in url else '?'}{urlencode(params)}", b""
        for wait_s in (0.5, 1.0):
            try:
                return await self._request(method.upper(), url, body, FORM, "twilio")
            except UndeliveredError:
                await asyncio.sleep(wait_s)
        return await self._request(method.upper(), url, body, FORM, "twilio")

    async def _set_status(self, change: dict[str, Any]) -> None:
        self._later.store.update(change["message_id"], status=change["status"], error_code=change["error_code"])

    async def _post(self, payload: dict[str, Any]) -> None:
        body = base64.b64decode(payload["body"])
        answer = await self._request("POST", payload["url"], body, payload["content_type"], payload["sign"])
        asked = self._later.store.get(payload["answers"]) if payload.get("answers") else None
        if asked is not None and answer:
            self._text_back(asked, answer)

    def _text_back(self, asked: Row, document: str) -> None:
        """What our gateway says to a text, sent as Twilio would: not to a number that has said STOP (error 21610)."""
        try:
            said = [verb.text for verb in parse(document) if verb.name == "Message"]
        except ValueError as error:
            log.warning("gateway answered a text with something else", extra={"reason": str(error)})
            return
        refused = self._later.store.suppressed(asked.sender, "sms")
        for text in said:
            self._later.store.add(Row(
                sms_sid(), "sms", "outbound-reply", asked.recipient, asked.sender, text=text,
                status="failed" if refused else "delivered", error_code=21610 if refused else None,
            ))  # fmt: skip

    async def _request(self, method: str, url: str, body: bytes, content_type: str, sign: str) -> str:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        headers = {"Content-Type": content_type, **self.signer.headers(sign, url, body)}
        headers["User-Agent"] = "TwilioProxy/1.1" if sign == "twilio" else "SendGrid Event API"
        try:
            # encoded=True: the signature covers the URL as it was given, byte for byte
            async with self._session.request(
                method, URL(url, encoded=True), data=body, headers=headers, allow_redirects=False
            ) as answer:
                text = await answer.text()
                # a refusal is final, as it is for the providers; only a gateway that is down or broken is tried again
                if answer.status >= 500 or answer.status == 429:
                    raise UndeliveredError(f"HTTP {answer.status}")
                if answer.status >= 400:
                    log.warning("gateway refused a webhook", extra={"status": answer.status, "path": URL(url).path})
                return text if answer.status < 300 else ""
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise UndeliveredError(type(error).__name__) from None
