-- migrate:up

-- A landline is no way to send SMS and still a good number to call: this fault is not `bad_reason`.
alter table person_phone add column sms_bad_reason text;

-- A reply without a token, and a STOP, find their person by the number they came from.
create index if not exists reply_person on reply (person_id);

-- migrate:down
drop index reply_person;
alter table person_phone drop column sms_bad_reason;
