-- migrate:up
-- One row for each message of a lead that the assistant was asked to answer: what was done about it, why, and what it
-- cost. `number` counts them per lead. `cost`: in the currency that the house gave the model's prices in; null: no prices.
-- `offered`: the times that the lead can choose by their number, in that order. `detail`: words that were refused.
create table assistant_turn (
    reply_id uuid primary key references reply (id) on delete cascade,
    lead_id uuid not null references lead (id),
    number int not null,
    at timestamptz not null,
    wall timestamptz not null,
    act text not null default 'thinking'
        check (act in ('thinking', 'dropped', 'reply', 'ask', 'offer_slots', 'book', 'hand_over')),
    reason text,
    detail text,
    answer_id uuid,
    question text,
    offered timestamptz[] not null default '{}',
    model text,
    tokens_in int not null default 0,
    tokens_out int not null default 0,
    cost numeric(12, 6),
    ms int
);
create index assistant_turn_lead on assistant_turn (lead_id, number);
create index assistant_turn_wall on assistant_turn (wall);
alter table answer add column assistant boolean not null default false;
alter table touch drop constraint touch_purpose_check;
alter table touch add constraint touch_purpose_check
    check (purpose in ('acknowledgement', 'plan', 'manual', 'meeting', 'assistant')) not valid;
alter table touch validate constraint touch_purpose_check;

-- migrate:down
delete from touch where purpose = 'assistant';
alter table touch drop constraint touch_purpose_check;
alter table touch add constraint touch_purpose_check
    check (purpose in ('acknowledgement', 'plan', 'manual', 'meeting')) not valid;
alter table touch validate constraint touch_purpose_check;
delete from answer where assistant;
alter table answer drop column assistant;
drop table assistant_turn;
