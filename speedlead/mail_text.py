"""Reading mail that people and programs answer with: is it automatic, and which part of it did they write? Pure."""

import re
from collections.abc import Mapping

_QUOTE_START = re.compile(
    r"^\s*(?:>|-{2,}\s*original message|-{5,}|_{5,}|on .{4,200} wrote:\s*$|am .{4,200} schrieb.*:\s*$|"
    r"le .{4,200} a écrit\s*:\s*$|el .{4,200} escribió\s*:\s*$|em .{4,200} escreveu\s*:\s*$|op .{4,200} schreef.*:\s*$|"
    r"(?:on|am|le|el|em|op) \w.{4,60}\d{4}.{4,140}[<(][^\s@]+@[^\s@]+[>)]\s*$|"
    r"(?:from|von|van|de\s?|da):\s.+|sent from my |-- $)",
    re.IGNORECASE,
)


def is_automatic(headers: Mapping[str, str], envelope_from: str | None) -> bool:
    """Out-of-office notes, bounces and list mail: a program answered, not the lead. Header names in lower case.

    RFC 3834 (Auto-Submitted, empty envelope sender) and what older systems set. An `envelope_from` of None is unknown.
    """
    if headers.get("auto-submitted", "no").partition(";")[0].strip().lower() not in ("no", ""):
        return True
    if headers.get("precedence", "").strip().lower() in ("bulk", "junk", "list", "auto_reply"):
        return True
    if any(name in headers for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "list-id")):
        return True
    return envelope_from is not None and envelope_from.strip(" <>") == ""


def is_absence_note(headers: Mapping[str, str], sender: str) -> bool:
    """May an automatic mail say when somebody is back? Not a report of failed delivery, and not a mailing list."""
    if headers.get("content-type", "").strip().lower().startswith("multipart/report"):
        return False
    if sender.partition("@")[0].lower() in ("mailer-daemon", "postmaster"):
        return False
    return "list-id" not in headers and "list-unsubscribe" not in headers


def written_part(text: str) -> str:
    """The text above the quoted mail and the signature: our own footer says "unsubscribe", and it comes back quoted."""
    kept: list[str] = []
    for line in text.split("\n"):
        if _QUOTE_START.match(line):
            break
        kept.append(line)
    return "\n".join(kept).strip()
