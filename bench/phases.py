"""Where the time of an acknowledgement goes, from time stamps that the product and Temporal write anyway."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from temporalio.api.enums.v1 import EventType

from bench.house import House
from bench.result import quantile
from speedlead.ids import workflow_id

AT_MOST = 100  # histories that are looked at

_LEADS = """
select l.id, i.email, i.submitted_wall, m.created_wall as message_wall, t.claimed_wall
from lead l join inquiry i on i.lead_id = l.id and i.number = 1
    join message m on m.lead_id = l.id and m.kind = 'start' join touch t on t.lead_id = l.id and t.step = 'ack-1'
where i.email = any($1) order by l.created_wall desc limit $2
"""
_PHASES = (
    "form out, HTTP in, read and checked, transaction begun, locks (up to its clock)",
    "intake transaction: person, lead, inquiry (up to the message's row)",
    "story row, commit, relay's transaction, start input from rows, start request (up to the server's clock)",
    "server writes the start and answers, worker runs the first task, server writes its commands",
    "acknowledgement waits for a slot and the end of that write (0: taken in the same write)",
    "reply, hand-over to the activity, lead read (up to the activity's clock)",
    "team read, opening, promise row, text, gate and claim, text row, HTTP out",
)
_BARE_PHASES = (
    "start request (up to the server's clock)",
    "server writes the start and answers, worker runs the first task, server writes its commands",
    "activity waits for a slot and the end of that write",
    "reply, hand-over to the activity, HTTP out",
)


async def phases(house: House, left: dict[str, float]) -> list[dict[str, object]]:
    """[{phase, p50_ms, p90_ms}] in order; `left`: e-mail address -> when the form left."""
    arrivals = house.arrivals()
    stamps: list[list[float]] = []
    for row in await house.pool.fetch(_LEADS, list(left), AT_MOST):
        temporal = await _stamps(house, workflow_id(row["id"]), "acknowledge")
        rows = [row["submitted_wall"].timestamp(), row["message_wall"].timestamp()]
        claimed = row["claimed_wall"].timestamp()
        stamps.append([left[row["email"]], *rows, *temporal, claimed, arrivals[row["email"]]])
    return _between(_PHASES, stamps)


async def bare_phases(house: House, left: dict[str, float]) -> list[dict[str, object]]:
    arrivals = house.arrivals()
    addresses = [address for address in left if address.startswith("bare")][-AT_MOST:]
    stamps = [
        [left[address], *await _stamps(house, f"bare-{address}", "send_bare_mail"), arrivals[address]]
        for address in addresses
    ]
    return _between(_BARE_PHASES, stamps)


def _between(names: Sequence[str], stamps: list[list[float]]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    steps = [[(later - earlier) * 1000 for earlier, later in pairwise(one)] for one in stamps]
    for name, samples in zip(names, zip(*steps, strict=True), strict=True):
        found.append({"phase": name, "p50_ms": quantile(samples, 0.5), "p90_ms": quantile(samples, 0.9)})
    return found


async def _stamps(house: House, workflow: str, activity: str) -> list[float]:
    """When the workflow was started, its activity scheduled, and the activity's attempt begun."""
    history = await house.client.get_workflow_handle(workflow).fetch_history()
    events: list[Any] = list(history.events)
    scheduled = next(
        e for e in events
        if e.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
        and e.activity_task_scheduled_event_attributes.activity_type.name == activity
    )  # fmt: skip
    begun = next(
        e for e in events
        if e.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
        and e.activity_task_started_event_attributes.scheduled_event_id == scheduled.event_id
    )  # fmt: skip
    return [e.event_time.seconds + e.event_time.nanos / 1e9 for e in (events[0], scheduled, begun)]
