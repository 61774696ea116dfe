"""The gateway over HTTP on a real database, with what lies behind it replaced by recorders."""

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import asyncpg
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from twilio.request_validator import RequestValidator
from yarl import URL

from speedlead import lawbook
from speedlead.booking.offers import Offers
from speedlead.closures import HolidayClosures
from speedlead.contracts import LeadStart, LeadStatus
from speedlead.credentials import Credentials, load_or_create
from speedlead.domain.booking import BookingRules
from speedlead.domain.placing import Placer
from speedlead.gateway.app import create_app
from speedlead.gateway.deps import GatewayDeps, LegPermit
from speedlead.gateway.voice_relay import MAX_MESSAGE
from speedlead.place_finder import PlaceFinder
from speedlead.planbook import load_plan
from speedlead.ports import SendError
from speedlead.returns import Returns
from speedlead.store.plans import PlanStore
from speedlead.store.pool import open_pool
from speedlead.watch.ready import Ready
from tests.desks import CALENDARS, PLACER, PLACES, desk_on
from tests.servers import local_settings
from tests.signing_in import link_path

RETURNS = Returns(Placer(lawbook.load(), HolidayClosures(), {}), PlaceFinder(), load_plan())
OFFERS = Offers(PLACER, PLACES, load_plan(), CALENDARS, BookingRules())
MONDAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
PHONE = "+14155552671"
OTHER_PHONE = "+12125550123"


class StepClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = MONDAY

    def wall(self) -> datetime:
        return self.now

    def business(self, offset_us: int) -> datetime:
        return self.now + timedelta(microseconds=offset_us)


class Recorder:
    """Relay, leads and leg gate in one: notes what it was asked and answers as told."""

    def __init__(self) -> None:
        self.delivered: list[str] = []
        self.updates: list[tuple[str, str, dict[str, Any]]] = []
        self.asked_legs: list[str] = []
        self.fail: Exception | None = None
        self.hang = False
        self.permit: LegPermit | None = None
        self.steered: list[tuple[str, str]] = []
        self.refuses: SendError | None = None
        self.forgotten: list[str] = []

    async def deliver_now(self, lead_id: str) -> None:
        self.delivered.append(lead_id)
        if self.hang:
            await asyncio.sleep(60)
        if self.fail is not None:
            raise self.fail

    async def start_now(self, start: LeadStart) -> None:
        await self.deliver_now(start.lead_id)

    async def update(self, lead_id: str, name: str, payload: dict[str, Any], *, key: str | None = None) -> LeadStatus:
        self.updates.append((lead_id, name, payload))
        if self.fail is not None:
            raise self.fail
        return LeadStatus.model_validate({
            "lead_id": lead_id, "stage": "assigned", "lead_type": "hot", "owner_id": None, "next_step": "call-1",
            "next_at": None, "why": "next_step", "paused_until": None, "plan": "inbound:1", "rejected_messages": 0,
        })  # fmt: skip

    async def runs(self, lead_id: str) -> bool:
        return False

    async def forget(self, lead_id: str) -> bool:
        self.forgotten.append(lead_id)
        return self.fail is None

    async def redirect(self, call_id: str, url: str) -> None:
        self.steered.append((call_id, url))
        if self.refuses is not None:
            raise self.refuses

    async def hang_up(self, call_id: str) -> None:
        self.steered.append((call_id, "hang_up"))

    async def claim_lead_leg(self, leg_id: str) -> LegPermit:
        self.asked_legs.append(leg_id)
        assert self.permit is not None
        return self.permit


