-- migrate:up

-- When we last told of it: what a look had read before is older than what we have written since.
alter table crm_record add column told_wall timestamptz;

-- migrate:down
alter table crm_record drop column told_wall;
