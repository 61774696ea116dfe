"""What `speedlead doctor` says of what we know: the rules of lanes, the outside source, and the look at the base."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from speedlead.settings import PREFIX, Settings

# what = (what, ok, detail), as `doctor.Finding`
Line = tuple[str, bool | None, str]

# one look a week, and a day for a worker that was away
_LOOKS_WITHIN = timedelta(days=8)
# ten times what 200,000 people take
_LOOK_TAKES = timedelta(minutes=30)
_ANSWERS_OF = timedelta(days=1)


def lanes(settings: Settings) -> Line:
    from speedlead.enrichment.rulebook import LanesError, load_lanes

    try:
        book = load_lanes(settings.lanes_file)
    except LanesError as error:
        return "lanes", False, str(error)
    return "lanes", True, f"version {book.rules.version}, {len(book.rules.rules)} rules"


async def outside_source(conn: Any, settings: Settings, wall: datetime) -> Line:
    """By what it answered in the last day; it is not asked for this."""
    from speedlead import wording
    from speedlead.store.companies import answers_since

    if settings.company_source_url is None:
        unused = settings.company_source_secret is not None
        detail = f"{PREFIX}COMPANY_SOURCE_SECRET is set, and {PREFIX}COMPANY_SOURCE_URL is not" if unused else "none"
        return "company source", False if unused else None, detail
    answers = await answers_since(conn, wall - _ANSWERS_OF)
    problems = {problem: many for problem, many in answers.items() if problem is not None}
    good, bad = answers.get(None, 0), sum(problems.values())
    if not good and not bad:
        return "company source", None, "was not asked in a day"
    said = "".join(f"; {wording.reason(problem)}: {many}" for problem, many in problems.items())
    return "company source", bool(good), f"{good} of {good + bad} answers of a day can be used{said}"


async def hygiene(conn: Any, wall: datetime) -> Line:
    from speedlead.store.hygiene_findings import looks_began
    from speedlead.store.review_rows import had_leads

    over, under_way = await looks_began(conn)
    if under_way is not None and under_way < wall - _LOOK_TAKES:
        detail = f"the look of {under_way:%Y-%m-%d %H:%M} UTC does not come to its end: see the chore hygiene"
        return "hygiene", False, detail
    if over is None:
        late = await had_leads(conn, wall - _LOOKS_WITHIN)
        return "hygiene", False if late else None, "nobody has looked at the base yet" + "; does a worker run?" * late
    if over < wall - _LOOKS_WITHIN and under_way is None:
        return "hygiene", False, f"the newest look is of {over:%Y-%m-%d}; does a worker run?"
    return "hygiene", True, f"the newest look is of {over:%Y-%m-%d %H:%M} UTC"


async def lines(conn: Any, settings: Settings, wall: datetime) -> Sequence[Line]:
    return [lanes(settings), await outside_source(conn, settings, wall), await hygiene(conn, wall)]
