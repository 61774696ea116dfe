"""The outside source against a server that hangs, lies, leads inside and sends more than anybody reads."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from aiohttp import web

from speedlead.domain.breaker import Breaker
from speedlead.enrichment import source
from speedlead.enrichment.source import Asking, HttpSource, Said, check_url, parse_fields
from speedlead.hooks.address import Allowed, parse_allowed
from speedlead.settings import SettingsError, read_settings

FIELDS = {"company": "name", "employees": "metrics.people.0"}
HERE = parse_allowed(["127.0.0.1/32"])


@dataclass
class Stand:
    """`answer`: what it says next; None hangs. `asked`: (path, Authorization) of every request."""

    url: str = ""
    answer: web.Response | None = field(default_factory=lambda: web.json_response({}))
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path_qs, request.headers.get("Authorization")))
        if self.answer is None:
            await asyncio.sleep(30)
        if request.path.startswith("/flood"):
            response = web.StreamResponse()
            await response.prepare(request)
            with contextlib.suppress(ConnectionError):  # whoever asked has hung up
                for _ in range(160):
                    await response.write(b"x" * 65_536)
            return response
        assert self.answer is not None
        return self.answer


@pytest_asyncio.fixture
async def stand() -> AsyncIterator[Stand]:
    made = Stand()
    app = web.Application()
    app.router.add_get("/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def ask(url: str, *, allowed: Allowed = HERE, secret: str | None = None, times: int = 1) -> list[Said]:
    asking = HttpSource(Asking(url, FIELDS, secret=secret, allowed=allowed), breaker=Breaker(failures=3))
    try:
        return [await asking.ask("acme.example") for _ in range(times)]
    finally:
        await asking.close()


async def test_it_is_asked_with_the_domain_and_the_secret_and_read_by_path(stand: Stand) -> None:
    stand.answer = web.json_response({"name": "Acme", "metrics": {"people": [40]}, "ceo": "Wile E. Coyote"})
    assert await ask(f"{stand.url}/v1/{{domain}}?x=1", secret="Bearer s3cret") == [
        Said({"company": "Acme", "employees": 40})
    ]
    assert stand.asked == [("/v1/acme.example?x=1", "Bearer s3cret")]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (web.Response(status=404), Said(None)),
        (web.Response(status=500), Said(None, "source_away")),
        (web.Response(status=401), Said(None, "source_forbidden")),
        (web.Response(status=429), Said(None, "source_busy")),
        (web.Response(text="<html>"), Said(None, "source_nonsense")),
        (web.Response(text='"acme"'), Said(None, "source_nonsense")),
        (web.Response(text="[" * 100_000), Said(None, "source_nonsense")),
        (web.Response(body=b"\xff\xfe{"), Said(None, "source_nonsense")),
        (web.Response(text="{}", headers={"Content-Encoding": "gzip"}), Said(None, "source_nonsense")),
        (web.Response(text=json.dumps({"name": {"deep": 1}, "metrics": []})), Said(None)),
    ],
)
async def test_a_source_that_lies_is_an_answer(stand: Stand, answer: web.Response, said: Said) -> None:
    stand.answer = answer
    assert await ask(f"{stand.url}/{{domain}}") == [said]


@pytest.mark.parametrize(
    ("country", "said"),
    [
        ("uk", Said({"company": "Acme", "country": "GB"})),
        ("DE", Said({"company": "Acme", "country": "DE"})),
        ("ZZ", Said({"company": "Acme"}, "source_country")),
        (49, Said({"company": "Acme"}, "source_country")),
    ],
)
async def test_a_country_is_one_of_iso_3166_or_none(stand: Stand, country: object, said: Said) -> None:
    asking = HttpSource(Asking(f"{stand.url}/{{domain}}", {"company": "name", "country": "country"}, allowed=HERE),
                        breaker=Breaker(failures=1))  # fmt: skip
    try:
        for _ in range(2):  # it goes on being asked
            stand.answer = web.json_response({"name": "Acme", "country": country})
            assert await asking.ask("acme.example") == said
    finally:
        await asking.close()


async def test_a_redirect_into_the_house_is_not_followed(stand: Stand) -> None:
    stand.answer = web.Response(status=302, headers={"Location": f"{stand.url}/secret"})
    assert await ask(f"{stand.url}/{{domain}}") == [Said(None, "source_away")]
    assert [path for path, _ in stand.asked] == ["/acme.example"]


async def test_more_than_we_read_of_anybody_is_dropped(stand: Stand) -> None:
    assert await ask(f"{stand.url}/flood/{{domain}}") == [Said(None, "source_large")]


async def test_one_that_hangs_costs_its_time_and_then_it_rests(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "TIMEOUT_S", 0.1)
    stand.answer = None
    said = await ask(f"{stand.url}/{{domain}}", times=5)
    assert [one.problem for one in said] == ["source_slow"] * 3 + ["source_rests"] * 2
    assert len(stand.asked) == 3


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/{domain}", "https://169.254.169.254/{domain}", "https://[::1]/{domain}",
        "https://2130706433/{domain}", "https://localhost/{domain}", "http://93.184.215.14/{domain}",
    ],
)  # fmt: skip
async def test_no_setting_leads_into_the_house(url: str) -> None:
    assert await ask(url, allowed=Allowed()) == [Said(None, "source_refused")]


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example/", "https://{domain}/", "https://a:b@x.example/{domain}", "ftp://x.example/{domain}",
        "https://x.example:99999/{domain}",
    ],
)  # fmt: skip
def test_addresses_that_make_no_sense(url: str) -> None:
    with pytest.raises(ValueError, match="an address"):
        check_url(url)


@pytest.mark.parametrize("url", ["http://x.example/{domain}", "https://10.0.0.7/{domain}"])
def test_a_source_that_would_be_refused_each_time_stops_the_start(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEEDLEAD_COMPANY_SOURCE_URL", url)
    with pytest.raises(SettingsError, match=r"COMPANY_SOURCE_URL: expected .* SPEEDLEAD_COMPANY_SOURCE_HOSTS"):
        read_settings(os.environ)
    monkeypatch.setenv("SPEEDLEAD_COMPANY_SOURCE_HOSTS", "x.example,10.0.0.0/8")
    assert read_settings(os.environ).company_source_url == url


def test_paths_of_facts() -> None:
    assert parse_fields("company=name, employees=size.total") == {"company": "name", "employees": "size.total"}
    for wrong in ("name=company", "company", "company=a..b", "company=a,company=b", "company="):
        with pytest.raises(ValueError, match="fact=path"):
            parse_fields(wrong)
