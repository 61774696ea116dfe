"""YAML whose mappings know the lines they stand on, so that an error can say where. Refuses a key that stands twice."""

from typing import Any

import yaml


class Marked(dict[str, Any]):
    """A mapping with the line it begins on and the line of each key; lines count from 1."""

    def __init__(self, line: int = 1) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class _Loader(yaml.SafeLoader):
    def construct_marked(self, node: yaml.MappingNode) -> Any:
        found = Marked(node.start_mark.line + 1)
        yield found
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "expected a word as key", key_node.start_mark)
            key = str(key_node.value)
            if key in found:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            found.lines[key] = key_node.start_mark.line + 1
            found[key] = self.construct_object(value_node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_marked)


def read(text: str) -> Any:
    """Raises yaml.YAMLError for what is no YAML, ValueError for a date that the calendar does not have."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
