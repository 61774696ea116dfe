"""Twilio's refusals, as data: the documented test numbers and the checks of a request.

Numbers: https://www.twilio.com/docs/iam/test-credentials. Which number gives which code is told differently in places;
this table is the one place to correct.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import web

MAX_BODY = 1600
_E164 = re.compile(r"^\+[1-9]\d{6,14}$")

BAD_TO_SMS = {
    "+15005550001": 21211, "+15005550002": 21612, "+15005550003": 21408, "+15005550004": 21610, "+15005550009": 21614,
}  # fmt: skip
BAD_TO_CALL = {
    "+15005550001": 21217, "+15005550002": 21214, "+15005550003": 21215, "+15005550004": 21216,
}  # fmt: skip
BAD_FROM_SMS = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
BAD_FROM_CALL = {"+15005550001": 21212}

MESSAGES = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "Internal Server Error",
    20503: "Service Unavailable",
    21201: "No 'To' number is specified",
    21205: "Url is not a valid URL",
    21211: "The 'To' number is not a valid phone number",
    21212: "The 'From' number is not a valid phone number",
    21213: "Caller phone number is required",
    21214: "The 'To' phone number cannot be reached",
    21215: "Account not authorized to call this number",
    21216: "Account not allowed to call this number",
    21217: "The 'To' phone number is not valid",
    21220: "Call is not in-progress. Cannot redirect.",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number",
    21602: "Message body is required",
    21603: "A 'From' phone number is required",
    21604: "A 'To' phone number is required",
    21606: "The 'From' phone number is not a valid, SMS-capable inbound phone number for your account",
    21609: "The 'StatusCallback' URL is not valid",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21612: "Message cannot be sent with the current combination of 'To' and 'From' parameters",
    21614: "'To' number is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21621: "The 'ValidityPeriod' is out of range",
}
_STATUS = {20003: 401, 20404: 404, 20429: 429, 20500: 500, 20503: 503}


def error(code: int, status: int | None = None) -> web.Response:
    """A refusal in Twilio's shape; 400 unless the code has a status of its own."""
    status = status or _STATUS.get(code, 400)
    body = {
        "code": code,
        "message": MESSAGES.get(code, "Bad request"),
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return web.json_response(body, status=status)


def check_message(form: Mapping[str, str], opted_out: bool) -> int | None:
    """The error code of POST Messages, or None when it would be accepted."""
    to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
    if not to:
        return 21604
    if not sender and not form.get("MessagingServiceSid"):
        return 21603
    if not body and not form.get("MediaUrl") and not form.get("ContentSid"):
        return 21602
    if to in BAD_TO_SMS or sender in BAD_FROM_SMS:
        return BAD_TO_SMS.get(to) or BAD_FROM_SMS[sender]
    if not _E164.match(to):
        return 21211
    if sender and not _E164.match(sender):
        return 21212
    if len(body) > MAX_BODY:
        return 21617
    if not 1 <= _number(form.get("ValidityPeriod", "36000")) <= 36_000:
        return 21621
    if not _is_url(form.get("StatusCallback")):
        return 21609
    return 21610 if opted_out else None


def check_call(form: Mapping[str, str]) -> int | None:
    """The error code of POST Calls, or None when it would be accepted."""
    to, sender, url = form.get("To", ""), form.get("From", ""), form.get("Url")
    if not to:
        return 21201
    if not sender:
        return 21213
    if to in BAD_TO_CALL or sender in BAD_FROM_CALL:
        return BAD_TO_CALL.get(to) or BAD_FROM_CALL[sender]
    if not _E164.match(to):
        return 21211
    if not _E164.match(sender):
        return 21212
    if not url or not _is_url(url):
        return 21205
    return None if _is_url(form.get("StatusCallback")) else 21609


def _number(value: str) -> int:
    return int(value) if value.isdigit() else -1


def _is_url(value: str | None) -> bool:
    if not value:
        return True
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    # an underscore in the host name is what Twilio refuses most often
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "_" not in (parts.hostname or "")
