-- migrate:up

-- What goes on when the answer to an inquiry is over: a lead of its own, for which nobody waits (docs/nurture.md).
-- `follows`: the lead of the inquiry after which it began.
alter table lead
    add column program text check (program in ('nurture', 'customer')),
    add column follows uuid references lead,
    add constraint lead_program check ((program is null) = (follows is null));
create index lead_follows on lead (follows) where follows is not null;

-- Ticked: advertising may be sent by e-mail. An answer to an inquiry needs no tick.
alter table inquiry add column consent_marketing boolean not null default false;

-- Every sale to somebody who had bought before, whichever of their leads it was logged on. `number`: 2 for the second
-- sale; `since_s`: from the one before; `origin_id`: the lead of the inquiry behind it. What was logged in a nurture
-- program stands on that lead as well, and is counted there.
create view metric_repeat_conversion as
select w.id as outcome_id, w.lead_id, coalesce(l.follows, l.id) as origin_id, l.person_id, l.program, w.rep_id, w.at,
    b.at as before_at, metric_s(b.at, w.at) as since_s, b.sales + 1 as number
from lead l join outcome w on w.lead_id = l.id and w.outcome = 'converted'
cross join lateral (select max(v.at) as at, count(*)::int as sales from lead o
    join outcome v on v.lead_id = o.id and v.outcome = 'converted' and (v.at, v.id) < (w.at, w.id)
    where o.person_id = l.person_id and o.program is distinct from 'nurture') b
where b.at is not null and l.source <> 'flow_check' and l.program is distinct from 'nurture';

-- A program is no inquiry: it is in none of the figures about them, besides whatever else they leave out by now.
-- There is none yet, so no kept row is another one now: nothing goes into lead_stale.
do $$
declare
    before text := pg_get_viewdef('metric_lead'::regclass, true);
    after text := regexp_replace(before, 'WHERE (l\.source <> ''flow_check''::text)', 'WHERE l.program IS NULL AND \1');
begin
    if after = before then
        raise exception 'metric_lead: expected to find where it leaves out flow checks';
    end if;
    execute 'create or replace view metric_lead as ' || after;
end $$;

-- migrate:down
do $$ begin
    execute 'create or replace view metric_lead as '
        || replace(pg_get_viewdef('metric_lead'::regclass, true), 'l.program IS NULL AND ', '');
end $$;
drop view metric_repeat_conversion;
alter table inquiry drop column consent_marketing;
alter table lead drop column follows, drop column program;
