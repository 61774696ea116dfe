-- migrate:up

-- What leads say of our speed and of the contact, once for each mail that asked (`step` of its touch). Business time.
create table feedback (
    lead_id uuid not null references lead,
    step text not null,
    fast boolean,
    helpful boolean,
    remark text check (char_length(remark) between 1 and 500),
    given_at timestamptz not null,
    changed_at timestamptz not null,
    changes int not null default 0,
    primary key (lead_id, step),
    check (fast is not null or helpful is not null)
);
create index feedback_changed on feedback (changed_at);

-- The newest word of each lead.
create view metric_feedback as
select distinct on (lead_id) lead_id, fast, helpful, given_at, changed_at, remark is not null as remarked
from feedback order by lead_id, changed_at desc, step;

-- migrate:down
drop view metric_feedback;
drop table feedback;
