-- migrate:up

-- A missed target, once in each round of a lead: a lead that became hotter is owed its first attempt again.
alter table breach add column round int not null default 1 check (round > 0);
alter table breach drop constraint breach_pkey, add primary key (lead_id, target, round);

-- migrate:down
delete from breach where round > 1;
alter table breach drop constraint breach_pkey, drop column round, add primary key (lead_id, target);
