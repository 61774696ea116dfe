-- migrate:up

-- Of each lead the newest answer to each of the two questions: who answers a later mail's question about speed takes
-- nothing back of what they said of the contact. `remarked`: they said more in words, in any of them.
create or replace view metric_feedback as
select lead_id,
    (array_agg(fast order by changed_at desc, step) filter (where fast is not null))[1] as fast,
    (array_agg(helpful order by changed_at desc, step) filter (where helpful is not null))[1] as helpful,
    max(given_at) as given_at, max(changed_at) as changed_at, bool_or(remark is not null) as remarked
from feedback group by lead_id;
insert into lead_stale (lead_id) select id from lead order by created_at;

-- migrate:down
create or replace view metric_feedback as
select distinct on (lead_id) lead_id, fast, helpful, given_at, changed_at, remark is not null as remarked
from feedback order by lead_id, changed_at desc, step;
