"""YAML whose mappings know the lines they stand on, so that an error can say where. Refuses a key that stands twice."""

from collections.abc import Iterator
from typing import Any

import yaml

from speedlead.yaml_loaders import Quick, Thorough, first_that_reads


class Marked(dict[str, Any]):
    """A mapping with the line it begins on and the line of each key; lines count from 1."""

    def __init__(self, line: int = 1) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


def _marked(loader: Any, node: yaml.MappingNode) -> Iterator[Marked]:
    found = Marked(node.start_mark.line + 1)
    yield found
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "expected a word as key", key_node.start_mark)
        key = str(key_node.value)
        if key in found:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", key_node.start_mark)
        found.lines[key] = key_node.start_mark.line + 1
        found[key] = loader.construct_object(value_node, deep=True)


class _QuickLoader(Quick): ...


class _ThoroughLoader(Thorough): ...


_QuickLoader.add_constructor("tag:yaml.org,2002:map", _marked)
_ThoroughLoader.add_constructor("tag:yaml.org,2002:map", _marked)


def read(text: str) -> Any:
    """Raises yaml.YAMLError for what is no YAML, ValueError for a date that the calendar does not have."""
    return first_that_reads(text, yaml.load, _QuickLoader, _ThoroughLoader)
