-- migrate:up

-- People who sign in. A rep is the account with the rep's e-mail address; addresses are kept in lower case.
create table account (
    id uuid primary key,
    email text not null unique check (email = lower(email)),
    name text not null,
    role text not null check (role in ('rep', 'manager', 'ops', 'marketing', 'analyst', 'support', 'admin')),
    -- argon2id; without one only a link or the company's own sign-in lets somebody in
    password_hash text,
    active boolean not null default true,
    created_wall timestamptz not null
);

-- Tokens are random and only their hashes are here: who reads this database cannot sign in with it.
create table session (
    token_hash bytea primary key,
    account_id uuid not null references account,
    -- for whom a manager works at this moment
    acting_rep_id uuid references rep on delete set null,
    created_wall timestamptz not null,
    seen_wall timestamptz not null,
    expires_wall timestamptz not null
);
create index session_account on session (account_id);

create table sign_in_link (
    token_hash bytea primary key,
    account_id uuid not null references account,
    expires_wall timestamptz not null,
    used_wall timestamptz
);

-- Wrong passwords per address that was typed, known or not, under its hash.
create table sign_in_failure (
    subject bytea primary key,
    failures int not null,
    last_wall timestamptz not null,
    until_wall timestamptz not null
);

-- What people changed. The row is committed before the change is made; `status` says what came of it and is null when
-- the process died between. Codes, ids and times only: nothing that a lead or a person of ours wrote.
create table audit (
    id bigint generated always as identity primary key,
    at_wall timestamptz not null,
    account_id uuid references account,
    role text not null,
    rep_id uuid,
    action text not null,
    object text,
    asked jsonb not null default '{}',
    before jsonb,
    after jsonb,
    status int,
    request_id uuid not null
);
create index audit_at on audit (at_wall);
create index audit_object on audit (object, id) where object is not null;

-- migrate:down
drop table audit, sign_in_failure, sign_in_link, session, account;
