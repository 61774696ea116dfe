"""What speed is worth, and the first steps, in a browser: for everybody, on paper too."""

import asyncio
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from speedlead.demo.season.fill import fill
from tests.browser.conftest import Site
from tests.browser.looking import looks_right
from tests.store.hand_made import NOW

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_steps_say_what_is_there(page: Page, site: Site, scheme: str, tmp_path: Path) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto("/")
    page.get_by_role("link", name="First steps").click()
    territory = page.get_by_role("listitem").filter(has_text="Route by territory")
    expect(territory).to_contain_text("0 of 2 reps have a territory")
    expect(territory).to_contain_text("open")
    looks_right(page, tmp_path, f"start-{scheme}")
    site.run("update rep set territories = array['US']")
    page.reload()
    expect(territory).to_contain_text("2 of 2")
    expect(territory).to_contain_text("done")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_return_looks_right_and_answers_what_is_typed(page: Page, site: Site, scheme: str, tmp_path: Path) -> None:
    site.empty("person, rep, plan")
    site.sign_in(page.context)
    [row] = site.run("select current_database() as name")
    work = fill(site.databases.postgres.dsn(row["name"]), 400, until=NOW, days=60)
    asyncio.run_coroutine_threadsafe(work, site._loop).result(60)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto("/roi")
    expect(page.get_by_role("row", name="Leads that buy now")).to_contain_text("your data")
    looks_right(page, tmp_path, f"roi-{scheme}")
    if scheme == "light":
        typed_and_printed(page, tmp_path)


def typed_and_printed(page: Page, tmp_path: Path) -> None:
    page.get_by_label("Currency").fill("EUR")
    page.get_by_role("button", name="Reckon").click()
    expect(page.get_by_role("alert")).to_contain_text("what a dollar costs in EUR")
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 that is meant
    looks_right(page, tmp_path, "roi-refused")
    page.get_by_label("A dollar costs").fill("0.9")
    page.get_by_role("button", name="Reckon").click()
    expect(page.get_by_role("row", name="A customer brings")).to_contain_text("4,500 EUR")
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Reckon")).to_be_hidden()
    page.set_viewport_size({"width": 800, "height": 1100})
    page.screenshot(path=tmp_path / "roi-print.png", full_page=True)
