"""A lead books, moves and calls off on a telephone, without a script; everybody can use the pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from speedlead.booking.links import booking_url
from speedlead.credentials import load_or_create
from tests.browser.conftest import Site
from tests.browser.looking import looks_right
from tests.store.hand_made import AVA, CHLOE, SAM

pytestmark = pytest.mark.browser

WEEK = '{"0": [[540, 1020]], "1": [[540, 1020]], "2": [[540, 1020]], "4": [[540, 720]]}'


@pytest.fixture
def booking(site: Site) -> Site:
    site.run("update rep set weekly = $1::text::jsonb", WEEK)
    return site


@pytest.fixture
def telephone(browser: Browser, booking: Site, base_url: str) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 844}, base_url=base_url
    )
    yield context.new_page()
    context.close()


def path_of(site: Site, lead_id: str) -> str:
    return booking_url("", load_or_create(site.settings.data_dir).secret_bytes, lead_id)


def test_a_lead_books_moves_and_calls_off_without_a_script(telephone: Page, booking: Site, tmp_path: Path) -> None:
    page = telephone
    page.goto(path_of(booking, AVA))
    expect(page.get_by_text("30 minutes with Sam Reyes. All times are New York time.")).to_be_visible()
    page.screenshot(path=tmp_path / "choose.png", full_page=True)
    tuesday = page.get_by_role("region", name="Tuesday 24 November")
    tuesday.get_by_role("button", name="Tuesday 24 November, 10:00").click()
    expect(page.get_by_role("heading", name="Is it this time?")).to_be_visible()
    page.screenshot(path=tmp_path / "sure.png", full_page=True)
    assert booking.run("select 1 from booking") == []  # looking changes nothing
    page.get_by_role("button", name="Book it").click()
    expect(page.get_by_role("heading", name="Your meeting is booked")).to_be_visible()
    page.screenshot(path=tmp_path / "booked.png", full_page=True)
    assert booking.recorder.delivered == [AVA]

    page.get_by_role("link", name="Move it").click()
    page.get_by_role("button", name="Wednesday 25 November, 14:30").click()
    page.get_by_role("button", name="Move it").click()
    expect(page.get_by_role("heading", name="Your meeting has moved")).to_be_visible()
    expect(page.locator("time")).to_have_text("Wednesday 25 November, 14:30")

    page.goto(path_of(booking, AVA))  # the link of the mail leads to what is booked
    page.get_by_text("Call it off").click()
    page.get_by_role("button", name="Call the meeting off").click()
    expect(page.get_by_role("heading", name="Your meeting is called off")).to_be_visible()
    rows = booking.run("select state, sequence from booking")
    assert [tuple(row) for row in rows] == [("cancelled", 2)]


def test_whoever_comes_late_reads_what_is_free_next(telephone: Page, booking: Site, tmp_path: Path) -> None:
    page = telephone
    page.goto(path_of(booking, AVA))
    page.get_by_role("button", name="Tuesday 24 November, 10:00").click()
    booking.run("""insert into rep_busy values ($1, 'calendar', '2026-11-24 14:30Z', '2026-11-24 16:00Z')""", SAM)
    page.get_by_role("button", name="Book it").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else has just taken Tuesday 24 November, 10:00")
    page.screenshot(path=tmp_path / "taken.png", full_page=True)
    page.get_by_role("button", name="Tuesday 24 November, 11:00").first.click()
    page.get_by_role("button", name="Book it").click()
    expect(page.get_by_role("heading", name="Your meeting is booked")).to_be_visible()


def test_a_lead_elsewhere_sees_its_own_clock(telephone: Page, booking: Site) -> None:
    page = telephone
    page.goto(path_of(booking, CHLOE))
    page.get_by_text("I am in another time zone").click()
    page.get_by_label("Time zone").select_option("America/Vancouver")
    page.get_by_role("button", name="Show times there").click()
    expect(page.get_by_text("with one of us. All times are Vancouver time.")).to_be_visible()
    # nine o'clock there, which is noon in New York
    page.get_by_role("button", name="Tuesday 24 November, 09:00").click()
    page.get_by_role("button", name="Book it").click()
    expect(page.locator("time")).to_have_text("Tuesday 24 November, 09:00")


def test_a_link_that_nobody_signed_opens_nothing(telephone: Page, booking: Site) -> None:
    real = path_of(booking, AVA)
    answer = telephone.goto(real[:-9] + ("a" if real[-9] != "a" else "b") + real[-8:])
    assert answer is not None
    assert answer.status == 404


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_pages(page: Page, booking: Site, scheme: str, tmp_path: Path) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(path_of(booking, AVA))
    looks_right(page, tmp_path, f"times-{scheme}")
    page.get_by_role("button", name="Tuesday 24 November, 10:00").click()
    looks_right(page, tmp_path, f"sure-{scheme}")
    page.get_by_role("button", name="Book it").click()
    looks_right(page, tmp_path, f"meeting-{scheme}")
    booking.run(
        """update booking set starts_at = starts_at - interval '1 day', ends_at = ends_at - interval '1 day',
               held = tstzrange(starts_at - interval '1 day', ends_at), calendar_problem = 'calendar_silent'"""
    )
    page.goto(f"/leads/{AVA}?live=off")
    looks_right(page, tmp_path, f"lead-{scheme}")
    page.get_by_role("button", name="Nobody came").click()
    expect(page.get_by_role("status")).to_contain_text("Nobody came.")
    assert booking.run("select state from booking")[0]["state"] == "no_show"
