-- migrate:up

-- A lead that becomes hotter is owed a first attempt again: `first_attempt_at` is the first since then, and this the
-- first of all, of a lead that had been attempted before.
alter table lead add column earlier_attempt_at timestamptz;

-- How often a lead became hotter, and when it last did; without a row it is as it came.
create view lead_hotter as
select i.lead_id, count(*)::int as times, max(i.submitted_at) as at
from (select lead_id, submitted_at, h.heat > max(h.heat) over (partition by lead_id order by number
        rows between unbounded preceding and 1 preceding) as hotter
    from inquiry cross join lateral (select array_position(array['cold', 'warm', 'hot'], lead_type) as heat) h) i
where i.hotter group by i.lead_id;

-- migrate:down
drop view lead_hotter;
alter table lead drop column earlier_attempt_at;
