"""Signing in and the pages about accounts: what they show and do, and that everybody can use them."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_pages import RULES
from tests.store.hand_made import AVA, SAM

pytestmark = pytest.mark.browser

PASSWORD = "violet ladder 7 quickly"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/link/x", "/account", "/accounts", "/audit"])
def test_everybody_can_use_the_page(page: Page, site: Site, scheme: str, path: str, tmp_path: Path) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    if path.startswith("/sign-in"):
        page.context.clear_cookies()
    page.goto(path)
    if path == "/accounts":
        page.get_by_label("E-mail").fill(f"mara-{scheme}@acme.example")
        page.get_by_role("button", name="Add, and make a link").click()
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 410 that is meant
    results = Axe().run(page, options=RULES)
    assert results.violations_count == 0, results.generate_report()
    name = path.strip("/").replace("/", "-")
    page.screenshot(path=tmp_path / f"{name}-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": 400, "height": 800})
    page.screenshot(path=tmp_path / f"{name}-{scheme}-narrow.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400, "the page scrolls sideways on a phone"


def test_somebody_new_is_added_chooses_a_password_and_comes_back_where_they_were_going(page: Page, site: Site) -> None:
    page.goto("/accounts")
    page.get_by_label("E-mail").fill("new@acme.example")
    page.get_by_role("combobox", name="Role").first.select_option("analyst")
    page.get_by_role("button", name="Add, and make a link").click()
    link = page.get_by_label("Sign-in link", exact=True).inner_text()
    page.context.clear_cookies()
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Until then only a link lets you in.")).to_be_visible()
    page.get_by_label("New password").fill("password")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("at least 12 characters")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Your password is set")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.goto(f"/leads/{AVA}?live=off")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("E-mail").fill("new@acme.example")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not open an account")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(f"/leads/{AVA}\\?live=off"))
    # an analyst reads: there is nothing to press
    expect(page.get_by_role("heading", name="Ava Müller")).to_be_visible()
    expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 and 403 that are meant


FIGURES = ["Numbers", "Weekly review", "Quality", "Return", "Scenarios", "What if"]
TEAM, PLAN = ["On call", "People", "Capacity"], ["Plans", "Preview", "Experiments", "Scores"]
# a list is a group that is folded
SHOWN: dict[str, list[str | tuple[str, list[str]]]] = {
    "rep": ["My leads", "Numbers", "Quality", "On call", "Plans", "Preview", "Form"],
    "support": ["All leads", "Numbers", "Form"],
    "marketing": [("Figures", ["Numbers", "Weekly review", "Return", "Scenarios"]), ("Plan", PLAN), "Form"],
    "manager": ["My leads", "All leads", ("Figures", FIGURES), ("Team", TEAM), ("Plan", PLAN),
                ("Data", ["Form", "Hygiene"])],
    "admin": ["My leads", "All leads", ("Figures", FIGURES), ("Team", TEAM), ("Plan", PLAN),
              ("Data", ["Form", "Hygiene", "Webhooks", "Mappings", "Duplicates"]),
              ("House", ["First steps", "Accounts", "Audit", "Audit report"])],
}  # fmt: skip


def test_the_navigation_shows_what_the_role_may_open(page: Page, site: Site) -> None:
    navigation = page.get_by_role("navigation", name="Main")
    for role, names in SHOWN.items():
        site.sign_in(page.context, role)
        page.goto("/")
        expect(navigation.get_by_role("link")).to_have_text([name for name in names if isinstance(name, str)])
        expect(navigation.locator("summary")).to_have_text([name[0] for name in names if not isinstance(name, str)])
        for group, links in (name for name in names if not isinstance(name, str)):
            navigation.get_by_text(group, exact=True).click()
            expect(navigation.get_by_role("group").get_by_role("link")).to_have_text(links)
        for path in navigation.locator("a").evaluate_all("links => links.map(link => link.getAttribute('href'))"):
            answer = page.request.get(path)
            assert answer.ok, (role, path)
            assert path == "/form" or f'<a href="{path}" aria-current="page">' in answer.text(), path


def test_the_navigation_works_by_keyboard_and_closes_when_it_is_left(page: Page, site: Site) -> None:
    page.goto("/capacity")
    navigation = page.get_by_role("navigation", name="Main")
    for size in ({"width": 1280, "height": 800}, {"width": 400, "height": 800}):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        team = navigation.get_by_text("Team", exact=True)
        expect(team).to_have_attribute("aria-current", "true")  # this page is in it
        team.focus()
        page.keyboard.press("Enter")
        expect(navigation.get_by_role("link", name="Capacity")).to_have_attribute("aria-current", "page")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], "the group leaves the page"
        results = Axe().run(page, options=RULES)
        assert results.violations_count == 0, results.generate_report()
        page.keyboard.press("Tab")
        expect(navigation.get_by_role("link", name="On call")).to_be_focused()
        page.keyboard.press("Escape")
        expect(team).to_be_focused()
        expect(navigation.get_by_role("link", name="On call")).to_be_hidden()
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Capacity").click()
        expect(navigation.get_by_role("link", name="On call")).to_be_hidden()


def test_a_manager_works_for_a_rep_and_the_audit_names_the_manager(page: Page, site: Site) -> None:
    site.sign_in(page.context, "manager")
    page.goto("/rep")
    page.get_by_role("button", name="Sam Reyes").click()
    page.get_by_role("button", name="Accept Ava Müller").click()
    expect(page.get_by_role("status")).to_have_text("You have accepted the lead.")
    assert site.recorder.asked == [(AVA, "accept", {"rep_id": SAM})]
    page.goto("about:blank")  # a page that refreshes itself would meet the end of its session
    site.sign_in(page.context, "ops")
    page.goto(f"/audit?object={AVA}")
    row = page.get_by_role("row").filter(has_text="accept")
    expect(row.first).to_contain_text("manager@staff.example")


def test_a_page_that_refreshes_goes_to_the_sign_in_when_the_session_is_over(page: Page, site: Site) -> None:
    """A rep's page stays, with what is being typed, and has the way to the sign-in (test_rep_page.py)."""
    site.sign_in(page.context, "manager")
    page.goto("/ops/leads")
    site.run("delete from session")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=9_000)
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 401 that is meant
