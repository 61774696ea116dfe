-- migrate:up
-- What leads brought and cost, as the bookkeeping has it (docs/roi.md): read from a file, never worked out here.
create table ledger_entry (
    -- the bookkeeping's own, such as an invoice's number: the same file twice is no second entry
    reference text primary key check (reference ~ '^[A-Za-z0-9._/:#-]{1,80}$'),
    kind text not null check (kind in ('revenue', 'support_cost', 'acquisition_cost')),
    -- null: a cost of the whole house
    lead_id uuid references lead (id) on delete cascade,
    booked_on date not null,
    amount numeric(18, 3) not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    imported_wall timestamptz not null,
    check (kind <> 'revenue' or lead_id is not null)
);
create index ledger_entry_lead on ledger_entry (lead_id) where lead_id is not null;
create index ledger_entry_day on ledger_entry (booked_on) where lead_id is null;

-- migrate:down
drop table ledger_entry;
