-- migrate:up

-- The last instant to which the gate put a touch off. `next_at` forgets it when the touch goes out, and a story does not
-- last for ever: what was due later than at once must stay known.
alter table touch add column put_off_to timestamptz;
update touch t set put_off_to = coalesce(t.next_at, (select max((s.data ->> 'next_at')::timestamptz) from story s
        where s.lead_id = t.lead_id and s.kind = 'deferred' and s.step = t.step and s.reason <> 'not_confirmed'))
    where t.purpose = 'acknowledgement' and t.reason is distinct from 'not_confirmed';

-- An acknowledgement is due 30 seconds after it lawfully may go.
-- One row for each lead that counts, with every instant and duration in both clocks.
create or replace view metric_lead as
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
    l.acknowledged_at <= k.due_at as acknowledgement_in_time,
    case when l.acknowledged_at is not null or not exists (select from touch t
        where t.lead_id = l.id and t.purpose = 'acknowledgement' and t.state = 'skipped')
        then k.due_at end as acknowledgement_due,
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
-- of the first inquiry: `acknowledged_at` is the first acknowledgement of all
cross join lateral (select greatest(l.created_at, (select max(t.put_off_to) from touch t where t.lead_id = l.id
    and t.purpose = 'acknowledgement' and split_part(t.step, '-', 2) = '1')) + interval '30 seconds' as due_at) k
where l.source <> 'flow_check' and not (l.closed_at is not null and exists (select from outcome w
    where w.lead_id = l.id and w.outcome = 'unqualified' and w.reason in ('spam', 'test', 'duplicate')));

-- migrate:down
-- One row for each lead that counts, with every instant and duration in both clocks.
create or replace view metric_lead as
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
alter table touch drop column put_off_to;
