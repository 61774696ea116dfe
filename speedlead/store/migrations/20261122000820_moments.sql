-- migrate:up

-- Counts are kept in columns now. Gateways of the release before this one read the table until they are replaced, so it
-- goes with the next.
delete from fact_count;

-- Of an instant the hour (as UTC writes it), day and week in a zone, for tables of figures; columns have the same
-- (speedlead/numbers/columns.py).
create function moment_hour(moment timestamptz, zone text) returns text language sql stable parallel safe
return to_char(date_trunc('hour', moment, zone) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"');
create function moment_day(moment timestamptz, zone text) returns text language sql stable parallel safe
return to_char(moment at time zone zone, 'YYYY-MM-DD');
create function moment_week(moment timestamptz, zone text) returns text language sql stable parallel safe
return to_char(moment at time zone zone, 'IYYY-"W"IW');

-- Of the wall's clock, what a lead's own one shows.
create function moment_of(wall timestamptz, own interval) returns timestamptz language sql stable parallel safe
return wall + own;

-- migrate:down
drop function moment_of;
drop function moment_week;
drop function moment_day;
drop function moment_hour;
