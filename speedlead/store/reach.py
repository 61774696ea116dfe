"""How and where a lead may be reached, from rows: addresses, consents, evidence of its place, past calls."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from speedlead.contracts import Channel
from speedlead.domain.law import LONGEST_CAP
from speedlead.domain.outcomes import CallResult
from speedlead.domain.placing import Consents, PastTouch
from speedlead.domain.zones import Evidence
from speedlead.records import LeadRecord

# keeps the locks of numbers apart from the other advisory locks
_NUMBERS = 4

# the longest span that a law row may look back
_HISTORY = LONGEST_CAP + timedelta(days=1)

# Which of a person's numbers and addresses are used, for any query over `lead l` that joins an inquiry `i`. What
# bounced or is wrong does not count. A further form redirects no calls of an open lead: the number that it began with
# comes first; an e-mail goes to the address that the inquiry gave.
_NUMBERS_OF_LEAD = """select n.number from person_phone n where n.person_id = l.person_id and n.bad_reason is null{}
    order by n.verified desc, (n.number = f.phone) is true desc, n.created_at desc limit 1"""
CALL_NUMBER = f"""left join lateral (select q.phone from inquiry q where q.lead_id = l.id and q.phone is not null
    order by q.number limit 1) f on true
left join lateral ({_NUMBERS_OF_LEAD.format("")}) call on true"""  # noqa: S608
MAIL_ADDRESS = """(select e.address from person_email e where e.person_id = l.person_id and e.bad_reason is null
        order by (e.address = i.email) desc nulls last, e.verified desc, e.created_at limit 1)"""

# $2: the number of one inquiry; null reads the latest. A tick, or a shown consent text, counts for the number that was
# given with it.
LEAD_WITH_REACH = f"""
select l.*, p.name, p.company, i.number as inquiry_number, i.intent as inquiry_intent, i.message, i.submitted_at,
    i.channel, i.phone as inquiry_phone, i.consent_text,
    coalesce(i.fields->>'lang', i.fields->>'browser_lang') as language,
    lower(nullif(trim(i.fields->>'product'), '')) as product,
    {MAIL_ADDRESS} as email, call.number as phone,
    exists (select from touch t where t.address = call.number and t.state in ('claimed', 'sent', 'in_doubt')
        and t.claimed_at < i.submitted_at and t.claimed_at > i.submitted_at - interval '{_HISTORY.days} days')
        as contacted_before,
    sms.number as sms_phone,
    exists (select from person_email e where e.person_id = l.person_id) as any_email,
    exists (select from person_phone n where n.person_id = l.person_id) as any_phone,
    said.any_consent_sms, said.any_consent_call, said.call_requested, said.any_consent_marketing,
    exists (select from touch t where t.lead_id = l.id and t.channel = 'call' and t.state = 'sent') as called,
    exists (select from reply y where y.lead_id = l.id and y.channel = 'sms' and not y.automatic) as texted,
    (select o.until_at from outcome o where o.lead_id = l.id and o.outcome = 'callback_requested'
        and coalesce(o.reason, '') not in ('no_show', 'meeting_cancelled') order by o.at desc limit 1) as callback_at,
    case when l.variants <> '{{}}' then (select a.weights from experiment_arm a where a.variant = any(l.variants)
        and a.weights is not null limit 1) end as routing_weights,
    r.name as owner_name, r.email as owner_email, r.phone as owner_phone, r.video_url as owner_video,
    r.video_thumbnail as owner_video_thumbnail
from lead l
join person p on p.id = l.person_id
join lateral (select * from inquiry where lead_id = l.id and ($2::int is null or number = $2)
    order by number desc limit 1) i on true
{CALL_NUMBER}
left join lateral ({_NUMBERS_OF_LEAD.format(" and n.sms_bad_reason is null")}) sms on true
left join lateral (select
        bool_or(s.consent_sms and (s.phone is null or s.phone = sms.number)) as any_consent_sms,
        bool_or(s.consent_call and (s.phone is null or s.phone = call.number)) as any_consent_call,
        bool_or(s.consent_marketing) as any_consent_marketing,
        bool_or(s.phone = call.number and (s.consent_call or coalesce(s.consent_text, '') <> '')) as call_requested
    from inquiry s where s.lead_id = l.id) said on true
