"""The questions that reports ask of facts, one row for each lead: fixed text, with the values as parameters.

What a fact is stands in the view `fact_of_lead` (migration …410_lead_fact.sql). Leads with the same array are counted
first, and the arrays are taken apart then. $1 to $11 choose the leads, $12 is the instant at which the figures are
taken, $13 the zone of the report.
"""

LEADS = "fact_leads($1, $2, $3, $4, $5, $6, $7, $8::uuid[], $9, $10, $11) m"
# a lead's own time at the instant of the figures: the wall's, but for leads of the demo
AT = "($12::timestamptz + m.clock_offset)"

# of the nth time that is asked for
SPREAD = """,
count({v})::int as count_{n}, avg({v})::float8 as mean_{n},
percentile_cont(array[0.5, 0.9, 0.95]) within group (order by {v}) as parts_{n}"""

# known: it has happened, or its time is up
JUDGED = """,
(count(*) filter (where m.{in_time} is not null or m.{due} <= {at}))::int as judged_{n},
(count(*) filter (where m.{in_time}))::int as in_time_{n}"""

OUTCOMES = """
(sum(count(*)) over ())::int as of_all, count(m.acknowledgement_s)::int as acknowledged,
count(m.assignment_s)::int as assigned, count(m.first_attempt_s)::int as attempted,
count(m.first_contact_s)::int as contacted, (count(*) filter (where m.booked))::int as booked,
(count(*) filter (where m.qualified))::int as qualified, count(m.conversion_s)::int as converted,
count(m.repeat_cycle_s)::int as repeated"""

# the columns above, by group
GROUPED = """
select array[{keys}]::text[] as keys, count(*)::int as leads, {columns}
from {leads}
-- every parameter has to be named, whatever the columns need
where $12::timestamptz is not null and $13::text is not null
group by {groups} order by {order}"""

# $14, $15: each rep's team, and the one of leads that nobody had
TEAM = "($15::text[])[array_position($14::uuid[], m.rep_id)]"

# an hour or a day of the report's zone; of the hour that a clock change repeats there are two
MOMENTS = {
    "hour": "to_char(date_trunc('hour', m.created_at, $13) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI\"Z\"')",
    "day": "to_char(m.created_at at time zone $13, 'YYYY-MM-DD')",
    "week": "to_char(m.created_at at time zone $13, 'IYYY-\"W\"IW')",
}

ATTEMPTS = """
select c.number::int as number, sum(p.leads)::int as attempts,
    coalesce(sum(p.leads) filter (where c.contact), 0)::int as contacts
from (select m.call_contacts, count(*) as leads from {leads} where m.call_contacts is not null group by 1) p
cross join lateral unnest(p.call_contacts) with ordinality c (contact, number)
group by 1 order by 1"""

BUCKETS = """
select b.bucket, coalesce(m.leads, 0) as leads, coalesce(m.contacted, 0) as contacted,
    coalesce(m.qualified, 0) as qualified, coalesce(m.converted, 0) as converted
from (values (1, '0-5'), (2, '5-15'), (3, '15-60'), (4, '60+'), (5, 'none')) b (place, bucket)
left join (select m.response_bucket, count(*)::int as leads, count(m.first_contact_s)::int as contacted,
        (count(*) filter (where m.qualified))::int as qualified, count(m.conversion_s)::int as converted
    from {leads} where m.first_attempt_s is not null or m.first_attempt_judged <= {at} group by 1) m
    on m.response_bucket = b.bucket
order by b.place"""

# phase, stage, and the columns of a fact without their `_s` and `_from`
_PHASES = (
    ("acknowledgement", "inbound", "acknowledgement"), ("closed_hours", "routing", "closed_hours"),
    ("assignment", "routing", "owner"), ("acceptance", "routing", "taking"),
    ("first_attempt", "qualification", "trying"), ("contact", "qualification", "contact"),
    ("decision", "qualification", "judging"), ("sale", "conversion", "sale"),
)  # fmt: skip
_PHASE = """
count(m.{n}_s)::int as {n}_ended, coalesce(sum(m.{n}_s), 0) as {n}_total, avg(m.{n}_s) as {n}_mean,
percentile_cont(array[0.5, 0.9, 0.95]) within group (order by m.{n}_s) as {n}_parts,
count(*) filter (where m.is_open and m.{n}_from <= {{at}})::int as {n}_lasting,
coalesce(sum(metric_s(m.{n}_from, {{at}})) filter (where m.is_open and m.{n}_from <= {{at}}), 0) as {n}_lasting_s,
count(m.{n}_from) filter (where not m.is_open)::int as {n}_closed, count(m.{n}_from)::int as {n}_open"""
_PHASE_ROW = """('{phase}', '{stage}', a.{n}_ended, a.{n}_total, a.{n}_mean, a.{n}_parts, a.{n}_lasting,
    a.{n}_lasting_s, a.{n}_closed, a.{n}_open)"""
