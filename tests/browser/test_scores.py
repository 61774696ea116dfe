"""The scores of rules, and what a lead's page knows: in light and dark, and on a phone."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.looking import looks_right


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_known_says_by_whom_and_can_be_called_wrong(
    site: Site, page: Page, tmp_path: Path, scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    lead = str(site.run("select id::text from lead where closed_at is null order by id limit 1")[0][0])
    site.run("delete from known_fact")
    site.run("delete from judgement")
    site.run(
        f"""insert into known_fact (lead_id, name, source, value, confidence, at)
            select '{lead}', name, f.source, value::jsonb, sure, created_at from lead, (values
                ('company', 'own_table', '"Engines Ltd"', 0.95), ('employees', 'http', '1200', 0.7),
                ('free_mail', 'mail_lists', 'false', 0.8)) f (name, source, value, sure) where id = '{lead}'"""
    )
    site.run(
        f"""insert into judgement select id, 1, 'warm', 'hot', 'hot', 80,
                '[["named-account", 50, "a named account of ours"], ["asked-warm", 30, "what they asked for"]]',
                1, null, 'source_slow', 12, created_at from lead where id = '{lead}'"""
    )
    page.goto(f"{site.url}/leads/{lead}?live=off")
    card = page.get_by_role("region", name="What we know")
    expect(card.get_by_role("definition").filter(has_text="1,200")).to_have_count(1)
    expect(card.get_by_text("its form alone says warm")).to_be_visible()
    expect(card.get_by_text("the outside source did not answer in time")).to_be_visible()
    card.get_by_text("Why, and who says so").click()
    expect(card.get_by_text("a named account of ours")).to_be_visible()
    looks_right(page, tmp_path, f"lead-{scheme}")
    card.get_by_role("button", name="People there by the outside source is wrong").click()
    expect(page.get_by_text("this counts for nothing any more")).to_be_visible()
    expect(card.get_by_role("definition").filter(has_text="1,200")).to_have_count(0)

    page.goto(f"{site.url}/scores?days=365")
    rules = page.get_by_role("region", name="Rules")
    expect(rules.get_by_role("row").filter(has_text="a named account of ours")).to_contain_text("+50")
    looks_right(page, tmp_path, f"scores-{scheme}")
