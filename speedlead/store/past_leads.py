"""Leads that came, as a plan may know them at their first form: what is played once more."""

from datetime import datetime
from typing import Any

from speedlead.domain.placing import Consents
from speedlead.domain.zones import Evidence
from speedlead.foresight import Prospect

# where there are too many, as many are played from all over the period: the newest alone would be those of some days of
# the week, and an average week is reckoned from them; whoever was erased has left nothing to go by
_LEADS = """
with came as (select l.lead_type, i.intent, l.source, l.segment, i.channel, l.created_at, l.tz, l.country, l.region,
    l.postcode, i.email is not null as has_email, i.phone, i.consent_sms, i.consent_call,
    i.phone is not null and (i.consent_call or coalesce(i.consent_text, '') <> '') as call_requested,
    count(*) over ()::int as of_all, row_number() over (order by l.created_at, l.id) as n
from metric_lead m join lead l on l.id = m.lead_id join inquiry i on i.lead_id = l.id and i.number = 1
join person p on p.id = l.person_id
where m.created_at >= $1 and m.created_at < $2 and p.erased_wall is null
    and (i.email is not null or i.phone is not null))
select * from came where n * $3::bigint / of_all > (n - 1) * $3::bigint / of_all order by n desc
"""


async def past_leads(conn: Any, start: datetime, end: datetime, most: int) -> tuple[list[Prospect], int]:
    """(those that are played: at most `most`, spread evenly over all, the newest first; how many there were)."""
    rows = await conn.fetch(_LEADS, start, end, most)
    return [_prospect(row) for row in rows], rows[0]["of_all"] if rows else 0


async def first_lead(conn: Any) -> datetime | None:
    """When the first one of all came in; None: there is none."""
    first = "select min(created_at) from lead where source <> 'flow_check' and program is null"
    found: datetime | None = await conn.fetchval(first)
    return found


def _prospect(row: Any) -> Prospect:
    return Prospect(
        lead_type=row["lead_type"],
        intent=row["intent"],
        source=row["source"],
        submitted_at=row["created_at"],
        evidence=Evidence(row["tz"], row["country"], row["region"], row["postcode"], row["phone"]),
        consents=Consents(
            call_requested=row["call_requested"],
            sms=row["consent_sms"],
            call=row["consent_call"],
            inquiry=row["phone"] is not None,
            inquiry_at=row["created_at"],
        ),
        has_email=row["has_email"],
        has_phone=row["phone"] is not None,
        segment=row["segment"],
        channel=row["channel"],
    )
