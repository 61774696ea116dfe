"""Accept and call from a notification, and where a rep says by what to be told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from speedlead.cadence_errors import LeadRefused, LeadUnavailable
from speedlead.ids import new_id
from speedlead.store.notifications import use_link
from speedlead.tokens import make_token
from tests.gateway.house import PHONE, House, open_house, rep
from tests.store.receivers import Browser

PAGE = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Told:
    house: House
    rep_id: str
    lead_id: str
    key: str

    @property
    def path(self) -> str:
        return f"/n/{make_token(self.house.credentials.secret_bytes, 'notify', self.key)}"

    async def get(self) -> tuple[int, str]:
        return await self.house.call("GET", self.path, headers={})

    async def post(self) -> tuple[int, str]:
        return await self.house.call("POST", self.path, headers=PAGE)

    @property
    def asked(self) -> list[tuple[str, dict[str, Any]]]:
        return [(name, payload) for lead_id, name, payload in self.house.behind.updates if lead_id == self.lead_id]


@pytest_asyncio.fixture
async def told(database_url: str, tmp_path: Path) -> AsyncIterator[Told]:
    async with open_house(database_url, tmp_path) as house:
        rep_id = await rep(house.pool)
        lead_id = await house.lead(name="Ada Love", phone=PHONE, message="Please call", company="Engines")
        await house.pool.execute("update lead set owner_id = $2 where id = $1", lead_id, rep_id)
        notice, key, now = new_id(), new_id(), house.clock.now
        await house.pool.execute(
            "insert into notice (id, lead_id, rep_id, audience, kind, at) values ($1, $2, $3, 'rep', 'new_lead', $4)",
            notice, lead_id, rep_id, now,
        )  # fmt: skip
        for one, channel in ((key, "push"), (new_id(), "email")):
            await house.pool.execute(
                """insert into notification (id, notice_id, rep_id, channel, fallback, at, due_wall, expires_at)
                   values ($1, $2, $3, $4, false, $5, $5, $6)""",
                one, notice, rep_id, channel, now, now + timedelta(hours=1, minutes=3),
            )  # fmt: skip
        yield Told(house, rep_id, lead_id, key)


async def test_looking_never_dials_and_shows_what_it_is_about(told: Told) -> None:
    for _ in range(3):
        status, text = await told.get()
        assert status == 200
    for words in ("Ada Love", "Engines", PHONE, "Please call", "Accept and call"):
        assert words in text
    assert told.asked == []
    assert await told.house.pool.fetchval("select count(*) from notification where used_wall is not null") == 0


async def test_the_button_accepts_and_calls_once_and_stands_in_the_audit(told: Told) -> None:
    status, text = await told.post()
    assert (status, "your phone rings first" in text) == (200, True)
    assert told.asked == [("accept", {"rep_id": told.rep_id}), ("call_now", {"by": told.rep_id, "rep_id": told.rep_id})]
    for again in (told.post, told.get):
        status, text = await again()
        assert (status, "has been used" in text) == (410, True)
        # the lead's data are behind the sign-in from now on
        assert PHONE not in text
        assert "Ada Love" not in text
    assert len(told.asked) == 2
    line = await told.house.pool.fetchrow("select * from audit where action = '/n/{token}'")
    assert (line["object"], line["rep_id"], line["status"]) == (told.lead_id, told.rep_id, 200)
    assert line["asked"] == {"channel": "push"}
    # every link of this notice is used
    assert await told.house.pool.fetchval("select count(*) from notification where used_wall is null") == 0


async def another_link(told: Told, kind: str = "breach") -> Told:
    """The same rep is told of the same lead once more."""
    notice, key, now = new_id(), new_id(), told.house.clock.now
    await told.house.pool.execute(
        "insert into notice (id, lead_id, rep_id, audience, kind, at) values ($1, $2, $3, 'rep', $4, $5)",
        notice, told.lead_id, told.rep_id, kind, now,
    )  # fmt: skip
    await told.house.pool.execute(
        """insert into notification (id, notice_id, rep_id, channel, fallback, at, due_wall, expires_at)
           values ($1, $2, $3, 'sms', false, $4, $4, $5)""",
        key, notice, told.rep_id, now, now + timedelta(hours=1),
    )  # fmt: skip
    return Told(told.house, told.rep_id, told.lead_id, key)


async def test_three_alarms_of_one_lead_are_one_call(told: Told) -> None:
    others = [await another_link(told, kind) for kind in ("due_soon", "breach")]
    told.house.behind.fail = LeadUnavailable("away")
    assert (await others[0].post())[0] == 409
    told.house.behind.fail = None
    assert (await told.post())[0] == 200  # nothing was asked for by the first one, so every link still works
    for other in others:
        for look in (other.get, other.post):
            status, text = await look()
            assert (status, "has been used" in text, PHONE in text) == (410, True, False)
    assert [name for name, _ in told.asked] == ["accept", "accept", "call_now"]
    assert (await (await another_link(told, "callback")).post())[0] == 200  # told later: another call


async def test_a_link_of_a_lead_that_the_rep_has_accepted_elsewhere_calls_nobody(told: Told) -> None:
    await told.house.pool.execute(
        "insert into story (lead_id, at, kind, data) values ($1, $2, 'accepted', $3)",
        told.lead_id, told.house.clock.now, {"rep_id": told.rep_id},
    )  # fmt: skip
    for look in (told.get, told.post):
        status, text = await look()
        assert (status, "You have taken this lead already" in text, PHONE in text) == (410, True, False)
    assert told.asked == []


async def test_the_links_of_a_closed_account_are_dead(told: Told) -> None:
    await told.house.sign_in("rep", told.rep_id)
    assert (await told.get())[0] == 200
    await told.house.pool.execute("update account set active = false")
    for look in (told.get, told.post):
        status, text = await look()
        assert (status, PHONE in text) == (404, False)
    assert told.asked == []


async def test_two_clicks_at_once_are_one(told: Told) -> None:
    """The second one waits for the first one's transaction, and then finds the link used."""
    pool, wall = told.house.pool, told.house.clock.now
    async with pool.acquire() as first, pool.acquire() as second:
        async with first.transaction():
            assert await use_link(first, told.key, wall)
            waiting = asyncio.create_task(use_link(second, told.key, wall))
            await asyncio.sleep(0.2)
            assert not waiting.done()
        assert await waiting is False


