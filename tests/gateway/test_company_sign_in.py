"""Sign-in at a company's identity provider: the way in, whose account it opens, and every attack refused and noted."""

import html
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from speedlead.gateway.access.oidc import REFUSED
from speedlead.store import accounts, company_sign_in
from speedlead.store.transactions import transact
from tests.gateway.company import CLIENT, EC_KEY, OTHER_RSA, SECRET, Company, company, forged_hs256, jwk
from tests.gateway.house import MONDAY, House, open_house

OURS = {"Sec-Fetch-Site": "same-origin"}


class Scene:
    def __init__(self, house: House, provider: Company) -> None:
        self.house, self.provider = house, provider

    async def invite(self, email: str = "mara@acme.example", role: str = "manager") -> str:
        async def write(conn: Any) -> str:
            return (await accounts.add_account(conn, email, "Mara", role, MONDAY)).account_id

        return await transact(self.house.pool, write)

    def browser(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def leave(self, browser: aiohttp.ClientSession, wanted: str = "") -> str:
        """Where the provider sends the browser back to."""
        async with browser.get(
            f"{self.house.base}/sign-in/company", params={"next": wanted}, allow_redirects=False
        ) as to:
            assert to.status == 303, await to.text()
            door = URL(to.headers["Location"], encoded=True)
        async with browser.get(door, allow_redirects=False) as back:
            return back.headers["Location"]

    async def come_back(self, browser: aiohttp.ClientSession, address: str) -> tuple[int, str, str]:
        async with browser.get(URL(address, encoded=True), allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location", ""), await answer.text()

    async def sign_in(self, wanted: str = "") -> tuple[int, str, str]:
        async with self.browser() as browser:
            return await self.come_back(browser, await self.leave(browser, wanted))

    async def out(self, browser: aiohttp.ClientSession, path: str) -> str:
        """What the browser sees when its person signs out."""
        async with browser.get(f"{self.house.base}/account") as page:
            csrf = (await page.text()).partition('name="csrf" value="')[2].partition('"')[0]
        async with browser.post(f"{self.house.base}{path}", data={"csrf": csrf}, headers=OURS) as answer:
            assert answer.status == 200
            return await answer.text()

    async def refused(self, code: str, answer: tuple[int, str, str]) -> None:
        status, _, page = answer
        assert status == (503 if code == "provider" else 403), (code, status, page)
        assert REFUSED[code].split(",")[0].replace("'", "&#39;") in page
        line = await self.house.pool.fetchrow(
            "select role, asked, status, account_id from audit order by id desc limit 1"
        )
        assert (line["role"], line["asked"], line["status"], line["account_id"]) == (
            "nobody", {"reason": code}, 403, None,
        )  # fmt: skip
        assert await self.sessions() == 0

    async def sessions(self) -> int:
        """Beside the one of the test's own staff."""
        return int(await self.house.pool.fetchval(
            "select count(*) from session s join account a on a.id = s.account_id where a.email !~ '@staff.example$'"
        ))  # fmt: skip


@pytest_asyncio.fixture
async def scene(database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    clock: Any = []
    async with company(lambda: clock[0].now) as provider:
        given = {
            "oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET,
            "oidc_roles": "leads team=manager,sales=rep",
        }  # fmt: skip
        async with open_house(database_url, tmp_path, **given) as house:
            clock.append(house.clock)
            yield Scene(house, provider)


# ── the way in ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_invited_person_comes_in_and_goes_where_they_were_going(scene: Scene) -> None:
    account = await scene.invite()
    async with scene.browser() as browser:
        status, where, _ = await scene.come_back(browser, await scene.leave(browser, "/ops?state=all"))
        assert (status, where) == (303, "/ops?state=all")
        async with browser.get(f"{scene.house.base}/account") as page:
            text = await page.text()
        assert "mara@acme.example" in text
    line = await scene.house.pool.fetchrow("select * from audit order by id desc limit 1")
    assert (line["action"], line["object"]) == ("signed in by company", account)
    # from now on it is the identity that counts, whatever its address becomes
    scene.provider.claims = {"email": "mara.new@acme.example", "email_verified": False}
    assert (await scene.sign_in())[0] == 303
    assert await scene.house.pool.fetchval("select count(*) from company_identity") == 1


async def test_a_group_makes_an_account_changes_its_role_and_takes_it_away(scene: Scene) -> None:
    scene.provider.claims = {"groups": ["other", "sales"]}
    assert (await scene.sign_in())[0] == 303
    scene.provider.claims = {"groups": ["sales", "leads team"]}
    assert (await scene.sign_in())[0] == 303
    found = await transact(scene.house.pool, lambda conn: accounts.account_of(conn, "mara@acme.example"))
    assert found is not None
    assert found.role == "manager"  # the first of the setting that fits
    scene.provider.claims = {"groups": []}
    await scene.house.pool.execute("delete from session")
    await scene.refused("no_group", await scene.sign_in())


async def test_an_invited_persons_role_is_not_changed_by_groups(scene: Scene) -> None:
    await scene.invite(role="analyst")
    scene.provider.claims = {"groups": ["leads team"]}
    assert (await scene.sign_in())[0] == 303
    assert await scene.house.pool.fetchval("select role from account where email = 'mara@acme.example'") == "analyst"


async def test_changed_keys_are_read_anew_and_made_up_ones_do_not_make_us_ask_each_time(scene: Scene) -> None:
    await scene.invite()
    assert (await scene.sign_in())[0] == 303
    from speedlead.gateway.access import oidc_provider

    scene.provider.keys, scene.provider.kid = [jwk(OTHER_RSA, "three")], "three"
    scene.provider.key = OTHER_RSA
    await scene.house.pool.execute("delete from session")
    asked = scene.provider.asked.count("keys")
    await scene.refused("key", await scene.sign_in())  # asked a moment ago
    assert scene.provider.asked.count("keys") == asked
    oidc_provider.KEYS_AGAIN_S, before = 0.0, oidc_provider.KEYS_AGAIN_S
    try:
        assert (await scene.sign_in())[0] == 303
    finally:
        oidc_provider.KEYS_AGAIN_S = before
    assert scene.provider.asked.count("keys") == asked + 1
    assert scene.provider.asked.count("discovery") == 1


async def test_an_elliptic_curve_signs_as_well(scene: Scene) -> None:
    await scene.invite()
    scene.provider.key, scene.provider.kid, scene.provider.algorithm = EC_KEY, "two", "ES256"
    assert (await scene.sign_in())[0] == 303


async def test_what_is_not_in_the_token_is_asked_for(scene: Scene) -> None:
    scene.provider.claims = {"email": None, "email_verified": None}
    scene.provider.userinfo = {"sub": "u-1", "email": "Mara@Acme.example", "email_verified": True, "groups": ["sales"]}
    assert (await scene.sign_in())[0] == 303
    scene.provider.userinfo |= {"sub": "u-2"}
    await scene.house.pool.execute("delete from session")
    await scene.refused("token", await scene.sign_in())


async def test_who_came_by_the_company_signs_out_there_too_and_comes_back(scene: Scene) -> None:
    scene.provider.ends_sessions = True
    await scene.invite()
    async with scene.browser() as browser:
        for path in ("/sign-out", "/sign-out/everywhere"):
            await scene.come_back(browser, await scene.leave(browser))
            page = await scene.out(browser, path)
            assert await scene.sessions() == 0  # before anything is asked over there
            link, again = re.findall(r'(?:url=|href=")(http[^"]+)"', page)
            assert link == again
            async with browser.get(URL(html.unescape(link), encoded=True)) as back:
                assert str(back.url) == f"{scene.house.base}/sign-in"
        async with browser.get(f"{scene.house.base}/account", allow_redirects=False) as answer:
            assert answer.status == 303
    assert [asked["tenant"] for asked in scene.provider.left] == ["1", "1"]
    assert {asked["post_logout_redirect_uri"] for asked in scene.provider.left} == {f"{scene.house.base}/sign-in"}


async def test_without_such_a_place_or_an_answer_the_sign_out_ends_here(scene: Scene) -> None:
    await scene.invite()
    async with scene.browser() as browser:
        await scene.come_back(browser, await scene.leave(browser))
        assert "Sign in" in await scene.out(browser, "/sign-out")
        assert await scene.sessions() == 0
    assert await scene.house.pool.fetchval("select count(*) from session where id_token is not null") == 0


# ── attacks ──────────────────────────────────────────────────────────────────────────────────────────────────────────

HOUR_AGO, IN_AN_HOUR = (MONDAY + timedelta(hours=n) for n in (-1, 1))


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"nonce": "another"}, "nonce"), ({"nonce": None}, "nonce"), ({"aud": "other-program"}, "audience"),
        ({"aud": [CLIENT, "other"]}, "audience"), ({"aud": [CLIENT, "other"], "azp": "other"}, "audience"),
        ({"azp": "other"}, "audience"), ({"iss": "https://evil.example"}, "issuer"), ({"iss": None}, "issuer"),
        ({"exp": HOUR_AGO.timestamp()}, "expired"), ({"exp": None}, "expired"), ({"exp": float("nan")}, "expired"),
        ({"iat": IN_AN_HOUR.timestamp()}, "expired"), ({"nbf": IN_AN_HOUR.timestamp()}, "expired"),
        ({"email_verified": False}, "email_unverified"), ({"email_verified": None}, "email_unverified"),
        ({"email": None}, "email_unverified"), ({"email": "x"}, "no_account"), ({"sub": ""}, "token"),
        ({"email": "eve@acme.example"}, "no_account"), ({"groups": {"a": 1}, "email": "e@acme.example"}, "no_account"),
    ],
)  # fmt: skip
async def test_a_token_that_says_something_else_opens_nothing(scene: Scene, claims: dict[str, Any], code: str) -> None:
    await scene.invite()
    scene.provider.claims = claims
    await scene.refused(code, await scene.sign_in())


