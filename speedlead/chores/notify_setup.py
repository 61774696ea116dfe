"""The notifier of this installation: Slack and Teams where they are set up, a person's own channels always."""

from typing import Any

import asyncpg

from speedlead.calendarbook import load_calendars
from speedlead.chores.notify import Notifier
from speedlead.chores.notify_ways import Way, hook_way, mail_way, push_way, text_way
from speedlead.credentials import Credentials
from speedlead.domain.notification import Channel
from speedlead.ports import Clock
from speedlead.providers.assemble import Senders, push_keys
from speedlead.providers.slack import send_slack
from speedlead.providers.teams import send_teams
from speedlead.providers.webpush import public_session
from speedlead.settings import Settings, hooks_of
from speedlead.tokens import make_token


def build_notifier(
    pool: "asyncpg.Pool[Any]", settings: Settings, credentials: Credentials, senders: Senders, clock: Clock
) -> Notifier:
    secret = credentials.secret_bytes
    calendars, _ = load_calendars(settings.calendars_file)
    ways: dict[Channel, Way] = {
        Channel.PUSH: push_way(pool, push_keys(settings, credentials), public_session),
        Channel.SMS: text_way(senders.texter),
        Channel.EMAIL: mail_way(senders.mailer, lambda key: make_token(secret, "notice", key)),
    }
    if slack := hooks_of(settings.slack_webhook_url):
        ways[Channel.SLACK] = hook_way(send_slack, slack, calendars)
    if teams := hooks_of(settings.teams_webhook_url):
        ways[Channel.TEAMS] = hook_way(send_teams, teams, calendars)
    return Notifier(pool, clock, calendars, ways, settings.staff_url, lambda key: make_token(secret, "notify", key))
