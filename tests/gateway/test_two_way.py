"""Two-way: whose message it is, who is not written to any more, and how we answer."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from speedlead.mail_thread import message_id, thread_root
from speedlead.store.reach import LEAD_WITH_REACH
from speedlead.tokens import make_token
from tests.gateway.house import OTHER_PHONE, PHONE, House, rep

INBOUND = "/webhooks/twilio/sms/inbound"
ADA = "ada@example.com"


def token(house: House, lead_id: str) -> str:
    return make_token(house.credentials.secret_bytes, "reply", lead_id)


def reply_to(house: House, lead_id: str) -> str:
    return f"reply+{token(house, lead_id)}@acme.example"


async def text(house: House, body: str, sid: str = "SM1", sender: str = PHONE, **more: str) -> str:
    status, answer = await house.twilio(INBOUND, MessageSid=sid, From=sender, Body=body, **more)
    assert status == 200
    return answer


async def html_mail(house: House, lead_id: str, html: str) -> int:
    fields = {
        "headers": "Message-ID: <html@example.com>\n", "from": ADA, "to": "x", "subject": "Re: Hello", "html": html,
        "envelope": json.dumps({"to": [reply_to(house, lead_id)], "from": ADA}),
    }  # fmt: skip
    parts = [f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    body = ("".join(parts) + "--b--\r\n").encode()
    return await house.sendgrid("/webhooks/sendgrid/inbound", body, "multipart/form-data; boundary=b")


# ── whose message is it? ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("header", ["In-Reply-To", "References"])
@pytest.mark.parametrize("which", ["touch", "root"])
async def test_an_answer_in_the_thread_finds_its_lead_from_any_address(house: House, header: str, which: str) -> None:
    lead_id = await house.lead()
    await house.lead(email="bob@example.com")
    mine = token(house, lead_id)
    ours = message_id(f"{lead_id}.ack-1", mine, "acme.example") if which == "touch" else thread_root(mine, "a.example")
    header = f"{header}: <other@mail.example> {ours} <x.{'a' * 45}@acme.example>\n"
    await house.mail(to="hello@acme.example", text="Monday?", sender="ada.private@home.example", headers=header)
    assert await house.pool.fetchval("select lead_id from reply") == lead_id
    assert await house.pool.fetchval("select plan_stopped from lead where id = $1", lead_id) == "replied"
    known = await house.pool.fetch("select address, verified from person_email where address like 'ada%' order by 1")
    assert [tuple(row) for row in known] == [("ada.private@home.example", False), (ADA, False)]
    # the old one stays the one that is written to
    first = await house.pool.fetchval(
        "select address from person_email where address like 'ada%' and bad_reason is null "
        "order by verified desc, created_at limit 1"
    )
    assert first == ADA


async def test_a_thread_that_is_not_ours_leads_to_nobody_of_ours(house: House) -> None:
    lead_id = await house.lead()
    headers = f"In-Reply-To: <ack-1.{'a' * 45}@acme.example>\nReferences: {'<x@y> ' * 5000}\n"
    await house.mail(to="hello@acme.example", text="Monday?", sender="eve@example.com", headers=headers)
    assert await house.pool.fetchval("select lead_id from reply") not in (None, lead_id)  # a stranger: a new lead


async def test_an_address_of_somebody_else_stays_theirs(house: House) -> None:
    ada = await house.lead()
    bob = await house.lead(email="bob@example.com")
    await house.mail(to=reply_to(house, ada), text="Bob here, Ada is my colleague", sender="bob@example.com")
    assert await house.pool.fetchval("select lead_id from reply") == ada
    owner = await house.pool.fetchval("select person_id from person_email where address = 'bob@example.com'")
    assert owner == await house.pool.fetchval("select person_id from lead where id = $1", bob)


async def test_mail_without_plain_text_is_read(house: House) -> None:
    lead_id = await house.lead()
    html = (
        "<html><head><style>p{}</style></head><body><p>Sounds <b>good</b>,<br>call me &amp; Bob.</p>"
        "<span style='display:none'>unsubscribe me</span><script>stop()</script>"
        "<blockquote><p>stop texting me</p></blockquote></body></html>"
    )
    assert await html_mail(house, lead_id, html) == 204
    body = await house.pool.fetchval("select body from reply")
    assert body.startswith("Sounds good,\ncall me & Bob.")
    assert "unsubscribe" not in body
    assert "stop()" not in body
    assert await house.count("suppression") == 0


async def test_a_refusal_in_html_alone_counts(house: House) -> None:
    lead_id = await house.lead()
    await html_mail(house, lead_id, "<div>Bitte <i>keine E-Mails</i> mehr!</div><blockquote>Hello Ada</blockquote>")
    assert await house.pool.fetchval("select channel from suppression") == "email"


# ── who is not written to any more ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "scope", "words"),
    [
        ("stop texting me", "sms", "You will get no more texts"),
        ("no me escribas más", "sms", "Ya no le enviaremos"),
        ("Ne me contactez plus", "all", "Nous ne vous contacterons plus"),
        ("Rufen Sie mich nicht mehr an!", "call", "Wir rufen Sie nicht mehr an"),
        ("não me ligue mais", "call", "Deixamos de lhe ligar"),
        ("laat me met rust", "all", "Wij nemen geen contact meer"),
    ],
)
async def test_a_refusal_in_words_is_confirmed_once(house: House, body: str, scope: str, words: str) -> None:
    await house.lead(phone=PHONE)
    answer = await text(house, body)
    assert f"<Message>Acme: {words}" in answer
    assert "<Message" not in await text(house, body)  # the provider's repeat
    assert "<Message" not in await text(house, body, "SM2")  # and once more in other words
    assert await house.pool.fetchval("select channel from suppression") == scope


@pytest.mark.parametrize("body", ["STOP", " stop ", "UNSUBSCRIBE", "end"])
async def test_what_the_provider_confirms_is_not_confirmed_again(house: House, body: str) -> None:
    await house.lead(phone=PHONE)
    assert "<Message" not in await text(house, body)
    assert await house.pool.fetchval("select channel from suppression") == "sms"


async def test_the_providers_own_mark_of_a_stop_is_not_confirmed_again(house: House) -> None:
    await house.lead(phone=PHONE)
    assert "<Message" not in await text(house, "please remove me", OptOutType="STOP")
    assert await house.count("suppression") == 1


async def test_a_stranger_who_stops_is_told_nothing(house: House) -> None:
    assert "<Message" not in await text(house, "stop texting me", sender=OTHER_PHONE)


async def test_yes_is_an_answer_where_nothing_was_stopped(house: House) -> None:
    lead_id = await house.lead(phone=PHONE)
    await text(house, "Yes")
    assert [m["kind"] for m in await house.messages(lead_id)] == ["start", "reply"]


async def barred(house: House, lead_id: str) -> list[str]:
    return [
        row["channel"] for row in await house.pool.fetch(
            "select distinct b.channel from barred b join lead l on l.person_id = b.person_id where l.id = $1 "
            "order by 1", lead_id)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "theirs", "others"),
    [("STOP", ["sms"], ["sms"]), ("remove me from your list", ["all"], ["call", "sms"]),
     ("don't call me", ["call"], ["call"]), ("stop emailing me", ["email"], [])],
)  # fmt: skip
async def test_an_opt_out_counts_for_whoever_gives_the_same_number_later(
    house: House, body: str, theirs: list[str], others: list[str]
) -> None:
    ada = await house.lead(email=ADA, phone=PHONE, name="Ada")
    await text(house, body)
    new = await house.lead(email="new@example.com", phone=PHONE, name="Somebody Else")
    assert await barred(house, ada) == theirs
    assert await barred(house, new) == others
    other = await house.lead(email="third@example.com", phone=OTHER_PHONE, name="Third")
    assert await barred(house, other) == []


@pytest.mark.parametrize("event", ["spamreport", "unsubscribe", "group_unsubscribe"])
async def test_a_complaint_about_one_lead_counts_for_the_next(house: House, event: str) -> None:
    first = await house.lead()
    touch_id = await house.touch(first, "email-1", "email", ADA, state="sent")
    await house.close_lead(first)
    await house.events({"event": event, "sg_event_id": "e1", "touch_id": touch_id, "email": ADA})
    assert await barred(house, await house.lead()) == ["email"]


async def test_an_address_that_bounced_for_one_lead_is_not_used_for_the_next(house: House) -> None:
    first = await house.lead()
    touch_id = await house.touch(first, "email-1", "email", ADA, state="sent")
    await house.close_lead(first)
    bounce = {"event": "bounce", "type": "bounce", "sg_event_id": "e1", "touch_id": touch_id, "status": "5.1.1"}
    await house.events(bounce | {"email": ADA})
    await house.lead()
    assert await house.pool.fetchval("select bad_reason from person_email where address = $1", ADA)


# ── a reply to a closed lead ─────────────────────────────────────────────────────────────────────────────────────────


async def closed(house: House, **fields: Any) -> tuple[str, str]:
    owner = await rep(house.pool)
    lead_id = await house.lead(phone=PHONE, **fields)
    await house.pool.execute("update lead set owner_id = $2 where id = $1", lead_id, owner)
    await house.close_lead(lead_id)
    return lead_id, owner


@pytest.mark.parametrize("channel", ["sms", "email"])
async def test_a_reply_to_a_closed_lead_is_a_new_inquiry(house: House, channel: str) -> None:
    old, owner = await closed(house)
    said = "Is the offer still good?"
    if channel == "sms":
        await text(house, said)
    else:
        await house.mail(to=reply_to(house, old), text=said)
    new = await house.pool.fetchrow("select * from lead where closed_at is null")
    assert new["id"] != old
    assert (new["owner_id"], new["source"], new["plan_stopped"], new["lead_type"]) == (owner, "reply", "replied", "hot")
    assert [m["kind"] for m in await house.messages(new["id"])] == ["start"]
    asked = await house.pool.fetchrow("select lead_id, due_at, received_at from reply")
    within = timedelta(minutes=15) if channel == "sms" else timedelta(hours=1)
    assert (asked["lead_id"], asked["due_at"] - asked["received_at"]) == (new["id"], within)
    assert await house.pool.fetchval("select message from inquiry where lead_id = $1", new["id"]) == said
    # no receipt of a form to somebody who answers us
    ack = await house.pool.fetchrow("select state, reason from touch where id = $1", f"{new['id']}.ack-1")
    assert tuple(ack) == ("skipped", "person_answers")
    assert house.behind.delivered[-1] == new["id"]


@pytest.mark.parametrize("kind", ["automatic", "opted out"])
async def test_not_every_message_opens_a_lead_again(house: House, kind: str) -> None:
    old, _ = await closed(house)
    if kind == "automatic":
        await house.mail(to=reply_to(house, old), text="I am away", headers="Auto-Submitted: auto-replied\n")
        assert await house.count("notice") == 0
    else:
        await text(house, "never contact me again")
        await text(house, "and one more thing", "SM2")
        assert await house.pool.fetchval("select kind from notice") == "reply_after_close"
    assert await house.count("lead") == 1


# ── we answer ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def write(house: House, lead_id: str, key: str | None = "k", **body: Any) -> tuple[int, Any]:
    body = {"channel": "email", "body": "Yes, until Friday."} | body
    headers = house.key | ({"Idempotency-Key": key} if key else {})
    return await house.call("POST", f"/api/leads/{lead_id}/messages", body, headers)


async def test_a_message_is_written_once_however_often_it_is_sent(house: House) -> None:
    lead_id = await house.lead()
    await house.mail(to=reply_to(house, lead_id), text="How much?", headers="Message-ID: <q@example.com>\n")
    first = await write(house, lead_id)
    assert first[0] == 202
    assert (await write(house, lead_id))[1]["step"] == first[1]["step"] == "answer-1"
    assert (await write(house, lead_id, "other"))[1]["step"] == "answer-2"
    row = await house.pool.fetchrow("select a.*, r.provider_id from answer a join reply r on r.id = a.reply_id limit 1")
    assert (row["subject"], row["body"], row["provider_id"]) == ("Re: Hello", "Yes, until Friday.", "<q@example.com>")
    assert [(m["kind"], m.get("number")) for m in await house.messages(lead_id)] == [
        ("start", None), ("reply", None), ("answer", 1), ("answer", 2),
    ]  # fmt: skip
    messages = json.dumps([row["payload"] for row in await house.pool.fetch("select payload from message")])
    assert "Friday" not in messages


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [({"body": ""}, 422, "body"), ({"body": "  \n "}, 422, "body"), ({"channel": "call"}, 422, "channel"),
     ({"channel": "sms", "body": "x" * 1601}, 422, "body"), ({"colour": "red"}, 422, "colour"),
     ({"rep_id": "00000000-0000-4000-8000-000000000009"}, 422, "rep_id")],
)  # fmt: skip
async def test_a_wrong_message_names_its_field(house: House, body: dict[str, Any], status: int, field: str) -> None:
    lead_id = await house.lead()
    answered, problem = await write(house, lead_id, **body)
    assert (answered, problem["errors"][0]["field"]) == (status, field)
    assert await house.count("answer") == 0


async def test_a_closed_lead_and_an_unknown_one_are_not_written_to(house: House) -> None:
    lead_id = await house.lead()
    await house.close_lead(lead_id)
    assert (await write(house, lead_id))[0] == 409
    assert (await write(house, "00000000-0000-4000-8000-000000000001"))[0] == 404
    assert await house.count("answer") == 0


async def test_the_conversation_tells_what_came_of_each_message(house: House) -> None:
    lead_id = await house.lead(phone=PHONE, message="Hello?")
    await house.touch(
        lead_id, "ack-1", "email", ADA, state="sent", sent_at=house.clock.now, body="Thanks", subject="Hi"
    )
    house.clock.now += timedelta(minutes=1)
    await text(house, "how much")
    house.clock.now += timedelta(minutes=1)
    await write(house, lead_id, channel="sms", body="10")
    status, talk = await house.call("GET", f"/api/leads/{lead_id}/messages")
    assert status == 200
    said = [(m["ours"], m["channel"], m["body"], m["state"]) for m in talk["messages"]]
    assert said == [
        (False, "form", "Hello?", None), (True, "email", "Thanks", "sent"), (False, "sms", "how much", None),
        (True, "sms", "10", "claimed"),
    ]  # fmt: skip
    assert talk["answer_by"] == "sms"
    assert talk["due_at"] is not None
    await text(house, "STOP", "SM9")
    assert "sms" in (await house.call("GET", f"/api/leads/{lead_id}/messages"))[1]["blocked"]


async def test_an_outcome_answers_what_was_asked(house: House) -> None:
    lead_id = await house.lead(phone=PHONE)
    await text(house, "how much")
    house.clock.now += timedelta(minutes=3)
    await house.call("POST", f"/api/leads/{lead_id}/outcomes", {"outcome": "qualified"})
    row = await house.pool.fetchrow("select received_at, answered_at, answered_by from reply")
    assert (row["answered_at"] - row["received_at"], row["answered_by"]) == (timedelta(minutes=3), "outcome")


# ── whose words they are, where an address alone says so ─────────────────────────────────────────────────────────────


async def mail(house: House, to: str, said: str, sender: str = ADA, **checks: str) -> None:
    """`checks`: what Inbound Parse found out, `SPF`, `dkim`, `spam_score`."""
    fields = {
        "headers": f"Message-ID: <{hash((to, said, sender))}@example.com>\n", "from": sender, "to": to,
        "subject": "Re: Hello", "text": said, "envelope": json.dumps({"to": [to], "from": sender}), **checks,
    }  # fmt: skip
    parts = [f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    body = ("".join(parts) + "--b--\r\n").encode()
    assert await house.sendgrid("/webhooks/sendgrid/inbound", body, "multipart/form-data; boundary=b") == 204


async def test_a_doubtful_mail_in_a_thread_teaches_no_address_and_speaks_for_nobody_else(house: House) -> None:
    ada, bob = await house.lead(), await house.lead(email="bob@example.com")
    await mail(house, reply_to(house, ada), "Monday?", "ada@forged.example", SPF="fail")
    await mail(house, reply_to(house, ada), "Never contact me again", "bob@example.com", SPF="fail")
    assert await house.pool.fetchval("select array_agg(lead_id::text) from reply") == [ada, ada]
    assert await house.pool.fetchval("select count(*) from person_email where address like '%forged%'") == 0
    assert (await barred(house, ada), await barred(house, bob)) == (["all"], [])


@pytest.mark.parametrize("said", ["Call them tomorrow", "unsubscribe"])
@pytest.mark.parametrize("sender", ["anna@speedlead.example", "us"])
async def test_one_of_ours_in_a_thread_is_not_the_lead(house: House, sender: str, said: str) -> None:
    await rep(house.pool)
    await house.pool.execute("update rep set email = 'Anna@speedlead.example'")
    lead_id = await house.lead()
    us = house.app.state.context.deps.settings.sendgrid_from
    await mail(house, reply_to(house, lead_id), said, us if sender == "us" else sender)
    assert [m["kind"] for m in await house.messages(lead_id)] == ["start"]
    assert await house.pool.fetchval("select plan_stopped from lead") is None
    counts = await house.counts()
    assert (counts["reply"], counts["suppression"], counts["person_email"]) == (0, 0, 1)


async def test_a_rep_who_is_the_lead_answers_as_the_lead(house: House) -> None:
    await rep(house.pool)
    await house.pool.execute("update rep set email = $1", ADA)
    lead_id = await house.lead()
    await mail(house, reply_to(house, lead_id), "Monday?")
    assert [m["kind"] for m in await house.messages(lead_id)] == ["start", "reply"]


@pytest.mark.parametrize(
    ("checks", "reason"), [({"SPF": "fail"}, "unverified"), ({"SPF": "pass", "spam_score": "9"}, "spam")]
)
async def test_a_forged_address_stops_no_plan(house: House, checks: dict[str, str], reason: str) -> None:
    lead_id = await house.lead()
    for said in ("Not any more, thanks", "Really"):
        await mail(house, "hello@acme.example", said, **checks)
    assert [m["kind"] for m in await house.messages(lead_id)] == ["start"]
    assert await house.pool.fetchval("select plan_stopped from lead") is None
    notices = await house.pool.fetch("select audience, kind, reason from notice")
    assert [tuple(row) for row in notices] == [("ops", "reply_from_unknown", reason)]
    assert await house.pool.fetchval("select count(*) from reply where lead_id is null") == 2


@pytest.mark.parametrize(("said", "notices"), [("stop emailing me", 0), ("Never contact me again", 1)])
async def test_an_opt_out_from_a_forged_address_stops_email_alone(house: House, said: str, notices: int) -> None:
    lead_id = await house.lead(phone=PHONE)
    await mail(house, "hello@acme.example", said, SPF="softfail")
    assert await barred(house, lead_id) == ["email"]
    assert await house.count("notice") == notices


# ── where a lead is reached after a further form ─────────────────────────────────────────────────────────────────────


async def reach(house: House, lead_id: str) -> dict[str, Any]:
    return dict(await house.pool.fetchrow(LEAD_WITH_REACH, lead_id, None))


async def test_a_further_form_redirects_no_calls_and_brings_no_consent(house: House) -> None:
    lead_id = await house.lead(phone=PHONE)
    house.clock.now += timedelta(minutes=1)
    assert await house.lead(phone=OTHER_PHONE, consent_sms=True, message="me too") == lead_id
    found = await reach(house, lead_id)
    assert (found["phone"], found["sms_phone"], found["any_consent_sms"]) == (PHONE, PHONE, False)
    await house.pool.execute("update person_phone set sms_bad_reason = 'landline' where number = $1", PHONE)
    found = await reach(house, lead_id)
    assert (found["phone"], found["sms_phone"], found["any_consent_sms"]) == (PHONE, OTHER_PHONE, True)
    await house.pool.execute("update person_phone set bad_reason = 'disconnected' where number = $1", PHONE)
    assert (await reach(house, lead_id))["phone"] == OTHER_PHONE
    await house.pool.execute("update person_phone set bad_reason = null, sms_bad_reason = null")
    await house.pool.execute("update person_phone set verified = true where number = $1", OTHER_PHONE)
    assert (await reach(house, lead_id))["phone"] == OTHER_PHONE


async def test_a_mail_goes_to_the_address_that_the_inquiry_gave(house: House) -> None:
    lead_id = await house.lead()
    person = await house.pool.fetchval("select person_id from lead")
    await house.pool.execute(
        """insert into person_email (address, person_id, verified, created_at)
           values ('old@example.com', $1, true, $2)""",
        person, house.clock.now - timedelta(days=9),
    )  # fmt: skip
    assert (await reach(house, lead_id))["email"] == ADA
    await house.pool.execute("update inquiry set email = null")
    assert (await reach(house, lead_id))["email"] == "old@example.com"


async def test_an_answer_is_due_in_hours_in_which_somebody_works(house: House) -> None:
    lead_id = await house.lead()
    rep_id = await rep(house.pool)
    week = {str(day): [[540, 1080]] for day in range(5)}
    await house.pool.execute("update rep set weekly = $2 where id = $1", rep_id, week)
    house.clock.now = datetime(2026, 11, 28, 16, 0, tzinfo=UTC)  # Saturday
    await house.mail(to=reply_to(house, lead_id), text="How much?")
    span = timedelta(seconds=house.deps.plan.answers["email"])
    monday = datetime(2026, 11, 30, 14, 0, tzinfo=UTC)  # 9:00 in New York
    assert await house.pool.fetchval("select due_at from reply") == monday + span


async def test_a_wish_for_silence_in_other_words_is_recorded_by_one_press(house: House) -> None:
    lead_id = await house.lead()
    await house.mail(to=reply_to(house, lead_id), text="I have bought elsewhere, please stop writing to me.")
    assert await house.pool.fetchval("select count(*) from suppression") == 0, "a person decides what it means"
    page = await shown(house, lead_id)
    assert "Record: no more by e-mail" in page
    assert "Record: no more on any channel" in page

    async def press(scope: str, of: str = lead_id) -> tuple[int, str]:
        async with house.http.post(
            f"/leads/{of}/opt-out", data={"scope": scope}, headers=house.staff, allow_redirects=False
        ) as answer:
            return answer.status, answer.headers.get("Location", "")

    assert (await press("post"))[0] == 409
    assert (await press("email", "916dc022-4591-45ea-abf1-095452a70950"))[0] == 404
    assert await press("email") == (303, f"/leads/{lead_id}?said=opted_out")
    recorded = await house.pool.fetchrow("select channel, reason, source from suppression")
    assert tuple(recorded) == ("email", "opted_out", "rep")
    assert await house.pool.fetchval("select count(*) from message where kind = 'opt_out'") == 1
    page = await shown(house, lead_id)
    assert "Record: no more by e-mail" not in page
    assert "Record: no more on any channel" in page, "that was not recorded yet"


async def shown(house: House, lead_id: str) -> str:
    async with house.http.get(f"/leads/{lead_id}", headers=house.staff) as answer:
        assert answer.status == 200
        return await answer.text()
