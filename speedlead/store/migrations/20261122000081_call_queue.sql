-- migrate:up

-- for how long the provider held a call back before it dialled, in ms; null: it did not
alter table leg add column queued_ms int;

-- migrate:down
alter table leg drop column queued_ms;
