"""The preview of messages and the script, as people use them: light, dark, narrow, by keyboard."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_pages import RULES

pytestmark = pytest.mark.browser

PREVIEW = "/templates/preview?template="


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("mail", PREVIEW + "email/acknowledgement"),
        ("text", PREVIEW + "sms/acknowledgement&lang=de"),
        ("wrong", PREVIEW + "email/nothing"),
        ("script", "script"),
    ],
)
def test_everybody_can_use_the_page(page: Page, site: Site, scheme: str, name: str, path: str, tmp_path: Path) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    if path == "script":
        path = f"/leads/{site.run('select id from lead where closed_at is null limit 1')[0]['id']}/script"
    page.goto(path)
    if name == "script":
        with page.expect_navigation():  # the answer is a page of its own
            page.get_by_role("button", name="Yes, go ahead").click()
    if name == "wrong":
        page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 that is meant
    results = Axe().run(page, options=RULES)
    assert results.violations_count == 0, results.generate_report()
    page.screenshot(path=tmp_path / f"{name}-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": 400, "height": 800})
    page.screenshot(path=tmp_path / f"{name}-{scheme}-narrow.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400, "the page scrolls sideways on a phone"


def test_a_mail_is_shown_in_a_frame_in_which_nothing_runs(page: Page, site: Site) -> None:
    page.goto(PREVIEW + "email/acknowledgement")
    frame = page.frame_locator("iframe.mail")
    expect(frame.get_by_text("Hello Ada,")).to_be_visible()
    expect(frame.get_by_role("link", name="Unsubscribe from these e-mails")).to_be_visible()
    assert page.locator("iframe.mail").get_attribute("sandbox") == ""


def test_a_rep_goes_through_the_script(page: Page, site: Site) -> None:
    lead = site.run("select id from lead where closed_at is null limit 1")[0]["id"]
    page.goto(f"/leads/{lead}/script")
    for answer in ("Yes, go ahead", "A problem that costs them today", "They decide alone", "A budget is set"):
        page.get_by_role("button", name=answer).click()
        expect(page.locator("ol.asked").get_by_text(answer)).to_be_visible()
    expect(page.get_by_role("group", name="By when should it work?")).to_be_visible()
    assert len(site.run("select 1 from script_answer")) == 4


def test_the_script_stands_on_the_leads_page_and_works_without_scripts_of_ours(page: Page, site: Site) -> None:
    lead = site.run("select id from lead where closed_at is null limit 1")[0]["id"]
    page.goto(f"/leads/{lead}")
    here = page.locator("#script")
    expect(here.get_by_role("group", name="Is this a good moment?")).to_be_visible()
    results = Axe().run(page, options=RULES)
    assert results.violations_count == 0, results.generate_report()
    here.get_by_role("button", name="Call me another time").click()
    expect(page.get_by_role("link", name="asked to be called back")).to_have_attribute("href", f"/leads/{lead}#log")
    page.route("**/htmx.min.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(f"/leads/{lead}")
    page.get_by_role("link", name="Open the script").click()
    expect(page).to_have_url(f"/leads/{lead}/script")
