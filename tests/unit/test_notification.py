"""Who is told by what, in which order, and what each channel makes of it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from speedlead.alert_words import text_of
from speedlead.domain.alert import Alert
from speedlead.domain.notification import (
    TEAM_CHANNELS,
    Channel,
    News,
    Now,
    Person,
    Step,
    Waiting,
    chain,
    decide,
    link_until,
    next_try,
    team_channels,
)
from speedlead.providers.slack import slack_message
from speedlead.providers.teams import teams_message
from speedlead.providers.webpush import push_message
from speedlead.settings import hooks_of
from tests.store.receivers import check_slack_block, check_teams_message

HOT = News("new_lead", "rep", "hot")
ALL = Person(there=True, away=False, mobile=True, devices=True, email=True)
MAIL_LATER = Step(Channel.EMAIL, timedelta(seconds=60), fallback=True)
WAITING = Waiting(Channel.EMAIL, fallback=True, due=False, age=timedelta(seconds=5), seen=False, before=("sent",))


@pytest.mark.parametrize(
    ("news", "person", "expected"),
    [
        (HOT, ALL, (Step(Channel.PUSH), Step(Channel.SMS), MAIL_LATER)),
        (HOT, replace(ALL, away=True), (Step(Channel.PUSH), MAIL_LATER)),
        (HOT, replace(ALL, mobile=False, devices=False), (MAIL_LATER,)),
        (HOT, replace(ALL, there=False), (Step(Channel.EMAIL),)),
        (HOT, replace(ALL, there=False, email=False), ()),
        (replace(HOT, lead_type="warm"), ALL,
         (Step(Channel.PUSH), Step(Channel.EMAIL, timedelta(minutes=5), fallback=True))),
        (News("notification_test", "rep", None), ALL, (Step(Channel.PUSH), Step(Channel.SMS), MAIL_LATER)),
        (replace(HOT, kind="answer_sent"), ALL,
         (Step(Channel.PUSH), Step(Channel.EMAIL, timedelta(hours=1), fallback=True))),
    ],
)  # fmt: skip
def test_the_chain_of_a_person(news: News, person: Person, expected: tuple[Step, ...]) -> None:
    assert chain(news, person) == expected


def test_a_teams_channel_hears_of_hot_leads_and_what_managers_must_know() -> None:
    assert team_channels(HOT) == TEAM_CHANNELS
    assert team_channels(News("nobody_available", "manager", "cold")) == TEAM_CHANNELS
    assert team_channels(replace(HOT, lead_type="warm")) == ()
    assert team_channels(replace(HOT, kind="answer_sent")) == ()


@pytest.mark.parametrize(
    ("changes", "now"),
    [
        ({}, Now.WAIT),
        ({"due": True}, Now.SEND),
        ({"before": ("failed", "in_doubt")}, Now.SEND),
        ({"before": ("failed", "waiting")}, Now.WAIT),
        ({"before": ("refused",)}, Now.SEND),
        ({"before": ()}, Now.SEND),
        ({"due": True, "seen": True}, Now.SEEN),
        ({"due": True, "off": True}, Now.OFF),
        ({"due": True, "age": timedelta(hours=9)}, Now.SEND),
        ({"due": True, "age": timedelta(minutes=31), "channel": Channel.SLACK}, Now.STALE),
        ({"due": True, "told": True, "channel": Channel.SMS}, Now.TOLD),
        ({"due": True, "told": True, "channel": Channel.PUSH}, Now.SEND),
    ],
)
def test_what_becomes_of_what_waits(changes: dict[str, object], now: Now) -> None:
    assert decide(replace(WAITING, **changes)) is now  # type: ignore[arg-type]


def test_tries_end_and_wait_as_long_as_was_asked_for() -> None:
    assert [next_try(n, None) for n in (1, 2, 3)] == [timedelta(seconds=5), timedelta(seconds=10), None]
    assert next_try(1, 40.0) == timedelta(seconds=40)


def test_a_link_lives_an_hour_longer_than_the_deadline() -> None:
    at = datetime(2026, 11, 23, 15, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert link_until(at, at + hour) == at + 2 * hour
    assert link_until(at, at - hour) == link_until(at, None) == at + hour


def test_what_a_stranger_writes_stays_in_the_limits_and_is_no_markup() -> None:
    evil = "<!channel> [x](https://evil.example) *b* " * 500
    facts = tuple((f"Name {n}", evil) for n in range(30))
    alert = Alert(
        "k" * 36, "A lead is yours " * 30, facts, evil, "https://a.example/n/x", "Accept and call", urgent=True
    )
    slack = slack_message(alert)
    for block in slack["blocks"]:
        check_slack_block(block)
        texts = [*block.get("fields", ()), *([block["text"]] if "text" in block else [])]
        assert all(text["type"] == "plain_text" for text in texts)
    assert "<" not in slack["text"]
    teams = teams_message(alert)
    check_teams_message(teams)
    card = teams["attachments"][0]["content"]
    assert [b["text"] for b in card["body"] if b["type"] == "TextBlock"] == [alert.title]
    assert len(json.dumps(teams)) < 28_000
    assert len(push_message(alert)) <= 3500
    text = text_of(alert)
    assert len(text) <= 300
    assert text.endswith(" https://a.example/n/x")


def test_addresses_of_teams() -> None:
    given = "https://hooks.slack.com/services/x, emea=https://hooks.slack.com/services/y?a=b"
    assert hooks_of(SecretStr(given)) == {
        "": "https://hooks.slack.com/services/x",
        "emea": "https://hooks.slack.com/services/y?a=b",
    }
    for wrong in ("http://hooks.slack.com/x", "emea=", "https://a.b/c,https://d.e/f", "nothing"):
        with pytest.raises(ValueError, match="address"):
            hooks_of(SecretStr(wrong))
