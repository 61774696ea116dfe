"""What changed in the house, and the agreed figures before and after it."""

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from speedlead.domain.rep_entry import RepEntry
from speedlead.gateway.numbers.marks import _rows
from speedlead.numbers.agreed import Part, Value
from speedlead.numbers.chance import Sample, interval, moved
from speedlead.numbers.changes import WEEK, Change, ChangeNumbers, Mark, Side, moves, together, windows
from speedlead.numbers.quality import reviewed
from speedlead.store.capacity import By
from speedlead.store.house_changes import note_files
from speedlead.store.rep_import import import_reps
from tests.numbers.cases import CAME, LATER, MONDAY, a_lead, period
from tests.store.hand_made import SAM, put

WHOLE = period(start=MONDAY - timedelta(days=60), end=LATER + timedelta(days=1))


def mark(at: datetime) -> Mark:
    return Mark(at, "plan", (Change(at, "plan", "inbound:9", 1),))


async def test_every_kind_of_change_is_a_mark(numbers: ChangeNumbers, conn: Any, tmp_path: Path) -> None:
    hour = timedelta(hours=1)
    for n, (action, before, after) in enumerate((
        ("plan publish", "inbound:4", "inbound:5"), ("plan use", "inbound:5", "inbound:5"),
        ("experiment start", None, None),
    )):  # fmt: skip
        was, now = (at and {"in_use": at} for at in (before, after))
        await put(conn, "audit", at_wall=CAME + 3 * n * hour, role="ops", action=action, object="tone", status=200,
                  before=was, after=now, request_id=uuid.uuid4())  # fmt: skip
    for version, days in ((1, 20), (2, 1)):
        for name in ("intro", "last_note"):
            await put(conn, "template_version", channel="email", id=name, language="en", version=version, owner="m",
                      sha256="x", review_by=MONDAY, source="", published_wall=LATER - timedelta(days=days))  # fmt: skip
    await put(conn, "rep_busy", rep_id=SAM, source="time_off", starts_at=CAME, ends_at=CAME + 24 * hour)
    await put(conn, "rep_busy", rep_id=SAM, source="time_off", starts_at=CAME, ends_at=CAME + hour)
    await put(conn, "oncall_override", cover="nights", level=1, day=MONDAY.date(), rep_id=SAM, why="x", made_by="x",
              made_at=CAME)  # fmt: skip
    file = tmp_path / "routing.yaml"
    for text, at in (("a: 1", CAME - hour), ("a: 1", CAME), ("a: 2", CAME + hour)):
        file.write_text(text)
        await note_files(numbers._pool, {"routing": file}, at)
    for version, at in ((1, CAME - hour), (2, CAME + 3 * hour)):
        await put(conn, "lane_rules", version=version, sha256="x", source="", used_wall=at)
    by = By(None, "a test", CAME + 5 * hour)
    eve = {"email": "eve@acme.example", "name": "Eve", "zone": "UTC", "phone": "+12125550111",
           "hours": {"tue": "09:00-17:00"}}  # fmt: skip
    sam = {**eve, "email": "sam@acme.example", "name": "Sam Reyes", "hours": {"mon": "09:00-17:00"}, "capacity": 5}
    for entry, dry_run in ((eve, False), ({**eve, "active": False}, False), (sam, True), (sam, False)):
        await import_reps(conn, [RepEntry.model_validate(entry)], by, dry_run=dry_run)
    assert [(one.kind, one.at, {change.what for change in one.changes}) for one in await numbers.changes(WHOLE)] == [
        ("duty", MONDAY, {"stand_in"}),
        ("people", CAME, {"away"}),
        ("plan", CAME, {"inbound:5"}),
        ("routing", CAME + hour, {"file"}),
        ("lanes", CAME + 3 * hour, {"v2"}),
        ("people", CAME + 5 * hour, {"added", "left", "hours", "share"}),
        ("experiment", CAME + 6 * hour, {"tone start"}),
        ("text", LATER - timedelta(days=1), {"email/intro.en v2", "email/last_note.en v2"}),
    ]


def test_changes_of_one_kind_within_an_hour_are_one_mark() -> None:
    minutes = (0, 59, 60, 200)
    changes = [Change(CAME + timedelta(minutes=n), "text", str(n), 1) for n in minutes]
    found = together([*changes, Change(CAME, "plan", "inbound:2", 1)])
    assert [(one.kind, len(one.changes)) for one in found] == [("plan", 1), ("text", 2), ("text", 1), ("text", 1)]


def test_both_sides_are_whole_weeks_and_followed_equally_long() -> None:
    for days, length, followed in ((6, 0, 0), (7, 1, 0), (14, 2, 1), (29, 4, 3), (400, 4, 4)):
        found = windows(CAME, CAME + timedelta(days=days))
        assert (found.length, found.followed) == (length * WEEK, followed * WEEK), days


