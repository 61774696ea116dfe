-- migrate:up

-- By variant, too: what a lead takes part in (docs/experiments.md). Rows that are there are right with none, but for those
-- leads that take part in something.
create or replace view fact_of_lead as
select m.lead_id, m.rep_id, m.created_at, m.clock_offset, m.lead_type, m.intent, m.source, m.segment, m.channel,
    m.country, m.region, m.plan_id, m.plan_version, m.plan, m.target, m.cover, m.closed_at is null as is_open,
    m.acknowledgement_s, m.assignment_s, m.acceptance_s, m.first_attempt_s, m.first_attempt_open_s, m.first_contact_s,
    m.first_contact_open_s, m.qualification_s, m.decision_s, m.handling_s, m.conversion_s, m.cycle_s, m.repeat_cycle_s,
    m.reaction_s, m.acknowledgement_in_time, m.acknowledgement_due, m.assignment_in_time, m.assignment_due,
    m.hot_in_time, m.hot_due, m.first_attempt_in_time, m.first_attempt_judged, m.response_bucket,
    m.booked_at is not null as booked, m.qualified_at is not null as qualified,
    p.touches, p.calls, p.touches_48h, p.calls_48h, p.unreached_48h, p.given_up, c.call_contacts, k.skips,
    r.promised_at is not null as promised, r.kept, r.due_at as promise_due, r.late_s,
    q.email_given, q.email_works, q.phone_given, q.phone_works, q.valid, q.joined, q.known_person, q.possible_duplicate,
    -- the phases, in their order: how long each took, or since when it lasts or lasted until the lead was closed
    h.closed_hours_s, h.owner_s, h.taking_s, h.trying_s, h.contact_s, h.judging_s, h.sale_s,
    h.acknowledgement_from, h.closed_hours_from, h.owner_from, h.taking_from, h.trying_from, h.contact_from,
    h.judging_from, h.sale_from,
    (select l.variants from lead l where l.id = m.lead_id) as variants
from metric_lead m
cross join lateral (select * from metric_persistence p where p.lead_id = m.lead_id) p
cross join lateral (select * from metric_quality q where q.lead_id = m.lead_id) q
left join lateral (select * from metric_promise r where r.lead_id = m.lead_id) r on true
-- of each call attempt, in their order: was the lead spoken to?
cross join lateral (select array_agg(t.contact order by t.number) filter (where t.is_call) as call_contacts
    from metric_touch t where t.lead_id = m.lead_id) c
-- [kind, reason, channel, touches], once for each of the three
cross join lateral (select jsonb_agg(jsonb_build_array(s.kind, s.reason, s.channel, s.touches)
        order by s.kind, s.reason, s.channel) as skips
    from (select kind, reason, channel, count(*) as touches from metric_skip x where x.lead_id = m.lead_id
        group by 1, 2, 3) s) k
cross join lateral (select
        max(x.seconds) filter (where x.place = 2) as closed_hours_s, max(x.seconds) filter (where x.place = 3) as owner_s,
        max(x.seconds) filter (where x.place = 4) as taking_s, max(x.seconds) filter (where x.place = 5) as trying_s,
        max(x.seconds) filter (where x.place = 6) as contact_s, max(x.seconds) filter (where x.place = 7) as judging_s,
        max(x.seconds) filter (where x.place = 8) as sale_s,
        max(x.started_at) filter (where x.place = 1 and x.ended_at is null) as acknowledgement_from,
        max(x.started_at) filter (where x.place = 2 and x.ended_at is null) as closed_hours_from,
        max(x.started_at) filter (where x.place = 3 and x.ended_at is null) as owner_from,
        max(x.started_at) filter (where x.place = 4 and x.ended_at is null) as taking_from,
        max(x.started_at) filter (where x.place = 5 and x.ended_at is null) as trying_from,
        max(x.started_at) filter (where x.place = 6 and x.ended_at is null) as contact_from,
        max(x.started_at) filter (where x.place = 7 and x.ended_at is null) as judging_from,
        max(x.started_at) filter (where x.place = 8 and x.ended_at is null) as sale_from
    from metric_phase x where x.lead_id = m.lead_id) h;

alter table lead_fact add column variants text[] not null default '{}';
insert into lead_stale (lead_id) select id from lead where variants <> '{}' order by created_at;

