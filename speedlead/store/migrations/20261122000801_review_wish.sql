-- migrate:up

-- Whether this manager or admin wants the weekly review by mail.
alter table account add column review_mail boolean not null default true;

-- migrate:down
alter table account drop column review_mail;
