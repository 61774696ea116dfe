"""What a report's tables are made of: plain rows, with the shares that people read. Times are seconds."""

from dataclasses import dataclass
from datetime import datetime


def _share(part: int, whole: int) -> float | None:
    """0.0 to 1.0; None of nothing."""
    return part / whole if whole else None


@dataclass(frozen=True, slots=True)
class Spread:
    """A time in one group of leads. `keys`: what the group is, in the order that was asked for; "" is unknown.

    `leads`: in the group; `count`: of them with a value. `judged`: of which it is known whether they were in time,
    those among them that are overdue and not done yet; None of both where the metric has no target.
    """

    keys: tuple[str, ...]
    leads: int
    count: int
    mean: float | None
    median: float | None
    p90: float | None
    p95: float | None
    judged: int | None = None
    in_time: int | None = None

    @property
    def group(self) -> str:
        return " · ".join(self.keys)

    @property
    def share(self) -> float | None:
        return _share(self.in_time or 0, self.judged or 0)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The nth call of the leads that had one. `contacts`: the lead was spoken to."""

    number: int
    attempts: int
    contacts: int

    @property
    def share(self) -> float | None:
        return _share(self.contacts, self.attempts)


@dataclass(frozen=True, slots=True)
class Bucket:
    """`bucket`: minutes from the inquiry to the first attempt, 0-5, 5-15, 15-60, 60+ or none."""

    bucket: str
    leads: int
    contacted: int
    qualified: int
    converted: int

    @property
    def share(self) -> float | None:
        return _share(self.converted, self.leads)

    @property
    def qualified_share(self) -> float | None:
        return _share(self.qualified, self.leads)


@dataclass(frozen=True, slots=True)
class Phase:
    """`ended`: leads that came through it, and how long that took. `lasting`: leads that are in it, for `lasting_s`.

    `closed`: leads that were closed in it.
    """

    phase: str
    stage: str
    ended: int
    total_s: float
    mean: float | None
    median: float | None
    p90: float | None
    p95: float | None
    lasting: int
    lasting_s: float
    closed: int


@dataclass(frozen=True, slots=True)
class Breach:
    """Missed targets with one slow phase. `median_late`: of those that were met at last, seconds after the deadline."""

    target: str
    phase: str
    missed: int
    still_open: int
    median_late: float | None


@dataclass(frozen=True, slots=True)
class Skip:
    """`kind`: skipped or deferred."""

    kind: str
    reason: str
    channel: str
    touches: int
    leads: int


@dataclass(frozen=True, slots=True)
class Quality:
    """`known`: leads of people who were not erased since; the rest counts among them. `valid`: something works.

    `joined`: inquiries that joined an open lead instead of making a second one; `known_people`: leads of people that
    had asked us before and were not made again; `possible_duplicates`: leads of people who may be somebody we know.
    """

    leads: int
    known: int
    valid: int
    email_given: int
    email_works: int
    phone_given: int
    phone_works: int
    joined: int
    known_people: int
    possible_duplicates: int

    @property
    def share(self) -> float | None:
        return _share(self.valid, self.known)


@dataclass(frozen=True, slots=True)
class RepRow:
    """Leads by who had them at the first attempt, or has them. `rep_id` None: nobody.

    For fairness: `hot`, `outside` (came outside cover), `touches`, `open_now` and `capacity` beside the speed.
    `median` and `p90`: of the time within cover; `reaction`: median of the time since the lead was this rep's.
    """

    rep_id: str | None
    name: str | None
    active: bool
    leads: int
    hot: int
    outside: int
    attempted: int
    mean: float | None
    median: float | None
    p90: float | None
    p95: float | None
    reaction: float | None
    judged: int
    in_time: int
    touches: int
    contacted: int
    qualified: int
    converted: int
    open_now: int
    capacity: int | None

    @property
    def share(self) -> float | None:
        return _share(self.in_time, self.judged)


@dataclass(frozen=True, slots=True)
class Persistence:
    """Touches and calls in the first 48 hours, of all leads that old and of those that nobody had reached by then.

    `enough`: of the unreached, those with six touches or more. `given_up`: leads closed without a contact or a word.
    """

    leads: int
    touches: float | None
    calls: float | None
    unreached: int
    unreached_touches: float | None
    unreached_calls: float | None
    enough: int
    given_up: int
    given_up_touches: float | None
    given_up_calls: float | None

    @property
    def share(self) -> float | None:
        return _share(self.enough, self.unreached)


@dataclass(frozen=True, slots=True)
class Promises:
    """`due`: their moment has come; `kept` and `broken` of them; `waiting`: not due yet. `median_late`: of those."""

    promised: int
    due: int
    kept: int
    waiting: int
    median_late: float | None

    @property
    def broken(self) -> int:
        return self.due - self.kept

    @property
    def share(self) -> float | None:
        return _share(self.kept, self.due)


@dataclass(frozen=True, slots=True)
class Due:
    """`slot`: the hour from now, 0 the first; -1: overdue. `kind`: touch, first_attempt or reply."""

    slot: int
    starts_at: datetime
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where leads stood at one kind of moment: entry, after_contact (10 minutes after it) or the nth touch."""

    moment: str
    number: int
    count: int
    median_since: float | None
    touches: float
    calls: float
    assigned: int
    contacted: int
    logged: int
    decided: int
    handed_over: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Leads of one group with each event, whenever it happened. `of_all`: leads of the whole filter."""

    keys: tuple[str, ...]
    leads: int
    of_all: int
    acknowledged: int
    assigned: int
    attempted: int
    contacted: int
    booked: int
    qualified: int
    converted: int
    repeated: int

    @property
    def group(self) -> str:
        return " · ".join(self.keys)

    @property
    def share(self) -> float | None:
        return _share(self.converted, self.leads)

    @property
    def share_of_leads(self) -> float | None:
        return _share(self.leads, self.of_all)
