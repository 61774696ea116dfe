"""The lead's page says why this rep, with everybody's score."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.store.hand_made import AVA, NOW

pytestmark = pytest.mark.browser

PARTS = {"geography": 1.0, "expertise": 0.75, "load": 0.9, "availability": 1.0, "performance": 0.5}
WEIGHTS = {"geography": 2, "expertise": 2, "load": 4, "availability": 2, "performance": 1}


def test_everybodys_score_can_be_read(page: Page, site: Site) -> None:
    reps = [row["id"] for row in site.run("select id from rep order by name")]
    owner = site.run("select owner_id from lead where id = $1", AVA)[0]["owner_id"]
    others = [rep for rep in reps if rep != owner]
    scores = [{"rep": owner, "score": 0.86, **PARTS, "no": []}]
    scores += [{"rep": rep, "score": 0.41, **PARTS, "no": ["off_shift", "other_language"]} for rep in others]
    site.run(
        """insert into assignment (lead_id, inquiry_number, rep_id, reason, weights, candidates, at)
           values ($1, 1, $2, 'best_fit', $3, $4, $5)""",
        AVA, owner, WEIGHTS, scores, NOW,
    )  # fmt: skip
    page.goto(f"/leads/{AVA}")
    part = page.get_by_role("region", name="Why this rep")
    expect(part).to_contain_text("fits best")
    part.get_by_text("Why not another one").click()
    rows = part.get_by_role("listitem")
    expect(rows).to_have_count(len(reps))
    expect(rows.nth(1)).to_contain_text("Is not on shift when the lead may be reached; does not speak")
