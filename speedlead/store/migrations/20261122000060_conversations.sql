-- migrate:up

-- By when a person of ours is to answer, and when and how one did: apart from the acknowledgement of the inquiry.
alter table reply add column due_at timestamptz, add column answered_at timestamptz, add column answered_by text;

-- What a person of ours writes to a lead from its page; the touch `answer-{number}` says what became of it.
create table answer (
    id uuid primary key,
    lead_id uuid not null references lead,
    number int not null,
    rep_id uuid references rep,
    channel text not null check (channel in ('email', 'sms')),
    subject text,
    body text not null,
    -- the reply that it answers; a mail is threaded to it
    reply_id uuid references reply,
    written_at timestamptz not null,
    unique (lead_id, number)
);

-- Who may not be reached by what, whoever of those that share a number has said so: also people that come later.
create view barred as
select person_id, channel, reason from suppression
union all
select mine.person_id, kind.channel, 'opted_out'
from person_phone mine
join person_phone other on other.number = mine.number and other.person_id <> mine.person_id
join suppression s on s.person_id = other.person_id
join (values ('sms'), ('call')) kind (channel) on s.channel in ('all', kind.channel);

alter table message drop constraint message_kind_check;
alter table message add constraint message_kind_check check (kind in ('start', 'inquiry', 'outcome', 'reply', 'opt_out',
    'delivery', 'call_progress', 'replan', 'answer'));

-- migrate:down
delete from message where kind = 'answer';
alter table message drop constraint message_kind_check;
alter table message add constraint message_kind_check check (kind in ('start', 'inquiry', 'outcome', 'reply', 'opt_out',
    'delivery', 'call_progress', 'replan'));
drop view barred;
drop table answer;
alter table reply drop column due_at, drop column answered_at, drop column answered_by;
