-- migrate:up

-- Who was erased, by ids and keyed hashes alone: kept beside backups, so that a restore of an older one can erase them
-- again (docs/operations.md, "Backups"). `marks`: of addresses and numbers, as in suppressed_contact.
create table erased (
    id uuid primary key,
    at_wall timestamptz not null,
    people uuid[] not null,
    leads uuid[] not null,
    marks bytea[] not null
);
insert into erased (id, at_wall, people, leads, marks)
select gen_random_uuid(), p.erased_wall, array[p.id],
    coalesce((select array_agg(l.id) from lead l where l.person_id = p.id), '{}'), '{}'
from person p where p.erased_wall is not null;

-- migrate:down
drop table erased;
