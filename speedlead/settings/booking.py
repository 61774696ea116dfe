"""Meetings that leads book, and the calendars they are booked by (docs/booking.md)."""

from pydantic import Field, SecretStr

from speedlead.settings.base import Networks, Place, Room, Switch


class Booking(Room):
    booking: Switch = Field(True, description="Offer leads a page on which they choose a time for a meeting")
    booking_file: Place | None = Field(
        None, description="Rules of booking: length, notice, teams, reminders; empty uses the packaged ones"
    )
    caldav_file: Place | None = Field(
        None, description="Our people's calendars on CalDAV servers, with what opens them; empty: none"
    )
    calendar_networks: Networks = Field(
        default_factory=list,
        description="Private networks (CIDR, comma separated) in which reps' calendars may be; else public ones only",
    )
    calcom_webhook_secret: SecretStr | None = Field(
        None, description="Secret of the webhook at Cal.com; empty: its bookings are not taken over"
    )
    calendly_webhook_key: SecretStr | None = Field(
        None, description="Signing key of the webhook at Calendly; empty: its bookings are not taken over"
    )
