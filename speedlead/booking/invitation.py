"""A meeting as an iCalendar entry: the invitation by mail (RFC 5546), the file to download, the entry on a server.

Times carry the lead's zone with its rules (VTIMEZONE), so that an entry keeps its local time should the rules change.
"""

from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, vCalAddress, vText

from speedlead.intake_text import one_line
from speedlead.store.booking_rows import Booking

Method = Literal["REQUEST", "CANCEL"]

_ALARM = timedelta(minutes=-10)


def uid(booking: Booking, domain: str) -> str:
    """The same for a meeting through all its changes."""
    return f"{booking.id}@{domain}"


def invitation(
    booking: Booking, method: Method | None, *, company: str, organizer: str, domain: str, lead_name: str | None,
    lead_email: str | None, wall: datetime, link: str | None = None, phone: str | None = None,
) -> str:  # fmt: skip
    """`method` None: an entry for a calendar server, which takes none (RFC 4791). `wall`: when it is written."""
    zone = ZoneInfo(booking.zone)
    who = one_line(lead_name or "") or "a lead"
    event = Event()
    event.add("uid", uid(booking, domain))
    event.add("sequence", booking.sequence)
    event.add("dtstamp", wall)
    event.add("dtstart", booking.starts_at.astimezone(zone))
    event.add("dtend", booking.ends_at.astimezone(zone))
    event.add("summary", f"{company}: {who} and {booking.rep_name or company}")
    lines = [
        f"{booking.rep_name or company} calls {phone}." if phone else "",
        f"Move or cancel: {link}" if link else "",
    ]
    event.add("description", "\n".join(line for line in lines if line))
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event["organizer"] = _address(organizer, f"{booking.rep_name} ({company})" if booking.rep_name else company)
    for address, name in ((lead_email, who), (booking.rep_email, booking.rep_name)):
        if address is not None and method is not None:
            attendee = _address(address, name or address)
            attendee.params["PARTSTAT"] = vText("ACCEPTED" if address == booking.rep_email else "NEEDS-ACTION")
            attendee.params["RSVP"] = vText("TRUE")
            event.add("attendee", attendee, encode=False)
    if method != "CANCEL":
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", f"{company}: {who}")
        alarm.add("trigger", _ALARM)
        event.add_component(alarm)
    calendar = Calendar()
    calendar.add("prodid", "-//speedlead//booking//EN")
    calendar.add("version", "2.0")
    if method is not None:
        calendar.add("method", method)
    calendar.add_component(event)
    calendar.add_missing_timezones(
        first_date=booking.starts_at.date() - timedelta(days=366),
        last_date=booking.ends_at.date() + timedelta(days=366),
    )
    return str(calendar.to_ical().decode())


def _address(address: str, name: str) -> vCalAddress:
    found = vCalAddress(f"mailto:{address}")
    found.params["CN"] = vText(one_line(name))
    return found
