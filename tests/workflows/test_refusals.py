"""What a provider refuses, or cannot deliver: the lead goes on or waits with a reason, somebody hears of it once, and
nothing goes out twice. Each class of the table of errors, from the refusal to what follows, on the virtual clock.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from speedlead.composer import ComposeError, Composer
from speedlead.demo.moments import Moment
from speedlead.demo.world import World, open_world
from tests.servers import local_settings
from tests.workflows.leads import ADA, ended, instant_of, notices, touches, tuesday_at
from workflows import options

pytestmark = pytest.mark.timeout(120)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NEAR = timedelta(seconds=15)


async def lived(world: World, *moments: Moment, **fields: str) -> str:
    """A hot lead of a Tuesday morning, through its whole plan."""
    lead = await world.submit(tuesday_at(15), moments=moments, **(ADA | fields))
    assert (await ended(world, lead))["reason"] in ("plan_completed", "no_outcome")
    return lead


async def nothing_twice(world: World) -> None:
    """No touch was accepted twice, and no two of a person say the same on one channel within an hour."""
    sent = [m for m in await world.messages() if m["direction"] != "inbound" and m["channel"] != "call"]
    ids = [message["touch_id"] for message in sent]
    assert len(ids) == len(set(ids))


async def told_ops(world: World) -> list[tuple[str, str | None]]:
    rows = await world.pool.fetch("select kind, reason from notice where audience = 'ops' order by at, kind")
    return [(row["kind"], row["reason"]) for row in rows]


def scripted(channel: str, step: str, do: str) -> dict[str, Any]:
    return {"script": [{"on": channel, "step": f"^{step}$", "do": do}]}


# ── bad address ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_bounced_mail_is_followed_by_the_text_at_once(world: World) -> None:
    await world.person(ADA["email"], **scripted("email", "email-1", "bounce"))
    lead = await lived(world)
    assert abs(await instant_of(world, lead, "sms-1") - await instant_of(world, lead, "email-1")) < MINUTE
    made = await touches(world, lead)
    assert "day-3-email skipped invalid_email" in made
    # the rest keeps its own time
    assert abs(await instant_of(world, lead, "call-4") - 4 * HOUR) < NEAR
    await nothing_twice(world)


async def test_without_a_text_the_next_call_comes_forward_and_keeps_its_distance(world: World) -> None:
    await world.person(ADA["email"], **scripted("email", "email-1", "bounce"))
    lead = await lived(world, consent_sms="")
    apart = await instant_of(world, lead, "call-4") - await instant_of(world, lead, "call-3")
    assert abs(apart - HOUR) < NEAR


async def test_a_bounce_of_a_later_mail_does_not_wait_for_the_next_day(world: World) -> None:
    await world.person(ADA["email"], **scripted("email", "day-3-email", "bounce"))
    lead = await lived(world)
    apart = await instant_of(world, lead, "day-4-call") - await instant_of(world, lead, "day-3-email")
    assert apart < 2 * MINUTE
    row = await world.pool.fetchrow(
        "select sent_at at time zone 'America/New_York' as at from touch where lead_id = $1 and step = 'day-4-call'",
        lead,
    )
    assert row is not None
    assert 9 <= row["at"].hour < 18


async def test_an_acknowledgement_that_bounces_is_repeated_by_text(world: World) -> None:
    await world.person(ADA["email"], email="bounce")
    lead = await lived(world)
    made = await touches(world, lead)
    assert made.count("ack-1-again sent") == 1
    assert await instant_of(world, lead, "ack-1-again") < timedelta(seconds=30)
    texts = await world.messages(channel="sms", to=ADA["phone"])
    assert [text["touch_id"].split(".")[1] for text in texts][-1] == "ack-1-again"
    await nothing_twice(world)


async def test_a_landline_takes_no_text_and_is_still_called(world: World) -> None:
    await world.person(ADA["phone"], refuse_sms=21614)
    lead = await lived(world)
    made = await touches(world, lead)
    assert "sms-1 failed invalid_number" in made
    assert "call-4 sent no_answer" in made
    # the call comes in place of the text, an hour after the one before it
    assert abs(await instant_of(world, lead, "call-4") - await instant_of(world, lead, "call-3") - HOUR) < NEAR
    assert await world.pool.fetchval("select bad_reason is null and sms_bad_reason is not null from person_phone")


async def test_a_number_that_does_not_exist_ends_calls_and_texts(world: World) -> None:
    await world.person(ADA["phone"], refuse_sms=21211)
    lead = await lived(world)
    made = await touches(world, lead)
    assert "sms-1 failed invalid_number" in made
    assert "day-2-call skipped invalid_number" in made
    assert "day-7-email sent" in made


# ── later, and stale ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_text_to_a_phone_that_is_off_goes_twice_more_an_hour_apart(world: World) -> None:
    await world.person(ADA["phone"], sms="undelivered", sms_error=30003)
    lead = await lived(world)
    made = [touch for touch in await touches(world, lead) if touch.startswith("sms")]
    assert made == ["sms-1 sent", "sms-1-again sent", "sms-1-again-2 sent"]
    first = await instant_of(world, lead, "sms-1")
    assert abs(await instant_of(world, lead, "sms-1-again") - first - HOUR) < MINUTE
    assert abs(await instant_of(world, lead, "call-4") - 4 * HOUR) < NEAR, "the plan goes on at its own time"
    await nothing_twice(world)


async def test_an_unknown_failure_is_worth_one_more_text(world: World) -> None:
    await world.person(ADA["phone"], sms="undelivered", sms_error=30008)
    lead = await lived(world)
    assert [t for t in await touches(world, lead) if t.startswith("sms")] == ["sms-1 sent", "sms-1-again sent"]
    apart = await instant_of(world, lead, "sms-1-again") - await instant_of(world, lead, "sms-1")
    assert abs(apart - 10 * MINUTE) < MINUTE


async def test_an_opt_out_before_the_repetition_wins(world: World) -> None:
    await world.person(ADA["phone"], sms="undelivered", sms_error=30003)

    async def stops(lead_id: str) -> None:
        texts = await world.messages(channel="sms", to=ADA["phone"])
        newest = next(text for text in texts if text["direction"] != "inbound")
        await world.call("POST", f"{world.sandbox_url}/api/messages/{newest['id']}/reply", {"text": "STOP"})

    lead = await world.submit(tuesday_at(15), moments=[Moment(after="sms-1", happens=stops)], **ADA)
    await ended(world, lead)
    assert [t for t in await touches(world, lead) if t.startswith("sms") and " sent" in t] == ["sms-1 sent"]


async def test_a_blocked_mail_goes_once_more_and_the_address_stays_good(world: World) -> None:
    await world.person(ADA["email"], email="block")
    lead = await lived(world)
    made = await touches(world, lead)
    assert not any(touch.startswith("email-1-again") for touch in made), "the text took its place in the meantime"
    assert "day-3-email-again sent" in made
    apart = await instant_of(world, lead, "day-3-email-again") - await instant_of(world, lead, "day-3-email")
    assert abs(apart - HOUR) < NEAR
    assert "day-7-email sent" in made
    await nothing_twice(world)


async def test_a_text_whose_time_ran_out_goes_again_only_while_it_is_fresh(world: World) -> None:
    await world.person(ADA["phone"], sms="undelivered", sms_error=30036)
    lead = await lived(world)
    made = [touch for touch in await touches(world, lead) if touch.startswith("sms")]
    # the sandbox reports at once, so the text was fresh; its repetition is not repeated
    assert made == ["sms-1 sent", "sms-1-again sent"]
    assert abs(await instant_of(world, lead, "call-4") - 4 * HOUR) < NEAR


# ── configuration, content ───────────────────────────────────────────────────────────────────────────────────────────


async def test_an_unregistered_sender_is_told_once_and_another_channel_goes_at_once(world: World) -> None:
    await world.person(ADA["phone"], sms="undelivered", sms_error=30034)
    lead = await lived(world)
    assert [t for t in await touches(world, lead) if t.startswith("sms")] == ["sms-1 sent"]
    assert abs(await instant_of(world, lead, "call-4") - await instant_of(world, lead, "call-3") - HOUR) < NEAR
    assert await told_ops(world) == [("provider_config", "30034")]


@pytest_asyncio.fixture
async def wrong_key(
    temporal_env: WorkflowEnvironment,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    composer: Composer,
) -> AsyncIterator[World]:
    """A world whose mail provider does not know our key."""
    from speedlead.providers import sendgrid

    made = sendgrid.SendgridMailer.__init__

    def with_old_key(self: Any, api_key: str, **rest: Any) -> None:
        made(self, "SG.an-old-key", **rest)

    monkeypatch.setattr(sendgrid.SendgridMailer, "__init__", with_old_key)
    settings = local_settings(tmp_path, callbacks="before", virtual_clock=True, company_phone="+14155550100")
    async with open_world(settings, database_url, temporal_env.client, composer=composer) as world:
        yield world


async def test_wrong_credentials_of_the_mail_provider_move_the_lead_to_texts_and_calls(wrong_key: World) -> None:
    world = wrong_key
    first = await lived(world)
    other = await lived(world, email="bob@example.com", phone="+12125550124", name="Bob Hope")
    for lead in (first, other):
        made = await touches(world, lead)
        assert "ack-1 failed provider_config" in made
        assert "ack-1-sms sent" in made
        assert "email-1 failed provider_config" in made
        assert abs(await instant_of(world, lead, "sms-1") - await instant_of(world, lead, "email-1")) < MINUTE
    days = await world.pool.fetch("select at::date as day from notice where kind = 'provider_config' order by at")
    assert len(days) == len({row["day"] for row in days}), "once a day, whichever lead met it"
    await nothing_twice(world)


@pytest.mark.parametrize(("channel", "refusal"), [("email", {"refuse_email": 413}), ("sms", {"refuse_sms": 21617})])
async def test_an_oversized_message_is_told_and_the_plan_goes_on(
    world: World, channel: str, refusal: dict[str, int]
) -> None:
    await world.person(ADA["email" if channel == "email" else "phone"], **refusal)
    lead = await lived(world)
    made = await touches(world, lead)
    assert f"{channel}-1 failed content_refused" in made
    assert abs(await instant_of(world, lead, "call-4") - 4 * HOUR) < NEAR, "nothing is hurried: the address is good"
    assert {kind for kind, _ in await told_ops(world)} == {"content_refused"}
    assert not any("-again" in touch for touch in made)


async def test_a_template_that_cannot_be_written_is_passed_over_and_told_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Composer.compose

    def broken(self: Composer, channel: str, template: str, *rest: Any, **more: Any) -> Any:
        if template == "missed_you":
            raise ComposeError("template email/missed_you: 'nam' is undefined")
        return real(self, channel, template, *rest, **more)

    monkeypatch.setattr(Composer, "compose", broken)
    lead = await lived(world)
    made = await touches(world, lead)
    assert "email-1 skipped template_error" in made
    assert "sms-1 skipped template_error" in made
    assert "day-7-email sent" in made
    assert [kind for kind, _ in await told_ops(world)] == ["template_error", "template_error"], "once for each channel"


# ── the provider is down ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_mail_provider_that_is_down_costs_its_touch_and_not_the_lead(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a waiting activity stops the virtual clock: half an hour of tries is made short
    monkeypatch.setitem(options._SEND, "schedule_to_close_timeout", timedelta(seconds=3))

    async def breaks(lead_id: str) -> None:
        await world.call("PUT", f"{world.sandbox_url}/api/faults", {"email": {"429": 1}})

    async def mends(lead_id: str) -> None:
        await world.call("PUT", f"{world.sandbox_url}/api/faults", {})

    lead = await lived(world, Moment(after="call-3", happens=breaks), Moment(after="sms-1", happens=mends))
    made = await touches(world, lead)
    assert "email-1 failed provider_down" in made
    assert abs(await instant_of(world, lead, "sms-1") - await instant_of(world, lead, "email-1")) < MINUTE
    assert "day-3-email sent" in made
    assert [kind for kind, _ in await told_ops(world)] == ["provider_down"]
    assert await notices(world, lead)
    await nothing_twice(world)
