"""The questions that reports ask of the views: fixed text, with the values as parameters.

$1 to $11 choose the leads, $12 is the instant at which the figures are taken, $13 the zone of the report.
"""

LEADS = "metric_leads($1, $2, $3, $4, $5, $6, $7, $8::uuid[], $9, $10, $11) m"
# a lead's own time at the instant of the figures: the wall's, but for leads of the demo
AT = "($12::timestamptz + m.clock_offset)"

SPREAD = """
count({v})::int as count, avg({v})::float8 as mean, percentile_cont(0.5) within group (order by {v}) as median,
percentile_cont(0.9) within group (order by {v}) as p90, percentile_cont(0.95) within group (order by {v}) as p95"""

# known: it has happened, or its time is up
JUDGED = """,
count(*) filter (where m.{in_time} is not null or m.{due} <= {at})::int as judged,
count(*) filter (where m.{in_time})::int as in_time"""

OUTCOMES = """
(sum(count(*)) over ())::int as of_all, count(m.acknowledged_at)::int as acknowledged,
count(m.assigned_at)::int as assigned, count(m.tried_at)::int as attempted,
count(m.first_contact_at)::int as contacted, count(m.booked_at)::int as booked,
count(m.qualified_at)::int as qualified, count(m.converted_at)::int as converted,
count(m.repeat_cycle_s)::int as repeated"""

# the columns above, by group
GROUPED = """
select array[{keys}]::text[] as keys, count(*)::int as leads, {columns}
from {leads}
-- every parameter has to be named, whatever the columns need
where {at} is not null and $13::text is not null
group by 1 order by {order}"""

# $14, $15: each rep's team, and the one of leads that nobody had
TEAM = "($15::text[])[array_position($14::uuid[], m.rep_id)]"

# an hour or a day of the report's zone; of the hour that a clock change repeats there are two
MOMENTS = {
    "hour": "to_char(date_trunc('hour', m.created_at, $13) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI\"Z\"')",
    "day": "to_char(m.created_at at time zone $13, 'YYYY-MM-DD')",
    "week": "to_char(m.created_at at time zone $13, 'IYYY-\"W\"IW')",
}

ATTEMPTS = """
select t.call_number as number, count(*)::int as attempts,
    count(*) filter (where t.contact)::int as contacts
from {leads} join metric_touch t on t.lead_id = m.lead_id
where t.is_call group by 1 order by 1"""

BUCKETS = """
select b.bucket, count(m.*)::int as leads, count(m.first_contact_at)::int as contacted,
    count(m.qualified_at)::int as qualified, count(m.converted_at)::int as converted
from (values (1, '0-5'), (2, '5-15'), (3, '15-60'), (4, '60+'), (5, 'none')) b (place, bucket)
left join (select m.response_bucket, m.first_contact_at, m.qualified_at, m.converted_at from {leads}
    where m.tried_at is not null or m.first_attempt_judged <= {at}) m
    on m.response_bucket = b.bucket
group by b.place, b.bucket order by b.place"""

PHASES = """
select p.phase, p.stage, count(p.seconds)::int as ended, coalesce(sum(p.seconds), 0) as total_s,
    avg(p.seconds) as mean, percentile_cont(0.5) within group (order by p.seconds) as median,
    percentile_cont(0.9) within group (order by p.seconds) as p90,
    percentile_cont(0.95) within group (order by p.seconds) as p95,
    count(*) filter (where p.lasts and p.started_at <= {at})::int as lasting,
    coalesce(sum(metric_s(p.started_at, {at})) filter (where p.lasts and p.started_at <= {at}), 0)
        as lasting_s,
    count(*) filter (where p.ended_at is null and not p.lasts)::int as closed
from {leads} join metric_phase p on p.lead_id = m.lead_id
group by p.place, p.phase, p.stage order by p.place"""

BREACHES = """
select b.target, b.phase, count(*)::int as missed,
    count(*) filter (where b.ended_at is null)::int as still_open,
    percentile_cont(0.5) within group (order by b.late_s) as median_late
from {leads} join metric_breach b on b.lead_id = m.lead_id
group by b.target, b.phase order by missed desc, b.target, b.phase"""

SKIPS = """
select s.kind, s.reason, s.channel, count(*)::int as touches, count(distinct m.lead_id)::int as leads
from {leads} join metric_skip s on s.lead_id = m.lead_id
group by 1, 2, 3 order by touches desc, 1, 2, 3"""

QUALITY = """
select count(*)::int as leads, count(q.valid)::int as known,
    count(*) filter (where q.valid)::int as valid,
    count(*) filter (where q.email_given)::int as email_given,
    count(*) filter (where q.email_works)::int as email_works,
    count(*) filter (where q.phone_given)::int as phone_given,
    count(*) filter (where q.phone_works)::int as phone_works,
    coalesce(sum(q.joined), 0)::int as joined,
    count(*) filter (where q.known_person)::int as known_people,
    count(*) filter (where q.possible_duplicate)::int as possible_duplicates
from {leads} join metric_quality q on q.lead_id = m.lead_id"""

REPS = """
select m.rep_id::text as rep_id, r.name, coalesce(r.active, false) as active, count(*)::int as leads,
    count(*) filter (where m.lead_type = 'hot')::int as hot,
    count(*) filter (where m.cover = 'outside')::int as outside,
    count(m.tried_at)::int as attempted, avg(m.v) as mean,
    percentile_cont(0.5) within group (order by m.v) as median,
    percentile_cont(0.9) within group (order by m.v) as p90,
    percentile_cont(0.95) within group (order by m.v) as p95,
    percentile_cont(0.5) within group (order by m.reaction_s) as reaction,
    count(*) filter (where m.timely is not null or m.first_attempt_judged <= {at})::int as judged,
    count(*) filter (where m.timely)::int as in_time, sum(m.touches)::int as touches,
    count(m.first_contact_at)::int as contacted, count(m.qualified_at)::int as qualified,
    count(m.converted_at)::int as converted,
    (select count(*) from lead o where o.owner_id = m.rep_id and o.closed_at is null)::int as open_now,
    r.capacity
from (select m.rep_id, m.lead_type, m.cover, m.tried_at, m.first_attempt_open_s as v,
              m.reaction_s, m.first_attempt_in_time as timely, m.first_attempt_judged, m.clock_offset,
              m.first_contact_at, m.qualified_at, m.converted_at,
              (select count(*) from metric_touch t where t.lead_id = m.lead_id) as touches
          -- kept apart, so that nothing of it is worked out again for each use
          from {leads} offset 0) m
left join rep r on r.id = m.rep_id
group by m.rep_id, r.name, r.active, r.capacity order by leads desc, r.name"""

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
from (select p.*, p.until_at <= {at} as old
          from {leads} join metric_persistence p on p.lead_id = m.lead_id) p"""

PROMISES = """
select count(*)::int as promised,
    count(*) filter (where p.kept is not null or p.due_at <= {at})::int as due,
    count(*) filter (where p.kept)::int as kept,
    count(*) filter (where p.kept is null and p.due_at > {at})::int as waiting,
    percentile_cont(0.5) within group (order by p.late_s) filter (where not p.kept) as median_late
from {leads} join metric_promise p on p.lead_id = m.lead_id"""

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
