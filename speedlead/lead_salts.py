"""The salts of leads that this process has just made: their first payload waits for no look into the database.

A salt is random and stands in `lead_key`; with the installation's key it makes the key of one lead's payloads. One of a
transaction that was undone is of no use and falls out of the bounded memory.
"""

import secrets
from collections import OrderedDict

SALT_BYTES = 16
_MOST = 2000
_fresh: OrderedDict[str, bytes] = OrderedDict()


def fresh_salt(lead_id: str) -> bytes:
    """A new one, remembered until it is taken."""
    salt = secrets.token_bytes(SALT_BYTES)
    _fresh[lead_id] = salt
    while len(_fresh) > _MOST:
        _fresh.popitem(last=False)
    return salt


def take_fresh(lead_id: str) -> bytes | None:
    return _fresh.pop(lead_id, None)
