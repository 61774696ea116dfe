-- migrate:up

-- What a visitor writes in the page after the form: the post that began it, whose token is all that opens it.
alter table reply drop constraint reply_channel_check;
alter table reply add constraint reply_channel_check check (channel in ('email', 'sms', 'call', 'chat'));
alter table reply add column inquiry_id uuid references inquiry on delete set null;
create index reply_chat on reply (inquiry_id) where inquiry_id is not null;

-- shown_wall: when the visitor's page took the answer; mail_wall: when it goes by mail instead if it has not by then.
alter table answer drop constraint answer_channel_check;
alter table answer add constraint answer_channel_check check (channel in ('email', 'sms', 'chat'));
alter table answer add column shown_wall timestamptz, add column mail_wall timestamptz;
create index answer_mail on answer (mail_wall) where mail_wall is not null;

-- Until when somebody was last seen looking at a conversation.
create table chat (
    inquiry_id uuid primary key references inquiry on delete cascade,
    seen_wall timestamptz not null
);

-- migrate:down
drop table chat;
delete from answer where channel = 'chat';
delete from reply where channel = 'chat';
alter table answer drop column shown_wall, drop column mail_wall;
alter table answer drop constraint answer_channel_check;
alter table answer add constraint answer_channel_check check (channel in ('email', 'sms'));
alter table reply drop column inquiry_id;
alter table reply drop constraint reply_channel_check;
alter table reply add constraint reply_channel_check check (channel in ('email', 'sms', 'call'));
