"""The same figure of two spans of time, each as it stood when its span was over, and whether chance explains the rest.

Leads of the newer span had no less time to be reached or won than those of the older one: what comes later counts in
neither. From the facts of leads (docs/metrics.md).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from speedlead.domain.goals import Measured
from speedlead.numbers.agreed import Part, differs

Span = tuple[datetime, datetime]

# a lead that was decided in a span may have come long before
_CAME_BEFORE = "$1::timestamptz - interval '400 days'"
_LEADS = "fact_leads({start}, $4, null, null, null, null, null, null, false, null, null) m"
_SPANS = "(values ('old', $1::timestamptz, $2::timestamptz), ('new', $3, $4)) w (name, start, until)"
_CAME = "m.created_at >= w.start and m.created_at < w.until"


def _after(*columns: str) -> str:
    """The instant of an event: so many seconds after the lead came."""
    return f"m.created_at + ({' + '.join(f'm.{column}' for column in columns)}) * interval '1 s'"


def _within(*columns: str) -> str:
    return f"{_after(*columns)} >= w.start and {_after(*columns)} < w.until"


# which leads count, and which of them are a yes
_SHARES: Mapping[str, tuple[str, str]] = {
    "in_time": (f"(m.first_attempt_judged <= w.until or {_after('first_attempt_s')} <= w.until)",
                "m.first_attempt_in_time is true"),
    "contact": ("true", f"{_after('first_contact_s')} <= w.until"),
    "conversion": ("true", f"{_after('conversion_s')} <= w.until"),
}  # fmt: skip
# from when leads are looked at, the time, and which count
_TIMES: Mapping[str, tuple[str, str, str]] = {
    "first_answer": ("$1", "m.first_attempt_open_s", f"{_CAME} and {_after('first_attempt_s')} <= w.until"),
    "hot_attempt": ("$1", "m.first_attempt_s",
                    f"m.lead_type = 'hot' and {_CAME} and {_after('first_attempt_s')} <= w.until"),
    "decision": (_CAME_BEFORE, "m.qualification_s", _within("first_contact_s", "qualification_s")),
    "handling": (_CAME_BEFORE, "m.handling_s", _within("handling_s")),
    "cycle": (_CAME_BEFORE, "m.cycle_s", _within("cycle_s")),
}  # fmt: skip

_SHARE = f"""
select w.name, count(m.lead_id)::int as whole, (count(*) filter (where {{yes}}))::int as part
from {_SPANS} left join {_LEADS.format(start="$1")} on {_CAME} and {{counts}}
group by w.name"""  # noqa: S608 our own text
# the medians, and how many lie at or below the one of both together: that part differs where the medians do (Mood 1950)
_TIME = f"""
with v as materialized (
    select w.name, {{time}} as s from {_SPANS} join {{leads}} on {{counts}} and {{time}} is not null),
both_of as (select percentile_cont(0.5) within group (order by s) as s from v)
select v.name, count(*)::int as whole, percentile_cont(0.5) within group (order by v.s) as median,
    (count(*) filter (where v.s <= b.s))::int as part
from v, both_of b group by v.name"""  # noqa: S608 our own text


async def two_spans(conn: Any, name: str, old: Span, new: Span) -> tuple[Measured, Measured, bool]:
    """(in the older span, in the newer one, whether they differ by more than chance explains). The older one is first.

    `name`: in_time, contact, conversion (shares); first_answer, hot_attempt, decision, handling, cycle (medians).
    """
    if name in _SHARES:
        counts, yes = _SHARES[name]
        query = _SHARE.format(counts=counts, yes=yes)
    else:
        start, time, counts = _TIMES[name]
        query = _TIME.format(leads=_LEADS.format(start=start), time=time, counts=counts)
    found = {row["name"]: row for row in await conn.fetch(query, *old, *new)}
    measured, parts = [], []
    for span in ("old", "new"):
        row = found.get(span)
        part = Part(row["part"], row["whole"]) if row else Part(0, 0)
        value = part.share if name in _SHARES else row["median"] if row else None
        measured.append(Measured(value, part.whole))
        parts.append(part)
    return measured[0], measured[1], differs(parts[1], parts[0])
