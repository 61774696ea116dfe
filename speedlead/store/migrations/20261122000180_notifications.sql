-- migrate:up

-- whoever waits for notices is told at once: pages in a browser, and what leaves the house
create function tell_of_notice() returns trigger language plpgsql as $$
begin
    perform pg_notify('notices', coalesce(new.rep_id::text, new.audience));
    return null;
end $$;
create trigger notice_told after insert on notice for each row execute function tell_of_notice();

-- what is there already was told on pages, and is no news
alter table notice add column passed_on boolean not null default false;
update notice set passed_on = true;
create index notice_to_pass_on on notice (at) where not passed_on;

-- no row: the rep's phone, and every channel
create table rep_channel (
    rep_id uuid primary key references rep on delete cascade,
    mobile text,
    sms boolean not null default true,
    push boolean not null default true,
    email boolean not null default true
);

create table push_device (
    id uuid primary key,
    rep_id uuid not null references rep on delete cascade,
    endpoint text not null unique,
    p256dh text not null,
    auth text not null,
    name text not null,
    created_wall timestamptz not null
);
create index push_device_rep on push_device (rep_id);

-- one row for each notice, person and channel; without a person it is the channel of a team
create table notification (
    id uuid primary key,
    notice_id uuid not null references notice on delete cascade,
    rep_id uuid references rep on delete cascade,
    account_id uuid references account on delete cascade,
    channel text not null check (channel in ('slack', 'teams', 'push', 'sms', 'email')),
    fallback boolean not null,
    state text not null default 'waiting' check (state in ('waiting', 'claimed', 'sent', 'failed', 'in_doubt', 'skipped')),
    tries int not null default 0,
    at timestamptz not null,
    due_wall timestamptz not null,
    claimed_wall timestamptz,
    settled_wall timestamptz,
    error text,
    -- of its link: business time of the lead, and when it was used
    expires_at timestamptz not null,
    used_wall timestamptz,
    unique nulls not distinct (notice_id, rep_id, account_id, channel)
);
create index notification_open on notification (channel, due_wall) where state in ('waiting', 'claimed');

create function tell_of_notification() returns trigger language plpgsql as $$
begin
    perform pg_notify('notifications', '');
    return null;
end $$;
create trigger notification_told after insert on notification for each statement execute function tell_of_notification();

create table notify_channel (
    channel text primary key,
    failures int not null,
    -- tried again with one message after this
    off_until_wall timestamptz
);

-- migrate:down

drop table notify_channel, notification, push_device, rep_channel;
drop function tell_of_notification();
drop trigger notice_told on notice;
drop function tell_of_notice();
alter table notice drop column passed_on;
