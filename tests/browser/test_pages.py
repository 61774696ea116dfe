"""Each page: what it shows and does, and that everybody can use it: keyboard, screen reader, narrow, no scripts."""

import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from speedlead.cadence_errors import LeadUnavailable
from speedlead.gateway.rendering import form_page, thanks_page
from tests.browser.conftest import Site
from tests.store.hand_made import AVA, BEN, SAM, SCRIPT, SCRIPT_NAME

pytestmark = pytest.mark.browser

RULES = {"runOnly": {"type": "tag", "values": "wcag2a wcag2aa wcag21a wcag21aa wcag22aa best-practice".split()}}
PATHS = ["/", "/form", "/rep", "/rep?who", "/ops", "/ops/leads", f"/leads/{AVA}", f"/leads/{BEN}", "/leads/x"]


def sign_in(page: Page, site: Site) -> None:
    """As the rep Sam."""
    site.sign_in(page.context, "rep", SAM)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path", ["/", "/form", "/rep", "/rep?who", "/ops", "/ops/leads", f"/leads/{AVA}", f"/leads/{BEN}", "/leads/x"]
)
def test_everybody_can_use_the_page(page: Page, site: Site, scheme: str, path: str, tmp_path: Path) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    if path == "/rep" or path.startswith("/leads"):
        sign_in(page, site)
    page.goto(path)
    if path == "/leads/x":
        page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 404 that is meant
    results = Axe().run(page, options=RULES)
    assert results.violations_count == 0, results.generate_report()
    name = path.strip("/").replace("/", "-").replace("?", "-") or "start"
    page.screenshot(path=tmp_path / f"{name}-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": 400, "height": 800})
    page.screenshot(path=tmp_path / f"{name}-{scheme}-narrow.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400, "the page scrolls sideways on a phone"


def test_what_a_lead_wrote_is_only_text(page: Page, site: Site) -> None:
    sign_in(page, site)
    for path in ("/rep", f"/leads/{SCRIPT}"):
        page.goto(path)
        expect(page.get_by_text(SCRIPT_NAME).first).to_be_visible()
        expect(page.get_by_text("onerror=alert(2)").first).to_be_visible()
        expect(page.get_by_text("{{ 7 * 7 }}").first).to_be_visible()
    assert page.title() == f"{SCRIPT_NAME} · speedlead"


def test_the_form_sends_the_fixed_fields_with_the_readers_zone(page: Page, site: Site) -> None:
    page.goto("/form")
    page.get_by_label("Your name").fill("Ava Müller")
    page.get_by_label("E-mail").fill("ava@northwind.example")
    page.get_by_label("You may text me by SMS").check()
    with page.expect_request("**/f/demo") as sent:
        page.get_by_role("button", name="Send").click()
    fields = dict(parse_qsl(sent.value.post_data or "", keep_blank_values=True))
    assert set(fields) == {
        "name", "email", "phone", "company", "message", "intent", "country", "postcode", "tz", "consent_sms",
        "consent_text", "website",
    }  # fmt: skip
    assert fields["name"] == "Ava Müller"
    assert fields["consent_sms"] == "true"
    assert fields["website"] == ""
    assert "I ask Acme to call me" in fields["consent_text"]
    assert fields["tz"] == page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    expect(page.get_by_text("Thank you")).to_be_visible()
    (row,) = site.run("select * from inquiry where number = 2")
    # the person of an open lead: a second inquiry, not a second lead
    assert (row["lead_id"], row["consent_sms"], row["source"]) == (AVA, True, "website")


def test_the_marks_of_a_link_travel_through_a_form_with_mistakes(page: Page, site: Site) -> None:
    page.goto(
        "/form?utm_source=news%22letter&utm_medium=cpc&gclid=Cj0&intent=pricing&color=red&color=blue&consent_sms=on"
    )
    expect(page.get_by_label("What is it about?")).to_have_value("pricing")
    expect(page.get_by_label("You may text me by SMS")).not_to_be_checked()
    page.get_by_label("E-mail").fill("marks@")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("not an e-mail address")
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 that is meant
    page.get_by_label("E-mail").fill("marks@example.com")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you")).to_be_visible()
    (row,) = site.run("select source, intent, consent_sms, fields from inquiry where email = 'marks@example.com'")
    assert (row["source"], row["intent"], row["consent_sms"]) == ("paid_ads", "pricing", False)
    assert row["fields"] == {
        "utm_source": 'news"letter', "utm_medium": "cpc", "gclid": "Cj0", "color": ["red", "blue"],
        "browser_lang": "en-US",
    }  # fmt: skip


def test_a_form_with_mistakes_says_which_and_keeps_what_was_typed(page: Page, site: Site) -> None:
    typed = {"name": '"><b>Ava', "email": "ava@", "message": "</textarea><b>x", "consent_sms": "on"}
    answer = form_page(site.settings, values=typed, errors={"email": "expected an address", "": "too many fields"})
    assert answer.status_code == 422
    page.route("**/shown", lambda route: route.fulfill(body=bytes(answer.body), content_type="text/html"))
    page.goto("/shown")
    expect(page.get_by_role("alert")).to_contain_text("E-mail: expected an address")
    expect(page.get_by_role("alert")).to_contain_text("too many fields")
    expect(page.get_by_label("Your name")).to_have_value('"><b>Ava')
    expect(page.get_by_label("Your message")).to_have_value("</textarea><b>x")
    expect(page.get_by_label("E-mail", exact=True)).to_have_accessible_description(re.compile("expected an address"))
    expect(page.get_by_label("You may text me by SMS")).to_be_checked()
    assert Axe().run(page, options=RULES).violations_count == 0


def test_the_answer_to_a_form_gives_the_promise(page: Page, site: Site) -> None:
    answer = thanks_page(site.settings, "Sam calls you by 10:02, New York time.")
    page.route("**/shown", lambda route: route.fulfill(body=bytes(answer.body), content_type="text/html"))
    page.goto("/shown")
    expect(page.get_by_text("Sam calls you by 10:02, New York time.")).to_be_visible()
    assert b"gets back to you" in bytes(thanks_page(site.settings, None).body)


def test_a_text_that_was_opened_stays_open_when_the_page_refreshes(page: Page, site: Site) -> None:
    page.goto(f"/leads/{AVA}")
    page.locator("summary", has_text="We have your demo request").click()
    site.run("update lead set next_why = 'quiet_hours' where id = $1", AVA)
    expect(page.get_by_text("quiet hours where the lead is")).to_be_visible(timeout=9_000)
    expect(page.locator("pre", has_text="Hello Ava,")).to_be_visible()


def test_the_lead_page_tells_the_story_and_steers_the_plan(page: Page, site: Site) -> None:
    sign_in(page, site)
    page.goto(f"/leads/{BEN}")
    story = page.get_by_role("region", name="What happened").get_by_role("listitem")
    expect(story).to_contain_text(["inquiry arrived", "no answer", "not certain", "SMS skipped", "Call put off"])
    expect(story.nth(3)).to_contain_text("There is no consent to SMS")
    expect(page.get_by_role("link", name="Workflow in the Temporal UI")).to_have_attribute(
        "href", f"http://127.0.0.1:{site.settings.temporal_ui_port}/namespaces/default/workflows/lead-{BEN}"
    )
    page.get_by_label("Reason").fill("on holiday")
    page.get_by_label("Until").fill("2026-11-30T09:00")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_have_text("Paused.")
    site.recorder.problem = LeadUnavailable()
    page.get_by_role("button", name="Skip the next step").click()
    assert len(site.recorder.asked) == 1, "nothing is asked without a word why"
    page.get_by_label("Reason").fill("she has read it")
    page.get_by_role("button", name="Skip the next step").click()
    expect(page.get_by_role("status")).to_contain_text("did not answer")
    (account,) = (row["id"] for row in site.run("select id from account where email = 'sam@acme.example'"))
    assert site.recorder.asked == [
        (BEN, "pause", {"by": account, "reason": "on holiday", "until": "2026-11-30T09:00:00+00:00"}),
        (BEN, "skip", {"by": account, "reason": "she has read it"}),
    ]


def test_ops_counts_filters_and_explains(page: Page, site: Site) -> None:
    page.goto("/ops/leads")
    counters = page.locator(".counters div")
    expect(counters).to_contain_text(["6", "1", "1", "1", "0"])
    expect(page.get_by_role("row").filter(has_text="2f3a0000")).to_contain_text("due 1 min ago")
    page.get_by_label("Type").select_option("warm")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("row").nth(1)).to_contain_text("outside business hours where the lead is")
    page.get_by_label("Show").select_option("closed")
    page.get_by_label("Type").select_option("")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("qualified")


