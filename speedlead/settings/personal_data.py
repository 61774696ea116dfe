"""How long personal data are kept, and what encrypts them on their way (docs/personal-data.md)."""

from pydantic import Field, SecretStr, field_validator

from speedlead.settings.base import Count, Room, Switch


class PersonalData(Room):
    keep_leads_days: Count = Field(1095, description="Days after the last lead has closed until a person is erased")
    keep_story_days: Count = Field(400, description="Days after a lead has closed until its story is deleted")
    merge_certain_duplicates: Switch = Field(
        False, description="Whether entries with one mailbox, by its provider's rule, become one person by themselves"
    )
    payload_encryption: Switch = Field(
        True, description="Whether what Temporal carries is encrypted; what was encrypted stays readable without it"
    )
    payload_keys: SecretStr | None = Field(
        None, description="Keys for that, id:base64 each, the newest first; empty uses the one in the data folder"
    )

    @field_validator("payload_keys")
    @classmethod
    def _payload_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            from speedlead.payload_keys import parse_keys

            parse_keys(value.get_secret_value())
        return value
