-- migrate:up

-- A lead that gets its owner later, on purpose: shortly before its opening, or when peak hours end. Null: at once.
alter table lead add column deal_at timestamptz;

-- The peak hours of the routing file whose weights a decision took.
alter table assignment add column peak text;

-- Who gave a rep more or less to do, when and why. The newest row of a rep is how it is now.
create table capacity_change (
    id bigint generated always as identity primary key,
    rep_id uuid not null references rep on delete cascade,
    at_wall timestamptz not null,
    account_id uuid references account,
    reason text not null check (reason <> ''),
    old_capacity int not null,
    old_weight int not null,
    capacity int not null check (capacity > 0),
    weight int not null check (weight >= 0),
    -- the change that this one takes back
    reverts bigint unique references capacity_change
);
create index capacity_change_rep on capacity_change (rep_id, id);

-- A message that tells a lead's workflow who got it out of the waiting pool.
alter table message drop constraint message_kind_check;
alter table message add constraint message_kind_check check (kind in ('start', 'inquiry', 'outcome', 'reply', 'opt_out',
    'delivery', 'call_progress', 'replan', 'answer', 'assigned'));

-- Whatever gives somebody room wakes the dealer, where anybody waits: a notice costs every commit that raises one.
create function wake_pool() returns trigger language plpgsql as $$
begin
    if exists (select from lead where owner_id is null and closed_at is null and open_at is not null) then
        perform pg_notify('pool', '');
    end if;
    return null;
end $$;
create trigger lead_gives_room after update of owner_id, closed_at on lead for each row
    when (old.owner_id is not null and old.closed_at is null
        and (new.closed_at is not null or new.owner_id is distinct from old.owner_id))
    execute function wake_pool();
create trigger rep_gives_room after insert or update of presence, away_until, capacity, weight, active, manager, zone,
    weekly, territories, products, languages, channels, lane on rep for each statement execute function wake_pool();
create trigger time_off_gives_room after delete on rep_busy for each statement execute function wake_pool();

-- migrate:down
drop trigger time_off_gives_room on rep_busy;
drop trigger rep_gives_room on rep;
drop trigger lead_gives_room on lead;
drop function wake_pool();
delete from message where kind = 'assigned';
alter table message drop constraint message_kind_check;
alter table message add constraint message_kind_check check (kind in ('start', 'inquiry', 'outcome', 'reply', 'opt_out',
    'delivery', 'call_progress', 'replan', 'answer'));
drop table capacity_change;
alter table assignment drop column peak;
alter table lead drop column deal_at;
