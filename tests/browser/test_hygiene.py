"""The pages of hygiene: lists that lead to leads, setting aside by hand, in light and dark, and on a phone."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.looking import looks_right
from tests.store.hand_made import AVA

_FOUND = """
with now as (insert into hygiene_run (week, started_wall, ended_wall, stage, looked_at, repaired, found) values
    ('2026-W46', '2026-11-16 05:00Z', '2026-11-16 05:01Z', 'over', 1200, 0, '{"mail_bad": 2, "past": 0}'),
    ('2026-W47', '2026-11-23 05:00Z', '2026-11-23 05:01Z', 'over', 1234, 1, '{"mail_bad": 1, "past": 3}')),
fixed as (insert into hygiene_repair select gen_random_uuid(), person_id, 'name', 'Ava  Müller ', 'Ava Müller',
    '2026-11-23 05:00Z' from lead where id = '%(lead)s')
insert into hygiene_finding select gen_random_uuid(), f.kind, f.kind, 'x', l.person_id, l.id, f.detail::jsonb,
    '2026-11-16 05:00Z', 2
from lead l, (values
    ('mail_bad', '{"way": "ava@old.example", "why": "bounced:550", "open": true}'),
    ('phone_silent', '{"way": "+14155550133", "calls": 7, "days": 4, "open": true}'),
    ('no_outcome', '{"since": "2026-11-09T10:00:00+00:00", "open": true}')) f (kind, detail)
where l.id = '%(lead)s' returning 1"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_was_found_leads_to_the_lead_and_is_set_aside(site: Site, page: Page, tmp_path: Path, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    for table in ("hygiene_finding", "hygiene_run", "hygiene_repair"):
        site.run(f"delete from {table}")
    site.run(_FOUND % {"lead": AVA})
    page.goto(f"{site.url}/hygiene")
    rows = page.get_by_role("region", name="To be put right").get_by_role("row")
    expect(rows.filter(has_text="Mail addresses that do not work").get_by_role("cell")).to_have_text(
        ["1", "2", "0", "CSV"])  # fmt: skip
    expect(page.get_by_text("3 people are past the")).to_be_visible()
    looks_right(page, tmp_path, f"hygiene-{scheme}")
    rows.get_by_role("link", name="Mail addresses that do not work", exact=True).click()
    expect(page.get_by_text("ava@old.example: the mail came back (550)")).to_be_visible()
    page.get_by_label("Why: Ava Müller").select_option("Somebody is at it")
    page.get_by_role("button", name="Set aside: Ava Müller").click()
    expect(page.get_by_text("It is set aside until it changes.")).to_be_visible()
    expect(page.get_by_role("region", name="Set aside, as a table")).to_contain_text("Somebody is at it")
    looks_right(page, tmp_path, f"hygiene-kind-{scheme}")
    page.get_by_role("link", name="Ava Müller").click()
    expect(page.get_by_role("heading", name="Ava Müller")).to_be_visible()
