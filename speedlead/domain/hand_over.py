"""The leads of somebody who leaves or is away, spread over the others. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heir:
    """One who could have them. `weight`: the share next to the others; `capacity`: open leads at most."""

    rep_id: str
    open_leads: int
    capacity: int
    weight: int = 1


class NoRoom(ValueError):
    """More leads than the others may have."""


def spread(leads: Sequence[str], heirs: Sequence[Heir]) -> dict[str, str]:
    """Lead -> rep, the first lead first: each one to whom it burdens least, by weight, and nobody above capacity.

    Raises NoRoom, which says how many have no place.
    """
    load = {heir.rep_id: heir.open_leads for heir in heirs}
    given: dict[str, str] = {}
    for lead in leads:
        free = [heir for heir in heirs if heir.weight > 0 and load[heir.rep_id] < heir.capacity]
        if not free:
            raise NoRoom(
                f"the others have room for {len(given)} of {len(leads)} leads: raise a capacity, or name one with --to"
            )
        least = min(free, key=lambda heir: ((load[heir.rep_id] + 1) / heir.weight, heir.rep_id))
        load[least.rep_id] += 1
        given[lead] = least.rep_id
    return given