async def test_a_link_of_another_house_another_kind_or_another_time_opens_nothing(told: Told) -> None:
    for secret, kind in ((b"another", "notify"), (told.house.credentials.secret_bytes, "unsubscribe")):
        path = f"/n/{make_token(secret, kind, told.key)}"
        for method in ("GET", "POST"):
            status, text = await told.house.call(method, path, headers=PAGE)
            assert (status, PHONE in text) == (404, False)
    told.house.clock.now += timedelta(hours=1, minutes=4)
    for look in (told.get, told.post):
        status, text = await look()
        assert (status, PHONE in text) == (410, False)
    assert told.asked == []


async def test_another_site_cannot_press_the_button(told: Told) -> None:
    status, _ = await told.house.call("POST", told.path, headers={"Origin": "https://evil.example"})
    assert status == 403
    assert told.asked == []


async def test_a_lead_that_went_to_somebody_else_or_is_closed_stays_there(told: Told) -> None:
    await told.house.pool.execute(
        "update lead set owner_id = $2 where id = $1", told.lead_id, await rep(told.house.pool)
    )
    await told.house.pool.execute(
        "insert into story (lead_id, at, kind) values ($1, $2, 'accepted')", told.lead_id, told.house.clock.now
    )
    status, text = await told.post()
    assert (status, "with somebody else" in text) == (410, True)
    await told.house.close_lead(told.lead_id)
    status, text = await told.post()
    assert (status, "closed" in text) == (410, True)
    assert told.asked == []


async def test_nothing_asked_keeps_the_link_and_a_refusal_says_why(told: Told) -> None:
    told.house.behind.fail = LeadUnavailable("away")
    status, text = await told.post()
    assert (status, "try again in a moment" in text) == (409, True)
    assert [name for name, _ in told.asked] == ["accept"]
    told.house.behind.fail = LeadRefused("lead_closed")
    status, text = await told.post()
    assert (status, "the lead was closed" in text) == (409, True)
    assert [name for name, _ in told.asked] == ["accept", "accept"]
    assert (await told.get())[0] == 410


