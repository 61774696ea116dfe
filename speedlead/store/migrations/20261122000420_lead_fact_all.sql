-- migrate:up
-- Every lead that is there, the newest last, as the newest marks are taken first. Apart from the triggers, whose locks
-- would be held until all of this is written.
insert into lead_stale (lead_id) select id from lead order by created_at;

-- migrate:down
delete from lead_stale;