# all eight from one look at the facts
PHASES = f"""
select p.phase, p.stage, p.ended, p.total_s, p.mean, p.parts[1] as median, p.parts[2] as p90, p.parts[3] as p95,
    p.lasting, p.lasting_s, p.closed
from (select {",".join(_PHASE.format(n=n) for _, _, n in _PHASES)} from {{leads}}) a
cross join lateral (values {",".join(_PHASE_ROW.format(phase=phase, stage=stage, n=n) for phase, stage, n in _PHASES)})
    p (phase, stage, ended, total_s, mean, parts, lasting, lasting_s, closed, begun)
where p.ended + p.begun > 0"""  # noqa: S608 our own text

BREACHES = """
select b.target, b.phase, count(*)::int as missed,
    count(*) filter (where b.ended_at is null)::int as still_open,
    percentile_cont(0.5) within group (order by b.late_s) as median_late
from {leads} join metric_breach b on b.lead_id = m.lead_id
group by b.target, b.phase order by missed desc, b.target, b.phase"""

SKIPS = """
select s.skip ->> 0 as kind, s.skip ->> 1 as reason, s.skip ->> 2 as channel,
    sum((s.skip ->> 3)::int * p.leads)::int as touches, sum(p.leads)::int as leads
from (select m.skips, count(*) as leads from {leads} where m.skips is not null group by 1) p
cross join lateral jsonb_array_elements(p.skips) s (skip)
group by 1, 2, 3 order by touches desc, 1, 2, 3"""

QUALITY = """
select count(*)::int as leads, count(m.valid)::int as known, (count(*) filter (where m.valid))::int as valid,
    (count(*) filter (where m.email_given))::int as email_given,
    (count(*) filter (where m.email_works))::int as email_works,
    (count(*) filter (where m.phone_given))::int as phone_given,
    (count(*) filter (where m.phone_works))::int as phone_works, coalesce(sum(m.joined), 0)::int as joined,
    (count(*) filter (where m.known_person))::int as known_people,
    (count(*) filter (where m.possible_duplicate))::int as possible_duplicates
from {leads}"""

REPS = """
select m.rep_id::text as rep_id, r.name, coalesce(r.active, false) as active, m.leads, m.hot, m.outside, m.attempted,
    m.mean, m.median, m.p90, m.p95, m.reaction, m.judged, m.in_time, m.touches, m.contacted, m.qualified, m.converted,
    (select count(*) from lead o where o.owner_id = m.rep_id and o.closed_at is null)::int as open_now, r.capacity
from (select m.rep_id, count(*)::int as leads, (count(*) filter (where m.lead_type = 'hot'))::int as hot,
        (count(*) filter (where m.cover = 'outside'))::int as outside, count(m.first_attempt_s)::int as attempted,
        avg(m.first_attempt_open_s) as mean,
        percentile_cont(0.5) within group (order by m.first_attempt_open_s) as median,
        percentile_cont(0.9) within group (order by m.first_attempt_open_s) as p90,
        percentile_cont(0.95) within group (order by m.first_attempt_open_s) as p95,
        percentile_cont(0.5) within group (order by m.reaction_s) as reaction,
        (count(*) filter (where m.first_attempt_in_time is not null or m.first_attempt_judged <= {at}))::int as judged,
        (count(*) filter (where m.first_attempt_in_time))::int as in_time, sum(m.touches)::int as touches,
        count(m.first_contact_s)::int as contacted, (count(*) filter (where m.qualified))::int as qualified,
        count(m.conversion_s)::int as converted
    from {leads} group by 1) m
left join rep r on r.id = m.rep_id
order by leads desc, r.name"""

TOUCHES_48H = """
select count(*) filter (where old)::int as leads, avg(touches_48h) filter (where old)::float8 as touches,
    avg(calls_48h) filter (where old)::float8 as calls,
    count(*) filter (where old and unreached_48h)::int as unreached,
    avg(touches_48h) filter (where old and unreached_48h)::float8 as unreached_touches,
    avg(calls_48h) filter (where old and unreached_48h)::float8 as unreached_calls,
    count(*) filter (where old and unreached_48h and touches_48h >= 6)::int as enough,
    count(*) filter (where given_up)::int as given_up,
    avg(touches) filter (where given_up)::float8 as given_up_touches,
    avg(calls) filter (where given_up)::float8 as given_up_calls
from (select m.touches, m.calls, m.touches_48h, m.calls_48h, m.unreached_48h, m.given_up,
        m.created_at + interval '48 hours' <= {at} as old from {leads}) p"""

PROMISES = """
select (count(*) filter (where m.promised))::int as promised,
    (count(*) filter (where m.kept is not null or m.promise_due <= {at}))::int as due,
    (count(*) filter (where m.kept))::int as kept,
    (count(*) filter (where m.kept is null and m.promise_due > {at}))::int as waiting,
    percentile_cont(0.5) within group (order by m.late_s) filter (where not m.kept) as median_late
from {leads}"""

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
