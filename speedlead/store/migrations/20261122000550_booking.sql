-- migrate:up

-- an index that compares a rep and a stretch of time at once; every Postgres that we support has it and trusts it
create extension if not exists btree_gist;

-- A meeting of a lead with one of ours. Instants are business time of the lead. `held`: the meeting with the time kept
-- free around it; no two that stand may overlap for one rep, whatever races. `zone`: in which the lead chose it.
-- `sequence` is the invitation's: it rises when the meeting moves or is called off (RFC 5545).
create table booking (
    id uuid primary key,
    lead_id uuid not null references lead,
    number int not null,
    rep_id uuid references rep check (rep_id is not null or source <> 'page'),
    starts_at timestamptz not null,
    ends_at timestamptz not null check (ends_at > starts_at),
    held tstzrange not null check (held @> tstzrange(starts_at, ends_at)),
    zone text not null,
    state text not null default 'booked' check (state in ('booked', 'cancelled', 'took_place', 'no_show')),
    sequence int not null default 0,
    source text not null check (source in ('page', 'calcom', 'calendly')),
    external_id text,
    created_at timestamptz not null,
    asked_at timestamptz,
    settled_at timestamptz,
    -- the rep's own calendar: what it last was told, and when it is told again
    calendar text not null default 'none' check (calendar in ('none', 'waiting', 'written')),
    calendar_tries int not null default 0,
    calendar_next_wall timestamptz,
    calendar_problem text,
    unique (lead_id, number),
    exclude using gist (rep_id with =, held with &&) where (state = 'booked' and source = 'page')
);
create unique index booking_standing on booking (lead_id) where state = 'booked';
create unique index booking_external on booking (source, external_id) where external_id is not null;
create index booking_ends on booking (ends_at) where state = 'booked';
create index booking_calendar on booking (calendar_next_wall) where calendar = 'waiting';

-- What a lead is sent about a meeting, each once: `before_s` tells reminders apart.
create table booking_mail (
    booking_id uuid not null references booking on delete cascade,
    kind text not null check (kind in ('booked', 'moved', 'cancelled', 'reminder', 'missed')),
    sequence int not null,
    before_s int not null default 0,
    due_at timestamptz not null,
    state text not null default 'waiting' check (state in ('waiting', 'sent', 'skipped', 'failed', 'in_doubt')),
    reason text,
    tries int not null default 0,
    next_wall timestamptz,
    primary key (booking_id, kind, sequence, before_s)
);
create index booking_mail_waiting on booking_mail (due_at) where state = 'waiting';

create function tell_of_booking() returns trigger language plpgsql as $$
begin
    perform pg_notify('booking', '');
    return null;
end $$;
create trigger booking_told after insert or update of starts_at, state on booking
    for each row execute function tell_of_booking();

-- what a rep's calendar on a server (CalDAV) is busy with
alter table rep_busy drop constraint rep_busy_source_check;
alter table rep_busy add constraint rep_busy_source_check check (source in ('time_off', 'calendar', 'caldav'));

-- mails about a meeting are neither the plan's nor typed by hand
alter table touch drop constraint touch_purpose_check;
alter table touch add constraint touch_purpose_check
    check (purpose in ('acknowledgement', 'plan', 'manual', 'meeting')) not valid;
alter table touch validate constraint touch_purpose_check;

-- migrate:down
delete from touch where purpose = 'meeting';
alter table touch drop constraint touch_purpose_check;
alter table touch add constraint touch_purpose_check check (purpose in ('acknowledgement', 'plan', 'manual'));
delete from rep_busy where source = 'caldav';
alter table rep_busy drop constraint rep_busy_source_check;
alter table rep_busy add constraint rep_busy_source_check check (source in ('time_off', 'calendar'));
drop table booking_mail, booking;
drop function tell_of_booking();
