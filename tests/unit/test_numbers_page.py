"""The parts of the page of figures that are pure: tables, pictures, and what chance explains."""

import csv
import io
import re
from xml.etree import ElementTree

import pytest

from speedlead.gateway.numbers import charts
from speedlead.gateway.numbers.charts import Bar, Span
from speedlead.gateway.numbers.page import PANELS
from speedlead.gateway.numbers.tables import Column, Table, count, percent, seconds, share
from speedlead.numbers.agreed import Part, differs
from speedlead.numbers.metrics import METRICS


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (0, "0"),
        (1, "100"),
        (0.9999, "99.9"),
        (0.995, "99.5"),
        (0.95, "95"),
        (0.0004, "0.0"),
        (0.054, "5.4"),
        (0.5, "50"),
    ],
)
def test_a_share_is_never_rounded_up_to_all(part: float, text: str) -> None:
    assert percent(part).replace("\xa0", " ") == f"{text} %"


def test_a_file_has_plain_numbers_and_no_formulas() -> None:
    columns = (Column("Source"), count("Leads"), share("In time"), seconds("Median"))
    table = Table(columns, [("=cmd()", 1234, 0.9512, 61.5), ('with "quotes", comma', 0, None, None)])
    rows = list(csv.reader(io.StringIO(table.csv())))
    assert rows[0] == ["Source", "Leads", "In time (%)", "Median (s)"]
    assert rows[1] == ["'=cmd()", "1234", "95.12", "61.50"]
    assert rows[2] == ['with "quotes", comma', "0", "", ""]
    assert [cell.replace("\xa0", " ") for cell in table.shown()[0]] == ["=cmd()", "1,234", "95 %", "1 min 2 s"]


def test_what_somebody_typed_is_only_text_in_a_picture() -> None:
    evil = '"><script>alert(1)</script>'
    for drawn in (
        charts.bars([Bar(evil, 0.5, evil)], evil, aim=0.95, aim_says=evil),
        charts.columns([Bar(evil, 0.5, evil)], evil, under=[evil]),
        charts.spans([Span(evil, 3, 90)], evil),
    ):
        root = ElementTree.fromstring(str(drawn))  # noqa: S314 made right here
        assert [element for element in root.iter() if element.tag.endswith("script")] == []
        assert root.get("aria-label") == evil


def test_a_bar_is_as_long_as_its_part_and_never_longer_than_its_track() -> None:
    drawn = str(charts.bars([Bar("a", 0.25, ""), Bar("b", 1.7, ""), Bar("c", None, ""), Bar("d", 0, "")], "x"))
    assert re.findall(r'class="fill ?" x="0" y="\d+" width="([\d.]+)%"', drawn) == ["25.00", "100.00"]


@pytest.mark.parametrize(("many", "widest"), [(1, 20), (12, 100 / 12)])
def test_a_single_column_does_not_fill_the_page(many: int, widest: float) -> None:
    drawn = str(charts.columns([Bar("a", 0.5, "50 %")] * many, "x"))
    widths = [float(width) for width in re.findall(r'class="fill ?" .*?width="([\d.]+)%"', drawn)]
    assert (len(widths), max(widths) < widest) == (many, True)


def test_lengths_lie_in_their_order_on_the_scale() -> None:
    drawn = str(charts.spans([Span("a", 1, 60), Span("b", 3600, 86_400), Span("none", None, None)], "x"))
    dots, rings = (re.findall(rf'class="{mark}" cx="([\d.]+)%"', drawn) for mark in ("dot", "ring"))
    places = [float(at) for pair in zip(dots, rings, strict=True) for at in pair]
    assert places == sorted(places)
    assert len(places) == 4
    assert "nothing yet" in drawn


def test_a_change_is_flagged_only_when_chance_does_not_explain_it() -> None:
    assert differs(Part(900, 1000), Part(950, 1000))
    assert not differs(Part(90, 100), Part(95, 100))
    assert not differs(Part(0, 10), Part(10, 10)), "ten leads say nothing"
    assert not differs(Part(100, 100), Part(100, 100))


def test_every_panel_has_its_definition() -> None:
    assert [panel.metric for panel in PANELS if panel.metric not in METRICS] == []
    assert len({panel.name for panel in PANELS}) == len(PANELS)