drop function fact_leads;
-- Those that came in a period and are asked for; null: any. `reps`: who had the lead, `unowned`: or nobody.
create function fact_leads(
    from_at timestamptz, to_at timestamptz, of_type text, of_source text, of_channel text, of_country text,
    of_region text, reps uuid[], unowned boolean, of_plan text, of_version int, of_variant text default null
) returns setof lead_fact language sql stable as $$
    select f.* from (
        select x.* from lead_fact x where x.created_at >= from_at and x.created_at < to_at
            and x.lead_id not in (select s.lead_id from stale_leads() s (lead_id))
        union all
        select v.* from stale_facts(from_at, to_at) v
    ) f
    where (of_type is null or f.lead_type = of_type) and (of_source is null or f.source = of_source)
        and (of_channel is null or f.channel = of_channel) and (of_country is null or f.country = of_country)
        and (of_region is null or f.region = of_region)
        and (reps is null or f.rep_id = any(reps) or unowned and f.rep_id is null)
        and (of_plan is null or f.plan_id = of_plan) and (of_version is null or f.plan_version = of_version)
        and (of_variant is null or f.variants @> array[of_variant])
$$;

-- ── what has changed ─────────────────────────────────────────────────────────────────────────────────────────────────
-- A long period is counted once, and afterwards only what has changed since (speedlead/numbers/kept.py). So for a while it
-- is known what a fact was before: `lead_fact_was` has each row that went, by the transaction that took it away; of a
-- lead that had none there is its id alone. Who counted with a snapshot finds there whatever that snapshot did not see.
create table lead_fact_was (
    place bigint generated by default as identity primary key,
    xid xid8 not null default pg_current_xact_id(),
    like lead_fact including defaults
);
create index lead_fact_was_xid on lead_fact_was (xid);
create index lead_fact_was_lead on lead_fact_was (lead_id);

-- Of rows that were taken out here, the newest: what was counted before is not good any more.
create table lead_fact_floor (xid xid8 not null);

create function keep_facts() returns trigger language plpgsql as $$
begin
    insert into lead_fact_was
    select nextval(pg_get_serial_sequence('lead_fact_was', 'place')), pg_current_xact_id(), o.* from gone o;
    return null;
end $$;
create trigger lead_fact_gone after delete on lead_fact referencing old table as gone
for each statement execute function keep_facts();
create trigger lead_fact_changed after update on lead_fact referencing old table as gone
for each statement execute function keep_facts();

create function keep_new_facts() returns trigger language plpgsql as $$
begin
    insert into lead_fact_was (lead_id) select n.lead_id from came n
    where not exists (select from lead_fact_was w where w.lead_id = n.lead_id and w.xid = pg_current_xact_id());
    return null;
end $$;
create trigger lead_fact_came after insert on lead_fact referencing new table as came
for each statement execute function keep_new_facts();

create function raise_fact_floor() returns trigger language plpgsql as $$
begin
    insert into lead_fact_floor select w.xid from gone w order by w.xid desc limit 1;
    return null;
end $$;
create trigger lead_fact_floor after delete on lead_fact_was referencing old table as gone
for each statement execute function raise_fact_floor();

create function fact_good(base pg_snapshot) returns boolean language sql stable
return not exists (select from lead_fact_floor f where f.xid >= pg_snapshot_xmin(base));

-- A fact says the same at any later instant when its lead is closed and this and 48 hours after its inquiry are over.
create function fact_settles(
    is_open boolean, clock_offset interval, created_at timestamptz, acknowledgement_due timestamptz,
    assignment_due timestamptz, hot_due timestamptz, first_attempt_judged timestamptz, promise_due timestamptz
) returns timestamptz language sql immutable parallel safe
return case when is_open or clock_offset <> interval '0' then timestamptz 'infinity'
    else greatest(created_at, acknowledgement_due, assignment_due, hot_due, first_attempt_judged, promise_due) end;

create index lead_fact_settles on lead_fact (fact_settles(is_open, clock_offset, created_at, acknowledgement_due,
    assignment_due, hot_due, first_attempt_judged, promise_due));

-- Leads whose rows went or came since.
create function facts_changed(base pg_snapshot) returns setof uuid language plpgsql stable rows 1000 as $$
begin
    return query select distinct w.lead_id from lead_fact_was w
        where w.xid >= pg_snapshot_xmin(base) and not pg_visible_in_snapshot(w.xid, base);
end $$;

