-- migrate:up

-- Sign-ins at the company's own identity provider that have begun: each comes back once, within minutes, in the browser
-- that began it. Of the two secrets only hashes are here.
create table company_sign_in (
    state_hash bytea primary key,
    browser_hash bytea not null,
    nonce text not null,
    verifier text not null,
    wanted text not null,
    expires_wall timestamptz not null
);

-- Who somebody is there. `by_group`: the account was made because of a group, and goes with it.
create table company_identity (
    issuer text not null,
    subject text not null,
    account_id uuid not null references account,
    by_group boolean not null,
    linked_wall timestamptz not null,
    primary key (issuer, subject),
    unique (account_id, issuer)
);

-- What is known of each rep's own calendar. `digest`: of the entries as they came; `failures`: in a row.
create table rep_calendar (
    rep_id uuid primary key references rep,
    url text not null,
    etag text,
    modified text,
    digest text,
    remark text,
    read_wall timestamptz,
    expanded_wall timestamptz,
    failures int not null default 0,
    failing_wall timestamptz,
    problem text
);

-- True: the rep said so, which taking a call does not end; false: a call that was not taken.
alter table rep add column away_said boolean not null default false;

-- migrate:down
alter table rep drop column away_said;
drop table rep_calendar, company_identity, company_sign_in;
