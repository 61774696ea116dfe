"""A YAML file read into a model; every fault is one line: file, line, field, and what was expected."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from speedlead.yaml_loaders import Quick, Thorough, first_that_reads

Model = TypeVar("Model", bound=BaseModel)


class FileFault(ValueError):
    """A file that cannot be used; the text is for the person who wrote it."""


def read_text(file: Path) -> str:
    """Raises FileFault."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileFault(f"{file}: cannot be read: {error}") from None


def parse(model: type[Model], text: str, name: str, *, whole: str, context: object = None) -> Model:
    """Raises FileFault with one line per fault: `inbound.yaml:31: tracks.hot.steps.2.delay: expected …`.

    `whole` names the file's contents where a fault belongs to no field; `context` is handed to the model's validators.
    """
    try:
        data = first_that_reads(text, yaml.load, _QuickLoader, _ThoroughLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that the calendar does not have
        raise FileFault(f"{name}: not readable as YAML: {error}") from None
    try:
        return model.model_validate(data, context=context)
    except ValidationError as error:
        node = first_that_reads(text, yaml.compose)
        lines = []
        for fault in error.errors():
            place = [part for part in fault["loc"] if isinstance(part, str | int)]
            message = str(fault["msg"]).removeprefix("Value error, ")
            lines.append(f"{name}:{line_of(node, place)}: {'.'.join(map(str, place)) or whole}: {message}")
        raise FileFault("\n".join(lines)) from None


class _Strict(yaml.constructor.SafeConstructor):
    """Refuses a key that stands twice in one mapping, which YAML readers silently let win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "expected a word as key", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _QuickLoader(_Strict, Quick): ...


class _ThoroughLoader(_Strict, Thorough): ...


def line_of(node: yaml.Node | None, place: Sequence[str | int]) -> int:
    """The line of the deepest part of `place` that is there."""
    if node is None:
        return 1
    for part in place:
        # of models that a field tells apart, the name of the one it is stands in the place as well, and in no file
        node = _child(node, part) or node
    return node.start_mark.line + 1


def _child(node: yaml.Node, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        child: yaml.Node = node.value[part]
        return child
    return None
