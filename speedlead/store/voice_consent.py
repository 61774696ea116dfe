"""Consent to an artificial voice: a kind of its own, which no inquiry and no other tick is (docs/compliance.md)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from speedlead import ids
from speedlead.store.story import tell_story

Source = Literal["form", "key"]

# Whoever refuses anything, by whatever way, has not agreed to this; a number that was corrected is somebody else's now.
# Of several people with one number nobody knows who calls: then a tick is not enough, but the key of this telephone is
HOLDS = """exists (
    select from ai_voice_consent c join lead given on given.id = c.lead_id join lead l on l.person_id = given.person_id
    join person_phone n on n.person_id = l.person_id and n.number = c.number and n.bad_reason is null
    where l.id = {lead} and c.number = {number} and c.ended_at is null
        and (c.source = 'key' or not exists (
            select from person_phone o where o.number = c.number and o.person_id <> l.person_id))
        and not exists (select from barred b where b.person_id = l.person_id))"""


@dataclass(frozen=True, slots=True)
class VoiceConsent:
    number: str
    source: Source
    wording: str
    at: datetime
    ended_at: datetime | None
    ended_by: str | None


async def agree(
    conn: Any, lead_id: str, number: str, source: Source, wording: str, *, at: datetime, wall: datetime
) -> None:
    """Once for a number and a source while it holds, with its first words. The caller holds the person's lock.

    Not for whoever has opted out of anything: what somebody typed then would count as soon as texts are taken up again.
    """
    consent_id = await conn.fetchval(
        """insert into ai_voice_consent (id, lead_id, number, source, wording, at, at_wall)
           select $1, $2, $3, $4, $5, $6, $7 where not exists (
               select from ai_voice_consent where lead_id = $2 and number = $3 and source = $4
                   and ended_at is null)
               and not exists (select from barred b join lead l on l.person_id = b.person_id where l.id = $2)
           returning id""",
        ids.new_id(), lead_id, number, source, wording, at, wall,
    )  # fmt: skip
    if consent_id is not None:
        await tell_story(
            conn, lead_id, kind="ai_voice_agreed", at=at, data={"source": source}, dedupe=f"ai_voice:{consent_id}"
        )


async def holds(conn: Any, lead_id: str, number: str) -> bool:
    return bool(await conn.fetchval(f"select {HOLDS.format(lead='$1', number='$2')}", lead_id, number))


async def end(conn: Any, person_id: str, by: Literal["opt_out", "withdrawn"], at: datetime) -> None:
    """Of every number of the person, whosever lead it was given for: a number belongs to whoever picks up."""
    ended = await conn.fetch(
        """update ai_voice_consent set ended_at = greatest($3, at), ended_by = $2 where ended_at is null
               and (number in (select number from person_phone where person_id = $1)
                   or lead_id in (select id from lead where person_id = $1))
           returning id, lead_id""",
        person_id, by, at,
    )  # fmt: skip
    for row in ended:
        await tell_story(
            conn, row["lead_id"], kind="ai_voice_ended", at=at, reason="opted_out" if by == "opt_out" else by,
            dedupe=f"ai_voice_ended:{row['id']}",
        )  # fmt: skip


async def consents_of(conn: Any, lead_id: str) -> tuple[VoiceConsent, ...]:
    """What is recorded for the lead, oldest first."""
    rows = await conn.fetch(
        """select number, source, wording, at, ended_at, ended_by from ai_voice_consent
           where lead_id = $1::text::uuid order by at, id""",
        lead_id,
    )
    return tuple(VoiceConsent(**dict(row)) for row in rows)
