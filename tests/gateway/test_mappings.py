"""`POST /in/{mapping}` on a real database: what packaged mappings make of their samples, and abuse."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest_asyncio

from speedlead.gateway.webhook_replay import replay_next
from speedlead.mappings.book import load_mappings
from speedlead.mappings.dry_run import sample_of
from speedlead.mappings.model import Mapping
from speedlead.store import webhooks
from speedlead.store.erasure import erase
from speedlead.store.mapped import MOST_A_DAY
from speedlead.store.transactions import transact
from tests.gateway.house import House, open_house

SECRET = "user-of-crm:a-long-enough-secret"
KEY = base64.b64encode(b"0123456789abcdef01234567").decode()
OWN = """
name: open-form
kind: lead
about: for the tests
source: here
signature: {scheme: none}
fields: {email: email, name: name, phone: phone}
"""
PACKAGED = load_mappings()


@pytest_asyncio.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    own, secrets = tmp_path / "mappings", tmp_path / "secrets"
    own.mkdir()
    secrets.mkdir()
    (own / "open-form.yaml").write_text(OWN)
    for name in {mapping.secret_name for mapping in PACKAGED.values()}:
        (secrets / name).write_text(secret_of(name))
    async with open_house(
        database_url, tmp_path, mappings_dir=own, mapping_secrets_dir=secrets, mappings_unsigned=["open-form"],
        ticket_cost="12.50 EUR", intake_rate_per_minute_address=1000,
    ) as opened:  # fmt: skip
        yield opened


def secret_of(name: str) -> str:
    return f"whsec_{KEY}" if name in ("crm-status", "helpdesk", "finance") else SECRET


def signed(house: House, mapping: Mapping, body: bytes, at: float = 0) -> dict[str, str]:
    """As the sender would; `at`: seconds later than now."""
    wall = house.clock.wall().timestamp() + at
    key, how = SECRET.encode(), mapping.signature

    def mac(said: bytes, key: bytes = key) -> bytes:
        return hmac.new(key, said, sha256).digest()

    match how.scheme:
        case "stripe":
            stamp = str(int(wall))
            return {"Stripe-Signature": f"t={stamp},v1={mac(stamp.encode() + b'.' + body).hex()}"}
        case "standard":
            stamp = str(int(wall))
            made = mac(f"msg_1.{stamp}.".encode() + body, base64.b64decode(KEY))
            return {"webhook-id": "msg_1", "webhook-timestamp": stamp,
                    "webhook-signature": f"v1,{base64.b64encode(made).decode()}"}  # fmt: skip
        case "basic":
            return {"Authorization": f"Basic {base64.b64encode(key).decode()}"}
        case "token" if how.header:
            return {how.header: how.prefix + SECRET}
        case "hmac":
            stamp = ""
            headers = {}
            if how.timestamp is not None:
                iso = house.clock.wall().isoformat().replace("+00:00", "Z")
                stamp = {"seconds": str(int(wall)), "milliseconds": str(int(wall * 1000)), "iso": iso}[
                    how.timestamp.unit
                ]
                headers[how.timestamp.header] = stamp
            said = how.signed.encode()
            url = f"{house.base}/in/{mapping.name}"
            for place, text in (
                ("method", b"POST"),
                ("url", url.encode()),
                ("timestamp", stamp.encode()),
                ("body", body),
            ):
                said = said.replace(f"{{{place}}}".encode(), text)
            made = mac(said)
            encoded = made.hex() if how.encoding == "hex" else base64.b64encode(made).decode()
            return headers | {str(how.header): how.prefix + encoded}
    return {}


async def send(
    house: House, name: str, body: bytes, headers: dict[str, str] | None = None, kind: str = "application/json"
) -> tuple[int, Any]:
    given = signed(house, PACKAGED[name], body) if headers is None else headers
    async with house.http.post(f"/in/{name}", data=body, headers={"Content-Type": kind} | given) as answer:
        return answer.status, await answer.json(content_type=None)


async def sample(house: House, name: str) -> tuple[int, Any]:
    found = sample_of(PACKAGED[name])
    assert found is not None
    kind, text = found
    if name == "google-ads":
        text = text.replace("the-key-of-the-form", SECRET)
    return await send(house, name, text.encode(), kind=kind)


async def said(house: House, mapping: str, /, **fields: Any) -> tuple[int, Any]:
    return await send(house, mapping, json.dumps(fields).encode())


LEADS = [name for name, mapping in PACKAGED.items() if mapping.kind == "lead"]


async def test_every_packaged_mapping_takes_what_its_sender_sends(house: House) -> None:
    """Two systems tell of one person: it stays one lead. What they call it leads to it later."""
    for name in LEADS:
        status, body = await sample(house, name)
        assert (status, body["made"], body["left_out"]) == (202, "lead", []), (name, body)
        assert (await sample(house, name))[1].get("reason", "was here before").endswith("acted on") or name == (
            "hubspot-contact"
        ), name
    assert await house.count("lead") == 2  # Ada, and Webflow's Zaphod
    assert len(house.behind.delivered) >= 2
    for name, made in (("hubspot-status", "status"), ("pipedrive-deal", "status"), ("salesforce-status", None),
                       ("crm-status", None), ("helpdesk", "support_cost"), ("zendesk-ticket", "support_cost"),
                       ("finance", "revenue"), ("stripe-invoice", "revenue"),
                       ("stripe-refund", "revenue")):  # fmt: skip
        house.clock.now += timedelta(seconds=1)
        status, body = await sample(house, name)
        assert (status, body["made"]) == (202, made), (name, body)
        assert made is not None or body["reason"] == "status: it was so already", (name, body)
    rows = await house.pool.fetch("select outcome from outcome order by at")
    assert [row["outcome"] for row in rows] == ["qualified", "converted"]
    entries = await house.pool.fetch("select reference, kind, amount::text, currency from ledger_entry order by 1")
    assert [tuple(row) for row in entries] == [
        ("finance:INV-2026-0042", "revenue", "1250.500", "EUR"),
        ("helpdesk:4711", "support_cost", "8.400", "EUR"),
        ("stripe-invoice:in_1QGEYoZJWpzXTeUB5QKcgQtO", "revenue", "60.380", "EUR"),
        ("stripe-refund:ch_1QGEYoXJWpzXTeUB5bUFLIzU", "revenue", "-20.000", "EUR"),
        ("zendesk-ticket:35436", "support_cost", "12.500", "EUR"),
    ]
    who = await house.pool.fetch("select distinct role from audit where action like 'mapping %'")
    assert {row["role"] for row in who} == {"mapping: hubspot-status", "mapping: pipedrive-deal"}


async def test_a_lead_goes_on_without_what_is_wrong_and_the_reason_is_shown(house: House) -> None:
    status, body = await said(
        house, "form", id="1", email="ada@example.com", phone="12", intent="world peace", consent_sms="perhaps",
        country="Atlantis",
        tz="Mars/Olympus", name="A\u0000da\ud800 Lovelace",
    )  # fmt: skip
    assert status == 202
    assert [text.partition(":")[0] for text in body["left_out"]] == ["country", "phone", "intent", "consent_sms"]
    row = await house.pool.fetchrow("select i.*, p.name from inquiry i join person p on p.id = i.person_id")
    assert (row["email"], row["phone"], row["intent"], row["name"]) == (
        "ada@example.com",
        None,
        "other",
        "Ada Lovelace",
    )
    assert row["fields"]["phone_as_sent"] == "12"
    assert len(row["fields"]["left_out"]) == 4
    assert "left out: country:" in await house.pool.fetchval("select note from webhook")
    # nobody can be answered who has left neither an address nor a number: kept, shown, and no lead
    status, body = await said(house, "form", id="2", email="ada at example", name="Ada")
    assert (status, body["made"]) == (202, None)
    assert "email: not an e-mail address" in body["reason"]
    assert await house.count("lead") == 1
    assert await house.pool.fetchval("select state from webhook where reason like 'email:%'") == "failed"


async def test_what_comes_again_is_done_once_and_what_is_meant_again_is_heard(house: House) -> None:
    first = (await said(house, "form", id="9", email="ada@example.com"))[1]
    again = (await said(house, "form", id="9", email="ada@example.com", attempt=2))[1]
    assert first["made"] == "lead"
    assert again["made"] is None
    assert await house.count("inquiry") == 1
    await house.pool.execute("delete from webhook")  # kept for days only; the inquiry remembers the id
    house.clock.now += timedelta(days=30)
    assert (await said(house, "form", id="9", email="ada@example.com"))[1]["repeat"] is True
    # without an id: a double click is one, tomorrow's question is another
    for seconds, inquiries in ((0, 2), (5, 2), (86_400, 3)):
        house.clock.now += timedelta(seconds=seconds)
        assert (await said(house, "hubspot-contact", email="bob@example.com"))[0] == 202
        assert await house.count("inquiry") == inquiries
    # so too where the mapping knows of an id, and the sender has none
    for seconds, inquiries in ((0, 4), (5, 4), (86_400, 5)):
        house.clock.now += timedelta(seconds=seconds)
        await asyncio.gather(*(said(house, "form", email="eve@example.com") for _ in range(4)))
        assert await house.count("inquiry") == inquiries


async def test_a_status_that_is_ahead_of_its_lead_waits_for_it(house: House) -> None:
    status, body = await said(house, "crm-status", id="7", external_id="X1", email="ada@example.com", status="Won")
    assert (status, body["made"]) == (202, None)
    row = await house.pool.fetchrow("select state, reason, next_try_wall from webhook")
    assert row["state"] == "waiting"
    assert row["reason"].startswith("no lead of ours")
    assert house.deps.counters.value("bugs") == 0
    lead_id = (await said(house, "form", id="1", email="Ada@example.com"))[1]["lead_id"]
    assert await replay_next(house.app.state.context)
    assert await house.pool.fetchval("select outcome from outcome where lead_id = $1", lead_id) == "converted"
    # from now on their id is enough, and what they tell again changes nothing
    assert (await said(house, "crm-status", id="8", external_id="X1", status="customer"))[1]["reason"].endswith(
        "already"
    )
    assert await house.count("outcome") == 1
    # what never gets a lead is given up quietly: it is nobody's fault
    await said(house, "crm-status", id="10", email="nobody@example.com", status="Won")
    for _ in range(12):
        await house.pool.execute("update webhook set next_try_wall = $1 where state = 'waiting'", house.clock.now)
        await replay_next(house.app.state.context)
    assert (
        await house.pool.fetchval("select state from webhook where reason is not null and state <> 'done'") == "failed"
    )
    assert await house.pool.fetchval("select count(*) from notice where kind = 'webhook_failed'") == 0


async def test_what_waited_for_a_lead_counts_from_when_there_is_one_in_the_order_it_came(house: House) -> None:
    for status in ("qualified", "nurture", "won"):
        house.clock.now += timedelta(seconds=1)
        await said(house, "crm-status", id=status, email="ada@example.com", status=status)
    house.clock.now += timedelta(seconds=1)
    lead_id = (await said(house, "form", id="1", email="ada@example.com"))[1]["lead_id"]
    began = house.clock.now
    while await replay_next(house.app.state.context):
        house.clock.now += timedelta(seconds=1)
    rows = await house.pool.fetch("select outcome, at from outcome order by at")
    assert [row["outcome"] for row in rows] == ["qualified", "not_now", "converted"]
    assert rows[0]["at"] == began
    # acted on once more, as when another part of the request waits: no row, and no line of the audit
    lines = await house.count("audit")
    await house.pool.execute("update webhook set state = 'waiting', next_try_wall = $1", began)
    while await replay_next(house.app.state.context):
        pass
    assert (await house.count("outcome"), await house.count("audit")) == (3, lines)
    # what is told back to us without the moment that we know takes none away
    later = (house.clock.now + timedelta(days=9)).isoformat()
    await said(house, "crm-status", id="8", lead_id=lead_id, status="nurture", until=later)
    body = (await said(house, "crm-status", id="9", lead_id=lead_id, status="nurture"))[1]
    assert body["reason"] == "status: it was so already"


async def test_a_status_is_what_a_rep_would_have_logged(house: House) -> None:
    lead_id = await house.lead()
    rep_id = await house.pool.fetchval(
        """insert into rep (id, name, email, phone, zone, weekly, capacity, active) values (gen_random_uuid(), 'Sam',
           'Sam@Acme.example', '+12125550123', 'UTC', '{}', 20, true) returning id::text"""
    )
    status, body = await said(house, "crm-status", id="1", lead_id=lead_id, status="nurture", owner="sam@acme.example")
    assert status == 202
    assert [one["made"] for one in body["made"]] == ["owner", "status"]
    assert house.behind.updates == [(lead_id, "reassign", {"rep_id": rep_id, "by": "ops", "reason": "told_elsewhere"})]
    assert [one["kind"] for one in await house.messages(lead_id)][-1] == "outcome"
    for fields, why in (
        ({"status": "promising"}, "a word that the mapping does not have: 'promising'"),
        ({"status": "callback_requested", "at": "tomorrow"}, "at: not a date"),
        ({"status": "callback_requested", "at": "2026-11-23T10:00"}, "at: a date without a zone"),
        ({"status": "callback_requested", "at": "2026-11-20T10:00Z"}, "at: not in the future"),
        ({"status": "do_not_contact", "scope": "fax"}, "scope: expected one of"),
        ({"owner": "stranger@acme.example"}, "owner: expected the e-mail address of an active rep"),
        ({}, "status: expected one"),
    ):
        body = (await said(house, "crm-status", id=json.dumps(fields), lead_id=lead_id, **fields))[1]
        assert body["made"] is None, (fields, body)
        assert why in body["reason"], (fields, body)
    # an opt-out that goes further than the one before is never taken for the same
    for number, (scope, made) in enumerate((("sms", "status"), ("sms", None), ("all", "status"), ("email", None))):
        body = (
            await said(house, "crm-status", id=f"no-{number}", lead_id=lead_id, status="do_not_contact", scope=scope)
        )[1]
        assert body["made"] == made, (scope, body)
    assert {row["channel"] for row in await house.pool.fetch("select channel from suppression")} == {"sms", "all"}
    await house.close_lead(lead_id)
    assert (await said(house, "crm-status", id="x", lead_id=lead_id, status="qualified"))[1]["reason"] == (
        "the lead is closed"
    )
    # a number that two people share says nothing
    for name in ("Bob", "Eve"):
        await house.lead(email=f"{name}@example.com", phone="+14155552671", name=name)
    assert "waits" in (await said(house, "crm-status", id="y", phone="+14155552671", status="won"))[1]["reason"]


async def test_two_systems_with_crossed_words_come_to_an_end(house: House) -> None:
    lead_id = await house.lead()

    async def told(status: str, *, by_other: bool = False) -> str | None:
        house.clock.now += timedelta(seconds=1)
        key = str(house.clock.now)
        body = (await said(house, "crm-status", id=key, lead_id=lead_id, status=status))[1]
        if by_other:
            await house.pool.execute("update audit set role = 'mapping: other' where id = (select max(id) from audit)")
        reason: str | None = body.get("reason")
        return reason

    circle = "status: systems tell each other of it in a circle; a person decides"
    assert [await told("qualified"), await told("nurture", by_other=True)] == [None, None]
    assert [await told("qualified"), await told("won")] == [circle, None]
    # a person in between is no echo
    assert await told("nurture", by_other=True) is None
    house.clock.now += timedelta(seconds=1)
    assert (await house.call("POST", f"/api/leads/{lead_id}/outcomes", {"outcome": "unqualified"}))[0] == 202
    assert await told("won") is None
    for number in range(20):
        await told(("qualified", "nurture")[number % 2])
    assert await house.pool.fetchval("select count(*) from audit where action = 'mapping outcome'") == MOST_A_DAY
    assert await told("do_not_contact") is None
    notices = await house.pool.fetch("select audience, reason from notice where kind = 'systems_disagree'")
    assert [tuple(row) for row in notices] == [("ops", "told_back")]


async def test_what_waits_about_somebody_who_is_erased_goes_too(house: House) -> None:
    await said(house, "form", id="1", email="ada@example.com")
    person, lead_id = await house.pool.fetchrow("select person_id::text, id::text from lead")
    await said(house, "crm-status", id="2", lead_id=lead_id, external_id="X1", status="qualified")
    await house.pool.execute("delete from webhook")
    for number, who in enumerate(({"email": "ada@example.com", "external_id": "X7"}, {"external_id": "X1"},
                                  {"email": "bob@example.com"})):  # fmt: skip
        await said(house, "crm-status", id=f"w{number}", status="won", **who)
    shared = ["ada@example.com", "bob@example.com"]
    await house.pool.execute("update webhook set state = 'waiting', next_try_wall = received_wall")
    await house.pool.execute("update webhook set about = $1 where about = '{bob@example.com}'", shared)
    secret = house.credentials.secret_bytes
    await transact(house.pool, lambda conn: erase(conn, house.clock, [person], secret))
    assert await house.pool.fetchval("select array_agg(about) from webhook") == [shared]


async def test_a_payment_is_of_the_lead_that_was_won_by_then(house: House) -> None:
    won = await house.lead(email="ada@example.com")
    await said(house, "crm-status", id="1", lead_id=won, status="won")
    await house.close_lead(won)
    house.clock.now += timedelta(days=3)
    again = await house.lead(email="ada@example.com")
    for number, (day, who) in enumerate((("2026-11-26", {}), ("2026-11-23", {}), ("2026-11-26", {"lead_id": again}))):
        paid = {"id": f"I-{number}", "amount": "10", "currency": "EUR", "date": day, "email": "ada@example.com"} | who
        assert (await said(house, "finance", **paid))[1]["lead_id"] == (again if who else won)
    # a customer since before any lead of ours: it waits, stands on the page, and rings no alarm
    paid = {"id": "I-9", "amount": "10", "currency": "EUR", "date": "2025-01-02", "email": "ada@example.com"}
    assert "waits" in (await said(house, "finance", **paid))[1]["reason"]
    await house.pool.execute("update webhook set state = 'failed', next_try_wall = null where state = 'waiting'")
    assert await webhooks.not_done(house.pool) == {}


async def test_refunds_that_overtake_each_other_leave_the_ledger_right(house: House) -> None:
    """Stripe says of a charge what was given back so far, and sends in any order, and more than once."""
    await house.lead(email="ada@example.com")
    kind, text = sample_of(PACKAGED["stripe-refund"]) or ("", "")
    began = json.loads(text)["created"]

    async def refund(number: int, back: int, after_s: int) -> Any:
        event = json.loads(text) | {"id": f"evt_{number}", "created": began + after_s}
        event["data"]["object"]["amount_refunded"] = back
        return (await send(house, "stripe-refund", json.dumps(event).encode(), kind=kind))[1]

    async def sum_() -> Any:
        return await house.pool.fetchval("select sum(amount) from ledger_entry")

    assert (await refund(2, 6038, 60))["amount"] == "-60.38"
    assert (await refund(1, 2000, 0))["reason"] == "reference: something newer is known of it"
    await refund(2, 6038, 60)
    assert (await sum_(), await house.count("ledger_entry")) == (Decimal("-60.38"), 1)
    await sample(house, "stripe-invoice")
    assert (await sum_(), await house.count("ledger_entry")) == (0, 2)
    await refund(3, 1000, 120)  # one of them failed at the bank
    assert await sum_() == Decimal("50.38")


async def test_nobody_is_believed_who_does_not_know_the_secret(house: House, tmp_path: Path) -> None:
    """For every scheme: nothing of what was sent is kept, and that it was sent is told."""
    for name, mapping in PACKAGED.items():
        body = b'{"id": "1", "email": "ada@example.com"}'
        right = signed(house, mapping, body)
        tries: list[tuple[dict[str, str], bytes]] = [({}, body)]
        for header, value in right.items():
            if header.lower() != "webhook-id":
                tries += [
                    (right | {header: value[:-2] + ("AA" if value[-2:] != "AA" else "BB")}, body),
                    (right | {header: ""}, body),
                ]
        timed = mapping.signature.timestamp is not None or mapping.signature.scheme in ("stripe", "standard")
        if timed and (mapping.signature.timestamp is None or mapping.signature.timestamp.unit != "iso"):
            tries += [(signed(house, mapping, body, at), body) for at in (-301, 301)]
        if timed or mapping.signature.scheme == "hmac":
            tries.append((right, body.replace(b"ada", b"eve")))
        for headers, sent in tries:
            status, answer = await send(house, name, sent, headers)
            assert status == 403, (name, headers, answer)
    assert await house.count("webhook") == await house.count("lead") == 0
    told = await house.pool.fetch("select mapping, many from mapping_refusal")
    assert {row["mapping"] for row in told} == set(PACKAGED)
    # while a secret is changed, two are right; without any the door is closed
    secrets = tmp_path / "secrets"
    (secrets / "tally").rename(secrets / "tally.other")
    (secrets / "tally").write_text("another-long-secret-of-theirs")
    assert (await sample(house, "tally"))[1]["made"] == "lead"
    assert await house.pool.fetchval("select signed_by from webhook") == "tally.other"
    (secrets / "tally").unlink()
    (secrets / "tally.other").unlink()
    assert (await sample(house, "tally"))[0] == (await send(house, "no-such", b"{}", {}))[0] == 404


BODIES = {
    b'{"email": "a@example.com", "email": "b@example.com"}': "stands twice",
    b'{"email": NaN}': "no NaN",
    b'{"email": "a@example.com", "x": 1e400}': "below 1e308",
    b'{"email": "a@example.com", "x": ' + b"9" * 5000 + b"}": "expected JSON",
    b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}": "expected JSON",
    b'{"x": ' + b"[" * 60 + b"]" * 60 + b"}": "levels of nesting",
    json.dumps({"x": list(range(20_000))}).encode(): "at most 5000 values",
    b'\xff\xfe{"email"': "in UTF-8",
    b"": "expected JSON",
    b"null": "neither e-mail nor phone",
    b'["a@example.com"]': "neither e-mail nor phone",
    b'{"email": {"a": 1}}': "an object, expected a text",
    b'{"email": "' + b"a" * 100_000 + b'@example.com"}': "longer than 10000",
}


async def test_bodies_that_nobody_can_use_break_nothing(house: House) -> None:
    for body, why in BODIES.items():
        status, answer = await send(house, "form", body)
        assert (status, answer["made"]) == (202, None), (body[:60], answer)
        assert why in answer["reason"], (body[:60], answer)
    assert (await send(house, "form", b"x" * 262_145))[0] == 413
    assert await house.pool.fetchval("select count(*) from webhook where state <> 'failed'") == 0
    assert await house.count("lead") == 0
    assert house.deps.counters.value("bugs") == 0
    # a form in another coat, and halves of characters where they are kept
    body = urlencode({"your-email": "ada@example.com", "your-name": "Ada", "x\ud800": "\ud800"}, errors="surrogatepass")
    assert (await send(house, "wordpress", body.encode(), kind="application/x-www-form-urlencoded"))[1][
        "made"
    ] == "lead"
    answers = await asyncio.gather(*(said(house, "form", id="same", email="bob@example.com") for _ in range(12)))
    assert sum(answer[1]["made"] == "lead" for answer in answers) == 1


async def test_what_could_not_be_used_is_acted_on_again_when_the_mapping_is_mended(house: House) -> None:
    """On the page, by somebody who may; what a sample would become is shown there and written nowhere."""
    body = json.dumps({"id": "1", "mail_of_customer": "ada@example.com"}).encode()
    assert (await send(house, "form", body))[1]["made"] is None
    staff = await house.sign_in("ops")
    status, page = await house.call("GET", "/mappings/form", headers=staff)
    assert status == 200
    assert "neither e-mail nor phone was given" in page
    assert "not usable" in page
    status, page = await house.call("GET", "/mappings", headers=staff)
    assert status == 200
    assert "/in/open-form" in page
    context = house.app.state.context
    mended = PACKAGED["form"].model_copy(update={"fields": PACKAGED["form"].fields | {
        "email": PACKAGED["form"].fields["email"].model_copy(update={"path": ("mail_of_customer",)})}})  # fmt: skip
    context.mappings.mappings["form"] = mended
    async with house.http.post("/mappings/form/replay", headers=staff, allow_redirects=False) as answer:
        assert answer.status == 303
    assert await replay_next(context)
    assert await house.count("lead") == 1
    before = await house.counts()
    for sent, kind, status, words in (
        (body.decode(), "application/json", 200, "A lead would be made"),
        ("{", "application/json", 422, "expected JSON"),
        ("mail_of_customer=x", "application/x-www-form-urlencoded", 200, "Nothing would be made"),
    ):
        async with house.http.post("/mappings/form/try", data={"sample": sent, "kind": kind}, headers=staff) as answer:
            assert answer.status == status
            assert words in await answer.text()
    assert await house.counts() == before
    assert (await house.call("GET", "/mappings", headers=await house.sign_in("manager")))[0] == 403
    assert (
        await house.pool.fetchval("select asked ->> 'mapping' from audit where action = '/mappings/{mapping}/replay'")
        == "form"
    )


async def test_whoever_is_erased_is_called_nothing_by_others(house: House) -> None:
    lead_id = (await sample(house, "pipedrive-person"))[1]["lead_id"]
    await said(
        house, "crm-status", id="2", email="ada@example.com", external_id="B", status="nurture", note="Ada said so"
    )
    await said(house, "form", id="3", email="bob@example.com", name="Bob")
    assert await house.count("external_ref") == 2
    # also where nothing was made of it: a word that is unknown, a change that is passed over, a wrong place
    ada = {"id": 4, "emails": [{"value": "Ada@example.com", "primary": True}]}
    await said(house, "crm-status", id="4", email="ada@example.com", status="promising", note="Ada said so")
    await said(house, "pipedrive-person", meta={"entity": "person", "action": "change"}, data=ada)
    await said(house, "form", id="5", contact=[{"mail": "ADA@example.com "}])
    assert await house.count("webhook") == 6
    staff = await house.sign_in("ops")
    async with house.http.get(f"/leads/{lead_id}/export", headers=staff) as answer:
        assert answer.status == 200
    async with house.http.post(f"/leads/{lead_id}/erase", data={"sure": "yes"}, headers=staff) as answer:
        assert answer.status == 200, await answer.text()
    assert await house.count("external_ref") == 0
    assert [row["path"] for row in await house.pool.fetch("select path from webhook")] == ["form"]
    left = await house.pool.fetch("select i::text from inquiry i union all select o::text from outcome o")
    assert "Ada" not in str(left)
    assert "ada@" not in str(left)
    # what is told of them later finds nobody
    told = await said(house, "crm-status", id="9", lead_id=lead_id, status="won", note="Ada came back")
    assert "waits" in told[1]["reason"]
    assert await house.pool.fetchval("select count(*) from outcome where note is not null") == 0


async def test_parts_that_cannot_be_used_are_named_and_the_others_are_done(house: House) -> None:
    """HubSpot sends many changes at once; what it sends again, in other company, is done once."""
    lead_id = (await sample(house, "hubspot-contact"))[1]["lead_id"]
    event = json.loads(sample_of(PACKAGED["hubspot-status"])[1])[0]  # type: ignore[index]
    nobody = event | {"eventId": 2, "objectId": {"not": "an id"}}
    body = (await send(house, "hubspot-status", json.dumps([event, nobody, event | {"eventId": 3}]).encode()))[1]
    assert [one["made"] for one in body["made"]] == ["status", None]
    assert body["not_made"][0].startswith("part 2: who: expected somebody")
    row = await house.pool.fetchrow("select state, reason, note from webhook where path = 'hubspot-status'")
    assert (row["state"], row["reason"]) == ("done", None)
    assert "part 2: who" in row["note"]
    assert "it was so already" in row["note"]
    await send(house, "hubspot-status", json.dumps([event]).encode())
    assert await house.pool.fetchval("select count(*) from outcome where lead_id = $1", lead_id) == 1


async def test_a_part_that_is_mended_is_not_taken_for_its_neighbour(house: House) -> None:
    context = house.app.state.context
    many = PACKAGED["form"].model_copy(update={"each": "all", "id": None})
    context.mappings.mappings["form"] = many
    body = json.dumps({"all": [{"mail_of_customer": "ada@example.com"}, {"email": "bob@example.com"}]}).encode()
    assert (await send(house, "form", body))[1]["not_made"][0].startswith("part 1: email")
    context.mappings.mappings["form"] = many.model_copy(update={"fields": many.fields | {
        "email": many.fields["email"].model_copy(update={"path": ("mail_of_customer", "email")})}})  # fmt: skip
    await house.pool.execute("update webhook set state = 'waiting', next_try_wall = $1", house.clock.now)
    assert await replay_next(context)
    rows = await house.pool.fetch("select email from inquiry order by email")
    assert [row["email"] for row in rows] == ["ada@example.com", "bob@example.com"]
