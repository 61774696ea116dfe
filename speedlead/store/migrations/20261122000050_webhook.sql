-- migrate:up

-- Every verified webhook as it came, written in the commit that acts on it or before. `waiting`: to be acted on (again)
-- at next_try_wall; `failed`: given up, a person has to look. `digest` covers path, query and body, so that the same
-- request is one row. `about` names what erasure looks for: ids of leads, addresses and numbers.
create table webhook (
    id uuid primary key,
    digest text not null unique,
    provider text not null,
    path text not null,
    query text not null,
    content_type text not null,
    body bytea not null,
    signed_by text not null,
    about text[] not null,
    received_wall timestamptz not null,
    state text not null check (state in ('done', 'waiting', 'failed')),
    tries int not null default 0,
    next_try_wall timestamptz,
    reason text,
    check ((state = 'waiting') = (next_try_wall is not null))
);
create index webhook_waiting on webhook (next_try_wall) where state = 'waiting';
create index webhook_received on webhook (received_wall);

-- migrate:down
drop table webhook;
