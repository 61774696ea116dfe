"""Erasing a person in a browser: what would go, the tick, and what remains, also when Temporal does not answer."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from speedlead.cadence_errors import LeadUnavailable
from tests.browser.conftest import Site
from tests.browser.looking import looks_right
from tests.store.hand_made import AVA, BEN

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_person_is_erased_after_a_tick_and_what_remains_is_said(
    page: Page, site: Site, scheme: Any, tmp_path: Path
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"/leads/{AVA}")
    page.get_by_role("link", name="Erase", exact=False).click()
    expect(page.get_by_text("with their one lead; it is open and ends now")).to_be_visible()
    expect(page.get_by_role("row", name="What you asked us")).to_contain_text("1")
    looks_right(page, tmp_path, f"erase-{scheme}")
    page.get_by_role("button", name="Erase this person").click()  # the browser asks for the tick
    expect(page.get_by_label("I have checked")).to_be_focused()
    assert site.run("select name from person p join lead l on l.person_id = p.id where l.id = $1", AVA)[0]["name"]
    page.get_by_label("I have checked").check()
    page.get_by_role("button", name="Erase this person").click()
    expect(page.get_by_role("status")).to_contain_text("Erased. One lead is left without a person")
    expect(page.get_by_role("alert")).to_have_count(0)
    looks_right(page, tmp_path, f"erased-{scheme}")
    assert [(lead, name) for lead, name, _ in site.recorder.asked] == [(AVA, "stop")]
    page.get_by_role("link", name="Back to all leads").click()
    expect(page.get_by_role("link", name=f"Workflow of lead {BEN[:8]}")).to_be_visible()
    expect(page.get_by_role("link", name=f"Workflow of lead {AVA[:8]}")).to_have_count(0)
    page.goto(f"/leads/{AVA}")
    for gone in ("Ava", "ava@northwind", "+12125550142", "Northwind Robotics", "lose leads over the weekend"):
        expect(page.get_by_text(gone)).to_have_count(0)
    looks_right(page, tmp_path, f"lead-without-a-person-{scheme}")


def test_when_temporal_does_not_answer_nothing_goes_and_the_page_says_so(
    page: Page, site: Site, tmp_path: Path
) -> None:
    site.recorder.problem = LeadUnavailable("Temporal does not answer")
    page.goto(f"/leads/{BEN}/erase")
    page.get_by_label("I have checked").check()
    page.get_by_role("button", name="Erase this person").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was erased; try again")
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 that is meant
    looks_right(page, tmp_path, "nothing-erased")
    assert site.run("select count(*) n from person where name = 'Ben Carter'")[0]["n"] == 1


def test_what_could_not_be_deleted_at_once_is_named(page: Page, site: Site, tmp_path: Path) -> None:
    site.recorder.forgets = False  # Temporal goes away between the end of the lead and the end of its history
    page.goto(f"/leads/{BEN}/erase")
    page.get_by_label("I have checked").check()
    page.get_by_role("button", name="Erase this person").click()
    expect(page.get_by_role("status")).to_contain_text("Erased.")
    expect(page.get_by_role("alert")).to_contain_text("it keeps one history")
    looks_right(page, tmp_path, "histories-remain")


def test_a_manager_finds_no_way_there(page: Page, site: Site) -> None:
    site.sign_in(page.context, "manager")
    page.goto(f"/leads/{AVA}")
    expect(page.get_by_role("link", name="Erase", exact=False)).to_have_count(0)