-- What was counted then, of leads that came in [was_from, was_to), and is to be taken off now, for [from_at, to_at).
create function facts_off(
    base pg_snapshot, was_from timestamptz, was_to timestamptz, from_at timestamptz, to_at timestamptz
) returns setof lead_fact_was language plpgsql stable rows 1000 as $$
begin
    return query
    select w.* from (
        select distinct on (c.lead_id) c.* from lead_fact_was c
        where c.xid >= pg_snapshot_xmin(base) and not pg_visible_in_snapshot(c.xid, base) order by c.lead_id, c.place
    ) w where w.created_at >= was_from and w.created_at < was_to
    union all
    select 0::bigint, null::xid8, k.* from lead_fact k
    where k.lead_id in (select s.lead_id from stale_leads() s (lead_id)
            except select c.lead_id from facts_changed(base) c (lead_id))
        and k.created_at >= was_from and k.created_at < was_to
    union all
    select 0::bigint, null::xid8, k.* from lead_fact k
    where (k.created_at >= was_from and k.created_at < least(was_to, from_at)
            or k.created_at >= greatest(was_from, to_at) and k.created_at < was_to)
        and k.lead_id not in (select s.lead_id from stale_leads() s (lead_id)
            union all select c.lead_id from facts_changed(base) c (lead_id));
end $$;

-- And what is to be added.
create function facts_on(
    base pg_snapshot, was_from timestamptz, was_to timestamptz, from_at timestamptz, to_at timestamptz
) returns setof lead_fact language plpgsql stable rows 1000 as $$
begin
    return query
    select k.* from lead_fact k
    where k.lead_id in (select c.lead_id from facts_changed(base) c (lead_id)
            except select s.lead_id from stale_leads() s (lead_id))
        and k.created_at >= from_at and k.created_at < to_at
    union all
    select v.* from stale_facts(from_at, to_at) v
    union all
    select k.* from lead_fact k
    where (k.created_at >= from_at and k.created_at < least(to_at, was_from)
            or k.created_at >= greatest(from_at, was_to) and k.created_at < to_at)
        and k.lead_id not in (select s.lead_id from stale_leads() s (lead_id)
            union all select c.lead_id from facts_changed(base) c (lead_id));
end $$;

-- What stayed as it was, and may be judged otherwise than at `counted_at`.
create function facts_in_time(
    base pg_snapshot, counted_at timestamptz, from_at timestamptz, to_at timestamptz
) returns setof lead_fact language sql stable as $$
    select k.* from lead_fact k
    where k.created_at >= from_at and k.created_at < to_at
        and (k.created_at > counted_at - interval '48 hours'
            or fact_settles(k.is_open, k.clock_offset, k.created_at, k.acknowledgement_due, k.assignment_due, k.hot_due,
                k.first_attempt_judged, k.promise_due) > counted_at)
        and k.lead_id not in (select s.lead_id from stale_leads() s (lead_id)
            union all select c.lead_id from facts_changed(base) c (lead_id))
$$;

-- Of sorted values: those at the `part` of them, and so many on each side. Before them stand how many come before the
-- first, how many are smaller than it, and how many are not larger than the last.
create function figure_window(sorted float8[], part float8, wide int) returns float8[] language sql immutable as $$
    select array[w.first - 1, array_position(sorted, sorted[w.first]) - 1, width_bucket(sorted[w.last], sorted)]::float8[]
        || sorted[w.first:w.last]
    from (select greatest(1, floor(part * (n - 1))::int + 1 - wide) as first,
            least(n, ceil(part * (n - 1))::int + 1 + wide) as last
        from (select cardinality(sorted) as n) c) w
$$;

-- migrate:down
drop trigger lead_fact_gone on lead_fact;
drop trigger lead_fact_changed on lead_fact;
drop trigger lead_fact_came on lead_fact;
drop function figure_window, facts_in_time, facts_on, facts_off, facts_changed, fact_good;
drop table lead_fact_was, lead_fact_floor;
drop function keep_facts, keep_new_facts, raise_fact_floor;
drop index lead_fact_settles;
drop function fact_settles;
drop function fact_leads;
-- Those that came in a period and are asked for; null: any. `reps`: who had the lead, `unowned`: or nobody.
create function fact_leads(
    from_at timestamptz, to_at timestamptz, of_type text, of_source text, of_channel text, of_country text,
    of_region text, reps uuid[], unowned boolean, of_plan text, of_version int
) returns setof lead_fact language sql stable as $$
    select f.* from (
        select x.* from lead_fact x where x.created_at >= from_at and x.created_at < to_at
            and x.lead_id not in (select s.lead_id from stale_leads() s (lead_id))
        union all
        select v.* from stale_facts(from_at, to_at) v
    ) f
    where (of_type is null or f.lead_type = of_type) and (of_source is null or f.source = of_source)
        and (of_channel is null or f.channel = of_channel) and (of_country is null or f.country = of_country)
        and (of_region is null or f.region = of_region)
        and (reps is null or f.rep_id = any(reps) or unowned and f.rep_id is null)
        and (of_plan is null or f.plan_id = of_plan) and (of_version is null or f.plan_version = of_version)
