-- migrate:up

-- How an inquiry came to us (form, api, chat, email, phone, messenger …): targets differ by it.
alter table inquiry add column channel text not null default 'form';

-- Which team a rep belongs to: teams have business calendars of their own. Null: the calendar of everybody else.
alter table rep add column team text;

-- migrate:down
alter table rep drop column team;
alter table inquiry drop column channel;
