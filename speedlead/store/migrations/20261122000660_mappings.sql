-- migrate:up

-- What other systems call a lead (docs/mappings.md): a status that names their record finds it.
create table external_ref (
    system text not null,
    external_id text not null,
    lead_id uuid not null references lead on delete cascade,
    seen_wall timestamptz not null,
    primary key (system, external_id)
);
create index external_ref_lead on external_ref (lead_id);

-- That somebody sent what nobody had signed, and nothing of what it was.
create table mapping_refusal (
    mapping text primary key,
    many bigint not null,
    why text not null check (why in ('forged', 'stale')),
    at_wall timestamptz not null
);

-- what was made of it, or left out, part by part; why it is not done stands in `reason`
alter table webhook add column note text;
create index webhook_mapping on webhook (path, received_wall desc) where provider = 'mapping';
-- a lead that comes looks for what waits for it
create index webhook_without_lead on webhook (received_wall) where provider = 'mapping' and state <> 'done';

-- migrate:down
drop index webhook_mapping, webhook_without_lead;
alter table webhook drop column note;
drop table mapping_refusal, external_ref;
