"""A calendar on a CalDAV server (RFC 4791): what it is busy with, and our meetings in it.

Plain requests: what is asked of a server are three methods, and a client library would replace the HTTP stack of the
whole process. Every request may be repeated: a meeting has one address, made of its id.
"""

import base64
from collections.abc import Collection
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

import aiohttp

from speedlead.booking.accounts import Account
from speedlead.ics import CalendarFault

TIMEOUT_S = 10.0
MAX_BYTES = 5_000_000
_STAMP = "%Y%m%dT%H%M%SZ"
_QUERY = """<?xml version="1.0" encoding="utf-8"?>
<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">
<D:prop><D:getetag/><C:calendar-data/></D:prop>
<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">
<C:time-range start="{start}" end="{end}"/></C:comp-filter></C:comp-filter></C:filter>
</C:calendar-query>"""
_CODES = {401: "calendar_forbidden", 403: "calendar_forbidden", 404: "calendar_not_found", 410: "calendar_not_found",
          409: "calendar_not_found"}  # fmt: skip


class CalDav:
    """One calendar. Every method raises CalendarFault: calendar_silent, _forbidden, _not_found, _large, _garbage."""

    def __init__(self, account: Account) -> None:
        self._url = account.url
        pair = f"{account.username}:{account.password.get_secret_value()}"
        self._headers = {
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "User-Agent": "speedlead",
        }

    async def put(self, name: str, text: str) -> None:
        """Writes the entry `name`, whatever stood there."""
        headers = {"Content-Type": "text/calendar; charset=utf-8"}
        await self._ask("PUT", f"{name}.ics", text, headers, (200, 201, 204))

    async def delete(self, name: str) -> None:
        """Takes the entry out; one that is not there is no fault."""
        await self._ask("DELETE", f"{name}.ics", None, {}, (200, 204, 404, 410))

    async def entries(self, start: datetime, end: datetime, but: Collection[str]) -> list[str]:
        """The entries between the two, as iCalendar texts, without those whose name is in `but`."""
        query = _QUERY.format(start=start.strftime(_STAMP), end=end.strftime(_STAMP))
        headers = {"Content-Type": "application/xml; charset=utf-8", "Depth": "1"}
        body = await self._ask("REPORT", "", query, headers, (207,))
        try:
            answers = list(ElementTree.fromstring(body).iter("{DAV:}response"))  # noqa: S314  bounded, and expat refuses bombs
        except (ElementTree.ParseError, ValueError):
            raise CalendarFault("calendar_garbage") from None
        found = []
        for answer in answers:
            href = answer.findtext("{DAV:}href") or ""
            text = next((node.text for node in answer.iter("{urn:ietf:params:xml:ns:caldav}calendar-data")), None)
            if text and href.rstrip("/").rpartition("/")[2].removesuffix(".ics") not in but:
                found.append(text)
        return found

    async def _ask(self, method: str, name: str, body: str | None, headers: dict[str, str], good: Any) -> bytes:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
                # never elsewhere: the password goes along
                session.request(method, self._url + name, data=body, headers=self._headers | headers,
                                allow_redirects=False) as answer,
            ):  # fmt: skip
                if answer.status not in good:
                    raise CalendarFault(_CODES.get(answer.status, "calendar_silent"))
                found = await answer.content.read(MAX_BYTES + 1)
                while len(found) <= MAX_BYTES and not answer.content.at_eof():
                    found += await answer.content.read(MAX_BYTES + 1 - len(found))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            raise CalendarFault("calendar_silent") from None
        if len(found) > MAX_BYTES:
            raise CalendarFault("calendar_large")
        return found


def one_calendar(texts: Collection[str]) -> str:
    """Many entries, each a calendar of its own, as one."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0"]
    for text in texts:
        inner = text.strip().splitlines()
        lines += [line for line in inner[1:-1] if not line.upper().startswith(("VERSION:", "PRODID:", "METHOD:"))]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])
