-- migrate:up

-- Three more panels read facts: missed targets, templates in use, and what leads say (speedlead/numbers/questions.py).
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
    (select l.variants from lead l where l.id = m.lead_id) as variants,
    b.breaches, x.texts, s.fast as said_fast, s.helpful as said_helpful, s.remarked as said_more
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
    from metric_phase x where x.lead_id = m.lead_id) h
-- [target, phase, still open, seconds late], once for each breach
cross join lateral (select jsonb_agg(jsonb_build_array(y.target, y.phase, y.ended_at is null, y.late_s)
        order by y.target, y.phase, y.due_at, y.ended_at) as breaches
    from metric_breach y where y.lead_id = m.lead_id) b
-- [channel, template or script and its version, touches that went out]
cross join lateral (select jsonb_agg(jsonb_build_array(z.channel, z.made_from, z.touches)
        order by z.channel, z.made_from) as texts
    from (select t.channel, t.made_from, count(*) as touches from metric_text t where t.lead_id = m.lead_id
        group by 1, 2) z) x
-- all three null: it said nothing
left join lateral (select * from metric_feedback f where f.lead_id = m.lead_id) s on true;

alter table lead_fact add column breaches jsonb, add column texts jsonb, add column said_fast boolean,
    add column said_helpful boolean, add column said_more boolean;
alter table lead_fact_was add column breaches jsonb, add column texts jsonb, add column said_fast boolean,
    add column said_helpful boolean, add column said_more boolean;
create trigger lead_fact after insert or update or delete on breach for each row execute function mark_lead();
create trigger lead_fact after insert or update or delete on feedback for each row execute function mark_lead();
insert into lead_stale (lead_id) select id from lead order by created_at;

-- What was counted of a long period, for all processes (speedlead/numbers/kept.py): sums, and times around percentiles, of
-- groups of leads. `question`: a hash of what was asked; `answer`: as speedlead/numbers/packed.py writes it. No record of
-- anything: whoever misses a row counts anew.
create table fact_count (
    question bytea not null,
    start_at timestamptz not null,
    end_at timestamptz not null,
    -- the instant of the figures
    counted_at timestamptz not null,
    snapshot pg_snapshot not null,
    answer bytea not null,
    primary key (question, start_at, end_at)
);

-- What was counted before something was taken out is good no more, and a small group's times are somebody's: it goes, too.
create or replace function raise_fact_floor() returns trigger language plpgsql as $$
begin
    insert into lead_fact_floor select w.xid from gone w order by w.xid desc limit 1;
    delete from fact_count c where not fact_good(c.snapshot);
    return null;
end $$;

-- migrate:down
create or replace function raise_fact_floor() returns trigger language plpgsql as $$
begin
    insert into lead_fact_floor select w.xid from gone w order by w.xid desc limit 1;
    return null;
end $$;
drop table fact_count;
drop trigger lead_fact on breach;
drop trigger lead_fact on feedback;
alter table lead_fact drop column breaches, drop column texts, drop column said_fast, drop column said_helpful,
    drop column said_more;
alter table lead_fact_was drop column breaches, drop column texts, drop column said_fast, drop column said_helpful,
    drop column said_more;
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
