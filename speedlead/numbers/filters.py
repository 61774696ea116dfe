"""Which leads a report is about: one grammar for pages, exports and commands, that a link keeps.

period 24h|7d|today|yesterday, or from/to 2026-11-01 (days of the report's zone, both included) · type hot|warm|cold ·
source · channel form|chat|phone|… · country DE · region NY · team · rep (an id) · plan inbound or inbound:4 ·
variant short-first-mail:control (an experiment's arm)
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, Self, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from speedlead.lead_filter import FilterError

DEFAULT_PERIOD = "7d"
NAMES = ("period", "from", "to", "type", "source", "channel", "country", "region", "team", "rep", "plan", "variant")
LONGEST = timedelta(days=3 * 366)
_YEAR = timedelta(weeks=52)
# whose leads have no owner, and who is in no team, as the hourly warning calls them
NO_TEAM, NOBODYS = "everybody", "nobody's leads"

Text = Annotated[str, Field(min_length=1, max_length=200)]


class Filter(BaseModel):
    """Leads that came in [start, end). What became of them counts whenever it happened, also after the end.

    `at`: the instant at which the figures are taken; what is not due by then is still in time. Default: the end.
    `zone`: of days and hours in tables. `period`: as it was asked for, so that a link to "the last week" stays one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: AwareDatetime
    end: AwareDatetime
    at: AwareDatetime | None = None
    zone: str = "UTC"
    period: str | None = None
    lead_type: Literal["hot", "warm", "cold"] | None = None
    source: Text | None = None
    channel: Text | None = None
    country: Text | None = None
    region: Text | None = None
    team: Text | None = None
    rep_id: UUID | None = None
    plan: Text | None = None
    plan_version: int | None = Field(default=None, ge=1)
    variant: Text | None = None

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"start: expected a moment before the end, {self.end}, got {self.start}")
        if self.plan_version is not None and self.plan is None:
            raise ValueError(f"plan: expected the plan whose version is {self.plan_version}, got none")
        return self

    @property
    def taken_at(self) -> datetime:
        return self.at or self.end

    def before(self) -> "Filter":
        """As long, right before."""
        return self._moved(self.end - self.start)

    def a_year_before(self) -> "Filter":
        """The same weeks of last year: 52 of them back, so that the weekdays are the same."""
        return self._moved(_YEAR)

    def _moved(self, by: timedelta) -> "Filter":
        return self.model_copy(update={"start": self.start - by, "end": self.end - by, "period": None})

    @classmethod
    def of(cls, query: Mapping[str, str], now: datetime, zone: str = "UTC") -> "Filter":
        """From the fields of an address; those that are not ours are left alone. Raises FilterError."""
        given = {name: text for name in NAMES if (text := (query.get(name) or "").strip())}
        if "period" in given and ("from" in given or "to" in given):
            raise FilterError("period", "either a period, or from and to", "both")
        fields: dict[str, object] = {"at": now, "zone": zone}
        if "from" in given or "to" in given:
            fields |= _between(given, now, ZoneInfo(zone))
        else:
            fields |= _latest(given.get("period", DEFAULT_PERIOD), now, ZoneInfo(zone))
        for name in NAMES[3:]:
            if name in given:
                fields |= _field(name, given[name])
        start, end = cast("datetime", fields["start"]), cast("datetime", fields["end"])
        if start >= end:
            raise FilterError("from", f"a moment before {_written(end)}", _written(start))
        if end - start > LONGEST:
            raise FilterError("from", f"a period of at most {LONGEST.days} days", f"{(end - start).days} days")
        return cls.model_validate(fields)

    def query(self) -> dict[str, str]:
        """The fields of an address that `of` reads as this filter, for as long as the period is the same."""
        if self.period is not None:
            found = {"period": self.period}
        else:
            found = {"from": _written(self.start), "to": _written(self.end)}
        plan = None if self.plan is None else self.plan + (f":{self.plan_version}" if self.plan_version else "")
        rest = {
            "type": self.lead_type, "source": self.source, "channel": self.channel, "country": self.country,
            "region": self.region, "team": self.team, "rep": self.rep_id and str(self.rep_id), "plan": plan,
            "variant": self.variant,
        }  # fmt: skip
        return found | {name: text for name, text in rest.items() if text}


def _latest(text: str, now: datetime, zone: ZoneInfo) -> dict[str, object]:
    """Days are days of the calendar: seven of them back is the same time of day, also over a clock change."""
    local = now.astimezone(zone)
    midnight = datetime.combine(local.date(), time(), zone)
    if text == "today":
        return {
            "start": midnight.astimezone(UTC),
            "end": max(now, midnight + timedelta(microseconds=1)),
            "period": text,
        }
    if text == "yesterday":
        start = datetime.combine(local.date() - timedelta(days=1), time(), zone)
        return {"start": start.astimezone(UTC), "end": midnight.astimezone(UTC), "period": text}
    found = re.fullmatch(r"([1-9]\d{0,3})([hd])", text)
    if found is None or int(found[1]) > (LONGEST.days if found[2] == "d" else 24 * 31):
        raise FilterError("period", "24h, 7d, today or yesterday", text)
    many = int(found[1])
    start = now - timedelta(hours=many) if found[2] == "h" else (local - timedelta(days=many)).astimezone(UTC)
    return {"start": start, "end": now, "period": text}


def _between(given: Mapping[str, str], now: datetime, zone: ZoneInfo) -> dict[str, object]:
    if "from" not in given:
        raise FilterError("from", "the first day, such as 2026-11-01, because `to` is given", "")
    end = _moment("to", given["to"], zone, last=True) if "to" in given else now
    return {"start": _moment("from", given["from"], zone), "end": end}


def _moment(name: str, text: str, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """A day is its first instant, or the one after its last; an instant is itself."""
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            day = date.fromisoformat(text) + timedelta(days=last)
            return datetime.combine(day, time(), zone).astimezone(UTC)
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise FilterError(name, "a day such as 2026-11-01, or a moment", text) from None


def _field(name: str, text: str) -> dict[str, object]:
    if len(text) > 200 or not text.isprintable():
        raise FilterError(name, "at most 200 printable characters", text)
    match name:
        case "type":
            if text not in ("hot", "warm", "cold"):
                raise FilterError("type", "hot, warm or cold", text)
            return {"lead_type": text}
        case "rep":
            try:
                return {"rep_id": UUID(text)}
            except ValueError:
                raise FilterError("rep", "the id of a rep", text) from None
        case "plan":
            plan, colon, version = text.partition(":")
            if not plan or (colon and not re.fullmatch(r"[1-9]\d{0,8}", version)):
                raise FilterError("plan", "a plan such as inbound or inbound:4", text)
            return {"plan": plan, "plan_version": int(version) if colon else None}
    return {name: text}


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
