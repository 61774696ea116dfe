"""Reads the rules of routing. Errors name the file, the line and the field, and what was expected."""

from importlib.resources import files
from pathlib import Path

from speedlead.checked_yaml import parse, read_text
from speedlead.domain.routing_rules import RoutingRules
from speedlead.jurisdictions import check_jurisdiction


def load_routing(path: Path | None = None) -> RoutingRules:
    """The rules of a YAML file, or the packaged ones. Raises FileFault with one line per fault."""
    file = path or Path(str(files("speedlead") / "routing" / "default.yaml"))
    return parse(RoutingRules, read_text(file), str(file), whole="routing", context=check_jurisdiction)
