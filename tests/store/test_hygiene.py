"""The look at the base on a real database: what is found, set aside, put right, undone, and erased."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from speedlead.clock import SystemClock
from speedlead.contact_marks import mark_of
from speedlead.domain.flow_check import SOURCE
from speedlead.domain.hygiene import TITLES, Finding
from speedlead.domain.review_week import week_named
from speedlead.export import as_html
from speedlead.hygiene.desk import HygieneDesk
from speedlead.hygiene.reading import Reader
from speedlead.ids import new_id
from speedlead.numbers.read import Numbers
from speedlead.review.compose import compose
from speedlead.review.mail import text_of
from speedlead.store import hygiene_findings, hygiene_repairs
from speedlead.store.erasure import all_of, erase, read_all
from speedlead.store.hygiene import valid_weeks
from speedlead.store.hygiene_findings import Run, Shown
from speedlead.store.pool import open_pool
from tests.store.hand_made import AVA, BEN, CHLOE, DANA, DEEPA, SAM, HandClock, ago, coming, put, put_lead, put_reps
from tests.store.hand_made import put_touch as put_touch_row


@dataclass
class Base:
    pool: Any
    clock: HandClock
    desk: HygieneDesk

    async def look(self) -> Run:
        assert await self.desk.begin_asked()
        run = await self.desk.go_on()
        assert run is not None
        return run

    async def found(self, kind: str, *, aside: bool = False) -> list[Shown]:
        return await hygiene_findings.findings(self.pool, kind, aside=aside)

    async def kinds(self) -> dict[str, int]:
        return {kind: many for kind, many in (await hygiene_findings.counts(self.pool)).items() if many}


@pytest_asyncio.fixture
async def base(database_url: str) -> AsyncIterator[Base]:
    pool = await open_pool(database_url, size=3)
    clock = HandClock()
    desk = HygieneDesk(pool, clock, Reader("US"), b"s" * 32, "America/New_York", "mon 05:00", ("name", "place"), True,
                       timedelta(days=30))  # fmt: skip
    async with pool.acquire() as conn:
        await put_reps(conn)
    try:
        yield Base(pool, clock, desk)
    finally:
        await pool.close()


async def lead(base: Base, lead_id: str, **fields: Any) -> str:
    """Of somebody who is well known, owned and busy, but for what is given."""
    given: dict[str, Any] = {
        "name": "Ann Lee", "email": f"{lead_id[:8]}@acme.example", "country": "US", "owner_id": SAM,
        "next_touch_at": coming(hours=1),
    }  # fmt: skip
    return await put_lead(base.pool, lead_id, **(given | fields))


async def bad(base: Base, person: str, table: str, reason: str | None) -> None:
    await base.pool.execute(f"update person_{table} set bad_reason = $2 where person_id = $1", person, reason)


async def test_a_house_in_which_nothing_is_wrong_has_an_empty_report(base: Base) -> None:
    await lead(base, AVA)
    run = await base.look()
    assert (run.looked_at, run.repaired, run.found) == (1, 0, dict.fromkeys(TITLES, 0) | {"past": 0, "duplicates": 0})


async def test_each_kind_is_found_with_the_lead_that_a_person_has_to_open(base: Base) -> None:
    bounced = await lead(base, AVA, email="ava@old.example", phone="+13105550148")
    await bad(base, bounced, "email", "bounced:550")
    silent = await lead(base, BEN, phone="+13105550149")
    for n in range(5):
        await put_touch_row(base.pool, BEN, silent, f"call-{n}", "call", "sent", address="+13105550149",
                            sent_at=ago(days=5 - n // 2), call_result="no_answer")  # fmt: skip
    await lead(base, CHLOE, email="chloe@gmial.com", name=None, company="Acme GmbH", country=None)
    await lead(base, DEEPA, email="deepa@mailinator.com", owner_id=None, created=ago(days=4), company="acme gmbh")
    nowhere, undecided = new_id(), new_id()
    gone = await lead(base, nowhere, phone="+13105550150", owner_id=DANA)
    await bad(base, gone, "email", "bounced:550")
    await bad(base, gone, "phone", "disconnected")
    await base.pool.execute("update rep set active = false where id = $1", DANA)
    await lead(base, undecided, created=ago(days=9), next_touch_at=None)
    # nobody's work: whoever wants no mail, whoever writes to us from that number, and a check of our own
    unwilling = await lead(base, new_id(), email="eve@mailinator.com")
    await put(base.pool, "suppression", person_id=unwilling, channel="email", reason="opted_out", source="x", at=ago())
    writes = await lead(base, new_id(), phone="+13105550151")
    for n in range(5):
        await put_touch_row(base.pool, BEN, writes, f"text-{n}", "call", "sent", address="+13105550151",
                            sent_at=ago(days=5 - n // 2), call_result="no_answer")  # fmt: skip
    await put(base.pool, "reply", id=new_id(), person_id=writes, channel="sms", body="?", sender="+13105550151",
              received_at=ago())  # fmt: skip
    await lead(base, new_id(), email=None, company="Check", source=SOURCE)
    run = await base.look()
    assert await base.kinds() == {
        "owner_gone": 1, "no_owner": 1, "no_outcome": 1, "unreachable": 1, "mail_bad": 1, "phone_silent": 1,
        "mail_typo": 1, "mail_throw_away": 1, "missing": 1, "no_domain": 1,
    }  # fmt: skip
    assert run.looked_at == 8
    about = {"owner_gone": nowhere, "no_owner": DEEPA, "no_outcome": undecided, "unreachable": nowhere, "mail_bad": AVA,
             "phone_silent": BEN, "mail_typo": CHLOE, "mail_throw_away": DEEPA, "missing": CHLOE}  # fmt: skip
    assert {kind: (await base.found(kind))[0].lead_id for kind in about} == about
    assert (await base.found("mail_typo"))[0].detail["meant"] == "chloe@gmail.com"
    assert (await base.found("missing"))[0].detail["lacks"] == ["name", "place"]
    assert (await base.found("no_domain"))[0].detail["people"] == 2


async def test_what_is_set_aside_comes_back_when_it_has_changed_and_not_before(base: Base) -> None:
    person = await lead(base, AVA, email="ava@old.example", phone="+13105550148")
    await bad(base, person, "email", "bounced:550")
    await base.look()
    first = (await base.found("mail_bad"))[0]
    assert await hygiene_findings.put_aside(base.pool, first.id, "not_worth_it", "ops: kim", base.clock.now)
    assert not await hygiene_findings.put_aside(base.pool, first.id, "not_worth_it", "ops: kim", base.clock.now)
    run = await base.look()
    assert run.found is not None
    assert run.found["mail_bad"] == 0
    assert [one.aside_reason for one in await base.found("mail_bad", aside=True)] == ["not_worth_it"]
    await bad(base, person, "email", "dropped")
    await base.look()
    assert [one.aside_reason for one in await base.found("mail_bad")] == [None]
    await bad(base, person, "email", None)
    await base.look()
    assert await base.kinds() == {}


async def test_what_is_only_written_otherwise_is_put_right_recorded_and_undone_for_good(base: Base) -> None:
    person = await lead(base, AVA, name="Ann  Lee ", email="Ann@Acme.Example", phone="+1 310 555 0148")
    # the same in the way it should be written is somebody else's: this is a duplicate, and not put right by itself
    other = await lead(base, BEN, email="ben@acme.example")
    twin = await lead(base, CHLOE, email="BEN@acme.example")
    assert (await base.look()).repaired == 3
    assert (await base.look()).repaired == 0
    people = {row["id"]: row["name"] for row in await base.pool.fetch("select id, name from person")}
    mails = {row["address"]: row["person_id"] for row in await base.pool.fetch("select * from person_email")}
    assert people[person] == "Ann Lee"
    assert mails == {"ann@acme.example": person, "ben@acme.example": other, "BEN@acme.example": twin}
    assert await base.pool.fetchval("select number from person_phone") == "+13105550148"
    done = {one.what: one for one in await hygiene_repairs.repairs(base.pool)}
    assert (done["email"].before, done["email"].after, done["email"].lead_id) == (
        "Ann@Acme.Example", "ann@acme.example", AVA)  # fmt: skip
    async with base.pool.acquire() as conn, conn.transaction():
        assert await hygiene_repairs.undo(conn, done["name"].id, base.clock.now) == "undone"
        assert await hygiene_repairs.undo(conn, done["name"].id, base.clock.now) == "unknown"
        await conn.execute("update person_phone set number = '+13105550199'")
        assert await hygiene_repairs.undo(conn, done["phone"].id, base.clock.now) == "changed"
    assert await base.pool.fetchval("select name from person where id = $1", person) == "Ann  Lee "
    assert (await base.look()).repaired == 0


async def test_opt_outs_and_limits_hold_however_a_number_is_written(base: Base) -> None:
    person = await lead(base, AVA, email="Ava@Acme.Example", phone="+1 310 555 0148")
    await put_touch_row(base.pool, AVA, person, "call-1", "call", "sent", address="+1 310 555 0148",
                        sent_at=ago(days=1))  # fmt: skip
    await base.pool.execute("insert into suppressed_contact (mark, channel, at) values ($1, 'all', $2)",
                            mark_of(base.desk.secret, "ava@acme.example"), ago(days=9))  # fmt: skip
    await base.look()
    # the limits of a number count by the address of its touches
    assert await base.pool.fetchval("select address from touch where step = 'call-1'") == "+13105550148"
    # somebody with this address opted out, and was erased
    assert await base.pool.fetchval("select channel from suppression where person_id = $1", person) == "all"
    done = {one.what: one.id for one in await hygiene_repairs.repairs(base.pool)}
    for _ in range(2):  # first for the opt-out, then for who has the same number
        async with base.pool.acquire() as conn, conn.transaction():
            assert await hygiene_repairs.undo(conn, done["phone"], base.clock.now) == "held"
        await lead(base, new_id(), phone="+13105550148")
        await base.pool.execute("delete from suppression")
    await base.pool.execute("delete from person_phone where person_id <> $1", person)
    async with base.pool.acquire() as conn, conn.transaction():
        assert await hygiene_repairs.undo(conn, done["phone"], base.clock.now) == "undone"
    assert await base.pool.fetchval("select address from touch where step = 'call-1'") == "+1 310 555 0148"


async def test_who_is_taken_for_dead_and_goes_on_counts_nothing_twice(base: Base) -> None:
    assert await base.desk.begin_asked()
    run = await hygiene_findings.open_run(base.pool)
    assert run is not None
    for _ in range(2):
        await hygiene_findings.went_on(base.pool, run, "leads", None, 5)
    assert await base.pool.fetchval("select looked_at from hygiene_run") == 5


async def test_a_look_that_was_broken_off_goes_on_where_it_was(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speedlead.hygiene.desk.PEOPLE", 2)
    for n in range(5):
        await lead(base, new_id(), email=f"n{n}@mailinator.com")
    broken = replace(base.desk, reader=Breaks(after=4))
    await broken.begin_due()
    with pytest.raises(RuntimeError):
        await broken.go_on()
    assert not await base.desk.begin_asked()
    run = await base.desk.go_on()
    assert run is not None
    assert (run.week, run.looked_at, await base.kinds()) == ("2026-W47", 5, {"mail_throw_away": 5})
    await base.desk.begin_due()
    assert await base.desk.go_on() is None


class Breaks(Reader):
    def __init__(self, after: int) -> None:
        super().__init__("US")
        self._left = after

    def people(self, rows: Any) -> Any:
        self._left -= len(list(rows))
        if self._left < 0:
            raise RuntimeError
        return super().people(rows)


async def test_who_is_erased_leaves_nothing_here_also_in_the_middle_of_a_look(base: Base) -> None:
    person = await lead(base, AVA, name="Ava  M", email="ava@mailinator.com", closed_at=ago(days=31))
    past = (await base.look()).found
    assert past is not None
    assert past["past"] == 1
    found = await base.pool.fetch("select * from hygiene_finding")
    assert len(found) == 1
    async with base.pool.acquire() as conn, conn.transaction():
        given = as_html(await read_all(conn, await all_of(conn, [person])), "Acme", base.clock.now)
        assert "<h2>What of your data we wanted to put right</h2>" in given
        assert "<h2>How we wrote your data otherwise</h2>" in given
        await erase(conn, SystemClock(), [person], b"s" * 32)
    assert await base.pool.fetchval("select count(*) from hygiene_finding") == 0
    assert await base.pool.fetchval("select count(*) from hygiene_repair") == 0
    assert await base.desk.begin_asked()
    async with base.pool.acquire() as conn, conn.transaction():
        run = await hygiene_findings.open_run(conn)
        assert run is not None
        # what a batch had read before the erasure
        late = Finding("mail_throw_away", "x", "x", person, AVA)
        await hygiene_findings.write(conn, run, [late], base.clock.now)
    assert await base.pool.fetchval("select count(*) from hygiene_finding") == 0


async def test_valid_contacts_are_those_of_whole_weeks_of_the_house(base: Base) -> None:
    first = datetime(2026, 9, 7, 4, tzinfo=UTC)  # Monday in New York, twelve weeks with the one of today
    for at, valid in ((first - timedelta(seconds=1), True), (first, True), (first, False), (base.clock.now, True)):
        await lead(base, one := new_id(), email=f"{one}@acme.example")
        await put(base.pool, "lead_fact", lead_id=one, created_at=at, valid=valid, clock_offset=timedelta())
    weeks = await valid_weeks(base.pool, base.desk.zone, base.clock.now, 12)
    assert [(f"{one.week}", one.leads, one.valid) for one in weeks] == [("2026-09-07", 2, 1), ("2026-11-23", 1, 1)]


async def test_the_weekly_review_says_how_much_there_is_to_do_and_where(base: Base) -> None:
    week = week_named("2026-W47")

    async def mail() -> str:
        review = await compose(base.pool, Numbers(base.pool, clock=base.clock), week, base.desk.zone)
        return " ".join(text_of(review, "https://staff.example").split())

    person = await lead(base, AVA, email="ava@mailinator.com", name="Ann  Lee")
    assert "Nobody had looked at the base by then." in await mail()
    await base.desk.begin_due()
    assert await base.desk.go_on() is not None
    await bad(base, person, "email", "dropped")
    base.clock.now += timedelta(days=7)
    await base.look()
    text = await mail()
    assert "1 person was looked at; 1 to be put right, most of all: throw-away mail addresses (1)." in text
    assert "1 thing was only written otherwise, and put right by itself." in text
    assert "- To be put right: now: 1; look before: – https://staff.example/hygiene" in text
