-- migrate:up

-- What is measured, from the rows (docs/metrics.md says each exactly). Nothing here reads a clock: whoever asks says at
-- which instant. Subqueries stand in the lists of columns because one that nobody asks for costs nothing there.

-- Seconds from one instant to another; what was done before it could be due took no time. Null while it is not done.
create function metric_s(from_at timestamptz, to_at timestamptz) returns float8 language sql immutable parallel safe
return case when to_at >= from_at then extract(epoch from to_at - from_at)::float8 when to_at < from_at then 0 end;

-- One row for each lead that counts, with every instant and duration in both clocks.
create view metric_lead as
select l.id as lead_id, l.person_id, l.lead_type, l.intent, l.source, l.segment, l.country, l.region, l.plan_id,
    l.plan_version, l.plan_id || ':' || l.plan_version as plan, l.first_attempt_target as target,
    (select i.channel from inquiry i where i.lead_id = l.id and i.number = 1) as channel,
    case when l.open_at > l.created_at then 'outside' when l.open_at is not null then 'inside' end as cover,
    l.clock_offset_us * interval '1 microsecond' as clock_offset,
    l.owner_id, coalesce((select (s.data ->> 'rep_id')::uuid from story s
        where s.lead_id = l.id and s.kind in ('assigned', 'reassigned') and s.at <= coalesce(l.first_attempt_at, s.at)
        order by s.id desc limit 1), l.owner_id) as rep_id,
    l.created_at, l.open_at, l.acknowledged_at, l.assigned_at, l.accepted_at, l.earlier_attempt_at, l.first_attempt_at,
    l.first_contact_at,
    l.decided_at, l.closed_at, o.logged_at, o.judged_at, o.handed_over_at, o.booked_at, o.qualified_at, o.converted_at,
    l.stage, l.close_reason, f.tried_at,

    metric_s(l.created_at, l.acknowledged_at) as acknowledgement_s,
    l.acknowledged_at <= l.created_at + interval '30 seconds' as acknowledgement_in_time,
    case when l.acknowledged_at is not null or not exists (select from touch t
        where t.lead_id = l.id and t.purpose = 'acknowledgement' and t.state = 'skipped')
        then l.created_at + interval '30 seconds' end as acknowledgement_due,
    metric_s(greatest(l.open_at, l.created_at), l.assigned_at) as assignment_s,
    l.assigned_at <= l.assign_due as assignment_in_time,
    case when l.assigned_at is null and l.closed_at <= l.assign_due then null else l.assign_due end as assignment_due,
    metric_s(greatest(l.assigned_at, l.open_at), l.accepted_at) as acceptance_s,
    metric_s(l.created_at, f.tried_at) as first_attempt_s,
    case when f.tried_at is null then 'none' when f.tried_at <= l.created_at + interval '5 minutes' then '0-5'
        when f.tried_at <= l.created_at + interval '15 minutes' then '5-15'
        when f.tried_at <= l.created_at + interval '60 minutes' then '15-60' else '60+' end as response_bucket,
    case when l.lead_type = 'hot' and l.earlier_attempt_at is null
        then l.first_attempt_at <= l.created_at + interval '5 minutes' end as hot_in_time,
    case when l.lead_type <> 'hot' or l.earlier_attempt_at is not null
            or f.tried_at is null and l.closed_at <= l.created_at + interval '5 minutes'
        then null else l.created_at + interval '5 minutes' end as hot_due,
    metric_s(l.open_at, l.first_attempt_at) as first_attempt_open_s,
    l.first_attempt_at <= l.first_attempt_due as first_attempt_in_time,
    case when l.first_attempt_at is null and l.closed_at <= l.first_attempt_due then null
        else l.first_attempt_due end as first_attempt_judged,
    metric_s(l.created_at, l.first_contact_at) as first_contact_s,
    case when l.earlier_attempt_at is null then metric_s(l.open_at, l.first_contact_at) end as first_contact_open_s,
    case when o.judged_at >= l.first_contact_at then metric_s(l.first_contact_at, o.judged_at) end as qualification_s,
    case when l.close_reason is distinct from 'erased' or l.decided_at < l.closed_at
        then metric_s(l.created_at, l.decided_at) end as decision_s,
    metric_s(l.created_at, o.handed_over_at) as handling_s,
    metric_s(l.created_at, o.converted_at) as conversion_s,
    metric_s(l.created_at, case when l.stage = 'exhausted' then o.converted_at
        when l.close_reason is distinct from 'erased' then l.closed_at end) as cycle_s,
    case when o.converted_at is not null then metric_s((select max(w.at) from inquiry i
        join outcome w on w.lead_id = i.lead_id and w.outcome = 'converted' and w.at < o.converted_at
        where i.person_id = l.person_id and i.number = 1 and i.lead_id <> l.id), o.converted_at) end as repeat_cycle_s,
    metric_s((select greatest(s.at, l.open_at) from story s where s.lead_id = l.id
        and s.kind in ('assigned', 'reassigned') and s.at <= l.first_attempt_at order by s.id desc limit 1),
        l.first_attempt_at) as reaction_s
