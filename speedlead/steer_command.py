"""What `speedlead lead pause …` and `speedlead steer …` share: find the leads, show them, ask them, go on later."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import typer

from speedlead.domain.steering import FASTEST, BadRequest, action_named, action_of, checked
from speedlead.whoami import command_line

# beside the one that holds the run's lock
CONNECTIONS = 10


def asked_of_leads(leads: list[str], action: str, asked: Mapping[str, Any], reason: str) -> None:
    """`speedlead lead ACTION LEAD…`; exits the command."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.store import views

        found: dict[str, Mapping[str, Any]] = {}
        async with pool.acquire() as conn:
            for text in leads:
                lead_id = await views.lead_by_prefix(conn, text)
                if lead_id is None:
                    raise BadRequest(f"{text}: no such lead, or more than one begins like this")
                found[lead_id] = {}
        return await start_run(pool, settings, action, asked, reason, found, {}, pace=FASTEST)

    run_command(work)


def asked_of_many(
    action: str, asked: Mapping[str, Any], reason: str, given: Mapping[str, str], pace: float, dry_run: bool, yes: bool
) -> None:
    """`speedlead steer ACTION`: preview, then the run of exactly these leads; exits the command."""

    async def work(pool: Any, settings: Any) -> int:
        from dataclasses import replace

        from speedlead.lead_filter import read_filter, written
        from speedlead.store import views

        async with pool.acquire() as conn:
            filters = read_filter({**given, "owner": await owner_named(conn, given.get("owner", ""))})
            leads = await views.matching(conn, filters)
            examples = await views.open_leads(conn, replace(filters, limit=10))
        _show_examples(len(leads), examples)
        if dry_run or not leads:
            print("Nothing was changed.")
            return 0
        checked(action, asked, reason)
        if not agreed(f"{action_of(action).words}: {len(leads)} of them?", yes):
            return 1
        found: dict[str, Mapping[str, Any]] = {lead_id: {} for lead_id in leads}
        return await start_run(pool, settings, action, asked, reason, found, written(filters), pace=pace)

    if not any(given.values()):
        raise typer.BadParameter("expected a filter such as --type cold; --state all means every lead")
    run_command(work)


def agreed(question: str, yes: bool) -> bool:
    """Whether somebody says yes to what was just shown; where nobody can answer, it takes --yes."""
    if yes:
        return True
    try:
        if typer.confirm(question):
            return True
    except typer.Abort:
        print("--yes: expected where nobody can answer", file=sys.stderr)
    print("Nothing was changed.")
    return False


async def owner_named(conn: Any, text: str) -> str:
    """The id behind `--owner`; empty and `none` stay. Raises BadRequest."""
    return text if text in ("", "none") else await _rep(conn, text, "--owner")


async def _rep(conn: Any, text: str, option: str) -> str:
    from speedlead.store.hand_over import rep_named

    found = await rep_named(conn, text)
    if found is None:
        raise BadRequest(f"{option}: expected the e-mail address of a rep, got {text!r}")
    return found[0]


def resumed(run: str) -> NoReturn:
    """`speedlead steer --resume RUN`; exits the command."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.store import steering as rows

        async with pool.acquire() as conn:
            run_id = await rows.run_by_prefix(conn, run.lower())
            if run_id is None:
                raise BadRequest(f"--resume {run}: no such run, or more than one begins like this")
            await rows.hold_run(conn, run_id, None)
        return await carry_out(pool, settings, run_id)

    run_command(work)


def corrected(lead: str, given: Mapping[str, str], reason: str) -> NoReturn:
    """`speedlead lead correct`; exits the command."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.clock import SystemClock
        from speedlead.contact_marks import marks_of
        from speedlead.correction import read_correction
        from speedlead.credentials import load_or_create
        from speedlead.gateway.context import home_country
        from speedlead.intake import Rules
        from speedlead.store import views
        from speedlead.store.correcting import correct, known_of
        from speedlead.store.transactions import transact

        secret = load_or_create(settings.data_dir).secret_bytes
        rules = Rules((), home_country(settings.company_phone or settings.twilio_from))

        async def write(conn: Any) -> str:
            lead_id = await views.lead_by_prefix(conn, lead)
            known = await known_of(conn, lead_id) if lead_id else None
            if lead_id is None or known is None:
                raise BadRequest(f"{lead}: no such lead, or more than one begins like this")
            fields = read_correction(given, known, rules)
            marks = marks_of(secret, fields.get("email"), fields.get("phone"))
            return await correct(
                conn, SystemClock(), lead_id, fields, reason, account_id=None, role=command_line(), marks=marks
            )

        return await carry_out(pool, settings, await transact(pool, write))

    run_command(work)


