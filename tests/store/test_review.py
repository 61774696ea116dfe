"""The weekly review on leads made by hand: what it says, that it is kept and sent once, and the goals in it."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest_asyncio

from speedlead.chores.review import MAILED_WITHIN, review_chore
from speedlead.credentials import load_or_create
from speedlead.domain.goals import AIMS, Goal
from speedlead.domain.review_week import week_named
from speedlead.numbers.read import Numbers
from speedlead.ports import Accepted, Mail, SendError, SendErrorKind
from speedlead.review.compose import compose
from speedlead.review.content import Review, Trial
from speedlead.review.goals import progress
from speedlead.review.mail import html_of, text_of
from speedlead.review.words import headline, sections, title
from speedlead.store import goals, review_rows
from speedlead.store.accounts import add_account
from speedlead.store.pool import open_pool
from speedlead.store.review_mails import wish
from speedlead.store.two_spans import two_spans
from tests.numbers.cases import Lead, a_lead
from tests.servers import local_settings
from tests.store.hand_made import DANA, HandClock, put, put_reps

ZONE = "America/New_York"
WEEK = week_named("2026-W47")
START, END = WEEK.bounds(ZONE)
DUE = datetime(2026, 11, 23, 12, tzinfo=UTC)  # Monday, 7 in New York


@dataclass
class Post:
    refuse: list[SendErrorKind] = field(default_factory=list)
    sent: list[Mail] = field(default_factory=list)

    async def send(self, mail: Mail) -> Accepted:
        if self.refuse:
            raise SendError(self.refuse.pop(), "HTTP 500")
        self.sent.append(mail)
        return Accepted("m")


@dataclass
class Desk:
    pool: Any
    conn: Any
    folder: Path
    clock: HandClock
    post: Post = field(default_factory=Post)

    async def review(self, week: Any = WEEK) -> Review:
        return await compose(self.pool, Numbers(self.pool, clock=self.clock), week, ZONE)

    async def round(self) -> str | None:
        settings = local_settings(self.folder, house_zone=ZONE)
        return await review_chore(self.pool, settings, load_or_create(self.folder), self.post, self.clock).run()

    async def lead(self, came: datetime = START, tried: float | None = None, **columns: Any) -> Lead:
        """`tried`: minutes until somebody of ours tried to reach it."""
        at = None if tried is None else came + timedelta(minutes=tried)
        times = {"open_at": came, "first_attempt_due": came + timedelta(minutes=3), "first_attempt_at": at}
        return await a_lead(self.conn, created=came, **(times | columns))


@pytest_asyncio.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    pool = await open_pool(database_url, size=3)
    async with pool.acquire() as conn:
        await put_reps(conn)
        yield Desk(pool, conn, tmp_path, HandClock(DUE))
    await pool.close()


def figure(review: Review, name: str) -> tuple[float | None, int, float | None]:
    one = next(one for one in review.figures if one.title == name)
    return one.value, one.leads, one.before


async def test_an_empty_house_and_a_week_with_one_lead(desk: Desk) -> None:
    empty = await desk.review()
    assert (empty.leads, empty.slowest, empty.worth, empty.breaches, empty.goals) == (0, None, (), (), ())
    assert headline(empty) == "No lead came in this week; 0 leads in the one before."
    assert title(empty) == "Week 47, 16 to 22 November 2026"
    # nothing is made of a house without a lead, and nobody is written to
    assert await desk.round() is None
    assert await review_rows.kept(desk.conn, WEEK.name) is None

    await desk.lead(END - timedelta(seconds=1))
    await desk.lead(END)  # the week after
    one = await desk.review()
    assert (one.leads, one.leads_before, figure(one, "Became customers")) == (1, 0, (0.0, 1, None))
    assert [lead.kind for lead in one.worth] == ["random"]
    trial = Trial(id="t", title="<b>5 & 6", state="running", persons=1, says="<b>")
    page = html_of(one.model_copy(update={"trials": (trial,)}), "<b>Acme", "https://x.example", "https://x.example/r")
    assert ("&lt;b&gt;5 &amp; 6" in page, "&lt;b&gt;Acme" in page, "<b>" in page) == (True, True, False)
    for review in (empty, one):
        assert Review.model_validate_json(review.model_dump_json()) == review
        assert "None" not in text_of(review) + html_of(review, "Acme", "https://x.example", "https://x.example/r")


async def test_figures_are_those_of_the_end_of_each_week(desk: Desk) -> None:
    """A sale that comes later counts in neither week: both have had as long."""
    for days, sold_after in ((-7, 3), (-7, 8), (0, 3), (0, None)):
        lead = await desk.lead(START + timedelta(days=days), tried=1)
        if sold_after is not None:
            await lead.outcome(START + timedelta(days=days + sold_after), "converted")
    review = await desk.review()
    assert figure(review, "Became customers") == (0.5, 2, 0.5)
    assert figure(review, "Answered within target") == (1.0, 2, 1.0)
    assert figure(review, "First attempt at hot leads") == (60.0, 2, 60.0)
    assert not any(one.changed for one in review.figures)


async def test_quality_of_the_week_before_stands_beside_the_speed(desk: Desk) -> None:
    nothing = (await desk.review()).contacts.mean
    account, lead = uuid.uuid4(), await desk.lead()
    await put(desk.conn, "account", id=account, email="mia@acme.example", name="Mia", role="manager", created_wall=DUE)
    await put(desk.conn, "quality_week", week=START.date(), contacts=4, drawn=4, share=1.0, drawn_wall=DUE)
    for at, value in ((START, 0.0), (START - timedelta(days=1), 1.0), (START - timedelta(days=6), 0.5),
                      (START - timedelta(days=8), 0.25)):  # fmt: skip
        pick = uuid.uuid4()
        await put(desk.conn, "quality_pick", id=pick, contact=f"call:{pick}", kind="call", lead_id=lead.id, rep_id=DANA,
                  week=START.date(), at=at)  # fmt: skip
        await put(desk.conn, "quality_review", pick_id=pick, account_id=account, marks={}, value=value, at_wall=DUE)
    review = await desk.review()
    found = review.contacts
    assert (nothing, found.reviewed, found.mean, found.reviewed_before, found.mean_before) == (None, 2, 0.75, 1, 0.25)
    [row] = next(section for section in sections(review) if section.key == "contacts").rows
    assert [cell.replace("\xa0", " ") for cell in row.cells[1:]] == ["75 %", "20 % to 97 %", "2", "25 %", "1"]


async def test_chance_is_named_for_shares_and_for_medians(desk: Desk) -> None:
    old, new = (START - timedelta(days=7), START), (START, END)
    for minutes, start in ((2, old[0]), (4, START)):
        for n in range(60):
            await desk.lead(start + timedelta(minutes=n), tried=minutes + n / 1000)
    before, now, apart = await two_spans(desk.conn, "hot_attempt", old, new)
    assert (before.count, now.count, apart) == (60, 60, True)
    assert before.value is not None
    assert now.value is not None
    assert 120 < before.value < now.value < 250
    assert (await two_spans(desk.conn, "hot_attempt", old, old))[2] is False
    # due within three minutes: all of the older week, none of the newer one
    assert [one.value for one in (await two_spans(desk.conn, "in_time", old, new))[:2]] == [1.0, 0.0]
    review = await desk.review()
    changed = [one.title for one in review.figures if one.changed]
    assert changed == ["Answered within target", "First attempt at hot leads"]


async def test_three_leads_worth_reading_and_what_is_none(desk: Desk) -> None:
    closed: dict[str, Any] = {"closed_at": START + timedelta(days=2), "close_reason": "exhausted"}
    await desk.lead(tried=30, **closed)
    # never tried: waited two days; why it ended is in words that somebody typed
    worst = await desk.lead(**(closed | {"close_reason": "Ada Byron says no <b>"}))
    spam = await desk.lead(START - timedelta(days=1), **closed)
    await spam.outcome(START + timedelta(days=1), "unqualified", reason="spam")
    warm = await desk.lead(START - timedelta(days=9), lead_type="warm", **closed)
    saved = await desk.lead(START - timedelta(days=3), tried=90)
    await saved.breach("first_attempt", "own_work", START - timedelta(days=3))
    await saved.touch("call-1", START - timedelta(days=2))
    await saved.outcome(START + timedelta(days=1), "meeting_booked")
    review = await desk.review()
    assert [(one.kind, one.lead_id) for one in review.worth[:2]] == [("lost", worst.id), ("recovered", saved.id)]
    assert "was never tried" in review.worth[0].why
    assert "it ended: for a reason in somebody's own words" in review.worth[0].why
    assert "Ada" not in review.model_dump_json()
    assert "1 target missed" in review.worth[1].why
    # by lot: of those that came in the week, the same one each time, and none of the other two
    assert review.worth[2].kind == "random"
    assert review.worth[2].lead_id not in (worst.id, saved.id, warm.id, spam.id)
    assert (await desk.review()).worth == review.worth


async def test_it_is_composed_and_mailed_once_whatever_dies_meanwhile(desk: Desk) -> None:
    lead = await desk.lead(tried=2)
    await put(desk.conn, "feedback", lead_id=lead.id, step="day-7-email", fast=False, remark="Ada from Example Street",
              given_at=START, changed_at=START)  # fmt: skip
    for email, role in (("mara@acme.example", "manager"), ("root@acme.example", "admin"), ("rea@acme.example", "rep"),
                        ("admin@localhost", "admin")):  # fmt: skip
        await add_account(desk.conn, email, email.split("@")[0].title(), role, DUE)
    nora = await add_account(desk.conn, "nora@acme.example", "Nora", "manager", DUE)
    await wish(desk.conn, nora.account_id, False)
    desk.clock.now = DUE - timedelta(seconds=1)
    # the week before is due, but nothing had come by then
    assert await desk.round() is None
    desk.clock.now = DUE
    desk.post.refuse = [SendErrorKind.IN_DOUBT, SendErrorKind.RETRY_SAFE]
    assert await desk.round() == "2026-W47 composed, sent to 0"
    assert await desk.round() is None  # it is not time to try again
    desk.clock.now += timedelta(minutes=10)
    assert await desk.round() == "2026-W47, sent to 1"
    # the one in doubt may have got it: never again; nor the other one
    desk.clock.now += timedelta(days=1)
    assert await desk.round() is None
    # who becomes a manager later in the week reads the page
    await add_account(desk.conn, "late@acme.example", "Late", "manager", DUE)
    desk.clock.now = DUE + MAILED_WITHIN
    assert await desk.round() is None
    [mail] = desk.post.sent
    assert (mail.to_address, mail.subject) == ("mara@acme.example", "Acme: Week 47, 16 to 22 November 2026")
    # ids and links alone: mails are forwarded
    for secret in ("Ada", "Example Street", "@example.com"):
        assert secret not in mail.html + mail.text
    assert f"/leads/{lead.id}" in mail.html
    assert f"/leads/{lead.id}" in mail.text
    assert WellFormed.fed(mail.html) == []
    states = await desk.conn.fetch("select state, tries from review_mail order by state")
    assert [tuple(row) for row in states] == [("in_doubt", 1), ("sent", 2)]


class WellFormed(HTMLParser):
    """Which tags were left open, or closed without having been opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    @classmethod
    def fed(cls, text: str) -> list[str]:
        parser = cls()
        parser.feed(text)
        return parser.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.open.append(f"/{tag}")