from lead l
cross join lateral (select min(w.at) as logged_at,
    min(w.at) filter (where w.outcome in ('qualified', 'unqualified', 'converted')) as judged_at,
    min(w.at) filter (where w.outcome in ('qualified', 'meeting_booked', 'converted')) as handed_over_at,
    min(w.at) filter (where w.outcome = 'meeting_booked') as booked_at,
    min(w.at) filter (where w.outcome in ('qualified', 'converted')) as qualified_at,
    min(w.at) filter (where w.outcome = 'converted') as converted_at
    from outcome w where w.lead_id = l.id) o
-- of a lead that got hotter, `first_attempt_at` is the first since then: `tried_at` is the first of all
cross join lateral (select coalesce(l.earlier_attempt_at, l.first_attempt_at) as tried_at) f
where l.source <> 'flow_check' and not (l.closed_at is not null and exists (select from outcome w
    where w.lead_id = l.id and w.outcome = 'unqualified' and w.reason in ('spam', 'test', 'duplicate')));

-- Those that came in a period and are asked for; null: any. `reps`: who had the lead, `unowned`: or nobody.
create function metric_leads(
    from_at timestamptz, to_at timestamptz, of_type text, of_source text, of_channel text, of_country text,
    of_region text, reps uuid[], unowned boolean, of_plan text, of_version int
) returns setof metric_lead language sql stable parallel safe as $$
    select m.* from metric_lead m
    where m.created_at >= from_at and m.created_at < to_at
        and (of_type is null or m.lead_type = of_type) and (of_source is null or m.source = of_source)
        and (of_channel is null or m.channel = of_channel) and (of_country is null or m.country = of_country)
        and (of_region is null or m.region = of_region)
        and (reps is null or m.rep_id = any(reps) or unowned and m.rep_id is null)
        and (of_plan is null or m.plan_id = of_plan) and (of_version is null or m.plan_version = of_version)
$$;

-- Every touch besides acknowledgements that reached somebody, and every call that a rep only logged. A logged result
-- belongs to the call of ours right before it; else it is a call of its own. Calls to us are no touches.
create view metric_touch as
select l.id as lead_id, t.*, case when t.is_call then t.calls end as call_number
from lead l cross join lateral (
    select k.id, k.at, k.channel, k.is_call, k.contact, row_number() over ever::int as number,
        (count(*) filter (where k.is_call) over ever)::int as calls
    from (
        select e.id, e.at, e.channel, e.channel = 'call' as is_call,
            coalesce(e.channel = 'call' and (e.result = 'connected'
                or lead(e.kind) over line = 'logged' and lead(e.result) over line = 'connected'
                or e.id = any(array_agg(e.touch_id) filter (where e.result = 'connected')
                    over (partition by e.channel = 'call'))), false) as contact,
            e.kind = 'touch' or e.kind = 'logged' and e.result not in ('failed', 'abandoned')
                and lag(e.kind) over line is distinct from 'touch' as counts
        from (
            select s.id, s.sent_at as at, s.channel, s.call_result as result, 'touch' as kind, null as touch_id
            from touch s where s.lead_id = l.id and s.purpose <> 'acknowledgement' and s.state = 'sent'
                and s.sent_at is not null and coalesce(s.call_result, '') not in ('failed', 'abandoned')
            union all
            select w.id::text, w.at, 'call', w.call_result, case when w.touch_id is null then 'logged' else 'named' end,
                w.touch_id
            from outcome w where w.lead_id = l.id and w.call_result is not null
                and not exists (select from inbound_call i where i.id = w.id)
        ) e
        -- of the same instant, the call comes before what was logged of it
        window line as (partition by e.channel = 'call' order by e.at, e.kind desc, e.id)
    ) k
    where k.counts window ever as (order by k.at, k.id)
) t;