left join rep r on r.id = l.owner_id
where l.id = $1
"""  # noqa: S608  nothing in it comes from outside


async def numbers_to_call(connection: Any) -> list[str]:
    """Of every open lead the number that would ring, and those of our own people who take calls."""
    rows = await connection.fetch(
        f"""select call.number from lead l {CALL_NUMBER} where l.closed_at is null and call.number is not null
            union all select phone from rep where active and phone is not null"""  # noqa: S608
    )
    return [row["number"] for row in rows]


async def number_left(connection: Any, person_id: str) -> bool:
    """Is there a number of the person that is not known to be bad?"""
    found = "select exists (select from person_phone where person_id = $1 and bad_reason is null)"
    return bool(await connection.fetchval(found, person_id))


async def mark_number(
    connection: Any, lead_id: str, person_id: str, result: CallResult, touch_id: str | None = None
) -> None:
    """The number that was called is bad: of the named touch, else of the last call, else the one given last.

    No other: what somebody has put right since is another number.
    """
    await connection.execute(
        """update person_phone set bad_reason = coalesce(bad_reason, $3) where person_id = $2 and number = coalesce(
               (select address from touch where id = $4 and channel = 'call'),
               (select address from touch where lead_id = $1 and channel = 'call' and address is not null
                   order by claimed_at desc nulls last limit 1),
               (select phone from inquiry where lead_id = $1 and phone is not null order by number desc limit 1))""",
        lead_id, person_id, result, touch_id,
    )  # fmt: skip


async def lost_channel(connection: Any, lead_id: str, channel: str) -> Channel | None:
    """An address of `channel` was found bad: how the lead is not reached any more; `call` stands for texts as well.

    None while another address or number is good: then the next message goes there.
    """
    lead = await connection.fetchrow(LEAD_WITH_REACH, lead_id, None)
    if channel == "email":
        return "email" if lead["email"] is None else None
    if lead["phone"] is None:
        return "call"
    return "sms" if lead["sms_phone"] is None else None


async def locked_lead(connection: Any, lead_id: str) -> asyncpg.Record | None:
    """The lead under its person's lock and its own, until the transaction ends; None when there is no such lead.

    The lead's lock as well: a pause or the end of the lead takes no other. And before routing takes it, what goes out
    now waits for nobody.
    """
    whose = "select p.id from person p join lead l on l.person_id = p.id where l.id = $1 for no key update of p, l"
    # a merge that we have waited for gave the lead to another person: the second look finds that one
    locked = await connection.fetchval(whose, lead_id) or await connection.fetchval(whose, lead_id)
    if locked is None:
        return None
    # read after the lock: what was committed before we got it must be seen
    lead: asyncpg.Record = await connection.fetchrow(LEAD_WITH_REACH, lead_id, None)
    return lead


async def lock_number(connection: Any, number: str) -> None:
    """Until the transaction ends: of two claims for one number the second sees the first, whosever leads they are.

    Two people may share a number, so a person's lock keeps neither its caps nor what one of them has said. It is taken
    after the person's lock and the lead's, and a claim takes one: nobody waits in a circle.
    """
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, $2))", number, _NUMBERS)


async def lock_numbers_of(connection: Any, *people: str) -> None:
    """Every number of these people, for what counts for everybody who shares one; the caller holds their locks."""
    await connection.execute(
        """select pg_advisory_xact_lock(key) from (select distinct hashtextextended(number, $2) as key from person_phone
               where person_id = any($1::uuid[]) order by key) numbers""",
        people,
        _NUMBERS,
    )


async def history_until(connection: Any, number: str | None, now: datetime, but: str) -> tuple[PastTouch, ...]:
    """The number's history as a cap at `now` counts it; the caller holds the number's lock."""
    history = await number_history(connection, number, now, but)
    # a claim that looked at the clock after us and was faster has happened all the same
    return tuple(
        replace(touch, at=min(touch.at, now), refused_at=touch.refused_at and min(touch.refused_at, now))
        for touch in history
    )


async def number_history(connection: Any, phone: str | None, now: datetime, but: str | None) -> tuple[PastTouch, ...]:
    """Caps count the number, whoever's lead it is; a touch in doubt counts as made. `but`: the touch that asks.

    A call counts from the moment the lead's phone rang, once that is known: its claim only rang one of ours. A message
    that went once more after a doubt counts twice, and the one that asks for its repeat has been made once.
    """
    if phone is None:
        return ()
    rows = await connection.fetch(
        """select made.at, channel, call_result,
               (select max(o.at) from outcome o where o.lead_id = t.lead_id and o.at >= t.claimed_at
                   and o.outcome in ('not_interested', 'do_not_contact')) as refused_at
           from touch t cross join lateral (
               select greatest(claimed_at, sent_at) as at where id is distinct from $3 and state <> 'deferred'
                   and (doubted_wall is null or claimed_wall > doubted_wall)
               union all
               select claimed_at - coalesce(claimed_wall - doubted_wall, interval '0') where doubted_wall is not null
           ) made
           where address = $1 and claimed_at > $2
               and (state in ('claimed', 'sent', 'in_doubt') or state = 'deferred' and doubted_wall is not null)
           order by 1""",
        phone,
        now - _HISTORY,
        but,
    )
    # abandoned: the lead answered, and nobody of ours was there
    return tuple(
        PastTouch(row["at"], row["channel"], row["call_result"] == "abandoned", row["refused_at"]) for row in rows
    )


def evidence_of(lead: asyncpg.Record, number: str | None = None) -> Evidence:
    """`number`: the one that will ring or get a text, where that is another than the lead's first."""
    return Evidence(
        tz=lead["tz"],
        country=lead["country"],
        region=lead["region"],
        postcode=lead["postcode"],
        phone_e164=number or lead["phone"],
    )


