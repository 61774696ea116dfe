"""A review in words and tables: made once, and shown alike by the page, the mail and the command line. Pure."""

from dataclasses import dataclass
from datetime import date

from speedlead import times, wording
from speedlead.domain.hygiene import TITLES
from speedlead.domain.review_week import week_named
from speedlead.gateway.access.table import May
from speedlead.gateway.numbers.tables import NONE, percent
from speedlead.numbers.chance import interval
from speedlead.review.content import Figure, Goal, Review

# of fewer answers a share says nothing
_FEW = 20
_WORTH = {"lost": "Lost worst", "recovered": "Best recovery", "random": "By lot"}
_CHANGES = {
    "plan": "Plan in use", "text": "Texts", "script": "Scripts", "routing": "Rules of routing",
    "lanes": "Rules of lanes", "calendar": "Calendars and cover", "people": "People", "duty": "Duties",
    "experiment": "Experiments", "goal": "Goals",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """`tone`: good or bad, of the cell `toned`. `path`: where it leads to on the staff's side. `of_lead`: to a lead.

    `may`: what somebody has to be allowed to go there.
    """

    cells: tuple[str, ...]
    tone: str = ""
    toned: int = 1
    path: str = ""
    of_lead: bool = False
    may: May | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """`words`: a sentence that says what to see; alone where there are no rows."""

    key: str
    title: str
    words: str
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()


def title(review: Review) -> str:
    """'Week 47, 16 to 22 November 2026'."""
    week = week_named(review.week)
    first = f"{week.monday.day}" + ("" if week.monday.month == week.sunday.month else f" {week.monday:%B}")
    if week.monday.year != week.sunday.year:
        first += f" {week.monday.year}"
    return f"Week {int(review.week[-2:])}, {first} to {_day(week.sunday)}"


def headline(review: Review) -> str:
    """What somebody reads who reads one thing."""
    if review.leads == 0:
        return f"No lead came in this week; {_many(review.leads_before, 'lead')} in the one before."
    figure = next((one for one in review.figures if one.title == "Answered within target"), None)
    found = [f"{_many(review.leads, 'lead')} came, {_against(review.leads, review.leads_before)}"]
    if figure is not None and figure.value is not None:
        found.append(f"{percent(figure.value)} were answered within target, {figure.target} are agreed")
    if (slow := review.slowest) is not None:
        found.append(f"most time went into {wording.plain(slow.phase)}")
    found.append(f"{_many(review.missed, 'target')} missed, {review.missed_before} the week before")
    return ". ".join(text[:1].upper() + text[1:] for text in found) + "."


def sections(review: Review) -> tuple[Section, ...]:
    return (
        _figures(review), _contacts(review), _lost_time(review), _breaches(review), _trials(review), _worth(review),
        _feedback(review), _goals(review), _changes(review), _quality(review), _hygiene(review),
    )  # fmt: skip


def shown(kind: str, value: float | None) -> str:
    if value is None:
        return NONE
    return percent(value) if kind == "share" else times.span(value)


def _figures(review: Review) -> Section:
    rows = tuple(
        Row((one.title, shown(one.kind, one.value), shown(one.kind, one.before), _change(one), one.target, one.owner),
            one.tone)
        for one in review.figures
    )  # fmt: skip
    changed = sum(one.changed for one in review.figures)
    words = "No figure has changed by more than chance explains."
    if changed:
        words = f"{_many(changed, 'figure has', 'figures have')} changed by more than chance explains."
    columns = ("Figure", "This week", "Week before", "Change", "Target", "Answers for it")
    return Section("figures", "Agreed figures", words, columns, rows)


def _contacts(review: Review) -> Section:
    """Whoever gets faster may get worse."""
    found, title = review.contacts, "Quality of contacts"
    if found.mean is None or found.low is None or found.high is None:
        return Section("contacts", title, "No contact of the week before was reviewed.")
    row = Row((title, percent(found.mean), f"{percent(found.low)} to {percent(found.high)}", f"{found.reviewed:,}",
               shown("share", found.mean_before), f"{found.reviewed_before:,}"))  # fmt: skip
    words = "Of the week before: contacts are drawn after their week. A difference within the range says nothing."
    columns = ("What", "Week before", "Between", "Reviewed", "One week earlier", "Reviewed then")
    return Section("contacts", title, words, columns, (row,))


def _change(one: Figure) -> str:
    if one.value is None or one.before is None:
        return NONE
    if one.changed:
        return "more than chance"
    return "none" if one.value == one.before else "may be chance"


def _lost_time(review: Review) -> Section:
    slow = review.slowest
    if slow is None:
        return Section("time", "Where time is lost", "No lead has come through a phase in this week.")
    rows = tuple(
        Row((_first_up(wording.plain(one.phase)), percent(one.share), shown("seconds", one.median_s),
             shown("seconds", one.median_before_s), f"{one.leads:,}"))
        for one in review.phases
    )  # fmt: skip
    words = f"{percent(slow.share)} of the time of all leads went into {wording.plain(slow.phase)}."
    columns = ("Phase", "Share of the time", "Median", "Week before", "Leads")
    return Section("time", "Where time is lost", words, columns, rows)


def _breaches(review: Review) -> Section:
    if not review.breaches:
        return Section("breaches", "Missed targets", "No target was missed, in this week or the one before.")
    rows = tuple(
        Row((_first_up(wording.TARGETS.get(one.target, wording.plain(one.target))), wording.reason(one.phase),
             f"{one.missed:,}", f"{one.before:,}", f"{one.still_open:,}"))
        for one in review.breaches[:6]
    )  # fmt: skip
    words = f"{_many(review.missed, 'target was', 'targets were')} missed, {review.missed_before:,} the week before."
    columns = ("Target", "Where the time went", "Missed", "Week before", "Still open")
    return Section("breaches", "Missed targets", words, columns, rows)


def _trials(review: Review) -> Section:
    if not review.trials:
        return Section("trials", "Experiments", "Nothing was tried in this week.")
    rows = tuple(
        Row((one.title, one.state, f"{one.persons:,}", one.says), path=f"/experiments/{one.id}")
        for one in review.trials
    )
    running = sum(one.state == "running" for one in review.trials)
    words = f"{running} running, {len(rows) - running} ended in this week."
    return Section("trials", "Experiments", words, ("What", "State", "Persons", "What it says"), rows)


def _worth(review: Review) -> Section:
    if not review.worth:
        return Section("worth", "Leads worth reading", "There is none: no lead came or ended in this week.")
    rows = tuple(
        Row((_WORTH[one.kind], f"lead {one.lead_id[:8]}", _first_up(one.why)), path=f"/leads/{one.lead_id}",
            of_lead=True)
        for one in review.worth
    )  # fmt: skip
    words = "Read them together: what would have had to be otherwise?"
    return Section("worth", "Leads worth reading", words, ("Why", "Lead", "What happened"), rows)


def _feedback(review: Review) -> Section:
    said = review.feedback
    rows = tuple(
        Row((name, percent(part / whole), _between(part, whole), f"{whole:,}", shown("share", was)))
        for name, part, whole, was in (
            ("Answered fast enough", said.fast, said.of_speed, _of(said.fast_before, said.of_speed_before)),
            ("Contact was helpful", said.helpful, said.of_contact, _of(said.helpful_before, said.of_contact_before)),
        )
        if whole
    )  # fmt: skip
    if not rows:
        return Section("feedback", "What leads say", "No lead has said how we did in this week.")
    words = "Who is asked and who answers is no random part of the leads: read the changes, not the level."
    return Section("feedback", "What leads say", words, ("Question", "Yes", "Between", "Answers", "Week before"), rows)


def _goals(review: Review) -> Section:
    if not review.goals:
        words = "No goal is set. A goal for 30 to 90 days says what this review is to be read for."
        return Section("goals", "Goals", words, (), (Row(("Set one",), path="/review/goals"),))
    rows = tuple(
        Row((one.title, shown(one.kind, one.baseline), shown(one.kind, one.now), shown(one.kind, one.target),
             goal_says(one)), _GOAL_TONE.get(one.checks[-1].code, "") if one.checks else "", 4, "/review/goals")
        for one in review.goals
    )  # fmt: skip
    reached = sum(bool(one.checks) and one.checks[-1].code == "reached" for one in review.goals)
    words = f"{reached} of {_many(len(rows), 'goal')} reached at the newest verdict."
    return Section("goals", "Goals", words, ("Goal", "Before", "Now", "Goal is", "Verdict"), rows)


_GOAL_TONE = {"reached": "good", "on_the_way": "good", "worse": "bad", "missed": "bad", "too_slow": "bad"}


def goal_says(one: Goal) -> str:
    """The newest verdict, or when the first one comes."""
    if one.day < 0:
        return f"Begins on {_day(date.fromisoformat(one.starts_on))}."
    if not one.checks:
        return f"Day {one.day} of {one.horizon}; the first verdict comes after four weeks."
    newest = one.checks[-1]
    return f"After {check_named(newest.day)}: {newest.says}"


def check_named(day: int) -> str:
    """28 -> 'week 4'."""
    return f"week {day // 7}" if day % 7 == 0 else f"day {day}"


def _changes(review: Review) -> Section:
    if not review.changes:
        return Section("changes", "What changed", "Nothing: plans, routing, texts, people and goals are as they were.")
    rows = tuple(
        Row((_CHANGES.get(one.kind, _first_up(wording.plain(one.kind))), f"{one.many:,}",
             ", ".join(wording.plain(what) for what in one.what) or NONE))
        for one in review.changes
    )  # fmt: skip
    words = "What was changed may show in the figures of this week or the next ones."
    return Section("changes", "What changed", words, ("What", "Changes", "Which"), rows)


def _quality(review: Review) -> Section:
    quality = review.quality
    parts = (
        ("Can be reached: something works", quality.valid, quality.known),
        ("E-mail works", quality.email_works, quality.email_given),
        ("Phone works", quality.phone_works, quality.phone_given),
    )
    rows = tuple(Row((name, percent(part / whole), f"{whole:,}")) for name, part, whole in parts if whole)
    if not rows:
        return Section("quality", "Data quality", "No lead came in this week.")
    words = (
        f"{_many(quality.joined, 'inquiry', 'inquiries')} joined an open lead, "
        f"{_many(quality.possible_duplicates, 'possible duplicate')}."
    )
    return Section("quality", "Data quality", words, ("What", "Share", "Of"), rows)


def _hygiene(review: Review) -> Section:
    found, title = review.hygiene, "Hygiene"
    if found.looked_at is None:
        return Section("hygiene", title, "Nobody had looked at the base by then.")
    before = NONE if found.before is None else f"{found.before:,}"
    most = f", most of all: {TITLES[found.most].lower()} ({found.of_most:,})" if found.most and found.of_most else ""
    words = (
        f"{_many(found.looked_at, 'person was', 'people were')} looked at; {found.found:,} to be put right{most}. "
        f"{_many(found.repaired, 'thing was', 'things were')} only written otherwise, and put right by itself."
    )
    row = Row(("To be put right", f"{found.found:,}", before), path="/hygiene", may=May.STEER_LEADS)
    return Section("hygiene", title, words, ("What", "Now", "Look before"), (row,))


def _between(part: int, whole: int) -> str:
    if whole < _FEW:
        return "too few to say"
    low, high = interval(part, whole)
    return f"{percent(low)} to {percent(high)}"


def _of(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _against(now: int, before: int) -> str:
    if now == before:
        return "as many as the week before"
    return f"{abs(now - before):,} {'more' if now > before else 'fewer'} than the week before"


def _many(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
