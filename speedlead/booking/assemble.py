"""What booking is built from, for a gateway and for a worker."""

from speedlead.booking.door import BookingDoor
from speedlead.booking.links import booking_url
from speedlead.booking.offers import Offers
from speedlead.booking.rulebook import load_booking
from speedlead.credentials import Credentials
from speedlead.domain.business import Calendars
from speedlead.domain.placing import Placer
from speedlead.place_finder import PlaceFinder
from speedlead.plan_shelf import Source
from speedlead.ports import Clock
from speedlead.settings import Settings


def build_offers(
    settings: Settings, placer: Placer, places: PlaceFinder, plan: Source, calendars: Calendars
) -> Offers | None:
    """None where booking is off. Raises BookingError."""
    rules = load_booking(settings.booking_file)
    return Offers(placer, places, plan, calendars, rules) if settings.booking else None


def build_door(
    settings: Settings, credentials: Credentials, offers: Offers, calendars: Calendars, clock: Clock
) -> BookingDoor:
    secret = credentials.secret_bytes
    return BookingDoor(offers, calendars, clock, lambda lead_id: booking_url(settings.public_url, secret, lead_id))
