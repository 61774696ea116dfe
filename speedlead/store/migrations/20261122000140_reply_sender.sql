-- migrate:up

-- Where a message came from: an answer to a mail goes back there. Null in what an older version wrote.
alter table reply add column sender text;
create index reply_stranger on reply (sender) where lead_id is null;

-- Who was told today what HELP by SMS gets: once a day for each number. Rows of earlier days are deleted.
create table help_told (
    number text not null,
    day date not null,
    primary key (number, day)
);

-- migrate:down
drop table help_told;
drop index reply_stranger;
alter table reply drop column sender;
