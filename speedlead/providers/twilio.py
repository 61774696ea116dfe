"""Twilio through its own SDK: text messages, and calls that ring a rep.

Production and the sandbox differ in the base URL and the keys only. One request per call, no retries of the SDK: its
`max_retries` repeats POSTs on 5xx, and a repeated POST is a second message (Twilio has no idempotency key for these).
"""

import base64
import logging
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from speedlead.ports import Accepted, SendError, SendErrorKind
from speedlead.providers import errors
from speedlead.providers.http import (
    DEFAULT_TIMEOUT_S,
    TRANSPORT_ERRORS,
    Exchange,
    new_session,
    no_answer,
    note_headers,
    retry_after_s,
    watched,
)

T = TypeVar("T")

MAX_VALIDITY_S = 36_000  # Twilio's own bound of ValidityPeriod
LEG_EVENTS = ["initiated", "ringing", "answered", "completed"]
OVER = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
CALL_ALREADY_OVER = 21220  # hanging up a call that has ended is what we wanted
# Twilio's time stamps are whole seconds of its clock, ours are not: a message must not be missed for that
CLOCK_TOLERANCE = timedelta(seconds=2)
_LOOK_BACK_ROWS = 50
_BEGUN_BY_US = "outbound-api"

# the SDK logs whole URLs, which carry phone numbers in list filters
_silent = logging.getLogger("speedlead.providers.twilio.sdk")
_silent.setLevel(logging.CRITICAL)


class TwilioTransport(AsyncTwilioHttpClient):  # type: ignore[misc]
    """The SDK's async transport with a base URL, a time limit that works and visible answer headers.

    The stock transport ignores its own `timeout` (twilio-python #925) and its exceptions carry no headers.
    Create it inside a running event loop.
    """

    def __init__(self, base_url: str | None, timeout_s: float) -> None:
        super().__init__(pool_connections=False, logger=_silent, timeout=timeout_s)
        self._base = urlsplit(base_url) if base_url else None
        self.session = new_session(timeout_s)

    async def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self.timeout
        auth = kwargs.pop("auth", None)
        if auth is not None:
            # as a header: aiohttp's `auth` argument, which the SDK uses, is on its way out
            basic = base64.b64encode(f"{auth[0]}:{auth[1]}".encode()).decode()
            kwargs["headers"] = {**(kwargs.get("headers") or {}), "Authorization": f"Basic {basic}"}
        if self._base is not None:
            url = urlunsplit(urlsplit(url)._replace(scheme=self._base.scheme, netloc=self._base.netloc))
        response = await super().request(method, url, *args, **kwargs)
        note_headers(response.headers)
        return response


class TwilioAccount:
    """One account's connection, shared by texter and dialer; `close()` it at the end."""

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        api_key: tuple[str, str] | None = None,
        base_url: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        """`base_url` replaces https://api.twilio.com (the sandbox); `timeout_s` covers a whole request.

        `api_key` (its SID and its secret) makes the requests instead of the auth token.
        """
        self._transport = TwilioTransport(base_url, timeout_s)
        self.client = Client(*(api_key or (account_sid, auth_token)), account_sid, http_client=self._transport)

    async def ask(self, request: Awaitable[T], *, repeatable: bool = False) -> T:
        """Awaits one SDK request. Raises SendError; `repeatable` marks requests that are safe to repeat."""
        with watched() as exchange:
            try:
                return await request
            except (TwilioRestException, TwilioServiceException) as error:
                raise _refused(int(error.status), error.code, exchange, repeatable) from None
            except TRANSPORT_ERRORS as error:
                raise no_answer(error, exchange, repeatable=repeatable) from None
            except (TwilioException, ValueError, KeyError, TypeError, AttributeError) as error:
                # a list that is refused is a bare TwilioException around the answer
                answer = next((part for part in error.args if isinstance(part, Response)), None)
                if answer is not None and answer.status_code >= 300:
                    raise _refused(answer.status_code, None, exchange, repeatable) from None
                # a success that cannot be read: the request was taken, its result is not known
                raise no_answer(error, exchange, repeatable=repeatable) from None

    async def close(self) -> None:
        await self._transport.close()


