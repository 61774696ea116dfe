-- migrate:up

-- What happens when a machine answers for the lead: decided by the gate, together with the leave to dial.
alter table leg add column voicemail text check (voicemail in ('stay', 'hang_up', 'leave'));
-- A ticked box of its own: no other consent is one to a recorded or artificial voice.
alter table inquiry add column consent_recorded boolean not null default false;

-- migrate:down
alter table inquiry drop column consent_recorded;
alter table leg drop column voicemail;
