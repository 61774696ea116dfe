-- migrate:up

-- Every version of every template, words file and script that was ever in use; a touch names the one it was made from.
create table template_version (
    channel text not null,
    id text not null,
    language text not null,
    version int not null,
    -- of what a lead or a rep reads; owner and review date may change without a new version
    sha256 text not null,
    owner text not null,
    review_by date not null,
    source text not null,
    published_wall timestamptz not null default now(),
    primary key (channel, id, language, version)
);

-- What a lead said to a rep's qualification question. Answered again, the newest counts; nothing is overwritten.
create table script_answer (
    id bigint generated always as identity primary key,
    lead_id uuid not null references lead,
    script_id text not null,
    script_version int not null,
    question_id text not null,
    answer_id text not null,
    rep_id uuid references rep,
    at timestamptz not null
);
create index script_answer_lead on script_answer (lead_id, id);

-- migrate:down
drop table script_answer, template_version;
