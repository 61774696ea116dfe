"""The pages /plans in a browser: a version, a draft that is wrong and then right, publishing, using, moving leads."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from speedlead.planbook import load_plan
from speedlead.store.plans import fingerprint
from tests.browser.conftest import Site
from tests.browser.looking import looks_right
from tests.store.hand_made import AVA

pytestmark = pytest.mark.browser
BASE = load_plan()
OLD, NEW = f"{BASE.id}:{BASE.version}", f"{BASE.id}:{BASE.version + 1}"


@pytest.fixture
def planned(site: Site) -> Site:
    """The leads follow a version that can be read, it has been in use for an hour, and somebody works."""
    site.run("delete from audit")
    site.run("""update rep set weekly = '{"0": [[540, 1020]], "1": [[540, 1020]], "2": [[540, 1020]],
        "3": [[540, 1020]], "4": [[540, 1020]]}'""")
    site.run("update touch set planned_at = coalesce(sent_at, settled_at, placed_at)")  # as whatever writes one does
    site.run("update plan set body = $1, sha256 = $2, used_wall = clock_timestamp() - interval '1 hour'",
             BASE.model_dump(mode="json", by_alias=True), fingerprint(BASE))  # fmt: skip
    return site


def comes_into_use(site: Site, name: str) -> None:
    """Now, and not some seconds after the instant at which the site's clock stands."""
    site.run("update plan set used_wall = clock_timestamp() where id || ':' || version = $1", name)


def version_row(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name="Published versions").get_by_role("row", name=name)


def expect_refusal(page: Page) -> None:
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 that is meant


def publish_new(page: Page, site: Site) -> None:
    """Version NEW: the first mail of hot leads ten minutes later than in OLD."""
    page.goto("/plans")
    page.get_by_role("button", name=f"New draft from {OLD}").click()
    text = page.get_by_label("Text")
    was = text.input_value()
    changed = was.replace("after: call-3, delay: 2m", "after: call-3, delay: 12m", 1)
    assert changed != was
    text.fill(changed)
    page.get_by_role("button", name="Save the text").click()
    page.get_by_label("Why").fill("A mail later")
    page.get_by_role("button", name="Publish for new leads").click()
    expect(page.get_by_role("status")).to_contain_text("Published")
    comes_into_use(site, NEW)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_pages(page: Page, planned: Site, scheme: Any, tmp_path: Path) -> None:
    page.emulate_media(color_scheme=scheme)
    publish_new(page, planned)
    page.goto("/plans")
    page.get_by_text("Use for new leads", exact=True).click()
    looks_right(page, tmp_path, f"plans-{scheme}")
    page.get_by_role("link", name="Draft ", exact=False).first.click()
    looks_right(page, tmp_path, f"published-draft-{scheme}")
    page.goto(f"/plans/migrate?from={OLD}&to={NEW}")
    looks_right(page, tmp_path, f"migration-{scheme}")


def test_a_draft_says_what_is_wrong_and_is_published_once_it_is_right(
    page: Page, planned: Site, tmp_path: Path
) -> None:
    page.goto("/plans")
    current = version_row(page, f"{BASE.id} version {BASE.version}")
    expect(current).to_contain_text("in use")
    expect(current.get_by_role("cell").nth(3)).to_have_text("6")  # open leads; Deepa's is closed
    page.get_by_role("button", name=f"New draft from {OLD}").click()
    expect(page.get_by_text("It may be published.")).to_be_visible()
    expect(page.get_by_text("Both say the same.")).to_be_visible()
    text = page.get_by_label("Text")
    right = text.input_value()

    text.fill(right.replace("template: useful", "template: nowhere", 1))
    page.get_by_role("button", name="Save the text").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.get_by_text("It cannot be published yet.")).to_be_visible()
    expect(page.get_by_role("region", name="Check").get_by_text("email/nowhere")).to_be_visible()
    expect(page.get_by_role("button", name="Publish for new leads")).to_have_count(0)
    looks_right(page, tmp_path, "draft-wrong")

    text.fill("id: [")
    page.get_by_role("button", name="Save the text").click()
    fault = page.get_by_role("region", name="Check").get_by_role("listitem")
    expect(fault).to_contain_text("not readable as YAML")  # one, though it takes the reader several lines
    looks_right(page, tmp_path, "draft-unreadable")

    text.fill(right)
    page.get_by_role("button", name="Save the text").click()
    page.get_by_label("Attempts within, hot").fill("soon")
    page.get_by_role("button", name="Save thresholds and sources").click()
    expect(page.get_by_role("alert")).to_contain_text("expected a duration such as 30s")
    expect_refusal(page)
    page.get_by_label("Attempts within, hot").fill("2m")
    page.get_by_role("button", name="Save thresholds and sources").click()
    expect(page.get_by_role("region", name="Lines that differ").locator("ins")).to_have_count(1)
    looks_right(page, tmp_path, "draft-right")

    page.get_by_role("button", name="Publish for new leads").click()  # the browser asks why first
    expect(page.get_by_label("Why")).to_be_focused()
    page.get_by_label("Why").fill("Two minutes are enough")
    page.get_by_role("button", name="Publish for new leads").click()
    expect(page.get_by_role("status")).to_contain_text("Published: new leads start on it")
    comes_into_use(planned, NEW)
    page.reload()
    row = version_row(page, f"{BASE.id} version {BASE.version + 1}")
    expect(row).to_contain_text("in use")
    expect(row).to_contain_text("Two minutes are enough")
    (stored,) = planned.run("select body from plan where version = $1", BASE.version + 1)
    assert next(target for target in stored["body"]["targets"] if target["id"] == "hot")["attempts"] == [120]
    assert planned.run("select count(*) n from lead where plan_version = $1", BASE.version)[0]["n"] == 7


