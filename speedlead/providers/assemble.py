"""The senders of a process: real accounts, or without them the sandbox. Only base URL and keys differ."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from speedlead.credentials import Credentials
from speedlead.ports import Dialer, Mailer, Texter
from speedlead.providers.sendgrid import SENDGRID_URL, SendgridMailer
from speedlead.providers.twilio import TwilioAccount, TwilioDialer, TwilioTexter
from speedlead.settings import Settings


@dataclass(frozen=True)
class Senders:
    mailer: Mailer
    texter: Texter
    dialer: Dialer


@asynccontextmanager
async def open_senders(settings: Settings, credentials: Credentials) -> AsyncIterator[Senders]:
    """Connections are closed at the end of the block."""
    sandbox = f"http://127.0.0.1:{settings.sandbox_port}"
    account = TwilioAccount(
        settings.twilio_account_sid or credentials.sandbox_twilio_account_sid,
        (settings.twilio_auth_token or credentials.sandbox_twilio_auth_token).get_secret_value(),
        base_url=settings.twilio_base_url or (sandbox if settings.twilio_account_sid is None else None),
    )
    mailer = SendgridMailer(
        (settings.sendgrid_api_key or credentials.sandbox_sendgrid_api_key).get_secret_value(),
        from_address=settings.sendgrid_from,
        from_name=settings.company_name,
        reply_domain=settings.sendgrid_from.rsplit("@", 1)[-1],
        base_url=settings.sendgrid_base_url or (sandbox if settings.sendgrid_api_key is None else SENDGRID_URL),
    )
    service = settings.twilio_messaging_service_sid
    texter = TwilioTexter(
        account,
        public_url=settings.public_url,
        from_number=None if service else settings.twilio_from,
        messaging_service_sid=service,
    )
    try:
        yield Senders(
            mailer, texter, TwilioDialer(account, public_url=settings.public_url, from_number=settings.twilio_from)
        )
    finally:
        await mailer.close()
        await account.close()
