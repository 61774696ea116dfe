"""Programs: what goes on with a person when the answer to their inquiry is over (docs/nurture.md, ADR 0021).

A program is a lead of its own, with a plan that has `program` set, and is the person's open lead while nobody else is.
It begins in the transaction that closes the lead before it, and ends in the one that hears of the person again: what
they say is then decided as after a closed lead, so it is never the program that answers.
"""

from datetime import datetime
from typing import Any

from speedlead import ids
from speedlead.contracts import OutcomeSignal
from speedlead.domain.flow_check import SOURCE as FLOW_CHECK
from speedlead.domain.outcomes import Outcome
from speedlead.domain.programs import Began, ended_as
from speedlead.store.rows import put_message, put_notice
from speedlead.store.story import tell_story
from speedlead.store.sweeping import end_touches

# The plan that the lead's own names for this end, in its newest version. `until`: the date of a "not now".
_NEXT = """
select coalesce(p.body -> 'then' ->> $2, '') as wanted, n.id as plan_id, n.version, n.body ->> 'program' as program,
    (select o.until_at from outcome o where o.lead_id = $1 and o.outcome = 'not_now'
        order by o.at desc limit 1) as until
from lead l join plan p on p.id = l.plan_id and p.version = l.plan_version
left join lateral (select * from plan q where q.id = p.body -> 'then' ->> $2
    order by q.version desc limit 1) n on true
where l.id = $1"""

# who has bought before is looked after as a customer, however a later inquiry ended
_BOUGHT = """
select exists (select from lead l join outcome o on o.lead_id = l.id and o.outcome = 'converted'
    where l.person_id = $1 and l.id <> $2)"""

_BARRED = """
select p.erased_wall is not null or exists (select from barred b where b.person_id = p.id and b.channel = 'all')
from person p where p.id = $1"""

# Who looks after customers: whoever of ours signs in as support; who had this one before, else who has the fewest.
_SUPPORT = """
select r.id from rep r join account a on a.email = lower(r.email) and a.active and a.role = 'support'
where r.active order by exists (select from lead l where l.person_id = $1 and l.program = 'customer'
        and l.owner_id = r.id) desc, not (r.presence = 'away' and r.away_until is null) desc,
    (select count(*) from lead l where l.owner_id = r.id and l.program = 'customer' and l.closed_at is null),
    r.name, r.id
limit 1"""

_LEAD = """
insert into lead (id, person_id, form_key, lead_type, intent, source, segment, country, region, postcode, tz, zone,
    owner_id, assigned_at, accepted_at, plan_id, plan_version, clock_offset_us, created_at, created_wall, open_at,
    stage, program, follows)
select $1, l.person_id, l.form_key, l.lead_type, l.intent, $3, l.segment, l.country, l.region, l.postcode, l.tz, l.zone,
    r.id, case when r.id is not null then $6::timestamptz end, case when r.id is not null then $6::timestamptz end,
    $4, $5, l.clock_offset_us, $6, $6 - l.clock_offset_us * interval '1 microsecond', $7,
    case when $3 = 'nurture' then 'nurturing' else 'converted' end, $3, coalesce(l.follows, l.id)
from lead l left join rep r on r.id = $8 and r.active where l.id = $2"""

# What it is about, how the person is reached, and what they have ticked in any of their inquiries. Nobody asked now.
_INQUIRY = """
insert into inquiry (id, lead_id, person_id, number, form_key, intent, lead_type, source, channel, email, phone,
    message, consent_sms, consent_call, consent_text, consent_recorded, consent_marketing, fields, fingerprint,
    submitted_at, submitted_wall)
select $1, $2, i.person_id, 1, i.form_key, i.intent, i.lead_type, $4, i.channel, i.email, i.phone, i.message,
    i.consent_sms, i.consent_call, i.consent_text, i.consent_recorded,
    exists (select from inquiry c where c.person_id = i.person_id and c.consent_marketing), i.fields, i.fingerprint,
    i.submitted_at, i.submitted_wall
from inquiry i where i.lead_id = $3 order by i.number desc limit 1"""


