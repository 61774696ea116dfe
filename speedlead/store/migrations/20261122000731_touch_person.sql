-- migrate:up transaction:false
-- The last message to a person, of whichever lead; and whose a row of `person` still is. Built beside running writes.
drop index if exists touch_person;
create index concurrently touch_person on touch (person_id, claimed_at);
drop index if exists person_duplicate_of;
create index concurrently person_duplicate_of on person (possible_duplicate_of) where possible_duplicate_of is not null;

-- migrate:down
drop index person_duplicate_of;
drop index touch_person;
