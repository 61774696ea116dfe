"""The widget on somebody else's page: another origin, a strict policy, with and without a script, on and off line."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from speedlead.credentials import load_or_create
from speedlead.widget.script import script
from tests import servers
from tests.browser.conftest import Site
from tests.browser.looking import looks_right

pytestmark = pytest.mark.browser

# what makes a page look and send at once
LOOK, ONLINE = (
    f"{of}.dispatchEvent(new Event('{what}'))" for of, what in (("document", "visibilitychange"), ("window", "online"))
)
PROMISE = "Sam calls you by 14:07, New York time."
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="/shop.css">
<script src="{gateway}/widget/{version}.js" integrity="{integrity}" crossorigin="anonymous" data-form="#contact"
  data-source="shop" data-chat defer></script></head>
<body><main><h1>Ask the shop</h1>
<form id="contact" method="post" action="{gateway}/f/demo" novalidate>
  <p><label for="who">Name</label> <input id="who" name="your-name" autocomplete="name"></p>
  <p><label for="mail">E-mail</label> <input id="mail" name="email" type="email" aria-describedby="hint">
    <span id="hint">We answer at once.</span></p>
  <p><label>Phone <input name="phone" type="tel"></label></p>
  <p><label for="what">What do you need?</label> <textarea id="what" name="message"></textarea></p>
  <p data-speedlead-consent>If I give a number, the shop may call me about this.</p>
  <p><label><input type="checkbox" name="consent_sms" value="true"> You may text me</label></p>
  <input type="hidden" name="redirect" value="{shop}/thanks"><input type="hidden" name="csrf_token" value="s3cret">
  <input type="hidden" name="intent" value="demo_request">
  <button>Send</button>
</form></main></body></html>"""


