"""Hands the open leads of a rep to others, each through its own workflow, so that plan, page and record agree.

What is done stays done: begun again after a stop, it goes on with the leads that are left.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from speedlead.cadence_errors import LeadError

# as many at once as a worker takes without making other leads wait
_AT_ONCE = 8


class Leads(Protocol):
    async def update(self, lead_id: str, name: str, payload: dict[str, Any]) -> Any: ...


@dataclass
class Handed:
    """`left`: lead -> why it is still where it was."""

    done: int = 0
    left: dict[str, str] = field(default_factory=dict)


async def hand_over(
    leads: Leads, plan: Mapping[str, str], *, by: str, reason: str, step: Callable[[], None] = lambda: None
) -> Handed:
    """`plan`: lead -> new owner. `step` is called after each lead, however it went."""
    handed, places = Handed(), asyncio.Semaphore(_AT_ONCE)

    async def one(lead_id: str, rep_id: str) -> None:
        async with places:
            try:
                await leads.update(lead_id, "reassign", {"rep_id": rep_id, "by": by, "reason": reason})
                handed.done += 1
            except LeadError as error:
                handed.left[lead_id] = str(error)
            step()

    async with asyncio.TaskGroup() as group:
        for lead_id, rep_id in plan.items():
            group.create_task(one(lead_id, rep_id))
    return handed