-- How often each lead was tried: in its first 48 hours, and before it was given up.
create view metric_persistence as
select m.lead_id, m.created_at, m.created_at + interval '48 hours' as until_at, t.touches, t.calls, t.touches_48h,
    t.calls_48h,
    -- nobody had reached it by then, and it was still ours to reach
    not coalesce(least(m.first_contact_at, m.closed_at, r.at) <= m.created_at + interval '48 hours', false)
        as unreached_48h,
    m.closed_at is not null and m.first_contact_at is null and r.at is null
        and m.close_reason not in ('erased', 'opted_out')
        and not exists (select from outcome w where w.lead_id = m.lead_id and w.outcome is not null) as given_up
from metric_lead m
cross join lateral (select count(*)::int as touches, (count(*) filter (where x.is_call))::int as calls,
    (count(*) filter (where x.at <= m.created_at + interval '48 hours'))::int as touches_48h,
    (count(*) filter (where x.is_call and x.at <= m.created_at + interval '48 hours'))::int as calls_48h
    from metric_touch x where x.lead_id = m.lead_id) t
cross join lateral (select min(y.received_at) as at from reply y where y.lead_id = m.lead_id and not y.automatic) r;

-- Where each lead was, for how long. The four after the acknowledgement add up to the time to the first attempt.
-- `stage`: inbound, routing, qualification or conversion. Without an end a phase `lasts`, or the lead was closed in it.
create view metric_phase as
select m.lead_id, p.place, p.phase, p.stage, p.started_at, p.ended_at, metric_s(p.started_at, p.ended_at) as seconds,
    p.ended_at is null and m.closed_at is null as lasts
from metric_lead m
cross join lateral (select case when m.open_at is null then m.first_attempt_at
    else least(greatest(m.created_at, m.open_at), m.first_attempt_at) end as opened) e1
cross join lateral (select case when m.assigned_at is null then m.first_attempt_at
    else least(greatest(e1.opened, m.assigned_at), m.first_attempt_at) end as owned) e2
cross join lateral (select case when m.accepted_at is null then m.first_attempt_at
    else least(greatest(e2.owned, m.accepted_at), m.first_attempt_at) end as taken) e3
cross join lateral (values
    (1, 'acknowledgement', 'inbound', m.created_at, m.acknowledged_at),
    (2, 'closed_hours', 'routing', m.created_at, e1.opened),
    (3, 'assignment', 'routing', e1.opened, e2.owned),
    (4, 'acceptance', 'routing', e2.owned, e3.taken),
    (5, 'first_attempt', 'qualification', e3.taken, m.first_attempt_at),
    (6, 'contact', 'qualification', m.tried_at, m.first_contact_at),
    (7, 'decision', 'qualification', m.first_contact_at, m.judged_at),
    (8, 'sale', 'conversion', m.handed_over_at, m.converted_at)
) p (place, phase, stage, started_at, ended_at)
-- the instants of the way to the first attempt of all are not kept where the lead got hotter after it
where p.started_at is not null and (m.earlier_attempt_at is null or p.place not between 2 and 5);

create view metric_breach as
select b.lead_id, b.target, b.phase, b.owner_id, b.due_at, b.ended_at, metric_s(b.due_at, b.ended_at) as late_s
from breach b;

-- What kept touches from happening; a step that was put off ten times for one reason is one row.
create view metric_skip as
select l.id as lead_id, s.* from lead l cross join lateral (
    select t.step, t.channel, 'skipped' as kind, coalesce(t.reason, 'unknown') as reason,
        coalesce(t.settled_at, t.placed_at) as at
    from touch t where t.lead_id = l.id and t.state = 'skipped'
    union all
    select y.step, coalesce(y.data ->> 'channel', 'unknown'), 'deferred', coalesce(y.reason, 'unknown'), min(y.at)
    from story y where y.lead_id = l.id and y.kind = 'deferred' group by 1, 2, 4
) s;