$$;
alter table lead_fact drop column variants;
drop view fact_of_lead;
create view fact_of_lead as
select m.lead_id, m.rep_id, m.created_at, m.clock_offset, m.lead_type, m.intent, m.source, m.segment, m.channel,
    m.country, m.region, m.plan_id, m.plan_version, m.plan, m.target, m.cover, m.closed_at is null as is_open,
    m.acknowledgement_s, m.assignment_s, m.acceptance_s, m.first_attempt_s, m.first_attempt_open_s, m.first_contact_s,
    m.first_contact_open_s, m.qualification_s, m.decision_s, m.handling_s, m.conversion_s, m.cycle_s, m.repeat_cycle_s,
    m.reaction_s, m.acknowledgement_in_time, m.acknowledgement_due, m.assignment_in_time, m.assignment_due,
    m.hot_in_time, m.hot_due, m.first_attempt_in_time, m.first_attempt_judged, m.response_bucket,
    m.booked_at is not null as booked, m.qualified_at is not null as qualified,
    p.touches, p.calls, p.touches_48h, p.calls_48h, p.unreached_48h, p.given_up, c.call_contacts, k.skips,
    r.promised_at is not null as promised, r.kept, r.due_at as promise_due, r.late_s,
    q.email_given, q.email_works, q.phone_given, q.phone_works, q.valid, q.joined, q.known_person, q.possible_duplicate,
    -- the phases, in their order: how long each took, or since when it lasts or lasted until the lead was closed
    h.closed_hours_s, h.owner_s, h.taking_s, h.trying_s, h.contact_s, h.judging_s, h.sale_s,
    h.acknowledgement_from, h.closed_hours_from, h.owner_from, h.taking_from, h.trying_from, h.contact_from,
    h.judging_from, h.sale_from
from metric_lead m
cross join lateral (select * from metric_persistence p where p.lead_id = m.lead_id) p
cross join lateral (select * from metric_quality q where q.lead_id = m.lead_id) q
left join lateral (select * from metric_promise r where r.lead_id = m.lead_id) r on true
-- of each call attempt, in their order: was the lead spoken to?
cross join lateral (select array_agg(t.contact order by t.number) filter (where t.is_call) as call_contacts
    from metric_touch t where t.lead_id = m.lead_id) c
-- [kind, reason, channel, touches], once for each of the three
cross join lateral (select jsonb_agg(jsonb_build_array(s.kind, s.reason, s.channel, s.touches)
        order by s.kind, s.reason, s.channel) as skips
    from (select kind, reason, channel, count(*) as touches from metric_skip x where x.lead_id = m.lead_id
        group by 1, 2, 3) s) k
cross join lateral (select
        max(x.seconds) filter (where x.place = 2) as closed_hours_s, max(x.seconds) filter (where x.place = 3) as owner_s,
        max(x.seconds) filter (where x.place = 4) as taking_s, max(x.seconds) filter (where x.place = 5) as trying_s,
        max(x.seconds) filter (where x.place = 6) as contact_s, max(x.seconds) filter (where x.place = 7) as judging_s,
        max(x.seconds) filter (where x.place = 8) as sale_s,
        max(x.started_at) filter (where x.place = 1 and x.ended_at is null) as acknowledgement_from,
        max(x.started_at) filter (where x.place = 2 and x.ended_at is null) as closed_hours_from,
        max(x.started_at) filter (where x.place = 3 and x.ended_at is null) as owner_from,
        max(x.started_at) filter (where x.place = 4 and x.ended_at is null) as taking_from,
        max(x.started_at) filter (where x.place = 5 and x.ended_at is null) as trying_from,
        max(x.started_at) filter (where x.place = 6 and x.ended_at is null) as contact_from,
        max(x.started_at) filter (where x.place = 7 and x.ended_at is null) as judging_from,
        max(x.started_at) filter (where x.place = 8 and x.ended_at is null) as sale_from
    from metric_phase x where x.lead_id = m.lead_id) h;
