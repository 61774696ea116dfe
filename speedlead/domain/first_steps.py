"""How far a house has come with answering in seconds: what must stand first, then the eight steps (REQ 155). Pure.

A step is done when the system sees that it is; nobody ticks it. What no system sees is left to a person, with what it
can tell about it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from speedlead.domain.plan import Plan, Track

State = Literal["done", "open", "person"]
_DAY_S = 86_400
# an audit is made every week; a day for one that is late
_AUDIT_FRESH = timedelta(days=8)
# the least that a first day has (REQ 56): four calls, a mail and a text
LEAST_TOUCHES = 6
# above this average the eight steps are for this house (REQ 155)
SLOW_S = 30 * 60
GOAL = 0.95
# what a house works with: marketing, sales and support own the roll-out together (REQ 157)
_GROUP = {"marketing": {"marketing"}, "sales": {"manager", "rep"}, "support": {"support"}}


@dataclass(frozen=True, slots=True)
class Counted:
    """From the rows. forms: those that ever brought a lead; reps_*: of the active ones who are no managers.

    roles: of open accounts. The rest is of the leads of the last seven days: answered those with a first attempt,
    after mean_s and median_s; of the pairs the first is in time, the second is known.
    """

    reps: int
    reps_with_phone: int
    reps_with_territory: int
    reps_with_push: int
    reps_with_script: int
    roles: frozenset[str]
    forms: int
    forms_acknowledged: int
    outcomes: int
    audited_at: datetime | None
    flow_ok: bool | None
    answered: int = 0
    mean_s: float | None = None
    median_s: float | None = None
    acknowledged: tuple[int, int] = (0, 0)
    assigned: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class House:
    """Of the settings. own_accounts: messages go out through providers of one's own; address: what leads reach."""

    own_accounts: bool
    address: str


@dataclass(frozen=True, slots=True)
class Step:
    """says what the system sees; then how to go on where it is not done; link where, "" for outside of here."""

    title: str
    state: State
    says: str
    then: str
    link: str = ""


def before(house: House, found: Counted) -> tuple[Step, ...]:
    """What has to stand before a lead is answered at all."""
    without_phone = found.reps - found.reps_with_phone
    missing = [name for name, roles in _GROUP.items() if not roles & found.roles]
    return (
        _step(
            "Our people are here",
            found.reps > 0 and not without_phone,
            f"{found.reps} reps, {found.reps_with_phone} of them with a number to ring" if found.reps else "no rep yet",
            "Add them on the page, or with speedlead rep import.",
            "/people",
        ),
        _step(
            "A working group of marketing, sales and support",
            not missing,
            f"nobody of {', '.join(missing)} has an account" if missing else "each of them has an account",
            "Give one person of each an account; the group owns the goals and meets every week.",
            "/accounts",
        ),
        _step(
            "Accounts of our own for mail, texts and calls",
            house.own_accounts,
            "messages go out" if house.own_accounts else "the sandbox: no message leaves this machine",
            "docs/providers.md goes from opening the accounts to the first call.",
        ),
        _step(
            "An address that providers reach",
            house.address.startswith("https://"),
            f"the address is {house.address}",
            "Set SPEEDLEAD_PUBLIC_URL to the https address of your proxy.",
        ),
        _step(
            "The way of a lead is tried all the time",
            found.flow_ok is True,
            {None: "no flow check has run", True: "the newest flow check came through",
             False: "the newest flow check failed"}[found.flow_ok],
            "A worker runs it unless SPEEDLEAD_FLOW_CHECK is false (docs/operations.md).",
        ),
    )  # fmt: skip


def eight(plan: Plan, found: Counted, now: datetime) -> tuple[Step, ...]:
    """In the order of REQ 155."""
    return (*_measured_and_acknowledged(found), *_given_out_and_followed(plan, found), *_kept_up(plan, found, now))


