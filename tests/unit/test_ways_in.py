"""By when a person of ours is there, for every way in (REQ 22, 111): in hours, at night, on a weekend."""

from datetime import datetime, timedelta

import pytest

from speedlead.domain.opening import Opening, find_opening
from speedlead.domain.placing import Consents, Question
from speedlead.domain.sla import LeadFacts
from speedlead.intake import CHANNELS
from speedlead.mail_trust import doubt_of, is_nobody
from tests.unit.test_opening import HOME, NEW_YORK, PLACER, PLAN, utc

# of the way alone: an inquiry about "other" is cold, and its own target four hours
SPANS = {"phone": 5, "chat": 15, "messenger": 15, "sms": 15, "email": 60}
# what a text, a chat or a mail of a stranger allows, and a call of theirs
NOTHING = Consents(call_requested=False, sms=False, call=False, inquiry=True)
CALLED = Consents(call_requested=True, sms=False, call=False, inquiry=True)


def opening(channel: str, at: str) -> Opening:
    by_phone = channel in ("phone", "sms")
    intent = "phone_call" if channel == "phone" else "other"
    facts = LeadFacts(PLAN.lead_type(intent), intent, f"inbound_{channel}", channel=channel)
    asked = CALLED if channel == "phone" else NOTHING
    question = Question("call", utc(at), None, NEW_YORK, PLAN.hours["call"], None, asked)
    return find_opening(PLACER.place, question, PLAN, facts, (HOME,), can_mail=not by_phone)


@pytest.mark.parametrize("channel", SPANS)
@pytest.mark.parametrize(
    ("at", "opens"),
    [
        pytest.param("2026-11-24T15:00", "2026-11-24T15:00", id="Tuesday 10:00"),
        pytest.param("2026-11-25T04:00", "2026-11-25T14:00", id="Tuesday 23:00"),
        pytest.param("2026-11-21T20:00", "2026-11-23T14:00", id="Saturday"),
    ],
)
def test_every_way_in_has_its_target_from_the_first_hour_of_work(channel: str, at: str, opens: str) -> None:
    found = opening(channel, at)
    assert found.open_at == utc(opens)
    wanted = utc(opens) + timedelta(minutes=SPANS[channel])
    assert (found.due, found.target) == (wanted, "messenger" if channel == "sms" else channel)


def test_the_last_minutes_of_a_day_go_on_in_the_morning() -> None:
    found = opening("phone", "2026-11-24T22:58")  # 17:58 in New York: two minutes of work are left
    assert found.due == datetime.fromisoformat("2026-11-25T14:03+00:00")


def test_a_form_that_says_a_way_in_is_read() -> None:
    assert set(SPANS) <= CHANNELS


def test_a_call_is_called_back_at_its_target_and_not_after_the_warm_tracks_delay() -> None:
    assert PLAN.lead_type("phone_call") == "warm"
    assert PLAN.tracks["warm"].steps[0].channel == "call"


@pytest.mark.parametrize(
    ("sender", "nobody"),
    [("mailer-daemon@a.example", True), ("No-Reply@a.example", True), ("noreply+7@a.example", True),
     ("donotreply@a.example", True), ("bounce-12@a.example", True), ("norah@a.example", False),
     ("postmaster.smith@a.example", True), ("replying@a.example", False)],
)  # fmt: skip
def test_addresses_behind_which_nobody_reads(sender: str, nobody: bool) -> None:
    assert is_nobody(sender) is nobody


@pytest.mark.parametrize(
    ("spf", "dkim", "score", "doubt"),
    [
        ("pass", "none", "", None),
        ("fail", "{@a.example : pass}", "", None),
        ("fail", "{@mail.a.example : pass, @x.example : fail}", "0.1", None),
        ("fail", "{@a.example : fail}", "", "unverified"),
        ("softfail", "{@evila.example : pass}", "", "unverified"),
        ("neutral", "", "", None),
        ("pass", "{@a.example : pass}", "5.0", "spam"),
        ("pass", "", "nan", None),
    ],
)
def test_what_the_checks_of_a_mail_say(spf: str, dkim: str, score: str, doubt: str | None) -> None:
    assert doubt_of("eve@a.example", spf=spf, dkim=dkim, spam_score=score) == doubt
