-- migrate:up

-- Leads of the last weeks played once more under something else (docs/whatif.md): who asked for what, how far it is, and
-- what came of it. Codes, ids and numbers; nothing of a lead. Wall time.
create table whatif_run (
    id uuid primary key,
    account_id uuid references account,
    role text not null,
    -- as the page has it, and in words
    asked jsonb not null,
    words text not null,
    state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed', 'cancelled')),
    -- leads
    played int not null default 0,
    of_all int,
    created_wall timestamptz not null,
    started_wall timestamptz,
    ended_wall timestamptz,
    result jsonb,
    problem text
);
create index whatif_run_open on whatif_run (created_wall) where state in ('waiting', 'running');

-- migrate:down
drop table whatif_run;
