-- migrate:up
-- The rep page looks every second for what has changed: calls by their begin, and who was told of a lead.
create index leg_claimed on leg (claimed_wall);
create index notice_of_lead on notice (lead_id) where rep_id is not null;

-- migrate:down
drop index notice_of_lead;
drop index leg_claimed;