async def test_before_and_after_have_the_same_length(numbers: ChangeNumbers, conn: Any) -> None:
    at, minute = LATER - timedelta(days=15), timedelta(minutes=1)
    for came, tried, won in (
        (at - 2 * WEEK - minute, 1, 1), (at - 2 * WEEK, 20, 8), (at - minute, 20, None),  # the first is too old
        (at, 1, 6), (at + WEEK, 1, 1), (at + 2 * WEEK, 1, 1),  # the last is too new
    ):  # fmt: skip
        lead = await a_lead(conn, created=came, open_at=came, first_attempt_due=came + 5 * minute,
                            first_attempt_at=came + tried * minute)  # fmt: skip
        if won is not None:
            await lead.outcome(came + timedelta(days=won), "converted")
    [found] = await numbers.compared_at([mark(at)], period())
    assert (found.windows.length, found.windows.followed) == (2 * WEEK, WEEK)
    assert found.before is not None
    assert found.after is not None
    assert (found.before.leads, found.after.leads) == (2, 2)
    before, after = found.before.values, found.after.values
    assert (before[1].value, after[1].value) == (0, 1), "answered within target"
    assert (before[2].value, after[2].value) == (20 * 60, 60), "the median of hot leads"
    assert [(side[5].value, side[5].leads) for side in (before, after)] == [(0, 1), (1, 1)], "within seven days"
    assert moves(found.before, found.after) == (0,) * 8, "two leads say nothing"
    young, old = await numbers.compared_at([mark(LATER - WEEK / 2), mark(at - timedelta(days=2))], period())
    assert (young.windows.length, young.before, young.also, old.also) == (timedelta(0), None, 0, 1)


async def test_quality_stands_beside_speed_before_and_after(numbers: ChangeNumbers, conn: Any) -> None:
    at, account = LATER - timedelta(days=15), uuid.uuid4()
    await put(conn, "account", id=account, email="mia@acme.example", name="Mia", role="manager", created_wall=CAME)
    await put(conn, "quality_week", week=MONDAY.date(), contacts=9, drawn=9, share=1.0, drawn_wall=CAME)
    day = timedelta(days=1)
    for came, talked, value in (
        (at - day, 1, 0.5), (at - day, 6, 1.0), (at - day, 8, 0.0),  # the last is too late to be on both sides
        (at + day, 1, 0.25), (at + WEEK + day, 1, 0.0),  # and nobody could follow this lead yet
    ):  # fmt: skip
        lead, pick = await a_lead(conn, created=came), uuid.uuid4()
        await put(conn, "quality_pick", id=pick, contact=f"call:{pick}", kind="call", lead_id=lead.id, rep_id=SAM,
                  week=MONDAY.date(), at=came + talked * day)  # fmt: skip
        await put(conn, "quality_review", pick_id=pick, account_id=account, marks={}, value=value, at_wall=LATER)
    [found] = await numbers.compared_at([mark(at)], period())
    quality = found.quality
    assert ((quality.before.reviewed, quality.before.mean), (quality.after.reviewed, quality.after.mean)) == (
        (2, 0.75), (1, 0.25),
    )  # fmt: skip
    assert quality.moved == 0, "three contacts say nothing"
    rows = _rows(found, LATER)
    assert (rows[-1][2], rows[-1][3]) == (
        "Quality of contacts within 7 days",
        "75\xa0% (20\xa0% to 97\xa0%, 2 reviewed)",
    )
    few = {"reviewed": 30, "mean": 0.9, "sd": 0.1}
    assert [reviewed(few, few | {"mean": mean}).moved for mean in (0.6, 0.95, 0.99)] == [-1, 0, 1]
    assert reviewed(few, few | {"mean": 0.6, "reviewed": 29}).moved == 0


def test_a_figure_has_moved_only_where_chance_does_not_explain_it() -> None:
    def side(part: int, logarithm: float) -> Side:
        share, time = Part(part, 1000), Sample(100, logarithm, 0.5)
        return Side(1000, (Value(share.share, 1000, share), Value(60, 100)), (None, time))

    assert moves(side(900, 4.0), side(950, 3.7)) == (1, -1)
    assert moves(side(950, 3.7), side(900, 4.0)) == (-1, 1)
    assert moves(side(900, 4.0), side(910, 3.9)) == (0, 0)


def test_an_interval_is_wilsons() -> None:
    low, high = interval(8, 40)
    assert (round(low, 4), round(high, 4)) == (0.1050, 0.3476)  # by R's prop.test without its correction
    assert interval(0, 0) == (0, 1)
    assert interval(0, 10)[0] == 0
    assert interval(10, 10)[1] == 1


def test_a_mean_has_moved_only_where_chance_does_not_explain_it() -> None:
    assert moved(Sample(40, 80.0, 20.0), Sample(40, 100.0, 20.0)) == -1
    assert moved(Sample(40, 100.0, 20.0), Sample(40, 80.0, 20.0)) == 1
    assert moved(Sample(40, 95.0, 20.0), Sample(40, 100.0, 20.0)) == 0
    assert moved(Sample(29, 1.0, 0.1), Sample(40, 100.0, 0.1)) == 0, "too few"
    assert moved(Sample(0, None, None), Sample(40, 100.0, 0.1)) == 0
