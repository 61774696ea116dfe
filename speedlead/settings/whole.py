"""All rooms together, as one object."""

from pydantic import SecretStr

from speedlead.settings.assistant import Assistant
from speedlead.settings.base import PREFIX
from speedlead.settings.booking import Booking
from speedlead.settings.hygiene import Hygiene
from speedlead.settings.other_systems import OtherSystems
from speedlead.settings.people import People
from speedlead.settings.personal_data import PersonalData
from speedlead.settings.places import Places
from speedlead.settings.product import Product
from speedlead.settings.providers import Providers
from speedlead.settings.sign_in import SignIn
from speedlead.settings.temporal import Temporal
from speedlead.settings.watching import Watching


# pydantic takes the fields of the last one first; the table (docs/settings.md) follows
class Settings(
    Watching,
    Hygiene,
    Assistant,
    Product,
    Booking,
    OtherSystems,
    People,
    SignIn,
    PersonalData,
    Providers,
    Temporal,
    Places,
):
    """What can be configured. Descriptions become the table in docs/settings.md (`speedlead settings`)."""

    def to_environment(self) -> dict[str, str]:
        """What was set explicitly, as variables for a child process. Holds secrets: never print it."""
        found: dict[str, str] = {}
        for name in self.model_fields_set:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            if isinstance(value, list):
                value = ",".join(value)
            if value is not None:
                found[PREFIX + name.upper()] = str(value)
        return found
