"""What if, in a browser: asked, played and shown, also where there is no colour, little room, or paper."""

import asyncio
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from speedlead.chores.whatif import WhatIf
from speedlead.demo.season.fill import fill
from tests.browser.conftest import Site
from tests.browser.looking import looks_right
from tests.store.hand_made import NOW, FixedClock

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_another_team_is_asked_about_played_and_compared(page: Page, site: Site, scheme: str, tmp_path: Path) -> None:
    site.empty("person, rep, plan, experiment, whatif_run")
    site.sign_in(page.context)
    [row] = site.run("select current_database() as name")
    work = fill(site.databases.postgres.dsn(row["name"]), 40, until=NOW, days=14)
    asyncio.run_coroutine_threadsafe(work, site._loop).result(60)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto("/plans")
    page.get_by_role("link", name="What another one would have done").click()
    page.get_by_label("Time zone of all hours").fill("America/New_York")
    page.get_by_text("Without some of those of now").click()
    for box in page.get_by_role("checkbox").all()[:3]:
        box.check()
    page.get_by_label("Hours", exact=True).fill("sat 09:00-13:00")
    page.get_by_label("Minutes of a call").fill("a few")
    page.get_by_role("button", name="Play it").click()
    expect(page.get_by_role("alert")).to_contain_text("Minutes of a call: expected a number from 0.1 to 240")
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 that is meant
    looks_right(page, tmp_path, f"whatif-{scheme}")
    page.get_by_label("Minutes of a call").fill("20")
    page.get_by_role("button", name="Play it").click()
    expect(page.get_by_role("status")).to_contain_text("It waits for its turn")
    chore = WhatIf(site.pool, site.settings, FixedClock())
    asyncio.run_coroutine_threadsafe(chore.round(), site._loop).result(60)
    # the page asks by itself
    expect(page.get_by_role("heading", name="Before and after")).to_be_visible()
    expect(page.get_by_role("table", name="People needed and on shift, then")).to_contain_text("/")
    looks_right(page, tmp_path, f"whatif-run-{scheme}")
    if scheme == "light":
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 800, "height": 1100})
        page.screenshot(path=tmp_path / "whatif-print.png", full_page=True)
