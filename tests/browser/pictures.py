"""The pictures of the README, from the rows that the browser tests use: `pytest tests/browser/pictures.py`."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Site
from tests.browser.test_pages import sign_in
from tests.store.hand_made import AVA, SCRIPT

pytestmark = pytest.mark.browser
FOLDER = Path(__file__).parents[2] / "docs" / "pictures"


def test_take_them(page: Page, site: Site) -> None:
    # one lead is there to try what a page does with markup; a reader would wonder
    site.run("update person set name = 'Leo Braun', company = 'Braun & Sons' "
             "where id = (select person_id from lead where id = $1)", SCRIPT)  # fmt: skip
    site.run("update inquiry set message = 'Could you send me a quote for 25 seats?' where lead_id = $1", SCRIPT)
    page.set_viewport_size({"width": 900, "height": 860})
    page.goto("/form")
    page.screenshot(path=FOLDER / "form.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 860})
    sign_in(page, site)
    page.goto(f"/rep?lead={AVA}")
    page.wait_for_timeout(500)
    page.screenshot(path=FOLDER / "rep.png")
    site.sign_in(page.context)
    page.goto(f"/leads/{AVA}")
    page.screenshot(path=FOLDER / "lead.png")
    page.goto("/ops/leads")
    page.screenshot(path=FOLDER / "ops.png")
