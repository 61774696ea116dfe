"""The stand-in for Twilio and SendGrid: a separate HTTP server that the real SDKs talk to, with an inbox page."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from speedlead.credentials import Credentials
from speedlead.sandbox.account_api import SERVICE_SID, Account, AccountApi, public_key_of
from speedlead.sandbox.callbacks import Later, Mode, Postman, Signer
from speedlead.sandbox.calls import Calls
from speedlead.sandbox.faults import Faults
from speedlead.sandbox.guard import guard
from speedlead.sandbox.inbox import Inbox
from speedlead.sandbox.people import People
from speedlead.sandbox.sendgrid_api import MAX_BYTES, SendgridApi
from speedlead.sandbox.shop import Shop
from speedlead.sandbox.store import Store
from speedlead.sandbox.strangers import Strangers
from speedlead.sandbox.twilio_api import TwilioApi
from speedlead.settings import Settings

DATABASE = "sandbox.db"


async def serve(settings: Settings, credentials: Credentials) -> None:
    """Runs until cancelled; jobs that are left are taken up at the next start."""
    async with serving(settings, credentials):
        await asyncio.Event().wait()


@asynccontextmanager
async def serving(settings: Settings, credentials: Credentials) -> AsyncIterator[None]:
    """The sandbox on its port, until the block ends."""
    app = create_app(
        database=settings.data_dir / DATABASE,
        public_url=settings.public_url,
        account_sid=credentials.sandbox_twilio_account_sid,
        auth_token=credentials.sandbox_twilio_auth_token.get_secret_value(),
        sendgrid_key=credentials.sandbox_sendgrid_api_key.get_secret_value(),
        signing_key_pem=credentials.sandbox_sendgrid_signing_key.get_secret_value(),
        callbacks=settings.callbacks,
        account=Account(
            numbers=[settings.twilio_from],
            service_sid=settings.twilio_messaging_service_sid or SERVICE_SID,
            domain=settings.sendgrid_from.rpartition("@")[2].lower(),
            reply_domain=settings.reply_domain,
        ),
    )
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.http_host, settings.sandbox_port).start()
        yield
    finally:
        await runner.cleanup()


def create_app(
    *,
    database: Path | str,
    public_url: str,
    account_sid: str,
    auth_token: str,
    sendgrid_key: str,
    signing_key_pem: str,
    callbacks: Mode = "late",
    pace: float = 1.0,
    account: Account | None = None,
) -> web.Application:
    """The whole sandbox as an application.

    `public_url` is our gateway's; `pace` stretches the played delays (phones, people, delivery), tests use a small one;
    `account` is what the accounts hold when asked by `speedlead doctor --live`.
    """
    public_url = public_url.rstrip("/")
    store = Store(database)
    faults = Faults()
    later = Later(store, faults, callbacks, pace)
    postman = Postman(later, Signer(auth_token, signing_key_pem), account_sid)
    people = People(store, later, postman, public_url=public_url, account_sid=account_sid)
    calls = Calls(store, later, postman, people, account_sid)

    async def running(_app: web.Application) -> AsyncIterator[None]:
        waiting = store.jobs()
        await people.resume()
        later.resume(waiting)
        calls.resume()
        yield
        await later.close()
        await postman.close()
        store.close()

    app = web.Application(client_max_size=MAX_BYTES, middlewares=[guard])
    app.cleanup_ctx.append(running)
    app.add_routes(
        TwilioApi(store, later, people, calls, faults, account_sid=account_sid, auth_token=auth_token).routes()
    )
    app.add_routes(SendgridApi(store, people, faults, api_key=sendgrid_key).routes())
    app.add_routes(
        AccountApi(
            account or Account(), public_url=public_url, public_key=public_key_of(signing_key_pem),
            account_sid=account_sid, auth_token=auth_token, api_key=sendgrid_key,
        ).routes()
    )  # fmt: skip
    ours = account or Account()
    app.add_routes(
        Strangers(
            store, later, postman, people, public_url=public_url, account_sid=account_sid, number=ours.numbers[0],
            mailbox=f"hello@{ours.reply_domain}",
        ).routes()
    )  # fmt: skip
    app.add_routes(Shop(gateway_url=public_url).routes())
    app.add_routes(Inbox(store, people, calls, faults, gateway_url=public_url).routes())
    return app