def test_a_version_is_used_again_with_a_reason(page: Page, planned: Site, tmp_path: Path) -> None:
    publish_new(page, planned)
    page.goto("/plans")
    row = version_row(page, f"{BASE.id} version {BASE.version}")
    row.get_by_text("Use for new leads", exact=True).click()
    use = row.get_by_role("button", name=f"Use {OLD} for new leads")
    use.click()
    expect(row.get_by_label("Why")).to_be_focused()  # nothing goes without it
    row.get_by_label("Why").fill("The mail comes too late")
    use.click()
    expect(page.get_by_role("status")).to_have_text("New leads start on it in a few seconds.")
    comes_into_use(planned, OLD)
    page.goto("/audit")
    line = page.get_by_role("row").filter(has_text="plan use")
    expect(line).to_contain_text("why: The mail comes too late")
    expect(line).to_contain_text(f"in_use: {NEW}")
    expect(line.get_by_role("link", name=OLD)).to_be_visible()
    page.screenshot(path=tmp_path / "audit.png", full_page=True)


def test_moving_leads_is_shown_before_and_asked_with_a_reason(page: Page, planned: Site, tmp_path: Path) -> None:
    publish_new(page, planned)
    page.goto("/plans")
    page.get_by_role("link", name="Move open leads to another version").click()
    page.get_by_label("From").select_option(OLD)
    page.get_by_label(re.compile("^To")).select_option(NEW)
    page.get_by_label("Type").select_option("hot")
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.get_by_role("heading", level=2)).to_have_text(f"4 open leads on {OLD}; 4 can go to {NEW}")
    table = page.get_by_role("region", name="Leads by the step at which they stand")
    assert sum(int(n) for n in table.locator("tbody tr td:nth-child(3)").all_text_contents()) == 4
    page.get_by_role("button", name="Move 4 leads").click()
    expect(page.get_by_label("Why")).to_be_focused()
    page.get_by_label("Why").fill("A mail later")
    # somebody closes one of them meanwhile: what was shown is not what would happen
    planned.run("update lead set closed_at = created_at, close_reason = 'converted' where id = $1", AVA)
    page.get_by_role("button", name="Move 4 leads").click()
    expect(page.get_by_role("alert")).to_contain_text("Other leads match by now")
    expect_refusal(page)
    expect(page.get_by_label("Why")).to_have_value("A mail later")
    page.get_by_role("button", name="Move 3 leads").click()
    expect(page).to_have_url(f"{planned.url}/ops/steer/{planned.run('select id::text from steering_run')[0]['id']}")
    (run,) = planned.run("select action, asked, reason from steering_run")
    wanted = {"plan_id": BASE.id, "version": BASE.version + 1}
    assert (run["action"], run["asked"], run["reason"]) == ("change_plan", wanted, "A mail later")
    assert planned.run("select count(*) n from steering_item")[0]["n"] == 3
    looks_right(page, tmp_path, "run")


def test_marketing_sets_thresholds_and_does_no_more(page: Page, planned: Site, tmp_path: Path) -> None:
    planned.sign_in(page.context, "marketing")
    page.goto("/plans")
    expect(page.get_by_role("link", name="Move open leads")).to_have_count(0)
    page.get_by_role("button", name=f"New draft from {OLD}").click()
    page.get_by_label("Only these sources, paid-ads").fill("paid_ads, tiktok")
    page.get_by_role("button", name="Save thresholds and sources").click()
    expect(page.get_by_role("region", name="Lines that differ")).to_contain_text("tiktok")
    expect(page.get_by_role("button", name="Publish for new leads")).to_have_count(0)
    expect(page.get_by_label("Text")).not_to_be_editable()
    looks_right(page, tmp_path, "marketing")
