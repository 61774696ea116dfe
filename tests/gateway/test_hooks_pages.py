"""The pages of webhooks: who may, what is refused, secrets that are shown once, and what the audit keeps."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest_asyncio
from aiohttp import web

from tests.gateway.house import House, open_house
from tests.hooks.receiver import Receiver, receiving

FORM = {"name": "crm", "events": "lead.closed", "active": "yes"}


@pytest_asyncio.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(database_url, tmp_path, hook_hosts=["127.0.0.1"]) as opened:
        yield opened


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def post(house: House, path: str, headers: dict[str, str] | None = None, **form: str) -> tuple[int, str]:
    async with house.http.post(path, data=form, headers=headers or house.staff, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


async def get(house: House, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    async with house.http.get(path, headers=headers or house.staff) as answer:
        return answer.status, await answer.text()


async def test_an_endpoint_is_added_tested_rotated_switched_and_removed(house: House, receiver: Receiver) -> None:
    url = f"{receiver.url}?token=sesame"
    status, text = await post(house, "/hooks/add", url=url, **FORM)
    assert status == 200
    first = re.search(r"whsec_[^<]+", text)
    assert first is not None
    hook_id = await house.pool.fetchval("select id from hook_endpoint")
    here = f"/hooks/{hook_id}"
    assert "whsec_" not in (await get(house, here))[1], "shown once"

    receiver.secret = first[0]
    # the gateway of these tests stands still in time: the receiver checks the signature alone
    receiver.any_age = True
    assert "The test was taken: it answered 204." in (await post(house, f"{here}/test"))[1]
    _, text = await post(house, f"{here}/rotate")
    second = re.search(r"whsec_[^<]+", text)
    assert second is not None
    assert second[0] != first[0]
    for receiver.secret in (first[0], second[0]):
        await post(house, f"{here}/test")
    assert receiver.types() == ["endpoint.test"] * 3
    receiver.answer = lambda event: 500
    assert "The test was not taken: it answered 500." in (await post(house, f"{here}/test"))[1]
    receiver.answer = lambda event: web.Response(status=400, text="<script>alert(1)</script>")
    _, text = await post(house, f"{here}/test")
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text

    assert await post(house, here, url=url, **FORM) == (303, f"{here}?said=same")
    assert await post(house, here, url=url, include="contact", **FORM) == (303, f"{here}?said=saved")
    other = url.replace("?", "/elsewhere?") if "?" in url else url + "/elsewhere"
    assert await post(house, here, url=other, include="contact", **FORM) == (303, f"{here}?said=saved")
    newest = "select before, after from audit where action like '/hooks%' order by id desc limit 1"
    last = await house.pool.fetchrow(newest)
    host = urlsplit(url).hostname
    assert last["after"] == last["before"] | {"url": f"another one, at {host}"}
    assert await post(house, f"{here}/switch", active="no") == (303, f"{here}?said=off")
    _, text = await get(house, "/hooks")
    assert "with the contact" in text
    assert "sesame" not in text
    assert await post(house, f"{here}/replay", since="2026-01-01T00:00")
    assert (await post(house, f"{here}/replay", since="soon"))[0] == 422
    assert await post(house, f"{here}/remove") == (303, "/hooks?said=removed")
    assert (await get(house, here))[0] == 404

    rows = await house.pool.fetch("select * from audit where action like '/hooks%' order by id")
    actions = [row["action"].removeprefix("/hooks/{hook_id}") for row in rows]
    assert actions[:4] == ["/hooks/add", "/test", "/rotate", "/test"]
    assert {str(row["object"]) for row in rows} == {hook_id}
    kept = json.dumps([[row["asked"], row["before"], row["after"]] for row in rows])
    assert '"include": ["contact"]' in kept
    for word in ("whsec_", "sesame", first[0], second[0]):
        assert word not in kept


async def test_what_is_wrong_is_said_at_its_field(house: House, receiver: Receiver) -> None:
    for change, expected in (
        ({"url": "https://169.254.169.254/latest"}, "expected a public host"),
        ({"url": "http://crm.example/"}, "expected https"),
        ({"name": "<b>"}, "expected letters, digits"),
        ({"events": "lead.gone"}, "expected some of lead.created"),
        ({"lead_type": "boiling"}, "expected hot, warm or cold"),
        ({"country": "us, Canada"}, "expected codes of two capital letters"),
        ({"source": "a\0b"}, "expected printable characters"),
        ({"include": "everything"}, "expected some of contact, owner"),
    ):
        status, text = await post(house, "/hooks/add", **{"url": receiver.url} | FORM | change)
        assert status == 422, change
        assert expected in text
    assert (await post(house, "/hooks/add", url=receiver.url, name="crm"))[0] == 422, "no event"
    assert await house.pool.fetchval("select count(*) from hook_endpoint") == 0
    await post(house, "/hooks/add", url=receiver.url, **FORM)
    status, text = await post(house, "/hooks/add", url=receiver.url, **FORM)
    assert status == 422
    assert "expected one that is not taken" in text


async def test_only_operations_and_admins_may_and_only_from_our_own_page(house: House, receiver: Receiver) -> None:
    await post(house, "/hooks/add", url=receiver.url, **FORM)
    hook_id = await house.pool.fetchval("select id from hook_endpoint")
    for role, expected in (("rep", 403), ("manager", 403), ("marketing", 403), ("analyst", 403), ("ops", 200)):
        headers = await house.sign_in(role)
        assert (await get(house, "/hooks", headers))[0] == expected, role
        assert (await post(house, f"/hooks/{hook_id}/test", headers))[0] == expected, role
    elsewhere = house.staff | {"Origin": "https://evil.example"}
    assert (await post(house, f"/hooks/{hook_id}/remove", elsewhere))[0] == 403
    no_token = {name: text for name, text in house.staff.items() if name.lower() != "x-csrf-token"}
    assert (await post(house, f"/hooks/{hook_id}/remove", no_token))[0] == 403
    assert await house.pool.fetchval("select count(*) from hook_endpoint") == 1
