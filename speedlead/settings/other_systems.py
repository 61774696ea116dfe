"""What other systems get from us, tell us and are asked."""

from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from speedlead.settings.base import PREFIX, Hosts, Names, Place, Room


class OtherSystems(Room):
    # webhooks that we send (docs/webhooks.md)
    hook_hosts: Hosts = Field(
        default_factory=list,
        description="Hosts and private networks (names, CIDR, comma separated) that webhooks may go to, also by http; "
        "else public hosts by https only",
    )
    hook_retry_days: int = Field(
        5, ge=1, le=30, description="Days after which an event that an endpoint does not take is given up"
    )
    hook_dead_days: int = Field(
        3, ge=1, le=30, description="Days of nothing but failures after which an endpoint is switched off"
    )
    keep_hook_days: int = Field(
        30, ge=1, le=365, description="Days for which events can be sent again and the log of webhooks is kept"
    )

    # what other systems tell us (docs/mappings.md)
    mappings_dir: Place | None = Field(
        None, description="Folder of mappings of your own; they go before the packaged ones of the same name"
    )
    mapping_secrets_dir: Place | None = Field(
        None,
        description="Folder with a file for each secret that senders sign with, named as the mapping says",
        json_schema_extra={"default_text": "{data_dir}/mapping-secrets"},
    )
    mappings_unsigned: Names = Field(
        default_factory=list,
        description="Mappings (comma separated) with the scheme none that take what anybody sends",
    )
    ticket_cost: str | None = Field(
        None, description="What a ticket of the helpdesk costs, such as 12.50 EUR, where its mapping does not say"
    )

    # an outside source about companies (docs/enrichment.md)
    company_source_url: str | None = Field(
        None, description="Address that is asked about companies, with {domain} for that of their mail; empty: none"
    )
    company_source_fields: str = Field(
        "company=name,employees=employees,industry=industry,country=country",
        description="fact=path, comma separated: where in its JSON answer company, employees, industry and country are",
    )
    company_source_header: str = Field("Authorization", description="Header in which it gets its secret")
    company_source_secret: SecretStr | None = Field(
        None, description="That header's whole value, such as Bearer …; empty: none"
    )
    company_source_hosts: Hosts = Field(
        default_factory=list,
        description="Hosts and private networks (names, CIDR, comma separated) where it may be, also by http; "
        "else public hosts by https only",
    )

    @field_validator("ticket_cost")
    @classmethod
    def _ticket_cost(cls, value: str | None) -> str | None:
        if value is not None:
            from speedlead.mappings.money import parse_cost

            parse_cost(value)
        return value

    @field_validator("company_source_url")
    @classmethod
    def _company_source_url(cls, value: str | None) -> str | None:
        if value is not None:
            from speedlead.enrichment.source import check_url

            check_url(value)
        return value

    @field_validator("company_source_fields")
    @classmethod
    def _company_source_fields(cls, value: str) -> str:
        from speedlead.enrichment.source import parse_fields

        parse_fields(value)
        return value

    @field_validator("company_source_header")
    @classmethod
    def _company_source_header(cls, value: str) -> str:
        from speedlead.enrichment.source import check_header

        check_header(value)
        return value

    @model_validator(mode="after")
    def _company_source_is_allowed(self) -> Self:
        if self.company_source_url is not None:
            from speedlead.enrichment.source import check_reach

            try:
                check_reach(self.company_source_url, self.company_source_hosts)
            except ValueError as error:
                raise ValueError(f"{PREFIX}COMPANY_SOURCE_URL: expected {error}") from None
        return self
