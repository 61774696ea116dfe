"""What stands in a review. It is kept as JSON, so that an old one stays what people have read: fields are only added.

No name, address or word of a lead or a rep is in it: leads are ids, people are counted.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from speedlead.domain.hygiene import Kind as HygieneKind

Kind = Literal["share", "seconds"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Figure(_Part):
    """`value` of `leads`, and `before` in the week before. `changed`: by more than chance explains."""

    title: str
    owner: str
    kind: Kind
    value: float | None
    leads: int
    before: float | None
    target: str
    tone: str
    changed: bool


class Phase(_Part):
    """A phase that leads of the week went through, or are in. `share`: of all time but the closed hours."""

    phase: str
    leads: int
    total_s: float
    median_s: float | None
    share: float
    median_before_s: float | None


class Breach(_Part):
    """Missed targets of leads of the week. `phase`: where the time went. `before`: in the week before."""

    target: str
    phase: str
    missed: int
    still_open: int
    before: int


class Trial(_Part):
    """An experiment or roll-out that ran in the week. `says`: what its figures say, in a sentence."""

    id: str
    title: str
    state: str
    persons: int
    says: str


class Worth(_Part):
    """A lead worth reading. `kind`: lost, recovered or random; `why` has codes and times alone."""

    kind: Literal["lost", "recovered", "random"]
    lead_id: str
    why: str


class Feedback(_Part):
    """What leads said in the week, and in the one before."""

    fast: int = 0
    of_speed: int = 0
    helpful: int = 0
    of_contact: int = 0
    fast_before: int = 0
    of_speed_before: int = 0
    helpful_before: int = 0
    of_contact_before: int = 0


class Check(_Part):
    """Where a goal stood `day` days after its start. `code`: as in domain/goals.py."""

    day: int
    value: float | None
    code: str
    says: str


class Goal(_Part):
    """`now`: of the four weeks that end with the review. `day`: so many days after the start; below 0 it is to come."""

    title: str
    kind: Kind
    target: float
    starts_on: str
    horizon: int
    day: int
    baseline: float | None
    now: float | None
    checks: tuple[Check, ...] = ()


class Change(_Part):
    """So many changes of one kind; `what`: versions and codes of them, the newest first."""

    kind: str
    many: int
    what: tuple[str, ...] = ()


class Quality(_Part):
    known: int = 0
    valid: int = 0
    email_given: int = 0
    email_works: int = 0
    phone_given: int = 0
    phone_works: int = 0
    joined: int = 0
    possible_duplicates: int = 0


class Contacts(_Part):
    """Reviewed contacts of the week before, 0 to 1, and of the one before that: those of a week are drawn after it."""

    reviewed: int = 0
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    reviewed_before: int = 0
    mean_before: float | None = None


class Hygiene(_Part):
    """The newest look at the base: `found` to be put right, most of them of the kind `most`. None: nobody looked."""

    looked_at: int | None = None
    found: int = 0
    before: int | None = None
    repaired: int = 0
    most: HygieneKind | None = None
    of_most: int = 0


class Review(_Part):
    """`leads`: that came in the week; `zone`: of the house, on whose clock the week is."""

    week: str
    zone: str
    leads: int
    leads_before: int
    figures: tuple[Figure, ...]
    phases: tuple[Phase, ...] = ()
    breaches: tuple[Breach, ...] = ()
    trials: tuple[Trial, ...] = ()
    worth: tuple[Worth, ...] = ()
    feedback: Feedback = Feedback()
    goals: tuple[Goal, ...] = ()
    changes: tuple[Change, ...] = ()
    quality: Quality = Quality()
    contacts: Contacts = Contacts()
    hygiene: Hygiene = Hygiene()

    @property
    def slowest(self) -> Phase | None:
        """Where most of the time is lost."""
        return self.phases[0] if self.phases else None

    @property
    def missed(self) -> int:
        return sum(one.missed for one in self.breaches)

    @property
    def missed_before(self) -> int:
        return sum(one.before for one in self.breaches)
