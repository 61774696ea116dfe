"""Slack: an incoming webhook with Block Kit (docs.slack.dev/reference/block-kit/blocks).

What a lead wrote stands in `plain_text` objects, where neither a link nor `<!channel>` means anything.
"""

from typing import Any

import aiohttp

from speedlead.domain.alert import Alert, cut
from speedlead.providers.hooks import post

# Slack's limits: header 150, text of a section 3000, of a field 2000, ten fields, label of a button 75 characters
_HEADER, _TEXT, _FIELD, _FIELDS, _LABEL = 150, 3000, 2000, 10, 75


async def send_slack(session: aiohttp.ClientSession, hook_url: str, alert: Alert) -> None:
    """Raises SendError."""
    await post(session, hook_url, json=slack_message(alert))


def slack_message(alert: Alert) -> dict[str, Any]:
    """`text` is what notifications of the app show, and is read as markup; the blocks are what the channel shows."""
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(alert.title, _HEADER)}]
    if alert.facts:
        fields = [_plain(f"{name}: {value}", _FIELD) for name, value in alert.facts[:_FIELDS]]
        blocks.append({"type": "section", "fields": fields})
    if alert.said:
        blocks.append({"type": "section", "text": _plain(alert.said, _TEXT)})
    button = {"type": "button", "text": _plain(alert.button, _LABEL), "url": alert.url, "action_id": "open"}
    blocks.append({"type": "actions", "elements": [button | ({"style": "primary"} if alert.urgent else {})]})
    return {"text": _escaped(cut(alert.line, _TEXT // 5)), "blocks": blocks}


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": cut(text, most), "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