async def begin_next(conn: Any, lead: Any, *, reason: str, stage: str, at: datetime) -> str | None:
    """Begins what the plan of a lead that has just closed names for its end, and returns its id; None: nothing.

    The caller holds the locks of the person and of the lead, and has closed it.
    """
    ending = ended_as(reason, stage)
    if ending is None or lead["source"] == FLOW_CHECK or await conn.fetchval(_BARRED, lead["person_id"]):
        return None
    found = await conn.fetchrow(_NEXT, lead["id"], ending)
    if (
        ending != "converted"
        and lead["program"] is None
        and await conn.fetchval(_BOUGHT, lead["person_id"], lead["id"])
    ):
        again = await conn.fetchrow(_NEXT, lead["id"], "converted")
        found, ending = (again, "converted") if again["wanted"] else (found, ending)
    if ending == "converted" and lead["program"] == "nurture" and not found["wanted"]:
        # who buys in the end is a customer by the plan that answered the inquiry
        found = await conn.fetchrow(_NEXT, lead["follows"], ending)
    if not found["wanted"]:
        return None
    began = Began.of(ending, found["program"], found["until"], at)
    if began is None:  # the plan was never published, or is for something else
        await put_notice(
            conn, audience="ops", kind="program_missing", at=at, lead_id=lead["id"], reason=found["wanted"],
            dedupe=f"program_missing:{lead['plan_id']}:{lead['plan_version']}:{ending}",
        )  # fmt: skip
        return None
    owner_id = lead["owner_id"]
    if began.program == "customer" and lead["program"] != "customer":
        owner_id = await conn.fetchval(_SUPPORT, lead["person_id"]) or owner_id
    program_id = ids.new_id()
    await conn.execute(
        _LEAD, program_id, lead["id"], began.program, found["plan_id"], found["version"], at, began.opens, owner_id
    )
    await conn.execute(_INQUIRY, ids.new_id(), program_id, lead["id"], began.program)
    await put_message(conn, program_id, "start")
    about = {
        "program": began.program,
        "plan": f"{found['plan_id']}:{found['version']}",
        "opens": began.opens.isoformat(),
    }
    await tell_story(
        conn, lead["id"], kind="program_began", at=at, reason=ending, data={**about, "lead": program_id},
        dedupe="program_began",
    )  # fmt: skip
    await tell_story(
        conn, program_id, kind="program_began", at=at, reason=ending, data={**about, "before": str(lead["id"])},
        dedupe="program_began",
    )  # fmt: skip
    if began.program == "customer":
        await put_notice(
            conn, audience="rep" if owner_id is not None else "manager", kind="customer_handed_over", at=at,
            lead_id=program_id, rep_id=owner_id, reason="converted", dedupe=f"customer_handed_over:{program_id}",
        )  # fmt: skip
    return program_id


async def leave(conn: Any, lead: Any, *, reason: str, at: datetime) -> Any | None:
    """Ends the person's open lead, if it is a program, because they were heard of; else it stays as it is.

    Answers the open lead that is left: the given one, or None. The caller holds both locks. Nothing of the program goes
    out from the commit on, and its workflow hears of its end.
    """
    if lead is None or lead["program"] is None:
        return lead
    await conn.execute(
        """update lead set closed_at = $2, close_reason = $3, stage = 'closed', next_step = null, next_touch_at = null,
               next_why = null, decided_at = coalesce(decided_at, $2) where id = $1""",
        lead["id"], at, reason,
    )  # fmt: skip
    await end_touches(conn, lead["id"], at)
    await tell_story(conn, lead["id"], kind="closed", at=at, reason=reason, dedupe="closed")
    await put_message(conn, lead["id"], "outcome", OutcomeSignal(outcome=Outcome.UNQUALIFIED, reason=reason))
    return None


async def credit(conn: Any, lead: Any, outcome_id: str) -> None:
    """A sale that is logged in a nurture program is one of the inquiry that it goes back to, reported later.

    A customer's sale is a repeat of its own (`metric_repeat_conversion`).
    """
    if lead["program"] != "nurture":
        return
    sale = await conn.fetchrow(
        """insert into outcome (id, lead_id, rep_id, call_result, outcome, reason, until_at, note, at)
           select $3, $2, rep_id, null, outcome, reason, null, null, at from outcome
           where id = $1 and outcome = 'converted' returning *""",
        outcome_id, lead["follows"], ids.new_id(),
    )  # fmt: skip
    if sale is not None:  # webhooks tell it of that lead: they know no other
        await tell_story(
            conn, lead["follows"], kind="outcome", at=sale["at"], reason=sale["reason"], dedupe=f"outcome:{sale['id']}",
            data={"call_result": None, "outcome": "converted", "result": "converted", "rep_id": sale["rep_id"]},
        )  # fmt: skip


async def own_lead(conn: Any, lead: Any) -> Any:
    """Of a program the lead of the inquiry behind it; any other lead itself."""
    if lead is None or lead["program"] is None:
        return lead
    return await conn.fetchrow("select * from lead where id = $1", lead["follows"])
