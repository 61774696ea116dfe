-- migrate:up

-- One thing asked of many leads: who asked for what, why, and of which leads. Wall time.
create table steering_run (
    id uuid primary key,
    account_id uuid references account,
    role text not null,
    action text not null,
    -- what the update is sent with, and the filter by which the leads were found; codes, ids and times
    asked jsonb not null default '{}',
    filter jsonb not null default '{}',
    reason text not null check (length(reason) between 1 and 80),
    -- leads a second
    pace real not null check (pace > 0),
    -- carried out by the worker; else by the command that began it
    background boolean not null,
    created_wall timestamptz not null,
    -- somebody held it; cleared when it goes on
    held_wall timestamptz,
    ended_wall timestamptz
);
create index steering_run_open on steering_run (created_wall) where ended_wall is null;

-- Each lead of a run, and what it answered. A lead is written here before anything is asked of it.
create table steering_item (
    run_id uuid not null references steering_run on delete cascade,
    number int not null,
    lead_id uuid not null references lead on delete cascade,
    -- of this lead alone, over what the run asks
    asked jsonb not null default '{}',
    state text not null default 'waiting' check (state in ('waiting', 'done', 'refused')),
    answer text,
    tries int not null default 0,
    audit_id bigint,
    ended_wall timestamptz,
    primary key (run_id, number),
    unique (run_id, lead_id)
);
create index steering_item_waiting on steering_item (run_id, number) where state = 'waiting';
create index steering_item_lead on steering_item (lead_id);

-- migrate:down
drop table steering_item, steering_run;
