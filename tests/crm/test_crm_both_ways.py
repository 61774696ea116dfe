"""What somebody changes in HubSpot, from its signed webhook to the lead; and the page and the commands."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest_asyncio

from speedlead.chores.hooks_setup import build_courier
from speedlead.crm.desk import bring_in
from speedlead.crm.model import CrmFile
from speedlead.gateway.webhook_replay import replay_next
from speedlead.hooks.address import parse_allowed
from speedlead.payloads import keys_of
from speedlead.store.story import tell_story
from tests.crm.hubspot import TOKEN, HubSpotStandIn
from tests.gateway.house import House, open_house
from tests.store.hand_made import AVA, DANA, SAM, put_lead, put_reps

SECRET = "the-client-secret-of-the-app"


@pytest_asyncio.fixture
async def gateway(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "hubspot-change").write_text(SECRET)
    async with open_house(
        database_url, tmp_path, hook_hosts=["127.0.0.1"], mapping_secrets_dir=tmp_path / "secrets"
    ) as opened:
        await put_reps(opened.pool)
        await put_lead(opened.pool, AVA, name="Ava Müller", email="ava@northwind.example", owner_id=SAM)
        yield opened


async def sent(house: House, changes: list[dict[str, object]], late_s: float = 0) -> tuple[int, dict[str, object]]:
    """As HubSpot sends it: signature v3 over method, address, body and time stamp."""
    body = json.dumps(changes)
    stamp = str(int((house.clock.wall().timestamp() - late_s) * 1000))
    signed = f"POST{house.deps.settings.public_url}/in/hubspot-change{body}{stamp}"
    mark = base64.b64encode(hmac.digest(SECRET.encode(), signed.encode(), sha256)).decode()
    headers = {"X-HubSpot-Signature-v3": mark, "X-HubSpot-Request-Timestamp": stamp, "Content-Type": "application/json"}
    async with house.http.post("/in/hubspot-change", data=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_a_change_over_there_is_logged_and_asked_of_the_lead_once(
    gateway: House, hub: HubSpotStandIn, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    one = {"name": "our hubspot", "kind": "hubspot", "url": hub.url, "secret_file": str(tmp_path / "token")}
    read = CrmFile.model_validate({"crm": [one]}, context=parse_allowed(["127.0.0.1"]))
    keys = keys_of(gateway.deps.settings, gateway.credentials)
    async with gateway.pool.acquire() as conn, conn.transaction():
        await bring_in(conn, keys, gateway.clock, read.crm, dry_run=False)
    courier = build_courier(gateway.pool, gateway.deps.settings, gateway.credentials, gateway.clock)
    await tell_story(gateway.pool, AVA, kind="inquiry", at=gateway.clock.now, data={"number": 1})
    await courier.run()
    (key,) = hub.objects["contacts"]

    event = {"eventId": 1, "occurredAt": 1, "objectId": int(key), "subscriptionType": "contact.propertyChange",
             "propertyName": "hubspot_owner_id", "propertyValue": "502", "changeSource": "CRM_UI"}  # fmt: skip
    assert (await sent(gateway, [event], late_s=301))[0] == 403, "five minutes"
    status, body = await sent(gateway, [event])
    assert (status, body["made"]) == (202, "change")
    assert await courier.look.run() is None, "what it says is not believed: over there nothing has changed"

    hub.change(key, hubspot_owner_id="502", hs_lead_status="OPEN_DEAL")
    await sent(gateway, [event | {"eventId": 2}, event | {"eventId": 3, "objectId": 7}])
    assert await courier.look.run() == "1 changes"
    while await replay_next(gateway.app.state.context):
        pass
    assert [(lead, name, asked["rep_id"]) for lead, name, asked in gateway.behind.updates] == [(AVA, "reassign", DANA)]
    assert [row["outcome"] for row in await gateway.pool.fetch("select outcome from outcome")] == ["qualified"]
    roles = {row["role"] for row in await gateway.pool.fetch("select role from audit where object = $1", AVA)}
    assert roles == {"mapping: crm-status"}

    hub.objects["contacts"].clear()
    await sent(gateway, [event | {"eventId": 4, "subscriptionType": "contact.deletion"}])
    await courier.look.run()
    hook_id = await gateway.pool.fetchval("select id from hook_endpoint")
    async with gateway.http.get(f"/hooks/{hook_id}", headers=gateway.staff) as answer:
        page = await answer.text()
    assert "1 records, 1 of them deleted over there" in page
    assert "Make a new secret" not in page
    assert TOKEN not in page
    hub.unique["calls"].clear()
    async with gateway.http.post(f"/hooks/{hook_id}/test", data={}, headers=gateway.staff) as answer:
        assert "calls.speedlead_event_id: there is no such property" in await answer.text()
