-- migrate:up

-- As before, with the rules of lanes (docs/enrichment.md) as changes of ours.
create or replace view metric_change as
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
    and a.object is not null and a.status = 200
union all
-- rules of lanes: every version that came into use after another one
select u.used_wall, 'lanes', 'v' || u.version, 1 from lane_rules u
where exists (select from lane_rules o where o.used_wall < u.used_wall);

-- migrate:down
create or replace view metric_change as
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
