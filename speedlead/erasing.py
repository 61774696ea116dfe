"""Erases a person: ends what runs for them, then the rows, then what Temporal still has."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol

import asyncpg

from speedlead.cadence_errors import LeadNotFound, LeadRefused, LeadUnavailable
from speedlead.contracts import LeadStatus
from speedlead.ids import update_id
from speedlead.ports import Clock
from speedlead.store import erasure
from speedlead.store.transactions import PersonGone, transact

REASON = "erased"
CLOSES_WITHIN_S = 10.0
_LOOK_EVERY_S = 0.1
# so often leads are ended that have begun while we ended the others
_ROUNDS = 5


class Leads(Protocol):
    async def update(
        self, lead_id: str, name: str, payload: dict[str, Any], *, key: str | None = None
    ) -> LeadStatus: ...

    async def runs(self, lead_id: str) -> bool: ...

    async def forget(self, lead_id: str) -> bool: ...


class NotErased(Exception):
    """Nothing was erased; the message says why and what to do."""


@dataclass(frozen=True)
class Erased:
    """`rows`: table -> how many. `waiting`: webhooks that name the person and are still to be acted on.

    `remembered`: leads whose history Temporal keeps until its retention ends, unreadable with payload encryption.
    """

    rows: dict[str, int] = field(default_factory=dict)
    waiting: int = 0
    remembered: tuple[str, ...] = ()


async def erase_people(
    pool: "asyncpg.Pool[Any]", leads: Leads, clock: Clock, secret: bytes, people: list[str], contacts: tuple[str, ...],
    *, by: str, request_id: str, erasure_id: str | None = None,
) -> Erased:  # fmt: skip
    """`contacts`: addresses or numbers that were asked for; `request_id`: of the line in the audit;
    `erasure_id`: of the erasure that is done again.

    Raises NotErased, StoreUnavailable.
    """
    ended: set[str] = set()

    async def work(conn: Any) -> tuple[erasure.Whose, dict[str, int], int] | None:
        """None where a lead has begun meanwhile: its workflow is ended first, or it would write again."""
        whose = await erasure.locked(conn, people, contacts)
        if not ended.issuperset(whose.open_leads):
            return None
        rows = await erasure.count(conn, whose)
        found = await erasure.erase(conn, clock, people, secret, contacts, erasure_id=erasure_id)
        return found, rows, await erasure.webhooks_waiting(conn, found)

    for _ in range(_ROUNDS):
        whose = await transact(pool, lambda conn: erasure.all_of(conn, people, contacts))
        for lead_id in whose.open_leads:
            if lead_id not in ended:
                await _end(leads, lead_id, by, request_id)
                ended.add(lead_id)
        try:
            done = await transact(pool, work)
        except PersonGone:
            raise NotErased("the person became part of another entry at this moment. Nothing was erased; ask again "
                            "by one of the leads") from None  # fmt: skip
        if done is not None:
            found, rows, waiting = done
            remembered = tuple([lead_id for lead_id in found.leads if not await leads.forget(lead_id)])
            return Erased(rows, waiting, remembered)
    raise NotErased("the person keeps writing to us: each time another lead had begun. Nothing was erased; try again")


async def _end(leads: Leads, lead_id: str, by: str, request_id: str) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + CLOSES_WITHIN_S
    try:
        await leads.update(lead_id, "stop", {"reason": REASON, "by": by}, key=update_id(request_id, "stop"))
        # until its last task is done: that one still needs the lead's key
        while await leads.runs(lead_id):
            if loop.time() > until:
                raise NotErased(f"lead {lead_id} was told to end and has not within {CLOSES_WITHIN_S:.0f} s. "
                                "Nothing was erased; try again, and look at its workflow")  # fmt: skip
            await asyncio.sleep(_LOOK_EVERY_S)
    except LeadNotFound:
        return  # there is a row alone, and the transaction closes it
    except LeadUnavailable as error:
        raise NotErased(f"lead {lead_id} is open and cannot be ended: {error}. Nothing was erased; try again") from None
    except LeadRefused as error:
        raise NotErased(f"lead {lead_id} is open and cannot be ended: {error.reason}. Nothing was erased") from None
