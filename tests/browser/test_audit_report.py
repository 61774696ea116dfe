"""The audit of the week, as operations read it."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_findings_stand_by_kind_with_what_to_do(site: Site, page: Page, tmp_path: Path, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    site.run("delete from audit_run")
    page.goto(f"{site.url}/audit-report")
    expect(page.get_by_text("None was made yet")).to_be_visible()
    site.run("insert into audit_run (at, days) values ('2026-11-23 06:00+00', 7)")
    site.run(
        """insert into audit_finding select r.id, f.number, f.kind, l.id, f.subject, f.detail, f.minutes
           from audit_run r, (values (1, 'unused', 'territory DE', 'no lead asked for it in 30 days', null::numeric),
               (2, 'loop', null, 'handed over 3 times', null), (3, 'by_hand', null, 'to Dana', 42)) f
               (number, kind, subject, detail, minutes)
           left join lateral (select id from lead order by id limit 1) l on f.subject is null"""
    )
    page.reload()
    expect(page.get_by_role("heading", name="Leads that were handed round")).to_be_visible()
    expect(page.get_by_role("row", name="territory DE no lead asked for it in 30 days")).to_be_visible()
    expect(page.get_by_text("make it a rule of the routing file")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="to Dana").get_by_role("cell", name="42")).to_be_visible()
    found = Axe().run(page).response["violations"]
    assert found == []
    page.screenshot(path=tmp_path / "audit.png", full_page=True)
    lead = str(site.run("select id from lead order by id limit 1")[0][0])
    page.get_by_role("row").filter(has_text="to Dana").get_by_role("link").click()
    expect(page).to_have_url(f"{site.url}/leads/{lead}")
