"""The lead's page as a conversation: what was written, what is owed, and a box to answer."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_pages import RULES, sign_in
from tests.store.hand_made import AVA, NOW, SAM, ago, coming

pytestmark = pytest.mark.browser
PAGE = f"/leads/{AVA}"


def talked(site: Site) -> None:
    """Ava asked, was answered, asked again; and one answer could not be sent."""
    for number, (body, due, answered, at) in enumerate(
        [("How much is it for 20 people?", ago(minutes=20), ago(minutes=30), ago(minutes=50)),
         ("And is <b>training</b> part of it?", ago(minutes=5), None, ago(minutes=15))]
    ):  # fmt: skip
        site.run(
            """insert into reply (id, lead_id, person_id, channel, subject, body, provider_id, received_at, due_at,
                   answered_at) select gen_random_uuid(), id, person_id, 'email', 'Re: Your demo request', $2, $3, $4,
                   $5, $6 from lead where id = $1""",
            AVA, body, f"<q{number}@example.com>", at, due, answered,
        )  # fmt: skip
    for number, (state, reason, at) in enumerate([("sent", None, ago(minutes=30)), ("skipped", "opted_out", ago())], 1):
        site.run(
            """insert into answer (id, lead_id, number, rep_id, channel, subject, body, written_at)
               values (gen_random_uuid(), $1, $2, $3, 'email', 'Re: Your demo', 'It is 10 a month each.', $4)""",
            AVA, number, SAM, at,
        )  # fmt: skip
        site.run(
            """insert into touch (id, lead_id, person_id, step, channel, purpose, state, reason, settled_at, delivery)
               select $2, id, person_id, $3, 'email', 'manual', $4, $5, $6, case when $4 = 'sent' then 'delivered' end
               from lead where id = $1""",
            AVA, f"{AVA}.answer-{number}", f"answer-{number}", state, reason, at,
        )  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_and_answer(page: Page, site: Site, scheme: str, tmp_path: Path) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    talked(site)
    sign_in(page, site)
    page.goto(PAGE)
    results = Axe().run(page, options=RULES)
    assert results.violations_count == 0, results.generate_report()
    page.screenshot(path=tmp_path / f"talk-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": 400, "height": 800})
    page.screenshot(path=tmp_path / f"talk-{scheme}-narrow.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400, "the page scrolls sideways on a phone"


def test_the_conversation_stands_in_order_with_what_came_of_it(page: Page, site: Site) -> None:
    talked(site)
    sign_in(page, site)
    page.goto(PAGE)
    talk = page.get_by_role("region", name="Conversation")
    lines = talk.get_by_role("listitem")
    expect(lines.filter(has_text="How much is it")).to_contain_text("Answered")
    expect(lines.filter(has_text="<b>training</b>")).to_be_visible()
    expect(lines.filter(has_text="It is 10 a month each.").first).to_contain_text("Sam Reyes")
    expect(lines.last).to_contain_text(re.compile("Skipped.*opted out|Skipped.*does not want", re.IGNORECASE))
    expect(talk.get_by_text("still waits for an answer")).to_be_visible()


def test_an_answer_is_written_once_however_often_the_button_is_pressed(page: Page, site: Site) -> None:
    talked(site)
    sign_in(page, site)
    page.goto(PAGE)
    page.get_by_role("textbox", name="Message").fill("Yes, it is.")
    form = {n: page.locator(f"#answer [name={n}]").input_value() for n in ("csrf", "answer_id", "channel", "body")}
    page.get_by_role("button", name="Send").dblclick()
    expect(page.get_by_text("Your message is on its way")).to_be_visible()
    expect(page.get_by_role("region", name="Conversation").get_by_text("Yes, it is.")).to_be_visible()
    assert page.request.post(f"{PAGE}/answer", form=form, headers={"Origin": site.url}).ok  # the browser's own repeat
    (row,) = site.run("select number, channel, rep_id, written_at from answer where body = 'Yes, it is.'")
    assert tuple(row) == (3, "email", SAM, NOW)
    assert len(site.run("select 1 from message where kind = 'answer'")) == 1


def test_a_message_that_cannot_go_says_why_and_keeps_what_was_typed(page: Page, site: Site) -> None:
    site.run(
        "insert into suppression (person_id, channel, reason, source, at) "
        "select person_id, 'email', 'opted_out', 'rep', $2 from lead where id = $1", AVA, coming(),
    )  # fmt: skip
    site.run(
        """insert into reply (id, lead_id, person_id, channel, body, received_at)
           select gen_random_uuid(), id, person_id, 'sms', 'hi', $2 from lead where id = $1""", AVA, ago(),
    )  # fmt: skip
    sign_in(page, site)
    page.goto(PAGE)
    expect(page.get_by_text("Not by e-mail")).to_be_visible()
    page.get_by_role("textbox", name="Message").fill("x" * 1601)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("at most 1600 characters")
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 that is meant
    expect(page.get_by_role("textbox", name="Message")).to_have_value("x" * 1601)
    assert site.run("select 1 from answer") == []
