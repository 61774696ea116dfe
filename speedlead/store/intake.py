"""From an inquiry to rows, in one transaction: person, lead, inquiry, and the message to the workflow.

Which person it is follows DESIGN's "Person and lead". Two posts at the same moment are kept apart by locks on the
e-mail address and the number, and by the unique indexes below them (one address one person, one open lead a person).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from speedlead import ids
from speedlead.contact_marks import NO_MARKS, Marks
from speedlead.contracts import InquirySignal, LeadStart
from speedlead.domain.experiment import Assigned, Running, assign
from speedlead.domain.flow_check import SOURCE
from speedlead.domain.plan import LeadTypeName, Plan
from speedlead.domain.sla import LeadFacts
from speedlead.intake import Inquiry
from speedlead.lead_salts import fresh_salt
from speedlead.ports import Clock
from speedlead.store import voice_consent
from speedlead.store.people import find_or_make_person
from speedlead.store.programs import leave
from speedlead.store.rows import lock_open_lead, lock_person, put_message, put_notice, reach_of
from speedlead.store.story import tell_story
from speedlead.store.transactions import transact

# the same post again within this time is a double click or a browser's retry, not a second inquiry
REPEAT_WITHIN = timedelta(minutes=10)
_HEAT = {"cold": 0, "warm": 1, "hot": 2}


@dataclass(frozen=True, slots=True)
class Submission:
    """An inquiry and how it came to us. `marks`: of its points of contact, as the opt-outs of the erased have them."""

    inquiry: Inquiry
    form_key: str
    remote_address: str | None = None
    user_agent: str | None = None
    idempotency_key: str | None = None
    marks: Marks = NO_MARKS


@dataclass(frozen=True, slots=True)
class Taken:
    """`repeat` is a post that we had already: nothing was written. `start`: a new lead's workflow can begin.

    `inquiry_id`: of the row of this very post, its key says so. None where another post said the same: what that one
    opens is not for whoever sent this one.
    """

    lead_id: str
    inquiry_id: str | None
    repeat: bool = False
    start: LeadStart | None = None


async def take_inquiry(
    pool: "asyncpg.Pool[Any]", clock: Clock, plan: Plan, submission: Submission, running: Sequence[Running] = ()
) -> Taken:
    """Commits the inquiry, or finds that it is a repeat. `running`: experiments under way. Raises StoreUnavailable."""

    async def work(conn: Any) -> Taken:
        return await take_in(conn, clock, plan, submission, running)

    return await transact(pool, work)


async def take_in(
    conn: Any, clock: Clock, plan: Plan, submission: Submission, running: Sequence[Running] = ()
) -> Taken:
    """The same within somebody else's transaction, which holds no person's lock yet."""
    inquiry = submission.inquiry
    await _queue_up(conn, submission)
    if submission.idempotency_key is not None:
        known = await conn.fetchrow(
            "select lead_id, id from inquiry where form_key = $1 and idempotency_key = $2",
            submission.form_key, submission.idempotency_key,
        )  # fmt: skip
        if known is not None:
            return Taken(known["lead_id"], known["id"], repeat=True)
    wall = clock.wall()
    person_id, new = await find_or_make_person(conn, inquiry, clock.business(0), submission.marks)
    lead, opted_out, earlier = None, False, ()
    if not new:  # nobody else sees a new person yet, and there is nothing about one to be asked
        await lock_person(conn, person_id)
        lead = await lock_open_lead(conn, person_id)
        if lead is not None and lead["program"] is not None:
            lead = await leave(conn, lead, reason="new_inquiry", at=clock.business(lead["clock_offset_us"]))
        opted_out, earlier = await conn.fetchrow(
            """select exists (select from suppression where person_id = $1 and channel = 'all'),
                   array(select unnest(variants) from (select variants, created_at from lead
                       where person_id = $1 and variants <> '{}' order by created_at, id) had)""",
            person_id,
        )
    fingerprint = inquiry.fingerprint(submission.form_key)
    if lead is not None and await conn.fetchval(
        "select exists (select from inquiry where lead_id = $1 and fingerprint = $2 and submitted_wall > $3)",
        lead["id"], fingerprint, wall - REPEAT_WITHIN,
    ):  # fmt: skip
        return Taken(lead["id"], None, repeat=True)
    lead_type = plan.lead_type(inquiry.intent or "other")
    now = clock.business(lead["clock_offset_us"] if lead else 0)
    if lead is None:
        part = Assigned()
        if running and not opted_out and inquiry.source != SOURCE:
            part = assign(running, person_id, _facts(inquiry, lead_type), now.month, earlier)
            plan = part.plan or plan
        lead_id, number = await _open_lead(conn, plan, part, submission, person_id, lead_type, now, wall), 1
    else:
        lead_id, number = lead["id"], await _hotter(conn, lead, inquiry, lead_type)
    inquiry_id = ids.new_id()
    await _write_inquiry(conn, submission, inquiry_id, lead_id, person_id, number, lead_type, fingerprint, now, wall)
    if inquiry.phone is not None and (wording := inquiry.agreed_to_ai_voice) is not None:
        await voice_consent.agree(conn, lead_id, inquiry.phone, "form", wording, at=now, wall=wall)
    if opted_out:
        await _for_a_person_to_decide(conn, lead_id, number, now)
    reach = await reach_of(conn, lead_id)
    start: LeadStart | None = None
    if lead is None:
        await put_message(conn, lead_id, "start")
        start = LeadStart(
            lead_id=lead_id, lead_type=lead_type, intent=inquiry.intent or "other", source=inquiry.source,
            submitted_at=now, reach=reach, plan=plan.cadence(), watched=True,
        )  # fmt: skip
    else:
        heat = lead_type if _HEAT[lead_type] > _HEAT[lead["lead_type"]] else lead["lead_type"]
        await put_message(conn, lead_id, "inquiry", InquirySignal(number=number, lead_type=heat, reach=reach))
    await tell_story(
        conn, lead_id, kind="inquiry", at=now, reason="opted_out" if opted_out else None, dedupe=f"inquiry-{number}",
        data={"number": number, "intent": inquiry.intent, "source": inquiry.source, "lead_type": lead_type},
    )  # fmt: skip
    return Taken(lead_id, inquiry_id, start=start)


async def _queue_up(conn: Any, submission: Submission) -> None:
    """Posts of the same address, number or key go one after the other instead of failing on each other's rows.

    Locks are taken in the order of their numbers, so two posts that share two of them cannot wait in a circle.
    """
    inquiry = submission.inquiry
    names = [f"email:{inquiry.email}"] if inquiry.email else []
    names += [f"phone:{inquiry.phone}"] if inquiry.phone else []
    if submission.idempotency_key is not None:
        names.append(f"key:{submission.form_key}:{submission.idempotency_key}")
    locks = sorted(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True) for name in names)
    await conn.execute("select pg_advisory_xact_lock(number) from unnest($1::bigint[]) number", locks)


def _facts(inquiry: Inquiry, lead_type: LeadTypeName) -> LeadFacts:
    """What an experiment's segment may ask about, as far as the inquiry itself says it."""
    places = tuple(place for place in (inquiry.country, inquiry.region) if place is not None)
    return LeadFacts(
        lead_type, inquiry.intent or "other", inquiry.source or "", inquiry.segment, inquiry.channel or "", places
    )


