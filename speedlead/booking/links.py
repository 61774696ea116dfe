"""Addresses of booking pages: of a lead's times, and of one meeting. Signed, so that nobody makes one up."""

from speedlead.tokens import make_token

BOOK, MEETING, FROM_FORM = "book", "meeting", "book-form"


def booking_url(public_url: str, secret: bytes, lead_id: str) -> str:
    return f"{public_url}/book/{make_token(secret, BOOK, lead_id)}"


def form_booking_url(public_url: str, secret: bytes, inquiry_id: str) -> str:
    """For whoever has just sent a form, who need not be the one they say: it opens nothing that was there before."""
    return f"{public_url}/book/form/{make_token(secret, FROM_FORM, inquiry_id)}"


def meeting_url(public_url: str, secret: bytes, booking_id: str) -> str:
    return f"{public_url}/book/meeting/{make_token(secret, MEETING, booking_id)}"
