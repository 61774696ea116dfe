"""The sandbox is a witness: killed without warning it forgets nothing that it accepted, and finishes its callbacks."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest
from aiohttp import web

from speedlead import credentials
from speedlead.providers.twilio import TwilioAccount, TwilioTexter
from speedlead.sandbox.store import Row, Store
from tests.sandbox.world import LEAD, OURS, Gateway, listening, world

SERVER = """
import asyncio, os
from speedlead import credentials
from speedlead.sandbox.server import serve
from speedlead.settings import read_settings
settings = read_settings(os.environ)
asyncio.run(serve(settings, credentials.load_or_create(settings.data_dir)))
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def start(folder: Path, port: int, gateway_url: str) -> asyncio.subprocess.Process:
    environment = {
        **os.environ, "SPEEDLEAD_DATA_DIR": str(folder), "SPEEDLEAD_SANDBOX_PORT": str(port),
        "SPEEDLEAD_PUBLIC_URL": gateway_url,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVER, env=environment)
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        return process
    raise AssertionError("the sandbox did not start")


async def kill(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGKILL)
    await process.wait()


async def test_a_message_stored_a_moment_before_the_end_still_gets_its_callbacks(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        url = made.gateway.url
    store = Store(tmp_path / "sandbox.db")
    store.add(Row("SM1", "sms", "outbound-api", OURS, LEAD, "lead.sms-1", text="hi",
                  extra={"status_callback": f"{url}/webhooks/twilio/sms/status?touch=lead.sms-1"}))  # fmt: skip
    store.close()
    made_gateway = Gateway()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made_gateway.handle)
    async with listening(app, int(url.rsplit(":", 1)[1])), world(tmp_path) as again:
        for _ in range(400):
            if len(made_gateway.hooks) == 3:
                break
            await asyncio.sleep(0.01)
        assert [hook.form["MessageStatus"] for hook in made_gateway.hooks] == ["queued", "sent", "delivered"]
        assert len(await again.messages()) == 1


@pytest.mark.kill
async def test_killed_after_every_acceptance_it_has_every_message_and_finishes_the_callbacks(tmp_path: Path) -> None:
    gateway_port, port = free_port(), free_port()
    gateway_url = f"http://127.0.0.1:{gateway_port}"
    secrets = credentials.load_or_create(tmp_path)
    accepted = []
    for number in range(3):
        process = await start(tmp_path, port, gateway_url)
        account = TwilioAccount(
            secrets.sandbox_twilio_account_sid, secrets.sandbox_twilio_auth_token.get_secret_value(),
            base_url=f"http://127.0.0.1:{port}",
        )  # fmt: skip
        texter = TwilioTexter(account, public_url=gateway_url, from_number=OURS)
        sent = await texter.send(touch_id=f"lead.sms-{number}", to=LEAD, body="hi", validity_s=300)
        await kill(process)  # nobody was there to take a callback
        await account.close()
        accepted.append(sent.provider_id)
    store = Store(tmp_path / "sandbox.db")
    assert [row.id for row in store.find()] == accepted[::-1]
    store.close()

    made = Gateway()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    async with listening(app, gateway_port):
        process = await start(tmp_path, port, gateway_url)
        wanted = {(f"lead.sms-{n}", "delivered") for n in range(3)}
        for _ in range(600):
            if wanted <= {(hook.query["touch"], hook.form["MessageStatus"]) for hook in made.got("/sms/status")}:
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError([hook.path for hook in made.hooks])
        await kill(process)
