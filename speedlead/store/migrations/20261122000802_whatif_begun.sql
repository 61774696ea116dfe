-- migrate:up

-- How often it was begun: one that ends the process that plays it is not begun without end.
alter table whatif_run add column begun int not null default 0;

-- migrate:down
alter table whatif_run drop column begun;
