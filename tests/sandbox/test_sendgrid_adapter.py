"""The mailer of production against the sandbox."""

from pathlib import Path

import pytest
from aiohttp import web

from speedlead.ports import SendError, SendErrorKind
from speedlead.providers.sendgrid import SendgridMailer
from tests.sandbox.world import SENDGRID_KEY, World, listening, mail, world


async def refusal(late: World, **faults: object) -> SendError:
    await late.put("/api/faults", {"email": faults})
    with pytest.raises(SendError) as caught:
        await late.mailer.send(mail())
    return caught.value


async def test_a_mail_carries_touch_reply_address_and_one_click_unsubscribe(late: World) -> None:
    accepted = await late.mailer.send(mail(to="Ana@Example.com", list_unsubscribe_url="https://acme.example/u/1"))
    [stored] = await late.messages(channel="email", to="ana@example.com")
    assert (stored["id"], stored["touch_id"], stored["subject"]) == (accepted.provider_id, "lead.email-1", "Hello")
    assert (stored["body"], stored["html"]) == ("text", "<p>text</p>")
    assert stored["extra"]["reply_to"] == "reply+tok@in.acme.example"
    assert stored["extra"]["categories"] == ["cadence"]
    assert stored["extra"]["headers"] == {
        "List-Unsubscribe": "<https://acme.example/u/1>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        # an answer names these, so it finds its lead from any address
        "Message-ID": "<email-1.tok@in.acme.example>",
        "References": "<tok@in.acme.example> <ack-1.tok@in.acme.example>",
        "In-Reply-To": "<ack-1.tok@in.acme.example>",  # it goes on from the receipt
    }
    await late.until(lambda: len(late.gateway.got("/sendgrid/events")) == 2)
    hooks = late.gateway.got("/sendgrid/events")
    assert [hook.events[0]["event"] for hook in hooks] == ["processed", "delivered"]
    assert all(hook.signed and hook.events[0]["touch_id"] == "lead.email-1" for hook in hooks)
    assert all(hook.events[0]["sg_message_id"].startswith(accepted.provider_id) for hook in hooks)


async def test_a_name_with_line_breaks_makes_no_header(late: World) -> None:
    await late.mailer.send(mail(to_name="Ana\r\nBcc: x@evil.example", subject="Re:\nBcc: x"))
    [stored] = await late.messages()
    assert stored["extra"]["to_name"] == "Ana Bcc: x@evil.example"
    assert stored["subject"] == "Re: Bcc: x"


async def test_an_address_that_is_none_is_a_bad_address_and_stays_out_of_the_evidence(late: World) -> None:
    with pytest.raises(SendError) as caught:
        await late.mailer.send(mail(to="nobody@localhost"))
    assert caught.value.kind is SendErrorKind.BAD_ADDRESS
    assert caught.value.evidence == "HTTP 400, personalizations.0.to.0.email"


async def test_an_empty_text_is_refused_for_its_content(late: World) -> None:
    with pytest.raises(SendError) as caught:
        await late.mailer.send(mail(text="", html=""))
    assert caught.value.kind is SendErrorKind.CONTENT


async def test_a_text_that_begins_like_an_api_key_is_not_sent(late: World) -> None:
    with pytest.raises(SendError) as caught:
        await late.mailer.send(mail(text="SG.abc.def"))
    assert caught.value.kind is SendErrorKind.CONTENT
    assert await late.messages() == []


async def test_too_many_requests_are_safe_to_repeat(late: World) -> None:
    error = await refusal(late, **{"429": 1})
    assert (error.kind, error.retry_after_s) == (SendErrorKind.RETRY_SAFE, 1.0)


@pytest.mark.parametrize(("fault", "stored"), [("503_refused", 0), ("500_after_accept", 1), ("drop_after_accept", 1)])
async def test_an_answer_that_proves_nothing_is_in_doubt(late: World, fault: str, stored: int) -> None:
    assert (await refusal(late, **{fault: 1})).kind is SendErrorKind.IN_DOUBT
    assert len(await late.messages()) == stored


async def test_the_time_limit_is_real_and_leaves_doubt(tmp_path: Path) -> None:
    async with world(tmp_path, timeout_s=0.3) as made:
        assert (await refusal(made, slow=1, slow_s=2)).kind is SendErrorKind.IN_DOUBT
        assert len(await made.messages()) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, SendErrorKind.IN_DOUBT),  # not SendGrid's success: somebody else answered
        (302, SendErrorKind.CONFIG),
        (403, SendErrorKind.CONFIG),
        (413, SendErrorKind.CONTENT),
        (502, SendErrorKind.IN_DOUBT),
    ],
)
async def test_an_answer_of_a_front_server_is_classed_by_its_status(status: int, kind: SendErrorKind) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="<html>", content_type="text/html")

    app = web.Application()
    app.router.add_post("/v3/mail/send", answer)
    async with listening(app) as url:
        mailer = SendgridMailer("k", from_address="a@b.example", from_name="A", reply_domain="b.example", base_url=url)
        with pytest.raises(SendError) as caught:
            await mailer.send(mail())
        await mailer.close()
    assert (caught.value.kind, caught.value.evidence) == (kind, f"HTTP {status}")


async def test_wrong_keys_need_a_person_and_no_connection_is_safe(late: World) -> None:
    for key, url, kind in [
        ("wrong", late.url, SendErrorKind.CONFIG),
        (SENDGRID_KEY, "http://127.0.0.1:1", SendErrorKind.RETRY_SAFE),
    ]:
        mailer = SendgridMailer(key, from_address="a@b.example", from_name="A", reply_domain="b.example", base_url=url)
        with pytest.raises(SendError) as caught:
            await mailer.send(mail())
        assert caught.value.kind is kind
        await mailer.close()
