"""What all contracts share."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from speedlead.domain.placing import LAST_YEAR

Channel = Literal["call", "sms", "email"]
LeadType = Literal["hot", "warm", "cold"]
# a person's note never travels here; reasons are short codes
# control characters cannot be stored, and nobody means them
_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
Code = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=_PRINTABLE)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PRINTABLE)]


def _soon(at: datetime) -> datetime:
    if at.year >= LAST_YEAR:
        raise ValueError(f"expected a moment before the year {LAST_YEAR}")
    return at


Soon = Annotated[AwareDatetime, AfterValidator(_soon)]


class Contract(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Steered(Contract):
    """What somebody asked of a lead by an update, for its line in the audit.

    `by`: as it was typed, None where nothing was. `asked`: the other fields but the reason; codes, ids and times.
    """

    update_id: str
    update: str
    # business time of the lead
    at: AwareDatetime
    by: str | None = None
    reason: str | None = None
    asked: dict[str, str] = Field(default_factory=dict)
