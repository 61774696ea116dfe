"""The widget on pages that make it hard: odd names, a full device, two tags, two tabs. The gateway is made up here."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from speedlead.widget.script import script

pytestmark = pytest.mark.browser

HERE = "http://shop.test"
LOOK, ONLINE = "document.dispatchEvent(new Event('visibilitychange'))", "window.dispatchEvent(new Event('online'))"
TAG = f'<script src="{HERE}/widget.js" data-form="{{}}" data-chat></script>'
ONE = """<form id="{0}" method="post" action="/f/demo">
<input name="email" aria-label="Mail of {0}"><button>Send {0}</button></form>"""
ODD = """<form id="odd" method="post" action="/f/demo">
<input name="action" value="act"><input name="id" value="12"><input name="passengers" value="3">
<input name="pass" value="x"><input name="card_number" value="4111">
<input type="password" name="word" value="x"><input type="file" name="file">
<textarea name="address">Main St</textarea><textarea name="message">Hello</textarea>
<input type="email" name="second" value="b@example.com"><input name="email" value="a@example.com">
<select name="days" multiple><option selected>Mon<option>Tue<option selected>Wed</select>
<button name="submit" value="quote">Send</button></form>"""


class Gateway:
    """Answers what a test put there, and keeps what came. `down`: nothing answers."""

    def __init__(self, context: BrowserContext) -> None:
        self.posts: list[tuple[str | None, dict[str, list[str]]]] = []
        self.looks, self.down, self.body = 0, False, ""
        self.messages: list[dict[str, Any]] = []
        context.route(f"{HERE}/**", self._answer)

    def _answer(self, route: Route) -> None:
        request, path = route.request, route.request.url.removeprefix(HERE)
        if path == "/widget.js" and request.method == "GET":
            route.fulfill(body=script().body, content_type="text/javascript")
        elif path == "/page":
            route.fulfill(body=f"<!doctype html><html lang=en><body>{self.body}", content_type="text/html")
        elif path == "/seen":
            route.fulfill(body="")
        elif self.down:
            route.abort()
        elif path == "/chat/x":
            self.looks += 1
            route.fulfill(json={"messages": self.messages})
        else:
            self.posts.append((request.headers.get("idempotency-key"), parse_qs(request.post_data or "")))
            route.fulfill(json={"promise": "Soon.", "book": None, "chat": f"{HERE}/chat/x", "mail": True})


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context()
    yield opened
    opened.close()


def opened(context: BrowserContext, gateway: Gateway, body: str) -> Page:
    gateway.body = body
    page = context.new_page()
    page.goto(f"{HERE}/page")
    return page


def test_what_a_form_of_odd_names_says_arrives_and_a_page_that_shows_no_conversation_does_not_look(
    context: BrowserContext,
) -> None:
    gateway = Gateway(context)
    page = opened(context, gateway, ODD + TAG.format("#odd"))
    page.evaluate("void (Storage.prototype.setItem = () => { throw new Error('full') })")
    gateway.down = True
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text("No connection")
    gateway.down = False
    page.evaluate(ONLINE)
    expect(page.get_by_text("Soon.")).to_be_visible()
    [(_, sent)] = gateway.posts
    assert {name: sent.get(name) for name in ODD_NAMES} == {
        "action": ["act"], "id": ["12"], "passengers": ["3"], "pass": None, "card_number": None, "word": None,
        "file": None, "address": ["Main St"], "message": ["Hello"], "second": ["b@example.com"],
        "email": ["a@example.com"], "days": ["Mon", "Wed"], "submit": ["quote"],
    }  # fmt: skip

    gateway.messages = [{"id": "1", "ours": True, "text": "Hello.", "at": "", "who": "Sam"}]
    page.evaluate(LOOK)
    expect(page.get_by_role("log")).to_contain_text("Hello.")
    page.evaluate(
        "window.read = 0; new MutationObserver(() => read++)"
        ".observe(document.querySelector('[role=log]'), {subtree: true, childList: true})"
    )
    before = gateway.looks
    with page.expect_response("**/chat/x"):
        page.evaluate(LOOK)
    page.evaluate("fetch('/seen')")
    assert (gateway.looks, page.evaluate("read")) == (before + 1, 0)  # nothing is read out twice
    page.evaluate("document.querySelector('.speedlead-panel').remove()")  # as a page of one script changes its view
    page.evaluate(f"{LOOK}; fetch('/seen')")
    assert gateway.looks == before + 1


ODD_NAMES = "action id passengers pass card_number word file address message second email days submit".split()


def test_two_tags_and_two_tabs_send_each_form_for_itself(context: BrowserContext) -> None:
    gateway = Gateway(context)
    both = "".join(ONE.format(name) + TAG.format(f"#{name}") for name in ("left", "right"))
    page = opened(context, gateway, both)
    gateway.down = True
    page.get_by_label("Mail of left").fill("ada@example.com")
    page.get_by_role("button", name="Send left").click()
    expect(page.get_by_role("status").first).to_contain_text("No connection")
    other = opened(context, gateway, both)
    expect(other.get_by_label("Mail of left")).to_have_value("ada@example.com")
    expect(other.get_by_label("Mail of right")).to_have_value("")
    gateway.down = False
    other.evaluate(ONLINE)
    expect(other.get_by_text("Soon.")).to_be_visible()
    assert other.evaluate("localStorage.length") == 0
    page.evaluate(ONLINE)  # another tab has sent it: this one hears so, and does not say for ever that it waits
    expect(page.get_by_text("Soon.")).to_be_visible()
    assert len({key for key, _ in gateway.posts}) == 1


def test_where_the_script_fails_the_form_goes_plainly(context: BrowserContext) -> None:
    gateway = Gateway(context)
    page = opened(context, gateway, ONE.format("left") + TAG.format("#left"))
    page.get_by_label("Mail of left").fill("ada@example.com")
    page.evaluate("window.URLSearchParams = undefined")
    page.get_by_role("button", name="Send left").click()
    page.wait_for_url(f"{HERE}/f/demo")
    assert gateway.posts == [(None, {"email": ["ada@example.com"]})]
    assert json.loads(page.locator("body").inner_text())["promise"] == "Soon."