class Shop:
    """A site of its own: `localhost`, while the gateway is 127.0.0.1. With `policy` it lets nothing else pass."""

    def __init__(self, gateway: str, port: int) -> None:
        self.url = f"http://localhost:{port}"
        page = PAGE.format(gateway=gateway, shop=self.url, version=script().version, integrity=script().integrity)
        policy = (
            f"default-src 'none'; script-src {gateway}; connect-src {gateway}; form-action {gateway} {self.url}; "
            "style-src 'self'; base-uri 'none'"
        )

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                style = self.path == "/shop.css"
                thanks = "<!doctype html><html lang=en><title>Thanks</title><h1>The shop says thanks</h1>"
                text = (
                    "html { background: Canvas } main { max-width: 30em; margin: auto }"
                    if style
                    else thanks
                    if "thanks" in self.path
                    else page
                )
                self.send_response(200)
                self.send_header("Content-Type", "text/css" if style else "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Pages)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def shop(whole_site: Site) -> Iterator[Shop]:
    """On the sandbox's port, whose origin may ask."""
    shop = Shop(whole_site.url, whole_site.settings.sandbox_port)
    yield shop
    shop.close()


@pytest.fixture
def visitor(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    # promised as soon as the lead is there, as the acknowledgement would
    site.run(
        f"""create or replace function promise() returns trigger language plpgsql as
            $$ begin new.promise_text := '{PROMISE}'; return new; end $$"""
    )
    site.run("create or replace trigger promise before insert on lead for each row execute function promise()")
    context = browser.new_context(timezone_id="Europe/Vienna")
    yield context
    context.close()
    site.run("drop trigger promise on lead")


def fill(page: Page, mail: str = "ada@example.com") -> None:
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("E-mail").fill(mail)
    page.get_by_label("What do you need?").fill("A difference engine")


def inquiries(site: Site, mail: str = "ada@example.com") -> list[dict[str, object]]:
    return [dict(row) for row in site.run("select * from inquiry where email = $1", mail)]


def test_a_strict_page_of_another_origin_sends_its_form(visitor: BrowserContext, site: Site, shop: Shop) -> None:
    page = visitor.new_page()
    wrong: list[str] = []
    page.on("console", lambda line: wrong.append(line.text) if line.type in ("error", "warning") else None)
    page.goto(f"{shop.url}/ask?utm_source=google&utm_medium=cpc&secret=x#top")
    fill(page)
    page.get_by_label("You may text me").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text(PROMISE)).to_be_visible()
    expect(page.locator("#contact")).to_be_hidden()
    [row] = inquiries(site)
    assert (row["source"], row["consent_sms"], row["message"]) == ("shop", True, "A difference engine")
    assert row["consent_text"] == "If I give a number, the shop may call me about this."
    lead = site.run("select tz, intent from lead where id = $1", row["lead_id"])[0]
    assert tuple(lead) == ("Europe/Vienna", "demo_request")
    fields = dict(row["fields"])  # type: ignore[call-overload]
    assert {name: fields[name] for name in ("utm_source", "utm_medium", "page_url", "lang", "consent_shown")} == {
        "utm_source": "google", "utm_medium": "cpc", "page_url": f"{shop.url}/ask", "lang": "en",
        "consent_shown": "consent_sms: yes: You may text me",
    }  # fmt: skip
    assert not {"csrf_token", "secret", "redirect", "first_at", "homepage"} & fields.keys()
    assert site.run("select p.name from person p where id = $1", row["person_id"])[0]["name"] == "Ada Lovelace"
    assert page.evaluate("localStorage.length") == 0
    assert wrong == []

    page.get_by_role("link", name="Choose a time for a meeting").click()
    expect(page.get_by_role("heading", name="Choose a time")).to_be_visible()
    assert str(row["lead_id"]) not in page.content()


def test_where_they_came_from_first_is_kept_once_they_agree(visitor: BrowserContext, site: Site, shop: Shop) -> None:
    page = visitor.new_page()
    page.goto(f"{shop.url}/?gclid=1&utm_source=google")
    assert page.evaluate("localStorage.length") == 0
    page.evaluate("speedlead.touches(true)")
    page.goto(f"{shop.url}/ask?utm_source=letter", referer="https://news.example/read?mine=1")
    page.evaluate("speedlead.touches(true)")
    page.goto(f"{shop.url}/ask")
    fill(page)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text(PROMISE)).to_be_visible()
    fields = dict(inquiries(site)[0]["fields"])  # type: ignore[call-overload]
    names = ("utm_source", "referrer", "first_gclid", "first_utm_source", "first_page_url", "gclid")
    assert [fields.get(name) for name in names] == [
        "letter", "https://news.example/read", "1", "google", f"{shop.url}/", None,
    ]  # fmt: skip
    page.evaluate("speedlead.touches(false)")
    assert page.evaluate("localStorage.length") == 0


def test_what_is_wrong_stands_beside_its_field(visitor: BrowserContext, site: Site, shop: Shop) -> None:
    page = visitor.new_page()
    page.goto(f"{shop.url}/ask")
    fill(page, "ada at example")
    page.get_by_label("Phone").fill("12")
    page.get_by_role("button", name="Send").click()
    mail, phone = page.get_by_label("E-mail"), page.get_by_label("Phone")
    expect(mail).to_be_focused()
    expect(mail).to_have_attribute("aria-invalid", "true")
    expect(mail).to_have_accessible_description("We answer at once. Please give an address such as name@example.com.")
    expect(phone).to_have_accessible_description("Please give the number with its country code (+1 …).")
    expect(page.get_by_role("status")).to_have_text("Please check what is marked.")
    mail.fill("ada@example.com")
    expect(mail).to_have_accessible_description("We answer at once.")
    phone.fill("")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text(PROMISE)).to_be_visible()
    assert len(inquiries(site)) == 1


