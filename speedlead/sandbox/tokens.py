"""Ids in the shape the providers give them."""

import secrets


def sms_sid() -> str:
    return "SM" + secrets.token_hex(16)


def call_sid() -> str:
    return "CA" + secrets.token_hex(16)


def mail_id() -> str:
    """The shape of X-Message-Id."""
    return secrets.token_urlsafe(16)
