"""Which database a command means: the one that is set, else the one that `speedlead up` keeps in the data folder."""

from speedlead.embedded import postgres_files
from speedlead.embedded.locks import up_lock
from speedlead.embedded.postgres import dsn
from speedlead.settings import Settings


def database_of(settings: Settings) -> str | None:
    """Its address; None when none is set and no `speedlead up` is running on this data folder."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    if not settings.data_dir.exists() or not up_lock(settings.data_dir).is_taken():
        return None
    return dsn(postgres_files.socket_folder(settings.data_dir))
