-- migrate:up

-- The newest release of each kind of data that anything here was ever decided by; a process with an older one does not
-- start.
create table data_release (
    name text primary key,
    release text not null
);
-- single letters sort as they follow each other; no year has had more than 26 releases
insert into data_release
select 'tzdata', max(versions->>'tzdata') from touch where versions->>'tzdata' ~ '^\d{4}[a-z]$' having count(*) > 0;

-- Every answer of the calendar to "when may this step happen?": the same that stands in the workflow's history.
create table placement (
    id bigint generated always as identity primary key,
    lead_id uuid not null references lead,
    step text not null,
    -- when the step was due by the plan, and where the calendar put it; null: it is not possible at all
    earliest timestamptz not null,
    at timestamptz,
    valid_until timestamptz,
    reason text,
    reasons text[] not null default '{}',
    zones text[] not null default '{}',
    versions jsonb not null default '{}',
    unique nulls not distinct (lead_id, step, earliest, at, versions)
);

-- migrate:down
drop table placement, data_release;
