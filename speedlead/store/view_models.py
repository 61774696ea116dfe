"""The shapes of the read models (`store/views.py` fills them): plain values, all instants aware.

Every instant is business time of the lead. A lead's present is `Clock.business(card.clock_offset_us)`.
"""

from dataclasses import dataclass
from datetime import datetime

from speedlead.store.voice_consent import VoiceConsent
from speedlead.telling import Told
from speedlead.times import known_zone


@dataclass(frozen=True, slots=True)
class LeadCard:
    """One lead as lists show it."""

    lead_id: str
    name: str | None
    company: str | None
    email: str | None
    phone: str | None
    lead_type: str
    intent: str
    source: str
    segment: str | None
    country: str | None
    tz: str | None
    stage: str
    owner_id: str | None
    owner_name: str | None
    plan: str
    program: str | None
    clock_offset_us: int
    created_at: datetime
    open_at: datetime | None
    first_attempt_due: datetime | None
    first_attempt_target: str | None
    promised_at: datetime | None
    acknowledged_at: datetime | None
    assigned_at: datetime | None
    first_attempt_at: datetime | None
    first_contact_at: datetime | None
    decided_at: datetime | None
    next_touch_at: datetime | None
    next_step: str | None
    next_why: str | None
    plan_stopped: str | None
    calling: str | None  # the step of the call that is being made at this moment
    paused: bool
    paused_until: datetime | None  # None while `paused`: until somebody resumes it
    closed_at: datetime | None
    close_reason: str | None
    message: str | None
    inquiries: int
    undelivered: int

    @property
    def zone(self) -> str:
        """The lead's zone for showing times; UTC when it is not known (`zone_known` tells)."""
        return known_zone(self.tz) or "UTC"

    @property
    def zone_known(self) -> bool:
        return known_zone(self.tz) is not None

    @property
    def title(self) -> str:
        return self.name or self.email or self.phone or f"Lead {self.lead_id[:8]}"

    @property
    def is_callback(self) -> bool:
        """What comes next is a call that was asked for, not a step of the plan."""
        return (self.next_step or "").startswith("callback-")

    @property
    def why(self) -> str | None:
        """The code of the reason why the lead is closed, stopped, or not further yet."""
        return self.close_reason or ("callback_requested" if self.is_callback else self.plan_stopped or self.next_why)

    @property
    def deadline(self) -> datetime | None:
        """What is due next: the first attempt while there was none, else the next touch."""
        due = self.first_attempt_due if self.first_attempt_at is None and self.plan_stopped is None else None
        return min((at for at in (due, self.next_touch_at) if at is not None), default=None)


@dataclass(frozen=True, slots=True)
class Contact:
    """An address of the person; `bad_reason` says why it is no longer used."""

    address: str
    verified: bool
    bad_reason: str | None


@dataclass(frozen=True, slots=True)
class Written:
    """Something the lead wrote: an inquiry or a reply. `subject` is the intent, or the reply's subject."""

    kind: str
    at: datetime
    subject: str | None
    body: str | None
    channel: str | None
    source: str | None
    consents: tuple[str, ...]
    consent_text: str | None


@dataclass(frozen=True, slots=True)
class Logged:
    """What a rep logged."""

    at: datetime
    rep_name: str | None
    call_result: str | None
    outcome: str | None
    until_at: datetime | None
    note: str | None


@dataclass(frozen=True, slots=True)
class LeadView:
    card: LeadCard
    region: str | None
    postcode: str | None
    promise_text: str | None
    emails: tuple[Contact, ...]
    phones: tuple[Contact, ...]
    written: tuple[Written, ...]
    logged: tuple[Logged, ...]
    suppressed: tuple[str, ...]
    possible_duplicate: bool
    voice_consents: tuple[VoiceConsent, ...] = ()


@dataclass(frozen=True, slots=True)
class RepView:
    rep_id: str
    name: str
    zone: str
    presence: str
    manager: bool
    open_leads: int
    unseen: int


@dataclass(frozen=True, slots=True)
class NoticeView:
    notice_id: str
    kind: str
    reason: str | None
    at: datetime
    due_at: datetime | None
    lead_id: str | None
    lead_title: str | None
    tz: str | None
    clock_offset_us: int

    @property
    def zone(self) -> str:
        return known_zone(self.tz) or "UTC"


# the condition on a lead `l`; what somebody was offered comes on top (`store/visible.py`)
VISIBLE = """({leads} = 'all'
    or {leads} = 'own' and {rep} is not null and (l.owner_id is null or l.owner_id = {rep}::uuid)
    or {leads} = 'converted' and (l.stage = 'converted' or {rep} is not null and l.owner_id = {rep}::uuid
        or exists (select from outcome o where o.lead_id = l.id and o.outcome = 'converted')))"""


# as an owner: leads that have none
NOBODY = "none"


@dataclass(frozen=True, slots=True)
class Filters:
    """None means any. `state` is open, closed or all; `plan` is `inbound` or `inbound:4` (`lead_filter.py`)."""

    stage: str | None = None
    lead_type: str | None = None
    owner_id: str | None = None
    state: str = "open"
    limit: int = 200
    # whose eyes they are for: `VISIBLE`
    leads: str = "all"
    rep_id: str | None = None
    source: str | None = None
    plan: str | None = None
    # a target of the lead was missed
    breached: bool | None = None
    next_before: datetime | None = None
    # none (inquiries alone), all, nurture or customer; None: none, or all where a plan or a program's source is given
    program: str | None = None


@dataclass(frozen=True, slots=True)
class Counters:
    open: int
    unacknowledged: int
    overdue: int
    in_doubt: int
    undelivered: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a lead's story. `what` is in plain words, `kind` the code it was stored with."""

    at: datetime
    zone: str
    kind: str
    what: str
    step: str | None
    channel: str | None
    result: str | None
    reason: str | None
    reason_text: str | None
    next_at: datetime | None
    subject: str | None = None
    body: str | None = None
    # which version of which template or script, such as `email/useful.de v3`
    made_from: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why not yet, what next, when. Texts are plain English; codes stand beside them."""

    lead_id: str
    stage: str
    zone: str
    clock_offset_us: int
    last: Entry | None
    next_step: str | None
    next_at: datetime | None
    why: str | None
    why_text: str
    waits_for: str
    changed_by: tuple[str, ...]
    owner_name: str | None
    # the codes of all that, with every step that has ended
    told: Told
