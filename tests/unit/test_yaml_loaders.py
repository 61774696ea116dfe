"""Two parsers, one answer: what libyaml reads is what the one in Python reads, and its words say what is wrong."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from speedlead import checked_yaml, marked_yaml, yaml_loaders
from speedlead.yaml_loaders import Quick, Thorough, first_that_reads

PACKAGED = sorted(Path(str(files("speedlead"))).rglob("*.yaml"))
ODD = [
    "a: &x {b: 1, c: [1, 2]}\nd: *x\ne:\n  <<: *x\n  b: 2\n",
    "a: |\n  two\n  lines\nb: >-\n  folded\n  text\n",
    "on: 'it''s'\n\"q\": \"\\u00e9\\t\"\nn: ~\nt: 12:30\nd: 2026-11-22\n",
    "",
    "# nothing",
    "- - - a\n- {a: [b, {c: d}]}\n",
]


def plain(found: Any) -> Any:
    """With the lines that a marked mapping knows."""
    if isinstance(found, dict):
        lines = (found.line, found.lines) if isinstance(found, marked_yaml.Marked) else None
        return lines, {key: plain(value) for key, value in found.items()}
    return [plain(value) for value in found] if isinstance(found, list) else found


def positions(node: yaml.Node | None) -> Any:
    if node is None:
        return None
    inner = [positions(part) for part in node.value if isinstance(part, yaml.Node)]
    pairs = [(positions(k), positions(v)) for k, v in node.value] if isinstance(node, yaml.MappingNode) else []
    return node.tag, node.start_mark.line, inner, pairs


def test_there_is_a_quick_parser_here() -> None:
    assert Quick is not Thorough


@pytest.mark.parametrize("text", [*(file.read_text("utf-8") for file in PACKAGED), *ODD])
def test_both_read_the_same(text: str) -> None:
    for room in (checked_yaml, marked_yaml):
        quick, thorough = yaml.load(text, room._QuickLoader), yaml.load(text, room._ThoroughLoader)  # noqa: S506
        assert plain(quick) == plain(thorough)
    assert positions(yaml.compose(text, Quick)) == positions(yaml.compose(text, Thorough))


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2", "? [x]\n: y", "a: [1", "a: 2026-02-30", "a\0b", "\ud800", "a: b: c", "\tx: y", "*gone"]
)
def test_what_is_wrong_is_said_in_the_same_words(text: str) -> None:
    for room in (checked_yaml, marked_yaml):
        with pytest.raises((yaml.YAMLError, ValueError)) as thorough:
            yaml.load(text, room._ThoroughLoader)  # noqa: S506
        with pytest.raises((yaml.YAMLError, ValueError)) as said:
            first_that_reads(text, yaml.load, room._QuickLoader, room._ThoroughLoader)
        assert str(said.value) == str(thorough.value)


@pytest.mark.parametrize("level", ["[", "- ", "{a: ", "? "])
def test_a_text_that_is_nested_too_deeply_never_reaches_the_parser_that_would_end_the_process(level: str) -> None:
    text = level * 40_000
    assert yaml_loaders._levels(text) > yaml_loaders._DEEPEST
    with pytest.raises((yaml.YAMLError, RecursionError)):
        first_that_reads(text, yaml.load)


def test_the_level_of_a_block_is_counted_by_its_column() -> None:
    text = "\n".join(" " * level + f"{chr(97 + level % 26)}:" for level in range(2_500))
    assert yaml_loaders._levels(text) > yaml_loaders._DEEPEST
    assert max(yaml_loaders._levels(file.read_text("utf-8")) for file in PACKAGED) < yaml_loaders._DEEPEST / 2
