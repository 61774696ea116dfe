-- migrate:up

-- Contacts that were drawn at random to be reviewed (docs/quality.md). A week of the house is drawn once, after its end.
create table quality_week (
    week date primary key,
    contacts int not null,
    drawn int not null,
    share real not null,
    drawn_wall timestamptz not null
);

create table quality_pick (
    id uuid primary key,
    -- call:{touch or outcome}, answer:{answer}
    contact text not null unique,
    kind text not null check (kind in ('call', 'answer')),
    lead_id uuid not null references lead,
    rep_id uuid not null references rep,
    week date not null references quality_week,
    -- business time of the lead
    at timestamptz not null
);
create index quality_pick_lead on quality_pick (lead_id);
create index quality_pick_rep on quality_pick (rep_id, at);

-- One for each time that somebody said what they think of a contact; of one person the newest counts.
create table quality_review (
    id bigint generated always as identity primary key,
    pick_id uuid not null references quality_pick on delete cascade,
    account_id uuid not null references account,
    -- criterion -> 0, 1 or 2, as the criteria were then
    marks jsonb not null,
    -- of what could be had, 0 to 1
    value real not null check (value between 0 and 1),
    remark text,
    at_wall timestamptz not null
);
create index quality_review_pick on quality_review (pick_id, account_id, id);

-- What counts of each contact that somebody has reviewed: the mean over those who have.
create view metric_contact_quality as
select p.id as pick_id, p.lead_id, p.rep_id, p.kind, p.at, r.value, r.reviewers, r.apart
from quality_pick p
cross join lateral (select avg(n.value)::float8 as value, count(*)::int as reviewers,
        (max(n.value) - min(n.value))::float8 as apart
    from (select distinct on (x.account_id) x.value from quality_review x where x.pick_id = p.id
        order by x.account_id, x.id desc) n) r
where r.reviewers > 0;

-- Touches that went out, with the version of the template or script that each was made from; null: written by hand.
create view metric_text as
select t.lead_id, t.id as touch_id, t.channel, t.versions ->> 'template' as made_from, t.sent_at as at
from touch t where t.state = 'sent' and t.sent_at is not null and t.channel in ('call', 'email', 'sms');

-- migrate:down
drop view metric_text;
drop view metric_contact_quality;
drop table quality_review, quality_pick, quality_week;
