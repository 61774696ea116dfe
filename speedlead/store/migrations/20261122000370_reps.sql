-- migrate:up

-- what the provider said last of a text or mail to one of ours, after it had taken it
alter table notification add column delivery text;

-- the newest text and mail of each of our people: did they arrive?
create index notification_of_person on notification (rep_id, channel, claimed_wall desc)
    where rep_id is not null and claimed_wall is not null;

-- what the company's identity provider signed when this session began: it wants to see it when the session ends
alter table session add column id_token text;

-- migrate:down

alter table session drop column id_token;
drop index notification_of_person;
alter table notification drop column delivery;
