"""A notice in words: what happened, whose lead it is, by when, and where its button leads (REQ 72)."""

from collections.abc import Callable
from typing import Any

from speedlead import times, wording
from speedlead.domain.alert import Alert, cut
from speedlead.domain.notification import TO_TAKE, URGENT

MOST_SAID = 1500
# one text message of two or three segments; the link must be whole
MOST_TEXT = 300


def alert_of(row: Any, staff_url: str, token: Callable[[str], str]) -> Alert:
    """`row`: of `store.notifications.to_tell`. `token`: signs the id of a notification for a link."""
    url, button = _way(row, staff_url, token)
    return Alert(
        key=row["id"],
        title=wording.NOTICES.get(row["kind"]) or wording.plain(row["kind"]).capitalize(),
        facts=tuple(_facts(row)),
        said=cut(row["message"], MOST_SAID) if row["message"] else None,
        url=url,
        button=button,
        urgent=row["kind"] in URGENT,
    )


def text_of(alert: Alert) -> str:
    """An SMS."""
    return f"{cut(' '.join(alert.line.split()), MOST_TEXT - len(alert.url) - 1)} {alert.url}"


def mail_of(alert: Alert) -> str:
    lines = [alert.title, "", *(f"{name}: {value}" for name, value in alert.facts)]
    if alert.said:
        lines += ["", *(f"> {line}" for line in alert.said.splitlines())]
    return "\n".join([*lines, "", f"{alert.button}: {alert.url}", ""])


def _facts(row: Any) -> list[tuple[str, str]]:
    # in the reader's zone; a team's channel is read in many, so there it is the lead's
    zone = times.known_zone(row["rep_zone"], row["lead_zone"]) or "UTC"
    due = f"{times.clock(row['due_at'], zone)}, {times.zone_label(zone)}" if row["due_at"] else None
    owner = row["owner_name"] if row["rep_id"] is None else None
    intent = wording.INTENTS.get(row["intent"]) or wording.plain(row["intent"] or "")
    found = (
        ("Name", row["name"]),
        ("Company", row["company"]),
        ("Phone", row["phone"]),
        ("E-mail", row["email"] if not row["phone"] else None),
        ("By", due),
        ("About", f"{row['lead_type']}, {intent}" if intent else None),
        ("Source", row["source"]),
        ("Owner", owner),
        ("Why", wording.reason(row["reason"]) or None),
    )
    return [(name, " ".join(str(value).split())) for name, value in found if value]


def _way(row: Any, staff_url: str, token: Callable[[str], str]) -> tuple[str, str]:
    lead_id = row["lead_id"]
    if lead_id is None:
        return f"{staff_url}/ops" if row["audience"] == "ops" else f"{staff_url}/rep", "Open"
    if row["kind"] not in TO_TAKE:
        return f"{staff_url}/leads/{lead_id}", "Open the lead"
    if row["rep_id"] is not None:
        return f"{staff_url}/n/{token(row['id'])}", "Accept and call"
    # a team's channel is nobody's: who opens it signs in first
    return f"{staff_url}/leads/{lead_id}/take", "Accept and call"
