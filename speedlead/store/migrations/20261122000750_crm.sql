-- migrate:up

-- A CRM is a kind of endpoint: the same events, order, tries and log, told by its own API (docs/crm.md).
alter table hook_endpoint
    add column kind text not null default 'webhook' check (kind in ('webhook', 'hubspot', 'salesforce')),
    -- what the file asked of it, without secrets; null of a webhook
    add column crm jsonb,
    add check ((kind = 'webhook') = (crm is null));

-- How a lead stands over there, as both were last of one mind (speedlead/domain/crm.py).
create table crm_record (
    endpoint_id uuid not null references hook_endpoint on delete cascade,
    -- the id of ours that their record carries: a person's (HubSpot), a lead's (Salesforce)
    about uuid not null,
    -- of a person, the newest that they were told of
    lead_id uuid not null references lead on delete cascade,
    external_id text not null,
    object text not null,
    -- theirs, when we last wrote or read them
    status text,
    owner text,
    -- ours, when we last told of them
    stage text,
    owner_id text,
    -- on their way to them
    writing_status text,
    writing_owner text,
    -- we made it; else it was there before us, and is theirs to delete
    made boolean not null default false,
    -- somebody deleted it over there
    gone boolean not null default false,
    -- they have said that it changed
    look boolean not null default false,
    primary key (endpoint_id, about)
);
create index crm_record_external on crm_record (endpoint_id, external_id);
create index crm_record_lead on crm_record (lead_id);
create index crm_record_look on crm_record (endpoint_id) where look;

-- How far we have looked for what changed over there; `upto` by their clock.
create table crm_look (
    endpoint_id uuid primary key references hook_endpoint on delete cascade,
    upto timestamptz not null,
    looked_wall timestamptz not null,
    -- why the last look failed; null: it did not
    problem text
);

-- migrate:down
drop table crm_record, crm_look;
delete from hook_endpoint where kind <> 'webhook';
alter table hook_endpoint drop column kind, drop column crm;
