"""A rep at work in a running house: form, notice, acceptance, call, outcome, and the next step has changed.

The sandbox plays the rep's phone and the lead. The page is never loaded again, also not when the app dies under it.
"""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from speedlead.store.pool import open_pool
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.e2e.house import House, open_house
from tests.signing_in import link_path

PHONE = "+12125550186"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: install the package `chromium`")


@asynccontextmanager
async def rep_page(house: House) -> AsyncIterator[tuple[Page, Page]]:
    """The page of the only rep there is, and one of somebody who visits the form."""
    pool = await open_pool(house.stack.database_url, size=2)
    try:
        await pool.execute("update rep set active = (name = 'Sam Okoro')")
        rep_id = await pool.fetchval("select id from rep where active")
        path = await link_path(pool, datetime.now(UTC), "rep", rep_id)
    finally:
        await pool.close()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        rep, visitor = [await browser.new_context(base_url=house.url) for _ in range(2)]
        answer = await rep.request.post(house.url + path, headers={"Origin": house.url})
        assert answer.ok, await answer.text()
        yield await rep.new_page(), await visitor.new_page()
        await browser.close()


async def test_from_the_form_to_the_next_step(tmp_path: Path) -> None:
    async with open_house(tmp_path, "desk.yaml") as house, rep_page(house) as (page, visitor):
        await house.person(PHONE, call="answer", talk_s=2)
        await page.goto("/rep")
        await expect(page.get_by_role("heading", name="No lead is chosen")).to_be_visible()
        await page.evaluate("window.same = true")

        await visitor.goto("/form?intent=demo_request")
        await visitor.get_by_label("Your name").fill("Petra Novak")
        await visitor.get_by_label("E-mail").fill("petra@customer.example")
        await visitor.get_by_label("Phone", exact=True).fill(PHONE)
        await visitor.get_by_label("Your message").fill("We lose leads at night.")
        await visitor.get_by_role("button", name="Send").click()
        await expect(visitor.get_by_text("Thank you")).to_be_visible()

        await expect(page.locator("#said")).to_contain_text("Petra Novak", timeout=15_000)
        await expect(page).to_have_title(re.compile(r"^\(\d\) My leads"))
        lead = page.locator("#queue .lead").filter(has_text="Petra Novak")
        await expect(lead.locator(".due")).to_have_text(re.compile("due in"))
        await page.keyboard.press("j")
        await expect(page.locator("#lead h2").first).to_contain_text("Petra Novak")
        await expect(page.locator("#lead blockquote").first).to_have_text("We lose leads at night.")
        if await page.locator("#actions .key-a").count():
            await page.keyboard.press("a")
            await expect(page.locator("#said")).to_have_text("You have accepted the lead.")
            await expect(page.locator("#actions .key-a")).to_have_count(0)
        await page.wait_for_timeout(500)

        await page.keyboard.press("c")
        await expect(page.locator("#said")).to_contain_text("The call is being set up")
        live = page.locator(".lead-live")
        await expect(live).to_contain_text("spoke to the lead", timeout=30_000)
        await expect(lead.locator(".badge")).to_have_text("Log the outcome", timeout=10_000)

        await page.keyboard.press("6")
        await page.keyboard.press("b")
        await page.get_by_role("button", name="Tomorrow at 10").click()
        await expect(page.locator("#at-check")).to_contain_text("A lawful time.")
        await page.get_by_role("button", name="Log it").click()
        await expect(page.locator("#said")).to_have_text("Logged.")
        await expect(live.locator(".next").first).to_contain_text(re.compile("callback", re.I), timeout=10_000)
        await expect(lead.locator(".badge")).to_have_text("Planned", timeout=10_000)
        (row,) = await house.fetch("select stage, next_step, next_touch_at from lead")
        assert row["next_step"].startswith("callback"), dict(row)
        await page.screenshot(path=tmp_path / "next-step.png", full_page=True)

        # a gateway that hangs: the page says that it is stale, and later that it is not
        bar, app = page.locator("#stale"), house.stack.pid("app")
        os.kill(app, signal.SIGSTOP)
        try:
            await expect(bar).to_contain_text("Not live since", timeout=25_000)
        finally:
            os.kill(app, signal.SIGCONT)
        await expect(bar).to_be_empty(timeout=40_000)
        # one that dies comes back, and what has happened meanwhile is told
        house.stack.kill("app", signal.SIGKILL)
        await asyncio.sleep(1)
        await house.stack.wait_ready("app", 60)
        await house.post("warm", name="Quentin Roy", email="quentin@customer.example")
        await expect(page.locator("#queue").get_by_text("Quentin Roy").first).to_be_visible(timeout=60_000)
        await expect(bar).to_be_empty()
        assert await page.evaluate("window.same"), "the page was loaded again"
