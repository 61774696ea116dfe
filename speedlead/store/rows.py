"""Rows that many transactions write alike: the lock, the message to a workflow, a notice, a provider's event."""

from datetime import datetime
from typing import Any, Literal

from speedlead import ids
from speedlead.contracts import Reach, Signal
from speedlead.store.remarks import remark
from speedlead.store.transactions import PersonGone

MessageKind = Literal[
    "start", "inquiry", "outcome", "reply", "opt_out", "delivery", "call_progress", "replan", "answer", "assigned"
]


async def lock_person(conn: Any, person_id: str) -> bool:
    """Every writer takes this lock first and a lead's row second, so that none waits for the other in a circle.

    The gate takes it too: what is committed before the gate gets it is seen by the gate. True where the person is
    erased, also by whoever we have waited for: what was read of them before the lock is old then. Raises PersonGone,
    after which `transact` goes again: a merge was faster, and everything is another person's.
    """
    erased = await conn.fetchval("select erased_wall is not null from person where id = $1 for update", person_id)
    if erased is None and person_id is not None:
        raise PersonGone(f"person {person_id}: is not there any more")
    return bool(erased)


async def lock_person_of(conn: Any, lead_id: str) -> str | None:
    """The person of the lead, locked; None where there is no such lead. Raises PersonGone, also where a merge that was
    undone meanwhile gave the lead to another person.
    """
    whose = "select person_id from lead where id = $1"
    person_id: str | None = await conn.fetchval(whose, lead_id)
    if person_id is None:
        return None
    await lock_person(conn, person_id)
    if await conn.fetchval(whose, lead_id) != person_id:
        raise PersonGone(f"lead {lead_id}: is another person's now")
    return person_id


async def lock_open_lead(conn: Any, person_id: str) -> Any | None:
    """The person's open lead, locked: it cannot close before we commit. None when it has closed or there is none."""
    return await conn.fetchrow("select * from lead where person_id = $1 and closed_at is null for update", person_id)


async def newest_lead(conn: Any, person_id: str) -> Any | None:
    """The person's open lead, else the one that was opened last."""
    return await conn.fetchrow(
        "select * from lead where person_id = $1 order by closed_at is not null, created_at desc limit 1", person_id
    )


async def put_message(conn: Any, lead_id: str, kind: MessageKind, signal: Signal | None = None) -> str:
    """Writes a message to the lead's workflow and returns its id; the caller holds the lead's lock.

    The row's id travels in the payload: it is what the workflow drops repeats by.
    """
    message_id = ids.new_id()
    payload = signal.model_copy(update={"message_id": message_id}).model_dump(mode="json") if signal else {}
    await conn.execute(
        "insert into message (id, lead_id, kind, payload) values ($1, $2, $3, $4)", message_id, lead_id, kind, payload
    )
    return message_id


async def put_notice(
    conn: Any,
    *,
    audience: Literal["rep", "manager", "ops"],
    kind: str,
    at: datetime,
    dedupe: str,
    lead_id: str | None = None,
    rep_id: str | None = None,
    reason: str | None = None,
    due: datetime | None = None,
) -> None:
    """Tells somebody of ours, once per `dedupe`."""
    await conn.execute(
        """insert into notice (id, lead_id, rep_id, audience, kind, reason, at, dedupe, due_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (dedupe) do nothing""",
        ids.new_id(), lead_id, rep_id, audience, kind, reason, at, dedupe, due,
    )  # fmt: skip


def daily(kind: str, channel: str, at: datetime) -> str:
    """The key of what operations are told once a day for each channel, whichever lead met it first."""
    return f"{kind}:{channel}:{at:%Y-%m-%d}"


async def first_time(
    conn: Any, provider: str, key: str, *, kind: str, touch_id: str | None, payload: dict[str, Any]
) -> bool:
    """Stores a provider's event; False when this key was stored before, so that a repeat changes nothing.

    It belongs to the transaction of its effect: both are there, or none. `payload` holds no personal data.
    """
    first = bool(
        await conn.fetchval(
            """insert into provider_event (provider, key, kind, touch_id, payload) values ($1, $2, $3, $4, $5)
               on conflict (provider, key) do nothing returning true""",
            provider, key[:300], kind, touch_id, payload,
        )
    )  # fmt: skip
    if not first:
        remark("repeated")
    return first


async def reach_of(conn: Any, lead_id: str) -> Reach:
    """How the lead may be reached, from rows: addresses that are not known to be bad, consents of its inquiries.

    An inquiry that shows a consent text and carries a phone asks for a call; so does a ticked box.
    """
    row = await conn.fetchrow(
        """select
               exists (select from person_email e
                   where e.person_id = l.person_id and e.bad_reason is null) as has_email,
               exists (select from person_phone n
                   where n.person_id = l.person_id and n.bad_reason is null) as has_phone,
               coalesce((select bool_or(i.consent_sms) from inquiry i where i.lead_id = l.id), false) as consent_sms,
               coalesce((select bool_or(i.phone is not null and (i.consent_call or coalesce(i.consent_text, '') <> ''))
                   from inquiry i where i.lead_id = l.id), false) as call_requested
           from lead l where l.id = $1""",
        lead_id,
    )
    return Reach(**dict(row))