def consents_of(lead: asyncpg.Record, *, conversation: bool = False) -> Consents:
    """Who texts us wants an answer by text; that is no consent to texts of a plan."""
    return Consents(
        call_requested=bool(lead["call_requested"]),
        sms=bool(lead["any_consent_sms"] or (conversation and lead["texted"])),
        call=bool(lead["any_consent_call"]),
        email=True,
        inquiry=lead["phone"] is not None,
        inquiry_at=lead["submitted_at"],
        agreed_at=lead["callback_at"],
        marketing=bool(lead["any_consent_marketing"]),
    )


def record_of(lead: asyncpg.Record) -> LeadRecord:
    """The lead as activities know it, from a row of LEAD_WITH_REACH."""
    return LeadRecord(
        lead_id=lead["id"],
        person_id=lead["person_id"],
        lead_type=lead["lead_type"],
        intent=lead["inquiry_intent"],
        source=lead["source"],
        segment=lead["segment"],
        channel=lead["channel"],
        stage=lead["stage"],
        owner_id=lead["owner_id"],
        plan_id=lead["plan_id"],
        plan_version=lead["plan_version"],
        clock_offset_us=lead["clock_offset_us"],
        created_at=lead["created_at"],
        submitted_at=lead["submitted_at"],
        open_at=lead["open_at"],
        first_attempt_due=lead["first_attempt_due"],
        promised_at=lead["promised_at"],
        name=lead["name"],
        company=lead["company"],
        email=lead["email"],
        phone=lead["phone"],
        message=lead["message"],
        inquiry_number=lead["inquiry_number"],
        evidence=evidence_of(lead),
        consents=consents_of(lead),
        owner_name=lead["owner_name"],
        owner_email=lead["owner_email"],
        owner_phone=lead["owner_phone"],
        called=lead["called"],
        language=lead["language"],
        contacted_before=lead["contacted_before"],
        owner_video=lead["owner_video"],
        owner_video_thumbnail=lead["owner_video_thumbnail"],
        product=lead["product"],
        routing_weights=lead["routing_weights"],
        program=lead["program"],
    )
