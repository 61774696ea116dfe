"""The variables by name, and the rows of docs/settings.md."""

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from speedlead.secret_files import SUFFIX
from speedlead.settings.base import PREFIX
from speedlead.settings.whole import Settings


def variables() -> dict[str, FieldInfo]:
    """Environment variable name -> field, in the order of the table."""
    return {PREFIX + name.upper(): field for name, field in Settings.model_fields.items()}


def is_secret(field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation)


def secret_file_variables() -> list[str]:
    """The variables that name a file with a secret, one for each setting that holds one."""
    return [name + SUFFIX for name, field in variables().items() if is_secret(field)]


def settings_table() -> list[tuple[str, str, str]]:
    """(variable, default, description) rows for the manual; holds defaults only, never a value in use."""
    return [(name, _default_text(field), field.description or "") for name, field in variables().items()]


def extra(field: FieldInfo, key: str) -> str | None:
    """What the field says of itself beside pydantic's own: `expected`, `default_text`."""
    found = field.json_schema_extra
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, str) else None


def _default_text(field: FieldInfo) -> str:
    text = extra(field, "default_text")
    if text is not None:
        return text
    if isinstance(field.default, bool):
        return str(field.default).lower()
    return "" if field.default in (None, PydanticUndefined) else str(field.default)
