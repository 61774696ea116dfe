"""Every lead of the demo on its virtual clock: which touches, in which order, at which local time, and why not.

Lines are `+days since the demo's Tuesday, local time, step or event, result or reason`.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from speedlead import times, wording
from speedlead.closures import HolidayClosures
from speedlead.demo import stories
from speedlead.demo.play import Played, play
from speedlead.demo.stories import quiet_tuesday
from speedlead.demo.world import open_world
from speedlead.store.view_models import Entry
from tests.servers import TestDatabases, local_settings

pytestmark = pytest.mark.timeout(180)
EVENTS = frozenset({"reply", "opt_out", "outcome", "closed"})


@pytest_asyncio.fixture(scope="module")
async def played(
    temporal_env: WorkflowEnvironment, test_databases: TestDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Played]]:
    """All stories, played once and at the same time."""
    settings = local_settings(
        tmp_path_factory.mktemp("stories"), callbacks="before", virtual_clock=True, company_phone="+14155550100"
    )
    tuesday = quiet_tuesday(datetime.now(UTC), HolidayClosures())
    async with (
        test_databases.fresh() as database_url,
        open_world(settings, database_url, temporal_env.client) as world,
    ):
        yield {one.story.key: one for one in await play(world, stories.STORIES, tuesday)}


def told(played: Played) -> list[str]:
    return [line(entry, played) for entry in played.entries if entry.kind in {*wording.TOUCH_STATES, *EVENTS}]


def line(entry: Entry, played: Played) -> str:
    at = times.local(entry.at, played.story.zone)
    first = times.local(played.begun, played.story.zone).date()
    days = (at.date() - first).days + played.story.day
    said = {"closed": entry.reason, "outcome": "", "reply": "", "opt_out": ""}
    result = said.get(entry.kind, entry.reason or entry.result or entry.kind)
    return f"+{days} {at:%H:%M} {entry.step or entry.kind} {result}".rstrip()


def test_a_hot_lead_that_never_answers_is_called_at_seven_and_twenty_minutes_and_then_for_a_week(
    played: dict[str, Played],
) -> None:
    assert told(played["never_answers"]) == [
        "+0 10:00 ack-1 delivered",
        "+0 10:00 call-1 no answer",
        "+0 10:07 call-2 no answer",
        "+0 10:27 call-3 no answer",
        "+0 10:29 email-1 delivered",
        "+0 10:39 sms-1 delivered",
        "+0 14:00 call-4 no answer",
        "+1 10:00 day-2-call no answer",
        "+2 13:00 day-3-email delivered",
        "+3 15:00 day-4-call no answer",
        "+4 00:00 day-5-email weekend",
        "+6 09:00 day-5-email delivered",
        "+7 12:00 day-6-call no answer",
        "+8 16:00 day-7-email delivered",
        "+9 16:00 closed plan_completed",
    ]


def test_a_hot_lead_at_night_is_acknowledged_at_once_and_called_at_nine(played: dict[str, Played]) -> None:
    one = played["at_night"]
    assert told(one)[:7] == [
        "+0 23:00 ack-1 delivered",
        "+1 09:00 call-1 no answer",
        "+1 09:07 call-2 no answer",
        "+1 09:27 call-3 no answer",
        "+1 09:29 email-1 delivered",
        "+1 09:39 sms-1 delivered",
        "+1 13:00 call-4 no answer",
    ]
    assert one.lead.promise_text == "A person calls you tomorrow, by 09:03 (Los Angeles time)."


def test_a_warm_lead_on_saturday_is_called_on_monday_when_french_law_opens(played: dict[str, Played]) -> None:
    assert told(played["on_saturday"]) == [
        "+4 11:20 ack-1 delivered",
        "+6 10:10 call-1 no answer",
        "+6 10:40 email-1 delivered",
        "+6 14:10 call-2 no answer",
        "+6 14:20 sms-1 delivered",
        "+7 10:00 day-2-call no answer",
        "+8 13:00 day-3-email delivered",
        "+9 15:00 day-4-call no answer",
        "+10 09:00 day-5-email delivered",
        *told(played["on_saturday"])[9:],
    ]


def test_a_fifth_call_waits_until_thirty_days_after_the_first_in_france(played: dict[str, Played]) -> None:
    entries = {entry.step: entry for entry in played["on_saturday"].entries if entry.step and entry.kind == "sent"}
    assert (entries["day-6-call"].at - entries["call-1"].at).days == 30


def test_a_cold_lead_hears_from_us_more_slowly(played: dict[str, Played]) -> None:
    assert told(played["cold"]) == [
        "+1 09:40 ack-1 delivered",
        "+1 10:40 email-1 delivered",
        "+2 10:00 day-2-call no answer",
        "+4 00:00 day-4-email weekend",
        "+6 13:00 day-4-email delivered",
        "+9 15:00 day-7-call no answer",
        "+13 09:00 day-11-email delivered",
        "+14 09:00 closed plan_completed",
    ]


def test_without_a_phone_number_calls_are_left_out_with_their_reason_and_the_owner_writes(
    played: dict[str, Played],
) -> None:
    one = played["without_phone"]
    by_step = {entry.step: entry for entry in one.entries if entry.step}
    calls = ("call-1", "call-2", "call-3", "sms-1", "call-4", "day-2-call", "day-4-call", "day-6-call")
    assert [by_step[step].reason for step in calls] == ["no_phone"] * len(calls)
    assert "+0 14:34 email-1 delivered" in told(one)
    assert "write_personally" in [entry.reason for entry in one.entries if entry.kind == "notified"]


def test_calls_that_are_left_out_still_take_their_days(played: dict[str, Played]) -> None:
    sent = {entry.step: entry.at for entry in played["without_phone"].entries if entry.kind == "sent"}
    assert (sent["day-7-email"] - sent["email-1"]).days >= 6


def test_without_an_e_mail_address_the_acknowledgement_goes_by_sms(played: dict[str, Played]) -> None:
    one = played["without_email"]
    assert told(one) == [
        "+1 10:30 ack-1 delivered",
        "+1 10:30 call-1 no answer",
        "+1 10:37 call-2 no answer",
        "+1 10:57 call-3 no answer",
        "+1 10:59 email-1 no_email",
        "+1 11:09 sms-1 delivered",
        "+1 14:30 call-4 no answer",
        "+2 10:00 day-2-call no answer",
        "+3 13:00 day-3-email no_email",
        "+4 00:00 day-4-call weekend",
        "+6 15:00 day-4-call no answer",
        "+7 09:00 day-5-email no_email",
        "+8 12:00 day-6-call no answer",
        *told(one)[13:],
    ]
    assert next(entry.channel for entry in one.entries if entry.step == "ack-1") == "sms"


def test_a_reply_stops_the_plan_and_the_owner_ends_it(played: dict[str, Played]) -> None:
    one = played["replies"]
    assert told(one) == [
        "+0 09:30 ack-1 delivered",
        "+0 09:30 call-1 no answer",
        "+0 09:37 call-2 no answer",
        "+0 09:57 call-3 no answer",
        "+0 09:59 email-1 delivered",
        "+0 10:09 sms-1 delivered",
        "+0 13:30 call-4 no answer",
        "+1 10:00 day-2-call no answer",
        "+1 10:00 reply",
        "+1 10:30 outcome",
        "+1 10:30 closed qualified",
    ]
    notices = [entry.reason for entry in one.entries if entry.kind == "notified"]
    assert notices == ["reply_received", "reply_received"]
    assert [(logged.outcome, logged.rep_name is not None) for logged in one.lead.logged] == [("qualified", True)]


def test_an_opt_out_by_sms_stops_everything_at_once(played: dict[str, Played]) -> None:
    one = played["opts_out"]
    assert told(one)[-3:] == ["+1 11:54 sms-1 delivered", "+1 11:54 opt_out", "+1 11:54 closed opted_out"]
    assert one.lead.suppressed == ("all",)


def test_a_lead_that_answers_is_booked_and_later_becomes_a_customer(played: dict[str, Played]) -> None:
    one = played["books"]
    assert told(one) == [
        "+1 15:10 ack-1 delivered",
        "+1 15:10 call-1 no answer",
        "+1 15:17 call-2 spoke to the lead",
        "+1 15:32 outcome",
        "+17 10:00 outcome",
        "+17 10:00 closed converted",
    ]
    assert [logged.outcome for logged in one.lead.logged] == ["meeting_booked", "converted"]


def test_nobody_is_called_in_germany_without_consent(played: dict[str, Played]) -> None:
    one = played["no_consent"]
    calls = [entry for entry in one.entries if entry.channel == "call"]
    assert calls
    assert {(entry.kind, entry.reason) for entry in calls} == {("skipped", "no_consent")}
    assert "+1 14:14 email-1 delivered" in told(one)


def test_without_consent_the_owner_writes_as_the_acknowledgement_promised(played: dict[str, Played]) -> None:
    one = played["no_consent"]
    assert one.lead.promise_text == "Wir schreiben Ihnen bis 13:49 Uhr (Ortszeit Berlin) persönlich."
    assert "write_personally" in [entry.reason for entry in one.entries if entry.kind == "notified"]
