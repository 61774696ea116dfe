-- migrate:up

-- The zone that the calendar believes the lead to be in, for showing times; `tz` is only what a form said.
alter table lead add column zone text;

-- migrate:down
alter table lead drop column zone;
