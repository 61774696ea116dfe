"""A stand-in for SendGrid that only a flow check's mails meet: with a real account, nothing of it leaves the house.

It takes the mail, and reports it as delivered by a webhook that is signed with this installation's own key, so the
check goes the same way as a lead of flesh and blood. With the sandbox, which is such a stand-in itself, it is not used.
"""

import asyncio
import base64
import json
import secrets
import time

import aiohttp
import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from speedlead.domain.flow_check import is_address
from speedlead.ports import Accepted, Mail, Mailer

log = structlog.get_logger(__name__)

# a row whose provider_id begins so was never given to the real provider
PREFIX = "flow-check-"
_REPORTED_AFTER_S = 0.2


class CheckedMailer:
    """`signing_key`: PEM of this installation's EC key; `public_url`: where our webhooks are."""

    def __init__(self, real: Mailer, *, signing_key: str, public_url: str) -> None:
        key = load_pem_private_key(signing_key.encode(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("signing key of the installation: expected an EC private key in PEM")
        self._real = real
        self._key = key
        self._url = f"{public_url}/webhooks/sendgrid/events"
        self._reports: set[asyncio.Task[None]] = set()

    async def send(self, mail: Mail) -> Accepted:
        if not is_address(mail.to_address):
            return await self._real.send(mail)
        accepted = Accepted(PREFIX + secrets.token_hex(12))
        report = asyncio.create_task(self._report(mail, accepted.provider_id))
        self._reports.add(report)
        report.add_done_callback(self._reports.discard)
        return accepted

    async def close(self) -> None:
        for report in tuple(self._reports):
            report.cancel()
        await asyncio.gather(*self._reports, return_exceptions=True)

    async def _report(self, mail: Mail, provider_id: str) -> None:
        await asyncio.sleep(_REPORTED_AFTER_S)
        event = {
            "email": mail.to_address, "event": "delivered", "timestamp": int(time.time()), "touch_id": mail.touch_id,
            "sg_event_id": secrets.token_urlsafe(18), "sg_message_id": f"{provider_id}.recvd",
            "category": mail.category,
        }  # fmt: skip
        body, stamp = json.dumps([event]).encode(), str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(
                self._key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))
            ).decode(),
        }
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,
                http.post(self._url, data=body, headers=headers) as answer,
            ):
                if answer.status >= 300:
                    log.warning("flow check's webhook refused", status=answer.status)
        except (aiohttp.ClientError, TimeoutError) as error:  # the check finds out by itself
            log.warning("flow check's webhook not taken", error=type(error).__name__)
