-- migrate:up

-- By which secrets this database was written: HMACs of them (speedlead/house_mark.py), never a secret. One row at most.
-- Another host with secrets of its own must not serve it: its links would be dead, its opt-outs unknown, its payloads
-- unreadable for the others.
create table house_mark (
    one boolean primary key default true check (one),
    secret text not null,
    -- id of a payload key -> mark; a key that was once here stays known
    payload_keys jsonb not null
);

-- migrate:down
drop table house_mark;
