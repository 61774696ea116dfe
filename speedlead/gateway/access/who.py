"""The person whose request this is; everything that asks about it asks here."""

import hashlib
import hmac
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.requests import Request

from speedlead.gateway.access.table import GRANTS, LEADS, Leads, May, Role, door


@dataclass(frozen=True, slots=True)
class Who:
    """`own_rep_id` is the rep with the account's address, `rep_id` the one that this session works for."""

    account_id: str
    email: str
    name: str
    role: Role
    own_rep_id: str | None
    acting_rep_id: str | None
    token: str

    @property
    def rep_id(self) -> str | None:
        return (self.acting_rep_id if self.may(May.CHOOSE_REP) else None) or self.own_rep_id

    @property
    def leads(self) -> Leads:
        return LEADS[self.role]

    @property
    def csrf(self) -> str:
        """What our forms send along; another site can make a browser send the cookie, but cannot read this."""
        return hmac.digest(self.token.encode(), b"csrf", hashlib.sha256).hex()

    def may(self, permission: May) -> bool:
        return permission in GRANTS[self.role]

    def may_open(self, path: str) -> bool:
        """A page without an id in its path. Raises LookupError when there is none."""
        needed = door("GET", path).may
        return needed is None or self.may(needed)


# for templates, whose macros have no request; set for exactly the time of the route
CURRENT: ContextVar[Who | None] = ContextVar("who", default=None)


def signed_in(request: Request) -> Who:
    """Raises LookupError on a route that is open to everybody."""
    who = machine_or_person(request)
    if who is None:
        raise LookupError("expected a route that a person opens")
    return who


def machine_or_person(request: Request) -> Who | None:
    """None for a holder of the API key."""
    found: Who | None = request.scope.get("speedlead.who")
    return found
