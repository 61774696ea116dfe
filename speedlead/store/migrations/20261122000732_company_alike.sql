-- migrate:up

-- Two mail domains that may be one company; `joined`: whoever writes from `domain` is of the company of `of_domain`.
create table company_alike (
    domain text not null,
    of_domain text not null,
    reasons text[] not null,
    state text not null default 'open' check (state in ('open', 'dismissed', 'joined')),
    found_wall timestamptz not null,
    seen_wall timestamptz not null,
    decided_wall timestamptz,
    primary key (domain, of_domain),
    check (domain <> of_domain)
);
create unique index company_alike_joined on company_alike (domain) where state = 'joined';
create index company_alike_of on company_alike (of_domain) where state = 'joined';

-- migrate:down
drop table company_alike;
