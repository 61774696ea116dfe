"""Is the Twilio account ready? Read-only look-ups through the SDK; one line for each thing that a first call needs.

Shapes of the answers: the official OpenAPI documents (twilio-oai: api_v2010, messaging_v1, voice_v1).
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar

import phonenumbers
from phonenumbers import region_code_for_number
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.response import Response

from speedlead.providers.checks import Check, Level, Refused, Silent, same_address, unless_refused
from speedlead.providers.http import DEFAULT_TIMEOUT_S, TRANSPORT_ERRORS
from speedlead.providers.twilio import TwilioAccount
from speedlead.providers.twilio_senders import Sender, check_registration

T = TypeVar("T")

INBOUND_SMS = "/webhooks/twilio/sms/inbound"
INBOUND_CALL, CALL_OVER = "/webhooks/twilio/voice/inbound", "/webhooks/twilio/voice/inbound-over"
# in the account's currency; not a figure of Twilio's: some hundred calls and texts, so that a weekend is survived
LOW_BALANCE = 20.0
CLOCK_WARN_S, CLOCK_WRONG_S = 30, 300  # five minutes ahead is where signatures of SendGrid are refused
_NUMBERS = "Console > Phone Numbers > Manage > Active numbers"
_SERVICES = "Console > Messaging > Services"
_GEO = "Console > Voice > Settings > Geo permissions"
_DEMO = "https://demo.twilio.com/"  # what a new number answers with


@dataclass(frozen=True, slots=True)
class TwilioWanted:
    """What our settings say that the account should hold. `numbers`: of reps and open leads, who should be callable."""

    public_url: str
    from_number: str
    messaging_service_sid: str | None = None
    numbers: tuple[str, ...] = ()


async def ask(request: Awaitable[T]) -> T:
    """Awaits one look-up of the SDK. Raises Refused or Silent."""
    try:
        return await request
    except (TwilioRestException, TwilioServiceException) as error:
        raise Refused(int(error.status), error.code) from None
    except TRANSPORT_ERRORS as error:
        raise Silent(f"did not answer ({type(error).__name__}; the limit is {DEFAULT_TIMEOUT_S:.0f} s)") from None
    except (TwilioException, ValueError, KeyError, TypeError, AttributeError) as error:
        # a list that is refused is a bare TwilioException that carries the answer
        status = next((part.status_code for part in error.args if isinstance(part, Response)), 200)
        if status != 200:
            raise Refused(status) from None
        raise Silent(f"gave an answer that is not Twilio's ({type(error).__name__})") from None


async def check_twilio(
    account: TwilioAccount, wanted: TwilioWanted, *, with_key: TwilioAccount | None = None
) -> AsyncIterator[Check]:
    """`account` is signed in with the auth token; `with_key` with the API key that requests are made with, if any."""
    try:
        async for check in _checks(account.client, wanted, with_key):
            yield check
    except Silent as silent:
        yield Check("twilio", "wrong", f"Twilio {silent}", "network and proxy, SPEEDLEAD_TWILIO_BASE_URL")


async def _checks(client: Any, wanted: TwilioWanted, with_key: TwilioAccount | None) -> AsyncIterator[Check]:
    try:
        answer = await ask(client.api.accounts(client.account_sid).fetch_with_http_info_async())
    except Refused as refused:
        yield Check(
            "twilio credentials", "wrong", f"refused ({refused}); expected the SID and auth token of one account",
            "SPEEDLEAD_TWILIO_ACCOUNT_SID and SPEEDLEAD_TWILIO_AUTH_TOKEN; Console > Account Info",
        )  # fmt: skip
        return
    yield Check("twilio credentials", "ok", "account SID and auth token are accepted")
    yield check_account(answer.data)
    yield check_clock(answer.headers, datetime.now(UTC))
    if with_key is not None:
        yield await _check_key(with_key)
    for check in await unless_refused(partial(_check_balance, client), "twilio balance", "Console > Billing"):
        yield check
    mend = "an auth token instead of a restricted one"
    for check in await unless_refused(partial(_check_senders, client, wanted), "twilio senders", mend):
        yield check
    for check in await unless_refused(partial(_check_countries, client, wanted), "countries to call", _GEO):
        yield check


def check_account(account: Any) -> Check:
    name = account.friendly_name or account.sid
    if account.status != "active":
        return Check("twilio account", "wrong", f"{name} is {account.status}; expected active", "Console > Billing")
    if account.type == "Trial":
        return Check("twilio account", "warn", f"{name} is a trial: it reaches verified numbers only",
                     "Console > Billing > Upgrade")  # fmt: skip
    return Check("twilio account", "ok", f"{name}, active")


def check_clock(headers: Any, now: datetime) -> Check:
    folded = {str(name).lower(): str(value) for name, value in dict(headers or {}).items()}
    try:
        off_s = (now - parsedate_to_datetime(folded["date"])).total_seconds()
    except (KeyError, ValueError, TypeError):
        return Check("clock", "info", "cannot be compared: the answer had no date")
    level: Level = "wrong" if abs(off_s) > CLOCK_WRONG_S else "warn" if abs(off_s) > CLOCK_WARN_S else "ok"
    if level == "ok":
        return Check("clock", "ok", "agrees with Twilio's")
    way = "ahead of" if off_s > 0 else "behind"
    return Check("clock", level, f"{abs(off_s):.0f} s {way} Twilio's; expected at most {CLOCK_WARN_S} s",
                 "time synchronisation (NTP) of this machine")  # fmt: skip


async def _check_key(with_key: TwilioAccount) -> Check:
    what, mend = "twilio API key", "SPEEDLEAD_TWILIO_API_KEY_SID and …_SECRET; Console > API keys & tokens"
    try:
        await ask(with_key.client.messages.list_async(limit=1))
        await ask(with_key.client.calls.list_async(limit=1))
    except Refused as refused:
        return Check(what, "wrong", f"may not read messages and calls ({refused}); expected a standard key", mend)
    return Check(what, "ok", "may read messages and calls")


async def _check_balance(client: Any) -> list[Check]:
    found = await ask(client.api.account.balance.fetch_async())
    try:
        amount = float(found.balance)
    except (TypeError, ValueError):
        return [Check("twilio balance", "info", "not told")]
    text = f"{amount:.2f} {found.currency}"
    if amount > LOW_BALANCE:
        return [Check("twilio balance", "ok", text)]
    level: Level = "warn" if amount > 0 else "wrong"
    return [Check("twilio balance", level, f"{text}; expected more than {LOW_BALANCE:.0f}",
                  "Console > Billing: add funds, switch auto recharge on")]  # fmt: skip


async def _check_senders(client: Any, wanted: TwilioWanted) -> list[Check]:
    """The number that calls come from, what texts come from, and where texts of leads are sent to."""
    numbers = await ask(client.incoming_phone_numbers.list_async(phone_number=wanted.from_number, limit=20))
    number = next((n for n in numbers if n.phone_number == wanted.from_number), None)
    service, checks = await _service(client, wanted)
    by_service = wanted.messaging_service_sid is not None
    if number is None:
        checks.append(await _check_foreign_number(client, wanted, by_service))
    else:
        checks.append(check_number(number, by_service))
    voices = {number.sid: number} if number is not None else {}
    if service is not None:
        senders = await _senders(client, service)
        checks.append(check_pool(service, senders))
        own = {found.sid: found for found in await ask(client.incoming_phone_numbers.list_async(limit=400))}
        voices |= {sender.sid: own[sender.sid] for sender in senders if sender.sid in own}
        checks += _check_inbound(service, senders, own, wanted)
    else:
        senders = [Sender(wanted.from_number, number.sid)] if number is not None else []
        if number is not None:
            checks.append(_check_number_inbound(number, wanted))
    checks += [check_calls_back(held, wanted) for held in voices.values() if (held.capabilities or {}).get("voice")]
    return checks + await check_registration(client, ask, service.sid if service is not None else None, senders)


async def _service(client: Any, wanted: TwilioWanted) -> tuple[Any, list[Check]]:
    """The messaging service that is configured, else the one that holds the number: it decides over its webhooks."""
    if wanted.messaging_service_sid is not None:
        try:
            return await ask(client.messaging.v1.services(wanted.messaging_service_sid).fetch_async()), []
        except Refused as refused:
            if refused.status != 404:
                raise
            detail = f"{wanted.messaging_service_sid} is not on this account"
            return None, [
                Check("messaging service", "wrong", detail, f"SPEEDLEAD_TWILIO_MESSAGING_SERVICE_SID; {_SERVICES}")
            ]
    for service in await ask(client.messaging.v1.services.list_async(limit=20)):
        held = await ask(client.messaging.v1.services(service.sid).phone_numbers.list_async(limit=400))
        if any(number.phone_number == wanted.from_number for number in held):
            return service, []
    return None, []


async def _check_foreign_number(client: Any, wanted: TwilioWanted, by_service: bool) -> Check:
    mend = f"SPEEDLEAD_TWILIO_FROM; {_NUMBERS}"
    verified = await ask(client.outgoing_caller_ids.list_async(phone_number=wanted.from_number, limit=20))
    if not any(caller.phone_number == wanted.from_number for caller in verified):
        return Check("number", "wrong", f"{wanted.from_number} is not on this account", mend)
    if not by_service:
        detail = f"{wanted.from_number} is a verified caller ID: calls may show it, texts cannot come from it"
        return Check("number", "wrong", detail, f"{mend}, or SPEEDLEAD_TWILIO_MESSAGING_SERVICE_SID")
    return Check("number", "ok", f"{wanted.from_number}, a verified caller ID: calls show it")


def check_number(number: Any, by_service: bool) -> Check:
    can = number.capabilities or {}
    lacks = [name for name in ("voice", "sms") if not can.get(name) and not (name == "sms" and by_service)]
    if lacks:
        detail = f"{number.phone_number} cannot do {' and '.join(lacks)}; expected voice and sms"
        return Check("number", "wrong", detail, f"another number: {_NUMBERS}, SPEEDLEAD_TWILIO_FROM")
    return Check("number", "ok", f"{number.phone_number}, {', '.join(name for name in can if can[name])}")


def check_calls_back(number: Any, wanted: TwilioWanted) -> Check:
    """Who is called by us calls back: it should reach the owner. A telephone system of the house's own is no fault."""
    what, expected = "calls back", wanted.public_url + INBOUND_CALL
    mend = f"{_NUMBERS} > {number.phone_number} > Voice > A call comes in, or SPEEDLEAD_PUBLIC_URL"
    found = number.trunk_sid or number.voice_application_sid or number.voice_url or ""
    if not found or found.startswith(_DEMO):
        return Check(what, "warn", f"who calls {number.phone_number} back reaches nobody; expected {expected}", mend)
    if found != expected:
        detail = f"{number.phone_number} is answered by {found}, so we never hear of these calls; expected {expected}"
        return Check(what, "warn", detail, f"{mend}, unless your telephone system is to answer")
    if number.voice_method != "POST":
        return Check(what, "wrong", f"{expected} is asked with {number.voice_method}; expected POST", mend)
    over = wanted.public_url + CALL_OVER
    if number.status_callback != over:
        detail = f"the end of a call is told to {number.status_callback or 'nobody'}; expected {over}"
        return Check(what, "warn", detail, f"{_NUMBERS} > {number.phone_number} > Voice > Call status changes")
    return Check(what, "ok", expected)


