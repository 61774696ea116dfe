"""What somebody asks on the page: another plan, more or fewer people, cover. Read, kept as it was typed, read again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from speedlead.checked_yaml import FileFault, parse
from speedlead.domain.business import Calendars
from speedlead.domain.calendar import parse_zone
from speedlead.domain.crew import shifts_of
from speedlead.domain.opening import Shift
from speedlead.domain.plan import Plan
from speedlead.domain.rep_entry import RepEntry, RepFile
from speedlead.domain.steering import BadRequest, plan_named
from speedlead.jurisdictions import check_jurisdiction
from speedlead.planbook import parse_plan
from speedlead.records import RepRecord
from speedlead.repbook import from_cells
from speedlead.store import plan_drafts, plans
from speedlead.store.plan_drafts import DraftRefused
from speedlead.whatif.staffing import Cover
from speedlead.whatif.work import Frame, Team, WhatIfRefused

MOST_LEADS, MOST_DAYS, MOST_PEOPLE, LONGEST_TEAM = 5_000, 366, 200, 60_000
# of the fields of the page; `without` holds ids of our people, with commas between them
DEFAULTS = {
    "plan": "", "days": "30", "most": "500", "zone": "UTC", "call_minutes": "3", "within": "180", "without": "",
    "more": "", "more_hours": "mon-fri 09:00-17:00", "cover_hours": "", "cover_type": "", "team": "",
}  # fmt: skip
LABELS = {
    "plan": "Plan", "days": "Days", "most": "Leads at most", "zone": "Time zone", "call_minutes": "Minutes of a call",
    "within": "Seconds until somebody is free", "without": "Without", "more": "More people",
    "more_hours": "Hours of those", "cover_hours": "On-call cover", "cover_type": "Cover for", "team": "Other people",
}  # fmt: skip
_DRAFT = "draft:"


class AskedWrongly(ValueError):
    """`problems`: field -> what was expected."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in problems.items()))
        self.problems = problems


@dataclass(frozen=True)
class Asked:
    """`plan`: a version such as inbound:7, `draft:3`, or "" for the one in use. `without`: ids of our people.

    `team`: instead of the people of now; None: those. `more`: shifts of people who are added. `cover`: of everybody.
    """

    frame: Frame
    plan: str
    without: frozenset[str]
    more: tuple[Shift, ...]
    cover: Shift | None
    team: tuple[RepEntry, ...] | None
    words: str

    async def other_plan(self, conn: Any, now: Plan) -> Plan:
        """Raises WhatIfRefused."""
        return await self.named_plan(conn) or now

    async def named_plan(self, conn: Any) -> Plan | None:
        """None: the one in use is asked about. Raises WhatIfRefused."""
        try:
            if self.plan.startswith(_DRAFT):
                draft = await plan_drafts.draft_of(conn, int(self.plan.removeprefix(_DRAFT)))
                return parse_plan(draft.yaml, f"draft {draft.draft_id}")
            if self.plan:
                named = plan_named(self.plan)
                return await plans.plan_of(conn, named["plan_id"], named["version"])
        except (LookupError, DraftRefused, FileFault, BadRequest) as wrong:
            raise WhatIfRefused("plan", str(wrong)) from None
        return None

    def other_team(self, reps: Sequence[RepRecord], calendars: Calendars) -> Team:
        """Raises WhatIfRefused."""
        if gone := self.without - {rep.rep_id for rep in reps}:
            raise WhatIfRefused("without", f"expected people who are here now, got {', '.join(sorted(gone))}")
        if self.team is None:
            people = [rep.shifts for rep in reps if rep.rep_id not in self.without]
        else:
            people = [shifts_of(calendars, email=rep.email, zone=rep.zone, weekly=rep.hours)
                      for rep in self.team if rep.active and not rep.manager]  # fmt: skip
        people += [(shift,) for shift in self.more]
        # everybody of them takes the cover; with nobody there it covers nothing
        return people if self.cover is None else [(*shifts, self.cover) for shifts in people]


