"""The two doors for inquiries, over HTTP and on real rows."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.house import PHONE, House, open_house


async def test_a_form_post_becomes_person_lead_inquiry_and_message(house: House) -> None:
    status, page, _ = await house.post_form(
        name="Ada Lovelace", email="Ada@Example.com", phone="(415) 555-2671", intent="demo_request", country="US",
        consent_text="Call me", message="Hello", utm_source="google", utm_medium="cpc", budget="10k",
    )  # fmt: skip
    assert status == 200
    assert "Thank you" in page
    lead = await house.pool.fetchrow("select * from lead")
    assert (lead["lead_type"], lead["source"], lead["plan_id"], lead["form_key"]) == (
        "hot",
        "paid_ads",
        "inbound",
        "demo",
    )
    assert lead["created_at"] == house.clock.now
    inquiry = await house.pool.fetchrow("select * from inquiry")
    assert (inquiry["email"], inquiry["phone"], inquiry["number"]) == ("ada@example.com", PHONE, 1)
    assert inquiry["fields"] == {"utm_source": "google", "utm_medium": "cpc", "budget": "10k"}
    assert [m["kind"] for m in await house.messages(lead["id"])] == ["start"]
    assert house.behind.delivered == [lead["id"]]
    assert lead["id"] not in page


async def test_the_api_answers_with_the_lead_id_only(house: House) -> None:
    status, body = await house.post_lead(email="ada@example.com")
    assert status == 202
    assert set(body) == {"lead_id"}
    again, second = await house.post_lead(email="ada@example.com", message="one more thing")
    assert (again, second) == (202, body)


@pytest.mark.parametrize("headers", [{}, {"X-Api-Key": "wrong"}, {"Authorization": "Bearer "}, {"X-Api-Key": "\xfc"}])
async def test_the_api_needs_its_key(house: House, headers: dict[str, str]) -> None:
    status, problem = await house.call("POST", "/api/leads", {"email": "ada@example.com"}, headers)
    assert (status, problem["status"]) == (401, 401)
    assert await house.count("lead") == 0


async def test_fifty_equal_posts_at_once_are_one_lead(house: House) -> None:
    answers = await asyncio.gather(*(house.lead(phone=PHONE, message="hi") for _ in range(50)))
    assert len(set(answers)) == 1
    counts = await house.counts()
    assert [counts[t] for t in ("person", "lead", "inquiry", "message")] == [1, 1, 1, 1]


async def test_fifty_posts_with_a_phone_alone_are_one_person(house: House) -> None:
    await asyncio.gather(*(house.lead(email=None, phone=PHONE) for _ in range(50)))
    assert [await house.count(t) for t in ("person", "lead", "inquiry")] == [1, 1, 1]


async def test_fifty_posts_with_one_idempotency_key_are_one_lead(house: House) -> None:
    """Even when they differ: the key says that they are the same request."""
    key = {"Idempotency-Key": "order-1"}
    answers = await asyncio.gather(
        *(house.post_lead(key, email=f"ada{n}@example.com", message=str(n)) for n in range(50))
    )
    assert {status for status, _ in answers} == {202}
    assert len({body["lead_id"] for _, body in answers}) == 1
    assert [await house.count(t) for t in ("person", "lead", "inquiry")] == [1, 1, 1]


async def test_different_posts_of_one_person_at_once_become_inquiries_of_one_lead(house: House) -> None:
    answers = await asyncio.gather(*(house.lead(message=f"question {n}") for n in range(20)))
    assert len(set(answers)) == 1
    numbers = await house.pool.fetch("select number from inquiry order by number")
    assert [row["number"] for row in numbers] == list(range(1, 21))
    kinds = [m["kind"] for m in await house.messages(answers[0])]
    assert kinds == ["start"] + ["inquiry"] * 19


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "email"),
    ({"name": "Ada"}, "email"),
    ({"email": "ada"}, "email"),
    ({"email": "ada@localhost"}, "email"),
    ({"email": ["ada@example.com"]}, "email"),
    ({"email": "ada@" + "a" * 60 + ".example" * 30}, "email"),
    ({"phone": "12"}, "phone"),
    ({"phone": "+1 900 555 2671"}, "phone"),
    ({"phone": "+15551234567"}, "phone"),
    ({"email": "ada@example.com", "intent": "buy"}, "intent"),
    ({"email": "ada@example.com", "country": "Narnia"}, "country"),
    ({"email": "ada@example.com", "tz": "Mars/Olympus"}, "tz"),
    ({"email": "ada@example.com", "tz": "../../etc/passwd"}, "tz"),
    ({"email": "ada@example.com", "consent_sms": "perhaps"}, "consent_sms"),
    ({"email": "ada@example.com", "name": {"first": "Ada"}}, "name"),
    ({"email": "ada@example.com", "name": "x" * 201}, "name"),
    ({"email": "ada@example.com", "message": "x" * 10_001}, "message"),
    ({"email": "ada@example.com", "postcode": "x" * 17}, "postcode"),
]


@pytest.mark.parametrize(("fields", "field"), BAD)
async def test_bad_input_is_refused_with_the_fields_name(house: House, fields: dict[str, Any], field: str) -> None:
    status, problem = await house.post_lead(**fields)
    assert status == 422
    assert [error["field"] for error in problem["errors"]] == [field]
    assert all(error["reason"] and error["expected"] for error in problem["errors"])
    assert await house.counts() == dict.fromkeys(await house.counts(), 0)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"a": NaN}', b"\xff", b'"x"', b"[" * 20_000, b'{"a":' + b"9" * 5000 + b"}"]
)
async def test_what_is_no_json_object_is_400(house: House, body: bytes) -> None:
    async with house.http.post("/api/leads", data=body, headers=house.key) as answer:
        assert (answer.status, answer.content_type) == (400, "application/problem+json")


async def test_the_form_comes_back_with_what_was_typed_escaped(house: House) -> None:
    status, page, headers = await house.post_form(name="<script>alert(1)</script>", email="nope", message='"quoted"')
    assert status == 422
    assert "not an e-mail address" in page
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "default-src &#39;self&#39;" not in page
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert await house.count("person") == 0


async def test_a_forms_unknown_zone_is_only_noted(house: House) -> None:
    status, _, _ = await house.post_form(email="ada@example.com", tz="Mars/Olympus")
    assert status == 200
    row = await house.pool.fetchrow("select l.tz, i.fields from lead l join inquiry i on i.lead_id = l.id")
    assert (row["tz"], row["fields"]) == (None, {"tz_unknown": "Mars/Olympus"})


async def test_a_multipart_form_is_taken_and_its_files_are_left_out(house: House) -> None:
    import aiohttp

    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("email", "ada@example.com")
    form.add_field("message", "hé\x00llo")
    form.add_field("cv", b"%PDF", filename="cv.pdf")
    async with house.http.post("/f/demo", data=form) as answer:
        assert answer.status == 200
    row = await house.pool.fetchrow("select message, fields from inquiry")
    assert (row["message"], row["fields"]) == ("héllo", {})


async def test_the_trap_looks_like_success_and_writes_nothing(house: House) -> None:
    good = await house.post_form(email="ada@example.com")
    trapped = await house.post_form(email="bob@example.com", website="http://spam.example")
    assert trapped[:2] == good[:2]
    assert await house.count("person") == 1


async def test_known_and_unknown_people_get_the_same_page(house: House) -> None:
    first = await house.post_form(email="ada@example.com", message="1")
    known = await house.post_form(email="ada@example.com", message="2")
    repeat = await house.post_form(email="ada@example.com", message="2")
    assert first[:2] == known[:2] == repeat[:2]


async def test_the_page_says_the_promise_when_it_is_known_and_ahead(house: House) -> None:
    lead_id = await house.lead()
    await house.pool.execute(
        "update lead set promised_at = $1, promise_text = 'Sam calls you by 10:07.'", house.clock.now
    )
    assert "Sam calls" not in (await house.post_form(email="ada@example.com", message="2"))[1]
    await house.pool.execute("update lead set promised_at = promised_at + interval '1 minute' where id = $1", lead_id)
    assert "Sam calls you by 10:07." in (await house.post_form(email="ada@example.com", message="3"))[1]


@pytest.mark.parametrize(
    ("target", "origin", "followed"),
    [
        ("/thanks", None, True),
        ("https://evil.example/", None, False),
        ("//evil.example/", None, False),
        ("/\\evil.example", None, False),
        ("javascript:alert(1)", None, False),
        ("https://shop.example/thanks", "https://shop.example", True),
        ("https://shop.example@evil.example/", "https://shop.example", False),
        ("https://evil.example/", "https://shop.example", False),
        ("https://shop.example/\r\nSet-Cookie: a=b", "https://shop.example", False),
    ],
)
async def test_redirects_lead_only_to_the_site_of_the_form(
    house: House, target: str, origin: str | None, followed: bool
) -> None:
    headers = {"Origin": origin} if origin else {}
    status, _, answered = await house.post_form(headers, email="ada@example.com", redirect=target)
    assert (status == 303) is followed
    assert answered.get("Location") == (target if followed else None)
    assert await house.count("lead") == 1


async def test_an_unknown_form_is_404(house: House) -> None:
    assert (await house.post_form(form_key="nobody", email="ada@example.com"))[0] == 404
    assert await house.count("lead") == 0


async def test_too_large_is_413_announced_or_not(house: House) -> None:
    status, problem = await house.post_lead(email="ada@example.com", padding="x" * 70_000)
    assert (status, problem["status"]) == (413, 413)

    async def chunks() -> Any:
        for _ in range(100):
            yield b"x" * 1000

    async with house.http.post("/f/demo", data=chunks()) as answer:
        assert answer.status == 413
    assert await house.count("lead") == 0


async def test_more_posts_than_a_minute_allows_are_429(database_url: str, tmp_path: Path) -> None:
    async with open_house(
        database_url, tmp_path, intake_rate_per_minute_address=3, intake_rate_per_minute_key=2
    ) as house:
        answers = [await house.post_form(email=f"ada{n}@example.com") for n in range(4)]
        assert [a[0] for a in answers] == [200, 200, 200, 429]
        assert 1 <= int(answers[3][2]["Retry-After"]) <= 20
        statuses = [(await house.post_lead(email=f"bob{n}@example.com"))[0] for n in range(3)]
        assert statuses == [202, 202, 429]
        # a forwarded address of a proxy that is not trusted changes nothing
        assert (await house.post_form({"X-Forwarded-For": "203.0.113.9"}, email="eve@example.com"))[0] == 429
        assert await house.count("lead") == 5


async def test_a_trusted_proxy_tells_who_asks(database_url: str, tmp_path: Path) -> None:
    async with open_house(
        database_url, tmp_path, intake_rate_per_minute_address=1, trusted_proxies="127.0.0.0/8,10.0.0.0/8"
    ) as house:
        for n, chain in enumerate(("203.0.113.1", "203.0.113.2, 10.1.1.1", "8.8.8.8, 203.0.113.3")):
            assert (await house.post_form({"X-Forwarded-For": chain}, email=f"a{n}@example.com"))[0] == 200
        # what stands left of the first untrusted address was written by whoever asks
        assert (await house.post_form({"X-Forwarded-For": "1.1.1.1, 203.0.113.3"}, email="b@example.com"))[0] == 429
        rows = await house.pool.fetch("select remote_address from inquiry order by submitted_wall, remote_address")
        assert {row["remote_address"] for row in rows} == {"203.0.113.1", "203.0.113.2", "203.0.113.3"}


async def test_with_temporal_down_an_inquiry_is_taken_all_the_same(house: House) -> None:
    house.behind.fail = ConnectionError("no temporal")
    lead_id = await house.lead()
    assert [m["kind"] for m in await house.messages(lead_id)] == ["start"]
    house.behind.fail, house.behind.hang = None, True
    started = asyncio.get_running_loop().time()
    await house.lead(message="again")
    assert asyncio.get_running_loop().time() - started < 3


async def test_without_the_database_it_says_so_and_when_to_come_again(house: House) -> None:
    await house.pool.close()
    async with house.http.post("/api/leads", json={"email": "ada@example.com"}, headers=house.key) as answer:
        assert (answer.status, answer.content_type) == (503, "application/problem+json")
        assert int(answer.headers["Retry-After"]) >= 1
    status, page, headers = await house.post_form(email="ada@example.com")
    assert status == 503
    assert "Retry-After" in headers
    assert "Please try again" in page


async def test_no_answer_of_the_api_may_be_framed_or_sniffed(house: House) -> None:
    async with house.http.get("/healthz") as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"


async def test_segment_region_and_channel_are_taken_and_checked(house: House) -> None:
    status, _ = await house.post_lead(email="ada@example.com", segment="Enterprise", region="us-tx", channel="chat")
    assert status == 202
    lead = await house.pool.fetchrow(
        "select l.segment, l.country, l.region, i.channel from lead l join inquiry i on i.lead_id = l.id"
    )
    assert tuple(lead) == ("enterprise", "US", "US-TX", "chat")
    for fields, field in (({"region": "Atlantis", "country": "US"}, "region"), ({"channel": "smoke"}, "channel")):
        status, problem = await house.post_lead(email="ada@example.com", **fields)
        assert status == 422
        assert [error["field"] for error in problem["errors"]] == [field]


async def test_the_door_is_the_channel_of_an_inquiry_that_names_none(house: House) -> None:
    await house.post_lead(email="ada@example.com")
    await house.post_form(email="bob@example.com", region="Atlantis", country="US")
    rows = await house.pool.fetch("select channel, fields->>'region_unknown' from inquiry order by channel")
    assert [tuple(row) for row in rows] == [("api", None), ("form", "Atlantis")]
