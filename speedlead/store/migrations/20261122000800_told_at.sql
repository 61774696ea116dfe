-- migrate:up

-- When the sender said what an entry says: what it said before that and comes later does not take its place.
alter table ledger_entry add column told_at timestamptz;

-- migrate:down
alter table ledger_entry drop column told_at;
