-- migrate:up

-- What happens to leads, told to other systems: signed webhooks (docs/webhooks.md).
create table hook_endpoint (
    id uuid primary key,
    name text not null unique,
    -- address and secrets, encrypted (speedlead/hooks/sealing.py)
    sealed text not null,
    events text[] not null,
    only_leads jsonb not null default '{}',
    include text[] not null default '{}',
    -- off: by hand; gone: it answered 410; dead: it failed for days
    state text not null default 'on' check (state in ('on', 'off', 'gone', 'dead')),
    state_wall timestamptz not null,
    -- since when nothing was taken, and how often in a row
    failing_since_wall timestamptz,
    failures_in_a_row int not null default 0,
    pause_until_wall timestamptz,
    taken_wall timestamptz,
    created_wall timestamptz not null
);

-- The outbox: written by the transaction of its cause. Ids and codes alone; what is told is read when it is sent.
create table hook_event (
    seq bigint generated always as identity primary key,
    id uuid not null unique default gen_random_uuid(),
    lead_id uuid not null references lead,
    type text not null,
    -- business time; null: the moment of writing, by the lead's own clock
    at timestamptz,
    -- what else is known stands there, and goes with it
    story_id bigint,
    data jsonb not null default '{}',
    created_wall timestamptz not null default clock_timestamp(),
    spread boolean not null default false
);
create index hook_event_new on hook_event (seq) where not spread;
create index hook_event_lead on hook_event (lead_id);
create index hook_event_created on hook_event (created_wall);

create table hook_delivery (
    endpoint_id uuid not null references hook_endpoint on delete cascade,
    seq bigint not null references hook_event on delete cascade,
    -- the event's: events of one lead go in the order of seq
    lead_id uuid not null references lead,
    state text not null default 'waiting' check (state in ('waiting', 'taken', 'given_up')),
    tries int not null default 0,
    -- null: not tried yet
    first_try_wall timestamptz,
    next_try_wall timestamptz,
    primary key (endpoint_id, seq)
);
create index hook_delivery_waiting on hook_delivery (endpoint_id, lead_id, seq) where state = 'waiting';
create index hook_delivery_seq on hook_delivery (seq);
create index hook_delivery_lead on hook_delivery (lead_id);

-- Every request that was made; one without seq was a test.
create table hook_try (
    id bigint generated always as identity primary key,
    endpoint_id uuid not null references hook_endpoint on delete cascade,
    seq bigint references hook_event on delete cascade,
    lead_id uuid references lead,
    event_id uuid not null,
    type text not null,
    at_wall timestamptz not null,
    ms int not null,
    status int,
    error text,
    excerpt text
);
create index hook_try_endpoint on hook_try (endpoint_id, id desc);
create index hook_try_seq on hook_try (seq);
create index hook_try_lead on hook_try (lead_id);
create index hook_try_at on hook_try (at_wall);

-- Which events a line of the story is (speedlead/hooks/events.py has them in words).
create function hook_types(kind text, data jsonb) returns text[] language sql immutable as $$
    select case kind
        when 'inquiry' then array[case when (data ->> 'number')::int = 1 then 'lead.created' else 'lead.inquiry' end]
        when 'reopened' then array['lead.created']
        when 'sent' then array[case data ->> 'purpose' when 'acknowledgement' then 'lead.acknowledged'
            else 'lead.attempted' end]
        when 'assigned' then array['lead.assigned']
        when 'reassigned' then array['lead.assigned']
        when 'escalated' then array['lead.assigned']
        when 'accepted' then array['lead.accepted']
        when 'reply' then case when coalesce((data ->> 'automatic')::boolean, false) then '{}'::text[]
            else array['lead.replied'] end
        when 'outcome' then array_remove(array['lead.outcome', case data ->> 'outcome'
            when 'meeting_booked' then 'lead.booked' when 'converted' then 'lead.converted' end], null)
        when 'breach' then array['lead.breach']
        when 'opt_out' then array['lead.opted_out']
        when 'closed' then array['lead.closed']
        else '{}'::text[] end
$$;

-- Nothing is kept while there is nobody to be told: an installation without webhooks pays next to nothing.
create function hook_from_story() returns trigger language plpgsql as $$
begin
    if exists (select from hook_endpoint) then
        insert into hook_event (lead_id, type, at, story_id)
        select new.lead_id, type, new.at, new.id
        from unnest(hook_types(new.kind, new.data)) with ordinality as t (type, n) order by n;
    end if;
    return null;
end $$;
create trigger hook_from_story after insert on story for each row
    when (new.kind in ('inquiry', 'reopened', 'sent', 'assigned', 'reassigned', 'escalated', 'accepted', 'reply',
        'outcome', 'breach', 'opt_out', 'closed'))
    execute function hook_from_story();

create function hook_from_stage() returns trigger language plpgsql as $$
begin
    if exists (select from hook_endpoint) then
        insert into hook_event (lead_id, type, data)
        values (new.id, 'lead.status_changed', jsonb_build_object('from', old.stage, 'to', new.stage));
    end if;
    return null;
end $$;
create trigger hook_from_stage after update of stage on lead for each row
    when (old.stage is distinct from new.stage) execute function hook_from_stage();

create function hook_from_contact() returns trigger language plpgsql as $$
begin
    if exists (select from hook_endpoint) then
        insert into hook_event (lead_id, type, at) values (new.id, 'lead.contacted', new.first_contact_at);
    end if;
    return null;
end $$;
create trigger hook_from_contact after update of first_contact_at on lead for each row
    when (old.first_contact_at is null and new.first_contact_at is not null) execute function hook_from_contact();

create function hook_from_erasure() returns trigger language plpgsql as $$
begin
    if exists (select from hook_endpoint) then
        insert into hook_event (lead_id, type) select id, 'lead.erased' from lead where person_id = new.id order by id;
    end if;
    return null;
end $$;
create trigger hook_from_erasure after update of erased_wall on person for each row
    when (old.erased_wall is null and new.erased_wall is not null) execute function hook_from_erasure();

-- migrate:down
drop trigger hook_from_story on story;
drop trigger hook_from_stage on lead;
drop trigger hook_from_contact on lead;
drop trigger hook_from_erasure on person;
drop function hook_from_story, hook_from_stage, hook_from_contact, hook_from_erasure, hook_types;
drop table hook_try, hook_delivery, hook_event, hook_endpoint;