def _measured_and_acknowledged(found: Counted) -> Iterator[Step]:
    answered = "no lead of the last seven days has been answered"
    if found.answered and found.mean_s is not None and found.median_s is not None:
        answered = (
            f"{found.answered} leads of the last seven days were answered after {_span(found.mean_s)} on average, "
            f"half of them within {_span(found.median_s)}"
        )
        if found.mean_s > SLOW_S:
            answered += ": over half an hour, so these steps are for you"
    yield _step("Measure for a week", found.answered > 0, answered, "Send the first form, and look at it.", "/ops")
    silent = found.forms - found.forms_acknowledged
    forms = f"{found.forms_acknowledged} of {found.forms} forms that bring leads are acknowledged"
    if found.acknowledged[1]:
        forms += f"; {_share(found.acknowledged)} of the week's leads within 30 seconds"
    yield _step(
        "Acknowledge every form at once",
        found.forms > 0 and not silent and _reached(found.acknowledged),
        forms if found.forms else "no form has brought a lead yet",
        "Point each form at /f/… and look at a lead that was not acknowledged.",
        "/form",
    )


def _given_out_and_followed(plan: Plan, found: Counted) -> Iterator[Step]:
    yield _step(
        "Route by territory",
        0 < found.reps == found.reps_with_territory,
        f"{found.reps_with_territory} of {found.reps} reps have a territory",
        "Give each rep the countries, states or postcodes that are theirs (docs/routing.md).",
        "/people",
    )
    yield _step(
        "Ring their pockets",
        0 < found.reps == found.reps_with_push,
        f"{found.reps_with_push} of {found.reps} reps get notifications on a phone or computer",
        "Each rep switches them on, on the own device.",
        "/account/notifications",
    )
    touches = {name: first_day(track) for name, track in plan.tracks.items()}
    yield _step(
        "Follow up for 24 hours",
        touches["hot"] >= LEAST_TOUCHES,
        f"plan {plan.id} {plan.version}: {touches['hot']} touches of a hot lead in its first 24 hours, "
        f"{touches['warm']} of a warm one, {touches['cold']} of a cold one",
        "Take speedlead/plans/minimum.yaml to begin with: six touches.",
        "/plans",
    )


def _kept_up(plan: Plan, found: Counted, now: datetime) -> Iterator[Step]:
    fresh = found.audited_at is not None and now - found.audited_at <= _AUDIT_FRESH
    yield _step(
        "Audit the routing",
        fresh,
        f"the newest audit is of {found.audited_at:%d %b %Y}" if found.audited_at else "no audit was made yet",
        "It is made every week; speedlead audit run makes one now.",
        "/audit-report",
    )
    assign = {target.when.lead_type for target in plan.targets if target.assign is not None}
    lacking = [name for name in plan.tracks if name not in assign]
    says = (
        f"no time to assign {', '.join(lacking)} leads" if lacking else "every type of lead has a time to be assigned"
    )
    if found.assigned[1]:
        says += f"; {_share(found.assigned)} of the week's leads had an owner in time"
    yield _step(
        "Hold each other to an assignment target",
        not lacking and _reached(found.assigned),
        says,
        "Add assign to the plan's targets, and look at the phase in which leads wait.",
        "/ops",
    )
    script = (
        f"{found.reps_with_script} of {found.reps} reps have worked with a script; "
        f"{found.outcomes} outcomes were logged"
    )
    yield Step("Train", "person", script, "No system sees this. docs/playbook.md has what to go through.")


def first_day(track: Track) -> int:
    """Touches of the track's plan in the 24 hours from the opening, the acknowledgement left out."""
    starts = {"lead": 0}
    for step in track.steps:
        starts[step.id] = starts[step.after] + step.delay + step.local_days * _DAY_S
    return sum(at < _DAY_S for name, at in starts.items() if name != "lead")


def _step(title: str, done: bool, says: str, then: str, link: str = "") -> Step:
    return Step(title, "done" if done else "open", says, then, link)


def _reached(pair: tuple[int, int]) -> bool:
    return pair[1] > 0 and pair[0] / pair[1] >= GOAL


def _share(pair: tuple[int, int]) -> str:
    return f"{pair[0] / pair[1]:.0%}"


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
