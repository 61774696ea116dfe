-- migrate:up

-- What recurs by itself: when each chore last ran, in which process, and what came of it. Wall time.
create table chore (
    name text primary key,
    started_wall timestamptz,
    next_wall timestamptz,
    ended_wall timestamptz,
    done text,
    error text
);

-- migrate:down
drop table chore;