async def _senders(client: Any, service: Any) -> list[Sender]:
    pool = client.messaging.v1.services(service.sid)
    numbers = await ask(pool.phone_numbers.list_async(limit=400))
    codes = await ask(pool.short_codes.list_async(limit=50))
    names = await ask(pool.alpha_senders.list_async(limit=50))
    found = [Sender(number.phone_number, number.sid) for number in numbers]
    return found + [Sender(code.short_code) for code in codes] + [Sender(name.alpha_sender) for name in names]


def check_pool(service: Any, senders: list[Sender]) -> Check:
    what = f"{service.friendly_name or service.sid}"
    if not senders:
        return Check("messaging service", "wrong", f"{what} has no sender; expected a number (error 21703)",
                     f"{_SERVICES} > {what} > Sender pool")  # fmt: skip
    shown = ", ".join(sender.name for sender in senders[:4]) + (", …" if len(senders) > 4 else "")
    return Check("messaging service", "ok", f"{what}: {shown}")


def _check_inbound(service: Any, senders: list[Sender], own: dict[str, Any], wanted: TwilioWanted) -> list[Check]:
    expected = wanted.public_url + INBOUND_SMS
    mend = f"{_SERVICES} > {service.friendly_name or service.sid} > Integration, or SPEEDLEAD_PUBLIC_URL"
    if not service.use_inbound_webhook_on_number:
        return [_posted(same_address("texts from leads", expected, service.inbound_request_url, mend),
                        service.inbound_method, mend)]  # fmt: skip
    return [_check_number_inbound(own[sender.sid], wanted) for sender in senders if sender.sid in own]