async def test_signatures_that_are_none(scene: Scene) -> None:
    import jwt

    await scene.invite()
    headers = {"kid": "one"}
    tricks = {
        "algorithm": [
            lambda claims: jwt.encode(claims, None, algorithm="none", headers=headers),
            lambda claims: forged_hs256(claims, "one"),
            lambda claims: jwt.encode(claims, scene.provider.key, algorithm="RS512", headers=headers),
        ],
        "signature": [lambda claims: jwt.encode(claims, OTHER_RSA, algorithm="RS256", headers=headers)],
        "key": [
            lambda claims: jwt.encode(claims, OTHER_RSA, algorithm="RS256", headers={"kid": "made up"}),
            lambda claims: jwt.encode(claims, EC_KEY, algorithm="ES256", headers=headers),
        ],
        "token": [lambda claims: "a.b.c", lambda claims: ""],
    }
    for code, forgers in tricks.items():
        for forge in forgers:
            scene.provider.make = forge
            await scene.refused(code, await scene.sign_in())


async def test_a_state_is_good_once_in_its_browser_and_for_ten_minutes(scene: Scene) -> None:
    await scene.invite()
    async with scene.browser() as browser, scene.browser() as victim:
        # a link that would sign the victim in as somebody else
        await scene.refused("browser", await scene.come_back(victim, await scene.leave(browser)))
        late = await scene.leave(browser)
        scene.house.clock.now += timedelta(minutes=11)
        await scene.refused("state", await scene.come_back(browser, late))
        base = f"{scene.house.base}/sign-in/company/back"
        for query in ("", "?state=x&code=y", f"?state={'x' * 5000}&code=y", "?code=y", "?error=access_denied"):
            await scene.refused("state", await scene.come_back(browser, base + query))
        good = await scene.leave(browser)
        state = parse_qs(urlsplit(good).query)["state"][0]
        await scene.refused("said_no", await scene.come_back(
            browser, f"{base}?state={state}&error=access_denied&error_description=<script>"))  # fmt: skip
        await scene.refused("state", await scene.come_back(browser, good))
        other = (await scene.leave(browser)).replace("iss=http", "iss=https")
        await scene.refused("issuer", await scene.come_back(browser, other))
        good = await scene.leave(browser)
        assert (await scene.come_back(browser, good))[0] == 303
        await scene.house.pool.execute("delete from session")
        await scene.refused("state", await scene.come_back(browser, good))


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_nobody_is_sent_elsewhere(scene: Scene, wanted: str) -> None:
    await scene.invite()
    status, where, _ = await scene.sign_in(wanted)
    assert (status, where) == (303, "/")


