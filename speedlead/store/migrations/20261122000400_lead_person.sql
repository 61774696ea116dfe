-- migrate:up transaction:false
-- All leads of a person: for erasure, and for what is counted by person. Built beside running writes.
drop index if exists lead_person;
create index concurrently lead_person on lead (person_id);

-- migrate:down
drop index lead_person;