def _check_number_inbound(number: Any, wanted: TwilioWanted) -> Check:
    mend = f"{_NUMBERS} > {number.phone_number} > Messaging > A message comes in, or SPEEDLEAD_PUBLIC_URL"
    if number.sms_application_sid:
        detail = f"expected {wanted.public_url}{INBOUND_SMS}, found the TwiML app {number.sms_application_sid}"
        return Check("texts from leads", "wrong", detail, mend)
    address = same_address("texts from leads", wanted.public_url + INBOUND_SMS, number.sms_url, mend)
    return _posted(address, number.sms_method, mend)


def _posted(check: Check, method: str | None, mend: str) -> Check:
    if check.level != "ok" or method == "POST":
        return check
    return Check(check.what, "wrong", f"{check.detail} is asked with {method}; expected POST", mend)


async def _check_countries(client: Any, wanted: TwilioWanted) -> list[Check]:
    open_to = await ask(
        client.voice.v1.dialing_permissions.countries.list_async(low_risk_numbers_enabled=True, limit=400)
    )
    codes = sorted(str(country.iso_code) for country in open_to)
    calling = {str(code) for country in open_to for code in country.country_codes or []}
    own = f"+{phonenumbers.parse(wanted.from_number).country_code}"
    shown = ", ".join(codes[:12]) + (f" and {len(codes) - 12} more" if len(codes) > 12 else "")
    if own not in calling:
        return [Check("countries to call", "wrong", f"calls to {own}, our own country, are not permitted", _GEO)]
    needed = Counter(region_code_for_number(phonenumbers.parse(number)) for number in wanted.numbers)
    closed = [f"{code} ({needed[code]})" for code in sorted(filter(None, needed)) if code not in codes]
    if closed:
        detail = f"open leads and reps in {', '.join(closed)} cannot be called; permitted are {shown}"
        return [Check("countries to call", "wrong", detail, _GEO)]
    return [Check("countries to call", "ok", f"{shown}; reps and leads elsewhere cannot be called")]
