"""Opt-outs: each counts from its commit on, on every channel that it names, and takes the lead's plan along.

The gate reads the view `barred` under the same lock on the person. It holds what the person said, and for calls and
texts also what anybody else with the same number said: a number belongs to whoever picks up.
"""

from datetime import datetime
from typing import Any

from speedlead.contracts import OptOutSignal, ReplanSignal
from speedlead.optout import Scope
from speedlead.ports import Clock
from speedlead.store import voice_consent
from speedlead.store.reach import lock_numbers_of
from speedlead.store.rows import lock_open_lead, lock_person_of, newest_lead, put_message
from speedlead.store.story import tell_story


async def opt_out(conn: Any, clock: Clock, person_id: str, scope: Scope, *, source: str) -> str | None:
    """Suppresses the channels for the person from the commit on; returns the open lead that is told, if there is one.

    The caller holds the person's lock. `source` says how we learned of it: `sms_reply`, `unsubscribe_link`, `rep` …
    """
    lead = await lock_open_lead(conn, person_id)
    told_in = lead or await newest_lead(conn, person_id)
    now = clock.business(told_in["clock_offset_us"] if told_in else 0)
    if not await suppress(conn, person_id, scope, source=source, at=now):
        return None
    if told_in is not None:
        await tell_story(
            conn, told_in["id"], kind="opt_out", at=now, reason="opted_out", data={"channel": scope, "source": source}
        )
    if lead is None:
        return None
    if scope == "all":
        await conn.execute("update lead set plan_stopped = 'opted_out' where id = $1", lead["id"])
    await put_message(conn, lead["id"], "opt_out", OptOutSignal(scope=scope))
    return str(lead["id"])


async def suppress(conn: Any, person_id: str, scope: Scope, *, source: str, at: datetime) -> bool:
    """False when it was there before; one from before a merge is said anew. The caller holds the person's lock."""
    if scope != "email":
        # it counts for everybody with the same number: a claim for one of them is committed before, or sees it
        await lock_numbers_of(conn, person_id)
    await voice_consent.end(conn, person_id, "opt_out", at)
    return bool(
        await conn.fetchval(
            """insert into suppression (person_id, channel, reason, source, at) values ($1, $2, $3, $4, $5)
               on conflict (person_id, channel) do update set merged = null, source = excluded.source, at = excluded.at
                   where suppression.merged is not null
               returning true""",
            person_id, scope, "opted_out_all" if scope == "all" else "opted_out", source, at,
        )
    )  # fmt: skip


async def resume_sms(conn: Any, clock: Clock, person_id: str) -> tuple[bool, str | None]:
    """START takes back a STOP, and nothing else: an opt-out from everything, or one made otherwise, stays.

    (was there a STOP to take back?, the open lead that is told). Without one a "yes" is an answer like any other.
    """
    lead = await lock_open_lead(conn, person_id)
    lifted = await conn.fetchval(
        """delete from suppression where person_id = $1 and channel = 'sms' and source in ('sms_reply', 'provider')
           returning true""",
        person_id,
    )
    if not lifted or lead is None:
        return bool(lifted), None
    now = clock.business(lead["clock_offset_us"])
    await tell_story(conn, lead["id"], kind="opt_in", at=now, data={"channel": "sms"})
    await put_message(conn, lead["id"], "replan", ReplanSignal(reason="opted_in"))
    return True, str(lead["id"])


async def unsubscribe(conn: Any, clock: Clock, lead_id: str) -> list[str]:
    """The link in a mail was used: no more e-mail to that person."""
    person_id = await lock_person_of(conn, lead_id)
    if person_id is None:
        return []
    told = await opt_out(conn, clock, person_id, "email", source="unsubscribe_link")
    return [told] if told else []
