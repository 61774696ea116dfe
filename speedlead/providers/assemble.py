"""The senders of a process: real accounts, or without them the sandbox. Only base URL and keys differ."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from speedlead.credentials import Credentials
from speedlead.ports import Dialer, Mailer, Texter
from speedlead.providers.flow_check import CheckedMailer
from speedlead.providers.sendgrid import SENDGRID_URL, SendgridMailer
from speedlead.providers.twilio import TwilioAccount, TwilioDialer, TwilioTexter
from speedlead.providers.webpush import PushKeys
from speedlead.settings import Settings


@dataclass(frozen=True)
class Senders:
    mailer: Mailer
    texter: Texter
    dialer: Dialer


def twilio_account(
    settings: Settings, credentials: Credentials, *, api_key: tuple[str, str] | None = None
) -> TwilioAccount:
    """The connection that is configured, signed in with the auth token unless a key is given. Close it at the end."""
    return TwilioAccount(
        settings.twilio_account_sid or credentials.sandbox_twilio_account_sid,
        (settings.twilio_auth_token or credentials.sandbox_twilio_auth_token).get_secret_value(),
        api_key=api_key,
        base_url=settings.twilio_base_url or (settings.sandbox_url if settings.uses_sandbox else None),
    )


def api_key(settings: Settings) -> tuple[str, str] | None:
    """SID and secret of the Twilio API key, if requests are to be made with one."""
    if settings.uses_sandbox or settings.twilio_api_key_sid is None or settings.twilio_api_key_secret is None:
        return None
    return settings.twilio_api_key_sid, settings.twilio_api_key_secret.get_secret_value()


def sendgrid_key(settings: Settings, credentials: Credentials) -> str:
    return (settings.sendgrid_api_key or credentials.sandbox_sendgrid_api_key).get_secret_value()


def push_keys(settings: Settings, credentials: Credentials) -> PushKeys:
    private = settings.vapid_private_key or credentials.push_private_key
    return PushKeys(private.get_secret_value(), settings.vapid_subject or f"mailto:{settings.sendgrid_from}")


def sendgrid_url(settings: Settings) -> str:
    return settings.sendgrid_base_url or (settings.sandbox_url if settings.uses_sandbox else SENDGRID_URL)


@asynccontextmanager
async def open_line(settings: Settings, credentials: Credentials) -> AsyncIterator[TwilioDialer]:
    """Calls alone, for the gateway, which steers them while they run."""
    account = twilio_account(settings, credentials, api_key=api_key(settings))
    try:
        yield TwilioDialer(account, public_url=settings.public_url, from_number=settings.twilio_from)
    finally:
        await account.close()


@asynccontextmanager
async def open_senders(settings: Settings, credentials: Credentials) -> AsyncIterator[Senders]:
    """Connections are closed at the end of the block."""
    account = twilio_account(settings, credentials, api_key=api_key(settings))
    mailer = SendgridMailer(
        sendgrid_key(settings, credentials),
        from_address=settings.sendgrid_from,
        from_name=settings.company_name,
        reply_domain=settings.reply_domain,
        unsubscribe_group=settings.sendgrid_unsubscribe_group,
        base_url=sendgrid_url(settings),
    )
    service = settings.twilio_messaging_service_sid
    texter = TwilioTexter(
        account,
        public_url=settings.public_url,
        from_number=None if service else settings.twilio_from,
        messaging_service_sid=service,
    )
    # a check meets the sandbox where one runs; an account of one's own never hears of it
    checked = None if settings.uses_sandbox else CheckedMailer(
        mailer, signing_key=credentials.sandbox_sendgrid_signing_key.get_secret_value(), public_url=settings.public_url
    )  # fmt: skip
    try:
        dialer = TwilioDialer(account, public_url=settings.public_url, from_number=settings.twilio_from)
        yield Senders(checked or mailer, texter, dialer)
    finally:
        if checked is not None:
            await checked.close()
        await mailer.close()
        await account.close()
