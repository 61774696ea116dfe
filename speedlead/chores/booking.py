"""All that recurs about meetings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from speedlead.booking.accounts import load_accounts
from speedlead.booking.offers import Offers
from speedlead.chores.booking_calendar import BookingCalendar
from speedlead.chores.booking_mail import BookingMail
from speedlead.chores.booking_over import BookingOver
from speedlead.chores.runner import Chore
from speedlead.composer import Composer
from speedlead.credentials import Credentials
from speedlead.domain.placing import Placer
from speedlead.place_finder import PlaceFinder
from speedlead.ports import Clock, Mailer
from speedlead.settings import Settings
from speedlead.store.touches import TouchStore


@dataclass(frozen=True)
class Booked:
    offers: Offers
    placer: Placer
    places: PlaceFinder
    composer: Composer


def booking_chores(
    booked: Booked | None, pool: "asyncpg.Pool[Any]", settings: Settings, credentials: Credentials, mailer: Mailer,
    clock: Clock,
) -> Sequence[Chore]:  # fmt: skip
    """None of them where booking is off. Raises BookingError."""
    if booked is None:
        return ()
    touches = TouchStore(pool, booked.placer, booked.places)
    mail = BookingMail(
        pool, clock, touches, booked.composer, mailer, credentials.secret_bytes, settings.public_url,
        settings.sendgrid_from, settings.company_name,
    )  # fmt: skip
    accounts = load_accounts(settings.caldav_file)
    calendar = BookingCalendar(
        pool, clock, accounts, company=settings.company_name, organizer=settings.sendgrid_from,
        horizon_s=booked.offers.rules.horizon,
    )  # fmt: skip
    return (mail.chore(), BookingOver(pool, clock, booked.offers).chore(), *calendar.chores())
