-- migrate:up
-- why a change was made, in the words of whoever made it; never about a lead
alter table audit add column note text;

-- migrate:down
alter table audit drop column note;
