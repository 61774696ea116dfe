"""How many leads may still need what a patch of workflow code keeps, as Temporal counts them (workflows/patches.py).

A workflow that has gone the new way has the patch's id in `TemporalChangeVersion`: the SDK writes it with the marker.
A lead that began before the present life of a patch and has no such id may still go, or have gone, the old way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from temporalio.client import Client

from speedlead.cadence_client import WORKFLOW
from workflows.patches import PATCHES, Patch

_LEADS = f"WorkflowType = '{WORKFLOW}'"
_OPEN = " AND ExecutionStatus = 'Running'"
# leads that are older are counted with those of the last of these days
_DAYS = 60


@dataclass(frozen=True)
class PatchUse:
    """`by_day`: day on which they began -> open leads that need this life of the patch, the newest day first.

    `kept`: of a deprecated patch, closed histories that still have a marker of the life before. `deployed`: its `since`
    lies behind us, so that none of the older code has begun a lead after it.
    """

    patch: Patch
    by_day: dict[date, int]
    kept: int = 0
    deployed: bool = True

    @property
    def leads(self) -> int:
        return sum(self.by_day.values())

    @property
    def next_life(self) -> str:
        """What may be done now, or what it waits for."""
        if not self.deployed:
            return "waits for its deployment: `since` is to be the day after it"
        if self.patch.life == "active":
            return f"waits for {self.leads} open leads from before" if self.leads else "may be deprecated"
        if self.leads or self.kept:
            return f"waits for {self.leads} open leads and {self.kept} kept histories with its marker"
        return "may be removed"


async def patches_in_use(client: Client, today: date, patches: Sequence[Patch] = PATCHES) -> list[PatchUse]:
    """Those that are still in the code. Raises RPCError."""
    found = [await _use(client, patch) for patch in patches if patch.life != "removed"]
    return [replace(use, deployed=use.patch.since < today) for use in found]


async def _use(client: Client, patch: Patch) -> PatchUse:
    async def count(query: str) -> int:
        return (await client.count_workflows(query)).count

    async def open_between(since: date | None, until: date) -> int:
        of_days = f"{_LEADS}{_OPEN} AND StartTime < '{until}T00:00:00Z'"
        if since is not None:
            of_days += f" AND StartTime >= '{since}T00:00:00Z'"
        marked = await count(f"{of_days} AND TemporalChangeVersion = '{patch.id}'")
        return marked if patch.life == "deprecated" else await count(of_days) - marked

    left, by_day, day = await open_between(None, patch.since), {}, patch.since
    while left > 0:
        day -= timedelta(days=1)
        last = patch.since - day >= timedelta(days=_DAYS)
        found = await open_between(None if last else day, day + timedelta(days=1))
        if found:
            by_day[day] = found
        left = 0 if last else left - found  # a lead may begin or end while we count
    if patch.life == "active":
        return PatchUse(patch, by_day)
    marked = f"{_LEADS} AND StartTime < '{patch.since}T00:00:00Z' AND TemporalChangeVersion = '{patch.id}'"
    return PatchUse(patch, by_day, await count(f"{marked} AND ExecutionStatus != 'Running'"))
