-- Which published plan new leads start on, since when, who said so, and drafts of the next one.

-- migrate:up
alter table plan
    -- the newest of those that have come is in use; it may lie some seconds ahead
    add column used_wall timestamptz,
    -- null: it came from a file at the start of a process
    add column published_by text,
    add column note text not null default '';

create table plan_draft (
    id bigint generated always as identity primary key,
    yaml text not null,
    author text not null,
    note text not null default '',
    created_wall timestamptz not null,
    changed_wall timestamptz not null,
    -- what became of it
    published_id text,
    published_version int,
    foreign key (published_id, published_version) references plan (id, version)
);

-- migrate:down
drop table plan_draft;
alter table plan drop column used_wall, drop column published_by, drop column note;
