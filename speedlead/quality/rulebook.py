"""Reads what contacts are reviewed by. Errors name the file, the line and the field, and what was expected."""

from importlib.resources import files
from pathlib import Path

from speedlead.checked_yaml import FileFault, parse, read_text
from speedlead.domain.quality import QualityRules


class QualityError(FileFault):
    """A file about quality that cannot be used; the text is for the person who wrote the file."""


def load_quality(path: Path | None = None) -> QualityRules:
    """The rules of a YAML file, or the packaged ones. Raises QualityError with one line per fault."""
    file = path or Path(str(files("speedlead") / "quality" / "default.yaml"))
    try:
        return parse(QualityRules, read_text(file), str(file), whole="quality")
    except FileFault as fault:
        raise QualityError(str(fault)) from None
