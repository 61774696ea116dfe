"""`speedlead doctor --live`: are the accounts ready for the first call? Read-only questions to both providers.

Without accounts the same questions go to the sandbox. Nothing is sent, changed or rung; no secret is printed.
"""

import ipaddress
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
import asyncpg

from speedlead.credentials import Credentials, CredentialsError, load_or_create
from speedlead.embedded.where import database_of
from speedlead.gateway.webhook_keys import sendgrid_keys
from speedlead.providers.assemble import api_key, sendgrid_key, sendgrid_url, twilio_account
from speedlead.providers.checks import Check
from speedlead.providers.http import DEFAULT_TIMEOUT_S, TRANSPORT_ERRORS, new_session
from speedlead.providers.sendgrid_checks import SendgridReader, SendgridWanted, check_sendgrid
from speedlead.providers.twilio_checks import INBOUND_SMS, TwilioWanted, check_twilio
from speedlead.settings import Settings
from speedlead.store.reach import numbers_to_call

_MARKS = {"ok": "ok   ", "info": "     ", "warn": "warn ", "wrong": "WRONG"}
_PROXY = "your reverse proxy; docs/security.md lists what it has to publish"


async def report_live(settings: Settings, *, as_json: bool = False) -> int:
    """Print one line per check, or one JSON array; 0 when nothing is wrong, else 1."""
    seen: list[Check] = []
    async for check in checks(settings):
        seen.append(check)
        if not as_json:
            mend = f"  [{check.mend}]" if check.mend else ""
            print(f"{_MARKS[check.level]} {check.what:<18} {check.detail}{mend}", flush=True)
    if as_json:
        print(json.dumps([check.as_json() for check in seen], ensure_ascii=False, indent=2))
    return 1 if any(check.level == "wrong" for check in seen) else 0


async def checks(settings: Settings) -> AsyncIterator[Check]:
    try:
        credentials = load_or_create(settings.data_dir)
    except CredentialsError as error:
        yield Check("credentials", "wrong", str(error), "SPEEDLEAD_DATA_DIR")
        return
    where = f"none set: the sandbox at {settings.sandbox_url} is asked" if settings.uses_sandbox else "your own"
    yield Check("accounts", "info", where, "docs/providers.md" if settings.uses_sandbox else "")
    async for check in _check_public_url(settings):
        yield check
    if settings.uses_sandbox and not await _answers(settings.sandbox_url):
        yield Check("sandbox", "wrong", f"{settings.sandbox_url} does not answer", "speedlead up starts it")
        return
    async for check in _check_providers(settings, credentials):
        yield check


async def _check_public_url(settings: Settings) -> AsyncIterator[Check]:
    url = settings.public_url
    parts = urlsplit(url)
    if not settings.uses_sandbox:
        if parts.scheme != "https":
            yield Check("public address", "wrong", f"{url} is not https", "SPEEDLEAD_PUBLIC_URL")
        if _is_private(parts.hostname or ""):
            detail = f"{url} is an address that providers cannot reach"
            yield Check("public address", "wrong", detail, "SPEEDLEAD_PUBLIC_URL")
            return
    async with new_session(DEFAULT_TIMEOUT_S) as session:
        # a door of the gateway refuses GET with 405; a proxy that does not publish it says something else
        for what, path, expected in (("public address", "/healthz", 200), ("webhook door", INBOUND_SMS, 405)):
            yield await _look(session, what, url + path, expected)


async def _look(session: aiohttp.ClientSession, what: str, url: str, expected: int) -> Check:
    mend = f"SPEEDLEAD_PUBLIC_URL; {_PROXY}"
    try:
        async with session.get(url, allow_redirects=False) as answer:
            status = answer.status
    except TRANSPORT_ERRORS as error:
        return Check(what, "wrong", f"{url} does not answer ({type(error).__name__}), asked from this machine", mend)
    if status != expected:
        return Check(what, "wrong", f"{url} answers {status}; expected {expected}", mend)
    return Check(what, "ok", f"{url} answers, asked from this machine")


async def _answers(url: str) -> bool:
    async with new_session(DEFAULT_TIMEOUT_S) as session:
        return (await _look(session, "", f"{url}/healthz", 200)).level == "ok"


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".local", ".localhost", ".internal", ".example", ".test"))


async def _numbers(settings: Settings) -> tuple[str, ...]:
    """Whom we would call now; none where no database answers, which `speedlead doctor` is asked about."""
    url = database_of(settings)
    if url is None:
        return ()
    try:
        connection = await asyncpg.connect(url, timeout=DEFAULT_TIMEOUT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return ()
    try:
        return tuple(await numbers_to_call(connection))
    except asyncpg.PostgresError:  # not migrated yet
        return ()
    finally:
        await connection.close()


async def _check_providers(settings: Settings, credentials: Credentials) -> AsyncIterator[Check]:
    account = twilio_account(settings, credentials)
    key = api_key(settings)
    with_key = twilio_account(settings, credentials, api_key=key) if key is not None else None
    try:
        wanted = TwilioWanted(
            settings.public_url, settings.twilio_from, settings.twilio_messaging_service_sid, await _numbers(settings)
        )
        async for check in check_twilio(account, wanted, with_key=with_key):
            yield check
    finally:
        await account.close()
        if with_key is not None:
            await with_key.close()
    reader = SendgridReader(sendgrid_key(settings, credentials), sendgrid_url(settings))
    keys = tuple(key.secret for key in sendgrid_keys(settings, credentials))
    mail = SendgridWanted(settings.public_url, settings.sendgrid_from, settings.reply_domain, keys)
    async for check in check_sendgrid(reader, mail):
        yield check
