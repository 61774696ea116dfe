-- migrate:up
-- A request in doubt is repeated once, at most: this is when the first one was claimed; null while none was in doubt.
alter table touch add column doubted_wall timestamptz;
-- what may have reached a number counts against its caps while it waits to be repeated
create index touch_address_doubted on touch (address, claimed_at) where state = 'deferred' and doubted_wall is not null;
create index leg_provider on leg (provider_id) where provider_id is not null;

-- migrate:down
drop index leg_provider;
drop index touch_address_doubted;
alter table touch drop column doubted_wall;
