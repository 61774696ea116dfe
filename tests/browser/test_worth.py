"""What leads bring, what changed, and the scenarios of others, in a browser: for everybody, on paper too."""

import asyncio
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from speedlead.demo.season.fill import fill
from speedlead.demo.season.house import furnish
from tests.browser.conftest import Site
from tests.browser.looking import looks_right
from tests.store.hand_made import NOW

pytestmark = pytest.mark.browser


def test_changes_and_scenarios_look_right(page: Page, site: Site, tmp_path: Path) -> None:
    site.empty("person, rep, plan, experiment, lead_fact, lead_stale")
    site.sign_in(page.context)
    [row] = site.run("select current_database() as name")

    async def season(url: str) -> None:
        await fill(url, 400, until=NOW, days=60)
        await furnish(url, until=NOW, days=60)

    work = season(site.databases.postgres.dsn(row["name"]))
    asyncio.run_coroutine_threadsafe(work, site._loop).result(60)
    page.goto("/ops?period=60d")
    expect(page.locator(".waits")).to_have_count(0, timeout=20_000)
    changes = page.get_by_role("region", name="Changes, before and after", exact=True)
    expect(changes.locator(".marks").get_by_role("listitem")).to_have_count(6)
    expect(changes.locator("svg .mark")).to_have_count(6)
    for name in ("What leads bring", "Contracts at risk", "What works for whom", "Changes, before and after"):
        page.get_by_role("region", name=name, exact=True).get_by_text("Table", exact=True).click()
    looks_right(page, tmp_path, "worth")
    page.get_by_role("link", name="Scenarios of others").click()
    page.emulate_media(color_scheme="dark")
    expect(page.get_by_role("row", name="your house, conversion")).to_be_visible()
    looks_right(page, tmp_path, "scenarios-dark")
    page.emulate_media(media="print")
    expect(page.get_by_role("link", name="By channel as CSV")).to_be_hidden()
