"""SQL of reports: how facts are counted for a question, and the few questions that facts do not answer.

`given` puts values in the place of names in braces.
"""

import re
from collections.abc import Mapping
from typing import Any

from speedlead.numbers.questions import Question
from speedlead.numbers.tally import PARTS

Values = Mapping[str, Any]

# of a period with the filter, right at every instant
LEADS = """fact_leads({start}, {end}, {lead_type}, {source}, {channel}, {country}, {region}, {reps}::uuid[], {unowned},
    {plan}, {plan_version}, {variant}) m"""

# of a question that is asked for itself, $1 to $11 choose the leads and $12 is the instant of the figures
FILTER = (
    "start",
    "end",
    "lead_type",
    "source",
    "channel",
    "country",
    "region",
    "reps",
    "unowned",
    "plan",
    "plan_version",
)
AT = "($12::timestamptz + m.clock_offset)"

# the same filter for other facts; where nothing is asked for, there is no condition
CONDITIONS = {
    "lead_type": "m.lead_type = {lead_type}", "source": "m.source = {source}", "channel": "m.channel = {channel}",
    "country": "m.country = {country}", "region": "m.region = {region}",
    "reps": "(m.rep_id = any({reps}::uuid[]) or {unowned} and m.rep_id is null)", "plan": "m.plan_id = {plan}",
    "plan_version": "m.plan_version = {plan_version}", "variant": "m.variants @> array[{variant}]",
}  # fmt: skip

PERIOD = "m.created_at >= {start}::timestamptz and m.created_at < {end}::timestamptz"

# for `Question.judges`: what the same facts add up to now, and when they were counted
_SUMS = """
select array[{keys}]::text[] as keys, array[{sums}]::float8[] as sums, array[{was}]::float8[] as was
from {leads} where {where} group by {groups}"""

# Values of groups are sorted group by group: asked for in order, whole rows would be sorted by text first.
_TALLY = """
select g.keys, g.sums, array[{counts}]::float8[] as counts, array[{totals}]::float8[] as totals{windows}
from (select array[{keys}]::text[] as keys, array[{sums}]::float8[] as sums{values} from {leads} where {where}
    group by {groups}) g{sorted}"""
_SORTED = """
cross join lateral (select array_agg(v order by v) as v from unnest(g.t{n}) v) t{n}"""


def given(text: str, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The query, and its parameters."""
    names = list(dict.fromkeys(re.findall(r"\{(\w+)\}", text)))
    places = {name: f"${n}" for n, name in enumerate(names, 1)}
    return re.sub(r"\{(\w+)\}", lambda found: places[found[1]], text), [values[name] for name in names]


def leads(more: int) -> str:
    """With so many parameters of the question's own; the variant comes behind them."""
    return f"fact_leads($1, $2, $3, $4, $5, $6, $7, $8::uuid[], $9, $10, $11, ${12 + more}) m"


def conditions(values: Mapping[str, Any]) -> str:
    return " and ".join(text for name, text in CONDITIONS.items() if values[name] is not None) or "true"


def tally(question: Question, leads: str, where: str, wide: str | None, *, in_order: bool = False) -> str:
    """`wide`: how many values are kept on each side of a percentile, of `n` of them; None: all.

    `in_order`: the database takes the values of a group in their order without sorting whole rows.
    """
    times = list(enumerate(question.times.values()))
    # without groups Postgres sorts one column after the other, too
    order, arrange, sorted_ = (
        ("", _SORTED, "t{n}.v") if question.keys and not in_order else (" order by {v}", "", "g.t{n}")
    )
    windows = [
        f", figure_window({sorted_.format(n=n)}, {part}, ({re.sub('n', f'g.n{n}', wide or 'n')})::int) as w{n}_{at}"
        for n, _ in times
        for at, part in enumerate(PARTS if wide else PARTS[:1])
    ]
    values = [
        f", array_agg({v}{order.format(v=v)}) filter (where {v} is not null) as t{n}, count({v}) as n{n},"
        f" sum({v}) as s{n}"
        for n, v in times
    ]
    return _filled(
        _TALLY, question, leads, where, windows="".join(windows), values="".join(values),
        sorted="".join(arrange.replace("{n}", str(n)) for n, _ in times),
        counts=", ".join(f"g.n{n}" for n, _ in times), totals=", ".join(f"coalesce(g.s{n}, 0)" for n, _ in times),
    )  # fmt: skip


def judged(question: Question, leads: str, where: str) -> str:
    """`was`: by `{was_at}`, what `sums` are by `{at}`."""
    was = ", ".join(question.sums.values()).replace("{at}", "{was_at}")
    return _filled(_SUMS, question, leads, where, was=was)


def _filled(text: str, question: Question, leads: str, where: str, **more: str) -> str:
    keys = ", ".join(f"coalesce({key}, '')" for key in question.keys)
    parts = more | {
        "sums": ", ".join(question.sums.values()), "leads": f"{leads} {question.each}",
        "where": f"{question.where} and {where}",
        "keys": keys, "groups": keys or "()",
    }  # fmt: skip
    for name, part in parts.items():
        text = text.replace(f"{{{name}}}", part)
    return text


REPS = """
select r.id::text as rep_id, r.name, r.active, r.capacity,
    (select count(*) from lead o where o.owner_id = r.id and o.closed_at is null and o.program is null)::int as open_now
from rep r"""

SNAPSHOTS = """
select s.moment, s.number, count(*)::int as count,
    percentile_cont(0.5) within group (order by s.since_s) as median_since,
    avg(s.touches)::float8 as touches, avg(s.calls)::float8 as calls,
    count(*) filter (where s.assigned)::int as assigned,
    count(*) filter (where s.contacted)::int as contacted,
    count(*) filter (where s.logged)::int as logged,
    count(*) filter (where s.decided)::int as decided,
    count(*) filter (where s.handed_over)::int as handed_over
from {leads} join metric_snapshot s on s.lead_id = m.lead_id where s.at <= {at}
group by 1, 2 order by array_position(array['entry', 'after_contact', 'touch'], s.moment), 2"""

DUE = """
select greatest(-1, floor(extract(epoch from d.due_at - d.clock_offset - $1) / 3600))::int as slot, d.kind,
    count(*)::int as count
from metric_due d where d.due_at - d.clock_offset < $1 + $2 * interval '1 hour'
group by 1, 2 order by 1, 2"""
