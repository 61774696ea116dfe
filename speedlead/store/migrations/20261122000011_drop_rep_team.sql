-- migrate:up

-- Whose team somebody is stands in the calendar file (`reps` of a team), beside who is on call.
alter table rep drop column team;

-- migrate:down
alter table rep add column team text;
