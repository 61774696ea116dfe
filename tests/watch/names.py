"""Which metrics alerts and dashboard ask for."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

OBSERVABILITY = Path(__file__).parents[2] / "deploy" / "observability"
_METRIC = re.compile(r"\b((?:speedlead|temporal|process)_[a-z_]+)")
# a histogram is announced by its own name
_PARTS = re.compile(r"_(bucket|count|sum)$")


def rules() -> list[dict[str, Any]]:
    return list(yaml.safe_load((OBSERVABILITY / "alerts.yml").read_text())["groups"][0]["rules"])


def panels() -> list[dict[str, Any]]:
    return list(json.loads((OBSERVABILITY / "grafana-dashboard.json").read_text())["panels"])


def metrics_that_are_used() -> set[str]:
    asked = [rule["expr"] for rule in rules()]
    asked += [target["expr"] for panel in panels() for target in panel.get("targets", ())]
    return {_PARTS.sub("", name) for text in asked for name in _METRIC.findall(text)}
