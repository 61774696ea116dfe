"""The page of figures in a browser: filter, files, freshness; for everybody, and without scripts."""

import asyncio
import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from speedlead.demo.season.fill import fill
from tests.browser.conftest import Site
from tests.browser.looking import looks_right
from tests.store.hand_made import NOW

pytestmark = pytest.mark.browser


def emptied(page: Page, site: Site) -> None:
    site.empty("person, rep, plan, lead_fact, lead_stale")
    site.sign_in(page.context)  # sessions went with the reps


@pytest.fixture
def season(page: Page, site: Site) -> Site:
    """Instead of the leads made by hand."""
    emptied(page, site)
    [row] = site.run("select current_database() as name")
    work = fill(site.databases.postgres.dsn(row["name"]), 400, until=NOW, days=30)
    asyncio.run_coroutine_threadsafe(work, site._loop).result(60)
    return site


def opened(page: Page, path: str) -> None:
    """The page, once all of its figures are there."""
    page.goto(path)
    expect(page.locator(".waits")).to_have_count(0, timeout=20_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_page(page: Page, season: Site, scheme: str, tmp_path: Path) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    opened(page, "/ops?period=30d")
    looks_right(page, tmp_path, f"numbers-{scheme}")
    for summary in page.get_by_text("Table", exact=True).all():
        summary.click()
    page.get_by_text("Marketing answers for it", exact=True).click()
    looks_right(page, tmp_path, f"numbers-open-{scheme}")


def test_an_empty_house_says_so_in_words(page: Page, site: Site, tmp_path: Path) -> None:
    emptied(page, site)
    opened(page, "/ops")
    expect(page.get_by_role("region", name="Sources")).to_contain_text("No lead came in this period")
    looks_right(page, tmp_path, "numbers-empty")


def test_a_filter_is_kept_by_the_link_and_the_file_has_what_the_page_shows(page: Page, season: Site) -> None:
    opened(page, "/ops?period=30d")
    with page.expect_navigation():
        page.locator("#filter").get_by_label("Source").select_option("paid_ads")
    expect(page).to_have_url(re.compile(r"/ops\?period=30d&source=paid_ads$"))
    expect(page.locator(".waits")).to_have_count(0, timeout=20_000)
    expect(page.locator("#filter").get_by_label("Source")).to_have_value("paid_ads")
    page.get_by_role("region", name="Sources", exact=True).get_by_text("Table").click()
    shown = page.get_by_role("region", name="Sources, as a table").get_by_role("row")
    expect(shown).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="Sources as CSV").click()
    rows = list(csv.reader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))
    assert download.value.suggested_filename == "speedlead-sources.csv"
    assert (len(rows), rows[1][0]) == (2, "paid ads")
    expect(shown.nth(1).get_by_role("cell").first).to_have_text(rows[1][1])
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("#filter").get_by_label("Source")).to_have_value("")


def test_a_new_lead_is_in_the_figures_without_a_reload(page: Page, season: Site) -> None:
    opened(page, "/ops?period=30d&source=fair")
    sources = page.get_by_role("region", name="Sources", exact=True)
    expect(sources).to_contain_text("No lead came in this period")
    page.get_by_role("region", name="Data quality").get_by_text("What it counts").click()
    season.run(
        """with p as (insert into person (id, created_at) values (gen_random_uuid(), $1) returning id)
           insert into lead (id, person_id, form_key, lead_type, intent, source, plan_id, plan_version, created_at,
               created_wall) select gen_random_uuid(), p.id, 'demo', 'hot', 'pricing', 'fair', plan.id, version, $2, $2
           from p, plan limit 1""", NOW, NOW.replace(hour=9),
    )  # fmt: skip
    season.run("insert into story (lead_id, at, kind) select id, $1, 'inquiry' from lead where source = 'fair'", NOW)
    expect(sources).to_contain_text("100", timeout=20_000)
    expect(page.get_by_role("region", name="Data quality").get_by_text("Can we reach who asks us")).to_be_visible()


def test_without_scripts_the_page_is_complete(browser: Browser, season: Site) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=season.url)
    season.sign_in(context, "analyst")
    page = context.new_page()
    page.goto("/ops?period=30d&live=off")
    expect(page.locator(".waits")).to_have_count(0)
    expect(page.locator(".figure")).to_have_count(8)
    page.locator("#filter").get_by_label("Type").select_option("hot")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"type=hot"))
    expect(page.get_by_role("link", name="Start updates")).to_be_visible()
    context.close()


def test_a_page_that_hears_nothing_says_so(page: Page, season: Site) -> None:
    opened(page, "/ops")
    season.run("delete from session")
    expect(page.locator("#stale")).to_contain_text("signed out", timeout=20_000)
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 401 that may be meant
