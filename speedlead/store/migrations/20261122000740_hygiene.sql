-- migrate:up

-- Each look at the whole base. `week`: whose review it comes before; null: somebody asked for it. It goes through people,
-- open leads and companies in the order of their ids; `last_id`: so far, so that an interrupted one goes on there.
create table hygiene_run (
    id bigint generated always as identity primary key,
    week text unique,
    started_wall timestamptz not null,
    ended_wall timestamptz,
    stage text not null default 'people' check (stage in ('people', 'leads', 'companies', 'over')),
    last_id uuid,
    looked_at int not null default 0,
    repaired int not null default 0,
    -- when it was over: findings by kind without those that were set aside, and what else was counted
    found jsonb
);
-- one at a time
create unique index hygiene_run_open on hygiene_run ((true)) where ended_wall is null;

-- What the newest look found. `key`: what it is about; `state`: what it was found by, so that what was set aside is
-- shown again when that has changed.
create table hygiene_finding (
    id uuid primary key,
    kind text not null,
    key text not null,
    state text not null,
    person_id uuid references person on delete cascade,
    lead_id uuid references lead on delete cascade,
    detail jsonb not null,
    first_wall timestamptz not null,
    run_id bigint not null,
    aside_wall timestamptz,
    aside_reason text,
    aside_by text,
    unique (kind, key)
);
create index hygiene_finding_person on hygiene_finding (person_id);
create index hygiene_finding_lead on hygiene_finding (lead_id);

-- What was written otherwise by itself, saying the same.
create table hygiene_repair (
    id uuid primary key,
    person_id uuid not null references person on delete cascade,
    what text not null check (what in ('name', 'company', 'email', 'phone')),
    before text not null,
    after text not null,
    at_wall timestamptz not null,
    -- whoever undoes it does not want it done again
    undone_wall timestamptz
);
create index hygiene_repair_person on hygiene_repair (person_id);
create index hygiene_repair_at on hygiene_repair (at_wall);

-- migrate:down
drop table hygiene_repair, hygiene_finding, hygiene_run;
