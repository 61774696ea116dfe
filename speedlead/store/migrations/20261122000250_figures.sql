-- migrate:up

-- What figures about a chore need: a failed round overwrites what the last good one said.
alter table chore add column succeeded_wall timestamptz, add column failures_in_a_row int not null default 0;

-- small ones: figures are read every few seconds, from tables that grow for ever
create index touch_in_doubt on touch (claimed_wall) where state = 'in_doubt';
create index touch_deferred on touch (next_at) where state = 'deferred';
create index notice_unseen on notice (audience, kind, at) where seen_wall is null;

-- migrate:down
drop index touch_in_doubt, touch_deferred, notice_unseen;
alter table chore drop column succeeded_wall, drop column failures_in_a_row;
