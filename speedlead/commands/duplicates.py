"""`speedlead duplicates …`: entries that may be one person; merge them, say that they are not, undo a merge."""

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from speedlead.person_commands import run_in_house
from speedlead.whoami import command_line
from speedlead.wording import counted

app = typer.Typer(no_args_is_help=True, help="Entries that may be one person (docs/duplicates.md).")

Lead = Annotated[str, typer.Argument(help="The id of a lead of the person, or its first eight characters")]


@app.command()
def look() -> None:
    """Look through all people now; the worker does it every night. Changes nothing but what is proposed."""

    async def work(_settings: Any, pool: Any) -> int:
        from speedlead.clock import SystemClock
        from speedlead.store.company_alike import look_for_alike
        from speedlead.store.duplicates import look_for_duplicates

        wall = SystemClock().wall()
        async with pool.acquire() as conn:
            companies = await look_for_alike(conn, wall)
            found = await look_for_duplicates(conn, wall)
        print(f"{found.people} people, {found.compared} pairs compared: {found.proposed} may be one person, "
              f"{found.new} of them new, {found.over} not any more; "
              f"{counted(companies, 'pair')} of companies")  # fmt: skip
        return 0

    run_in_house(work)


@app.command(name="list")
def list_(
    merged: Annotated[bool, typer.Option("--merged", help="What was merged, with the id that undo takes")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="So many at most")] = 50,
) -> None:
    """Pairs that wait for somebody to look at them, the likeliest first."""

    async def work(_settings: Any, pool: Any) -> int:
        from speedlead import wording
        from speedlead.store.duplicates import open_pairs
        from speedlead.store.merges import merges

        async with pool.acquire() as conn:
            if merged:
                done = await merges(conn, limit)
                for one in done:
                    print(_merge_line(one))
                if not done:
                    print("Nothing was merged.")
                return 0
            pairs = await open_pairs(conn, limit)
            if not pairs:
                print("Nobody waits: no pairs are proposed. `speedlead duplicates look` looks anew.")
            for pair in pairs:
                reasons = ", ".join(wording.reason(reason) for reason in pair.reasons)
                print(f"{pair.score:>3}  {reasons}{' (certain)' if pair.certain else ''}")
                for side in (pair.older, pair.newer):
                    told = [side["name"], side["company"], *side["emails"], *side["phones"]]
                    print(f"     {(side['lead_id'] or 'no lead')[:8]}  {', '.join(text for text in told if text)}")
        return 0

    run_in_house(work)


def _merge_line(one: Any) -> str:
    was = one["gone_name"] or one["gone_email"] or ("an entry" if one["erased"] or one["undone_wall"] else "no name")
    ended = f", undone {one['undone_wall']:%Y-%m-%d %H:%M} UTC" if one["undone_wall"] else ""
    who = "the rule" if one["by_rule"] else one["who"]
    into = f"{one['kept_name'] or 'without a name'} (lead {(one['lead_id'] or '-')[:8]})"
    return f"{one['id']}  {one['at_wall']:%Y-%m-%d %H:%M} UTC  {was} became part of {into}, by {who}{ended}"


@app.command()
def merge(lead: Lead, other: Lead) -> None:
    """Make them one person: the person of the first lead stays, the other's everything becomes theirs."""

    async def work(conn: Any, clock: Any, people: list[str]) -> str:
        from speedlead.store.merging import Asked
        from speedlead.store.merging import merge as merge_two

        done = await merge_two(conn, clock, Asked(people[0], people[1], keep=people[0], role=command_line()))
        ended = f" Lead {done.closed} ended as a duplicate." if done.closed else ""
        return f"Merged: {done.merge_id}; `speedlead duplicates undo` takes it.{ended}"

    _carry_out("duplicates merge", [lead, other], work)


@app.command()
def dismiss(lead: Lead, other: Lead) -> None:
    """They are not the same: never proposed again."""

    async def work(conn: Any, clock: Any, people: list[str]) -> str:
        from speedlead.store.duplicates import dismiss as dismiss_pair
        from speedlead.store.merging import MergeRefused

        if not await dismiss_pair(conn, people[0], people[1], clock.wall()):
            raise MergeRefused("these two are not proposed")
        return "Dismissed: they stay two, and are not proposed again."

    _carry_out("duplicates dismiss", [lead, other], work)