def test_an_attempt_before_the_opening_is_told_by_both_clocks(page: Page, site: Site) -> None:
    site.run("update lead set first_attempt_at = created_at + interval '5 s', open_at = created_at + interval '40 h', "
             "first_attempt_due = created_at + interval '40 h 3 min' where id = $1", AVA)  # fmt: skip
    site.run("update lead set open_at = created_at + interval '6 min' where id = $1", BEN)
    page.goto("/ops/leads")
    row = page.get_by_role("row").filter(has_text="1f3a0000")
    expect(row.get_by_role("cell").nth(7)).to_have_text(re.compile(r"before opening\s*of 3 min\s*5 s after the form"))
    other = page.get_by_role("row").filter(has_text="3f3a0000").get_by_role("cell").nth(7)
    expect(other).to_have_text(re.compile(r"6 min\s*of 9 min\s*12 min after the form"))


def test_what_operations_were_told_stands_on_their_page_until_it_is_seen(page: Page, site: Site) -> None:
    site.run(
        "insert into notice (id, audience, kind, at) values (gen_random_uuid(), 'ops', 'reply_from_unknown', now())"
    )
    page.goto("/ops/leads")
    expect(page.get_by_role("region", name="Please look")).to_contain_text("Somebody we cannot find wrote to us")
    assert Axe().run(page, options=RULES).violations_count == 0
    page.get_by_role("button", name="Seen: Somebody we cannot find").click()
    expect(page.get_by_role("heading", name="All leads")).to_be_visible()
    expect(page.get_by_role("region", name="Please look")).to_have_count(0)


def test_another_site_can_neither_post_nor_look(page: Page, site: Site) -> None:
    request = page.context.request
    path = f"/leads/{BEN}/stop"
    assert request.post(path, headers={"Origin": "http://evil.example"}).status == 403
    assert request.post(path, headers={"Origin": "null"}).status == 403
    assert request.get("/ops", headers={"Host": "evil.example"}).status == 403
    assert request.post("/rep/choose", form={"rep_id": SAM}).status in (401, 403)
    assert site.recorder.asked == []
    assert "default-src 'self'" in request.get("/ops").headers["content-security-policy"]
