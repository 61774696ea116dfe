"""Every setting of the product, read once from the environment and passed down as one object.

Only a `main()` reads the environment; everything else gets a `Settings`. A wrong value or an unknown `SPEEDLEAD_*`
variable (a typo) stops the process with one line per mistake, before anything has started. A new setting stands in the
file of its room, with its check beside it.
"""

from speedlead.settings.base import PREFIX, SettingsError
from speedlead.settings.people import hooks_of
from speedlead.settings.reading import load_settings, read_settings
from speedlead.settings.sign_in import parse_roles
from speedlead.settings.table import secret_file_variables, settings_table, variables
from speedlead.settings.whole import Settings

__all__ = [
    "PREFIX",
    "Settings",
    "SettingsError",
    "hooks_of",
    "load_settings",
    "parse_roles",
    "read_settings",
    "secret_file_variables",
    "settings_table",
    "variables",
]
