"""Figures of the house that are read from rows: what waits, what was missed, what is in doubt. For `/metrics`.

Each query answers (label values…, value). None reads more than what is open now or an hour's worth, by an index, and no
label can hold personal data: they are codes of our own. Flow checks are no leads and count in their own figures alone.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import structlog

log = structlog.get_logger(__name__)

# of all figures together; a database that is slower has other troubles than these
_WITHIN_S = 5.0


@dataclass(frozen=True)
class Figure:
    """A gauge: `speedlead_<name>{labels}`."""

    name: str
    help: str
    labels: tuple[str, ...]
    query: str


# the instant to which the law or the lead's own hours put an acknowledgement off; null: they did not
_PUT_OFF = "(select max(t.put_off_to) from touch t where t.lead_id = l.id and t.purpose = 'acknowledgement')"
# `{now}`: a lead's own time, which is the wall clock's except for leads of the demo and of tests
_WORDS = {
    "now": "m.wall + l.clock_offset_us * interval '1 microsecond'",
    # nobody runs what was switched off or has another name by now (chores/runner.py)
    "kept": "next_wall is not null",
    "flow_check": "exists (select from chore where name = 'flow.check' and next_wall is not null)",
    "put_off": _PUT_OFF,
    "real": "l.closed_at is null and l.source <> 'flow_check' and l.program is null",
}
_MOMENT = "with m as (select $1::timestamptz as wall) "

FIGURES = (
    Figure("leads_open", "Open leads.", ("type",),
           "select l.lead_type, count(*) from lead l, m where {real} group by 1"),
    Figure("leads_in_limbo", "Open leads that nothing moves on, as the watchdog found them last.", ("reason",),
           "select reason, count(*) from limbo, m group by 1"),
    Figure("leads_without_what_next", "Open leads older than a minute with no next instant, no owner and no reason.",
           (), """
select count(*) from lead l, m where {real} and l.next_touch_at is null and l.owner_id is null and l.next_why is null
    and l.created_at < {now} - interval '1 minute'"""),
    Figure("unacknowledged_oldest_seconds", "For how long the oldest open lead of the last day could have had the "
           "acknowledgement that is still to come; a quiet hour does not count.", (), """
select coalesce(greatest(extract(epoch from max({now} - greatest(l.created_at, {put_off}))), 0), 0) from lead l, m
where {real} and l.acknowledged_at is null and l.created_at > m.wall - interval '1 day'
    and coalesce((select bool_or(t.state in ('claimed', 'deferred')) from touch t
        where t.lead_id = l.id and t.purpose = 'acknowledgement'), true)"""),
    Figure("breaches_open", "Missed targets of open leads that are still not met.", ("target",), """
select b.target, count(*) from breach b join lead l on l.id = b.lead_id, m where b.ended_at is null and {real}
group by 1"""),
    Figure("first_attempts_hour", "First attempts that were due in the last hour.", ("met",), """
select case when l.first_attempt_at <= l.first_attempt_due then 'in_time' else 'late' end, count(*) from lead l, m
where l.first_attempt_due between {now} - interval '1 hour' and {now} and l.source <> 'flow_check'
    and l.created_at > m.wall - interval '14 days'
    and (l.first_attempt_at is not null or l.closed_at is null or l.closed_at > l.first_attempt_due) group by 1"""),
    Figure("messages_undelivered", "Messages to workflows that are not delivered.", (),
           "select count(*) from message, m where delivered_wall is null"),
    Figure("messages_oldest_seconds", "Age of the oldest of them.", (), """
select coalesce(greatest(extract(epoch from max(m.wall - created_wall)), 0), 0) from message, m
where delivered_wall is null"""),
    Figure("touches_in_doubt", "Touches of the last day whose provider never said whether it has them.", ("channel",),
           """
select channel, count(*) from touch, m where state = 'in_doubt' and claimed_wall > m.wall - interval '1 day'
group by 1"""),
    Figure("touches_deferred", "Touches that wait for another instant, by the reason.", ("reason",),
           "select coalesce(reason, 'unknown'), count(*) from touch, m where state = 'deferred' group by 1"),
    Figure("notices_unseen", "What people were told and have not marked as seen.", ("audience", "kind"),
           "select audience, kind, count(*) from notice, m where seen_wall is null group by 1, 2"),
    Figure("notices_oldest_seconds", "Age of the oldest of them.", ("audience",), """
select audience, greatest(extract(epoch from max(m.wall - at)), 0) from notice, m where seen_wall is null
group by 1"""),
    Figure("webhooks_left", "Verified webhooks of the last day that are not acted on.", ("state",), """
