"""Reads plan files. Errors name the file, the line and the field, and what was expected."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from speedlead.domain.plan import Plan

DEFAULT_PLAN = "inbound"


class PlanError(ValueError):
    """A plan file that cannot be used; the text is for the person who wrote the file."""


def packaged_plan(name: str = DEFAULT_PLAN) -> Path:
    return Path(str(files("speedlead") / "plans" / f"{name}.yaml"))


def load_plan(path: Path | None = None) -> Plan:
    """The plan of a YAML file, the packaged default without one. Raises PlanError."""
    file = path or packaged_plan()
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{file}: cannot be read: {error}") from None
    return parse_plan(text, str(file))


def parse_plan(text: str, name: str) -> Plan:
    """Raises PlanError with one line per fault: `inbound.yaml:31: tracks.hot.steps.2.delay: expected …`."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that the calendar does not have
        raise PlanError(f"{name}: not readable as YAML: {error}") from None
    try:
        return Plan.model_validate(data)
    except ValidationError as error:
        lines = []
        for fault in error.errors():
            place = [part for part in fault["loc"] if isinstance(part, str | int)]
            message = str(fault["msg"]).removeprefix("Value error, ")
            lines.append(f"{name}:{_line(node, place)}: {'.'.join(map(str, place)) or 'plan'}: {message}")
        raise PlanError("\n".join(lines)) from None


class _StrictLoader(yaml.SafeLoader):
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


def _line(node: yaml.Node | None, place: list[str | int]) -> int:
    """The line of the deepest part of `place` that is there."""
    line = 1
    for part in place:
        if node is None:
            break
        line = node.start_mark.line + 1
        node = _child(node, part)
    return node.start_mark.line + 1 if node is not None else line


def _child(node: yaml.Node, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        child: yaml.Node = node.value[part]
        return child
    return None
