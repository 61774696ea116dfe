-- migrate:up

-- One row for each flow check: how far a synthetic lead came, and how long each stage took. `lead_id` is deleted sooner.
create table flow_check (
    id bigint generated always as identity primary key,
    at_wall timestamptz not null,
    ok boolean not null,
    -- the last stage that was reached; null: none
    stage text check (stage in ('form', 'started', 'acknowledged', 'delivered', 'ended')),
    -- since the form was posted
    form_ms int,
    acknowledged_ms int,
    delivered_ms int,
    ended_ms int,
    error text,
    lead_id uuid
);
create index lead_of_flow_check on lead (created_wall) where source = 'flow_check';

-- Open leads that nothing moves on, as the watchdog's last round found them; `rounds`: how often it has tried to heal.
create table limbo (
    lead_id uuid primary key references lead on delete cascade,
    reason text not null,
    found_wall timestamptz not null,
    rounds int not null
);

-- What the audit found. `subject`: the rule, text or person that it is about, where it is no lead.
create table audit_run (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    days int not null
);
create table audit_finding (
    run_id bigint not null references audit_run on delete cascade,
    number int not null,
    kind text not null,
    lead_id uuid references lead on delete cascade,
    subject text,
    detail text not null,
    minutes numeric,
    primary key (run_id, number)
);

-- migrate:down
drop table audit_finding, audit_run, limbo, flow_check;
drop index lead_of_flow_check;
