-- migrate:up

-- Who was ever told of a lead: whoever was is told of its erasure, also when the events are long gone.
create table hook_told (
    endpoint_id uuid not null references hook_endpoint on delete cascade,
    lead_id uuid not null references lead on delete cascade,
    primary key (endpoint_id, lead_id)
);
create index hook_told_lead on hook_told (lead_id);
insert into hook_told select distinct endpoint_id, lead_id from hook_delivery;

-- how often it was to be told again: an answer to a request of before does not settle what was asked for since
alter table hook_delivery add column round int not null default 0;

-- a lead of the flow check is deleted, and what was noted of it goes with it
alter table hook_event drop constraint hook_event_lead_id_fkey,
    add foreign key (lead_id) references lead on delete cascade;
alter table hook_delivery drop constraint hook_delivery_lead_id_fkey,
    add foreign key (lead_id) references lead on delete cascade;
alter table hook_try drop constraint hook_try_lead_id_fkey,
    add foreign key (lead_id) references lead on delete cascade;

-- migrate:down
alter table hook_delivery drop column round;
drop table hook_told;