select state, count(*) from webhook, m where received_wall > m.wall - interval '1 day' and state <> 'done'
group by 1"""),
    Figure("hook_endpoints", "Endpoints of webhooks, by how they stand.", ("state",), """
select case when state = 'on' and failing_since_wall is not null then 'failing' else state end, count(*)
from hook_endpoint, m group by 1"""),
    Figure("hook_events_oldest_seconds", "Age of the oldest event that waits for an endpoint that is on.", (), """
select coalesce(greatest(extract(epoch from max(m.wall - e.created_wall)), 0), 0)
from hook_delivery d join hook_endpoint p on p.id = d.endpoint_id join hook_event e on e.seq = d.seq, m
where d.state <> 'taken' and d.state = 'waiting' and p.state = 'on'"""),
    Figure("chore_success_age_seconds", "Since the last round of a chore that went well.", ("chore",),
           """
select name, extract(epoch from m.wall - succeeded_wall) from chore, m
where succeeded_wall is not null and {kept}"""),
    Figure("chore_failures_in_a_row", "Rounds of a chore that failed since one went well.", ("chore",),
           "select name, failures_in_a_row from chore, m where {kept}"),
    Figure("chore_overdue_seconds", "For how long a chore should have been begun.", ("chore",),
           """
select name, greatest(extract(epoch from m.wall - next_wall), 0) from chore, m where {kept}"""),
    Figure("flow_check_ok", "1 when the newest flow check came through, else 0.", (),
           "select ok::int from flow_check, m where {flow_check} order by id desc limit 1"),
    Figure("flow_check_seconds", "From the form of the newest flow check to each stage that it reached.", ("stage",),
           """
select s.stage, s.ms / 1000.0 from (select * from flow_check order by id desc limit 1) c cross join lateral
    (values ('form', form_ms), ('acknowledged', acknowledged_ms), ('delivered', delivered_ms), ('ended', ended_ms))
    s (stage, ms), m where s.ms is not null and {flow_check}"""),
    Figure("flow_check_age_seconds", "Since the newest flow check.", (),
           """
select extract(epoch from m.wall - at_wall) from flow_check, m where {flow_check} order by id desc limit 1"""),
    Figure("rollup_differs", "Leads of the newest comparison whose facts for reports were not what the events say.",
           (), "select differ from lead_fact_check, m"),
    Figure("rollup_waiting", "Changes of leads that reports take from the events, as their facts are not written yet.",
           (), "select count(*) from lead_stale, m"),
    Figure("database_bytes", "Size of the database.", (), "select pg_database_size(current_database()) from m"),
)  # fmt: skip

Row = tuple[tuple[str, ...], float]


async def read_figures(pool: "asyncpg.Pool[Any]", wall: datetime) -> tuple[dict[str, list[Row]], int]:
    """Rows by the name of their figure, and how many figures failed: one that does must not take the others along.

    Raises OSError, TimeoutError or asyncpg errors when the database does not answer at all.
    """
    found: dict[str, list[Row]] = {}
    failed = 0
    async with pool.acquire(timeout=_WITHIN_S) as conn:
        for figure in FIGURES:
            try:
                rows = await conn.fetch(_MOMENT + figure.query.format_map(_WORDS), wall, timeout=_WITHIN_S)
            except (asyncpg.SyntaxOrAccessError, asyncpg.DataError) as error:
                log.warning("figure not read", figure=figure.name, error=type(error).__name__)
                failed += 1
                continue
            found[figure.name] = [(tuple(str(label) for label in row[:-1]), float(row[-1])) for row in rows]
    return found, failed


async def acknowledged_in(conn: Any, after: datetime, until: datetime) -> list[tuple[str, float | None]]:
    """(type, seconds from the inquiry to the acknowledgement) of each lead of (after, until]; None: not yet.

    Without those that could not get one, or not yet: no channel, suppressed, a quiet hour.
    """
    rows = await conn.fetch(
        f"""select l.lead_type, extract(epoch from l.acknowledged_at - l.created_at)::float8 as took from lead l
           where l.created_at > $1 and l.created_at <= $2 and l.source <> 'flow_check' and l.program is null
               and (l.acknowledged_at is not null or not exists (select from touch t
                   where t.lead_id = l.id and t.purpose = 'acknowledgement' and t.state = 'skipped'))
               and coalesce({_PUT_OFF} <= l.created_at, true)""",  # noqa: S608
        after, until,
    )  # fmt: skip
    return [(row["lead_type"], row["took"]) for row in rows]
