-- migrate:up

-- Consent to an artificial voice, of one number of one lead: with the words that were shown or read out. No other tick,
-- and no inquiry, is one. It ends with any opt-out of somebody with this number, and with a wish of its own.
create table ai_voice_consent (
    id uuid primary key,
    lead_id uuid not null references lead,
    number text not null,
    source text not null check (source in ('form', 'key')),
    wording text not null,
    at timestamptz not null,
    at_wall timestamptz not null,
    ended_at timestamptz,
    ended_by text check (ended_by in ('opt_out', 'withdrawn'))
);
create index ai_voice_consent_number on ai_voice_consent (number);
create index ai_voice_consent_lead on ai_voice_consent (lead_id);

-- assistant: it speaks with the assistant now; spoken: it did, and is over. relay_key: the hash of what opens the
-- socket of this call, once; relay_wall: when it did.
alter table inbound_call drop constraint inbound_call_state_check;
alter table inbound_call add constraint inbound_call_state_check
    check (state in ('ringing', 'connected', 'missed', 'ours', 'assistant', 'spoken'));
alter table inbound_call add column relay_key bytea, add column relay_wall timestamptz;
drop index inbound_call_ringing;
create index inbound_call_ringing on inbound_call (at_wall) where state in ('ringing', 'assistant');
alter table answer drop constraint answer_channel_check;
alter table answer add constraint answer_channel_check check (channel in ('email', 'sms', 'chat', 'call'));

-- migrate:down
delete from answer where channel = 'call';
alter table answer drop constraint answer_channel_check;
alter table answer add constraint answer_channel_check check (channel in ('email', 'sms', 'chat'));
update inbound_call set state = 'missed' where state in ('assistant', 'spoken');
drop index inbound_call_ringing;
create index inbound_call_ringing on inbound_call (at_wall) where state = 'ringing';
alter table inbound_call drop column relay_key, drop column relay_wall;
alter table inbound_call drop constraint inbound_call_state_check;
alter table inbound_call add constraint inbound_call_state_check
    check (state in ('ringing', 'connected', 'missed', 'ours'));
drop table ai_voice_consent;
