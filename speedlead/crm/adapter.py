"""What every CRM can do for us, whatever its API is like."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from speedlead.crm.fields import Event
from speedlead.domain.crm import Record, Seen, Words, status_to_tell, tells_owner

# so long an owner's id is known without asking, and so long that there is none
_OWNER_S, _NO_OWNER_S = 3600.0, 300.0
_MOST_OWNERS = 5000


@dataclass
class Memory:
    """What of one endpoint is kept between rounds, in this process: its token, and who is who over there."""

    token: str | None = None
    _owners: dict[str, tuple[str | None, float]] = field(default_factory=dict)

    async def known(self, key: str, ask: Callable[[str], Awaitable[str | None]]) -> str | None:
        """An owner's id by an address, or the other way round."""
        found = self._owners.get(key)
        if found is None or time.monotonic() > found[1]:
            if len(self._owners) >= _MOST_OWNERS:
                self._owners.clear()
            answer = await ask(key)
            found = answer, time.monotonic() + (_OWNER_S if answer is not None else _NO_OWNER_S)
            self._owners[key] = found
        return found[0]


@dataclass(frozen=True, slots=True)
class Told:
    """`note`: what could not be told, in words without anybody's name."""

    record: Record
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What may have changed since, and up to when that is (their clock; None: nothing was there).

    `whole`: no more has changed than a look takes.
    """

    seen: Sequence[Seen]
    upto: datetime | None
    whole: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """Of a check: what was looked at, and what is wrong with it; None: it is right."""

    what: str
    wrong: str | None = None


# called with the record before it is written to, so that our own write is known when it comes back
Announce = Callable[[Record], Awaitable[None]]


class Adapter(Protocol):
    async def tell(self, event: Event, about: str, record: Record | None, announce: Announce) -> Told:
        """Raises Refused, NoAnswer. May be done twice: every write is by an id of ours."""
        ...

    async def forget(self, event: Event, about: str, record: Record | None, ours: bool) -> None:
        """The person was erased. What is not `ours` to delete (`domain.crm.may_delete`) gets a line that asks for it.

        So does what was merged or converted over there since: it is more than what we made.
        """
        ...

    async def look(self, since: datetime, marked: Sequence[str]) -> Look:
        """All that has changed since, and what stands under the ids of `marked`."""
        ...

    async def check(self, make: bool) -> list[Finding]:
        """Writes nothing; with `make` it adds the fields that we need, where the system lets us."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of status and owner is to be written now, and the record as it is when that is done."""

    status: str | None
    owner: str | None
    note: str | None


async def wanted(
    event: Event, record: Record | None, words: Words, owners: bool, ask: Callable[[str], Awaitable[str | None]]
) -> Wanted:
    """`ask`: an owner's address to their id."""
    lead: Mapping[str, Any] = event["data"]["lead"]
    status = status_to_tell(record, words, lead["status"], lead["close_reason"])
    owner = note = None
    if owners and tells_owner(record, lead["owner_id"]):
        email = (event["data"].get("owner") or {}).get("email")
        owner = await ask(email.lower()) if email else None
        note = None if owner else "the owner was not told: nobody there has this e-mail address"
        owner = None if record is not None and owner == record.owner else owner
    return Wanted(status, owner, note)


def note_of(note: str | None, left_out: Sequence[str], gone: bool) -> str | None:
    """For the log, beside an answer that was taken."""
    left = f"left out: {', '.join(left_out)}" if left_out else None
    deleted = "it was deleted over there: nothing more is told of it" if gone else None
    return "; ".join(text for text in (note, left, deleted) if text) or None
