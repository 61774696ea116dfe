-- migrate:up

-- What is tried on a part of the leads (docs/experiments.md). A definition may be changed until it is started; what its
-- arms really are, and what they have been since, stands in experiment_arm.
create table experiment (
    id text primary key,
    body jsonb not null,
    author text not null,
    created_wall timestamptz not null,
    changed_wall timestamptz not null,
    -- the key of the lots, and how many persons were planned; neither changes after the start
    salt bytea not null,
    planned int check (planned > 0),
    -- in force from then on: the start waits until every process knows of it
    started_wall timestamptz,
    ended_wall timestamptz,
    ending text,
    check (ended_wall is null or started_wall is not null)
);
create index experiment_running on experiment (started_wall) where started_wall is not null and ended_wall is null;

-- `variant`: experiment and arm, as leads carry it. A plan that an arm names can never be deleted.
create table experiment_arm (
    variant text primary key,
    experiment_id text not null references experiment,
    position int not null,
    key text not null,
    share int not null check (share between 0 and 100),
    plan_id text,
    plan_version int,
    weights jsonb,
    unique (experiment_id, position),
    foreign key (plan_id, plan_version) references plan,
    check ((plan_id is null) = (plan_version is null)),
    check (plan_id is null or weights is null)
);

-- What a lead takes part in, set when it comes in and never changed.
alter table lead add column variants text[] not null default '{}';
create index lead_variants on lead using gin (variants) where variants <> '{}';

-- migrate:down
alter table lead drop column variants;
drop table experiment_arm;
drop table experiment;
