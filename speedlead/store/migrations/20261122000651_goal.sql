-- migrate:up

-- What the house wants to reach (docs/review.md): one standing goal for each figure; an earlier one has ended.
create table goal (
    id uuid primary key,
    aim text not null,
    -- a share of 0 to 1, or seconds
    target double precision not null check (target > 0),
    starts_on date not null,
    horizon int not null check (horizon in (30, 60, 90)),
    account_id uuid references account,
    set_wall timestamptz not null,
    ended_wall timestamptz
);
create unique index goal_standing on goal (aim) where ended_wall is null;

-- migrate:down
drop table goal;
