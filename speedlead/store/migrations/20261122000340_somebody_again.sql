-- migrate:up

-- Who was erased and has written in an old thread since is a person like any other: retention looks for them.
update person p set erased_wall = null where erased_wall is not null and (
    exists (select from person_email e where e.person_id = p.id)
    or exists (select from person_phone n where n.person_id = p.id)
    or exists (select from reply r where r.person_id = p.id)
    or exists (select from inquiry i where i.person_id = p.id and (i.email is not null or i.phone is not null)));

-- migrate:down

-- nothing can be taken back
select 1;