async def test_an_address_that_has_an_identity_already_and_accounts_that_are_closed(scene: Scene) -> None:
    account = await scene.invite()
    assert (await scene.sign_in())[0] == 303
    await scene.house.pool.execute("delete from session")
    scene.provider.claims = {"sub": "u-2"}  # a new employee with the address of an earlier one
    await scene.refused("other_identity", await scene.sign_in())
    assert await transact(scene.house.pool, lambda conn: company_sign_in.unlink(conn, account))
    assert not await transact(scene.house.pool, lambda conn: company_sign_in.unlink(conn, account))
    assert (await scene.sign_in())[0] == 303
    await transact(scene.house.pool, lambda conn: accounts.set_active(conn, account, False))
    await scene.refused("closed", await scene.sign_in())


async def test_a_provider_that_does_not_answer_or_calls_itself_otherwise(scene: Scene) -> None:
    scene.provider.down = True
    async with scene.browser() as browser:
        async with browser.get(f"{scene.house.base}/sign-in/company", allow_redirects=False) as answer:
            await scene.refused("provider", (answer.status, "", await answer.text()))
        scene.provider.down = False
        ours, scene.provider.issuer = scene.provider.issuer, "http://127.0.0.1:1"
        async with browser.get(f"{scene.house.base}/sign-in/company", allow_redirects=False) as answer:
            await scene.refused("provider", (answer.status, "", await answer.text()))
        scene.provider.issuer = ours
        await scene.invite()
        assert (await scene.come_back(browser, await scene.leave(browser)))[0] == 303


