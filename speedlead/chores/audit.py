"""Once a week: what of routing, hand-overs and texts somebody should look at (REQ 59, 84, 102)."""

from datetime import timedelta
from typing import Any

import asyncpg

from speedlead import wording
from speedlead.chores.runner import Chore
from speedlead.composing.assemble import editions_of
from speedlead.domain.audit import Finding, overdue, unused_rules, unused_skills
from speedlead.ports import Clock
from speedlead.routingbook import load_routing
from speedlead.settings import Settings
from speedlead.store import audit_findings
from speedlead.store.transactions import transact

EVERY = timedelta(days=7)
# a rule that was not used for so long is looked at; leads and hand-overs are those of the week
UNUSED_DAYS = 30


def audit_chore(pool: "asyncpg.Pool[Any]", settings: Settings, clock: Clock) -> Chore:
    async def run() -> str:
        found = await transact(pool, lambda conn: audit(conn, settings, clock))
        return wording.counted(len(found), "finding")

    return Chore("audit.weekly", EVERY, run)


async def audit(conn: Any, settings: Settings, clock: Clock) -> list[Finding]:
    """One audit, written down. Raises RoutingError, ComposeError."""
    now, wall = clock.business(0), clock.wall()
    week, month = now - EVERY, now - timedelta(days=UNUSED_DAYS)
    leads = await audit_findings.came(conn, month)
    rules = load_routing(settings.routing_file)
    found = await audit_findings.unmatched(conn, week, wording.reason)
    found += unused_rules(rules, leads, await audit_findings.peaks(conn, month), UNUSED_DAYS)
    found += unused_skills(await audit_findings.skills(conn), leads, UNUSED_DAYS)
    found += await audit_findings.loops(conn, week)
    found += await audit_findings.by_hand(conn, week, wall)
    for text in editions_of(settings):
        name = f"{text.channel}/{text.id} ({text.language}), {text.file}"
        if (late := overdue(name, text.owner, text.review_by, now.date())) is not None:
            found.append(late)
    await audit_findings.write(conn, now, EVERY.days, found, wall)
    return found
