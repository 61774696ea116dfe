"""What a first start needs: the plan as a stored version, and, with the sandbox, reps to try it with."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from speedlead.domain.business import Calendars
from speedlead.domain.crew import shifts_of
from speedlead.domain.hours import Weekly
from speedlead.domain.opening import Shift
from speedlead.domain.plan import Plan
from speedlead.ids import new_id
from speedlead.store.plans import from_file, stored

_WEEK = {str(day): [[480, 1140]] for day in range(5)}
# somebody always answers, so that "call now" shows its whole chain on a Sunday as well
_ON_CALL = {str(day): [[0, 1440]] for day in range(7)}
# numbers that libphonenumber calls valid; the sandbox answers for them
DEMO_REPS = (
    ("Anna Berg", "anna@speedlead.example", "+14155552701", "America/New_York", False),
    ("Ben Ortiz", "ben@speedlead.example", "+14155552702", "America/Los_Angeles", False),
    ("Chloe Martin", "chloe@speedlead.example", "+14155552703", "Europe/Paris", False),
    ("Dev Rao", "dev@speedlead.example", "+14155552704", "Asia/Kolkata", False),
    ("Emi Tanaka", "emi@speedlead.example", "+14155552705", "Asia/Tokyo", False),
    ("Sam Okoro", "sam@speedlead.example", "+14155552706", "Europe/London", False),
    ("Mara Silva", "mara@speedlead.example", None, "America/New_York", True),
)


async def seed(pool: "asyncpg.Pool[Any]", plan: Plan, *, demo_reps: bool, programs: Sequence[Plan] = ()) -> None:
    """Safe to run at every start and by several processes at once. Raises PlanConflict."""
    for program in programs:
        await stored(pool, program)
    await from_file(pool, plan)
    if not demo_reps or await pool.fetchval("select exists (select from rep)"):
        return
    for name, email, phone, zone, manager in DEMO_REPS:
        await pool.execute(
            """insert into rep (id, name, email, phone, zone, weekly, capacity, manager)
               values ($1, $2, $3, $4, $5, $6, 2000, $7) on conflict (email) do nothing""",
            new_id(), name, email, phone, zone, _week_of(name), manager)  # fmt: skip


def demo_team(calendars: Calendars) -> tuple[Shift, ...]:
    """The shifts of the reps above, for a preview without a database."""
    return tuple(
        shift
        for name, email, _, zone, manager in DEMO_REPS
        if not manager
        for shift in shifts_of(calendars, email=email, zone=zone, weekly=_hours(_week_of(name)))
    )


def _hours(week: dict[str, list[list[int]]]) -> Weekly:
    return {int(day): tuple((start, end) for start, end in spans) for day, spans in week.items()}


def _week_of(name: str) -> dict[str, list[list[int]]]:
    return _ON_CALL if name == "Sam Okoro" else _WEEK