async def test_what_is_kept_stays_as_people_have_read_it(desk: Desk) -> None:
    await desk.lead()
    await add_account(desk.conn, "mara@acme.example", "Mara", "manager", DUE)
    # two processes at once, and then once more
    await asyncio.gather(desk.round(), desk.round())
    await desk.lead()
    assert await desk.round() is None
    assert len(desk.post.sent) == 1
    kept = await review_rows.kept(desk.conn, WEEK.name)
    assert kept is not None
    assert Review.model_validate(kept.content).leads == 1
    assert (kept.starts_at, kept.ends_at) == (START, END)
    assert (await desk.review()).leads == 2


async def test_a_goal_is_measured_at_weeks_four_and_eight(desk: Desk) -> None:
    start = date(2026, 9, 21)
    by = goals.By(None, "command line: mara", DUE)
    for target in (0.99, 0.9):
        await goals.set_goal(desk.conn, Goal(AIMS["in_time"], target, start, 60), by)
    for weeks, share in ((-4, 0.5), (0, 0.55), (5, 0.95)):
        for n in range(60):
            came = datetime(2026, 9, 21, 15, tzinfo=UTC) + timedelta(weeks=weeks, minutes=n)
            await desk.lead(came, tried=1 if n < 60 * share else 9)
    [one] = await progress(desk.conn, date(2026, 11, 23), ZONE)
    assert (one.goal.target, one.day, one.baseline.value, one.next_check) == (0.9, 63, 0.5, None)
    assert [(at.day, at.measured.value, at.verdict.code) for at in one.checks] == [
        (28, 0.55, "no_change"), (56, 0.95, "reached"), (60, 0.95, "reached")]  # fmt: skip
    review = await desk.review()
    assert [(goal.title, goal.checks[-1].code) for goal in review.goals] == [("Answered within target", "reached")]
    assert [(c.kind, c.many) for c in review.changes if c.kind == "goal"] == []  # set after the week
    lines = await desk.conn.fetch("select action, before ->> 'target' as was, after ->> 'target' as now from audit")
    assert [tuple(line) for line in lines] == [("goal set", None, "0.99"), ("goal set", "0.99", "0.9")]
    assert await goals.end_goal(desk.conn, "in_time", by)
    assert not await goals.end_goal(desk.conn, "in_time", by)
    assert await progress(desk.conn, date(2026, 11, 23), ZONE) == []


async def test_cycle_times_are_of_leads_that_were_decided_in_the_span(desk: Desk) -> None:
    old, new = (START - timedelta(days=7), START), (START, END)
    for came, lasted in ((-40, 41), (-12, 13), (-3, 1)):
        at = START + timedelta(days=came)
        await desk.lead(at, closed_at=at + timedelta(days=lasted), close_reason="not_interested")
    before, now, _ = await two_spans(desk.conn, "cycle", old, new)
    assert (before.count, now.count) == (1, 2)
    assert (before.value, now.value) == (86_400.0, 27 * 86_400.0)
