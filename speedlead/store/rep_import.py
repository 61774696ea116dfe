"""Reps from a file: what would change, and the change itself in one transaction."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from speedlead import ids
from speedlead.domain.rep_entry import RepEntry
from speedlead.store.capacity import By, Share, write_share
from speedlead.store.house_changes import note_people
from speedlead.store.rep_calendars import WAKE

# the file's name of a field -> the column
_COLUMNS = {"hours": "weekly"}
_KEPT_APART = frozenset({"email", "time_off"})
_DAY = timedelta(days=1)

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Change:
    """`fields`: (field, before, after); `before` is None for somebody new. `owns`: open leads of who is leaving."""

    email: str
    new: bool
    fields: tuple[tuple[str, str | None, str], ...]
    owns: int = 0


async def import_reps(conn: Any, reps: Sequence[RepEntry], by: By, *, dry_run: bool) -> list[Change]:
    """What changed, or would; the caller holds the transaction. Who has left stays, with `active: false`."""
    await conn.execute("select pg_advisory_xact_lock(hashtextextended('reps', 0))")
    changes = []
    counts: Counter[str] = Counter()
    for rep in reps:
        row = await conn.fetchrow(
            """select r.*, (select count(*)::int from lead l where l.owner_id = r.id and l.closed_at is null) as owns
               from rep r where r.email = $1 or lower(r.email) = $1 order by r.email = $1 desc limit 1
               for no key update of r""",
            rep.email,
        )
        wanted = {_COLUMNS.get(name, name): value for name, value in _values(rep, new=row is None).items()}
        before = {} if row is None else {name: row[name] for name in wanted}
        different = {name: value for name, value in wanted.items() if row is None or before[name] != value}
        fields = [
            (name, None if row is None else _shown(name, before[name]), _shown(name, value))
            for name, value in different.items()
        ]
        off = _off(rep) if row is None or "time_off" in rep.model_fields_set else None
        known_off = [] if row is None else await _known_off(conn, row["id"])
        if off is not None and off != known_off:
            fields.append(("time_off", None if row is None else _spans(known_off, rep.zone), _spans(off, rep.zone)))
        leaving = row is not None and row["active"] and different.get("active") is False
        if fields:
            changes.append(Change(rep.email, row is None, tuple(fields), row["owns"] if leaving else 0))
        if dry_run or not fields:
            continue
        counts.update(_of_the_house(row is None, different))
        if "ics_url" in different:
            await conn.execute("select pg_notify($1, '')", WAKE)
        if row is not None:
            await _share(conn, row, different, by)
        rep_id = await _write(conn, None if row is None else row["id"], rep.email, different)
        if off is not None and off != known_off:
            await conn.execute("delete from rep_busy where rep_id = $1 and source = 'time_off'", rep_id)
            await conn.executemany(
                "insert into rep_busy (rep_id, source, starts_at, ends_at) values ($1, 'time_off', $2, $3)",
                [(rep_id, start, end) for start, end in off],
            )
    await note_people(conn, counts, by.wall)
    return changes


def _of_the_house(new: bool, different: Mapping[str, Any]) -> list[str]:
    """What figures are compared before and after of; a share and time off have rows of their own."""
    if new:
        return ["added"]
    found = [{True: "back", False: "left"}[different["active"]]] if "active" in different else []
    return found + ["hours"] * ("weekly" in different)


def _values(rep: RepEntry, *, new: bool) -> dict[str, Any]:
    named = set(RepEntry.model_fields) if new else rep.model_fields_set
    values = {name: getattr(rep, name) for name in RepEntry.model_fields if name in named - _KEPT_APART}
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    values["hours"] = {str(day): [list(span) for span in spans] for day, spans in sorted(rep.hours.items())}
    return values


async def _share(conn: Any, row: Any, different: dict[str, Any], by: By) -> None:
    """Takes the share out of what is to be written: it has its own rows, by which it is told and taken back."""
    old = Share(row["capacity"], row["weight"])
    new = Share(different.pop("capacity", old.capacity), different.pop("weight", old.weight))
    if new != old:
        await write_share(conn, row["id"], old, new, by)


async def _write(conn: Any, rep_id: str | None, email: str, values: dict[str, Any]) -> str:
    """The columns come from our own model, never from the file."""
    if rep_id is None:
        rep_id = ids.new_id()
        columns = ["id", "email", *values]
        marks = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        await conn.execute(
            f"insert into rep ({', '.join(columns)}) values ({marks})",  # noqa: S608
            rep_id, email, *values.values(),
        )  # fmt: skip
    elif values:
        sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(values, 2))
        await conn.execute(f"update rep set {sets} where id = $1", rep_id, *values.values())  # noqa: S608
    return rep_id


def _off(rep: RepEntry) -> list[Span]:
    """Dates are the rep's own days."""
    zone = ZoneInfo(rep.zone)

    def midnight(day: Any) -> datetime:
        return datetime.combine(day, time(), zone)

    return [(midnight(off.first), midnight(off.last + _DAY)) for off in rep.time_off]


async def _known_off(conn: Any, rep_id: str) -> list[Span]:
    rows = await conn.fetch(
        "select starts_at, ends_at from rep_busy where rep_id = $1 and source = 'time_off' order by 1", rep_id
    )
    return [(row["starts_at"], row["ends_at"]) for row in rows]


def _spans(spans: Sequence[Span], zone: str) -> str:
    days = [(start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone)) - _DAY) for start, end in spans]
    return ", ".join(f"{first:%Y-%m-%d}..{last:%Y-%m-%d}" for first, last in days) or "none"


def _shown(name: str, value: Any) -> str:
    """The address of a calendar opens it, so nobody is shown it."""
    if name == "ics_url" and value is not None:
        mark = hashlib.sha256(value.encode()).hexdigest()[:6]  # tells two at one host apart
        return f"at {urlsplit(value).hostname} ({mark})"
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        return (
            "; ".join(
                f"{days[int(day)]} " + " ".join(f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in spans)
                for day, spans in sorted(value.items())
            )
            or "none"
        )
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "no limit"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
