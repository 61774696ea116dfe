"""What people do with messages, and what the providers then tell us."""

import email
import email.policy
import json
from pathlib import Path

import pytest

from speedlead.ports import SendError, SendErrorKind
from tests.sandbox.world import LEAD, OURS, Hook, World, mail, world


def fields(hook: Hook) -> dict[str, str]:
    """The parts of an Inbound Parse body, read by the standard library."""
    head = f"Content-Type: {hook.headers['Content-Type']}\r\n\r\n".encode()
    parsed = email.message_from_bytes(head + hook.body, policy=email.policy.HTTP)
    found = {}
    for part in parsed.iter_parts():
        name = part.get_param("name", header="content-disposition")
        found[str(name)] = part.get_payload(decode=True).decode()  # type: ignore[union-attr]
    return found


async def send_text(made: World, touch_id: str = "lead.sms-1") -> str:
    return (await made.texter.send(touch_id=touch_id, to=LEAD, body="hi", validity_s=300)).provider_id


async def test_stop_by_text_is_told_to_us_and_stops_the_number_at_the_provider(late: World) -> None:
    sid = await send_text(late)
    assert await late.act(sid, "opt_out") == 204
    await late.until(lambda: len(late.gateway.got("/sms/inbound")) == 1)
    [hook] = late.gateway.got("/sms/inbound")
    assert hook.signed
    assert (hook.form["From"], hook.form["To"], hook.form["Body"]) == (LEAD, OURS, "STOP")
    with pytest.raises(SendError) as caught:
        await send_text(late)
    assert caught.value.kind is SendErrorKind.OPTED_OUT
    await late.act(sid, "reply", "START")
    await send_text(late)


async def test_stop_in_a_sentence_is_not_a_keyword_of_the_provider(late: World) -> None:
    sid = await send_text(late)
    await late.act(sid, "reply", "Stop please")
    await send_text(late)


async def test_an_undelivered_text_has_an_error_code(before: World) -> None:
    await before.put(f"/api/people/{LEAD}", {"sms": "undelivered", "sms_error": 30006})
    await send_text(before)
    last = before.gateway.got("/sms/status")[-1]
    assert (last.form["MessageStatus"], last.form["ErrorCode"]) == ("undelivered", "30006")
    [stored] = await before.messages()
    assert (stored["status"], stored["error_code"]) == ("undelivered", 30006)


async def test_a_mail_reply_comes_through_inbound_parse_to_the_reply_address(before: World) -> None:
    sent = await before.mailer.send(mail())
    assert await before.act(sent.provider_id, "reply", "Ja, bitte rufen Sie an: 14 Uhr ☎") == 204
    [hook] = before.gateway.got("/sendgrid/inbound")
    assert hook.signed
    found = fields(hook)
    assert found["text"] == "Ja, bitte rufen Sie an: 14 Uhr ☎"
    assert found["subject"] == "Re: Hello"
    assert json.loads(found["envelope"]) == {"to": ["reply+tok@in.acme.example"], "from": "ana@example.com"}
    assert "Auto-Submitted" not in found["headers"]
    newest = (await before.messages())[0]
    assert (newest["direction"], newest["to"]) == ("inbound", "reply+tok@in.acme.example")


async def test_an_out_of_office_says_that_it_is_automatic(before: World) -> None:
    sent = await before.mailer.send(mail())
    await before.act(sent.provider_id, "out_of_office", "Back on 2026-12-01")
    found = fields(before.gateway.got("/sendgrid/inbound")[0])
    assert "Auto-Submitted: auto-replied" in found["headers"]
    assert found["subject"] == "Automatic reply: Hello"


@pytest.mark.parametrize(
    ("behaviour", "names"),
    [("deliver", ["processed", "delivered"]), ("bounce", ["processed", "bounce"]), ("drop", ["dropped"]),
     ("defer", ["processed", "deferred"])],
)  # fmt: skip
async def test_each_fate_of_a_mail_has_its_events(before: World, behaviour: str, names: list[str]) -> None:
    await before.put("/api/people/ana@example.com", {"email": behaviour})
    await before.mailer.send(mail())
    assert [hook.events[0]["event"] for hook in before.gateway.got("/events")] == names


async def test_after_a_bounce_the_provider_drops_what_follows(before: World) -> None:
    sent = await before.mailer.send(mail())
    await before.act(sent.provider_id, "bounce")
    await before.mailer.send(mail("lead.email-2"))
    last = before.gateway.got("/events")[-1].events[0]
    assert (last["event"], last["reason"], last["touch_id"]) == ("dropped", "Bounced Address", "lead.email-2")


async def test_unsubscribing_posts_to_the_one_click_address(before: World) -> None:
    link = f"{before.gateway.url}/u/token?x=1"
    sent = await before.mailer.send(mail(list_unsubscribe_url=link))
    await before.act(sent.provider_id, "opt_out")
    [hook] = before.gateway.got("/u/token")
    assert (hook.body, hook.query) == (b"List-Unsubscribe=One-Click", {"x": "1"})


async def test_unsubscribing_without_a_link_and_spam_are_events(before: World) -> None:
    sent = await before.mailer.send(mail())
    await before.act(sent.provider_id, "opt_out")
    await before.act(sent.provider_id, "spam_report")
    names = [hook.events[0]["event"] for hook in before.gateway.got("/events")]
    assert names[-2:] == ["unsubscribe", "spamreport"]


@pytest.mark.parametrize("mode", ["late", "before"])
async def test_a_script_answers_the_steps_it_names(tmp_path: Path, mode: str) -> None:
    async with world(tmp_path, mode) as made:  # type: ignore[arg-type]
        script = [{"on": "sms", "step": "sms-2", "do": "reply", "text": "Call me at 3"}]
        assert await made.put(f"/api/people/{LEAD}", {"script": script}) == 200
        await send_text(made, "lead.sms-1")
        await send_text(made, "lead.sms-2")
        await made.until(lambda: len(made.gateway.got("/sms/inbound")) == 1)
        assert made.gateway.got("/sms/inbound")[0].form["Body"] == "Call me at 3"


async def test_a_line_that_happens_once_is_used_up(before: World) -> None:
    script = [{"on": "email", "do": "reply", "text": "yes", "once": True}]
    await before.put("/api/people/ana@example.com", {"script": script})
    await before.mailer.send(mail("lead.email-1"))
    await before.mailer.send(mail("lead.email-2"))
    assert len(before.gateway.got("/sendgrid/inbound")) == 1


@pytest.mark.parametrize(
    "body", [{"rep": "dance"}, {"script": [{"on": "sms", "step": "(", "do": "reply"}]}, {"unknown": 1}]
)
async def test_a_wrong_setting_is_refused_with_the_field(late: World, body: dict[str, object]) -> None:
    async with late.http.put(f"{late.url}/api/people/{LEAD}", json=body) as answer:
        assert answer.status == 400
        assert (await answer.json(content_type=None))["detail"].startswith(next(iter(body)))


async def test_an_action_that_makes_no_sense_is_refused(late: World) -> None:
    sid = await send_text(late)
    assert await late.act(sid, "spam_report") == 409
    assert await late.act(sid, "press") == 404
    assert await late.act("SM-none", "reply") == 404
