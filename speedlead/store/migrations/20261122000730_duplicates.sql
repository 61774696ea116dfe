-- migrate:up

-- Pairs that may be one person, as the nightly look found them; a dismissed one is never proposed again.
create table duplicate (
    one_id uuid not null references person on delete cascade,
    other_id uuid not null references person on delete cascade,
    score int not null check (score between 0 and 100),
    reasons text[] not null,
    certain boolean not null default false,
    state text not null default 'open' check (state in ('open', 'dismissed')),
    found_wall timestamptz not null,
    seen_wall timestamptz not null,
    decided_wall timestamptz,
    primary key (one_id, other_id),
    check (one_id < other_id)
);
create index duplicate_other on duplicate (other_id);
create index duplicate_open on duplicate (score desc, one_id, other_id) where state = 'open';

-- One entry became part of another. `moved`: what it takes to undo it; null once the person is erased. `person_id`: who
-- has all of it now, also when `kept_id` has become part of somebody else since.
create table merge (
    id uuid primary key,
    number bigint generated always as identity,
    kept_id uuid not null,
    gone_id uuid not null,
    person_id uuid not null references person,
    at timestamptz not null,
    at_wall timestamptz not null,
    by_rule boolean not null default false,
    account_id uuid references account,
    role text not null,
    moved jsonb,
    undone_wall timestamptz
);
create index merge_person on merge (person_id);
create index merge_gone on merge (gone_id);
create index merge_number on merge (number desc);

-- An opt-out that came with another entry; whoever says it again makes it their own.
alter table suppression add column merged uuid;

-- migrate:down
alter table suppression drop column merged;
drop table merge, duplicate;
