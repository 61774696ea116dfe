"""The pages of mappings, as operations use them."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.looking import looks_right
from tests.store.hand_made import AVA, NOW

CAME = """
insert into webhook (id, digest, provider, path, query, content_type, body, signed_by, about, received_wall, state,
    next_try_wall, reason)
values (gen_random_uuid(), $1, 'mapping', 'webflow', '', 'application/json', '', 'webflow', $2, $3, $4, $5, $6)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_came_is_read_and_a_sample_is_tried(site: Site, page: Page, tmp_path: Path, scheme: Any) -> None:
    site.run("delete from webhook")
    for state, due, reason in (
        ("done", None, None),
        ("done", None, "left out: phone: not a valid phone number; expected a phone number with its country code"),
        ("failed", None, "email: neither e-mail nor phone was given; expected an e-mail address or a phone number"),
        ("waiting", NOW, "no lead of ours has this id, address or number"),
    ):
        about = [AVA] if state == "done" else []
        site.run(CAME, f"{state}{reason}", about, NOW, state, due, reason)
    site.run("insert into mapping_refusal values ('webflow', 3, 'forged', $1) on conflict do nothing", NOW)
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{site.url}/hooks")
    page.get_by_role("link", name="What they tell us").click()
    expect(page.get_by_role("row", name="webflow")).to_contain_text("closed: no secret")
    looks_right(page, tmp_path, f"mappings-{scheme}")
    page.get_by_role("link", name="webflow").click()
    looks_right(page, tmp_path, f"mapping-{scheme}")
    page.get_by_role("button", name="Show what would be made").click()
    expect(page.get_by_role("heading", name="A lead would be made")).to_be_visible()
    expect(page.get_by_role("definition").filter(has_text="+13105550148")).to_be_visible()
    looks_right(page, tmp_path, f"mapping-tried-{scheme}")
    page.get_by_label("What they send").fill('{"triggerType": "form_submission", "triggerType": 2}')
    page.get_by_role("button", name="Show what would be made").click()
    expect(page.get_by_role("alert")).to_contain_text("one stands twice")
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 that is meant
    page.get_by_role("button", name="Act again").click()
    expect(page.get_by_role("status")).to_have_text("They are acted on again.")
    page.goto(f"{site.url}/mappings/zendesk-ticket")  # the one with the longest address in its words
    looks_right(page, tmp_path, f"mapping-long-{scheme}")
