"""Addresses of booking pages: of a lead's times, and of one meeting. Signed, so that nobody makes one up."""

from speedlead.tokens import make_token

BOOK, MEETING = "book", "meeting"


def booking_url(public_url: str, secret: bytes, lead_id: str) -> str:
    return f"{public_url}/book/{make_token(secret, BOOK, lead_id)}"


def meeting_url(public_url: str, secret: bytes, booking_id: str) -> str:
    return f"{public_url}/book/meeting/{make_token(secret, MEETING, booking_id)}"