async def test_another_name_of_ours_goes_to_the_public_one_first(scene: Scene) -> None:
    port = scene.house.deps.settings.http_port
    async with scene.browser() as browser:
        address = f"http://localhost:{port}/sign-in/company?next=/ops"
        async with browser.get(address, allow_redirects=False) as answer:
            assert answer.headers["Location"] == f"{scene.house.base}/sign-in/company?next=/ops"


async def test_passwords_can_be_switched_off(database_url: str, tmp_path: Path) -> None:
    given = {"oidc_issuer": "https://login.example.com", "oidc_client_id": "x", "local_sign_in": False}
    async with open_house(database_url, tmp_path, **given) as house:
        async with house.http.get("/sign-in") as answer:
            page = await answer.text()
        assert "company account" in page
        assert 'type="password"' not in page
        form = {"email": "a@acme.example", "password": "x"}
        async with house.http.post("/sign-in", data=form, headers=OURS) as answer:
            assert answer.status == 403
            assert "company account" in await answer.text()
        async with house.http.get("/account", headers=house.staff) as answer:
            assert 'type="password"' not in await answer.text()
        form = {"new": "violet ladder 7 quickly"}
        async with house.http.post("/account/password", data=form, headers=house.staff) as answer:
            assert answer.status == 403
            assert "company account" in await answer.text()


async def test_without_a_provider_there_is_no_company_sign_in(house: House) -> None:
    async with house.http.get("/sign-in") as answer:
        assert "company account" not in await answer.text()
    for path in ("/sign-in/company", "/sign-in/company/back?state=x&code=y"):
        async with house.http.get(path, allow_redirects=False) as answer:
            assert answer.status == 404
