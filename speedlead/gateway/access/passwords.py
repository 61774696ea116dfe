"""Passwords: argon2id with argon2-cffi's parameters (RFC 9106, low memory), off the event loop and two at a time."""

import asyncio
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# NIST SP 800-63B: length counts, kinds of characters do not; 15 without a second factor is its newest advice, 12 common
MIN_LENGTH = 12
MAX_LENGTH = 200
_LEAST_DIFFERENT = 5
_TRIVIAL = ("password", "passwort", "123456", "qwerty", "letmein", "welcome", "changeme", "iloveyou", "speedlead")

_hasher = PasswordHasher()
# a check takes 64 MiB
_two_at_a_time = asyncio.Semaphore(2)
# compared when there is no password, so that an unknown account takes as long as a known one; written down, as hashing
# at the start would cost each process a third of a second
_nobodys = "$argon2id$v=19$m=65536,t=3,p=4$slaU3yEvrSor1juF7yux5g$ISE+/YNvfZXj6ujhXK5EKNetxLyrSUEdK9cGgMkLfYc"


def weakness(password: str, email: str) -> str | None:
    """What to say about a password that is not taken; None for one that is."""
    if len(password) < MIN_LENGTH:
        return f"Please choose at least {MIN_LENGTH} characters."
    if len(password) > MAX_LENGTH:
        return f"Please choose at most {MAX_LENGTH} characters."
    low = password.lower()
    for known in (*_TRIVIAL, email.partition("@")[0].lower()):
        if len(known) > 2:
            low = low.replace(known, "")
    if len(set(low)) < _LEAST_DIFFERENT or _runs(low):
        return "Please choose a password that is harder to guess: without your name, common words and rows of keys."
    return None


def _runs(text: str) -> bool:
    """abcdefgh, 87654321 and the like."""
    steps = [ord(after) - ord(before) for before, after in pairwise(text)]
    return all(step == steps[0] for step in steps) and steps[0] in (-1, 0, 1)


async def hashed(password: str) -> str:
    async with _two_at_a_time:
        return await asyncio.to_thread(_hasher.hash, password)


async def matches(password_hash: str | None, password: str) -> bool:
    """Takes the same time whether or not there is a hash; False without one."""
    async with _two_at_a_time:
        return await asyncio.to_thread(_verify, password_hash or _nobodys, password) and password_hash is not None


def outdated(password_hash: str) -> bool:
    return _hasher.check_needs_rehash(password_hash)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password[: MAX_LENGTH + 1])
    except (VerificationError, InvalidHashError):
        return False
