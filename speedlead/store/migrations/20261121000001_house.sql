-- migrate:up

-- Times: columns named *_at are business time of the lead (wall time plus lead.clock_offset_us) unless the name says wall.

create table person (
    id uuid primary key,
    name text,
    company text,
    possible_duplicate_of uuid references person,
    created_at timestamptz not null
);

-- One e-mail address is one person; the index is what makes fifty equal posts one person.
create table person_email (
    address text primary key,
    person_id uuid not null references person,
    verified boolean not null default false,
    bad_reason text,
    created_at timestamptz not null
);
create index person_email_person on person_email (person_id);

-- A phone may belong to several people (switchboards, couples), so it alone is no identity.
create table person_phone (
    number text not null,
    person_id uuid not null references person,
    verified boolean not null default false,
    bad_reason text,
    created_at timestamptz not null,
    primary key (number, person_id)
);
create index person_phone_person on person_phone (person_id);

create table rep (
    id uuid primary key,
    name text not null,
    email text not null unique,
    phone text,
    zone text not null,
    weekly jsonb not null,
    capacity int not null check (capacity > 0),
    weight int not null default 1,
    presence text not null default 'available' check (presence in ('available', 'busy', 'away')),
    manager boolean not null default false,
    active boolean not null default true,
    last_assigned_wall timestamptz
);

create table plan (
    id text not null,
    version int not null,
    body jsonb not null,
    sha256 text not null,
    published_wall timestamptz not null default now(),
    primary key (id, version)
);

create table lead (
    id uuid primary key,
    person_id uuid not null references person,
    form_key text not null,
    lead_type text not null check (lead_type in ('hot', 'warm', 'cold')),
    intent text not null,
    source text not null,
    segment text,
    country text,
    region text,
    postcode text,
    tz text,
    stage text not null default 'new' check (stage in ('new', 'acknowledged', 'assigned', 'attempting', 'connected',
        'booked', 'qualified', 'nurturing', 'converted', 'closed', 'exhausted')),
    owner_id uuid references rep,
    plan_id text not null,
    plan_version int not null,
    clock_offset_us bigint not null default 0,
    created_at timestamptz not null,
    created_wall timestamptz not null,
    -- set by the transaction that learns it, so that the gate sees it before the workflow does
    plan_stopped text,
    paused_until timestamptz,
    open_at timestamptz,
    first_attempt_due timestamptz,
    first_attempt_target text,
    promised_at timestamptz,
    promise_text text,
    acknowledged_at timestamptz,
    assigned_at timestamptz,
    first_attempt_at timestamptz,
    first_contact_at timestamptz,
    decided_at timestamptz,
    next_touch_at timestamptz,
    next_step text,
    next_why text,
    closed_at timestamptz,
    close_reason text,
    foreign key (plan_id, plan_version) references plan (id, version)
);
-- Exactly one open lead per person, whatever races.
create unique index lead_one_open on lead (person_id) where closed_at is null;
create index lead_owner_open on lead (owner_id) where closed_at is null;
create index lead_created on lead (created_at);

create table inquiry (
    id uuid primary key,
    lead_id uuid not null references lead,
    person_id uuid not null references person,
    number int not null,
    form_key text not null,
    intent text not null,
    lead_type text not null,
    source text not null,
    email text,
    phone text,
    message text,
    consent_sms boolean not null default false,
    consent_call boolean not null default false,
    consent_text text,
    remote_address text,
    user_agent text,
    fields jsonb not null default '{}',
    fingerprint bytea not null,
    idempotency_key text,
    submitted_at timestamptz not null,
    submitted_wall timestamptz not null,
    unique (lead_id, number)
);
create unique index inquiry_idempotency on inquiry (form_key, idempotency_key) where idempotency_key is not null;
create index inquiry_person on inquiry (person_id, submitted_wall);

-- Every message to a workflow, written in the transaction of its cause; the relay delivers in order of seq per lead.
create table message (
    id uuid primary key,
    lead_id uuid not null references lead,
    seq bigint generated always as identity,
    kind text not null check (kind in ('start', 'inquiry', 'outcome', 'reply', 'opt_out', 'delivery', 'call_progress',
        'replan')),
    payload jsonb not null,
    created_wall timestamptz not null default clock_timestamp(),
    delivered_wall timestamptz,
    delivery text,
    attempts int not null default 0,
    error text
);
create index message_undelivered on message (lead_id, seq) where delivered_wall is null;
create index message_lead on message (lead_id, seq);

