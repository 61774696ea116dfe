"""What a CRM is told of a lead's status and owner, and what a change over there means to us. Pure.

Two systems write the same two fields. For each we remember what it was when both were last of one mind, so that our own
write, coming back, is no news, and what nobody has changed is never written over what somebody has.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

# what a system says of a lead that was made into a contact and an opportunity, whatever its status is called
CONVERTED = "(converted)"
# the object of a record that was made of such a lead
CONTACT_OF_LEAD = "Contact"


@dataclass(frozen=True, slots=True)
class Record:
    """How a lead stands over there. `about`: our id that the record carries.

    `status`, `owner`: theirs, when we last wrote or read them; `stage`, `owner_id`: ours, when we last told of them.
    `writing_*`: what is on its way to them, which is ours as well when it comes back. `made`: by us, and not there
    before. `gone`: somebody deleted it.
    """

    about: str
    external_id: str
    object: str
    status: str | None = None
    owner: str | None = None
    stage: str | None = None
    owner_id: str | None = None
    writing_status: str | None = None
    writing_owner: str | None = None
    made: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """`statuses`: our stage, or `closed/<reason>`, to their word; `outcomes`: their word to our outcome."""

    statuses: Mapping[str, str]
    outcomes: Mapping[str, str]

    def status_of(self, stage: str, close_reason: str | None) -> str | None:
        return self.statuses.get(f"{stage}/{close_reason}", self.statuses.get(stage))

    def same(self, one: str | None, other: str | None) -> bool:
        """Two of their words that mean the same to us: theirs is finer, and stays."""
        if one == other:
            return True
        meant = self.outcomes.get(one or "")
        return meant is not None and meant == self.outcomes.get(other or "")


def status_to_tell(record: Record | None, words: Words, stage: str, close_reason: str | None) -> str | None:
    """Their word, where our stage is another one than they were told, and theirs does not say so already."""
    wanted = words.status_of(stage, close_reason)
    if wanted is None or record is None:
        return wanted
    return None if record.stage == stage or words.same(record.status, wanted) else wanted


def tells_owner(record: Record | None, owner_id: str | None) -> bool:
    """Has the owner changed here since they were told?"""
    return owner_id is not None and (record is None or record.owner_id != owner_id)


def may_delete(record: Record | None, *, customer: bool, shared: bool) -> bool:
    """Of an erased person: what was there before us, is a customer's, or somebody else's too, is not ours to delete.

    They are asked to. `shared`: of two that were merged over there the other one is still with us.
    """
    return record is not None and record.made and record.object != CONTACT_OF_LEAD and not customer and not shared


def settled(now: Record, before: Record, after: Record) -> Record:
    """What telling has changed, on what a look has found in the meantime."""
    told = {name: getattr(after, name) for name in Record.__dataclass_fields__}
    return replace(now, **{name: value for name, value in told.items() if value != getattr(before, name)})


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands over there now. `owner`: their id; `owner_email` None: nobody, or nobody with an address.

    `about`: our id that it carries, where it is that of a record which may have another id of theirs now.
    """

    external_id: str
    status: str | None
    owner: str | None
    owner_email: str | None
    gone: bool = False
    about: str | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What somebody has changed over there; `outcome` and `owner_email` None: nothing that we act on."""

    outcome: str | None = None
    owner_email: str | None = None


def read(record: Record, seen: Seen, words: Words) -> tuple[Record, News]:
    """The record as both are of one mind from now on, and what is new. What is ours, or was known, is no news."""
    if seen.gone:
        return replace(record, gone=True), News()
    outcome = owner = None
    if seen.status not in (record.status, record.writing_status) and not words.same(record.status, seen.status):
        outcome = words.outcomes.get(seen.status or "")
    if seen.owner not in (record.owner, record.writing_owner):
        owner = seen.owner_email
    made = record.made and seen.external_id == record.external_id
    known = replace(record, external_id=seen.external_id, status=seen.status, owner=seen.owner, made=made, gone=False)
    return known, News(outcome, owner)