-- Can the person be reached, and what was kept from being done twice? All null for who was erased.
create view metric_quality as
select l.id as lead_id, q.email_given, q.email_works, q.phone_given, q.phone_works,
    q.email_works or q.phone_works as valid,
    case when p.erased_wall is null then (select count(*)::int from inquiry i
        where i.lead_id = l.id and i.number > 1) end as joined,
    case when p.erased_wall is null then exists (select from inquiry i where i.person_id = l.person_id
        and i.lead_id <> l.id and i.submitted_at < l.created_at) end as known_person,
    case when p.erased_wall is null then p.possible_duplicate_of is not null end as possible_duplicate
from lead l join person p on p.id = l.person_id
left join lateral (select e.given as email_given, e.works as email_works, n.given as phone_given, n.works as phone_works
    from (select count(*) > 0 as given, coalesce(bool_or(bad_reason is null), false) as works
          from person_email where person_id = p.id) e,
        (select count(*) > 0 as given, coalesce(bool_or(bad_reason is null), false) as works
         from person_phone where person_id = p.id) n
) q on p.erased_wall is null;

-- The newest promise of each lead, and the first thing that happened after the inquiry that it answers.
create view metric_promise as
select m.lead_id, m.promised_at, s.at as done_at, s.at <= m.promised_at as kept,
    case when s.at is null and m.closed_at <= m.promised_at then null else m.promised_at end as due_at,
    metric_s(m.promised_at, s.at) as late_s
from (select l.id as lead_id, l.promised_at, l.first_contact_at, l.closed_at, (select max(i.submitted_at)
          from inquiry i where i.lead_id = l.id and i.submitted_at <= l.promised_at) as asked_at
      from lead l where l.promised_at is not null) m
cross join lateral (select least(min(t.at), case when m.first_contact_at >= m.asked_at then m.first_contact_at end)
    as at from metric_touch t where t.lead_id = m.lead_id and t.at >= m.asked_at) s;

-- What is to be done for open leads, and by when: business time of the lead.
create view metric_due as
select l.id as lead_id, l.clock_offset_us * interval '1 microsecond' as clock_offset, d.kind, d.due_at, l.owner_id,
    l.lead_type
from lead l cross join lateral (
    select 'touch' as kind, l.next_touch_at as due_at where l.next_touch_at is not null
    union all
    select 'first_attempt', l.first_attempt_due where l.first_attempt_at is null and l.plan_stopped is null
        and l.first_attempt_due is not null
    union all
    select 'reply', y.due_at from reply y
    where y.lead_id = l.id and not y.automatic and y.answered_at is null and y.due_at is not null
) d
where l.closed_at is null and l.source <> 'flow_check';

-- Where a lead stood at its entry, ten minutes after the first talk, and at each touch.
create view metric_snapshot as
select m.lead_id, s.moment, s.number, s.at, metric_s(m.created_at, s.at) as since_s, s.touches, s.calls,
    coalesce(m.acknowledged_at <= s.at, false) as acknowledged, coalesce(m.assigned_at <= s.at, false) as assigned,
    coalesce(m.accepted_at <= s.at, false) as accepted, coalesce(m.first_contact_at <= s.at, false) as contacted,
    coalesce(m.logged_at <= s.at, false) as logged, coalesce(m.judged_at <= s.at, false) as decided,
    coalesce(m.handed_over_at <= s.at, false) as handed_over
from metric_lead m cross join lateral (
    select 'entry' as moment, 0 as number, m.created_at as at, 0 as touches, 0 as calls
    union all
    select 'after_contact', 0, m.first_contact_at + interval '10 minutes', coalesce(max(t.number), 0),
        coalesce(max(t.calls), 0)
    from metric_touch t where t.lead_id = m.lead_id and t.at <= m.first_contact_at + interval '10 minutes'
    having m.first_contact_at is not null
    union all
    select 'touch', t.number, t.at, t.number, t.calls from metric_touch t where t.lead_id = m.lead_id
) s;

-- who had a lead, and which leads do not count: asked for every lead of a report
create index story_owner on story (lead_id, id) where kind in ('assigned', 'reassigned');
create index outcome_no_lead on outcome (lead_id)
    where outcome = 'unqualified' and reason in ('spam', 'test', 'duplicate');

-- migrate:down
drop index story_owner, outcome_no_lead;
drop view metric_snapshot, metric_due, metric_promise, metric_quality, metric_skip, metric_breach, metric_phase,
    metric_persistence, metric_touch;
drop function metric_leads;
drop view metric_lead;
drop function metric_s;
