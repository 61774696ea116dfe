"""The pages of webhooks, as operations use them."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.looking import looks_right
from tests.store.hand_made import AVA, NOW


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_endpoint_is_added_and_its_story_is_read(site: Site, page: Page, tmp_path: Path, scheme: Any) -> None:
    site.run("delete from hook_endpoint")
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{site.url}/hooks")
    expect(page.get_by_text("Nobody is told yet")).to_be_visible()
    page.get_by_role("link", name="Add an endpoint").click()
    page.get_by_label("Name", exact=True).fill("crm")
    page.get_by_role("textbox", name="Address").fill("https://10.0.0.1/hooks")
    page.get_by_role("button", name="Add, and make a secret").click()
    expect(page.get_by_role("alert")).to_contain_text("expected a public host")
    looks_right(page, tmp_path, f"hook-refused-{scheme}")
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 that is meant
    page.get_by_role("textbox", name="Address").fill("https://93.184.215.14/hooks?token=sesame")
    page.get_by_label("Name, company, e-mail addresses and phone numbers of the lead").check()
    page.get_by_label("Types").fill("hot, warm")
    page.get_by_role("button", name="Add, and make a secret").click()
    expect(page.get_by_label("Secret", exact=True)).to_contain_text("whsec_")
    looks_right(page, tmp_path, f"hook-secret-{scheme}")
    site.run("insert into story (lead_id, at, kind) values ($1, $2, 'accepted')", AVA, NOW)
    for status, error, excerpt in (
        (204, None, None),
        (503, None, "busy, come back later " * 10),
        (None, "too_slow", None),
    ):
        site.run(
            """insert into hook_try (endpoint_id, seq, lead_id, event_id, type, at_wall, ms, status, error, excerpt)
               select p.id, e.seq, e.lead_id, e.id, e.type, $1, 120, $2, $3, $4 from hook_endpoint p, hook_event e""",
            NOW, status, error, excerpt,
        )  # fmt: skip
    site.run("update hook_event set spread = true")
    page.goto(f"{site.url}/hooks")
    looks_right(page, tmp_path, f"hooks-{scheme}")
    page.get_by_role("link", name="crm").click()
    looks_right(page, tmp_path, f"hook-{scheme}")
    page.get_by_role("button", name="Send lead.accepted").first.click()
    expect(page.get_by_role("status")).to_have_text("1 events are sent again.")
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_role("status")).to_have_text("It is off.")
    page.get_by_role("button", name="Remove the endpoint").click()
    expect(page.get_by_role("status")).to_have_text("The endpoint was removed.")
