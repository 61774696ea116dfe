"""Two entries side by side, in light and dark and on a phone; a click makes them one person, another two again."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.looking import looks_right


def test_a_pair_becomes_one_person_and_two_again(site: Site, page: Page, tmp_path: Path) -> None:
    # one of them has no open lead, so that none has to end
    people = site.run("select person_id::text from lead order by closed_at, created_at limit 2")
    one, other = (str(row[0]) for row in people)
    site.run("delete from duplicate")
    site.run(
        f"""insert into duplicate (one_id, other_id, score, reasons, certain, found_wall, seen_wall)
            values (least('{one}'::uuid, '{other}'), greatest('{one}'::uuid, '{other}'), 100,
                '{{same_mailbox,same_number,near_name}}', true, now(), now())"""
    )
    site.run(
        """insert into company_alike (domain, of_domain, reasons, found_wall, seen_wall)
           values ('acme.de', 'acme.com', '{same_company,same_domain_name}', now(), now())
           on conflict (domain, of_domain) do update set state = 'open'"""
    )
    page.emulate_media(color_scheme="light")
    page.goto(f"{site.url}/duplicates")
    expect(page.get_by_text("their mail goes to one mailbox, same number, almost the same name")).to_be_visible()
    looks_right(page, tmp_path, "duplicates-light")
    page.get_by_role("button", name="Merge, the older stays").click()
    expect(page.get_by_role("status")).to_contain_text("They are one person now")
    page.emulate_media(color_scheme="dark")
    looks_right(page, tmp_path, "duplicates-dark")
    page.get_by_role("button", name="Undo the merge").first.click()
    expect(page.get_by_role("status")).to_contain_text("They are two again")
    expect(page.get_by_text("No pair waits.")).to_be_visible()
    page.get_by_role("button", name="Join acme.de with acme.com").click()
    expect(page.get_by_role("status")).to_contain_text("They are one company now")
    page.get_by_role("button", name="Part acme.de from acme.com").click()
    expect(page.get_by_role("status")).to_contain_text("They are two companies")
