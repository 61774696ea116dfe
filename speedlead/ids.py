"""Ids made from business keys, each with its inverse where somebody needs one.

A touch id is `{lead_id}.{step}` and a call leg's is `{lead_id}.{step}.{leg}`: the same on every attempt, legible in a
provider's console, and safe in a URL path or query.
"""

import uuid
from typing import NamedTuple


class TouchRef(NamedTuple):
    lead_id: str
    step: str
    leg: str | None = None


def new_id() -> str:
    """A random UUID as text; rows that need an order have a sequence of their own."""
    return str(uuid.uuid4())


def workflow_id(lead_id: str) -> str:
    return f"lead-{lead_id}"


def lead_of_workflow(workflow_id: str) -> str:
    """Raises ValueError when the id is not one of ours."""
    if not workflow_id.startswith("lead-"):
        raise ValueError(f"workflow id {workflow_id!r}: expected 'lead-' and a lead id")
    return workflow_id.removeprefix("lead-")


def touch_id(lead_id: str, step: str) -> str:
    return f"{lead_id}.{step}"


def notice_touch(notification_id: str) -> str:
    """What a provider calls a text or mail to one of ours: it stands where a lead's touch id would."""
    return f"notice.{notification_id}"


def notification_of(touch_id: str) -> str | None:
    """Inverse of `notice_touch`; None for anything else."""
    head, _, rest = touch_id.partition(".")
    try:
        return str(uuid.UUID(rest)) if head == "notice" else None
    except ValueError:
        return None


def leg_id(touch_id: str, leg: str) -> str:
    """`leg` is `rep-1`, `rep-2` … or `lead`."""
    return f"{touch_id}.{leg}"


def parse_touch(value: str) -> TouchRef:
    """Inverse of `touch_id` and `leg_id`. Raises ValueError naming what was expected."""
    parts = value.split(".")
    if len(parts) not in (2, 3) or not all(parts):
        raise ValueError(f"touch id {value!r}: expected '<lead id>.<step>' or '<lead id>.<step>.<leg>'")
    return TouchRef(*parts)


def update_id(request_id: str, name: str) -> str:
    """Of an update whose line stands in the audit already: sent again it is the same request, and done once."""
    return f"audit:{request_id}:{name}"


def request_of_update(update_id: str) -> str | None:
    """The `request_id` of that line; None for an update that nothing of ours has sent."""
    head, _, rest = update_id.partition(":")
    try:
        return str(uuid.UUID(rest.partition(":")[0])) if head == "audit" else None
    except ValueError:
        return None


def request_id(*key: str) -> str:
    """Of a line of the audit: the same for the same key, so that it is written once."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, ".".join(key)))


def short(lead_id: str) -> str:
    """The first block of a lead id, for summaries and titles that people read."""
    return lead_id[:8]
