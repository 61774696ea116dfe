"""What providers tell us about messages, and what leads write back."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from speedlead.tokens import make_token
from tests.gateway.house import OTHER_PHONE, PHONE, House

STATUS = "/webhooks/twilio/sms/status"
INBOUND = "/webhooks/twilio/sms/inbound"
ADA = "ada@example.com"


async def sms(house: House, lead_id: str, **columns: Any) -> str:
    return await house.touch(lead_id, "sms-1", "sms", PHONE, **columns)


async def told(house: House, touch_id: str, status: str, code: str = "", sid: str = "SM1") -> int:
    form = {"MessageSid": sid, "MessageStatus": status, "To": PHONE} | ({"ErrorCode": code} if code else {})
    answer, _ = await house.twilio(f"{STATUS}?touch={quote(touch_id, safe='')}", **form)
    return answer


async def state(house: House, touch_id: str) -> tuple[str, str | None]:
    row = await house.pool.fetchrow("select state, delivery from touch where id = $1", touch_id)
    return row["state"], row["delivery"]


# ── forged, repeated, garbage ────────────────────────────────────────────────────────────────────────────────────────

PATHS = [STATUS, INBOUND, *(f"/webhooks/twilio/voice/{p}" for p in ("rep", "accept", "leg", "lead-leg", "done", "amd"))]


@pytest.mark.parametrize("path", PATHS)
async def test_a_forged_twilio_webhook_changes_nothing(house: House, path: str) -> None:
    lead_id = await house.lead(phone=PHONE)
    touch_id = await sms(house, lead_id)
    before = await house.counts()
    form = {"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": "30005", "From": PHONE, "Body": "STOP",
            "CallSid": "CA1", "CallStatus": "completed", "Digits": "1"}  # fmt: skip
    assert (await house.twilio(f"{path}?touch={touch_id}&leg={touch_id}.rep-1", signed=False, **form))[0] == 403
    assert await house.counts() == before
    assert house.behind.asked_legs == []
    assert 'speedlead_webhooks_total{provider="twilio",result="forged"} 1' in (await house.call("GET", "/metrics"))[1]


async def test_a_signature_for_another_url_is_forged(house: House) -> None:
    from twilio.request_validator import RequestValidator

    token = house.credentials.sandbox_twilio_auth_token.get_secret_value()
    form = {"MessageSid": "SM1", "MessageStatus": "sent"}
    signature = RequestValidator(token).compute_signature(house.base + STATUS + "?touch=a", form)
    for url in (STATUS, STATUS + "?touch=b"):
        async with house.http.post(url, data=form, headers={"X-Twilio-Signature": signature}) as answer:
            assert answer.status == 403


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe\x00", b"%%%", b"a=" * 1000, b"{}", b"MessageSid=SM1&MessageStatus=sent"]
)
@pytest.mark.parametrize("headers", [{}, {"X-Twilio-Signature": ""}, {"X-Twilio-Signature": "\xff"}])
async def test_garbage_without_a_signature_is_403(house: House, body: bytes, headers: dict[str, str]) -> None:
    async with house.http.post(STATUS, data=body, headers=headers) as answer:
        assert answer.status == 403
    stamped = {f"X-Twilio-Email-Event-Webhook-{name}": "Zm9yZ2Vk" for name in ("Signature", "Timestamp")}
    for path in ("/webhooks/sendgrid/events", "/webhooks/sendgrid/inbound"):
        for given in (headers, stamped):
            async with house.http.post(path, data=body, headers=given) as answer:
                assert answer.status == 403
    assert await house.count("provider_event") == 0


@pytest.mark.parametrize("form", [{}, {"MessageSid": "SM1"}, {"MessageSid": "SM1", "MessageStatus": "\x00odd"}])
async def test_signed_webhooks_that_say_nothing_are_taken_calmly(house: House, form: dict[str, str]) -> None:
    for path in PATHS:
        status, _ = await house.twilio(f"{path}?touch=%00x&leg=no.such.leg", **form)
        assert status in (200, 204)
    assert await house.count("message") == 0


@pytest.mark.parametrize("body", [b"", b"{}", b"[1, null, {}]", b"[" * 5000, b'[{"event": ["x"]}]', b"\xff"])
async def test_signed_events_that_say_nothing_are_taken_calmly(house: House, body: bytes) -> None:
    assert await house.sendgrid("/webhooks/sendgrid/events", body) == 204


async def test_a_get_of_a_webhook_does_nothing(house: House) -> None:
    for path in PATHS:
        assert (await house.call("GET", path))[0] == 405


async def test_without_the_database_providers_are_asked_to_come_again(house: House) -> None:
    await house.pool.close()
    assert await told(house, "x.sms-1", "sent") == 503
    assert await house.events({"event": "delivered", "sg_event_id": "1", "touch_id": "x.email-1"}) == 503


# ── SMS status ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reports", "ends"),
    [
        (["queued", "sent", "delivered"], "delivered"),
        (["delivered", "sent", "queued"], "delivered"),
        (["sent", "queued"], "sent"),
        (["delivered", "failed"], "delivered"),
        (["undelivered", "delivered"], "undelivered"),
        (["sending", "nonsense"], "sending"),
    ],
)
async def test_a_delivery_only_moves_forward(house: House, reports: list[str], ends: str) -> None:
    touch_id = await sms(house, await house.lead(phone=PHONE))
    for report in reports:
        assert await told(house, touch_id, report) == 204
    assert await state(house, touch_id) == ("sent", ends)


@pytest.mark.parametrize("before", ["claimed", "in_doubt"])
async def test_a_report_resolves_what_was_in_doubt(house: House, before: str) -> None:
    lead_id = await house.lead(phone=PHONE)
    touch_id = await sms(house, lead_id, state=before)
    await told(house, touch_id, "queued", sid="SM9")
    row = await house.pool.fetchrow("select state, provider_id, sent_at from touch")
    assert tuple(row) == ("sent", "SM9", house.clock.now)
    assert await house.pool.fetchval("select first_attempt_at from lead") == house.clock.now


@pytest.mark.parametrize("became", ["deferred", "in_doubt", "failed", "claimed"])
async def test_a_late_report_of_the_first_request_corrects_whatever_its_repeat_came_to(
    house: House, became: str
) -> None:
    touch_id = await sms(house, await house.lead(phone=PHONE), state=became, doubted_wall=house.clock.now)
    await told(house, touch_id, "delivered", sid="SM9")
    await told(house, touch_id, "queued", sid="SM9")
    assert await state(house, touch_id) == ("sent", "delivered")


async def test_a_report_of_what_was_never_in_doubt_does_not_undo_a_refusal(house: House) -> None:
    touch_id = await sms(house, await house.lead(phone=PHONE), state="failed")
    await told(house, touch_id, "failed", "30005")
    assert (await state(house, touch_id))[0] == "failed"


async def test_a_repeated_report_changes_nothing(house: House) -> None:
    touch_id = await sms(house, await house.lead(phone=PHONE))
    await asyncio.gather(*(told(house, touch_id, "undelivered", "30005") for _ in range(20)))
    once = await house.counts()
    await told(house, touch_id, "undelivered", "30005")
    assert await house.counts() == once
    assert once["provider_event"] == 1
    assert len(await house.messages(touch_id.split(".")[0], "delivery")) == 1


@pytest.mark.parametrize(
    ("code", "bad_reason", "sms_bad_reason", "messages"),
    [
        ("30005", "undelivered:30005", None, ["delivery"]),
        ("30006", None, "undelivered:30006", ["delivery"]),
        ("30003", None, None, ["delivery"]),
        ("99999", None, None, ["delivery"]),
        ("30007", None, None, ["delivery"]),
        ("21610", None, None, ["opt_out"]),
    ],
)
async def test_what_an_error_code_means(
    house: House, code: str, bad_reason: str | None, sms_bad_reason: str | None, messages: list[str]
) -> None:
    lead_id = await house.lead(phone=PHONE)
    touch_id = await sms(house, lead_id)
    await told(house, touch_id, "undelivered", code)
    assert tuple(await house.pool.fetchrow("select bad_reason, sms_bad_reason from person_phone")) == (
        bad_reason,
        sms_bad_reason,
    )
    said = await house.messages(lead_id)
    assert [m["kind"] for m in said[1:]] == messages
    if messages == ["delivery"]:
        assert (said[1]["touch_id"], said[1]["status"]) == (touch_id, "undelivered")
        assert said[1]["bad_address"] is (code in ("30005", "30006"))
    assert await house.count("suppression") == (1 if code == "21610" else 0)


async def test_a_report_about_an_unknown_touch_is_only_stored(house: House) -> None:
    assert await told(house, "nobody.sms-1", "failed", "30005") == 204
    assert await house.count("provider_event") == 1


async def test_stored_events_hold_no_personal_data(house: House) -> None:
    lead_id = await house.lead(phone=PHONE)
    await told(house, await sms(house, lead_id), "sent")
    await house.twilio(INBOUND, MessageSid="SM2", From=PHONE, Body="please call my private line")
    await house.events(
        {"event": "bounce", "type": "bounce", "sg_event_id": "1", "email": ADA, "reason": f"no {ADA} here"}
    )
    payloads = json.dumps([row["payload"] for row in await house.pool.fetch("select payload from provider_event")])
    stories = json.dumps([row["data"] for row in await house.pool.fetch("select data from story")])
    for private in (PHONE, ADA, "private line"):
        assert private not in payloads + stories


# ── SMS from leads ───────────────────────────────────────────────────────────────────────────────────────────────────

STOPS = [
    ("STOP", "sms"), ("stop", "sms"), (" Stop. ", "sms"), ("StopAll", "sms"), ("UNSUBSCRIBE", "sms"), ("End", "sms"),
    ("quit", "sms"), ("cancel", "sms"), ("Revoke", "sms"), ("OPT-OUT", "sms"), ("opt out", "sms"),
    ("stop please", "sms"),
    ("Please stop!", "sms"), ("Please stop texting me", "sms"), ("don’t text me again", "sms"),
    ("no more messages", "sms"),
    ("Remove me from your list", "all"), ("Stop contacting me!!", "all"), ("do not contact me again", "all"),
    ("leave me alone", "all"), ("Don't call me", "call"), ("stop calling", "call"), ("opt me out", "sms"),
]  # fmt: skip
NO_STOPS = ["Can we stop by your office?", "don't stop texting me", "ok", "Monday at the end of the day", "yes please",
            "Don't call me before 9", "I want to cancel my old contract and buy yours", "non-stop"]  # fmt: skip


@pytest.mark.parametrize(("body", "scope"), STOPS)
async def test_asking_to_stop_stops(house: House, body: str, scope: str) -> None:
    lead_id = await house.lead(phone=PHONE)
    status, answer = await house.twilio(INBOUND, MessageSid="SM1", From=PHONE, Body=body)
    # what the provider answers itself, we do not answer once more
    ours = body.strip().lower() not in ("stop", "stopall", "unsubscribe", "end", "quit", "cancel", "revoke")
    assert (status, "<Message" in answer, "<Response" in answer) == (200, ours, True)
    assert await house.pool.fetchval("select channel from suppression") == scope
    assert [(m["kind"], m.get("scope")) for m in await house.messages(lead_id)][1:] == [("opt_out", scope)]
    assert await house.pool.fetchval("select plan_stopped from lead") == ("opted_out" if scope == "all" else None)
    assert await house.pool.fetchval("select body from reply") == body.strip()
    assert house.behind.delivered == [lead_id, lead_id]


@pytest.mark.parametrize("body", NO_STOPS)
async def test_an_answer_is_no_opt_out(house: House, body: str) -> None:
    lead_id = await house.lead(phone=PHONE)
    await house.twilio(INBOUND, MessageSid="SM1", From=PHONE, Body=body)
    assert await house.count("suppression") == 0
    assert [m["kind"] for m in await house.messages(lead_id)] == ["start", "reply"]
    assert await house.pool.fetchval("select plan_stopped from lead") == "replied"


async def test_start_takes_back_a_stop_and_nothing_else(house: House) -> None:
    lead_id = await house.lead(phone=PHONE)
    await house.twilio(INBOUND, MessageSid="SM1", From=PHONE, Body="STOP")
    await house.twilio(INBOUND, MessageSid="SM2", From=PHONE, Body="Start")
    assert await house.count("suppression") == 0
    assert [m["kind"] for m in await house.messages(lead_id)] == ["start", "opt_out", "replan"]
    await house.twilio(INBOUND, MessageSid="SM3", From=PHONE, Body="stop contacting me")
    await house.twilio(INBOUND, MessageSid="SM4", From=PHONE, Body="START")
    assert await house.pool.fetchval("select channel from suppression") == "all"


async def test_a_repeated_message_counts_once(house: House) -> None:
    lead_id = await house.lead(phone=PHONE)
    await asyncio.gather(*(house.twilio(INBOUND, MessageSid="SM1", From=PHONE, Body="hello") for _ in range(10)))
    assert await house.count("reply") == 1
    assert len(await house.messages(lead_id, "reply")) == 1


async def test_a_shared_number_stops_for_everybody_and_answers_for_the_newest_lead(house: House) -> None:
    ada = await house.lead(email=ADA, phone=PHONE, name="Ada")
    house.clock.now = house.clock.now.replace(minute=5)
    bob = await house.lead(email="bob@example.com", phone=PHONE, name="Bob")
    await house.twilio(INBOUND, MessageSid="SM1", From=PHONE, Body="Monday is fine")
    assert await house.pool.fetchval("select lead_id from reply") == bob
    await house.close_lead(bob)
    await house.twilio(INBOUND, MessageSid="SM2", From=PHONE, Body="or Tuesday")
    assert len(await house.messages(ada, "reply")) == 1
    await house.twilio(INBOUND, MessageSid="SM3", From=PHONE, Body="STOP")
    assert await house.count("suppression") == 2


async def test_a_keyword_of_an_unknown_sender_is_a_matter_for_ops(house: House) -> None:
    await house.twilio(INBOUND, MessageSid="SM1", From=OTHER_PHONE, Body="START")
    await house.twilio(INBOUND, MessageSid="SM2", From=OTHER_PHONE, Body="STOP")
    assert await house.pool.fetchval("select count(*) from reply where lead_id is null") == 2
    kinds = await house.pool.fetch("select audience, kind from notice order by kind")
    assert [tuple(row) for row in kinds] == [("ops", "opt_out_from_unknown"), ("ops", "reply_from_unknown")]


# ── mail events ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def mail_touch(house: House, lead_id: str, **columns: Any) -> str:
    return await house.touch(lead_id, "email-1", "email", ADA, **columns)


@pytest.mark.parametrize(
    ("event", "kind", "delivery", "bad_reason", "messages", "suppressed"),
    [
        ("processed", "", "processed", None, [], 0),
        ("deferred", "", "deferred", None, [], 0),
        ("delivered", "", "delivered", None, [], 0),
        ("open", "", None, None, [], 0),
        ("click", "", None, None, [], 0),
        ("bounce", "bounce", "bounced", "bounced:5.1.1", ["delivery"], 0),
        ("bounce", "blocked", "blocked", None, ["delivery"], 0),
        ("dropped", "", "dropped", "dropped:5.1.1", ["delivery"], 0),
        ("spamreport", "", "spam_report", None, ["opt_out"], 1),
        ("unsubscribe", "", "spam_report", None, ["opt_out"], 1),
        ("group_unsubscribe", "", "spam_report", None, ["opt_out"], 1),
        ("group_resubscribe", "", None, None, [], 0),
        ("brand_new_event", "", None, None, [], 0),
    ],
)
async def test_what_a_mail_event_means(
    house: House,
    event: str,
    kind: str,
    delivery: str | None,
    bad_reason: str | None,
    messages: list[str],
    suppressed: int,
) -> None:
    lead_id = await house.lead()
    touch_id = await mail_touch(house, lead_id)
    body = {"event": event, "type": kind, "sg_event_id": "e1", "touch_id": touch_id, "email": ADA, "status": "5.1.1"}
    assert await house.events(body, body) == 204
    assert await house.events(body) == 204
    assert (await state(house, touch_id))[1] == delivery
    assert (await state(house, touch_id))[0] == ("claimed" if delivery is None else "sent")
    assert await house.pool.fetchval("select bad_reason from person_email") == bad_reason
    assert [m["kind"] for m in await house.messages(lead_id)][1:] == messages
    assert await house.count("suppression") == suppressed
    assert await house.count("provider_event") == 1


async def test_one_bad_event_does_not_hold_up_the_others(house: House) -> None:
    touch_id = await mail_touch(house, await house.lead())
    good = {"event": "delivered", "sg_event_id": "e2", "touch_id": touch_id}
    odd: list[Any] = [7, {"event": "delivered", "touch_id": {"a": 1}, "sg_event_id": "\x00"}, {"event": "x" * 9000}]
    assert await house.events(*odd, good) == 204
    assert await state(house, touch_id) == ("sent", "delivered")


# ── mail from leads ──────────────────────────────────────────────────────────────────────────────────────────────────


def reply_to(house: House, lead_id: str) -> str:
    return f"reply+{make_token(house.credentials.secret_bytes, 'reply', lead_id)}@in.acme.example"


async def test_a_reply_finds_its_lead_by_its_token_whoever_sends_it(house: House) -> None:
    lead_id = await house.lead()
    assert await house.mail(to=reply_to(house, lead_id).upper(), text="Monday?", sender="office@other.example") == 204
    assert await house.pool.fetchval("select plan_stopped from lead") == "replied"
    assert [(m["kind"], m.get("channel")) for m in await house.messages(lead_id)][1:] == [("reply", "email")]
    row = await house.pool.fetchrow("select lead_id, body, subject, automatic from reply")
    assert tuple(row) == (lead_id, "Monday?", "Re: Hello", False)


async def test_a_reply_without_a_token_finds_its_lead_by_the_sender(house: House) -> None:
    lead_id = await house.lead()
    await house.mail(to="hello@acme.example", text="Monday?", sender="ADA@example.com")
    assert await house.pool.fetchval("select lead_id from reply") == lead_id
    await house.mail(to=f"reply+{'a' * 45}@acme.example", text="Monday?", sender="eve@example.com")
    # a stranger's: a lead of their own
    assert await house.pool.fetchval("select count(*) from reply where lead_id <> $1", lead_id) == 1


@pytest.mark.parametrize(
    "header",
    ["Auto-Submitted: auto-replied", "Precedence: auto_reply", "X-Autoreply: yes", "List-Id: <news.example.com>"],
)
async def test_an_automatic_answer_does_not_stop_the_plan(house: House, header: str) -> None:
    lead_id = await house.lead()
    await house.mail(to=reply_to(house, lead_id), text="I am out. To unsubscribe write STOP", headers=f"{header}\n")
    assert await house.pool.fetchval("select plan_stopped from lead") is None
    assert [m.get("automatic") for m in await house.messages(lead_id, "reply")] == [True]
    assert await house.count("suppression") == 0


QUOTED = (
    "Sounds good, call me.\n\nOn Mon, 23 Nov 2026 at 10:00, Acme <hello@acme.example> wrote:\n> unsubscribe me here"
)


@pytest.mark.parametrize(
    ("text", "scope"),
    [("unsubscribe", "email"), ("STOP", "email"), ("Please take me off your list.\n\n> On Monday", "all"),
     (QUOTED, None),
     ("Stop emailing me", "email")],
)  # fmt: skip
async def test_mail_can_opt_out_but_its_quotes_cannot(house: House, text: str, scope: str | None) -> None:
    lead_id = await house.lead()
    await house.mail(to=reply_to(house, lead_id), text=text)
    assert await house.pool.fetchval("select channel from suppression") == scope
    assert [m["kind"] for m in await house.messages(lead_id)][1:] == ["opt_out" if scope else "reply"]


async def test_the_same_mail_twice_counts_once(house: House) -> None:
    lead_id = await house.lead()
    for _ in range(3):
        await house.mail(to=reply_to(house, lead_id), text="hi", headers="Message-ID: <1@example.com>\n")
    assert len(await house.messages(lead_id, "reply")) == 1


# ── the link in every mail ───────────────────────────────────────────────────────────────────────────────────────────


async def test_following_the_link_only_shows_a_button(house: House) -> None:
    lead_id = await house.lead()
    path = f"/u/{make_token(house.credentials.secret_bytes, 'unsubscribe', lead_id)}"
    status, page = await house.call("GET", path, headers={})
    assert status == 200
    assert '<form method="post"' in page
    assert await house.count("suppression") == 0
    one_click = aiohttp.FormData({"List-Unsubscribe": "One-Click"})
    async with house.http.post(path, data=one_click, headers={"Origin": "https://mail.example"}) as answer:
        assert answer.status == 200
    assert await house.pool.fetchval("select channel from suppression") == "email"
    assert [m["kind"] for m in await house.messages(lead_id)] == ["start", "opt_out"]


@pytest.mark.parametrize("token", ["x", "a" * 45, "%00", "é" * 45])
async def test_a_made_up_link_unsubscribes_nobody(house: House, token: str) -> None:
    await house.lead()
    assert (await house.call("POST", f"/u/{token}", headers={}))[0] == 404
    assert await house.count("suppression") == 0


async def test_a_reply_token_is_no_unsubscribe_link(house: House) -> None:
    token = make_token(house.credentials.secret_bytes, "reply", await house.lead())
    assert (await house.call("POST", f"/u/{token}", headers={}))[0] == 404
