-- migrate:up

-- Who may get which leads. An empty list means no limit; `away_until` null: until they say that they are back.
alter table rep
    add column territories text[] not null default '{}',
    add column products text[] not null default '{}',
    add column languages text[] not null default '{}',
    add column channels text[] not null default '{call,email,sms}',
    add column lane text not null default 'all' check (lane in ('all', 'main', 'low')),
    add column away_until timestamptz,
    add column ics_url text;

-- When a rep is not there although the weekly hours say so: time off, and what their calendar is busy with.
create table rep_busy (
    rep_id uuid not null references rep,
    source text not null check (source in ('time_off', 'calendar')),
    starts_at timestamptz not null,
    ends_at timestamptz not null check (ends_at > starts_at),
    primary key (rep_id, source, starts_at, ends_at)
);

-- Why this rep, and why not the others: one row for each decision. `candidates`: everybody's score, the best first.
create table assignment (
    id bigint generated always as identity primary key,
    lead_id uuid not null references lead,
    inquiry_number int not null,
    rep_id uuid references rep,
    reason text not null,
    gave_up text[] not null default '{}',
    weights jsonb not null,
    candidates jsonb not null,
    at timestamptz not null,
    unique nulls not distinct (lead_id, inquiry_number, rep_id)
);

-- migrate:down
drop table assignment, rep_busy;
alter table rep drop column territories, drop column products, drop column languages, drop column channels,
    drop column lane, drop column away_until, drop column ics_url;
