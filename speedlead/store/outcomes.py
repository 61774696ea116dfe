"""What a rep learned, in one transaction: the row, what the gate must see at once, and the message to the workflow."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from speedlead import ids
from speedlead.contracts import OutcomeSignal
from speedlead.domain.outcomes import BAD_NUMBER, NOT_AN_ATTEMPT, STOPS_PLAN, CallResult, Outcome
from speedlead.ports import Clock
from speedlead.store.acceptance import taken
from speedlead.store.optouts import suppress
from speedlead.store.programs import credit
from speedlead.store.questions import questions_answered
from speedlead.store.reach import mark_number, number_left
from speedlead.store.rows import lock_person_of, put_message
from speedlead.store.story import tell_story


@dataclass(frozen=True, slots=True)
class Logged:
    """A call result, an outcome, or both. `at` is when a callback was asked for; `until` how long `not_now` lasts."""

    lead_id: str
    call_result: CallResult | None = None
    outcome: Outcome | None = None
    at: datetime | None = None
    until: datetime | None = None
    scope: Literal["all", "call", "sms", "email"] = "all"
    reason: str | None = None
    note: str | None = None
    rep_id: str | None = None
    touch_id: str | None = None
    # the same for every attempt of one request
    outcome_id: str | None = None


@dataclass(frozen=True, slots=True)
class LeadState:
    """The lead as it stands after the commit."""

    lead_id: str
    outcome_id: str
    stage: str
    open: bool
    plan_stopped: str | None
    paused_until: datetime | None


class OutcomeRefused(Exception):
    """`field` names what is wrong in the request; None when the lead's state forbids it."""

    def __init__(self, reason: str, field: str | None, expected: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.expected = expected


async def log_outcome(conn: Any, clock: Clock, logged: Logged) -> LeadState | None:
    """None when there is no such lead. Raises OutcomeRefused."""
    person_id = await lock_person_of(conn, logged.lead_id)
    if person_id is None:
        return None
    lead = await conn.fetchrow("select * from lead where id = $1 for update", logged.lead_id)
    now = clock.business(lead["clock_offset_us"])
    outcome_id = logged.outcome_id or ids.new_id()
    known = "select exists (select from outcome where id = $1 and lead_id = $2)"
    if await conn.fetchval(known, outcome_id, lead["id"]):
        return await _state(conn, lead["id"], outcome_id)
    await _check(conn, lead, logged, now)
    await conn.execute(
        """insert into outcome (id, lead_id, rep_id, touch_id, call_result, outcome, reason, until_at, note, at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        outcome_id, lead["id"], logged.rep_id, logged.touch_id, logged.call_result, logged.outcome, logged.reason,
        logged.at or logged.until, logged.note, now,
    )  # fmt: skip
    await credit(conn, lead, outcome_id)
    await _mark(conn, lead, logged, now)
    if logged.rep_id in (None, lead["owner_id"]):
        await taken(conn, lead["id"], None, now)
    if logged.outcome is not None or logged.call_result is CallResult.CONNECTED:
        await questions_answered(conn, lead["id"], now, "outcome")
    code = logged.outcome or logged.call_result
    await tell_story(
        conn, lead["id"], kind="outcome", at=now, reason=logged.reason, dedupe=f"outcome:{outcome_id}",
        data={"call_result": logged.call_result, "outcome": logged.outcome, "result": code, "rep_id": logged.rep_id},
    )  # fmt: skip
    if lead["closed_at"] is None:
        left = logged.call_result in BAD_NUMBER and await number_left(conn, person_id)
        await put_message(conn, lead["id"], "outcome", _signal(logged, left))
    return await _state(conn, lead["id"], outcome_id)


async def _check(conn: Any, lead: Any, logged: Logged, now: datetime) -> None:
    if logged.outcome is Outcome.CALLBACK_REQUESTED and (logged.at is None or logged.at <= now):
        raise OutcomeRefused("not in the future", "at", "the moment the lead wants to be called, after now")
    if logged.until is not None and logged.until <= now:
        raise OutcomeRefused("not in the future", "until", "a moment after now")
    if logged.rep_id is not None and not await conn.fetchval(
        "select exists (select from rep where id = $1 and active)", logged.rep_id
    ):
        raise OutcomeRefused("unknown rep", "rep_id", "the id of an active rep")
    if logged.touch_id is not None and not await conn.fetchval(
        "select exists (select from touch where id = $1 and lead_id = $2)", logged.touch_id, lead["id"]
    ):
        raise OutcomeRefused("not a touch of this lead", "touch_id", "the id of one of the lead's touches")
    # a sale that is reported later is a row; anything else about a closed lead has nobody to act on it
    late = logged.outcome in (Outcome.CONVERTED, Outcome.DO_NOT_CONTACT)
    if lead["closed_at"] is not None and not late:
        raise OutcomeRefused("lead_closed", None)


async def _mark(conn: Any, lead: Any, logged: Logged, now: datetime) -> None:
    """What the gate and the reports have to see from this commit on."""
    if logged.outcome is Outcome.DO_NOT_CONTACT:
        await suppress(conn, lead["person_id"], logged.scope, source="rep", at=now)
    if logged.call_result is not None and logged.call_result in BAD_NUMBER:
        await mark_number(conn, lead["id"], lead["person_id"], logged.call_result, logged.touch_id)
    if lead["closed_at"] is not None:
        return
    reached = logged.call_result is CallResult.CONNECTED
    attempted = logged.call_result is not None and logged.call_result not in NOT_AN_ATTEMPT
    await conn.execute(
        """update lead set
               first_attempt_at = case when $2 then coalesce(first_attempt_at, $4) else first_attempt_at end,
               first_contact_at = case when $3 then coalesce(first_contact_at, $4) else first_contact_at end,
               -- the plan goes on after the call that was asked for, unless the lead wants nothing more from us
               plan_stopped = coalesce($5,
                   case when $6::timestamptz is null or plan_stopped = 'opted_out' then plan_stopped end),
               decided_at = case when $5::text is null then decided_at else coalesce(decided_at, $4) end,
               paused_until = coalesce($6, paused_until)
           where id = $1""",
        lead["id"], attempted, reached, now,
        logged.outcome.value if logged.outcome in STOPS_PLAN and logged.outcome else None,
        logged.at if logged.outcome is Outcome.CALLBACK_REQUESTED else None,
    )  # fmt: skip


def _signal(logged: Logged, left: bool) -> OutcomeSignal:
    return OutcomeSignal(
        call_result=logged.call_result, outcome=logged.outcome, at=logged.at, until=logged.until, scope=logged.scope,
        reason=logged.reason, rep_id=logged.rep_id, touch_id=logged.touch_id, number_left=left,
    )  # fmt: skip


async def _state(conn: Any, lead_id: str, outcome_id: str) -> LeadState:
    row = await conn.fetchrow("select stage, closed_at, plan_stopped, paused_until from lead where id = $1", lead_id)
    return LeadState(
        lead_id, outcome_id, row["stage"], row["closed_at"] is None, row["plan_stopped"], row["paused_until"]
    )
