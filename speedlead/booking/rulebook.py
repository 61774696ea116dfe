"""Reads the rules of booking. Errors name the file, the line and the field, and what was expected."""

from importlib.resources import files
from pathlib import Path

from speedlead.checked_yaml import FileFault, parse, read_text
from speedlead.domain.booking import BookingRules


class BookingError(FileFault):
    """A file about booking that cannot be used; the text is for the person who wrote the file."""


def load_booking(path: Path | None = None) -> BookingRules:
    """The rules of a YAML file, or the packaged ones. Raises BookingError with one line per fault."""
    file = path or Path(str(files("speedlead") / "booking" / "default.yaml"))
    try:
        return parse(BookingRules, read_text(file), str(file), whole="booking")
    except FileFault as fault:
        raise BookingError(str(fault)) from None