async def test_from_a_teams_channel_who_opens_it_signs_in(told: Told) -> None:
    path = f"/leads/{told.lead_id}/take"
    status, text = await told.house.call("GET", path, headers={})
    assert PHONE not in text
    other = await told.house.sign_in("rep", await rep(told.house.pool))
    assert (await told.house.call("GET", path, headers=other))[0] == 404
    mine = await told.house.sign_in("rep", told.rep_id)
    status, text = await told.house.call("GET", path, headers=mine)
    assert (status, "Accept and call" in text) == (200, True)
    assert told.asked == []
    status, _ = await told.house.call("POST", path, headers=mine)
    assert status == 200
    assert told.asked == [("accept", {"rep_id": told.rep_id}), ("call_now", {"by": told.rep_id, "rep_id": told.rep_id})]


def subscription(endpoint: str = "https://push.example.com/abc", **changes: Any) -> dict[str, Any]:
    browser = Browser()
    keys = {"p256dh": browser.p256dh, "auth": "MDEyMzQ1Njc4OWFiY2RlZg"} | changes
    return {"endpoint": endpoint, "keys": keys, "name": "Firefox on Linux"}


async def test_a_browser_registers_and_can_be_removed(told: Told) -> None:
    house, mine = told.house, await told.house.sign_in("rep", told.rep_id)
    path = "/account/notifications"
    assert (await house.call("POST", f"{path}/devices", subscription(), mine))[0] == 201
    assert (await house.call("POST", f"{path}/devices", subscription(), mine))[0] == 201
    status, text = await house.call("GET", path, headers=mine)
    assert (status, text.count("Firefox on Linux")) == (200, 1)
    (device,) = await house.pool.fetch("select id from push_device")
    await house.call("POST", f"{path}/devices/{device['id']}/remove", headers=mine)
    assert await house.count("push_device") == 0
    without = {name: value for name, value in mine.items() if name != "X-CSRF-Token"}
    assert (await house.call("POST", f"{path}/devices", subscription(), without))[0] == 403


@pytest.mark.parametrize(
    "endpoint",
    ["http://push.example.com/x", "https://127.0.0.1/x", "https://[::1]/x", "https://10.0.0.8/x", "https://localhost/x",
     "https://2130706433/x", "https://0x7f.1/x", "https://127.1/x", "https://169.254.169.254/latest", "https://db.internal/x",
     "https://push.example.com:8443/x", "https://user@push.example.com/x", "file:///etc/passwd", ""],
)  # fmt: skip
async def test_an_address_inside_the_house_is_no_push_service(told: Told, endpoint: str) -> None:
    mine = await told.house.sign_in("rep", told.rep_id)
    status, body = await told.house.call("POST", "/account/notifications/devices", subscription(endpoint), mine)
    assert (status, body["errors"][0]["field"]) == (422, "endpoint")
    assert await told.house.count("push_device") == 0


async def test_keys_that_are_none_are_named(told: Told) -> None:
    mine = await told.house.sign_in("rep", told.rep_id)
    for changes, field in (({"p256dh": "AAAA"}, "p256dh"), ({"auth": "AAAA"}, "auth"), ({"auth": "§"}, "auth")):
        body = subscription(**changes)
        status, answer = await told.house.call("POST", "/account/notifications/devices", body, mine)
        assert (status, answer["errors"][0]["field"]) == (422, field)


async def test_wishes_are_kept_and_a_wrong_number_is_named(told: Told) -> None:
    house, mine = told.house, await told.house.sign_in("rep", told.rep_id)
    form = {"sms": "yes", "mobile": "(212) 555-0177"}
    async with house.http.post("/account/notifications", data=form, headers=mine) as answer:
        assert "Saved" in await answer.text()
    row = await house.pool.fetchrow("select * from rep_channel")
    assert (row["mobile"], row["sms"], row["push"], row["email"]) == ("+12125550177", True, False, False)
    async with house.http.post("/account/notifications", data={"mobile": "12"}, headers=mine) as answer:
        text = await answer.text()
        assert (answer.status, "Please give a number" in text, 'value="12"' in text) == (422, True, True)


async def test_a_test_is_a_notice_like_any_other(told: Told) -> None:
    house, mine = told.house, await told.house.sign_in("rep", told.rep_id)
    for _ in range(2):
        assert (await house.call("POST", "/account/notifications/test", headers=mine))[0] == 200
    assert await house.pool.fetchval("select count(*) from notice where kind = 'notification_test'") == 1
