-- migrate:up

-- The review of a week as it was composed (docs/review.md): ids of leads, no names.
create table review (
    week text primary key check (week ~ '^[0-9]{4}-W[0-9]{2}$'),
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    content jsonb not null,
    composed_wall timestamptz not null
);

-- To whom it was sent, each account once: claimed before the request, so that whoever dies meanwhile sends it once.
create table review_mail (
    week text not null references review on delete cascade,
    account_id uuid not null references account,
    id uuid not null unique,
    state text not null check (state in ('claimed', 'waiting', 'sent', 'failed', 'in_doubt')),
    tries int not null default 1,
    claimed_wall timestamptz not null,
    next_wall timestamptz,
    error text,
    primary key (week, account_id)
);

-- migrate:down
drop table review_mail;
drop table review;
