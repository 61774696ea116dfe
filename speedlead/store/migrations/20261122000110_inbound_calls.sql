-- migrate:up

-- A call to our number: who was rung for it, and how it ended. `number` is null where the caller hides it.
create table inbound_call (
    id uuid primary key,
    call_sid text not null unique,
    number text,
    lead_id uuid references lead,
    -- in the order in which their phones ring
    reps uuid[] not null,
    rep_id uuid references rep,
    state text not null check (state in ('ringing', 'connected', 'missed', 'ours')),
    -- what a caller heard whom nobody answered, and in which language
    said text,
    language text,
    at timestamptz not null,
    at_wall timestamptz not null,
    ended_at timestamptz
);
create index inbound_call_ringing on inbound_call (at_wall) where state = 'ringing';
create index inbound_call_lead on inbound_call (lead_id);

-- For the bound on how many strangers become leads within an hour.
create index inquiry_from_strangers on inquiry (form_key, submitted_wall) where form_key in ('mail', 'sms');

-- What a rep recorded, to be sent in the rep's own name.
alter table rep add column video_url text, add column video_thumbnail text;

-- migrate:down
alter table rep drop column video_url, drop column video_thumbnail;
drop index inquiry_from_strangers;
drop table inbound_call;