async def _open_lead(
    conn: Any, plan: Plan, part: Assigned, submission: Submission, person_id: str, lead_type: str, now: datetime,
    wall: datetime,
) -> str:  # fmt: skip
    inquiry = submission.inquiry
    lead_id = ids.new_id()
    await conn.execute(
        # the owner of the last lead knows the person; routing goes on from there
        """with made as (insert into lead (id, person_id, form_key, lead_type, intent, source, segment, country, region,
               postcode, tz, owner_id, plan_id, plan_version, created_at, created_wall, variants)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
               (select case when r.active then l.owner_id end from lead l left join rep r on r.id = l.owner_id
                where l.person_id = $2 order by l.created_at desc limit 1), $12, $13, $14, $15, $17) returning id)
           insert into lead_key select id, $16 from made""",
        lead_id, person_id, submission.form_key, lead_type, inquiry.intent, inquiry.source, inquiry.segment,
        inquiry.country, inquiry.region, inquiry.postcode, inquiry.tz, plan.id, plan.version, now, wall,
        fresh_salt(lead_id), list(part.variants),
    )  # fmt: skip
    return lead_id


async def _hotter(conn: Any, lead: Any, inquiry: Inquiry, lead_type: str) -> int:
    """A further inquiry may make a lead hotter, never colder, and fills in what was not known. Returns its number."""
    if _HEAT[lead_type] > _HEAT[lead["lead_type"]]:
        await conn.execute(
            "update lead set lead_type = $2, intent = $3 where id = $1", lead["id"], lead_type, inquiry.intent
        )
    await conn.execute(
        # a region of another country than the lead's known one is a journey, not the missing half of the address
        """update lead set country = coalesce(country, $2), postcode = coalesce(postcode, $3), tz = coalesce(tz, $4),
               segment = coalesce(segment, $5),
               region = coalesce(region, case when coalesce(country, $2) = split_part($6::text, '-', 1) then $6 end)
           where id = $1""",
        lead["id"], inquiry.country, inquiry.postcode, inquiry.tz, inquiry.segment, inquiry.region,
    )  # fmt: skip
    return int(await conn.fetchval("select coalesce(max(number), 0) + 1 from inquiry where lead_id = $1", lead["id"]))


async def _write_inquiry(
    conn: Any, submission: Submission, inquiry_id: str, lead_id: str, person_id: str, number: int, lead_type: str,
    fingerprint: bytes, now: datetime, wall: datetime,
) -> None:  # fmt: skip
    i = submission.inquiry
    await conn.execute(
        """insert into inquiry (id, lead_id, person_id, number, form_key, intent, lead_type, source, email, phone,
               message, consent_sms, consent_call, consent_text, remote_address, user_agent, fields, fingerprint,
               idempotency_key, submitted_at, submitted_wall, channel, consent_recorded,
               consent_marketing)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
               $22, $23, $24)""",
        inquiry_id, lead_id, person_id, number, submission.form_key, i.intent, lead_type, i.source, i.email, i.phone,
        i.message, i.consent_sms, i.consent_call, i.consent_text, submission.remote_address, submission.user_agent,
        i.extra, fingerprint, submission.idempotency_key, now, wall, i.channel, i.consent_recorded,
        i.consent_marketing,
    )  # fmt: skip


async def _for_a_person_to_decide(conn: Any, lead_id: str, number: int, now: datetime) -> None:
    """Somebody who had opted out of everything wrote to us: nothing is sent, and a manager decides."""
    await conn.execute("update lead set plan_stopped = 'opted_out' where id = $1", lead_id)
    await put_notice(
        conn, audience="manager", kind="inquiry_after_opt_out", at=now, lead_id=lead_id, reason="opted_out",
        dedupe=f"inquiry_after_opt_out:{lead_id}:{number}",
    )  # fmt: skip
