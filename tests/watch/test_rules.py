"""Alerts and dashboard are whole: checked by Prometheus' own tool, and each alert has its words in the runbook."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from speedlead.store.figures import FIGURES
from tests.watch.names import OBSERVABILITY, metrics_that_are_used, panels, rules

DOCS = Path(__file__).parents[2] / "docs" / "operations.md"
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not there"
)


def promtool(*arguments: str, folder: Path = OBSERVABILITY) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False)


@needs_promtool
def test_the_rules_are_rules_and_the_configuration_finds_them() -> None:
    for arguments in (("check", "rules", "alerts.yml"), ("check", "config", "prometheus.yml")):
        done = promtool(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_every_alert_fires_when_it_should_and_is_quiet_when_not() -> None:
    done = promtool("test", "rules", "alerts_test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
@pytest.mark.parametrize("wrong", [("> 30", "> 3000"), ("== 0", "== 7"), (">= 2", ">= 1")])
def test_a_wrong_rule_is_found(tmp_path: Path, wrong: tuple[str, str]) -> None:
    text = (OBSERVABILITY / "alerts.yml").read_text()
    assert wrong[0] in text
    (tmp_path / "alerts.yml").write_text(text.replace(*wrong))
    shutil.copy(OBSERVABILITY / "alerts_test.yml", tmp_path)
    assert promtool("test", "rules", "alerts_test.yml", folder=tmp_path).returncode != 0


def test_every_alert_is_tested_and_has_a_section_that_says_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    tested = (OBSERVABILITY / "alerts_test.yml").read_text()
    assert [name for name in names if f'alertname="{name}"' not in tested] == []
    sections = re.findall(r"^#### (\w+)\n\n(.*?)(?=\n#|\Z)", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    assert [name for name, _ in sections] == names
    assert [name for name, text in sections if "**Do:**" not in text] == []
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_no_panel_lies_on_another_and_each_asks_something() -> None:
    seen: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & seen, panel["title"]
        seen |= cells
        assert all(target["expr"] for target in panel["targets"])
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_every_figure_is_looked_at_by_somebody() -> None:
    assert {f"speedlead_{figure.name}" for figure in FIGURES} - metrics_that_are_used() == set()
