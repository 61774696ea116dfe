"""The address under which a lead says how we did: signed, and another one for each mail that asks."""

import re

from speedlead.tokens import make_token, read_token

_STEP = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")


def feedback_url(public_url: str, secret: bytes, lead_id: str, step: str) -> str | None:
    """None for a step whose name is no part of an address, which only a plan of one's own can have."""
    if not _STEP.fullmatch(step):
        return None
    return f"{public_url}/feedback/{make_token(secret, _kind(step), lead_id)}/{step}"


def lead_of_link(secret: bytes, token: str, step: str) -> str | None:
    """The lead whose mail `step` had this link; None when it is not one of ours."""
    return read_token(secret, _kind(step), token) if _STEP.fullmatch(step) else None


def _kind(step: str) -> str:
    # the token of one mail opens no other: the step is signed with it
    return f"feedback {step}"
