"""What the product says and decides by: names, languages, files of rules, the weekly review."""

from typing import Annotated

from pydantic import Field, field_validator

from speedlead.settings.base import Phone, Place, Room, Switch


class Product(Room):
    company_name: str = Field("Acme", min_length=1, description="Name in messages, pages and call scripts")
    company_phone: Phone | None = Field(
        None, description="Number that a lead may call, E.164, shown in acknowledgements"
    )
    templates_dir: Place | None = Field(
        None, description="Folder of message templates and scripts of your own, laid over the packaged ones"
    )
    language: str = Field(
        "en",
        pattern="^[a-z]{2,3}$",
        description="Language of messages to leads who have asked for none that we write",
        json_schema_extra={"expected": "a language such as en"},
    )
    sms_segments: Annotated[int, Field(ge=1, le=10, json_schema_extra={"expected": "a number 1..10"})] = Field(
        3, description="Most segments that a text message may take"
    )

    plan_file: Place | None = Field(None, description="Plan to follow; empty uses the packaged inbound.yaml")
    law_file: Place | None = Field(
        None, description="File or folder of law rows of your own, laid over the packaged ones"
    )
    calendars_file: Place | None = Field(
        None, description="Business calendars: closures, half days, on-call cover; empty uses the packaged ones"
    )
    routing_file: Place | None = Field(
        None, description="Rules of routing: weights, what may be given up; empty uses the packaged ones"
    )
    lanes_file: Place | None = Field(
        None, description="Rules of what makes a lead hot, warm, cold or of low quality; empty uses the packaged ones"
    )
    quality_file: Place | None = Field(
        None, description="What contacts are reviewed by: share, criteria; empty uses the packaged ones"
    )

    # the weekly review (docs/review.md)
    house_zone: str = Field("UTC", description="Time zone of the house, by which its weeks and goals are counted")
    review_at: str = Field("mon 07:00", description="When the review of the week before is composed and sent")
    review_mail: Switch = Field(
        True, description="Whether managers and admins get it by mail; the page has it in any case"
    )

    @field_validator("house_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        from speedlead.domain.calendar import parse_zone

        try:
            return parse_zone(value)
        except ValueError:
            raise ValueError("a time zone such as Europe/Berlin") from None

    @field_validator("review_at")
    @classmethod
    def _review_at(cls, value: str) -> str:
        from speedlead.domain.review_week import parse_moment

        try:
            parse_moment(value)
        except ValueError:
            raise ValueError("a day and a time such as mon 07:00") from None
        return value