@app.command()
def undo(
    merge: Annotated[str, typer.Argument(help="The id of the merge: `speedlead duplicates list --merged`")],
) -> None:
    """Make them two again; docs/duplicates.md says what stays where."""
    import uuid

    try:
        merge_id = str(uuid.UUID(merge))
    except ValueError:
        print(f"MERGE: expected an id as `speedlead duplicates list --merged` shows it, got {merge!r}", file=sys.stderr)
        raise typer.Exit(2) from None

    async def work(conn: Any, clock: Any, _people: list[str]) -> str:
        from speedlead.store.unmerging import undo as undo_merge

        done = await undo_merge(conn, clock, merge_id)
        again = f" Lead {done.reopened} goes on." if done.reopened else ""
        return f"Undone: {counted(len(done.leads), 'lead')} went back.{again}"

    _carry_out("duplicates undo", [], work, {"merge": merge_id})


@app.command()
def companies() -> None:
    """Domains that may be one company, and those that are joined."""

    async def work(_settings: Any, pool: Any) -> int:
        from speedlead import wording
        from speedlead.store.company_alike import pairs

        async with pool.acquire() as conn:
            for one in await pairs(conn, ("open", "joined"), 1000):
                why = ", ".join(wording.reason(reason) for reason in one["reasons"])
                print(f"{one['domain']}  {'is' if one['state'] == 'joined' else 'may be'} of {one['of_domain']}  {why}")
        return 0

    run_in_house(work)


Domain = Annotated[str, typer.Argument(help="Such as acme.de")]


@app.command()
def join(domain: Domain, of_domain: Domain) -> None:
    """Mail of the first domain is mail of the second's company."""
    _on_domains("duplicates join", domain, of_domain, "Joined.")


@app.command()
def part(domain: Domain, of_domain: Domain) -> None:
    """They are two companies, and are not proposed again."""
    _on_domains("duplicates part", domain, of_domain, "They are two companies.")


def _on_domains(action: str, domain: str, of_domain: str, said: str) -> None:
    from speedlead.enrichment.mail_domains import domain_of

    names = {}
    for field, text in (("DOMAIN", domain), ("OF_DOMAIN", of_domain)):
        name = domain_of(text)
        if name is None:
            print(f"{field}: expected a domain such as acme.com, got {text!r}", file=sys.stderr)
            raise typer.Exit(2)
        names[field.lower()] = name

    async def work(conn: Any, clock: Any, _people: list[str]) -> str:
        from speedlead.store import company_alike

        carry_out = company_alike.join if action.endswith("join") else company_alike.part
        await carry_out(conn, names["domain"], names["of_domain"], clock.wall())
        return said

    _carry_out(action, [], work, names)


def _carry_out(
    action: str, leads: list[str], work: Callable[[Any, Any, list[str]], Awaitable[str]],
    about: dict[str, str] | None = None,
) -> None:  # fmt: skip
    """One transaction with its line in the audit. The worker tells the leads' workflows within a second."""

    async def run(_settings: Any, pool: Any) -> int:
        from speedlead.clock import SystemClock
        from speedlead.commands.lead import full_id
        from speedlead.store import audit
        from speedlead.store.erasure import person_of_lead
        from speedlead.store.merging import MergeRefused
        from speedlead.store.transactions import transact

        clock = SystemClock()

        async def write(conn: Any) -> str:
            ids, people = [], []
            for text in leads:
                lead_id = await full_id(conn, text)
                person = await person_of_lead(conn, lead_id) if lead_id else None
                if lead_id is None or person is None:
                    raise MergeRefused(f"{text}: no such lead, or more than one begins like this")
                ids.append(lead_id)
                people.append(person)
            said = await work(conn, clock, people)
            asked = (about or {}) | dict(zip(("lead", "other"), ids, strict=False))
            change = audit.Change(None, command_line(), None, action, ids[0] if ids else None, asked)
            await audit.end(conn, await audit.begin(conn, change, None, clock.wall()), None, 200)
            return said

        try:
            print(await transact(pool, write))
        except MergeRefused as refused:
            print(f"{refused}. Nothing was changed.", file=sys.stderr)
            return 1
        return 0

    run_in_house(run)