def read(typed: Mapping[str, str]) -> Asked:
    """Fields that are missing are as in DEFAULTS. Raises AskedWrongly with every fault."""
    given = {name: str(typed.get(name, default)).strip() for name, default in DEFAULTS.items()}
    problems: dict[str, str] = {}

    def number(name: str, least: float, most: float, *, empty: float | None = None, whole: bool = True) -> float:
        text = given[name]
        if not text and empty is not None:
            return empty
        try:
            value = float(int(text)) if whole else float(text)
        except (ValueError, OverflowError):
            value = least - 1
        if not least <= value <= most:
            kind = "a whole number" if whole else "a number"
            problems[name] = f"expected {kind} from {least:g} to {most:g}, got {text[:20]!r}"
            return least
        return value

    zone = given["zone"] or "UTC"
    try:
        parse_zone(zone)
    except ValueError as error:
        problems["zone"], zone = str(error), "UTC"
    frame = Frame(
        int(number("days", 1, MOST_DAYS)), int(number("most", 1, MOST_LEADS)), zone,
        60 * number("call_minutes", 0.1, 240, whole=False), number("within", 0, 86_400, whole=False),
    )  # fmt: skip

    def shift(name: str, lead_type: str = "") -> Cover | None:
        try:
            return Cover.model_validate({
                "zone": zone, **from_cells({"hours": given[name]}), "when": {"lead_type": lead_type or None},
            })  # fmt: skip
        except ValidationError as error:
            said = str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
            problems[name] = f"expected hours such as mon-fri 09:00-17:00; sat 10:00-14:00: {said}"
            return None

    if given["cover_type"] not in ("", "hot", "warm", "cold"):
        problems["cover_type"] = f"expected hot, warm, cold or nothing, got {given['cover_type'][:20]!r}"
        given["cover_type"] = ""
    people = int(number("more", 0, MOST_PEOPLE, empty=0))
    hours = shift("more_hours") if people else None
    more = (Shift(zone, hours.hours, name="what-if"),) * people if hours else ()
    cover = shift("cover_hours", given["cover_type"]) if given["cover_hours"] else None
    team = _team(given["team"], problems) if given["team"] else None
    without = frozenset(part for part in given["without"].split(",") if part)
    if given["team"] and without:
        problems["without"] = "expected either other people or some of those of now, got both"
    if problems:
        raise AskedWrongly(problems)
    words = _words(given, people, len(team or ()), len(without))
    return Asked(frame, given["plan"], without, more, cover.shift() if cover else None, team, words)


def _team(text: str, problems: dict[str, str]) -> tuple[RepEntry, ...] | None:
    try:
        if len(text) > LONGEST_TEAM:
            raise FileFault(f"team: expected at most {LONGEST_TEAM} characters, got {len(text)}")
        return parse(RepFile, text.replace("\r\n", "\n"), "line", whole="reps", context=check_jurisdiction).reps
    except FileFault as fault:
        problems["team"] = str(fault)
        return None


def _words(given: Mapping[str, str], more: int, team: int, without: int) -> str:
    parts = [
        f"plan {given['plan'].replace(':', ' ')}" if given["plan"].startswith(_DRAFT) else f"plan {given['plan']}"
    ] if given["plan"] else []  # fmt: skip
    parts += [f"{team} other people"] if team else []
    parts += [f"without {without} of our people"] if without else []
    parts += [f"{more} more people, {given['more_hours']} {given['zone']}"] if more else []
    leads = f" for {given['cover_type']} leads" if given["cover_type"] else ""
    parts += [f"on call {given['cover_hours']} {given['zone']}{leads}"] if given["cover_hours"] else []
    said = "; ".join(parts) or "as it is now"
    return f"{said[:1].upper()}{said[1:]}"[:400]
