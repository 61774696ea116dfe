"""The weekly look at the whole base (docs/hygiene.md)."""

from pydantic import Field, field_validator

from speedlead.settings.base import Names, Room, Switch


class Hygiene(Room):
    hygiene_at: str = Field("mon 05:00", description="When the whole base is looked at, on the clock of the house")
    hygiene_fields: Names = Field(
        ["name", "place"],
        description="What an open lead has to have: some of name, company, email, phone, place",
        json_schema_extra={"default_text": "name,place"},
    )
    hygiene_repairs: Switch = Field(
        True, description="Whether names, addresses and numbers are written as the form would write them, by themselves"
    )

    @field_validator("hygiene_at")
    @classmethod
    def _hygiene_at(cls, value: str) -> str:
        from speedlead.domain.review_week import parse_moment

        try:
            parse_moment(value)
        except ValueError:
            raise ValueError("a day and a time such as mon 05:00") from None
        return value

    @field_validator("hygiene_fields")
    @classmethod
    def _hygiene_fields(cls, value: list[str]) -> list[str]:
        from speedlead.domain.hygiene import FIELDS

        if any(name not in FIELDS for name in value):
            raise ValueError(f"some of {', '.join(FIELDS)}, separated by commas")
        return value
