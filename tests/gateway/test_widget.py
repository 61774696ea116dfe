"""The widget's door over HTTP: who may ask (CORS), where a form may send on to, and the conversation in the page."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from speedlead.booking.links import booking_url
from speedlead.store import chat as conversation
from speedlead.store.chat import mail_the_untaken
from speedlead.store.transactions import transact
from speedlead.widget.script import script
from tests.gateway.house import House, open_house, rep

SHOP, SPRING = "https://www.shop.example", "https://spring.shop.example"
ORIGIN = "Access-Control-Allow-Origin"


@pytest_asyncio.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(database_url, tmp_path, widget_origins=[SHOP, f"spring={SPRING}"]) as opened:
        yield opened


async def send(house: House, origin: str | None = SHOP, form: str = "demo", key: str = "k1", **fields: str) -> Any:
    headers = {"Accept": "application/json", "Idempotency-Key": key} | ({"Origin": origin} if origin else {})
    async with house.http.post(f"/f/{form}", data=fields, headers=headers) as answer:
        return answer.status, dict(answer.headers), await answer.json(content_type=None)


async def test_exactly_the_sites_of_the_settings_may_ask(house: House) -> None:
    for form, origin, allowed in (
        ("demo", SHOP, True), ("spring", SHOP, True), ("spring", SPRING, True), ("demo", SPRING, False),
        ("demo", "null", False), ("demo", f"{SHOP}.evil.example", False), ("demo", "http://www.shop.example", False),
    ):  # fmt: skip
        asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        async with house.http.options(f"/f/{form}", headers=asks) as answer:
            assert answer.status == (204 if allowed else 403), (form, origin)
            assert answer.headers["Vary"] == "Origin"
            assert answer.headers.get(ORIGIN) == (origin if allowed else None)
            assert "Access-Control-Allow-Credentials" not in answer.headers
            if allowed:
                assert answer.headers["Access-Control-Allow-Headers"] == "Content-Type, Idempotency-Key"
                assert answer.headers["Access-Control-Allow-Methods"] == "POST"
    status, headers, body = await send(house, SPRING, email="ada@example.com")
    assert (status, headers["Vary"], body["reason"], ORIGIN in headers) == (403, "Origin", "origin", False)
    assert await house.count("inquiry") == 0
    status, headers, body = await send(house, SPRING, "spring", email="ada@example.com")
    assert (status, headers[ORIGIN], set(body)) == (202, SPRING, {"promise", "book", "chat", "mail"})


async def test_what_is_wrong_is_told_to_the_page_too(house: House) -> None:
    status, headers, body = await send(house, email="ada at example")
    assert (status, headers[ORIGIN]) == (422, SHOP)
    assert [error["field"] for error in body["errors"]] == ["email"]
    status, headers, _ = await send(house, form="other", email="ada@example.com")
    assert (status, headers[ORIGIN]) == (404, SHOP)


async def test_one_key_is_one_inquiry_by_header_and_by_field(house: House) -> None:
    _, _, first = await send(house, email="ada@example.com", message="a")
    _, _, again = await send(house, email="ada@example.com", message="a")
    status, _, _ = await house.post_form(email="ada@example.com", message="a", idempotency_key="k1")
    assert status == 200
    assert first["chat"] == again["chat"]
    assert await house.count("inquiry") == 1
    assert "idempotency_key" not in await house.pool.fetchval("select fields from inquiry")


async def test_signs_of_a_program_are_marked_and_nothing_is_dropped(house: House) -> None:
    status, _, _ = await send(house, email="ada@example.com", website="x", spam_signs="fast")
    assert status == 202
    fields = await house.pool.fetchval("select fields from inquiry")
    assert fields["spam_signs"] == "fast trap"


async def test_a_plain_form_sends_on_to_the_sites_of_the_settings_alone(house: House) -> None:
    for target, followed in (
        (f"{SHOP}/thanks?x=1", True), ("/form", True), (f"{SPRING}/thanks", False), ("https://evil.example/", False),
        (f"{SHOP}@evil.example/", False), (f"{SHOP}.evil.example/", False), ("//evil.example/", False),
        ("/\\evil.example", False), ("javascript:alert(1)", False),
    ):  # fmt: skip
        # a page whose policy hides its address sends no Origin worth the name; the trap spares the test its leads
        status, _, headers = await house.post_form({"Origin": "null"}, website="x", redirect=target)
        assert (status, headers.get("Location")) == ((303, target) if followed else (200, None)), target


async def test_the_script_is_for_all_and_says_its_version(house: House) -> None:
    async with house.http.get("/widget.js", headers={"Accept-Encoding": "gzip"}, auto_decompress=False) as newest:
        assert len(await newest.read()) < 9216
        assert (newest.headers["Content-Encoding"], newest.headers[ORIGIN]) == ("gzip", "*")
        assert newest.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "max-age=300" in newest.headers["Cache-Control"]
        tag = newest.headers["ETag"]
    async with house.http.get("/widget.js", headers={"If-None-Match": tag}) as known:
        assert known.status == 304
    async with house.http.get(f"/widget/{script().version}.js") as pinned:
        assert "immutable" in pinned.headers["Cache-Control"]
        assert await pinned.read() == script().body
    async with house.http.get("/widget/000000000000.js") as old:
        assert (old.status, old.headers["Cache-Control"]) == (404, "no-store")


async def chat(house: House, url: str, text: str | None = None, key: str = "m1") -> tuple[int, Any]:
    path = "/chat/" + url.rpartition("/")[2]
    if text is None:
        async with house.http.get(path, headers={"Origin": SPRING}) as answer:
            assert answer.headers[ORIGIN] == SPRING
            return answer.status, await answer.json(content_type=None)
    headers = {"Idempotency-Key": key, "Origin": SHOP}
    async with house.http.post(path, data={"text": text}, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def answer(house: House, lead_id: str, body: str = "Yes.") -> int:
    return (await house.call("POST", f"/api/leads/{lead_id}/messages", {"channel": "chat", "body": body}))[0]


async def test_a_visitor_and_we_talk_in_the_page(house: House) -> None:
    _, _, sent = await send(house, email="ada@example.com")
    lead = await house.pool.fetchval("select id from lead")
    assert (await answer(house, lead)) == 422  # nobody has begun a conversation
    assert await chat(house, sent["chat"]) == (200, {"messages": []})
    assert (await chat(house, sent["chat"], "Do you deliver?"))[0] == 202
    assert (await chat(house, sent["chat"], "Do you deliver?"))[0] == 202  # the same once more
    assert [(m["kind"], m["channel"]) for m in await house.messages(lead, "reply")] == [("reply", "chat")]
    assert await house.pool.fetchval("select plan_stopped from lead") == "replied"
    due = await house.pool.fetchval("select due_at - received_at from reply")
    assert due == timedelta(minutes=15)

    assert await answer(house, lead) == 202
    assert [(m["number"], m["channel"]) for m in await house.messages(lead, "answer")] == [(1, "chat")]
    assert await house.pool.fetchval("select answered_at is not null from reply")
    _, read = await chat(house, sent["chat"])
    assert [(m["ours"], m["text"], m["who"]) for m in read["messages"]] == [
        (False, "Do you deliver?", None), (True, "Yes.", house.deps.settings.company_name),
    ]  # fmt: skip
    house.clock.now += timedelta(minutes=5)
    assert await transact(house.pool, lambda conn: mail_the_untaken(conn, house.clock)) == []


async def test_what_no_page_has_taken_goes_by_mail(house: House) -> None:
    _, _, sent = await send(house, email="ada@example.com")
    lead = await house.pool.fetchval("select id from lead")
    await chat(house, sent["chat"])
    await chat(house, sent["chat"], "Do you deliver?")
    await answer(house, lead)  # they were looking a moment ago, and are not any more
    house.clock.now += timedelta(seconds=61)
    assert await transact(house.pool, lambda conn: mail_the_untaken(conn, house.clock)) == [lead]
    assert await transact(house.pool, lambda conn: mail_the_untaken(conn, house.clock)) == []
    await answer(house, lead, "And by night.")  # nobody looks: by mail at once
    assert [(m["number"], m["channel"]) for m in await house.messages(lead, "answer")] == [
        (1, "chat"), (1, "email"), (2, "email"),
    ]  # fmt: skip
    _, read = await chat(house, sent["chat"])  # whoever comes back finds both
    assert [m["text"] for m in read["messages"]] == ["Do you deliver?", "Yes.", "And by night."]

    await house.close_lead(lead)  # what they write then begins a new lead, as a mail would
    house.clock.now += timedelta(seconds=1)
    assert (await chat(house, sent["chat"], "One more thing", "m2"))[0] == 202
    new = await house.pool.fetchval("select id from lead where closed_at is null")
    assert await answer(house, new, "Yes?") == 202
    _, read = await chat(house, sent["chat"])
    assert [m["text"] for m in read["messages"]][-2:] == ["One more thing", "Yes?"]


async def test_without_an_address_the_owner_hears_that_nobody_saw_it(house: House) -> None:
    _, _, sent = await send(house, phone="+14155552671")
    assert sent["mail"] is False
    lead = await house.pool.fetchval("select id from lead")
    await chat(house, sent["chat"], "Do you deliver?")
    await answer(house, lead)
    house.clock.now += timedelta(seconds=61)
    assert await transact(house.pool, lambda conn: mail_the_untaken(conn, house.clock)) == []
    assert await house.pool.fetchval("select reason from notice where kind = 'answer_not_seen'") == "no_email"


async def test_who_types_somebodys_address_sees_nothing_of_them(house: House) -> None:
    _, _, theirs = await send(house, email="ada@example.com")
    await chat(house, theirs["chat"], "My account number is 7")
    lead = await house.pool.fetchval("select id from lead")
    await answer(house, lead, "It is settled.")
    _, _, forged = await send(house, key="k2", email="ada@example.com", message="hello")
    assert await house.count("lead") == 1
    assert forged["chat"] != theirs["chat"]
    assert await chat(house, forged["chat"]) == (200, {"messages": []})
    # the last letter but one: of the last one a part says nothing
    letter = "a" if forged["chat"][-2] != "a" else "b"
    assert (await chat(house, forged["chat"][:-2] + letter + forged["chat"][-1]))[0] == 404
    _, _, same = await send(house, key="k3", email="ada@example.com")  # word for word what they sent
    assert (same["chat"], same["book"]) == (None, None)
    _, _, own = await send(house, email="ada@example.com")  # only the key of a post says whose it is
    assert own["chat"] == theirs["chat"]


async def test_an_answer_goes_into_the_conversation_that_it_is_for(house: House) -> None:
    _, _, ada = await send(house, email="ada@example.com")
    _, _, other = await send(house, key="k2", email="ada@example.com", message="hello")
    lead = await house.pool.fetchval("select id from lead")
    for page, text in ((ada, "My account number is 7"), (other, "I write last")):
        await chat(house, page["chat"])
        await chat(house, page["chat"], text)
        house.clock.now += timedelta(seconds=1)
    path = f"/api/leads/{lead}/messages"
    status, refused = await house.call("POST", path, {"channel": "chat", "body": "Number 7 is settled."})
    assert (status, refused["errors"][0]["field"]) == (422, "conversation")
    headers = await house.sign_in()
    async with house.http.get(f"/leads/{lead}", headers=headers) as page:
        choices = re.findall(r'<option value="chat:([^"]+)"( selected)?>[^<]*conversation (\d)', await page.text())
    assert [(selected, number) for _, selected, number in choices] == [("", "1"), (" selected", "2")]
    body = {"channel": "chat", "body": "Number 7 is settled.", "conversation": choices[0][0]}
    assert (await house.call("POST", path, body))[0] == 202
    texts = [[m["text"] for m in (await chat(house, page["chat"]))[1]["messages"]] for page in (ada, other)]
    assert texts == [["My account number is 7", "Number 7 is settled."], ["I write last"]]
    open_ = await house.pool.fetch("select body from reply where answered_at is null")
    assert [row["body"] for row in open_] == ["I write last"]


async def test_what_is_written_while_a_page_looks_counts_as_unseen(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, sent = await send(house, email="ada@example.com")
    lead = await house.pool.fetchval("select id from lead")
    await chat(house, sent["chat"])
    await chat(house, sent["chat"], "Do you deliver?")
    read = conversation.chat_messages

    async def read_and_answer(conn: Any, inquiry_id: str) -> Any:
        found = await read(conn, inquiry_id)
        await answer(house, lead, "Yes.")
        return found

    monkeypatch.setattr(conversation, "chat_messages", read_and_answer)
    assert [m["text"] for m in (await chat(house, sent["chat"]))[1]["messages"]] == ["Do you deliver?"]
    assert await house.pool.fetchval("select shown_wall is null and mail_wall is not null from answer")


async def test_what_a_page_may_not_say(house: House) -> None:
    _, _, sent = await send(house, email="ada@example.com")
    for text, key, field in (("", "m", "text"), ("x" * 4001, "m", "text"), ("x", "", "Idempotency-Key")):
        status, problem = await chat(house, sent["chat"], text, key)
        assert (status, problem["errors"][0]["field"]) == (422, field)
    assert (await chat(house, sent["chat"], "語" * 4000))[0] == 202  # nine bytes each on the way
    await house.pool.execute("update person set erased_wall = $1", house.clock.now)
    assert (await chat(house, sent["chat"]))[0] == 404
    assert (await chat(house, sent["chat"], "Hello?"))[0] == 404


async def test_the_link_of_a_form_shows_no_meeting_that_was_there(house: House) -> None:
    _, _, sent = await send(house, email="ada@example.com")
    path, sam = "/book/form/" + sent["book"].rpartition("/")[2], await rep(house.pool)
    async with house.http.get(path) as page:
        assert page.status == 200
    await house.pool.execute(
        """insert into booking (id, lead_id, number, rep_id, starts_at, ends_at, held, zone, state, source, created_at)
           select gen_random_uuid(), id, 1, $1, $2, $3, tstzrange($2, $3), 'UTC', 'booked', 'page', $2 from lead""",
        sam, house.clock.now + timedelta(days=1), house.clock.now + timedelta(days=1, minutes=30),
    )  # fmt: skip
    async with house.http.get(path, allow_redirects=False) as page:
        assert (page.status, "/book/meeting/" in await page.text()) == (409, False)


async def test_who_types_somebodys_address_books_without_learning_of_them(house: House) -> None:
    sam = await rep(house.pool)
    name = await house.pool.fetchval("update rep set name = 'Zbigniew' returning name")
    await house.pool.execute("update rep set weekly = $1", {str(day): [[0, 1440]] for day in range(7)})
    first = (await send(house, email="ada@example.com", phone="+13105550148"))[2]
    await house.pool.execute("update lead set owner_id = $1", sam)
    _, _, forged = await send(house, key="k2", email="ada@example.com", message="hello")
    alone = (await send(house, key="k3", email="bob@example.com", phone="+13105550149"))[2]
    pages = {}
    for who, sent in (("ada", first), ("forged", forged), ("bob", alone)):
        async with house.http.get("/book/form/" + sent["book"].rpartition("/")[2]) as page:
            pages[who] = await page.text()
    assert [name in text for text in pages.values()] == [False] * 3
    assert ["We do not know yet where you are" in text for text in pages.values()] == [True, True, False]
    assert "13105550148" not in pages["forged"]
    path = "/book/form/" + forged["book"].rpartition("/")[2]
    # the language of the visitor, not that of the lead, which its own page has
    await house.pool.execute("update lead set country = 'DE'")
    lead_id = await house.pool.fetchval("select lead_id::text from inquiry where email = 'bob@example.com'")
    own = booking_url("", house.credentials.secret_bytes, lead_id)
    for address, asks, title in ((path, "fr", "Choisissez un horaire"), (path, "x", "Choose a time"),
                                 (own, "fr", "Termin wählen")):  # fmt: skip
        async with house.http.get(address, headers={"Accept-Language": asks}) as page:
            assert f"<h1>{title}</h1>" in await page.text()
    async with house.http.get(path, params={"zone": "America/New_York"}) as page:
        slots = re.findall(r'name="slot" value="([^"]+)"', await page.text())
    asked, ours = {"slot": slots[0], "zone": "America/New_York"}, {"Sec-Fetch-Site": "same-origin"}
    async with house.http.post(path, data=asked, headers=ours, allow_redirects=False) as page:
        text = await page.text()
        assert (page.status, name in text, "/book/meeting/" in text) == (200, False, False)
        assert "comes by mail" in text
    assert await house.count("booking") == 1
