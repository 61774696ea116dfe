-- migrate:up

-- Who has taken a lead. What older versions have given to somebody counts as taken.
alter table lead add column accepted_at timestamptz;
update lead set accepted_at = coalesce(assigned_at, created_at) where owner_id is not null;

-- Who was asked to take a lead: one after the other (ask), or several at once of whom the first has it (claim).
create table offer (
    id bigint generated always as identity primary key,
    lead_id uuid not null references lead,
    rep_id uuid not null references rep,
    level int not null check (level > 0),
    kind text not null check (kind in ('ask', 'claim')),
    -- their window counts from here: never before the lead's opening
    asked_at timestamptz not null,
    ended_at timestamptz,
    result text check (result in ('accepted', 'declined', 'silent', 'taken', 'reassigned')),
    check ((ended_at is null) = (result is null))
);
create unique index offer_open on offer (lead_id, rep_id) where ended_at is null;
create index offer_lead on offer (lead_id, id);

-- A missed target of one lead, once; `phase`: where the time went.
create table breach (
    lead_id uuid not null references lead,
    target text not null,
    phase text not null,
    owner_id uuid references rep,
    due_at timestamptz not null,
    found_at timestamptz not null,
    -- when what was owed was done all the same
    ended_at timestamptz,
    primary key (lead_id, target)
);
create index breach_open on breach (found_at) where ended_at is null;

-- migrate:down
drop table breach, offer;
alter table lead drop column accepted_at;
