-- migrate:up

-- What figures are compared before and after of, where no other table has it (docs/metrics.md). No names: codes alone.
create table house_change (
    id bigint generated always as identity primary key,
    at_wall timestamptz not null,
    -- routing: the file of rules; calendar: cover, holidays and duties; people: who of ours is there, and when
    kind text not null check (kind in ('routing', 'calendar', 'people')),
    what text not null check (what ~ '^[a-z_]{1,40}$'),
    -- so many people; 1 for a file
    many int not null check (many > 0),
    -- of the file as it is since then
    sha256 text,
    check ((sha256 is null) = (kind = 'people'))
);
create index house_change_at on house_change (at_wall);
create index house_change_file on house_change (kind, id) where sha256 is not null;

-- Everything that may change what comes of leads, with the instant from which it did.
create view metric_change as
-- plans: what people brought into use, and what came from a file; the first of a house changed nothing
select a.at_wall, 'plan' as kind, a.after ->> 'in_use' as what, 1 as many from audit a
where a.action in ('plan publish', 'plan use', 'experiment adopt') and a.after ->> 'in_use' is not null
    and a.before ->> 'in_use' is distinct from a.after ->> 'in_use'
union all
select p.published_wall, 'plan', p.id || ':' || p.version, 1 from plan p
where p.published_by is null and exists (select from plan o where o.published_wall < p.published_wall)
union all
select t.published_wall, case when t.channel = 'script' then 'script' else 'text' end,
    t.channel || '/' || t.id || '.' || t.language || ' v' || t.version, 1
from template_version t where exists (select from template_version o where (o.channel, o.id, o.language)
    = (t.channel, t.id, t.language) and o.version < t.version and o.published_wall < t.published_wall)
union all
-- a file that was never seen before says nothing about what was in force until then
select c.at_wall, c.kind, c.what, c.many from house_change c
where c.kind = 'people' or exists (select from house_change o where o.kind = c.kind and o.id < c.id)
union all
select s.at_wall, 'people', 'share', 1 from capacity_change s
union all
select b.starts_at, 'people', 'away', 1 from rep_busy b join rep r on r.id = b.rep_id
where r.active and not r.manager and b.source = 'time_off' and b.ends_at - b.starts_at >= interval '20 hours'
union all
select o.day::timestamp at time zone 'UTC', 'duty', 'stand_in', 1 from oncall_override o
union all
select a.at_wall, 'experiment', a.object || ' ' || replace(a.action, 'experiment ', ''), 1 from audit a
where a.action in ('experiment start', 'experiment stop', 'experiment share', 'experiment roll-out')
    and a.object is not null and a.status = 200;

-- A sale in the books: one row for each lead and currency that brought something. Refunds are taken off.
create view metric_deal as
select e.lead_id, l.person_id, e.currency, sum(e.amount) as revenue, min(e.booked_on) as booked_on
from ledger_entry e join lead l on l.id = e.lead_id where e.kind = 'revenue'
group by e.lead_id, l.person_id, e.currency having bool_or(e.amount > 0);

-- What a customer is worth: revenue less support cost of all leads of the person, one row for each currency. In the
-- first 90 and 365 days, from the first day on which something came in; support cost of before belongs to them.
create view metric_value as
select b.person_id, b.currency, b.first_on, sum(b.amount) as value,
    sum(b.amount) filter (where b.booked_on < b.first_on + 90) as value_90d,
    sum(b.amount) filter (where b.booked_on < b.first_on + 365) as value_365d
from (
    select l.person_id, e.currency, e.booked_on, case e.kind when 'revenue' then e.amount else -e.amount end as amount,
        min(e.booked_on) filter (where e.kind = 'revenue' and e.amount > 0)
            over (partition by l.person_id, e.currency) as first_on
    from ledger_entry e join lead l on l.id = e.lead_id where e.kind in ('revenue', 'support_cost')
) b
where b.first_on is not null group by b.person_id, b.currency, b.first_on;

-- migrate:down
drop view metric_value, metric_deal, metric_change;
drop table house_change;
