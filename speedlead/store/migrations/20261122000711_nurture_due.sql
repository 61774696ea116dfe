-- migrate:up

-- Of whoever is in a program nobody has to do anything by an instant, so it is not among the work ahead (docs/nurture.md).
-- No fact of a lead reads it: nothing goes into lead_stale.
create or replace view metric_due as
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
where l.closed_at is null and l.source <> 'flow_check' and l.program is null;

-- migrate:down
create or replace view metric_due as
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
