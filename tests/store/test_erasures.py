"""The list of erasures, and a database that is older than it: whoever is in both is erased again, and nobody else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from speedlead.cadence_errors import LeadNotFound
from speedlead.commands import erasures as command
from speedlead.credentials import load_or_create
from speedlead.erasure_list import Applied, ErasureList, ListRefused, apply, foreseen, read_house, read_list, write_list
from speedlead.house_mark import HouseMark
from speedlead.ids import new_id
from speedlead.store import erasure
from speedlead.store.erasures import Erasure, OptOut
from speedlead.store.house_marks import use_house
from speedlead.store.optouts import opt_out
from speedlead.store.plans import PlanStore
from speedlead.store.pool import open_pool
from speedlead.store.rows import lock_person
from tests.gateway.house import MONDAY, StepClock
from tests.servers import local_settings
from tests.store.test_erasure import PLAN, PRIVATE, SECRET, everything, post

STRANGER = "+13105550148"
HOUSE = HouseMark("a" * 64, {})


class NobodyRuns:
    async def update(self, lead_id: str, name: str, payload: dict[str, Any], *, key: str | None = None) -> Any:
        raise LeadNotFound(lead_id)

    async def runs(self, lead_id: str) -> bool:
        return False

    async def forget(self, lead_id: str) -> bool:
        return True


@pytest_asyncio.fixture
async def older(database_url: str, tmp_path: Path) -> AsyncIterator[tuple["asyncpg.Pool[Any]", ErasureList, str]]:
    """A copy from before the erasures, the list that was made after them, and the copy's address.

    Adalind asked us and was erased after she had opted out; so was a stranger's text from an unknown number. Bo stays.
    """
    url = database_url.replace("?", "_older?", 1)
    name = url.split("?")[0].rsplit("/", 1)[1]
    async with await open_pool(database_url) as pool:
        await PlanStore(pool).publish(PLAN)
        ada = await post(pool, phone=None)
        await post(pool, name="Bo", email="bo@other.example", phone="+13105550199", message="", postcode=None,
                   favourite=None, consent_text=None)  # fmt: skip
        await pool.execute(
            """insert into reply (id, channel, body, received_at, sender, provider_id)
               values ($1, 'sms', 'herring?', $2, $3, 'SM1')""", new_id(), MONDAY, STRANGER
        )  # fmt: skip
    server = await asyncpg.connect(database_url.replace(name.removesuffix("_older"), "postgres", 1))
    await server.execute(f'create database "{name}" template "{name.removesuffix("_older")}"')
    await server.close()
    async with await open_pool(database_url) as pool:
        for people, contacts in (([await person_of(pool, ada.lead_id)], ()), ([], (STRANGER,))):
            async with pool.acquire() as conn, conn.transaction():
                for person in people:
                    await lock_person(conn, person)
                    await opt_out(conn, StepClock(), person, "email", source="rep")
                await erasure.erase(conn, StepClock(), people, SECRET, contacts)
        write_list(tmp_path / "list", await read_house(pool, HOUSE))
    async with await open_pool(url) as pool:
        yield pool, read_list(tmp_path / "list", HOUSE), url


async def person_of(pool: Any, lead_id: str) -> str:
    person = await erasure.person_of_lead(pool, lead_id)
    assert person is not None
    return person


async def test_an_older_database_is_brought_up_to_date(older: tuple[Any, ErasureList, str], tmp_path: Path) -> None:
    pool, found, _ = older
    assert not PRIVATE.search((tmp_path / "list").read_text())
    assert (tmp_path / "list").stat().st_mode & 0o077 == 0
    assert any(PRIVATE.search(text) for text in (await everything(pool)).values())
    assert await foreseen(pool, found) == Applied(known=0, erased=2, people=1, leads=1)
    steps: list[None] = []
    done = await apply(
        pool, NobodyRuns(), StepClock(), SECRET, found, request_id=new_id(), step=lambda: steps.append(None)
    )
    assert (done.erased, done.people, done.leads, len(steps)) == (2, 1, 1, 2)
    assert [name for name, text in (await everything(pool)).items() if PRIVATE.search(text)] == []
    assert await pool.fetch("select name from person where name is not null") == [("Bo",)]
    # what she opted out of after the copy was made holds for whoever comes back
    again = await post(pool)
    channels = "select array_agg(channel) from suppression where person_id = $1"
    assert await pool.fetchval(channels, await person_of(pool, again.lead_id)) == ["email"]
    # done once: who has come back since is a person like any other
    done = await apply(pool, NobodyRuns(), StepClock(), SECRET, found, request_id=new_id())
    assert (done.known, done.erased) == (2, 0)
    assert await pool.fetchval("select count(*) from person where name is not null") == 2
    assert (await read_house(pool, HOUSE)).erasures[0].people == found.erasures[0].people


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda lines: lines[:-1], "the end is missing"),
        (lambda lines: lines[:1] + lines[2:], "the end is missing"),
        (lambda lines: ['{"format": 1, "house": "b"}', *lines[1:]], ":1: it is the list of another house"),
        (lambda lines: ["{}", *lines[1:]], ":1: expected what `speedlead erasures export` writes"),
        (lambda lines: [], ":1: expected what `speedlead erasures export` writes"),
        (lambda lines: [*lines[:2], "x", *lines[3:]], ":3: expected a JSON object"),
        (lambda lines: [*lines[:2], '{"erased": "x"}', *lines[3:]], ":3: expected an erasure or an opt-out"),
        (lambda lines: [*lines[:2], '{"opted_out": "00", "channel": "fax", "at": "2026-01-01"}', *lines[3:]], "'fax'"),
    ],
)
def test_a_list_that_is_damaged_or_anothers_is_refused(tmp_path: Path, change: Any, says: str) -> None:
    done = Erasure(new_id(), MONDAY, (new_id(),), (new_id(),), (b"m" * 32,))
    write_list(tmp_path / "list", whole := ErasureList(HOUSE.secret, [done], [OptOut(b"o" * 32, "all", MONDAY)]))
    assert read_list(tmp_path / "list", HOUSE) == whole
    lines = (tmp_path / "list").read_text().splitlines()
    (tmp_path / "list").write_text("\n".join(change(lines)))
    with pytest.raises(ListRefused) as refused:
        read_list(tmp_path / "list", HOUSE)
    assert str(refused.value).startswith(f"{tmp_path / 'list'}:")
    assert says in str(refused.value)


async def test_the_commands(
    older: tuple[Any, ErasureList, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, found, url = older
    mine = HouseMark.of(local_settings(tmp_path), load_or_create(tmp_path))
    await use_house(pool, mine, tmp_path)
    write_list(tmp_path / "list", ErasureList(mine.secret, found.erasures, found.opt_outs))
    for name, value in (("DATABASE_URL", url), ("DATA_DIR", str(tmp_path)), ("TEMPORAL_ADDRESS", "127.0.0.1:1")):
        monkeypatch.setenv(f"SPEEDLEAD_{name}", value)

    async def run(*words: str) -> tuple[int, str]:
        answer = await asyncio.to_thread(CliRunner().invoke, command.app, list(words))
        return answer.exit_code, answer.output

    says = "2 erasures, 0 of them done here. Left: 2, with 1 people and 1 leads.\n"
    assert await run("apply", str(tmp_path / "list"), "--dry-run") == (0, f"{says}Nothing was erased.\n")
    code, output = await run("apply", str(tmp_path / "list"), "--yes")
    assert (code, "no Temporal at 127.0.0.1:1" in output, "Nothing was erased" in output) == (1, True, True)
    assert await run("export", str(tmp_path / "none")) == (
        0, f"{tmp_path}/none: 0 erasures, 0 opt-outs of erased people\n"
    )  # fmt: skip
    assert (await run("export", str(tmp_path / "no" / "folder")))[0] == 1
