"""How and where a lead may be reached, from rows: addresses, consents, evidence of its place, past calls."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg

from speedlead.domain.law import LONGEST_CAP
from speedlead.domain.placing import Consents, PastTouch
from speedlead.domain.zones import Evidence

# the longest span that a law row may look back
_HISTORY = LONGEST_CAP + timedelta(days=1)

# $2: the number of one inquiry; null reads the latest. Addresses that bounced or are wrong do not count.
LEAD_WITH_REACH = """
select l.*, p.name, p.company, i.number as inquiry_number, i.intent as inquiry_intent, i.message, i.submitted_at,
    i.channel, i.phone as inquiry_phone, i.consent_text, i.consent_call,
    (select e.address from person_email e where e.person_id = l.person_id and e.bad_reason is null
        order by e.verified desc, e.created_at limit 1) as email,
    (select n.number from person_phone n where n.person_id = l.person_id and n.bad_reason is null
        order by n.verified desc, n.created_at desc limit 1) as phone,
    (select n.number from person_phone n where n.person_id = l.person_id and n.bad_reason is null
        and n.sms_bad_reason is null order by n.verified desc, n.created_at desc limit 1) as sms_phone,
    exists (select from person_email e where e.person_id = l.person_id) as any_email,
    exists (select from person_phone n where n.person_id = l.person_id) as any_phone,
    (select bool_or(s.consent_sms) from inquiry s where s.lead_id = l.id) as any_consent_sms,
    (select bool_or(s.phone is not null and (s.consent_call or coalesce(s.consent_text, '') <> ''))
        from inquiry s where s.lead_id = l.id) as call_requested,
    exists (select from touch t where t.lead_id = l.id and t.channel = 'call' and t.state = 'sent') as called,
    (select o.until_at from outcome o where o.lead_id = l.id and o.outcome = 'callback_requested'
        order by o.at desc limit 1) as callback_at,
    r.name as owner_name, r.email as owner_email, r.phone as owner_phone
from lead l
join person p on p.id = l.person_id
join lateral (select * from inquiry where lead_id = l.id and ($2::int is null or number = $2)
    order by number desc limit 1) i on true
left join rep r on r.id = l.owner_id
where l.id = $1
"""


async def number_history(connection: Any, phone: str | None, now: datetime, but: str | None) -> tuple[PastTouch, ...]:
    """Caps count the number, whoever's lead it is; a touch in doubt counts as made. `but`: the touch that asks."""
    if phone is None:
        return ()
    rows = await connection.fetch(
        """select claimed_at, channel, call_result, (select max(o.at) from outcome o where o.lead_id = t.lead_id
                   and o.at >= t.claimed_at and o.outcome in ('not_interested', 'do_not_contact')) as refused_at
           from touch t where address = $1 and claimed_at > $2
               and state in ('claimed', 'sent', 'in_doubt') and id is distinct from $3 order by claimed_at""",
        phone,
        now - _HISTORY,
        but,
    )
    # abandoned: the lead answered, and nobody of ours was there
    return tuple(
        PastTouch(row["claimed_at"], row["channel"], row["call_result"] == "abandoned", row["refused_at"])
        for row in rows
    )


def evidence_of(lead: asyncpg.Record) -> Evidence:
    return Evidence(
        tz=lead["tz"],
        country=lead["country"],
        region=lead["region"],
        postcode=lead["postcode"],
        phone_e164=lead["phone"],
    )


def consents_of(lead: asyncpg.Record) -> Consents:
    return Consents(
        call_requested=bool(lead["call_requested"]),
        sms=bool(lead["any_consent_sms"]),
        call=bool(lead["consent_call"]),
        email=True,
        inquiry=lead["phone"] is not None,
        inquiry_at=lead["submitted_at"],
        agreed_at=lead["callback_at"],
    )