@dataclass
class House:
    base: str
    pool: "asyncpg.Pool[Any]"
    credentials: Credentials
    clock: StepClock
    behind: Recorder
    deps: GatewayDeps
    http: aiohttp.ClientSession
    app: Any
    # headers of an admin who has signed in, on a page of ours
    staff: dict[str, str] = field(default_factory=dict)

    async def sign_in(self, role: str = "admin", rep_id: str | None = None) -> dict[str, str]:
        """Headers of somebody who has opened a sign-in link: cookie, page's token, same origin."""
        path = await link_path(self.pool, self.clock.wall(), role, rep_id)
        ours = {"Sec-Fetch-Site": "same-origin"}
        here = f"http://127.0.0.1:{self.deps.settings.http_port}"
        async with self.http.post(here + path, headers=ours, allow_redirects=False) as answer:
            assert answer.status == 303, await answer.text()
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
        async with self.http.get(f"{here}/account", headers={"Cookie": cookie}) as answer:
            token = (await answer.text()).partition('name="csrf" value="')[2].partition('"')[0]
        return ours | {"Cookie": cookie, "X-CSRF-Token": token}

    @property
    def key(self) -> dict[str, str]:
        return {"X-Api-Key": self.credentials.api_key.get_secret_value()}

    async def post_lead(self, headers: dict[str, str] | None = None, **fields: Any) -> tuple[int, dict[str, Any]]:
        async with self.http.post("/api/leads", json=fields, headers=self.key | (headers or {})) as answer:
            return answer.status, await answer.json(content_type=None)

    async def lead(self, **fields: Any) -> str:
        status, body = await self.post_lead(**({"email": "ada@example.com", "intent": "demo_request"} | fields))
        assert status == 202, body
        return str(body["lead_id"])

    async def post_form(
        self, headers: dict[str, str] | None = None, form_key: str = "demo", **fields: Any
    ) -> tuple[int, str, dict[str, str]]:
        async with self.http.post(
            f"/f/{form_key}", data=fields, headers=headers or {}, allow_redirects=False
        ) as answer:
            return answer.status, await answer.text(), dict(answer.headers)

    async def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        async with self.http.request(
            method, path, json=body, headers=self.key | self.staff if headers is None else headers
        ) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if "json" in answer.content_type else text

    async def twilio(self, path: str, *, signed: bool = True, **form: str) -> tuple[int, str]:
        url, body = self.base + path, urlencode(form)
        validator = RequestValidator(self.credentials.sandbox_twilio_auth_token.get_secret_value())
        signature = validator.compute_signature(url, form) if signed else "bm8gc2lnbmF0dXJl"
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        async with self.http.post(URL(url, encoded=True), data=body, headers=headers) as answer:
            return answer.status, await answer.text()

    async def sendgrid(self, path: str, body: bytes, content_type: str = "application/json") -> int:
        key = load_pem_private_key(self.credentials.sandbox_sendgrid_signing_key.get_secret_value().encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        stamp = str(int(self.clock.wall().timestamp()))
        headers = {
            "Content-Type": content_type,
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(
                key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))
            ).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        }
        async with self.http.post(path, data=body, headers=headers) as answer:
            return answer.status

    async def events(self, *events: dict[str, Any]) -> int:
        return await self.sendgrid("/webhooks/sendgrid/events", json.dumps(events).encode())

    async def mail(self, *, to: str, text: str, sender: str = "ada@example.com", headers: str = "") -> int:
        """An answer by mail, as Inbound Parse posts it; `headers` are further header lines."""
        unique = f"Message-ID: <{time.monotonic_ns()}@example.com>\n" if "message-id" not in headers.lower() else ""
        fields = {
            "headers": f"{unique}{headers}", "from": f"Ada <{sender}>", "to": to, "subject": "Re: Hello", "text": text,
            "envelope": json.dumps({"to": [to], "from": sender}),
        }  # fmt: skip
        parts = [
            f'--xYzZY\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        body = ("".join(parts) + "--xYzZY--\r\n").encode()
        return await self.sendgrid("/webhooks/sendgrid/inbound", body, "multipart/form-data; boundary=xYzZY")

    async def count(self, table: str) -> int:
        return int(await self.pool.fetchval(f"select count(*) from {table}"))

    async def counts(self) -> dict[str, int]:
        tables = "person person_email person_phone lead inquiry message story reply suppression outcome provider_event"
        return {table: await self.count(table) for table in [*tables.split(), "notice"]}

    async def messages(self, lead_id: str, kind: str | None = None) -> list[dict[str, Any]]:
        rows = await self.pool.fetch(
            "select kind, payload from message where lead_id = $1 and ($2::text is null or kind = $2) order by seq",
            lead_id, kind,
        )  # fmt: skip
        return [{"kind": row["kind"], **row["payload"]} for row in rows]

    async def close_lead(self, lead_id: str) -> None:
        await self.pool.execute(
            "update lead set closed_at = $2, close_reason = 'test' where id = $1", lead_id, self.clock.now
        )

    async def touch(self, lead_id: str, step: str, channel: str, address: str, **columns: Any) -> str:
        touch_id = f"{lead_id}.{step}"
        person = await self.pool.fetchval("select person_id from lead where id = $1", lead_id)
        row = {
            "id": touch_id, "lead_id": lead_id, "person_id": person, "step": step, "channel": channel,
            "purpose": "plan",
            "address": address, "state": "claimed", "claimed_at": self.clock.now, "claimed_wall": self.clock.now,
        } | columns  # fmt: skip
        marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        await self.pool.execute(f"insert into touch ({', '.join(row)}) values ({marks})", *row.values())
        return touch_id

    async def leg(
        self, touch_id: str, name: str, role: str, state: str = "claimed", voicemail: str | None = None
    ) -> str:
        await self.pool.execute(
            """insert into leg (id, touch_id, role, state, claimed_at, claimed_wall, voicemail)
               values ($1, $2, $3, $4, $5, $5, $6)""",
            f"{touch_id}.{name}", touch_id, role, state, self.clock.now, voicemail,
        )  # fmt: skip
        return f"{touch_id}.{name}"


async def rep(pool: Any, *, active: bool = True) -> str:
    found = await pool.fetchval(
        """insert into rep (id, name, email, phone, zone, weekly, capacity, active)
           values (gen_random_uuid(), 'Sam', gen_random_uuid() || '@acme.example', $1, 'America/New_York', '{}', 20, $2)
           returning id""",
        OTHER_PHONE, active,
    )  # fmt: skip
    return str(found)


@asynccontextmanager
async def open_house(database_url: str, folder: Path, **changes: object) -> AsyncIterator[House]:
    settings = local_settings(folder, **changes)
    credentials = load_or_create(folder)
    pool, clock, behind, plan = await open_pool(database_url), StepClock(), Recorder(), load_plan()
    await PlanStore(pool).publish(plan)

    async def ready() -> Ready:
        return Ready({"postgres": True, "temporal": behind.fail is None})

    desk = desk_on(pool, clock.wall)
    deps = GatewayDeps(
        pool, settings, credentials, clock, plan, behind, behind, behind, RETURNS, ready, desk, behind, offers=OFFERS
    )
    app = create_app(deps)
    async with (
        serving(app, settings.http_port, voice=settings.assistant_voice),
        aiohttp.ClientSession(settings.public_url) as http,
    ):
        house = House(settings.public_url, pool, credentials, clock, behind, deps, http, app)
        house.staff = await house.sign_in()
        yield house
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(pool.close(), 5)


@asynccontextmanager
async def serving(app: Any, port: int, *, voice: bool = False) -> AsyncIterator[None]:
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, proxy_headers=False,
                            ws="websockets-sansio" if voice else "none", ws_max_size=MAX_MESSAGE,
                            lifespan="off", timeout_graceful_shutdown=1)  # fmt: skip
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield
    finally:
        # as the server itself stops, without the naps that it takes before and after: a second of ten tests
        for listener in server.servers:
            listener.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        if requests := set(server.server_state.tasks):
            _, late = await asyncio.wait(requests, timeout=1)
            for request in late:
                request.cancel()


__all__ = ["MONDAY", "OTHER_PHONE", "PHONE", "House", "Recorder", "StepClock", "open_house", "rep"]
