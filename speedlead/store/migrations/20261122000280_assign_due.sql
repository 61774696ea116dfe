-- migrate:up
-- by when the lead is to have an owner: a workflow that is started again from its rows still watches it
alter table lead add column assign_due timestamptz;

-- migrate:down
alter table lead drop column assign_due;