-- One row per touch: claimed before the provider is asked, so that it is sent at most once.
create table touch (
    id text primary key,
    lead_id uuid not null references lead,
    person_id uuid not null references person,
    step text not null,
    channel text not null check (channel in ('email', 'sms', 'call', 'task')),
    purpose text not null check (purpose in ('acknowledgement', 'plan', 'manual')),
    address text,
    state text not null check (state in ('claimed', 'sent', 'skipped', 'deferred', 'failed', 'in_doubt')),
    reason text,
    reasons text[] not null default '{}',
    versions jsonb not null default '{}',
    subject text,
    body text,
    planned_at timestamptz,
    placed_at timestamptz,
    next_at timestamptz,
    claimed_at timestamptz,
    claimed_wall timestamptz,
    lease_until_wall timestamptz,
    sent_at timestamptz,
    settled_at timestamptz,
    provider_id text,
    delivery text,
    call_result text,
    attempts int not null default 0
);
create index touch_lead on touch (lead_id, claimed_at);
create index touch_address_sent on touch (address, claimed_at) where state in ('claimed', 'sent', 'in_doubt');
create index touch_provider on touch (provider_id) where provider_id is not null;

-- A call attempt is a touch; the rep's phone and the lead's phone are legs of it.
create table leg (
    id text primary key,
    touch_id text not null references touch,
    role text not null check (role in ('rep', 'lead')),
    rep_id uuid references rep,
    state text not null check (state in ('claimed', 'ringing', 'answered', 'accepted', 'ended', 'failed', 'in_doubt')),
    result text,
    provider_id text,
    claimed_at timestamptz not null,
    claimed_wall timestamptz not null,
    lease_until_wall timestamptz,
    answered_at timestamptz,
    ended_at timestamptz
);
create index leg_touch on leg (touch_id);

-- The lead's story as people read it: what happened, when, why.
create table story (
    id bigint generated always as identity primary key,
    lead_id uuid not null references lead,
    at timestamptz not null,
    kind text not null,
    step text,
    reason text,
    data jsonb not null default '{}',
    dedupe text,
    unique (lead_id, dedupe)
);
create index story_lead on story (lead_id, id);

create table outcome (
    id uuid primary key,
    lead_id uuid not null references lead,
    rep_id uuid references rep,
    touch_id text references touch,
    call_result text,
    outcome text,
    reason text,
    until_at timestamptz,
    note text,
    at timestamptz not null
);
create index outcome_lead on outcome (lead_id);

create table reply (
    id uuid primary key,
    lead_id uuid references lead,
    person_id uuid references person,
    channel text not null check (channel in ('email', 'sms', 'call')),
    automatic boolean not null default false,
    subject text,
    body text not null,
    provider_id text,
    received_at timestamptz not null,
    unique (channel, provider_id)
);
create index reply_lead on reply (lead_id);

create table suppression (
    person_id uuid not null references person,
    channel text not null check (channel in ('email', 'sms', 'call', 'all')),
    reason text not null,
    source text not null,
    at timestamptz not null,
    primary key (person_id, channel)
);

-- What a provider told us, stored before it is acted on; the key is what makes a repeated webhook a no-op.
create table provider_event (
    provider text not null,
    key text not null,
    kind text not null,
    touch_id text,
    payload jsonb not null,
    received_wall timestamptz not null default clock_timestamp(),
    primary key (provider, key)
);
create index provider_event_touch on provider_event (touch_id) where touch_id is not null;

-- What a rep, a manager or ops were told; unseen ones are their work list.
create table notice (
    id uuid primary key,
    lead_id uuid references lead,
    rep_id uuid references rep,
    audience text not null check (audience in ('rep', 'manager', 'ops')),
    kind text not null,
    reason text,
    due_at timestamptz,
    at timestamptz not null,
    seen_wall timestamptz,
    dedupe text unique
);
create index notice_rep on notice (rep_id) where seen_wall is null;

-- migrate:down
drop table notice, provider_event, suppression, reply, outcome, story, leg, touch, message, inquiry, lead, plan, rep,
    person_phone, person_email, person;