def test_a_form_without_a_connection_is_sent_later_and_once(visitor: BrowserContext, site: Site, shop: Shop) -> None:
    page = visitor.new_page()
    page.goto(f"{shop.url}/ask")
    fill(page)
    visitor.set_offline(True)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text("What you wrote is kept on this device")
    page.close()  # the tab goes before there is a connection again
    assert inquiries(site) == []

    visitor.set_offline(False)
    keys: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:  # it is taken in, and nobody hears so
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page = visitor.new_page()
    page.route("**/f/demo", lose_the_first_answer)
    page.goto(f"{shop.url}/ask")
    page.wait_for_function("document.querySelector('#mail').value !== ''")
    while not keys:
        page.wait_for_timeout(20)
    page.evaluate(f"{ONLINE}; setTimeout(() => {ONLINE}, 100)")  # spares the wait before the next try
    expect(page.get_by_text(PROMISE)).to_be_visible(timeout=15_000)
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert len(inquiries(site)) == 1
    assert page.evaluate("localStorage.length") == 0
    page.reload()
    assert len(inquiries(site)) == 1


def test_without_a_script_it_is_a_plain_form(browser: Browser, site: Site, shop: Shop) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{shop.url}/ask")
    page.get_by_label("E-mail").fill("eve@example.com")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="The shop says thanks")).to_be_visible()
    assert page.url == f"{shop.url}/thanks"
    assert len(inquiries(site, "eve@example.com")) == 1
    context.close()


def test_where_the_script_may_not_ask_the_form_goes_plainly(browser: Browser, site: Site) -> None:
    stranger = Shop(site.url, servers.free_ports(1)[0])  # not in the settings
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{stranger.url}/ask")
    fill(page, "bob@example.com")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="The shop says thanks")).to_be_visible()
    [row] = inquiries(site, "bob@example.com")
    assert row["idempotency_key"] is not None
    assert dict(row["fields"])["page_url"] == f"{stranger.url}/ask"  # type: ignore[call-overload]
    context.close()
    stranger.close()


def looks_right_by_day_and_night(page: Page, tmp_path: Path, name: str) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        looks_right(page, tmp_path, f"{name}-{scheme}")


def test_a_visitor_goes_on_in_the_page(visitor: BrowserContext, site: Site, shop: Shop, tmp_path: Path) -> None:
    page = visitor.new_page()
    page.goto(f"{shop.url}/ask")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("E-mail")).to_have_accessible_description(
        "We answer at once. E-mail or phone: one is enough."
    )
    looks_right_by_day_and_night(page, tmp_path, "wrong")
    fill(page)
    page.get_by_role("button", name="Send").click()
    page.get_by_label("Write to us here").last.fill("Does it <b>divide</b>?")
    page.get_by_role("button", name="Send").click()
    log = page.get_by_role("log")
    expect(log).to_contain_text("YouDoes it <b>divide</b>?")
    [row] = inquiries(site)
    expect(log).not_to_contain_text("Sending")
    [question] = site.run("select id, lead_id, due_at, body from reply where channel = 'chat'")
    assert (question["lead_id"], question["body"]) == (row["lead_id"], "Does it <b>divide</b>?")
    assert question["due_at"] is not None

    key = load_or_create(site.settings.data_dir).api_key.get_secret_value()
    answer = visitor.request.post(
        f"{site.url}/api/leads/{row['lead_id']}/messages", headers={"X-Api-Key": key},
        data={"channel": "chat", "body": "It does. <script>alert(1)</script>"},
    )  # fmt: skip
    assert answer.status == 202, answer.text()
    page.evaluate(LOOK)
    expect(log).to_contain_text("AcmeIt does. <script>alert(1)</script>", timeout=10_000)
    looks_right_by_day_and_night(page, tmp_path, "chat")
    [answered] = site.run("select channel, shown_wall is not null as shown, mail_wall from answer")
    assert tuple(answered) == ("chat", True, None)
    page.reload()  # the conversation is still there in this tab
    expect(page.get_by_role("log")).to_contain_text("It does.")
    expect(page.get_by_text(PROMISE)).to_be_visible()
