"""The Twilio SDK of production against the sandbox: what is sent, what a refusal means, what is found again."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from speedlead.ports import SendError, SendErrorKind
from speedlead.providers.twilio import TwilioAccount, TwilioDialer, TwilioTexter
from tests.sandbox.world import ACCOUNT, LEAD, OURS, REP, TOKEN, World, world


async def refusal(late: World, to: str = LEAD, faults: dict[str, float] | None = None) -> SendError:
    await late.put("/api/faults", {"sms": faults or {}})
    with pytest.raises(SendError) as caught:
        await late.texter.send(touch_id="lead.sms-1", to=to, body="hi", validity_s=300)
    return caught.value


async def test_a_text_is_stored_with_its_touch_and_reported_back(late: World) -> None:
    accepted = await late.texter.send(touch_id="lead.sms-1", to=LEAD, body="Hi Ána", validity_s=300)
    [stored] = await late.messages(channel="sms", touch="lead.sms-1")
    assert (stored["id"], stored["to"], stored["from"], stored["body"]) == (accepted.provider_id, LEAD, OURS, "Hi Ána")
    assert stored["extra"]["validity_s"] == "300"
    await late.until(lambda: len(late.gateway.got("/sms/status")) == 3)
    hooks = late.gateway.got("/sms/status")
    assert [hook.form["MessageStatus"] for hook in hooks] == ["queued", "sent", "delivered"]
    assert all(hook.signed and hook.query == {"touch": "lead.sms-1"} for hook in hooks)
    assert (await late.messages(channel="sms"))[0]["status"] == "delivered"


@pytest.mark.parametrize(
    ("to", "kind"),
    [
        ("+15005550001", SendErrorKind.BAD_ADDRESS),
        ("+15005550003", SendErrorKind.CONFIG),
        ("+15005550004", SendErrorKind.OPTED_OUT),
        ("+15005550009", SendErrorKind.BAD_ADDRESS),
        ("+999", SendErrorKind.BAD_ADDRESS),
    ],
)
async def test_a_refused_number_has_its_class(late: World, to: str, kind: SendErrorKind) -> None:
    error = await refusal(late, to)
    assert error.kind is kind
    assert error.evidence.startswith("HTTP 400, code 21")
    assert to not in str(error)
    assert await late.messages() == []


async def test_too_many_requests_are_safe_to_repeat_and_say_when(late: World) -> None:
    error = await refusal(late, faults={"429": 1})
    assert (error.kind, error.retry_after_s) == (SendErrorKind.RETRY_SAFE, 1.0)
    assert await late.messages() == []


@pytest.mark.parametrize(("fault", "stored"), [("503_refused", 0), ("500_after_accept", 1), ("drop_after_accept", 1)])
async def test_an_answer_that_proves_nothing_is_in_doubt_and_sent_once(late: World, fault: str, stored: int) -> None:
    error = await refusal(late, faults={fault: 1})
    assert error.kind is SendErrorKind.IN_DOUBT
    assert len(await late.messages()) == stored


async def test_the_time_limit_is_real_and_leaves_doubt(tmp_path: Path) -> None:
    async with world(tmp_path, timeout_s=0.3) as made:
        await made.put("/api/faults", {"sms": {"slow": 1, "slow_s": 2}})
        started = asyncio.get_running_loop().time()
        with pytest.raises(SendError) as caught:
            await made.texter.send(touch_id="lead.sms-1", to=LEAD, body="hi", validity_s=300)
        assert asyncio.get_running_loop().time() - started < 1.5
        assert caught.value.kind is SendErrorKind.IN_DOUBT
        assert len(await made.messages()) == 1


async def test_a_provider_that_cannot_be_reached_was_certainly_not_asked() -> None:
    account = TwilioAccount(ACCOUNT, TOKEN, base_url="http://127.0.0.1:1")
    texter = TwilioTexter(account, public_url="http://127.0.0.1:2", from_number=OURS)
    with pytest.raises(SendError) as caught:
        await texter.send(touch_id="lead.sms-1", to=LEAD, body="hi", validity_s=300)
    assert caught.value.kind is SendErrorKind.RETRY_SAFE
    await account.close()


async def test_wrong_keys_need_a_person(late: World) -> None:
    account = TwilioAccount(ACCOUNT, "wrong", base_url=late.url)
    texter = TwilioTexter(account, public_url=late.gateway.url, from_number=OURS)
    with pytest.raises(SendError) as caught:
        await texter.send(touch_id="lead.sms-1", to=LEAD, body="hi", validity_s=300)
    assert (caught.value.kind, caught.value.evidence) == (SendErrorKind.CONFIG, "HTTP 401, code 20003")
    with pytest.raises(SendError) as caught:
        await texter.find(to=LEAD, body="hi", since=datetime.now(UTC))
    assert (caught.value.kind, caught.value.evidence) == (SendErrorKind.CONFIG, "HTTP 401")
    await account.close()


async def test_reconciling_finds_exactly_the_message_in_doubt(late: World) -> None:
    since = datetime.now(UTC)
    other = await late.texter.send(touch_id="lead.sms-0", to=LEAD, body="other", validity_s=300)
    assert (await refusal(late, faults={"drop_after_accept": 1})).kind is SendErrorKind.IN_DOUBT
    [found] = await late.texter.find(to=LEAD, body="hi", since=since)
    assert found != other.provider_id
    assert await late.texter.find(to=LEAD, body="hi", since=since + timedelta(minutes=1)) == []
    assert await late.texter.find(to=REP, body="hi", since=since) == []


async def test_a_list_that_lags_does_not_show_a_new_message(late: World) -> None:
    await late.put("/api/faults", {"list_lag_s": 30})
    await late.texter.send(touch_id="lead.sms-1", to=LEAD, body="hi", validity_s=300)
    assert await late.texter.find(to=LEAD, body="hi", since=datetime.now(UTC) - timedelta(minutes=1)) == []


async def test_each_of_many_requests_at_once_reads_its_own_retry_after(late: World) -> None:
    await late.put("/api/faults", {"sms": {"429": 0.5}, "seed": 7})

    async def one(number: int) -> float | str | None:
        try:
            await late.texter.send(touch_id=f"lead.sms-{number}", to=LEAD, body=str(number), validity_s=300)
        except SendError as error:
            return error.retry_after_s
        return "sent"

    results = await asyncio.gather(*(one(number) for number in range(40)))
    assert set(results) == {"sent", 1.0}
    assert len(await late.messages()) == results.count("sent")


async def test_calls_are_found_by_number_and_time(late: World) -> None:
    since = datetime.now(UTC)
    call = await late.dialer.ring_rep(leg_id="lead.call-1.rep-1", to=REP, ring_s=15)
    assert await late.dialer.find(to=REP, since=since) == [call.provider_id]
    assert await late.dialer.find(to=REP, since=since + timedelta(minutes=1)) == []
    assert await late.dialer.find(to=LEAD, since=since) == []
    other = TwilioDialer(late.account, public_url=late.gateway.url, from_number=LEAD)
    assert await other.find(to=REP, since=since) == []


async def test_a_caller_who_is_put_through_to_the_rep_meanwhile_is_no_call_of_ours() -> None:
    now = datetime.now(UTC)
    legs = [
        SimpleNamespace(sid=sid, direction=direction, date_created=now)
        for sid, direction in (("CA1", "outbound-dial"), ("CA2", "outbound-api"), ("CA3", "inbound"))
    ]

    async def listed(**asked: object) -> list[SimpleNamespace]:
        return legs

    account = TwilioAccount(ACCOUNT, TOKEN, base_url="http://127.0.0.1:9")
    account.client = SimpleNamespace(calls=SimpleNamespace(list_async=listed))
    assert await TwilioDialer(account, public_url="http://x", from_number=OURS).find(to=REP, since=now) == ["CA2"]
    await account.close()


def test_a_sender_is_a_number_or_a_messaging_service() -> None:
    for sender in ({}, {"from_number": OURS, "messaging_service_sid": "MG1"}):
        with pytest.raises(ValueError, match="twilio sender"):
            TwilioTexter(None, public_url="http://x", **sender)  # type: ignore[arg-type]


async def test_a_messaging_service_can_send(late: World) -> None:
    texter = TwilioTexter(late.account, public_url=late.gateway.url, messaging_service_sid="MG" + "1" * 32)
    await texter.send(touch_id="lead.sms-1", to=LEAD, body="hi", validity_s=99_999)
    [stored] = await late.messages()
    assert (stored["from"], stored["extra"]["validity_s"]) == ("MG" + "1" * 32, "36000")