def run_command(work: Callable[[Any, Any], Awaitable[int]]) -> NoReturn:
    """With a pool and the settings, in the house that these credentials belong to.

    Turns what can go wrong into a line and an exit code.
    """
    from speedlead.command_database import database_url_or_exit
    from speedlead.credentials import CredentialsError
    from speedlead.house_mark import OtherHouse
    from speedlead.settings import load_settings
    from speedlead.steering import AlreadyRunning
    from speedlead.store.house_marks import credentials_of_house
    from speedlead.store.transactions import StoreUnavailable

    settings = load_settings()
    url = database_url_or_exit(settings)

    async def connected() -> int:
        async with _pool(url) as pool:
            await credentials_of_house(pool, settings)
            return await work(pool, settings)

    try:
        code = asyncio.run(connected())
    except (ValueError, LookupError, AlreadyRunning, OtherHouse, CredentialsError) as error:
        print(f"{error}", file=sys.stderr)
        code = 2
    except (OSError, RuntimeError, StoreUnavailable) as error:
        print(f"{error}: nothing more was asked", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    raise typer.Exit(code)


@asynccontextmanager
async def _pool(url: str) -> AsyncIterator[Any]:
    from speedlead.store.pool import open_pool

    pool = await open_pool(url, size=CONNECTIONS)
    try:
        yield pool
    finally:
        await pool.close()


async def start_run(
    pool: Any, settings: Any, action: str, asked: Mapping[str, Any], reason: str,
    leads: Mapping[str, Mapping[str, Any]], chosen: Mapping[str, Any], *, pace: float,
) -> int:  # fmt: skip
    """Raises BadRequest or LookupError before anything is written."""
    from speedlead.clock import SystemClock
    from speedlead.store import steering as rows
    from speedlead.store.plans import plan_of

    if not 0 < pace <= FASTEST:
        raise BadRequest(f"--pace: expected more than 0 and at most {FASTEST:g} leads a second")
    action = action_named(action)
    async with pool.acquire() as conn, conn.transaction():
        asked = dict(asked)
        if action == "change_plan" and "plan_id" in asked and "version" in asked:
            await plan_of(conn, asked["plan_id"], asked["version"])
        if asked.get("rep_id"):
            asked["rep_id"] = await _rep(conn, asked["rep_id"], "--to")
        wanted = rows.Wanted(action, checked(action, asked, reason), reason, leads, chosen, command_line(), pace=pace)
        run_id = await rows.begin_run(conn, wanted, SystemClock().wall())
    return await carry_out(pool, settings, run_id)


async def carry_out(pool: Any, settings: Any, run_id: str) -> int:
    """With a progress bar; 0 when every lead did it, 1 when some did not, 130 after Ctrl-C."""
    from rich.progress import Progress

    from speedlead.cadence_client import CadenceClient
    from speedlead.clock import SystemClock
    from speedlead.credentials import load_or_create
    from speedlead.payloads import converter_of
    from speedlead.steering import AlreadyRunning, Steering, ended_by_worker
    from speedlead.store import steering as rows
    from speedlead.temporal_link import connect_as_set

    before = await rows.run_of(pool, run_id)
    assert before is not None
    converter = converter_of(settings, load_or_create(settings.data_dir), pool)
    client = await connect_as_set(settings, converter=converter)
    steering = Steering(pool, CadenceClient(client), SystemClock())
    again = f"speedlead steer --resume {run_id[:8]}"
    try:
        with Progress(transient=not sys.stdout.isatty()) as progress:
            task = progress.add_task(before.action, total=before.total, completed=before.total - before.waiting)
            run = await steering.carry_out(run_id, lambda: progress.advance(task))
    except asyncio.CancelledError:
        print(f"Stopped. What is done is done; go on with: {again}", file=sys.stderr)
        raise
    except AlreadyRunning:  # by somebody else, and that goes on
        if not before.background:
            raise
        run = await ended_by_worker(pool, run_id)
    except BaseException:
        print(f"Broken off. Go on with: {again}", file=sys.stderr)
        raise
    for lead_id, _, why in await rows.not_done(pool, run_id):
        print(f"{lead_id}: {why}", file=sys.stderr)
    left = f", {run.waiting} did not answer: {again}" if run.waiting else ""
    print(f"run {run_id[:8]}: {run.done} done, {run.refused} refused{left}")
    return 0 if run.done == run.total else 1


def _show_examples(total: int, examples: list[Any]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from speedlead import times, wording

    print(f"{total} {'lead matches' if total == 1 else 'leads match'}.")
    if not examples:
        return
    table = Table("lead", "type", "stage", "owner", "source", "plan", "next", box=box.SIMPLE_HEAD, pad_edge=False)
    for card in examples:
        at = times.clock(card.next_touch_at, card.zone) if card.next_touch_at else "–"
        table.add_row(card.lead_id[:8], card.lead_type, wording.stage(card.stage), escape(card.owner_name or "–"),
                      escape(card.source), card.plan, f"{wording.step(card.next_step)} {at}".strip())  # fmt: skip
    Console(highlight=False).print(table)
