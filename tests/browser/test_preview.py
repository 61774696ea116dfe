"""The preview of a plan: the fields lead to a picture and a table; what is wrong with a field is said beside it."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_pages import RULES

pytestmark = pytest.mark.browser

PATH = "/plans/preview"
NIGHT = PATH + "?" + urlencode({
    "type": "hot", "phone": "+55 11 98765-4321", "at": "2026-11-20T23:10-03:00", "email": "any",
    "consent_text": "shown", "consent_sms": "yes",
})  # fmt: skip
WRONG = PATH + "?type=lukewarm&phone=12&at=soon&email=any"


@pytest.fixture
def office(site: Site) -> Site:
    """Everybody works from eight to seven, so that the lead's own hours decide."""
    week = {str(day): [[480, 1140]] for day in range(5)}
    site.run("update rep set zone = 'America/Sao_Paulo', weekly = $1", week)
    return site


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "path"), [("empty", PATH), ("night", NIGHT), ("wrong", WRONG)])
def test_everybody_can_use_the_page(
    page: Page, office: Site, scheme: str, name: str, path: str, tmp_path: Path
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(path)
    if name == "wrong":
        page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 that is meant
    results = Axe().run(page, options=RULES)
    assert results.violations_count == 0, results.generate_report()
    page.screenshot(path=tmp_path / f"preview-{name}-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": 400, "height": 800})
    page.screenshot(path=tmp_path / f"preview-{name}-{scheme}-narrow.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400, "the page scrolls sideways on a phone"


def test_the_fields_lead_to_the_week_of_touches(page: Page, office: Site) -> None:
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Preview of the plan").click()
    page.get_by_label("Lead type").select_option("hot")
    page.get_by_label("Phone").fill("+55 11 98765-4321")
    page.get_by_label("Comes in at").fill("2026-11-20T23:10")
    page.get_by_role("button", name="Preview").click()
    expect(
        page.get_by_text("A person calls you on Monday 23 November, by 09:03 (Sao Paulo time).").first
    ).to_be_visible()
    expect(page.get_by_role("img", name="A hot lead that never answers")).to_be_visible()
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Fri 20 Nov, 23:10")
    expect(rows.nth(2)).to_contain_text("Mon 23 Nov, 09:00")
    expect(rows.nth(2)).to_contain_text("it is the weekend where the lead is")
    expect(rows.nth(3)).to_contain_text("7 min after call 1")
    # what was typed stays, on the lead's clock
    expect(page.get_by_label("Comes in at")).to_have_value("2026-11-20T23:10")
    page.get_by_label("The lead ticked SMS").uncheck()
    page.get_by_role("button", name="Preview").click()
    expect(rows.filter(has_text="SMS 1")).to_contain_text("skipped: there is no consent to SMS")


def test_a_wrong_field_is_marked_and_keeps_what_was_typed(page: Page, office: Site) -> None:
    page.goto(PATH + "?" + urlencode({"type": "hot", "phone": '"><b>12', "at": "soon", "email": "any"}))
    page.complaints.clear()  # type: ignore[attr-defined]  # the 422 that is meant
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Phone: not a valid phone number")
    expect(alert).to_contain_text("Comes in at: not a moment; expected a date and a time of day")
    expect(page.get_by_label("Phone")).to_have_value('"><b>12')
    expect(page.get_by_label("Phone")).to_have_accessible_description(re.compile("not a valid phone number"))
    expect(page.get_by_label("Phone")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("table")).to_have_count(0)


def test_a_lead_that_nothing_can_be_sent_to_is_handed_over(page: Page, office: Site) -> None:
    page.goto(PATH)
    page.get_by_label("Phone").fill("+12035550148")
    page.get_by_label("Comes in at").fill("2026-11-24T10:00")
    for box in ("The lead gave an e-mail address", "The form showed its consent text", "The lead ticked SMS"):
        page.get_by_label(box).uncheck()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("handed to a person of ours")).to_be_visible()
    expect(page.get_by_role("table")).to_contain_text("a task for the owner")
