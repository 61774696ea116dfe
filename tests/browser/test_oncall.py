"""The page of who is on call, read and used as a manager does."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from speedlead.calendarbook import parse_calendars
from speedlead.gateway.oncall_page import OncallPage
from tests.browser.conftest import Site
from tests.store.hand_made import DANA, LEE, SAM

TEXT = """
teams:
  - id: everybody
    zone: America/New_York
    on_call:
      - id: evenings
        hours: {mon: 18:00-21:00, tue: 18:00-21:00, wed: 18:00-21:00, sat: 10:00-16:00}
        rotation: {start: 2026-11-23, every: 7d, handover: "09:00", levels: [[A, B], [C]]}
"""


@pytest.fixture
def evenings(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site with a rotation of the people whom it has."""
    site.run("update rep set manager = false, active = true, phone = coalesce(phone, '+14155552799')")
    emails = dict(site.run("select id, email from rep"))
    text = TEXT
    for letter, rep in zip("ABC", (SAM, DANA, LEE), strict=True):
        text = text.replace(f"[{letter}", f"[{emails[rep]}").replace(f" {letter}]", f" {emails[rep]}]")
    calendars = parse_calendars(text, "own.yaml")
    # the file is read once at the start, by an app that all browser tests share
    monkeypatch.setattr(
        OncallPage, "_calendars", property(lambda self: calendars, lambda self, value: None), raising=False
    )
    return site


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_manager_lets_somebody_step_in(evenings: Site, page: Page, tmp_path: Path, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{evenings.url}/oncall")
    page.get_by_label("From").fill("2026-11-24")
    page.get_by_label("Who").select_option(index=0)
    page.get_by_label("Why").fill("swap")
    page.get_by_role("button", name="Let them step in").click()
    expect(page.get_by_role("status")).to_have_text("They step in.")
    expect(page.get_by_role("button", name="Remove the override of 2026-11-24, evenings level 1")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    page.screenshot(path=tmp_path / f"oncall-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.screenshot(path=tmp_path / f"oncall-{scheme}-narrow.png", full_page=True)
    page.get_by_role("button", name="Remove the override").click()
    expect(page.get_by_role("status")).to_have_text("That day is the rotation's again.")
