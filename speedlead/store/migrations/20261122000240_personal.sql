-- migrate:up

-- What the keys of a lead's payloads in Temporal are derived from, together with the installation's key: without this
-- row nobody can read them any more.
create table lead_key (
    lead_id uuid primary key references lead on delete cascade,
    salt bytea not null check (length(salt) = 16)
);
insert into lead_key select id, uuid_send(gen_random_uuid()) from lead;
create function make_lead_key() returns trigger language plpgsql as $$
begin
    -- intake brings its own, so that its process need not read it
    insert into lead_key values (new.id, uuid_send(gen_random_uuid())) on conflict do nothing;
    return null;
end $$;
create trigger lead_has_key after insert on lead for each row execute function make_lead_key();

-- Opt-outs of people who were erased: HMAC-SHA256 of the address or number, keyed by the installation's secret.
create table suppressed_contact (
    mark bytea not null check (length(mark) = 32),
    channel text not null check (channel in ('email', 'sms', 'call', 'all')),
    at timestamptz not null,
    primary key (mark, channel)
);

-- When nothing of the person was left but counts.
alter table person add column erased_wall timestamptz;
create index person_not_erased on person (id) where erased_wall is null;

-- migrate:down

drop index person_not_erased;
alter table person drop column erased_wall;
drop table suppressed_contact;
drop trigger lead_has_key on lead;
drop function make_lead_key();
drop table lead_key;
