-- migrate:up

-- Reports over many leads read one narrow row for each, `lead_fact`, instead of working all of it out from the events
-- every time. `fact_of_lead` says what that row is, from the views of docs/metrics.md; the table is that view, kept.
-- A change of anything that a fact depends on leaves a mark in `lead_stale`, by triggers, in its own transaction. Who
-- reads takes marked leads from the view, so figures are right at every instant; the chore `figures.rollup` writes
-- their rows anew and takes the marks away, so that they are quick, too.
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

create table lead_fact as select * from fact_of_lead with no data;
alter table lead_fact add primary key (lead_id), set (autovacuum_vacuum_scale_factor = 0.05);
create index lead_fact_created on lead_fact (created_at);

-- No key on the lead: who writes must never wait for who writes about the same lead.
create table lead_stale (
    id bigint generated always as identity primary key,
    lead_id uuid not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_analyze_threshold = 2000);

-- What the newest comparison of some rows with the view has found; one row.
create table lead_fact_check (
    one boolean primary key default true check (one),
    checked_wall timestamptz not null,
    leads int not null,
    differ int not null
);

-- Not in SQL, so that the view is planned once for a connection and not with every question; how many marks there are
-- is not known then, and a hash of few costs nothing.
create function stale_leads() returns setof uuid language plpgsql stable rows 1000 as $$
begin
    return query select distinct s.lead_id from lead_stale s;
end $$;

create function stale_facts(from_at timestamptz, to_at timestamptz) returns setof lead_fact
language plpgsql stable rows 100 as $$
begin
    if not exists (select from lead_stale) then
        return;  -- planning the view takes longer than most questions
    end if;
    return query select f.* from stale_leads() s (lead_id)
    join lead l on l.id = s.lead_id and l.created_at >= from_at and l.created_at < to_at
    -- one lead at a time, by its key
    cross join lateral (select * from fact_of_lead w where w.lead_id = l.id offset 0) f;
end $$;

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

-- ── marks ────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Any change of a row leaves one, also of a column that no view reads today. Marks are only ever added by who writes:
-- nobody waits for anybody because of them.

create function mark_lead() returns trigger language plpgsql as $$
begin
    insert into lead_stale (lead_id)
    select distinct x from unnest(array[old.lead_id, new.lead_id]) x where x is not null;
    return null;
end $$;

-- Repeat sales and known people look at other leads of the same person.
create function mark_the_lead() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and new.id = old.id and new.person_id = old.person_id then
        insert into lead_stale (lead_id) values (new.id);
    else
        insert into lead_stale (lead_id)
        select old.id where old.id is not null
        union select l.id from lead l where l.person_id in (old.person_id, new.person_id);
    end if;
    return null;
end $$;

create function mark_person() returns trigger language plpgsql as $$
begin
    insert into lead_stale (lead_id) select id from lead where person_id in (old.id, new.id);
    return null;
end $$;

create function mark_leads_of_person() returns trigger language plpgsql as $$
begin
    insert into lead_stale (lead_id) select id from lead where person_id in (old.person_id, new.person_id);
    return null;
end $$;

create function mark_inquiry() returns trigger language plpgsql as $$
begin
    insert into lead_stale (lead_id)
    select id from lead where id in (old.lead_id, new.lead_id)
    union select id from lead where person_id in (old.person_id, new.person_id);
    return null;
end $$;

create function mark_outcome() returns trigger language plpgsql as $$
begin
    insert into lead_stale (lead_id)
    select x from unnest(array[old.lead_id, new.lead_id]) x where x is not null
    union select l.id from inquiry i join lead l on l.person_id = i.person_id
        where i.lead_id in (old.lead_id, new.lead_id) and (old.outcome = 'converted' or new.outcome = 'converted');
    return null;
end $$;

-- A result that was logged of a call to us is no call of ours; the two have the same id.
create function mark_inbound() returns trigger language plpgsql as $$
begin
    insert into lead_stale (lead_id) select lead_id from outcome where id in (old.id, new.id);
    return null;
end $$;

create trigger lead_fact after insert or update or delete on lead for each row execute function mark_the_lead();
create trigger lead_fact after insert or update or delete on touch for each row execute function mark_lead();
create trigger lead_fact after insert or update or delete on reply for each row execute function mark_lead();
create trigger lead_fact after insert or update or delete on outcome for each row execute function mark_outcome();
create trigger lead_fact after insert or update or delete on inquiry for each row execute function mark_inquiry();
create trigger lead_fact after insert or update of id or delete on inbound_call for each row
execute function mark_inbound();
-- there is no lead of a new person yet
create trigger lead_fact after update on person for each row execute function mark_person();
create trigger lead_fact after insert or update or delete on person_email for each row
execute function mark_leads_of_person();
create trigger lead_fact after insert or update or delete on person_phone for each row
execute function mark_leads_of_person();
-- most lines of a story say what a row of another table says, too
create trigger lead_fact after insert on story for each row
when (new.kind in ('assigned', 'reassigned', 'deferred')) execute function mark_lead();
create trigger lead_fact_changed after update on story for each row execute function mark_lead();
create trigger lead_fact_gone after delete on story for each row
when (old.kind in ('assigned', 'reassigned', 'deferred')) execute function mark_lead();

-- migrate:down
drop trigger lead_fact on lead;
drop trigger lead_fact on touch;
drop trigger lead_fact on reply;
drop trigger lead_fact on outcome;
drop trigger lead_fact on inquiry;
drop trigger lead_fact on inbound_call;
drop trigger lead_fact on person;
drop trigger lead_fact on person_email;
drop trigger lead_fact on person_phone;
drop trigger lead_fact on story;
drop trigger lead_fact_changed on story;
drop trigger lead_fact_gone on story;
drop function fact_leads, stale_facts, stale_leads, mark_lead, mark_the_lead, mark_person, mark_leads_of_person,
    mark_inquiry, mark_outcome, mark_inbound;
drop table lead_fact_check, lead_stale, lead_fact;
drop view fact_of_lead;
