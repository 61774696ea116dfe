"""The pages about our people and one's own presence in a browser: used by keyboard and screen reader, narrow too."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.looking import looks_right
from tests.store.hand_made import DANA, LEE, SAM, ago, coming

pytestmark = pytest.mark.browser


@pytest.fixture
def filled(site: Site) -> Site:
    site.run('update rep set weekly = \'{"0": [[540, 1020]], "3": [[540, 720], [780, 1020]]}\'')
    address = "https://calendar.example/x.ics"
    site.run("update rep set ics_url = $3, presence = 'away', away_until = $2 where id = $1",
             SAM, coming(hours=2), address)  # fmt: skip
    site.run("insert into rep_busy values ($1, 'time_off', $2, $3)", DANA, ago(hours=10), coming(hours=14))
    site.run("""insert into rep_calendar (rep_id, url, read_wall, failures, problem)
                values ($1, $3, $2, 5, 'calendar_silent')""", SAM, ago(days=2), address)  # fmt: skip
    return site


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_pages(page: Page, filled: Site, scheme: str, tmp_path: Path) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto("/people")
    looks_right(page, tmp_path, f"people-{scheme}")
    page.get_by_role("link", name="Sam Reyes").click()
    looks_right(page, tmp_path, f"person-{scheme}")
    page.get_by_label("Time zone").fill("Mars/Base")
    page.get_by_label("Phone").fill("030 123")
    page.get_by_role("button", name="Show what would change").click()
    looks_right(page, tmp_path, f"person-wrong-{scheme}")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_label("Phone").fill("+49301234567")
    page.get_by_role("button", name="Show what would change").click()
    looks_right(page, tmp_path, f"person-check-{scheme}")
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 that is meant


def test_a_manager_changes_hours_and_time_off_and_sees_it_before(page: Page, filled: Site) -> None:
    filled.sign_in(page.context, "manager")
    page.goto("/people")
    page.get_by_role("link", name="Lee Ortiz").click()
    page.get_by_label("Tue").fill("08:00-12:00")
    page.get_by_label("From (1)").fill("2026-12-24")
    page.get_by_label("To (1)").fill("2026-12-26")
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_role("row", name="Time off")).to_contain_text("2026-12-24..2026-12-26")
    page.get_by_role("button", name="Go back and change it").click()
    expect(page.get_by_label("Tue")).to_have_value("08:00-12:00")
    page.get_by_role("button", name="Show what would change").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.get_by_label("From (1)")).to_have_value("2026-12-24")
    assert filled.run("select weekly from rep where id = $1", LEE)[0]["weekly"]["1"] == [[480, 720]]


def test_a_rep_says_when_they_are_away(page: Page, filled: Site, tmp_path: Path) -> None:
    filled.sign_in(page.context, "rep", DANA)
    page.goto("/rep?live=off")
    page.get_by_text("Available", exact=True).first.click()
    page.get_by_label("Away until").fill("2026-11-23T11:30")
    looks_right(page, tmp_path, "presence")
    page.get_by_role("button", name="Away").click()
    expect(page.locator(".presence summary")).to_contain_text("Away until Mon 23 Nov, 11:30")
    page.locator(".presence summary").click()
    page.get_by_label("Away until").fill("2026-11-22T11:30")
    page.get_by_role("button", name="Away").click()
    expect(page.get_by_role("alert")).to_contain_text("still to come")
    looks_right(page, tmp_path, "presence-again")
    page.get_by_role("button", name="Available").click()
    expect(page.locator(".presence summary")).to_contain_text("Available")
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 that is meant
