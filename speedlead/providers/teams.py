"""Microsoft Teams: a Workflows webhook ("When a Teams webhook request is received") with an Adaptive Card.

What a lead wrote stands in text runs: they show Markdown as it is, where a text block would make links of it
(adaptivecards.io/explorer/TextRun.html). The address holds its own signature: it is a secret.
"""

from typing import Any

import aiohttp

from speedlead.domain.alert import Alert, cut
from speedlead.providers.hooks import post

# Teams refuses cards above some 28 kB
_SAID, _VALUE, _FACTS = 3000, 500, 10


async def send_teams(session: aiohttp.ClientSession, hook_url: str, alert: Alert) -> None:
    """Raises SendError. A 202 says that the workflow has begun, not that the card was shown."""
    await post(session, hook_url, json=teams_message(alert))


def teams_message(alert: Alert) -> dict[str, Any]:
    color = "attention" if alert.urgent else "default"
    title = {"type": "TextBlock", "text": alert.title, "weight": "bolder", "size": "medium", "wrap": True,
             "color": color}  # fmt: skip
    body = [title, *(_lines(f"{name}: ", cut(value, _VALUE)) for name, value in alert.facts[:_FACTS])]
    if alert.said:
        body.append(_lines("", cut(alert.said, _SAID)))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": alert.title,
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": alert.button, "url": alert.url}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _lines(name: str, value: str) -> dict[str, Any]:
    runs = [{"type": "TextRun", "text": name, "weight": "bolder"}] if name else []
    return {"type": "RichTextBlock", "inlines": [*runs, {"type": "TextRun", "text": value}]}
