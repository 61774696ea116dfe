"""Check the calendar against a file of vectors: rows of given questions and expected answers (`calendar check FILE`).

The format: `policies` by name, and lists `next_permitted`, `cadence`, `caps`, `wall`; its `semantics` describe each.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from speedlead.domain.calendar import Cap, Policy, Weekly, ZonePolicy, add_local_days, next_admissible, next_permitted
from speedlead.domain.walltime import resolve_wall
from speedlead.tzdata_version import release

Row = Mapping[str, Any]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def check_file(path: Path) -> list[str]:
    """One line for every row whose answer differs or that cannot be read; empty when all rows pass.

    Raises OSError and json.JSONDecodeError for a file that is no JSON. A row that only some tzdata releases answer in
    one way is compared with the answer of the release in use.
    """
    data = json.loads(path.read_text("utf-8"))
    policies = {name: read_policy(row) for name, row in data.get("policies", {}).items()}
    checks: dict[str, Callable[[Row, Mapping[str, Policy]], str | None]] = {
        "next_permitted": _check_next_permitted,
        "cadence": _check_cadence,
        "caps": _check_caps,
        "wall": _check_wall,
    }
    problems = []
    for kind, check in checks.items():
        for number, row in enumerate(data.get(kind, [])):
            name = row.get("id") or f"{kind}[{number}] {row.get('zone', '')} {row.get('wall', '')}".strip()
            try:
                difference = check(row, policies)
            except (KeyError, TypeError, ValueError) as error:
                difference = f"cannot be read: {type(error).__name__}: {error}"
            if difference:
                problems.append(f"{name}: {difference}")
    return problems


def count_rows(path: Path) -> int:
    """How many rows `check_file` looks at."""
    data = json.loads(path.read_text("utf-8"))
    return sum(len(data.get(kind, [])) for kind in ("next_permitted", "cadence", "caps", "wall"))


def read_policy(row: Row) -> Policy:
    """A policy as the format writes it."""
    business = row.get("business_hours")
    return Policy(
        business=None if business is None else read_week(business),
        quiet=read_week(row.get("quiet_hours") or {}),
        holidays=frozenset(date.fromisoformat(d) for d in row.get("holidays") or ()),
        quiet_dates=frozenset(date.fromisoformat(d) for d in row.get("quiet_dates") or ()),
    )


def read_week(days: Mapping[str, list[list[str]]]) -> Weekly:
    """`{'mon': [['09:00', '18:00']]}` as a week. Raises ValueError naming the part that is wrong."""
    if unknown := sorted(set(days) - set(DAYS)):
        raise ValueError(f"unknown weekday {unknown[0]!r}; use {', '.join(DAYS)}")
    return {DAYS.index(day): tuple((minute(a), minute(b)) for a, b in intervals) for day, intervals in days.items()}


def minute(text: str) -> int:
    """'09:30' as minutes of the day; '24:00' is 1440. Raises ValueError."""
    hours, _, minutes = str(text).partition(":")
    if (
        len(minutes) != 2
        or not (hours + minutes).isdigit()
        or int(minutes) > 59
        or int(hours) * 60 + int(minutes) > 1440
    ):
        raise ValueError(f"{text!r} is not a time of day from 00:00 to 24:00")
    return int(hours) * 60 + int(minutes)


def _rules(row: Row, policy: Policy) -> list[ZonePolicy]:
    return [ZonePolicy(zone, policy, "policy") for zone in row["zones"]]


def _slot(row: Row) -> tuple[int, int] | None:
    slot = row.get("slot")
    return None if slot is None else (minute(slot[0]), minute(slot[1]))


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def _required(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _difference(what: str, got: datetime | None, expected: datetime | None) -> str | None:
    if got == expected:
        return None
    return f"{what} is {got and got.isoformat()}, expected {expected and expected.isoformat()}"


def _check_next_permitted(row: Row, policies: Mapping[str, Policy]) -> str | None:
    expected = row["permitted_utc"]
    if row.get("tzdata") == "sensitive":
        expected = row.get("by_tzdata", {}).get(release(), expected)
    got = next_permitted(
        _required(row["earliest_utc"]),
        _rules(row, policies[row["policy"]]),
        slot=_slot(row),
        latest=_instant(row.get("latest_utc")),
    )
    return _difference("next_permitted", got, _instant(expected))


def _check_cadence(row: Row, policies: Mapping[str, Policy]) -> str | None:
    actual: list[datetime] = []
    for number, (step, expected) in enumerate(zip(row["steps"], row["expect_utc"], strict=True)):
        if not actual:
            planned = _required(row["lead_utc"]) + timedelta(seconds=step.get("delay_s", 0))
        elif "local_days" in step:
            planned = add_local_days(actual[-1], step["local_days"], row["zones"])
        elif row["anchor"] == "first_actual":
            planned = max(
                actual[0] + timedelta(seconds=step["delay_s"]), actual[-1] + timedelta(seconds=step.get("min_gap_s", 0))
            )
        elif row["anchor"] == "previous_actual":
            planned = actual[-1] + timedelta(seconds=step["delay_s"])
        else:
            raise ValueError(f"unknown anchor {row['anchor']!r}")
        got = next_permitted(planned, _rules(row, policies[step["policy"]]), slot=_slot(step))
        if got is None or got != _instant(expected):
            return _difference(f"step {number}", got, _instant(expected))
        actual.append(got)
    return None


def _check_caps(row: Row, policies: Mapping[str, Policy]) -> str | None:
    caps = [read_cap(cap) for cap in row["caps"]]
    history = [_required(h) for h in row["history_utc"]]
    rules = _rules(row, policies[row["policy"]])
    got = next_admissible(
        _required(row["earliest_utc"]), rules, caps, history, slot=_slot(row), latest=_instant(row.get("latest_utc"))
    )
    return _difference("next_admissible", got, _instant(row["permitted_utc"]))


def read_cap(row: Row) -> Cap:
    """A cap as the format writes it. Raises ValueError."""
    if row.get("per") not in (None, "local_day"):
        raise ValueError(f"cap per {row['per']!r}: only 'local_day' is known")
    return Cap(row.get("max"), row.get("window_s"), row.get("per") == "local_day", row.get("min_gap_s"), "cap")


def _check_wall(row: Row, _: Mapping[str, Policy]) -> str | None:
    got = resolve_wall(row["zone"], datetime.fromisoformat(row["wall"]))
    if got.kind != row["kind"]:
        return f"kind is {got.kind}, expected {row['kind']}"
    for name in ("compatible", "earlier", "later", "first_at_or_after"):
        if difference := _difference(name, getattr(got, name), _instant(row[name])):
            return difference
    return None
