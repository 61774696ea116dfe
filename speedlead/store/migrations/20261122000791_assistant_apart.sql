-- migrate:up

-- What the plan or a person of ours sends is an attempt to reach somebody. An acknowledgement, what is said about a meeting
-- and what the assistant answers are none.
create or replace view metric_touch as
select l.id as lead_id, t.*, case when t.is_call then t.calls end as call_number
from lead l cross join lateral (
    select k.id, k.at, k.channel, k.is_call, k.contact, row_number() over ever::int as number,
        (count(*) filter (where k.is_call) over ever)::int as calls
    from (
        select e.id, e.at, e.channel, e.channel = 'call' as is_call,
            coalesce(e.channel = 'call' and (e.result = 'connected'
                or e.kind = 'touch' and lead(e.kind) over line = 'logged' and lead(e.result) over line = 'connected'
                or e.id = any(array_agg(e.touch_id) filter (where e.result = 'connected')
                    over (partition by e.channel = 'call'))), false) as contact,
            e.kind = 'touch' or e.kind = 'logged' and e.result not in ('failed', 'abandoned')
                and lag(e.kind) over line is distinct from 'touch' as counts
        from (
            select s.id, s.sent_at as at, s.channel, s.call_result as result, 'touch' as kind, null as touch_id
            from touch s where s.lead_id = l.id and s.purpose in ('plan', 'manual') and s.state = 'sent'
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

drop index touch_attempt;
create index touch_attempt on touch (lead_id) include (sent_at, channel, call_result, id)
    where state = 'sent' and purpose in ('plan', 'manual');

insert into lead_stale (lead_id) select id from lead order by created_at;

-- migrate:down

create or replace view metric_touch as
select l.id as lead_id, t.*, case when t.is_call then t.calls end as call_number
from lead l cross join lateral (
    select k.id, k.at, k.channel, k.is_call, k.contact, row_number() over ever::int as number,
        (count(*) filter (where k.is_call) over ever)::int as calls
    from (
        select e.id, e.at, e.channel, e.channel = 'call' as is_call,
            coalesce(e.channel = 'call' and (e.result = 'connected'
                or e.kind = 'touch' and lead(e.kind) over line = 'logged' and lead(e.result) over line = 'connected'
                or e.id = any(array_agg(e.touch_id) filter (where e.result = 'connected')
                    over (partition by e.channel = 'call'))), false) as contact,
            e.kind = 'touch' or e.kind = 'logged' and e.result not in ('failed', 'abandoned')
                and lag(e.kind) over line is distinct from 'touch' as counts
        from (
            select s.id, s.sent_at as at, s.channel, s.call_result as result, 'touch' as kind, null as touch_id
            from touch s where s.lead_id = l.id and s.purpose not in ('acknowledgement', 'meeting') and s.state = 'sent'
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

drop index touch_attempt;
create index touch_attempt on touch (lead_id) include (sent_at, channel, call_result, id)
    where state = 'sent' and purpose not in ('acknowledgement', 'meeting');

insert into lead_stale (lead_id) select id from lead order by created_at;
