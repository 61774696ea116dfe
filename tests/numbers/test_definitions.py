"""docs/metrics.md, METRICS and the views say the same."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from speedlead.numbers import questions, rows
from speedlead.numbers.metrics import ALL_LEADS, GROUPS, METRICS, TIMES, Metric
from speedlead.numbers.quality import QualityNumbers
from speedlead.numbers.read import Numbers
from speedlead.numbers.voices import Voices
from tests.numbers.cases import a_lead, period

DOC = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")


def row(metric: Metric) -> str:
    target = metric.target or "–"
    if metric.goal is not None:
        target += f"; {metric.goal:.0%} of leads"
    name = metric.column if metric.view == "metric_lead" and metric.column else metric.view
    return (
        f"| {metric.title} (`{metric.name}`) | {metric.question} | {metric.events} | {metric.clock} | {metric.unit} | "
        f"{target} | {metric.left_out or '–'} | `{name}` | {metric.source} |"
    )


@pytest.mark.parametrize("name", METRICS)
def test_the_document_has_every_metric_as_it_is(name: str) -> None:
    assert row(METRICS[name]) in DOC.splitlines()


def test_the_document_has_no_metric_that_is_not_there() -> None:
    assert set(re.findall(r"^\| [^|]+\(`(\w+)`\) \|", DOC, re.MULTILINE)) == set(METRICS)
    assert f"Left out of everything: {ALL_LEADS}." in DOC


async def test_every_column_is_in_its_view(conn: Any) -> None:
    found = await conn.fetch(
        """select c.relname as view, a.attname as name, format_type(a.atttypid, null) as type
           from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relkind = 'v' and a.attnum > 0"""
    )
    types = {(column["view"], column["name"]): column["type"] for column in found}
    for metric in METRICS.values():
        assert (metric.view, metric.column or "lead_id") in types, metric.name
        if metric.name in TIMES:
            assert types[metric.view, metric.column] == "double precision", metric.name
        if metric.in_time is not None:
            assert types[metric.view, metric.in_time] == "boolean", metric.name
            assert types[metric.view, metric.due] == "timestamp with time zone", metric.name
    views = {view for view, _ in types if view.startswith("metric_")}
    assert views == {metric.view for metric in METRICS.values()}
    worked_out = {"team", *questions.MOMENTS}
    for group, column in GROUPS.items():
        assert group in worked_out or ("metric_lead", column) in types


async def test_every_metric_can_be_read(numbers: Numbers, conn: Any) -> None:
    """By its name, but for what is a part of another answer."""
    await a_lead(conn)
    part_of = {"calls_48h": "touches_48h", "given_up": "touches_48h", "due": "due_next", "repeat_share": "worth",
               "deal_value": "worth", "lifetime_value": "worth", "change_values": "changes"}  # fmt: skip
    for metric in METRICS.values():
        if metric.name in TIMES:
            assert await numbers.spread(metric.name, period())
        else:
            quality = QualityNumbers(numbers._pool)
            others: dict[str, Any] = {
                "feedback": Voices(numbers._pool).said, "contact_quality": quality.quality_by_rep,
                "texts": quality.versions,
            }  # fmt: skip
            read = others.get(metric.name) or getattr(numbers, part_of.get(metric.name, metric.name))
            await read(1 if metric.name == "due" else period())


def test_the_rows_say_what_their_fields_are() -> None:
    for name, kind in vars(rows).items():
        if dataclasses.is_dataclass(kind):
            assert kind.__doc__, name
            assert not kind.__doc__.startswith(f"{name}("), f"{name} has no words"
