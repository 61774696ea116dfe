-- migrate:up

-- Somebody who is on call in the place of whose turn it is: one row for each local day, so that a day has one at most.
create table oncall_override (
    cover text not null,
    level int not null check (level between 1 and 3),
    day date not null,
    rep_id uuid not null references rep,
    why text not null check (why <> ''),
    made_by text not null,
    made_at timestamptz not null,
    primary key (cover, level, day)
);
create index oncall_override_rep on oncall_override (rep_id);

-- What was worked, for pay: one row for each stretch of cover in a duty, written when it is over and never changed.
-- `email` and the local times are as they were then; `day` is the local day of the hand-over that began the duty.
create table oncall_shift (
    cover text not null,
    level int not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null check (ends_at > starts_at),
    day date not null,
    zone text not null,
    starts_local timestamp not null,
    ends_local timestamp not null,
    rep_id uuid not null references rep,
    email text not null,
    why text not null check (why in ('rotation', 'override')),
    called int not null,
    accepted int not null,
    primary key (cover, level, starts_at)
);

-- Up to when the shifts of a cover are written; its first row is when it was first seen.
create table oncall_recorded (
    cover text primary key,
    until_at timestamptz not null
);

-- migrate:down
drop table oncall_recorded, oncall_shift, oncall_override;