class TwilioTexter:
    """Texter over Programmable Messaging."""

    def __init__(
        self,
        account: TwilioAccount,
        *,
        public_url: str,
        from_number: str | None = None,
        messaging_service_sid: str | None = None,
    ) -> None:
        """Raises ValueError unless exactly one sender is given."""
        if bool(from_number) == bool(messaging_service_sid):
            raise ValueError("twilio sender: expected either from_number or messaging_service_sid")
        self._account = account
        self._public_url = public_url.rstrip("/")
        self._sender = {"from_": from_number} if from_number else {"messaging_service_sid": messaging_service_sid}

    async def send(self, *, touch_id: str, to: str, body: str, validity_s: int) -> Accepted:
        message = await self._account.ask(
            self._account.client.messages.create_async(
                to=to,
                body=body,
                status_callback=f"{self._public_url}/webhooks/twilio/sms/status?touch={quote(touch_id, safe='')}",
                validity_period=max(1, min(validity_s, MAX_VALIDITY_S)),
                **self._sender,
            )
        )
        return _accepted(message.sid)

    async def find(self, *, to: str, body: str, since: datetime) -> list[str]:
        # DateSent is empty while a message is queued, so its filter would hide the very one in doubt
        found = await self._account.ask(
            self._account.client.messages.list_async(to=to, limit=_LOOK_BACK_ROWS), repeatable=True
        )
        return [m.sid for m in found if m.body == body and _not_before(m.date_created, since)]


class TwilioDialer:
    """Dialer over Programmable Voice: it rings the rep; our voice webhooks say what the call does next."""

    def __init__(self, account: TwilioAccount, *, public_url: str, from_number: str) -> None:
        self._account = account
        self._public_url = public_url.rstrip("/")
        self._from = from_number

    async def ring_rep(self, *, leg_id: str, to: str, ring_s: int) -> Accepted:
        leg = quote(leg_id, safe="")
        call = await self._account.ask(
            self._account.client.calls.create_async(
                to=to,
                from_=self._from,
                url=f"{self._public_url}/webhooks/twilio/voice/rep?leg={leg}",
                status_callback=f"{self._public_url}/webhooks/twilio/voice/leg?leg={leg}",
                status_callback_event=LEG_EVENTS,
                timeout=ring_s,
            )
        )
        return replace(_accepted(call.sid), queued_ms=_whole(call.queue_time))

    async def find(self, *, to: str, since: datetime) -> list[str]:
        found = await self._account.ask(
            self._account.client.calls.list_async(to=to, from_=self._from, limit=_LOOK_BACK_ROWS), repeatable=True
        )
        # a caller who was put through to the same rep is a leg to that number as well, and none that we began
        return [c.sid for c in found if c.direction == _BEGUN_BY_US and _not_before(c.date_created, since)]

    async def is_over(self, call_id: str) -> bool:
        call = await self._account.ask(self._account.client.calls(call_id).fetch_async(), repeatable=True)
        return call.status in OVER

    async def redirect(self, call_id: str, url: str) -> None:
        """The call leaves whatever it is in and goes on with the document at `url`."""
        await self._account.ask(self._account.client.calls(call_id).update_async(url=url, method="POST"))

    async def hang_up(self, call_id: str) -> None:
        try:
            await self._account.ask(
                self._account.client.calls(call_id).update_async(status="completed"), repeatable=True
            )
        except SendError as error:
            if f"code {CALL_ALREADY_OVER}" not in error.evidence:
                raise


def _accepted(sid: str | None) -> Accepted:
    if not sid:
        raise SendError(SendErrorKind.IN_DOUBT, "accepted without an id")
    return Accepted(sid)


def _whole(value: str | None) -> int:
    """Twilio writes numbers as text, and not always one."""
    return int(value) if value and value.isdecimal() else 0


def _not_before(created: datetime | None, since: datetime) -> bool:
    if created is None:
        return True
    return created.astimezone(UTC) >= since.astimezone(UTC) - CLOCK_TOLERANCE


def _refused(status: int, code: int | None, exchange: Exchange, repeatable: bool) -> SendError:
    ruling = errors.twilio_ruling(code) if code != status else None
    kind = ruling.kind if ruling else errors.status_ruling(status).kind
    if status >= 500:
        kind = SendErrorKind.IN_DOUBT  # whatever the code says, a 5xx does not prove that nothing was sent
    if repeatable and kind is SendErrorKind.IN_DOUBT:
        kind = SendErrorKind.RETRY_SAFE
    wait = retry_after_s(exchange.headers)
    if ruling and ruling.after_s:
        wait = max(wait or 0.0, ruling.after_s)
    evidence = f"HTTP {status}, code {code}" if code and code != status else f"HTTP {status}"
    return SendError(kind, evidence, wait, whole_number=ruling is not None and ruling.scope == "number")
