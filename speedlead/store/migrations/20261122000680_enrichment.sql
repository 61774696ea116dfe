-- migrate:up

-- Companies that we know ourselves, by the domain of their mail: the last file that was imported.
create table company (
    domain text primary key,
    name text,
    employees int check (employees > 0),
    industry text,
    tier text,
    named boolean not null default false,
    owner_id uuid references rep,
    note text,
    imported_wall timestamptz not null
);

-- What the outside source says of a domain; `answer` null: nothing, or `problem` says why nobody knows. Asked again
-- after `expires_wall`.
create table company_answer (
    domain text primary key,
    answer jsonb,
    problem text,
    asked_wall timestamptz not null,
    expires_wall timestamptz not null
);

-- What is known of a lead before it gets an owner: by whom, how sure (0 to 1), and since when.
create table known_fact (
    lead_id uuid not null references lead,
    name text not null,
    source text not null,
    value jsonb not null,
    confidence real not null check (confidence between 0 and 1),
    at timestamptz not null,
    -- a person of ours says that it is not so
    wrong_at timestamptz,
    primary key (lead_id, name, source)
);

-- How an inquiry was judged. `came_as`: by its form; `rules`: those that applied, as [id, points, why]. `problem`: what
-- could not be found out in time.
create table judgement (
    lead_id uuid not null references lead,
    inquiry_number int not null,
    came_as text not null,
    lead_type text not null,
    lane text not null check (lane in ('hot', 'warm', 'cold', 'low')),
    points int not null,
    rules jsonb not null,
    version int not null,
    account_owner uuid references rep,
    problem text,
    ms int not null,
    at timestamptz not null,
    primary key (lead_id, inquiry_number)
);
create index judgement_at on judgement (at);

-- Every version of the rules that was ever in use, as it was written.
create table lane_rules (
    version int primary key,
    sha256 text not null,
    source text not null,
    used_wall timestamptz not null
);

-- Who else of a company wrote to us.
create index person_email_domain on person_email (split_part(address, '@', 2));

-- migrate:down
drop index person_email_domain;
drop table lane_rules, judgement, known_fact, company_answer, company;
