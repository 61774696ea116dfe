"""Reviews of contacts in a browser: a manager's way from the list to the figure, and what a rep sees of it."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.looking import looks_right
from tests.store.hand_made import AVA, NOW, REPLIED, SAM, ago

pytestmark = pytest.mark.browser
PICK, OTHER = (f"{n}b000000-0000-4000-8000-000000000000" for n in (1, 2))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_contact_is_reviewed_and_its_rep_reads_it(page: Page, site: Site, scheme: str, tmp_path: Path) -> None:
    site.run("delete from quality_week")
    site.run("insert into quality_week values ('2026-11-16', 40, 2, 0.05, $1)", NOW)
    for pick, lead, touch in ((PICK, AVA, "acknowledge-1"), (OTHER, REPLIED, "call-9")):
        site.run(
            """insert into quality_pick (id, contact, kind, lead_id, rep_id, week, at)
               values ($1, 'call:' || $2::text || '.' || $5::text, 'call', $2::text::uuid, $3, '2026-11-16', $4)""",
            pick, lead, SAM, ago(days=3), touch,
        )  # fmt: skip
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto("/quality")
    page.get_by_role("row").filter(has_text="Ava Müller").get_by_role("link").click()
    for mark in ("2: all right", "1: in part", "2: who does what by when"):
        page.get_by_label(mark).check()
    page.get_by_label("Remark").fill("Good questions; let her finish.")
    page.get_by_text("The lead's story until then").click()
    page.get_by_role("button", name="Keep the review").click()
    expect(page.get_by_role("alert")).to_contain_text("Tone: expected 0, 1 or 2")
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 that is meant
    looks_right(page, tmp_path, f"quality-contact-{scheme}")
    page.get_by_label("2: friendly and to the point").check()
    page.get_by_role("button", name="Keep the review").click()
    expect(page.get_by_role("status")).to_contain_text("Your review is kept.")
    expect(page.get_by_role("table", name="Quality by rep").get_by_role("row", name="Sam Reyes")).to_contain_text(
        "88 %"
    )
    looks_right(page, tmp_path, f"quality-{scheme}")
    site.sign_in(page.context, "rep", SAM)
    page.goto("/quality")
    page.get_by_role("link", name="Talk", exact=True).click()
    expect(page.get_by_text("Good questions; let her finish.")).to_be_visible()
    expect(page.get_by_role("button", name="Keep the review")).to_have_count(0)
    looks_right(page, tmp_path, f"quality-rep-{scheme}")
